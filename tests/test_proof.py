"""What pages claim happens, happens on the real SDK; and the driver sees each outcome where it is and not where it is not."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from proof.outcome import Outcome
from proof.pages import Case, Workers, cases, mended, proved, unproved
from proof.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAMS = Path(__file__).parent / "proof" / "fixtures"

pytestmark = pytest.mark.proof


@pytest.fixture(scope="session")
def workers() -> Iterator[Workers]:
    both = Workers(Worker(1, "UTC"), Worker(2, "Asia/Tokyo"))
    yield both
    both.close()


@pytest.mark.parametrize("case", cases(), ids=str)
def test_a_claim_names_an_outcome(case: Case) -> None:
    known = "\n".join(f"    {outcome.value}" for outcome in Outcome)
    assert case.outcome is not None, f'{case}: fails="{case.claim}" names no outcome.  There are:\n{known}'


@pytest.mark.parametrize("case", [case for case in cases() if case.is_in_process], ids=str)
def test_a_program_fails_as_its_page_says(case: Case, workers: Workers) -> None:
    verdict = proved(case, workers)
    assert str(verdict) == case.claim, f"{case}: {verdict} ({verdict.mode}; {verdict.detail})"


@pytest.mark.parametrize("case", [case for case in cases() if case.is_fix], ids=str)
def test_what_the_fixes_make_of_it_is_right(case: Case, workers: Workers) -> None:
    verdict = mended(case, workers)
    assert str(verdict) == case.end, f"{case}, fixed: {verdict} ({verdict.mode}; {verdict.detail})"


def test_every_error_rule_is_proved() -> None:
    assert unproved() == [], 'say what a program does on the SDK: ```python fails="..."'


def test_a_page_that_lies_is_found_out(workers: Workers) -> None:
    honest = next(case for case in cases() if case.code == "REA101")
    lying = replace(honest, claim=str(Outcome.UNRUN.value))
    assert str(proved(lying, workers)) == honest.claim != lying.claim


@pytest.mark.parametrize("path", sorted(PROGRAMS.glob("*.py")), ids=lambda path: path.stem)
def test_the_driver_tells_outcomes_apart(path: Path, workers: Workers) -> None:
    """A program's first line says what comes of it: `# outcome: ...`."""
    text = path.read_text("utf-8")
    claim = text.partition("\n")[0].removeprefix("# outcome: ")
    case = Case("REA000", path.stem, 1, claim, {"app.py": text}, {}, is_fix=False)
    verdict = proved(case, workers)
    assert str(verdict) == claim, f"{path.name}: {verdict} ({verdict.mode}; {verdict.detail})"


def test_what_was_written_down_is_what_pages_say() -> None:
    """For readers (`docs/proof.md`, `rea-lint rule`); that it is true is tested above."""
    said = {(case.code, case.number): case.claim for case in cases()}
    written = json.loads((Path(__file__).parent.parent / "src" / "rea_lint" / "proof.json").read_text("utf-8"))
    stale = sorted({entry["code"] for entry in written if said.get((entry["code"], entry["number"])) != entry["claim"]})
    assert stale == [], f"run `just prove --only {','.join(stale)}`"
