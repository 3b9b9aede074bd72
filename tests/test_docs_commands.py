"""What the documentation shows of the command line is what happens: its `console` blocks are run, one after the other, in a repository."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
ANYTHING = "..."  # in a row: whatever follows


@pytest.mark.skipif(sys.platform != "linux" or not shutil.which("bash") or not shutil.which("git"), reason="needs bash, git and GNU's sed")
@pytest.mark.parametrize("page", ["adopting.md"])
def test_the_commands_of_a_page_print_what_it_says(page: str, tmp_path: Path) -> None:
    root = tmp_path / "shop"
    shutil.copytree(ROOT / "examples" / "shop", root, ignore=shutil.ignore_patterns(".*", "__pycache__"))
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": os.pathsep.join(sys.path),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_SYSTEM": os.devnull,
        **dict.fromkeys(("GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"), "us"),
    }

    def run(command: str) -> str:
        done = subprocess.run(
            ["bash", "-c", command], cwd=root, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        assert done.returncode in {0, 1}, f"{command}\n{done.stdout}"
        return done.stdout

    run("printf '.rea_lint_cache\\n__pycache__\\n' > .gitignore && git init --quiet -b main && git add . && git commit --quiet -m shop")
    shown = [step for block in BLOCK.findall((ROOT / "docs" / page).read_text()) for step in steps(block)]
    assert len(shown) > 5
    for command, expected in shown:
        printed = run(command)
        assert matches(printed, expected), f"$ {command}\n{printed}\nand not\n{expected}"


def steps(block: str) -> list[tuple[str, str]]:
    """The commands of a block, each with what it prints."""
    return [
        (command, printed) for command, _, printed in (step.partition("\n") for step in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:])
    ]


def matches(printed: str, expected: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, expected.split(ANYTHING))), printed) is not None
