"""REA709: what was compensated looks as if it had worked."""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from rea_lint.diagnostic import Finding, Related, Severity
from rea_lint.durable import Durable
from rea_lint.rule import rule
from rea_lint.rules import catching, saga
from rea_lint.rules.catching import End


@rule("REA709", "saga-no-rethrow", Severity.WARNING, docs="https://docs.restate.dev/guides/sagas")
def saga_no_rethrow(clause: cst.ExceptHandler | cst.ExceptStarHandler, code: Durable) -> Iterator[Finding]:
    """
    A clause runs the compensations, and the handler goes on as if nothing had failed.

    Everything is undone, but the invocation completes, and whoever called it believes that the trip is booked. A cancellation ends the same
    way: the one who cancelled is told that the invocation succeeded.

    ```python
    import restate

    trips = restate.Service("trips")


    def work(trip: str) -> str:
        return trip


    @trips.handler()
    async def book(ctx: restate.Context, trip: str) -> None:
        compensations = []
        try:
            compensations.append(lambda: ctx.run_typed("cancel flight", work, trip=trip))
            await ctx.run_typed("book flight", work, trip=trip)
            compensations.append(lambda: ctx.run_typed("cancel hotel", work, trip=trip))
            await ctx.run_typed("book hotel", work, trip=trip)
        except restate.TerminalError:  # expect: REA709 "completes as if"
            for compensation in reversed(compensations):
                await compensation()
    ```

    Raise the error again at the end of the clause. Where the caller is told otherwise, by another result or in the state, nothing is said:

    ```python
    import restate

    trips = restate.VirtualObject("trips")


    def work(trip: str) -> str:
        return trip


    @trips.handler()
    async def book(ctx: restate.ObjectContext, trip: str) -> None:
        compensations = []
        try:
            compensations.append(lambda: ctx.run_typed("cancel flight", work, trip=trip))
            await ctx.run_typed("book flight", work, trip=trip)
        except restate.TerminalError:
            for compensation in reversed(compensations):
                await compensation()
            raise


    @trips.handler()
    async def tried(ctx: restate.ObjectContext, trip: str) -> bool:
        compensations = []
        try:
            compensations.append(lambda: ctx.run_typed("cancel flight", work, trip=trip))
            await ctx.run_typed("book flight", work, trip=trip)
        except restate.TerminalError:
            for compensation in reversed(compensations):
                await compensation()
            return False
        return True


    @trips.handler()
    async def noted(ctx: restate.ObjectContext, trip: str) -> None:
        compensations = []
        try:
            compensations.append(lambda: ctx.run_typed("cancel flight", work, trip=trip))
            await ctx.run_typed("book flight", work, trip=trip)
        except restate.TerminalError:
            for compensation in reversed(compensations):
                await compensation()
            ctx.set("status", "cancelled")


    @trips.handler()
    async def told(ctx: restate.ObjectContext, trip: str) -> str:
        compensations = []
        status = "booked"
        try:
            compensations.append(lambda: ctx.run_typed("cancel flight", work, trip=trip))
            await ctx.run_typed("book flight", work, trip=trip)
        except restate.TerminalError:
            for compensation in reversed(compensations):
                await compensation()
            status = "cancelled"
        return status
    ```
    """
    if not catching.CATCH_TERMINAL & catching.names(clause, code):
        return
    found = saga.loops(clause.body, code)
    if not found or catching.ends(clause, code, frozenset({catching.TERMINAL})) != {End.SWALLOWED} or _is_told(clause, found, code):
        return
    what = catching.header(clause, code)
    yield Finding(
        what,
        f"`{code.source.text[what.start : what.end]}` runs the compensations and does not raise: the invocation completes as if nothing had failed, and"
        " a cancellation as if there had been none; end the clause with `raise`.",
        None,
        (Related(code.path, code.span(found[0].held), "the compensations run here"),),
    )


def _is_told(clause: cst.ExceptHandler | cst.ExceptStarHandler, found: list[saga.Loop], code: Durable) -> bool:
    """Whether a clause says otherwise what has happened: by a result, in a variable, or by a durable operation."""
    looping = {node for each in found for node in code.within(each.node)}
    for node in code.within(clause.body):
        if (
            isinstance(node, cst.Return)
            and node.value is not None
            and not (isinstance(node.value, cst.Name) and node.value.value == "None")
        ):
            return True
        if node not in looping and (isinstance(node, cst.Assign | cst.AugAssign | cst.AnnAssign) or code.operation(node) is not None):
            return True
        if node not in looping and isinstance(node, cst.Await):
            return True
    around = code.parent(clause)
    leaves = (
        any(isinstance(node, cst.Return) and node.value is not None for node in code.within(around.body))
        if isinstance(around, cst.Try)
        else False
    )
    end = code.span(clause).end
    owner = code.owner(clause).name
    later = [
        node for node, name in code.nodes if name == owner and isinstance(node, cst.Return | cst.Raise) and code.span(node).start > end
    ]
    return leaves and bool(later)
