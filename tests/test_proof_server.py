"""What pages claim happens on a real restate-server: what only it shows, and all that the driver says, as a check of the driver."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from proof.outcome import Outcome
from proof.pages import Case, cases, mended_on_server, seen_on_server
from proof.server import Server, missing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

REQUIRED = bool(os.environ.get("REA_LINT_PROVE"))
"""Whether a server that is missing is a failure, as on CI."""

pytestmark = [pytest.mark.proof, pytest.mark.slow, pytest.mark.skipif(missing() is not None and not REQUIRED, reason=str(missing()))]

PROGRAMS = Path(__file__).parent / "proof" / "on_server"


TRIES = 3
"""How often a program is run until it does what is claimed: its timers are real, and on a busy machine one may win that should not."""


def watched(case: Case, server: Server, holds: Callable[[set[str]], bool]) -> tuple[set[str], str]:
    """What comes of a program, in words, with the details of the last run."""
    seen: set[str] = set()
    told = ""
    for _ in range(TRIES):
        verdicts = seen_on_server(case, server)
        seen = {str(verdict) for verdict in verdicts}
        told = "\n".join(f"{each} ({each.mode}; {each.detail})" for each in verdicts)
        if holds(seen):
            break
    return seen, told


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    started = Server()
    yield started
    started.close()


@pytest.mark.parametrize("case", [case for case in cases() if case.outcome is not None and case.outcome.is_seen_by_server], ids=str)
def test_a_program_fails_on_the_server_as_its_page_says(case: Case, server: Server) -> None:
    seen, told = watched(case, server, lambda seen: case.claim in seen)
    assert case.claim in seen, told


@pytest.mark.parametrize("case", [case for case in cases() if case.is_fix], ids=str)
def test_what_the_fixes_make_of_it_is_right_on_the_server(case: Case, server: Server) -> None:
    for _ in range(TRIES):
        verdict = mended_on_server(case, server)
        if str(verdict) == case.end:
            break
    assert str(verdict) == case.end, f"{case}, fixed: {verdict} ({verdict.mode}; {verdict.detail})"


def test_a_page_that_lies_is_found_out_on_the_server(server: Server) -> None:
    """So is a driver that is wrong: a page says what the driver does."""
    honest = next(case for case in cases() if case.code == "REA101")
    seen = {str(verdict) for verdict in seen_on_server(honest, server)}
    assert honest.claim in seen
    assert replace(honest, claim=Outcome.UNRUN.value).claim not in seen


@pytest.mark.parametrize("path", sorted(PROGRAMS.glob("*.py")), ids=lambda path: path.stem)
def test_what_only_a_server_shows(path: Path, server: Server) -> None:
    """A program's first line says what comes of it: `# outcome: ...`."""
    text = path.read_text("utf-8")
    claim = text.partition("\n")[0].removeprefix("# outcome: ")
    case = Case("REA000", path.stem, 1, claim, {"app.py": text}, {}, is_fix=False)
    seen, told = watched(case, server, lambda seen: claim in seen and (claim != "completed" or seen == {claim}))
    assert claim in seen, told
    assert claim != "completed" or seen == {claim}, told
