"""Services and their handlers: every function that is registered, in every form of registration."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct, field
from msgspec.structs import replace

from rea_lint.facts import string
from rea_lint.resolve import last_names, may_be, ordered

if TYPE_CHECKING:
    from collections.abc import Collection, Container, Iterable, Mapping

    from rea_lint.facts import Call, Function, Ref, Refs
    from rea_lint.resolve import Index, Resolver
    from rea_lint.text import Span

_Place: TypeAlias = "tuple[str, Span] | str"  # of the call that makes a service (two may share a name); of none, what it is called instead
_Registration: TypeAlias = "tuple[str, Call, str | None]"  # canonical name, the call, what is wrapped around the function

MOST_FOLLOWED = 8  # variables and imports between a registration and the call that makes its service


class Handler(Struct, frozen=True):
    """A function registered on a service.  `kind` is `service`, `exclusive`, `shared` or `main`."""

    function: str
    service: str
    name: str
    kind: str
    path: str
    span: Span  # of the function's name
    recovers: bool = False  # marked for explicit recovery: a retry runs it from the start, it is never replayed

    @property
    def display(self) -> str:
        """`Service.handler`."""
        return f"{self.service}.{self.name}"

    @property
    def place(self) -> tuple[str, Span, str]:
        """What tells it from all others: path, span and `display`; one that is imported by two names is one."""
        return self.path, self.span, self.display


class Service(Struct, frozen=True):
    """A service, virtual object or workflow.  `kind` is `service`, `object` or `workflow`."""

    name: str
    kind: str
    path: str
    span: Span  # of the call that makes it
    handlers: tuple[Handler, ...]


class Registry(Struct, frozen=True):
    """What is registered, and by what."""

    made: Mapping[tuple[str, Span], Service] = field(default_factory=dict)  # without handlers, by the function and place that makes it
    by_place: Mapping[tuple[str, _Place], tuple[Handler, str]] = field(default_factory=dict)  # with whose code, by function and service
    registers: Mapping[str, _Registration] = field(default_factory=dict)
    wrapped: Mapping[Ref, list[str]] = field(default_factory=dict)  # parameter of a registering decorator -> functions that it is given

    @property
    def handlers(self) -> tuple[Handler, ...]:
        """All handlers, by place."""
        return tuple(sorted((handler for handler, _ in self.by_place.values()), key=lambda h: (h.path, h.span, h.service, h.function)))

    @property
    def services(self) -> tuple[Service, ...]:
        """All services, by place."""
        of_place: dict[_Place, list[Handler]] = defaultdict(list)
        for (_, place), (handler, _) in self.by_place.items():
            of_place[place].append(handler)
        return tuple(
            replace(service, handlers=tuple(sorted(of_place[service.path, service.span], key=lambda h: (h.path, h.span, h.function))))
            for service in sorted(self.made.values(), key=lambda s: (s.path, s.span))
        )

    def without(self, functions: Container[str]) -> Registry:
        """What is registered elsewhere than in, or by, some functions."""
        return Registry(
            {place: service for place, service in self.made.items() if place[0] not in functions},
            {place: each for place, each in self.by_place.items() if place[0] not in functions and each[1] not in functions},
            {name: registration for name, registration in self.registers.items() if name not in functions},
            {slot: [name for name in given if name not in functions] for slot, given in self.wrapped.items()},
        )


def find(found: Index, resolver: Resolver, functions: Collection[Function], known: Registry) -> Registry:
    """What is registered by the code of some functions, and the functions that they decorate, added to what is known of the others."""
    registered: list[tuple[str, str, Call | None, Refs, str]] = []  # function, registration, its call, the decorator, by whose code
    wrapped: dict[Ref, list[str]] = defaultdict(list, known.wrapped)
    registrations = found.knowledge.registrations
    calls = _calls(found, functions)
    registers = {**known.registers, **_registering_parameters(found, resolver, calls)}
    for function in functions:
        for refs in function.decorators:
            for decorator in ordered(resolver.resolve(_unwrapped(found, resolver, _called(refs)))):
                if decorator in registrations:
                    made_by = next((call for call in calls.decorating.get(function.name, ()) if call.callees == _called(refs)), None)
                    registered.append((function.name, decorator, made_by, refs, function.name))
            for decorator in ordered(resolver.resolve(refs)):
                if decorator in registers:
                    registration, call, inner = registers[decorator]
                    if inner is None:
                        registered.append((function.name, registration, call, call.callees, function.name))
                    parameter = found.functions[decorator].parameters[0].name
                    wrapped[f"{decorator}:{parameter}"].append(function.name)
        for call in calls.registering.get(function.name, ()):
            if call.arguments and not call.decorates:
                for registration in ordered(resolver.resolve(_called(call.callees))):
                    if registration in registrations:
                        inner_call = function.call(call.callee_span)
                        registered.extend(
                            (target, registration, inner_call, call.callees, function.name)
                            for target in ordered(resolver.resolve(call.arguments[0].values))
                            if target in found.functions
                        )
    services = {**known.made, **_services(found, resolver, calls)}
    handlers = dict(known.by_place)
    for name, registration, made, refs, by in registered:
        function = found.functions[name]
        service = _service_of(found, resolver, refs, services)
        kind = _literal(found, made, 1, "kind") or registrations[registration]
        recovers = refs != _unwrapped(found, resolver, refs) or any(
            value in found.knowledge.recovering for decorator in function.decorators for value in resolver.resolve(decorator)
        )
        display = service.name if service is not None else _service_kind(registration)
        handler = Handler(
            name,
            display,
            _literal(found, made, 0, "name") or function.written_name,
            kind if kind in {"exclusive", "shared"} and registration != "restate.Workflow().main" else registrations[registration],
            found.home[name].path,
            function.name_span,
            recovers,
        )
        handlers.setdefault((name, (service.path, service.span) if service is not None else display), (handler, by))
    return Registry(services, handlers, registers, wrapped)


def _unwrapped(found: Index, resolver: Resolver, refs: Refs) -> Refs:
    """`counter.handler` where `counter = explicit_recovery(VirtualObject("counter"))`: the refs of what was marked."""
    unwrapped: list[Ref] = []
    for ref in refs:
        head, _, method = ref.partition("()")[0].rpartition(".")
        for holder, binding in found.bindings(head):
            made = found.call_at(binding, holder)
            if made is not None and made[1].arguments and resolver.resolve(made[1].callees) & found.knowledge.recovering:
                unwrapped += [f"{value}.{method}{ref.partition('()')[1]}" for value in made[1].arguments[0].values]
    return tuple(unwrapped) or refs


def _called(refs: Refs) -> Refs:
    """What a decorator like `@svc.handler()` calls."""
    return tuple([ref[:-2] for ref in refs if ref.endswith("()")])


class _Calls(Struct, frozen=True):
    """The calls that may register or make something, as far as can be seen without asking what they call: few of all."""

    registering: Mapping[str, list[Call]]  # by function: what calls the result of a call, or decorates a nested function
    making: list[tuple[Function, Call]]
    decorating: Mapping[str, list[Call]]  # by what is decorated


def _calls(found: Index, functions: Iterable[Function]) -> _Calls:
    registering: dict[str, list[Call]] = defaultdict(list)
    making: list[tuple[Function, Call]] = []
    decorating: dict[str, list[Call]] = defaultdict(list)
    services = last_names(found, found.knowledge.services)
    for function in functions:
        for call in function.calls:
            registers = makes = False
            if call.decorates is not None:
                registers = call.decorates in function.nested
                decorating[call.decorates].append(call)
            for ref in call.callees:
                registers = registers or ref.endswith("()")
                makes = makes or may_be(ref, services)
            if registers:
                registering[function.name].append(call)
            if makes:
                making.append((function, call))
    return _Calls(registering, making, decorating)


def _registering_parameters(found: Index, resolver: Resolver, calls: _Calls) -> dict[str, _Registration]:
    """Functions that register as a handler what they are given: itself, or (the third) a function they wrap around it."""
    result: dict[str, _Registration] = {}
    registrations = found.knowledge.registrations
    for name, registering in calls.registering.items():
        function = found.functions[name]
        if not function.parameters:
            continue
        given = f"{name}:{function.parameters[0].name}"
        for call in registering:
            for registration in ordered(resolver.resolve(_called(call.callees))):
                if registration in registrations and call.arguments and given in call.arguments[0].values:
                    result[name] = (registration, function.call(call.callee_span) or call, None)
            if call.decorates in function.nested:
                for registration in ordered(resolver.resolve(call.callees)):
                    if registration in registrations:
                        result[name] = (registration, call, call.decorates)
    return result


def _services(found: Index, resolver: Resolver, calls: _Calls) -> dict[tuple[str, Span], Service]:
    services: dict[tuple[str, Span], Service] = {}
    kinds = found.knowledge.services
    for function, call in calls.making:
        for made in ordered(resolver.resolve(call.callees)):
            kind = kinds.get(made) if made in kinds and not found.is_ours(made) else None
            if kind is not None:
                path = found.home[function.name].path
                name = _literal(found, call, 0, "name") or _variable_of(found, function, call)
                services[function.name, call.span] = Service(name, kind, path, call.span, ())
    return services


def _variable_of(found: Index, function: Function, call: Call) -> str:
    """A service whose name is computed goes by the variable that holds it."""
    variables = found.home[function.name].variables if function.name.endswith(".<module>") else function.variables
    return next((name for name, bindings in variables.items() if any(b.span == call.span for b in bindings)), "?")


def _service_of(found: Index, resolver: Resolver, refs: Refs, services: Mapping[tuple[str, Span], Service]) -> Service | None:
    """The service a registration belongs to, followed through variables and imports to the call that makes it."""
    todo = [ref.removesuffix("()").rpartition(".")[0] for ref in refs]
    seen: set[str] = set()
    for ref in todo:
        if ref in seen or len(seen) > MOST_FOLLOWED:
            continue
        seen.add(ref)
        if ref.endswith("()"):  # made in place, or by a function of the project
            for maker in ordered(resolver.resolve(ref[:-2])):
                owner = found.functions.get(maker)
                made = [services[owner.name, c.span] for c in owner.calls if (owner.name, c.span) in services] if owner is not None else []
                if made:
                    return made[0]
            continue
        scope, _, name = ref.rpartition("." if ":" not in ref else ":")
        holders = found.bindings(ref) or [
            (owner, binding) for owner in _classes(found, resolver, scope) for binding in found.classes[owner].attributes.get(name, ())
        ]
        if scope in found.modules:
            todo.extend(f"{star}.{name}" for star in found.starred(scope, name) if star in found.modules)
        for holder, binding in holders:
            made_at = found.call_at(binding, holder)
            if made_at is not None:
                spans = (made_at[1].span, *(a.span for a in made_at[1].arguments))
                for span in spans:
                    if (made_at[0].name, span) in services:
                        return services[made_at[0].name, span]
            for function in found.functions.values() if holder in found.classes else ():
                if function.owner == holder and (function.name, binding.span) in services:
                    return services[function.name, binding.span]
            todo.extend(binding.values)
    return None


def _classes(found: Index, resolver: Resolver, ref: Ref) -> list[str]:
    return [v.removesuffix("()") for v in sorted(resolver.resolve(ref)) if v.removesuffix("()") in found.classes] or (
        [ref] if ref in found.classes else []
    )


def _service_kind(registration: str) -> str:
    return registration.partition("(")[0].rpartition(".")[2]


def _literal(found: Index, call: Call | None, position: int | None, keyword: str) -> str | None:
    """The text of a string argument that is a constant, or a name for one."""
    argument = call.argument(position, keyword) if call is not None else None
    if argument is None:
        return None
    named = [binding.literal for ref in argument.values for _, binding in found.bindings(ref)]
    return string(argument.literal or (named[0] if len(named) == 1 else None))
