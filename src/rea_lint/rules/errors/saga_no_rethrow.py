"""REA709: what was compensated looks as if it had worked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rea_lint import cst
from rea_lint.diagnostic import Finding, Related, Severity
from rea_lint.durable import Durable
from rea_lint.rule import rule
from rea_lint.rules import catching, saga, triggers

if TYPE_CHECKING:
    from rea_lint.facts import Clause, Function
    from rea_lint.project import Project


def _may_compensate(function: Function, project: Project) -> bool:
    return any(
        not clause.raises and triggers.catches(clause, project, catching.CATCH_TERMINAL) and _may_undo(clause, function, project)
        for clause in function.clauses
    )


def _may_undo(clause: Clause, function: Function, project: Project) -> bool:
    inside = (call for call in function.calls if clause.span.contains(call.span))
    return not clause.is_plain or any(saga.UNDOES.search(name) for call in inside for name in project.resolve(call.callees))


@rule("REA709", "saga-no-rethrow", Severity.WARNING, trigger=_may_compensate, docs="https://docs.restate.dev/guides/sagas")
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
    found = saga.untold(clause, code)
    if not found or catching.BASE in catching.names(clause, code):  # bare-except's
        return
    what = catching.header(clause, code)
    yield Finding(
        what,
        f"`{code.source.text[what.start : what.end]}` runs the compensations and does not raise: the invocation completes as if nothing had failed, and"
        " a cancellation as if there had been none; end the clause with `raise`.",
        None,
        (
            Related(
                code.path,
                code.span(
                    found[0].iter if isinstance(found[0], cst.For) else found[0].test if isinstance(found[0], cst.While) else found[0]
                ),
                "the compensations run here",
            ),
        ),
    )
