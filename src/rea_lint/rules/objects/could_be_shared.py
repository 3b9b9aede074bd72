"""REA607: an exclusive handler that only reads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rea_lint import rewrite
from rea_lint.diagnostic import Finding, Severity
from rea_lint.project import Handler, Project
from rea_lint.rule import rule
from rea_lint.rules import annotation, defining, reading
from rea_lint.text import Edit, Span

if TYPE_CHECKING:
    from rea_lint.project import Operation
    from rea_lint.rewrite import Edits


SHARED = "restate.ObjectSharedContext()"


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

    Where the context is annotated as `ObjectSharedContext` already, `kind="shared"` has only been forgotten, and the finding is a warning.

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
    async def glance(ctx: restate.ObjectSharedContext):  # expect: REA607 "is exclusive, though its context is annotated as shared"
        return await ctx.get("item", type_hint=str)


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
    if operations is not None:
        meant = _contexts(project, handler) == {SHARED}
        but = f"`{handler.display}` is exclusive, though its context is annotated as shared, and" if meant else f"`{handler.display}`"
        yield Finding(
            handler.span,
            f"{but} only reads state; it waits for all calls to the key before it, as those after it wait for it, and with"
            ' `kind="shared"` it runs beside them.',
            rewrite.unsafe("Make it a shared handler", _shared(project, handler, operations)),
            severity=Severity.WARNING if meant else None,
        )


def _contexts(project: Project, handler: Handler) -> frozenset[str]:
    """What the handler annotates its context as."""
    context = next(iter(defining.parameters(project, handler) or ()), None)
    return project.resolve(context.annotation) if context is not None and context.annotation else frozenset()


def _shared(project: Project, handler: Handler, operations: tuple[Operation, ...]) -> Edits | None:
    """`kind="shared"` in its decorator, and the annotation that fits; None where helpers expect a context that writes, as far as is known."""
    call = defining.registration(project, handler).call
    function = project.functions[handler.function]
    source = project.sources.get(handler.path)
    if call is None or call.unpacks or source is None or any(operation.function != handler.function for operation in operations):
        return None
    annotated = _contexts(project, handler)
    context = next(iter(function.parameters), None)
    if context is None or (context.annotation and len(annotated) != 1) or any(project.takes_context(each) for each in function.calls):
        return None
    typed = annotation.replaced(project, handler, "ObjectContext", "ObjectSharedContext") if annotated and annotated != {SHARED} else ()
    if typed is None:
        return None
    kind = call.argument(1, "kind")
    if kind is not None:
        return (Edit(kind.span, '"shared"'), *typed) if kind.literal == "'exclusive'" else None
    last = call.arguments[-1].span.end if call.arguments else call.callee_span.end
    closing = source.text[last : call.span.end]
    if closing.strip() not in {"()", ")", ",)"}:
        return None
    at = Span(call.span.end - 1, call.span.end - 1) if not call.arguments else Span(last, last)
    return (Edit(at, f'{", " if call.arguments else ""}kind="shared"'), *typed)
