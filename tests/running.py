"""What tests of the command line share: what a run gives, and small programs to lint."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple, TypeAlias


class Run(NamedTuple):
    """How a run ended, and what it printed."""

    code: int
    out: str
    err: str


Lint: TypeAlias = Callable[..., Run]  # the fixture `lint`
Tree: TypeAlias = Callable[[Mapping[str, str | bytes]], Path]  # the fixture `tree`

HANDLER = """\
import time
import uuid

import restate

shop = restate.Service("Shop")


@shop.handler()
async def buy(ctx: restate.Context, item: str) -> str:
"""
SAFE = HANDLER + "    await ctx.run_typed(str(uuid.uuid4()), print)\n    return item\n"
FIXED = SAFE.replace("uuid.uuid4()", "ctx.uuid()").replace("import uuid\n", "")
INFO = HANDLER + "    return str(uuid.uuid4())\n"
CLEAN = HANDLER + "    return item\n"
