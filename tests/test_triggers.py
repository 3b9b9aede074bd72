"""What rules ask of a function before it is parsed: they find the same as if every function were."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

import harness
from rea_lint import rule

RULES = rule.load_all()
TRIGGERED = tuple(each for each in RULES if each.trigger is not None)
OPEN = tuple(replace(each, trigger=None) for each in TRIGGERED)
FIXTURES = sorted(folder for folder in (Path(__file__).parent / "fixtures").iterdir() if folder.is_dir())


def said(texts: dict[str, str], rules: tuple[rule.Rule, ...]) -> list[tuple[str, str, int, str]]:
    found, _ = harness.visit(texts, rules)
    return sorted((each.rule.code, each.path, each.finding.span.start, each.finding.message) for each in found)


@pytest.mark.parametrize("page", RULES, ids=lambda page: page.code)
def test_no_trigger_hides_what_is_wrong_in_the_programs_of_a_page(page: rule.Rule) -> None:
    for block in page.page.blocks:
        texts = {name: harness.without_expectations(text) for name, text in block.files.items()}
        assert said(texts, TRIGGERED) == said(texts, OPEN), (
            f"line {block.row} of the page: a trigger says no where its rule has something to say"
        )


@pytest.mark.parametrize("folder", FIXTURES, ids=lambda folder: folder.name)
def test_no_trigger_hides_what_is_wrong_in_a_fixture(folder: Path) -> None:
    texts = {path.relative_to(folder).as_posix(): path.read_bytes().decode("utf-8", "replace") for path in sorted(folder.rglob("*.py"))}
    assert said(texts, TRIGGERED) == said(texts, OPEN), "a trigger says no where its rule has something to say"
