"""What outlives an invocation: the variables of modules, classes and enclosing functions that durable code reads and changes.

A variable is a name of a module, an attribute of a class (or of an object that is made at import), a variable of a function around a
handler that is no handler itself, or a parameter whose default is a container.  Locals, and attributes of objects that durable code makes,
live as long as an attempt and are no state.
"""

from __future__ import annotations

import re
from collections import defaultdict
from functools import cached_property
from typing import TYPE_CHECKING

from msgspec import Struct, field

from rea_lint.packs import Effect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rea_lint.facts import Binding, Call, Facts, Function, Ref
    from rea_lint.reach import Reach
    from rea_lint.text import Span

__all__ = ["Change", "Origin", "Shared", "Variable", "shared"]

CONTAINERS = frozenset(
    {
        *(f"builtins.{kind}()" for kind in ("bytearray", "dict", "list", "set")),
        *(f"collections.{kind}()" for kind in ("Counter", "OrderedDict", "defaultdict", "deque")),
        *(f"typing.{kind}()" for kind in ("Counter", "DefaultDict", "Deque", "Dict", "List", "MutableMapping", "OrderedDict", "Set")),
        *(f"cachetools.{kind}()" for kind in ("Cache", "FIFOCache", "LFUCache", "LRUCache", "RRCache", "TLRUCache", "TTLCache")),
        "weakref.WeakValueDictionary()",
    }
)
TAKES = frozenset({"pop", "popitem", "popleft", "setdefault"})  # change the container, and give something of it
CHANGES = TAKES | {
    *("add", "append", "appendleft", "clear", "difference_update", "discard", "extend", "extendleft", "insert", "intersection_update"),
    *("move_to_end", "remove", "reverse", "rotate", "sort", "subtract", "symmetric_difference_update", "update"),
}
DRAWN = frozenset({"itertools.count()", "itertools.cycle()"})  # `next` changes them, and gives something
VARIED = frozenset({Effect.CLOCK, Effect.RANDOM, Effect.UUID})  # what gives another value in each process
DEEPEST = 4  # aliases of a variable, and helpers of an import

_FIRST = re.compile(r"[^.\[(<]+")


class Change(Struct, frozen=True):
    """A place that changes a variable."""

    function: str
    path: str
    span: Span  # of the value that is assigned, of the element, or of the call: `counts[key]`, `seen.add(key)`


class Origin(Struct, frozen=True):
    """What gives a variable its value at import: a clock, a random number."""

    path: str
    span: Span
    name: str  # canonical: `time.time`


class Variable(Struct, frozen=True):
    """A variable that outlives an invocation."""

    name: str  # dotted: `shop.orders.COUNTS`; of a function around, `shop.orders.make:count`
    path: str
    span: Span | None  # where it gets its value first
    origin: Origin | None = None

    @property
    def display(self) -> str:
        """Its name as messages say it."""
        last = re.split(r"[.:]", self.name)
        return last[-1] if len(last) < 2 or not last[-2][:1].isupper() else f"{last[-2]}.{last[-1]}"


class Shared(Struct, frozen=True):
    """A variable that outlives an invocation, as one durable function uses it."""

    function: str
    variable: Variable
    changes: tuple[Change, ...]  # by this function itself, in source order
    reads: tuple[Span, ...]  # the same
    elsewhere: tuple[Change, ...]  # by other durable code, or in steps
    is_read: bool  # by durable code, here or elsewhere


def shared(durable: Reach, stepped: Reach) -> dict[str, tuple[Shared, ...]]:
    """For each durable function the variables that it uses and that durable code or a step changes, or whose value was drawn at import."""
    search = _Search(durable, stepped)
    changes: dict[str, list[Change]] = defaultdict(list)
    reads: dict[str, dict[str, list[Span]]] = defaultdict(lambda: defaultdict(list))
    in_steps = [name for name in stepped.nodes if name not in durable.nodes]
    for name in (*durable.nodes, *in_steps):
        function = durable.index.functions.get(name)
        if function is None:
            continue
        facts = durable.index.home[name]
        for key, span in sorted(set(search.changes(function, facts))):
            changes[key].append(Change(name, facts.path, span))
        if name in durable.nodes:
            for key, span in sorted(set(search.reads(function))):
                reads[key][name].append(span)
    found: dict[str, list[Shared]] = defaultdict(list)
    for name in durable.nodes:
        found[name].extend(search.defaults(name))
    for key in sorted({*changes, *(key for key in reads if search.origin(key) is not None)}):
        variable = search.known(key)
        users = dict.fromkeys((*(c.function for c in changes[key]), *reads.get(key, ())))
        for name in users:
            if name in durable.nodes:
                own = tuple(c for c in changes[key] if c.function == name)
                others = tuple(c for c in changes[key] if c.function != name)
                is_read = bool(reads.get(key)) or any(search.mentions(user, key) for user in users)
                found[name].append(Shared(name, variable, own, tuple(reads.get(key, {}).get(name, ())), others, is_read))
    return {name: tuple(each) for name, each in found.items()}


class _Search(Struct, dict=True):
    durable: Reach
    stepped: Reach
    _keys: dict[Ref, str | None] = field(default_factory=dict)

    # -- places --------------------------------------------------------------------------------------------------------

    def changes(self, function: Function, facts: Facts) -> Iterator[tuple[str, Span]]:
        """The variables that a function's own code changes, and where."""
        for write in function.writes:
            for ref in write.target:
                key = self.key(ref)
                if key is not None and (
                    "." in ref.rpartition(":")[2].removeprefix(key) or not self._bindings(key) or self._is_container(key)
                ):
                    yield key, write.span
        for key, binding in self._assigned(function, facts):
            yield key, binding.span
        for call in function.calls:
            for ref in call.callees:
                head, _, method = ref.rpartition(".")
                key = self.key(head) if method in CHANGES and head else None
                if key is not None and self._is_container(key):
                    yield key, call.span
            yield from self._drawn(call)

    def reads(self, function: Function) -> Iterator[tuple[str, Span]]:
        """The variables that a function's own code reads, and where."""
        written = {write.span.start for write in function.writes}
        for read in function.reads:
            for ref in read.values:
                key = self.key(ref)
                if key is not None and read.span.start not in written:
                    yield key, read.span
        for call in function.calls:
            for ref in call.callees:
                head, _, method = ref.rpartition(".")
                key = self.key(head) if head else None
                if key is not None and (method not in CHANGES or (method in TAKES and not call.discarded)):
                    yield key, call.span
            for argument in call.arguments:
                for refs, span in ((argument.values, argument.span), *zip(argument.elements, argument.element_spans, strict=True)):
                    for ref in refs:
                        key = self.key(ref)
                        if key is not None and not ref.endswith(")"):
                            yield key, span
            yield from self._drawn(call)

    def mentions(self, name: str, key: str) -> bool:
        """Whether durable code reads a variable of a function around it, of which facts do not tell where."""
        function = self.durable.index.functions[name]
        return name in self.durable.nodes and ":" in key and function.names.get(key.rpartition(":")[2]) == (key,)

    def _drawn(self, call: Call) -> Iterator[tuple[str, Span]]:
        """`next(ids)`, of a counter."""
        if call.callees != ("builtins.next",) or not call.arguments:
            return
        for ref in call.arguments[0].values:
            key = self.key(ref)
            if key is not None and any(value in DRAWN for binding in self._bindings(key) for value in binding.values):
                yield key, call.span

    def _assigned(self, function: Function, facts: Facts) -> Iterator[tuple[str, Binding]]:
        """The variables around a function that it assigns by `global` or `nonlocal`."""
        tables = []
        if "Global" in function.shape:
            tables.append((f"{facts.module}.", facts.variables))
        if "Nonlocal" in function.shape:
            around = self.durable.index.functions.get(function.scope)
            while around is not None:
                if not self._runs(around.name):
                    tables.append((f"{around.name}:", around.variables))
                around = self.durable.index.functions.get(around.scope)
        nested = [self.durable.index.functions[name].span for name in function.nested]
        for prefix, table in tables:
            for name, bindings in table.items():
                for binding in bindings:
                    inside = function.span.contains(binding.span) and not any(span.contains(binding.span) for span in nested)
                    if inside and not _is_put(function, binding):
                        yield f"{prefix}{name}", binding

    # -- variables -----------------------------------------------------------------------------------------------------

    def key(self, ref: Ref, depth: int = 0) -> str | None:
        """The variable that a ref is, or begins with; None for all that does not outlive an invocation, or is not known."""
        if ref not in self._keys:
            self._keys[ref] = None  # while it is looked up
            self._keys[ref] = self._key(ref, depth) if depth < DEEPEST else None
        return self._keys[ref]

    def _key(self, ref: Ref, depth: int) -> str | None:
        if ":" in ref:
            scope, _, rest = ref.partition(":")
            first = _FIRST.match(rest)
            if first is None or "@" in first.group() or scope not in self.durable.index.functions:
                return None
            return self._local(self.durable.index.functions[scope], first.group(), rest[first.end() :], depth)
        modules = self.durable.index.modules
        parts = ref.split(".")
        for cut in range(len(parts) - 1, 0, -1):
            module = ".".join(parts[:cut])
            first = _FIRST.match(".".join(parts[cut:]))
            if module not in modules or first is None:
                continue
            name, rest = first.group(), ref[len(module) + 1 + first.end() :]
            if f"{module}.{name}" in self.durable.index.classes:
                return self._attribute(f"{module}.{name}", rest, is_object=False)
            if name in modules[module].variables:
                return self._global(module, name, rest, depth)
            return None
        return None

    def _global(self, module: str, name: str, rest: str, depth: int) -> str | None:
        bindings = self.durable.index.modules[module].variables[name]
        if len(bindings) == 1 and len(bindings[0].values) == 1:
            (value,) = bindings[0].values
            if not value.endswith((")", "]", ">")) and value != f"{module}.{name}":  # imported, or another name for it
                return self.key(value + rest, depth + 1)
        return self._held(f"{module}.{name}", bindings, rest)

    def _held(self, key: str, bindings: tuple[Binding, ...], rest: str) -> str | None:
        """A variable, or the attribute of the object that it holds."""
        attribute = re.match(r"\.(\w+)(?!\w|\()", rest)
        if attribute is None:
            return key if _is_part(rest) else None
        values = {value for binding in bindings for value in self.durable.resolver.resolve(binding.values)}
        ours = [value[:-2] for value in values if value.endswith("()") and value[:-2] in self.durable.index.classes]
        if ours:
            return self._attribute(ours[0], rest, is_object=True)
        return f"{key}.{attribute.group(1)}" if _is_part(rest[attribute.end() :]) else None

    def _local(self, function: Function, name: str, rest: str, depth: int) -> str | None:
        parameter = next((p for p in function.parameters if p.name == name), None)
        if parameter is not None and function.owner is not None and function.binds is not None and parameter is function.parameters[0]:
            return self._attribute(function.owner, rest, is_object=function.binds == "self")
        bindings = function.variables.get(name, ())
        if not self._runs(function.name):
            is_bound = parameter is not None or bool(bindings)
            return self._held(f"{function.name}:{name}", bindings, rest) if is_bound else None
        if parameter is not None and all(_is_put(function, binding) for binding in bindings):
            is_default = bool(CONTAINERS & set(parameter.default)) and not self._is_given(function, parameter.name)
            return f"{function.name}:{name}" if is_default and _is_part(rest) else None
        if len(bindings) == 1 and len(bindings[0].values) == 1 and not bindings[0].values[0].endswith(")"):
            return self.key(bindings[0].values[0] + rest, depth + 1)
        return None

    def _attribute(self, owner: str, rest: str, *, is_object: bool) -> str | None:
        """An attribute of a class, or of an object that lives as long."""
        attribute = re.match(r"\.(\w+)(?!\w|\()", rest)
        if attribute is None or not _is_part(rest[attribute.end() :]):
            return None
        index = self.durable.index
        for at in index.ancestors(owner, self.durable.resolver):
            declared = index.classes.get(at)
            bindings = declared.attributes.get(attribute.group(1)) if declared is not None else None
            if declared is None or bindings is None:
                continue
            key = f"{at}.{attribute.group(1)}"
            if not is_object or self._lasts(owner):
                return key
            is_copied = attribute.group(1) in declared.fields and bool(declared.bases or declared.decorators)
            in_body = all(
                not any(index.functions[m].span.contains(b.span) for ms in declared.methods.values() for m in ms) for b in bindings
            )
            return key if in_body and not is_copied and self._is_container(key) else None
        return None

    def _lasts(self, owner: str) -> bool:
        """Whether all objects of a class are made at import."""
        return owner not in self._run and owner in self._made_at_import

    @cached_property
    def _run(self) -> frozenset[str]:
        """What durable code and steps call, and make."""
        return frozenset({*self.durable.called(), *self.stepped.called(), *self.durable.tools})

    @cached_property
    def _made_at_import(self) -> frozenset[str]:
        resolve = self.durable.resolver.resolve
        calls = (call for file in self.durable.index.modules.values() for call in file.functions[f"{file.module}.<module>"].calls)
        return frozenset(value for call in calls for value in resolve(call.callees) if value in self.durable.index.classes)

    def _is_given(self, function: Function, parameter: str) -> bool:
        """Whether some call hands a parameter over."""
        at = [p.name for p in function.parameters].index(parameter) - (function.binds is not None)
        return any(call is None or call.unpacks or call.argument(at, parameter) is not None for call in self._calls.get(function.name, ()))

    @cached_property
    def _calls(self) -> dict[str, list[Call | None]]:
        """Function -> the calls of it in durable code; of a tool also None, for what calls it for the model."""
        found: dict[str, list[Call | None]] = defaultdict(list)
        for visit in self.durable.nodes.values():
            for edge in visit.edges:
                found[edge.target].append(edge.call)
        for tool in self.durable.tools:
            found[tool].append(None)
        return found

    def _runs(self, function: str) -> bool:
        """Whether a function runs within an invocation: what is its own does not outlive it."""
        return function in self.durable.nodes or function in self.stepped.nodes

    def _is_container(self, key: str) -> bool:
        values = {value for binding in self._bindings(key) for value in binding.values}
        function, _, name = key.partition(":")
        if function in self.durable.index.functions:
            values |= {v for p in self.durable.index.functions[function].parameters if p.name == name for v in p.default}
        return not CONTAINERS.isdisjoint(values)

    def _bindings(self, key: str) -> tuple[Binding, ...]:
        index = self.durable.index
        if ":" in key:
            function, _, name = key.partition(":")
            return tuple(index.functions[function].variables.get(name, ()))
        scope, _, name = key.rpartition(".")
        if scope in index.modules:
            return tuple(index.modules[scope].variables.get(name, ()))
        return tuple(index.classes[scope].attributes.get(name, ())) if scope in index.classes else ()

    def known(self, key: str) -> Variable:
        """The variable of a key."""
        bindings = self._bindings(key)
        return Variable(key, self._home(key).path, bindings[0].span if bindings else None, self.origin(key))

    def _home(self, key: str) -> Facts:
        index = self.durable.index
        scope = key.partition(":")[0] if ":" in key else key.rpartition(".")[0]
        while scope not in index.home and scope not in index.modules:
            scope = scope.rpartition(".")[0]
        return index.home[scope] if scope in index.home else index.modules[scope]

    # -- import --------------------------------------------------------------------------------------------------------

    def origin(self, key: str) -> Origin | None:
        """The clock, uuid or random value that a variable is given where the process starts, if it keeps that."""
        bindings = self._bindings(key)
        if len(bindings) != 1 or ":" in key:
            return None
        facts = self._home(key)
        for call in facts.functions[f"{facts.module}.<module>"].calls:
            if bindings[0].span.contains(call.span):
                name = self._varies(call, 0)
                if name is not None:
                    return Origin(facts.path, call.span, name)
        return None

    def defaults(self, name: str) -> Iterator[Shared]:
        """The parameters of a durable function whose default was drawn at import."""
        function = self.durable.index.functions.get(name)
        if function is None or not any(p.default for p in function.parameters) or self._runs(function.scope):
            return
        facts = self.durable.index.home[name]
        calls = [c for c in facts.functions[f"{facts.module}.<module>"].calls if function.header.contains(c.span)]
        for parameter in function.parameters:
            made = [c for c in calls if any(ref.startswith(f"{callee}()") for ref in parameter.default for callee in c.callees)]
            varying = self._varies(made[0], 0) if made and not self._is_given(function, parameter.name) else None
            if varying is not None:
                origin = Origin(facts.path, made[0].span, varying)
                yield Shared(name, Variable(f"{name}:{parameter.name}", facts.path, None, origin), (), (), (), is_read=True)

    def _varies(self, call: Call, depth: int) -> str | None:
        """The primitive with which a call gives another value in each process."""
        index = self.durable.index
        for name in sorted(self.durable.resolver.resolve(call.callees)):
            if name in index.functions and depth < DEEPEST:
                inner = (self._varies(each, depth + 1) for each in index.functions[name].calls)
                found = next((each for each in inner if each is not None), None)
                if found is not None:
                    return found
            elif not index.is_ours(name) and index.knowledge.effect(name, call, self.durable.resolver.resolve) in VARIED:
                return name
        return None


def _is_put(function: Function, binding: Binding) -> bool:
    """Whether a binding says what is put into a container, and not what the variable is."""
    at = binding.span
    if any(write.span.start == at.start and write.span.end > at.end for write in function.writes):
        return True
    return any(call.callee_span.start == at.start and call.callee_span.end > at.end for call in function.calls)


def _is_part(rest: str) -> bool:
    """Whether what follows a variable is an element or attribute of it, not what some call gives."""
    return "(" not in rest and "<" not in rest
