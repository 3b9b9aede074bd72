"""What the SDK makes of a definition: who registers a function, as which handler of which service.  For the rules about definitions."""

from __future__ import annotations

import ast
import warnings
from collections import defaultdict
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct

from rea_lint.text import Span

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rea_lint.facts import Argument, Call, Function, Parameter, Refs
    from rea_lint.project import Handler, Project, Service
    from rea_lint.text import Source

MOST_FOLLOWED = 8  # variables and imports between a name and the call that makes its service

Places: TypeAlias = "Mapping[tuple[str, Span], Service]"
Definition: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef


class Registration(Struct, frozen=True):
    """What registers a handler: the call, by which name, and what it changes in the function."""

    call: Call | None  # `svc.handler(...)`; None if it is not known
    at: int | None  # its place among the function's decorators; None if it does not decorate


def registration(project: Project, handler: Handler) -> Registration:
    """What registers a handler."""
    known = project.once(_registrations)
    if handler.function not in known:
        known[handler.function] = _registration(project, project.functions[handler.function])
    return known[handler.function]


def _registrations(_: Project) -> dict[str, Registration]:
    return {}


def _registration(project: Project, function: Function) -> Registration:
    for at, refs in enumerate(function.decorators):
        if registers(project, tuple(ref[:-2] for ref in refs if ref.endswith("()"))):
            calls = (c for f in _around(project, function) for c in f.calls if c.decorates == function.name)
            return Registration(next((c for c in calls if f"{next(iter(c.callees), '')}()" in refs), None), at)
    return Registration(None, None)


def registers(project: Project, refs: Refs) -> str | None:
    """The method of a service that a name is, if it is one that registers handlers: `restate.Service().handler`."""
    known = project.knowledge.registrations
    return next((value for value in sorted(project.resolve(refs)) if value in known), None) if refs else None


def parameters(project: Project, handler: Handler) -> tuple[Parameter, ...] | None:
    """The parameters that the SDK sees; None where something else may have changed them."""
    function = project.functions[handler.function]
    at = registration(project, handler).at
    if at is None:  # registered by a call: what is handed over may be bound, or wrapped
        return None if function.decorators or function.binds is not None else function.parameters
    below = (tuple(ref[:-2] for ref in refs if ref.endswith("()")) for refs in function.decorators[at + 1 :])
    is_plain = all(registers(project, refs) or is_static for refs, is_static in zip(below, _static(function, at), strict=True))
    return function.parameters if is_plain else None


def is_method(project: Project, handler: Handler) -> bool:
    """Whether a handler is registered in a class body as if it were a function, and takes the instance first."""
    function = project.functions[handler.function]
    if function.binds is None or registration(project, handler).at is None:
        return False
    first, *rest = function.parameters
    return first.name in {"self", "cls"} or any(project.is_context(v) for p in rest for v in project.resolve(p.annotation))


def literal(argument: Argument | None) -> str | None:
    """The text of an argument that is a string as it stands."""
    return argument.text if argument is not None else None


def name_of(project: Project, handler: Handler) -> tuple[str, Span] | None:
    """The name of a handler, and where it is said; None if it is computed."""
    call = registration(project, handler).call
    if call is None:
        return None
    given = call.argument(0, "name")
    if given is None or given.literal == "None":
        return None if call.unpacks else (handler.name, handler.span)
    text = literal(given)
    return (text or handler.name, given.span) if text is not None else None


def service_name(project: Project, service: Service) -> tuple[str, Span] | None:
    """The name of a service, and where it is said; None if it is computed."""
    call = next((c for f in project.facts[service.path].functions.values() for c in f.calls if c.span == service.span), None)
    given = call.argument(0, "name") if call is not None else None
    text = literal(given)
    return (text, given.span) if given is not None and text is not None else None


# -- services ----------------------------------------------------------------------------------------------------------


def places(project: Project) -> Places:
    """The services by the place of the call that makes them."""
    return {(service.path, service.span): service for service in project.services}


def service(project: Project, refs: Refs) -> Service | None:
    """The service that an expression is, followed through variables and imports; None if it is not known, or may be several."""
    made = project.once(places)
    found: dict[tuple[str, Span], Service] = {}
    todo = list(dict.fromkeys(refs))
    for ref in todo:
        if len(todo) > MOST_FOLLOWED:
            return None
        for scope, binding in project.index.bindings(ref):
            at = project.index.call_at(binding, scope)
            if at is not None:
                path = project.path_of(at[0].name)
                spans = (at[1].span, *(argument.span for argument in at[1].arguments))
                found |= {(path, span): made[path, span] for span in spans if (path, span) in made}
            todo += (value for value in binding.values if value not in todo)
    return next(iter(found.values())) if len(found) == 1 else None


def by_service(project: Project) -> list[tuple[Service, list[Handler]]]:
    """The services with their handlers, in source order: those of which both are certain."""
    made = project.once(places)
    handlers: dict[tuple[str, Span], dict[tuple[str, Span], Handler]] = defaultdict(dict)  # a file may be there as two modules
    for handler in project.handlers:
        call = registration(project, handler).call
        found = service(project, tuple(ref.rpartition(".")[0] for ref in call.callees)) if call is not None else None
        if found is not None:
            handlers[found.path, found.span].setdefault((handler.path, handler.span), handler)
    return [(made[place], list(own.values())) for place, own in handlers.items()]


class App(Struct, frozen=True):
    """A call that binds services: `restate.app([...])`."""

    path: str
    call: Call
    services: tuple[tuple[Service, Span], ...]  # those that are known, with the place where each is named
    is_known: bool  # whether those are all


def apps(project: Project) -> list[App]:
    """The calls that bind services, in the order of the files."""
    calls = project.calls_named(lambda name: name.endswith(("app", "bind")))
    return [
        _app(project, path, call, name)
        for path, call in calls
        for name in sorted(project.resolve(call.callees) & {"restate.app", "restate.endpoint.Endpoint().bind"})
    ]


def _app(project: Project, path: str, call: Call, name: str) -> App:
    given: list[tuple[Refs, Span]] = []
    if name == "restate.app":
        argument = call.argument(0, "services")
        given = _elements(project, argument) if argument is not None else []
    else:
        given = [(argument.values, argument.span) for argument in call.arguments]
    found = [(service(project, refs), span) for refs, span in given]
    known = tuple((each, span) for each, span in found if each is not None)
    return App(path, call, known, bool(given) and len(known) == len(given) and not call.unpacks)


def _elements(project: Project, argument: Argument) -> list[tuple[Refs, Span]]:
    """The elements of a list that is written down, in place or as the one value of a variable."""
    if argument.elements:
        return list(zip(argument.elements, argument.element_spans, strict=True))
    bound = [(scope, binding) for ref in argument.values for scope, binding in project.index.bindings(ref)]
    if len(bound) != 1 or bound[0][0] not in project.index.modules:
        return []
    home, binding = project.index.modules[bound[0][0]], bound[0][1]
    text = project.sources[home.path].text[binding.span.start : binding.span.end] if home.path in project.sources else ""
    if not text.startswith(("[", "(")) or text.count(",") + (not text.rstrip("])").rstrip().endswith(",")) != len(binding.elements):
        return []  # an element is not known, or is more than a name
    return [((ref,), argument.span) for ref in binding.elements]


# -- text --------------------------------------------------------------------------------------------------------------


def definition(project: Project, function: Function, path: str) -> tuple[Definition, list[ast.stmt]] | None:
    """The `def` of a function, with the block it stands in; None for a lambda."""
    source = project.sources.get(path)
    return _definitions(source).get(function.header.start) if source is not None and not function.is_lambda else None


def module(project: Project, path: str) -> ast.Module | None:
    """The tree of a file; None if the file is not at hand."""
    source = project.sources.get(path)
    return _parsed(source.text) if source is not None else None


def span(source: Source, node: ast.expr | ast.stmt | ast.arg) -> Span:
    """Where a node stands."""
    assert node.end_lineno is not None
    assert node.end_col_offset is not None
    return Span(source.from_ast(node.lineno, node.col_offset), source.from_ast(node.end_lineno, node.end_col_offset))


@lru_cache(maxsize=8)
def _parsed(text: str) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # as in `survey`
        return ast.parse(text)


@lru_cache(maxsize=8)
def _definitions_in(text: str) -> list[tuple[Definition, list[ast.stmt]]]:
    found: list[tuple[Definition, list[ast.stmt]]] = []
    blocks = [_parsed(text).body]
    for block in blocks:
        for statement in block:
            if isinstance(statement, Definition):
                found.append((statement, block))
            blocks += (body for _, body in ast.iter_fields(statement) if isinstance(body, list) and body and isinstance(body[0], ast.stmt))
            blocks += (clause.body for clause in (*getattr(statement, "handlers", ()), *getattr(statement, "cases", ())))
    return found


def _definitions(source: Source) -> dict[int, tuple[Definition, list[ast.stmt]]]:
    return {source.from_ast(node.lineno, node.col_offset): (node, block) for node, block in _definitions_in(source.text)}


def _static(function: Function, at: int) -> list[bool]:
    return ["builtins.staticmethod" in refs for refs in function.decorators[at + 1 :]]


def _around(project: Project, function: Function) -> Iterator[Function]:
    """The function (or module code) in which a function is defined."""
    scope = function.scope
    while scope in project.classes:
        scope = project.classes[scope].scope
    around = project.functions.get(scope) or project.functions.get(f"{scope}.<module>")
    if around is not None:
        yield around
