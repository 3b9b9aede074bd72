"""REA517: a handler with parameters that cannot be filled by position."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rea_lint.diagnostic import Finding, Severity
from rea_lint.project import Handler, Project
from rea_lint.rule import rule
from rea_lint.rules import defining

if TYPE_CHECKING:
    from rea_lint.facts import Parameter


@rule("REA517", "handler-signature-kind", Severity.ERROR, docs="https://docs.restate.dev/develop/python/services")
def handler_signature_kind(handler: Handler, project: Project) -> Iterator[Finding]:
    """
    A handler has keyword-only parameters or `**`, and the SDK calls it by position.

    It calls a handler of two parameters, of whatever kind, as `handler(ctx, input)`, and all others as `handler(ctx)`. A keyword-only
    parameter is never filled, and is counted all the same: the call is a `TypeError`, and the invocation is retried for ever.

    ```python fails="retried with TypeError"
    import restate

    orders = restate.Service("orders")


    @orders.handler()
    async def place(ctx: restate.Context, *, item: str) -> str:  # expect: REA517 "takes 1 positional argument, and is given 2"
        return item


    @orders.handler()
    async def cancel(ctx: restate.Context, item: str, *, notify: bool = True) -> str:  # expect: REA517 "`item` is missing"
        return item


    @orders.handler()
    async def change(ctx: restate.Context, **changes: str) -> str:  # expect: REA517 "takes 1 positional argument, and is given 2"
        return str(changes)
    ```

    Take the input by position, and nothing else:

    ```python
    import restate

    orders = restate.Service("orders")


    @orders.handler()
    async def place(ctx: restate.Context, item: str) -> str:
        return item
    ```

    Positional-only parameters are fine. `*args` is filled by position, and works where it is the context, the input, or both:

    ```python
    import restate

    orders = restate.Service("orders")


    async def _place(ctx, item):
        return item


    @orders.handler()
    async def place(*args, **kwargs):
        return await _place(*args, **kwargs)


    @orders.handler()
    async def change(ctx, *changes):
        return list(changes)


    @orders.handler()
    async def cancel(ctx, item, /):
        return item
    ```
    """
    parameters = defining.parameters(project, handler)
    if parameters is None or defining.is_method(project, handler) or all(p.kind == "positional" for p in parameters):
        return
    given = 2 if len(parameters) == 2 else 1
    said = _failure(parameters, given)
    if said is not None:
        yield Finding(
            handler.span,
            f"`{handler.name}` {said}: a `TypeError`, and the invocation is retried for ever; take the context and one input by position.",
        )
    elif given == 1 and len(parameters) > 2:
        yield Finding(
            handler.span,
            f"`{handler.name}` has {len(parameters)} parameters, and the SDK calls it with the context alone: the input is dropped; take the"
            " context and one input by position.",
        )


def _failure(parameters: tuple[Parameter, ...], given: int) -> str | None:
    """Why a call with so many positional arguments fails; None if it does not."""
    positional = [p for p in parameters if p.kind == "positional"]
    missing = [p for p in positional[given:] if not p.has_default] + [p for p in parameters if p.kind == "keyword" and not p.has_default]
    if len(positional) < given and all(p.kind != "*" for p in parameters):
        return f"takes {len(positional)} positional argument{'s' if len(positional) != 1 else ''}, and is given {given}"
    if missing:
        return f"has {len(parameters)} parameters, and the SDK calls it with {'two arguments' if given == 2 else 'the context alone'}: `{missing[0].name}` is missing"
    return None
