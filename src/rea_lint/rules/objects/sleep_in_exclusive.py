"""REA603: an exclusive handler that sleeps."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING

from rea_lint.diagnostic import Finding, Severity
from rea_lint.durable import Durable
from rea_lint.facts import Function
from rea_lint.rule import rule
from rea_lint.rules import waiting, work

if TYPE_CHECKING:
    from rea_lint.rules.work import Work


@rule("REA603", "sleep-in-exclusive", Severity.WARNING, docs="https://docs.restate.dev/develop/python/durable-timers")
def sleep_in_exclusive(function: Function, code: Durable) -> Iterator[Finding]:
    """
    An exclusive handler sleeps, and the other exclusive calls to the key wait with it.

    Of the exclusive handlers of a virtual object, one runs at a time for each key. One that sleeps keeps the key: every other call to
    that key is queued until the timer has fired, also the one that is to cancel what the sleep is for. `ctx.sleep` costs nothing in a
    service or workflow; here it is paid by the callers. (A sleep of 730 ms made another call wait all of that; with a delayed message it
    waited 8 to 21 ms.)

    ```python
    from datetime import timedelta

    import restate

    baskets = restate.VirtualObject("baskets")


    @baskets.handler()
    async def add(ctx: restate.ObjectContext, item: str) -> None:
        ctx.set("item", item)
        await ctx.sleep(timedelta(minutes=15))  # expect: REA603 "`baskets.add` keeps its key"
        ctx.clear("item")
    ```

    A delayed message is the way out. The handler ends, the key is free, and Restate calls the other handler when the time has come:

    ```python
    from datetime import timedelta

    import restate

    baskets = restate.VirtualObject("baskets")


    @baskets.handler()
    async def add(ctx: restate.ObjectContext, item: str) -> None:
        ctx.set("item", item)
        ctx.object_send(expire, key=ctx.key(), arg=None, send_delay=timedelta(minutes=15))


    @baskets.handler()
    async def expire(ctx: restate.ObjectContext) -> None:
        ctx.clear("item")
    ```

    Handlers with `kind="shared"`, services and workflows may sleep. So may a helper that no exclusive handler calls. A timer that only
    limits another wait is no sleep:

    ```python
    from datetime import timedelta

    import restate

    baskets = restate.VirtualObject("baskets")
    prices = restate.Service("prices")
    checkout = restate.Workflow("checkout")


    def fetch() -> int:
        return 1


    async def settle(ctx: restate.Context) -> None:
        await ctx.sleep(timedelta(minutes=5))


    @baskets.handler(kind="shared")
    async def look(ctx: restate.ObjectSharedContext) -> None:
        await ctx.sleep(timedelta(minutes=5))


    @baskets.handler()
    async def fill(ctx: restate.ObjectContext) -> None:
        await restate.select(price=ctx.run_typed("price", fetch), timeout=ctx.sleep(timedelta(seconds=5)))
        await ctx.sleep(timedelta(0))


    @prices.handler()
    async def price(ctx: restate.Context) -> None:
        await settle(ctx)


    @checkout.main()
    async def run(ctx: restate.WorkflowContext) -> None:
        await ctx.sleep(timedelta(days=1))
    ```

    Where short pauses are accepted, `min-blocking-sleep = 2` in the configuration keeps those silent that are written down as shorter
    than two seconds.
    """
    handler = waiting.blocked(code.project, function)
    for wait in function.waits if handler is not None else ():
        found = waiting.waited_for(wait, function, code.project)
        lengths = [_seconds(each, code) for each in found if _is_sleep(each)]
        if len(lengths) < len(found) or all(
            seconds is not None and (seconds == 0 or seconds < code.config.min_blocking_sleep) for seconds in lengths
        ):
            continue
        yield Finding(
            wait.place,
            f"{handler} keeps its key while it sleeps, and the other exclusive calls to the key wait; end the handler, and send a delayed message for the"
            " rest (`send_delay=`).",
            None,
            waiting.created(found[0], code, wait.place),
        )


def _is_sleep(each: Work) -> bool:
    return each.operation is not None and each.operation.name == "sleep"


def _seconds(each: Work, code: Durable) -> float | None:
    """How long a sleep is, if it is written down: `timedelta(seconds=5)`."""
    span = work.origin(code.project, each)
    operation = code.project.operation(each.function, span)
    delta = operation.call.argument(0, "delta") if operation is not None else None
    made = code.project.functions[each.function].call(delta.span) if delta is not None else None
    if made is None or code.project.resolve(made.callees) != {"datetime.timedelta"} or made.unpacks:
        return None
    with suppress(TypeError, ValueError, OverflowError):
        positional = [float(a.literal or "") for a in made.arguments if a.keyword is None]
        return timedelta(*positional, **{a.keyword: float(a.literal or "") for a in made.arguments if a.keyword}).total_seconds()
    return None
