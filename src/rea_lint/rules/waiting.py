"""What an `await` in an exclusive handler waits for, and who has to wait with it.  For the rules about blocked keys."""

from __future__ import annotations

from collections import defaultdict
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
    known = project.once(_waited_for)
    if (function.name, wait) not in known:
        known[function.name, wait] = _futures(wait, function, project)
    return known[function.name, wait]


def _waited_for(_: Project) -> dict[tuple[str, Wait], tuple[Work, ...]]:
    return {}


def _futures(wait: Wait, function: Function, project: Project) -> tuple[Work, ...]:
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
    operation = code.project.operation(each.function, span)
    handler = _target(code.project, operation) if operation is not None else None
    if handler is None or (handler.kind == "exclusive" and handler.service in _services(code.project, each.function)):
        return None
    slow = code.project.once(_slow).get(handler)
    return (handler, slow) if slow is not None else None


def _services(project: Project, function: str) -> frozenset[str]:
    """The services whose handlers reach a function."""
    return frozenset(handler.service for handler in project.reached_by(function))


def _target(project: Project, operation: Operation) -> Handler | None:
    """The one handler that a call calls."""
    found = project.targets(operation)
    return found[0] if len(found) == 1 else None


def _slow(project: Project) -> dict[Handler, str]:
    """What handlers wait for that takes its time, in their own code or by awaiting other handlers that do: the nearest."""
    found: dict[Handler, str] = {}
    callers: dict[Handler, list[Handler]] = defaultdict(list)
    own = {name: _of_function(project, name) for name in project.durable}
    for handler in project.handlers:
        for slow, callees in (own[name] for name in project.run_by(handler)):
            if slow is not None:
                found.setdefault(handler, slow)
            for callee in callees:
                callers[callee].append(handler)
    todo = list(found)
    for handler in todo:
        new = [caller for caller in dict.fromkeys(callers[handler]) if caller not in found]
        found.update(dict.fromkeys(new, found[handler]))
        todo += new
    return found


def _of_function(project: Project, name: str) -> tuple[str | None, tuple[Handler, ...]]:
    """What a function's own code waits for, and the handlers whose answer it awaits."""
    function, operations = project.functions[name], project.operations(name)
    slow = next(
        (f"`ctx.{o.info.name}`" for o in operations if o.info.waits and not o.info.name.endswith("_call") and _is_awaited(function, o)),
        None,
    )
    calls = (_target(project, o) for o in operations if o.info.name.endswith("_call") and o.call.awaited)
    return slow, tuple(callee for callee in calls if callee is not None)


def _is_awaited(function: Function, operation: Operation) -> bool:
    """Whether an operation is awaited where it is called; of an awakeable, whether its future has a name to be awaited by."""
    if operation.info.gives != "pair":
        return operation.call.awaited
    futures = {f"{callee}()[1]" for callee in operation.call.callees}
    return any(futures & set(b.values) for name, bindings in function.variables.items() if not name.startswith("_") for b in bindings)
