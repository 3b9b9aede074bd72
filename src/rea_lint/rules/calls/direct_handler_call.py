"""REA801: a handler that is called as a function."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rea_lint import cst, rewrite
from rea_lint.diagnostic import Finding, Severity
from rea_lint.durable import Durable
from rea_lint.facts import Function
from rea_lint.rule import rule
from rea_lint.rules import reaching

if TYPE_CHECKING:
    from rea_lint.diagnostic import Fix
    from rea_lint.project import Handler
    from rea_lint.text import Span


@rule("REA801", "direct-handler-call", Severity.WARNING, docs="https://docs.restate.dev/develop/python/service-communication")
def direct_handler_call(function: Function, code: Durable) -> Iterator[Finding]:
    """
    A handler of another service is called as a function, and runs as part of the caller.

    A handler is a function like any other, so `await charge(ctx, order)` works, and does something else than it seems to: no invocation is
    made. It runs in the caller's context and journal, with the caller's key and state, under the caller's retries and timeouts. If
    it is a virtual object's, nobody keeps another call from running beside it, and what it reads and writes is the state of the
    caller's object.

    ```python
    import restate

    orders = restate.Service("orders")
    payments = restate.Service("payments")


    @payments.handler()
    async def charge(ctx: restate.Context, amount: int) -> str:
        return f"{amount} paid"


    @orders.handler()
    async def place(ctx: restate.Context, amount: int) -> str:
        return await charge(ctx, amount)  # expect: REA801 "`charge` runs within `orders.place`"
    ```

    `ctx.service_call` makes an invocation of its own. It adds journal entries, so the fix is unsafe:

    ```python fixed unsafe
    import restate

    orders = restate.Service("orders")
    payments = restate.Service("payments")


    @payments.handler()
    async def charge(ctx: restate.Context, amount: int) -> str:
        return f"{amount} paid"


    @orders.handler()
    async def place(ctx: restate.Context, amount: int) -> str:
        return await ctx.service_call(charge, arg=amount)
    ```

    A handler of the same service may be meant as a function: it has the same key, and a call to it would wait for the caller itself.
    Nothing is said then, as long as it gets the context. Functions that handlers share are none, and a handler that is only named
    is called by the SDK:

    ```python
    import restate

    counters = restate.VirtualObject("counters")
    audit = restate.Service("audit")


    async def read(ctx: restate.ObjectContext) -> int:
        return await ctx.get("count", type_hint=int) or 0


    @counters.handler()
    async def add(ctx: restate.ObjectContext, by: int) -> int:
        count = await read(ctx) + by
        ctx.set("count", count)
        return count


    @counters.handler()
    async def increment(ctx: restate.ObjectContext) -> int:
        return await add(ctx, 1)


    @audit.handler()
    async def check(ctx: restate.Context, name: str) -> int:
        return await ctx.object_call(add, key=name, arg=0)
    ```

    The object's key is for you to say, so for its handlers there is no fix:

    ```python
    import restate

    counters = restate.VirtualObject("counters")
    audit = restate.Service("audit")


    @counters.handler()
    async def add(ctx, by):
        return by


    @audit.handler()
    async def check(ctx, name):
        return await add(ctx, 1)  # expect: REA801 "with `ctx.object_call(add, key=..., arg=...)`"
    ```
    """
    callers = code.project.reached_by(function.name)
    told: set[Span] = set()
    for edge in code.project.calls(function.name) if callers else ():
        if edge.call is None or edge.span in told or not _is_handler(code, edge.target) or function.call(edge.span) is None:
            continue
        told.add(edge.span)
        called = code.project.registered(edge.target)[0]
        hands_on = code.project.takes_context(edge.call)
        if hands_on and any(h.service == called.service for h in callers):
            continue
        name = code.source.text[edge.call.callee_span.start : edge.call.callee_span.end]
        kinds = reaching.services(code.project, called)
        how = next(iter(kinds)) if len(kinds) == 1 else "object"
        given = f"{name}, arg=..." if how == "service" else f"{name}, key=..., arg=..."
        yield Finding(
            edge.span,
            f"`{name}` runs within `{callers[0].display}` when it is called as a function: with its context, key and state, and without an invocation of"
            f" its own; call it with `ctx.{how}_call({given})`.",
            _fix(edge.span, called, code) if how == "service" and hands_on else None,
        )


def _is_handler(code: Durable, function: str) -> bool:
    return bool(code.project.reached_by(function) and code.project.registered(function))


def _fix(span: Span, called: Handler, code: Durable) -> Fix | None:
    """`ctx.service_call(...)` in the place of an awaited call with the context and at most one more argument."""
    call = code.node(span)
    if not isinstance(call, cst.Call):
        return None
    context = code.context(call)
    match call.args:
        case [cst.Arg(star="", keyword=None) as first, *rest] if (
            context is not None and code.text(first.value) == context and len(rest) < 2
        ):
            pass
        case _:
            return None
    if any(arg.star for arg in rest) or not isinstance(code.parent(call), cst.Await):
        return None
    value = code.text(rest[0].value) if rest else "None"
    text = f"{context}.service_call({code.text(call.func)}, arg={value})"
    return rewrite.journaling(f"Call `{called.display}` with `{context}.service_call`", rewrite.replace(code, call, text))
