"""REA404: a step is handed a result instead of an action."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rea_lint import cst, rewrite
from rea_lint.diagnostic import Finding, Severity
from rea_lint.durable import Durable
from rea_lint.project import Step
from rea_lint.rule import rule
from rea_lint.rules import actions
from rea_lint.rules.awaitable import is_coroutine_function

if TYPE_CHECKING:
    from rea_lint.diagnostic import Fix
    from rea_lint.project import Project
    from rea_lint.rules.actions import Handover


@rule("REA404", "step-action-not-callable", Severity.ERROR, docs="https://docs.restate.dev/develop/python/durable-steps")
def step_action_not_callable(step: Step, code: Durable) -> Iterator[Finding]:
    """
    The action of a step is called while it is handed over, so the step gets what came of it.

    `ctx.run_typed("charge", charge())` calls `charge` first, in the handler and again on every replay, and then hands the result to the SDK,
    which cannot call it: a `TypeError`, with which the invocation is retried for ever, and with the effect each time.

    ```python fails="retried with TypeError"
    import restate

    orders = restate.Service("orders")


    def charge() -> str:
        return "paid"


    @orders.handler()
    async def place(ctx: restate.Context, item: str) -> str:
        return await ctx.run_typed("charge", charge())  # expect: REA404 "runs before the step"
    ```

    ```python fixed
    import restate

    orders = restate.Service("orders")


    def charge() -> str:
        return "paid"


    @orders.handler()
    async def place(ctx: restate.Context, item: str) -> str:
        return await ctx.run_typed("charge", charge)
    ```

    Arguments go after the action, by name, or into a `lambda` (for a function that is not async):

    ```python
    import time

    import restate

    orders = restate.Service("orders")


    async def charge(item: str) -> str:
        return f"{item} is paid"


    def refund(item: str) -> str:
        return f"{item} is refunded"


    @orders.handler()
    async def place(ctx: restate.Context, item: str) -> str:
        now = await ctx.run_typed("now", time.time())  # expect: REA404
        await ctx.run_typed("refund", refund(item))  # expect: REA404 "`refund`"
        await ctx.run_typed("again", await charge(item))  # expect: REA404
        return f"{now}" + await ctx.run_typed("charge", charge(item))  # expect: REA404 "a coroutine"
    ```

    ```python fixed
    import time

    import restate

    orders = restate.Service("orders")


    async def charge(item: str) -> str:
        return f"{item} is paid"


    def refund(item: str) -> str:
        return f"{item} is refunded"


    @orders.handler()
    async def place(ctx: restate.Context, item: str) -> str:
        now = await ctx.run_typed("now", lambda: time.time())
        await ctx.run_typed("refund", lambda: refund(item))
        await ctx.run_typed("again", charge, item=item)
        return f"{now}" + await ctx.run_typed("charge", charge, item=item)
    ```

    A call that gives a function is right, and of one that may give a function nothing is said:

    ```python
    import functools

    import restate

    orders = restate.Service("orders")


    def charging(item):
        async def charge():
            return f"{item} is paid"

        return charge


    def charge(item):
        return f"{item} is paid"


    @orders.handler()
    async def place(ctx, item):
        await ctx.run_typed("factory", charging(item))
        await ctx.run_typed("partial", functools.partial(charge, item))
        await ctx.run_typed("found", {"charge": charging(item)}.get("charge"))
        await ctx.run_typed("bound", item.charge)
        return await ctx.run_typed("lambda", lambda: charge(item))
    ```

    mypy and pyright report this where everything is annotated.
    """
    handed = actions.handover(step, code) if _may_be_none(step, code.project) else None
    action = handed.action if handed is not None else None
    if handed is None or action is None:
        return
    taker = code.text(handed.call.func)
    call = action.expression if isinstance(action, cst.Await) else action
    if isinstance(
        call, cst.BaseNumber | cst.SimpleString | cst.FormattedString | cst.ConcatenatedString | cst.List | cst.Dict | cst.Tuple | cst.Set
    ):
        yield Finding(
            code.span(action),
            f"`{taker}` takes a function, and this is none: a `TypeError`, with which the invocation is retried for ever.",
        )
    elif isinstance(call, cst.Call) and (what := _gives(call, code, is_awaited=call is not action)) is not None:
        yield Finding(
            code.span(action),
            f"`{code.text(call.func)}` runs before the step, and `{taker}` gets {what}: a `TypeError`, with which the invocation is retried for ever;"
            " hand over the function.",
            _fix(call, handed, code),
        )


def _may_be_none(step: Step, project: Project) -> bool:
    """Whether an action may be something else than a function, as facts tell: a constant, a display, or what a call gives."""
    function, given = project.functions[step.function], step.action
    is_value = given.literal is not None or any(value.endswith("()") or ":tuple@" in value for value in given.values)
    return is_value or function.call(given.span) is not None or function.wait(given.span) is not None


def _gives(call: cst.Call, code: Durable, *, is_awaited: bool) -> str | None:
    """What a call gives that is certainly no function; None if it may be one."""
    names = code.resolve(call.func)
    project = code.project
    functions = [project.functions[name] for name in names if name in project.functions]
    if functions and len(functions) == len(names):
        if not is_awaited and all(is_coroutine_function(function) for function in functions):
            return "a coroutine"
        plain = all(project.resolve(f.return_annotation) <= rewrite.JSON and f.return_annotation for f in functions)
        known = all(
            f.returns and not f.decorators and project.resolve(f.returns) and project.resolve(f.returns) <= rewrite.JSON for f in functions
        )
        return "its result" if plain or known else None
    is_effect = bool(names) and all(project.knowledge.effect(name, code.call(call)) is not None for name in names)
    results = code.resolve(call)
    return "its result" if is_effect or (results and results <= rewrite.JSON) else None


def _fix(call: cst.Call, handed: Handover, code: Durable) -> Fix | None:
    assert handed.action is not None
    target = actions.target(call, code)
    if target is not None and (target.is_async or not call.args):
        return rewrite.safe("Hand over the function", actions.by_name(call, code, handed))
    if any(isinstance(node, cst.Await | cst.NamedExpr) for node in code.within(handed.action)):
        return None
    return rewrite.safe("Hand over a function", rewrite.replace(code, handed.action, f"lambda: {code.text(call)}"))
