"""REA408: a step is handed over in a way that `run_typed`, or `run`, does not take."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from msgspec import Struct

from rea_lint import cst, rewrite
from rea_lint.diagnostic import Finding, Severity
from rea_lint.durable import Durable
from rea_lint.project import Step
from rea_lint.rule import rule
from rea_lint.rules import actions, certain
from rea_lint.rules.options import RUN
from rea_lint.text import Edit, Span

if TYPE_CHECKING:
    from collections.abc import Container

    from rea_lint.diagnostic import Fix
    from rea_lint.facts import Function
    from rea_lint.project import Project
    from rea_lint.rewrite import Edits
    from rea_lint.rules.actions import Handover

RETRIED = "with which the invocation is retried for ever"
NOT_UNPACKED = frozenset({"builtins.int()", "builtins.float()", "builtins.bool()", "builtins.str()", "builtins.bytes()"})


class _Problem(Struct, frozen=True):
    """What is wrong with a call, and where."""

    at: Span
    said: str
    fix: Fix | None = None


@rule("REA408", "step-call-signature", Severity.ERROR, docs="https://docs.restate.dev/develop/python/durable-steps")
def step_call_signature(step: Step, code: Durable) -> Iterator[Finding]:
    """
    A step is called with arguments in the wrong place, so the SDK or the action raises.

    `ctx.run_typed(name, action, options, ...)` takes the name, the action and `RunOptions` by position only, and hands everything after them
    to the action. An argument for the action in the third place is taken for the options: an `AttributeError`, with which the invocation
    is retried for ever.

    ```python fails="retried with AttributeError"
    import restate

    orders = restate.Service("orders")


    def charge(item: str) -> str:
        return f"{item} is paid"


    @orders.handler()
    async def place(ctx: restate.Context, item: str) -> str:
        return await ctx.run_typed("charge", charge, item)  # expect: REA408 "takes `RunOptions` in the third place"
    ```

    Arguments go by name:

    ```python fixed
    import restate

    orders = restate.Service("orders")


    def charge(item: str) -> str:
        return f"{item} is paid"


    @orders.handler()
    async def place(ctx: restate.Context, item: str) -> str:
        return await ctx.run_typed("charge", charge, item=item)
    ```

    An option by name is taken for an argument of the action, which has none of that name: a `TypeError`. So is the tuple of `ctx.run`, which
    in turn has to be one:

    ```python
    import restate

    orders = restate.Service("orders")


    def charge(item="book"):
        return f"{item} is paid"


    @orders.handler()
    async def place(ctx, item):
        await ctx.run_typed("charge", lambda: charge(item), max_attempts=3)  # expect: REA408 "`max_attempts` is an option"
        await ctx.run_typed("charge", charge, args=(item,))  # expect: REA408 "has no parameter `args`"
        await ctx.run_typed(name="charge", action=lambda: charge(item))  # expect: REA408 "by position only"
        await ctx.run_typed("charge", charge, None, item)  # expect: REA408 "takes `RunOptions` in the third place"
        await ctx.run("charge", charge, args=("book"))  # expect: REA408 "is no tuple"
        return await ctx.run("charge", charge, restate.RunOptions())  # expect: REA408 "in the place of `serde`"
    ```

    ```python fixed
    import restate

    orders = restate.Service("orders")


    def charge(item="book"):
        return f"{item} is paid"


    @orders.handler()
    async def place(ctx, item):
        await ctx.run_typed("charge", lambda: charge(item), restate.RunOptions(max_attempts=3))
        await ctx.run_typed("charge", charge, item=item)
        await ctx.run_typed("charge", lambda: charge(item))
        await ctx.run_typed("charge", charge, None, item)  # expect: REA408
        await ctx.run("charge", charge, args=("book",))
        return await ctx.run_typed("charge", charge, restate.RunOptions())
    ```

    Of actions and arguments that are not known nothing is said:

    ```python
    import functools

    import restate

    orders = restate.Service("orders")
    OPTIONS = restate.RunOptions(max_attempts=3)


    def charge(item, options=None, name="x"):
        return f"{item} is paid"


    def anything(**kwargs):
        return len(kwargs)


    class Shop:
        def charge(self, item):
            return item


    @orders.handler()
    async def place(ctx, item):
        options = OPTIONS
        await ctx.run_typed("plain", charge, item=item)
        await ctx.run_typed("third", charge, options, item)
        await ctx.run_typed("named", charge, item=item, options=1, name="y")
        await ctx.run_typed("kwargs", anything, max_attempts=3)
        await ctx.run_typed("partial", functools.partial(charge, item))
        await ctx.run_typed("unknown", item.charge, item)
        await ctx.run_typed("method", Shop().charge, item=item)
        await ctx.run_typed("default", lambda n=item: n)
        await ctx.run("list", charge, args=[item])
        await ctx.run("given", charge, args=item)
        return await ctx.run("old", charge, max_attempts=3, args=(item,))
    ```

    mypy and pyright report these where everything is annotated.
    """
    handed = actions.handover(step, code) if not _is_right(step, code.project) else None
    if handed is None or any(argument.star for argument in handed.call.args):
        return
    problem = _of_typed(handed, code) if handed.is_typed else _of_run(handed, code)
    if problem is not None:
        yield Finding(problem.at, f"{problem.said}.", problem.fix)


def _is_right(step: Step, project: Project) -> bool:
    """Whether facts tell that a call fits its action; False where it may not."""
    operation = project.operation(step.function, step.call.span)
    call = step.call
    if operation is None or call.unpacks:
        return True  # the step is not handed to the context itself; or it cannot be told
    positional = [argument for argument in call.arguments if argument.keyword is None]
    named = {argument.keyword for argument in call.arguments if argument.keyword is not None}
    names = project.resolve(step.action.values)
    action = project.functions.get(next(iter(names))) if len(names) == 1 else None
    if action is not None and (action.decorators or action.binds is not None or project.functions[step.function].call(step.action.span)):
        action = None
    if len(positional) < 2:
        return False
    if operation.info.name == "run":
        is_known = named <= set(operation.info.parameters) and len(positional) == 2 and "args" not in named
        return is_known and (action is None or _missing(action, 0, {}) is None)
    if len(positional) > 2 and project.resolve(positional[2].values) != {f"{RUN}()"}:
        return False
    parameters = _parameters(action) if action is not None else None
    return action is None or parameters is None or (named <= set(parameters) and _missing(action, len(positional[3:]), named) is None)


# -- run_typed ---------------------------------------------------------------------------------------------------------


def _of_typed(handed: Handover, code: Durable) -> _Problem | None:
    call, taker = handed.call, code.text(handed.call.func)
    positional = [argument for argument in call.args if argument.keyword is None]
    named = {argument.keyword.value: argument for argument in call.args if argument.keyword is not None}
    if len(positional) < 2:
        fix = rewrite.safe("Hand them over by position", _by_position(call, named, code)) if not positional else None
        return _Problem(
            code.span(call), f"`{taker}` takes the name and the action by position only: by keyword it raises a `TypeError`, {RETRIED}", fix
        )
    action = _action(handed, code)
    names = _parameters(action) if action is not None else None
    options = positional[2].value if len(positional) > 2 else None
    if options is not None and _is_no_options(options, action, positional, named, code):
        return _Problem(
            code.span(options),
            f"`{taker}` takes `RunOptions` in the third place, and this is none: an `AttributeError`, {RETRIED}; hand arguments over by name",
            _named(positional[2:], names or [], named, code),
        )
    if action is None or names is None:
        return None
    unknown = next((name for name in named if name not in names), None)
    if unknown is not None:
        keyword = named[unknown]
        what = "the lambda" if action.is_lambda else f"`{action.name.rpartition('.')[2].partition('#')[0]}`"
        if unknown in actions.OPTIONS or unknown == "options":
            said = f"`{unknown}` is an option, and `{taker}` hands it to the action, which does not take it: a `TypeError`, {RETRIED}"
            return _Problem(code.span(keyword.value), f"{said}; hand it over in `RunOptions`", _as_options(handed, named, names, code))
        return _Problem(
            code.span(keyword.value),
            f"{what} has no parameter `{unknown}`: a `TypeError`, {RETRIED}",
            _unpacked(keyword, names, code) if unknown == "args" and len(positional) == 2 and len(named) == 1 else None,
        )
    missing = _missing(action, len(positional[3:]), named)
    if missing is not None and handed.action is not None:
        return _Problem(
            code.span(handed.action), f"nothing is handed over for the parameter `{missing}` of the action: a `TypeError`, {RETRIED}"
        )
    return None


def _is_no_options(
    options: cst.BaseExpression, action: Function | None, positional: list[cst.Arg], named: dict[str, cst.Arg], code: Durable
) -> bool:
    """Whether the third argument is certainly no `RunOptions`: by its type, or because the action would lack an argument if it were."""
    values = code.resolve(options)
    if any(value == f"{RUN}()" for value in values):
        return False
    types = certain.of(options, code)
    if types or (isinstance(options, cst.Name) and options.value == "None"):
        return all(value.startswith("builtins.") for value in types)
    is_lacking = action is not None and _missing(action, len(positional[3:]), named) is not None
    return is_lacking and action is not None and _missing(action, len(positional[2:]), named) is None


def _named(given: list[cst.Arg], names: list[str], named: dict[str, cst.Arg], code: Durable) -> Fix | None:
    """Put the names of the action's parameters before the arguments that are in the place of the options."""
    is_left_out = any(isinstance(argument.value, cst.Name) and argument.value.value == "None" for argument in given[:1])
    if is_left_out or len(names) < len(given) or any(name in {*named, "name", "action", "options"} for name in names[: len(given)]):
        return None
    starts = [code.span(argument.value).start for argument in given]
    edits = tuple(Edit(Span(start, start), f"{name}=") for start, name in zip(starts, names, strict=False))
    return rewrite.safe("Hand them over by name", edits) if not any(argument.value.lpar for argument in given) else None


def _as_options(handed: Handover, named: dict[str, cst.Arg], names: list[str], code: Durable) -> Fix | None:
    """`RunOptions` in the third place, with the options that are given by name; None where there is more after the action."""
    call = handed.call
    fields = [name for name in named if name not in names]
    if len(call.args) != 2 + len(fields) or handed.action is None:
        return None
    if fields == ["options"]:
        start = code.span(call.args[2].value).start
        at = code.source.text.rindex("options", code.span(handed.action).end, start)
        return rewrite.safe("Hand it over by position", (Edit(Span(at, start), ""),))
    spelled = rewrite.spelled(code, call, RUN) if all(name in actions.OPTIONS for name in fields) else None
    if spelled is None or code.source.text[code.span(handed.action).end :].lstrip()[:1] != ",":
        return None
    first, last = code.span(call.args[2].value).start, code.span(call.args[-1].value).end
    at = code.source.text.rindex(fields[0], code.span(handed.action).end, first)
    edits = (Edit(Span(at, at), f"{spelled[0]}("), Edit(Span(last, last), ")"), *spelled[1])
    return rewrite.safe("Hand them over in `RunOptions`", edits)


def _unpacked(keyword: cst.Arg, names: list[str], code: Durable) -> Fix | None:
    """Hand over the items of a tuple by name."""
    match keyword.value:
        case cst.Tuple(elements=elements) if len(elements) <= len(names) and all(isinstance(element, cst.Element) for element in elements):
            texts = [f"{name}={code.text(element.value)}" for name, element in zip(names, elements, strict=False)]
            span = code.span(keyword.value)
            start = code.source.text.rindex("args", 0, span.start)
            end = code.source.text.index(")", span.end) + 1 if code.source.text[span.start] != "(" else span.end
            return rewrite.safe("Hand them over by name", (Edit(Span(start, end), ", ".join(texts)),))
        case _:
            return None


def _by_position(call: cst.Call, named: dict[str, cst.Arg], code: Durable) -> Edits | None:
    """Leave out `name=` and `action=`, which stand first and in this order."""
    if [argument.keyword.value for argument in call.args[:2] if argument.keyword is not None] != ["name", "action"]:
        return None
    starts = {name: code.span(named[name].value).start for name in ("name", "action")}
    after = code.span(call.func).end
    keywords = [(code.source.text.rindex(name, after, start), start) for name, start in starts.items()]
    return tuple(Edit(Span(at, start), "") for at, start in keywords)


# -- run ---------------------------------------------------------------------------------------------------------------


def _of_run(handed: Handover, code: Durable) -> _Problem | None:
    call, taker = handed.call, code.text(handed.call.func)
    parameters = handed.operation.info.parameters
    given = {argument.keyword.value: argument for argument in call.args if argument.keyword is not None}
    unknown = next((name for name in given if name not in parameters), None)
    if unknown is not None:
        said = f"`{taker}` has no parameter `{unknown}`: a `TypeError`, {RETRIED}; `{taker}_typed` hands arguments to the action"
        return _Problem(code.span(given[unknown].value), said)
    positional = [argument for argument in call.args if argument.keyword is None]
    if len(positional) > 2 and code.resolve(positional[2].value) == {f"{RUN}()"}:
        said = f"`{taker}` gets `RunOptions` in the place of `serde`: an `AttributeError`, {RETRIED}; `{taker}_typed` takes options"
        end = code.span(call.func).end
        fix = rewrite.safe("Use `run_typed`", (Edit(Span(end, end), "_typed"),)) if len(call.args) == len(positional) == 3 else None
        return _Problem(code.span(positional[2].value), said, fix)
    arguments = given.get("args")
    if arguments is None:
        action = _action(handed, code)
        missing = _missing(action, 0, {}) if action is not None else None
        if missing is not None and handed.action is not None and len(positional) < len(parameters):
            said = f"nothing is handed over for the parameter `{missing}` of the action: a `TypeError`, {RETRIED}"
            return _Problem(code.span(handed.action), f"{said}; `args` takes a tuple")
        return None
    types = certain.of(arguments.value, code)
    if types and types <= NOT_UNPACKED:
        text = code.text(arguments.value)
        whole = Span(code.span(arguments.value).start, code.span(arguments.value).end)
        is_enclosed = bool(arguments.value.lpar)
        edit = Edit(Span(whole.end, whole.end), ",") if is_enclosed else Edit(whole, f"({text},)")
        return _Problem(
            whole,
            f"`args` is no tuple, and all that is in it is handed over one by one: a `TypeError`, {RETRIED}",
            rewrite.safe("Make it a tuple", (edit,)),
        )
    return None


# -- the action --------------------------------------------------------------------------------------------------------


def _action(handed: Handover, code: Durable) -> Function | None:
    """The function of the project that the action is, if nothing is put around it and it is no method."""
    match handed.action:
        case cst.Name() | cst.Attribute() | cst.Lambda() as node:
            names = code.resolve(node)
            function = code.project.functions.get(next(iter(names))) if len(names) == 1 else None
            is_bound = any("<partial>" in ref for ref in code.refs(node))
            return function if function is not None and not function.decorators and function.binds is None and not is_bound else None
        case _:
            return None


def _parameters(action: Function) -> list[str] | None:
    """The names that an action takes arguments by; None if it takes any."""
    if any(parameter.kind == "**" for parameter in action.parameters):
        return None
    return [parameter.name for parameter in action.parameters if parameter.kind != "*"]


def _missing(action: Function, positional: int, named: Container[str | None]) -> str | None:
    """The first parameter without a default for which nothing is given."""
    places = [parameter for parameter in action.parameters if parameter.kind == "positional"]
    rest = [*places[positional:], *(parameter for parameter in action.parameters if parameter.kind == "keyword")]
    return next((parameter.name for parameter in rest if not parameter.has_default and parameter.name not in named), None)
