"""Where the value of an expression goes: what decides how bad it is that replay gives another.

Values are followed through assignments, containers, expressions, conditions and calls, without regard to the order of statements,
into nested functions, into helpers that get them together with a context, and back to the callers of a helper that returns them.
What a durable operation or a step gives is journaled: there a value ends.
"""

from __future__ import annotations

import ast
from bisect import bisect_left
from collections import defaultdict
from enum import Enum
from functools import cached_property
from typing import TYPE_CHECKING

from msgspec import Struct

from rea_lint.diagnostic import Related, Severity
from rea_lint.packs import Effect
from rea_lint.project import Region
from rea_lint.syntax import Definition, Syntax, arguments_of, children
from rea_lint.text import Span
from rea_lint.tree import Tree, Unreadable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from rea_lint.facts import Function
    from rea_lint.project import Hop, Operation, Project, Step, Use
    from rea_lint.text import Source
    from rea_lint.tree import Kept

MOST_STEPS = 5_000  # expressions that one value is followed through
SILENT_LOGGER = "restate.getLogger()."  # writes nothing on replay: no effect, but a log still
MOST_TREES = 16  # of each kind that are kept: one of libcst takes some 20 kB a line, one of `ast` a tenth


class Sink(Enum):
    """A kind of place where a value ends."""

    BRANCH = "branch"  # a condition (or what a loop runs over) that decides which durable operations run
    ARGUMENT = "argument"  # of a durable operation, one that replay compares
    DURATION = "duration"  # of a durable operation: not compared
    STEP = "step"  # captured by a step, or handed to one
    RESULT = "result"  # what the handler returns
    LOG = "log"
    DISCARDED = "discarded"
    FAILURE = "failure"  # it decides whether this attempt fails: Restate tries again, and the journal stays the same
    ELSEWHERE = "elsewhere"  # kept in an attribute or global, or passed to code that is not known


class Arrival(Struct, frozen=True):
    """A place where a value ends."""

    sink: Sink
    path: str
    span: Span  # of the expression that has the value there
    name: str = ""  # of the operation, step or function concerned, as written: `ctx.sleep`

    @property
    def says(self) -> str:
        """What the value does there, as the end of a sentence: "decides whether `ctx.sleep` runs"."""
        match self.sink:
            case Sink.BRANCH:
                return f"decides whether `{self.name}` runs"
            case Sink.ARGUMENT:
                return f"reaches `{self.name}`, whose arguments replay compares"
            case Sink.DURATION:
                return f"is a duration of `{self.name}`"
            case Sink.STEP:
                return f"goes into the step of `{self.name}`"
            case Sink.RESULT:
                return "reaches the handler's result"
            case Sink.LOG:
                return f"is written by `{self.name}`"
            case Sink.DISCARDED:
                return "is not used"
            case Sink.FAILURE:
                return "decides whether this attempt fails"
            case Sink.ELSEWHERE:
                return f"goes to `{self.name}`"

    @property
    def related(self) -> Related:
        """The place, for `Finding.related`."""
        return Related(self.path, self.span, f"the value {self.says}")


DECISIVE = frozenset({Sink.BRANCH, Sink.ARGUMENT})
HARMLESS = frozenset({Sink.DURATION, Sink.RESULT, Sink.LOG, Sink.DISCARDED})


class Consequence(Struct, frozen=True):
    """All places where a value ends, the gravest kind first, in source order within a kind; never empty."""

    arrivals: tuple[Arrival, ...]

    @property
    def sinks(self) -> frozenset[Sink]:
        """The kinds of place it reaches."""
        return frozenset(arrival.sink for arrival in self.arrivals)

    @property
    def worst(self) -> Arrival:
        """The place to tell of."""
        return self.arrivals[0]

    @property
    def severity(self) -> Severity | None:
        """Error for a value that decides what is journaled, info for one that only reaches a result, log line or duration.

        None where it is not known, or goes into a step: the rule's own.
        """
        if not self.sinks.isdisjoint(DECISIVE):
            return Severity.ERROR
        return Severity.INFO if self.sinks <= HARMLESS else None


class Forest:
    """The trees of a project's functions, made at first need; the last few are kept, and in `kept` what does not depend on the project."""

    def __init__(self, project: Project, sources: Mapping[str, Source], kept: Kept | None = None) -> None:
        self.project = project
        self.sources = sources
        self._kept = kept
        self._trees: dict[str, Tree] = {}
        self._flows: dict[str, _Flow] = {}

    def tree(self, function: Function, path: str) -> Tree:
        """The tree of a function that stands in no other durable function; raises Unreadable."""
        tree = self._trees.pop(function.name, None) or Tree(function, self.project.facts[path], self.sources[path], self._kept)
        self._trees[function.name] = tree
        if len(self._trees) > MOST_TREES:
            del self._trees[next(iter(self._trees))]
        return tree

    def syntax(self, function: Function, path: str) -> Syntax:
        """The same as `ast` reads it; raises Unreadable."""
        return self._flow(function, path).tree

    def outermost(self, name: str) -> tuple[Function, str] | None:
        """The outermost durable function that `name` stands in, and its file; None if it is no durable function."""
        if name not in self.project.durable:
            return None
        path = self.project.path_of(name)
        facts = self.project.facts[path]
        top = around = name
        while around in facts.functions or around in facts.classes:
            if around in self.project.durable:
                top = around
            around = (facts.functions.get(around) or facts.classes[around]).scope
        return facts.functions[top], path

    def consequence(self, function: Function, path: str, span: Span) -> Consequence | None:
        """Where the value of the expression at `span` of a function goes; None if there is none.  Raises Unreadable."""
        flow = self._flow(function, path)
        node = flow.tree.at(span)
        return _Search(self).run((flow, node)) if node is not None else None

    def consequence_of(self, use: Use) -> Consequence | None:
        """Where the value of a use goes, from where it comes about: a helper that does not return it keeps it.

        None where the way back from the helper cannot be told.
        """
        search = _Search(self)
        ways = []
        for hop in (use.chain[-1], *use.also):
            flow = self.of(use.inside)
            node = flow.tree.at(hop.span) if flow is not None else None
            if flow is None or node is None:
                return None
            ways.append((flow, node))
        for hop, inner in zip(use.chain, use.chain[1:], strict=False):
            caller, helper = self._function_at(hop), self._function_at(inner)
            flow = self.of(caller) if caller is not None else None
            node = flow.tree.at(hop.span) if flow is not None else None
            if flow is None or node is None or helper is None or helper.rpartition(".")[2].startswith("__"):
                return None
            search.enter(helper, flow, node)
        return search.run(*ways)

    def _function_at(self, hop: Hop) -> str | None:
        """The durable function whose own code a hop is."""
        around = [f for f in self.project.facts[hop.path].functions.values() if f.span.contains(hop.span)]
        innermost = min(around, key=lambda f: f.span.end - f.span.start)
        return innermost.name if innermost.name in self.project.durable else None

    def of(self, name: str) -> _Flow | None:
        """The flow of the outermost durable function that `name` stands in; None if it is no durable function, or cannot be read."""
        found = self.outermost(name)
        try:
            return self._flow(*found) if found is not None else None
        except Unreadable:
            return None

    def _flow(self, function: Function, path: str) -> _Flow:
        flow = self._flows.pop(function.name, None) or _Flow(
            self.project, path, Syntax(function, self.project.facts[path], self.sources[path])
        )
        self._flows[function.name] = flow
        if len(self._flows) > MOST_TREES:
            del self._flows[next(iter(self._flows))]
        return flow

    @cached_property
    def callers(self) -> Mapping[str, tuple[tuple[str, Span], ...]]:
        """Function -> the durable functions that call it, and where."""
        found: dict[str, list[tuple[str, Span]]] = defaultdict(list)
        for name in self.project.durable:
            for edge in self.project.calls(name):
                if edge.call is not None:
                    found[edge.target].append((name, edge.span))
        return {target: tuple(calls) for target, calls in found.items()}

    @cached_property
    def entries(self) -> frozenset[str]:
        """The functions of handlers."""
        return frozenset(handler.function for handler in self.project.handlers)


class _Way(Enum):
    """How code goes on elsewhere than behind a statement."""

    FAILS = "fails"  # this attempt
    ENDS = "ends"  # with an exception that ends the invocation, or something here
    LEAVES = "leaves"  # a loop, or a round of it
    RETURNS = "returns"
    YIELDS = "yields"


Variable = tuple[str, str]  # function, and the name (`x`) or attribute (`self.x`) in it


class _Flow:
    """One function's tree, with what following values through it has to look up."""

    def __init__(self, project: Project, path: str, tree: Syntax) -> None:
        self.project = project
        self.path = path
        self.tree = tree
        self._names: dict[str, frozenset[str]] = {}

    def variable(self, owner: Function, name: str) -> Variable | None:
        """The variable that a name is in a function; None for globals."""
        at: Function | None = owner
        while at is not None:
            if name in self._bound(at):
                return at.name, name
            at = self.project.functions.get(at.scope)
        return None

    def _bound(self, function: Function) -> frozenset[str]:
        """The names that a function binds."""
        known = self._names.get(function.name)
        if known is None:
            own = f"{function.name}."
            nested = (inner.removeprefix(own) for inner in function.nested if inner.startswith(own))
            variables = (variable.partition("@")[0] for variable in function.variables)
            known = self._names[function.name] = frozenset((*(p.name for p in function.parameters), *variables, *nested))
        return known

    @cached_property
    def reads(self) -> Mapping[Variable, tuple[ast.expr, ...]]:
        """Variable -> the expressions that read it."""
        found: dict[Variable, list[ast.expr]] = defaultdict(list)
        for node in self.tree.nodes:
            match node:
                case ast.Name(id=name, ctx=ast.Load()) if (owner := self.tree.owner(node)) is not None:
                    variable = self.variable(owner, name)
                    if variable is not None:
                        found[variable].append(node)
                case ast.Attribute(value=ast.Name(id=name), attr=attribute, ctx=ast.Load()) if (owner := self.tree.owner(node)) is not None:
                    variable = self.variable(owner, name)
                    if variable is not None:
                        found[variable[0], f"{name}.{attribute}"].append(node)
        return {variable: tuple(nodes) for variable, nodes in found.items()}

    @cached_property
    def operations(self) -> Mapping[Span, Operation]:
        return {o.call.span: o for f in self.tree.functions if f.name in self.project.durable for o in self.project.operations(f.name)}

    @cached_property
    def steps(self) -> Mapping[Span, Step]:
        return {step.call.span: step for f in self.tree.functions for step in self.project.steps(f.name)}

    @cached_property
    def journaling(self) -> tuple[tuple[Span, str], ...]:
        """The places in durable code that write the journal, themselves or in what they hand a context to; with their text."""
        project = self.project
        found = {span: operation.call.callee_span for span, operation in self.operations.items() if operation.info.journals}
        found |= {span: step.call.callee_span for span, step in self.steps.items()}
        for function in self.tree.functions:
            if function.name not in project.durable:
                continue
            for edge in project.calls(function.name):
                is_nested = any(edge.target == each.name for each in self.tree.functions)
                if edge.call is not None and not is_nested and edge.target in project.functions and project.has_context(edge.target):
                    found[edge.span] = edge.call.callee_span
            found |= {
                call.span: call.callee_span for call in function.calls if call.span not in self.operations and project.takes_context(call)
            }
        return tuple((span, self.tree.text_at(found[span])) for span in sorted(found))

    @cached_property
    def ways(self) -> Mapping[ast.AST, frozenset[_Way]]:
        """The ways that lead on elsewhere from a node or from what is in it, in the same function's code; of nodes that have such."""
        found: dict[ast.AST, frozenset[_Way]] = {}
        for node in reversed(self.tree.nodes):  # what is in a node comes after it
            own = _way(self, node)
            if own is not None:
                found[node] = found.get(node, frozenset()) | {own}
            around = self.tree.parent(node)
            if node in found and around is not None and self.tree.owner(around) is self.tree.owner(node):
                found[around] = found.get(around, frozenset()) | found[node]
        return found

    def journaling_in(self, nodes: Iterable[ast.AST]) -> str | None:
        """The first place that writes the journal within some nodes."""
        places = self.journaling
        first = len(places)
        for span in (self.tree.span(node) for node in nodes) if places else ():
            at = self._next_journaling(span.start)
            while at < first and places[at][0].start <= span.end:
                if span.contains(places[at][0]):
                    first = at
                at += 1
        return places[first][1] if first < len(places) else None

    def _next_journaling(self, start: int) -> int:
        """The index in `journaling` of the first place from `start` on."""
        return bisect_left(self.journaling, start, key=lambda place: place[0].start)

    def journaling_after(self, node: ast.AST) -> str | None:
        """The first place that writes the journal after a node of the same function, or in a loop around it."""
        owner = self.tree.owner(node)
        end = self.tree.span(node).end
        following = [at for at in self.tree.ancestors(node) if isinstance(at, LOOPS) and self.tree.owner(at) is owner]
        in_loop = self.journaling_in(following)
        if in_loop is not None or owner is None:
            return in_loop
        at = self._next_journaling(end)
        return self.journaling[at][1] if at < len(self.journaling) and owner.span.contains(self.journaling[at][0]) else None

    def resolve(self, node: ast.expr) -> frozenset[str]:
        """What an expression may be, in canonical names; empty: not known."""
        owner = self.tree.owner(node)
        return self.project.resolve(self.tree.refs(node, owner)) if owner is not None else frozenset()

    def called(self, call: ast.Call) -> frozenset[str]:
        """What a call calls, in canonical names; empty: not known."""
        facts = self.tree.call(call)
        return self.project.resolve(facts.callees) if facts is not None else self.resolve(call.func)

    def arrival(self, sink: Sink, span: Span, name: str = "") -> Arrival:
        return Arrival(sink, self.path, span, name)


class _Search:
    """One value on its way.  Holds what has been reached and what is still to be followed."""

    def __init__(self, forest: Forest) -> None:
        self._forest = forest
        self._project = forest.project
        self._arrivals: dict[Arrival, None] = {}
        self._pending: list[tuple[_Flow, ast.expr]] = []
        self._seen: set[ast.AST] = set()
        self._variables: set[Variable] = set()
        self._under: set[ast.AST] = set()  # statements that run under a condition which has the value, and what is in them
        self._entered: dict[str, list[tuple[_Flow, ast.expr]]] = defaultdict(list)  # helper -> the calls that the value came by
        self._results: set[str] = set()  # functions that return it
        self._failures: set[str] = set()  # functions that it makes fail

    def enter(self, helper: str, flow: _Flow, call: ast.expr) -> None:
        """Note that the value, if `helper` returns it, is that of `call`."""
        self._entered[helper].append((flow, call))

    def run(self, *starts: tuple[_Flow, ast.expr]) -> Consequence:
        for flow, start in starts:
            self._follow(flow, start)
        while self._pending and len(self._seen) < MOST_STEPS:
            self._step(*self._pending.pop())
        flow, start = starts[0]
        if self._pending:
            self._arrive(flow, Sink.ELSEWHERE, start, flow.tree.text(start))
        if not self._arrivals:
            self._arrive(flow, Sink.DISCARDED, start)
        used = [arrival for arrival in self._arrivals if arrival.sink is not Sink.DISCARDED] or self._arrivals
        order = list(Sink)
        return Consequence(tuple(sorted(used, key=lambda a: (order.index(a.sink), a.path, a.span, a.name))))

    def _arrive(self, flow: _Flow, sink: Sink, node: ast.AST, name: str = "") -> None:
        self._arrivals[flow.arrival(sink, flow.tree.span(node), name)] = None

    def _follow(self, flow: _Flow, node: ast.AST | None) -> None:
        if isinstance(node, ast.expr) and node not in self._seen:
            self._seen.add(node)
            self._pending.append((flow, node))

    def _taint(self, variable: Variable | None) -> None:
        """A variable has the value: so do all reads of it."""
        if variable is None or variable in self._variables:
            return
        self._variables.add(variable)
        flow = self._forest.of(variable[0])
        for node in flow.reads.get(variable, ()) if flow is not None else ():
            assert flow is not None
            self._follow(flow, node)

    # -- one expression has the value: what has it next ----------------------------------------------------------------

    def _step(self, flow: _Flow, node: ast.expr) -> None:
        owner = flow.tree.owner(node)
        parent = flow.tree.parent(node)
        if owner is None or parent is None:
            return
        if self._project.region(owner.name) is Region.STEP:
            self._arrive(flow, Sink.STEP, node, self._step_name(flow, owner))
        elif isinstance(parent, ast.stmt):
            self._in_statement(flow, node, parent, owner)
        else:
            self._in_expression(flow, node, parent)

    def _in_statement(self, flow: _Flow, node: ast.expr, statement: ast.stmt, owner: Function) -> None:
        match statement:
            case ast.Assign(targets=targets) if node not in targets:
                for target in targets:
                    self._assign(flow, target, node)
            case ast.Assign() | ast.Delete():
                self._stored_under(flow, node)
            case ast.AnnAssign(target=target) | ast.AugAssign(target=target) if getattr(statement, "annotation", None) is not node:
                self._assign(flow, target, node)
            case ast.If() | ast.While():
                self._controls(flow, node, statement, [*statement.body, *statement.orelse])
            case ast.Match():
                self._controls(flow, node, statement, [part for case in statement.cases for part in _parts(case)])
                for case in statement.cases:
                    for each in flow.tree.within(case.pattern):
                        if isinstance(each, ast.MatchAs | ast.MatchStar):
                            self._bind(flow, each.name, node)
            case ast.Assert(test=test) if test is node:
                if _is_final(flow, statement):
                    self._leaves(flow, node, statement)
                    self._failed(owner)
                else:
                    self._arrive(flow, Sink.FAILURE, node)
            case ast.Assert():
                self._arrive(flow, Sink.LOG, node, "assert")
            case ast.For() | ast.AsyncFor():
                self._assign(flow, statement.target, node)
                self._controls(flow, node, statement, statement.body)
            case ast.Return() | ast.Raise():
                self._returned(flow, node, owner)
            case ast.Expr():
                self._shuffled(flow, node)
            case _:
                self._arrive(flow, Sink.ELSEWHERE, node, flow.tree.text(node))

    def _in_expression(self, flow: _Flow, node: ast.expr, parent: ast.AST) -> None:
        owner = flow.tree.owner(node)
        assert owner is not None
        match parent:
            case ast.Call() if parent.func is not node:
                self._argument(flow, node, parent, node)
            case ast.keyword() | ast.Starred() if isinstance(flow.tree.parent(parent), ast.Call | ast.ClassDef):
                self._argument(flow, node, flow.tree.parent(parent), parent)
            case ast.Tuple():
                self._element(flow, node, parent)
            case ast.NamedExpr():
                self._assign(flow, parent.target, node)
                self._follow(flow, parent)
            case ast.IfExp() if parent.test is node:
                self._decides(flow, node, [parent.body, parent.orelse])
                self._follow(flow, parent)
            case ast.BoolOp():
                self._alternative(flow, node, parent)
            case ast.comprehension():
                self._comprehension(flow, node, parent)
            case ast.Yield() | ast.YieldFrom():
                self._returned(flow, node, owner)
            case ast.withitem() if parent.context_expr is node:
                self._assign(flow, parent.optional_vars, node)
            case ast.arguments():
                self._default(flow, parent, node)
            case ast.match_case():
                self._controls(flow, node, parent.body[-1], parent.body)  # a case has no place of its own
            case ast.expr():
                self._follow(flow, parent)
            case _:
                self._around(flow, parent, node)

    def _alternative(self, flow: _Flow, node: ast.expr, operation: ast.BoolOp) -> None:
        """Of `a and b and c`, what `a and b` gives decides whether `c` is evaluated."""
        values = operation.values
        for last in range(values.index(node), len(values) - 1):
            name = flow.journaling_in([values[last + 1]])
            if name is not None:
                span = flow.tree.span(node) if last == 0 else flow.tree.up_to(operation, last)
                self._arrivals[flow.arrival(Sink.BRANCH, span, name)] = None
        self._follow(flow, operation)

    def _shuffled(self, flow: _Flow, node: ast.expr) -> None:
        """`random.shuffle(items)`, whose value is what becomes of its argument."""
        if isinstance(node, ast.Call) and any(value.endswith(".shuffle") for value in flow.called(node)):
            given = next((argument for argument in arguments_of(node)), None)
            if given is not None:
                self._assign(flow, given.value if isinstance(given, ast.keyword | ast.Starred) else given, node)

    def _around(self, flow: _Flow, part: ast.AST, node: ast.expr) -> None:
        """The expression that something which is none itself is part of."""
        for around in flow.tree.ancestors(part):
            if isinstance(around, ast.expr):
                self._follow(flow, around)
                return
            if isinstance(around, ast.stmt):
                break
        self._arrive(flow, Sink.ELSEWHERE, node, flow.tree.text(node))

    def _element(self, flow: _Flow, node: ast.expr, display: ast.Tuple) -> None:
        """The value is an element of a tuple; one that is taken apart at once gives it to one target only."""
        statement = flow.tree.parent(display)
        if isinstance(statement, ast.Assign) and display is statement.value and not isinstance(node, ast.Starred):
            at = display.elts.index(node)
            if all(_takes_apart(target, display) for target in statement.targets):
                for target in statement.targets:
                    assert isinstance(target, ast.Tuple | ast.List)
                    self._assign(flow, target.elts[at], node)
                return
        self._follow(flow, display)

    def _assign(self, flow: _Flow, target: ast.expr | None, value: ast.expr) -> None:
        """What a target binds has the value."""
        owner = flow.tree.owner(value)
        assert owner is not None
        match target:
            case ast.Name(id=name):
                self._bind(flow, name, value)
            case ast.Attribute() | ast.Subscript():
                self._kept(flow, target, value, owner)
            case ast.Tuple() | ast.List():
                for element in target.elts:
                    self._assign(flow, element, value)
            case ast.Starred():
                self._assign(flow, target.value, value)

    def _bind(self, flow: _Flow, name: str | None, value: ast.expr) -> None:
        """A name has the value."""
        owner = flow.tree.owner(value)
        if name is None or owner is None:
            return
        variable = flow.variable(owner, name)
        if variable is None:
            self._arrive(flow, Sink.ELSEWHERE, value, name)
        self._taint(variable)

    def _kept(self, flow: _Flow, target: ast.expr, value: ast.expr, owner: Function) -> None:
        """The value is put into an attribute or container: it is in what holds it, if that is a variable of ours."""
        holder = target
        while isinstance(holder, ast.Attribute | ast.Subscript):
            inner = holder.value
            if isinstance(holder, ast.Attribute) and isinstance(inner, ast.Name) and self._is_shared(flow, owner, inner):
                variable = flow.variable(owner, inner.id)
                self._arrive(flow, Sink.ELSEWHERE, value, flow.tree.text(holder))
                self._taint((variable[0], f"{inner.id}.{holder.attr}") if variable is not None else None)
                return
            holder = inner
        variable = flow.variable(owner, holder.id) if isinstance(holder, ast.Name) else None
        if variable is None:
            self._arrive(flow, Sink.ELSEWHERE, value, flow.tree.text(target))
        self._taint(variable)

    def _is_shared(self, flow: _Flow, owner: Function, name: ast.Name) -> bool:
        """Whether a name is an object that lives longer than the function: `self`."""
        variable = flow.variable(owner, name.id)
        function = self._project.functions.get(variable[0]) if variable is not None else None
        return function is not None and function.binds is not None and function.parameters[0].name == name.id

    def _stored_under(self, flow: _Flow, node: ast.expr) -> None:
        """The value is part of a target: `d[value] = x` puts it into `d`."""
        owner = flow.tree.owner(node)
        if isinstance(node, ast.Subscript) and owner is not None and not any(inner in self._seen for inner in flow.tree.within(node.value)):
            self._kept(flow, node, node, owner)

    def _comprehension(self, flow: _Flow, node: ast.expr, part: ast.comprehension) -> None:
        """A comprehension runs over the value, or is filtered by it."""
        if node not in part.ifs:
            self._assign(flow, part.target, node)
        whole = flow.tree.parent(part)
        assert whole is not None
        self._decides(flow, node, [whole], but=node)
        self._follow(flow, whole)

    def _default(self, flow: _Flow, parameters: ast.arguments, node: ast.expr) -> None:
        """The value is the default of a nested function's parameter."""
        positional = [*parameters.posonlyargs, *parameters.args]
        with_default = [*positional[len(positional) - len(parameters.defaults) :], *parameters.kwonlyargs]
        parameter = with_default[[*parameters.defaults, *parameters.kw_defaults].index(node)]
        definition = flow.tree.parent(parameters)
        assert isinstance(definition, Definition)
        function = flow.tree.function(definition)
        if self._project.region(function.name) is Region.STEP:
            name = self._step_name(flow, function)
            start = flow.tree.span(parameter).start
            self._arrivals[flow.arrival(Sink.STEP, Span(start, start + len(parameter.arg)), name)] = None
        else:
            self._taint((function.name, parameter.arg))

    # -- conditions ----------------------------------------------------------------------------------------------------

    def _decides(self, flow: _Flow, node: ast.expr, parts: Iterable[ast.AST], but: ast.AST | None = None) -> None:
        """The value decides whether, or how often, some expressions are evaluated."""
        parts = [inner for part in parts for inner in (flow.tree.within(part) if but is not None else [part])]
        if but is not None:
            inside = set(flow.tree.within(but))
            parts = [part for part in parts if isinstance(part, ast.Call) and part not in inside]
        name = flow.journaling_in(parts)
        if name is not None:
            self._arrive(flow, Sink.BRANCH, node, name)

    def _controls(self, flow: _Flow, node: ast.expr, statement: ast.AST, parts: Iterable[ast.AST]) -> None:
        """The value decides whether, or how often, some statements run."""
        parts = tuple(parts)
        self._decides(flow, node, parts)
        owner = flow.tree.owner(node)
        assert owner is not None
        ways = frozenset().union(*(flow.ways.get(part, ()) for part in parts))
        if _Way.FAILS in ways:
            self._arrive(flow, Sink.FAILURE, node)
        if not ways.isdisjoint({_Way.ENDS, _Way.LEAVES, _Way.RETURNS}):
            self._leaves(flow, node, statement)
        if _Way.ENDS in ways:
            self._failed(owner)
        if not ways.isdisjoint({_Way.ENDS, _Way.YIELDS, _Way.RETURNS}):
            self._returned(flow, node, owner)
        for each in self._not_yet_under(flow, parts, owner):  # what is assigned under the condition depends on it
            match each:
                case ast.Assign(targets=targets):
                    for target in targets:
                        self._assigned_under(flow, target, owner)
                case ast.AugAssign() | ast.NamedExpr() | ast.For() | ast.AsyncFor():
                    self._assigned_under(flow, each.target, owner)
                case ast.AnnAssign() if each.value is not None:
                    self._assigned_under(flow, each.target, owner)
                case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name() as receiver))):
                    if not any(self._project.is_context(value) for value in flow.resolve(receiver)):
                        self._assigned_under(flow, receiver, owner)

    def _not_yet_under(self, flow: _Flow, parts: Iterable[ast.AST], owner: Function) -> Iterator[ast.AST]:
        """The nodes of a function's own code in some parts of it, each once in a search: conditions stand in each other."""
        todo = [*parts]
        while todo:
            node = todo.pop()
            if node not in self._under and flow.tree.owner(node) is owner:
                self._under.add(node)
                todo += children(node)
                yield node

    def _assigned_under(self, flow: _Flow, target: ast.expr, owner: Function) -> None:
        for place in _places(target):
            while isinstance(place, ast.Attribute):
                place = place.value  # noqa: PLW2901 -- the variable at its beginning
            if isinstance(place, ast.Name) and not self._is_shared(flow, owner, place):
                self._taint(flow.variable(owner, place.id))

    def _leaves(self, flow: _Flow, node: ast.expr, statement: ast.AST) -> None:
        """The value decides whether the code after a statement runs."""
        name = flow.journaling_after(statement)
        if name is not None:
            self._arrive(flow, Sink.BRANCH, node, name)

    def _failed(self, owner: Function) -> None:
        """The value decides whether a function fails for good: then what comes after the calls of it does not run."""
        if owner.name in self._failures:
            return
        self._failures.add(owner.name)
        for flow, call in self._calls_of(owner):
            self._leaves(flow, call, call)
            caller = flow.tree.owner(call)
            if caller is not None:
                self._failed(caller)

    def _calls_of(self, function: Function) -> Iterator[tuple[_Flow, ast.expr]]:
        """The calls by which the value came into a function; if it did not come from outside, all calls of it."""
        if self._entered[function.name]:
            yield from self._entered[function.name]
            return
        for name, span in self._forest.callers.get(function.name, ()):
            flow = self._forest.of(name)
            node = flow.tree.at(span) if flow is not None else None
            if flow is not None and node is not None:
                yield flow, node

    # -- calls ---------------------------------------------------------------------------------------------------------

    def _argument(self, flow: _Flow, node: ast.expr, call: ast.AST | None, argument: ast.AST) -> None:
        """The value is an argument of a call."""
        if not isinstance(call, ast.Call):
            self._arrive(flow, Sink.ELSEWHERE, node, flow.tree.text(node))
            return
        facts = flow.tree.call(call)
        callee = flow.tree.text(call.func)
        operation, step = (flow.operations.get(facts.span), flow.steps.get(facts.span)) if facts is not None else (None, None)
        if operation is not None:
            self._arrive(flow, _sink(operation, step, call, argument), node, callee)
            return
        if step is not None and flow.tree.span(node) == step.action.span:
            self._arrive(flow, Sink.STEP, node, callee)
            return
        values = flow.called(call)
        if is_log(self._project, values):
            self._arrive(flow, Sink.LOG, node, callee)
            return
        helpers = [self._project.functions[value] for value in sorted(values) if value in self._project.functions]
        if helpers and all(helper.name in self._project.durable and self._project.has_context(helper.name) for helper in helpers):
            for helper in helpers:
                self._enter(flow, node, call, argument, helper)
            return
        statement = flow.tree.parent(call)
        is_discarded = isinstance(statement, ast.Expr) or (
            isinstance(statement, ast.Await) and isinstance(flow.tree.parent(statement), ast.Expr)
        )
        if (
            isinstance(call.func, ast.Attribute)
            and not helpers
            and not any(self._project.is_context(v) for v in flow.resolve(call.func.value))
        ):
            self._received(flow, node, call.func, is_discarded=is_discarded)
        elif is_discarded:
            self._arrive(flow, Sink.ELSEWHERE, node, callee)
        self._follow(flow, call)

    def _received(self, flow: _Flow, node: ast.expr, method: ast.Attribute, *, is_discarded: bool) -> None:
        """A method gets the value: `items.append(value)` puts it into `items`."""
        owner = flow.tree.owner(node)
        assert owner is not None
        holder: ast.expr = method.value
        while isinstance(holder, ast.Attribute | ast.Subscript):
            holder = holder.value
        variable = flow.variable(owner, holder.id) if isinstance(holder, ast.Name) else None
        if variable is not None and isinstance(holder, ast.Name) and not self._is_shared(flow, owner, holder):
            if is_discarded:
                self._taint(variable)
        elif is_discarded:
            self._arrive(flow, Sink.ELSEWHERE, node, flow.tree.text(method))

    def _enter(self, flow: _Flow, node: ast.expr, call: ast.Call, argument: ast.AST, helper: Function) -> None:
        """A helper that has a context gets the value."""
        parameter = _parameter(call, argument, helper)
        if parameter is None or self._forest.of(helper.name) is None:
            self._arrive(flow, Sink.ELSEWHERE, node, flow.tree.text(call.func))
            return
        if helper.name in self._results:
            self._follow(flow, call)
        self.enter(helper.name, flow, call)
        self._taint((helper.name, parameter))

    def _returned(self, flow: _Flow, node: ast.expr, owner: Function) -> None:
        """A function returns the value."""
        if owner.name in self._forest.entries:
            self._arrive(flow, Sink.RESULT, node)
        if owner.name in self._results:
            return
        self._results.add(owner.name)
        if owner is not flow.tree.functions[0]:  # nested: whoever calls it by its name, or gets the lambda
            name = owner.written_name
            around = self._project.functions.get(owner.scope)
            self._taint(flow.variable(around, name) if around is not None else None)
            return
        if owner.name in self._forest.entries and not self._entered[owner.name]:
            return
        calls = list(self._calls_of(owner))
        for caller, call in calls:
            self._follow(caller, call)
        if not calls:
            self._arrive(flow, Sink.ELSEWHERE, node, owner.written_name)

    def _step_name(self, flow: _Flow, function: Function) -> str:
        """The call that hands a function over as a step, as written."""
        inside = {function.name, *(f.name for f in flow.tree.functions if f.span.contains(function.span))}
        step = next((step for step in flow.steps.values() if inside & set(step.actions)), None)
        return flow.tree.text_at(step.call.callee_span) if step is not None else "run"


LOOPS = ast.For | ast.AsyncFor | ast.While


def _parts(case: ast.match_case) -> list[ast.AST]:
    """What stands in a case and can do something."""
    return [*([case.guard] if case.guard is not None else []), *case.body]


def _places(target: ast.expr) -> Iterator[ast.expr]:
    """The names and attributes that a target binds."""
    match target:
        case ast.Name() | ast.Attribute():
            yield target
        case ast.Tuple(elts=elements) | ast.List(elts=elements):
            for element in elements:
                yield from _places(element)
        case ast.Starred(value=inner):
            yield from _places(inner)


def _stars(argument: ast.AST) -> str:
    """What unpacks an argument."""
    return "*" if isinstance(argument, ast.Starred) else "**" if isinstance(argument, ast.keyword) and argument.arg is None else ""


def _takes_apart(target: ast.expr, display: ast.Tuple) -> bool:
    if not isinstance(target, ast.Tuple | ast.List) or len(target.elts) != len(display.elts):
        return False
    return not any(isinstance(element, ast.Starred) for element in (*target.elts, *display.elts))


def _sink(operation: Operation, step: Step | None, call: ast.Call, argument: ast.AST) -> Sink:
    """What an argument of a durable operation is to replay."""
    info = operation.info
    if isinstance(argument, ast.keyword) and argument.arg is not None:
        parameter = argument.arg
    elif _stars(argument):
        parameter = _stars(argument)
    else:
        at = next(i for i, each in enumerate(arguments_of(call)) if each is argument)
        parameter = info.parameters[at] if at < len(info.parameters) else "*"
    if parameter in info.compares:
        return Sink.ARGUMENT
    if parameter in info.durations or parameter == "options":
        return Sink.DURATION
    if step is not None:
        return Sink.STEP
    return Sink.ARGUMENT if parameter.startswith("*") and info.compares else Sink.ELSEWHERE


def _way(flow: _Flow, node: ast.AST) -> _Way | None:
    if isinstance(node, ast.Raise | ast.Assert):
        return _Way.ENDS if _is_final(flow, node) else _Way.FAILS
    return _WAYS.get(type(node))


_WAYS: dict[type[ast.AST], _Way] = {
    ast.Break: _Way.LEAVES,
    ast.Continue: _Way.LEAVES,
    ast.Return: _Way.RETURNS,
    ast.Yield: _Way.YIELDS,
    ast.YieldFrom: _Way.YIELDS,
}


def _is_final(flow: _Flow, statement: ast.Raise | ast.Assert) -> bool:
    """Whether an exception ends the invocation, or something here: others are retried, and the retry journals the same."""
    if any(type(around).__name__ in {"Try", "TryStar"} for around in flow.tree.ancestors(statement)):
        return True
    if isinstance(statement, ast.Assert):
        return False
    values = flow.resolve(statement.exc) if statement.exc is not None else frozenset()
    return not values or not all(value.startswith("builtins.") for value in values)


def is_log(project: Project, values: frozenset[str]) -> bool:
    """Whether something writes a log line, or prints."""
    return any(value.startswith(SILENT_LOGGER) or project.knowledge.effect(value, None) in {Effect.LOG, Effect.PRINT} for value in values)


def _parameter(call: ast.Call, argument: ast.AST, helper: Function) -> str | None:
    """The parameter of a function that gets an argument; None if that cannot be told."""
    given = arguments_of(call)
    before = given[: next(i for i, each in enumerate(given) if each is argument)]
    if _stars(argument) or any(_stars(each) for each in before):
        return None
    if isinstance(argument, ast.keyword):
        name = argument.arg
        return name if any(p.name == name for p in helper.parameters) else next((p.name for p in helper.parameters if p.kind == "**"), None)
    at = sum(not isinstance(each, ast.keyword) for each in before)
    names = [p.name for p in helper.parameters if p.kind == "positional"]
    names = names[1:] if helper.binds is not None else names
    return names[at] if at < len(names) else next((p.name for p in helper.parameters if p.kind == "*"), None)
