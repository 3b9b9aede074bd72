"""REA803: a call of something that is no handler."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rea_lint.diagnostic import Finding, Severity
from rea_lint.durable import Durable
from rea_lint.project import Operation
from rea_lint.rule import rule
from rea_lint.rules import reaching

if TYPE_CHECKING:
    from rea_lint.facts import Argument
    from rea_lint.project import Project


@rule(
    "REA803",
    "not-a-handler",
    Severity.ERROR,
    operations=reaching.has_target,
    docs="https://docs.restate.dev/develop/python/service-communication",
)
def not_a_handler(operation: Operation, code: Durable) -> Iterator[Finding]:
    """
    A call names something that is no handler: a plain function, a string, a service.

    Calls and sends take the handler itself, the function that is registered with a service. The SDK looks the registration up on it, and
    raises `ValueError: Handler not found` (of a string, `TypeError`) where there is none. That is no terminal error, so the invocation
    is retried for ever.

    ```python fails="retried with ValueError"
    import restate

    orders = restate.Service("orders")


    async def charge(ctx: restate.Context, amount: int) -> str:
        return f"{amount} paid"


    @orders.handler()
    async def place(ctx: restate.Context, amount: int) -> str:
        return await ctx.service_call(charge, arg=amount)  # expect: REA803 "`charge` is no handler"
    ```

    ```python
    import restate

    payments = restate.Service("payments")
    orders = restate.Service("orders")


    @payments.handler()
    async def charge(ctx: restate.Context, amount: int) -> str:
        return f"{amount} paid"


    @orders.handler()
    async def place(ctx: restate.Context, amount: int) -> str:
        return await ctx.service_call(charge, arg=amount)
    ```

    A service is named by a string only in `ctx.generic_call`, which takes bytes. And a handler that is called already is a coroutine:

    ```python
    import restate

    orders = restate.Service("orders")


    @orders.handler()
    async def charge(ctx, amount):
        return amount


    @orders.handler()
    async def place(ctx, amount):
        ctx.service_send(orders, amount)  # expect: REA803 "is a service"
        ctx.service_send(charge(ctx, amount), amount)  # expect: REA803 "is called already"
        return await ctx.service_call("charge", amount)  # expect: REA803 "is a string"
    ```

    What cannot be told is let pass: a function with decorators, or one that is handed to something that may register it.

    ```python
    import restate

    orders = restate.Service("orders")
    HANDLERS = {}


    def registered(function):
        return HANDLERS[function.__name__]


    @registered
    async def refund(ctx, amount):
        return amount


    async def charge(ctx, amount):
        return amount


    HANDLERS["charge"] = orders.handler()(charge)


    async def pay(ctx, handler, amount):
        return await ctx.service_call(handler, amount)


    @orders.handler()
    async def place(ctx, amount):
        await ctx.service_call(refund, amount)
        await ctx.service_call(HANDLERS["charge"], amount)
        return await pay(ctx, place, amount)
    ```
    """
    argument = reaching.target(operation)
    wrong = _wrong(argument, operation, code) if argument is not None else None
    if wrong is not None and argument is not None:
        shown = " ".join(code.source.text[argument.span.start : argument.span.end].split())
        yield Finding(
            argument.span,
            f"`{shown}` {wrong[0]}: the SDK raises `{wrong[1]}`, and the invocation is retried for ever; name the handler itself.",
        )


def _wrong(argument: Argument, operation: Operation, code: Durable) -> tuple[str, str] | None:
    """What a target is instead of a handler, and what the SDK raises for it; None if it is one, or may be."""
    project = code.project
    if argument.literal is not None:
        return ("is a string" if argument.literal[:1] in "'\"" else "is no handler"), "TypeError"
    function = project.functions[operation.function]
    made = function.call(argument.span)
    if made is not None:
        return ("is called already, which gives a coroutine", "TypeError") if project.handlers_named(made.callees) else None
    names = project.resolve(argument.values)
    if names and all(name.endswith("()") and name[:-2] in project.knowledge.services for name in names):
        return "is a service", "ValueError"
    if names and all(_is_plain(project, name) for name in names):
        return "is no handler of any service", "ValueError"
    return None


def _is_plain(project: Project, name: str) -> bool:
    """Whether a function of the project is not registered, and handed to nobody who could register it."""
    function = project.functions.get(name)
    if function is None or function.decorators or function.owner is not None or project.registered(name):
        return False
    return name not in project.once(_handed_on)


def _handed_on(project: Project) -> frozenset[str]:
    """What is an argument of a call that is no durable operation."""
    return frozenset(
        ref
        for each in project.functions.values()
        for call in each.calls
        if call.arguments and not _is_operation(project, call.callees)
        for argument in call.arguments
        for values in (argument.values, *argument.elements)
        for ref in values
    )


def _is_operation(project: Project, callees: tuple[str, ...]) -> bool:
    return any(project.knowledge.operation(value) is not None for value in project.resolve(callees))
