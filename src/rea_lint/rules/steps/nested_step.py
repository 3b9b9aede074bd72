"""REA402: a step within a step."""

from __future__ import annotations

from collections.abc import Iterator

from rea_lint.diagnostic import Finding, Severity
from rea_lint.durable import Durable
from rea_lint.project import StepViolation
from rea_lint.rule import rule
from rea_lint.rules import inside


@rule("REA402", "nested-step", Severity.ERROR, docs="https://docs.restate.dev/develop/python/durable-steps")
def nested_step(violation: StepViolation, code: Durable) -> Iterator[Finding]:
    """
    A step runs another step.

    While the action of a step runs, its handler waits for the result. A step within it is one more entry of the same journal, which is
    proposed by code that replay skips: the inner step is missing then, and the invocation fails with RT0016 at every retry.

    ```python fails="journal mismatch"
    import restate

    orders = restate.Service("orders")


    def charge() -> str:
        return "paid"


    def ship() -> str:
        return "shipped"


    @orders.handler()
    async def place(ctx: restate.Context, item: str) -> str:
        async def fulfil() -> str:
            paid = await ctx.run_typed("charge", charge)  # expect: REA402 "runs inside the step"
            return f"{paid}, {ship()}"

        return await ctx.run_typed("fulfil", fulfil)
    ```

    Two effects are two steps, one after the other: when the second fails, the first is not repeated.

    ```python
    import restate

    orders = restate.Service("orders")


    def charge() -> str:
        return "paid"


    def ship() -> str:
        return "shipped"


    @orders.handler()
    async def place(ctx: restate.Context, item: str) -> str:
        paid = await ctx.run_typed("charge", charge)
        shipped = await ctx.run_typed("ship", ship)
        return f"{paid}, {shipped}"
    ```

    A helper that runs a step of its own is called by the handler, not handed to a step. A `run` that is not the context's is no step:

    ```python
    import restate

    orders = restate.Service("orders")


    def charge() -> str:
        return "paid"


    async def pay(ctx: restate.Context) -> str:
        return await ctx.run_typed("charge", charge)


    class Engine:
        def run(self, query: str) -> str:
            return query


    @orders.handler()
    async def place(ctx: restate.Context, item: str) -> str:
        async def through_a_helper() -> str:
            return await pay(ctx)  # expect: REA402 "`app.pay` calls"

        await ctx.run_typed("pay", through_a_helper)
        await ctx.run_typed("query", lambda: Engine().run("select 1"))
        return await pay(ctx)
    ```
    """
    if f"{violation.context}().{violation.method}" in code.project.knowledge.steps:
        yield inside.finding(
            violation,
            code,
            "on replay the outer step is skipped, and the inner one is missing (RT0016); make them two steps of the handler",
        )
