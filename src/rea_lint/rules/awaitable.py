"""What an expression is to `await` and to a combinator, as far as that is certain, and where it is used as if it were its result."""

from __future__ import annotations

import re
from collections import defaultdict
from enum import Enum
from typing import TYPE_CHECKING

from msgspec import Struct

from rea_lint import cst
from rea_lint.packs import Effect

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rea_lint.durable import Durable
    from rea_lint.facts import Binding, Function, Ref
    from rea_lint.text import Span

DEEPEST = 6  # variables within each other
VARIABLE = re.compile(r"(?P<scope>[^:]+):(?P<name>[^.\[(<]+)")
GATHERS = frozenset({"restate.gather", "restate.wait_completed"})
COROUTINES = re.compile(
    r"asyncio\.(sleep|wait|wait_for|to_thread|open_connection|create_subprocess_\w+)|anyio\.(sleep|run_process)|httpx\.AsyncClient\(\)\.(get|post|put|patch|delete|head|options|request|send)"
)
"""Library functions that are coroutine functions, or as good as that: what they give is to be awaited, and is no JSON."""
OWN = frozenset({"context", "handle", "future", "is_completed", "invocation_id", "cancel_invocation"})
"""Attributes that durable futures have."""


class Kind(Enum):
    """What a combinator, `await` or a serializer gets."""

    FUTURE = "a durable future"
    FUTURES = "durable futures"  # a list of them: what `await restate.gather(...)` gives
    HALVES = "completed and pending futures"  # what `await restate.wait_completed(...)` gives
    PAIR = "an awakeable"  # `(id, future)`
    PROMISE = "a durable promise"
    HANDLE = "a handle"  # of a send
    COROUTINE = "a coroutine"
    TASK = "a task of asyncio"


class Awaitable(Struct, frozen=True):
    """What an expression certainly is, and the call that made it."""

    kind: Kind
    name: str  # of what was called, as messages say it: `ctx.get`
    span: Span | None  # of the call, where it is in the same function


def of(node: cst.BaseExpression, code: Durable, depth: int = 0) -> Awaitable | None:
    """What an expression is; None: something else, or not known."""
    if depth > DEEPEST:
        return None
    match node:
        case cst.Call():
            return _of_call(node, code)
        case cst.Await(expression=cst.Call(func=called) as call) if code.resolve(called) & GATHERS:
            kind = Kind.FUTURES if code.resolve(called) == {"restate.gather"} else Kind.HALVES
            return Awaitable(kind, code.text(called), code.span(call))
        case cst.Name():
            found = {_of_variable(ref, code, depth + 1) if depth else _known(ref, code) for ref in code.refs(node)}
            return found.pop() if len(found) == 1 else None
        case cst.Subscript(value=value, slice=[cst.SubscriptElement(slice=cst.Index(value=index))]):
            held = of(value, code, depth + 1)
            return _item(held, index.value if isinstance(index, cst.Integer) else "")
        case _:
            return None


def holders(call: cst.Call, code: Durable) -> Iterator[tuple[cst.BaseExpression, Awaitable]]:
    """The expressions that are what a call makes, or items of it: the call itself, its `await`, and variables that hold nothing else."""
    span = code.span(call)
    for node in (call, code.parent(call)):
        if isinstance(node, cst.Call | cst.Await) and (found := of(node, code)) is not None:
            yield node, found
    owner = code.owner(call)
    for node, found in code.once(_named).get(span, ()):
        bindings = code.once(_bound)[owner.name].get(node.value, ())
        if any(_may_hold(binding, span) for binding in bindings):
            yield node, found


def _named(code: Durable) -> Mapping[Span, list[tuple[cst.Name, Awaitable]]]:
    """The names that are something to await, by the place of the call that made it."""
    found: dict[Span, list[tuple[cst.Name, Awaitable]]] = defaultdict(list)
    for node, _ in code.nodes:
        held = of(node, code) if isinstance(node, cst.Name) else None
        if isinstance(node, cst.Name) and held is not None and held.span is not None:
            found[held.span].append((node, held))
    return found


def _bound(code: Durable) -> Mapping[str, Mapping[str, list[Binding]]]:
    """Function -> name -> all that the variables of that name get, those of comprehensions too."""
    found: dict[str, dict[str, list[Binding]]] = defaultdict(lambda: defaultdict(list))
    for function in code.functions:
        for name, bindings in function.variables.items():
            found[function.name][name.partition("@")[0]] += bindings
    return found


def combines(call: cst.CSTNode | None, code: Durable) -> bool:
    """Whether it is a call of a combinator of the SDK."""
    names = code.resolve(call.func) if isinstance(call, cst.Call) else frozenset()
    return bool(names) and names <= code.project.knowledge.combinators


def _may_hold(binding: Binding, span: Span) -> bool:
    """Whether a variable may get what a call makes, or an item of it."""
    return binding.span.contains(span) or any(ref.endswith("]") for ref in binding.values)


def _of_call(call: cst.Call, code: Durable) -> Awaitable | None:
    operation = code.operation(call)
    if operation is not None:
        name = code.text(call.func)
        if operation.info.gives == "handle":
            kind = Kind.PROMISE if operation.info.name == "promise" else Kind.HANDLE
            return Awaitable(kind, name, code.span(call))
        kinds = {"future": Kind.FUTURE, "pair": Kind.PAIR}
        return Awaitable(kinds[operation.info.gives], name, code.span(call)) if operation.info.gives in kinds else None
    names = code.resolve(call.func)
    if not names:
        return None
    project = code.project
    functions = [project.functions[name] for name in names if name in project.functions]
    if len(functions) == len(names) and all(is_coroutine_function(function) for function in functions):
        return Awaitable(Kind.COROUTINE, code.text(call.func), code.span(call))
    if names == {"restate.as_completed"}:
        return Awaitable(Kind.FUTURES, code.text(call.func), code.span(call))
    if names <= project.knowledge.combinators or all(COROUTINES.fullmatch(name) for name in names):
        return Awaitable(Kind.COROUTINE, code.text(call.func), code.span(call))
    if all(project.knowledge.effect(name, None) in {Effect.TASK, Effect.GATHER} and name.startswith("asyncio.") for name in names):
        return Awaitable(Kind.TASK, code.text(call.func), code.span(call)) if "asyncio.TaskGroup" not in names else None
    return None


def is_coroutine_function(function: Function) -> bool:
    """Whether calling it gives a coroutine; a decorator may have put something around it."""
    harmless = {"builtins.staticmethod", "builtins.classmethod"}
    return function.is_async and not function.is_generator and {ref for refs in function.decorators for ref in refs} <= harmless


def _known(ref: Ref, code: Durable) -> Awaitable | None:
    """What a variable is, worked out once: a name may be there many times, and be bound as often."""
    known = code.once(_variables)
    if ref not in known:
        known[ref] = _of_variable(ref, code, 1)
    return known[ref]


def _variables(_: Durable) -> dict[Ref, Awaitable | None]:
    return {}


def _of_variable(ref: Ref, code: Durable, depth: int) -> Awaitable | None:
    """What all bindings of a variable agree on."""
    variable = VARIABLE.fullmatch(ref)
    function = code.project.functions.get(variable["scope"]) if variable is not None else None
    if variable is None or function is None or any(p.name == variable["name"] for p in function.parameters):
        return None
    bindings = (binding for binding in function.variables.get(variable["name"], ()) if not binding.annotated)
    found = {_of_binding(binding, code, depth) for binding in bindings}
    return found.pop() if len(found) == 1 else None


def _of_binding(binding: Binding, code: Durable, depth: int) -> Awaitable | None:
    """What a binding gives; facts have the place of the value, or that of the target where it is taken out of something."""
    node: cst.CSTNode | None = code.node(binding.span)
    path: list[str] = []
    at = node
    while at is not None:
        around = code.parent(at)
        match around:
            case cst.Element():
                at = around
            case cst.Tuple() | cst.List() if isinstance(at, cst.Element):
                path.append(str(around.elements.index(at)))
                at = around
            case cst.AssignTarget():
                statement = code.parent(around)
                return _taken(statement.value, path, code, depth) if isinstance(statement, cst.Assign) else None
            case cst.For() | cst.CompFor() if around.target is at:
                return _taken(around.iter, [*path, ""], code, depth)
            case _:
                break
    return of(node, code, depth + 1) if isinstance(node, cst.BaseExpression) and not path else None


def _taken(value: cst.BaseExpression, path: list[str], code: Durable, depth: int) -> Awaitable | None:
    """What is taken out of a value, by items from the inside out."""
    held = of(value, code, depth + 1)
    for index in reversed(path):
        held = _item(held, index)
    return held


def _item(held: Awaitable | None, index: str) -> Awaitable | None:
    """What an item is; the index is empty where it is not known."""
    if held is None:
        return None
    match held.kind, index:
        case (Kind.FUTURES, _) | (Kind.PAIR, "1"):
            kind = Kind.FUTURE
        case Kind.HALVES, ("0" | "1"):
            kind = Kind.FUTURES
        case _:
            return None
    return Awaitable(kind, held.name, held.span)


# -- used as if it were a value -----------------------------------------------------------------------------------------

TAKE_VALUES = frozenset(
    f"builtins.{name}"
    for name in ("abs", "bool", "bytes", "dict", "divmod", "float", "int", "len", "list", "max", "min", "pow", "repr", "reversed", "round", "set",
                 "sorted", "str", "sum", "tuple")
) | {"json.dumps", "datetime.timedelta"}  # fmt: skip
TAKE_RESULTS = frozenset({"builtins.sum", "builtins.max", "builtins.min", "builtins.sorted", "json.dumps"})
"""Comparisons by which futures may be told from each other."""


class Misuse(Struct, frozen=True):
    """How something to be awaited is used as if it were what comes of it."""

    consequence: str  # the rest of a sentence that begins with "`x` is a durable future": "so the condition always holds"
    payload: str = ""  # of an argument of a durable operation: what the operation is called


RETRIED = "with which the invocation is retried for ever"


def misuse(node: cst.BaseExpression, kind: Kind, code: Durable) -> Misuse | None:
    """How the place where an expression stands uses its value; None: it waits for it, keeps it, or nobody knows."""
    parent = code.parent(node)
    if kind in {Kind.FUTURES, Kind.HALVES}:  # lists, which may be iterated, counted and so on
        return _serialized(node, TAKE_RESULTS, code)
    match parent:
        case cst.If(test=test) | cst.While(test=test) | cst.IfExp(test=test) | cst.Assert(test=test) if test is node:
            return Misuse("so the condition always holds")
        case cst.UnaryOperation(operator=cst.Not()):
            return Misuse("so the condition never holds")
        case cst.BooleanOperation(left=left, operator=operator) if left is node:
            return Misuse(
                f"which is true, so the other side of `{'or' if isinstance(operator, cst.Or) else 'and'}` {'never' if isinstance(operator, cst.Or) else 'always'} counts"
            )
        case cst.UnaryOperation() | cst.BinaryOperation():
            return Misuse(f"which takes no part in arithmetic: a `TypeError`, {RETRIED}")
        case cst.AugAssign(value=value) if value is node:
            return Misuse(f"which takes no part in arithmetic: a `TypeError`, {RETRIED}")
        case cst.Comparison():
            return _compared(node, parent)
        case cst.ComparisonTarget():
            around = code.parent(parent)
            return _compared(node, around) if isinstance(around, cst.Comparison) else None
        case cst.FormattedStringExpression():
            return Misuse("so the text holds the object's address, which is another at every attempt")
        case cst.Subscript(value=value) if value is node:
            return Misuse(f"which has no items: a `TypeError`, {RETRIED}")
        case cst.Attribute(value=value, attr=attribute) if (
            value is node and attribute.value not in OWN and not attribute.value.startswith("_")
        ):
            return Misuse(f"which has no `{attribute.value}`: an `AttributeError`, {RETRIED}")
        case cst.For(iter=iterated, asynchronous=None) | cst.CompFor(iter=iterated, asynchronous=None) if iterated is node:
            return Misuse(f"which cannot be iterated: a `TypeError`, {RETRIED}")
        case cst.Assign(targets=[cst.AssignTarget(target=cst.Tuple() | cst.List())], value=value) if value is node:
            return Misuse(f"which cannot be unpacked: a `TypeError`, {RETRIED}")
        case _:
            return _serialized(node, TAKE_VALUES, code)


def _compared(node: cst.BaseExpression, comparison: cst.Comparison) -> Misuse | None:
    """Of a comparison with a constant, or one of order."""
    sides = [comparison.left, *(target.comparator for target in comparison.comparisons)]
    at = next(i for i, side in enumerate(sides) if side is node)
    near = comparison.comparisons[max(at - 1, 0)]
    others = [side for side in sides if side is not node]
    if not isinstance(near.operator, cst.Equal | cst.NotEqual | cst.Is | cst.IsNot | cst.In | cst.NotIn):
        return Misuse(f"which has no order: a `TypeError`, {RETRIED}")
    constant = (cst.BaseNumber, cst.BaseString)
    if all(isinstance(side, constant) or (isinstance(side, cst.Name) and side.value in {"None", "True", "False"}) for side in others):
        return Misuse("which is equal to no value, so the comparison always comes out the same")
    return None


def _serialized(node: cst.BaseExpression, takers: frozenset[str], code: Durable) -> Misuse | None:
    """What is returned by a handler, handed to a durable operation, or to a function that takes values; itself, or in a list or dict."""
    at: cst.CSTNode = node
    around = code.parent(at)
    while isinstance(around, cst.Element | cst.DictElement | cst.List | cst.Tuple | cst.Dict):
        at, around = around, code.parent(around)
    no_json = f"which is no JSON: a `TypeError`, {RETRIED}"
    if isinstance(around, cst.Return) and code.project.registered(code.owner(node).name):
        return Misuse(no_json)
    call = code.parent(around) if isinstance(around, cst.Arg) else None
    if not isinstance(call, cst.Call) or not isinstance(around, cst.Arg) or around.star:
        return None
    operation, step = code.operation(call), code.step(call)
    if operation is not None:
        if step is not None and code.span(around.value) == step.action.span:
            return None
        said = "which a step cannot do anything with: it gets the future, not its result" if step is not None else no_json
        return Misuse(said, code.text(call.func))
    names = code.resolve(call.func)
    if at is node and names and names <= takers:
        return Misuse(f"and not what `{code.text(call.func)}` takes")
    return None
