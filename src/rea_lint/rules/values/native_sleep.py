"""REA106: a wait that is not durable."""

from __future__ import annotations

from collections.abc import Iterator

from rea_lint import words
from rea_lint.diagnostic import Finding, Severity
from rea_lint.durable import Durable
from rea_lint.packs import Effect
from rea_lint.project import Hop, Use
from rea_lint.rule import rule


@rule("REA106", "native-sleep", Severity.ERROR, effects=[Effect.SLEEP], docs="https://docs.restate.dev/develop/python/durable-timers")
def native_sleep(use: Use, code: Durable) -> Iterator[Finding]:
    """
    A wait is not durable: each attempt waits again, from the start.

    `asyncio.sleep` and `time.sleep` live in the process. After a crash, and after every replay, the whole time is waited once more; a wait
    longer than the invocation's timeouts never ends at all. `time.sleep` also stops every other invocation of the process.

    ```python fails="effect ran 2 times"
    import asyncio

    import restate

    orders = restate.Service("orders")


    def remind() -> str:
        return "reminded"


    @orders.handler()
    async def follow_up(ctx: restate.Context, item: str) -> None:
        await asyncio.sleep(3600)  # expect: REA106 "use `await ctx.sleep(timedelta(...))`"
        await ctx.run_typed("remind", remind)
    ```

    `ctx.sleep` keeps the timer in Restate: the invocation is put aside, takes no resources, and goes on when the time has come, on
    whichever machine. It adds a journal entry, so the change goes out as a new deployment.

    ```python fixed unsafe
    from datetime import timedelta

    import restate

    orders = restate.Service("orders")


    def remind() -> str:
        return "reminded"


    @orders.handler()
    async def follow_up(ctx: restate.Context, item: str) -> None:
        await ctx.sleep(timedelta(seconds=3600))
        await ctx.run_typed("remind", remind)
    ```

    A wait in a function that the handler calls is found too:

    ```python
    import time

    import restate

    orders = restate.Service("orders")


    def settle_down() -> None:
        time.sleep(5)


    @orders.handler()
    async def follow_up(ctx: restate.Context, item: str) -> None:
        settle_down()  # expect: REA106 "`app.settle_down` calls `time.sleep`"
    ```

    A short wait inside a step is the step's own business, and giving way to other tasks for a moment is no wait:

    ```python
    import asyncio
    from datetime import timedelta

    import restate

    orders = restate.Service("orders")


    async def poll() -> str:
        await asyncio.sleep(0.1)
        return "ready"


    async def give_way() -> None:
        await asyncio.sleep(0)


    class Machine:
        def sleep(self, mode: str) -> str:
            return mode


    @orders.handler()
    async def follow_up(ctx: restate.Context, item: str) -> str:
        await ctx.run_typed("poll", poll)
        await ctx.sleep(timedelta(minutes=5))
        await give_way()
        return Machine().sleep("deep")
    ```

    ruff's ASYNC251 finds `time.sleep` in an async function and asks for `asyncio.sleep`: in a handler that is as wrong.
    """
    if all(_is_pause(hop, use, code) for hop in (use.chain[-1], *use.also)):
        return
    stops = " and stops every other invocation of the process" if use.primitive == "time.sleep" else ""
    durable = f"`await {words.context(use, code)}.sleep(timedelta(...))`"
    yield Finding(
        use.span,
        f"{words.subject(use, 'is', 'which is')} no durable timer: each attempt waits from the start again{stops}; use {durable}.",
        words.replacement(use, code),
        words.chain(use, code),
    )


def _is_pause(hop: Hop, use: Use, code: Durable) -> bool:
    """Whether a call only lets other tasks run: `asyncio.sleep(0)`."""
    call = code.project.functions[use.inside].call(hop.span)
    delay = call.argument(0, "delay") if call is not None else None
    return delay is not None and delay.literal in {"0", "0.0"} and hop.name.startswith("asyncio.")
