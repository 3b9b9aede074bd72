"""REA315: a helper that uses the context is called without `await`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rea_lint import cst, rewrite
from rea_lint.diagnostic import Finding, Severity
from rea_lint.durable import Durable
from rea_lint.facts import Function
from rea_lint.rule import rule
from rea_lint.rules import awaitable, work
from rea_lint.rules.awaitable import Kind

if TYPE_CHECKING:
    from rea_lint.facts import Call
    from rea_lint.project import Project


@rule("REA315", "unawaited-helper", Severity.ERROR, patient=True, docs="https://docs.restate.dev/develop/python/durable-steps")
def unawaited_helper(function: Function, code: Durable) -> Iterator[Finding]:
    """
    An async helper with durable operations in it is called without `await`, and nothing of it happens.

    Calling an `async def` gives a coroutine; its body runs when somebody awaits it. Nobody awaits this one: not one of its operations is
    journaled, no step runs, the handler completes, and Restate reports success. All there is to see is a `RuntimeWarning` in the log.

    ```python fails="wrong result"
    import restate

    carts = restate.VirtualObject("carts")


    async def add(ctx: restate.ObjectContext, item: str) -> None:
        count = await ctx.get("count", type_hint=int) or 0
        ctx.set("count", count + 1)


    @carts.handler()
    async def buy(ctx: restate.ObjectContext, item: str) -> int:
        add(ctx, item)  # expect: REA315 "nothing of it happens"
        return await ctx.get("count", type_hint=int) or 0
    ```

    ```python fixed
    import restate

    carts = restate.VirtualObject("carts")


    async def add(ctx: restate.ObjectContext, item: str) -> None:
        count = await ctx.get("count", type_hint=int) or 0
        ctx.set("count", count + 1)


    @carts.handler()
    async def buy(ctx: restate.ObjectContext, item: str) -> int:
        await add(ctx, item)
        return await ctx.get("count", type_hint=int) or 0
    ```

    The same goes for a coroutine that is returned by the handler, or used as if it were the result. A coroutine that is kept and awaited
    later is right, and so is a helper that is no coroutine:

    ```python
    import restate

    carts = restate.VirtualObject("carts")


    def charge():
        return 1


    async def pay(ctx):
        return await ctx.run_typed("charge", charge)


    def remember(ctx, item):
        ctx.set("item", item)


    def paying(ctx):
        return pay(ctx)


    async def price(item):
        return len(item)


    class Cart:
        async def pay(self, ctx):
            return await ctx.run_typed("charge", charge)


    @carts.handler()
    async def buy(ctx, item):
        remember(ctx, item)
        payment = pay(ctx)
        await paying(ctx)
        return await payment


    @carts.handler()
    async def sell(ctx, item):
        Cart().pay(ctx)  # expect: REA315 "`Cart().pay`"
        if pay(ctx):  # expect: REA315 "so the condition always holds"
            return pay(ctx)  # expect: REA315 "is no JSON"
        price(item)
    ```
    """
    for call in function.calls:
        if call.around in {"Await", "Assign"} or not _uses_context(code.project, call):
            continue
        node = code.node(call.span)
        if isinstance(node, cst.Call):
            yield from _of(node, code)


def _uses_context(project: Project, call: Call) -> bool:
    """Whether a call is one of helpers that use the context; calling a handler as a function is direct-handler-call."""
    names = project.resolve(call.callees)
    return bool(names) and all(
        name in project.functions and not project.registered(name) and work.uses_context(project, name) for name in names
    )


def _of(call: cst.Call, code: Durable) -> Iterator[Finding]:
    parent = code.parent(call)
    if isinstance(parent, cst.Await | cst.Arg | cst.Assign):
        return
    held = awaitable.of(call, code)
    wrong = awaitable.misuse(call, Kind.COROUTINE, code)
    if held is None or held.kind is not Kind.COROUTINE or (wrong is None and not isinstance(parent, cst.Expr)):
        return
    consequence = (
        f", {wrong.consequence}"
        if wrong is not None
        else " that nobody awaits: nothing of it happens, not one of its operations is journaled"
    )
    yield Finding(
        code.span(call), f"`{held.name}` gives a coroutine{consequence}; await it.", rewrite.safe("Await it", rewrite.add_await(code, call))
    )
