"""One file -> Facts, by `ast`.  Code may nest as deep as Python can parse it.

Two passes over one tree.  The first (`scopes`) finds the scopes and what binds each name, since a name may be used above the line that
binds it; the second says of every call, read and binding what it refers to.
"""

from __future__ import annotations

import ast
import builtins
import re
import warnings
from ast import Attribute, Constant, Name
from collections import defaultdict
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING, Any

from rea_lint.comments import suppressions
from rea_lint.facts import Argument, Binding, Broken, Call, Class, Clause, Facts, Function, Parameter, Read, Ref, Refs, Wait, Write
from rea_lint.scopes import (
    DEFINING,
    DEFINITIONS,
    ENTERING,
    Annotated,
    Bind,
    Entered,
    Instance,
    Item,
    Scope,
    Scopes,
    Stored,
    code_of,
    receiver,
    scopes,
)
from rea_lint.text import Source, Span

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from rea_lint.scopes import FunctionNode

MOST_ALTERNATIVES = 8  # of one expression: more than that says nothing useful
MOST_NESTED = 40  # conditional expressions, annotations and displays within each other; below it, not known
TAKERS = frozenset({"pop", "popleft", "get", "setdefault"})  # methods that may give an element
MOST_BITS = 2_000  # of a number that Python writes down at any limit of `sys.set_int_max_str_digits`, which is 640 digits at least
BUILTINS = frozenset(dir(builtins))
LANGUAGE = frozenset({"classmethod", "property", "staticmethod", "super"})  # builtins that no star import is taken to replace
HEADING = re.compile(r"(?:async(?:\s|\\\r?\n)+)?def(?:\s|\\\r?\n)+(?P<name>[^\s(\[\\]+)")  # up to the name, across continued lines


def survey(path: str, module: str, text: str, *, is_package: bool = False) -> Facts:
    """What `text` says, as the module `module`.  A text that is not Python gives facts that say only why (`Facts.broken`)."""
    source = Source(text)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # invalid escapes and the like are other linters' business
            tree = ast.parse(text)
    except SyntaxError as error:
        return Facts(path, module, is_package, broken=_broken(source, error))
    except (RecursionError, MemoryError):
        return Facts(path, module, is_package, broken=Broken("nested too deeply for this Python's parser", Span(0, 0)))
    except ValueError as error:  # null bytes, before 3.12
        return Facts(path, module, is_package, broken=Broken(str(error), Span(0, 0)))
    package = module if is_package else module.rpartition(".")[0]
    return _facts(path, module, is_package, source, scopes(tree, module, package))


def _broken(source: Source, error: SyntaxError) -> Broken:
    row = min(max(error.lineno or 1, 1), len(source))
    line = source.line_span(row)
    start = min(line.start + max((error.offset or 1) - 1, 0), line.end)
    return Broken(error.msg or "invalid syntax", Span(start, max(start, min(start + 1, line.end))))


# -- second pass: what everything refers to ----------------------------------------------------------------------------


def _facts(path: str, module: str, is_package: bool, source: Source, found: Scopes) -> Facts:
    names = _Names(module, found, source)
    _store(found, names)
    functions = {scope.name: _function(scope, names) for scope in found.functions}
    start_up = _function(found.module, names)
    classes = {scope.name: _class(scope, names) for scope in found.classes}
    variables = _variables(found.module, names)
    _keep_tuples(names, {**functions, module: start_up})
    return Facts(
        path=path,
        module=module,
        is_package=is_package,
        functions={start_up.name: start_up, **dict(sorted(functions.items(), key=lambda item: (item[1].span.start, item[0])))},
        classes=classes,
        variables=variables,
        stars=tuple(base for base, _ in sorted(found.stars, key=lambda star: star[1]) if base),
        imports=tuple(sorted(found.imported)),
        suppressions=suppressions(source),
        depth=found.depth,
    )


def _keep_tuples(names: _Names, functions: Mapping[str, Function]) -> None:
    """Give the tuples that were seen to the functions they stand in; looking into one may bring up more."""
    done: set[str] = set()
    while todo := [(owner, name) for owner, tuples in names.tuples.items() for name in tuples if f"{owner}:{name}" not in done]:
        for owner, name in todo:
            done.add(f"{owner}:{name}")
            node, scope = names.tuples[owner][name]
            items = tuple(names.refs(item, scope) for item in node.elts if not isinstance(item, ast.Starred))
            binding = Binding(
                ("builtins.tuple()",),
                names.span(node),
                _distinct(ref for refs in items for ref in refs),
                items if len(items) == len(node.elts) else (),
            )
            functions[owner].variables[name] = (binding,)  # type: ignore[index]  # the mapping is ours until the facts are made


def _store(found: Scopes, names: _Names) -> None:
    """What is put into a container is an element of the variable or attribute that holds it."""
    for container, stored, scope in found.stored:
        match container:
            case ast.Name(id=name):
                holder = names.holder(name, scope)
                if holder is not None:
                    holder.binds[name].append(Bind(stored, container, scope))
            case ast.Attribute(value=ast.Name(id=name), attr=attribute) if name == receiver(scope.body):
                owner = scope.body.parent
                assert owner is not None
                owner.attributes[attribute].append(Bind(stored, container, scope))
            case _:
                pass


_GIVERS = frozenset(
    {
        *("functools.partial", "functools.partialmethod", "builtins.getattr", "builtins.super"),
        *("copy.copy", "copy.deepcopy", "contextlib.nullcontext", "typing.cast", "typing_extensions.cast"),
    }
)  # what calling them gives depends on what they are given
_ENTER = (".enter_context", ".enter_async_context")
_SAME = frozenset({ast.Await, ast.NamedExpr, ast.Starred})  # expressions that are what is in them
_MAKES: dict[type[ast.expr], Refs] = {
    ast.JoinedStr: ("builtins.str()",),
    ast.Compare: ("builtins.bool()",),
    **dict.fromkeys((ast.List, ast.ListComp), ("builtins.list()",)),
    **dict.fromkeys((ast.Set, ast.SetComp), ("builtins.set()",)),
    **dict.fromkeys((ast.Dict, ast.DictComp), ("builtins.dict()",)),
    ast.GeneratorExp: ("types.GeneratorType()",),
}


_CONTAINERS = frozenset({ast.List, ast.Tuple, ast.Set, ast.Dict, ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp, ast.BinOp})


class _Known(dict[str, Refs]):
    """What the plain names are that are used in a scope, each looked up when it is asked for first."""

    __slots__ = ("names", "scope")

    def __init__(self, scope: Scope, names: _Names) -> None:
        self.scope = scope
        self.names = names

    def __missing__(self, name: str) -> Refs:
        at = self.scope
        known: Refs | None = None
        while known is None:
            around = at.around
            if around is None or name in at.binds or name in at.outer:
                known = at.known[name] = self.names.look_up(name, at)
            else:
                at = around
                known = at.known.get(name)
        self[name] = known
        return known


class _Names:
    """What names and expressions refer to, in the words of `facts`."""

    def __init__(self, module: str, found: Scopes, source: Source) -> None:
        self.found = found
        self.source = source
        self.span = source.spans()  # where a node stands; not of the module, of which `ast` does not say it
        self._module = module
        self._star = found.module.star
        self._comprehensions = found.comprehensions
        self._annotations: list[ast.expr] = []  # those that stand in strings: kept, since nodes go by their `id`
        self._functions = {id(scope.node): scope.name for scope in found.functions}
        for scope in (found.module, *found.functions, *found.classes, *found.comprehensions.values()):
            scope.known = _Known(scope, self)
        self.tuples: dict[str, dict[str, tuple[ast.Tuple, Scope]]] = defaultdict(dict)  # by function (or module), those seen so far

    def holder(self, name: str, scope: Scope) -> Scope | None:
        """The scope that binds a name, as Python finds it: class scopes are seen from their own body only."""
        at: Scope | None = scope
        own = True
        while at is not None:
            if name in at.outer and at.outer[name] is not at:
                at = at.outer[name]
            if name in at.binds and name not in at.outer and (at.kind != "class" or own):
                return at
            own = own and at.kind == "comprehension"
            at = at.parent
        return None

    def look_up(self, name: str, scope: Scope) -> Refs:
        """What a plain name is; a scope keeps it in `known`."""
        holder = scope if not scope.outer and name in scope.binds else self.holder(name, scope)
        if holder is None:
            if self._star and name not in LANGUAGE:
                return (f"{self._module}.{name}",)
            return (f"builtins.{name}",) if name in BUILTINS else ()
        binds = holder.binds[name]
        only = binds[0].thing if binds else None
        if not isinstance(only, str) or (len(binds) > 1 and any(bind.thing != only for bind in binds)):
            return (holder.ref(name),)
        return (only,)

    def refs(self, node: ast.expr, scope: Scope, depth: int = 0) -> Refs:
        """What an expression is."""
        at: Any = node
        kind = type(at)
        if kind is Name:
            return scope.known[at.id]
        if kind is Constant:
            return _CONSTANTS[type(at.value)]
        if kind is Attribute and type(at.value) is Name and depth < MOST_NESTED:  # most of all that are longer
            base = scope.known[at.value.id]
            return (f"{base[0]}.{at.attr}",) if len(base) == 1 else _followed(base, f".{at.attr}")
        suffix = ""
        left = MOST_NESTED if depth < MOST_NESTED else 0
        while left:
            left -= 1
            if kind is Attribute:
                suffix = f".{at.attr}{suffix}"
                at = at.value
            elif kind is Name:
                return _followed(scope.known[at.id], suffix)
            elif kind is ast.Call:
                known = self._called_by_name(at, scope, depth)
                if known is not None:
                    return _followed(known, suffix) if suffix else known
                suffix = f"(){suffix}"
                at = at.func
            elif kind is ast.Subscript:
                if type(at.slice) is not ast.Slice:
                    index = at.slice.value if type(at.slice) is Constant else None
                    suffix = f"[{index}]{suffix}" if isinstance(index, int) else f"[]{suffix}"
                at = at.value
            elif kind in _SAME:
                left += 1
                at = at.value
            else:
                return _followed(self._base(at, scope, depth), suffix)
            kind = type(at)
        return ()

    def _base(self, node: ast.expr, scope: Scope, depth: int) -> Refs:
        made = _MAKES.get(type(node))
        if made is not None:
            return made
        match node:
            case ast.Constant():
                return _CONSTANTS[type(node.value)]
            case ast.Lambda():
                return (self._functions[id(node)],)
            case ast.IfExp():
                return self._any([node.body, node.orelse], scope, depth)
            case ast.BoolOp():
                return self._any(node.values, scope, depth)
            case ast.BinOp():
                return self.refs(node.left, scope, depth + 1) or self.refs(node.right, scope, depth + 1)
            case ast.UnaryOp(op=ast.Not()):
                return ("builtins.bool()",)
            case ast.Tuple():
                return (self._tuple(node, scope),)
            case _:
                return ()

    def _tuple(self, node: ast.Tuple, scope: Scope) -> Ref:
        """A tuple with something in it that is more than a constant is a variable of its own."""
        if all(isinstance(item, ast.Constant) for item in node.elts):
            return "builtins.tuple()"
        name = f"tuple@{node.lineno},{node.col_offset}"
        self.tuples[scope.body.name][name] = (node, scope)
        return f"{code_of(scope)}:{name}"

    def _any(self, nodes: Sequence[ast.expr], scope: Scope, depth: int) -> Refs:
        return _distinct(ref for node in nodes[:MOST_ALTERNATIVES] for ref in self.refs(node, scope, depth + 1))

    def all(self, expressions: Sequence[tuple[ast.expr, Scope]]) -> Refs:
        """What any of these is, each in its scope."""
        return _distinct(ref for value, at in expressions for ref in self.refs(value, at)) if expressions else ()

    def callees(self, node: ast.Call, scope: Scope) -> Refs:
        """What a call calls."""
        known = scope.callees.get(id(node))
        if known is None:
            known = scope.callees[id(node)] = self.refs(node.func, scope)
        return known

    def _called_by_name(self, node: ast.Call, scope: Scope, depth: int) -> Refs | None:
        """What a call by name gives; None for other calls."""
        called = node.func
        if type(called) is Attribute:
            if type(called.value) is not Name and type(called.value) is not Attribute:
                return None
            if called.attr in TAKERS:
                held = self.refs(called.value, scope, depth + 1)
                return _distinct([*(f"{ref}.{called.attr}()" for ref in held), *(f"{ref}[]" for ref in held)])
        elif type(called) is not Name:
            return None
        callees = self.callees(node, scope)
        if len(callees) != 1:
            return _followed(callees, "()")
        if callees[0] in _GIVERS or callees[0].endswith(_ENTER):
            return self._given(node, callees[0], scope, depth)
        return (callees[0] + "()",)

    def _given(self, node: ast.Call, called: Ref, scope: Scope, depth: int) -> Refs:
        """What a call gives that may give one of its arguments, or what comes of it."""
        match called:
            case "functools.partial" | "functools.partialmethod" if node.args:
                return tuple(f"{ref}.<partial>" for ref in self.refs(node.args[0], scope, depth + 1))
            case "builtins.getattr":
                match node.args:
                    case [of, ast.Constant(value=str(attribute)), *default]:
                        read = (f"{ref}.{attribute}" for ref in self.refs(of, scope, depth + 1))
                        return _distinct([*read, *(ref for other in default for ref in self.refs(other, scope, depth + 1))])
            case "copy.copy" | "copy.deepcopy" | "contextlib.nullcontext" if node.args:
                return self.refs(node.args[0], scope, depth + 1)
            case "typing.cast" | "typing_extensions.cast" if len(node.args) == 2:
                return _distinct([*self.annotation(node.args[0], scope)[0], *self.refs(node.args[1], scope, depth + 1)])
            case "builtins.super":
                owner = _class_around(scope)
                return (f"{owner.name}.<super>",) if owner is not None else ()
            case _ if called.endswith(_ENTER) and node.args:  # of an exit stack, by its name: it gives what it enters
                return (f"{called}()", *(f"{ref}.<enter>" for ref in self.refs(node.args[0], scope, depth + 1)))
        return (f"{called}()",)

    def elements(self, node: ast.expr, scope: Scope, index: int | None = None, depth: int = 0) -> Refs:
        """What an element of a display, comprehension or well-known iterator is; () for everything else."""
        if type(node) is ast.Call:
            return self._of_call(node, scope, depth) if depth < MOST_NESTED else ()
        if type(node) not in _CONTAINERS:
            return ()
        match node:
            case ast.List() | ast.Tuple() | ast.Set():
                if index is not None and index < len(node.elts) and not any(isinstance(e, ast.Starred) for e in node.elts):
                    return self.refs(node.elts[index], scope, depth + 1)
                return self._any([e for e in node.elts if not isinstance(e, ast.Starred)], scope, depth)
            case ast.Dict():
                return self._any(node.values, scope, depth)
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp():
                return self.refs(node.elt, self._comprehensions[id(node)], depth + 1)
            case ast.DictComp():
                return self.refs(node.value, self._comprehensions[id(node)], depth + 1)
            case ast.BinOp(op=ast.Add()) if depth < MOST_NESTED:
                return _distinct([*self.elements(node.left, scope, None, depth + 1), *self.elements(node.right, scope, None, depth + 1)])
            case _:
                return ()

    def _of_call(self, node: ast.Call, scope: Scope, depth: int) -> Refs:
        """What an element is of what a call gives, if it gives what it is given."""
        called = node.func
        if type(called) is Name and node.args:
            match self.refs(called, scope):
                case ("builtins.list" | "builtins.tuple" | "builtins.set" | "builtins.sorted" | "builtins.reversed" | "builtins.iter",):
                    return self.item(node.args[0], scope, None, depth + 1)
                case ("builtins.map",):
                    return tuple(f"{ref}()" for ref in self.refs(node.args[0], scope, depth + 1))
        elif type(called) is Attribute and called.attr in {"values", "copy"} and not node.args:
            return self.item(called.value, scope, None, depth + 1)
        return ()

    def item(self, of: object, scope: Scope, index: int | None, depth: int = 0) -> Refs:
        """What unpacking or iterating gives."""
        if depth > MOST_NESTED:
            return ()
        if isinstance(of, Item) and of.index is None and index is not None:
            match of.of:
                case ast.Call(func=ast.Name(), args=arguments) as call:
                    match self.refs(call.func, scope):
                        case ("builtins.enumerate",):
                            return self.item(arguments[0], scope, None, depth + 1) if index == 1 and arguments else ("builtins.int()",)
                        case ("builtins.zip",):
                            return self.item(arguments[index], scope, None, depth + 1) if index < len(arguments) else ()
                case ast.Call(func=ast.Attribute(attr="items", value=held), args=[]):
                    return self.item(held, scope, None, depth + 1) if index == 1 else ()
        suffix = "[]" if index is None else f"[{index}]"
        if isinstance(of, ast.expr):
            return self.elements(of, scope, index, depth) or _followed(self.refs(of, scope, depth + 1), suffix)
        if isinstance(of, Item):
            if isinstance(of.of, ast.List | ast.Tuple | ast.Set) and index is not None:  # for a, b in [(x, y), ...]
                rows = [e for e in of.of.elts if isinstance(e, ast.Tuple | ast.List) and index < len(e.elts)]
                return self._any([e.elts[index] for e in rows], scope, depth)
            return _followed(self.item(of.of, scope, of.index, depth + 1), suffix)
        if isinstance(of, Entered):
            return _followed(self.refs(of.of, scope, depth + 1), f".<enter>{suffix}")
        return ()

    def annotation(self, node: ast.expr | None, scope: Scope, depth: int = 0) -> tuple[Refs, Refs]:
        """What a value of the annotated type is, and what its elements are."""
        if node is None or depth > MOST_NESTED:
            return (), ()
        if type(node) is Name or type(node) is Attribute:
            return tuple([f"{ref}()" for ref in self.refs(node, scope)]), ()
        match node:
            case ast.Constant(value=str(text)):
                try:
                    written = ast.parse(text.strip(), mode="eval").body
                except (SyntaxError, ValueError, RecursionError, MemoryError):
                    return (), ()
                self._annotations.append(written)
                return self.annotation(written, scope, depth + 1)
            case ast.BinOp(op=ast.BitOr()):
                left, right = self.annotation(node.left, scope, depth + 1), self.annotation(node.right, scope, depth + 1)
                return _distinct([*left[0], *right[0]]), _distinct([*left[1], *right[1]])
            case ast.Subscript():
                return self._generic(node, scope, depth)
            case _:
                return (), ()

    def items(self, node: FunctionNode, results: Sequence[tuple[ast.expr, Scope]], scope: Scope) -> tuple[Refs, ...]:
        """What each item of the tuple is that a function returns, by its annotation or by its return statements."""
        annotation = None if isinstance(node, ast.Lambda) else node.returns
        if isinstance(annotation, ast.Subscript) and isinstance(annotation.slice, ast.Tuple):
            heads = self.refs(annotation.value, scope)
            if heads and heads[0].rpartition(".")[2] in {"tuple", "Tuple"}:
                return tuple(self.annotation(item, scope)[0] for item in annotation.slice.elts)
        rows = [(value.elts, at) for value, at in results if isinstance(value, ast.Tuple)]
        if not rows or len(rows) != len(results) or len({len(elements) for elements, _ in rows}) > 1:
            return ()
        return tuple(_distinct(ref for elements, at in rows for ref in self.refs(elements[i], at)) for i in range(len(rows[0][0])))

    def _generic(self, node: ast.Subscript, scope: Scope, depth: int) -> tuple[Refs, Refs]:
        given = list(node.slice.elts) if isinstance(node.slice, ast.Tuple) else [node.slice]
        heads = self.refs(node.value, scope)
        match (heads[0].rpartition(".")[2] if heads else ""), given:
            case "Optional" | "Annotated" | "Final" | "ClassVar" | "Required" | "NotRequired" | "Awaitable", [first, *_]:
                return self.annotation(first, scope, depth + 1)
            case "Coroutine", [_, _, result]:
                return self.annotation(result, scope, depth + 1)
            case "Union", _:
                parts = [self.annotation(part, scope, depth + 1) for part in given[:MOST_ALTERNATIVES]]
                return _distinct(r for part in parts for r in part[0]), _distinct(r for part in parts for r in part[1])
            case "type" | "Type", [first]:
                return (self.refs(first, scope) if isinstance(first, ast.Name | ast.Attribute) else ()), ()
            case "Callable" | "Literal", _:
                return (), ()
            case "dict" | "Dict" | "Mapping" | "MutableMapping" | "defaultdict" | "OrderedDict", [_, last]:
                return tuple(f"{ref}()" for ref in heads), self.annotation(last, scope, depth + 1)[0]
            case "tuple" | "Tuple", [_, second, *_] if not (isinstance(second, ast.Constant) and second.value is Ellipsis):
                return tuple(f"{ref}()" for ref in heads), ()  # its items differ: see `items`
            case _, []:  # tuple[()]
                return tuple(f"{ref}()" for ref in heads), ()
            case _:
                return tuple(f"{ref}()" for ref in heads), self.annotation(given[0], scope, depth + 1)[0]


_CONSTANTS: dict[type, Refs] = {
    **{kind: (f"builtins.{kind.__name__}()",) for kind in (str, bytes, int, float, complex, bool)},
    type(None): (),
    type(Ellipsis): (),
}


def _followed(base: Refs, suffix: str) -> Refs:
    return (base[0] + suffix,) if len(base) == 1 else tuple([ref + suffix for ref in base])


def _distinct(refs: Iterable[Ref]) -> Refs:
    return tuple(dict.fromkeys(refs))[:MOST_ALTERNATIVES]


def _class_around(scope: Scope) -> Scope | None:
    at: Scope | None = scope
    while at is not None and at.kind != "class":
        at = at.parent
    return at


# -- facts -------------------------------------------------------------------------------------------------------------


def _function(scope: Scope, names: _Names) -> Function:
    node = scope.node
    source = names.source
    span = whole = Span(0, len(source.text)) if isinstance(node, ast.Module) else names.span(node)
    name_span = header = span
    parameters: tuple[Parameter, ...] = ()
    decorators: tuple[Refs, ...] = ()
    returned: tuple[Refs, Refs] = ((), ())
    items: tuple[Refs, ...] = ()
    owner = scope.parent if scope.parent is not None and scope.parent.kind == "class" else None
    binds = None
    is_property = False
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
        assert scope.parent is not None
        parameters = tuple(_parameters(node, scope.parent, names))
        items = names.items(node, scope.results, scope.parent)
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        assert scope.parent is not None
        if node.decorator_list:
            decorators = tuple([names.refs(d, scope.parent) for d in node.decorator_list])
            span = Span(source.text.rindex("@", 0, names.span(node.decorator_list[0]).start), whole.end)
        name_span = _name_span(source, whole.start)
        header = Span(whole.start, source.text.rfind(":", whole.start, names.span(node.body[0]).start) + 1)
        returned = names.annotation(node.returns, scope.parent)
        flat = {ref for refs in decorators for ref in refs}
        if owner is not None and "builtins.staticmethod" not in flat:
            binds = "cls" if "builtins.classmethod" in flat else "self"
        is_property = bool(flat & {"builtins.property", "functools.cached_property"})
    calls = [_call(call, at, around, names) for call, at, around in scope.calls]
    calls.sort(key=attrgetter("span.end"), reverse=True)
    calls.sort(key=attrgetter("span.start"))
    mentions, stands = _mentions(scope)
    variables = _variables(scope, names) if scope.kind == "function" else {}
    for inner in scope.comprehensions:
        variables.update((f"{name}{inner.suffix}", bindings) for name, bindings in _variables(inner, names).items())
    return Function(
        name=f"{scope.name}.<module>" if scope.kind == "module" else scope.name,
        span=span,
        name_span=name_span,
        header=header,
        scope=_stands_in(scope),
        parameters=parameters,
        decorators=decorators,
        is_async=isinstance(node, ast.AsyncFunctionDef),
        is_generator=scope.is_generator,
        is_lambda=isinstance(node, ast.Lambda),
        owner=owner.name if owner is not None else None,
        binds=binds if parameters else None,
        is_property=is_property,
        calls=tuple(calls),
        reads=tuple(_reads(scope, names)),
        writes=tuple(_writes(scope, names)) if scope.writes else (),
        variables=variables,
        names=mentions,
        stands=stands,
        waits=tuple(_waits(scope, names)) if scope.waits else (),
        clauses=tuple(_clauses(scope, names)) if scope.clauses else (),
        compares={name: frozenset(texts) for name, texts in sorted(scope.compares.items())} if scope.compares else {},
        loops=tuple([names.span(loop) for loop in scope.loops]) if scope.loops else (),
        returns=names.all(scope.results),
        return_annotation=returned[0],
        return_elements=returned[1] or names.all(scope.yields),
        return_items=items,
        nested=_nested(scope) if scope.nested else (),
        shape=frozenset(scope.shape),
    )


def _stands_in(scope: Scope) -> str:
    """The function, class or module that a function stands in."""
    if scope.parent is None:
        return ""
    return scope.parent.body.name if scope.parent.kind == "comprehension" else scope.parent.name


def _nested(scope: Scope) -> tuple[str, ...]:
    return tuple([inner.name for inner in sorted(scope.nested, key=lambda inner: (inner.node.lineno, inner.node.col_offset))])  # type: ignore[attr-defined]


def _name_span(source: Source, start: int) -> Span:
    """Where the name of the function that begins at `start` stands, as it is written: the tree has its NFKC form (PEP 3131)."""
    heading = HEADING.match(source.text, start)
    assert heading is not None
    return Span(*heading.span("name"))


def _parameters(node: FunctionNode, scope: Scope, names: _Names) -> Iterator[Parameter]:
    arguments = node.args
    positional = [*arguments.posonlyargs, *arguments.args]
    bare = len(positional) - len(arguments.defaults)  # those without a default come first
    for place, argument in enumerate(positional):
        yield _parameter(argument, "positional", arguments.defaults[place - bare] if place >= bare else None, scope, names)
    if arguments.vararg is not None:
        yield _parameter(arguments.vararg, "*", None, scope, names)
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        yield _parameter(argument, "keyword", default, scope, names)
    if arguments.kwarg is not None:
        yield _parameter(arguments.kwarg, "**", None, scope, names)


def _parameter(argument: ast.arg, kind: str, default: ast.expr | None, scope: Scope, names: _Names) -> Parameter:
    values, elements = names.annotation(argument.annotation, scope)
    if kind[0] == "*":
        values, elements = (), values
    if default is None:
        return Parameter(argument.arg, kind, values, elements)
    return Parameter(argument.arg, kind, values, elements, names.refs(default, scope), has_default=True)


def _call(node: ast.Call, scope: Scope, around: str, names: _Names) -> Call:
    found, span = names.found, names.span
    arguments = []
    for each in node.args:
        arguments.append(_argument(None, each, scope, names))  # noqa: PERF401 -- a comprehension is one more function to call
    for keyword in node.keywords:
        arguments.append(_argument(keyword.arg or "**", keyword.value, scope, names))  # noqa: PERF401 -- the same
    is_awaited = around == "Await"
    return Call(
        names.callees(node, scope),
        span(node),
        span(node.func),
        tuple(arguments),
        is_awaited,
        around == "Expr" or (is_awaited and id(node) in found.discarded),
        around in ENTERING or (is_awaited and id(node) in found.entered),
        found.decorated.get(id(node)) if around in DEFINING else None,
        around,
    )


def _literal(node: ast.expr) -> str | None:
    """A constant as a literal that gives it back: its `repr`, if that is one; None for a number of hundreds of digits."""
    if type(node) is not Constant:
        return None
    value = node.value
    if isinstance(value, str):
        return repr(value)
    if value is Ellipsis:
        return "..."
    if isinstance(value, float | complex):
        return repr(value).replace("inf", "1e309")
    return repr(value) if not isinstance(value, int) or value.bit_length() < MOST_BITS else None


def _argument(keyword: str | None, node: ast.expr, scope: Scope, names: _Names) -> Argument:
    kind = type(node)
    if kind is Constant:
        return Argument(keyword, _CONSTANTS[type(node.value)], names.span(node), _literal(node))  # type: ignore[attr-defined]
    if kind is ast.Starred:
        return _argument("*", node.value, scope, names)  # type: ignore[attr-defined]
    if kind in _DISPLAYS:
        within: list[ast.expr] = node.elts  # type: ignore[attr-defined]
        values, elements = names.refs(node, scope), tuple([names.refs(each, scope) for each in within])
        return Argument(keyword, values, names.span(node), None, elements, tuple([names.span(each) for each in within]))
    return Argument(keyword, names.refs(node, scope), names.span(node))


_DISPLAYS = frozenset({ast.List, ast.Tuple, ast.Set})


def _reads(scope: Scope, names: _Names) -> list[Read]:
    found: list[Read] = []
    for node, at, around in scope.reads:
        values = names.refs(node, at)
        if values and not (type(node) is Name and all(_is_local(ref) for ref in values)):
            found.append(Read(values, names.span(node), around))
    found.sort(key=attrgetter("span.start"))
    return found


def _is_local(ref: Ref) -> bool:
    """Whether it is a local variable itself, and nothing of it."""
    return ":" in ref and "." not in ref.rpartition(":")[2]


def _place(found: tuple[ast.expr, Scope, str] | tuple[ast.expr, Scope]) -> tuple[int, int]:
    return found[0].lineno, found[0].col_offset


def _writes(scope: Scope, names: _Names) -> Iterator[Write]:
    for node, at in sorted(scope.writes, key=_place):
        target = names.refs(node.value if isinstance(node, ast.Subscript) else node, at)
        if any(not ref.startswith(f"{scope.name}:") or "." in ref.rpartition(":")[2] for ref in target):
            yield Write(target, names.span(node))


def _mentions(scope: Scope) -> tuple[dict[str, Refs], dict[str, frozenset[str]]]:
    """What the names are that the code of a scope reads, and the kinds of node around them."""
    stands = {name: frozenset(map(_SECOND, keys)) for name, keys in groupby(sorted(scope.mentions, key=_FIRST), _FIRST)}
    if not scope.is_mixed:
        return {name: scope.known[name] for name in stands}, stands
    several: dict[str, Refs] = {}
    for key in scope.mentions:
        name = key[0]
        refs = (key[2] if len(key) == 3 else scope).known[name]
        known = several.setdefault(name, refs)
        if known is not refs:
            several[name] = _distinct([*known, *refs])
    return {name: several[name] for name in stands}, stands


_FIRST, _SECOND = itemgetter(0), itemgetter(1)


def _waits(scope: Scope, names: _Names) -> Iterator[Wait]:
    for node, place, at in sorted(scope.waits, key=lambda wait: (wait[1].lineno, wait[1].col_offset)):
        yield Wait(names.refs(node, at), names.span(node), names.span(place))


def _clauses(scope: Scope, names: _Names) -> Iterator[Clause]:
    for clause, body, at in scope.clauses:
        kinds = clause.type.elts if isinstance(clause.type, ast.Tuple) else [clause.type] if clause.type is not None else []
        covers = Span(names.span(body[0]).start, names.span(body[-1]).end)
        is_plain = all(isinstance(statement, _PLAIN) for statement in clause.body)
        last = clause.body[-1]
        raises = isinstance(last, ast.Raise) and last.exc is None and not any(_leaves(statement) for statement in clause.body[:-1])
        yield Clause(tuple(names.refs(kind, at) for kind in kinds), names.span(clause), covers, is_plain, raises)


def _leaves(statement: ast.stmt) -> bool:
    """Whether there is something in a statement that leads on elsewhere than behind it."""
    if isinstance(statement, _PLAIN):
        return isinstance(statement, _LEAVING)
    return any(isinstance(node, _LEAVING) for node in ast.walk(statement))


_LEAVING = (ast.Return, ast.Raise, ast.Break, ast.Continue)
_PLAIN = (
    *(ast.AnnAssign, ast.Assert, ast.Assign, ast.AugAssign, ast.Break, ast.Continue, ast.Delete, ast.Expr, ast.Global, ast.Import),
    *(ast.ImportFrom, ast.Nonlocal, ast.Pass, ast.Raise, ast.Return),
)


def _variables(scope: Scope, names: _Names) -> dict[str, tuple[Binding, ...]]:
    found: dict[str, tuple[Binding, ...]] = {}
    for name, binds in scope.binds.items():
        if len(binds) == 1:
            bind = binds[0]
            if isinstance(bind.thing, ast.arg):
                continue  # a parameter: it is elsewhere
            if type(bind.place) in DEFINITIONS and bind.thing == f"{scope.name}.{name}":
                continue  # a def or class: found by its own name
            found[name] = (_binding(bind, names),)
        else:
            rest = binds[1:] if binds and isinstance(binds[0].thing, ast.arg) else binds
            found[name] = tuple([_binding(bind, names) for bind in rest])
    return found


def _binding(bind: Bind, names: _Names) -> Binding:
    span = names.span(bind.place)
    thing = bind.thing
    if isinstance(thing, str):
        return Binding((thing,), span)
    if type(thing) is Constant:
        return Binding(_CONSTANTS[type(thing.value)], span, (), (), False, _literal(thing))  # noqa: FBT003 -- as fields stand
    if isinstance(thing, ast.expr):
        return Binding(names.refs(thing, bind.scope), span, names.elements(thing, bind.scope))
    match thing:
        case Item(of=of, index=index):
            return Binding(names.item(of, bind.scope, index), span)
        case Entered(of=of):
            return Binding(_followed(names.refs(of, bind.scope), ".<enter>"), span)
        case Instance(of=of):
            return Binding(names.annotation(of, bind.scope)[0], span)
        case Annotated(annotation=annotation):
            values, elements = names.annotation(annotation, bind.scope)
            return Binding(values, span, elements, annotated=True)
        case Stored(value=value, several=several):
            return Binding((), span, names.item(value, bind.scope, None) if several else names.refs(value, bind.scope))
        case _:
            return Binding((), span)


def _class(scope: Scope, names: _Names) -> Class:
    node = scope.node
    assert isinstance(node, ast.ClassDef)
    assert scope.parent is not None
    parent = scope.parent
    return Class(
        name=scope.name,
        span=names.span(node),
        scope=parent.name,
        bases=tuple(names.refs(base.value if isinstance(base, ast.Subscript) else base, parent) for base in node.bases),
        decorators=tuple(names.refs(d, parent) for d in node.decorator_list),
        methods={name: tuple(functions) for name, functions in scope.methods.items()},
        attributes={
            name: tuple(_binding(bind, names) for bind in binds)
            for name, binds in scope.attributes.items()
            if name not in scope.methods or len(binds) > len(scope.methods[name])
        },
        fields=tuple(scope.fields),
    )
