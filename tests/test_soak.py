"""A day of typing: 2,000 edits, after which the server has no more memory than after a few hundred.  Prints how long answers took."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from clients import editor, soak, vscode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

pytestmark = [
    pytest.mark.slow,
    pytest.mark.asyncio,
    pytest.mark.skipif("REA_LINT_EDITORS" not in os.environ, reason="takes minutes: `just editors`"),
]
EDITS = int(os.environ.get("REA_LINT_SOAK", "2000"))  # `.ci/run` has fewer
HEAD = "import time\nimport restate\n\nservice = restate.Service('service')\n"
HANDLER = """

@service.handler()
async def handle{n}(ctx: restate.Context, name: str) -> str:
    now = time.time()
    if now:
        await ctx.run_typed("step", lambda: now)
    return name
"""


async def test_memory_stays_flat(tree: Callable[[Mapping[str, str | bytes]], Path]) -> None:
    folder = tree({"service.py": HEAD + "".join(HANDLER.format(n=n) for n in range(30))})
    async with editor(folder, capabilities=vscode()) as shown:
        uri = shown.open(folder / "service.py")
        await shown.diagnostics(uri)
        seconds, memory = await soak(shown, uri, EDITS, every=EDITS // 4)
    milliseconds = sorted(1000 * each for each in seconds)
    cuts = {share: milliseconds[int(len(milliseconds) * share / 100)] for share in (5, 25, 50, 75, 95, 99)}
    print(f"\n{EDITS:,} edits; answers took " + ", ".join(f"{cut:.0f} ms (p{share})" for share, cut in cuts.items()))
    print("memory: " + ", ".join(f"{megabytes:.0f} MB after {done:,}" for done, megabytes in memory))
    settled = next(megabytes for done, megabytes in memory if done)
    assert memory[-1][1] < settled * 1.1, memory
