"""REA511: an annotation with a name that only type checkers import."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rea_lint import rewrite
from rea_lint.diagnostic import Finding, Fix, Severity
from rea_lint.durable import Durable
from rea_lint.project import Handler, Project, Step
from rea_lint.rule import rule
from rea_lint.rules import defining
from rea_lint.text import Edit, Span

if TYPE_CHECKING:
    from rea_lint.facts import Function


@rule("REA511", "type-checking-only-annotation", Severity.ERROR, docs="https://docs.restate.dev/develop/python/serialization")
def type_checking_only_annotation(thing: Handler | Step, within: Project | Durable) -> Iterator[Finding]:
    """
    The SDK evaluates annotations, and one needs a name that is imported for type checkers only.

    It reads the annotations of a handler when the handler is registered, to choose how input and output are serialized. A name that is
    imported under `if TYPE_CHECKING:` is not there: `NameError`, and the program does not start. `from __future__ import annotations` does
    not help, since the SDK evaluates what that leaves as text; nor does it help to quote the annotation.

    ```python fails="import error"
    from __future__ import annotations

    from typing import TYPE_CHECKING

    import restate

    if TYPE_CHECKING:
        from decimal import Decimal

    orders = restate.Service("orders")


    @orders.handler()
    async def place(ctx: restate.Context, price: Decimal) -> str:  # expect: REA511 "raises `NameError` at import"
        return str(price)
    ```

    ```python fixed unsafe
    from __future__ import annotations

    from decimal import Decimal
    from typing import TYPE_CHECKING

    import restate

    orders = restate.Service("orders")


    @orders.handler()
    async def place(ctx: restate.Context, price: Decimal) -> str:
        return str(price)
    ```

    The annotations of a step are evaluated too, at each call, to know the type of its result; all of them, not only that of the result. There
    the `NameError` is raised in the handler, and retried for ever.

    ```python fails="retried with NameError"
    from __future__ import annotations

    from typing import TYPE_CHECKING

    import restate

    if TYPE_CHECKING:
        from decimal import Decimal

    orders = restate.Service("orders")


    def charge(price: Decimal) -> str:
        return str(price)


    @orders.handler()
    async def place(ctx: restate.Context, price: int) -> str:
        return await ctx.run_typed("charge", charge, price=price)  # expect: REA511 "the annotations of `charge`"
    ```

    A `type_hint` for the step, or a lambda around it, keeps the annotations from being evaluated. Those of variables and of helpers that are no
    step never are.

    ```python
    from __future__ import annotations

    from typing import TYPE_CHECKING, Literal

    import restate

    if TYPE_CHECKING:
        from decimal import Decimal

    orders = restate.Service("orders")


    def charge(price: Decimal) -> str:
        return str(price)


    @orders.handler()
    async def place(ctx: restate.Context, price: Literal["Decimal"]) -> str:
        total: Decimal | None = None
        await ctx.run_typed("charge", charge, restate.RunOptions(type_hint=str), price=total)
        return await ctx.run_typed("charge", lambda: charge(total))


    @orders.handler()
    async def quoted_twice(ctx: restate.Context, price: "Decimal") -> list["Decimal"]:
        return [price]
    ```
    """
    if isinstance(thing, Handler):
        assert isinstance(within, Project)
        if defining.parameters(within, thing) is None:
            return
        for name, span in _missing(within, within.functions[thing.function], thing.path):
            yield Finding(
                span,
                f"the SDK evaluates the annotations of `{thing.name}`, and `{name}` is imported for type checkers only: registering the handler"
                " raises `NameError` at import; import it at run time.",
                _fix(within, thing.path, name),
            )
        return
    assert isinstance(within, Durable)
    project, taken = within.project, {argument.keyword for argument in thing.call.arguments}
    options = thing.call.argument(2, "options")
    if not thing.direct or len(thing.actions) != 1 or options is not None or taken & {"type_hint", "serde"} or thing.call.unpacks:
        return
    function = project.functions[thing.actions[0]]
    path = project.path_of(function.name)
    if function.name not in project.resolve(thing.action.values) or function.decorators:
        return
    for name, _ in list(_missing(project, function, path))[:1]:
        action = function.written_name
        yield Finding(
            thing.action.span,
            f"the SDK evaluates the annotations of `{action}`, and `{name}` is imported for type checkers only: a `NameError`, with which the"
            " invocation is retried for ever; import it at run time.",
            _fix(project, path, name) if path == within.path else None,
        )


def _missing(project: Project, function: Function, path: str) -> Iterator[tuple[str, Span]]:
    """The names in a function's annotations that the SDK evaluates and does not find, with their places."""
    source = project.sources.get(path)
    if source is None or "TYPE_CHECKING" not in source.text:
        return
    found, tree = defining.definition(project, function, path), defining.module(project, path)
    if found is None or tree is None:
        return
    typed = _typed(tree)
    postponed = any(
        isinstance(each, ast.ImportFrom) and each.module == "__future__" and any(a.name == "annotations" for a in each.names)
        for each in tree.body
    )
    arguments = found[0].args
    every = [*arguments.posonlyargs, *arguments.args, arguments.vararg, *arguments.kwonlyargs, arguments.kwarg]
    for annotation in (*(a.annotation for a in every if a is not None), found[0].returns):
        is_text = isinstance(annotation, ast.Constant) and isinstance(annotation.value, str)
        if annotation is None or (is_text and postponed):
            continue  # what is quoted and postponed is evaluated once, to a string
        span = defining.span(source, annotation)
        for name in _names(annotation):
            if name in typed:
                yield name, span


def _names(annotation: ast.expr) -> list[str]:
    """The names that evaluating an annotation looks up."""
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        try:
            return _names(ast.parse(annotation.value.strip(), mode="eval").body) if len(annotation.value) < 1000 else []
        except SyntaxError:
            return []
    return [node.id for node in ast.walk(annotation) if isinstance(node, ast.Name)]


def _typed(tree: ast.Module) -> set[str]:
    """The names that a module imports under `if TYPE_CHECKING:`, and binds nowhere else."""
    blocks = _typing_blocks(tree)
    inside = {name for block in blocks for each in block.body for name in _imported(each)}
    stack: list[ast.AST] = [each for each in tree.body if each not in blocks]
    stack += (each for block in blocks for each in block.orelse)
    while inside and stack:
        node = stack.pop()
        match node:
            case (
                ast.Name(id=name, ctx=ast.Store()) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name)
            ):
                inside.discard(name)
            case ast.Import() | ast.ImportFrom():
                inside.difference_update(_imported(node))
        stack += ast.iter_child_nodes(node)
    return inside


def _typing_blocks(tree: ast.Module) -> list[ast.If]:
    def is_one(statement: ast.If) -> bool:
        match statement.test:
            case ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING"):
                return True
        return False

    return [each for each in tree.body if isinstance(each, ast.If) and is_one(each)]


def _imported(statement: ast.AST) -> Iterator[str]:
    if isinstance(statement, ast.Import | ast.ImportFrom):
        yield from (alias.asname or alias.name.partition(".")[0] for alias in statement.names)


def _fix(project: Project, path: str, name: str) -> Fix | None:
    """Import the name at run time; None where that is more than moving one import, which may close a circle."""
    source, tree = project.sources[path], defining.module(project, path)
    for block in _typing_blocks(tree) if tree is not None else ():
        for statement in block.body:
            if name not in _imported(statement):
                continue
            match statement:
                case ast.ImportFrom(module=str(module), level=0, names=[ast.alias(asname=None)]):
                    wanted = f"from {module} import {name}"
                case ast.Import(names=[ast.alias(name=module, asname=None)]) if module == name:
                    wanted = f"import {name}"
                case _:
                    return None
            whole = block if len(block.body) == 1 and not block.orelse else statement
            rows = [source.position(place).row for place in (defining.span(source, whole).start, defining.span(source, whole).end)]
            if len(block.body) == 1 and block.orelse:
                return None
            gone = Span(source.line_span(rows[0]).start, source.line_span(rows[1] + 1).start)
            after = source.line(rows[1] + 1)
            if whole is block and not after.strip():  # the blank line that set the block apart
                gone = Span(gone.start, source.line_span(rows[1] + 2).start)
            if "#" in source.text[gone.start : gone.end]:
                return None
            return rewrite.unsafe("Import it at run time", (*rewrite.add_import(source, wanted), Edit(gone, "")))
    return None
