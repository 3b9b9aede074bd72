"""REA719: a step that gives up at the first failure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rea_lint import cst
from rea_lint.diagnostic import Finding, Severity
from rea_lint.durable import Durable
from rea_lint.packs import Effect
from rea_lint.project import Region
from rea_lint.rule import rule
from rea_lint.rules import catching, triggers
from rea_lint.rules.catching import End

if TYPE_CHECKING:
    from rea_lint.facts import Function
    from rea_lint.project import Project

TRANSIENT = frozenset({Effect.NETWORK, Effect.DATABASE, Effect.BROKER, Effect.LLM})
"""The effects that fail for a moment: the other side is away, or busy."""


def _may_replace(function: Function, project: Project) -> bool:
    broad = frozenset({catching.BASE, catching.EXCEPTION})
    return any(not clause.raises and triggers.catches(clause, project, broad) for clause in function.clauses) and any(
        call.around == "Raise" and project.resolve(call.callees) == {catching.TERMINAL} for call in function.calls
    )


@rule(
    "REA719",
    "transient-made-terminal",
    Severity.WARNING,
    region=Region.STEP,
    trigger=_may_replace,
    docs="https://docs.restate.dev/develop/python/error-handling",
)
def transient_made_terminal(clause: cst.ExceptHandler | cst.ExceptStarHandler, code: Durable) -> Iterator[Finding]:
    """
    A step catches every exception and raises `TerminalError`, so it is never tried again.

    Restate retries a step that fails, until the other side is back. A `TerminalError` says that trying again is of no use: the step has failed
    for good, and so has the invocation, unless somebody handles it. `except Exception` makes no difference between an order that was refused and
    a connection that was lost for a second.

    ```python
    import httpx
    import restate

    orders = restate.Service("orders")


    def charge(amount: int) -> str:
        try:
            return httpx.post("https://pay.test", json={"amount": amount}).text
        except Exception as e:  # expect: REA719 "`httpx.post` is never tried again"
            raise restate.TerminalError(f"payment failed: {e}") from e


    @orders.handler()
    async def place(ctx: restate.Context, amount: int) -> str:
        return await ctx.run_typed("charge", charge, amount=amount)
    ```

    Raise it for what is final, and let the rest pass. To limit the retries there is `RunOptions(max_attempts=...)`:

    ```python
    import json

    import httpx
    import restate

    orders = restate.Service("orders")


    def charge(amount: int) -> str:
        response = httpx.post("https://pay.test", json={"amount": amount})
        if response.status_code == 402:
            raise restate.TerminalError("refused")
        try:
            return json.loads(response.text)["id"]
        except Exception as e:
            raise restate.TerminalError("no answer that we know") from e


    def refund(payment: str) -> str:
        try:
            return httpx.delete(f"https://pay.test/{payment}").text
        except httpx.InvalidURL as e:
            raise restate.TerminalError("no such payment") from e
        except Exception as e:
            if isinstance(e, ValueError):
                raise restate.TerminalError("no payment") from e
            raise


    @orders.handler()
    async def place(ctx: restate.Context, amount: int) -> str:
        payment = await ctx.run_typed("charge", charge, restate.RunOptions(max_attempts=5), amount=amount)
        return await ctx.run_typed("refund", refund, payment=payment)
    ```
    """
    names = catching.names(clause, code)
    around = code.parent(clause)
    if not names & {catching.BASE, catching.EXCEPTION} or not isinstance(around, cst.Try | cst.TryStar):
        return
    calls = (node for node in code.within(around.body) if isinstance(node, cst.Call))
    failing = next((call for call in calls if _effects(call, code) & TRANSIENT), None)
    if failing is None or catching.ends(clause, code, frozenset({catching.EXCEPTION})) != {End.REPLACED}:
        return
    if not any(isinstance(node, cst.Raise) and _is_terminal(node, code) for node in code.within(clause.body)):
        return
    what = catching.header(clause, code)
    yield Finding(
        what,
        f"This turns every failure into a `TerminalError`, a lost connection too: `{code.text(failing.func)}` is never tried again; raise it for what is"
        " final, and let the rest pass.",
    )


def _effects(call: cst.Call, code: Durable) -> set[Effect | None]:
    project = code.project
    return {
        project.knowledge.effect(name, code.call(call), project.resolve)
        for name in code.resolve(call.func)
        if not project.index.is_ours(name)
    }


def _is_terminal(node: cst.Raise, code: Durable) -> bool:
    return isinstance(node.exc, cst.Call) and code.resolve(node.exc.func) == {catching.TERMINAL}
