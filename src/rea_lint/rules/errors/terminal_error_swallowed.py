"""REA705: a terminal error about which nothing is done."""

from __future__ import annotations

import re
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

EXPLANATION = re.compile(r"#(?![ \t]*(?:rea-lint:|noqa\b))")  # a comment that says something to people


def _may_swallow(function: Function, project: Project) -> bool:
    idle = [c for c in function.clauses if c.is_plain and not any(c.span.contains(call.span) for call in function.calls)]
    return bool(idle) and triggers.swallows(function, project, frozenset({catching.TERMINAL}))


@rule(
    "REA705", "terminal-error-swallowed", Severity.INFO, trigger=_may_swallow, docs="https://docs.restate.dev/develop/python/error-handling"
)
def terminal_error_swallowed(clause: cst.ExceptHandler | cst.ExceptStarHandler, code: Durable) -> Iterator[Finding]:
    """
    A clause catches `TerminalError` and does nothing about it.

    A durable operation raises it when it has failed for good, or when the invocation is cancelled. Where the clause is empty,
    the handler goes on without the result, and an invocation that somebody cancelled goes on as well.

    ```python
    import restate

    orders = restate.Service("orders")


    def charge() -> str:
        return "paid"


    @orders.handler()
    async def place(ctx: restate.Context, item: str) -> str:
        try:
            await ctx.run_typed("charge", charge)
        except restate.TerminalError:  # expect: REA705 "nothing is done about it"
            pass
        return item
    ```

    If that is meant, say in a comment why. A clause that raises, returns something, notes the failure or compensates is fine, and so is one for an
    error that is expected, with an `else`:

    ```python
    import restate

    orders = restate.VirtualObject("orders")


    def charge() -> str:
        return "paid"


    @orders.handler()
    async def place(ctx: restate.ObjectContext, item: str) -> str:
        state = "open"
        try:
            await ctx.run_typed("charge", charge)
        except restate.TerminalError:
            state = "declined"
        try:
            await ctx.run_typed("again", charge)
        except restate.TerminalError as error:
            if error.status_code == 409:
                raise
        try:
            await ctx.run_typed("send", charge)
        except restate.TerminalError:
            ctx.set("status", "not sent")
        try:
            await ctx.run_typed("ship", charge)
        except restate.TerminalError:
            return "not shipped"
        try:
            await ctx.run_typed("thank", charge)
        except restate.TerminalError:
            pass  # it is not that important
        try:
            await ctx.run_typed("fail", charge)
        except restate.TerminalError:
            pass
        else:
            raise restate.TerminalError("it has to fail")
        try:
            int(item)
        except restate.TerminalError:
            pass
        return state
    ```
    """
    if catching.TERMINAL not in catching.names(clause, code) or not all(_is_idle(node) for node in code.within(clause.body)):
        return
    around = code.parent(clause)
    span = code.span(clause)
    end = code.source.line_span(code.source.position(span.end).row).end
    if EXPLANATION.search(code.source.text, span.start, end) or (isinstance(around, cst.Try | cst.TryStar) and around.orelse is not None):
        return
    found = catching.durable_work(clause, code, catching.CATCH_TERMINAL)
    if not found or catching.ends(clause, code, catching.CATCH_TERMINAL) != {End.SWALLOWED}:
        return
    what = catching.header(clause, code)
    yield Finding(
        what,
        f"`{code.source.text[what.start : what.end]}` catches the error with which {found[0].display} fails for good or is cancelled, and nothing is done"
        " about it: the handler goes on; raise it, or say what failed.",
        None,
        (Related(code.project.path_of(found[0].function), found[0].span, f"{found[0].display} is awaited here"),),
    )


def _is_idle(node: cst.CSTNode) -> bool:
    """Whether a node of a clause does nothing."""
    match node:
        case cst.Return(value=value):
            return value is None
        case cst.IndentedBlock() | cst.SimpleStatementLine() | cst.SimpleStatementSuite() | cst.Pass() | cst.Continue():
            return True
        case cst.Expr(value=cst.Ellipsis() | cst.SimpleString()) | cst.Ellipsis() | cst.SimpleString():
            return True
        case _:
            return False
