"""Who calls whom through Restate: calls, sends and promises between handlers, with the key as far as it is known.  It knows no rule.

A key is told apart only as far as it matters for who waits for whom: the handler's own (`ctx.key()`), its input, a text that is written
down, or something else.  What is handed to helpers is followed back to the handler.
"""

from __future__ import annotations

import re
from collections import defaultdict
from enum import Enum
from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from rea_lint.facts import string
from rea_lint.reach import match

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from rea_lint.facts import Argument, Call, Function, Ref, Refs
    from rea_lint.handlers import Handler
    from rea_lint.reach import Operation, Reach
    from rea_lint.text import Span

MOST_FOLLOWED = 12  # variables and calls between an argument and what it is
MOST_LINKS = 6  # of a chain of calls that comes back: longer ones are not looked for
VARIABLE = re.compile(r"(?P<scope>[^:]+):(?P<name>[^.\[(:]+)", re.DOTALL)


LINKING = ("_call", "_send", "resolve", "reject", "resolve_awakeable", "reject_awakeable")
"""How the names of operations end that reach another handler."""


class Way(Enum):
    """How a handler has another one do something."""

    CALL = "call"  # there is an answer
    SEND = "send"
    RESOLVE = "resolve"  # it resolves (or rejects) what the other waits for


class Origin(Enum):
    """What a key or an argument is, as the handler sees it."""

    OWN = "own key"
    INPUT = "input"
    LITERAL = "literal"
    AWAKEABLE = "awakeable"  # the id of one of its own
    OTHER = "other"  # something else, or not known
    NONE = "none"  # there is none


class Given(Struct, frozen=True):
    """A key or an argument."""

    origin: Origin
    text: str = ""  # of a literal
    span: Span | None = None  # where it is written


class _Asker(Struct, frozen=True):
    """For whom a key or an argument is looked at: a handler, in which it has come to helpers by calls."""

    handler: Handler
    calls: Mapping[str, list[Call]]  # function -> the calls of it


_Object: TypeAlias = "tuple[str, str]"

NOTHING = Given(Origin.NONE)
OTHER = Given(Origin.OTHER)


class Link(Struct, frozen=True):
    """A place where a handler calls another, sends it a message, or resolves what it waits for."""

    caller: Handler
    function: str  # in whose own code it stands: the handler, or a function that it calls
    path: str
    call: Call
    way: Way
    name: str  # of what is called, for display: `Service.handler`; "" if it is not known
    target: Handler | None  # None: of another project, or not known
    is_sure: bool  # there is one target that it may be
    key: Given = NOTHING
    argument: Given = NOTHING
    waits: bool = False  # for the answer
    delayed: bool = False

    @property
    def blocks(self) -> bool:
        """Whether the caller goes on only when the target has answered."""
        return self.waits and self.target is not None and self.way is not Way.RESOLVE


class Return(Struct, frozen=True):
    """A chain of calls, each waiting for the next, that begins in an exclusive handler and comes back to its object."""

    links: tuple[Link, ...]
    key: Given  # that the last call comes back with, as the first handler sees it


class Crossing(Struct, frozen=True):
    """Chains of calls between objects: each begins in an exclusive handler, and waits for one of the next; the last for the first."""

    chains: tuple[tuple[Link, ...], ...]
    keeps_key: bool  # every chain passes its own key on


class Directory(Struct, frozen=True):
    """All handlers, and where among them those are that calls name."""

    handlers: tuple[Handler, ...]
    by_function: Mapping[str, list[int]]
    by_name: Mapping[tuple[str, str], list[int]]  # service, handler

    @classmethod
    def of(cls, handlers: tuple[Handler, ...]) -> Directory:
        """The directory of some handlers."""
        functions: dict[str, list[int]] = defaultdict(list)
        names: dict[tuple[str, str], list[int]] = defaultdict(list)
        for at, handler in enumerate(handlers):
            functions[handler.function].append(at)
            names[handler.service, handler.name].append(at)
        return cls(handlers, functions, names)


def targets(reach: Reach, known: Directory, operation: Operation) -> tuple[Handler, ...]:
    """The handlers that a call or send may call: what its first argument is, or the names that a generic one says."""
    call, parameters = operation.call, operation.info.parameters
    if parameters[:1] == ("tpe",):
        target = call.argument(0, "tpe")
        return named(reach, known, target.values) if target is not None else ()
    if parameters[:2] == ("service", "handler"):
        service, name = written(reach, call.argument(0, "service")), written(reach, call.argument(1, "handler"))
        found = known.by_name.get((service, name), ()) if service is not None and name is not None else ()
        return tuple(known.handlers[at] for at in found)
    return ()


def named(reach: Reach, known: Directory, refs: Refs) -> tuple[Handler, ...]:
    """The handlers that a value may be."""
    found = {at for name in reach.resolver.resolve(refs) for at in known.by_function.get(name, ())}
    return tuple(known.handlers[at] for at in sorted(found))


def links(reach: Reach, handlers: tuple[Handler, ...], reached: Mapping[str, tuple[Handler, ...]]) -> tuple[Link, ...]:
    """Every link, by place; a file that is imported by two names counts once.  `reached` says which handlers run a function."""
    at = [
        (operation, caller)
        for name, visit in reach.nodes.items()
        for operation in visit.operations
        if operation.info.name.endswith(LINKING)
        for caller in reached.get(name, ())
    ]
    if not at:
        return ()
    found: dict[tuple[str, Span, str, Span, str, str], Link] = {}
    directory, waiting = Directory.of(handlers), _waiting(reach, reached)
    calls: dict[str, list[Call]] = defaultdict(list)
    for edge in (edge for visit in reach.nodes.values() for edge in visit.edges):
        if edge.call is not None:
            calls[edge.target].append(edge.call)
    for operation, caller in at:
        for link in (*_calls(reach, directory, _Asker(caller, calls), operation), *_resolved(reach, waiting, caller, operation)):
            found.setdefault((link.path, link.call.span, *caller.place, _target(link)), link)
    askers: dict[tuple[str, Span, str], dict[Handler, None]] = defaultdict(dict)
    for link in found.values():
        if link.target is not None and link.argument.origin is Origin.AWAKEABLE:
            askers[link.target.place][link.caller] = None
    for operation, caller in at:
        for link in _answered(reach, _Asker(caller, calls), operation, askers.get(caller.place, ())):
            found.setdefault((link.path, link.call.span, *caller.place, _target(link)), link)
    return tuple(found[place] for place in sorted(found))


def _target(link: Link) -> str:
    return f"{link.target.path}:{link.target.display}" if link.target is not None else link.name


def returns(links: Collection[Link]) -> tuple[Return, ...]:
    """The chains by which exclusive handlers wait for themselves, the shortest first; one for each set of places.

    A single call with another key is none: it is another object.
    """
    following = _following(links)
    found: dict[frozenset[tuple[str, Span]], Return] = {}
    starts = [link.caller for each in following.values() for link in each if link.caller.kind == "exclusive"]
    for start in dict.fromkeys(starts):
        for chain, key in _chains(following, start):
            target = chain[-1].target
            if target is not None and _is_object(start, target) and (len(chain) > 1 or key.origin is Origin.OWN):
                places = frozenset((link.path, link.call.span) for link in chain)
                known = found.get(places)
                if known is None or (key.origin is Origin.OWN and known.key.origin is not Origin.OWN):
                    found[places] = Return(chain, key)
    return tuple(sorted(found.values(), key=lambda each: (len(each.links), [(link.path, link.call.span) for link in each.links])))


def crossings(links: Collection[Link]) -> tuple[Crossing, ...]:
    """Where exclusive handlers of two objects wait for exclusive handlers of each other, by chains that do not come back themselves."""
    following = _following(links)
    between: dict[tuple[_Object, _Object], tuple[tuple[Link, ...], Given]] = {}
    starts = [link.caller for each in following.values() for link in each if link.caller.kind == "exclusive"]
    back = {(link.path, link.call.span) for each in returns(links) for link in each.links}
    for start in dict.fromkeys(starts):
        for chain, key in _chains(following, start):
            target = chain[-1].target
            if target is not None and not _is_object(start, target) and not any((link.path, link.call.span) in back for link in chain):
                pair = (_object(start), _object(target))
                known = between.get(pair)
                if known is None or (key.origin is Origin.OWN and known[1].origin is not Origin.OWN):
                    between[pair] = (chain, key)
    return tuple(
        Crossing((chain, between[second, first][0]), key.origin is Origin.OWN and between[second, first][1].origin is Origin.OWN)
        for (first, second), (chain, key) in sorted(between.items(), key=lambda item: item[0])
        if first < second and (second, first) in between
    )


def _object(handler: Handler) -> _Object:
    """The object that a handler is of, by its name and file: another file may have another one of that name."""
    return handler.service, handler.path


def _is_object(one: Handler, other: Handler) -> bool:
    return one.service == other.service and other.kind == "exclusive"


def _following(links: Iterable[Link]) -> dict[tuple[str, Span, str], list[Link]]:
    found: dict[tuple[str, Span, str], list[Link]] = defaultdict(list)
    for link in links:
        if link.blocks:
            found[link.caller.place].append(link)
    return found


def _chains(following: Mapping[tuple[str, Span, str], list[Link]], start: Handler) -> Iterator[tuple[tuple[Link, ...], Given]]:
    """The chains of waiting calls from a handler to the next exclusive ones, each with the key it ends with, as `start` sees it."""
    todo: list[tuple[tuple[Link, ...], Handler, Given, Given]] = [((), start, Given(Origin.OWN), Given(Origin.INPUT))]
    seen: set[tuple[object, ...]] = set()
    own = {start.service}
    for chain, at, key, argument in todo:
        for link in following.get(at.place, ()):
            target = link.target
            assert target is not None
            with_key, with_argument = _seen_from(link.key, key, argument), _seen_from(link.argument, key, argument)
            state = (target.place, with_key.origin, with_key.text, with_argument.origin, with_argument.text, target.service in own)
            if state in seen or len(chain) >= MOST_LINKS:
                continue
            seen.add(state)
            longer = (*chain, link)
            if target.kind == "exclusive":
                yield longer, with_key
            if not _is_object(start, target):
                todo.append((longer, target, with_key, with_argument))


def _seen_from(given: Given, key: Given, argument: Given) -> Given:
    """What a handler gives, in terms of the handler that the chain begins with."""
    if given.origin is Origin.OWN:
        return key
    if given.origin is Origin.INPUT:
        return argument
    return replace(given, span=None)


# -- one operation -----------------------------------------------------------------------------------------------------


def _calls(reach: Reach, directory: Directory, asker: _Asker, operation: Operation) -> Iterator[Link]:
    call, info = operation.call, operation.info
    method = info.name.rpartition(".")[2]
    if not method.endswith(("_call", "_send")):
        return
    function = reach.index.functions[operation.function]
    path = reach.index.home[operation.function].path
    way = Way.CALL if method.endswith("_call") else Way.SEND
    key, argument = (_given(reach, asker, _argument(operation, name)) for name in ("key", "arg"))
    delay = _argument(operation, "send_delay")
    # Of a call that is not awaited at once, its future is kept to be awaited later: only one that is thrown away nobody waits for.
    waits = (call.awaited or not call.discarded) if way is Way.CALL else _is_attached_to(reach, function, call)
    delayed = delay is not None and delay.literal != "None"
    known = tuple({handler.place: handler for handler in targets(reach, directory, operation)}.values())
    for target in known or (None,):
        yield Link(
            asker.handler,
            function.name,
            path,
            call,
            way,
            target.display if target is not None else _written_name(reach, operation),
            target,
            is_sure=len(known) == 1,
            key=key,
            argument=argument,
            waits=waits,
            delayed=delayed,
        )


def _written_name(reach: Reach, operation: Operation) -> str:
    """`Service.handler`, as a generic call has it; "" if it is not written down."""
    if not operation.info.name.rpartition(".")[2].startswith("generic"):
        return ""
    names = [written(reach, operation.call.argument(at, name)) for at, name in enumerate(("service", "handler"))]
    return "" if None in names else ".".join(name for name in names if name is not None)


def _argument(operation: Operation, name: str) -> Argument | None:
    parameters = operation.info.parameters
    return operation.call.argument(parameters.index(name), name) if name in parameters else None


def _is_attached_to(reach: Reach, function: Function, call: Call) -> bool:
    """Whether the function waits for the outcome of a message: `ctx.attach_invocation(await handle.invocation_id())`."""
    attached = [o.call for o in reach.visit(function.name).operations if o.info.name == "attach_invocation"]
    if not attached:
        return False
    handles = {f"{function.name}:{name}" for name, bindings in function.variables.items() if any(b.span == call.span for b in bindings)}
    ids = {ref for each in attached if (given := each.argument(0, "invocation_id")) is not None for ref in _followed(reach, given.values)}
    return any(f"{handle}.invocation_id()" in ids for handle in handles)


def _followed(reach: Reach, refs: Refs) -> list[Ref]:
    """Refs, and what the variables among them hold."""
    found = list(refs)
    for ref in found:
        if len(found) <= MOST_FOLLOWED:
            found += (value for _, binding in reach.index.bindings(ref) for value in binding.values if value not in found)
    return found


# -- promises ----------------------------------------------------------------------------------------------------------


def _waiting(reach: Reach, reached: Mapping[str, tuple[Handler, ...]]) -> dict[tuple[str, str], list[Handler]]:
    """Workflow and name of a promise -> the handlers that wait for it."""
    found: dict[tuple[str, str], dict[Handler, None]] = defaultdict(dict)
    for function, visit in reach.nodes.items():
        for operation in visit.operations:
            is_waited_for = _is_of_promise(reach, operation, {"value"}) or (operation.info.name == "promise" and operation.call.awaited)
            promise = promise_of(reach, operation) if is_waited_for else None
            if promise is not None:
                for handler in reached.get(function, ()):
                    found[handler.service, promise][handler] = None
    return {promise: list(handlers) for promise, handlers in found.items()}


def _is_of_promise(reach: Reach, operation: Operation, methods: set[str]) -> bool:
    return operation.info.name in methods and reach.index.knowledge.handles.get(operation.context) == "promise"


def _resolved(reach: Reach, waiting: Mapping[tuple[str, str], list[Handler]], caller: Handler, operation: Operation) -> Iterator[Link]:
    if not _is_of_promise(reach, operation, {"resolve", "reject"}):
        return
    promise = promise_of(reach, operation)
    path = reach.index.home[operation.function].path
    targets = {handler.place: handler for handler in waiting.get((caller.service, promise or ""), ()) if handler.place != caller.place}
    near = [handler for handler in targets.values() if handler.path == caller.path]  # of two workflows of one name, it is the one beside it
    for target in near or targets.values():
        given = Given(Origin.LITERAL, promise or "")
        yield Link(caller, operation.function, path, operation.call, Way.RESOLVE, target.display, target, is_sure=True, argument=given)


def promise_of(reach: Reach, operation: Operation) -> str | None:
    """The name of the promise that an operation is about, where it is made at once: `ctx.promise("paid").value()`."""
    if operation.info.name == "promise":
        return written(reach, operation.call.argument(0, "name"))
    inside = (
        other
        for other in reach.visit(operation.function).operations
        if other.info.name == "promise" and operation.call.callee_span.contains(other.call.span)
    )
    made = next(inside, None)
    return written(reach, made.call.argument(0, "name")) if made is not None else None


def _answered(reach: Reach, asker: _Asker, operation: Operation, targets: Iterable[Handler]) -> Iterator[Link]:
    """The links by which a handler resolves the awakeable whose id is its input, to those that hand it the id."""
    if operation.info.name in {"resolve_awakeable", "reject_awakeable"}:
        path, id_ = reach.index.home[operation.function].path, _given(reach, asker, operation.call.argument(0, "name"))
        for target in targets if id_.origin is Origin.INPUT else ():
            given = Given(Origin.AWAKEABLE)
            yield Link(
                asker.handler, operation.function, path, operation.call, Way.RESOLVE, target.display, target, is_sure=True, argument=given
            )


# -- what keys and arguments are ---------------------------------------------------------------------------------------


def written(reach: Reach, argument: Argument | None) -> str | None:
    """The text of an argument that is written down, or a constant that is."""
    found = _of_argument(reach, None, argument, 0) if argument is not None else NOTHING
    return found.text if found.origin is Origin.LITERAL else None


def _given(reach: Reach, asker: _Asker, argument: Argument | None) -> Given:
    """What an argument in a function is, as the handler sees it that calls the function."""
    if argument is None or argument.literal == "None":
        return NOTHING
    found = _of_argument(reach, asker, argument, 0)
    return replace(found, span=argument.span)


def _of_argument(reach: Reach, asker: _Asker | None, argument: Argument, depth: int) -> Given:
    return _literal(argument.literal) if argument.literal is not None else _of_refs(reach, asker, argument.values, depth)


def _literal(literal: str) -> Given:
    text = string(literal)
    return Given(Origin.LITERAL, text) if text is not None else OTHER


def _of_refs(reach: Reach, asker: _Asker | None, refs: Refs, depth: int) -> Given:
    """What an expression is; something else if it may be several things."""
    found = {_of_ref(reach, asker, ref, depth + 1) for ref in refs} if depth < MOST_FOLLOWED else set()
    return found.pop() if len(found) == 1 else OTHER


def _of_ref(reach: Reach, asker: _Asker | None, ref: Ref, depth: int) -> Given:
    index = reach.index
    for ending, method, origin in ((".key()", "key", Origin.OWN), (".awakeable()[0]", "awakeable", Origin.AWAKEABLE)):
        if ref.endswith(ending):
            operations = [index.knowledge.operation(value) for value in reach.resolver.resolve(ref[: ref.rindex("()")])]
            return Given(origin) if operations and all(o is not None and o.name == method for o in operations) else OTHER
    variable = VARIABLE.fullmatch(ref)
    function = index.functions.get(variable["scope"]) if variable is not None else None
    if variable is not None and function is not None and any(p.name == variable["name"] for p in function.parameters):
        is_bound = variable["name"] in function.variables
        return OTHER if is_bound or asker is None else _of_parameter(reach, asker, function, variable["name"], depth)
    found = {
        _literal(binding.literal) if binding.literal is not None else _of_refs(reach, asker, binding.values, depth)
        for _, binding in index.bindings(ref)
    }
    return found.pop() if len(found) == 1 else OTHER


def _of_parameter(reach: Reach, asker: _Asker, function: Function, name: str, depth: int) -> Given:
    """What a parameter is: of a handler, its input; of another function, what the calls hand over, if it is the same in all."""
    if function.name == asker.handler.function:
        return Given(Origin.INPUT) if [p.name for p in function.parameters[1:2]] == [name] else OTHER
    found = {
        _of_argument(reach, asker, argument, depth + 1)
        for call in asker.calls.get(function.name, ())
        if depth < MOST_FOLLOWED
        for parameter, argument in match(function, call, bound=function.binds is not None)
        if parameter == name
    }
    return found.pop() if len(found) == 1 else OTHER
