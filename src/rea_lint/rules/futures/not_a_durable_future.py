"""REA309: a combinator is handed something that is no durable future."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rea_lint import cst, rewrite
from rea_lint.diagnostic import Finding, Severity
from rea_lint.durable import Durable
from rea_lint.facts import Function
from rea_lint.rule import rule
from rea_lint.rules import awaitable, kept, work
from rea_lint.rules.awaitable import Kind

if TYPE_CHECKING:
    from rea_lint.rules.awaitable import Awaitable

INSTEAD = {
    Kind.COROUTINE: "hand over durable futures, or make it a handler and call that",
    Kind.TASK: "hand over durable futures, which need no task",
    Kind.PROMISE: "hand over its `.value()`",
    Kind.HANDLE: "make it a call, whose answer can be waited for",
}


@rule("REA309", "not-a-durable-future", Severity.ERROR, docs="https://docs.restate.dev/develop/python/concurrent-tasks")
def not_a_durable_future(function: Function, code: Durable) -> Iterator[Finding]:
    """
    A combinator gets a coroutine, a task, a promise or a send, and fails the invocation for good.

    `restate.gather`, `restate.select`, `restate.as_completed` and `restate.wait_completed` wait in the journal, so they take what has an entry
    there: the futures of the context. For everything else they raise a `TerminalError`: no retry, and with a fix deployed it is too late
    for this invocation.

    ```python fails="terminal error"
    from datetime import timedelta

    import restate

    payments = restate.Workflow("payments")


    @payments.main()
    async def run(ctx: restate.WorkflowContext, order: str) -> str:
        match await restate.select(paid=ctx.promise("paid"), late=ctx.sleep(timedelta(days=1))):  # expect: REA309 "gives is a durable promise"
            case ["paid", receipt]:
                return str(receipt)
            case _:
                return "late"
    ```

    ```python fixed
    from datetime import timedelta

    import restate

    payments = restate.Workflow("payments")


    @payments.main()
    async def run(ctx: restate.WorkflowContext, order: str) -> str:
        match await restate.select(paid=ctx.promise("paid").value(), late=ctx.sleep(timedelta(days=1))):
            case ["paid", receipt]:
                return str(receipt)
            case _:
                return "late"
    ```

    An async helper is a coroutine, also if all it does is durable. Its operations can be called without it: they run side by side from
    the moment they are called. What needs several operations one after the other is a handler of its own, and its call is a future.

    ```python
    import restate

    trips = restate.Service("trips")


    def reserve(what):
        return f"{what} reserved"


    def reserving(ctx, what):
        return ctx.run_typed(what, reserve, what=what)


    async def price(city):
        return len(city)


    async def book(ctx, what):
        return await reserving(ctx, what)


    @trips.handler()
    async def flight(ctx, city):
        return city


    @trips.handler()
    async def plan(ctx, city):
        await restate.gather(book(ctx, "flight"), book(ctx, "hotel"))  # expect: REA309 "a coroutine", REA309
        await restate.gather(*[book(ctx, what) for what in city])  # expect: REA309 "a coroutine"
        await restate.select(sent=ctx.service_send(flight, arg=city))  # expect: REA309 "make it a call"
        priced = price(city)
        await restate.wait_completed(priced)  # expect: REA309
        await restate.gather(restate.gather(reserving(ctx, "hotel")))  # expect: REA309 "what `restate.gather` gives is a coroutine"


    @trips.handler()
    async def arrange(ctx, city):
        futures = [reserving(ctx, what) for what in ("flight", "hotel")]
        futures.append(ctx.service_call(flight, arg=city))
        await restate.gather(*futures, reserving(ctx, "car"))
        await restate.select(**{"flight": ctx.service_call(flight, arg=city)})
        await book(ctx, "tour")
    ```

    mypy and pyright report this where everything is annotated.
    """
    for _, call in kept.combinators(function, code.project):
        if not all(kept.is_fit(argument, function, code.project) for argument in call.arguments):
            node = code.node(call.span)
            if isinstance(node, cst.Call):
                yield from _of(node, code)


def _of(call: cst.Call, code: Durable) -> Iterator[Finding]:
    for node in (each for argument in call.args for each in _handed(argument, code)):
        held = awaitable.of(node, code)
        if held is None or held.kind not in INSTEAD or _is_told_elsewhere(held, code):
            continue
        fix = (
            rewrite.safe("Use `.value()`", rewrite.replace(code, node, f"{code.text(node)}.value()")) if held.kind is Kind.PROMISE else None
        )
        yield Finding(
            code.span(node),
            f"what `{held.name}` gives is {held.kind.value}, and `{code.text(call.func)}` takes durable futures only: it raises a `TerminalError`, and the"
            f" invocation fails for good; {INSTEAD[held.kind]}.",
            fix,
        )


def _handed(argument: cst.Arg, code: Durable) -> Iterator[cst.BaseExpression]:
    """The expressions that an argument hands over; of a list that is unpacked, its elements."""
    value = argument.value
    if argument.star == "*" and isinstance(value, cst.Name):
        bindings = code.owner(value).variables.get(value.value, ())
        held = code.node(bindings[0].span) if len(bindings) == 1 else None
        value = held if held is not None else value
    match value:
        case cst.List(elements=elements) | cst.Tuple(elements=elements) if argument.star == "*":
            yield from (element.value for element in elements if isinstance(element, cst.Element))
        case cst.ListComp(elt=element) | cst.GeneratorExp(elt=element) if argument.star == "*":
            yield element
        case _ if not argument.star:
            yield value


def _is_told_elsewhere(held: Awaitable, code: Durable) -> bool:
    """Whether native-gather or background-task tells of a task: it does durable work."""
    node = code.node(held.span) if held.kind is Kind.TASK and held.span is not None else None
    call = code.call(node) if isinstance(node, cst.Call) else None
    return node is not None and call is not None and any(each.is_durable for each in work.handed(code.project, code.owner(node), call))
