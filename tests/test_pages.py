"""The pages are true: their programs have the findings they say, and the fixes make of them what they show."""

from __future__ import annotations

import ast
import runpy
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import harness
from rea_lint import rule
from rea_lint.diagnostic import Applicability

if TYPE_CHECKING:
    from rea_lint.page import Block

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
    run = harness.check(page.page.blocks[at].files, extend_select=(page.code,))
    assert harness.problems(run, strict={page.code}) == [], _shown(page, at)


@pytest.mark.parametrize(("page", "at"), FIXED)
def test_the_fixes_make_of_a_program_what_the_next_block_shows(page: rule.Rule, at: int) -> None:
    block = page.page.blocks[at]
    before = _before(page, at)
    least = Applicability.UNSAFE if block.fixed == "unsafe" else Applicability.SAFE
    wanted = {name: harness.without_expectations(text) for name, text in block.files.items()}
    after = harness.fixed(before.files, least)
    assert after == wanted, _shown(page, at)
    assert harness.fixed(after, least) == after
    for text in after.values():
        ast.parse(text)


def _before(page: rule.Rule, at: int) -> Block:
    earlier = [block for block in page.page.blocks[:at] if block.language == "python"]
    assert earlier, f"{page.code}: a fixed block follows the program that was fixed"
    return earlier[-1]


def _shown(page: rule.Rule, at: int) -> str:
    return f"{page.check.__module__.replace('.', '/')}.py, block {at} of the page, line {page.page.blocks[at].row} of the docstring"


def test_the_pages_in_docs_are_the_rules_pages() -> None:
    generator = runpy.run_path(str(Path(__file__).parents[1] / "docs" / "generate.py"))
    assert generator["main"]("--check") == 0, "run `just docs` and commit the result"
