"""What is kept under a name, in state or in a promise, and as which model it is read.  For the rules about type hints."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from msgspec import Struct

from rea_lint.rules import defining

if TYPE_CHECKING:
    from rea_lint.facts import Call, Refs
    from rea_lint.packs import OperationInfo
    from rea_lint.project import Operation, Project
    from rea_lint.text import Span

MODELS = frozenset({"pydantic.BaseModel", "msgspec.Struct"})
DATACLASSES = frozenset({"dataclasses.dataclass", "pydantic.dataclasses.dataclass"})


class Write(Struct, frozen=True):
    """A value that is put under a name: by which operation, and of which classes of the project it is."""

    operation: Operation
    models: frozenset[str]


def reads(info: OperationInfo, _: Project) -> bool:
    """Whether an operation reads what was written under a name."""
    return info.name in {"get", "promise"}


def read(operation: Operation) -> str | None:
    """The name under which an operation that reads does so, where that is a literal: `ctx.get("profile")`, `ctx.promise("approved")`."""
    if operation.call.unpacks:
        return None
    return defining.literal(operation.call.argument(0, "name"))


def hint(operation: Operation) -> Refs | None:
    """The `type_hint` of a read; () where a serde decides, or it is not known; None where there is neither."""
    call, info = operation.call, operation.info
    if _given(call, info, "serde"):
        return ()
    argument = call.argument(info.parameters.index("type_hint"), "type_hint")
    return None if argument is None or argument.literal == "None" else argument.values


def written(project: Project, operation: Operation) -> tuple[Write, ...]:
    """What the handlers of the same services put under the name that `operation` reads.  Empty if one of them puts something else than a model."""
    services = _services(project, operation)
    found = []
    for each, value in project.once(_kept).get((operation.info.name, read(operation) or ""), ()):
        if not services & _services(project, each):
            continue
        names = project.resolve(value)
        models = frozenset(name.removesuffix("()") for name in names if name.endswith("()") and is_model(project, name[:-2]))
        if not names or len(models) != len(names):
            return ()
        found.append(Write(each, models))
    return tuple(found)


def is_model(project: Project, name: str) -> bool:
    """Whether a class of the project is a pydantic model, a msgspec struct or a dataclass: what JSON does not give back by itself."""
    bases = lineage(project, name)
    if bases & MODELS:
        return True
    classes = (project.classes[each] for each in bases if each in project.classes)
    return any(
        value.removesuffix("()") in DATACLASSES for c in classes for refs in c.decorators for value in (*refs, *project.resolve(refs))
    )


def lineage(project: Project, name: str) -> frozenset[str]:
    """A class and all its bases."""
    found: set[str] = set()
    todo = [name]
    while todo:
        at = todo.pop()
        if at not in found and at in project.classes:
            todo += (value for refs in project.classes[at].bases for value in project.resolve(refs))
        found.add(at)
    return frozenset(found)


def attributes(project: Project, name: str) -> frozenset[str]:
    """What an instance of a class of the project has by its own and its bases' definitions."""
    classes = [project.classes[each] for each in lineage(project, name) if each in project.classes]
    return frozenset(attribute for each in classes for attribute in (*each.attributes, *each.methods, *each.fields))


def place(write: Write) -> Span:
    """Where a value is put under its name."""
    return write.operation.call.span


def _kept(project: Project) -> dict[tuple[str, str], list[tuple[Operation, Refs]]]:
    """What is put under each name, by the operation that reads it: `("get", "profile")`, `("promise", "approved")`."""
    found: dict[tuple[str, str], list[tuple[Operation, Refs]]] = defaultdict(list)
    for function in project.durable:
        for operation in project.operations(function):
            kept = _key(project, operation)
            if kept is not None:
                argument = operation.call.argument(operation.info.parameters.index("value"), "value")
                is_plain = argument is not None and not _given(operation.call, operation.info, "serde")
                found[kept].append((operation, argument.values if argument is not None and is_plain else ()))
    return found


def _key(project: Project, operation: Operation) -> tuple[str, str] | None:
    """Under which name an operation puts something, and what reads that; None if it puts nothing, or the name is computed."""
    if operation.info.name == "set":
        name = defining.literal(operation.call.argument(0, "name"))
        return ("get", name) if name is not None else None
    if (operation.context, operation.method) != ("restate.DurablePromise", "resolve"):
        return None
    calls = project.functions[operation.function].calls
    span = operation.call.callee_span
    made = next((c for c in calls if span.contains(c.span) and c.span.start == span.start), None)
    name = defining.literal(made.argument(0, "name")) if made is not None else None
    return ("promise", name) if name is not None else None


def _given(call: Call, info: OperationInfo, parameter: str) -> bool:
    position = info.parameters.index(parameter) if parameter in info.parameters else None
    return call.unpacks or call.argument(position, parameter) is not None


def _services(project: Project, operation: Operation) -> set[str]:
    return {handler.service for handler in project.reached_by(operation.function)}
