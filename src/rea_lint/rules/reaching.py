"""Which kinds of handler reach a function, and what a call of the context calls.  For the rules about kinds, keys and targets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from rea_lint.diagnostic import Related
from rea_lint.project import Operation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rea_lint.durable import Durable
    from rea_lint.facts import Argument, Function
    from rea_lint.packs import OperationInfo
    from rea_lint.project import Handler, Project
    from rea_lint.text import Span

CLASSES = {"Service": "service", "VirtualObject": "object", "Workflow": "workflow"}  # what a service is called of which no name is known
BRANCHES = frozenset(
    {"AsyncFor", "BoolOp", "DictComp", "For", "GeneratorExp", "If", "IfExp", "ListComp", "Match", "SetComp", "Try", "TryStar", "While"}
)

INGRESS = ("restate.create_client", "restate.RestateClient()", "restate.client_types.RestateScopedClient()")
"""How the names of the client for programs outside begin: ingress-client-in-handler tells of it, and http-outside-step does not."""


class Misplaced(Struct, frozen=True):
    """An operation that runs in handlers whose context has no such method."""

    operation: Operation
    contexts: Mapping[str, Handler]  # kinds of context that reach it, each with a handler
    span: Span  # where it is to be told: the operation, or the call that leads to it
    related: tuple[Related, ...] = ()


def contexts(project: Project, function: str) -> dict[str, Handler]:
    """The kinds of context of the handlers that reach a function, each with the first of its handlers."""
    found: dict[str, Handler] = {}
    for handler in project.reached_by(function):
        for service in services(project, handler):
            found.setdefault(_context(service, handler.kind), handler)
    return found


def services(project: Project, handler: Handler) -> frozenset[str]:
    """The kind of service a handler is of: `service`, `object` or `workflow`; several where two services share its name."""
    known = {"service": "service", "exclusive": "object", "main": "workflow"}.get(handler.kind)
    if known is not None:
        return frozenset({known})
    named = frozenset(service.kind for service in project.services if service.name == handler.service)
    return named or frozenset({CLASSES.get(handler.service, "object")})


def misplaced(thing: Operation | Function, code: Durable, methods: frozenset[str]) -> Iterator[Misplaced]:
    """The operations among `methods` that run where they must not: one of them, or those that a function leads to.

    An operation is misplaced if no handler that reaches it has a context with that method.  If some have, the calls of a function are looked at that
    lead from handlers without it straight to a function without branches: there, too, it is certain to run.
    """
    project = code.project
    if isinstance(thing, Operation):
        if wrong := _all_wrong(project, thing, thing.function):
            yield Misplaced(thing, wrong, thing.call.span)
        return
    owner = thing.name
    for edge in project.calls(owner):
        mixed = [o for o in project.operations(edge.target) if o.info.name in methods and not _all_wrong(project, o, edge.target)]
        if not mixed or edge.call is None or not BRANCHES.isdisjoint(project.functions[edge.target].shape):
            continue
        wrong = _all_wrong(project, mixed[0], owner)
        if wrong and project.takes_context(edge.call) and thing.call(edge.span) is not None:
            path = project.path_of(edge.target)
            yield Misplaced(mixed[0], wrong, edge.span, (Related(path, mixed[0].call.span, f"`ctx.{mixed[0].method}` is called here"),))


def spelled(found: Misplaced, code: Durable) -> str:
    """How the operation is written where it stands, or what leads to it: "`ctx.set`", "`remember` calls `ctx.set`, which"."""
    called = found.operation.call.callee_span
    if not found.related:
        return f"`{' '.join(code.source.text[called.start : called.end].split())}`"
    helper = code.project.functions[found.operation.function].written_name
    return f"`{helper}` calls `ctx.{found.operation.method}`, which"


def has_target(info: OperationInfo, _: Project) -> bool:
    """Whether an operation is told what to call, as a call or send is."""
    return info.parameters[:1] == ("tpe",)


def target(operation: Operation) -> Argument | None:
    """What an operation that has a target is told to call."""
    return operation.call.argument(0, "tpe")


def _all_wrong(project: Project, operation: Operation, function: str) -> dict[str, Handler]:
    """The kinds of context that reach a function, if none of them has the operation."""
    legal = operation.info.contexts
    kinds = project.kinds(function)
    always = {"exclusive": "object", "main": "workflow", "service": "service"}
    if not kinds or any(always.get(kind) in legal for kind in kinds) or not kinds <= {*always, "shared"}:
        return {}
    found = contexts(project, function)
    return {} if any(kind in legal for kind in found) else found


def _context(service: str, kind: str) -> str:
    return f"{service}-shared" if kind == "shared" else service
