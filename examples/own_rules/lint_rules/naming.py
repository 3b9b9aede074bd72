"""ACME002: steps that dashboards cannot group."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rea_lint.diagnostic import Applicability, Finding, Fix, Severity
from rea_lint.durable import Durable
from rea_lint.project import Step
from rea_lint.rule import rule
from rea_lint.text import Edit


@rule("ACME002", "step-name-with-spaces", Severity.INFO)
def step_name_with_spaces(step: Step, code: Durable) -> Iterator[Finding]:
    """
    The name of a step is not in kebab case.

    Our dashboards group steps by name, and cut it at the first space. The fix is unsafe: a name is part of the journal, and invocations
    that are under way expect the old one.

    ```python
    import restate

    orders = restate.Service("orders")


    async def pack(order: str) -> str:
        return order


    @orders.handler()
    async def place(ctx: restate.Context, order: str) -> str:
        return await ctx.run_typed("Pack the order", pack, order=order)  # expect: ACME002 "`pack-the-order`"
    ```

    ```python fixed unsafe
    import restate

    orders = restate.Service("orders")


    async def pack(order: str) -> str:
        return order


    @orders.handler()
    async def place(ctx: restate.Context, order: str) -> str:
        return await ctx.run_typed("pack-the-order", pack, order=order)
    ```
    """
    name = step.call.argument(0, "name")
    if name is None or name.text is None or re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name.text):
        return
    better = "-".join(re.findall(r"[a-z0-9]+", name.text.lower()))
    fix = Fix(f"Rename the step to `{better}`", (Edit(name.span, f'"{better}"'),), Applicability.UNSAFE)
    yield Finding(name.span, f"The step is called `{name.text}`; call it `{better}`.", fix)
