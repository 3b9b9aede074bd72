"""Which effects reach durable code, and by which chain.

Calls are followed from the place that is reported on, breadth first, so that the first chain found is a shortest one and recursion
hides nothing.  What a helper does with its parameters and with `self` is judged for each call: `apply(charge)` is not `apply(count)`,
and a method that a subclass overrides is the subclass's.
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING

from msgspec import Struct, field

from rea_lint.reach import Edge, Primitive, around_slot, match

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from rea_lint.facts import Call, Facts, Function, Ref, Refs
    from rea_lint.packs import Effect
    from rea_lint.reach import Reach
    from rea_lint.resolve import Values
    from rea_lint.text import Span

    Silenced = Callable[[Facts, Function, Span, Effect], bool]
    Environment = frozenset[tuple[Ref, Values]]  # parameter or field -> what this call gives it

_SLOT = re.compile(r"[^:]*:[^.()\[\]<]+")  # the variable that a ref begins with


class Hop(Struct, frozen=True):
    """One call of a chain: what is called, and where the call (or read) stands."""

    name: str  # for display: `clients.pay`, `requests.post`
    path: str
    span: Span


class Use(Struct, frozen=True):
    """A call or read in durable code that has an effect, by itself or through what it calls."""

    function: str  # in whose own code it stands
    span: Span
    call: Call | None  # None: something that is read, as `os.environ`
    effect: Effect
    chain: tuple[Hop, ...]  # from what durable code calls to what has the effect
    primitive: str  # the canonical name of what has the effect: `time.time`
    inside: str  # the function whose own code calls the primitive
    also: tuple[Hop, ...] = ()  # further primitives with that effect in the same function


class Way(Struct, frozen=True):
    """Something that is reached: a function or class, under what its caller gives it, by these calls."""

    node: str
    given: Environment
    hops: tuple[Hop, ...]
    blocked: frozenset[Effect] = frozenset()  # effects that a comment on the way has cleared


def walk(reach: Reach, start: str, given: Environment, stop: Callable[[str], bool]) -> Iterator[Way]:
    """Everything that runs when `start` is called, itself first, nearest first; not beyond what `stop` names."""
    yield from _walk(reach, Way(start, given, ()), stop, lambda way, _: way.blocked)


def does(reach: Reach, start: str) -> Iterator[Use]:
    """All that has an effect when `start` is called, nearest first: each primitive once, with a shortest chain from the code of `start`."""
    seen: set[tuple[Effect, str]] = set()
    for way in walk(reach, start, frozenset(), lambda _: False):
        path = reach.index.home[way.node].path
        for primitive in _primitives(reach, way):
            if (primitive.effect, primitive.name) not in seen:
                seen.add((primitive.effect, primitive.name))
                chain = (*way.hops, Hop(display(primitive.name), path, primitive.span))
                yield Use(start, chain[0].span, None, primitive.effect, chain, primitive.name, way.node)


def enter(reach: Reach, caller: str, given: Environment, edge: Edge) -> Environment:
    """What a call gives to what it calls, as far as it matters there; closures keep what their function was given."""
    index, resolver = reach.index, reach.resolver
    inherited = {slot: values for slot, values in given if _encloses(slot, edge.target) and not slot.startswith(f"{edge.target}:")}
    if edge.call is None:
        return frozenset({**inherited, **{slot: values for slot, values in given if slot.partition(":")[0] == edge.target}}.items())
    if edge.target in index.classes:
        return frozenset({**inherited, **_constructed(reach, edge.call, given, edge.target)}.items())
    called = index.functions[edge.target]
    found: dict[Ref, Values] = {}
    bound = called.binds is not None and called.owner is not None
    if bound and called.parameters:
        slot = f"{called.name}:{called.parameters[0].name}"
        if len(resolver.handed(called.name, slot)) > 1:
            found[slot] = _receivers(reach, edge, given, caller)
    arguments = dict(match(called, edge.call, bound=bound and not _is_unbound(reach, edge, called)))
    for parameter in called.parameters[1 if bound else 0 :]:
        slot = f"{called.name}:{parameter.name}"
        if any(_matters(reach, value) for value in resolver.handed(called.name, slot)):
            argument = arguments.get(parameter.name)
            found[slot] = frozenset(
                v
                for v in (resolve(reach, argument.values, given) if argument is not None else resolver.resolve(parameter.default))
                if _matters(reach, v)
            )
    if edge.wraps:
        found[around_slot(index, called.scope)] = frozenset({edge.wraps})
    return frozenset({**inherited, **found}.items())


def resolve(reach: Reach, refs: Refs, given: Environment) -> Values:
    """What refs come to where parameters hold what this call gives them."""
    if not given:
        return reach.resolver.resolve(refs)
    slots = dict(given)
    found: set[str] = set()
    for ref in refs:
        slot = _slot(ref)
        if slot in slots:
            for value in slots[slot]:
                found |= reach.resolver.resolve(value + ref[len(slot) :])
        else:
            found |= reach.resolver.resolve(ref)
    return frozenset(found)


def display(name: str) -> str:
    """A name as messages say it: the last two parts, without the parentheses of instances."""
    if name.rpartition(".")[2].startswith("<lambda"):
        return "a lambda"
    parts = [part.partition("#")[0] for part in name.replace("()", "").split(".") if not part.startswith("<")]
    return ".".join(parts[-2:]) if len(parts) > 1 and parts[-2] != "builtins" else parts[-1]


class _Reached(Struct, frozen=True):
    """An effect of a call: the chain, as in `Use`, from what is called on."""

    hops: tuple[Hop, ...]
    primitive: str
    inside: str
    also: tuple[Hop, ...]


class Uses(Struct):
    """The uses in durable code; those of a function are worked out when they are asked for.

    `silenced(facts, function, span, effect)` says whether a comment clears an effect at a place of a function that is not itself
    reported on: a primitive, a call on the way, or (with the span of its name) the function.
    """

    reach: Reach
    is_reported: Callable[[str], bool]
    silenced: Silenced
    _found: dict[str, tuple[Use, ...]] = field(default_factory=dict)
    _possible: dict[str, frozenset[Effect]] = field(default_factory=dict)
    _known: dict[tuple[str, Environment], dict[Effect, _Reached]] = field(default_factory=dict)

    def of(self, name: str) -> tuple[Use, ...]:
        """The uses in a function's own code, in source order; one for each place and effect.  None if it is not reported on."""
        found = self._found.get(name)
        if found is None:
            found = self._found[name] = self._of(name) if name in self.reach.nodes and self.is_reported(name) else ()
        return found

    def _of(self, name: str) -> tuple[Use, ...]:
        reach = self.reach
        here: dict[tuple[Span, Effect], Use] = {}
        path = reach.index.home[name].path
        for primitive in sorted(reach.visit(name).primitives, key=lambda p: (p.span, p.name)):
            hop = Hop(display(primitive.name), path, primitive.span)
            use = Use(name, primitive.span, primitive.call, primitive.effect, (hop,), primitive.name, name)
            here.setdefault((use.span, use.effect), use)
        for edge in sorted(reach.visit(name).edges, key=lambda e: (e.span, e.target)):
            if not self.possible(edge.target):
                continue
            first = Hop(display(edge.target), path, edge.span)
            given = enter(reach, name, frozenset(), edge)
            for effect, reached in self.below(edge.target, given).items():
                use = Use(name, edge.span, edge.call, effect, (first, *reached.hops), reached.primitive, reached.inside, reached.also)
                known = here.get((use.span, effect))
                if known is None or len(use.chain) < len(known.chain):
                    here[use.span, effect] = use
        return tuple(sorted(here.values(), key=lambda u: (u.span, u.effect.value)))

    def possible(self, start: str) -> frozenset[Effect]:
        """Which effects calling a node may have at all, whatever it is given; nothing for what is reported on itself."""
        if start not in self._possible:
            below = {start: None}  # what it runs, as far as that is not known yet
            callers: dict[str, list[str]] = defaultdict(list)
            todo: list[tuple[str, Effect]] = []
            for name in (names := [start]):
                if self.is_reported(name):
                    continue
                todo += ((name, primitive.effect) for primitive in self.reach.visit(name).primitives)
                for target in self.reach.visit(name).next:
                    callers[target].append(name)
                    if target in self._possible:
                        todo += ((name, effect) for effect in self._possible[target])
                    elif target not in below:
                        below[target] = None
                        names.append(target)
            found: dict[str, set[Effect]] = {name: set() for name in below}
            while todo:
                name, effect = todo.pop()
                if effect not in found[name]:
                    found[name].add(effect)
                    todo += ((caller, effect) for caller in callers[name])
            self._possible.update((name, frozenset(effects)) for name, effects in found.items())
        return self._possible[start]

    def below(self, start: str, given: Environment) -> dict[Effect, _Reached]:
        """The effects of calling `start`, each with its shortest chain."""
        known = self._known.get((start, given))
        if known is None:
            known = self._known[start, given] = self._search(start, given)
        return known

    def _search(self, start: str, given: Environment) -> dict[Effect, _Reached]:
        found: dict[Effect, _Reached] = {}
        wanted = self.possible(start)
        first = Way(start, given, (), self._cleared(start, None, wanted))
        stop = lambda name: not self.possible(name) - found.keys()  # noqa: E731 -- it must see `found`
        for way in _walk(self.reach, first, stop, self._blocked):
            path = self.reach.index.home[way.node].path
            here: dict[Effect, list[Primitive]] = defaultdict(list)
            for primitive in _primitives(self.reach, way):
                effect = primitive.effect
                if effect not in found and effect not in way.blocked and not self._cleared(way.node, primitive.span, {effect}):
                    here[effect].append(primitive)
            for effect, primitives in here.items():
                first_hop, *others = (Hop(display(p.name), path, p.span) for p in primitives)
                found[effect] = _Reached((*way.hops, first_hop), primitives[0].name, way.node, tuple(others))
            if found.keys() >= wanted:
                break
        return found

    def _blocked(self, way: Way, edge: Edge) -> frozenset[Effect]:
        effects = self.possible(edge.target)
        return way.blocked | self._cleared(way.node, edge.span, effects) | self._cleared(edge.target, None, effects)

    def _cleared(self, name: str, span: Span | None, effects: Collection[Effect]) -> frozenset[Effect]:
        """The effects that a comment clears, at a place of a function or (None) for all of it."""
        function = self.reach.index.functions.get(name)
        facts = self.reach.index.home[name]
        if function is None or not facts.suppressions:
            return frozenset()
        return frozenset(e for e in sorted(effects, key=lambda e: e.value) if self.silenced(facts, function, span or function.name_span, e))


def _walk(reach: Reach, first: Way, stop: Callable[[str], bool], blocked: Callable[[Way, Edge], frozenset[Effect]]) -> Iterator[Way]:
    seen = {(first.node, first.given)}
    todo = [first]
    for way in todo:
        yield way
        path = reach.index.home[way.node].path
        for edge in _edges(reach, way):
            if stop(edge.target):
                continue
            given = enter(reach, way.node, way.given, edge)
            if (edge.target, given) not in seen:
                seen.add((edge.target, given))
                todo.append(Way(edge.target, given, (*way.hops, Hop(display(edge.target), path, edge.span)), blocked(way, edge)))


def _edges(reach: Reach, way: Way) -> Iterator[Edge]:
    """What a node calls, under what it is given."""
    if not way.given:
        yield from reach.visit(way.node).edges
        return
    given = dict(way.given)
    asked: set[tuple[Ref, Span]] = set()
    for edge in reach.visit(way.node).edges:
        if edge.ref in given and "()." in edge.ref:
            continue  # a field's factory; the field is given
        if _slot(edge.ref) not in given:
            yield edge
        elif (edge.ref, edge.span) not in asked:
            asked.add((edge.ref, edge.span))
            for value in sorted(resolve(reach, (edge.ref,), way.given)):
                if value in reach.index.functions or value in reach.index.classes:
                    yield Edge(value, edge.span, edge.call, edge.ref)


def _primitives(reach: Reach, way: Way) -> Iterator[Primitive]:
    """What a node does itself, under what it is given."""
    given = dict(way.given)
    for primitive in sorted(reach.visit(way.node).primitives, key=lambda p: (p.span, p.name)):
        if primitive.ref in given and "()." in primitive.ref:
            continue
        if _slot(primitive.ref) not in given or primitive.name in resolve(reach, (primitive.ref,), way.given):
            yield primitive


def _slot(ref: Ref) -> Ref:
    found = _SLOT.match(ref)
    return found.group() if found is not None else ""


def _encloses(slot: Ref, function: str) -> bool:
    """Whether a parameter is of a function that `function` stands in: it sees it as a closure."""
    owner = slot.partition(":")[0]
    return function == owner or function.startswith(f"{owner}.")


def _matters(reach: Reach, value: str) -> bool:
    """Whether it matters which of several such values a parameter holds: functions, and objects with methods of the project."""
    index = reach.index
    if index.is_ours(value):
        return True
    return index.knowledge.effect(value, None) is not None


def _receivers(reach: Reach, edge: Edge, given: Environment, caller: str) -> Values:
    """The objects that a method is called on, here."""
    head = edge.ref.rpartition(".")[0]
    if head.endswith(".<super>"):
        function = reach.index.functions.get(caller)
        head = f"{caller}:{function.parameters[0].name}" if function is not None and function.parameters else ""
    return resolve(reach, (head,), given) if head else frozenset()


def _is_unbound(reach: Reach, edge: Edge, called: Function) -> bool:
    """Whether a method is called on its class, with the instance as an argument."""
    return called.binds == "self" and any(value in reach.index.classes for value in reach.resolver.resolve(edge.ref.rpartition(".")[0]))


def _constructed(reach: Reach, call: Call, given: Environment, target: str) -> dict[Ref, Values]:
    """What a call gives to the constructor of a class, or to its fields."""
    found: dict[Ref, Values] = {}
    index, resolver = reach.index, reach.resolver
    for constructor in resolver.method(target, "__init__"):
        for parameter, argument in match(index.functions[constructor], call, bound=True):
            slot = f"{constructor}:{parameter}"
            if any(_matters(reach, value) for value in resolver.handed(constructor, slot)):
                found[slot] = frozenset(v for v in resolve(reach, argument.values, given) if _matters(reach, v))
    for position, name in enumerate(reach.fields(target)):
        argument_given = call.argument(position, name)
        if argument_given is not None:
            found[f"{target}().{name}"] = frozenset()
    return found
