"""REA814: a promise where no workflow is."""

from __future__ import annotations

from collections.abc import Iterator

from rea_lint.diagnostic import Finding, Severity
from rea_lint.durable import Durable
from rea_lint.facts import Function
from rea_lint.project import Operation
from rea_lint.rule import rule
from rea_lint.rules import reaching


@rule(
    "REA814",
    "promise-outside-workflow",
    Severity.ERROR,
    operations=lambda info, _: info.name == "promise",
    docs="https://docs.restate.dev/develop/python/external-events",
)
def promise_outside_workflow(thing: Operation | Function, code: Durable) -> Iterator[Finding]:
    """
    A handler uses a durable promise, and it is no handler of a workflow.

    Promises belong to one run of a workflow: its main awaits what its other handlers resolve. Services and virtual objects have none.
    Restate refuses the operation (RT0017, "only Workflow services support it"), and the invocation is retried for ever.

    ```python fails="retried with RT0017"
    import restate

    orders = restate.Service("orders")


    @orders.handler()
    async def place(ctx: restate.WorkflowContext, item: str) -> str:
        return await ctx.promise("approved").value()  # expect: REA814 "`orders.place` is a handler of a service"
    ```

    In a virtual object or a service, an awakeable does the same: its id goes to whoever is to resolve it.

    ```python
    import restate

    orders = restate.Service("orders")
    signup = restate.Workflow("signup")


    def ask(approval: str) -> None: ...


    class Promises:
        def promise(self, name: str) -> str:
            return name


    @orders.handler()
    async def place(ctx: restate.Context, item: str) -> str:
        approval, approved = ctx.awakeable()
        await ctx.run_typed("ask", ask, approval=approval)
        Promises().promise("approved")
        return await approved


    @signup.main()
    async def run(ctx: restate.WorkflowContext, email: str) -> bool:
        return await ctx.promise("confirmed")


    @signup.handler()
    async def confirm(ctx: restate.WorkflowSharedContext) -> None:
        await ctx.promise("confirmed").resolve(True)
    ```
    """
    for found in reaching.misplaced(thing, code, frozenset({"promise"})):
        kind, handler = next(iter(found.contexts.items()))
        what = "service" if kind == "service" else "virtual object"
        yield Finding(
            found.span,
            f"{reaching.spelled(found, code)} needs a workflow, and `{handler.display}` is a handler of a {what}: Restate refuses it (RT0017), and the"
            " invocation is retried for ever; use `ctx.awakeable()`.",
            None,
            found.related,
        )
