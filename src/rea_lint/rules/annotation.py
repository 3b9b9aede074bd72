"""Another class of context in the annotation of a handler's context.  For the rules that change what kind a handler is, or is said to be."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from rea_lint import rewrite
from rea_lint.rules import defining
from rea_lint.text import Edit

if TYPE_CHECKING:
    from rea_lint.project import Handler, Project
    from rea_lint.rewrite import Edits


def replaced(project: Project, handler: Handler, given: str, own: str) -> Edits | None:
    """Write `own` where a handler annotates its context as `given`, with its import; None where it is written in another way."""
    found = defining.definition(project, project.functions[handler.function], handler.path)
    if found is None:
        return None
    source, arguments = project.sources[handler.path], found[0].args
    annotation = next(argument.annotation for argument in (*arguments.posonlyargs, *arguments.args))
    match annotation:
        case ast.Attribute(value=ast.Name(), attr=attr) if attr == given:
            span = defining.span(source, annotation)
            return (Edit(span, source.text[span.start : span.end].removesuffix(given) + own),)
        case ast.Name(id=name) if name == given:
            bound = project.facts[handler.path].variables.get(own, ())
            is_free = f"{project.facts[handler.path].module}.{own}" not in {*project.functions, *project.classes}
            if is_free and all(binding.values == (f"restate.{own}",) for binding in bound):
                imports = rewrite.add_import(source, f"from restate import {own}") if not bound else ()
                return (Edit(defining.span(source, annotation), own), *imports)
    return None
