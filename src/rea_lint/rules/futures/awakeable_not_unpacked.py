"""REA312: an awakeable is taken for its future."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rea_lint import cst, rewrite
from rea_lint.diagnostic import Finding, Severity
from rea_lint.durable import Durable
from rea_lint.project import Operation
from rea_lint.rule import rule
from rea_lint.rules import awaitable, kept
from rea_lint.rules.awaitable import Kind

if TYPE_CHECKING:
    from rea_lint.diagnostic import Fix


@rule(
    "REA312",
    "awakeable-not-unpacked",
    Severity.ERROR,
    operations=lambda info, _: info.gives == "pair",
    docs="https://docs.restate.dev/develop/python/external-events",
)
def awakeable_not_unpacked(operation: Operation, code: Durable) -> Iterator[Finding]:
    """
    `ctx.awakeable()` gives a tuple, and it is awaited, combined or sent as a whole.

    The tuple holds the id, which goes to whoever is to answer, and the future of the answer. `await` on the tuple raises a `TypeError`, with
    which the invocation is retried for ever; a combinator that gets it fails the invocation for good.

    ```python fails="retried with TypeError"
    import restate

    orders = restate.Service("orders")


    def ask(question: str, answer_to: str) -> None: ...


    @orders.handler()
    async def approve(ctx: restate.Context, order: str) -> str:
        approval = ctx.awakeable(type_hint=str)
        await ctx.run_typed("ask", ask, question=order, answer_to=approval[0])
        return await approval  # expect: REA312 "gives the tuple `(id, future)`"
    ```

    ```python fixed unsafe
    import restate

    orders = restate.Service("orders")


    def ask(question: str, answer_to: str) -> None: ...


    @orders.handler()
    async def approve(ctx: restate.Context, order: str) -> str:
        approval = ctx.awakeable(type_hint=str)
        await ctx.run_typed("ask", ask, question=order, answer_to=approval[0])
        return await approval[1]
    ```

    Usually it is taken apart at once:

    ```python
    import restate
    from datetime import timedelta

    orders = restate.Service("orders")


    def ask(answer_to):
        return answer_to


    def keep(ctx, pair):
        return pair[1]


    @orders.handler()
    async def approve(ctx, order):
        answer_to, answer = ctx.awakeable()
        await ctx.run_typed("ask", ask, answer_to=answer_to)
        other = ctx.awakeable()
        await ctx.run_typed("ask", ask, answer_to=other[0])
        await keep(ctx, ctx.awakeable())
        await restate.select(answer=other[1], timeout=ctx.sleep(timedelta(days=1)))
        return await answer


    @orders.handler()
    async def reject(ctx, order):
        answer_to, answer = await ctx.awakeable()  # expect: REA312 "`await`"
        third = ctx.awakeable()
        await ctx.run_typed("ask", ask, answer_to=third)  # expect: REA312 "goes into"
        await restate.select(answer=third, timeout=answer)  # expect: REA312 "the invocation fails for good"
        return await ctx.awakeable()  # expect: REA312
    ```

    mypy and pyright report this where the context is annotated.
    """
    function = code.project.functions[operation.function]
    if not operation.call.awaited and kept.unpacked(operation.call, function, code):
        return
    call = code.node(operation.call.span)
    if not isinstance(call, cst.Call):
        return
    made = f"`{code.text(call.func)}` gives the tuple `(id, future)`"
    for node, held in awaitable.holders(call, code):
        if held.kind is not Kind.PAIR:
            continue
        parent = code.parent(node)
        if isinstance(parent, cst.Await):
            is_unpacked = isinstance(around := code.parent(parent), cst.Assign) and isinstance(
                around.targets[0].target, cst.Tuple | cst.List
            )
            fix = rewrite.unsafe("Leave `await` out", rewrite.drop_await(code, parent)) if is_unpacked else _item(node, call, 1, code)
            yield Finding(
                code.span(parent),
                f"{made}: `await` on it raises a `TypeError`, with which the invocation is retried for ever; await the future.",
                fix,
            )
        elif isinstance(parent, cst.Arg) and awaitable.combines(code.parent(parent), code):
            said = f"{made}: a combinator takes durable futures only, and with it the invocation fails for good; hand it the future."
            yield Finding(code.span(node), said, _item(node, call, 1, code))
        elif (wrong := awaitable.misuse(node, held.kind, code)) is not None and wrong.payload:
            said = f"{made}, and all of it goes into `{wrong.payload}`, where the future can be of no use; hand over the id."
            yield Finding(code.span(node), said, _item(node, call, 0, code))


def _item(node: cst.BaseExpression, call: cst.Call, index: int, code: Durable) -> Fix | None:
    """Take the future, or the id; not where the other one would be lost."""
    if node is call:
        return None
    title = "Take the future" if index else "Take the id"
    return rewrite.unsafe(title, rewrite.replace(code, node, f"{code.text(node)}[{index}]"))
