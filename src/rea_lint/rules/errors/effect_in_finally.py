"""REA706: a `finally` that changes what other invocations see, at every suspension."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rea_lint import cst
from rea_lint.diagnostic import Finding, Related, Severity
from rea_lint.durable import Durable
from rea_lint.rule import rule
from rea_lint.rules import catching, outliving

if TYPE_CHECKING:
    from rea_lint.facts import Function
    from rea_lint.project import Project


def _may_change(function: Function, project: Project) -> bool:
    return any(shared.changes for shared in project.shared(function.name))


@rule("REA706", "effect-in-finally", Severity.WARNING, trigger=_may_change, docs="https://docs.restate.dev/develop/python/error-handling")
def effect_in_finally(block: cst.Finally, code: Durable) -> Iterator[Finding]:
    """
    A `finally` changes a variable of the process, and it runs whenever the handler is suspended.

    The SDK suspends a handler by raising an exception at an `await`. What stands in a `finally` runs then, although nothing is over: the
    slot is given free while the order waits for its payment, the counter of running orders goes down, and at the end of the replay once more.

    ```python
    import restate

    orders = restate.Service("orders")

    running: set[str] = set()


    def charge() -> str:
        return "paid"


    @orders.handler()
    async def place(ctx: restate.Context, item: str) -> str:
        try:
            return await ctx.run_typed("charge", charge)
        finally:
            running.discard(item)  # expect: REA706 "at every suspension"
    ```

    Let a step do it, after the `try` and where `TerminalError` is caught; there it happens once. A `finally` that only clears what the handler
    has made for itself is fine, and so is one in a step:

    ```python
    import restate

    orders = restate.Service("orders")

    running: set[str] = set()


    def charge(item: str) -> str:
        running.add(item)
        try:
            return "paid"
        finally:
            running.discard(item)


    @orders.handler()
    async def place(ctx: restate.Context, item: str) -> str:
        lines = [item]
        try:
            return await ctx.run_typed("charge", charge, item=item)
        finally:
            lines.clear()
    ```

    A request or a file in a `finally` is what the rules of effects (REA201 to REA206) report; there, too, moving it out of the `finally` is
    better than a step in it, see REA717.
    """
    around = code.parent(block)
    if not isinstance(around, cst.Try | cst.TryStar):
        return
    span, owner = code.span(block.body), code.owner(block).name
    inside = [
        (shared, change)
        for shared in code.project.shared(owner)
        for change in shared.changes
        if span.contains(change.span) and not (shared.is_read and not outliving.is_memo(shared, code))
    ]
    covered = [around.body, *(handler.body for handler in around.handlers)]
    awaited = (each for part in covered for node in code.within(part) for each in catching.awaited(node, code)) if inside else iter(())
    first = next((each for each in awaited if each.is_durable), None)
    for shared, change in inside if first is not None else ():
        assert first is not None
        yield Finding(
            outliving.place(change.span, code),
            f"This runs at every suspension of {first.display}, too, and changes `{shared.variable.display}`, which other invocations see; do it in a step,"
            " after the `try` and where `TerminalError` is caught.",
            None,
            (Related(code.project.path_of(first.function), first.span, f"{first.display} is awaited here"),),
        )
