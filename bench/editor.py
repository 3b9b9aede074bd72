"""What one waits for in an editor: a real `rea-lint server`, a project of 300 files, a file of 500 lines.  `just bench-editor` runs it.

    python bench/editor.py [--rounds N] [--edits N]

Each figure is from what the client sends to what it gets, both processes on one machine; it has no delay but those of the server.  The table
goes to EDITOR.md.  Milliseconds of a shared machine: the medians of several runs, on a quiet one, are what to compare.
"""

from __future__ import annotations

import argparse
import asyncio
import platform
import random
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import inputs
import programs
from lsprotocol import types as lsp

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
from clients import Editor, editor, soak, vscode  # the client that the tests have

if TYPE_CHECKING:
    from collections.abc import Awaitable

RESULTS = Path(__file__).parent / "EDITOR.md"
SERVICES, HELPERS = 60, 239
LINES = 500
BETWEEN = 0.12  # seconds from an answer to the next key: each is looked at by itself, and typing does not rest
FAULT = "    late = time.time()\n    if late:\n        await ctx.sleep(timedelta(seconds=1))\n"


@dataclass(frozen=True)
class Place:
    """The project, and the file that is typed in."""

    folder: Path
    path: Path
    text: str


def main() -> None:
    """Make the project, measure, print and write the table."""
    parser = argparse.ArgumentParser(description="What one waits for in an editor.")
    parser.add_argument("--rounds", type=int, default=5, help="how often an editor is started")
    parser.add_argument("--edits", type=int, default=2_000, help="how many edits the soak has")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        table = asyncio.run(_measured(_made(Path(folder).resolve()), given.rounds, given.edits))
    print(table)
    RESULTS.write_text(f"# Measured in an editor\n\nBy `just bench-editor`, Python {platform.python_version()}.\n\n{table}\n", "utf-8")


def _made(folder: Path) -> Place:
    """300 files of services and helpers, and in one of the services at least 500 lines."""
    (folder / "pyproject.toml").write_text('[project]\nname = "shop"\nversion = "0"\n')
    inputs.services(folder, [5] * SERVICES, HELPERS)
    dice = random.Random(3)
    handlers = 5
    while (text := programs.service("service0", handlers, [1, 2, 3], "shop", dice)).count("\n") < LINES:
        handlers += 1
    path = folder / "shop" / "service0.py"
    path.write_text(text)
    return Place(folder, path, text)


async def _measured(place: Place, rounds: int, edits: int) -> str:
    seconds: defaultdict[str, list[float]] = defaultdict(list)
    for number in range(rounds):
        async with editor(place.folder, capabilities=vscode()) as shown:
            await _round(shown, place, seconds)
            if number == rounds - 1:
                taken, memory = await soak(shown, place.path.as_uri(), edits, every=max(edits // 4, 1))
    rows = ["| what | median ms | p95 ms | times |", "|---|---|---|---|"]
    rows += [_row(name, each) for name, each in seconds.items()]
    rows.append(_row(f"keystroke, of a soak of {edits:,} edits", taken))
    files, lines = inputs.size(place.folder)
    rows += [
        "",
        f"{files} files with {lines:,} lines; the file that is typed in has {place.text.count(chr(10))}. Memory of the server: "
        + ", ".join(f"{megabytes:.0f} MB after {done:,} edits" for done, megabytes in memory)
        + ".",
    ]
    return "\n".join(rows)


async def _round(shown: Editor, place: Place, seconds: defaultdict[str, list[float]]) -> None:
    """An editor from its start on: the first file, others, keystrokes, fixes, saves."""

    async def timed(name: str, work: Awaitable[object]) -> None:
        start = time.perf_counter()
        await work
        seconds[name].append(time.perf_counter() - start)

    uri = shown.open(place.path)
    await timed("open the first file", shown.diagnostics(uri))
    await timed("all files, after that", shown.client.workspace_diagnostic_async(lsp.WorkspaceDiagnosticParams([])))
    for number in range(1, 4):
        other = shown.open(place.folder / "shop" / f"service{number}.py")
        await timed("open another file", shown.diagnostics(other))
    for number in range(20):
        await asyncio.sleep(BETWEEN)
        shown.type(uri, place.text.replace("\n\n\n", f"\n\n\n# {'x' * number}\n\n\n", 1))
        await timed("keystroke in a comment", shown.diagnostics(uri))
    body = place.text.rindex("    return")
    for number in range(20):
        await asyncio.sleep(BETWEEN)
        shown.type(uri, f"{place.text[:body]}    value = {'x' * number!r}\n{place.text[body:]}")
        await timed("keystroke in a handler", shown.diagnostics(uri))
    for number in range(5):
        await asyncio.sleep(BETWEEN)
        shown.type(uri, f"{place.text[:body]}{FAULT}    value = {number}\n{place.text[body:]}")
        await timed("keystroke, and what a quick fix there is", shown.actions(uri, "late = time.time()"))
    for number in range(5):
        await asyncio.sleep(BETWEEN)
        shown.type(uri, f"{place.text[:body]}    saved = {number}\n{place.text[body:]}")
        await shown.diagnostics(uri)
        shown.save(uri)
        await timed("save, and all files", shown.client.workspace_diagnostic_async(lsp.WorkspaceDiagnosticParams([])))
        await timed("all safe fixes", shown.run("rea-lint.server.fixAll", uri))
    place.path.write_text(place.text)


def _row(name: str, seconds: list[float]) -> str:
    milliseconds = sorted(each * 1000 for each in seconds)
    p95 = milliseconds[min(len(milliseconds) - 1, round(len(milliseconds) * 0.95))]
    return f"| {name} | {statistics.median(milliseconds):.0f} | {p95:.0f} | {len(milliseconds)} |"


if __name__ == "__main__":
    main()
