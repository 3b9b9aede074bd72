"""All facts and the packs' knowledge -> what is replayed, and what in it has an effect.  Generic: it knows no rule."""

from __future__ import annotations

import sys
from bisect import bisect_left
from collections import defaultdict, deque
from collections.abc import Mapping
from enum import Enum
from functools import cache, cached_property
from typing import TYPE_CHECKING, TypeVar, cast

from msgspec import Struct, field
from msgspec.structs import replace

from rea_lint import graph
from rea_lint.agents import AgentRun, Agents, Role, frameworks, imports
from rea_lint.effects import Hop, Use, Uses, display, does, enter, walk
from rea_lint.handlers import Handler, Registry, Service, find
from rea_lint.reach import Edge, Operation, Reach, Step, explore, take, wrappers
from rea_lint.resolve import Index, Resolver, Values, index, updated
from rea_lint.sdk import NEWEST_KNOWN
from rea_lint.state import Shared, shared

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from rea_lint.effects import Silenced
    from rea_lint.facts import Argument, Call, Class, Facts, Function, Ref, Refs
    from rea_lint.packs import Effect, Knowledge
    from rea_lint.sdk import Sdk
    from rea_lint.text import Source, Span

__all__ = [
    "AgentRun",
    "Cause",
    "Handler",
    "Hop",
    "Operation",
    "Project",
    "Region",
    "Service",
    "Shared",
    "Step",
    "StepViolation",
    "Unresolved",
    "Use",
    "link",
]

Worked = TypeVar("Worked")
MOST_ROUNDS = 32  # of exploring, and of finding more to explore: functions that durable code builds and hands on, tools, helpers


class Region(Enum):
    """How a function's code runs."""

    DURABLE = "durable"  # again on replay
    STEP = "step"  # once; its result is journaled
    OTHER = "other"  # neither, or not known


class Cause(Struct, frozen=True):
    """A primitive in durable code itself, wherever it stands: for effects that are mended there, as logging is."""

    function: str  # in whose own code it stands
    span: Span
    call: Call | None
    effect: Effect
    primitive: str


class StepViolation(Struct, frozen=True):
    """The context is used inside a step: where that stands in the step's code, and the chain down to the operation."""

    step: Step
    function: str
    call: Call
    method: str
    context: str
    chain: tuple[Hop, ...]


class Unresolved(Struct, frozen=True):
    """A call of which it is not known what it does, so that nothing is said of it."""

    call: Call
    name: str | None  # the canonical name of what is called, which no pack describes; None: it is not known what is called


class Project(Struct, dict=True):
    """What is known of all files together."""

    facts: Mapping[str, Facts]  # by path
    index: Index
    handlers: tuple[Handler, ...]
    services: tuple[Service, ...]
    durable: _Told[tuple[str, ...]]  # durable function -> display names of the handlers that reach it, sorted
    _durable: Reach
    _stepped: Reach
    _silenced: Silenced
    _agents: Agents
    _reached: _Told[tuple[Handler, ...]]
    _registry: Registry = field(default_factory=Registry)
    _files: Mapping[tuple[str, str], Facts] = field(default_factory=dict)  # by path and module: a file may be imported by two names
    _importers: dict[str, set[tuple[str, str]]] = field(default_factory=dict)  # name (with a dot if imported itself) -> files
    sources: Mapping[str, Source] = field(default_factory=dict)  # by path, of the files that are at hand
    sdk: Sdk = NEWEST_KNOWN  # that the code runs with
    server: str = ""  # the version of restate-server that it runs on; empty: any

    @property
    def knowledge(self) -> Knowledge:
        """What the packs say."""
        return self.index.knowledge

    @property
    def functions(self) -> Mapping[str, Function]:
        """Every function of the project, by name."""
        return self.index.functions

    @property
    def classes(self) -> Mapping[str, Class]:
        """Every class of the project, by name."""
        return self.index.classes

    def with_facts(self, file: Facts, silenced: Silenced, *, sources: Mapping[str, Source] | None = None) -> Project:
        """The project after one file has other facts: for a keystroke, in time that depends on the file more than on the project.

        Of the functions of that file it says what `link` says; but values and handlers that reach them through other files, from code that
        the change has taken away, stay until the next `link`, and so does what other files have only from such code.  This project stays as
        it is.  A file that is new, or broken now or before, makes it a `link`; one that is imported by two names
        is asked for by each.
        """
        key = (file.path, file.module)
        known = self._files.get(key)
        files = {**self._files, key: file}
        sources = sources if sources is not None else self.sources
        found = updated(self.index, file) if known is not None and known.broken is None and file.broken is None else None
        if found is None:
            return link(files.values(), self.knowledge, silenced, sources=sources, sdk=self.sdk, server=self.server)
        keys = (key, *self._users(file))
        dropped = frozenset(name for each in keys for at in (self._files[each], files[each]) for name in (*at.functions, *at.classes))
        durable = self._durable.fork(found, dropped)
        after = _linked(
            files.values(),
            durable,
            self._stepped.fork(found, dropped, durable.resolver),
            self._agents.fork(durable, dropped, file),
            known=self._registry.without(dropped),
            functions=[function for each in keys for function in files[each].functions.values()],
            silenced=silenced,
            sources=sources,
            sdk=self.sdk,
            server=self.server,
            before=_Runs(self._durable, self._agents, self.handlers, self._reached.masks, self.durable.masks),
        )
        return replace(after, _importers=self._importers)

    def modules(self, path: str) -> tuple[str, ...]:
        """The names by which a file is imported."""
        return tuple(facts.module for facts in self._facts_at(path))

    def _facts_at(self, path: str) -> list[Facts]:
        return [facts for (at, _), facts in self._files.items() if at == path]

    def _users(self, file: Facts) -> list[tuple[str, str]]:
        """The other files that import a file, or import what does; as `_files` has them."""
        importers = self._importers
        for each in (file,) if importers else (*self._files.values(), file):
            key = (each.path, each.module)
            for imported in each.imports:
                importers.setdefault(f"{imported}.", set()).add(key)
                for name in _packages(imported):
                    importers.setdefault(name, set()).add(key)
        found = {(file.path, file.module): None}
        for _, module in (todo := [*found]):
            around = (f"{name}." for name in _packages(module))  # `import shop` brings `shop.orders` too
            users = sorted({user for name in (module, *around) for user in importers.get(name, ()) if user not in found})
            found.update(dict.fromkeys(users))
            todo += users
        return [*found][1:]

    def once(self, work_out: Callable[[Project], Worked]) -> Worked:
        """What a function works out about the whole project, worked out once however many rules and places ask for it."""
        if work_out not in self._worked_out:
            self._worked_out[work_out] = work_out(self)
        return cast("Worked", self._worked_out[work_out])

    @cached_property
    def _worked_out(self) -> dict[Callable[[Project], object], object]:
        return {}

    def path_of(self, function: str) -> str:
        """The file a function or class stands in."""
        return self.index.home[function].path

    def region(self, function: str) -> Region:
        """How a function's code runs; code that runs both ways is durable."""
        if function in self.durable:
            return Region.DURABLE
        return Region.STEP if function in self._stepped.nodes else Region.OTHER

    def resolve(self, refs: Ref | Refs) -> Values:
        """The canonical things a ref may come to; empty: not known."""
        known = self._resolved.get(refs)
        if known is None:
            known = self._resolved[refs] = self._durable.resolver.resolve(refs) or self._stepped.resolver.resolve(refs)
        return known

    @cached_property
    def _resolved(self) -> dict[Ref | Refs, Values]:
        return {}

    def operations(self, function: str) -> tuple[Operation, ...]:
        """The durable operations in a function's own code, in source order; of a step, what must not be there."""
        known = self._operations.get(function)
        if known is None:
            found = self._durable.visit(function).operations or self._stepped.visit(function).operations
            known = self._operations[function] = tuple(_first_of_each(found)) if found else ()
        return known

    def operation(self, function: str, span: Span) -> Operation | None:
        """The durable operation that is called at a place of a function's own code."""
        found = self.operations(function)
        at = bisect_left(found, span, key=lambda operation: operation.call.span)
        return found[at] if at < len(found) and found[at].call.span == span else None

    def steps(self, function: str) -> tuple[Step, ...]:
        """The steps that a function's own code hands over, in source order."""
        known = self._steps.get(function)
        if known is None:
            known = self._steps[function] = tuple(_first_of_each(self._durable.visit(function).steps))
        return known

    @cached_property
    def _steps(self) -> dict[str, tuple[Step, ...]]:
        return {}

    def kinds(self, function: str) -> frozenset[str]:
        """The kinds of handler that reach a durable function."""
        known = self._kinds.get(function)
        if known is None:
            known = self._kinds[function] = frozenset(handler.kind for handler in self.reached_by(function))
        return known

    @cached_property
    def _kinds(self) -> dict[str, frozenset[str]]:
        return {}

    def reached_by(self, function: str) -> tuple[Handler, ...]:
        """The handlers that reach a durable function."""
        return self._reached.get(function, ()) if function in self.durable else ()

    def run_by(self, handler: Handler) -> tuple[str, ...]:
        """The durable functions that a handler reaches."""
        return tuple(self._run_by.get(handler, ()))

    @cached_property
    def _run_by(self) -> dict[Handler, list[str]]:
        found: dict[Handler, list[str]] = defaultdict(list)
        for name in self.durable:
            for handler in self.reached_by(name):
                found[handler].append(name)
        return found

    def registered(self, function: str) -> tuple[Handler, ...]:
        """The handlers that a function is: none if it is not registered, several if it is on several services."""
        return tuple(self._registered.get(function, ()))

    @cached_property
    def _registered(self) -> dict[str, list[Handler]]:
        found: dict[str, list[Handler]] = defaultdict(list)
        for handler in self.handlers:
            found[handler.function].append(handler)
        return found

    def calls(self, function: str) -> tuple[Edge, ...]:
        """The functions and classes of the project that a durable function calls, with the place of each call."""
        return tuple(self._durable.visit(function).edges)

    @cached_property
    def links(self) -> tuple[graph.Link, ...]:
        """Who calls whom through Restate, by place."""
        return graph.links(self._durable, self.handlers, self._reached)

    def targets(self, operation: Operation) -> tuple[Handler, ...]:
        """The handlers that a call or send may call."""
        return graph.targets(self._durable, self._directory, operation)

    def handlers_named(self, refs: Refs) -> tuple[Handler, ...]:
        """The handlers that a value may be."""
        return graph.named(self._durable, self._directory, refs)

    @cached_property
    def _directory(self) -> graph.Directory:
        return graph.Directory.of(self.handlers)

    def written(self, argument: Argument | None) -> str | None:
        """The text of an argument that is written down, or of a constant that is; None: it is no text, or not known."""
        return graph.written(self._durable, argument)

    def promise(self, operation: Operation) -> str | None:
        """The name of the promise that an operation is about; None: it is not about one, or its name is not known."""
        return graph.promise_of(self._durable, operation)

    def calls_named(self, fits: Callable[[str], bool]) -> list[tuple[str, Call]]:
        """The calls anywhere in the project of what has a name that fits, each with its file, in the order of the files.

        A name is what a ref of the callee has after its last dot.
        """
        found = {number: call for name, calls in self._calls_by_name.items() if fits(name) for number, call in calls}
        return [found[number] for number in sorted(found)]

    @cached_property
    def _calls_by_name(self) -> dict[str, list[tuple[int, tuple[str, Call]]]]:
        everywhere = ((path, call) for path, facts in self.facts.items() for f in facts.functions.values() for call in f.calls)
        found: dict[str, list[tuple[int, tuple[str, Call]]]] = defaultdict(list)
        for each in enumerate(everywhere):
            for callee in each[1][1].callees:
                found[callee.rpartition(".")[2]].append(each)
        return found

    def takes_context(self, call: Call) -> bool:
        """Whether a call hands a context on."""
        return any(self.is_context(value) for argument in call.arguments for value in self.resolve(argument.values))

    def is_context(self, value: str) -> bool:
        """Whether a canonical value is a context."""
        return self.index.is_context(value)

    def context_name(self, function: str) -> str | None:
        """An expression for a context in scope in a function: `ctx`, `self._ctx`, `restate_context()`."""
        at = self.functions.get(function)
        while at is not None:
            for name in (*(p.name for p in at.parameters), *at.variables):
                if any(self.is_context(value) for value in self.resolve(f"{at.name}:{name}")):
                    return name
            if at.owner is not None and at.binds == "self":
                attribute = self._context_attribute(at.owner)
                if attribute is not None:
                    return f"{at.parameters[0].name}.{attribute}"
            for name, refs in at.names.items():
                if any(value in self.knowledge.ambient for value in self.resolve(refs)):
                    return f"{name}()"
            at = self.functions.get(at.scope)
        return self._ambient(function) if self.is_tool(function) else None

    def _ambient(self, function: str) -> str | None:
        """The call of a global name that gives a tool the context of who runs its agent."""
        known = self.index.home[function].variables
        names = (name for name, bindings in known.items() if {v for b in bindings for v in b.values} & self.knowledge.ambient.keys())
        name = next(names, None)
        return f"{name}()" if name is not None else None

    @property
    def roles(self) -> Mapping[str, Role]:
        """What the functions of agents that durable code runs are to them."""
        return self._agents.roles

    def is_tool(self, function: str) -> bool:
        """Whether a durable function is a tool of an agent, or stands in one."""
        return self.tool_around(function) is not None

    def tool_around(self, function: str) -> str | None:
        """The tool of an agent that a durable function is, or stands in."""
        while function in self.functions:
            if self.roles.get(function) is Role.TOOL:
                return function
            function = self.functions[function].scope
        return None

    def runs_tool(self, tool: str) -> tuple[str, Span] | None:
        """The durable function that runs an agent with that tool, and where: the run, or its name if it runs several; None: not known."""
        runner = next((name for name, tools in self._agents.owners.items() if tool in tools and name in self.durable), None)
        if runner is None:
            return None
        runs = {run.made.call.span for run in self.agent_runs_in(runner)}
        return runner, runs.pop() if len(runs) == 1 else self.functions[runner].name_span

    def agent_runs_in(self, function: str) -> tuple[AgentRun, ...]:
        """The calls in a durable function's own code that run agents, in source order."""
        known = self._runs.get(function)
        if known is None:
            known = self._runs[function] = tuple(self._agents.runs(self.functions[function]))
        return known

    @cached_property
    def _runs(self) -> dict[str, tuple[AgentRun, ...]]:
        return {}

    @cached_property
    def agent_runs(self) -> Mapping[tuple[str, Span], AgentRun]:
        """The calls in durable code that run agents, by file and place."""
        runs = (run for name in self.durable for run in self.agent_runs_in(name))
        return {(self.path_of(run.made.function), run.made.call.span): run for run in runs}

    def has_context(self, function: str) -> bool:
        """Whether a context is in scope in a function."""
        known = self._contexts.get(function)
        if known is None:
            known = self._contexts[function] = function in self.functions and self.context_name(function) is not None
        return known

    @cached_property
    def _contexts(self) -> dict[str, bool]:
        return {}

    def _context_attribute(self, owner: str) -> str | None:
        for at in self.index.ancestors(owner, self._durable.resolver):
            declared = self.classes.get(at)
            for name in declared.attributes if declared is not None else ():
                if any(self.is_context(value) for value in self.resolve(f"{owner}().{name}")):
                    return name
        return None

    def uses(self, function: str) -> tuple[Use, ...]:
        """The uses in a durable function's own code, in source order; one for each place and effect."""
        return self._uses.of(function)

    def causes(self, function: str) -> tuple[Cause, ...]:
        """The primitives in a durable function's own code, in source order; also where their effects are reported at the callers."""
        found: dict[tuple[Span, Effect], Cause] = {}
        for primitive in sorted(self._durable.visit(function).primitives, key=lambda p: (p.span, p.name)):
            cause = Cause(function, primitive.span, primitive.call, primitive.effect, primitive.name)
            found.setdefault((cause.span, cause.effect), cause)
        return tuple(found.values())

    def violations(self, function: str) -> tuple[StepViolation, ...]:
        """Where steps that a durable function hands over use a context, in source order."""
        found: dict[tuple[str, Span, str], StepViolation] = {}
        for step in self.steps(function):
            for violation in self._of_step(step):
                found.setdefault((violation.function, violation.call.span, violation.method), violation)
        return tuple(found.values())

    def _of_step(self, step: Step) -> Iterator[StepViolation]:
        for value in sorted(self.resolve(step.action.values)):
            info = self.knowledge.operation(value) if not self.index.is_ours(value) else None
            if info is not None:
                hop = Hop(display(value), self.path_of(step.function), step.action.span)
                yield StepViolation(step, step.function, step.call, info.name, value.rpartition("().")[0], (hop,))
        for action in step.actions:
            path = self.path_of(action)
            for operation in self._stepped.visit(action).operations:
                hop = Hop(display(f"{operation.context}.{operation.method}"), path, operation.call.span)
                yield StepViolation(step, action, operation.call, operation.method, operation.context, (hop,))
            for edge in self._stepped.visit(action).edges:
                if edge.call is None:
                    continue
                first = Hop(display(edge.target), path, edge.span)
                for method, (operation, hops) in sorted(self._operations_below(action, edge).items()):
                    yield StepViolation(step, action, edge.call, method, operation.context, (first, *hops))

    def _operations_below(self, caller: str, edge: Edge) -> dict[str, tuple[Operation, tuple[Hop, ...]]]:
        """Each durable operation that a call in step code comes to, with the shortest chain to it."""
        found: dict[str, tuple[Operation, tuple[Hop, ...]]] = {}
        given = enter(self._stepped, caller, frozenset(), edge)
        for way in walk(self._stepped, edge.target, given, lambda _: False):
            for operation in self._stepped.visit(way.node).operations:
                last = Hop(display(f"{operation.context}.{operation.method}"), self.path_of(way.node), operation.call.span)
                found.setdefault(operation.method, (operation, (*way.hops, last)))
        return found

    def in_step(self, step: Step) -> tuple[Use, ...]:
        """What a step does: the uses in the actions that it may be; of an action that is not the project's, its own effect."""
        found = [use for action in step.actions for use in does(self._stepped, action)]
        for value in sorted(self.resolve(step.action.values)):
            effect = self.knowledge.effect(value, None) if not self.index.is_ours(value) else None
            if effect is not None:
                hop = Hop(display(value), self.path_of(step.function), step.action.span)
                found.append(Use(step.function, step.action.span, None, effect, (hop,), value, step.function))
        return tuple(found)

    def unresolved(self, function: str) -> tuple[Unresolved, ...]:
        """The calls in a durable function's own code of which it is not known what they do, in source order."""
        return tuple(found for call in self.functions[function].calls for found in self._unresolved(call))

    def _unresolved(self, call: Call) -> Iterator[Unresolved]:
        values = self.resolve(call.callees)
        if not values:
            yield Unresolved(call, None)
        for value in sorted(values):
            if not self.is_known(value):
                yield Unresolved(call, value)

    def is_known(self, value: str) -> bool:
        """Whether it is known what calling a canonical value does.

        Packs have all that does something in the standard library, and what comes out of the journal is data.
        """
        if self.index.is_ours(value) or self.knowledge.is_known(value):
            return True
        context, _, rest = value.partition("().")
        return (
            value.partition(".")[0] in sys.stdlib_module_names
            or self.knowledge.operation(f"{context}().{rest.partition('(')[0]}") is not None
        )

    def shared(self, function: str) -> tuple[Shared, ...]:
        """The variables that outlive an invocation and that a durable function uses, as far as replay may see other values in them."""
        return self._shared.get(function, ())

    @cached_property
    def _shared(self) -> dict[str, tuple[Shared, ...]]:
        return shared(self._durable, self._stepped)

    @cached_property
    def _operations(self) -> dict[str, tuple[Operation, ...]]:
        return {}

    def work_out_uses(self) -> None:
        """Find the uses in all durable code: only then is it known which comments clear effects."""
        for name in self._durable.nodes:
            self._uses.of(name)

    @cached_property
    def _uses(self) -> Uses:
        reach, stepped = self._durable, self._stepped.nodes
        return Uses(reach, lambda n: n in reach.roots or (n not in stepped and self.has_context(n)), self._silenced)


def link(
    facts: Iterable[Facts],
    knowledge: Knowledge,
    silenced: Silenced,
    *,
    sources: Mapping[str, Source] | None = None,
    sdk: Sdk = NEWEST_KNOWN,
    server: str = "",
    pause: Callable[[], None] = lambda: None,
) -> Project:
    """Find the handlers, follow what they run, and say what has an effect.

    `silenced(facts, function, span, effect)` says whether a comment clears an effect at a place of a function that is not itself
    reported on: a primitive, a call on the way, or (with the span of its name) the function.  `pause()` is called again and again, and may
    raise to stop it.
    """
    files = sorted(facts, key=lambda f: f.path)
    found = index((f for f in files if f.broken is None), knowledge)
    durable = Reach(found, Resolver(found), pause=pause)
    stepped = Reach(found, Resolver(found, durable.resolver), pause=pause)
    packages = frameworks(knowledge)
    agents = Agents(found, durable.resolver, durable.nodes, packages=packages, imported=imports(found.modules.values(), packages))
    return _linked(
        files,
        durable,
        stepped,
        agents,
        known=Registry(),
        functions=[*found.functions.values()],
        silenced=silenced,
        sources=sources or {},
        sdk=sdk,
        server=server,
    )


def _packages(name: str) -> list[str]:
    """A dotted name and what it stands in: `a`, `a.b`, `a.b.c`."""
    return [name[:end] for end in (*(at for at, character in enumerate(name) if character == "."), len(name))]


def _linked(
    files: Iterable[Facts],
    durable: Reach,
    stepped: Reach,
    agents: Agents,
    *,
    known: Registry,
    functions: Collection[Function],
    silenced: Silenced,
    sources: Mapping[str, Source],
    sdk: Sdk,
    server: str,
    before: _Runs | None = None,
) -> Project:
    """A project from what is known of all but some functions; `before`: what it was before those were others."""
    found = durable.index
    agents.decorated = functions
    registry = find(found, durable.resolver, functions, known)
    handlers, services = registry.handlers, registry.services
    kinds = {service.name: service.kind for service in reversed(services) if service.kind != "service"}
    entered = {handler.function for handler, _ in known.by_place.values()}
    for handler in handlers:
        if handler.function not in entered:
            _enter_handler(durable, handler, kinds)
    for slot, values in sorted(registry.wrapped.items()):
        durable.resolver.bind(slot.rpartition(":")[0], slot, values)
    entries = frozenset(handler.function for handler in handlers)
    _explore_all(durable, stepped, entries, agents, functions)
    if [durable.take_back(), stepped.take_back()] != [False, False]:
        _explore_all(durable, stepped, entries, agents, functions)
    reached, shown = _reached(durable, agents, handlers, before)
    by_name = {(file.path, file.module): file for file in files}
    return Project(
        facts={path: file for (path, _), file in by_name.items()},
        index=found,
        handlers=handlers,
        services=services,
        durable=shown,
        _durable=durable,
        _stepped=stepped,
        _silenced=silenced,
        _agents=agents,
        _registry=registry,
        _files=by_name,
        _reached=reached,
        sources=sources,
        sdk=sdk,
        server=server,
    )


# -- what runs ---------------------------------------------------------------------------------------------------------


def _enter_handler(durable: Reach, handler: Handler, kinds: Mapping[str, str]) -> None:
    """Have a handler run, with the context that it is given; `kinds`: of the objects and workflows, by name."""
    if handler.recovers:
        return
    function = durable.index.functions[handler.function]
    durable.roots[handler.function] = None
    first = next((p for p in function.parameters if p.kind == "positional"), None)
    if first is not None and function.binds is None:
        kind = {"exclusive": "object", "main": "workflow", "service": "service"}.get(handler.kind)
        if kind is None:
            kind = f"{kinds.get(handler.service, 'object')}-shared"
        context = next(name for name, declared in durable.index.knowledge.contexts.items() if declared == kind)
        durable.resolver.bind(handler.function, f"{handler.function}:{first.name}", {f"{context}()"})
    for _, wrapper in wrappers(durable.index, durable.resolver, function):
        durable.roots[wrapper] = None


def _explore_all(durable: Reach, stepped: Reach, handlers: frozenset[str], agents: Agents, functions: Iterable[Function]) -> None:
    """Explore durable code and the steps it hands over, until neither finds more; what starts by itself is looked for in `functions`."""
    helpers_added = False
    for _ in range(MOST_ROUNDS):
        explore(durable)
        stepped.roots.clear()
        for name, visit in durable.nodes.items():
            if visit.steps:
                _start(stepped, name, visit.steps)
        stepped.roots.update(dict.fromkeys(name for name, role in agents.roles.items() if role is Role.STEP))
        explore(stepped)
        before = len(durable.takers) + len(durable.roots) + len(agents.roles)
        _take_wrapped(durable, stepped)
        for root in [*_escapes(durable, stepped), *_tools(durable, agents, functions)]:
            durable.roots[root] = None
        if len(durable.takers) + len(durable.roots) + len(agents.roles) == before:
            if helpers_added:
                break
            helpers_added = True
            for root in _helpers(durable, stepped, handlers, functions):
                durable.roots[root] = None
            if len(durable.takers) + len(durable.roots) + len(agents.roles) == before:
                break
    durable.tools = frozenset(tool for owned in agents.owners.values() for tool in owned if tool in durable.nodes)


def _start(stepped: Reach, function: str, steps: list[Step]) -> None:
    """Have the actions of the steps that a function hands over run, with what they are given: bound again only if that may be other."""
    for step in steps:
        for action in step.actions:
            stepped.roots[action] = None
    reader = f"{function}:<steps>"
    if stepped.started.get(function) is not steps or reader in stepped.resolver.stale:
        stepped.started[function] = steps
        stepped.resolver.begin()
        for step in steps:
            for action in step.actions:
                _bind_action(stepped, step, action)
        stepped.resolver.end(reader)


def _bind_action(stepped: Reach, step: Step, action: str) -> None:
    """What `run_typed("x", action, options, *args, **kwargs)` and `run("x", action, args=(...))` hand to the action."""
    parameters = stepped.index.functions[action].parameters
    if not step.direct or not parameters:
        return
    resolve = stepped.resolver.resolve
    given = {a.keyword: a for a in step.call.arguments if a.keyword is not None}
    bound = parameters[1:] if stepped.index.functions[action].binds is not None else parameters
    for parameter in bound:
        if parameter.name in given:
            stepped.hand(step.function, action, f"{action}:{parameter.name}", resolve(given[parameter.name].values))
    positional = [a.values for a in step.call.arguments if a.keyword is None][3:]
    if "args" in given and given["args"].elements:
        positional = list(given["args"].elements)
    for parameter, values in zip((p for p in bound if p.kind == "positional"), positional, strict=False):
        stepped.hand(step.function, action, f"{action}:{parameter.name}", resolve(values))


def _take_wrapped(durable: Reach, stepped: Reach) -> None:
    """A function whose parameter is called by a step it hands over takes steps too: `ctx.run_typed(name, lambda: fn(x))`."""
    called = durable.called()
    for name in [name for name in stepped.nodes if name in stepped.fresh]:
        function = stepped.index.functions.get(name)
        if function is None or name in called:
            continue
        for call in function.calls:
            for ref in call.callees:
                if ref.partition(":")[0] != name:
                    take(durable, ref)


def _escapes(durable: Reach, stepped: Reach) -> Iterator[str]:
    """The lambdas and nested functions that durable code builds and hands on, other than as a step or to somebody we do not know."""
    found = durable.index
    called = durable.called()
    for name in [name for name in durable.nodes if name in durable.fresh]:
        function = found.functions.get(name)
        if function is None:
            continue
        loose = [inner for inner in function.nested if inner not in called and inner not in stepped.nodes and inner not in durable.roots]
        handing = _Handing.of(found, function) if loose else None
        for inner in loose:
            if handing is not None and _is_handed_on(found, durable.resolver, function, handing, inner):
                yield inner


class _Handing(Struct, frozen=True):
    """What a function and those that stand in it do with refs."""

    passed: Mapping[Ref, list[tuple[str, Call]]]  # as (an element of) an argument: by whom, to what
    read: Mapping[Ref, list[tuple[str, Refs]]]  # by whom, with what else it may be there
    variables: Mapping[Ref, list[Ref]]  # of the function itself, that hold it
    elements: frozenset[Ref]  # of what the function puts into containers

    @classmethod
    def of(cls, found: Index, function: Function) -> _Handing:
        """By the facts of all of them."""
        passed: dict[Ref, list[tuple[str, Call]]] = defaultdict(list)
        read: dict[Ref, list[tuple[str, Refs]]] = defaultdict(list)
        variables: dict[Ref, list[Ref]] = defaultdict(list)
        for user in (function, *(found.functions[name] for name in function.nested)):
            for call in user.calls:
                for argument in call.arguments:
                    for ref in {*argument.values, *(ref for refs in argument.elements for ref in refs)}:
                        passed[ref].append((user.name, call))
            for each in user.reads:
                for ref in each.values:
                    read[ref].append((user.name, each.values))
        bindings = [(f"{function.name}:{name}", binding) for name, several in function.variables.items() for binding in several]
        for variable, binding in bindings:
            for ref in binding.values:
                variables[ref].append(variable)
        return cls(passed, read, variables, frozenset(ref for _, binding in bindings for ref in binding.elements))


def _is_handed_on(found: Index, resolver: Resolver, function: Function, handing: _Handing, inner: str) -> bool:
    built = found.functions[inner]
    if built.decorators:
        return True
    names = {inner, *handing.variables.get(inner, ())}
    passed = [call for name in names for user, call in handing.passed.get(name, ()) if user != inner]
    if built.is_lambda and not passed:
        return True
    kept = inner in function.returns or any(
        user == function.name or (user != inner and values != (inner,)) for name in names for user, values in handing.read.get(name, ())
    )
    return kept or inner in handing.elements or any(resolver.resolve(call.callees) for call in passed)


def _helpers(durable: Reach, stepped: Reach, handlers: frozenset[str], functions: Iterable[Function]) -> Iterator[str]:
    """Functions with a parameter that is annotated as a context and that nobody we know calls: only durable code has a context to give."""
    found = durable.index
    for function in functions:
        annotated = [parameter.annotation for parameter in function.parameters if parameter.annotation]
        if not annotated or not function.calls:
            continue
        if function.name in durable.nodes or function.name in stepped.nodes or function.name in handlers:
            continue
        if any(found.is_context(value) for refs in annotated for value in durable.resolver.resolve(refs)):
            yield function.name


# -- agents ------------------------------------------------------------------------------------------------------------


def _tools(durable: Reach, agents: Agents, functions: Iterable[Function]) -> Iterator[str]:
    """The functions of the agents that durable code runs, and those that a decorator makes durable tools; not those that run in steps."""
    if not agents.imported:
        return
    for function in functions:
        for refs in function.decorators:
            part = agents.part(tuple(ref.removesuffix("()") for ref in refs))
            if part is not None and part[1].kind == "durable":
                agents.roles[function.name] = Role.TOOL
                yield function.name
    for name in list(durable.nodes):
        function_at = durable.index.functions.get(name)
        if function_at is None:
            continue
        for found, role in agents.functions(function_at):
            agents.owners.setdefault(name, {})[found] = None
            if agents.roles.get(found) is not Role.TOOL and (role is Role.TOOL or found not in agents.roles):
                agents.roles[found] = role
            if role is not Role.STEP:
                yield found


class _Runs(Struct, frozen=True):
    """What runs what, and a bit for each handler that reaches something, or a durable function."""

    durable: Reach
    agents: Agents
    handlers: tuple[Handler, ...]
    reached: Mapping[str, int]
    shown: Mapping[str, int]


def _reached(
    durable: Reach, agents: Agents, handlers: tuple[Handler, ...], before: _Runs | None
) -> tuple[_Told[tuple[Handler, ...]], _Told[Refs]]:
    """Which handlers reach which functions, and the sorted names of those that reach a durable one."""
    if before is not None and _runs_alike(before, durable, agents, handlers):
        reached, of_durable = before.reached, before.shown
    else:
        reached = _masks(durable, agents, handlers)
        of_durable = {name: reached.get(name, 0) for name in durable.nodes if name in durable.index.functions}

    @cache
    def told(mask: int) -> tuple[Handler, ...]:
        return tuple(handlers[bit] for bit in _bits(mask))

    @cache
    def shown(mask: int) -> tuple[str, ...]:
        return tuple(sorted(handler.display for handler in told(mask)))

    return _Told(reached, told), _Told(of_durable, shown)


def _runs_alike(before: _Runs, durable: Reach, agents: Agents, handlers: tuple[Handler, ...]) -> bool:
    """Whether the same runs the same as before: what was visited since has the same calls."""
    now, then = durable.index.functions, before.durable.index.functions
    return (
        [handler.function for handler in handlers] == [handler.function for handler in before.handlers]
        and durable.nodes.keys() == before.durable.nodes.keys()
        and agents.owners == before.agents.owners
        and all(
            durable.visits[name].next == before.durable.visits[name].next
            and (name not in now or (name in then and now[name].nested == then[name].nested))
            for name in durable.fresh
            if name in durable.nodes
        )
    )


def _masks(durable: Reach, agents: Agents, handlers: tuple[Handler, ...]) -> Mapping[str, int]:
    """A bit for each handler that reaches something."""
    functions, nodes = durable.index.functions, durable.nodes
    masks: dict[str, int] = defaultdict(int)
    for bit, handler in enumerate(handlers):
        masks[handler.function] |= 1 << bit
    todo = deque(masks)
    waiting = set(masks)
    while todo:
        name = todo.popleft()
        waiting.discard(name)
        mask = masks[name]
        runs = durable.visits[name].next if name in nodes else ()
        within = (*functions[name].nested, *agents.owners.get(name, ())) if name in functions else ()
        for target in (*runs, *(inner for inner in within if inner in nodes)) if within else runs:
            known = masks[target]
            if known | mask != known:
                masks[target] = known | mask
                if target not in waiting:
                    waiting.add(target)
                    todo.append(target)
    return dict(masks)


def _bits(mask: int) -> Iterator[int]:
    while mask:
        yield (mask & -mask).bit_length() - 1
        mask &= mask - 1


class _Told(Mapping[str, Worked]):
    """A mapping whose values are told when they are asked for: most are not."""

    __slots__ = ("masks", "tell")

    def __init__(self, masks: Mapping[str, int], tell: Callable[[int], Worked]) -> None:
        self.masks = masks
        self.tell = tell

    def __getitem__(self, name: str) -> Worked:
        return self.tell(self.masks[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self.masks)

    def __len__(self) -> int:
        return len(self.masks)

    def __contains__(self, name: object) -> bool:
        return name in self.masks


Found = TypeVar("Found", Operation, Step)


def _first_of_each(found: Iterable[Found]) -> list[Found]:
    """One for each place: a call whose callee may be several things is still one call."""
    seen: dict[Span, Found] = {}
    for item in found:
        seen.setdefault(item.call.span, item)
    return sorted(seen.values(), key=lambda item: item.call.span)
