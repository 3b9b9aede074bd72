"""REA305: a durable operation whose future is dropped."""

from __future__ import annotations

from collections.abc import Iterator

from rea_lint.diagnostic import Applicability, Finding, Fix, Severity
from rea_lint.durable import Durable
from rea_lint.project import Operation
from rea_lint.rule import rule
from rea_lint.text import Edit, Span

LOSES = {
    "run": "the step is journaled and its action never runs",
    "run_typed": "the step is journaled and its action never runs",
    "sleep": "nothing waits for the timer",
    "resolve": "a failure of it is lost",
    "reject": "a failure of it is lost",
}


@rule(
    "REA305",
    "unawaited-durable-future",
    Severity.ERROR,
    operations=lambda info, _: info.gives == "future",
    docs="https://docs.restate.dev/develop/python/durable-steps",
)
def unawaited_durable_future(operation: Operation, code: Durable) -> Iterator[Finding]:
    """
    A durable operation gives a future, and nobody awaits it.

    Calling `ctx.run_typed` writes the step to the journal, and no more: its action runs when something is awaited. Nobody awaits this
    one, so the handler completes, Restate reports success, and the action may never have run. `ctx.sleep` without `await` does not wait,
    and a call without `await` loses the answer, and with it the failure.

    ```python fails="step never ran"
    from datetime import timedelta

    import restate

    orders = restate.Service("orders")


    def charge() -> str:
        return "paid"


    @orders.handler()
    async def place(ctx: restate.Context, item: str) -> str:
        ctx.sleep(timedelta(seconds=1))  # expect: REA305 "nothing waits for the timer"
        ctx.run_typed("charge", charge)  # expect: REA305 "its action never runs"
        return item
    ```

    ```python fixed
    from datetime import timedelta

    import restate

    orders = restate.Service("orders")


    def charge() -> str:
        return "paid"


    @orders.handler()
    async def place(ctx: restate.Context, item: str) -> str:
        await ctx.sleep(timedelta(seconds=1))
        await ctx.run_typed("charge", charge)
        return item
    ```

    To go on without the answer of another handler, send: `ctx.service_send` is made for it and gives nothing to await. A future may wait
    its turn in a variable or a container, and what gives no future needs no `await`:

    ```python
    from datetime import timedelta

    import restate

    orders = restate.VirtualObject("orders")


    def charge() -> str:
        return "paid"


    class Courier:
        def sleep(self, hours: int) -> None:
            self.hours = hours


    @orders.handler()
    async def place(ctx: restate.ObjectContext, item: str) -> str:
        ctx.set("item", item)
        ctx.clear("basket")
        ctx.object_send(place, key="next", arg=item, send_delay=timedelta(hours=1))
        ctx.resolve_awakeable("sign_1", "done")
        payments = [ctx.run_typed("first", charge)]
        payments.append(ctx.run_typed("second", charge))
        await restate.gather(*payments)
        undo = lambda: ctx.run_typed("undo", charge)
        await undo()
        Courier().sleep(8)
        return item
    ```

    mypy finds this too, with `--enable-error-code unused-awaitable`, where everything is annotated.
    """
    if not operation.call.discarded or operation.call.awaited:
        return
    callee = operation.call.callee_span
    name = code.source.text[callee.start : callee.end]
    method = operation.method.rpartition(".")[2]
    loses = LOSES.get(method, "its result is lost, and its failure with it")
    send = " (or send a message, if nothing depends on the answer)" if method.endswith("_call") else ""
    at = Span(operation.call.span.start, operation.call.span.start)
    fix = Fix("Await it", (Edit(at, "await "),), Applicability.SAFE) if code.project.functions[operation.function].is_async else None
    yield Finding(operation.call.span, f"`{name}` gives a durable future that nobody awaits: {loses}; await it{send}.", fix)
