"""REA306: a durable future that is kept and never awaited."""

from __future__ import annotations

from collections.abc import Iterator

from rea_lint import cst
from rea_lint.diagnostic import Finding, Severity
from rea_lint.durable import Durable
from rea_lint.project import Operation
from rea_lint.rule import rule
from rea_lint.rules import triggers, unread

LOSES = {
    "run": "the step is journaled and its action never runs",
    "run_typed": "the step is journaled and its action never runs",
    "sleep": "nothing waits for the timer",
}


@rule(
    "REA306",
    "unused-durable-future",
    Severity.WARNING,
    operations=lambda info, _: info.gives == "future",
    docs="https://docs.restate.dev/develop/python/concurrent-tasks",
)
def unused_durable_future(operation: Operation, code: Durable) -> Iterator[Finding]:
    """
    A durable operation's future is kept in a variable, and nobody awaits it.

    Giving the future a name is half of it: the action of a step runs when something is awaited, a timer is waited for by who awaits it, and
    the answer of a call, or its failure, is seen by who awaits that. If nobody does, the step never runs, and the handler ends as if
    all were well.

    ```python fails="step never ran"
    import restate

    orders = restate.Service("orders")


    def charge() -> str:
        return "paid"


    @orders.handler()
    async def place(ctx: restate.Context, item: str) -> str:
        payment = ctx.run_typed("charge", charge)  # expect: REA306 "its action never runs"
        return item
    ```

    ```python
    import restate

    orders = restate.Service("orders")


    def charge() -> str:
        return "paid"


    @orders.handler()
    async def place(ctx: restate.Context, item: str) -> str:
        payment = ctx.run_typed("charge", charge)
        return f"{item}: {await payment}"
    ```

    To go on without the answer of another handler, send: `ctx.service_send`. A future may wait in a list, in a race, or in a function that
    is called later, and the handle of a message needs nobody:

    ```python
    from datetime import timedelta

    import restate

    orders = restate.Service("orders")


    def charge() -> str:
        return "paid"


    @orders.handler()
    async def place(ctx: restate.Context, items: list[str]) -> str | None:
        handle = ctx.service_send(place, arg=[], send_delay=timedelta(hours=1))
        kept = [ctx.run_typed(item, charge) for item in items]
        await restate.gather(*kept)
        by_name = {"charge": ctx.run_typed("charge", charge)}
        for name in by_name:
            await by_name[name]
        timeout = ctx.sleep(timedelta(seconds=1))
        match await restate.select(payment=ctx.run_typed("late", charge), timeout=timeout):
            case ["timeout", _]:
                return None

        last = ctx.run_typed("last", charge)

        async def finish() -> str:
            return await last

        return await finish()


    @orders.handler()
    async def watch(ctx, items):
        pending = None
        for item in items:
            if pending is not None:
                await pending
            pending = ctx.service_call(place, arg=[item])
        for item in items:
            pending = ctx.service_call(place, arg=[item])  # expect: REA306 "its answer is lost"
        payments = [ctx.run_typed("first", charge), ctx.run_typed("second", charge)]  # expect: REA306, REA306
    ```
    """
    call = operation.call
    if call.awaited or call.discarded:
        return
    function = code.project.functions[operation.function]
    if any(
        len(function.variables[name]) == 1 and triggers.stands(name.partition("@")[0], function, code.project)
        for name in triggers.holding(call.span, function, code.project)
    ):
        return  # it is read, and there is nothing else in it
    if call.around not in {"Assign", "AnnAssign", "List", "Tuple", "Set", "Dict", "ListComp", "SetComp", "DictComp"}:
        return
    node = code.node(call.span)
    names = unread.holder(code, node) if isinstance(node, cst.Call) else None
    if names and not any(unread.is_read(code, name) for name in names):
        yield Finding(
            call.span,
            f"`ctx.{operation.info.name}` gives a durable future, and `{names[0].value}`, which holds it, is never read: {_lost(operation)}.",
        )


def _lost(operation: Operation) -> str:
    method = operation.info.name
    if method.endswith("_call"):
        return "its answer is lost, and so is its failure; await it, or send a message instead"
    return f"{LOSES.get(method, 'what it gives is lost')}; await it"
