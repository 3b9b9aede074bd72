"""REA518: a handler, or a step, that yields."""

from __future__ import annotations

from collections.abc import Iterator

from rea_lint.diagnostic import Finding, Related, Severity
from rea_lint.durable import Durable
from rea_lint.project import Handler, Project, Step
from rea_lint.rule import rule
from rea_lint.rules import defining


@rule("REA518", "generator-handler", Severity.ERROR, docs="https://docs.restate.dev/develop/python/services")
def generator_handler(thing: Handler | Step, within: Project | Durable) -> Iterator[Finding]:
    """
    A handler yields, so calling it gives a generator, and its body never runs.

    The SDK awaits what a handler returns: `TypeError: object async_generator can't be used in 'await' expression`, at every retry, for
    ever. A handler has one result; there is no streaming.

    ```python fails="retried with TypeError"
    import restate

    greeter = restate.Service("greeter")


    @greeter.handler()
    async def greet(ctx: restate.Context, name: str):  # expect: REA518 "its body never runs"
        for word in ("Hello", name):
            yield word
    ```

    Collect what it yields, and return it:

    ```python
    import restate

    greeter = restate.Service("greeter")


    @greeter.handler()
    async def greet(ctx: restate.Context, name: str) -> list[str]:
        return [word for word in ("Hello", name)]
    ```

    The same goes for a step. Its result is the generator, which is not JSON: `TypeError: Object of type generator is not JSON
    serializable`.

    ```python fails="retried with TypeError"
    import restate

    greeter = restate.Service("greeter")


    def words():
        yield "Hello"
        yield "Ada"


    @greeter.handler()
    async def greet(ctx: restate.Context) -> None:
        await ctx.run_typed("words", words)  # expect: REA518 "`words` yields"
    ```

    ```python
    import contextlib

    import restate

    greeter = restate.Service("greeter")


    def words():
        yield "Hello"
        yield "Ada"


    @greeter.handler()
    async def greet(ctx: restate.Context) -> list[str]:
        return await ctx.run_typed("words", lambda: list(words()))


    @greeter.handler()
    async def spell(ctx: restate.Context) -> list[str]:
        def letters():
            for word in words():
                yield from word

        return list(letters())
    ```
    """
    if isinstance(thing, Handler):
        assert isinstance(within, Project)
        if within.functions[thing.function].is_generator and defining.parameters(within, thing) is not None:
            yield Finding(
                thing.span,
                f"`{thing.name}` yields: the SDK awaits a generator, a `TypeError`, and its body never runs; the invocation is retried for ever;"
                " return one result.",
            )
        return
    assert isinstance(within, Durable)
    functions = [within.project.functions[name] for name in thing.actions]
    if thing.direct and functions and all(f.is_generator and not f.decorators for f in functions):
        name = functions[0].written_name
        yield Finding(
            thing.action.span,
            f"`{name}` yields: the step's result is a generator, which is not JSON, and its body never runs; the invocation is retried for ever;"
            " return a list.",
            None,
            (Related(within.project.path_of(functions[0].name), functions[0].name_span, f"`{name}` is defined here"),),
        )
