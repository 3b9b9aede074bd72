"""What an expression of a libcst tree refers to, in the words of `facts`: the counterpart of what `survey` says of `ast`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rea_lint import cst

if TYPE_CHECKING:
    from rea_lint.facts import Function, Refs
    from rea_lint.tree import Tree

WRAPPERS = frozenset({"functools.partial", "functools.partialmethod", "copy.copy", "copy.deepcopy", "contextlib.nullcontext"})
CASTS = frozenset({"typing.cast", "typing_extensions.cast"})
LITERALS = {
    "Comparison": "bool",
    "Dict": "dict",
    "DictComp": "dict",
    "Float": "float",
    "FormattedString": "str",
    "Imaginary": "complex",
    "Integer": "int",
    "List": "list",
    "ListComp": "list",
    "Set": "set",
    "SetComp": "set",
    "Tuple": "tuple",
}


def refs(node: cst.BaseExpression, owner: Function, tree: Tree) -> Refs:
    """What `node`, an expression in the code of `owner`, is; () is not known."""
    match node:
        case cst.Name():
            if node.value in {"True", "False"}:
                return ("builtins.bool()",)
            return owner.names.get(node.value, ())
        case cst.Attribute(value=value, attr=attribute):
            return tuple(f"{ref}.{attribute.value}" for ref in refs(value, owner, tree))
        case cst.Call():
            return _call(node, owner, tree)
        case cst.Subscript(value=value, slice=[cst.SubscriptElement(slice=cst.Index(value=cst.Integer(value=index)))]):
            return tuple(f"{ref}[{int(index, 0)}]" for ref in refs(value, owner, tree))
        case cst.Subscript(value=value):
            return tuple(f"{ref}[]" for ref in refs(value, owner, tree))
        case cst.Await(expression=value) | cst.NamedExpr(value=value):
            return refs(value, owner, tree)
        case cst.IfExp(body=left, orelse=right) | cst.BooleanOperation(left=left, right=right):
            return tuple(dict.fromkeys((*refs(left, owner, tree), *refs(right, owner, tree))))
        case cst.BinaryOperation(left=left, right=right):
            return refs(left, owner, tree) or refs(right, owner, tree)
        case cst.Lambda():
            return (tree.function(node).name,)
        case cst.SimpleString() | cst.ConcatenatedString():
            return ("builtins.bytes()",) if _is_bytes(node) else ("builtins.str()",)
        case cst.UnaryOperation(operator=cst.Not()):
            return ("builtins.bool()",)
        case _:
            return (f"builtins.{LITERALS[kind]}()",) if (kind := type(node).__name__) in LITERALS else ()


def _call(node: cst.Call, owner: Function, tree: Tree) -> Refs:
    called = refs(node.func, owner, tree)
    arguments = [argument.value for argument in node.args if argument.keyword is None and not argument.star]
    match called:
        case (name,) if name in WRAPPERS and arguments:
            return refs(arguments[0], owner, tree)
        case (name,) if name in CASTS and len(arguments) == 2:
            return tuple(dict.fromkeys((*(f"{ref}()" for ref in refs(arguments[0], owner, tree)), *refs(arguments[1], owner, tree))))
        case ("builtins.super",):
            return (f"{owner.owner}.<super>",) if owner.owner is not None else ()
        case _:
            return tuple(f"{ref}()" for ref in called)


def _is_bytes(node: cst.SimpleString | cst.ConcatenatedString) -> bool:
    first: cst.BaseExpression = node
    while isinstance(first, cst.ConcatenatedString):
        first = first.left
    return isinstance(first, cst.SimpleString) and "b" in first.prefix.lower()
