"""The action of a step, and how it is handed over: what rules about the call of `run` and `run_typed` share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from rea_lint import cst, rewrite
from rea_lint.rules.awaitable import COROUTINES, is_coroutine_function
from rea_lint.text import Edit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rea_lint.durable import Durable
    from rea_lint.facts import Function
    from rea_lint.project import Operation, Project, Step
    from rea_lint.rewrite import Edits

OPTIONS = frozenset(
    {
        "serde",
        "type_hint",
        "max_attempts",
        "max_duration",
        "initial_retry_interval",
        "max_retry_interval",
        "retry_interval_factor",
        "max_retry_duration",
    }
)
"""The fields of `RunOptions` (restate-sdk 1.3.0, context.py)."""
MOST_HELPERS = 3  # functions that are looked through to the one that gives the result


class Handover(Struct, frozen=True):
    """A call that hands an action to the context itself."""

    operation: Operation
    call: cst.Call
    action: cst.BaseExpression | None  # None where it is not given, or hidden behind `*`

    @property
    def is_typed(self) -> bool:
        """Whether it is `run_typed`, and not `run`."""
        return self.operation.info.name == "run_typed"


def handover(thing: Step | Operation, code: Durable) -> Handover | None:
    """The call of `run` or `run_typed` that hands over a step; None where not all of it stands there: a function passes it on, a partial."""
    call = code.node(thing.call.span)
    operation = code.operation(call) if isinstance(call, cst.Call) else None
    if not isinstance(call, cst.Call) or operation is None or operation.info.name not in {"run", "run_typed"}:
        return None
    if len(call.args) != len(operation.call.arguments):
        return None  # a `functools.partial` gives the others
    given = operation.call.argument(1, "action" if operation.info.name == "run" else None)
    return Handover(operation, call, code.node(given.span) if given is not None else None)


def option(handed: Handover, name: str) -> cst.BaseExpression | bool:
    """What is given for an option of the step: `serde`, `type_hint`; True if it may be given, False if it is not."""
    arguments = handed.call.args
    if any(argument.star for argument in arguments):
        return True
    if not handed.is_typed:
        at = handed.operation.info.parameters.index(name)
        return next(
            (
                a.value
                for i, a in enumerate(arguments)
                if (a.keyword is None and i == at) or (a.keyword is not None and a.keyword.value == name)
            ),
            False,
        )
    positional = [argument for argument in arguments if argument.keyword is None]
    if len(positional) < 3:
        return False
    match positional[2].value:
        case cst.Call(args=options) if not any(argument.star for argument in options):
            first = ["serde", "type_hint"]
            return next(
                (
                    a.value
                    for i, a in enumerate(options)
                    if (a.keyword.value if a.keyword is not None else (first[i : i + 1] or [""])[0]) == name
                ),
                False,
            )
        case _:
            return True


def coroutine(function: Function, project: Project, depth: int = 0) -> str | None:
    """The coroutine function whose coroutine a plain function returns; None if it does not, or that is not known."""
    if function.is_async or function.is_generator or function.decorators or depth > MOST_HELPERS:
        return None
    for ref in function.returns:
        for name in sorted(project.resolve(ref[:-2])) if ref.endswith("()") else ():
            called = project.functions.get(name)
            if called is None:
                found = name if COROUTINES.fullmatch(name) else None
            else:
                found = name if is_coroutine_function(called) else coroutine(called, project, depth + 1)
            if found is not None:
                return found
    return None


def by_name(call: cst.Call, code: Durable, handed: Handover) -> Edits | None:
    """Hand over what a call calls, and its arguments beside it: `charge, order=order`; None where that cannot be said.

    Only for a function of the project, and arguments that may as well be evaluated sooner: names, attributes and constants.
    """
    called = target(call, code)
    rest = _arguments(call, called, code, handed)
    edits = rewrite.replace(code, handed.action, code.text(call.func)) if handed.action is not None and called is not None else None
    if rest is None or edits is None:
        return None
    return (Edit(edits[0].span, edits[0].new + rest),)


def _arguments(call: cst.Call, called: Function | None, code: Durable, handed: Handover) -> str | None:
    """The arguments of a call as `run_typed` takes them, by name, or `run`, as a tuple."""
    simple = (cst.Name, cst.Attribute, cst.BaseNumber, cst.SimpleString)
    if not call.args:
        return ""
    if (
        any(argument.star or not isinstance(argument.value, simple) for argument in call.args)
        or handed.call.args[-1].value is not handed.action
    ):
        return None
    if not handed.is_typed:
        texts = ", ".join(code.text(argument.value) for argument in call.args)
        return (
            None if any(argument.keyword is not None for argument in call.args) else f", args=({texts}{',' if len(call.args) == 1 else ''})"
        )
    names = [p.name for p in called.parameters if p.kind == "positional"][called.binds is not None :] if called is not None else []
    given = [(a.keyword.value if a.keyword is not None else "".join(names[i : i + 1]), code.text(a.value)) for i, a in enumerate(call.args)]
    return (
        None
        if any(name in {"", "name", "action", "options"} for name, _ in given)
        else "".join(f", {name}={value}" for name, value in given)
    )


def target(call: cst.Call, code: Durable) -> Function | None:
    """The one function of the project that a call calls."""
    names = code.resolve(call.func)
    return code.project.functions.get(next(iter(names))) if len(names) == 1 else None


def returned(function: Function, code: Durable) -> Iterator[cst.BaseExpression]:
    """The expressions that a function in this tree returns."""
    definition = code.definition(function.name)
    if isinstance(definition, cst.Lambda):
        yield definition.body
    elif definition is not None:
        for node in code.within(definition.body):
            if isinstance(node, cst.Return) and node.value is not None:
                yield node.value
