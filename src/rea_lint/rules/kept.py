"""What becomes of durable futures that are not awaited at once, as far as facts tell.  For rules that parse only what may be wrong."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rea_lint.rules import triggers

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rea_lint.durable import Durable
    from rea_lint.facts import Argument, Call, Function
    from rea_lint.project import Project
    from rea_lint.text import Span

LEFT = re.compile(r"\s*(?P<names>\w+(?:\s*,\s*\w+)+)\s*=\s*(?:await\s+)?")
"""What stands before a call that is taken apart into variables."""

VARIABLE = re.compile(r"(?P<scope>[^:]+):(?P<name>\w+)")
DISPLAYS = frozenset({"builtins.list()", "builtins.tuple()", "builtins.set()", "types.GeneratorType()"})
COMPREHENSIONS = frozenset({"ListComp", "SetComp", "GeneratorExp"})
WAITED_FOR = frozenset({"Await", "Call", "Expr", "Starred"})  # what a future may stand in; of a call, `_keeps` decides
LISTED = WAITED_FOR | COMPREHENSIONS | {"For", "AsyncFor"}  # what a list of them may stand in
LIST_TAKERS = frozenset({"builtins.zip", "builtins.enumerate", "builtins.len", "builtins.reversed"})


def combinators(function: Function, project: Project) -> list[tuple[str, Call]]:
    """The calls of a function that call a combinator of the SDK, each with what it calls."""
    known = project.once(_combinators)
    if function.name not in known:
        found = ((project.resolve(call.callees), call) for call in function.calls)
        known[function.name] = [(next(iter(names)), call) for names, call in found if names and names <= project.knowledge.combinators]
    return known[function.name]


def _combinators(_: Project) -> dict[str, list[tuple[str, Call]]]:
    return {}


def unpacked(call: Call, function: Function, code: Durable) -> tuple[str, ...]:
    """The variables that a call, or the `await` of it, is taken apart into, if each is bound there only; () if it is not, or in another way."""
    text = code.source.text
    left = LEFT.fullmatch(text, text.rfind("\n", 0, call.span.start) + 1, call.span.start) if call.around in {"Assign", "Await"} else None
    names = tuple(name.strip() for name in left["names"].split(",")) if left is not None else ()
    return names if all(len(function.variables.get(name, ())) == 1 for name in names) else ()


def is_kept_well(call: Call, function: Function, project: Project) -> bool:
    """Whether the future that a call gives is only awaited, handed to combinators or kept in a list."""
    if call.around in COMPREHENSIONS:  # unless that runs over it
        items = {f"{callee}()[]" for callee in call.callees}
        return not any(items & set(binding.values) for bindings in function.variables.values() for binding in bindings)
    if call.around == "Call":
        takers = [c for c in function.calls if any(call.span in (a.span, *a.element_spans) for a in c.arguments)]
        return bool(takers) and all(_keeps(taker, project) for taker in takers)
    names = _bound_to(call.span, function, project)
    return call.around in {"Assign", "AnnAssign"} and bool(names) and _are_futures(names, function, project)


def is_gathered_well(call: Call, function: Function, code: Durable) -> bool:
    """The same of the futures that a combinator gives back: `restate.gather`, `restate.as_completed`."""
    project = code.project
    if call.discarded:
        return True
    place = next((wait.place for wait in function.waits if wait.span == call.span), call.span)
    lists = _bound_to(place, function, project)
    heads = tuple(f"{function.name}:{name}[" for name in lists)
    if call.around == "AsyncFor":
        heads = tuple(f"{callee}()[" for callee in call.callees)
    items = [*unpacked(call, function, code), *_taken_from(heads, function)]
    return (
        bool(lists or items)
        and all(triggers.stands(name, function, project) <= LISTED for name in lists)
        and all(_keeps(taker, project, LIST_TAKERS) for name in lists for taker in _takers(name, function, project))
        and _are_futures(items, function, project)
    )


def is_fit(argument: Argument, function: Function, project: Project) -> bool:
    """Whether nothing is wrong with an argument of a combinator: it is a durable future, or nothing is known of it."""
    if argument.keyword == "*":
        return _are_fit(argument, function, project)
    if argument.keyword == "**":
        return True
    if function.call(argument.span) is not None:
        return _gives_future(argument.span, function, project)
    variable = VARIABLE.fullmatch(argument.values[0]) if len(argument.values) == 1 else None
    holder = project.functions.get(variable["scope"]) if variable is not None else None
    if variable is None or holder is None or any(parameter.name == variable["name"] for parameter in holder.parameters):
        return True
    return all(
        _gives_future(binding.span, holder, project) or _is_half(binding.values, project)
        for binding in holder.variables.get(variable["name"], ())
    )


def _are_fit(argument: Argument, function: Function, project: Project) -> bool:
    """The same of a list that is unpacked: known are the elements of one that is written down, once."""
    if argument.elements or not DISPLAYS.isdisjoint(argument.values):
        return bool(argument.elements) and all(_gives_future(span, function, project) for span in argument.element_spans)
    bindings = next((bs for name, bs in function.variables.items() if argument.values == (f"{function.name}:{name}",)), ())
    if len(bindings) != 1 or not any(value in DISPLAYS or ":tuple@" in value for value in bindings[0].values):
        return True
    inside = [call for call in function.calls if bindings[0].span.contains(call.span)]
    elements = [call for call in inside if any(f"{callee}()" in bindings[0].elements for callee in call.callees)]
    made = {f"{callee}()" for call in elements for callee in call.callees}
    return set(bindings[0].elements) <= made and all(_gives_future(call.span, function, project) for call in elements)


def _bound_to(span: Span, function: Function, project: Project) -> list[str]:
    """The variables that get what stands at a place."""
    names = triggers.holding(span, function, project)
    return [name for name in names if any(binding.span == span for binding in function.variables[name])]


def _taken_from(heads: tuple[str, ...], function: Function) -> list[str]:
    """The variables that get elements of something, as `Function.variables` has them."""
    return [
        name
        for name, bindings in function.variables.items()
        if any(value.startswith(heads) for binding in bindings for value in binding.values)
    ]


def _are_futures(names: Iterable[str], function: Function, project: Project) -> bool:
    """Whether variables are used as futures are."""
    return all(
        triggers.stands(name.partition("@")[0], function, project) <= WAITED_FOR
        and all(_keeps(taker, project) for taker in _takers(name, function, project))
        for name in names
    )


def _takers(name: str, function: Function, project: Project) -> Iterable[Call]:
    return triggers.handed(f"{function.name}:{name}", function, project)


def _keeps(call: Call, project: Project, others: frozenset[str] = frozenset()) -> bool:
    """Whether a call takes futures as they are."""
    names = project.resolve(call.callees)
    return bool(names) and names <= {*project.knowledge.combinators, "builtins.list().append", *others}


def _gives_future(span: Span, function: Function, project: Project) -> bool:
    """Whether a durable operation stands at a place and gives a future."""
    call = function.call(span)
    operation = project.operation(function.name, span) if call is not None and not call.awaited else None
    return operation is not None and operation.info.gives == "future"


def _is_half(values: tuple[str, ...], project: Project) -> bool:
    """Whether it is the future of an awakeable that is taken apart."""
    makers = {name for value in values for name in project.resolve(value.removesuffix("()[1]")) if value.endswith("()[1]")}
    operations = [project.knowledge.operation(name) for name in makers]
    return bool(operations) and all(each is not None and each.gives == "pair" for each in operations)
