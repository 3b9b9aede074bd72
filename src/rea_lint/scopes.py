"""The scopes of one file: what binds each name, and what happens in the code of each.  The first of a survey's two passes.

Code may nest as deep as Python can parse it: the walk calls itself so many levels down, and puts off what lies deeper.
"""

from __future__ import annotations

import ast
from ast import Attribute, Call, Constant, Load, Name
from collections import defaultdict, deque
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from msgspec import Struct, field

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rea_lint.facts import Ref, Refs

ADDERS = frozenset({"append", "appendleft", "add", "insert"})  # methods whose last argument becomes an element of their object
EXTENDERS = frozenset({"extend", "extendleft"})  # methods whose argument's elements do
KEEPERS = ADDERS | EXTENDERS

FunctionNode: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


class Bind(Struct, eq=False):
    """One binding of a name: `thing` says how, in the words of `scope`; `place` is the node that stands for it."""

    thing: (
        object  # Ref (an import, def or class), ast.expr (a value), Item, Entered, Instance, Annotated, Stored, ast.arg or None (not known)
    )
    place: ast.AST
    scope: Scope


class Item(Struct, frozen=True):
    """An element of a value: at an index (tuple unpacking), or any one."""

    of: object
    index: int | None


class Entered(Struct, frozen=True):
    """What `with` binds."""

    of: ast.expr


class Instance(Struct, frozen=True):
    """An instance of a class: what `except` binds."""

    of: ast.expr


class Annotated(Struct, frozen=True):
    """What an annotation says."""

    annotation: ast.expr


class Stored(Struct, frozen=True):
    """A value put into a container: `futures[i] = ctx.sleep(...)`, `calls.append(call)`; `several`: the elements of one."""

    value: ast.expr
    several: bool = False


class Scope(Struct, eq=False):
    """A module, function, class or comprehension, and what happens in its own code."""

    kind: str  # `module`, `function`, `class`, `comprehension`
    name: str  # dotted; of a comprehension, the name of the function it stands in
    parent: Scope | None
    node: ast.AST
    suffix: str = ""  # what variables of a comprehension are called besides their name
    binds: dict[str, list[Bind]] = field(default_factory=partial(defaultdict, list))
    outer: dict[str, Scope] = field(default_factory=dict)  # names declared `global` or `nonlocal`
    star: bool = False
    # of a function or module, in walking order:
    calls: list[tuple[ast.Call, Scope, str]] = field(default_factory=list)  # with the kind of node around
    reads: list[tuple[ast.expr, Scope, str]] = field(default_factory=list)  # with the kind of node around
    writes: list[tuple[ast.expr, Scope]] = field(default_factory=list)
    mentions: dict[tuple[str, str] | tuple[str, str, Scope], None] = field(
        default_factory=dict
    )  # name, kind of node around, scope if another
    is_mixed: bool = False  # scopes within it mention names
    locals: set[str] = field(default_factory=set)  # names of a function that are certainly variables
    comprehensions: list[Scope] = field(default_factory=list)
    waits: list[tuple[ast.expr, ast.expr, Scope]] = field(default_factory=list)  # what is waited for, and where that is said
    loops: list[ast.stmt] = field(default_factory=list)
    clauses: list[tuple[ast.ExceptHandler, list[ast.stmt], Scope]] = field(default_factory=list)  # with the body of its `try`
    results: list[tuple[ast.expr, Scope]] = field(default_factory=list)
    yields: list[tuple[ast.expr, Scope]] = field(default_factory=list)
    compares: dict[str, set[str]] = field(default_factory=partial(defaultdict, set))
    known: dict[str, Refs] = field(default_factory=dict)  # what names are here: the second pass knows
    callees: dict[int, Refs] = field(default_factory=dict)  # what calls here call, by the `id` of the call
    is_generator: bool = False
    nested: list[Scope] = field(default_factory=list)
    shape: set[str] = field(default_factory=set)
    # of a class:
    attributes: dict[str, list[Bind]] = field(default_factory=partial(defaultdict, list))
    fields: list[str] = field(default_factory=list)
    methods: dict[str, list[str]] = field(default_factory=partial(defaultdict, list))

    body: Scope = None  # type: ignore[assignment]  # the function or module whose code this scope's code is; never None
    around: Scope | None = None  # where it looks for what it does not bind itself, if nothing is to be minded then: classes are passed over
    prefix: str = ""  # what variables are called before their name

    def __post_init__(self) -> None:
        parent = self.parent
        self.body = parent.body if parent is not None and self.kind in {"class", "comprehension"} else self
        while parent is not None and parent.kind == "class":
            parent = parent.parent
        if self.kind != "comprehension" and parent is not None and parent.kind != "comprehension":
            self.around = parent
        self.prefix = f"{self.name}:" if self.kind in {"function", "comprehension"} else f"{self.name}."

    def ref(self, name: str) -> Ref:
        """What a variable of this scope is called in facts."""
        return f"{self.prefix}{name}{self.suffix}"


class Scopes(Struct, eq=False):
    """The scopes of a file, and what the walk has found out about its nodes, which go by their `id`."""

    module: Scope
    functions: list[Scope] = field(default_factory=list)
    classes: list[Scope] = field(default_factory=list)
    stars: list[tuple[str | None, int]] = field(default_factory=list)
    imported: set[Ref] = field(default_factory=set)
    discarded: set[int] = field(default_factory=set)  # what is awaited in a statement of its own
    entered: set[int] = field(default_factory=set)  # what is awaited at the head of a `with`
    decorated: dict[int, str] = field(default_factory=dict)
    stored: list[tuple[ast.expr, Stored, Scope]] = field(default_factory=list)  # container, what is put into it
    comprehensions: dict[int, Scope] = field(default_factory=dict)
    unconditional: set[int] = field(default_factory=set)  # statements that stand directly in a module or class
    depth: int = 0


def scopes(tree: ast.Module, module: str, package: str) -> Scopes:
    """The scopes of a module, which stands in a package."""
    walk = _Walk(Scopes(Scope("module", module, None, tree)), package)
    walk.run(tree)
    return walk.found


MOST_NESTED = 100  # levels that the walk goes down by calling itself; what lies deeper is walked afterwards


class _Walk:
    """Goes through a tree from the outside in.  The nodes that make most of a tree, names and constants, are dealt with on the spot.

    What visits a node is told its scope, how deep the nodes within it lie, and the kind of the node around it.
    """

    def __init__(self, found: Scopes, package: str) -> None:
        self.found = found
        self.package = package
        self.taken: set[str] = set()  # names of functions and classes
        self.depth = 0  # the deepest so far
        self.deepest = 0  # what lies deeper waits
        self.waiting: deque[tuple[Sequence[Any], Scope, int, str, bool]] = deque()  # as `each` was told

    def run(self, tree: ast.Module) -> None:
        self.found.unconditional.update(map(id, tree.body))
        if tree.body:
            self.waiting.append((tree.body, self.found.module, 1, "Module", True))
        while self.waiting:
            nodes, scope, depth, around, read = self.waiting.popleft()
            self.deepest = depth + MOST_NESTED
            self.each(nodes, scope, depth, around, read=read)
        self.found.depth = self.depth

    def each(self, nodes: Sequence[Any], scope: Scope, depth: int, around: str, *, read: bool = True) -> None:
        """Walk nodes (there is at least one) that lie at a depth; `read`: a name among them is read by itself."""
        if depth > self.depth:  # noqa: PLR1730 -- `max` takes longer, and this is asked for each node
            self.depth = depth
        if depth > self.deepest:
            self.waiting.append((nodes, scope, depth, around, read))
            return
        body = scope.body
        mentions, is_own = body.mentions, scope is body
        if not is_own:
            body.is_mixed = True
        for node in nodes:
            kind = type(node)
            if kind is Name:
                if type(node.ctx) is Load:
                    name = node.id
                    mentions[(name, around) if is_own else (name, around, scope)] = None
                    if read and name not in scope.locals:  # what else says nothing is known when all is bound
                        body.reads.append((node, scope, around))
                elif type(node.ctx) is ast.Del:
                    scope.binds[node.id]  # a name that is deleted is local
            elif kind is Constant:
                body.shape.add("Constant")
            else:
                _VISITS[kind](self, node, scope, depth + 1, around)

    def one(self, node: ast.expr, scope: Scope, depth: int, around: str) -> None:
        """Walk a node that lies at a depth, and is read."""
        if type(node) is Call:  # most of all; what it calls lies deeper, so that `each` is asked of the depth
            self.call(node, scope, depth + 1, around)
        elif type(node) is ast.Await:
            self.await_(node, scope, depth + 1, around)
        else:
            self.each((node,), scope, depth, around)

    def starred(self, node: ast.Starred, scope: Scope, depth: int, around: str) -> None:
        self.each((node.value,), scope, depth, "Starred", read=around not in _HANDED)

    def mention(self, name: str, scope: Scope, depth: int, around: str) -> None:
        """Note a name that is no value of its own: one that is called, or the head of a chain of attributes."""
        if depth > self.depth:  # noqa: PLR1730 -- `max` takes longer, and this is asked for each node
            self.depth = depth
        body = scope.body
        if scope is body:
            body.mentions[name, around] = None
        else:
            body.is_mixed = True
            body.mentions[name, around, scope] = None

    def unique(self, scope: Scope, name: str) -> str:
        dotted = f"{scope.name}.{name}"
        count = 2
        while dotted in self.taken:
            dotted = f"{scope.name}.{name}#{count}"
            count += 1
        self.taken.add(dotted)
        return dotted

    # -- chains: the walk goes down them without calling itself --

    def attribute(self, node: ast.Attribute, scope: Scope, depth: int, around: str) -> None:
        if type(node.ctx) is Load:
            scope.body.reads.append((node, scope, around))
        else:
            scope.body.writes.append((node, scope))
        self.head(node, scope, depth)

    def head(self, node: ast.Attribute, scope: Scope, depth: int) -> None:
        """What a chain of attributes begins with."""
        head = node.value
        while type(head) is Attribute:
            head = head.value
            depth += 1
        if type(head) is not Name:
            self.each((head,), scope, depth, "Attribute")
        elif scope is scope.body:
            scope.mentions[head.id, "Attribute"] = None
            if depth > self.depth:  # noqa: PLR1730 -- as in `each`
                self.depth = depth
        else:
            self.mention(head.id, scope, depth, "Attribute")

    def call(self, node: ast.Call, scope: Scope, depth: int, around: str) -> None:
        scope.body.calls.append((node, scope, around))
        called, arguments, keywords = node.func, node.args, node.keywords
        if type(called) is Attribute:
            if arguments and called.attr in KEEPERS:
                self.found.stored.append((called.value, Stored(arguments[-1], called.attr in EXTENDERS), scope))
            self.head(called, scope, depth + 1)
        elif type(called) is Name:
            self.mention(called.id, scope, depth, "Call")
        else:
            self.each((called,), scope, depth, "Call", read=False)
        if arguments:
            self.each(arguments, scope, depth, "Call", read=False)
        if keywords:
            self.each([keyword.value for keyword in keywords], scope, depth, "Call", read=False)

    def operation(self, node: ast.BinOp, scope: Scope, depth: int, _around: str) -> None:
        scope.body.shape.add("BinOp")
        left, rights = node.left, [node.right]
        while type(left) is ast.BinOp:
            rights.append(left.right)
            left = left.left
        within, before = depth + len(rights) - 1, self.deepest
        self.deepest += len(rights) - 1
        self.each((left, rights.pop()), scope, within, "BinOp")
        while rights:
            within -= 1
            self.each((rights.pop(),), scope, within, "BinOp")
        self.deepest = before

    def if_(self, node: ast.If, scope: Scope, depth: int, _around: str) -> None:
        scope.body.shape.add("If")
        before = self.deepest
        self.each((node.test, *node.body), scope, depth, "If")
        while len(node.orelse) == 1 and type(node.orelse[0]) is ast.If:
            node = node.orelse[0]
            depth += 1
            self.deepest += 1
            self.each((node.test, *node.body), scope, depth, "If")
        if node.orelse:
            self.each(node.orelse, scope, depth, "If")
        self.deepest = before

    # -- scopes --

    def function(self, node: ast.FunctionDef | ast.AsyncFunctionDef, scope: Scope, depth: int, _around: str) -> None:
        kind = type(node).__name__
        inner = _enter_function(node, scope, self.unique(scope, node.name), self.found)
        if defaults := _defaults(node.args):
            self.each(defaults, scope, depth, kind)
        if node.decorator_list:
            self.found.decorated.update((id(decorator), inner.name) for decorator in node.decorator_list)
            self.each(node.decorator_list, scope, depth, kind, read=False)
        if annotations := _given(*[argument.annotation for argument in _all_arguments(node.args)], node.returns):
            self.each(annotations, scope, depth, kind, read=False)
        self.each(node.body, inner, depth, kind)

    def lambda_(self, node: ast.Lambda, scope: Scope, depth: int, _around: str) -> None:
        inner = _enter_function(node, scope, self.unique(scope, f"<lambda@{node.lineno},{node.col_offset}>"), self.found)
        inner.results.append((node.body, inner))
        if defaults := _defaults(node.args):
            self.each(defaults, scope, depth, "Lambda")
        self.each((node.body,), inner, depth, "Lambda")

    def class_(self, node: ast.ClassDef, scope: Scope, depth: int, _around: str) -> None:
        self.found.unconditional.update(map(id, node.body))
        inner = Scope("class", self.unique(scope, node.name), scope, node)
        self.found.classes.append(inner)
        _bind(scope, node.name, inner.name, node)
        if node.decorator_list:
            self.found.decorated.update((id(decorator), inner.name) for decorator in node.decorator_list)
            self.each(node.decorator_list, scope, depth, "ClassDef", read=False)
        if bases := [*node.bases, *(keyword.value for keyword in node.keywords)]:
            self.each(bases, scope, depth, "ClassDef", read=False)
        self.each(node.body, inner, depth, "ClassDef")

    def comprehension(
        self, node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp, scope: Scope, depth: int, _around: str
    ) -> None:
        kind = type(node).__name__
        body = scope.body
        body.shape.add(kind)
        inner = Scope("comprehension", code_of(scope), scope, node, suffix=f"@{node.lineno},{node.col_offset}")
        self.found.comprehensions[id(node)] = inner
        body.comprehensions.append(inner)
        for generator in node.generators:
            _bind_target(inner, generator.target, Item(generator.iter, None), self.found)
            if generator.is_async:
                body.waits.append((generator.iter, generator.iter, inner))
        self.each((node.key, node.value) if isinstance(node, ast.DictComp) else (node.elt,), inner, depth, kind)
        for generator in node.generators:
            self.each((generator.target, generator.iter, *generator.ifs), inner, depth, kind)

    # -- what binds --

    def import_(self, node: ast.Import, scope: Scope, _depth: int, _around: str) -> None:
        for alias in node.names:
            self.found.imported.add(alias.name)
            first = alias.name.partition(".")[0]
            _bind(scope, alias.asname or first, alias.name if alias.asname else first, node)

    def import_from(self, node: ast.ImportFrom, scope: Scope, _depth: int, _around: str) -> None:
        base = _absolute(self.package, node)
        for alias in node.names:
            if alias.name == "*":
                scope.star = True
                self.found.module.star = True
                self.found.stars.append((base, node.lineno))
                if base:
                    self.found.imported.add(base)
                continue
            name = None if base is None else f"{base}.{alias.name}" if base else alias.name
            if name is not None:
                self.found.imported.add(name)
            _bind(scope, alias.asname or alias.name, name, node)

    def declaration(self, node: ast.Global | ast.Nonlocal, scope: Scope, _depth: int, _around: str) -> None:
        for name in node.names:
            scope.outer[name] = self.found.module if isinstance(node, ast.Global) else scope
        scope.body.shape.add(type(node).__name__)

    def assign(self, node: ast.Assign, scope: Scope, depth: int, _around: str) -> None:
        value = node.value
        for target in node.targets:
            if type(target) is Name:  # of which there is nothing more to say
                _bind(scope, target.id, value, value)
            else:
                _bind_target(scope, target, value, self.found)
                self.each((target,), scope, depth, "Assign")
        self.one(value, scope, depth, "Assign")

    def annotated(self, node: ast.AnnAssign, scope: Scope, depth: int, _around: str) -> None:
        _bind_target(scope, node.target, Annotated(node.annotation), self.found)
        if node.value is not None:
            _bind_target(scope, node.target, node.value, self.found)
        if scope.kind == "class" and isinstance(node.target, ast.Name) and not _is_class_variable(node.annotation):
            scope.fields.append(node.target.id)
        self.each(_given(node.target, node.value), scope, depth, "AnnAssign")
        self.each((node.annotation,), scope, depth, "AnnAssign", read=False)

    def augmented(self, node: ast.AugAssign, scope: Scope, depth: int, _around: str) -> None:
        if isinstance(node.target, ast.Name):
            _bind(scope, node.target.id, node.value, node.value)
        scope.body.writes.append((node.target, scope))
        self.each((node.target, node.value), scope, depth, "AugAssign")

    def named(self, node: ast.NamedExpr, scope: Scope, depth: int, _around: str) -> None:
        holder = scope
        while holder.kind == "comprehension" and holder.parent is not None:
            holder = holder.parent
        _bind_target(holder, node.target, node.value, self.found)
        self.each((node.value,), scope, depth, "NamedExpr")

    def for_(self, node: ast.For | ast.AsyncFor, scope: Scope, depth: int, _around: str) -> None:
        kind, body = type(node).__name__, scope.body
        body.shape.add(kind)
        body.loops.append(node)
        if isinstance(node, ast.AsyncFor):
            body.waits.append((node.iter, node.iter, scope))
        _bind_target(scope, node.target, Item(node.iter, None), self.found)
        self.each((node.target, node.iter, *node.body, *node.orelse), scope, depth, kind)

    def with_(self, node: ast.With | ast.AsyncWith, scope: Scope, depth: int, _around: str) -> None:
        kind = type(node).__name__
        scope.body.shape.add(kind)
        for item in node.items:
            if item.optional_vars is not None:
                _bind_target(scope, item.optional_vars, Entered(item.context_expr), self.found)
        heads = [n for item in node.items for n in _given(item.context_expr, item.optional_vars)]
        self.each((*heads, *node.body), scope, depth, kind)

    def handler(self, node: ast.ExceptHandler, scope: Scope, depth: int, _around: str) -> None:
        if node.name:
            is_one = node.type is not None and not isinstance(node.type, ast.Tuple)
            _bind(scope, node.name, Instance(node.type) if is_one and node.type is not None else None, node)
        if node.type is not None:
            self.each((node.type,), scope, depth, "ExceptHandler", read=False)
        self.each(node.body, scope, depth, "ExceptHandler")

    def pattern(self, node: ast.MatchAs | ast.MatchStar | ast.MatchMapping, scope: Scope, depth: int, _around: str) -> None:
        name = node.rest if isinstance(node, ast.MatchMapping) else node.name
        if name:
            _bind(scope, name, None, node)
        self.within(node, scope, depth)

    # -- what happens --

    def return_(self, node: ast.Return, scope: Scope, depth: int, _around: str) -> None:
        if node.value is not None:
            scope.body.results.append((node.value, scope))
            self.one(node.value, scope, depth, "Return")

    def yield_(self, node: ast.Yield | ast.YieldFrom, scope: Scope, depth: int, _around: str) -> None:
        scope.body.is_generator = True
        if node.value is None:
            return
        if isinstance(node, ast.Yield):
            scope.body.yields.append((node.value, scope))
        self.each((node.value,), scope, depth, type(node).__name__)

    def statement(self, node: ast.Expr, scope: Scope, depth: int, _around: str) -> None:
        self.one(node.value, scope, depth, "Expr")

    def await_(self, node: ast.Await, scope: Scope, depth: int, around: str) -> None:
        if around == "Expr":
            self.found.discarded.add(id(node.value))
        elif around in ENTERING:
            self.found.entered.add(id(node.value))
        scope.body.waits.append((node.value, node, scope))
        if type(node.value) is Call:
            self.call(node.value, scope, depth + 1, "Await")
        else:
            self.each((node.value,), scope, depth, "Await")

    def try_(self, node: ast.Try, scope: Scope, depth: int, _around: str) -> None:
        body = scope.body
        body.clauses += ((clause, node.body, scope) for clause in node.handlers)
        body.shape.update({"Finally"} if node.finalbody else ())
        self.other(node, scope, depth, _around)

    def while_(self, node: ast.While, scope: Scope, depth: int, _around: str) -> None:
        scope.body.loops.append(node)
        self.other(node, scope, depth, _around)

    def compare(self, node: ast.Compare, scope: Scope, depth: int, _around: str) -> None:
        match node:
            case ast.Compare(left=ast.Name(id=name), ops=[ast.Eq()], comparators=[ast.Constant(value=str() as compared)]):
                scope.body.compares[name].add(compared)
        scope.body.shape.add("Compare")
        self.each((node.left, *node.comparators), scope, depth, "Compare")

    def value(self, node: ast.MatchValue, scope: Scope, depth: int, around: str) -> None:
        match node.value:
            case ast.Constant(value=str() as compared):
                scope.body.compares[""].add(compared)
            case _:
                self.other(node, scope, depth, around)

    def subscript(self, node: ast.Subscript, scope: Scope, depth: int, _around: str) -> None:
        if type(node.ctx) is not Load:
            scope.body.writes.append((node, scope))
        self.each((node.value, node.slice), scope, depth, "Subscript")

    def other(self, node: ast.AST, scope: Scope, depth: int, _around: str) -> None:
        if isinstance(node, _SHAPES):
            scope.body.shape.add(type(node).__name__)
        self.within(node, scope, depth)

    def within(self, node: ast.AST, scope: Scope, depth: int) -> None:
        kind = type(node)
        around = kind.__name__
        for name in _FIELDS[kind]:
            value = getattr(node, name, None)
            if type(value) is list:
                if value:
                    self.each(value, scope, depth, around)
            elif isinstance(value, ast.AST):
                self.each((value,), scope, depth, around)

    def dictionary(self, node: ast.Dict, scope: Scope, depth: int, _around: str) -> None:
        scope.body.shape.add("Dict")
        if node.keys:
            self.each([*_given(*node.keys), *node.values], scope, depth, "Dict")


ENTERING = frozenset({"With", "AsyncWith"})  # nodes that enter what stands in them
DEFINING = frozenset({"FunctionDef", "AsyncFunctionDef", "ClassDef"})
_SHAPES = (ast.stmt, ast.expr)
_HANDED = DEFINING | {"Call"}  # nodes that hand over what stands in them: names there are not read by themselves
_KINDS = [kind for kind in vars(ast).values() if isinstance(kind, type) and issubclass(kind, ast.AST)]
_VISITS: dict[type[ast.AST], Callable[[_Walk, Any, Scope, int, str], None]] = {
    **dict.fromkeys(_KINDS, _Walk.other),
    ast.FunctionDef: _Walk.function,
    ast.AsyncFunctionDef: _Walk.function,
    ast.Lambda: _Walk.lambda_,
    ast.ClassDef: _Walk.class_,
    **dict.fromkeys((ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp), _Walk.comprehension),
    ast.Import: _Walk.import_,
    ast.ImportFrom: _Walk.import_from,
    ast.Global: _Walk.declaration,
    ast.Nonlocal: _Walk.declaration,
    ast.Assign: _Walk.assign,
    ast.AnnAssign: _Walk.annotated,
    ast.AugAssign: _Walk.augmented,
    ast.NamedExpr: _Walk.named,
    ast.For: _Walk.for_,
    ast.AsyncFor: _Walk.for_,
    ast.If: _Walk.if_,
    ast.With: _Walk.with_,
    ast.AsyncWith: _Walk.with_,
    ast.ExceptHandler: _Walk.handler,
    ast.MatchAs: _Walk.pattern,
    ast.MatchStar: _Walk.pattern,
    ast.MatchMapping: _Walk.pattern,
    ast.Return: _Walk.return_,
    ast.Yield: _Walk.yield_,
    ast.YieldFrom: _Walk.yield_,
    ast.Expr: _Walk.statement,
    ast.Await: _Walk.await_,
    ast.Try: _Walk.try_,
    **({ast.TryStar: _Walk.try_} if hasattr(ast, "TryStar") else {}),  # from Python 3.11 on
    ast.While: _Walk.while_,
    ast.BinOp: _Walk.operation,
    ast.Compare: _Walk.compare,
    ast.MatchValue: _Walk.value,
    ast.Dict: _Walk.dictionary,
    ast.Call: _Walk.call,
    ast.Attribute: _Walk.attribute,
    ast.Subscript: _Walk.subscript,
    ast.Starred: _Walk.starred,
}
_FIELDS = {  # those that may hold nodes that say something
    kind: tuple(name for name in kind._fields if name not in {"ctx", "op", "ops", "kwd_attrs"}) for kind in _KINDS
}


def _given(*nodes: ast.expr | None) -> list[ast.expr]:
    return [node for node in nodes if node is not None]


def _defaults(arguments: ast.arguments) -> list[ast.expr]:
    return _given(*arguments.defaults, *arguments.kw_defaults)


DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def _enter_function(node: FunctionNode, scope: Scope, name: str, found: Scopes) -> Scope:
    if not isinstance(node, ast.Lambda):
        if (
            scope.kind != "function"
            and id(node) in found.unconditional
            and all(isinstance(b.place, DEFINITIONS) for b in scope.binds[node.name])
        ):
            scope.binds[node.name].clear()  # a second definition replaces the first
        _bind(scope, node.name, name, node)
        if scope.kind == "class":
            scope.methods[node.name].append(name)
    inner = Scope("function", name, scope, node)
    found.functions.append(inner)
    scope.body.nested.append(inner)
    for argument in _all_arguments(node.args):
        inner.binds[argument.arg].append(Bind(argument, argument, inner))
        inner.locals.add(argument.arg)
    return inner


def _all_arguments(arguments: ast.arguments) -> list[ast.arg]:
    extra = [a for a in (arguments.vararg, arguments.kwarg) if a is not None]
    return [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, *extra]


def _bind(scope: Scope, name: str, thing: object, place: ast.AST) -> None:
    holder = scope
    if scope.outer and name in scope.outer:
        holder = scope.outer[name]
        if holder is scope:  # nonlocal: the nearest enclosing function that has it
            outer = scope.parent
            while outer is not None and (outer.kind != "function" or (name not in outer.binds and outer.parent is not None)):
                outer = outer.parent
            holder = outer or scope
    holder.binds[name].append(Bind(thing, place, scope))
    if holder.kind == "function":
        if type(thing) is not str:
            holder.locals.add(name)
    elif holder.kind == "class":
        holder.attributes[name].append(Bind(thing, place, scope))


def _bind_target(scope: Scope, target: ast.expr, value: object, found: Scopes) -> None:
    """Bind what an assignment, loop or `with` binds; tuples are taken apart where the value is a tuple too."""
    if type(target) is Name:
        _bind(scope, target.id, value, value if isinstance(value, ast.AST) else target)
        return
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
                    todo.extend((t, None if starred or value is None else Item(value, i)) for i, t in enumerate(target.elts))
            case ast.Starred():
                todo.append((target.value, None))
            case ast.Attribute(value=ast.Name(id=name)) if name == receiver(scope.body):
                owner = scope.body.parent
                assert owner is not None
                owner.attributes[target.attr].append(Bind(value, target, scope))
            case ast.Subscript() if isinstance(value, ast.expr):
                found.stored.append((target.value, Stored(value), scope))
            case _:
                pass


def receiver(body: Scope) -> str | None:
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


def code_of(scope: Scope) -> str:
    """The function whose code a scope's code is; `m.<module>` for what a module does at import."""
    body = scope.body
    return body.name if body.kind == "function" else f"{body.name}.<module>"
