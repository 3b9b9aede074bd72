"""REA502: a handler with too many parameters, or none."""

from __future__ import annotations

from collections.abc import Iterator

from rea_lint.diagnostic import Finding, Severity
from rea_lint.project import Handler, Project
from rea_lint.rule import rule
from rea_lint.rules import defining


@rule("REA502", "handler-arity", Severity.ERROR, docs="https://docs.restate.dev/develop/python/services")
def handler_arity(handler: Handler, project: Project) -> Iterator[Finding]:
    """
    A handler takes something else than the context and at most one input.

    The SDK counts the parameters: a handler with two gets the context and the input, every other handler gets the context alone. With three,
    the call is `TypeError: missing 2 required positional arguments`, and the invocation is retried for ever.

    ```python fails="retried with TypeError"
    import restate

    orders = restate.Service("orders")


    @orders.handler()
    async def place(ctx: restate.Context, item: str, amount: int) -> str:  # expect: REA502 "calls it with the context alone"
        return f"{amount} x {item}"
    ```

    Make the inputs one:

    ```python
    from typing import TypedDict

    import restate

    orders = restate.Service("orders")


    class Order(TypedDict):
        item: str
        amount: int


    @orders.handler()
    async def place(ctx: restate.Context, order: Order) -> str:
        return f"{order['amount']} x {order['item']}"
    ```

    Where all parameters but the context have defaults, nothing fails: the input is dropped, and the handler always works on its defaults.

    ```python fails="wrong result"
    import restate

    orders = restate.Service("orders")


    @orders.handler()
    async def place(ctx: restate.Context, item: str = "nothing", amount: int = 1) -> str:  # expect: REA502 "the input is dropped"
        return f"{amount} x {item}"
    ```

    ```python
    import restate

    orders = restate.Service("orders")


    @orders.handler()
    async def place(ctx: restate.Context, item: str = "nothing") -> str:
        return f"1 x {item}"
    ```

    Without any parameter the program does not start: `ValueError: Handler must have at least one parameter`.

    ```python fails="import error"
    import restate

    orders = restate.Service("orders")


    @orders.handler()
    async def place() -> None: ...  # expect: REA502 "raises `ValueError` at import"
    ```

    What a decorator in between makes of the parameters is not known, and nothing is said of it.

    ```python
    import restate
    from toolbox import inject

    orders = restate.Service("orders")


    @orders.handler()
    @inject
    async def place(ctx, item, database): ...


    @orders.handler()
    async def cancel(ctx): ...


    @orders.handler()
    async def show(*args): ...
    ```
    """
    parameters = defining.parameters(project, handler)
    if parameters is None or defining.is_method(project, handler) or any(p.kind != "positional" for p in parameters):
        return
    if not parameters:
        yield Finding(
            handler.span,
            f"`{handler.name}` takes no parameter, and registering it raises `ValueError` at import; every handler takes the context first.",
        )
    elif len(parameters) > 2:
        rest = parameters[1:]
        called = f"`{handler.name}` takes {len(parameters)} parameters, and the SDK calls it with the context alone"
        if any(not p.has_default for p in rest):
            missing = next(p.name for p in rest if not p.has_default)
            said = f"{called}: `{missing}` is missing, a `TypeError`, and the invocation is retried for ever; make the inputs one."
        else:
            said = f"{called}: the input is dropped, and `{rest[0].name}` is always its default; take the context and one input."
        yield Finding(handler.span, said)
