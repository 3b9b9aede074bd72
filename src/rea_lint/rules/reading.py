"""Handlers that only read: what they run, and that nothing of it writes, waits or has an effect.  For the rules about shared handlers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rea_lint.packs import Effect

if TYPE_CHECKING:
    from rea_lint.project import Handler, Operation, Project

READS = frozenset({"get", "state_keys"})
HARMLESS = frozenset({*READS, "key", "request", "random", "uuid"})
EFFECTS = frozenset({Effect.CLOCK, Effect.RANDOM, Effect.UUID, Effect.IDENTITY, Effect.ENVIRONMENT, Effect.ORDER, Effect.LOG, Effect.PRINT})


def operations(project: Project, handler: Handler) -> tuple[Operation, ...] | None:
    """What a handler reads from its state; None if it does anything else, or what it does is not known."""
    found: list[Operation] = []
    todo = [handler.function]
    for name in todo:
        function = project.functions.get(name)
        if function is None:
            continue
        followed = {edge.span for edge in project.calls(name)}
        own = project.operations(name)
        if project.steps(name) or any(operation.info.name not in HARMLESS for operation in own):
            return None
        if any(use.effect not in EFFECTS for use in project.uses(name)):
            return None
        if any(call.span not in followed and (project.takes_context(call) or _is_agent(project, call.callees)) for call in function.calls):
            return None
        found += own
        inner = (each for each in function.nested if each in project.durable)
        todo += (each for each in dict.fromkeys((*(edge.target for edge in project.calls(name)), *inner)) if each not in todo)
    return tuple(found) if any(operation.info.name in READS for operation in found) else None


def _is_agent(project: Project, callees: tuple[str, ...]) -> bool:
    return any(value in project.knowledge.agents for value in project.resolve(callees))
