"""REA508: `@svc.handler` without parentheses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rea_lint import rewrite
from rea_lint.diagnostic import Finding, Severity
from rea_lint.project import Project
from rea_lint.rule import rule
from rea_lint.rules import defining
from rea_lint.text import Edit, Span

if TYPE_CHECKING:
    from rea_lint.facts import Function, Refs


@rule("REA508", "decorator-not-called", Severity.ERROR, docs="https://docs.restate.dev/develop/python/services")
def decorator_not_called(project: Project) -> Iterator[Finding]:
    """
    `@svc.handler` without parentheses registers nothing, and nothing says so.

    `handler` takes options, the first of which is the handler's name, and gives the decorator. Without parentheses the function is taken for
    the name, and what stands under its name afterwards is the decorator. Discovery does not list it, the ingress answers 404, and a call from
    another handler is `ValueError: Handler not found`, retried for ever.

    ```python fails="retried with ValueError"
    import restate

    greeter = restate.Service("greeter")
    caller = restate.Service("caller")


    @greeter.handler  # expect: REA508 "registers nothing"
    async def greet(ctx: restate.Context, name: str) -> str:
        return f"Hello {name}!"


    @caller.handler()
    async def call(ctx: restate.Context, name: str) -> str:
        return await ctx.service_call(greet, arg=name)
    ```

    ```python fixed
    import restate

    greeter = restate.Service("greeter")
    caller = restate.Service("caller")


    @greeter.handler()
    async def greet(ctx: restate.Context, name: str) -> str:
        return f"Hello {name}!"


    @caller.handler()
    async def call(ctx: restate.Context, name: str) -> str:
        return await ctx.service_call(greet, arg=name)
    ```

    The decorator may be kept under a name, and other decorators need no parentheses.

    ```python
    import restate
    from events import bus

    greeter = restate.Service("greeter")
    handler = greeter.handler()


    @handler
    async def greet(ctx, name):
        return f"Hello {name}!"


    @bus.handler
    async def listen(event): ...
    ```
    """
    for function in project.functions.values():
        for refs in function.decorators:
            bare = tuple(ref for ref in refs if not ref.endswith("()"))
            registers = defining.registers(project, bare)
            if registers is not None:
                span = _written(project, function, refs)
                name = function.written_name
                method = registers.rpartition(".")[2]
                yield Finding(
                    span or function.name_span,
                    f"`{method}` without parentheses registers nothing: it takes `{name}` for its first option, and gives a decorator that is never"
                    f" called; write `{method}()`.",
                    rewrite.safe("Call the decorator", (Edit(Span(span.end, span.end), "()"),)) if span is not None else None,
                    path=project.path_of(function.name),
                )


def _written(project: Project, function: Function, refs: Refs) -> Span | None:
    """Where a decorator stands, if it is an attribute as it stands."""
    head = Span(function.span.start, function.header.start)
    around = (each for each in project.index.home[function.name].functions.values())
    return next((read.span for each in around for read in each.reads if read.values == refs and head.contains(read.span)), None)
