"""What durable code keeps in variables that outlive the invocation, and what becomes of it.  For the rules about such variables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rea_lint import cst
from rea_lint.diagnostic import Related

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rea_lint.durable import Durable
    from rea_lint.flow import Arrival, Sink
    from rea_lint.project import Operation, Shared
    from rea_lint.state import Change
    from rea_lint.text import Span

FORGETS = frozenset({"clear", "pop", "popitem", "popleft"})
MOST_PLACES = 3


def is_memo(shared: Shared, code: Durable) -> bool:
    """Whether a variable is only filled where it is found empty, with what does not depend on it: a cache, a client that is made once."""
    changes = [*shared.changes, *shared.elsewhere]
    kinds = {_fills(change, shared, code) for change in changes}
    return True in kinds and False not in kinds


def decided(shared: Shared, code: Durable, *sinks: Sink) -> tuple[Span, Arrival] | None:
    """The first place where the variable is read and its value ends in one of `sinks`, and where."""
    parameter = shared.variable.name.removeprefix(f"{shared.function}:")
    named = (code.span(name) for name in code.names(parameter) if code.owner(name).name == shared.function)
    for span in shared.reads or named:
        for arrival in code.consequence(span).arrivals:
            if arrival.sink in sinks:
                return span, arrival
    return None


def holds_context(shared: Shared, code: Durable) -> Change | None:
    """A change that puts a context into a variable, the function's own first."""
    for change in (*shared.changes, *shared.elsewhere):
        own = code if change.function == shared.function else code.elsewhere(change.function)
        values = _values(change, own) if own is not None else ()
        if any(code.project.is_context(name) for value in values for name in (own or code).resolve(value)):
            return change
    return None


def place(span: Span, code: Durable) -> Span:
    """What to mark of a change: the whole assignment."""
    node = code.node(span)
    around = code.parent(node) if node is not None else None
    around = code.parent(around) if isinstance(around, cst.AssignTarget) else around
    return code.span(around) if isinstance(around, cst.Assign | cst.AugAssign | cst.AnnAssign) else span


def changed(shared: Shared, at: Span | None = None) -> tuple[Related, ...]:
    """The places that change a variable, other than `at`."""
    places = [change for change in (*shared.changes, *shared.elsewhere) if change.span != at]
    return tuple(Related(c.path, c.span, f"`{shared.variable.display}` is changed here") for c in places[:MOST_PLACES])


def _fills(change: Change, shared: Shared, code: Durable) -> bool | None:
    """Whether a change fills what was empty; None for one that only empties it."""
    own = code if change.function == shared.function else code.elsewhere(change.function)
    node = own.node(change.span) if own is not None else None
    if own is None or node is None:
        return False
    name = shared.variable.display.rpartition(".")[2]
    if isinstance(node, cst.Call) and isinstance(node.func, cst.Attribute) and _mentions(node.func, {name}):
        method = node.func.attr.value
        return None if method in FORGETS else method == "setdefault"
    statement = own.parent(node)
    if isinstance(statement, cst.AugAssign | cst.Del):
        return None if isinstance(statement, cst.Del) else False
    values = [*_values(change, own)]
    names = {name, *_copies(name, change.function, own)}
    match values:
        case [cst.BooleanOperation(left=test, operator=cst.Or())] | [cst.IfExp(test=test)] if _tests(test, names):
            return True
    if not values or any(_mentions(value, {name}) for value in values):
        return False
    return any(_tests(test, names) for test in _conditions(node, own))


def skipped(shared: Shared, code: Durable) -> tuple[Span, Operation] | None:
    """The question whether a variable is filled, and the first durable operation that does not run if it is."""
    name = shared.variable.display.rpartition(".")[2]
    operations = [each for each in code.project.operations(shared.function) if each.info.journals]
    for change in shared.changes if operations else ():
        names = {name, *_copies(name, change.function, code)}
        node = code.node(change.span)
        for test in _conditions(node, code) if node is not None else ():
            statement = next((around for around in code.ancestors(test) if isinstance(around, cst.If | cst.IfExp | cst.Try)), None)
            if statement is None or not _tests(test, names):
                continue
            span = code.span(statement)
            after = not span.contains(change.span) or isinstance(statement, cst.Try)
            for operation in operations:
                at = operation.call.span
                if at.start > code.span(test).end and (after or span.contains(at)):
                    return code.span(test), operation
    return None


def _values(change: Change, code: Durable) -> Iterator[cst.BaseExpression]:
    """What a change puts into a variable."""
    node = code.node(change.span)
    around = code.parent(node) if node is not None else None
    match node, around:
        case _, cst.AssignTarget():
            statement = code.parent(around)
            if isinstance(statement, cst.Assign):
                yield statement.value
        case _, cst.AnnAssign(value=value) | cst.AugAssign(value=value) if node is not value and value is not None:
            yield value
        case cst.Call(func=cst.Attribute(attr=cst.Name(value="append" | "add" | "insert" | "setdefault" | "appendleft"))), _:
            assert isinstance(node, cst.Call)
            yield from (argument.value for argument in node.args)
        case cst.BaseExpression(), _:
            yield node
        case _:
            pass


def _copies(name: str, function: str, code: Durable) -> Iterator[str]:
    """The locals that are given something of a variable: `hit = CACHE.get(key)`."""
    for node, owner in code.nodes:
        match node:
            case cst.Assign(targets=[cst.AssignTarget(target=cst.Name(value=local))], value=value) if owner == function:
                if _mentions(value, {name}):
                    yield local
            case _:
                pass


def _conditions(node: cst.CSTNode, code: Durable) -> Iterator[cst.BaseExpression]:
    """The conditions under which a node runs: those around it, and those before it that leave the function."""
    inside = node
    for around in code.ancestors(node):
        match around:
            case cst.If(test=test) | cst.IfExp(test=test):
                yield test
            case cst.BooleanOperation(left=left):
                yield left
            case cst.ExceptHandler():
                yield from _looked_up(code.parent(around))
            case cst.IndentedBlock(body=body):
                for earlier in body:
                    if earlier is inside:
                        break
                    if isinstance(earlier, cst.If) and any(isinstance(each, cst.Return | cst.Raise) for each in code.within(earlier.body)):
                        yield earlier.test
                    elif isinstance(earlier, cst.Try):
                        yield from _looked_up(earlier)
            case cst.FunctionDef() | cst.Lambda():
                return
        inside = around


def _looked_up(statement: cst.CSTNode | None) -> Iterator[cst.BaseExpression]:
    """What a `try` looks up that may not be there: `try: return CACHE[key]`."""
    if isinstance(statement, cst.Try) and isinstance(statement.body, cst.IndentedBlock):
        for line in statement.body.body:
            match line:
                case cst.SimpleStatementLine(
                    body=[cst.Return(value=cst.Subscript() as found) | cst.Assign(value=cst.Subscript() as found)]
                ):
                    yield found.value
                case _:
                    pass


def _tests(test: cst.BaseExpression, names: set[str]) -> bool:
    """Whether a condition asks if there is something in a variable."""
    match test:
        case cst.UnaryOperation(operator=cst.Not(), expression=inner):
            return _tests(inner, names)
        case cst.BooleanOperation(left=left, right=right):
            return _tests(left, names) or _tests(right, names)
        case cst.NamedExpr(value=value, target=target):
            return _tests(value, names) or _tests(target, names)
        case cst.Comparison(left=left, comparisons=[cst.ComparisonTarget(operator=operator, comparator=right)]):
            if isinstance(operator, cst.In | cst.NotIn):
                return _mentions(right, names)
            return isinstance(operator, cst.Is | cst.IsNot | cst.Equal | cst.NotEqual) and _mentions(left, names) and _is_none(right)
        case cst.Name() | cst.Attribute() | cst.Call() | cst.Subscript():
            return _mentions(test, names)
    return False


def _is_none(node: cst.BaseExpression) -> bool:
    return isinstance(node, cst.Name) and node.value == "None"


def _mentions(node: cst.CSTNode, names: set[str]) -> bool:
    """Whether one of some names is in an expression, as a variable or attribute."""
    if isinstance(node, cst.Name):
        return node.value in names
    return any(_mentions(each, names) for each in node.children)
