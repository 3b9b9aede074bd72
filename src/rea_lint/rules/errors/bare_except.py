"""REA701: a clause that catches everything, the SDK's own signals too."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rea_lint import cst, rewrite
from rea_lint.diagnostic import Finding, Related, Severity
from rea_lint.durable import Durable
from rea_lint.rule import rule
from rea_lint.rules import catching, triggers
from rea_lint.text import Edit, Span

if TYPE_CHECKING:
    from rea_lint.diagnostic import Fix
    from rea_lint.facts import Function
    from rea_lint.project import Project

NOQA = re.compile(r":(?P<comment>[ \t]*#[ \t]*noqa:(?P<codes>(?:[ \t,]*[A-Z]+[0-9]+)+))(?=[ \t]*(?:#|\r?\n|\Z))", re.IGNORECASE)
OF_ALL = frozenset({"B001", "B036", "E722"})  # what linters say of a clause that catches everything: pycodestyle, flake8-bugbear
OF_MOST = OF_ALL | {"BLE001"}  # and, of flake8-blind-except, of `except Exception` as well


def _may_swallow(function: Function, project: Project) -> bool:
    return triggers.swallows(function, project, frozenset({catching.BASE}))


@rule("REA701", "bare-except", Severity.ERROR, trigger=_may_swallow, docs="https://docs.restate.dev/develop/python/error-handling")
def bare_except(clause: cst.ExceptHandler | cst.ExceptStarHandler, code: Durable) -> Iterator[Finding]:
    """
    A clause catches everything, and with it the exception by which the SDK suspends the handler.

    When an invocation has to wait, for a timer, a call or an event, the SDK leaves the handler by raising an exception at the `await`,
    and starts it anew once the answer is there. A bare `except:`, or `except BaseException`, catches that exception. Its body runs
    although nothing has failed: it refunds what is only pending, ships what is not approved yet, at every suspension. In a loop that
    tries again it spins, and the process serves nobody else any more.

    ```python fails="fallback ran on suspension"
    from datetime import timedelta

    import restate

    orders = restate.Service("orders")

    REFUNDS: list[str] = []


    @orders.handler()
    async def place(ctx: restate.Context, item: str) -> str:
        try:
            await ctx.sleep(timedelta(seconds=60))
        except:  # expect: REA701 "on every suspension"
            REFUNDS.append(item)
            return "refunded"
        return "paid"
    ```

    What a handler has to answer for is `TerminalError`: an operation has failed for good, or the invocation is cancelled. Any other error
    is Restate's business, which tries again. Where the code in the `try` raises errors of its own that are to be handled, name them too.

    ```python fixed unsafe
    from datetime import timedelta

    import restate

    orders = restate.Service("orders")

    REFUNDS: list[str] = []


    @orders.handler()
    async def place(ctx: restate.Context, item: str) -> str:
        try:
            await ctx.sleep(timedelta(seconds=60))
        except restate.TerminalError:
            REFUNDS.append(item)
            return "refunded"
        return "paid"
    ```

    A clause that raises the exception again is no fault, and neither is one with no durable operation in its `try`, or within a step:

    ```python
    import asyncio
    import json

    import restate

    orders = restate.Service("orders")


    def charge() -> str:
        try:
            return "paid"
        except BaseException:
            return "failed"


    @orders.handler()
    async def place(ctx: restate.Context, raw: str) -> str:
        try:
            await ctx.run_typed("charge", charge)
        except BaseException as error:
            if not isinstance(error, Exception):
                raise
            raise restate.TerminalError("no payment") from error
        try:
            await ctx.run_typed("again", charge)
        except restate.SdkInternalBaseException:
            raise
        except:
            return "failed"
        try:
            return json.loads(raw)
        except:
            return "{}"


    @orders.handler()
    async def cancelled(ctx: restate.Context, raw: str) -> str:
        try:
            return await ctx.run_typed("charge", charge)
        except asyncio.CancelledError:
            return "cancelled"


    @orders.handler()
    async def prepared(ctx: restate.Context, raw: str) -> str:
        undo = []
        try:
            undo.append(lambda: ctx.run_typed("undo", charge))
            amount = int(raw)
        except BaseException:
            amount = 0
        for each in undo:
            await each()
        return str(amount)
    ```

    pycodestyle's E722 and pylint's W0702 ask for `except Exception` instead of a bare one: in a handler that is half of it, see REA702.
    `except BaseException`, which they accept, is as bad here.

    Suspension was an `Exception` up to SDK 0.10, and is `asyncio.CancelledError` in 0.11 and `SdkInternalBaseException` from 0.12 on.
    """
    if catching.BASE not in catching.names(clause, code) or any(
        catching.CATCH_INTERNAL & catching.names(each, code) for each in catching.earlier(clause, code)
    ):
        return
    found = catching.durable_work(clause, code, catching.CATCH_INTERNAL)
    if found and catching.End.RAISED not in catching.ends(clause, code, catching.CATCH_INTERNAL):
        what = catching.header(clause, code)
        yield Finding(
            what,
            f"{'A bare ' if clause.type is None else ''}`{code.source.text[what.start : what.end]}` also catches what the SDK raises to suspend the handler: its body runs on every"
            f" suspension at {found[0].display}; catch `TerminalError`, with which it fails for good.",
            _fix(clause, code),
            (Related(code.project.path_of(found[0].function), found[0].span, f"{found[0].display} is awaited here"),),
        )


def _fix(clause: cst.ExceptHandler | cst.ExceptStarHandler, code: Durable) -> Fix | None:
    """`TerminalError` in the place of what is too much; `Exception` where an earlier clause has that."""
    before = {name for each in catching.earlier(clause, code) for name in catching.names(each, code)}
    if catching.EXCEPTION in before or "Exception" in code.project.facts[code.path].variables:
        return None
    spelled = ("Exception", ()) if catching.TERMINAL in before else rewrite.spelled(code, clause, catching.TERMINAL)
    if spelled is None:
        return None
    name, imports = spelled
    broad = [
        each
        for each in catching.caught(clause, code)
        if catching.BASE in code.resolve(each) and code.span(clause).contains(code.span(each))
    ]
    what = catching.header(clause, code)
    if re.match(r"except[ \t]*:", code.text(clause)) is not None:
        edit = Edit(what, f"except {name}")
    elif len(broad) == 1:
        edit = Edit(code.span(broad[0]), name)
    else:
        return None
    lapsed = OF_ALL if catching.TERMINAL in before else OF_MOST
    return rewrite.unsafe(f"Catch `{name}`", (*imports, edit, *_without_noqa(code, what.end, lapsed)))


def _without_noqa(code: Durable, header_end: int, lapsed: frozenset[str]) -> Iterator[Edit]:
    """Takes away the comment that told other linters to accept the clause as it was, if it says no more than that."""
    comment = NOQA.match(code.source.text, header_end)
    if comment is not None and lapsed.issuperset(re.findall(r"[A-Z]+[0-9]+", comment["codes"].upper())):
        yield Edit(Span(*comment.span("comment")), "")
