"""Completion in shells, which click writes: tried in bash."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from running import Tree

REA_LINT = Path(sys.executable).with_name("rea-lint")
TYPED = """
eval "$(_REA_LINT_COMPLETE=bash_source "$1")"
shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_rea_lint_completion rea-lint
printf '%s\\n' "${COMPREPLY[@]}"
"""

pytestmark = pytest.mark.skipif(not shutil.which("bash") or not REA_LINT.exists(), reason="needs bash, and rea-lint as a command")


def completed(root: Path, *words: str) -> list[str]:
    """What bash offers after these words, of which the last one is half typed."""
    command = ["bash", "--norc", "-c", TYPED, "bash", str(REA_LINT), "rea-lint", *words]
    path = f"{REA_LINT.parent}:/usr/bin:/bin"
    run = subprocess.run(
        command, cwd=root, capture_output=True, text=True, check=False, env={"PATH": path, "PYTHONPATH": ":".join(sys.path)}
    )
    return run.stdout.split()


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["ch"], {"check"}),
        (["check", "--add-"], {"--add-ignore"}),
        (["check", "--output-format", "git"], {"github", "gitlab"}),
        (["check", "--select", "REA10"], {f"REA10{n}" for n in (1, 2, 3, 4, 5, 7)}),
        (
            ["check", "--select", "REA101,nativ"],
            {"REA101,native-uuid", "REA101,native-random", "REA101,native-wait", "REA101,native-gather"},
        ),
        (["rule", "wall"], {"wall-clock"}),
    ],
)
def test_words_are_completed(tree: Tree, words: list[str], offered: set[str]) -> None:
    assert offered <= set(completed(tree({}), *words))


def test_nothing_else_is_offered(tree: Tree) -> None:
    assert completed(tree({}), "check", "--since", "x") == []
    assert set(completed(tree({}), "rule", "REA10")) <= {f"REA10{n}" for n in range(10)}
