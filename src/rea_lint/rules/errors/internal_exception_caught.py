"""REA704: a clause that catches the SDK's own signals by name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rea_lint import cst
from rea_lint.diagnostic import Finding, Related, Severity
from rea_lint.durable import Durable
from rea_lint.rule import rule
from rea_lint.rules import catching, triggers
from rea_lint.rules.catching import End

if TYPE_CHECKING:
    from rea_lint.facts import Function
    from rea_lint.project import Project
    from rea_lint.sdk import Sdk

CANCELLED = frozenset({"asyncio.CancelledError", "asyncio.exceptions.CancelledError"})


def _may_swallow(function: Function, project: Project) -> bool:
    return triggers.swallows(function, project, catching.INTERNAL | CANCELLED)


@rule(
    "REA704",
    "internal-exception-caught",
    Severity.ERROR,
    trigger=_may_swallow,
    docs="https://docs.restate.dev/develop/python/error-handling",
)
def internal_exception_caught(clause: cst.ExceptHandler | cst.ExceptStarHandler, code: Durable) -> Iterator[Finding]:
    """
    A clause catches the exception by which the SDK leaves the handler, and does not raise it again.

    `SdkInternalBaseException` and its subclasses are no errors: the SDK raises them at an `await` to suspend the handler until there is an
    answer, or to end an attempt that is to be retried. A handler that keeps one goes on with an invocation that is over. The body of the
    clause runs at every suspension, what it journals is lost, and what it does outside the journal is done again each time.

    ```python fails="fallback ran on suspension"
    from datetime import timedelta

    import restate

    orders = restate.Service("orders")

    REFUNDS: list[str] = []


    @orders.handler()
    async def place(ctx: restate.Context, item: str) -> str:
        try:
            await ctx.sleep(timedelta(days=1))
        except restate.SdkInternalBaseException:  # expect: REA704 "at every suspension"
            REFUNDS.append(item)
        return item
    ```

    Leave them alone, or raise them again:

    ```python
    import asyncio
    from datetime import timedelta

    import restate
    from restate.exceptions import SuspendedException

    orders = restate.Service("orders")


    @orders.handler()
    async def place(ctx: restate.Context, item: str) -> str:
        try:
            await ctx.sleep(timedelta(days=1))
        except restate.TerminalError:
            return "failed"
        try:
            await ctx.sleep(timedelta(days=1))
        except restate.SdkInternalBaseException:
            item = ""
            raise
        try:
            await ctx.sleep(timedelta(days=1))
        except asyncio.CancelledError:
            return "cancelled"
        try:
            item = item.strip()
        except SuspendedException:
            return "never"
        return item
    ```

    In SDK 0.11 a suspension was an `asyncio.CancelledError`, which is reported where the project runs with that version. Since 0.12
    catching `CancelledError` does no harm.
    """
    internal = catching.INTERNAL | (CANCELLED if _suspends_by_cancelling(code.project.sdk) else frozenset())
    names = catching.names(clause, code)
    if not names & internal or catching.BASE in names:  # the latter is bare-except
        return
    if any(catching.CATCH_INTERNAL & catching.names(before, code) for before in catching.earlier(clause, code)):
        return
    found = catching.durable_work(clause, code, frozenset({*internal, catching.BASE}))
    ends = catching.ends(clause, code, catching.CATCH_INTERNAL) if found else {End.RAISED}
    if End.RAISED in ends:
        return
    what = catching.header(clause, code)
    yield Finding(
        what,
        f"`{code.source.text[what.start : what.end]}` catches what the SDK raises to leave the handler: its body runs at every suspension at"
        f" {found[0].display}; raise it again, or catch `TerminalError`.",
        None,
        (Related(code.project.path_of(found[0].function), found[0].span, f"{found[0].display} is awaited here"),),
    )


def _suspends_by_cancelling(sdk: Sdk) -> bool:
    """Whether a suspension is an `asyncio.CancelledError`."""
    return not sdk.before("0.11") and sdk.before("0.12")
