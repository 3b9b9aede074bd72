"""When a line that a handler writes is written again, as messages say it.  For the rules about output."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rea_lint.rules import work

if TYPE_CHECKING:
    from rea_lint.facts import Function
    from rea_lint.project import Cause, Project


EVERY = "writes this line again on every replay"
LAST = "writes this line again if an attempt fails after it"


def said(cause: Cause, project: Project) -> str:
    """When the line comes again.

    Behind all that its handler journals and waits for, as far as that can be told, it is not replayed: only an attempt that fails after it makes it
    come again.  A logger of the SDK's, silent up to the last entry of the journal (restate/logging.py), writes it again then as well.
    """
    return LAST if _is_last(cause, project) else EVERY


def _is_last(cause: Cause, project: Project) -> bool:
    function = project.functions[cause.function]
    if cause.call is None or not cause.call.discarded or not _is_handler_only(function, project):
        return False
    loops = [loop.start for loop in function.loops if loop.contains(cause.span)]
    return _last(function, project) <= min(loops, default=cause.span.end)


def _is_handler_only(function: Function, project: Project) -> bool:
    """Whether nothing runs behind the function's own code: no caller, nothing put around it, no `with` to be left."""
    return (
        bool(project.registered(function.name))
        and len(function.decorators) <= 1
        and function.shape.isdisjoint({"With", "AsyncWith"})
        and function.name not in project.once(_called)
    )


def _called(project: Project) -> frozenset[str]:
    return frozenset(edge.target for name in project.durable for edge in project.calls(name))


def _last(function: Function, project: Project) -> int:
    """Where the last thing ends that journals or waits; 0 if there is none."""
    known = project.once(_ends)
    if function.name not in known:
        spans = [wait.place for wait in function.waits]
        spans += (operation.call.span for operation in project.operations(function.name) if operation.info.journals)
        spans += (step.call.span for step in project.steps(function.name))
        spans += (edge.span for edge in project.calls(function.name) if work.uses_context(project, edge.target))
        spans += (call.span for call in function.calls if project.takes_context(call))
        known[function.name] = max((span.end for span in spans), default=0)
    return known[function.name]


def _ends(_: Project) -> dict[str, int]:
    return {}
