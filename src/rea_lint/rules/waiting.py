"""What an `await` in an exclusive handler waits for, and who has to wait with it.  For the rules about blocked keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rea_lint.diagnostic import Related
from rea_lint.rules import work

if TYPE_CHECKING:
    from rea_lint.durable import Durable
    from rea_lint.facts import Function, Wait
    from rea_lint.project import Handler, Operation, Project
    from rea_lint.rules.work import Work
    from rea_lint.text import Span


def blocked(project: Project, function: Function) -> str | None:
    """The exclusive handler whose key is blocked while the code of a function runs, for display, with how many more there are; None: no handler's is."""
    names = sorted({h.display for h in project.reached_by(function.name) if h.kind == "exclusive"})
    more = len(names) - 1
    return f"`{names[0]}`" + (f" and {more} more" if more > 0 else "") if names else None


def waited_for(wait: Wait, function: Function, project: Project) -> tuple[Work, ...]:
    """The durable futures that an `await` or `async for` waits for; of a combinator, those it is handed.

    A parameter that may be several kinds of future is not known to be any of them: some have come already, or do not wait.
    """
    found = work.awaited(project, function, wait.values, wait.span)
    futures = tuple(each for each in found if each.kind is work.Kind.FUTURE)
    is_parameter = any(wait.values == (f"{function.name}:{p.name}",) for p in function.parameters)
    return () if is_parameter and len({each.operation.name for each in futures if each.operation is not None}) > 1 else futures


def created(each: Work, code: Durable, at: Span) -> tuple[Related, ...]:
    """Where the future that is waited for was made, if that is somewhere else."""
    span = work.origin(code.project, each)
    path = code.project.path_of(each.function)
    return () if path == code.path and at.contains(span) else (Related(path, span, f"{each.display} is called here"),)


def slow_callee(each: Work, code: Durable) -> tuple[Handler, str] | None:
    """The handler that an awaited call calls, and what it waits for itself: `ctx.sleep`; None if nothing of that is known.

    A call to an exclusive handler of the same object is left out: with the same key it is a deadlock, not a wait.
    """
    if each.operation is None or not each.operation.name.endswith("_call"):
        return None
    span = work.origin(code.project, each)
    operation = next((o for o in code.project.operations(each.function) if o.call.span == span), None)
    handler = _target(code.project, operation) if operation is not None else None
    if handler is None or (handler.kind == "exclusive" and handler.service in _services(code.project, each.function)):
        return None
    slow = _waits(code.project, handler, set())
    return (handler, slow) if slow is not None else None


def _services(project: Project, function: str) -> frozenset[str]:
    """The services whose handlers reach a function."""
    return frozenset(handler.service for handler in project.reached_by(function))


def _target(project: Project, operation: Operation) -> Handler | None:
    """The one handler that a call calls."""
    found = project.targets(operation)
    return found[0] if len(found) == 1 else None


def _waits(project: Project, handler: Handler, seen: set[Handler]) -> str | None:
    """What a handler waits for that takes its time, in its own code or by awaiting other handlers that do."""
    if handler in seen:
        return None
    seen.add(handler)
    functions = [project.functions[name] for name in project.run_by(handler)]
    operations = [(function, operation) for function in functions for operation in project.operations(function.name)]
    for function, operation in operations:
        if operation.info.waits and not operation.info.name.endswith("_call") and _is_awaited(function, operation):
            return f"`ctx.{operation.info.name}`"
    for _, operation in operations:
        is_call = operation.info.name.endswith("_call") and operation.call.awaited
        callee = _target(project, operation) if is_call else None
        slow = _waits(project, callee, seen) if callee is not None else None
        if slow is not None:
            return slow
    return None


def _is_awaited(function: Function, operation: Operation) -> bool:
    """Whether an operation is awaited where it is called; of an awakeable, whether its future has a name to be awaited by."""
    if operation.info.gives != "pair":
        return operation.call.awaited
    futures = {f"{callee}()[1]" for callee in operation.call.callees}
    return any(futures & set(b.values) for name, bindings in function.variables.items() if not name.startswith("_") for b in bindings)
