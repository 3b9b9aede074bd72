"""What comes in no fixed order, where its order becomes that of something else, and whether a durable operation depends on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from rea_lint import cst
from rea_lint.packs import Effect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rea_lint.durable import Durable
    from rea_lint.facts import Function
    from rea_lint.text import Span

SETS = frozenset({"builtins.set()", "builtins.frozenset()"})
SET_MAKERS = frozenset({"union", "intersection", "difference", "symmetric_difference", "copy"})
SEQUENCES = frozenset({"builtins.str()", "builtins.list()", "builtins.tuple()"})
STABLE = frozenset({"builtins.int()", "builtins.float()", "builtins.bool()"})  # their hash is the same in every process
SORTABLE = frozenset({"builtins.str()", "builtins.bytes()", *STABLE})

KEEPERS = frozenset(  # what gives the elements, or something made of them, in the order in which it gets them
    {
        *(
            f"builtins.{name}"
            for name in ("list", "tuple", "enumerate", "zip", "map", "filter", "iter", "next", "reversed", "dict", "str", "repr")
        ),
        *(f"itertools.{name}" for name in ("chain", "islice", "cycle", "groupby", "accumulate", "starmap", "takewhile", "dropwhile")),
        "builtins.dict.fromkeys",
        "builtins.str().join",
        "collections.deque",
        "collections.OrderedDict",
        "functools.reduce",
        "json.dumps",
    }
)
ADDERS = frozenset({"append", "appendleft", "extend", "extendleft", "insert", "write", "writelines", "put_nowait"})


class Ordering(Struct, frozen=True):
    """An expression without a fixed order, at the place where its order begins to count, and the operation that depends on it."""

    node: cst.BaseExpression
    operation: str  # as written: `ctx.run_typed`
    place: Span  # of the operation
    runs: bool  # the order is that in which it runs; otherwise it is in an argument


def ordering(node: cst.For | cst.CompFor | cst.List | cst.Call, code: Durable) -> Ordering | None:
    """The set or listing whose order a loop, list or call takes over, if a durable operation depends on the order."""
    match node:
        case cst.Call():
            given = node if is_listing(node, code) else _taken_over(node, code)
            return None if given is None else _run_by(given, node, code) or _reached(given, node, code)
        case cst.List(elements=elements):
            unpacked = (each.value for each in elements if isinstance(each, cst.StarredElement))
            held = next((value for value in unpacked if is_unordered(value, code)), None)
            return None if held is None else _reached(held, node, code)
    return _reached(node.iter, node.iter, code) if is_unordered(node.iter, code) else None


def is_listing(node: cst.CSTNode, code: Durable) -> bool:
    """Whether an expression lists a directory, in the order in which the file system keeps it."""
    if not isinstance(node, cst.Call):
        return False
    knowledge = code.project.knowledge
    return any(knowledge.effect(value, code.call(node)) is Effect.ORDER for value in code.resolve(node.func))


def is_unordered(node: cst.BaseExpression, code: Durable) -> bool:
    """Whether an expression is a set whose order differs from process to process: one of anything but numbers."""
    match node:
        case cst.Call(func=cst.Attribute(value=value, attr=cst.Name(value=method))) if method in SET_MAKERS:
            return is_unordered(value, code)
    values = code.resolve(node)
    if not values or not values <= SETS:
        return False
    elements = kinds(node, code)
    return not elements or not elements <= STABLE


def kinds(node: cst.BaseExpression, code: Durable, depth: int = 0) -> frozenset[str]:
    """What the elements of a container are; empty: not known."""
    match node:
        case cst.Set() | cst.List() | cst.Tuple():
            each = [_negated(element.value) for element in node.elements if isinstance(element, cst.Element)]
            found = [code.resolve(value) for value in each]
            return frozenset().union(*found) if len(each) == len(node.elements) and all(found) else frozenset()
        case cst.SetComp(elt=element) | cst.ListComp(elt=element) | cst.GeneratorExp(elt=element):
            return code.resolve(element)
        case cst.Call(args=[cst.Arg(keyword=None, star="", value=given)]) if code.resolve(node.func) <= {
            "builtins.set",
            "builtins.frozenset",
        }:
            return kinds(given, code, depth)
        case cst.Call() if code.resolve(node.func) == {"builtins.range"}:
            return frozenset({"builtins.int()"})
        case cst.BinaryOperation(left=left, right=right):
            sides = (kinds(left, code, depth), kinds(right, code, depth))
            return frozenset().union(*sides) if all(sides) else frozenset()
    known = code.project.resolve(tuple(f"{ref}[]" for ref in code.refs(node)))
    if known or not isinstance(node, cst.Name) or depth > 3:
        return known
    bound = [code.node(binding.span) for binding in code.owner(node).variables.get(node.value, ())]
    found = [kinds(each, code, depth + 1) if each is not None else frozenset() for each in bound]
    return frozenset().union(*found) if all(found) else frozenset()


def _negated(node: cst.BaseExpression) -> cst.BaseExpression:
    return node.expression if isinstance(node, cst.UnaryOperation) and isinstance(node.operator, cst.Minus) else node


def _taken_over(call: cst.Call, code: Durable) -> cst.BaseExpression | None:
    """The set whose order a call gives to its result: `list(names)`, `names.pop()`."""
    match call.func:
        case cst.Attribute(value=value, attr=cst.Name(value="pop")) if not call.args and is_unordered(value, code):
            return value
    if not code.resolve(call.func) & KEEPERS:
        return None
    return next((argument.value for argument in call.args if is_unordered(argument.value, code)), None)


def _reached(given: cst.BaseExpression, start: cst.BaseExpression, code: Durable) -> Ordering | None:
    """The first durable operation that depends on the order of `start`, which has that of `given`."""
    seen: set[str] = set()
    todo: list[cst.BaseExpression] = [start]
    while todo:
        node = todo.pop(0)
        around = code.parent(node)
        match around:
            case cst.For(iter=iterated) if iterated is node:
                found = _run_in(around.body, code)
                if found is not None:
                    return Ordering(given, *found, runs=True)
                todo += _variables(_added_to(around.body, code), code, seen, around)
            case cst.CompFor(iter=iterated) if iterated is node:
                made = next(each for each in code.ancestors(around) if not isinstance(each, cst.CompFor))
                found = _run_in(made, code)
                if found is not None:
                    return Ordering(given, *found, runs=True)
                if isinstance(made, cst.ListComp | cst.GeneratorExp | cst.DictComp):
                    todo.append(made)
            case cst.Arg():
                call = code.parent(around)
                assert isinstance(call, cst.Call | cst.ClassDef)
                if isinstance(call, cst.Call) and _is_compared(call, around, code):
                    return Ordering(given, code.text(call.func), code.span(call), runs=False)
                if isinstance(call, cst.Call) and _keeps(call, code):
                    todo.append(call)
            case cst.Assign(value=value, targets=[cst.AssignTarget(target=cst.Name() as name)]) if value is node:
                todo += _variables([name], code, seen, None)
            case cst.AnnAssign(target=cst.Name() as name) | cst.AugAssign(target=cst.Name() as name):
                todo += _variables([name], code, seen, None)
            case cst.Element() | cst.StarredElement() | cst.DictElement():
                held = code.parent(around)
                if isinstance(held, cst.BaseExpression) and not isinstance(held, cst.Set):
                    todo.append(held)
            case cst.FormattedStringExpression():
                todo.append(next(each for each in code.ancestors(around) if isinstance(each, cst.FormattedString)))  # it may be a width
            case cst.Subscript(value=value) if value is node:
                todo.append(around)
            case cst.BinaryOperation() | cst.IfExp() | cst.NamedExpr() | cst.Await() | cst.ConcatenatedString():
                todo.append(around)
    return None


def _run_by(given: cst.BaseExpression, call: cst.Call, code: Durable) -> Ordering | None:
    """What a function runs that a call gets together with the set: `map(lambda name: ctx.run_typed(name, work), names)`."""
    found = code.operations(call)
    if not found:
        return None
    callee = found[0].call.callee_span
    return Ordering(given, code.source.text[callee.start : callee.end], found[0].call.span, runs=True)


def _keeps(call: cst.Call, code: Durable) -> bool:
    """Whether the result of a call has the order of its arguments: a list, a text, an object with a field."""
    values = code.resolve(call.func)
    return bool(values & KEEPERS) or any(value in code.project.classes for value in values)


def _is_compared(call: cst.Call, argument: cst.Arg, code: Durable) -> bool:
    """Whether replay compares an argument of a durable operation."""
    operation = code.operation(call)
    if operation is None:
        return False
    if argument.keyword is not None:
        return argument.keyword.value in operation.info.compares
    position = [each for each in call.args if each.keyword is None].index(argument)
    return position < len(operation.info.parameters) and operation.info.parameters[position] in operation.info.compares


def _run_in(node: cst.CSTNode, code: Durable) -> tuple[str, Span] | None:
    """The first durable operation that a loop or comprehension runs, also in functions that get the context, or have it."""
    for each in code.within(node):
        if not isinstance(each, cst.Call):
            continue
        call = code.call(each)
        if code.operation(each) is not None or (call is not None and code.project.takes_context(call)) or _has_context(each, code):
            return code.text(each.func), code.span(each)
    return None


def _has_context(call: cst.Call, code: Durable) -> bool:
    return any(value in code.project.durable and code.project.has_context(value) for value in code.resolve(call.func))


def _added_to(body: cst.CSTNode, code: Durable) -> Iterator[cst.Name]:
    """The variables to which a loop adds, in its order."""
    for node in code.within(body):
        match node:
            case cst.Call(func=cst.Attribute(value=cst.Name() as name, attr=cst.Name(value=method))) if method in ADDERS:
                yield name
            case cst.Assign(targets=[cst.AssignTarget(target=cst.Subscript(value=cst.Name() as name))]):
                yield name
            case cst.AugAssign(target=cst.Name() as name, operator=cst.AddAssign()) if code.resolve(name) & SEQUENCES:
                yield name


def _variables(names: Iterator[cst.Name] | list[cst.Name], code: Durable, seen: set[str], loop: cst.For | None) -> Iterator[cst.Name]:
    """Where variables are read that have the order, each variable once; nothing of one that is sorted in place."""
    for name in names:
        owner = code.owner(name)
        if name.value in seen:
            continue
        seen.add(name.value)
        reads = [node for node in _names(owner, name.value, code) if loop is None or not _is_in(node, loop, code)]
        if not any(_is_sorted_in_place(node, code) for node in reads):
            yield from reads


def _names(owner: Function, name: str, code: Durable) -> Iterator[cst.Name]:
    """The places of a function that say a name."""
    definition = code.definition(owner.name)
    if definition is not None:
        yield from (node for node in code.within(definition.body) if isinstance(node, cst.Name) and node.value == name)


def _is_in(node: cst.CSTNode, loop: cst.For, code: Durable) -> bool:
    return any(around is loop for around in code.ancestors(node))


def _is_sorted_in_place(node: cst.Name, code: Durable) -> bool:
    around = code.parent(node)
    return isinstance(around, cst.Attribute) and around.attr.value == "sort"
