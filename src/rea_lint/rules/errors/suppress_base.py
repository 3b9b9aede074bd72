"""REA703: a `with suppress(...)` that suppresses too much."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rea_lint import cst
from rea_lint.diagnostic import Finding, Related, Severity
from rea_lint.durable import Durable
from rea_lint.rule import rule
from rea_lint.rules import catching

if TYPE_CHECKING:
    from rea_lint.facts import Function
    from rea_lint.project import Project

SUPPRESS = "contextlib.suppress"


def _may_suppress(function: Function, project: Project) -> bool:
    return any(call.entered and SUPPRESS in project.resolve(call.callees) for call in function.calls)


@rule("REA703", "suppress-base", Severity.WARNING, trigger=_may_suppress, docs="https://docs.restate.dev/develop/python/error-handling")
def suppress_base(block: cst.With, code: Durable) -> Iterator[Finding]:
    """
    `contextlib.suppress` drops every exception of a durable operation, and what it means with it.

    `suppress(BaseException)` drops the exception by which the SDK suspends the handler. The code after the `with` then runs at every
    suspension, before there is an answer, and sends what is not decided yet. That is an error, as a bare `except` is.

    ```python fails="fallback ran on suspension"
    import contextlib
    from datetime import timedelta

    import restate

    orders = restate.Service("orders")

    SENT: list[str] = []


    @orders.handler()
    async def place(ctx: restate.Context, item: str) -> str:
        with contextlib.suppress(BaseException):  # expect: REA703 "at every suspension"
            await ctx.sleep(timedelta(days=1))
        SENT.append(item)
        return item
    ```

    `suppress(Exception)` drops `TerminalError`: the operation has failed for good, or the invocation is cancelled, and the handler goes on
    as if nothing had happened.

    ```python
    from contextlib import suppress

    import restate

    orders = restate.Service("orders")


    def charge() -> str:
        return "paid"


    @orders.handler()
    async def place(ctx: restate.Context, item: str) -> str:
        with suppress(KeyError, Exception):  # expect: REA703 "`TerminalError`"
            await ctx.run_typed("charge", charge)
        return item
    ```

    Suppress what you expect. Around code without durable operations anything goes, and to name `TerminalError` is to have thought of it:

    ```python
    import json
    from contextlib import suppress

    import restate

    orders = restate.Service("orders")


    def charge() -> str:
        with suppress(BaseException):
            return "paid"
        return "failed"


    @orders.handler()
    async def place(ctx: restate.Context, item: str) -> str:
        with suppress(Exception):
            item = json.loads(item)
        with suppress(ValueError):
            await ctx.run_typed("charge", charge)
        with suppress(restate.TerminalError):
            await ctx.run_typed("charge", charge)
        return item
    ```
    """
    for item in block.items:
        call = item.item
        if not isinstance(call, cst.Call) or code.resolve(call.func) != {SUPPRESS}:
            continue
        names = {name for arg in call.args for name in code.resolve(arg.value)}
        if catching.TERMINAL in names or not names & {catching.BASE, catching.EXCEPTION}:
            continue
        awaited = (each for node in code.within(block.body) for each in catching.awaited(node, code))
        first = next((each for each in awaited if each.is_durable), None)
        if first is None:
            continue
        related = (Related(code.project.path_of(first.function), first.span, f"{first.display} is awaited here"),)
        shown = code.text(call)
        if catching.BASE in names:
            said = (
                f"`{shown}` drops what the SDK raises to suspend the handler: the code after it runs at every suspension at {first.display}"
            )
            yield Finding(code.span(call), f"{said}; name the exceptions that you expect.", None, related, Severity.ERROR)
        else:
            said = f"`{shown}` drops `TerminalError` too, with which {first.display} fails for good or is cancelled"
            yield Finding(
                code.span(call),
                f"{said}: the handler goes on as if nothing had happened; name the exceptions that you expect.",
                None,
                related,
            )
