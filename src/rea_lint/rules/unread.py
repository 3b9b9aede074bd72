"""Variables that hold what a call gives, and whether anybody reads them after.  For the rules about futures that are forgotten."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rea_lint import cst

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rea_lint.durable import Durable


def holder(code: Durable, node: cst.BaseExpression) -> tuple[cst.Name, ...] | None:
    """The local variables that an expression, or a display that it is part of, is assigned to, as they are; None if it goes elsewhere."""
    part: cst.CSTNode = node
    around = code.parent(part)
    while isinstance(
        around, cst.Element | cst.DictElement | cst.List | cst.Tuple | cst.Set | cst.Dict | cst.ListComp | cst.SetComp | cst.DictComp
    ):
        part, around = around, code.parent(around)
    match around:
        case cst.Assign(targets=targets) if all(isinstance(each.target, cst.Name) for each in targets):
            names = tuple(each.target for each in targets if isinstance(each.target, cst.Name))
        case cst.AnnAssign(target=cst.Name() as name):
            names = (name,)
        case _:
            return None
    return names if all(_is_local(code, name) for name in names) else None


def parts(code: Durable, node: cst.BaseExpression) -> tuple[cst.Name, ...] | None:
    """The local variables that an expression is taken apart into: `id, future = ctx.awakeable()`; None if it is not."""
    match code.parent(node):
        case cst.Assign(targets=[cst.AssignTarget(target=cst.Tuple(elements=elements) | cst.List(elements=elements))]):
            names = tuple(each.value for each in elements if isinstance(each, cst.Element) and isinstance(each.value, cst.Name))
            return names if len(names) == len(elements) and all(_is_local(code, name) for name in names) else None
        case _:
            return None


def is_read(code: Durable, name: cst.Name) -> bool:
    """Whether a variable may be read after it is assigned at `name`."""
    return any(not _is_target(code, node) and _comes_after(code, name, node) for node in reversed([*code.names(name.value)]))


def reads(code: Durable, name: cst.Name) -> Iterator[cst.Name]:
    """Where a variable may be read after it is assigned at `name`: further down, in a loop around, or in a function within."""
    for node in code.names(name.value):
        if not _is_target(code, node) and _comes_after(code, name, node):
            yield node


def _is_target(code: Durable, node: cst.Name) -> bool:
    inside: cst.CSTNode = node
    for around in code.ancestors(node):
        match around:
            case cst.AssignTarget() | cst.Param() | cst.NameItem():
                return True
            case cst.AnnAssign() | cst.For() | cst.CompFor() | cst.NamedExpr():
                return around.target is inside
            case cst.Tuple() | cst.List() | cst.Element() | cst.StarredElement():
                inside = around
            case _:
                return False
    return False


def _comes_after(code: Durable, name: cst.Name, read: cst.Name) -> bool:
    owner = code.owner(name)
    if code.owner(read) is not owner or code.span(read).start > code.span(name).end:
        return True
    loops = {around for around in code.ancestors(name) if isinstance(around, cst.For | cst.While)}
    return any(around in loops for around in code.ancestors(read))


def _is_local(code: Durable, name: cst.Name) -> bool:
    """Whether a name is a variable of the function itself, which nobody outside sees."""
    return name.value not in code.once(_outer)


def _outer(code: Durable) -> frozenset[str]:
    return frozenset(item.name.value for node, _ in code.nodes if isinstance(node, cst.Global | cst.Nonlocal) for item in node.names)
