"""REA815: an awakeable that nobody can resolve, or nobody waits for."""

from __future__ import annotations

from collections.abc import Iterator

from rea_lint import cst
from rea_lint.diagnostic import Finding, Severity
from rea_lint.durable import Durable
from rea_lint.project import Operation
from rea_lint.rule import rule
from rea_lint.rules import kept, triggers, unread


@rule(
    "REA815",
    "awakeable-not-shared",
    Severity.WARNING,
    operations=lambda info, _: info.name == "awakeable",
    docs="https://docs.restate.dev/develop/python/external-events",
)
def awakeable_not_shared(operation: Operation, code: Durable) -> Iterator[Finding]:
    """
    An awakeable's id goes to nobody, or nobody awaits its future.

    An awakeable is two halves: an id for whoever is to answer, and a future of the answer. If the id stays in the handler, nobody can
    resolve the awakeable, and who awaits it waits for ever. If the future is not awaited, the answer comes, and nobody sees it.

    ```python
    import restate

    orders = restate.Service("orders")


    def ask(order: str) -> None: ...


    @orders.handler()
    async def place(ctx: restate.Context, order: str) -> str:
        answer_to, answer = ctx.awakeable(type_hint=str)  # expect: REA815 "nobody gets the id"
        await ctx.run_typed("ask", ask, order=order)
        return await answer
    ```

    ```python
    import restate

    orders = restate.Service("orders")


    def ask(order: str, answer_to: str) -> None: ...


    @orders.handler()
    async def place(ctx: restate.Context, order: str) -> str:
        answer_to, answer = ctx.awakeable(type_hint=str)
        await ctx.run_typed("ask", ask, order=order, answer_to=answer_to)
        return await answer
    ```

    The id may go anywhere: into state, a message, a step, a function that is defined within. The future may wait with others:

    ```python
    from datetime import timedelta

    import restate

    orders = restate.VirtualObject("orders")


    def ask(order: str, answer_to: str) -> None: ...


    async def asked(ctx, awakeable):
        await ctx.run_typed("ask", ask, order="", answer_to=awakeable[0])
        return await awakeable[1]


    @orders.handler(kind="shared")
    async def place(ctx, order):
        answer_to, answer = ctx.awakeable()
        await ctx.run_typed("ask", lambda: ask(order, answer_to))
        await restate.select(answer=answer, timeout=ctx.sleep(timedelta(days=1)))
        pair = ctx.awakeable()
        await ctx.run_typed("ask", ask, order=order, answer_to=pair[0])
        await pair[1]
        await asked(ctx, ctx.awakeable())


    @orders.handler(kind="shared")
    async def lose(ctx, order):
        answer_to, _ = ctx.awakeable()  # expect: REA815 "nobody awaits"
        await ctx.run_typed("ask", ask, order=order, answer_to=answer_to)
        answer_to, other = ctx.awakeable()  # expect: REA815 "nobody gets the id"
        await other
        pair = ctx.awakeable()  # expect: REA815 "nobody gets the id"
        await pair[1]
        await ctx.awakeable()[1]  # expect: REA815 "nobody gets the id"
    ```
    """
    function = code.project.functions[operation.function]
    halves = kept.unpacked(operation.call, function, code)
    if halves and all(triggers.stands(name, function, code.project) for name in halves):
        return
    node = code.node(operation.call.span)
    used = _used_halves(node, code) if isinstance(node, cst.Call) else None
    if used is None or used == {0, 1}:
        return
    if 1 in used:
        yield Finding(
            operation.call.span,
            "nobody gets the id of this awakeable, so nobody can resolve it, and its answer never comes; hand the id to who is to answer.",
        )
    else:
        yield Finding(operation.call.span, "nobody awaits the future of this awakeable: its answer is lost; await it where it is needed.")


def _used_halves(node: cst.Call, code: Durable) -> set[int] | None:
    """Which of id (0) and future (1) somebody reads; None if it is not known."""
    around = code.parent(node)
    if isinstance(around, cst.Expr):
        return set()
    if isinstance(around, cst.Subscript) and around.value is node:
        at = _index(around)
        return {at} if at is not None else None
    halves = unread.parts(code, node)
    if halves is not None:
        return {at for at, name in enumerate(halves) if unread.is_read(code, name)} if len(halves) == 2 else None
    names = unread.holder(code, node) if isinstance(around, cst.Assign | cst.AnnAssign) else None
    if names is None:
        return None
    reads = [code.parent(read) for name in names for read in unread.reads(code, name)]
    indices = [_index(read) if isinstance(read, cst.Subscript) else None for read in reads]
    return {at for at in indices if at is not None} if None not in indices else None


def _index(node: cst.Subscript) -> int | None:
    match node.slice:
        case [cst.SubscriptElement(slice=cst.Index(value=cst.Integer(value="0" | "1" as at)))]:
            return int(at)
        case _:
            return None
