"""What a function's facts tell before it is parsed: whether there may be something in it for a rule that looks at its nodes.

Each answer may be yes too often, and must not be no where a rule would have something to say: `tests/test_triggers.py` compares.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

from rea_lint.rules import work

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rea_lint.facts import Call, Clause, Function, Ref, Refs
    from rea_lint.project import Project
    from rea_lint.text import Span

TUPLE = "builtins.tuple()"


def mentions(function: Function, project: Project) -> frozenset[str]:
    """Everything that the names, attributes, calls and arguments of a function's own code come to, and the elements it takes of them."""
    known = project.once(_mentioned)
    if function.name not in known:
        known[function.name] = frozenset(value for refs in set(_refs(function)) for value in project.resolve(refs))
    return known[function.name]


def raised(function: Function) -> Iterator[Refs]:
    """The classes and variables that `raise` statements of a function's own code name; what is called there is in `Call.around`."""
    yield from (function.names[name] for name, around in function.stands.items() if "Raise" in around)
    yield from (read.values for read in function.reads if read.around == "Raise")


def names(function: Function) -> Iterator[str]:
    """The names, and attribute chains as refs, that a function's own code says."""
    yield from function.names
    for refs in (*(read.values for read in function.reads), *(call.callees for call in function.calls)):
        yield from refs


def holding(span: Span, function: Function, project: Project) -> Iterator[str]:
    """The variables of a function, as `Function.variables` has them, with a binding whose place is, or contains, a span."""
    starts, rows = project.once(_bindings).get(function.name) or _nested(function, project)
    at = bisect_right(starts, span.start) - 1
    while at >= 0:
        binding, names, at = rows[at]
        if binding.contains(span):
            yield from names


def _bindings(_: Project) -> dict[str, tuple[list[int], list[tuple[Span, list[str], int]]]]:
    return {}


def _nested(function: Function, project: Project) -> tuple[list[int], list[tuple[Span, list[str], int]]]:
    """The places of a function's bindings, by their starts; each with the variables, and the row of the place around it or before it, or -1."""
    places: dict[Span, list[str]] = {}
    for name, bindings in function.variables.items():
        for binding in bindings:
            names = places.setdefault(binding.span, [])
            if name not in names:
                names.append(name)
    rows: list[tuple[Span, list[str], int]] = []
    around: list[int] = []  # the rows that are still open
    for span in sorted(places, key=lambda span: (span.start, -span.end)):
        while around and rows[around[-1]][0].end < span.end:
            around.pop()
        rows.append((span, places[span], around[-1] if around else -1))
        around.append(len(rows) - 1)
    known = project.once(_bindings)[function.name] = [row[0].start for row in rows], rows
    return known


def within(function: Function, project: Project) -> Iterator[Function]:
    """A function, and those that stand in it."""
    yield function
    for each in function.nested:
        yield from within(project.functions[each], project)


def stands(name: str, function: Function, project: Project) -> frozenset[str]:
    """The kinds of node that a variable of a function stands in where it is read, in functions within too."""
    return frozenset().union(*(each.stands.get(name, ()) for each in within(function, project)))


def handed(ref: Ref, function: Function, project: Project) -> Iterator[Call]:
    """The calls that have a variable of a function as an argument, or in a display that is one, in functions within too."""
    for call in (call for each in within(function, project) for call in each.calls):
        if any(ref in argument.values or any(ref in refs for refs in argument.elements) for argument in call.arguments):
            yield call


def catches(clause: Clause, project: Project, exceptions: frozenset[str]) -> bool:
    """Whether a clause may catch some exceptions by their names, or by catching everything."""
    if not clause.catches:
        return True
    found = [project.resolve(refs) for refs in clause.catches]
    return any(TUPLE in values or values & exceptions for values in found)


def swallows(function: Function, project: Project, exceptions: frozenset[str]) -> bool:
    """Whether a clause may catch some exceptions of durable work, and does not just raise them again."""
    return any(
        not clause.raises and catches(clause, project, exceptions) and awaits(function, project, clause.covers)
        for clause in function.clauses
    )


def awaits(function: Function, project: Project, within: Span) -> bool:
    """Whether a function's own code awaits durable work in a part of it."""
    return any(
        each.is_durable
        for wait in function.waits
        if within.contains(wait.place)
        for each in work.awaited(project, function, wait.values, wait.span)
    )


def _mentioned(_: Project) -> dict[str, frozenset[str]]:
    return {}


def _refs(function: Function) -> Iterator[Refs]:
    for name, refs in function.names.items():
        yield from (refs, *elements(refs)) if "Subscript" in function.stands[name] else (refs,)
    for read in function.reads:
        yield from (read.values, *elements(read.values)) if read.around == "Subscript" else (read.values,)
    for call in function.calls:
        made = tuple(f"{callee}()" for callee in call.callees)
        yield from (call.callees, made, *elements(made)) if call.around == "Subscript" else (call.callees, made)
        yield from (argument.values for argument in call.arguments)
    for bindings in function.variables.values():
        yield from (binding.values for binding in bindings)


def elements(refs: Refs) -> tuple[Refs, Refs]:
    """Elements, and elements of elements."""
    return tuple(f"{ref}[]" for ref in refs), tuple(f"{ref}[][]" for ref in refs)
