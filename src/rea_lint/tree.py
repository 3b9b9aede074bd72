"""The libcst tree of one function: its nodes in source order, whose code each is, and where each stands in the file.

libcst parses the text of one function at a time (a method as the body of an `if True:`), since parsing is what costs.  No libcst
metadata is used: it costs ten times the parsing.
"""

from __future__ import annotations

import ast
import sys
import unicodedata
from dataclasses import fields
from functools import cache, cached_property
from operator import attrgetter
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from msgspec import Struct

from rea_lint import cst
from rea_lint.text import Span

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from rea_lint.facts import Call, Facts, Function
    from rea_lint.text import Source

MOST_NESTED = 1_000
"""Levels of expressions and statements in a function that is given to libcst: twice as many are safe on the stack of `rule.visit`."""

TOO_DEEP = f"it nests deeper than {MOST_NESTED} levels"

MOST_CHARACTERS = 500_000
"""Characters in a function that is given to libcst: some two seconds of parsing."""

TELLS_PLACES_IN_STRINGS = sys.version_info >= (3, 12)
"""Whether `ast` tells the right places of what stands in f-strings."""

FunctionNode: TypeAlias = "cst.FunctionDef | cst.Lambda"


class Unreadable(Exception):  # noqa: N818 -- it says what the function is
    """libcst cannot give a tree of this function, or not one whose places are known."""


class Tree:
    """One function and everything in it.

    The nodes are those that mean something: no whitespace, punctuation or operators, and no names that are part of another node
    (an attribute's, a keyword's, that of a `def`).
    """

    def __init__(self, function: Function, facts: Facts, source: Source, kept: Kept | None = None) -> None:
        """Parse `function`, one of those of the file that `facts` and `source` are of, unless its text is in `kept`; raises Unreadable."""
        self._slice = cut(function, source)
        self._parsed = _parsed(self._slice.text, facts.depth, kept, is_lambda=function.is_lambda)
        self.root = self._parsed.root
        self.nodes = self._parsed.nodes
        self.names = self._parsed.names
        self.functions = _paired(self._parsed.definitions, function, facts.functions)

    def parent(self, node: cst.CSTNode) -> cst.CSTNode | None:
        """The node around a node; None for the root."""
        return self._parsed.parents.get(node)

    def ancestors(self, node: cst.CSTNode) -> Iterator[cst.CSTNode]:
        """What is around a node, from the inside out."""
        parents = self._parsed.parents
        up = parents.get(node)
        while up is not None:
            yield up
            up = parents.get(up)

    def owner(self, node: cst.CSTNode) -> Function | None:
        """The function whose code a node is: decorators, defaults and annotations are code of the function around; None for the root's."""
        at = self._parsed.owners[node]
        return self.functions[at] if at >= 0 else None

    def function(self, definition: FunctionNode) -> Function:
        """The facts of a function in the tree."""
        return self.functions[self._places_of_definitions[definition]]

    def definition(self, name: str) -> FunctionNode | None:
        """The node of a function in the tree."""
        return self._by_name.get(name)

    @cached_property
    def _places_of_definitions(self) -> dict[FunctionNode, int]:
        return {node: at for at, node in enumerate(self._parsed.definitions)}

    @cached_property
    def _by_name(self) -> dict[str, FunctionNode]:
        return {function.name: node for node, function in zip(self._parsed.definitions, self.functions, strict=True)}

    @cached_property
    def calls(self) -> Mapping[cst.Call, Call]:
        """The facts of every call in the tree's functions.

        Both are in source order, a call before those in it, so that no places have to be computed to tell which is which.  They are
        where the two do not fit (Python before 3.12 says wrong places in some f-strings).
        """
        nodes: dict[int, list[cst.Call]] = {}
        for node in self.nodes:
            if type(node) is cst.Call:
                nodes.setdefault(self._parsed.owners[node], []).append(node)
        found: dict[cst.Call, Call] = {}
        for at, function in enumerate(self.functions):
            pairs = list(zip(nodes.get(at, ()), function.calls, strict=False))
            if len(function.calls) != len(nodes.get(at, ())) or not all(self._is_same(node, call) for node, call in pairs):
                places = {call.span: call for call in function.calls}
                pairs = [(node, places[place]) for node in nodes.get(at, ()) if (place := self._generated_at(node)) in places]
            found.update(pairs)
        return found

    def _is_same(self, node: cst.Call, call: Call) -> bool:
        """Whether a node may be the call that facts tell of: it has the same arguments."""
        if len(node.args) != len(call.arguments) or isinstance(self._parsed.parents.get(node), cst.Await) != call.awaited:
            return False
        keywords = [a.keyword.value if a.keyword is not None else a.star or None for a in node.args]
        return sorted(map(str, keywords)) == sorted(str(a.keyword) for a in call.arguments)

    def span(self, node: cst.CSTNode) -> Span:
        """Where a node stands in the file, without the parentheses and whitespace around it; raises Unreadable."""
        return self._known.get(node) or self._generated_at(node)

    @cached_property
    def _known(self) -> Mapping[cst.CSTNode, Span]:
        """Where calls stand, what they call, and their arguments, as facts tell it: to generate code takes a third of the time of parsing."""
        found: dict[cst.CSTNode, Span] = {}
        for node, call in self.calls.items():
            if not TELLS_PLACES_IN_STRINGS and any(type(around) is cst.FormattedString for around in self.ancestors(node)):
                continue
            found[node], found[node.func] = call.span, call.callee_span
            for given, argument in zip(node.args, sorted(call.arguments, key=lambda each: each.span.start), strict=False):
                if type(given.value) is not cst.Tuple and type(given.value) is not cst.GeneratorExp:  # facts count parentheses in
                    found[given.value] = argument.span
        return found

    def _generated_at(self, node: cst.CSTNode) -> Span:
        start, end = self._parsed.place(node)
        return Span(start + self._slice.shift, end + self._slice.shift)

    def text(self, node: cst.CSTNode) -> str:
        """The text of a node as it stands in the file."""
        return self.text_at(self.span(node))

    def text_at(self, span: Span) -> str:
        """The text of the file at a span."""
        return self._slice.source.text[span.start : span.end]

    def at(self, span: Span) -> cst.BaseExpression | None:
        """The outermost expression that stands at `span`; parentheses around it may be in the span."""
        return self._by_place.get(span) or self._expressions.get(span) or self._expressions.get(unwrapped(span, self._slice.source.text))

    def within(self, node: cst.CSTNode) -> Iterator[cst.CSTNode]:
        """A node and everything in it, in source order."""
        stack = [node]
        while stack:
            at = stack.pop()
            yield at
            stack += reversed(children(at))

    @cached_property
    def _by_place(self) -> dict[Span, cst.BaseExpression]:
        calls = {call.span: node for node, call in self.calls.items()}
        return calls | {span: cast("cst.BaseExpression", node) for node, span in self._known.items() if span not in calls}

    @cached_property
    def _expressions(self) -> dict[Span, cst.BaseExpression]:
        found: dict[Span, cst.BaseExpression] = {}
        for node in self.nodes:
            if isinstance(node, cst.BaseExpression):
                found.setdefault(self.span(node), node)
        return found


Kept: TypeAlias = "dict[str, Parsed]"  # by text, the one that was asked for last at the end
MOST_KEPT = 200_000
"""Characters of text whose trees are kept: some 5,000 lines, which take 100 MB."""


def _parsed(text: str, depth_of_file: int, kept: Kept | None, *, is_lambda: bool) -> Parsed:
    found = kept.pop(text, None) if kept is not None else None
    if found is None:
        _bound(text, depth_of_file)
        found = Parsed(text, is_lambda=is_lambda)
    if kept is not None:
        kept[text] = found
        while sum(map(len, kept)) > MOST_KEPT and len(kept) > 1:
            del kept[next(iter(kept))]
    return found


class Parsed:
    """A function's text as libcst reads it, wherever the text stands: what may be kept from one visit to the next."""

    def __init__(self, text: str, *, is_lambda: bool) -> None:
        """Parse a text that `cut` gives; raises Unreadable."""
        self._text = text
        try:
            self._module = cst.parse_module(text)
        except (cst.ParserSyntaxError, cst.CSTValidationError, UnicodeEncodeError, TypeError) as error:  # `x if(lambda: 1)else y`
            raise Unreadable(f"libcst cannot parse it: {str(error).splitlines()[0]}") from error
        self.root = _root(self._module, is_lambda=is_lambda)
        self.parents: dict[cst.CSTNode, cst.CSTNode] = {}
        self.owners: dict[cst.CSTNode, int] = {}  # node -> place in `definitions`; -1: around the root
        self.definitions: list[FunctionNode] = []
        self.nodes = list(self._walk())

    @cached_property
    def names(self) -> Mapping[str, tuple[cst.Name, ...]]:
        """Name -> the nodes that are it, in source order; those of the root's own decorators and defaults, too."""
        found: dict[str, list[cst.Name]] = {}
        for node in self.nodes:
            if type(node) is cst.Name:
                found.setdefault(node.value, []).append(node)
        return {name: tuple(nodes) for name, nodes in found.items()}

    def place(self, node: cst.CSTNode) -> tuple[int, int]:
        """Where a node starts and ends in the text; raises Unreadable."""
        start, end = self._generated[1][node]
        if self._map is None:
            return start, end
        counts, places = self._map
        first = places[counts[start]] if counts[start] < len(places) else len(self._text)
        return first, places[counts[end] - 1] + 1 if counts[end] > counts[start] else first

    def _walk(self) -> Iterator[cst.CSTNode]:
        """Every node in source order, noting parents, owners and the definitions in the order of their `def` and `lambda`."""
        stack: list[tuple[cst.CSTNode | _Start, cst.CSTNode | None, int]] = [(self.root, None, -1)]
        while stack:
            node, parent, owner = stack.pop()
            if isinstance(node, _Start):
                definition = node.definition
                inner = len(self.definitions)
                self.definitions.append(definition)
                stack.append((definition.body, definition, inner))
                stack += [(each, definition, owner) for each in reversed(_signature(definition))]
                continue
            if parent is not None:
                self.parents[node] = parent
            self.owners[node] = owner
            yield node
            if type(node) is cst.FunctionDef or type(node) is cst.Lambda:  # no `isinstance`: it is slow for abstract classes
                stack.append((_Start(node), None, owner))
                if type(node) is cst.FunctionDef:
                    stack += [(each, node, owner) for each in reversed(node.decorators)]
            else:
                stack += [(each, node, owner) for each in reversed(children(node))]

    @cached_property
    def _generated(self) -> tuple[str, dict[cst.CSTNode, tuple[int, int]]]:
        from rea_lint.places import places  # noqa: PLC0415 -- it imports libcst

        try:
            return places(self._module)
        except RecursionError as error:
            raise Unreadable(TOO_DEEP) from error

    @cached_property
    def _map(self) -> tuple[list[int], list[int]] | None:
        """None if libcst gives the text back as it was; else how to get from the generated code to the text, by what is not whitespace.

        libcst drops some whitespace (`except E :`, `{x!r  }`, form feeds): the characters that are left are the same in both.
        """
        generated = self._generated[0]
        text = self._text
        if generated == text:
            return None
        places = [at for at, character in enumerate(text) if not character.isspace()]
        if [c for c in generated if not c.isspace()] != [text[at] for at in places]:
            raise Unreadable("libcst gives another text back than it was given")
        counts = [0]
        for character in generated:
            counts.append(counts[-1] + (not character.isspace()))
        return counts, places


def children(node: cst.CSTNode) -> list[cst.CSTNode]:
    """The nodes directly in a node, in source order, without whitespace, punctuation, operators and names that are part of it."""
    found: list[cst.CSTNode] = []
    for value in _getter(type(node))(node):
        kind: Any = type(value)
        if kind is tuple or kind is list:
            found += value
        elif _is_node(kind):
            found.append(value)
    return found


@cache
def _is_node(kind: type) -> bool:
    """Asked once a class: libcst's are abstract, for which `isinstance` is slow."""
    return issubclass(kind, cst.CSTNode)


_PUNCTUATION = frozenset(
    {
        *(
            "asynchronous",
            "colon",
            "comma",
            "conversion",
            "dot",
            "equal",
            "first_colon",
            "footer",
            "header",
            "indent",
            "lbrace",
            "lbracket",
        ),
        *("lpar", "newline", "operator", "posonly_ind", "rbrace", "rbracket", "relative", "rpar", "second_colon", "semicolon", "separator"),
        *("star", "trailing_comma", "encoding", "default_indent", "default_newline", "has_trailing_newline"),
    }
)
_ORDER: dict[str, tuple[str, ...]] = {  # where libcst's fields are not in source order, or hold names that are no variables
    "Arg": ("value",),
    "Attribute": ("value",),
    "ClassDef": ("decorators", "type_parameters", "bases", "keywords", "body"),
    "ExceptHandler": ("type", "name", "body"),
    "ExceptStarHandler": ("type", "name", "body"),
    "FunctionDef": ("decorators", "type_parameters", "params", "returns", "body"),
    "IfExp": ("body", "test", "orelse"),
    "ImportAlias": ("asname",),
    "ImportFrom": ("names",),
    "MatchCase": ("pattern", "guard", "body"),
    "MatchKeywordElement": ("pattern",),
    "Parameters": ("posonly_params", "params", "star_arg", "kwonly_params", "star_kwarg"),
    "TypeAlias": ("name", "type_parameters", "value"),
}


@cache
def _getter(kind: type[cst.CSTNode]) -> Callable[[Any], tuple[Any, ...]]:
    """What gives the values of all fields of a node that hold nodes which mean something."""
    own = [field.name for field in fields(kind)]
    names = _ORDER.get(kind.__name__) or [
        n for n in own if n not in _PUNCTUATION and not n.startswith(("whitespace", "leading", "lines", "trailing"))
    ]
    match [name for name in names if name in own]:
        case []:
            return lambda _: ()
        case [name]:
            one = attrgetter(name)
            return lambda node: (one(node),)
        case several:
            return attrgetter(*several)


def _signature(definition: FunctionNode) -> list[cst.CSTNode]:
    """What stands between the name and the body of a function."""
    if isinstance(definition, cst.Lambda):
        return [definition.params]
    return [each for each in (definition.type_parameters, definition.params, definition.returns) if each is not None]


class _Start(Struct, frozen=True):
    """The place in a walk where a function's decorators are over and its `def` or `lambda` stands."""

    definition: FunctionNode


# -- text and places ---------------------------------------------------------------------------------------------------


class Slice(Struct, frozen=True):
    """The text of a function, made a module."""

    text: str  # what libcst gets
    shift: int  # add it to an offset in `text`, and it is one in the file
    source: Source


def cut(function: Function, source: Source) -> Slice:
    """The text of a function, made a module.

    Lines keep their indentation, since the strings in them are to stay as they are: `if True:` goes before them instead.
    """
    start, end = function.span.start, function.span.end
    if function.is_lambda:
        return Slice(f"({source.text[start:end]})", start - 1, source)
    start = source.line_span(source.position(start).row).start
    end = source.line_span(source.position(end).row).end
    prefix = f"if True:{source.newline}" if source.text[start] in " \t\f" else ""
    return Slice(f"{prefix}{source.text[start:end]}{source.newline}", start - len(prefix), source)


def unwrapped(span: Span, text: str) -> Span:
    """A span without the parentheses, and the whitespace in them, that it begins and ends with."""
    start, end = span.start, span.end
    while start < end and text[start] == "(" and text[end - 1] == ")":
        start, end = start + 1, end - 1
        while start < end and text[start].isspace():
            start += 1
        while start < end and text[end - 1].isspace():
            end -= 1
    return Span(start, end)


def _bound(text: str, depth_of_file: int) -> None:
    """Raise Unreadable where libcst's parser needs more stack or time than is reasonable."""
    if len(text) > MOST_CHARACTERS:
        raise Unreadable(f"it is longer than {MOST_CHARACTERS} characters")
    if depth_of_file <= MOST_NESTED:
        return
    try:
        depth = _depth(text)
    except SyntaxError as error:
        raise Unreadable("its text does not stand alone") from error
    except (RecursionError, MemoryError) as error:
        raise Unreadable(TOO_DEEP) from error
    if depth > MOST_NESTED:
        raise Unreadable(TOO_DEEP)


def _depth(text: str) -> int:
    """The deepest nesting; an `elif` is on the level of its `if`."""
    deepest = 0
    stack: list[tuple[ast.AST, int]] = [(ast.parse(text), 0)]
    while stack:
        node, depth = stack.pop()
        deepest = max(deepest, depth)
        for each in ast.iter_child_nodes(node):
            is_elif = isinstance(node, ast.If) and isinstance(each, ast.If) and node.orelse == [each]
            stack.append((each, depth if is_elif else depth + 1))
    return deepest


def _root(module: cst.Module, *, is_lambda: bool) -> FunctionNode:
    statement: cst.CSTNode = module.body[0]
    if is_lambda:
        match statement:
            case cst.SimpleStatementLine(body=[cst.Expr(value=cst.Lambda() as root)]):
                return root
    else:
        if isinstance(statement, cst.If):
            statement = statement.body.body[0]
        if isinstance(statement, cst.FunctionDef):
            return statement
    raise Unreadable("it stands where no function is expected")


def _paired(definitions: list[FunctionNode], function: Function, functions: Mapping[str, Function]) -> list[Function]:
    """The function of each node: both are in the order of `def` and `lambda`."""
    inside = [each for each in functions.values() if function.span.contains(each.span) and not each.name.endswith("<module>")]
    inside.sort(key=lambda f: (f.span if f.is_lambda else f.header).start)
    if len(inside) != len(definitions) or not all(_is_of(node, each) for node, each in zip(definitions, inside, strict=True)):
        raise Unreadable("its nested functions are not those that the survey saw")
    return inside


def _is_of(node: FunctionNode, function: Function) -> bool:
    if isinstance(node, cst.Lambda):
        return function.is_lambda
    name = unicodedata.normalize("NFKC", node.name.value)  # as Python reads it, and with it the survey (PEP 3131)
    return not function.is_lambda and name == function.written_name
