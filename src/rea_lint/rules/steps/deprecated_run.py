"""REA411: `ctx.run`, which `ctx.run_typed` replaces."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rea_lint import cst, rewrite
from rea_lint.diagnostic import Finding, Severity
from rea_lint.durable import Durable
from rea_lint.project import Operation
from rea_lint.rule import rule
from rea_lint.rules import actions
from rea_lint.rules.options import RUN
from rea_lint.text import Edit, Span

if TYPE_CHECKING:
    from rea_lint.diagnostic import Fix
    from rea_lint.rules.actions import Handover

TYPED = "0.9"  # which brought `run_typed`
RENAMED = {"max_retry_duration": "max_duration"}


@rule(
    "REA411",
    "deprecated-run",
    Severity.INFO,
    operations=lambda info, _: info.name == "run",
    docs="https://docs.restate.dev/develop/python/durable-steps",
    since="0.9",
)
def deprecated_run(operation: Operation, code: Durable) -> Iterator[Finding]:
    """
    `ctx.run` is deprecated: `ctx.run_typed` does the same, and type checkers see through it.

    `run` takes the arguments of its action as a tuple, and its options beside them; mistakes in either show up in production only.
    `run_typed` takes an action, `RunOptions`, and the action's arguments as they are. Both write the same journal entry.

    ```python
    import restate

    orders = restate.Service("orders")


    def charge(item: str, amount: int) -> str:
        return f"{amount} for {item}"


    @orders.handler()
    async def place(ctx: restate.Context, item: str) -> str:
        await ctx.run("warm up", lambda: "warm")  # expect: REA411 "`ctx.run_typed`"
        return await ctx.run("charge", charge, max_attempts=3, args=(item, 10))  # expect: REA411
    ```

    ```python fixed unsafe
    import restate

    orders = restate.Service("orders")


    def charge(item: str, amount: int) -> str:
        return f"{amount} for {item}"


    @orders.handler()
    async def place(ctx: restate.Context, item: str) -> str:
        await ctx.run_typed("warm up", lambda: "warm")
        return await ctx.run_typed("charge", charge, restate.RunOptions(max_attempts=3), item, 10)
    ```

    ```python
    import restate

    orders = restate.Service("orders")


    class Engine:
        def run(self, name, action):
            return action()


    @orders.handler()
    async def place(ctx, item):
        Engine().run("charge", lambda: item)
        return await ctx.run_typed("charge", lambda: item)
    ```

    `run_typed` is there since restate-sdk 0.9. What `run` calls `max_retry_duration` is `max_duration` in `RunOptions`.
    """
    if code.config.sdk.before(TYPED):
        return
    handed = actions.handover(operation, code)
    callee = operation.call.callee_span
    name = code.source.text[callee.start : callee.end]
    yield Finding(
        callee,
        f"`{name}` is deprecated; `{name}_typed` writes the same journal entry, and is checked by type checkers.",
        _fix(handed, code) if handed else None,
    )


def _fix(handed: Handover, code: Durable) -> Fix | None:
    """`run_typed` with what `run` was given, in another order."""
    parameters = handed.operation.info.parameters
    given: dict[str, cst.BaseExpression] = {}
    for at, argument in enumerate(handed.call.args):
        name = argument.keyword.value if argument.keyword is not None else parameters[at] if at < len(parameters) else ""
        if argument.star or name not in parameters:
            return None
        given[name] = argument.value
    rest = given.pop("args", None)
    if not {"name", "action"} <= given.keys() or not isinstance(rest, cst.Tuple | None) or not isinstance(handed.call.func, cst.Attribute):
        return None
    if any(node.keyword is None for node in handed.call.args[2:]) or "#" in code.text(handed.call):
        return None
    values = [element.value for element in rest.elements if isinstance(element, cst.Element)] if rest is not None else []
    if rest is not None and len(values) < len(rest.elements):
        return None
    options = ", ".join(f"{RENAMED.get(name, name)}={code.text(value)}" for name, value in given.items() if name not in {"name", "action"})
    spelled = rewrite.spelled(code, handed.call, RUN) if options or values else ("", ())
    if spelled is None:
        return None
    arguments = [code.text(given["name"]), code.text(given["action"])]
    arguments += [f"{spelled[0]}({options})"] if options or values else []
    text = f"{code.text(handed.call.func)}_typed({', '.join([*arguments, *(code.text(value) for value in values)])})"
    if not options and not values:
        end = code.span(handed.call.func).end
        return rewrite.unsafe("Use `run_typed`", (Edit(Span(end, end), "_typed"),))
    edits = rewrite.replace(code, handed.call, text)
    return rewrite.unsafe("Use `run_typed`", (*edits, *spelled[1])) if edits is not None else None
