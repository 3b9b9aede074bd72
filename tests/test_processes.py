"""Several processes: the same is said with any number of them, and what fails in one is done in the other."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from rea_lint import processes

ROOT = Path(__file__).parents[1]
CHECK = """
import sys
from rea_lint import cli, engine, processes, rule
from rea_lint.cli import surveying

engine.ENOUGH = surveying.ENOUGH = surveying.HEAD_START = 1
started = []
original = processes.each
processes.each = lambda work, parts, *codec: started.append(len(parts)) or original(work, parts, *codec)
code = cli.run(["check", "--isolated", "--no-cache", "--output-format", "json", "--jobs", sys.argv[1], *sys.argv[2:]])
assert not started if sys.argv[1] == "1" or not processes.CAN_FORK else max(started) == int(sys.argv[1]) and len(started) > 1, started
sys.exit(code)
"""


def checked(jobs: int, *paths: Path) -> str:
    command = [sys.executable, "-c", CHECK, str(jobs), *map(str, paths)]
    run = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert run.returncode == 1, run.stderr
    return run.stdout + run.stderr


@pytest.mark.parametrize("jobs", [2, 4])
def test_the_same_is_said_with_any_number_of_processes(jobs: int, tmp_path: Path) -> None:
    programs = tmp_path / "programs"
    for folder in sorted((ROOT / "tests" / "fixtures").iterdir())[::20]:
        for file in folder.rglob("*.py"):
            target = programs / folder.name / file.relative_to(folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(file.read_bytes())
    shutil.copytree(ROOT / "examples", programs / "examples")
    assert checked(jobs, programs) == checked(1, programs)


@pytest.mark.skipif(not processes.CAN_FORK, reason="needs fork")
def test_what_fails_in_another_process_is_done_here() -> None:
    program = """
import os
from pickle import dumps, loads
from rea_lint import processes

here = os.getpid()

def work(number):
    if os.getpid() != here:
        if number == 1:
            raise ValueError
        if number == 2:
            os.kill(os.getpid(), 9)
        if number == 3:
            return lambda: 0  # cannot be sent
    return number * number

assert processes.each(work, [0, 1, 2, 3, 4], dumps, loads) == [0, 1, 4, 9, 16]
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


def test_work_is_split_by_weight() -> None:
    assert processes.split({"a": 5, "b": 3, "c": 3, "d": 1}, 2) == [["a", "d"], ["b", "c"]]
    assert processes.split({"a": 5, "b": 3}, 2, ahead=9) == [[], ["a", "b"]]
    assert processes.split({"a": 1}, 3) == [["a"], [], []]


def test_without_fork_there_is_one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "CAN_FORK", False)
    assert processes.available(None) == processes.available(4) == 1


@pytest.mark.skipif(not processes.CAN_FORK, reason="needs fork")
def test_as_many_as_were_asked_for() -> None:
    assert processes.available(3) == 3
    assert processes.available(None) == processes.available(0) >= 1
