"""REA504: two handlers of one service have the same name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rea_lint.diagnostic import Finding, Related, Severity
from rea_lint.project import Handler, Project
from rea_lint.rule import rule
from rea_lint.rules import defining

if TYPE_CHECKING:
    import ast

REFUSED_SINCE = "1.1"  # restate-sdk 1.1.0, service.py: "Handler ... already exists"; up to 1.0.x the second replaces the first


@rule("REA504", "duplicate-handler", Severity.ERROR, docs="https://docs.restate.dev/develop/python/services")
def duplicate_handler(project: Project) -> Iterator[Finding]:
    """
    Two handlers of a service have one name.

    The second is refused when it is registered: `ValueError: Handler greet already exists in greeter`, and the program does not start. Up to
    restate-sdk 1.0 it replaces the first without a word.

    ```python fails="import error"
    import restate

    greeter = restate.Service("greeter")


    @greeter.handler()
    async def greet(ctx: restate.Context, name: str) -> str:
        return f"Hello {name}!"


    @greeter.handler("greet")
    async def greet_politely(ctx: restate.Context, name: str) -> str:  # expect: REA504 "`greet` is a handler of `greeter` already"
        return f"How do you do, {name}?"
    ```

    ```python
    import restate

    greeter = restate.Service("greeter")


    @greeter.handler()
    async def greet(ctx: restate.Context, name: str) -> str:
        return f"Hello {name}!"


    @greeter.handler("greet_politely")
    async def polite(ctx: restate.Context, name: str) -> str:
        return f"How do you do, {name}?"
    ```

    Handlers of two services may have one name, and of two definitions only one may run:

    ```python
    import sys

    import restate

    greeter = restate.Service("greeter")
    parrot = restate.Service("parrot")
    other = restate.Service("greeter")

    if sys.platform == "win32":

        @greeter.handler()
        async def greet(ctx, name):
            return f"Hello {name}!"

    else:

        @greeter.handler()
        async def greet(ctx, name):
            return f"Hi {name}!"


    @parrot.handler("greet")
    async def repeat(ctx, name):
        return name


    @other.handler("greet")
    async def another(ctx, name):
        return name


    for language in ("en", "de"):

        @greeter.handler(f"greet_{language}")
        async def translated(ctx, name):
            return name


    @greeter.handler(f"greet_{len(sys.argv)}")
    async def translated(ctx, name):
        return name
    ```
    """
    for service, handlers in project.once(defining.by_service):
        named: dict[str, Handler] = {}
        for handler in handlers:
            name = defining.name_of(project, handler)
            if name is None:
                continue
            first = named.setdefault(name[0], handler)
            if first is handler or not _both_run(project, first, handler):
                continue
            says = f"`{name[0]}` is a handler of `{service.name}` already"
            if project.sdk.before(REFUSED_SINCE):
                said = f"{says}, and SDK {project.sdk.text} replaces it without a word: `{first.function.rpartition('.')[2]}` is never called; give one of"
            else:
                said = f"{says}: registering it again raises `ValueError` at import; give one of"
            related = (Related(first.path, first.span, f"the first `{name[0]}`"),)
            yield Finding(handler.span, f"{said} them another name.", None, related, path=handler.path)


def _both_run(project: Project, first: Handler, second: Handler) -> bool:
    """Whether two definitions run whenever one does: they stand in one block, or both at the top of a file."""
    blocks = []
    for handler in (first, second):
        found = defining.definition(project, project.functions[handler.function], handler.path)
        tree = defining.module(project, handler.path)
        if found is None or tree is None:
            return False
        blocks.append((found[1], tree))
    (block, tree), (other, tree_of_other) = blocks
    return block is other or (_is_top(block, tree) and _is_top(other, tree_of_other))


def _is_top(block: list[ast.stmt], tree: ast.Module) -> bool:
    return block is tree.body
