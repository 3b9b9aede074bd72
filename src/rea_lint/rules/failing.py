"""Errors that come once and not again: which code they reach, and what that journals.  For the rules of errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct

from rea_lint import cst
from rea_lint.packs import Effect
from rea_lint.rules import catching, work

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rea_lint.durable import Durable
    from rea_lint.project import Use
    from rea_lint.text import Span

ErrorPath: TypeAlias = "cst.ExceptHandler | cst.ExceptStarHandler | cst.Finally | cst.With"

FAILING = frozenset({Effect.NETWORK, Effect.DATABASE, Effect.BROKER, Effect.LLM, Effect.PROCESS})
"""Effects that fail at one attempt and work at the next."""

LOST = frozenset({"builtins.OSError", "builtins.ConnectionError", "builtins.TimeoutError", "asyncio.TimeoutError"})


class Reached(Struct, frozen=True):
    """A durable operation that a transient error reaches."""

    span: Span  # the operation, or the call that leads to it
    operation: str  # for display: "`ctx.run_typed`"
    use: Use  # what fails


def reached(path: ErrorPath, code: Durable) -> Reached | None:
    """The first durable operation of a clause, a `finally` or an asynchronous context manager that runs because of a transient error."""
    around = path if isinstance(path, cst.With) else code.parent(path)
    if not isinstance(around, cst.Try | cst.TryStar | cst.With):
        return None
    operation = _exit(path, code) if isinstance(path, cst.With) else _first(path.body, code)
    if operation is None:
        return None
    for use in _failing(around, code):
        if isinstance(path, cst.Finally | cst.With) or _catches(path, use, code):
            return Reached(*operation, use)
    return None


def _failing(around: cst.Try | cst.TryStar | cst.With, code: Durable) -> Iterator[Use]:
    """What may fail for a moment in the body of a statement, outside steps, and is not caught within."""
    body = code.span(around.body)
    caught = [code.span(each.body) for each in code.within(around.body) if isinstance(each, cst.Try | cst.TryStar) and each.handlers]
    for use in code.project.uses(code.owner(around).name):
        if use.effect in FAILING and body.contains(use.span) and not any(span.contains(use.span) for span in caught):
            yield use


def _catches(clause: cst.ExceptHandler | cst.ExceptStarHandler, use: Use, code: Durable) -> bool:
    """Whether a clause is the one that gets an error of a library."""
    *before, own = (catching.names(each, code) for each in (*catching.earlier(clause, code), clause))
    return _fits(own, use) and not any(_fits(names, use) for names in before)


def _fits(names: frozenset[str], use: Use) -> bool:
    library = use.primitive.partition(".")[0]
    return bool(names & {catching.EXCEPTION, *LOST}) or any(name.startswith(f"{library}.") for name in names)


def _first(body: cst.BaseSuite, code: Durable) -> tuple[Span, str] | None:
    """The first durable operation in a block, or call of a function that has one."""
    for node in code.within(body):
        if not isinstance(node, cst.Call):
            continue
        operation = code.operation(node)
        if operation is not None:
            if operation.info.journals:
                return code.span(node), f"`ctx.{operation.info.name}`"
            continue
        names = code.resolve(node.func)
        if names and all(work.uses_context(code.project, name) for name in names):
            return code.span(node), f"`{code.text(node.func)}`"
    return None


def _exit(statement: cst.With, code: Durable) -> tuple[Span, str] | None:
    """What the exit of a context manager of the project journals, whatever the error is."""
    for item in statement.items:
        for name in code.resolve(item.item):
            known = code.project.classes.get(name.removesuffix("()"))
            for method in known.methods.get("__aexit__", ()) if known is not None else ():
                function = code.project.functions[method]
                operation = next((each for each in code.project.operations(method) if each.info.journals), None)
                if operation is not None and function.shape.isdisjoint({"If", "IfExp", "Match"}):
                    return code.span(item.item), f"`{known.name.rpartition('.')[2]}.__aexit__`" if known is not None else ""
    return None
