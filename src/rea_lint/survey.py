"""One file -> Facts, by `ast`.  Iterative: code may nest as deep as Python can parse it.

Two passes over one tree.  The first finds the scopes and what binds each name, since a name may be used above the line that
binds it; the second says of every call, read and binding what it refers to.
"""

from __future__ import annotations

import ast
import builtins
import re
import warnings
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from rea_lint.comments import suppressions
from rea_lint.facts import Argument, Binding, Broken, Call, Class, Clause, Facts, Function, Parameter, Read, Ref, Refs, Wait, Write
from rea_lint.text import Source, Span

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

MOST_ALTERNATIVES = 8  # of one expression: more than that says nothing useful
MOST_NESTED = 40  # conditional expressions, annotations and displays within each other; below it, not known
ADDERS = frozenset({"append", "appendleft", "add", "insert"})  # methods whose last argument becomes an element of their object
EXTENDERS = frozenset({"extend", "extendleft"})  # methods whose argument's elements do
TAKERS = frozenset({"pop", "popleft", "get", "setdefault"})  # methods that may give an element
COMPREHENSIONS = frozenset({"ListComp", "SetComp", "DictComp", "GeneratorExp"})
MOST_BITS = 2_000  # of a number that Python writes down at any limit of `sys.set_int_max_str_digits`, which is 640 digits at least
BUILTINS = frozenset(dir(builtins))
HEADING = re.compile(r"(?:async(?:\s|\\\r?\n)+)?def(?:\s|\\\r?\n)+(?P<name>[^\s(\[\\]+)")  # up to the name, across continued lines

FunctionNode: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


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
    return _facts(path, module, is_package, source, _scopes(tree, module, package))


def _broken(source: Source, error: SyntaxError) -> Broken:
    row = min(max(error.lineno or 1, 1), len(source))
    line = source.line_span(row)
    start = min(line.start + max((error.offset or 1) - 1, 0), line.end)
    return Broken(error.msg or "invalid syntax", Span(start, max(start, min(start + 1, line.end))))


# -- first pass: scopes and what binds names ---------------------------------------------------------------------------


@dataclass(eq=False)
class _Bind:
    """One binding of a name: `thing` says how, in the words of `scope`; `place` is the node that stands for it."""

    thing: object  # Ref (an import, def or class), ast.expr (a value), _Item, _Entered, _Instance, _Annotated, _Stored, ast.arg or None (not known)
    place: ast.AST
    scope: _Scope


@dataclass(frozen=True, slots=True)
class _Item:
    """An element of a value: at an index (tuple unpacking), or any one."""

    of: object
    index: int | None


@dataclass(frozen=True, slots=True)
class _Entered:
    of: ast.expr


@dataclass(frozen=True, slots=True)
class _Instance:
    of: ast.expr


@dataclass(frozen=True, slots=True)
class _Annotated:
    annotation: ast.expr


@dataclass(frozen=True, slots=True)
class _Stored:
    """A value put into a container: `futures[i] = ctx.sleep(...)`, `calls.append(call)`; `several`: the elements of one."""

    value: ast.expr
    several: bool = False


@dataclass(eq=False)
class _Scope:
    """A module, function, class or comprehension, and what happens in its own code."""

    kind: str  # `module`, `function`, `class`, `comprehension`
    name: str  # dotted; of a comprehension, the name of the function it stands in
    parent: _Scope | None
    node: ast.AST
    suffix: str = ""  # what variables of a comprehension are called besides their name
    binds: dict[str, list[_Bind]] = field(default_factory=lambda: defaultdict(list))
    outer: dict[str, _Scope] = field(default_factory=dict)  # names declared `global` or `nonlocal`
    star: bool = False
    # of a function or module, in walking order:
    calls: list[tuple[ast.Call, _Scope]] = field(default_factory=list)
    reads: list[tuple[ast.expr, _Scope, str]] = field(default_factory=list)  # with the kind of node around
    writes: list[tuple[ast.expr, _Scope]] = field(default_factory=list)
    mentions: list[tuple[ast.Name, _Scope, str]] = field(default_factory=list)  # with the kind of node around
    waits: list[tuple[ast.expr, ast.expr, _Scope]] = field(default_factory=list)  # what is waited for, and where that is said
    compares: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    loops: list[ast.stmt] = field(default_factory=list)
    clauses: list[tuple[ast.ExceptHandler, list[ast.stmt], _Scope]] = field(default_factory=list)  # with the body of its `try`
    results: list[tuple[ast.expr, _Scope]] = field(default_factory=list)
    yields: list[tuple[ast.expr, _Scope]] = field(default_factory=list)
    is_generator: bool = False
    nested: list[_Scope] = field(default_factory=list)
    shape: set[str] = field(default_factory=set)
    # of a class:
    attributes: dict[str, list[_Bind]] = field(default_factory=lambda: defaultdict(list))
    fields: list[str] = field(default_factory=list)
    methods: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    @property
    def body(self) -> _Scope:
        """The function or module whose code this scope's code is."""
        scope = self
        while scope.kind in {"class", "comprehension"}:
            assert scope.parent is not None
            scope = scope.parent
        return scope

    def ref(self, name: str) -> Ref:
        """What a variable of this scope is called in facts."""
        return f"{self.name}:{name}{self.suffix}" if self.kind in {"function", "comprehension"} else f"{self.name}.{name}"


@dataclass(eq=False)
class _Scopes:
    module: _Scope
    functions: list[_Scope] = field(default_factory=list)
    classes: list[_Scope] = field(default_factory=list)
    stars: list[tuple[str | None, int]] = field(default_factory=list)
    imported: set[Ref] = field(default_factory=set)
    around: dict[int, str] = field(default_factory=dict)  # call -> the kind of node it stands in
    awaited: set[int] = field(default_factory=set)
    discarded: set[int] = field(default_factory=set)
    entered: set[int] = field(default_factory=set)
    decorated: dict[int, str] = field(default_factory=dict)
    stored: list[tuple[ast.expr, _Stored, _Scope]] = field(default_factory=list)  # container, what is put into it
    comprehensions: dict[int, _Scope] = field(default_factory=dict)
    unconditional: set[int] = field(default_factory=set)  # statements that stand directly in a module or class
    depth: int = 0


def _scopes(tree: ast.Module, module: str, package: str) -> _Scopes:
    top = _Scope("module", module, None, tree)
    found = _Scopes(top)
    taken: set[str] = set()
    chained: set[int] = set()  # attribute chains that are part of a longer one, or called

    def unique(scope: _Scope, name: str) -> str:
        dotted = f"{scope.name}.{name}"
        count = 2
        while dotted in taken:
            dotted = f"{scope.name}.{name}#{count}"
            count += 1
        taken.add(dotted)
        return dotted

    # What is yet to be walked: (node, scope, depth, whether the node is read as a value of its own, kind of the node around it).
    todo: list[tuple[ast.AST, _Scope, int, bool, str]] = [(tree, top, 0, False, "")]

    def later(nodes: Iterable[ast.AST | None], scope: _Scope, depth: int, *, read: bool = True) -> None:
        around = type(node).__name__
        todo.extend((n, scope, depth, read, around) for n in reversed([n for n in nodes if n is not None]))

    while todo:
        node, scope, depth, read, around = todo.pop()
        found.depth = max(found.depth, depth)
        deeper = depth + 1
        body = scope.body
        if isinstance(node, ast.Module | ast.ClassDef):
            found.unconditional.update(id(statement) for statement in node.body)
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
                inner = _enter_function(node, scope, unique, found)
                arguments = node.args
                if not isinstance(node, ast.Lambda):
                    for decorator in node.decorator_list:
                        found.decorated[id(decorator)] = inner.name
                    later([*node.body], inner, deeper)
                    annotations = [a.annotation for a in _all_arguments(arguments)]
                    later([n for n in (*annotations, node.returns) if n is not None], scope, deeper, read=False)
                    later(node.decorator_list, scope, deeper, read=False)
                else:
                    inner.results.append((node.body, inner))
                    later([node.body], inner, deeper)
                later([*arguments.defaults, *arguments.kw_defaults], scope, deeper)
            case ast.ClassDef():
                inner = _Scope("class", unique(scope, node.name), scope, node)
                found.classes.append(inner)
                _bind(scope, node.name, inner.name, node)
                for decorator in node.decorator_list:
                    found.decorated[id(decorator)] = inner.name
                later(node.body, inner, deeper)
                later([*node.bases, *(k.value for k in node.keywords)], scope, deeper, read=False)
                later(node.decorator_list, scope, deeper, read=False)
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                body.shape.add(type(node).__name__)
                inner = _Scope("comprehension", _code(scope), scope, node, suffix=f"@{node.lineno},{node.col_offset}")
                found.comprehensions[id(node)] = inner
                for generator in node.generators:
                    _bind_target(inner, generator.target, _Item(generator.iter, None), found)
                    if generator.is_async:
                        body.waits.append((generator.iter, generator.iter, inner))
                parts = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
                for generator in reversed(node.generators):
                    later([generator.target, generator.iter, *generator.ifs], inner, deeper)
                later(parts, inner, deeper)
            case ast.Import():
                for alias in node.names:
                    found.imported.add(alias.name)
                    _bind(
                        scope,
                        alias.asname or alias.name.partition(".")[0],
                        alias.name if alias.asname else alias.name.partition(".")[0],
                        node,
                    )
            case ast.ImportFrom():
                base = _absolute(package, node)
                for alias in node.names:
                    if alias.name == "*":
                        scope.star = True
                        top.star = True
                        found.stars.append((base, node.lineno))
                        if base:
                            found.imported.add(base)
                        continue
                    if base is not None:
                        found.imported.add(f"{base}.{alias.name}" if base else alias.name)
                    _bind(scope, alias.asname or alias.name, None if base is None else f"{base}.{alias.name}" if base else alias.name, node)
            case ast.Global() | ast.Nonlocal():
                for name in node.names:
                    scope.outer[name] = top if isinstance(node, ast.Global) else scope
                body.shape.add(type(node).__name__)
            case ast.Assign():
                for target in node.targets:
                    _bind_target(scope, target, node.value, found)
                later([*node.targets, node.value], scope, deeper)
            case ast.AnnAssign():
                _bind_target(scope, node.target, _Annotated(node.annotation), found)
                if node.value is not None:
                    _bind_target(scope, node.target, node.value, found)
                if scope.kind == "class" and isinstance(node.target, ast.Name) and not _is_class_variable(node.annotation):
                    scope.fields.append(node.target.id)
                later([node.annotation], scope, deeper, read=False)
                later([node.target, node.value], scope, deeper)
            case ast.AugAssign():
                if isinstance(node.target, ast.Name):
                    _bind(scope, node.target.id, node.value, node.value)
                body.writes.append((node.target, scope))
                later([node.target, node.value], scope, deeper)
            case ast.NamedExpr():
                holder = scope
                while holder.kind == "comprehension" and holder.parent is not None:
                    holder = holder.parent
                _bind_target(holder, node.target, node.value, found)
                later([node.value], scope, deeper)
            case ast.For() | ast.AsyncFor():
                body.shape.add(type(node).__name__)
                _bind_target(scope, node.target, _Item(node.iter, None), found)
                body.loops.append(node)
                if isinstance(node, ast.AsyncFor):
                    body.waits.append((node.iter, node.iter, scope))
                later([node.target, node.iter, *node.body, *node.orelse], scope, deeper)
            case ast.With() | ast.AsyncWith():
                body.shape.add(type(node).__name__)
                for item in node.items:
                    entered = item.context_expr.value if isinstance(item.context_expr, ast.Await) else item.context_expr
                    found.entered.add(id(entered))
                    if item.optional_vars is not None:
                        _bind_target(scope, item.optional_vars, _Entered(item.context_expr), found)
                later([n for item in node.items for n in (item.context_expr, item.optional_vars)] + [*node.body], scope, deeper)
            case ast.ExceptHandler():
                if node.name:
                    _bind(
                        scope,
                        node.name,
                        _Instance(node.type) if node.type is not None and not isinstance(node.type, ast.Tuple) else None,
                        node,
                    )
                later([node.type], scope, deeper, read=False)
                later(node.body, scope, deeper)
            case ast.MatchAs() | ast.MatchStar():
                if node.name:
                    _bind(scope, node.name, None, node)
                later(ast.iter_child_nodes(node), scope, deeper)
            case ast.MatchMapping():
                if node.rest:
                    _bind(scope, node.rest, None, node)
                later(ast.iter_child_nodes(node), scope, deeper)
            case ast.Return():
                if node.value is not None:
                    body.results.append((node.value, scope))
                later([node.value], scope, deeper)
            case ast.Yield() | ast.YieldFrom():
                body.is_generator = True
                if isinstance(node, ast.Yield) and node.value is not None:
                    body.yields.append((node.value, scope))
                later([node.value], scope, deeper)
            case ast.Expr():
                value = node.value.value if isinstance(node.value, ast.Await) else node.value
                found.discarded.add(id(value))
                later([node.value], scope, deeper)
            case ast.Await():
                found.awaited.add(id(node.value))
                body.waits.append((node.value, node, scope))
                later([node.value], scope, deeper)
            case ast.Call():
                body.calls.append((node, scope))
                found.around[id(node)] = around
                if isinstance(node.func, ast.Attribute) and node.args and node.func.attr in ADDERS | EXTENDERS:
                    found.stored.append((node.func.value, _Stored(node.args[-1], node.func.attr in EXTENDERS), scope))
                later([k.value for k in node.keywords], scope, deeper, read=False)
                later(node.args, scope, deeper, read=False)
                chained.add(id(node.func))
                later([node.func], scope, deeper, read=False)
            case ast.Attribute():
                if not isinstance(node.ctx, ast.Load):
                    body.writes.append((node, scope))
                elif id(node) not in chained:
                    body.reads.append((node, scope, around))
                chained.add(id(node.value))
                later([node.value], scope, deeper, read=not isinstance(node.value, ast.Name))
            case ast.Name():
                if isinstance(node.ctx, ast.Load):
                    body.mentions.append((node, scope, around))
                    if read:
                        body.reads.append((node, scope, around))
                elif isinstance(node.ctx, ast.Del):
                    scope.binds[node.id]  # a name that is deleted is local
            case ast.Subscript():
                if not isinstance(node.ctx, ast.Load):
                    body.writes.append((node, scope))
                later([node.value, node.slice], scope, deeper)
            case ast.Compare(left=ast.Name(id=name), ops=[ast.Eq()], comparators=[ast.Constant(value=str() as compared)]):
                body.shape.add("Compare")
                body.compares[name].add(compared)
                later([node.left, *node.comparators], scope, deeper)
            case ast.MatchValue(value=ast.Constant(value=str() as compared)):
                body.compares[""].add(compared)
            case ast.Starred() | ast.keyword():
                later([node.value], scope, deeper, read=read)
            case _:
                if isinstance(node, ast.stmt | ast.expr):
                    body.shape.add(type(node).__name__)
                if isinstance(node, ast.While):
                    body.loops.append(node)
                if isinstance(node, _TRY):
                    body.clauses += ((clause, node.body, scope) for clause in node.handlers)
                    body.shape.update({"Finally"} if node.finalbody else ())
                later(ast.iter_child_nodes(node), scope, deeper)
    return found


_TRY = (ast.Try, getattr(ast, "TryStar", ast.Try))  # the latter from Python 3.11 on


_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def _enter_function(node: FunctionNode, scope: _Scope, unique: Callable[[_Scope, str], str], found: _Scopes) -> _Scope:
    if isinstance(node, ast.Lambda):
        name = unique(scope, f"<lambda@{node.lineno},{node.col_offset}>")
    else:
        name = unique(scope, node.name)
        if (
            scope.kind != "function"
            and id(node) in found.unconditional
            and all(isinstance(b.place, _DEFINITIONS) for b in scope.binds[node.name])
        ):
            scope.binds[node.name].clear()  # a second definition replaces the first
        _bind(scope, node.name, name, node)
        if scope.kind == "class":
            scope.methods[node.name].append(name)
    inner = _Scope("function", name, scope, node)
    found.functions.append(inner)
    scope.body.nested.append(inner)
    for argument in _all_arguments(node.args):
        _bind(inner, argument.arg, argument, argument)
    return inner


def _all_arguments(arguments: ast.arguments) -> list[ast.arg]:
    extra = [a for a in (arguments.vararg, arguments.kwarg) if a is not None]
    return [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, *extra]


def _bind(scope: _Scope, name: str, thing: object, place: ast.AST) -> None:
    holder = scope
    if name in scope.outer:
        holder = scope.outer[name]
        if holder is scope:  # nonlocal: the nearest enclosing function that has it
            outer = scope.parent
            while outer is not None and (outer.kind != "function" or (name not in outer.binds and outer.parent is not None)):
                outer = outer.parent
            holder = outer or scope
    holder.binds[name].append(_Bind(thing, place, scope))
    if holder.kind == "class":
        holder.attributes[name].append(_Bind(thing, place, scope))


def _bind_target(scope: _Scope, target: ast.expr, value: object, found: _Scopes) -> None:
    """Bind what an assignment, loop or `with` binds; tuples are taken apart where the value is a tuple too."""
    body = scope.body
    todo = [(target, value)]
    while todo:
        target, value = todo.pop()
        match target:
            case ast.Name():
                _bind(scope, target.id, value, target if not isinstance(value, ast.AST) else value)
            case ast.Tuple() | ast.List():
                starred = any(isinstance(t, ast.Starred) for t in target.elts)
                if isinstance(value, ast.Tuple | ast.List) and not starred and len(value.elts) == len(target.elts):
                    todo.extend(zip(target.elts, value.elts, strict=True))
                else:
                    todo.extend((t, None if starred or value is None else _Item(value, i)) for i, t in enumerate(target.elts))
            case ast.Starred():
                todo.append((target.value, None))
            case ast.Attribute(value=ast.Name(id=name)) if name == _receiver(body):
                owner = body.parent
                assert owner is not None
                owner.attributes[target.attr].append(_Bind(value, target, scope))
            case ast.Subscript() if isinstance(value, ast.expr):
                found.stored.append((target.value, _Stored(value), scope))
            case _:
                pass


def _receiver(body: _Scope) -> str | None:
    """The name of a method's first parameter, if it is bound to the instance or class."""
    node = body.node
    if body.parent is None or body.parent.kind != "class" or not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return None
    if any(isinstance(d, ast.Name) and d.id == "staticmethod" for d in node.decorator_list):
        return None
    first = [*node.args.posonlyargs, *node.args.args][:1]
    return first[0].arg if first else None


def _absolute(package: str, node: ast.ImportFrom) -> str | None:
    """The module a `from` imports from; None if its dots go above the top."""
    if not node.level:
        return node.module or ""
    parts = package.split(".") if package else []
    if node.level - 1 > len(parts):
        return None
    parts = parts[: len(parts) - (node.level - 1)]
    return ".".join([*parts, *([node.module] if node.module else [])])


def _is_class_variable(annotation: ast.expr) -> bool:
    head = annotation.value if isinstance(annotation, ast.Subscript) else annotation
    return (head.attr if isinstance(head, ast.Attribute) else head.id if isinstance(head, ast.Name) else "") == "ClassVar"


# -- second pass: what everything refers to ----------------------------------------------------------------------------


def _facts(path: str, module: str, is_package: bool, source: Source, found: _Scopes) -> Facts:
    names = _Names(module, found)
    _store(found, names)
    functions = {scope.name: _function(scope, found, names, source) for scope in found.functions}
    start_up = _function(found.module, found, names, source)
    classes = {scope.name: _class(scope, names, source) for scope in found.classes}
    variables = _variables(found.module, names, source)
    _keep_tuples(names, {**functions, module: start_up}, source)
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


def _keep_tuples(names: _Names, functions: Mapping[str, Function], source: Source) -> None:
    """Give the tuples that were seen to the functions they stand in; looking into one may bring up more."""
    done: set[str] = set()
    while todo := [(owner, name) for owner, tuples in names.tuples.items() for name in tuples if f"{owner}:{name}" not in done]:
        for owner, name in todo:
            done.add(f"{owner}:{name}")
            node, scope = names.tuples[owner][name]
            items = tuple(names.refs(item, scope) for item in node.elts if not isinstance(item, ast.Starred))
            binding = Binding(
                ("builtins.tuple()",),
                _span(source, node),
                _distinct(ref for refs in items for ref in refs),
                items if len(items) == len(node.elts) else (),
            )
            functions[owner].variables[name] = (binding,)  # type: ignore[index]  # the mapping is ours until the facts are made


def _store(found: _Scopes, names: _Names) -> None:
    """What is put into a container is an element of the variable or attribute that holds it."""
    for container, stored, scope in found.stored:
        match container:
            case ast.Name(id=name):
                holder = names.holder(name, scope)
                if holder is not None:
                    holder.binds[name].append(_Bind(stored, container, scope))
            case ast.Attribute(value=ast.Name(id=name), attr=attribute) if name == _receiver(scope.body):
                owner = scope.body.parent
                assert owner is not None
                owner.attributes[attribute].append(_Bind(stored, container, scope))
            case _:
                pass


class _Names:
    """What names and expressions refer to, in the words of `facts`."""

    def __init__(self, module: str, found: _Scopes) -> None:
        self._module = module
        self._star = found.module.star
        self._comprehensions = found.comprehensions
        self._functions = {id(scope.node): scope.name for scope in found.functions}
        self.tuples: dict[str, dict[str, tuple[ast.Tuple, _Scope]]] = defaultdict(dict)  # by function (or module), those seen so far

    def holder(self, name: str, scope: _Scope) -> _Scope | None:
        """The scope that binds a name, as Python finds it: class scopes are seen from their own body only."""
        at: _Scope | None = scope
        own = True
        while at is not None:
            if name in at.outer and at.outer[name] is not at:
                at = at.outer[name]
            if name in at.binds and name not in at.outer and (at.kind != "class" or own):
                return at
            own = own and at.kind == "comprehension"
            at = at.parent
        return None

    def lookup(self, name: str, scope: _Scope) -> Refs:
        """What a plain name is."""
        holder = self.holder(name, scope)
        if holder is None:
            if self._star:
                return (f"{self._module}.{name}",)
            return (f"builtins.{name}",) if name in BUILTINS else ()
        things = {bind.thing for bind in holder.binds[name] if isinstance(bind.thing, str)}
        if len(things) == 1 and all(isinstance(bind.thing, str) for bind in holder.binds[name]):
            return (things.pop(),)
        return (holder.ref(name),)

    def refs(self, node: ast.expr, scope: _Scope, depth: int = 0) -> Refs:
        """What an expression is."""
        suffixes: list[str] = []
        while len(suffixes) < MOST_NESTED and depth < MOST_NESTED:
            match node:
                case ast.Attribute():
                    suffixes.append(f".{node.attr}")
                    node = node.value
                case ast.Call():
                    known = self._known_call(node, scope, depth)
                    if known is not None:
                        return _followed(known, suffixes)
                    suffixes.append("()")
                    node = node.func
                case ast.Subscript(slice=ast.Slice()):
                    node = node.value
                case ast.Subscript():
                    suffixes.append(
                        f"[{node.slice.value}]" if isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, int) else "[]"
                    )
                    node = node.value
                case ast.Await() | ast.NamedExpr() | ast.Starred():
                    node = node.value
                case _:
                    return _followed(self._base(node, scope, depth), suffixes)
        return ()

    def _base(self, node: ast.expr, scope: _Scope, depth: int) -> Refs:
        match node:
            case ast.Name():
                return self.lookup(node.id, scope)
            case ast.Lambda():
                return (self._functions[id(node)],)
            case ast.IfExp():
                return self._any([node.body, node.orelse], scope, depth)
            case ast.BoolOp():
                return self._any(node.values, scope, depth)
            case ast.BinOp():
                return self.refs(node.left, scope, depth + 1) or self.refs(node.right, scope, depth + 1)
            case ast.JoinedStr():
                return ("builtins.str()",)
            case ast.Constant():
                return () if node.value is None or node.value is Ellipsis else (f"builtins.{type(node.value).__name__}()",)
            case ast.Compare() | ast.UnaryOp(op=ast.Not()):
                return ("builtins.bool()",)
            case ast.List() | ast.ListComp():
                return ("builtins.list()",)
            case ast.Tuple():
                return (self._tuple(node, scope),)
            case ast.Set() | ast.SetComp():
                return ("builtins.set()",)
            case ast.Dict() | ast.DictComp():
                return ("builtins.dict()",)
            case ast.GeneratorExp():
                return ("types.GeneratorType()",)
            case _:
                return ()

    def _tuple(self, node: ast.Tuple, scope: _Scope) -> Ref:
        """A tuple with something in it that is more than a constant is a variable of its own."""
        if all(isinstance(item, ast.Constant) for item in node.elts):
            return "builtins.tuple()"
        name = f"tuple@{node.lineno},{node.col_offset}"
        self.tuples[scope.body.name][name] = (node, scope)
        return f"{_code(scope)}:{name}"

    def _any(self, nodes: Sequence[ast.expr], scope: _Scope, depth: int) -> Refs:
        return _distinct(ref for node in nodes[:MOST_ALTERNATIVES] for ref in self.refs(node, scope, depth + 1))

    def _known_call(self, node: ast.Call, scope: _Scope, depth: int) -> Refs | None:
        """Calls whose value is one of their arguments, and `super()`."""
        if not (
            isinstance(node.func, ast.Name)
            or (isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name | ast.Attribute))
        ):
            return None
        if isinstance(node.func, ast.Attribute) and node.func.attr in TAKERS:
            held = self.refs(node.func.value, scope, depth + 1)
            return _distinct([*(f"{ref}.{node.func.attr}()" for ref in held), *(f"{ref}[]" for ref in held)])
        match self.refs(node.func, scope):
            case ("functools.partial" | "functools.partialmethod",) if node.args:
                return tuple(f"{ref}.<partial>" for ref in self.refs(node.args[0], scope, depth + 1))
            case ("builtins.getattr",):
                match node.args:
                    case [of, ast.Constant(value=str(attribute)), *default]:
                        read = (f"{ref}.{attribute}" for ref in self.refs(of, scope, depth + 1))
                        return _distinct([*read, *(ref for other in default for ref in self.refs(other, scope, depth + 1))])
                return None
            case ("copy.copy" | "copy.deepcopy" | "contextlib.nullcontext",) if node.args:
                return self.refs(node.args[0], scope, depth + 1)
            case ("typing.cast" | "typing_extensions.cast",) if len(node.args) == 2:
                return _distinct([*self.annotation(node.args[0], scope)[0], *self.refs(node.args[1], scope, depth + 1)])
            case (stack,) if (
                stack.endswith((".enter_context", ".enter_async_context")) and node.args
            ):  # of an exit stack, by its name: it gives what it enters
                return (f"{stack}()", *(f"{ref}.<enter>" for ref in self.refs(node.args[0], scope, depth + 1)))
            case ("builtins.super",):
                owner = _class_around(scope)
                return (f"{owner.name}.<super>",) if owner is not None else ()
            case _:
                return None

    def elements(self, node: ast.expr, scope: _Scope, index: int | None = None, depth: int = 0) -> Refs:
        """What an element of a display, comprehension or well-known iterator is; () for everything else."""
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
            case ast.Call(func=ast.Name(), args=[first, *_]) if depth < MOST_NESTED:
                match self.refs(node.func, scope):
                    case ("builtins.list" | "builtins.tuple" | "builtins.set" | "builtins.sorted" | "builtins.reversed" | "builtins.iter",):
                        return self.item(first, scope, None, depth + 1)
                    case ("builtins.map",):
                        return tuple(f"{ref}()" for ref in self.refs(first, scope, depth + 1))
            case ast.Call(func=ast.Attribute(attr="values" | "copy"), args=[]) if depth < MOST_NESTED:
                assert isinstance(node.func, ast.Attribute)
                return self.item(node.func.value, scope, None, depth + 1)
            case _:
                pass
        return ()

    def item(self, of: object, scope: _Scope, index: int | None, depth: int = 0) -> Refs:
        """What unpacking or iterating gives."""
        if depth > MOST_NESTED:
            return ()
        match of:
            case _Item(of=ast.Call(func=ast.Name(), args=arguments) as call, index=None) if index is not None:
                match self.refs(call.func, scope):
                    case ("builtins.enumerate",):
                        return self.item(arguments[0], scope, None, depth + 1) if index == 1 and arguments else ("builtins.int()",)
                    case ("builtins.zip",):
                        return self.item(arguments[index], scope, None, depth + 1) if index < len(arguments) else ()
            case _Item(of=ast.Call(func=ast.Attribute(attr="items", value=held), args=[]), index=None) if index is not None:
                return self.item(held, scope, None, depth + 1) if index == 1 else ()
        suffix = "[]" if index is None else f"[{index}]"
        if isinstance(of, ast.expr):
            return self.elements(of, scope, index, depth) or _followed(self.refs(of, scope, depth + 1), [suffix])
        if isinstance(of, _Item):
            if isinstance(of.of, ast.List | ast.Tuple | ast.Set) and index is not None:  # for a, b in [(x, y), ...]
                rows = [e for e in of.of.elts if isinstance(e, ast.Tuple | ast.List) and index < len(e.elts)]
                return self._any([e.elts[index] for e in rows], scope, depth)
            return _followed(self.item(of.of, scope, of.index, depth + 1), [suffix])
        if isinstance(of, _Entered):
            return _followed(self.refs(of.of, scope, depth + 1), [suffix, ".<enter>"])
        return ()

    def annotation(self, node: ast.expr | None, scope: _Scope, depth: int = 0) -> tuple[Refs, Refs]:
        """What a value of the annotated type is, and what its elements are."""
        if depth > MOST_NESTED:
            return (), ()
        match node:
            case ast.Constant(value=str(text)):
                try:
                    return self.annotation(ast.parse(text.strip(), mode="eval").body, scope, depth + 1)
                except (SyntaxError, ValueError, RecursionError, MemoryError):
                    return (), ()
            case ast.BinOp(op=ast.BitOr()):
                left, right = self.annotation(node.left, scope, depth + 1), self.annotation(node.right, scope, depth + 1)
                return _distinct([*left[0], *right[0]]), _distinct([*left[1], *right[1]])
            case ast.Name() | ast.Attribute():
                return tuple(f"{ref}()" for ref in self.refs(node, scope)), ()
            case ast.Subscript():
                return self._generic(node, scope, depth)
            case _:
                return (), ()

    def items(self, node: FunctionNode, results: Sequence[tuple[ast.expr, _Scope]], scope: _Scope) -> tuple[Refs, ...]:
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

    def _generic(self, node: ast.Subscript, scope: _Scope, depth: int) -> tuple[Refs, Refs]:
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


def _followed(base: Refs, suffixes: list[str]) -> Refs:
    suffix = "".join(reversed(suffixes))
    return tuple(ref + suffix for ref in base)


def _distinct(refs: Iterable[Ref]) -> Refs:
    return tuple(dict.fromkeys(refs))[:MOST_ALTERNATIVES]


def _code(scope: _Scope) -> str:
    """The function whose code a scope's code is; `m.<module>` for what a module does at import."""
    body = scope.body
    return body.name if body.kind == "function" else f"{body.name}.<module>"


def _class_around(scope: _Scope) -> _Scope | None:
    at: _Scope | None = scope
    while at is not None and at.kind != "class":
        at = at.parent
    return at


# -- facts -------------------------------------------------------------------------------------------------------------


def _span(source: Source, node: ast.AST) -> Span:
    if isinstance(node, ast.Module):
        return Span(0, len(source.text))
    assert isinstance(node, ast.expr | ast.stmt | ast.arg | ast.alias | ast.ExceptHandler | ast.pattern | ast.keyword)
    assert node.end_lineno is not None
    assert node.end_col_offset is not None
    return Span(source.from_ast(node.lineno, node.col_offset), source.from_ast(node.end_lineno, node.end_col_offset))


def _function(scope: _Scope, found: _Scopes, names: _Names, source: Source) -> Function:
    node = scope.node
    inside = [inner for inner in found.comprehensions.values() if inner.body is scope] if scope.shape & COMPREHENSIONS else []
    span = whole = _span(source, node)
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
        decorators = tuple(names.refs(d, scope.parent) for d in node.decorator_list)
        if node.decorator_list:
            span = Span(source.text.rindex("@", 0, _span(source, node.decorator_list[0]).start), whole.end)
        name_span = _name_span(source, whole.start)
        header = Span(whole.start, source.text.rfind(":", whole.start, _span(source, node.body[0]).start) + 1)
        returned = names.annotation(node.returns, scope.parent)
        flat = {ref for refs in decorators for ref in refs}
        if owner is not None and "builtins.staticmethod" not in flat:
            binds = "cls" if "builtins.classmethod" in flat else "self"
        is_property = bool(flat & {"builtins.property", "functools.cached_property"})
    calls = sorted((_call(call, at, found, names, source) for call, at in scope.calls), key=lambda c: (c.span.start, -c.span.end))
    return Function(
        name=f"{scope.name}.<module>" if scope.kind == "module" else scope.name,
        span=span,
        name_span=name_span,
        header=header,
        scope=scope.parent.name
        if scope.parent is not None and scope.parent.kind != "comprehension"
        else scope.parent.body.name
        if scope.parent is not None
        else "",
        parameters=parameters,
        decorators=decorators,
        is_async=isinstance(node, ast.AsyncFunctionDef),
        is_generator=scope.is_generator,
        is_lambda=isinstance(node, ast.Lambda),
        owner=owner.name if owner is not None else None,
        binds=binds if parameters else None,
        is_property=is_property,
        calls=tuple(calls),
        reads=tuple(_reads(scope, names, source)),
        writes=tuple(_writes(scope, names, source)),
        variables={
            **(_variables(scope, names, source) if scope.kind == "function" else {}),
            **{f"{name}{inner.suffix}": bindings for inner in inside for name, bindings in _variables(inner, names, source).items()},
        },
        names=_mentions(scope, names),
        stands=_stands(scope),
        waits=tuple(_waits(scope, names, source)),
        clauses=tuple(_clauses(scope, names, source)),
        compares={name: frozenset(texts) for name, texts in sorted(scope.compares.items())},
        loops=tuple(_span(source, loop) for loop in scope.loops),
        returns=_distinct(ref for value, at in scope.results for ref in names.refs(value, at)),
        return_annotation=returned[0],
        return_elements=returned[1] or _distinct(ref for value, at in scope.yields for ref in names.refs(value, at)),
        return_items=items,
        nested=tuple(inner.name for inner in sorted(scope.nested, key=lambda s: (s.node.lineno, s.node.col_offset))),  # type: ignore[attr-defined]
        shape=frozenset(scope.shape),
    )


def _name_span(source: Source, start: int) -> Span:
    """Where the name of the function that begins at `start` stands, as it is written: its name in the tree is the NFKC form of that (PEP 3131)."""
    heading = HEADING.match(source.text, start)
    assert heading is not None
    return Span(*heading.span("name"))


def _parameters(node: FunctionNode, scope: _Scope, names: _Names) -> Iterator[Parameter]:
    arguments = node.args
    positional = [*arguments.posonlyargs, *arguments.args]
    defaults: list[ast.expr | None] = [*([None] * (len(positional) - len(arguments.defaults))), *arguments.defaults]
    rows = [
        *((a, "positional", d) for a, d in zip(positional, defaults, strict=True)),
        *([(arguments.vararg, "*", None)] if arguments.vararg is not None else []),
        *((a, "keyword", d) for a, d in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)),
        *([(arguments.kwarg, "**", None)] if arguments.kwarg is not None else []),
    ]
    for argument, kind, default in rows:
        values, elements = names.annotation(argument.annotation, scope)
        if kind in {"*", "**"}:
            values, elements = (), values
        yield Parameter(
            argument.arg, kind, values, elements, names.refs(default, scope) if default is not None else (), default is not None
        )


def _call(node: ast.Call, scope: _Scope, found: _Scopes, names: _Names, source: Source) -> Call:
    given = [(None if not isinstance(a, ast.Starred) else "*", a.value if isinstance(a, ast.Starred) else a) for a in node.args]
    given += [(k.arg if k.arg is not None else "**", k.value) for k in node.keywords]
    return Call(
        callees=names.refs(node.func, scope),
        span=_span(source, node),
        callee_span=_span(source, node.func),
        arguments=tuple(_argument(keyword, value, scope, names, source) for keyword, value in given),
        awaited=id(node) in found.awaited,
        discarded=id(node) in found.discarded,
        entered=id(node) in found.entered,
        decorates=found.decorated.get(id(node)),
        around=found.around[id(node)],
    )


def _literal(node: ast.expr) -> str | None:
    """A constant as a literal that gives it back: its `repr`, but for those whose `repr` is none; None for a number of hundreds of digits."""
    match node:
        case ast.Constant(value=value) if value is Ellipsis:
            return "..."
        case ast.Constant(value=float() | complex() as number):
            return repr(number).replace("inf", "1e309")
        case ast.Constant(value=int() as number) if not isinstance(number, bool):
            return repr(number) if number.bit_length() < MOST_BITS else None
        case ast.Constant(value=value):
            return repr(value)
        case _:
            return None


def _argument(keyword: str | None, node: ast.expr, scope: _Scope, names: _Names, source: Source) -> Argument:
    parts = node.elts if isinstance(node, ast.List | ast.Tuple | ast.Set) else []
    return Argument(
        keyword,
        names.refs(node, scope),
        _span(source, node),
        _literal(node),
        tuple(names.refs(part, scope) for part in parts),
        tuple(_span(source, part) for part in parts),
    )


def _reads(scope: _Scope, names: _Names, source: Source) -> Iterator[Read]:
    for node, at, around in sorted(scope.reads, key=lambda read: (read[0].lineno, read[0].col_offset)):
        values = names.refs(node, at)
        if any(":" not in ref or "." in ref.rpartition(":")[2] for ref in values):  # a local variable says nothing
            yield Read(values, _span(source, node), around)


def _writes(scope: _Scope, names: _Names, source: Source) -> Iterator[Write]:
    for node, at in sorted(scope.writes, key=lambda write: (write[0].lineno, write[0].col_offset)):
        target = names.refs(node.value if isinstance(node, ast.Subscript) else node, at)
        if any(not ref.startswith(f"{scope.name}:") or "." in ref.rpartition(":")[2] for ref in target):
            yield Write(target, _span(source, node))


def _mentions(scope: _Scope, names: _Names) -> dict[str, Refs]:
    found: dict[str, Refs] = {}
    for node, at, _ in scope.mentions:
        refs = names.lookup(node.id, at)
        found[node.id] = _distinct([*found[node.id], *refs]) if node.id in found else refs
    return dict(sorted(found.items()))


def _stands(scope: _Scope) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for node, _, around in scope.mentions:
        found[node.id].add(around)
    return {name: frozenset(found[name]) for name in sorted(found)}


def _waits(scope: _Scope, names: _Names, source: Source) -> Iterator[Wait]:
    for node, place, at in sorted(scope.waits, key=lambda wait: (wait[1].lineno, wait[1].col_offset)):
        yield Wait(names.refs(node, at), _span(source, node), _span(source, place))


def _clauses(scope: _Scope, names: _Names, source: Source) -> Iterator[Clause]:
    for clause, body, at in scope.clauses:
        kinds = clause.type.elts if isinstance(clause.type, ast.Tuple) else [clause.type] if clause.type is not None else []
        covers = Span(_span(source, body[0]).start, _span(source, body[-1]).end)
        is_plain = all(isinstance(statement, _PLAIN) for statement in clause.body)
        last = clause.body[-1]
        raises = isinstance(last, ast.Raise) and last.exc is None and not any(_leaves(statement) for statement in clause.body[:-1])
        yield Clause(tuple(names.refs(kind, at) for kind in kinds), _span(source, clause), covers, is_plain, raises)


def _leaves(statement: ast.stmt) -> bool:
    """Whether there is something in a statement that leads on elsewhere than behind it."""
    return any(isinstance(node, ast.Return | ast.Raise | ast.Break | ast.Continue) for node in ast.walk(statement))


_PLAIN = (
    *(ast.AnnAssign, ast.Assert, ast.Assign, ast.AugAssign, ast.Break, ast.Continue, ast.Delete, ast.Expr, ast.Global, ast.Import),
    *(ast.ImportFrom, ast.Nonlocal, ast.Pass, ast.Raise, ast.Return),
)


def _variables(scope: _Scope, names: _Names, source: Source) -> dict[str, tuple[Binding, ...]]:
    found: dict[str, tuple[Binding, ...]] = {}
    for name, binds in scope.binds.items():
        if any(isinstance(bind.thing, ast.arg) for bind in binds):
            binds = [bind for bind in binds if not isinstance(bind.thing, ast.arg)]  # noqa: PLW2901 parameters are elsewhere
            if not binds:
                continue
        elif len(binds) == 1 and binds[0].thing == f"{scope.name}.{name}" and isinstance(binds[0].place, _DEFINITIONS):
            continue  # a def or class: found by its own name
        found[name] = tuple(_binding(bind, names, source) for bind in binds)
    return found


def _binding(bind: _Bind, names: _Names, source: Source) -> Binding:
    span = _span(source, bind.place)
    match bind.thing:
        case str(ref):
            return Binding((ref,), span)
        case ast.expr() as node:
            literal = _literal(node)
            return Binding(names.refs(node, bind.scope), span, names.elements(node, bind.scope), literal=literal)
        case _Item(of=of, index=index):
            return Binding(names.item(of, bind.scope, index), span)
        case _Entered(of=of):
            return Binding(_followed(names.refs(of, bind.scope), [".<enter>"]), span)
        case _Instance(of=of):
            return Binding(names.annotation(of, bind.scope)[0], span)
        case _Annotated(annotation=annotation):
            values, elements = names.annotation(annotation, bind.scope)
            return Binding(values, span, elements, annotated=True)
        case _Stored(value=value, several=several):
            return Binding((), span, names.item(value, bind.scope, None) if several else names.refs(value, bind.scope))
        case _:
            return Binding((), span)


def _class(scope: _Scope, names: _Names, source: Source) -> Class:
    node = scope.node
    assert isinstance(node, ast.ClassDef)
    assert scope.parent is not None
    parent = scope.parent
    return Class(
        name=scope.name,
        span=_span(source, node),
        scope=parent.name,
        bases=tuple(names.refs(base.value if isinstance(base, ast.Subscript) else base, parent) for base in node.bases),
        decorators=tuple(names.refs(d, parent) for d in node.decorator_list),
        methods={name: tuple(functions) for name, functions in scope.methods.items()},
        attributes={
            name: tuple(_binding(bind, names, source) for bind in binds)
            for name, binds in scope.attributes.items()
            if name not in scope.methods or len(binds) > len(scope.methods[name])
        },
        fields=tuple(scope.fields),
    )
