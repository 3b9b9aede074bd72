"""REA403: the context's clock and randomness inside a step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rea_lint import cst, rewrite
from rea_lint.diagnostic import Finding, Severity
from rea_lint.durable import Durable
from rea_lint.project import StepViolation
from rea_lint.rule import rule
from rea_lint.rules import inside
from rea_lint.text import Edit, Span

if TYPE_CHECKING:
    from rea_lint.diagnostic import Fix

CONSEQUENCES = {
    "uuid": "replay skips the step, so the next `uuid()` gives the same value once more; draw it in the handler",
    "random": "replay skips the step, so the next draw gives the same value once more; draw it in the handler",
    "time": "it is a step of its own, within a step, and on replay it is missing (RT0016); ask in the handler, or use `time.time()` here",
}
NAMES = {"uuid": "drawn_uuid", "random": "drawn"}


@rule("REA403", "deterministic-rng-in-step", Severity.ERROR, docs="https://docs.restate.dev/develop/python/durable-steps")
def deterministic_rng_in_step(violation: StepViolation, code: Durable) -> Iterator[Finding]:
    """
    A step draws from the context's generator, or asks the context for the time.

    `ctx.uuid()` and `ctx.random()` draw from a generator that every attempt starts anew from the same seed: the n-th value is always the
    same. Replay skips the step, and with it the draw, so the next value outside it is the one that the step had: the same UUID twice,
    once for the payment and once for the refund. Nothing raises. `ctx.time()` is a step itself, and fails as every nested step.

    ```python fails="result differs from the first attempt"
    import restate

    payments = restate.Service("payments")


    @payments.handler()
    async def pay(ctx: restate.Context, amount: int) -> list[str]:
        payment = await ctx.run_typed("payment", lambda: str(ctx.uuid()))  # expect: REA403 "the same value once more"
        return [payment, str(ctx.uuid())]
    ```

    Draw in the handler; the step takes the value with it. (It draws other values than before, so it goes out as a new deployment.)

    ```python fixed unsafe
    import restate

    payments = restate.Service("payments")


    @payments.handler()
    async def pay(ctx: restate.Context, amount: int) -> list[str]:
        drawn_uuid = ctx.uuid()
        payment = await ctx.run_typed("payment", lambda: str(drawn_uuid))
        return [payment, str(ctx.uuid())]
    ```

    Inside a step the ordinary clock and `uuid.uuid4()` are right: the step's result is journaled, whatever it is made of.

    ```python
    import time
    import uuid

    import restate

    payments = restate.Service("payments")


    def order_id(ctx: restate.Context) -> str:
        return str(ctx.uuid())


    class Dice:
        def random(self) -> int:
            return 4


    @payments.handler()
    async def pay(ctx: restate.Context, amount: int) -> None:
        await ctx.run_typed("native", lambda: f"{uuid.uuid4()} {time.time()} {Dice().random()}")
        key = order_id(ctx)
        await ctx.run_typed("captured", lambda: f"{key} {amount}")
        await ctx.run_typed("helper", lambda: order_id(ctx))  # expect: REA403 "`app.order_id` calls"

        async def now() -> float:
            return await ctx.time()  # expect: REA403 "a step of its own"

        await ctx.run_typed("now", now)
    ```
    """
    if violation.method in CONSEQUENCES:
        yield inside.finding(violation, code, CONSEQUENCES[violation.method], _hoisted(violation, code))


def _hoisted(violation: StepViolation, code: Durable) -> Fix | None:
    """Draw before the statement that hands over the step: only from a lambda of an awaited step, and with constant arguments."""
    function = code.project.functions[violation.function]
    call = code.node(violation.call.span) if violation.method in NAMES and function.scope == violation.step.function else None
    if (
        len(violation.chain) > 1
        or not function.is_lambda
        or function.parameters
        or not isinstance(call, cst.Call)
        or not violation.step.call.awaited
    ):
        return None
    if any(isinstance(each, cst.BaseComp) and code.owner(each) is function for each in code.ancestors(call)):
        return None  # it draws more than once
    drawn = _draw(call, code) if violation.method == "random" else call
    line = _line(code, violation.step.call.span)
    owner = code.project.functions[violation.step.function]
    name = NAMES[violation.method]
    if drawn is None or line is None or name in {*owner.names, *owner.variables}:
        return None
    start = code.span(line.body[0]).start
    indent = code.source.text[code.source.line_span(code.source.position(start).row).start : start]
    edits = rewrite.replace(code, drawn, name)
    if edits is None or indent.strip():
        return None
    hoisted = Edit(Span(start, start), f"{name} = {code.text(drawn)}{code.source.newline}{indent}")
    return rewrite.unsafe("Draw it before the step (other values than before: deploy it as a new version)", (hoisted, *edits))


def _draw(generator: cst.Call, code: Durable) -> cst.Call | None:
    """The call that draws from what `ctx.random()` gives, if all it takes is constants."""
    method = code.parent(generator)
    draw = code.parent(method) if isinstance(method, cst.Attribute) else None
    if not isinstance(draw, cst.Call) or draw.func is not method:
        return None
    constant = (cst.Integer, cst.Float, cst.SimpleString)
    return draw if all(isinstance(argument.value, constant) and not argument.star for argument in draw.args) else None


def _line(code: Durable, span: Span) -> cst.SimpleStatementLine | None:
    """The line, with one statement on it, that hands over a step; none where the call is repeated within it."""
    node: cst.CSTNode | None = code.node(span)
    while node is not None and not isinstance(node, cst.BaseComp | cst.BaseCompoundStatement | cst.Lambda):
        if isinstance(node, cst.SimpleStatementLine):
            return node if len(node.body) == 1 else None
        node = code.parent(node)
    return None
