"""REA401: the context is used inside a step."""

from __future__ import annotations

from collections.abc import Iterator

from rea_lint.diagnostic import Finding, Severity
from rea_lint.durable import Durable
from rea_lint.project import StepViolation
from rea_lint.rule import rule
from rea_lint.rules import inside

ELSEWHERE = frozenset({"run", "run_typed", "random", "uuid", "time"})  # nested-step, deterministic-rng-in-step


@rule("REA401", "context-in-step", Severity.ERROR, docs="https://docs.restate.dev/develop/python/durable-steps")
def context_in_step(violation: StepViolation, code: Durable) -> Iterator[Finding]:
    """
    A step uses the context, and what it does there is journaled on the first run only.

    The action of a step runs once. Its result goes to the journal, and on replay the action is skipped. A durable operation within it is
    skipped too: the journal has an entry that the replayed handler never asks for, and the invocation fails with RT0016 at every retry.
    An operation that is awaited there can also wait for ever, since the handler itself is waiting for the step.

    ```python fails="journal mismatch"
    import restate

    orders = restate.VirtualObject("orders")


    def charge(item: str) -> str:
        return f"{item} is paid"


    @orders.handler()
    async def place(ctx: restate.ObjectContext, item: str) -> None:
        def pay() -> str:
            receipt = charge(item)
            ctx.set("receipt", receipt)  # expect: REA401 "`ctx.set`"
            return receipt

        await ctx.run_typed("pay", pay)
    ```

    A step does the side effect and returns what is worth keeping. The handler does the rest:

    ```python
    import restate

    orders = restate.VirtualObject("orders")


    def charge(item: str) -> str:
        return f"{item} is paid"


    @orders.handler()
    async def place(ctx: restate.ObjectContext, item: str) -> None:
        receipt = await ctx.run_typed("pay", charge, item=item)
        ctx.set("receipt", receipt)
    ```

    It is found through the functions that the step calls as well, and the message says by which way:

    ```python
    import restate

    orders = restate.VirtualObject("orders")


    def remember(ctx: restate.ObjectContext, state: str) -> None:
        ctx.set("state", state)


    @orders.handler()
    async def place(ctx: restate.ObjectContext, item: str) -> None:
        remember(ctx, "new")
        await ctx.run_typed("pay", lambda: remember(ctx, "paid"))  # expect: REA401 "`app.remember` calls"
    ```

    What only reads the invocation journals nothing and is fine in a step, and so is what merely looks like a context:

    ```python
    import restate

    orders = restate.VirtualObject("orders")


    class Session:
        def set(self, key: str, value: str) -> str:
            return f"{key}={value}"


    def lookup() -> str:
        ctx = Session()
        return ctx.set("schema", "shop")


    @orders.handler()
    async def place(ctx: restate.ObjectContext, item: str) -> None:
        await ctx.run_typed("key", lambda: f"{ctx.key()}/{item}")
        await ctx.run_typed("headers", lambda: dict(ctx.request().headers))
        await ctx.run_typed("lookup", lookup)
        undo = [lambda: ctx.set("state", "undone")]
        for each in undo:
            each()
    ```
    """
    info = code.project.knowledge.operations.get(violation.method)
    if info is not None and info.journals and violation.method not in ELSEWHERE:
        yield inside.finding(
            violation,
            code,
            "on replay the step is skipped, and the journal has an entry that nobody asks for (RT0016); do it in the handler, after the step",
        )
