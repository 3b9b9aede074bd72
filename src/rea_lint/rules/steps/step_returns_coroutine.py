"""REA405: an action gives a coroutine, which nobody awaits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rea_lint import cst, rewrite
from rea_lint.diagnostic import Finding, Related, Severity
from rea_lint.durable import Durable
from rea_lint.project import Step
from rea_lint.rule import rule
from rea_lint.rules import actions

if TYPE_CHECKING:
    from rea_lint.diagnostic import Fix
    from rea_lint.facts import Function
    from rea_lint.rules.actions import Handover


@rule("REA405", "step-returns-coroutine", Severity.ERROR, docs="https://docs.restate.dev/develop/python/durable-steps")
def step_returns_coroutine(step: Step, code: Durable) -> Iterator[Finding]:
    """
    The action of a step is a plain function that returns a coroutine, and the coroutine never runs.

    The SDK asks whether the action itself is an `async def`. A `lambda` is not, whatever it calls, so what it returns counts as the result
    and is to be journaled: "Object of type coroutine is not JSON serializable". The invocation is retried for ever, and the effect never
    happens.

    ```python fails="retried with TypeError"
    import restate

    orders = restate.Service("orders")


    async def charge(item: str) -> str:
        return f"{item} is paid"


    @orders.handler()
    async def place(ctx: restate.Context, item: str) -> str:
        return await ctx.run_typed("charge", lambda: charge(item))  # expect: REA405 "a coroutine of `charge`"
    ```

    ```python fixed
    import restate

    orders = restate.Service("orders")


    async def charge(item: str) -> str:
        return f"{item} is paid"


    @orders.handler()
    async def place(ctx: restate.Context, item: str) -> str:
        return await ctx.run_typed("charge", charge, item=item)
    ```

    What counts is what the action is: `functools.partial` of an async function is one too, and so is what a factory returns.

    ```python
    import asyncio
    import functools

    import httpx
    import restate

    orders = restate.Service("orders")


    async def charge(item="book"):
        return f"{item} is paid"


    def charging(item):
        async def charge_item():
            return await charge(item)

        return charge_item


    def start(item):
        return charge(item)


    class Shop:
        async def charge(self):
            return "paid"


    @orders.handler()
    async def place(ctx, item):
        client = httpx.AsyncClient()
        await ctx.run_typed("async", charge, item=item)
        await ctx.run_typed("partial", functools.partial(charge, item))
        await ctx.run_typed("factory", charging(item))
        await ctx.run_typed("method", Shop().charge)
        await ctx.run_typed("own loop", lambda: asyncio.run(charge(item)))
        await ctx.run_typed("unknown", lambda: item.charge())
        await ctx.run_typed("def", start, item=item)  # expect: REA405 "`start` returns a coroutine of `charge`"
        await ctx.run("old", lambda: Shop().charge())  # expect: REA405
        await ctx.run_typed("library", lambda: client.get("https://shop.example/"))  # expect: REA405 "`AsyncClient.get`"
    ```
    """
    for name in step.actions:
        function = code.project.functions[name]
        made = actions.coroutine(function, code.project)
        if made is None:
            continue
        handed = actions.handover(step, code)
        if handed is None or handed.action is None:
            return
        subject = "the lambda" if function.is_lambda else f"`{function.written_name}`"
        whose = (
            ".".join(made.replace("()", "").split(".")[-2:])
            if made not in code.project.functions
            else code.project.functions[made].written_name
        )
        yield Finding(
            code.span(handed.action),
            f"{subject} returns a coroutine of `{whose}`, which never runs: it is no JSON, a `TypeError`, with which the invocation is retried for ever;"
            " hand over the async function itself.",
            _fix(function, handed, code),
            () if function.is_lambda else (Related(code.project.path_of(name), function.name_span, f"{subject} is no `async def`"),),
        )
        return


def _fix(function: Function, handed: Handover, code: Durable) -> Fix | None:
    """Hand over what a lambda calls, with its arguments."""
    match handed.action:
        case cst.Lambda(params=cst.Parameters(params=[], kwonly_params=[]), body=cst.Call() as call) if function.is_lambda:
            target = actions.target(call, code)
            is_async = target is not None and target.is_async
            return rewrite.safe("Hand over the async function", actions.by_name(call, code, handed)) if is_async else None
        case _:
            return None
