"""REA310: a combinator is called in a way that it does not know, or asked for an arm that it does not have."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rea_lint import cst
from rea_lint.diagnostic import Finding, Severity
from rea_lint.durable import Durable
from rea_lint.facts import Function
from rea_lint.rule import rule
from rea_lint.rules import kept
from rea_lint.rules.awaitable import RETRIED

if TYPE_CHECKING:
    from rea_lint.facts import Argument, Call

GIVES = {
    "restate.select": "the name and the value of the first arm",
    "restate.gather": "the futures, when all are completed",
    "restate.wait_completed": "two lists, of completed and of pending futures",
}
MATCH = re.compile(r"\s*match\s*\(?\s*$")
DISPLAYS = frozenset({"builtins.list()", "builtins.tuple()", "types.GeneratorType()"})


@rule("REA310", "combinator-misuse", Severity.ERROR, docs="https://docs.restate.dev/develop/python/concurrent-tasks")
def combinator_misuse(function: Function, code: Durable) -> Iterator[Finding]:
    """
    A combinator gets its futures in the wrong form, or an arm is asked for that was never given.

    `restate.select` takes its futures by keyword, and gives back the keyword of the one that came first, with its value. Futures by position
    raise a `TypeError`, with which the invocation is retried for ever.

    ```python fails="retried with TypeError"
    from datetime import timedelta

    import restate

    orders = restate.Service("orders")


    def pay(order: str) -> str:
        return f"{order} is paid"


    @orders.handler()
    async def place(ctx: restate.Context, order: str) -> str:
        payment = ctx.run_typed("pay", pay, order=order)
        await restate.select(payment, ctx.sleep(timedelta(minutes=1)))  # expect: REA310 "takes its futures by keyword"
        return await payment
    ```

    The name that comes back is one of the keywords. A `case` for another name is never reached: here, what is paid in time is handled as
    if it had come too late.

    ```python fails="wrong result"
    from datetime import timedelta

    import restate

    orders = restate.Service("orders")


    def pay(order: str) -> str:
        return f"{order} is paid"


    @orders.handler()
    async def place(ctx: restate.Context, order: str) -> str:
        payment = ctx.run_typed("pay", pay, order=order)
        match await restate.select(payment=payment, timeout=ctx.sleep(timedelta(minutes=1))):
            case ["paid", receipt]:  # expect: REA310 "no arm is called `paid`"
                return receipt
            case _:
                return "too late"
    ```

    ```python
    from datetime import timedelta

    import restate

    orders = restate.Service("orders")


    def pay(order: str) -> str:
        return f"{order} is paid"


    @orders.handler()
    async def place(ctx: restate.Context, order: str) -> str:
        payment = ctx.run_typed("pay", pay, order=order)
        match await restate.select(payment=payment, timeout=ctx.sleep(timedelta(minutes=1))):
            case ["payment", receipt]:
                return receipt
            case _:
                return "too late"
    ```

    The other combinators take futures one by one: a list is unpacked. None of them waits unless it is awaited, and `as_completed` is
    iterated with `async for`.

    ```python
    import restate

    orders = restate.Service("orders")


    def pay(order):
        return order


    @orders.handler()
    async def place(ctx, order):
        first, second = ctx.run_typed("first", pay, order=order), ctx.run_typed("second", pay, order=order)
        await restate.gather([first, second])  # expect: REA310 "unpack the list"
        await restate.gather(first=first)  # expect: REA310 "takes its futures by position"
        await restate.select()  # expect: REA310 "no future at all"
        restate.gather(first, second)  # expect: REA310 "nobody awaits"
        for future in restate.as_completed(first, second):  # expect: REA310 "`async for`"
            await future
        who, what = await restate.select(a=first, b=second)
        if who == "c":  # expect: REA310 "no arm is called `c`"
            return what


    @orders.handler()
    async def refund(ctx, order):
        futures = [ctx.run_typed("first", pay, order=order), ctx.run_typed("second", pay, order=order)]
        await restate.gather(*futures)
        arms = {str(n): future for n, future in enumerate(futures)}
        who, what = await restate.select(**arms)
        if who == "1":
            return what
        async for future in restate.as_completed(*futures):
            await future
        match await restate.select(a=futures[0], b=futures[1]):
            case ["a" | "b", what]:
                return what
            case [other, _]:
                return other
    ```

    mypy and pyright report the forms, where the context is annotated, and nobody the names.
    """
    for combinator, call in kept.combinators(function, code.project):
        if not _is_right(combinator, call, function, code) and isinstance(node := code.node(call.span), cst.Call):
            yield from _of(combinator, node, code)


def _is_right(combinator: str, call: Call, function: Function, code: Durable) -> bool:
    """Whether facts tell that nothing is wrong with a call, and nobody asks for an arm by its name."""
    by_keyword = combinator == "restate.select"
    is_waited_for = call.around == ("AsyncFor" if combinator == "restate.as_completed" else "Await")
    is_given = bool(call.arguments) and not any(
        (argument.keyword in {None, "*"}) is by_keyword or (argument.keyword is None and _is_display(argument))
        for argument in call.arguments
    )
    if not by_keyword or not is_given or not is_waited_for:
        return is_waited_for and is_given
    text = code.source.text
    place = next(wait.place for wait in function.waits if wait.span == call.span)
    asking = ("",) if MATCH.search(text, text.rfind("\n", 0, place.start) + 1, place.start) else kept.unpacked(call, function, code)[:1]
    asked = (texts for name, texts in function.compares.items() if not asking or name in asking)
    return {argument.keyword for argument in call.arguments} >= frozenset().union(*asked)


def _is_display(argument: Argument) -> bool:
    """Whether an argument may be a list, tuple, comprehension or generator as it stands."""
    return any(value in DISPLAYS or ":tuple@" in value for value in argument.values)


def _of(combinator: str, call: cst.Call, code: Durable) -> Iterator[Finding]:
    name = code.text(call.func)
    wrong = _form(combinator, call, code)
    if wrong is not None:
        yield Finding(code.span(call), f"`{name}` {wrong}.")
    elif combinator == "restate.select" and not any(argument.star for argument in call.args):
        arms = [argument.keyword.value for argument in call.args if argument.keyword is not None]
        given = ", ".join(f"`{arm}`" for arm in arms)
        for node, asked in _asked(call, code):
            if asked not in arms:
                yield Finding(
                    code.span(node), f"no arm is called `{asked}`: `{name}` gives back one of {given}, so this is never the case."
                )


def _is_list(value: cst.BaseExpression) -> bool:
    return isinstance(value, cst.List | cst.Tuple | cst.ListComp | cst.GeneratorExp)


def _form(combinator: str, call: cst.Call, code: Durable) -> str | None:
    """What is wrong with the call itself, as the end of a sentence."""
    positional = [argument for argument in call.args if argument.keyword is None and argument.star != "**"]
    parent = code.parent(call)
    if combinator == "restate.select":
        if any(not argument.star or _is_list(argument.value) for argument in positional):
            return f"takes its futures by keyword: by position it raises a `TypeError`, {RETRIED}; give each a name"
        if not call.args:
            return f"gets no future at all: a `ValueError`, {RETRIED}"
    elif any(argument.keyword is not None for argument in call.args):
        return f"takes its futures by position: a keyword raises a `TypeError`, {RETRIED}"
    elif any(not argument.star and _is_list(argument.value) for argument in positional):
        return "gets a list and takes durable futures one by one: it raises a `TerminalError`, and the invocation fails for good; unpack the list with `*`"
    if combinator == "restate.as_completed":
        is_looped = isinstance(parent, cst.For | cst.CompFor) and parent.asynchronous is None and parent.iter is call
        if is_looped or isinstance(parent, cst.Await):
            return f"gives the futures one after the other, as they come: a `TypeError` here, {RETRIED}; iterate it with `async for`"
        return None
    if isinstance(parent, cst.Expr):
        return f"gives a coroutine that nobody awaits, so it does not wait; `await` gives {GIVES[combinator]}"
    if isinstance(parent, cst.For | cst.CompFor) and parent.iter is call:
        return f"gives a coroutine, which cannot be iterated: a `TypeError`, {RETRIED}; `await` gives {GIVES[combinator]}"
    return None


def _asked(call: cst.Call, code: Durable) -> Iterator[tuple[cst.CSTNode, str]]:
    """The names of arms that the code around asks for: in a `match` of the result, and in comparisons with its first item."""
    waiting = code.parent(call)
    if not isinstance(waiting, cst.Await):
        return
    around = code.parent(waiting)
    match around:
        case cst.Match(subject=subject, cases=cases) if subject is waiting:
            for case in cases:
                yield from _patterns(case.pattern)
        case cst.Assign(targets=[cst.AssignTarget(target=cst.Tuple(elements=[cst.Element(value=cst.Name(value=who)), *_]))]):
            owner = code.owner(call)
            if len(owner.variables.get(who, ())) == 1:
                for node, function in code.nodes:
                    if isinstance(node, cst.Comparison) and function == owner.name:
                        yield from _compared(node, who)
        case _:
            return


def _patterns(pattern: cst.MatchPattern) -> Iterator[tuple[cst.CSTNode, str]]:
    match pattern:
        case (
            cst.MatchList(patterns=[cst.MatchSequenceElement(value=first), *_])
            | cst.MatchTuple(patterns=[cst.MatchSequenceElement(value=first), *_])
        ):
            yield from _names(first)
        case cst.MatchOr(patterns=patterns):
            for each in patterns:
                yield from _patterns(each.pattern)
        case cst.MatchAs(pattern=cst.MatchPattern() as inner):
            yield from _patterns(inner)
        case _:
            return


def _names(pattern: cst.MatchPattern) -> Iterator[tuple[cst.CSTNode, str]]:
    match pattern:
        case cst.MatchValue(value=cst.SimpleString() as text):
            yield text, str(text.evaluated_value)
        case cst.MatchOr(patterns=patterns):
            for each in patterns:
                yield from _names(each.pattern)
        case cst.MatchAs(pattern=cst.MatchPattern() as inner):
            yield from _names(inner)
        case _:
            return


def _compared(comparison: cst.Comparison, who: str) -> Iterator[tuple[cst.CSTNode, str]]:
    match comparison:
        case cst.Comparison(
            left=cst.Name(value=name), comparisons=[cst.ComparisonTarget(operator=cst.Equal(), comparator=cst.SimpleString() as text)]
        ) if name == who:
            yield comparison, str(text.evaluated_value)
        case _:
            return
