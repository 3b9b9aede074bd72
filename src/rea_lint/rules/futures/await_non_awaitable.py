"""REA307: an operation is awaited that gives nothing to await."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rea_lint import cst, rewrite
from rea_lint.diagnostic import Finding, Severity
from rea_lint.durable import Durable
from rea_lint.project import Operation
from rea_lint.rule import rule
from rea_lint.rules import awaitable
from rea_lint.rules.awaitable import Kind

if TYPE_CHECKING:
    from rea_lint.facts import Function

GIVES = {
    "none": "does its work at once and gives nothing",
    "value": "gives its value at once",
    "handle": "sends at once and gives a handle",
}


@rule(
    "REA307",
    "await-non-awaitable",
    Severity.ERROR,
    operations=lambda info, _: info.gives in GIVES and info.name != "promise",
    docs="https://docs.restate.dev/develop/python/durable-steps",
)
def await_non_awaitable(operation: Operation, code: Durable) -> Iterator[Finding]:
    """
    An operation is awaited that is done when it returns, so `await` raises.

    Writing state, sending a message, resolving an awakeable, `ctx.uuid()` and `ctx.key()` do not wait for anything: they are journaled, or
    read, at once. `await` on what they give, `None` or a plain value, raises a `TypeError`, and Restate retries the invocation for ever.

    ```python fails="retried with TypeError"
    import restate

    carts = restate.VirtualObject("carts")


    @carts.handler()
    async def add(ctx: restate.ObjectContext, item: str) -> str:
        await ctx.set("item", item)  # expect: REA307 "does its work at once and gives nothing"
        return str(await ctx.uuid())  # expect: REA307 "gives its value at once"
    ```

    ```python fixed
    import restate

    carts = restate.VirtualObject("carts")


    @carts.handler()
    async def add(ctx: restate.ObjectContext, item: str) -> str:
        ctx.set("item", item)
        return str(ctx.uuid())
    ```

    A send gives a handle, whose invocation id can be awaited; a durable promise can be awaited, and is the same as its `.value()`. Methods
    of other objects are none of the context's:

    ```python
    import restate

    carts = restate.Workflow("carts")


    @carts.handler()
    async def check(ctx, item):
        return item


    class Cart:
        async def set(self, key, value):
            return value


    @carts.main()
    async def add(ctx, item):
        sent = ctx.workflow_send(check, key=ctx.key(), arg=item)
        await sent  # expect: REA307 "sends at once and gives a handle"
        await ctx.generic_send("audit", "log", arg=b"")  # expect: REA307
        await Cart().set("item", item)
        invocation = await sent.invocation_id()
        ctx.cancel_invocation(invocation)
        ctx.resolve_awakeable("sign_1", "done")
        await ctx.promise("paid").resolve(item)
        return await ctx.promise("paid")
    ```

    mypy and pyright report this where the context is annotated.
    """
    is_coroutine = code.project.knowledge.handles.get(operation.context) in {"call", "send"}  # `handle.invocation_id()`
    if is_coroutine:
        return
    function = code.project.functions[operation.function]
    is_kept = operation.info.gives == "handle" and not operation.call.discarded and _is_awaited_later(function)
    if not operation.call.awaited and not is_kept:
        return
    call = code.node(operation.call.span)
    if not isinstance(call, cst.Call):
        return
    given = (
        [node for node, held in awaitable.holders(call, code) if held.kind is Kind.HANDLE] if operation.info.gives == "handle" else [call]
    )
    for node in given:
        waiting = code.parent(node)
        if isinstance(waiting, cst.Await):
            yield Finding(
                code.span(waiting),
                f"`{code.text(call.func)}` {GIVES[operation.info.gives]}: `await` raises a `TypeError`, with which the invocation is retried for ever;"
                " leave `await` out.",
                rewrite.safe("Leave `await` out", rewrite.drop_await(code, waiting)),
            )


def _is_awaited_later(function: Function) -> bool:
    """Whether something is awaited that is no call."""
    return any(function.call(wait.span) is None for wait in function.waits)
