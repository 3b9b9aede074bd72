"""REA707: a `finally` that ends with a result."""

from __future__ import annotations

from collections.abc import Iterator

from rea_lint import cst
from rea_lint.diagnostic import Finding, Related, Severity
from rea_lint.durable import Durable
from rea_lint.rule import rule
from rea_lint.rules import catching


@rule("REA707", "return-in-finally", Severity.WARNING, docs="https://docs.restate.dev/develop/python/error-handling")
def return_in_finally(block: cst.Finally, code: Durable) -> Iterator[Finding]:
    """
    A `finally` leaves by `return`, `break` or `continue`, and the exception on its way is dropped.

    Whatever was raised in the `try` is gone: a `TerminalError`, so that a failed or cancelled invocation completes as if it had worked, and the
    exception by which the SDK suspends the handler, so that the caller of a helper goes on before there is an answer.

    ```python
    import restate

    orders = restate.Service("orders")


    def charge() -> str:
        raise restate.TerminalError("no money")


    @orders.handler()
    async def place(ctx: restate.Context, item: str) -> str:
        paid = False
        try:
            await ctx.run_typed("charge", charge)
            paid = True
        finally:
            return f"{item}, paid: {paid}"  # expect: REA707 "drops the `TerminalError`"
    ```

    Return after it:

    ```python
    import restate

    orders = restate.Service("orders")


    def charge() -> str:
        return "paid"


    @orders.handler()
    async def place(ctx: restate.Context, item: str) -> str:
        notes = [item]
        try:
            await ctx.run_typed("charge", charge)
        finally:
            for note in notes:
                if not note:
                    continue
                notes = [note]
                break

            def last() -> str:
                return notes[-1]

        try:
            number = int(item)
        except ValueError:
            number = 0
        finally:
            pass
        return f"{last()}, {number}"
    ```

    Where the `try` has no durable operation nothing is said; ruff's B012 and SIM107 are about all of them. Python 3.14 warns too.

    ```python
    import restate

    orders = restate.Service("orders")


    def charge() -> str:
        return "paid"


    @orders.handler()
    async def place(ctx: restate.Context, items: list[str]) -> int:
        done = 0
        for item in items:
            try:
                await ctx.run_typed(f"charge {item}", charge)
                done += 1
            finally:
                continue  # expect: REA707 "`continue`"
        return done
    ```
    """
    around = code.parent(block)
    if not isinstance(around, cst.Try | cst.TryStar):
        return
    leaves = [node for node in code.within(block) if _leaves(node, block, code)]
    covered = [around.body, *(handler.body for handler in around.handlers)]
    awaited = (each for part in covered for node in code.within(part) for each in catching.awaited(node, code)) if leaves else iter(())
    first = next((each for each in awaited if each.is_durable), None)
    if first is None:
        return
    for leave in leaves:
        word = type(leave).__name__.lower()
        yield Finding(
            code.span(leave),
            f"`{word}` in a `finally` drops the `TerminalError` with which {first.display} fails or is cancelled, and the exception that suspends the"
            f" handler; put the `{word}` after the `finally`.",
            None,
            (Related(code.project.path_of(first.function), first.span, f"{first.display} is awaited here"),),
        )


def _leaves(node: cst.CSTNode, block: cst.Finally, code: Durable) -> bool:
    """Whether a statement goes on outside the `finally` it stands in."""
    if isinstance(node, cst.Return):
        return True
    if not isinstance(node, cst.Break | cst.Continue):
        return False
    for around in code.ancestors(node):
        if around is block:
            return True
        if isinstance(around, cst.For | cst.While):
            return False
    return False
