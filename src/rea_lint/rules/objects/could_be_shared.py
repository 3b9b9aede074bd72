"""REA607: an exclusive handler that only reads."""

from __future__ import annotations

from collections.abc import Iterator

from rea_lint.diagnostic import Finding, Severity
from rea_lint.project import Handler, Project
from rea_lint.rule import rule
from rea_lint.rules import reading, sharing


@rule("REA607", "could-be-shared", Severity.INFO, docs="https://docs.restate.dev/develop/python/services")
def could_be_shared(handler: Handler, project: Project) -> Iterator[Finding]:
    """
    An exclusive handler of a virtual object only reads state, and waits for its turn to do so.

    A handler of a virtual object is exclusive if nothing else is said: one runs at a time for each key, the others are queued. A handler that
    only reads needs no turn. As it is, it answers when everything before it has ended, a long delivery or a sleep included, and
    holds up what comes after it.

    ```python
    import restate

    carts = restate.VirtualObject("carts")


    @carts.handler()
    async def add(ctx: restate.ObjectContext, item: str) -> None:
        ctx.set("item", item)


    @carts.handler()
    async def show(ctx: restate.ObjectContext) -> str:  # expect: REA607 "`carts.show` only reads"
        return await ctx.get("item", type_hint=str) or "nothing"
    ```

    A shared handler runs at any time, beside the exclusive one. It sees the state as it is then, without waiting for the calls that are
    queued, so the fix is unsafe:

    ```python fixed unsafe
    import restate

    carts = restate.VirtualObject("carts")


    @carts.handler()
    async def add(ctx: restate.ObjectContext, item: str) -> None:
        ctx.set("item", item)


    @carts.handler(kind="shared")
    async def show(ctx: restate.ObjectSharedContext) -> str:
        return await ctx.get("item", type_hint=str) or "nothing"
    ```

    Where the context is annotated as `ObjectSharedContext` already, `kind="shared"` has only been forgotten: see REA503.

    A handler that does more than to read may need its turn: one that runs steps, calls or sends, has an effect, or hands its context to code
    that is not known. So may one that reads nothing.

    ```python
    import restate
    from shop import audit

    carts = restate.VirtualObject("carts")
    signup = restate.Workflow("signup")


    async def touch(ctx):
        ctx.set("touched", True)


    async def read(ctx):
        return await ctx.get("item", type_hint=str)


    @carts.handler()
    async def pay(ctx):
        return await ctx.run_typed("pay", lambda: "paid")


    @carts.handler()
    async def look(ctx):
        await touch(ctx)
        return await read(ctx)


    @carts.handler("see", kind="exclusive")
    async def see(ctx):  # expect: REA607 "`carts.see`"
        return await read(ctx)


    @carts.handler()
    async def audited(ctx):
        await audit(ctx)
        return await read(ctx)


    @carts.handler()
    async def ping(ctx):
        return ctx.key()


    @carts.handler()
    async def told(ctx):
        ctx.object_send(pay, ctx.key(), None)
        return await read(ctx)


    @signup.main()
    async def run(ctx):
        return await read(ctx)
    ```
    """
    operations = reading.operations(project, handler) if handler.kind == "exclusive" and not handler.recovers else None
    if operations is not None and not sharing.is_meant_to_be(project, handler):
        yield Finding(
            handler.span,
            f"`{handler.display}` only reads state; it waits for all calls to the key before it, as those after it wait for it, and with"
            ' `kind="shared"` it runs beside them.',
            sharing.fix(project, handler, operations),
        )
