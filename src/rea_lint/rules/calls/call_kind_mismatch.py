"""REA802: a call that does not fit the kind of the service it calls."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rea_lint import rewrite, words
from rea_lint.diagnostic import Finding, Severity
from rea_lint.durable import Durable
from rea_lint.project import Operation
from rea_lint.rule import rule
from rea_lint.rules import reaching
from rea_lint.text import Edit, Span

WHAT = {"service": "a service", "object": "a virtual object", "workflow": "a workflow"}


@rule(
    "REA802",
    "call-kind-mismatch",
    Severity.ERROR,
    operations=reaching.has_target,
    docs="https://docs.restate.dev/develop/python/service-communication",
)
def call_kind_mismatch(operation: Operation, code: Durable) -> Iterator[Finding]:
    """
    A call does not fit what it calls: a service without keys, or an object or workflow that has them.

    `ctx.service_call` sends no key. The handler of a virtual object is called all the same, on the object whose key is the empty string: no
    error, the wrong state, and one queue for everybody.

    ```python fails="wrong result"
    import restate

    carts = restate.VirtualObject("carts")
    orders = restate.Service("orders")


    @carts.handler()
    async def checkout(ctx: restate.ObjectContext, item: str) -> str:
        return f"{ctx.key()}: {item}"


    @orders.handler()
    async def place(ctx: restate.Context, item: str) -> str:
        return await ctx.service_call(checkout, arg=item)  # expect: REA802 "it runs with the key"
    ```

    Say which one:

    ```python
    import restate

    carts = restate.VirtualObject("carts")
    orders = restate.Service("orders")


    @carts.handler()
    async def checkout(ctx: restate.ObjectContext, item: str) -> str:
        return f"{ctx.key()}: {item}"


    @orders.handler()
    async def place(ctx: restate.Context, item: str) -> str:
        return await ctx.object_call(checkout, key="ann", arg=item)
    ```

    The other way round Restate refuses the call (RT0017, "a key was provided, but the callee is a Service"), and the invocation is retried
    for ever:

    ```python fails="retried with RT0017"
    import restate

    payments = restate.Service("payments")
    orders = restate.Service("orders")


    @payments.handler()
    async def charge(ctx: restate.Context, amount: int) -> str:
        return f"{amount} paid"


    @orders.handler()
    async def place(ctx: restate.Context, amount: int) -> str:
        ctx.object_send(charge, "ann", amount)  # expect: REA802 "RT0017"
        return await ctx.object_call(charge, key="ann", arg=amount)  # expect: REA802 "RT0017"
    ```

    ```python fixed unsafe
    import restate

    payments = restate.Service("payments")
    orders = restate.Service("orders")


    @payments.handler()
    async def charge(ctx: restate.Context, amount: int) -> str:
        return f"{amount} paid"


    @orders.handler()
    async def place(ctx: restate.Context, amount: int) -> str:
        ctx.service_send(charge, amount)
        return await ctx.service_call(charge, arg=amount)
    ```

    `object_call` and `workflow_call` do the same. Where they are mixed up it is only worth knowing:

    ```python
    import restate

    signup = restate.Workflow("signup")
    orders = restate.Service("orders")


    @signup.main()
    async def run(ctx: restate.WorkflowContext, email: str) -> bool:
        return True


    async def any_of_them(ctx, handler):
        return await ctx.service_call(handler, arg=None)


    @orders.handler()
    async def place(ctx: restate.Context, email: str) -> bool:
        await any_of_them(ctx, place)
        ctx.workflow_send(run, key=email, arg=email)
        return await ctx.object_call(run, key=email, arg=email)  # expect: REA802 "`ctx.workflow_call`"
    ```

    ```python fixed
    import restate

    signup = restate.Workflow("signup")
    orders = restate.Service("orders")


    @signup.main()
    async def run(ctx: restate.WorkflowContext, email: str) -> bool:
        return True


    async def any_of_them(ctx, handler):
        return await ctx.service_call(handler, arg=None)


    @orders.handler()
    async def place(ctx: restate.Context, email: str) -> bool:
        await any_of_them(ctx, place)
        ctx.workflow_send(run, key=email, arg=email)
        return await ctx.workflow_call(run, key=email, arg=email)
    ```
    """
    called = code.project.targets(operation) if reaching.target(operation) is not None else ()
    kinds = {kind for handler in called for kind in reaching.services(code.project, handler)}
    method = operation.info.name.rpartition(".")[2]
    wanted, _, way = method.partition("_")
    if len(kinds) != 1 or wanted in kinds:
        return
    kind = next(iter(kinds))
    name = called[0].display
    fits = f"{kind}_{way}"
    related = words.agent(operation.function, code)
    if wanted == "service":
        yield Finding(
            operation.call.span,
            f'`ctx.{method}` sends no key, and `{name}` is a handler of {WHAT[kind]}: it runs with the key `""`; use `ctx.{fits}` and say the key.',
            related=related,
        )
    elif kind == "service":
        yield Finding(
            operation.call.span,
            f"`ctx.{method}` sends a key, and `{name}` is a handler of a service: Restate refuses it (RT0017), and the invocation is retried for ever; use"
            f" `ctx.{fits}`.",
            rewrite.journaling(f"Use `ctx.{fits}`, without a key", _renamed(operation, method, fits, code, without_key=True)),
            related,
        )
    else:
        yield Finding(
            operation.call.span,
            f"`{name}` is a handler of {WHAT[kind]}, for which there is `ctx.{fits}`; `ctx.{method}` does the same.",
            rewrite.safe(f"Use `ctx.{fits}`", _renamed(operation, method, fits, code)),
            related,
            Severity.INFO,
        )


def _renamed(operation: Operation, method: str, name: str, code: Durable, *, without_key: bool = False) -> tuple[Edit, ...] | None:
    """Another method; without the key, where it stands plainly after another argument."""
    end = operation.call.callee_span.end
    start = end - len(method)
    if code.source.text[start:end] != method:
        return None
    edits = (Edit(Span(start, end), name),)
    if not without_key:
        return edits
    arguments = operation.call.arguments
    key = operation.call.argument(1, "key")
    at = next((at for at, argument in enumerate(arguments) if argument is key), 0)
    if key is None or at == 0:
        return None
    gap = Span(arguments[at - 1].span.end, key.span.start)
    if not re.fullmatch(r"\s*,\s*(key\s*=\s*)?", code.source.text[gap.start : gap.end]):
        return None
    return (*edits, Edit(Span(gap.start, key.span.end), ""))
