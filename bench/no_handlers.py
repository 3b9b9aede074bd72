"""What a repository without a handler costs: rea-lint beside `grep -rl restate` and ruff, in one run, interleaved.

    python bench/no_handlers.py [FILES] [ROUNDS]

The repository is made of the shorter modules of the running Python's own standard library (LONGEST lines at most, which makes files as
long as those of real services), copied until there are FILES files.  Start-up is a run over a folder with one empty file.  Prints medians
and ratios and writes them to bench/RESULTS.md.  Ratios count, not milliseconds: machines differ, and are shared.
"""

from __future__ import annotations

import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import cycle, islice
from pathlib import Path

RESULTS = Path(__file__).parent / "RESULTS.md"
BIN = Path(sys.executable).parent
LONGEST = 400


def main(files: int = 5000, rounds: int = 7) -> None:
    """Make the repository, measure, print and write the table."""
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as empty:
        lines = make(Path(folder), files)
        (Path(empty) / "empty.py").touch()
        commands = {
            "grep -rl restate": ["grep", "-rl", "restate", folder],
            "rea-lint check, one empty file": [str(BIN / "rea-lint"), "check", empty, "--isolated", "--no-cache", "-q"],
            "rea-lint check": [str(BIN / "rea-lint"), "check", folder, "--isolated", "--no-cache", "-q"],
            "ruff check --no-cache": [str(BIN / "ruff"), "check", folder, "--isolated", "--no-cache", "-q"],
        }
        seconds = measure(commands, rounds)
    table = written(seconds, files, lines, rounds)
    print(table)
    RESULTS.write_text(f"# Measured\n\nBy `just bench`. Ratios count; the machine is shared.\n\n{table}\n", encoding="utf-8")


def make(folder: Path, files: int) -> int:
    """Fill a folder with packages of a hundred files each; the number of lines."""
    library = Path(os.__file__).parent
    sources = [p for p in sorted(library.rglob("*.py")) if "test" not in p.parts and "site-packages" not in p.parts]
    sources = [p for p in sources if b"restate" not in p.read_bytes() and p.read_bytes().count(b"\n") <= LONGEST]
    lines = 0
    for number, source in enumerate(islice(cycle(sources), files)):
        package = folder / f"package{number // 100}"
        package.mkdir(exist_ok=True)
        shutil.copyfile(source, package / f"module{number}.py")
        lines += source.read_bytes().count(b"\n")
    return lines


def measure(commands: dict[str, list[str]], rounds: int) -> dict[str, list[float]]:
    """Wall seconds of each command, round by round; the first round warms the page cache and does not count."""
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for counted in range(rounds + 1):
        for name, command in commands.items():
            start = time.perf_counter()
            subprocess.run(command, capture_output=True, check=False)
            if counted:
                seconds[name].append(time.perf_counter() - start)
    return seconds


def written(seconds: dict[str, list[float]], files: int, lines: int, rounds: int) -> str:
    """The table, and the ratio that is the target: at most 2 x grep, plus start-up."""
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    allowed = 2 * medians["grep -rl restate"] + medians["rea-lint check, one empty file"]
    rows = [f"| `{name}` | {median:.3f} | {median / medians['grep -rl restate']:.1f} |" for name, median in medians.items()]
    return "\n".join(
        [
            f"{files:,} files without a handler, {lines:,} lines, {rounds} rounds, Python {platform.python_version()}, {os.cpu_count()} cores:",
            "",
            "| command | median s | x grep |",
            "|---|---|---|",
            *rows,
            "",
            f"rea-lint takes {medians['rea-lint check'] / allowed:.2f} of what it may (2 x grep, plus start-up).",
        ]
    )


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
