"""Sagas: lists of compensations, who puts what into them, and the loop that runs them.  For the rules about sagas.

Known are lists (and deques) of lambdas, functions, `functools.partial` and tuples of those, in a variable or an attribute, and exit stacks.
Of all else nothing is said.

Two heuristics go by words, after the list itself is resolved: a list or function whose name says that it undoes (`UNDOES`) is one of compensations,
and an action and its compensation belong together if their names share a word (all but those in `COMMON`).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct

from rea_lint import cst
from rea_lint.rules import catching, triggers, work

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rea_lint.durable import Durable
    from rea_lint.facts import Call, Function, Refs
    from rea_lint.project import Project
    from rea_lint.text import Span

Clause: TypeAlias = "cst.ExceptHandler | cst.ExceptStarHandler"
Run: TypeAlias = "cst.For | cst.While"

ADDS = frozenset({"append", "appendleft", "add"})
PUSHES = frozenset({"push_async_callback", "callback", "push_async_exit"})
UNDOES = re.compile(r"compensat|roll_?back|undo|unwind|revert", re.IGNORECASE)
AFTER = re.compile(r"[.\[(<]")  # what follows the variable in a ref
WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
COMMON = frozenset(
    {
        *(
            "action",
            "add",
            "append",
            "args",
            "async",
            "await",
            "cancel",
            "client",
            "clients",
            "compensate",
            "compensation",
            "compensations",
        ),
        *("context", "ctx", "delete", "fn", "functools", "handler", "key", "name", "object", "partial", "remove", "restate", "run", "self"),
        *("service", "step", "str", "typed", "undo", "workflow", "call", "req", "request"),
    }
)


class Loop(Struct, frozen=True):
    """A loop that runs what is in a list of compensations."""

    node: Run
    held: cst.BaseExpression  # the list
    is_reversed: bool
    in_steps: bool  # the compensations are handed to steps, not called


class Registration(Struct, frozen=True):
    """A compensation is put into a list."""

    call: cst.Call
    held: cst.BaseExpression  # the list
    compensation: cst.BaseExpression


def may_register(function: Function, project: Project) -> Iterator[Call]:
    """The calls of a function that may register something, as its facts tell."""
    for call in function.calls:
        methods = {callee.rpartition(".")[2] for callee in call.callees}
        if methods & PUSHES or (methods & ADDS and call.arguments and _may_be_called(call.arguments[0].values, project)):
            yield call


def may_undo(function: Function, project: Project) -> bool:
    """Whether a loop in a function may be there to undo: by the names in it, or because it stands where an error is handled."""
    if not any(_may_run(loop, function, project) for loop in function.loops):
        return False
    if UNDOES.search(function.name.rpartition(".")[2]) or any(UNDOES.search(name) for name in triggers.names(function)):
        return True
    at: Function | None = function
    while at is not None:
        if any(clause.span.contains(loop) for clause in at.clauses for loop in function.loops):
            return True
        at = project.functions.get(at.scope)
    return False


def registration(call: cst.Call, code: Durable) -> Registration | None:
    """What a call registers, if it puts something that can be called into a list of a variable or attribute, or onto an exit stack."""
    match call:
        case cst.Call(func=cst.Attribute(value=cst.Name() | cst.Attribute() as held, attr=cst.Name(value=method)), args=[first, *_]):
            if method in PUSHES and any(".AsyncExitStack()" in name or ".ExitStack()" in name for name in code.resolve(held)):
                return Registration(call, held, first.value)
            is_list = method in ADDS and code.resolve(held) & {"builtins.list()", "collections.deque()"}
            return Registration(call, held, first.value) if is_list and _is_callable(first.value, code) else None
    return None


def registrations(held: cst.BaseExpression, code: Durable) -> list[tuple[Durable, Registration]]:
    """All compensations that are put into a list, each with the code it stands in; of an attribute of `self`, by all methods."""
    name = code.text(held)
    found = ((each, registration(node, each)) for each in parts(held, code) for node, _ in each.nodes if isinstance(node, cst.Call))
    return [(each, one) for each, one in found if one is not None and each.text(one.held) == name]


def parts(held: cst.BaseExpression, code: Durable) -> Iterator[Durable]:
    """The code that may use a list: the function, and for an attribute the methods of its class."""
    yield code
    owner = code.function.owner
    known = code.project.classes.get(owner) if owner is not None and isinstance(held, cst.Attribute) else None
    for methods in known.methods.values() if known is not None else ():
        for method in methods:
            other = code.elsewhere(method) if method != code.function.name else None
            if other is not None:
                yield other


def loop(node: Run, code: Durable) -> Loop | None:
    """The loop that a statement is, if it calls each element of a list, or hands it to a step."""
    if isinstance(node, cst.While):
        return _popping(node, code)
    held, is_reversed = _listed(node.iter, code)
    if held is None:
        return None
    run = _run(node, {each.value for each in code.within(node.target) if isinstance(each, cst.Name)}, code)
    return Loop(node, held, is_reversed, run) if run is not None else None


def loops(part: cst.CSTNode, code: Durable) -> list[Loop]:
    """The loops in a node that run compensations, of lists that are filled with such."""
    found = (loop(node, code) for node in code.within(part) if isinstance(node, cst.For | cst.While))
    return [each for each in found if each is not None and registrations(each.held, code)]


def untold(clause: Clause, code: Durable) -> list[cst.BaseExpression]:
    """Where a clause runs compensations, if it swallows the terminal error and nobody is told of it."""
    if not catching.CATCH_TERMINAL & catching.names(clause, code):
        return []
    found = [*(each.node for each in loops(clause.body, code)), *undoing(clause.body, code)]
    if (
        not found
        or catching.ends(clause, code, frozenset({catching.TERMINAL})) != {catching.End.SWALLOWED}
        or _is_told(clause, found, code)
    ):
        return []
    return [each.iter if isinstance(each, cst.For) else each.test if isinstance(each, cst.While) else each for each in found]


def undoing(part: cst.CSTNode, code: Durable) -> list[cst.Call]:
    """The calls in a node of functions that are called after what they do, as `saga.compensate()`, and do not raise."""
    calls = [node for node in code.within(part) if isinstance(node, cst.Call)]
    return [call for call in calls if (names := code.resolve(call.func)) and all(_is_undoing(name, code) for name in names)]


def _is_undoing(name: str, code: Durable) -> bool:
    function = code.project.functions.get(name)
    return function is not None and bool(UNDOES.search(name.rpartition(".")[2])) and "Raise" not in function.shape


def undoes(node: cst.CSTNode, held: cst.BaseExpression, code: Durable) -> bool:
    """Whether a loop over a list is there to undo: it stands where an error is handled, or is called so."""
    if UNDOES.search(code.text(held)) or UNDOES.search(code.owner(node).name.rpartition(".")[2]):
        return True
    return any(isinstance(around, cst.ExceptHandler | cst.ExceptStarHandler) for around in code.ancestors(node))


def is_durable(compensation: cst.BaseExpression, code: Durable) -> bool | None:
    """Whether calling a compensation does durable work; None where that is not known."""
    match compensation:
        case cst.Lambda(body=body):
            inner = code.definition(code.refs(compensation)[0]) if code.refs(compensation) else None
            name = code.refs(compensation)[0] if inner is not None else ""
            if work.uses_context(code.project, name):
                return True
            called = body.expression if isinstance(body, cst.Await) else body
            return _calls_durable(called, code) if isinstance(called, cst.Call) else None
        case cst.Call(func=function, args=[first, *rest]) if code.resolve(function) == {"functools.partial"}:
            return True if any(_is_context(each.value, code) for each in rest) else is_durable(first.value, code)
        case cst.Name() | cst.Attribute():
            names = code.resolve(compensation)
            if not names or not all(name in code.project.functions for name in names):
                return None
            return any(work.uses_context(code.project, name) for name in names)
    return None


def words(*nodes: cst.CSTNode) -> frozenset[str]:
    """The words of the names and strings in some nodes, without those that all sagas have."""
    found: set[str] = set()
    for node in nodes:
        match node:
            case cst.Name(value=text) | cst.SimpleString(value=text) | cst.FormattedStringText(value=text):
                found |= {word.lower() for word in WORDS.findall(text)}
            case _:
                found |= words(*node.children)
    return frozenset(found - COMMON)


def _is_callable(node: cst.BaseExpression, code: Durable) -> bool:
    """Whether an expression is something to be called later, or a tuple or dict with such in it."""
    match node:
        case cst.Lambda():
            return True
        case cst.Tuple(elements=elements):
            return any(_is_callable(element.value, code) for element in elements)
        case cst.Call(func=function):
            return code.resolve(function) == {"functools.partial"}
        case cst.Name() | cst.Attribute():
            names = code.resolve(node)
            return bool(names) and all(name in code.project.functions for name in names)
    return False


def _may_be_called(refs: Refs, project: Project) -> bool:
    return any(
        ref.endswith(".<partial>") or ":tuple@" in ref or not project.functions.keys().isdisjoint(project.resolve(ref)) for ref in refs
    )


def _may_run(loop: Span, function: Function, project: Project) -> bool:
    """Whether a loop may call what it gets in each round, or hand it to a step."""
    bound = {name for name, bindings in function.variables.items() if any(loop.contains(binding.span) for binding in bindings)}
    calls = [call for each in triggers.within(function, project) for call in each.calls if loop.contains(call.span)]
    if any(callee.rpartition(".")[2] in {"pop", "popleft"} for call in calls for callee in call.callees):
        return True
    called = [ref for call in calls for ref in call.callees]
    handed = [ref for step in project.steps(function.name) for argument in step.call.arguments for ref in argument.values]
    heads = (ref.removeprefix(f"{function.name}:") for ref in (*called, *handed) if ref.startswith(f"{function.name}:"))
    return any(AFTER.split(head, maxsplit=1)[0] in bound for head in heads)


def _listed(node: cst.BaseExpression, code: Durable) -> tuple[cst.BaseExpression | None, bool]:
    """The list that a loop runs over, and whether from its end."""
    match node:
        case cst.Name() | cst.Attribute():
            return node, False
        case cst.Call(func=cst.Name(value="enumerate" | "list" | "tuple"), args=[cst.Arg(value=inner), *_]):
            return _listed(inner, code)
        case cst.Call(func=cst.Name(value="reversed"), args=[cst.Arg(value=inner)]):
            held, is_reversed = _listed(inner, code)
            return held, not is_reversed
        case cst.Subscript(
            value=inner,
            slice=[
                cst.SubscriptElement(slice=cst.Slice(lower=None, upper=None, step=cst.UnaryOperation(expression=cst.Integer(value="1"))))
            ],
        ):
            held, is_reversed = _listed(inner, code)
            return held, not is_reversed
    return None, False


def _popping(node: cst.While, code: Durable) -> Loop | None:
    """`while compensations: undo = compensations.pop()`."""
    for each in code.within(node.body):
        match each:
            case cst.Call(
                func=cst.Attribute(value=cst.Name() | cst.Attribute() as held, attr=cst.Name(value="pop" | "popleft" as method)), args=args
            ):
                statement = code.parent(each)
                names = {n.value for n in code.within(statement) if isinstance(n, cst.Name)} if isinstance(statement, cst.Assign) else set()
                is_called = isinstance(statement, cst.Call) and statement.func is each
                run = False if is_called else _run(node, names, code)
                return Loop(node, held, method == "pop" and not args, run) if run is not None else None
    return None


def _run(node: Run, names: set[str], code: Durable) -> bool | None:
    """Whether the elements are handed to steps (True) or called (False); None for neither."""
    for each in code.within(node.body):
        if isinstance(each, cst.Call) and code.step(each) is not None:
            if any(_head(argument.value) in names for argument in each.args):
                return True
            if any(isinstance(a.value, cst.Lambda) and names & _called_in(a.value) for a in each.args):
                return True
        elif isinstance(each, cst.Call) and _head(each.func) in names:
            return False
    return None


def _called_in(node: cst.CSTNode) -> set[str | None]:
    found: set[str | None] = {_head(node.func)} if isinstance(node, cst.Call) else set()
    return found.union(*(_called_in(child) for child in node.children))


def _head(node: cst.BaseExpression) -> str | None:
    """The name that an expression of attributes and subscripts begins with."""
    while isinstance(node, cst.Attribute | cst.Subscript):
        node = node.value
    return node.value if isinstance(node, cst.Name) else None


def _calls_durable(call: cst.Call, code: Durable) -> bool | None:
    """The same of the call that a lambda is."""
    if code.operations(call) or any(_is_context(argument.value, code) for argument in call.args):
        return True
    names = code.resolve(call.func)
    if not names or not all(name in code.project.functions for name in names):
        return None
    return any(work.uses_context(code.project, name) for name in names)


def _is_context(node: cst.BaseExpression, code: Durable) -> bool:
    return any(code.project.is_context(name) for name in code.resolve(node))


def statements(node: cst.CSTNode, code: Durable) -> Iterator[tuple[cst.CSTNode, int, tuple[cst.CSTNode, ...]]]:
    """The blocks around a node, from the inside out: the statement of it that the node is in, its place in the block, and the block."""
    inside = node
    for around in code.ancestors(node):
        if isinstance(around, cst.IndentedBlock):
            yield inside, next(at for at, each in enumerate(around.body) if each is inside), tuple(around.body)
        if isinstance(around, cst.FunctionDef | cst.Lambda):
            return
        inside = around


def _is_told(clause: cst.ExceptHandler | cst.ExceptStarHandler, found: list[Run | cst.Call], code: Durable) -> bool:
    """Whether a clause says otherwise what has happened: by a result, in a variable, or by a durable operation."""
    looping = {node for each in found for node in (*code.within(each), code.parent(each))}
    for node in code.within(clause.body):
        if (
            isinstance(node, cst.Return)
            and node.value is not None
            and not (isinstance(node.value, cst.Name) and node.value.value == "None")
        ):
            return True
        if node not in looping and (isinstance(node, cst.Assign | cst.AugAssign | cst.AnnAssign) or code.operation(node) is not None):
            return True
        if node not in looping and isinstance(node, cst.Await):
            return True
    around = code.parent(clause)
    leaves = (
        any(isinstance(node, cst.Return) and node.value is not None for node in code.within(around.body))
        if isinstance(around, cst.Try)
        else False
    )
    end = code.span(clause).end
    owner = code.owner(clause).name
    later = [
        node for node, name in code.nodes if name == owner and isinstance(node, cst.Return | cst.Raise) and code.span(node).start > end
    ]
    return leaves and bool(later)
