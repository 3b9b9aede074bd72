"""Who runs whom: the call graph of durable code and of steps, found from the handlers on.

A step cuts an edge: what is handed to `ctx.run` is not called by durable code, but starts step code.  Durable code and step code are
explored apart, each with its own idea of what parameters hold, so that a function used in both ways is judged for each call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from rea_lint.facts import Argument
from rea_lint.resolve import NOTHING, ordered, owner

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from rea_lint.facts import Call, Function, Ref, Refs
    from rea_lint.packs import Effect, OperationInfo
    from rea_lint.resolve import Index, Resolver, Values
    from rea_lint.text import Span

PARTIALS = frozenset({"functools.partial", "functools.partialmethod"})
MOST_ROUNDS = 12  # of exploring until nothing new is handed over; each follows values one call further
MOST_PASSED = 4  # functions that pass `*args` on, one to another


class Operation(Struct, frozen=True):
    """A durable operation: a call of a method of a context, or of something a context gives."""

    function: str  # in whose own code the call stands
    call: Call
    context: str  # the class it is a method of: `restate.ObjectContext`, `restate.DurablePromise`
    method: str  # `run_typed`, `value`
    info: OperationInfo


class Step(Struct, frozen=True):
    """A call that hands over a step."""

    function: str
    call: Call
    action: Argument
    actions: tuple[str, ...]  # the project's functions that the action may be
    direct: bool  # handed to the context itself; otherwise to a function that passes it on, or to a `functools.partial`


class Edge(Struct, frozen=True, gc=False):
    """A function of the project runs another (or makes an instance of a class)."""

    target: str
    span: Span
    call: Call | None  # None: what runs by itself: a property that is read, a constructor, a field's factory
    ref: Ref = ""  # what was resolved to `target`; of a field's factory, the field: `shop.Order().id`
    wraps: str = ""  # of a decorator's wrapper: what it was put around


class Primitive(Struct, frozen=True, gc=False):
    """A call or read of something that has an effect by itself."""

    name: str
    effect: Effect
    span: Span
    call: Call | None
    ref: Ref = ""  # as of `Edge`


class Visit(Struct):
    """What one function or class does itself."""

    edges: list[Edge] = field(default_factory=list)
    primitives: list[Primitive] = field(default_factory=list)
    operations: list[Operation] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    next: tuple[str, ...] = ()  # what it runs, the last first


IDLE = Visit()


class Reach(Struct):
    """What runs from some functions on, in one way of running."""

    index: Index
    resolver: Resolver
    roots: dict[str, None] = field(default_factory=dict)
    nodes: dict[str, Visit] = field(default_factory=dict)  # functions and classes that run, in order of discovery
    tools: frozenset[str] = frozenset()  # what runs because an agent may call it
    takers: dict[Ref, None] = field(default_factory=dict)  # parameters, as `function:name`, that end as a step's action
    visits: dict[str, Visit] = field(default_factory=dict)  # the last one of each, of what has run too
    gone: dict[Ref, set[str]] = field(default_factory=dict)  # what forgotten code has handed to parameters of other code: see `take_back`
    started: dict[str, list[Step]] = field(default_factory=dict)  # of step code: function -> the steps of it whose actions have theirs
    explored: list[str] | None = None  # the roots of the last time that all was followed
    fresh: set[str] = field(default_factory=set)  # the nodes that were visited for this project, not for the one it was forked from
    hands: dict[str, dict[Ref, Values]] = field(default_factory=dict)  # function or class -> what it hands over, by parameter
    givers: dict[Ref, set[str]] = field(default_factory=dict)  # parameter -> what has handed something over for it, perhaps in another fork
    pause: Callable[[], None] = lambda: None  # called again and again while this is explored; may raise to stop it
    inert: dict[str, bool] = field(default_factory=dict)  # canonical name -> whether nothing comes of calling it, whatever it is given

    def fields(self, name: str) -> list[str]:
        """The fields of a class that has no constructor of its own, in the order its constructor takes them."""
        if self.resolver.method(name, "__init__"):
            return []
        lines = [self.index.classes[at].fields for at in self.index.ancestors(name, self.resolver) if at in self.index.classes]
        return list(dict.fromkeys(field_name for fields in reversed(lines) for field_name in fields))

    def called(self) -> set[str]:
        """Everything that something runs (the roots run from outside)."""
        return set[str]().union(*[visit.next for visit in self.nodes.values()])

    def visit(self, name: str) -> Visit:
        """What a function or class does itself; nothing of one that does not run."""
        return self.nodes.get(name, IDLE)

    def hand(self, giver: str, function: str, slot: Ref, values: Values) -> bool:
        """Note that a function hands `values` to a parameter; True if that is news."""
        if not values:
            return self.resolver.enter(function)
        given = self.hands.get(giver, {})
        known = given.get(slot, NOTHING)
        if not known:
            self.givers.setdefault(slot, set()).add(giver)
        if not known >= values:
            self.hands[giver] = {**given, slot: known | values}  # and not in place: what this was forked from has the same
        return self.resolver.bind(function, slot, values)

    def fork(self, index: Index, dropped: Collection[str], fallback: Resolver | None = None) -> Reach:
        """What is left when everything about some functions and classes is forgotten, in an index in which they may be others."""
        visits, hands, roots = dict(self.visits), dict(self.hands), dict(self.roots)
        slots = {slot for name in dropped for slot in self.index.slots(name) if slot in self.givers}
        gone: dict[Ref, set[str]] = {}
        for name in dropped:
            visits.pop(name, None)
            roots.pop(name, None)
            for slot, values in hands.pop(name, {}).items():
                if owner(slot) in dropped or self.resolver.is_full(slot):
                    slots.add(slot)
                else:
                    gone.setdefault(slot, set()).update(values)
        takers = {slot: None for slot in self.takers if owner(slot) not in dropped}
        others = {
            slot: dict.fromkeys(v for giver in sorted(self.givers[slot]) if giver in hands for v in sorted(hands[giver].get(slot, ())))
            for slot in slots
        }
        resolver = self.resolver.fork(index, dropped, others, fallback)
        started = {name: steps for name, steps in self.started.items() if name not in dropped}
        return Reach(index, resolver, roots, takers=takers, visits=visits, hands=hands, givers=self.givers, started=started, gone=gone)

    def take_back(self) -> bool:
        """Forget what was handed over by code that a fork has forgotten, and by nobody since; True if that makes anything other."""
        gone, self.gone = self.gone, {}
        found = False
        for slot, values in gone.items():
            given = (self.hands[giver].get(slot, ()) for giver in self.givers[slot] if giver in self.hands)
            found |= self.resolver.take_back(slot, values.difference(*given))
        return found


def explore(reach: Reach) -> None:
    """Follow all calls from the roots, until no call hands over anything new."""
    if not reach.resolver.changed and reach.explored == [*reach.roots]:
        return  # nothing is other than it was the last time
    for _ in range(MOST_ROUNDS):
        reach.resolver.changed = False
        if not _round(reach):
            break
    reach.explored = [*reach.roots]


def _round(reach: Reach) -> bool:
    """Go through everything that runs; what was visited before is visited again only if something it needs has changed."""
    nodes, visits, stale = reach.nodes, reach.visits, reach.resolver.stale
    nodes.clear()
    before = len(reach.takers)
    news = False
    todo = list(reversed(reach.roots))
    while todo:
        name = todo.pop()
        if name in nodes:
            continue
        visit = visits.get(name)
        if visit is None or name in stale:
            reach.pause()
            visitor = _Visitor(reach, name)
            visit = visits[name] = visitor.run()
            reach.fresh.add(name)
            news |= visitor.news
        nodes[name] = visit
        todo += visit.next
    return news or len(reach.takers) != before


class _Visitor:
    """Looks at all calls and reads of one function or class, and hands over what they hand over."""

    def __init__(self, reach: Reach, name: str) -> None:
        self.reach = reach
        self.name = name
        self.index = reach.index
        self.knowledge = reach.index.knowledge
        self.resolver = reach.resolver
        self.visit = Visit()
        self.edges = self.visit.edges
        self.news = False

    def run(self) -> Visit:
        """The visit; `news` says whether something new was handed over."""
        self.resolver.begin()
        if self.name in self.index.classes:
            self._class()
        else:
            self._function(self.index.functions[self.name])
        self.resolver.end(self.name)
        self.visit.next = tuple(reversed(dict.fromkeys(edge.target for edge in self.edges)))
        return self.visit

    def _function(self, function: Function) -> None:
        for call in function.calls:
            self._call(function, call)
        for read in function.reads:
            for ref in read.values:
                self._read(ref, read.span)

    def _hand(self, function: str, slot: Ref, values: Values) -> None:
        self.news |= self.reach.hand(self.name, function, slot, values)

    def _class(self) -> None:
        """Making an instance runs the constructor, and the factories of fields that have one."""
        for method in ("__new__", "__init__", "__post_init__", "model_post_init"):
            self.edges.extend(Edge(m, self.index.functions[m].name_span, None) for m in self.resolver.method(self.name, method))
        for at in self.resolver.line(self.name):
            declared = self.index.classes.get(at)
            for field_name in declared.fields if declared is not None else ():
                for binding in declared.attributes.get(field_name, ()) if declared is not None else ():
                    made = self.index.call_at(binding, at)
                    factory = made[1].argument(None, "default_factory") if made is not None else None
                    if factory is not None:
                        self._run_values(factory.values, binding.span, None, f"{self.name}().{field_name}")

    def _read(self, ref: Ref, span: Span) -> None:
        if ":" in ref.rpartition(".")[2]:
            return  # a variable
        for function in self.resolver.property_of(ref):
            self.edges.append(Edge(function, span, None, ref))
        for value in ordered(self.resolver.resolve(ref)):
            if value in self.knowledge.reads and not self.index.is_ours(value):
                effect = self.knowledge.effect(value, None)
                if effect is not None:
                    self.visit.primitives.append(Primitive(value, effect, span, None, ref))

    def _call(self, function: Function, call: Call) -> None:
        resolver, inert, properties = self.resolver, self.reach.inert, self.index.properties
        found = [*map(resolver.resolve, call.callees)]
        for ref in call.callees if properties else ():
            head = ref.rpartition(".")[0]
            if head.rpartition(".")[2] in properties and "." in head.rpartition(":")[2]:
                for each in resolver.property_of(head):
                    self.edges.append(Edge(each, call.callee_span, None, head))
        for ref, targets in zip(call.callees, found, strict=True):
            for target in targets if len(targets) < 2 else sorted(targets):
                is_inert = inert.get(target)
                if is_inert is None:
                    is_inert = inert[target] = self._is_inert(target)
                if not is_inert:
                    self._target(function, self._whole(call, ref) if ref in resolver.partial else call, ref, target)
        if call.entered:
            self._enter(call)

    def _is_inert(self, target: str) -> bool:
        """Whether nothing comes of calling something, whatever it is given: it is not the project's, and has no effect."""
        knowledge = self.knowledge
        if target in PARTIALS or target in knowledge.steps or (self.index.is_ours(target) and target not in knowledge.exact):
            return False
        is_caller = target in knowledge.callers or target.partition("(")[0] in knowledge.callers
        return not is_caller and knowledge.operation(target) is None and knowledge.is_harmless(target)

    def _whole(self, call: Call, ref: Ref) -> Call:
        """A call with the arguments that a `functools.partial` on the way adds; one whose arguments cannot be told hides all."""
        at = self.index.functions[self.name]
        if ref.endswith(".<partial>"):  # functools.partial(f, a)(b)
            made = [each for each in at.calls if each.span == call.callee_span]
        else:
            made = [each[1] for scope, binding in self.index.bindings(ref) if (each := self.index.call_at(binding, scope)) is not None]
        if len(made) == 1 and not made[0].unpacks and not any(r.endswith(".<partial>") for r in made[0].arguments[0].values):
            return replace(call, arguments=(*made[0].arguments[1:], *call.arguments))
        return replace(call, arguments=(Argument("*", (), call.callee_span), *call.arguments))

    def _partial(self, function: Function, call: Call) -> None:
        """`functools.partial(f, a)` hands `a` over to `f` where it is made, whenever `f` is called."""
        first, *given = call.arguments
        later = replace(call, callees=first.values, arguments=tuple(given))
        for ref in first.values:
            for target in ordered(self.resolver.resolve(ref)):
                if target in self.knowledge.steps:
                    self._step(later, self.knowledge.steps[target].position, self.knowledge.steps[target].keyword, direct=False)
                elif target in self.index.functions:
                    self._hand_arguments(later, target, self._receivers(function, later, self.index.functions[target]))

    def _target(self, function: Function, call: Call, ref: Ref, target: str) -> None:
        knowledge = self.knowledge
        if target in PARTIALS and call.arguments:
            self._partial(function, call)
        if target in knowledge.steps:
            direct = ref not in self.resolver.partial
            self._step(call, knowledge.steps[target].position, knowledge.steps[target].keyword, direct=direct)
        if self.index.is_ours(target) and target not in knowledge.exact:
            self._ours(function, call, ref, target)
            return
        operation = knowledge.operation(target)
        if operation is not None:
            context = target.rpartition("().")[0]
            self.visit.operations.append(Operation(self.name, call, context, operation.name, operation))
            return
        effect = knowledge.effect(target, call, self.resolver.resolve)
        if effect is not None:
            self.visit.primitives.append(Primitive(target, effect, call.span, call, ref))
        if target in knowledge.callers or target.partition("(")[0] in knowledge.callers:
            for position, argument in enumerate(call.arguments):
                if any(value in knowledge.steps for value in self.resolver.resolve(argument.values)):
                    self._partial(function, replace(call, arguments=call.arguments[position:]))  # stack.callback(ctx.run_typed, "x", f)
                    break
                for value in argument.values:
                    self._run_values((value,), call.span, call, value)

    def _ours(self, function: Function, call: Call, ref: Ref, target: str) -> None:
        if target in self.index.functions:
            self._enter_function(function, call, ref, target)
        elif target in self.index.classes:
            self.edges.append(Edge(target, call.span, call, ref))
            self._construct(call, target)
        elif target[-1] == ")" and target[:-2] in self.index.classes:
            for method in self.resolver.method(target[:-2], "__call__"):
                self._enter_function(function, call, f"{ref}.__call__", method, frozenset({target}))

    def _enter_function(self, function: Function, call: Call, ref: Ref, target: str, receivers: Values | None = None) -> None:
        called = self.index.functions[target]
        # What a decorator calls is what it decorates, without what it puts around it.
        wrapped_by = wrappers(self.index, self.resolver, called) if called.decorators else ()
        around = [(d, w) for d, w in wrapped_by if not function.name.startswith(f"{d}.")]
        if around:
            inner = [wrapper for _, wrapper in around[1:]] + [target]
            self.edges.append(Edge(around[0][1], call.span, call, ref, wraps=inner[0]))
            for (decorator, wrapper), wrapped in zip(around, inner, strict=False):
                self._hand(decorator, around_slot(self.index, decorator), frozenset({wrapped}))
                self._hand_arguments(call, wrapper, frozenset())
        else:
            self.edges.append(Edge(target, call.span, call, ref))
        if receivers is None:
            receivers = self._receivers(function, call, called)
        self._hand_arguments(call, target, receivers)

    def _hand_arguments(self, call: Call, target: str, receivers: Values) -> None:
        """Bind what a call hands over to the parameters of what it calls."""
        called = self.index.functions[target]
        for parameter, argument in match(called, call, bound=bool(receivers)):
            slot = f"{target}:{parameter}"
            self._hand(target, slot, self.resolver.resolve(argument.values))
            if self._takes_steps(slot[:-2] if slot[-1] == "]" else slot):
                self._hand_over(call, argument, direct=False)
        if receivers and called.parameters:
            self._hand(target, f"{target}:{called.parameters[0].name}", receivers)
        self.resolver.enter(target)
        self._pass_on(call, called, receivers, MOST_PASSED)

    def _pass_on(self, call: Call, called: Function, receivers: Values, depth: int) -> None:
        """What a function does with `*args` and `**kwargs`: a context among them goes to the parameter that gets it in this call only."""
        packed = [f"{called.name}:{parameter.name}" for parameter in called.parameters if parameter.kind in {"*", "**"}]
        if not packed or not depth:
            return
        matched = [(f"{called.name}:{parameter}", argument) for parameter, argument in match(called, call, bound=bool(receivers))]
        several = {slot: tuple(argument for at, argument in matched if at == f"{slot}[]") for slot in packed}
        if not any(self._contexts(argument) for arguments in several.values() for argument in arguments):
            return
        given = dict(matched)
        own = f"{called.name}:{called.parameters[0].name}."
        for inner in called.calls:
            if any(
                argument.keyword in {"*", "**"} and argument.values[:1] and argument.values[0] in several for argument in inner.arguments
            ):
                arguments = tuple(_passed(inner, given, several))
                for ref in inner.callees:
                    if ref in given or ":" not in ref or ref.startswith(own):
                        callees = given[ref].values if ref in given else (ref,)
                        self._hand_contexts(replace(inner, callees=callees, arguments=arguments), called, depth)

    def _hand_contexts(self, call: Call, function: Function, depth: int) -> None:
        for target in ordered(self.resolver.resolve(call.callees)):
            for name in self.resolver.method(target, "__init__") if target in self.index.classes else (target,):
                called = self.index.functions.get(name)
                if called is None:
                    continue
                receivers = frozenset({f"{target}()"}) if name != target else self._receivers(function, call, called)
                for parameter, argument in match(called, call, bound=bool(receivers)):
                    if contexts := self._contexts(argument):
                        self._hand(name, f"{name}:{parameter}", contexts)
                self._pass_on(call, called, receivers, depth - 1)

    def _contexts(self, argument: Argument) -> Values:
        return frozenset(filter(self.index.is_context, self.resolver.resolve(argument.values)))

    def _takes_steps(self, slot: Ref) -> bool:
        self.resolver.need(slot)
        return slot in self.reach.takers

    def _receivers(self, function: Function, call: Call, called: Function) -> Values:
        """The objects a method is called on; empty for a plain function, or a method taken from its class."""
        if called.binds is None:
            return frozenset()
        found: set[str] = set()
        for ref in call.callees:
            head, _, name = ref.rpartition(".")
            if head.endswith(".<super>") and function.parameters:
                found |= self.resolver.resolve(f"{function.name}:{function.parameters[0].name}")
            elif head and not head.endswith(">"):
                for value in self.resolver.resolve(head):
                    owner = value.removesuffix("()")
                    if (
                        owner in self.index.classes
                        and (owner != value or called.binds == "cls")
                        and called.name in self.resolver.method(owner, name)
                    ):
                        found.add(owner if called.binds == "cls" else value)
            elif not head.endswith(">"):
                found |= self._held(ref, called)
        if (
            not found
            and called.owner is not None
            and not any(called.owner in self.resolver.resolve(ref.rpartition(".")[0]) for ref in call.callees)
        ):
            found |= self._instances(called)
        return frozenset(found)

    def _held(self, ref: Ref, called: Function) -> set[str]:
        """A bound method kept in a variable: `post = self.client.post` and then `post()`."""
        return self._instances(called) if ":" in ref else set()

    def _instances(self, called: Function) -> set[str]:
        owner = called.owner
        return set() if owner is None else {owner if called.binds == "cls" else f"{owner}()"}

    def _construct(self, call: Call, target: str) -> None:
        constructors = self.resolver.method(target, "__init__")
        for constructor in constructors:
            called = self.index.functions[constructor]
            for parameter, argument in match(called, call, bound=True):
                slot = f"{constructor}:{parameter}"
                self._hand(constructor, slot, self.resolver.resolve(argument.values))
                if self._takes_steps(slot):
                    self._hand_over(call, argument, direct=False)
            if called.parameters:
                self._hand(constructor, f"{constructor}:{called.parameters[0].name}", frozenset({f"{target}()"}))
        if not constructors and call.arguments:
            line = [at for at in self.resolver.line(target) if at in self.index.classes]
            fields = [(at, name) for at in reversed(line) for name in self.index.classes[at].fields]
            for position, (at, name) in enumerate(fields):
                given = call.argument(position, name)
                if given is not None:
                    self._hand(at, f"{at}().{name}", self.resolver.resolve(given.values))

    def _enter(self, call: Call) -> None:
        for value in sorted(self.resolver.resolve(tuple(f"{ref}()" for ref in call.callees))):
            if value.endswith("()") and value[:-2] in self.index.classes:
                for method in ("__enter__", "__aenter__", "__exit__", "__aexit__"):
                    for function in self.resolver.method(value[:-2], method):
                        self.edges.append(Edge(function, call.span, None))
                        parameters = self.index.functions[function].parameters
                        if parameters:
                            self._hand(function, f"{function}:{parameters[0].name}", frozenset({value}))

    def _step(self, call: Call, position: int, keyword: str, *, direct: bool) -> None:
        action = call.argument(position, keyword)
        if action is not None:
            self._hand_over(call, action, direct=direct)

    def _hand_over(self, call: Call, action: Argument, *, direct: bool) -> None:
        """A step: what the action may be, and whether it came in by a parameter, which makes the function a step taker itself."""
        actions = tuple(sorted(v for v in self.resolver.resolve(action.values) if v in self.index.functions))
        self.visit.steps.append(Step(self.name, call, action, actions, direct))
        for ref in action.values:
            take(self.reach, ref)

    def _run_values(self, values: Refs, span: Span, call: Call | None, ref: Ref) -> None:
        """Something that calls what it is given: `sorted(key=...)`, a field's default factory."""
        for value in ordered(self.resolver.resolve(values)):
            if value in self.index.functions or value in self.index.classes:
                self.edges.append(Edge(value, span, None, ref))
            elif not self.index.is_ours(value):
                effect = self.knowledge.effect(value, None)
                if effect is not None:
                    self.visit.primitives.append(Primitive(value, effect, span, call, ref))


def take(reach: Reach, ref: Ref) -> None:
    """Note that a ref ends as a step's action: if it names a parameter, its function takes steps."""
    function, _, name = ref.rpartition(":")
    at = reach.index.functions.get(function)
    if at is not None and any(parameter.name == name for parameter in at.parameters) and ref not in reach.takers:
        reach.takers[ref] = None
        reach.resolver.change(ref)


def match(called: Function, call: Call, *, bound: bool) -> list[tuple[str, Argument]]:
    """Which parameter (`name`, or `name[]` for one of `*args`) gets which argument; `bound`: the first parameter is given already."""
    parameters = called.parameters[1:] if bound and called.binds is not None else called.parameters
    found: list[tuple[str, Argument]] = []
    position = 0
    for argument in call.arguments:
        keyword = argument.keyword
        if keyword is None:
            if position < len(parameters) and parameters[position].kind == "positional":  # they come first
                found.append((parameters[position].name, argument))
            else:
                found += ((f"{p.name}[]", argument) for p in parameters if p.kind == "*")
            position += 1
        elif keyword == "*":
            break
        elif any(p.name == keyword and p.kind in {"positional", "keyword"} for p in parameters):
            found.append((keyword, argument))
        elif keyword != "**":
            found += ((f"{p.name}[]", argument) for p in parameters if p.kind == "**")
    return found


def _passed(call: Call, given: Mapping[Ref, Argument], several: Mapping[Ref, tuple[Argument, ...]]) -> Iterator[Argument]:
    """The arguments of a call in a function, where the function's parameters are `given`, `several` for `*args` and `**kwargs`."""
    for argument in call.arguments:
        ref = argument.values[0] if len(argument.values) == 1 else ""
        if argument.keyword in {"*", "**"} and ref in several:
            yield from several[ref]
        else:
            yield replace(given.get(ref, argument), keyword=argument.keyword)


def wrappers(index: Index, resolver: Resolver, called: Function) -> Iterator[tuple[str, str]]:
    """The project's own decorators of a function, outermost first, each with the function that it puts around: calls run that."""
    for refs in called.decorators:
        for decorator in ordered(resolver.resolve(refs)):
            if decorator in index.functions and index.functions[decorator].parameters:
                nested = index.functions[decorator].nested
                yield from ((decorator, wrapper) for wrapper in ordered(resolver.result(decorator)) if wrapper in nested)


def around_slot(index: Index, decorator: str) -> Ref:
    """The parameter by which a decorator is given what it decorates."""
    return f"{decorator}:{index.functions[decorator].parameters[0].name}"
