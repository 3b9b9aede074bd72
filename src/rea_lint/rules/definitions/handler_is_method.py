"""REA510: a handler that is a method."""

from __future__ import annotations

from collections.abc import Iterator

from rea_lint.diagnostic import Finding, Severity
from rea_lint.project import Handler, Project
from rea_lint.rule import rule
from rea_lint.rules import defining


@rule("REA510", "handler-is-method", Severity.ERROR, docs="https://docs.restate.dev/develop/python/services")
def handler_is_method(handler: Handler, project: Project) -> Iterator[Finding]:
    """
    A method is registered in the body of its class, where there is no instance yet: `self` is the context.

    `@svc.handler()` in a class body registers the plain function. The SDK calls it with the context and the input, and whatever it calls
    `self` and `ctx` gets those: `ctx` is the input. The first use of either is an `AttributeError`, and the invocation is retried for ever.

    ```python fails="retried with AttributeError"
    import restate

    greeter = restate.Service("greeter")


    class Greeter:
        @greeter.handler()
        async def greet(self, ctx: restate.Context) -> str:  # expect: REA510 "`self` is the context, and `ctx` the input"
            return str(ctx.uuid())
    ```

    With an input besides, the three parameters are too many, and the SDK passes the context alone:

    ```python fails="retried with TypeError"
    import restate

    greeter = restate.Service("greeter")


    class Greeter:
        @greeter.handler()
        async def greet(self, ctx: restate.Context, name: str) -> str:  # expect: REA510 "`self` is the context, and `ctx` is missing"
            return f"Hello {name}!"
    ```

    Register a function; or the bound method, once there is an instance:

    ```python
    import restate

    greeter = restate.Service("greeter")


    class Greeter:
        def __init__(self, greeting):
            self.greeting = greeting
            greeter.handler()(self.greet)

        async def greet(self, ctx, name):
            return f"{self.greeting} {name}!"


    Greeter("Hello")
    ```

    A class that is only a namespace is fine:

    ```python
    import restate

    greeter = restate.Service("greeter")


    class Handlers:
        @staticmethod
        @greeter.handler()
        async def greet(ctx: restate.Context, name: str) -> str:
            return f"Hello {name}!"

        @greeter.handler()
        async def part(ctx: restate.Context, name: str) -> str:
            return f"Bye {name}!"
    ```
    """
    if not defining.is_method(project, handler):
        return
    first, *rest = (p.name for p in project.functions[handler.function].parameters)
    if not rest:
        becomes = f"`{first}` is the context"
    elif len(rest) == 1:
        becomes = f"`{first}` is the context, and `{rest[0]}` the input"
    else:
        becomes = f"`{first}` is the context, and `{rest[0]}` is missing: a `TypeError`, with which the invocation is retried for ever"
    yield Finding(
        handler.span,
        f"`{handler.name}` is registered in a class body, as a plain function: {becomes}; register a function, or `instance.{handler.name}`.",
    )
