"""REA101: the clock is read where replay reads it again."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from rea_lint import words
from rea_lint.diagnostic import Finding, Severity
from rea_lint.durable import Durable
from rea_lint.packs import Effect
from rea_lint.project import Use
from rea_lint.rule import rule

FORMATS = frozenset({"ctime", "isoformat", "strftime", "timestamp", "year", "month", "day", "hour", "minute", "weekday", "isoweekday"})


@rule("REA101", "wall-clock", Severity.ERROR, effects=[Effect.CLOCK], docs="https://docs.restate.dev/develop/python/durable-steps")
def wall_clock(use: Use, code: Durable) -> Iterator[Finding]:
    """
    A clock is read outside a step, so replay reads another time.

    Restate replays a handler after a crash or a wait: it runs from its first line, and what the journal holds is not done again. The
    clock is not in the journal. Where the time decides which operations run, or is an argument of one, the replay does something else
    than the journal says, and the invocation fails with a journal mismatch (RT0016), again at every retry.

    ```python fails="journal mismatch"
    import time

    import restate

    orders = restate.VirtualObject("orders")


    @orders.handler()
    async def place(ctx: restate.ObjectContext, item: str) -> None:
        placed = time.time()  # expect: REA101 "reaches `ctx.set`, whose arguments replay compares; use `await ctx.time()`"
        ctx.set("order", {"item": item, "placed": placed})
    ```

    `ctx.time()` gives the same seconds since the epoch, once: it journals them. That is one more journal entry, so the change goes out
    as a new deployment.

    ```python fixed unsafe
    import restate

    orders = restate.VirtualObject("orders")


    @orders.handler()
    async def place(ctx: restate.ObjectContext, item: str) -> None:
        placed = await ctx.time()
        ctx.set("order", {"item": item, "placed": placed})
    ```

    A branch is as bad, if there are durable operations in it:

    ```python
    import time

    import restate

    offers = restate.Service("offers")


    def renew() -> str:
        return "renewed"


    @offers.handler()
    async def accept(ctx: restate.Context, deadline: float) -> None:
        if time.time() > deadline:  # expect: REA101 "decides whether `ctx.run_typed` runs; use `await ctx.time()`"
            await ctx.run_typed("renew", renew)
        ctx.service_send(accept, arg=deadline)
    ```

    ```python fixed unsafe
    import restate

    offers = restate.Service("offers")


    def renew() -> str:
        return "renewed"


    @offers.handler()
    async def accept(ctx: restate.Context, deadline: float) -> None:
        if await ctx.time() > deadline:
            await ctx.run_typed("renew", renew)
        ctx.service_send(accept, arg=deadline)
    ```

    A `datetime` is made of it, with a time zone: without one, the result depends on the host, and belongs in a step.

    ```python
    from datetime import datetime, timezone

    import restate

    orders = restate.VirtualObject("orders")


    @orders.handler()
    async def place(ctx: restate.ObjectContext, item: str) -> None:
        placed = datetime.now(timezone.utc)  # expect: REA101 "reaches `ctx.set`"
        ctx.set("order", {"item": item, "placed": placed.isoformat()})
    ```

    ```python fixed unsafe
    from datetime import datetime, timezone

    import restate

    orders = restate.VirtualObject("orders")


    @orders.handler()
    async def place(ctx: restate.ObjectContext, item: str) -> None:
        placed = datetime.fromtimestamp(await ctx.time(), timezone.utc)
        ctx.set("order", {"item": item, "placed": placed.isoformat()})
    ```

    A clock in a function that the handler calls is found too, and the call is where it can be mended: in a step, or by handing the
    function the time.

    ```python
    import time

    import restate

    orders = restate.VirtualObject("orders")


    def stamp(item: str) -> str:
        return f"{item} {time.time()}"


    @orders.handler()
    async def place(ctx: restate.ObjectContext, item: str) -> None:
        ctx.set("order", stamp(item))  # expect: REA101 "`app.stamp` calls `time.time`"
    ```

    How bad it is depends on where the time goes. It is a warning if it is kept, passed on or used in a step (the step runs again, with
    another time, if it failed), and only worth knowing if it reaches nothing but the handler's result, a log line or the length of a sleep:
    those are not compared.

    ```python
    import time
    from datetime import timedelta

    import restate

    reminders = restate.Service("reminders")


    @reminders.handler()
    async def remind(ctx: restate.Context, at: float) -> None:
        await ctx.sleep(timedelta(seconds=at - time.time()))  # expect: REA101 "duration of `ctx.sleep`"
    ```

    A clock in a step is fine, and so is arithmetic with a time that is given:

    ```python
    import time
    from datetime import datetime, timezone

    import restate

    orders = restate.VirtualObject("orders")


    class Calendar:
        def now(self) -> str:
            return "always"


    @orders.handler()
    async def place(ctx: restate.ObjectContext, placed: float) -> None:
        started = await ctx.run_typed("started", lambda: time.time())
        ctx.set("started", started)
        ctx.set("placed", datetime.fromtimestamp(placed, timezone.utc).isoformat())
        ctx.set("day", time.strftime("%A", time.gmtime(placed)))
        ctx.set("calendar", Calendar().now())
    ```

    ruff's DTZ005 asks for `datetime.now(tz)`: in a handler that is as wrong as `datetime.now()`.
    """
    fix = words.replacement(use, code) or (words.step(use, code) if len(use.chain) > 1 or _is_formatted(use, code) else None)
    yield from words.value(use, code, instead=words.advice(use, code, "read it in a step"), fix=fix)


def _is_formatted(use: Use, code: Durable) -> bool:
    """Whether a time is made a text or a number at once, so that it can be journaled: `datetime.now().isoformat()`."""
    call = code.syntax.at(use.span) if code.syntax is not None else None
    method = code.syntax.parent(call) if code.syntax is not None and call is not None else None
    return isinstance(method, ast.Attribute) and method.attr in FORMATS
