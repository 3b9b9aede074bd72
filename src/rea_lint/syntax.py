"""The `ast` tree of one function: whose code each node is, and where it stands in the file.  A tenth of what libcst's tree costs.

For what follows values (`flow`), which looks at expressions and does not edit them.
"""

from __future__ import annotations

import ast
import re
import warnings
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

from rea_lint.text import Source, Span
from rea_lint.tree import Unreadable, cut, unwrapped

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rea_lint.facts import Call, Facts, Function

Definition: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
_OPERATOR = re.compile(r"\b(?:and|or)\b")
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
        return self.functions[self._definitions.index(definition)]

    def call(self, node: ast.AST) -> Call | None:
        """The facts of a call; None for all else, and for calls in the root's own decorators and defaults."""
        return self._calls.get(self._written(node)) if isinstance(node, ast.Call) else None

    @cached_property
    def _calls(self) -> Mapping[Span, Call]:
        return {call.span: call for function in self.functions for call in function.calls}

    def awaits(self, node: ast.AST) -> bool:
        """Whether `await` is possible at a node: directly inside an `async def`, and not in a generator expression."""
        owner, inside = self.owner(node), node
        for around in self.ancestors(node):
            if self.owner(around) is not owner:
                break
            if isinstance(around, ast.GeneratorExp) and around.generators[0].iter is not inside:  # that is evaluated outside
                return False
            if not isinstance(around, ast.comprehension):
                inside = around
        return owner is not None and owner.is_async

    def span(self, node: ast.AST) -> Span:
        """Where a node stands in the file, without the parentheses and whitespace around it."""
        span = self._written(node)
        if type(node) is ast.GeneratorExp or (type(node) is ast.Tuple and self._is_wrapped(node)):
            return self._within(span)
        return span

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

    def _is_wrapped(self, node: ast.Tuple) -> bool:
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
