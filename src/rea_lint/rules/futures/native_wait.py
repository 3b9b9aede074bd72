"""REA302: a wait whose outcome asyncio decides."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rea_lint import cst, rewrite, words
from rea_lint.diagnostic import Applicability, Finding, Fix, Severity
from rea_lint.durable import Durable
from rea_lint.packs import Effect
from rea_lint.project import Use
from rea_lint.rule import rule
from rea_lint.rules import work

if TYPE_CHECKING:
    from rea_lint.facts import Call
    from rea_lint.rules.work import Work

INSTEAD = {
    "wait_for": "use `restate.select` with a `ctx.sleep` beside it",
    "wait": "use `restate.wait_completed` or `restate.select`",
    "as_completed": "use `restate.as_completed`",
    "shield": "await it as it is: a durable operation goes on by itself",
}
OTHERWISE = "race it in `restate.select` with a `ctx.sleep`"


@rule("REA302", "native-wait", Severity.ERROR, effects=[Effect.WAIT], docs="https://docs.restate.dev/develop/python/concurrent-tasks")
def native_wait(use: Use, code: Durable) -> Iterator[Finding]:
    """
    Who is first, or what is too late, is decided by asyncio, and otherwise on replay.

    `asyncio.wait_for`, `wait`, `as_completed`, `shield` and `timeout` look at this process's clock, and at what has completed in this
    process so far. On replay the results of the journal are all there at once: what timed out is now in time, and what came second comes
    first. The handler takes another path than the journal says, and the invocation fails with RT0016 at every retry. A cancelled task
    also cancels the SDK's own waiting within it.

    ```python fails="journal mismatch"
    import asyncio

    import restate

    payments = restate.Service("payments")


    async def charge() -> str:
        await asyncio.sleep(0.2)
        return "paid"


    def refund() -> str:
        return "refunded"


    @payments.handler()
    async def pay(ctx: restate.Context, amount: int) -> str:
        try:
            return await asyncio.wait_for(ctx.run_typed("charge", charge), timeout=0.1)  # expect: REA302 "use `restate.select`"
        except TimeoutError:
            return await ctx.run_typed("refund", refund)
    ```

    `restate.select` takes a durable timer as one of its arms. Which of them was first is in the journal. It gives the name of the arm and
    its value, so the code around it changes too, and rea-lint only shows how the call begins:

    ```python
    import asyncio
    from datetime import timedelta

    import restate

    payments = restate.Service("payments")


    async def charge() -> str:
        await asyncio.sleep(0.2)
        return "paid"


    def refund() -> str:
        return "refunded"


    @payments.handler()
    async def pay(ctx: restate.Context, amount: int) -> str:
        match await restate.select(done=ctx.run_typed("charge", charge), timeout=ctx.sleep(timedelta(milliseconds=100))):
            case ["done", result]:
                return result
            case _:
                return await ctx.run_typed("refund", refund)
    ```

    The other functions have their counterparts too: `restate.as_completed` and `restate.wait_completed`. A durable operation needs no
    `shield`: it goes on whatever happens to the handler.

    ```python
    import asyncio
    from datetime import timedelta

    import restate

    payments = restate.Service("payments")


    def charge() -> str:
        return "paid"


    async def settle(ctx: restate.Context) -> str:
        return await ctx.run_typed("settle", charge)


    @payments.handler()
    async def pay(ctx: restate.Context, amount: int) -> None:
        for first in asyncio.as_completed([ctx.run_typed("a", charge), ctx.run_typed("b", charge)]):  # expect: REA302 "use `restate.as_completed`"
            await first
        await asyncio.shield(settle(ctx))  # expect: REA302 "`settle`, which uses the context"
        async with asyncio.timeout(5):  # expect: REA302 "race it in `restate.select`"
            await ctx.sleep(timedelta(seconds=10))
    ```

    Over a coroutine that does not use the context it is a warning: the outcome is still another one on replay, and nothing of it is
    journaled. In a step all of this is fine. What rea-lint cannot tell, it leaves alone:

    ```python
    import asyncio
    from datetime import timedelta

    import restate

    payments = restate.Service("payments")


    async def charge() -> str:
        return "paid"


    async def charge_in_time() -> str:
        async with asyncio.timeout(60):
            return await asyncio.wait_for(asyncio.shield(charge()), timeout=5)


    class Waiter:
        async def wait_for(self, table: str) -> str:
            return table


    @payments.handler()
    async def pay(ctx: restate.Context, amount: int) -> None:
        await asyncio.wait_for(charge(), timeout=5)  # expect: REA302 "another outcome on replay"
        await ctx.run_typed("charge", charge_in_time)
        await Waiter().wait_for("seven")
        async for future in restate.as_completed(ctx.run_typed("a", charge), ctx.run_typed("b", charge)):
            await future
        done, pending = await restate.wait_completed(ctx.run_typed("c", charge), ctx.sleep(timedelta(seconds=5)))
        ctx.generic_send("log", "write", f"{len(done)} {len(pending)}".encode())
    ```

    For a step that takes too long, a limit inside the step is often enough: the timeout of the HTTP client, or `max_duration` of
    `restate.RunOptions` for all of its attempts.
    """
    call = work.primitive_call(code.project, use)
    if call is None:
        return
    found = work.handed(code.project, code.project.functions[use.inside], call) or _within(use, call, code)
    durable = next((each for each in found if each.is_durable), None)
    name = use.primitive.rpartition(".")[2]
    instead = INSTEAD.get(name, OTHERWISE).replace("`ctx.", f"`{words.context(use, code)}.")
    subject = words.subject(use, "decides about", "which decides about")
    if durable is not None:
        what = durable.display if durable.kind is work.Kind.FUTURE else f"{durable.display}, which uses the context,"
        yield Finding(
            use.span,
            f"{subject} {what} by what this process sees: replay comes to another outcome; {instead}.",
            _shown(use, found, code),
            code.chain(use),
        )
    elif found:
        said = f"{subject} {found[0].display} outside a step, with another outcome on replay; hand it to `{words.context(use, code)}.run_typed` as a whole."
        yield Finding(use.span, said, None, code.chain(use), Severity.WARNING)


def _within(use: Use, call: Call, code: Durable) -> tuple[Work, ...]:
    """What is awaited in the `with` that a timeout is for."""
    node = code.node(use.span) if call.entered and len(use.chain) == 1 else None
    around = next((each for each in code.ancestors(node) if isinstance(each, cst.With)), None) if node is not None else None
    if around is None:
        return ()
    return tuple(
        found
        for each in code.within(around.body)
        if isinstance(each, cst.Await)
        for found in work.awaited(code.project, code.owner(each), code.refs(each.expression), code.span(each.expression))
    )


def _shown(use: Use, found: tuple[Work, ...], code: Durable) -> Fix | None:
    """How `restate.select` is called instead of `wait_for`: shown only, since what it gives is something else."""
    call = code.node(use.span)
    if use.primitive != "asyncio.wait_for" or len(use.chain) > 1 or len(found) != 1 or found[0].kind is not work.Kind.FUTURE:
        return None
    context = code.context(call) if isinstance(call, cst.Call) else None
    given = [(use.call.argument(0, "fut"), use.call.argument(1, "timeout"))] if use.call is not None else []
    if context is None or not isinstance(call, cst.Call) or not given or None in given[0]:
        return None
    future, limit = (code.source.text[argument.span.start : argument.span.end] for argument in given[0] if argument is not None)
    select, delta = rewrite.spelled(code, call, "restate.select"), rewrite.spelled(code, call, "datetime.timedelta")
    if select is None or delta is None:
        return None
    text = f"{select[0]}(done={future}, timeout={context}.sleep({delta[0]}(seconds={limit})))"
    edits = rewrite.replace(code, call, text)
    title = 'Race it with a durable timer; the result is `["done", value]` or `["timeout", None]`'
    return None if edits is None else Fix(title, (*edits, *select[1], *delta[1]), Applicability.DISPLAY)
