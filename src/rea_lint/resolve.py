"""What a ref comes to: the canonical things it may be, across all files of a project.

Canonical refs name a function or class of the project (`shop.orders.charge`), an instance of one (`shop.db.Database()`), a module, or
something of a library by its public name (`httpx.AsyncClient().get`).  An empty answer means: not known.

Two things depend on who is running: what a parameter holds.  A `Resolver` answers for one way of running (as durable code, or as a
step), and is told by `bind` what calls hand over; see `reach`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field

from rea_lint.facts import Binding
from rea_lint.packs import ELEMENT, Condition
from rea_lint.survey import BUILTINS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from rea_lint.facts import Call, Class, Facts, Function, Ref, Refs
    from rea_lint.packs import Knowledge

MOST_VALUES = 16  # of one ref: beyond, the rest is dropped
MOST_TOLD = 2 * MOST_VALUES  # of a ref and of what is handed over for it together
DEEPEST = 60  # refs resolved within each other
MOST_WORK = 20_000  # refs resolved for one question; a bound for code that refers to itself in many ways

Values = frozenset[str]
NOTHING: Values = frozenset()
_ENDS = ")]>"  # of a ref that ends with more than a name


class Index(Struct, frozen=True):
    """The functions, classes and modules of a project by their dotted names."""

    knowledge: Knowledge
    modules: Mapping[str, Facts]
    functions: Mapping[str, Function]
    classes: Mapping[str, Class]
    home: Mapping[str, Facts]  # function or class -> the facts of its file
    held: frozenset[str] = NOTHING  # names of variables, attributes and properties: of what else than itself `x.name` may be
    properties: frozenset[str] = NOTHING  # names of properties

    def is_ours(self, name: str) -> bool:
        """Whether a canonical ref is of the project: a function, class, module, or something made by calling one."""
        base = name.partition("(")[0]
        return base in self.home or base in self.modules

    def is_context(self, value: str) -> bool:
        """Whether a canonical value is a context."""
        return value.endswith("()") and value[:-2] in self.knowledge.contexts and not self.is_ours(value)

    def slots(self, name: str) -> list[Ref]:
        """The parameters of a function, each also as one of several (`*args`), or the fields of a class."""
        if name in self.classes:
            return [f"{name}().{field_name}" for field_name in self.classes[name].fields]
        parameters = self.functions[name].parameters if name in self.functions else ()
        return [f"{name}:{parameter.name}{of}" for parameter in parameters for of in ("", "[]")]

    def bindings(self, ref: Ref) -> list[tuple[str, Binding]]:
        """How a variable of a function or module gets its values, with the function or module."""
        colon = ":" in ref
        scope, _, name = ref.rpartition(":" if colon else ".")
        table = (
            self.functions[scope].variables
            if colon and scope in self.functions
            else self.modules[scope].variables
            if scope in self.modules
            else {}
        )
        return [(scope, binding) for binding in table.get(name, ())]

    def starred(self, module: str, name: str) -> Iterator[str]:
        """The modules that may give a module a name by `from x import *`, also through each other, what wins first.

        Of the project, those that have the name by their own code; all of libraries.
        """
        for star in self._stars(module):
            if star not in self.modules or self.has(star, name):
                yield star

    def has(self, module: str, name: str) -> bool:
        """Whether a module of the project has a name by its own code."""
        dotted = f"{module}.{name}"
        return dotted in self.home or dotted in self.modules or name in self.modules[module].variables

    def _stars(self, module: str) -> Iterator[str]:
        seen = {module}
        todo = [module]
        while todo:
            at = todo.pop()
            if at != module:
                yield at
            new = [star for star in dict.fromkeys(self.modules[at].stars) if star not in seen] if at in self.modules else []
            seen.update(new)
            todo += new  # a later import replaces the names of an earlier one

    def call_at(self, binding: Binding, scope: str) -> tuple[Function, Call] | None:
        """The call that gives a variable its value, and the function that makes it; `scope` is where the variable stands."""
        function = self.functions.get(scope) or self.functions.get(f"{scope}.<module>")
        if function is None and scope in self.classes:
            return self.call_at(binding, self.classes[scope].scope)
        if function is None:
            return None
        call = function.call(binding.span)
        return (function, call) if call is not None else None

    def ancestors(self, name: str, resolver: Resolver) -> Iterator[str]:
        """A class and its bases, in the order attributes are looked up (depth first, which is Python's order but for diamonds)."""
        seen: set[str] = set()
        todo = [name]
        while todo:
            at = todo.pop()
            if at in seen:
                continue
            seen.add(at)
            yield at
            if at in self.classes:
                todo.extend(reversed([base for refs in self.classes[at].bases for base in ordered(resolver.resolve(refs))]))


def index(facts: Iterable[Facts], knowledge: Knowledge) -> Index:
    """The index of a project; where two files give one module name, the first wins."""
    modules: dict[str, Facts] = {}
    functions: dict[str, Function] = {}
    classes: dict[str, Class] = {}
    home: dict[str, Facts] = {}
    for file in facts:
        if modules.setdefault(file.module, file) is file:
            functions.update(file.functions)
            classes.update(file.classes)
            home.update(dict.fromkeys(file.functions, file))
            home.update(dict.fromkeys(file.classes, file))
    held, properties = NOTHING.union(*map(_held, modules.values())), NOTHING.union(*map(_properties, modules.values()))
    return Index(knowledge, modules, functions, classes, home, held, properties)


def _held(file: Facts) -> set[str]:
    """The names of what a module or class of a file holds, and of its properties; but for what is imported, or made, by its own name."""
    variables = (name for name, bindings in file.variables.items() if any(b.values and not _is_named(b, name) for b in bindings))
    attributes = (name for each in file.classes.values() for names in (each.attributes, each.fields) for name in names)
    return {*variables, *attributes, *_properties(file)}


def _properties(file: Facts) -> list[str]:
    return [function.written_name for function in file.functions.values() if function.is_property]


def _is_named(binding: Binding, name: str) -> bool:
    return len(binding.values) == 1 and binding.values[0].rpartition(".")[2] == name


def last_names(index: Index, things: Mapping[str, object]) -> frozenset[str]:
    """The names that a ref may end with that comes to one of some things of libraries: see `may_be`."""
    knowledge = index.knowledge
    given = (name for name, values in knowledge.attributes.items() if ELEMENT in values or not things.keys().isdisjoint(values))
    names = (*things, *(name for name, public in knowledge.aliases.items() if public in things), *given)
    return index.held.union(name.rpartition(".")[2] for name in names)


def may_be(ref: Ref, names: frozenset[str]) -> bool:
    """Whether a ref may come to a thing of a library for which `names` are the `last_names`: sure that it does not, without looking further.

    What `x.name` comes to ends with that name, unless that is a variable, attribute or property of the project.
    """
    name = ref.rpartition(".")[2]
    return name in names or not name.isidentifier()


def ordered(values: Values) -> Iterable[str]:
    """Values in the same order in every run."""
    return sorted(values) if len(values) > 1 else values


def owner(slot: Ref) -> str:
    """The function or class that a parameter (`m.f:name`) or field (`m.C().name`) belongs to."""
    return slot.partition(":")[0].partition("(")[0]


def updated(before: Index, file: Facts) -> Index | None:
    """The index after one file has other facts; None where it takes more than that: the file is new, or another one has its module name."""
    known = before.modules.get(file.module)
    if known is None or known.path != file.path:
        return None
    modules, functions, classes, home = dict(before.modules), dict(before.functions), dict(before.classes), dict(before.home)
    for name in known.functions:
        functions.pop(name, None)
        home.pop(name, None)
    for name in known.classes:
        classes.pop(name, None)
        home.pop(name, None)
    modules[file.module] = file
    functions.update(file.functions)
    classes.update(file.classes)
    home.update(dict.fromkeys((*file.functions, *file.classes), file))
    held, properties = before.held.union(_held(file)), before.properties.union(_properties(file))
    return Index(before.knowledge, modules, functions, classes, home, held, properties)


class Resolver(Struct):
    """Answers what refs come to, for code that is run in one way.

    Answers are kept until what they need changes: what is handed to the parameters of some functions and the fields of some
    classes.  Others who build on answers have themselves told too: see `begin`.
    """

    index: Index
    fallback: Resolver | None = None  # asked for the parameters of functions that are not entered this way (closures)
    entered: set[str] = field(default_factory=set)
    readers: dict[str, set[str]] = field(default_factory=dict)  # function or class -> who needs what is handed to it, in any fork
    stale: set[str] = field(default_factory=set)  # of those, who is to ask again
    changed: bool = False  # whether anybody may have to ask again since somebody set this to False
    _bound: dict[Ref, dict[str, None]] = field(default_factory=dict)
    _holders: dict[str, set[Ref]] = field(default_factory=dict)  # function or class -> parameters that have held it, in any fork
    _settled: dict[Ref, Values] = field(default_factory=dict)  # answers that need nothing: the same for a fallback
    _before: dict[Ref, Values] = field(default_factory=dict)  # such answers before any fork, which hold but for some modules:
    _since: tuple[str, ...] = ()  # those that are others now, and those that import them, with a dot each
    _memo: dict[Ref, tuple[Values, frozenset[str]]] = field(default_factory=dict)  # others, with what they need
    _refs: dict[str, list[Ref]] = field(default_factory=dict)  # function or class -> refs whose answers need what is handed to it
    _needed: list[str] = field(default_factory=list)  # by the answers given since `begin`; some more than once
    _changed: set[str] = field(default_factory=set)  # since then
    _follower: Resolver | None = None  # whose fallback this is
    _public: dict[str, Values] = field(default_factory=dict)  # attributes and results of things of libraries: the same for a fallback
    partial: set[Ref] = field(default_factory=set)  # refs of what is, or may be, called with other arguments too: `functools.partial`
    _active: dict[Ref, None] = field(default_factory=dict)
    _cut: set[Ref] = field(default_factory=set)
    _work: int = 0

    def __post_init__(self) -> None:
        if self.fallback is not None:
            self.fallback._follower = self  # noqa: SLF001 -- its own kind
            self._settled = self.fallback._settled  # noqa: SLF001
            self._public = self.fallback._public  # noqa: SLF001

    def bind(self, function: str, slot: Ref, values: Iterable[str]) -> bool:
        """Note that a call hands `values` to a parameter; True if that is news."""
        news = function not in self.entered and self.enter(function)
        bound = self._bound.get(slot, {})
        fresh = [value for value in values if value not in bound]
        if not fresh or len(bound) >= MOST_VALUES:
            return news
        self._bound[slot] = bound | dict.fromkeys(sorted(fresh)[: MOST_VALUES - len(bound)])
        for base in (value.partition("(")[0] for value in fresh):
            if base in self.index.home:
                self._holders.setdefault(base, set()).add(slot)
        self.change(function)
        return True

    def is_full(self, slot: Ref) -> bool:
        """Whether a parameter holds as much as it may."""
        return len(self._bound.get(slot, ())) >= MOST_VALUES

    def take_back(self, slot: Ref, values: Collection[str]) -> bool:
        """Note that nobody hands these values to a parameter any more; True if it held one of them."""
        bound = self._bound.get(slot, {})
        left = {value: None for value in bound if value not in values}
        if len(left) == len(bound):
            return False
        self._bound[slot] = left
        self.change(owner(slot))
        return True

    def enter(self, function: str) -> bool:
        """Note that a function runs this way; True if that is news."""
        if function in self.entered:
            return False
        self.entered.add(function)
        if self.fallback is not None:
            self.change(function)
        return True

    def fork(self, index: Index, dropped: Collection[str], others: Mapping[Ref, dict[str, None]], fallback: Resolver | None) -> Resolver:
        """A resolver that knows what this one was told, but for what concerns the functions and classes in `dropped`: they may be others now.

        `others` is what is handed over for the parameters for which one of them hands something over, without that.
        """
        entered = self.entered.difference(dropped)
        fork = Resolver(index, fallback, entered, self.readers, _holders=self._holders, partial=set(self.partial))
        modules = {at.home[name].module for at in (self.index, index) for name in dropped if name in at.home}
        fork._before = self._before if self._since else self._settled
        fork._since = (*self._since, *sorted({f"{module}." for module in modules}.difference(self._since)))
        fork._bound = {**self._bound, **others}
        for name in dropped:
            for slot in self.index.slots(name):
                if slot not in others:
                    fork._bound.pop(slot, None)
        for slot in {slot for name in dropped for slot in self._holders.get(name, ())}:
            held = fork._bound.get(slot, {})
            fork._bound[slot] = {v: None for v in held if (base := v.partition("(")[0]) not in dropped or base in index.home}
            fork.change(owner(slot))
        for slot in others:
            fork.change(owner(slot))
        return fork

    # -- what answers need --

    def begin(self) -> None:
        """From here on, note what answers need."""
        self._needed.clear()
        self._changed.clear()

    def end(self, reader: str) -> None:
        """Until something changes that answers since `begin` needed, `reader` need not ask again."""
        for need in set(self._needed):
            self.readers.setdefault(need, set()).add(reader)
        if self._changed.isdisjoint(self._needed):
            self.stale.discard(reader)
        else:
            self.stale.add(reader)

    def need(self, what: str) -> None:
        """Note that what is being worked out needs `what`, of which `change` tells."""
        self._needed.append(what)

    def change(self, what: str) -> None:
        """Forget the answers that need `what`."""
        for ref in self._refs.pop(what, ()):
            self._memo.pop(ref, None)
        self._changed.add(what)
        self.changed = True
        self.stale |= self.readers.get(what, set())
        if self._follower is not None and what not in self._follower.entered:
            self._follower.change(what)

    # -- answers --

    def resolve(self, refs: Ref | Refs) -> Values:
        """What a ref, or any of several, may come to."""
        if not isinstance(refs, str):
            if not refs:
                return NOTHING
            if len(refs) != 1:
                parts = [self._resolve(ref) for ref in refs]
                if sum(map(len, parts)) > MOST_TOLD:
                    return frozenset([value for part in parts for value in sorted(part)][:MOST_TOLD])
                return NOTHING.union(*parts)
            refs = refs[0]
        found = self._settled.get(refs)
        if found is None:
            found = self._resolve(refs)
        return found if len(found) <= MOST_TOLD else frozenset(sorted(found)[:MOST_TOLD])

    def _resolve(self, ref: Ref) -> Values:
        settled = self._settled.get(ref)
        if settled is not None:
            return settled
        known = self._memo.get(ref)
        if known is not None:
            values, needs = known
            self._needed += needs
            if ref in self.partial:
                self.partial.update(self._active)
            return values
        if self._since and ref in self._before and not ref.startswith(self._since):
            values = self._settled[ref] = self._before[ref]
            return values
        active, cut = self._active, self._cut
        if not active:
            self._work = 0
        elif ref in active:
            cut.add(ref)
            return NOTHING
        if not ref or len(active) > DEEPEST or self._work > MOST_WORK:
            return NOTHING
        self._work += 1
        needed = self._needed
        before = len(needed)
        active[ref] = None
        values = self._once(ref)
        del active[ref]
        needs = NOTHING
        if len(needed) > before:
            needs = frozenset(needed[before:])
            needed[before:] = needs
        if cut:
            cut.discard(ref)
        if not cut:  # complete: nothing within was left out because it was being asked for above
            if needs or ref in self.partial:
                self._memo[ref] = values, needs
                for need in needs:
                    self._refs.setdefault(need, []).append(ref)
            else:
                self._settled[ref] = values
        return values

    def _once(self, ref: Ref) -> Values:
        if ref[-1] in _ENDS:
            made = self._made(ref)
            if made is not None:
                return made
        index = self.index
        if ref in index.modules or (ref in index.home and not self._is_redefined(ref)):
            return self._canonical(ref)
        head, dot, name = ref.rpartition(".")
        if ":" in name:
            function, _, variable = ref.rpartition(":")
            return self._variable(function, variable)
        if not dot:
            return frozenset({ref})
        if head[-1:] == ">" and head.endswith(".<super>"):
            return self._member(head.removesuffix(".<super>"), name, skip_own=True, instance=True)
        found = self._each(self._resolve(head), name)
        if ELEMENT in found:  # of `context: RunContext[Deps]`, `context.deps` is a `Deps`
            return (found - {ELEMENT}) | self._resolve(f"{head}[]")
        return found

    def _made(self, ref: Ref) -> Values | None:
        """What a ref comes to that ends with more than a name: what a call gives, an element; None: it ends with the name of a lambda."""
        if ref[-1] == ")":
            called = self._resolve(ref[:-2])
            if len(called) == 1:
                (value,) = called
                return self.result(value)
            return NOTHING.union(*[self.result(value) for value in sorted(called)])
        if ref[-1] == "]":
            return self._elements(ref)
        if ref.endswith(".<partial>"):  # its arguments cannot be seen: nothing is said of what depends on them
            self.partial.update(self._active)
            known = self.index.knowledge.exact
            return frozenset(v for v in self._resolve(ref.removesuffix(".<partial>")) if not isinstance(known.get(v), Condition))
        return self._entered(ref.removesuffix(".<enter>")) if ref.endswith(".<enter>") else None

    def _each(self, values: Values, name: str) -> Values:
        """What the attribute `name` of any of some canonical values is."""
        if len(values) == 1:
            (value,) = values
            return self._public.get(f"{value}.{name}") or self.attribute(value, name)
        return NOTHING.union(*[self.attribute(value, name) for value in sorted(values)])

    def _canonical(self, name: str) -> Values:
        """A name of the project; the sources of a library that the packs know count as that library."""
        return frozenset({self.index.knowledge.canonical(name)})

    def _is_redefined(self, name: str) -> bool:
        """Whether a module has other bindings for the name of one of its functions or classes."""
        module, _, last = name.rpartition(".")
        return module in self.index.modules and last in self.index.modules[module].variables

    # -- variables and parameters --

    def _variable(self, function: str, name: str) -> Values:
        at = self.index.functions.get(function)
        if at is None:
            return NOTHING
        bindings = at.variables.get(name, ())
        for parameter in at.parameters:
            if parameter.name == name:
                break
        else:
            parameter = None
        if parameter is None and len(bindings) == 1 and len(bindings[0].values) == 1:
            values = self._resolve(bindings[0].values[0])
            return values if len(values) <= MOST_TOLD else frozenset(sorted(values)[:MOST_TOLD])
        found: list[str] = []
        if parameter is not None:
            if parameter.kind in {"*", "**"}:
                return frozenset({"builtins.tuple()" if parameter.kind == "*" else "builtins.dict()"})
            handed = self.handed(function, f"{function}:{name}")
            if parameter is at.parameters[0] and at.binds is not None and at.owner is not None and not handed:
                found.append(at.owner if at.binds == "cls" else f"{at.owner}()")
            found += [value for value in self._all(parameter.annotation) if value not in found]
            found += [value for value in handed if value not in found]
            if not handed:
                found += self._all(parameter.default)
        for binding in bindings:
            found += self._all(binding.values)
        return frozenset(found if len(found) <= MOST_TOLD else found[:MOST_TOLD])

    def handed(self, function: str, slot: Ref) -> Collection[str]:
        """What calls hand over for a parameter (`function:name`) or a field (`Class().name`)."""
        self._needed.append(function)
        if function in self.entered or self.fallback is None:
            return self._bound.get(slot, ())
        return self.fallback.handed(function, slot)

    def _all(self, refs: Refs) -> Iterable[str]:
        """What several refs come to, in order."""
        if len(refs) == 1:
            values = self._resolve(refs[0])
            return values if len(values) < 2 else sorted(values)
        return [value for ref in refs for value in ordered(self._resolve(ref))]

    # -- attributes --

    def attribute(self, value: str, name: str) -> Values:
        """What the attribute `name` of a canonical value is."""
        index = self.index
        if value in index.modules:
            return self._module_member(value, name)
        if value in index.classes:
            return self._member(value, name, instance=False)
        if value[-1] == ")" and value[:-2] in index.classes:
            return self._member(value[:-2], name, instance=True)
        if index.is_ours(value):
            return NOTHING
        return self._library(f"{value}.{name}")

    def _library(self, name: str) -> Values:
        found = self._public.get(name)
        if found is None:
            public = self.index.knowledge.canonical(name)
            found = self._public[name] = frozenset(self.index.knowledge.attributes.get(public) or (public,))
        return found

    def _module_member(self, module: str, name: str) -> Values:
        index = self.index
        dotted = f"{module}.{name}"
        file = index.modules[module]
        if (dotted in index.functions or dotted in index.classes) and name not in file.variables:
            return self._canonical(dotted)
        found: list[str] = []
        for binding in file.variables.get(name, ()):
            given = ordered(self._canonical(dotted)) if binding.values == (dotted,) else self._all(binding.values)
            found += [value for value in given if value not in found]
        if not found and dotted in index.modules:
            return frozenset({dotted})
        if not found and file.stars:
            return self._starred(module, name)
        return frozenset(found)

    def _starred(self, module: str, name: str) -> Values:
        """What a name is that a module has by a star import, if by any.

        Nobody knows what names a library's module gives: a builtin is taken to be none of them.  Of several libraries, one that is known
        for the name has it.
        """
        index = self.index
        stars = list(index.starred(module, name))
        ours = next((star for star in stars if star in index.modules), None)
        if ours is not None:
            return self._resolve(f"{ours}.{name}")
        if index.has(module, name):  # as something that is not known
            return NOTHING
        if name in BUILTINS:
            return frozenset({f"builtins.{name}"})
        libraries = [f"{star}.{name}" for star in stars]
        known = [library for library in libraries if index.knowledge.names(library)]
        return self._library((known or libraries)[0]) if libraries else NOTHING

    def _member(self, owner: str, name: str, *, instance: bool, skip_own: bool = False) -> Values:
        """An attribute of a class of the project, looked up in its bases; a property gives what it returns."""
        index = self.index
        for position, at in enumerate(self.line(owner)):
            if skip_own and position == 0:
                continue
            declared = index.classes.get(at)
            if declared is None:
                if index.is_ours(at):
                    continue
                return self._library(f"{at}().{name}" if instance else f"{at}.{name}")
            handed = self.handed(at, f"{at}().{name}")
            bindings = declared.attributes.get(name, ())
            methods = declared.methods.get(name, ())
            if not (handed or bindings or methods):
                nested = f"{at}.{name}"
                if nested in index.classes:
                    return frozenset({nested})
                continue
            properties = [m for m in methods if index.functions[m].is_property]
            if properties:
                return NOTHING.union(*[self.result(p) for p in properties])
            found = [*methods[-1:], *handed]
            for binding in bindings:
                found += self._all(binding.values)
            return frozenset(found[:MOST_TOLD])
        return NOTHING

    def property_of(self, ref: Ref) -> tuple[str, ...]:
        """The property functions that reading an attribute chain runs."""
        head, dot, name = ref.rpartition(".")
        if not dot or ref[-1] in _ENDS:
            return ()
        values = self._resolve(head)
        if name not in self.index.properties:
            return ()
        found: list[str] = []
        for value in ordered(values):
            if value.endswith("()") and value[:-2] in self.index.classes:
                for at in self.line(value[:-2]):
                    methods = self.index.classes[at].methods.get(name, ()) if at in self.index.classes else ()
                    if methods:
                        found += [m for m in methods if self.index.functions[m].is_property]
                        break
        return tuple(found)

    def line(self, name: str) -> Iterable[str]:
        """A class and its bases, as `Index.ancestors` has them."""
        declared = self.index.classes.get(name)
        return (name,) if declared is not None and not declared.bases else self.index.ancestors(name, self)

    def method(self, owner: str, name: str) -> tuple[str, ...]:
        """The functions that a method name of a class of the project stands for, looked up in its bases."""
        for at in self.line(owner):
            methods = self.index.classes[at].methods.get(name, ()) if at in self.index.classes else ()
            if methods:
                return methods[-1:]  # the last definition wins
        return ()

    # -- results --

    def result(self, value: str) -> Values:
        """What calling a canonical value gives; of a coroutine function, what awaiting the call gives."""
        made = f"{value}()"
        known = self._public.get(made)
        if known is not None:
            return known
        index = self.index
        if value in index.classes:
            return frozenset({made})
        if value in index.functions:
            function = index.functions[value]
            if function.is_generator:
                return NOTHING
            annotated = self._all(function.return_annotation)
            returned = self._all(function.returns)
            return frozenset([*annotated, *(r for r in returned if r not in annotated)][:MOST_TOLD])
        if value[-1] == ")" and value[:-2] in index.classes:
            return NOTHING.union(*[self.result(m) for m in self.method(value[:-2], "__call__")])
        if index.is_ours(value):
            return NOTHING
        knowledge = index.knowledge
        if value in knowledge.ambient:
            found = frozenset({f"{knowledge.ambient[value]}()"})
        else:
            found = frozenset(knowledge.results.get(value) or (knowledge.canonical(made),))
        self._public[made] = found
        return found

    def _entered(self, ref: Ref) -> Values:
        """What `with` binds: what `__enter__` returns, what a generator of a context manager yields, or the value itself."""
        found: list[str] = []
        if ref.endswith("()"):
            for value in ordered(self._resolve(ref[:-2])):
                function = self.index.functions.get(value)
                if function is not None and function.is_generator:
                    found += self._all(function.return_elements)
        for value in ordered(self._resolve(ref)):
            if value.endswith("()") and value[:-2] in self.index.classes:
                enters = self.method(value[:-2], "__aenter__") or self.method(value[:-2], "__enter__")
                given = [r for m in enters for r in ordered(self.result(m))]
                found += given or [value]
            else:
                given_by_pack = self.index.knowledge.results.get(f"{value}.<enter>") or self.index.knowledge.attributes.get(
                    f"{value}.<enter>"
                )
                found += given_by_pack or (value,)
        return frozenset(found[:MOST_TOLD])

    # -- elements --

    def _elements(self, ref: Ref) -> Values:
        cut = ref.rindex("[")
        head, item = ref[:cut], ref[cut:]
        found: list[str] = []
        position = int(item[1:-1]) if item[1:-1].isdigit() else -1
        for binding in self._bindings(head):
            if 0 <= position < len(binding.items):
                found += self._all(binding.items[position])
                continue
            found += self._all(binding.elements)
            for value in binding.values:
                if not value.endswith("()") or value.partition("(")[0] not in {
                    "builtins.list",
                    "builtins.dict",
                    "builtins.tuple",
                    "builtins.set",
                }:
                    found += ordered(self._resolve(value + item))
        if head.endswith("]"):  # an element of an element
            for inner in self._element_refs(head):
                found += ordered(self._resolve(inner + item))
        if head.endswith("()"):
            for value in ordered(self._resolve(head[:-2])):
                function = self.index.functions.get(value)
                if function is not None:
                    if 0 <= position < len(function.return_items):
                        found += self._all(function.return_items[position])
                        continue
                    found += self._all(function.return_elements)
                    for returned in function.returns:
                        found += ordered(self._resolve(returned + item))
        if not found:
            for value in ordered(self._resolve(head)):
                if value in self.index.classes:
                    found.append(value)  # `Model[int]` is the class
                elif not self.index.is_ours(value):
                    if not value.endswith(")") and value.rpartition(".")[2][:1].isupper():
                        found.append(value)  # a generic class of a library, by the convention that classes are capitalised
                    else:
                        given = self.index.knowledge.attributes.get(f"{value}{item}") or self.index.knowledge.attributes.get(f"{value}[]")
                        found += given or ()
        return frozenset(dict.fromkeys(found[:MOST_TOLD]))

    def _element_refs(self, ref: Ref, around: tuple[Ref, ...] = ()) -> Refs:
        """What the elements of a variable or attribute are, as its bindings say it; `around`: what they are elements of in turn."""
        cut = ref.rindex("[")
        position = int(ref[cut + 1 : -1]) if ref[cut + 1 : -1].isdigit() else -1
        found: list[Ref] = []
        for binding in self._bindings(ref[:cut]):
            found += binding.items[position] if 0 <= position < len(binding.items) else binding.elements
            for value in binding.values:
                if value.endswith("]") and value not in (*around, ref) and len(around) < DEEPEST and len(found) < MOST_VALUES:
                    found += [f"{inner}{ref[cut:]}" for inner in self._element_refs(value, (*around, ref))]
        return tuple(found[:MOST_VALUES])

    def _bindings(self, ref: Ref) -> Iterator[Binding]:
        """How the variable or attribute that a ref names gets its values."""
        index = self.index
        cut = max(ref.rfind("."), ref.rfind(":"))
        if cut < 0 or ref[-1] in _ENDS:
            return
        head, name = ref[:cut], ref[cut + 1 :]
        if ref[cut] == ":":
            function = index.functions.get(head)
            if function is not None:
                yield from function.variables.get(name, ())
                for parameter in function.parameters:
                    if parameter.name == name:
                        yield self._parameter_binding(function, parameter.name, parameter.elements)
            return
        for value in ordered(self._resolve(head)):
            if value in index.modules:
                yield from index.modules[value].variables.get(name, ())
            owner = value.removesuffix("()")
            if owner in index.classes:
                for at in self.line(owner):
                    if at in index.classes:
                        yield from index.classes[at].attributes.get(name, ())

    def _parameter_binding(self, function: Function, name: str, elements: Refs) -> Binding:
        return Binding((), function.name_span, (*elements, *self.handed(function.name, f"{function.name}:{name}[]")))
