"""What rea-lint costs beside ruff and grep: all in turn, several rounds; the medians go to RESULTS.md.  `just bench` runs it.

    python bench/bench.py [--dir FOLDER] [--rounds N] [--only CASE ...] [--also TOOL ...]

The repositories are made once, in FOLDER.  Each case has a target; the table says whether it is reached.  Ratios count, not
milliseconds: machines differ, and are shared.  A run with --only shows its table and leaves RESULTS.md as it is.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import sys
import tempfile
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import inputs
from measure import Command, Cost, measure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

RESULTS = Path(__file__).parent / "RESULTS.md"
BIN = Path(sys.executable).parent
Costs = dict[str, Cost]

ALSO = {  # other linters, by the name of their command
    "pyflakes": ["pyflakes"],
    "flake8": ["flake8", "--isolated", "-j2"],
    "fixit": ["fixit", "lint"],
    "semgrep": ["semgrep", "--metrics=off", "--quiet", "--lang=python", "--pattern=time.time()"],
}


@dataclass(frozen=True)
class Target:
    """What is to be reached: `value` of the costs, at most `most`."""

    text: str
    value: Callable[[Costs], float]
    most: float


@dataclass(frozen=True)
class Case:
    """What is measured in turn, and what it is to come to."""

    name: str
    commands: Mapping[str, Command]
    targets: tuple[Target, ...]


def main() -> None:
    """Make the repositories, measure, print and write the tables."""
    parser = argparse.ArgumentParser(description="What rea-lint costs beside ruff and grep.")
    parser.add_argument("--dir", type=Path, default=Path.home() / ".cache" / "rea-lint-bench", help="where the repositories are made")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", nargs="+", metavar="CASE", help="cases whose name begins so")
    parser.add_argument("--also", nargs="+", choices=ALSO, default=[], metavar="TOOL", help=f"other linters: {', '.join(ALSO)}")
    options = parser.parse_args()
    options.dir.mkdir(parents=True, exist_ok=True)
    made = inputs.make(options.dir.resolve())
    with tempfile.TemporaryDirectory() as scratch:
        cases = [case for case in _cases(made, Path(scratch), options.also) if _is_wanted(case, options.only)]
        tables = []
        for case in cases:
            tables.append(_table(case, measure(case.commands, options.rounds)))
            print(f"\n{tables[-1]}", flush=True)
    if options.only is None:
        RESULTS.write_text(_page(made, tables, options.rounds), "utf-8")


def _revised(path: Path) -> Callable[[], object]:
    """What gives a file another content each time."""
    numbers = count()
    return lambda: path.write_text(path.read_text().partition("\nREVISION")[0] + f"\nREVISION = {next(numbers)}\n")


def _is_wanted(case: Case, only: list[str] | None) -> bool:
    return only is None or any(case.name.startswith(start) for start in only)


def _cases(made: Mapping[str, Path], scratch: Path, also: list[str]) -> Iterator[Case]:
    repository, none = made["repository"], made["none"]
    ruff = [_tool("ruff"), "check", "--isolated", "--quiet"]
    rea_lint = [_tool("rea-lint"), "check", "--isolated", "--quiet"]
    start = Command([*rea_lint, "--no-cache", str(made["empty"])])
    yield Case(
        "cold",
        {
            "grep -rl restate": Command(["grep", "-rl", "restate", str(repository)]),
            "ruff --select ASYNC --no-cache": Command([*ruff, "--select", "ASYNC", "--no-cache", str(repository)]),
            "ruff --no-cache": Command([*ruff, "--no-cache", str(repository)]),
            "rea-lint --no-cache": Command([*rea_lint, "--no-cache", str(repository)]),
            "rea-lint --no-cache, one empty file": start,
            **{tool: Command([_tool(ALSO[tool][0]), *ALSO[tool][1:], str(repository)]) for tool in also},
        },
        (
            Target("of `ruff --no-cache`", _ratio("rea-lint --no-cache", "ruff --no-cache"), 0.8),
            Target("of `ruff --select ASYNC --no-cache` (goal)", _ratio("rea-lint --no-cache", "ruff --select ASYNC --no-cache"), 1.0),
        ),
    )
    caches = {tool: scratch / tool for tool in ("ruff", "rea-lint")}
    yield Case(
        "warm, nothing changed",
        {
            "ruff --select ASYNC": Command([*ruff, "--select", "ASYNC", "--cache-dir", str(caches["ruff"]), str(repository)]),
            "rea-lint": Command([*rea_lint, "--cache-dir", str(caches["rea-lint"]), str(repository)]),
        },
        (Target("of `ruff --select ASYNC`", _ratio("rea-lint", "ruff --select ASYNC"), 1.5),),
    )
    changed = {
        f"rea-lint, {what} in the file": Command(
            [*rea_lint, "--force-exclude", "--cache-dir", str(caches["rea-lint"]), str(path)], before=_revised(path)
        )
        for what, path in (("no finding", repository / "shop" / "service5.py"), ("a finding", repository / "shop" / "service7.py"))
    }
    yield Case(
        "pre-commit: one handler file changed, warm",
        changed,
        tuple(Target(f"s, {name.partition(', ')[2]}", _seconds(name), 0.35) for name in changed),
    )
    yield Case(
        "dense: 337 files of handlers and helpers",
        {
            "ruff --no-cache": Command([*ruff, "--no-cache", str(made["dense"])]),
            "rea-lint --no-cache": Command([*rea_lint, "--no-cache", str(made["dense"])]),
        },
        (Target("s", _seconds("rea-lint --no-cache"), 0.8),),
    )
    yield Case(
        "1,000 handlers of 40 lines, one core",
        {
            "rea-lint --no-cache, 500 handlers": Command([*rea_lint, "--no-cache", str(made["half"])], one_core=True),
            "rea-lint --no-cache, 1,000 handlers": Command([*rea_lint, "--no-cache", str(made["handlers"])], one_core=True),
        },
        (
            Target("s", _seconds("rea-lint --no-cache, 1,000 handlers"), 3.0),
            Target("times 500 handlers", _ratio("rea-lint --no-cache, 1,000 handlers", "rea-lint --no-cache, 500 handlers"), 2.2),
        ),
    )
    yield Case(
        "1,000,000 lines without a handler",
        {
            "grep -rl restate": Command(["grep", "-rl", "restate", str(none)]),
            "rea-lint --no-cache, one empty file": start,
            "rea-lint --no-cache": Command([*rea_lint, "--no-cache", str(none)]),
            "ruff --no-cache": Command([*ruff, "--no-cache", str(none)]),
        },
        (
            Target(
                "of 2 x `grep`, plus start-up",
                lambda c: (
                    c["rea-lint --no-cache"].median / (2 * c["grep -rl restate"].median + c["rea-lint --no-cache, one empty file"].median)
                ),
                1.0,
            ),
            Target("MB", lambda c: c["rea-lint --no-cache"].peak, 200),
        ),
    )
    yield Case(
        "start-up",
        {
            "python -c pass": Command([sys.executable, "-c", "pass"]),
            "ruff --version": Command([_tool("ruff"), "--version"]),
            "rea-lint --version": Command([_tool("rea-lint"), "--version"]),
        },
        (Target("ms over bare Python", lambda c: 1000 * (c["rea-lint --version"].median - c["python -c pass"].median), 60),),
    )


def _tool(name: str) -> str:
    """Where a command is: beside the Python that runs this, or on the path."""
    found = BIN / name if (BIN / name).exists() else shutil.which(name)
    if found is None:
        raise SystemExit(f"{name} is not installed")
    return str(found)


def _seconds(name: str) -> Callable[[Costs], float]:
    return lambda costs: costs[name].median


def _ratio(one: str, other: str) -> Callable[[Costs], float]:
    return lambda costs: costs[one].median / costs[other].median


def _table(case: Case, costs: Costs) -> str:
    rows = [f"| `{name}` | {cost.median:.3f} | {cost.median_cpu:.3f} | {cost.peak:.0f} |" for name, cost in costs.items()]
    reached = [_line(target, target.value(costs)) for target in case.targets]
    return "\n".join([f"## {case.name}", "", "| command | wall s | CPU s | peak MB |", "|---|---|---|---|", *rows, "", *reached])


def _line(target: Target, value: float) -> str:
    return f"* {value:.3g} {target.text}; target: at most {target.most:g}: {'reached' if value <= target.most else '**NOT reached**'}"


def _page(made: Mapping[str, Path], tables: list[str], rounds: int) -> str:
    sizes = {name: inputs.size(made[name]) for name in ("repository", "dense", "handlers", "none")}
    described = "; ".join(f"{name}: {files:,} files, {lines:,} lines" for name, (files, lines) in sizes.items())
    machine = f"Python {platform.python_version()}, {os.cpu_count()} cores, {rounds} rounds, in turn, medians"
    head = "# Measured\n\nBy `just bench`. Ratios count; the machine is shared. Peak: of all processes together."
    return f"{head}\n\n{machine}. {described}.\n\n" + "\n\n".join(tables) + "\n"


if __name__ == "__main__":
    main()
