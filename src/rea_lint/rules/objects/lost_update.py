"""REA609: state that is changed in memory and not written back."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import TYPE_CHECKING

from rea_lint import cst
from rea_lint.diagnostic import Finding, Related, Severity
from rea_lint.durable import Durable
from rea_lint.project import Operation
from rea_lint.rule import rule
from rea_lint.rules import triggers
from rea_lint.state import CHANGES

if TYPE_CHECKING:
    from rea_lint.facts import Function
    from rea_lint.project import Project

ANY = ""
WRITES = frozenset({"set", "clear", "clear_all"})
REMOVES = frozenset({"pop", "popitem", "popleft", "remove", "discard", "clear"})


class _Way(Enum):
    """What is done with the value, at one place."""

    READ = "read"
    ADDED = "added"  # it is changed
    REMOVED = "removed"  # something is taken out of it
    RETURNED = "returned"
    ESCAPES = "escapes"  # nobody knows


@rule(
    "REA609",
    "lost-update",
    Severity.WARNING,
    operations=lambda info, _: info.name == "get",
    docs="https://docs.restate.dev/develop/python/state",
)
def lost_update(operation: Operation, code: Durable) -> Iterator[Finding]:
    """
    A value from the state is changed in memory, and never set.

    `ctx.get` gives a copy of what is stored. To change the copy changes nothing in the state: when the handler ends, the new item is gone, and
    the next handler reads the cart as it was before.

    ```python
    import restate

    carts = restate.VirtualObject("carts")


    @carts.handler()
    async def add(ctx: restate.ObjectContext, item: str) -> int:
        cart = await ctx.get("cart", type_hint=list[str]) or []
        cart.append(item)  # expect: REA609 "is not set again"
        return len(cart)
    ```

    ```python
    import restate

    carts = restate.VirtualObject("carts")


    @carts.handler()
    async def add(ctx: restate.ObjectContext, item: str) -> int:
        cart = await ctx.get("cart", type_hint=list[str]) or []
        cart.append(item)
        ctx.set("cart", cart)
        return len(cart)
    ```

    Nothing is said where the value goes on to other code, which may set it, where the key is not known, in a shared handler, which may set
    nothing, and where something is only left out of what the handler returns:

    ```python
    import restate

    carts = restate.VirtualObject("carts")


    def remember(ctx: restate.ObjectContext, cart: list[str]) -> None:
        ctx.set("cart", cart)


    @carts.handler()
    async def add(ctx: restate.ObjectContext, item: str) -> None:
        cart = await ctx.get("cart", type_hint=list[str]) or []
        cart.append(item)
        remember(ctx, cart)


    @carts.handler()
    async def replace(ctx: restate.ObjectContext, item: str) -> None:
        cart = await ctx.get("cart", type_hint=list[str]) or []
        cart.append(item)
        ctx.set("cart", [*cart, item])


    @carts.handler()
    async def customer(ctx: restate.ObjectContext) -> dict[str, str]:
        customer = await ctx.get("customer", type_hint=dict[str, str]) or {}
        customer.pop("password", None)
        return customer


    @carts.handler(kind="shared")
    async def preview(ctx: restate.ObjectSharedContext, item: str) -> list[str]:
        cart = await ctx.get("cart", type_hint=list[str]) or []
        cart.append(item)
        return cart


    @carts.handler()
    async def count(ctx: restate.ObjectContext) -> int:
        cart = await ctx.get("cart", type_hint=list[str]) or []
        lines = [*cart]
        lines.append("sum")
        total = len(cart)
        total += 1
        return total
    ```
    """
    function = code.project.functions[operation.function]
    if not operation.call.awaited or not code.project.kinds(function.name) <= {"exclusive", "main"}:
        return
    key = operation.call.argument(0, "name")
    if key is None or key.literal is None or not _may_be_changed(operation, function, code) or _is_written(key.literal, function, code):
        return
    variable = _variable(operation, function, code)
    if variable is None:
        return
    ways = [(node, _way(node, function, code)) for node in code.names(variable)]
    kinds = {way for _, way in ways}
    changes = [node for node, way in ways if way in {_Way.ADDED, _Way.REMOVED}]
    if not changes or _Way.ESCAPES in kinds or (_Way.ADDED not in kinds and _Way.RETURNED in kinds):
        return
    yield Finding(
        code.span(_whole(changes[0], code)),
        f"`{variable}` is a copy of the state {key.literal}, and is not set again: the change is lost when the handler ends; `ctx.set({key.literal},"
        f" {variable})` after it.",
        None,
        (Related(code.path, operation.call.span, "the state is read here"),),
    )


def _may_be_changed(operation: Operation, function: Function, code: Durable) -> bool:
    """Whether attributes or items are taken of a variable that gets the value."""
    return any(
        not triggers.stands(name, function, code.project).isdisjoint({"Attribute", "Subscript"})
        for name in triggers.holding(operation.call.span, function, code.project)
    )


def _variable(operation: Operation, function: Function, code: Durable) -> str | None:
    """The variable that gets the value, if it gets no other."""
    node: cst.CSTNode | None = code.node(operation.call.span)
    while node is not None and not isinstance(node, cst.Assign | cst.AnnAssign):
        node = code.parent(node) if isinstance(node, cst.Call | cst.Await | cst.BooleanOperation) else None
    match node:
        case cst.Assign(targets=[cst.AssignTarget(target=cst.Name(value=name))]) | cst.AnnAssign(target=cst.Name(value=name)):
            given = [b for b in function.variables.get(name, ()) if b.span.contains(operation.call.span)]
            others = [node for node in code.names(name) if _is_target(node, code)]
            return name if given and len(others) == 1 else None
        case _:
            return None


def _is_written(key: str, function: Function, code: Durable) -> bool:
    """Whether a function may set a state key, itself or by what it hands the context to."""
    keys = code.project.once(_written)
    if function.name not in keys:
        keys[function.name] = _keys(function, code.project)
    return key in keys[function.name] or ANY in keys[function.name]


def _written(_: Project) -> dict[str, frozenset[str]]:
    return {}


def _keys(function: Function, project: Project) -> frozenset[str]:
    """The keys that a function may set, as literals; `ANY` for those that are not known."""
    operations = project.operations(function.name)
    own = {operation.call.span for operation in operations}
    if any(project.takes_context(call) for call in function.calls if call.span not in own):
        return frozenset({ANY})
    names = (operation.call.argument(0, "name") for operation in operations if operation.info.name in WRITES)
    return frozenset(ANY if name is None or name.literal is None else name.literal for name in names)


def _is_target(name: cst.Name, code: Durable) -> bool:
    """Whether a name is bound there."""
    parent = code.parent(name)
    if isinstance(parent, cst.Element):
        return any(isinstance(around, cst.AssignTarget) for around in code.ancestors(name))
    return isinstance(parent, cst.AssignTarget | cst.AsName | cst.Param) or (
        isinstance(parent, cst.AnnAssign | cst.AugAssign | cst.For | cst.CompFor | cst.NamedExpr) and parent.target is name
    )


def _whole(node: cst.CSTNode, code: Durable) -> cst.CSTNode:
    """The element or attribute, or the call of a method, that begins with a name."""
    parent = code.parent(node)
    while (isinstance(parent, cst.Attribute | cst.Subscript) and parent.value is node) or (
        isinstance(parent, cst.Call) and parent.func is node
    ):
        node, parent = parent, code.parent(parent)
    return node


def _way(name: cst.Name, function: Function, code: Durable) -> _Way:
    """What is done with the value where it is named."""
    if code.owner(name) is not function:
        return _Way.ESCAPES
    if _is_target(name, code):
        return _Way.READ
    whole = _whole(name, code)
    parent = code.parent(whole)
    if isinstance(parent, cst.AssignTarget | cst.Del) or (isinstance(parent, cst.AugAssign | cst.AnnAssign) and parent.target is whole):
        return _Way.REMOVED if isinstance(parent, cst.Del) else _Way.ADDED
    if isinstance(whole, cst.Call):
        method = whole.func.attr.value if isinstance(whole.func, cst.Attribute) else ""
        return _Way.REMOVED if method in REMOVES else _Way.ADDED if method in CHANGES else _Way.READ
    if whole is not name:
        return _Way.READ
    return _passed(name, code)


def _passed(name: cst.Name, code: Durable) -> _Way:
    """The same of the value as a whole."""
    match code.parent(name):
        case cst.Return():
            return _Way.RETURNED
        case cst.Arg() as argument:
            call = code.parent(argument)
            names = code.resolve(call.func) if isinstance(call, cst.Call) else frozenset()
            is_reading = bool(names) and all(
                each.startswith(("builtins.", "json.dumps", "logging.", "restate.getLogger()")) for each in names
            )
            return _Way.READ if is_reading else _Way.ESCAPES
        case cst.Comparison() | cst.ComparisonTarget() | cst.If() | cst.While() | cst.UnaryOperation() | cst.FormattedStringExpression():
            return _Way.READ
        case cst.For() | cst.CompFor() | cst.StarredElement():
            return _Way.READ
        case _:
            return _Way.ESCAPES
