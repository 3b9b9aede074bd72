"""Handlers that are exclusive, and were meant to be or could be shared.  For REA503 and REA607."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rea_lint import rewrite
from rea_lint.rules import annotation, defining
from rea_lint.text import Edit, Span

if TYPE_CHECKING:
    from rea_lint.diagnostic import Fix
    from rea_lint.project import Handler, Operation, Project
    from rea_lint.rewrite import Edits

SHARED = "restate.ObjectSharedContext()"


def is_meant_to_be(project: Project, handler: Handler) -> bool:
    """Whether an exclusive handler annotates its context as that of a shared one."""
    return handler.kind == "exclusive" and _annotated(project, handler) == {SHARED}


def fix(project: Project, handler: Handler, operations: tuple[Operation, ...]) -> Fix | None:
    """Register the handler as shared; `operations` are all that it comes to."""
    return rewrite.unsafe("Make it a shared handler", _edits(project, handler, operations))


def _annotated(project: Project, handler: Handler) -> frozenset[str]:
    """What the handler annotates its context as."""
    context = next(iter(defining.parameters(project, handler) or ()), None)
    return project.resolve(context.annotation) if context is not None and context.annotation else frozenset()


def _edits(project: Project, handler: Handler, operations: tuple[Operation, ...]) -> Edits | None:
    """`kind="shared"` in its decorator, and the annotation that fits; None where helpers expect a context that writes, as far as is known."""
    call = defining.registration(project, handler).call
    function = project.functions[handler.function]
    source = project.sources.get(handler.path)
    if call is None or call.unpacks or source is None or any(operation.function != handler.function for operation in operations):
        return None
    annotated = _annotated(project, handler)
    context = next(iter(function.parameters), None)
    if context is None or (context.annotation and len(annotated) != 1) or any(project.takes_context(each) for each in function.calls):
        return None
    typed = annotation.replaced(project, handler, "ObjectContext", "ObjectSharedContext") if annotated and annotated != {SHARED} else ()
    if typed is None:
        return None
    kind = call.argument(1, "kind")
    if kind is not None:
        return (Edit(kind.span, '"shared"'), *typed) if kind.literal == "'exclusive'" else None
    last = call.arguments[-1].span.end if call.arguments else call.callee_span.end
    closing = source.text[last : call.span.end]
    if closing.strip() not in {"()", ")", ",)"}:
        return None
    at = Span(call.span.end - 1, call.span.end - 1) if not call.arguments else Span(last, last)
    return (Edit(at, f'{", " if call.arguments else ""}kind="shared"'), *typed)
