"""The `ast` tree of one function: whose code each node is, and where it stands in the file.  A tenth of what libcst's tree costs.

For what follows values (`flow`) and for fixes of effects (`rewrite`).
"""

from __future__ import annotations

import ast
import re
import tokenize
import warnings
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

from rea_lint.comments import tokens
from rea_lint.names import CASTS, WRAPPERS
from rea_lint.text import Position, Source, Span
from rea_lint.tree import Unreadable, cut, unwrapped

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rea_lint.facts import Call, Facts, Function, Refs

Definition: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
_COMMENT = r"#[^\r\n]*(?=[\r\n])"
_CLOSING = re.compile(rf"(?:[\s\\]|{_COMMENT})*\)")
_OPENING = re.compile(rf"(?:[\s)\\]|{_COMMENT})*\(")
_BLANK = " \t\f\r\n\\"
_OPERATOR = re.compile(r"\b(?:and|or)\b")
DISPLAYS = {
    "Compare": "bool",
    "Dict": "dict",
    "DictComp": "dict",
    "JoinedStr": "str",
    "List": "list",
    "ListComp": "list",
    "Set": "set",
    "SetComp": "set",
    "Tuple": "tuple",
}
DEFINITIONS = frozenset({ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda})


class Syntax:
    """One function and everything in it, without operators and contexts."""

    def __init__(self, function: Function, facts: Facts, source: Source) -> None:
        """Parse `function`, one of those of the file that `facts` and `source` are of; raises Unreadable."""
        self._source = source
        self._slice = cut(function, source)
        self._spans = Source(self._slice.text).spans()
        self.parents: dict[ast.AST, ast.AST] = {}
        self._owners: dict[ast.AST, int] = {}  # node -> place in `functions`; -1: around the root
        self._definitions: list[Definition] = []
        self.nodes = list(self._walk(_root(self._slice.text, is_lambda=function.is_lambda)))
        inside = [each for each in facts.functions.values() if function.span.contains(each.span) and not each.name.endswith("<module>")]
        self.functions = sorted(inside, key=lambda each: (each.span if each.is_lambda else each.header).start)
        if [isinstance(each, ast.Lambda) for each in self._definitions] != [each.is_lambda for each in self.functions]:
            raise Unreadable("its nested functions are not those that the survey saw")

    def parent(self, node: ast.AST) -> ast.AST | None:
        """The node around a node; None for the root."""
        return self.parents.get(node)

    def ancestors(self, node: ast.AST) -> Iterator[ast.AST]:
        """What is around a node, from the inside out."""
        up = self.parents.get(node)
        while up is not None:
            yield up
            up = self.parents.get(up)

    def owner(self, node: ast.AST) -> Function | None:
        """The function whose code a node is: decorators, defaults and annotations are code of the function around; None for the root's."""
        at = self._owners[node]
        return self.functions[at] if at >= 0 else None

    def function(self, definition: Definition) -> Function:
        """The facts of a function in the tree."""
        return self.functions[self._places[definition]]

    @cached_property
    def _places(self) -> Mapping[Definition, int]:
        return {node: at for at, node in enumerate(self._definitions)}

    def call(self, node: ast.AST) -> Call | None:
        """The facts of a call; None for all else, and for calls in the root's own decorators and defaults."""
        return self._calls.get(self._written(node)) if isinstance(node, ast.Call) else None

    @cached_property
    def _calls(self) -> Mapping[Span, Call]:
        return {call.span: call for function in self.functions for call in function.calls}

    def refs(self, node: ast.AST, owner: Function) -> Refs:
        """What an expression in the code of `owner` is, in the words of `facts`; () is not known."""
        match node:
            case ast.Name(id=name):
                return owner.names.get(name, ())
            case ast.Attribute(value=value, attr=attribute):
                return tuple(f"{ref}.{attribute}" for ref in self.refs(value, owner))
            case ast.Call():
                return self._refs_of_call(node, owner)
            case ast.Subscript(value=value, slice=ast.Constant(value=int(index))) if not isinstance(index, bool):
                return tuple(f"{ref}[{index}]" for ref in self.refs(value, owner))
            case ast.Subscript(value=value):
                return tuple(f"{ref}[]" for ref in self.refs(value, owner))
            case ast.Await(value=value) | ast.NamedExpr(value=value):
                return self.refs(value, owner)
            case ast.IfExp(body=left, orelse=right):
                return tuple(dict.fromkeys((*self.refs(left, owner), *self.refs(right, owner))))
            case ast.BoolOp(values=values):
                return tuple(dict.fromkeys(ref for value in values for ref in self.refs(value, owner)))
            case ast.BinOp(left=left, right=right):
                return self.refs(left, owner) or self.refs(right, owner)
            case ast.Lambda():
                return (self.function(node).name,)
            case ast.Constant(value=value) if value is not None and value is not ...:
                return (f"builtins.{type(value).__name__}()",)
            case ast.UnaryOp(op=ast.Not()):
                return ("builtins.bool()",)
            case _:
                return (f"builtins.{DISPLAYS[kind]}()",) if (kind := type(node).__name__) in DISPLAYS else ()

    def _refs_of_call(self, node: ast.Call, owner: Function) -> Refs:
        facts = self.call(node)
        called = facts.callees if facts is not None else self.refs(node.func, owner)
        given = [each for each in node.args if not isinstance(each, ast.Starred)]
        match called:
            case (name,) if name in WRAPPERS and given:
                return self.refs(given[0], owner)
            case (name,) if name in CASTS and len(given) == 2:
                return tuple(dict.fromkeys((*(f"{ref}()" for ref in self.refs(given[0], owner)), *self.refs(given[1], owner))))
            case ("builtins.super",):
                return (f"{owner.owner}.<super>",) if owner.owner is not None else ()
            case _:
                return tuple(f"{ref}()" for ref in called)

    def awaits(self, node: ast.AST) -> bool:
        """Whether `await` is possible at a node: directly inside an `async def`, and not in a generator expression or class."""
        owner, inside = self.owner(node), node
        for around in self.ancestors(node):
            if self.owner(around) is not owner:
                break
            if isinstance(around, ast.GeneratorExp) and around.generators[0].iter is not inside:  # that is evaluated outside
                return False
            if isinstance(around, ast.ClassDef):
                return False
            if not isinstance(around, ast.comprehension):
                inside = around
        return owner is not None and owner.is_async

    def span(self, node: ast.AST) -> Span:
        """Where a node stands in the file, without the parentheses and whitespace around it."""
        span = self._written(node)
        if type(node) is ast.GeneratorExp or (type(node) is ast.Tuple and self._has_parentheses(node)):
            return self._within(span)
        return span

    def binds(self, node: ast.AST) -> bool:
        """Whether what stands around a node takes it before `await` would: `node.name`, `node()`, `node[0]`, `await node`."""
        match self.parent(node):
            case ast.Attribute(value=first) | ast.Await(value=first) | ast.Call(func=first) | ast.Subscript(value=first):
                return first is node
            case _:
                return False

    def is_wrapped(self, node: ast.expr, *, in_call: bool = True) -> bool:
        """Whether an expression stands in parentheses of its own; those of a call, `in_call`, are not."""
        span, text = self.span(node), self._source.text
        at = self._before(span.start) - 1
        if at < 0 or text[at] != "(" or not _CLOSING.match(text, span.end):
            return False
        parent = self.parent(node)
        if isinstance(parent, ast.Call) and parent.func is not node and in_call:
            opening = _OPENING.match(text, self.span(parent.func).end)
            return opening is not None and at >= opening.end()
        return not (isinstance(parent, ast.Tuple | ast.GeneratorExp) and self._written(parent).start == at)

    def _before(self, at: int) -> int:
        """Where the code before a place ends: whitespace, comments and backslashes at line ends aside."""
        text = self._source.text
        while True:
            while at > 0 and text[at - 1] in _BLANK:
                at -= 1
            if "#" not in text[self._source.line_span(self._source.position(at).row).start : at] or at not in self._comments:
                return at
            at = self._comments[at]

    @cached_property
    def _comments(self) -> Mapping[int, int]:
        """Where what a comment says ends -> where the comment begins."""
        source, shift = Source(self._slice.text), self._slice.shift
        found: dict[int, int] = {}
        for token in tokens(source.text):
            if token.type == tokenize.COMMENT:
                start = source.offset(Position(token.start[0], token.start[1] + 1)) + shift
                found[start + len(token.string.rstrip(_BLANK))] = start
        return found

    def up_to(self, operation: ast.BoolOp, last: int) -> Span:
        """The part of `a and b and c` that ends with one of its values."""
        end, after = self._written(operation.values[last]).end, self._written(operation.values[last + 1]).start
        gap = _OPERATOR.split(self._source.text[end:after], maxsplit=1)[0]
        return Span(self._written(operation).start, end + len(gap.rstrip()))

    def text(self, node: ast.AST) -> str:
        """The text of a node as it stands in the file."""
        return self.text_at(self.span(node))

    def text_at(self, span: Span) -> str:
        """The text of the file at a span."""
        return self._source.text[span.start : span.end]

    def at(self, span: Span) -> ast.expr | None:
        """The outermost expression that stands at `span`; parentheses around it may be in the span."""
        return self._expressions.get(span) or self._expressions.get(unwrapped(span, self._source.text))

    def within(self, node: ast.AST) -> Iterator[ast.AST]:
        """A node and everything in it, in source order."""
        stack = [node]
        while stack:
            at = stack.pop()
            yield at
            stack += reversed(children(at))

    @cached_property
    def _expressions(self) -> Mapping[Span, ast.expr]:
        found: dict[Span, ast.expr] = {}
        for node in self.nodes:
            if isinstance(node, ast.expr):
                found.setdefault(self._written(node), node)
        for node in self.nodes:
            if type(node) is ast.GeneratorExp or type(node) is ast.Tuple:
                found.setdefault(self.span(node), node)
        return found

    def _written(self, node: ast.AST) -> Span:
        """Where `ast` says that a node stands: of a generator or tuple with the parentheses around it."""
        span = self._spans(node)
        return Span(span.start + self._slice.shift, span.end + self._slice.shift)

    def _has_parentheses(self, node: ast.Tuple) -> bool:
        """Whether a tuple stands in parentheses of its own."""
        whole = self._written(node)
        if not node.elts:
            return True
        first = self._written(node.elts[0])
        behind = self._source.text[first.end : whole.end].partition(",")[0]
        return self._source.text[whole.start : first.start].count("(") > behind.count(")")

    def _within(self, span: Span) -> Span:
        text = self.text_at(span)
        inner = text[1:-1]
        start = span.start + 1 + len(inner) - len(inner.lstrip())
        return Span(start, start + len(inner.strip()))

    def _walk(self, root: Definition) -> Iterator[ast.AST]:
        """Every node, those in it after it, noting parents, owners and the definitions in the order of their `def` and `lambda`."""
        stack: list[tuple[ast.AST, ast.AST | None, int]] = [(root, None, -1)]
        started: set[ast.AST] = set()  # functions whose decorators are over
        while stack:
            node, parent, owner = stack.pop()
            if node in started:
                assert isinstance(node, Definition)
                inner = len(self._definitions)
                self._definitions.append(node)
                body = [node.body] if isinstance(node, ast.Lambda) else node.body
                signature = [each for each in children(node) if each not in body and each not in getattr(node, "decorator_list", ())]
                stack += [(each, node, inner) for each in reversed(body)]
                stack += [(each, node, owner) for each in reversed(signature)]
                continue
            if parent is not None:
                self.parents[node] = parent
            self._owners[node] = owner
            yield node
            if type(node) in DEFINITIONS:
                started.add(node)
                stack.append((node, parent, owner))
                stack += [(each, node, owner) for each in reversed(getattr(node, "decorator_list", ()))]
            else:
                stack += [(each, node, owner) for each in reversed(children(node))]


def _root(text: str, *, is_lambda: bool) -> Definition:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # as in `survey`
            (statement,) = ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise Unreadable("its text does not stand alone") from error
    if isinstance(statement, ast.If):
        (statement,) = statement.body
    found = statement.value if isinstance(statement, ast.Expr) else statement
    if not isinstance(found, Definition) or isinstance(found, ast.Lambda) is not is_lambda:
        raise Unreadable("it stands where no function is expected")
    return found


def arguments_of(call: ast.Call) -> list[ast.expr | ast.keyword]:
    """The arguments of a call, in source order."""
    given: list[ast.expr | ast.keyword] = [*call.args, *call.keywords]
    return sorted(given, key=lambda each: (each.lineno, each.col_offset))


def children(node: ast.AST) -> list[ast.AST]:
    """The nodes directly in a node, without operators and contexts."""
    found: list[ast.AST] = []
    for name in _fields(type(node)):  # type: ignore[arg-type]  # the stubs take the hash of a node for that of its class
        value = getattr(node, name, None)
        if type(value) is list:
            found += [each for each in value if isinstance(each, ast.AST)]
        elif isinstance(value, ast.AST):
            found.append(value)
    return found


@cache
def _fields(kind: Any) -> tuple[str, ...]:
    return tuple(name for name in kind._fields if name not in {"ctx", "op", "ops"})
