"""What type an expression certainly has.  For the rules about arguments: facts name what a value may be, and leave out what they do not know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rea_lint import cst

if TYPE_CHECKING:
    from rea_lint.durable import Durable
    from rea_lint.facts import Argument, Binding
    from rea_lint.project import Project

DEEPEST = 8  # variables and operands within each other
NUMBERS = frozenset({"builtins.int()", "builtins.float()"})
NOTHING: frozenset[str] = frozenset()


def may_be(argument: Argument, kinds: frozenset[str], project: Project) -> bool:
    """Whether the types of an argument may come to some, as far as facts tell."""
    values = project.resolve(argument.values)
    if values or not argument.values:
        return not values or not values.isdisjoint(kinds)
    return not all(ref.endswith(("]", ")")) for ref in argument.values)  # of a variable, the tree may tell more


def types(argument: Argument, code: Durable) -> frozenset[str]:
    """The types an argument may have, if all are known, as instances: `builtins.int()`; empty: not known."""
    node = code.node(argument.span)
    return of(node, code) if node is not None else NOTHING


def of(node: cst.BaseExpression, code: Durable, depth: int = 0) -> frozenset[str]:
    """The same of a node."""
    if depth > DEEPEST:
        return NOTHING
    match node:
        case cst.Integer():
            return frozenset({"builtins.int()"})
        case cst.Float():
            return frozenset({"builtins.float()"})
        case cst.SimpleString():
            return frozenset({"builtins.bytes()" if "b" in node.prefix.lower() else "builtins.str()"})
        case cst.ConcatenatedString(left=left):
            return of(left, code, depth + 1)
        case cst.FormattedString():
            return frozenset({"builtins.str()"})
        case cst.Dict() | cst.DictComp():
            return frozenset({"builtins.dict()"})
        case cst.List() | cst.ListComp():
            return frozenset({"builtins.list()"})
        case cst.Tuple():
            return frozenset({"builtins.tuple()"})
        case cst.Name(value="True" | "False"):
            return frozenset({"builtins.bool()"})
        case cst.UnaryOperation(operator=cst.Minus() | cst.Plus(), expression=inner):
            found = of(inner, code, depth + 1)
            return found if found <= NUMBERS else NOTHING
        case cst.BinaryOperation(left=left, right=right):
            sides = [of(side, code, depth + 1) for side in (left, right)]
            return sides[0] | sides[1] if all(sides) and sides[0] | sides[1] <= NUMBERS else NOTHING
        case cst.IfExp(body=left, orelse=right) | cst.BooleanOperation(left=left, right=right):
            sides = [of(side, code, depth + 1) for side in (left, right)]
            return sides[0] | sides[1] if all(sides) else NOTHING
        case cst.Name():
            return _of_name(node, code, depth)
        case cst.Attribute():
            return _of_field(node, code)
        case cst.Call():
            return _of_call(node, code)
        case _:
            return NOTHING


def _of_name(name: cst.Name, code: Durable, depth: int) -> frozenset[str]:
    """By a parameter's annotation, or by everything a variable of the function or the file is bound to."""
    owner = code.owner(name)
    parameter = next((p for p in owner.parameters if p.name == name.value), None)
    if parameter is not None:
        is_one = parameter.kind in {"positional", "keyword"} and len(owner.variables.get(name.value, ())) == 0
        return code.project.resolve(parameter.annotation) if is_one and parameter.annotation else NOTHING
    facts = code.project.facts[code.path]
    refs = code.refs(name)
    if name.value in owner.variables:
        found = [_of_binding(binding, code.node(binding.span), code, depth) for binding in owner.variables[name.value]]
    elif refs == (f"{facts.module}.{name.value}",) and name.value in facts.variables:
        found = [_of_binding(binding, _parsed(binding, code), code, depth) for binding in facts.variables[name.value]]
    else:
        return NOTHING
    return frozenset().union(*found) if found and all(found) else NOTHING


def _of_binding(binding: Binding, node: cst.BaseExpression | None, code: Durable, depth: int) -> frozenset[str]:
    if node is None or any(value.endswith("]") for value in binding.values):  # an item of what stands there
        return NOTHING
    if isinstance(node, cst.Integer | cst.Float | cst.SimpleString):
        found = of(node, code)
        return found if found == frozenset(binding.values) else NOTHING
    return of(node, code, depth + 1) if code.node(binding.span) is node and binding.values == code.refs(node) else NOTHING


def _parsed(binding: Binding, code: Durable) -> cst.BaseExpression | None:
    """The expression that a variable of the file is bound to, which is in no function's tree."""
    try:
        return cst.parse_expression(code.source.text[binding.span.start : binding.span.end])
    except (cst.ParserSyntaxError, TypeError):  # `x if(lambda: 1)else y`
        return None


def _of_field(node: cst.Attribute, code: Durable) -> frozenset[str]:
    """An annotated attribute of a class of the project."""
    owners = code.resolve(node.value)
    for owner in owners:
        known = code.project.classes.get(owner.removesuffix("()"))
        bindings = known.attributes.get(node.attr.value, ()) if known is not None else ()
        if not any(binding.annotated for binding in bindings):
            return NOTHING
    return code.resolve(node) if owners else NOTHING


def _of_call(node: cst.Call, code: Durable) -> frozenset[str]:
    """What a call gives: of a function of the project by its annotation."""
    called = code.resolve(node.func)
    functions = [code.project.functions[name] for name in called if name in code.project.functions]
    if not called or any(not function.return_annotation for function in functions):
        return NOTHING
    return code.resolve(node)
