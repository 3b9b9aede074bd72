"""Agents: which functions they have as tools, what runs them, and whether what their model says is journaled.

An agent is followed from the call that runs it to the calls that made it, through variables, attributes, containers and factories.
What is not found that way is not known, and nothing is said of it.
"""

from __future__ import annotations

from collections import defaultdict
from enum import Enum
from functools import cached_property
from typing import TYPE_CHECKING

from msgspec import Struct, field

from rea_lint.reach import match
from rea_lint.resolve import last_names, may_be

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from rea_lint.facts import Argument, Binding, Call, Facts, Function, Ref, Refs
    from rea_lint.packs import AgentPart, Knowledge
    from rea_lint.reach import Reach, Visit
    from rea_lint.resolve import Index, Resolver, Values

MOST_FOLLOWED = 40  # variables, containers and factories between a run and the calls that made the agent
CONTAINERS = frozenset(f"builtins.{kind}()" for kind in ("dict", "list", "set", "tuple"))


class Role(Enum):
    """What a function is to an agent."""

    TOOL = "tool"  # called for the model, in the handler
    STEP = "step"  # called for the model, in a step that is put around it
    CALLBACK = "callback"  # called by the framework, in the handler: a hook, a guardrail, instructions


class Made(Struct, frozen=True):
    """A call of a part of an agent framework: it makes an agent, a tool, a session, or runs an agent."""

    function: str  # in whose own code the call stands
    call: Call
    name: str  # canonical: `agents.Agent`, `google.adk.apps.App`
    part: AgentPart


class AgentRun(Struct, frozen=True):
    """A call that runs an agent."""

    made: Made
    durable: bool | None  # whether what the model says is journaled; None: not known
    agents: tuple[Made, ...]  # the calls that made the agents, and what holds them, from the run on
    sessions: tuple[Made, ...]  # the calls that made what keeps the conversation
    unguarded: Made | None = None  # if it is not durable: the call that can make it so


class Agents(Struct, dict=True):
    """The agents of a project, as durable code runs them."""

    index: Index
    resolver: Resolver
    nodes: Mapping[str, Visit]  # what durable code does, function by function
    roles: dict[str, Role] = field(default_factory=dict)  # function -> what it is to the agents found so far
    owners: dict[str, dict[str, None]] = field(default_factory=dict)  # function that runs agents -> their functions
    packages: tuple[str, ...] = ()  # that may have to do with agents: what `frameworks` says
    imported: bool = False  # whether a file imports one of them: else there is nothing to look for
    asked: set[str] = field(default_factory=set)  # the functions whose agents were looked for
    decorated: Collection[Function] = ()  # whose decorators are yet to be looked at
    _attached: dict[Ref, list[tuple[str, AgentPart]]] = field(default_factory=dict)
    _seen: set[tuple[object, ...]] = field(default_factory=set)

    def fork(self, durable: Reach, dropped: frozenset[str], file: Facts) -> Agents:
        """What is known of agents apart from some functions, in another fork of durable code, after a file has other facts."""
        roles = {name: role for name, role in self.roles.items() if name not in dropped}
        owners = {name: owned for name, owned in self.owners.items() if name not in dropped}
        attached = {ref: [each for each in at if each[0] not in dropped] for ref, at in self.attached.items()}
        return Agents(
            durable.index,
            durable.resolver,
            durable.nodes,
            roles,
            owners,
            self.packages,
            self.imported or imports((file,), self.packages),
            self.asked.difference(dropped),
            _attached=attached,
        )

    # -- tools ---------------------------------------------------------------------------------------------------------

    def functions(self, function: Function) -> Iterator[tuple[str, Role]]:
        """The functions that run when `function` runs its agents; none when asked again."""
        if not self.imported or function.name in self.asked:
            return
        self.asked.add(function.name)
        self._seen.clear()  # what another function runs too, it owns as well
        heads: set[Ref] = set()
        for call in function.calls:
            yield from self._of_call(function, call, Role.TOOL)
            for ref in call.callees:
                head = ref.rpartition(".")[0]
                if head not in heads:
                    heads.add(head)
                    yield from self._of_refs((head,), function, Role.TOOL)

    @property
    def attached(self) -> dict[Ref, list[tuple[str, AgentPart]]]:
        """Agent variable -> the functions that a decorator of it attaches: `@agent.tool`."""
        if self.decorated:
            functions, self.decorated = self.decorated, ()
            for function in functions:
                for refs in function.decorators:
                    for ref in refs:
                        bare = ref.removesuffix("()")
                        part = self.part(bare)
                        if part is not None and "()." in part[0]:
                            for place in self._places(bare.rpartition(".")[0]):
                                self._attached.setdefault(place, []).append((function.name, part[1]))
        return self._attached

    def _places(self, ref: Ref) -> Iterator[Ref]:
        """The names of what a ref names: of `self.agent`, also the attribute of the class."""
        yield ref
        head, _, name = ref.rpartition(".")
        if ":" in head:
            yield from (
                f"{value}.{name}" for value in sorted(self.resolver.resolve(head)) if value.removesuffix("()") in self.index.classes
            )

    def part(self, refs: Ref | Refs) -> tuple[str, AgentPart] | None:
        """The part of a framework that something is, with its canonical name."""
        parts = self.index.knowledge.agents
        if not self.imported or not any(may_be(ref, self._names) for ref in ((refs,) if isinstance(refs, str) else refs)):
            return None
        values = self.resolver.resolve(refs)
        return None if parts.keys().isdisjoint(values) else next((v, parts[v]) for v in sorted(values) if v in parts)

    @cached_property
    def _names(self) -> frozenset[str]:
        return last_names(self.index, self.index.knowledge.agents)

    def _of_call(self, function: Function, call: Call, role: Role) -> Iterator[tuple[str, Role]]:
        """What a call that makes or runs an agent hands over: `role` is what its tools are."""
        found = self.part(call.callees)
        if found is None or (function.name, call.span, role) in self._seen:
            return
        self._seen.add((function.name, call.span, role))
        part = found[1]
        if part.wraps and (wraps := call.argument(None, part.wraps)) is not None:
            if wraps.literal is None:
                return  # which of the two it is, is not known
            role = Role.STEP if wraps.literal == "True" else role
        for place in part.tools:
            yield from self._in_argument(argument_at(call, place), function, role)
        for place in (*part.callbacks, *part.guards):
            yield from self._in_argument(argument_at(call, place), function, Role.CALLBACK)
        for place in (*part.agents, *part.guards):
            argument = argument_at(call, place)
            if argument is not None:
                for refs in (argument.values, *argument.elements):
                    yield from self._of_refs(refs, function, role)
                for inner in _standing_at(function, (argument.span, *argument.element_spans)):
                    yield from self._of_call(function, inner, role)

    def _in_argument(self, argument: Argument | None, function: Function, role: Role) -> Iterator[tuple[str, Role]]:
        """The functions of an argument that holds tools: a function, a list of them, calls that wrap them."""
        if argument is None:
            return
        for refs in (argument.values, *argument.elements, tuple(f"{ref}[]" for ref in argument.values)):
            yield from ((v, role) for v in sorted(self.resolver.resolve(refs)) if v in self.index.functions)
        for inner in _standing_at(function, (argument.span, *argument.element_spans)):
            yield from self._of_call(function, inner, role)
            yield from self._of_refs(tuple(ref.rpartition(".")[0] for ref in inner.callees), function, role)  # `agent.as_tool()`
        for refs in (argument.values, *argument.elements):
            yield from self._of_refs(refs, function, role)

    def _of_refs(self, refs: Refs, function: Function, role: Role) -> Iterator[tuple[str, Role]]:
        """Follow variables to the calls that made the agents they hold."""
        for ref in refs:
            if (ref, function.span, role) in self._seen:
                continue
            self._seen.add((ref, function.span, role))
            for name, part in (attached for place in self._places(ref) for attached in self.attached.get(place, ())):
                yield name, role if part.tools else Role.CALLBACK
            for holder, binding in self._bindings(ref):
                for at, call in self._calls_of(holder, binding):
                    yield from self._of_call(at, call, role)
                for value in (*binding.values, *binding.elements):
                    if value != ref and "(" not in _whole(value):
                        yield from self._of_refs((value,), function, role)
            for factory in self._factories(ref):
                for call in factory.calls:
                    yield from self._of_call(factory, call, role)

    # -- runs ----------------------------------------------------------------------------------------------------------

    def runs(self, function: Function) -> Iterator[AgentRun]:
        """The calls in a function's own code that run agents."""
        for call in function.calls if self.imported else ():
            found = self.part(call.callees)
            if found is None or found[1].kind not in {"runner", "durable"}:
                continue
            run = Made(function.name, call, *found)
            held = tuple(dict.fromkeys(self._held(run)))
            durable, unguarded = self._is_durable(run, held)
            sessions = (s for made in (run, *held) for place in made.part.sessions for s in self._makers(made, place))
            kept = (made for made in held if made.part.volatile)
            yield AgentRun(run, durable, held, tuple(dict.fromkeys((*sessions, *kept))), unguarded)

    def _held(self, run: Made) -> Iterator[Made]:
        """The calls that made the agents of a run, from the outside in: the runner, the app, the agent."""
        function = self.index.functions[run.function]
        heads = tuple(ref.rpartition(".")[0] for ref in run.call.callees if "()." in run.name)
        inline = [c for c in function.calls if c.span.start == run.call.span.start and run.call.callee_span.contains(c.span)]
        todo = [*self._made_by(function, heads, inline), *(m for place in places(run.part) for m in self._makers(run, place))]
        for made in todo:
            if len(todo) > MOST_FOLLOWED:
                return
            yield made
            if made.part.kind != "durable":
                inner = (m for place in places(made.part) for m in self._makers(made, place))
                todo += (m for m in inner if m.part.kind in {"agent", "durable"} and m not in todo)

    def _is_durable(self, run: Made, held: tuple[Made, ...]) -> tuple[bool | None, Made | None]:
        """Whether a run is durable, and if not, the call that can make it so."""
        if run.part.kind == "durable":
            return True, None
        if run.name.startswith("restate."):
            return False, None
        says = [self._guards(run), *(True if made.part.kind == "durable" else self._guards(made) for made in held)]
        if not held or None in says or True in says:
            return (True if held and True in says and None not in says else None), None
        return False, next((made for made in (*reversed(held), run) if made.part.durably), None)

    def _guards(self, made: Made) -> bool | None:
        """Whether a call has something that makes it durable among its guards; None: that cannot be seen."""
        if made.call.unpacks:
            return None
        given = (argument_at(made.call, place) for place in made.part.guards)
        says = [self._is_guard(argument) for argument in given if argument is not None]
        return True if True in says else None if None in says else False

    def _is_guard(self, argument: Argument) -> bool | None:
        """Whether an argument holds something durable; None: not known.  What a library makes that we know nothing of is not durable."""
        if argument.literal is not None:
            return False
        if argument.elements:
            says = [self._judged(self.resolver.resolve(refs)) for refs in argument.elements]
            return True if True in says else None if None in says else False
        values = self.resolver.resolve(argument.values)
        if values and values <= CONTAINERS:
            return self._judged(self.resolver.resolve(tuple(f"{ref}[]" for ref in argument.values)))
        return self._judged(values)

    def _judged(self, values: Values) -> bool | None:
        parts = self.index.knowledge.agents
        if any(v.removesuffix("()") in parts and parts[v.removesuffix("()")].kind == "durable" for v in values):
            return True
        return False if values and not any(self.index.is_ours(v) for v in values) else None

    # -- what made something -------------------------------------------------------------------------------------------

    def _makers(self, made: Made, place: str | int) -> Iterator[Made]:
        """The calls of parts that made what a call is given for an argument."""
        argument = argument_at(made.call, place)
        if argument is not None:
            function = self.index.functions[made.function]
            refs = tuple(ref for refs in (argument.values, *argument.elements) for ref in refs)
            yield from self._made_by(function, refs, _standing_at(function, (argument.span, *argument.element_spans)))

    def _made_by(self, function: Function, refs: Refs, inline: Iterable[Call]) -> Iterator[Made]:
        """The calls of parts that made what refs stand for; `inline` are those that stand there themselves."""
        for call in inline:
            found = self.part(call.callees)
            if found is not None:
                yield Made(function.name, call, *found)
        todo = list(dict.fromkeys(refs))
        for ref in todo:
            if len(todo) > MOST_FOLLOWED:
                return
            for holder, binding in self._bindings(ref):
                for at, call in self._calls_of(holder, binding):
                    found = self.part(call.callees)
                    if found is not None:
                        yield Made(at.name, call, *found)
                    else:
                        todo += (made for callee in call.callees if (made := f"{callee}()") not in todo)
                held = (element for element in binding.elements if not element.endswith("()"))
                todo += (value for value in dict.fromkeys((*binding.values, *held)) if value not in todo)
            for caller, argument in self._handed(ref):
                todo += (value for refs in (argument.values, *argument.elements) for value in refs if value not in todo)
                for call in _standing_at(caller, (argument.span,)):
                    found = self.part(call.callees)
                    if found is not None:
                        yield Made(caller.name, call, *found)
            for factory in self._factories(ref):
                todo += (value for value in factory.returns if value not in todo)
                for call in factory.calls:
                    found = self.part(call.callees)
                    if found is not None and any(f"{c}()" in factory.returns for c in call.callees):
                        yield Made(factory.name, call, *found)

    def _bindings(self, ref: Ref) -> Iterator[tuple[str, Binding]]:
        """How what a ref names gets its values: a variable, an attribute, or the container it is an element of."""
        ref = _whole(ref)
        found = self.index.bindings(ref)
        yield from found
        head, _, name = ref.rpartition(".")
        if found or not head:
            return
        for value in sorted(self.resolver.resolve(head)):
            owner = value.removesuffix("()")
            for at in self.index.ancestors(owner, self.resolver) if owner in self.index.classes else ():
                declared = self.index.classes.get(at)
                for binding in declared.attributes.get(name, ()) if declared is not None else ():
                    yield at, binding

    def _handed(self, ref: Ref) -> Iterator[tuple[Function, Argument]]:
        """What the callers of a function hand over, if a ref is one of its parameters."""
        scope, _, name = ref.rpartition(":")
        called = self.index.functions.get(scope)
        if called is None or not any(parameter.name == name for parameter in called.parameters):
            return
        for caller, call in self._callers.get(scope, ()):
            given = match(called, call, bound=called.binds is not None)
            yield from ((caller, argument) for parameter, argument in given if parameter == name)

    @cached_property
    def _callers(self) -> dict[str, list[tuple[Function, Call]]]:
        """Function -> who calls it in durable code; for runs, which are asked for when all is explored."""
        found: dict[str, list[tuple[Function, Call]]] = defaultdict(list)
        for caller, visit in self.nodes.items():
            for edge in visit.edges if caller in self.index.functions else ():
                if edge.call is not None:
                    found[edge.target].append((self.index.functions[caller], edge.call))
        return found

    def _calls_of(self, holder: str, binding: Binding) -> Iterator[tuple[Function, Call]]:
        """The calls that give a variable its value, or a container its elements."""
        methods = self.index.classes[holder].methods.values() if holder in self.index.classes else ()
        scopes = [holder, f"{holder}.<module>", *(name for names in methods for name in names)]
        if holder in self.index.classes:
            scopes.append(f"{self.index.classes[holder].scope}.<module>")
        is_container = bool(binding.elements) or bool(CONTAINERS & set(binding.values))
        for function in (self.index.functions[name] for name in scopes if name in self.index.functions):
            for call in function.calls:
                if call.span == binding.span or (is_container and binding.span.contains(call.span)):
                    yield function, call
            if holder in self.index.classes:  # what is bound is an attribute, and the span its own: the call comes next
                after = (c for c in function.calls if c.span.start > binding.span.end and function.span.contains(binding.span))
                first = min(after, key=lambda call: call.span.start, default=None)
                if first is not None and any(f"{callee}()" in binding.values for callee in first.callees):
                    yield function, first

    def _factories(self, ref: Ref) -> Iterator[Function]:
        """The functions of the project whose result a ref is."""
        if ref.endswith("()"):
            yield from (self.index.functions[v] for v in sorted(self.resolver.resolve(ref[:-2])) if v in self.index.functions)


def frameworks(knowledge: Knowledge) -> tuple[str, ...]:
    """The packages (with a dot at the end) of which a file must import one before anything in a project can be a part of a framework.

    Of the SDK, which imports its integrations with frameworks for nobody, the packages below.
    """
    sdk = frozenset(name.partition(".")[0] for name in knowledge.services)
    tables = ((name, value) for table in (knowledge.results, knowledge.attributes) for name, values in table.items() for value in values)
    leads = [*knowledge.aliases.items(), *tables]
    found = {_package(name, sdk) for name in knowledge.agents}
    while new := {_package(name, sdk) for name, value in leads if value.startswith(tuple(found))} - found:
        found |= new
    return tuple(sorted(found))


def imports(files: Iterable[Facts], packages: tuple[str, ...]) -> bool:
    """Whether a file imports one of some packages, or what stands in it; or is of it."""
    imported: set[str] = set()
    for file in files:
        imported.add(file.module)
        imported.update(file.imports)
    return any(f"{name}.".startswith(packages) for name in imported)


def _package(name: str, sdk: Collection[str]) -> str:
    """The first part of a dotted name; of the SDK, the first two."""
    first, _, rest = name.partition(".")
    return f"{first}.{rest.partition('.')[0]}." if first in sdk else f"{first}."


def places(part: AgentPart) -> Iterator[str | int]:
    """Where a part takes agents, and what makes them durable."""
    yield from dict.fromkeys((*part.agents, *part.guards))


def argument_at(call: Call, place: str | int) -> Argument | None:
    """The argument at a place that a pack names: a position, or a keyword."""
    return call.argument(place, None) if isinstance(place, int) else call.argument(None, place)


def _whole(ref: Ref) -> Ref:
    """The container that something is an element of: of `m.AGENTS[]` and `m.AGENTS.get()`, `m.AGENTS`; anything else as it is."""
    return ref.partition("[")[0].removesuffix(".get()").removesuffix(".values()").removesuffix(".items()")


def _standing_at(function: Function, spans: Iterable[object]) -> list[Call]:
    wanted = tuple(spans)
    return [call for call in function.calls if call.span in wanted]
