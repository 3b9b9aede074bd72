"""What awaitables and callables do with the context: which of them are durable work, as far as it is known.  For rules of several families."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from enum import Enum
from itertools import islice
from typing import TYPE_CHECKING

from msgspec import Struct

from rea_lint.packs import Effect
from rea_lint.reach import PARTIALS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rea_lint.facts import Argument, Call, Function, Ref, Refs
    from rea_lint.packs import OperationInfo
    from rea_lint.project import Project, Use
    from rea_lint.text import Span

VARIABLE = re.compile(r"(?P<scope>[^:]+):(?P<name>[^.\[(]+)(?P<rest>.*)", re.DOTALL)
ELEMENT = re.compile(r"(\.(values|copy)\(\))?(\[\d*\])?")
SCHEDULES = frozenset({Effect.GATHER, Effect.WAIT, Effect.TASK})
MOST_TRACED = 200  # refs followed for one expression


class Kind(Enum):
    """What awaiting something comes to."""

    FUTURE = "future"  # a durable future
    DURABLE = "durable"  # a coroutine that uses the context
    PLAIN = "plain"  # a coroutine or task that does not


class Work(Struct, frozen=True):
    """Something that can be awaited, and the call that makes it."""

    kind: Kind
    name: str  # canonical, of what is called: `restate.Context().sleep`, `shop.pay`, `asyncio.sleep`
    function: str  # in whose code it is made
    span: Span  # the call, or the variable or expression that holds it
    operation: OperationInfo | None = None

    def __hash__(self) -> int:
        return hash((self.name, self.function, self.span))  # what is known of an operation has no hash

    @property
    def is_durable(self) -> bool:
        """Whether replay has to see it in the same order."""
        return self.kind is not Kind.PLAIN

    @property
    def display(self) -> str:
        """Its name as messages say it: `ctx.sleep`, `pay`, `Queue.get`."""
        if self.operation is not None:
            return f"`ctx.{self.operation.name}`"
        owner, _, last = self.name.replace("()", "").partition("#")[0].rpartition(".")
        if last.startswith("<lambda"):
            return "a lambda"
        owner = owner.rpartition(".")[2]
        return f"`{owner}.{last}`" if owner[:1].isupper() else f"`{last}`"


def primitive_call(project: Project, use: Use) -> Call | None:
    """The call of the primitive that a use comes to, wherever it stands; None if it is handed over or read."""
    return project.functions[use.inside].call(use.chain[-1].span)


def handed(project: Project, function: Function, call: Call) -> tuple[Work, ...]:
    """The awaitables that a call takes: its arguments, the elements of displays and comprehensions in them, what the variables hold."""
    return tuple(dict.fromkeys(work for argument in call.arguments for work in _argument(project, function, argument)))


def known(project: Project, function: Function, argument: Argument) -> bool:
    """Whether something is known of what an argument gives to await."""
    return any(_argument(project, function, argument))


def awaited(project: Project, function: Function, refs: Refs, span: Span) -> tuple[Work, ...]:
    """What the awaited expression at `span`, of which facts say `refs`, may be: of a combinator or another scheduler, what it waits for."""
    call = function.call(span)
    if call is not None:
        return tuple(dict.fromkeys(_called(project, function, call)))
    known = project.once(_held)
    variable = VARIABLE.fullmatch(refs[0]) if len(refs) == 1 else None
    holder = project.functions.get(variable["scope"]) if variable is not None and not variable["rest"] else None
    is_bound = variable is not None and holder is not None and not any(p.name == variable["name"] for p in holder.parameters)
    key = (function.name, refs[0] if is_bound else span)  # what a variable gets does not depend on where it is awaited
    if key not in known:
        known[key] = tuple(dict.fromkeys(_traced(project, refs, function.name, span, set())))
    return known[key]


def _held(_: Project) -> dict[tuple[str, Ref | Span], tuple[Work, ...]]:
    return {}


def origin(project: Project, work: Work) -> Span:
    """The operation that makes a durable future, where it can be told; else what holds it."""
    operations = project.operations(work.function)
    first = bisect_left(operations, work.span.start, key=lambda operation: operation.call.span.start)
    after = (operation.call.span for operation in islice(operations, first, None) if operation.info == work.operation)
    return next(after, work.span)


def carries_context(project: Project, function: Function, call: Call) -> bool:
    """Whether a call in a function is handed a context, or what uses one, by itself or in a `functools.partial`."""
    return any(_hands_context(project, each) for each in (call, *_partials(project, function, call)))


def _hands_context(project: Project, call: Call) -> bool:
    refs = [ref for argument in call.arguments for values in (argument.values, *argument.elements) for ref in values]
    values = {value for ref in refs for value in project.resolve(ref)}
    return any(project.is_context(value) for value in values) or any(
        uses_context(project, value) or _is_durable(project, value)
        for ref in refs
        if not ref.endswith(")")
        for value in project.resolve(ref)
    )


def _is_durable(project: Project, value: str) -> bool:
    """Whether a value is a method of a context that journals something: `ctx.set` itself."""
    operation = project.knowledge.operation(value) if not project.index.is_ours(value) else None
    return operation is not None and operation.journals


def _partials(project: Project, function: Function, call: Call) -> Iterator[Call]:
    """The calls of `functools.partial` that made what a call is handed, and what those are handed in turn."""
    todo = [(function, call)]
    for at, each in todo:
        for argument in each.arguments:
            for refs, span in ((argument.values, argument.span), *zip(argument.elements, argument.element_spans, strict=True)):
                written = at.call(span)
                held = (project.index.call_at(binding, scope) for ref in refs for scope, binding in project.index.bindings(ref))
                found = [(at, written)] if written is not None else [made for made in held if made is not None]
                new = [made for made in found if made not in todo and not PARTIALS.isdisjoint(project.resolve(made[1].callees))]
                todo += new[: max(MOST_TRACED - len(todo), 0)]
    yield from (each for _, each in todo[1:])


def uses_context(project: Project, function: str) -> bool:
    """Whether a function of the project journals something, by itself or through what it calls."""
    return function in project.once(_using_context) or (function not in project.durable and _journals(project, function))


def _using_context(project: Project) -> frozenset[str]:
    """All functions that durable code runs of which that is true: from those that journal back to their callers."""
    callers: dict[str, list[str]] = defaultdict(list)
    for name in project.durable:
        for edge in project.calls(name):
            callers[edge.target].append(name)
    todo = [name for name in dict.fromkeys((*project.durable, *callers)) if _journals(project, name)]
    found = set(todo)
    for name in todo:
        new = [caller for caller in callers[name] if caller not in found]
        found.update(new)
        todo += new
    return frozenset(found)


def _journals(project: Project, name: str) -> bool:
    """Whether a function's own code journals something."""
    at = project.functions.get(name)
    return at is not None and (
        any(operation.info.journals for operation in project.operations(name))
        or any(_runs_agent(project, value) for call in at.calls for value in project.resolve(call.callees))
    )


def _argument(project: Project, function: Function, argument: Argument) -> Iterator[Work]:
    whole = function.call(argument.span)
    if whole is not None and argument.keyword != "*":
        yield from _called(project, function, whole)
        return
    found = [*_refs_of(project, function, argument)]
    if not found:
        found = [work for call in _outermost(function, argument.span) for work in _called(project, function, call)]
    yield from found


def _refs_of(project: Project, function: Function, argument: Argument) -> Iterator[Work]:
    """What the refs of an argument, and of the elements of a display, stand for; of a container, what its elements are."""
    for refs, span in ((argument.values, argument.span), *zip(argument.elements, argument.element_spans, strict=True)):
        element = function.call(span)
        if element is not None and span != argument.span:
            yield from _called(project, function, element)
            continue
        for ref in refs:
            found = () if argument.keyword == "*" else (*_traced(project, (ref,), function.name, span, set()),)
            yield from found or _traced(project, (f"{ref}[]",), function.name, span, set())


def _outermost(function: Function, span: Span) -> Iterator[Call]:
    """The calls in an expression that are in no other call of it and are not awaited: what a display or comprehension is made of."""
    inside = [call for call in function.calls if span.contains(call.span)]
    for call in inside:
        if not call.awaited and not any(other is not call and other.span.contains(call.span) for other in inside):
            yield call


def _called(project: Project, function: Function, call: Call) -> Iterator[Work]:
    """What a call gives to await.  A scheduler gives what it is handed; `map(f, ...)` gives what `f` does."""
    names = sorted(project.resolve(call.callees))
    if any(name in project.knowledge.combinators or project.knowledge.effect(name, call) in SCHEDULES for name in names):
        yield from handed(project, function, call)
    elif names == ["builtins.map"] and call.arguments:
        for name in sorted(project.resolve(call.arguments[0].values)):
            yield from _made(project, name, function.name, call.span, set())
    else:
        for name in names:
            if name in project.functions or project.knowledge.operation(name) is not None or not project.takes_context(call):
                yield from _made(project, name, function.name, call.span, set())


def _traced(project: Project, refs: Iterable[Ref], function: str, span: Span, seen: set[Ref]) -> Iterator[Work]:
    """What was called to make what refs stand for, back through variables and containers."""
    for ref in refs:
        if ref in seen or len(seen) > MOST_TRACED:
            continue
        seen.add(ref)
        bare = re.sub(r"\[\d*\]$", "", ref)
        if bare.endswith(")") and not bare.endswith((".values()", ".copy()")):
            element = ref.removeprefix(bare)
            for name in sorted(project.resolve(bare[:-2])):
                tasks = _scheduled(project, name, function, span)
                yield from tasks or _made(project, name, function, span, seen, element=element)
            continue
        variable = VARIABLE.fullmatch(ref)
        if variable is None:  # a function handed over: `group.start_soon(work, ctx)`
            for name in sorted(project.resolve(ref)):
                yield from _made(project, name, function, span, seen) if name in project.functions else ()
            continue
        if not ELEMENT.fullmatch(variable["rest"]):
            continue
        scope = project.functions.get(variable["scope"])
        bindings = scope.variables.get(variable["name"], ()) if scope is not None else ()
        for binding in bindings:
            made = scope.call(binding.span) if scope is not None else None
            if made is not None and scope is not None and not variable["rest"]:
                yield from _called(project, scope, made)
                continue
            if variable["rest"]:
                yield from _traced(project, binding.elements, variable["scope"], binding.span, seen)
                held = iter([value + variable["rest"] for value in binding.values])
            else:
                held = iter(binding.values)
            yield from _traced(project, held, variable["scope"], binding.span, seen)
        if scope is not None and any(p.name == variable["name"] for p in scope.parameters):
            for name in sorted(project.resolve(ref)):
                if name.endswith("()"):
                    yield from _made(project, name[:-2], function, span, seen)


def _scheduled(project: Project, name: str, function: str, span: Span) -> tuple[Work, ...]:
    """What the calls of a scheduler within `span` are handed: of `[asyncio.create_task(pay(item)) for item in items]`, what `pay` gives."""
    at = project.functions.get(function)
    if at is None or project.knowledge.effect(name, None) not in SCHEDULES:
        return ()
    calls = (call for call in at.calls if span.contains(call.span) and name in project.resolve(call.callees))
    return tuple(work for call in calls for work in handed(project, at, call))


def _made(project: Project, name: str, function: str, span: Span, seen: set[Ref], *, element: str = "") -> Iterator[Work]:
    """What calling `name` gives to await."""
    known = project.functions.get(name)
    if known is not None:
        if known.is_async and not known.is_generator:
            yield Work(Kind.DURABLE if uses_context(project, name) else Kind.PLAIN, name, function, span)
        elif not known.is_async:
            yield from _traced(project, [ref + element for ref in known.returns], name, known.name_span, seen)
        return
    operation = project.knowledge.operation(name) if not project.index.is_ours(name) else None
    if operation is not None:
        is_future = operation.gives == "future" or (operation.gives == "pair" and element != "[0]") or operation.name == "promise"
        if is_future:
            yield Work(Kind.FUTURE, name, function, span, operation)
    elif _runs_agent(project, name):
        yield Work(Kind.DURABLE, name, function, span)
    elif not name.startswith(("builtins.", "types.")) and not project.index.is_ours(name) and not project.is_context(f"{name}()"):
        yield Work(Kind.PLAIN, name, function, span)


def _runs_agent(project: Project, name: str) -> bool:
    """Whether it is a library's function that runs an agent and journals what it does."""
    part = project.knowledge.agents.get(name)
    return part is not None and part.kind == "durable" and name.rpartition(".")[2][:3] == "run"
