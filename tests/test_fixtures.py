"""Each folder of fixtures is a small project that says in comments what is to be found in it."""

from __future__ import annotations

from pathlib import Path

import pytest

import harness

FIXTURES = sorted(folder for folder in (Path(__file__).parent / "fixtures").iterdir() if folder.is_dir())


@pytest.mark.parametrize("folder", FIXTURES, ids=[folder.name for folder in FIXTURES])
def test_a_project_has_the_findings_that_it_says(folder: Path) -> None:
    assert harness.problems(harness.check_folder(folder)) == []


def test_an_expectation_that_is_misspelt_is_said() -> None:
    with pytest.raises(ValueError, match="row 2: write"):
        harness.expectations("x = 1\ny = 2  # expect: rea101\n")


def test_a_finding_that_nobody_expects_is_a_problem() -> None:
    run = harness.check({"app.py": PROGRAM})
    assert [problem.partition(":")[0] for problem in harness.problems(run)] == ["not expected"]


def test_a_miss_that_is_found_is_a_problem() -> None:
    run = harness.check({"app.py": PROGRAM.replace("time.time())", "time.time())  # expect-not-yet: REA101")})
    assert "is found now" in harness.problems(run)[0]


def test_an_expectation_that_is_not_met_is_a_problem() -> None:
    run = harness.check({"app.py": PROGRAM.replace("time.time())", 'time.time())  # expect: REA101 "the moon"')})
    assert harness.problems(run)[0] == "app.py:9 REA101 is not found with the words 'the moon'"


PROGRAM = """\
import time
import restate

orders = restate.VirtualObject("orders")


@orders.handler()
async def place(ctx: restate.ObjectContext) -> None:
    ctx.set("at", time.time())
"""
