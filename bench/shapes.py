"""Shapes of code in which a linter may cost more than in proportion: CPU seconds at n and 2n, and their ratio, step by step.

    python bench/shapes.py [--size N] [--only SHAPE ...]

Twice the code takes twice the time where all is well; the last column says how many times.  Ratios of times below 50 ms say nothing.
"""

from __future__ import annotations

import argparse
import gc
import time
from pathlib import Path
from typing import TYPE_CHECKING

from rea_lint import rule
from rea_lint.config import Config
from rea_lint.packs import load
from rea_lint.project import link
from rea_lint.survey import survey
from rea_lint.text import Source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

STEPS = ("survey", "link", "visit")
HEAD = """\
import random
import time
from datetime import timedelta

import restate

svc = restate.VirtualObject("svc")
jobs = restate.Service("jobs")


def work(x=0):
    return x


async def helper(ctx, x):
    return await ctx.run_typed("work", work, x=x)

"""
HANDLER = "@svc.handler()\nasync def run(ctx: restate.ObjectContext, key: str):\n"


def lines(template: str, size: int) -> str:
    """A line or block for each number; `{n}` is the number, `{m}` the one before."""
    return "".join(template.replace("{n}", str(n)).replace("{m}", str(max(n - 1, 0))) for n in range(size))


def handler(template: str, after: str = "    return 1\n") -> Callable[[int], str]:
    """One handler with such lines in it."""
    return lambda size: HEAD + HANDLER + lines(template, size) + after


def module(template: str, after: str = "") -> Callable[[int], str]:
    """A module with such blocks in it."""
    return lambda size: HEAD + lines(template, size) + after


SHAPES: dict[str, Callable[[int], str]] = {
    "methods that call each other": lambda size: (
        HEAD
        + "class Cart:\n    def __init__(self, ctx: restate.ObjectContext):\n        self.ctx = ctx\n"
        + "    async def do0(self):\n        return await self.ctx.get('x')\n"
        + lines("    async def do{n}(self):\n        return await self.do{m}()\n", size).partition("return await self.do0()\n")[2]
        + f"\n\n{HANDLER}    return await Cart(ctx).do{size - 1}()\n"
    ),
    "helpers that call each other": lambda size: (
        HEAD
        + "async def h0(ctx):\n    await ctx.sleep(timedelta(1))\n"
        + lines("async def h{n}(ctx):\n    await h{m}(ctx)\n", size).partition("await h0(ctx)\n")[2]
        + f"\n{HANDLER}    await h{size - 1}(ctx)\n"
    ),
    "steps that are awaited": handler("    x{n} = await ctx.run_typed('work{n}', work, x={n})\n"),
    "futures in variables": handler("    f{n} = ctx.run_typed('work{n}', work, x={n})\n    if f{n}:\n        await f{n}\n"),
    "futures in one variable": handler("    f = ctx.run_typed('work{n}', work, x={n})\n    if f:\n        await f\n"),
    "awakeables": handler("    id{n}, p{n} = ctx.awakeable()\n    print(id{n})\n    await p{n}\n"),
    "awakeables not unpacked": handler("    a{n} = ctx.awakeable()\n    await a{n}\n"),
    "lambdas as steps": handler("    await ctx.run_typed('work{n}', lambda: work({n}))\n"),
    "steps that write outside": handler(
        "    c{n} = 0\n    def s{n}():\n        nonlocal c{n}\n        c{n} += 1\n    await ctx.run_typed('s', s{n})\n    print(c{n})\n"
    ),
    "conditions on the clock": handler("    if time.time() > {n}:\n        await ctx.sleep(timedelta(seconds={n}))\n"),
    "a value through variables": handler(
        "    t{n} = t{m} if key else time.time()\n", "    if t1:\n        await ctx.sleep(timedelta(1))\n"
    ),
    "branches of one condition": lambda size: (
        HEAD
        + HANDLER
        + "    t = random.random()\n    if t < 0:\n        pass\n"
        + lines("    elif t < {n}:\n        ctx.set('x', {n})\n", size)
    ),
    "log lines": handler("    print('x', {n})\n"),
    "clauses": handler("    try:\n        await helper(ctx, {n})\n    except Exception:\n        pass\n"),
    "loops over sets": handler("    for x in {{n}, 'a'}:\n        await ctx.run_typed(x, work)\n"),
    "compensations": handler(
        "    await ctx.run_typed('do {n}', work)\n    undo.append(lambda: ctx.run_typed('undo {n}', work))\n",
        "    for u in undo:\n        await u()\n",
    ),
    "state that is read": handler("    s{n} = await ctx.get('s{n}') or {}\n    s{n}['x'] = {n}\n    ctx.set('s{n}', s{n})\n"),
    "handlers that call the one before": module(
        "@svc.handler()\nasync def call{n}(ctx: restate.ObjectContext, key: str):\n    return await ctx.object_call(call{m}, key=key, arg=key)\n\n\n"
    ),
    "handlers that call themselves": module(
        "@svc.handler()\nasync def call{n}(ctx: restate.ObjectContext):\n    return await ctx.object_call(call{n}, key=ctx.key(), arg=None)\n\n\n"
    ),
    "handlers of a service with one helper": module("@jobs.handler()\nasync def job{n}(ctx, x):\n    return await helper(ctx, x)\n\n\n"),
    "global variables": module(
        "G{n} = {}\n@jobs.handler()\nasync def job{n}(ctx, x):\n    G{n}[x] = x\n    if G{m}:\n        await helper(ctx, x)\n\n\n"
    ),
    "classes that handlers make": module(
        "class C{n}:\n    def __init__(self):\n        self.x = []\n    def add(self, y):\n        self.x.append(y)\n@jobs.handler()\nasync def job{n}(ctx, x):\n    C{n}().add(x)\n\n\n"
    ),
    "defaults that are given": module(
        "def add{n}(x, to=[]):\n    to.append(x)\n@jobs.handler()\nasync def job{n}(ctx, x):\n    add{n}(x, [])\n\n\n"
    ),
    "calls of one helper": handler("    await helper(ctx, {n})\n"),
    "nested functions": handler("    def g{n}():\n        return time.time()\n    if g{n}():\n        await ctx.sleep(timedelta(1))\n"),
}


def measure(text: str) -> dict[str, float]:
    """CPU seconds of each step."""
    knowledge, source = load((), ()), {"m.py": Source(text)}
    rules = rule.load({entry.code for entry in rule.index() if entry.default})
    gc.collect()
    marks = [time.process_time()]
    facts = survey("m.py", "m", text)
    marks.append(time.process_time())
    project = link([facts], knowledge, lambda *_: False, sources=source)
    marks.append(time.process_time())
    _, errors = rule.visit(project, rules, source, source, Config(Path("/")))
    marks.append(time.process_time())
    assert facts.broken is None, facts.broken
    assert not errors, errors[0].traceback
    return {step: after - before for step, before, after in zip(STEPS, marks, marks[1:], strict=False)}


def main() -> None:
    """Measure, and print a line a shape."""
    parser = argparse.ArgumentParser(description="Which shapes of code cost more than in proportion.")
    parser.add_argument("--size", type=int, default=400, help="n")
    parser.add_argument("--only", nargs="+", metavar="SHAPE", help="shapes whose name begins so")
    options = parser.parse_args()
    print(f"| shape | {' | '.join(f'{step} n, 2n, ratio' for step in STEPS)} |\n|---|{'---|' * len(STEPS)}")
    for name in _wanted(options.only):
        measure(SHAPES[name](20))
        once, twice = measure(SHAPES[name](options.size)), measure(SHAPES[name](2 * options.size))
        cells = (f"{once[step]:.2f}, {twice[step]:.2f}, {twice[step] / max(once[step], 0.001):.1f}" for step in STEPS)
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


def _wanted(only: Iterable[str] | None) -> list[str]:
    return [name for name in SHAPES if only is None or name.startswith(tuple(only))]


if __name__ == "__main__":
    main()
