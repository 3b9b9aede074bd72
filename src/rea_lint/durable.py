"""One durable function as a rule sees it: its tree, what the names in it are, and what runs where."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, TypeVar, cast

from rea_lint import cst
from rea_lint.diagnostic import Related
from rea_lint.flow import Arrival, Consequence, Sink
from rea_lint.names import refs
from rea_lint.project import Region, Use
from rea_lint.tree import Unreadable

if TYPE_CHECKING:
    import ast
    from collections.abc import Callable, Iterator

    from rea_lint.config import Config
    from rea_lint.facts import Call, Function, Refs
    from rea_lint.flow import Forest
    from rea_lint.project import Operation, Step
    from rea_lint.syntax import Syntax
    from rea_lint.text import Span
    from rea_lint.tree import FunctionNode, Tree


Worked = TypeVar("Worked")


class Durable:
    """A durable function that stands in no other, with all that is nested in it.

    The tree is parsed at first need, places are computed at first need.  Both may fail on a function that libcst cannot read
    (`Unreadable`): questions about nodes then raise, questions by span answer "not known", and the visit says so once.
    """

    def __init__(self, forest: Forest, path: str, function: Function, config: Config) -> None:
        self.project = forest.project
        self.path = path
        self.function = function
        self.source = forest.sources[path]
        self.config = config
        self._forest = forest
        self.unreadable: str | None = None  # why the tree, or the places in it, could not be had

    def once(self, work_out: Callable[[Durable], Worked]) -> Worked:
        """What a function works out about this code, worked out once in a visit however many things in it ask for it."""
        if work_out not in self._worked_out:
            self._worked_out[work_out] = work_out(self)
        return cast("Worked", self._worked_out[work_out])

    @cached_property
    def _worked_out(self) -> dict[Callable[[Durable], object], object]:
        return {}

    @property
    def handlers(self) -> tuple[str, ...]:
        """Display names of the handlers that reach the function, sorted."""
        return self.project.durable.get(self.function.name, ())

    @property
    def tree(self) -> FunctionNode:
        """The function's node."""
        return self._tree.root

    @cached_property
    def syntax(self) -> Syntax | None:
        """The tree of `ast`, for what is decided without libcst's; None for a function that cannot be read."""
        try:
            return self._forest.syntax(self.function, self.path)
        except Unreadable:
            return None

    @property
    def nodes(self) -> Iterator[tuple[cst.CSTNode, str]]:
        """Every node in source order, with the name of the function whose code it is.  Nothing of a function that cannot be read.

        Left out are whitespace, punctuation, operators, names that are part of another node (an attribute's, a keyword's), and the
        function's own decorators and defaults, which run at import.
        """
        try:
            tree = self._tree
        except Unreadable:
            return
        for node in tree.nodes:
            owner = tree.owner(node)
            if owner is not None:
                yield node, owner.name

    @property
    def functions(self) -> list[Function]:
        """The function and all in it, in the order of `def` and `lambda`; raises Unreadable."""
        return self._tree.functions

    def names(self, name: str) -> Iterator[cst.Name]:
        """The nodes among `nodes` that are a name, in source order."""
        try:
            tree = self._tree
        except Unreadable:
            return
        yield from (node for node in tree.names.get(name, ()) if tree.owner(node) is not None)

    def parent(self, node: cst.CSTNode) -> cst.CSTNode | None:
        """The node around a node; None for the function's own."""
        return self._tree.parent(node)

    def ancestors(self, node: cst.CSTNode) -> Iterator[cst.CSTNode]:
        """What is around a node, from the inside out, up to the function's own node (also beyond nested functions)."""
        return self._tree.ancestors(node)

    def within(self, node: cst.CSTNode) -> Iterator[cst.CSTNode]:
        """A node and all nodes in it that are the same function's code, in source order."""
        owner = self.owner(node)
        return (each for each in self._tree.within(node) if self._tree.owner(each) is owner)

    def owner(self, node: cst.CSTNode) -> Function:
        """The function whose code a node is: decorators, defaults and annotations are code of the function around."""
        return self._tree.owner(node) or self.function

    def region(self, node: cst.CSTNode) -> Region:
        """How the code of a node runs."""
        owner = self._tree.owner(node)
        return self.project.region(owner.name) if owner is not None else Region.OTHER

    def span(self, node: cst.CSTNode) -> Span:
        """Where a node stands in the file, without parentheses and whitespace around it; raises Unreadable."""
        try:
            return self._tree.span(node)
        except Unreadable as error:
            self.unreadable = str(error)
            raise

    def text(self, node: cst.CSTNode) -> str:
        """The text of a node as it stands in the file; raises Unreadable."""
        span = self.span(node)
        return self.source.text[span.start : span.end]

    def header(self, function: Function) -> str:
        """The text of any function of the project from `def` to the colon."""
        text = self._forest.sources[self.project.path_of(function.name)].text
        return text[function.header.start : function.header.end]

    def node(self, span: Span) -> cst.BaseExpression | None:
        """The outermost expression that stands at a span of the file; parentheses around it may be in the span."""
        try:
            return self._tree.at(span)
        except Unreadable as error:
            self.unreadable = str(error)
            return None

    def definition(self, function: str) -> FunctionNode | None:
        """The node of a nested function (or of the function itself)."""
        return self._tree.definition(function)

    # -- meaning -------------------------------------------------------------------------------------------------------

    def refs(self, node: cst.BaseExpression) -> Refs:
        """What an expression is, in the words of `facts`."""
        return refs(node, self.owner(node), self._tree)

    def resolve(self, node: cst.BaseExpression) -> frozenset[str]:
        """What an expression may be, in canonical names (`Project.resolve`); empty: not known."""
        return self.project.resolve(self.refs(node))

    def values(self, node: ast.AST) -> frozenset[str]:
        """The same of an expression of `syntax`."""
        owner = self.syntax.owner(node) if self.syntax is not None else None
        return self.project.resolve(self.syntax.refs(node, owner)) if self.syntax is not None and owner is not None else frozenset()

    def elsewhere(self, function: str) -> Durable | None:
        """The code that another durable function is part of; None for functions that are not durable, or cannot be read."""
        found = self._forest.outermost(function)
        if found is None:
            return None
        try:
            self._forest.tree(*found)
        except Unreadable:
            return None
        return Durable(self._forest, found[1], found[0], self.config)

    def call(self, node: cst.Call) -> Call | None:
        """The facts of a call; None for one in the function's own decorators and defaults."""
        return self._tree.calls.get(node)

    def operation(self, node: cst.CSTNode) -> Operation | None:
        """The durable operation that a call is; None for other calls, and for all else."""
        call = self._tree.calls.get(node) if isinstance(node, cst.Call) else None
        return self._operations.get(call.span) if call is not None else None

    def step(self, node: cst.CSTNode) -> Step | None:
        """The step that a call hands over; None for other calls, and for all else."""
        call = self._tree.calls.get(node) if isinstance(node, cst.Call) else None
        return self._steps.get(call.span) if call is not None else None

    def operations(self, node: cst.CSTNode) -> tuple[Operation, ...]:
        """The durable operations in a node, those of durable functions nested in it too, in source order."""
        if not self._operations:
            return ()
        return tuple(operation for each in self._tree.within(node) if (operation := self.operation(each)) is not None)

    def context_name(self, node: cst.CSTNode) -> str | None:
        """An expression for a context that is in scope at a node: `ctx`, `self._ctx`, `restate_context()`."""
        owner = self._tree.owner(node)
        return self.context_at(owner, self.span(node).start) if owner is not None else None

    def context_at(self, function: Function, place: int) -> str | None:
        """An expression for a context that is in scope at a place of a function's own code."""
        name = self.project.context_name(function.name)
        if name is None or not name.replace(".", "").removesuffix("()").isidentifier():
            return None
        assigned = function.variables.get(name, ())
        is_bound = not assigned or any(p.name == name for p in function.parameters) or any(b.span.end <= place for b in assigned)
        return name if is_bound else None

    def context(self, node: cst.CSTNode) -> str | None:
        """An expression for a context at a node where `await` is possible too."""
        return self.context_name(node) if self.awaits(node) else None

    def awaits(self, node: cst.CSTNode) -> bool:
        """Whether `await` is possible at a node: directly inside an `async def`, and not in a generator expression or class."""
        owner = self._tree.owner(node)
        if owner is None or not owner.is_async:
            return False
        inside = node
        for around in self.ancestors(node):
            if self._tree.owner(around) is not owner:
                break
            if isinstance(around, cst.GeneratorExp) and around.for_in.iter is not inside:  # the first iterable is evaluated outside
                return False
            if isinstance(around, cst.ClassDef):
                return False
            if not isinstance(around, cst.CompFor):
                inside = around
        return True

    def chain(self, use: Use) -> tuple[Related, ...]:
        """The hops of a use beyond its own place, each with what calls what: "`clients.pay` calls `requests.post`"."""
        pairs = zip(use.chain, use.chain[1:], strict=False)
        return tuple(Related(hop.path, hop.span, f"`{caller.name}` calls `{hop.name}`") for caller, hop in pairs)

    def consequence(self, what: Span | Use) -> Consequence:
        """Where the value of a use, or of the expression at a span, goes: what decides how bad it is that replay gives another.

        The value of a use that calls a helper is followed from the primitive on: what the helper does not return does not get out.
        """
        span = what.span if isinstance(what, Use) else what
        found = self._forest.consequence_of(what) if isinstance(what, Use) and len(what.chain) > 1 else None
        try:
            found = found or self._forest.consequence(self.function, self.path, span)
        except Unreadable as error:
            self.unreadable = str(error)
        return found or Consequence((Arrival(Sink.ELSEWHERE, self.path, span, self.source.text[span.start : span.end]),))

    @cached_property
    def _tree(self) -> Tree:
        try:
            return self._forest.tree(self.function, self.path)
        except Unreadable as error:
            self.unreadable = str(error)
            raise

    @cached_property
    def _operations(self) -> dict[Span, Operation]:
        durable = [f.name for f in self._tree.functions if f.name in self.project.durable]
        return {operation.call.span: operation for name in durable for operation in self.project.operations(name)}

    @cached_property
    def _steps(self) -> dict[Span, Step]:
        return {step.call.span: step for function in self._tree.functions for step in self.project.steps(function.name)}
