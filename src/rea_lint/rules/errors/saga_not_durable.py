"""REA712: a compensation that is no durable work."""

from __future__ import annotations

from collections.abc import Iterator

from rea_lint import cst
from rea_lint.diagnostic import Finding, Related, Severity
from rea_lint.durable import Durable
from rea_lint.rule import rule
from rea_lint.rules import saga


@rule("REA712", "saga-not-durable", Severity.WARNING, trigger=saga.may_undo, docs="https://docs.restate.dev/guides/sagas")
def saga_not_durable(node: cst.For | cst.While, code: Durable) -> Iterator[Finding]:
    """
    A compensation is called outside a step, so every replay compensates again.

    Compensations wait for each other as actions do. If the handler is suspended or crashes between two of them, it is replayed, the error comes
    from the journal, and the first ones run once more: the payment is refunded twice.

    ```python
    import restate

    trips = restate.Service("trips")


    def work(trip: str) -> str:
        return trip


    def refund(trip: str) -> None:
        PAYMENTS.remove(trip)


    PAYMENTS = ["trip"]


    @trips.handler()
    async def book(ctx: restate.Context, trip: str) -> None:
        compensations = []
        try:
            compensations.append(lambda: refund(trip))  # expect: REA712 "`compensation()` calls it outside a step"
            await ctx.run_typed("pay", work, trip=trip)
        except restate.TerminalError:
            for compensation in reversed(compensations):
                compensation()
            raise
    ```

    Hand it to a step, where it is registered or where it is run:

    ```python
    import functools

    import restate

    trips = restate.Service("trips")


    def work(trip: str) -> str:
        return trip


    def refund(trip: str) -> None:
        PAYMENTS.remove(trip)


    PAYMENTS = ["trip"]


    async def cancel(ctx: restate.Context, trip: str) -> None:
        await ctx.run_typed("cancel", work, trip=trip)


    @trips.handler()
    async def book(ctx: restate.Context, trip: str) -> None:
        compensations = []
        try:
            compensations.append(lambda: ctx.run_typed("refund", refund, trip=trip))
            compensations.append(functools.partial(cancel, ctx, trip))
            await ctx.run_typed("pay", work, trip=trip)
        except restate.TerminalError:
            for compensation in reversed(compensations):
                await compensation()
            raise


    @trips.handler()
    async def run(ctx: restate.Context, trip: str) -> None:
        compensations = []
        try:
            compensations.append(("refund", lambda: refund(trip)))
            await ctx.run_typed("pay", work, trip=trip)
        except restate.TerminalError:
            for name, compensation in reversed(compensations):
                await ctx.run_typed(name, compensation)
            raise
    ```

    Where the compensation itself opens a connection, say, the rules of effects report that.
    """
    found = saga.loop(node, code)
    if found is None or found.in_steps or not saga.undoes(node, found.held, code):
        return
    calls = next((each for each in code.within(node.body) if isinstance(each, cst.Call) and code.operation(each) is None), node)
    for by, each in saga.registrations(found.held, code):
        if saga.is_durable(each.compensation, by) is False and not _is_used(each, by):
            yield Finding(
                by.span(each.call),
                f"The compensation uses no context, and `{code.text(calls)}` calls it outside a step: every replay compensates again; hand it to"
                " `ctx.run_typed`.",
                None,
                (Related(code.path, code.span(calls), "the compensation runs here"),),
                path=by.path,
            )


def _is_used(registered: saga.Registration, code: Durable) -> bool:
    """Whether the effect of a compensation is told of already, in the lambda that it is."""
    names = code.refs(registered.compensation)
    return any(code.project.uses(name) for name in names)
