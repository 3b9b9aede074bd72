"""The pages are true: their programs have the findings they say, and the fixes make of them what they show."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from rea_lint import rule, testing

PROGRAMS = [
    pytest.param(each, at, id=f"{each.code} {at}")
    for each in rule.load_all()
    for at, block in enumerate(each.page.blocks)
    if block.language == "python"
]
FIXED = [
    pytest.param(each, at, id=f"{each.code} {at}")
    for each in rule.load_all()
    for at, block in enumerate(each.page.blocks)
    if block.fixed is not None
]


def test_the_registry_is_valid() -> None:
    assert rule.validate(rule.load_all()) == []


def test_the_index_says_what_the_registry_says() -> None:
    loaded = {each.code: each for each in rule.load_all()}
    entries = {entry.code: entry for entry in rule.index()}
    assert loaded.keys() == entries.keys()
    for code, entry in entries.items():
        same = loaded[code]
        assert (entry.name, entry.severity, entry.default, entry.module) == (same.name, same.severity, same.default, same.check.__module__)
        assert [part.rpartition(".")[2].strip() for part in entry.looks_at.split("|")] == [kind.__name__ for kind in same.looks_at]


@pytest.mark.parametrize(("page", "at"), PROGRAMS)
def test_a_program_has_the_findings_that_it_says(page: rule.Rule, at: int) -> None:
    assert testing.program_problems(page, page.page.blocks[at]) == [], _shown(page, at)


@pytest.mark.parametrize(("page", "at"), FIXED)
def test_the_fixes_make_of_a_program_what_the_next_block_shows(page: rule.Rule, at: int) -> None:
    assert list(testing.fix_problems(page, at)) == [], _shown(page, at)


def _shown(page: rule.Rule, at: int) -> str:
    return f"{page.check.__module__.replace('.', '/')}.py, block {at} of the page, line {page.page.blocks[at].row} of the docstring"


def test_the_pages_in_docs_are_the_rules_pages() -> None:
    generator = runpy.run_path(str(Path(__file__).parents[1] / "docs" / "generate.py"))
    assert generator["main"]("--check") == 0, "run `just docs` and commit the result"
