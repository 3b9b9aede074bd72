"""REA501: a handler that is no coroutine function."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rea_lint import rewrite
from rea_lint.diagnostic import Finding, Severity
from rea_lint.project import Handler, Project
from rea_lint.rule import rule
from rea_lint.rules import defining
from rea_lint.text import Edit, Span

if TYPE_CHECKING:
    from rea_lint.facts import Function

MOST_FOLLOWED = 4  # functions that return what another returns
PLAIN = (ast.BinOp, ast.Compare, ast.Constant, ast.Dict, ast.DictComp, ast.JoinedStr, ast.List, ast.ListComp, ast.Set, ast.Tuple)
"""Expressions that nobody can await."""


@rule("REA501", "handler-not-async", Severity.ERROR, docs="https://docs.restate.dev/develop/python/services")
def handler_not_async(handler: Handler, project: Project) -> Iterator[Finding]:
    """
    A handler is a plain function, and the SDK awaits what it returns.

    `def` instead of `async def` is accepted when the handler is registered. When it is called, its body runs, and then the SDK awaits the
    result: `TypeError: object str can't be used in 'await' expression`. That is no terminal error, so the invocation is retried for ever,
    and the body runs again each time.

    ```python fails="retried with TypeError"
    import restate

    greeter = restate.Service("greeter")


    @greeter.handler()
    def greet(ctx: restate.Context, name: str) -> str:  # expect: REA501 "retried for ever"
        return f"Hello {name}!"
    ```

    ```python fixed
    import restate

    greeter = restate.Service("greeter")


    @greeter.handler()
    async def greet(ctx: restate.Context, name: str) -> str:
        return f"Hello {name}!"
    ```

    A function that returns something to await is fine, and so is one of which that cannot be told.

    ```python
    import asyncio
    import functools

    import restate

    greeter = restate.Service("greeter")


    def asynchronous(function):
        @functools.wraps(function)
        async def wrapper(ctx, name):
            return await asyncio.to_thread(function, ctx, name)

        return wrapper


    async def _greet(ctx, name):
        return f"Hello {name}!"


    @greeter.handler()
    def greet(ctx, name):
        return _greet(ctx, name)


    @greeter.handler()
    def later(ctx, name):
        reply = None
        for reply in [_greet(ctx, name)]:
            pass
        return reply


    @greeter.handler()
    @asynchronous
    def wrapped(ctx, name):
        return f"Hello {name}!"
    ```
    """
    function = project.functions[handler.function]
    if function.is_async or function.is_generator or defining.parameters(project, handler) is None:
        return
    if not _gives_nothing_to_await(project, function):
        return
    start = function.header.start
    yield Finding(
        handler.span,
        f"`{handler.name}` is no `async def`: the SDK awaits what it returns, which is a `TypeError`, and the invocation is retried for ever; make"
        " it `async def`.",
        None if function.name in project.once(_called) else rewrite.safe("Make it `async def`", (Edit(Span(start, start), "async "),)),
    )


def _called(project: Project) -> frozenset[str]:
    """What is called anywhere: to make such a function `async` changes its callers."""
    return frozenset(name for each in project.functions.values() for call in each.calls for name in project.resolve(call.callees))


def _gives_nothing_to_await(project: Project, function: Function, followed: int = 0) -> bool:
    """Whether what a plain function returns is certainly nothing that can be awaited."""
    found = defining.definition(project, function, project.path_of(function.name))
    if found is None or function.is_async or (function.decorators and followed) or followed > MOST_FOLLOWED:
        return False
    own = list(_own(found[0]))
    assigned = _assigned(own)
    returned = [node.value for node in own if isinstance(node, ast.Return) and node.value is not None]
    for value in returned:
        match value:
            case ast.Name(id=name) if name in assigned:
                returned += assigned.pop(name)
            case ast.Name(id=name) if name in {parameter.name for parameter in function.parameters[1:]}:
                continue  # it came as JSON
            case ast.Call():
                place = defining.span(project.sources[project.path_of(function.name)], value)
                names = project.resolve(next((call.callees for call in function.calls if call.span == place), ()))
                if not names or not all(_is_plain(project, name, followed) for name in names):
                    return False
            case _ if not isinstance(value, PLAIN):
                return False
    return True


def _is_plain(project: Project, name: str, followed: int) -> bool:
    """Whether calling something certainly gives nothing that can be awaited."""
    called = project.functions.get(name)
    if called is not None:
        return _gives_nothing_to_await(project, called, followed + 1)
    return name.startswith("builtins.") or name in project.classes


def _own(definition: defining.Definition) -> Iterator[ast.AST]:
    """The nodes of a function's own code."""
    stack: list[ast.AST] = list(definition.body)
    while stack:
        node = stack.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            stack += ast.iter_child_nodes(node)


def _assigned(own: list[ast.AST]) -> dict[str, list[ast.expr]]:
    """The variables that are given a value by plain assignments only, with the values."""
    assigned: dict[str, list[ast.expr]] = {}
    targets = set()
    for node in own:
        match node:
            case (
                ast.Assign(targets=[ast.Name() as target], value=value)
                | ast.AnnAssign(target=ast.Name() as target, value=ast.expr() as value)
            ):
                assigned.setdefault(target.id, []).append(value)
                targets.add(target)
    stored = {node.id for node in own if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node not in targets}
    return {name: values for name, values in assigned.items() if name not in stored}
