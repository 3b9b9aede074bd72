"""REA824: a loop that sleeps and looks again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rea_lint import cst
from rea_lint.diagnostic import Finding, Related, Severity
from rea_lint.durable import Durable
from rea_lint.rule import rule
from rea_lint.rules import reading, triggers

if TYPE_CHECKING:
    from rea_lint.facts import Function
    from rea_lint.project import Operation, Project

IDLE = frozenset({"sleep", "time", "key", "request", "random", "uuid", "promise"})  # what a loop that only waits may do besides


def _may_poll(function: Function, project: Project) -> bool:
    for loop in function.loops:
        inside = [
            each for inner in triggers.within(function, project) for each in project.operations(inner.name) if loop.contains(each.call.span)
        ]
        is_pausing = any(each.info.name == "sleep" and each.call.awaited for each in inside)
        looks = [each.info.name for each in inside if each.info.name not in IDLE]
        if is_pausing and looks and all(name in reading.READS or name == "peek" or name.endswith("_call") for name in looks):
            return True
    return False


@rule("REA824", "state-polling", Severity.WARNING, trigger=_may_poll, docs="https://docs.restate.dev/develop/python/external-events")
def state_polling(loop: cst.While | cst.For, code: Durable) -> Iterator[Finding]:
    """
    A loop sleeps and looks at state, a promise or another handler, until something has changed.

    Each round adds entries to the journal, which is replayed whole after each sleep, and the answer is late by up to one round. State is worse: an
    exclusive handler, or a workflow's main, is the only one that may write it, so nobody changes what the loop waits for. And
    unless state is lazy, an attempt reads it as it was when the attempt began.

    ```python
    from datetime import timedelta

    import restate

    orders = restate.Workflow("orders")


    @orders.main()
    async def run(ctx: restate.WorkflowContext, order: str) -> str:
        while not await ctx.get("paid", type_hint=bool):  # expect: REA824 "`ctx.get`"
            await ctx.sleep(timedelta(seconds=10))
        return order
    ```

    A promise is resolved by whoever knows, and the handler goes on at once. Outside of workflows, an awakeable or a signal does it:

    ```python
    import restate

    orders = restate.Workflow("orders")


    @orders.main()
    async def run(ctx: restate.WorkflowContext, order: str) -> str:
        await ctx.promise("paid", type_hint=bool).value()
        return order


    @orders.handler()
    async def paid(ctx: restate.WorkflowSharedContext) -> None:
        await ctx.promise("paid", type_hint=bool).resolve(True)
    ```

    To ask another handler again and again is the same, if all that it does is to read:

    ```python
    from datetime import timedelta

    import restate

    orders = restate.VirtualObject("orders")
    shops = restate.Service("shops")


    @orders.handler(kind="shared")
    async def status(ctx: restate.ObjectSharedContext) -> str:
        return await ctx.get("status", type_hint=str) or "open"


    @shops.handler()
    async def wait(ctx: restate.Context, order: str) -> None:
        for _ in range(100):  # expect: REA824 "`orders.status`"
            if await ctx.object_call(status, key=order, arg=None) == "paid":
                break
            await ctx.sleep(timedelta(minutes=1))
    ```

    What cannot call back has to be asked: a step in a loop with a sleep is how an API is polled. And a loop that does something in each
    round is more than waiting:

    ```python
    import subprocess
    from datetime import timedelta

    import restate

    orders = restate.Workflow("orders")


    def price() -> int:
        return 1


    async def tell(ctx: restate.WorkflowContext) -> None:
        ctx.generic_send("mail", "send", b"still open")


    class Cache:
        async def get(self, name: str) -> str:
            return name


    @orders.main()
    async def run(ctx: restate.WorkflowContext, order: str) -> None:
        while await ctx.run_typed("price", price) > 10:
            await ctx.sleep(timedelta(minutes=10))
        for _ in range(await ctx.get("times", type_hint=int) or 0):
            ctx.set("round", await ctx.get("round", type_hint=int) or 0)
            await ctx.sleep(timedelta(minutes=10))
        while await ctx.get("open", type_hint=bool):
            subprocess.run(["true"])  # expect: REA204
            await ctx.sleep(timedelta(minutes=10))
        while await ctx.get("open", type_hint=bool):
            await tell(ctx)
            await ctx.sleep(timedelta(minutes=10))
        for _ in range(3):
            await Cache().get("price")
            await ctx.sleep(timedelta(minutes=10))
    ```
    """
    inside = [*code.operations(loop.body), *(code.operations(loop.test) if isinstance(loop, cst.While) else ())]
    sleeps = [each for each in inside if each.info.name == "sleep" and each.call.awaited]
    looks = [each for each in inside if each.info.name not in IDLE]
    names = [_looked_at(each, code) for each in looks]
    if not sleeps or not looks or None in names or _does_more(loop, code, inside):
        return
    place = code.span(loop.test) if isinstance(loop, cst.While) else code.span(loop.iter)
    related = (Related(code.path, looks[0].call.span, "this is asked in each round"), Related(code.path, sleeps[0].call.span, "the pause"))
    yield Finding(
        place,
        f"The loop sleeps and asks {names[0]} again: each round adds to the journal, which is replayed after each sleep, and {_why(looks[0], code)};"
        f" wait for {_instead(code, looks[0])} that is resolved when it is time.",
        None,
        related,
    )


def _looked_at(operation: Operation, code: Durable) -> str | None:
    """What a round looks at, if it only looks: state, a promise, a handler that only reads."""
    name = operation.info.name
    if name in reading.READS or name == "peek":
        return f"`ctx.{name}`" if name != "peek" else "`peek()`"
    called = code.project.targets(operation) if name.endswith("_call") and operation.call.awaited else ()
    if len(called) == 1 and reading.operations(code.project, called[0]) is not None:
        return f"`{called[0].display}`"
    return None


def _does_more(loop: cst.While | cst.For, code: Durable, known: list[Operation]) -> bool:
    """Whether a round runs steps, hands the context to others, or has an effect."""
    spans = {each.call.span for each in known}
    uses = {use.span for use in code.project.uses(code.owner(loop).name) if use.effect not in reading.EFFECTS}
    calls = [call for node in code.within(loop) if isinstance(node, cst.Call) and (call := code.call(node)) is not None]
    return any(code.step(node) is not None for node in code.within(loop)) or any(
        call.span in uses or (call.span not in spans and code.project.takes_context(call)) for call in calls
    )


def _why(look: Operation, code: Durable) -> str:
    is_own_state = look.info.name in reading.READS and code.project.kinds(look.function) <= {"exclusive", "main"}
    return "nobody else may write that state meanwhile" if is_own_state else "it goes on late"


def _instead(code: Durable, look: Operation) -> str:
    return "a promise" if code.project.kinds(look.function) <= {"main"} or look.info.name == "peek" else "an awakeable"
