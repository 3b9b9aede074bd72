"""REA808: a duration that is a number, or less than nothing."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rea_lint import rewrite
from rea_lint.diagnostic import Finding, Severity
from rea_lint.durable import Durable
from rea_lint.project import Operation, Project
from rea_lint.rule import rule
from rea_lint.rules import certain, options

if TYPE_CHECKING:
    from rea_lint.diagnostic import Fix
    from rea_lint.facts import Argument, Function

NUMBER = re.compile(r"\d")
TIMEDELTA = "datetime.timedelta"
MOST_SECONDS = 1000  # a larger number may be meant as milliseconds


@rule(
    "REA808",
    "duration-not-timedelta",
    Severity.ERROR,
    operations=lambda info, _: bool(info.durations),
    docs="https://docs.restate.dev/develop/python/durable-timers",
)
def duration_not_timedelta(thing: Operation | Project, code: Durable | None = None) -> Iterator[Finding]:
    """
    A duration is given as a number, and the SDK takes a `timedelta`.

    `ctx.sleep(5)` asks the number for `total_seconds()`: an `AttributeError`, which is no terminal error, so the invocation is retried for
    ever. The same goes for the `send_delay` of messages, where only `0` passes.

    ```python fails="retried with AttributeError"
    import restate

    orders = restate.Service("orders")


    @orders.handler()
    async def place(ctx: restate.Context, item: str) -> None:
        await ctx.sleep(5)  # expect: REA808 "`5` is a number"
        ctx.service_send(place, arg=item, send_delay=60)  # expect: REA808 "`60` is a number"
    ```

    ```python fixed
    from datetime import timedelta

    import restate

    orders = restate.Service("orders")


    @orders.handler()
    async def place(ctx: restate.Context, item: str) -> None:
        await ctx.sleep(timedelta(seconds=5))
        ctx.service_send(place, arg=item, send_delay=timedelta(seconds=60))
    ```

    A duration below zero is an `OverflowError`, with the same end. In the options of a step the mistake hides: they are only
    looked at when the step fails, and then its failure is never told, so the invocation hangs. In the options of a service it breaks
    the registration of the deployment.

    ```python
    from datetime import timedelta

    import restate

    orders = restate.Service("orders", inactivity_timeout=30)  # expect: REA808 "the deployment cannot be registered"


    def charge() -> str:
        return "paid"


    @orders.handler()
    async def place(ctx: restate.Context, minutes: int) -> str:
        await ctx.sleep(timedelta(seconds=-1))  # expect: REA808 "below zero"
        await ctx.sleep(minutes * 60)  # expect: REA808 "`minutes * 60` is a number"
        await ctx.sleep(minutes)  # expect: REA808 "`minutes` is a number"
        return await ctx.run_typed("charge", charge, restate.RunOptions(max_duration=60))  # expect: REA808 "the invocation hangs"
    ```

    What is a `timedelta`, or is not known, is fine:

    ```python
    from datetime import datetime, timedelta

    import restate

    orders = restate.Service("orders", inactivity_timeout=timedelta(minutes=1))
    DELAY = timedelta(hours=1)


    def delay_of(item):
        return DELAY * len(item)


    class Clock:
        def sleep(self, seconds: int) -> None: ...


    @orders.handler()
    async def place(ctx, item):
        Clock().sleep(5)
        await ctx.sleep(DELAY)
        await ctx.sleep(delay_of(item), name="wait")
        await ctx.sleep(delta=timedelta(days=1) - timedelta(hours=2))
        await ctx.sleep(item["seconds"])
        await ctx.sleep(2 * DELAY)
        await ctx.sleep(2 * item.delay)
        ctx.service_send(place, arg=item, send_delay=0)
        ctx.service_send(place, arg=item, send_delay=None)
    ```

    mypy and pyright report numbers where the context is annotated, and negative durations never.
    """
    if isinstance(thing, Project):
        yield from _of_options(thing)
        return
    assert code is not None
    function = code.project.functions[thing.function]
    for name in thing.info.durations:
        argument = thing.call.argument(thing.info.parameters.index(name), name)
        if argument is None:
            continue
        shown = " ".join(code.source.text[argument.span.start : argument.span.end].split())
        if _is_number(argument, code) and not (name == "send_delay" and argument.literal in {"0", "0.0"}):
            yield Finding(
                argument.span,
                f"`{shown}` is a number, and `{name}` takes a `timedelta`: an `AttributeError`, with which the invocation is retried for ever; use"
                f" `timedelta(seconds={shown})`.",
                _fix(argument, code),
            )
        elif _is_negative(function, argument, code):
            yield Finding(
                argument.span,
                f"`{shown}` is below zero: an `OverflowError`, with which the invocation is retried for ever; wait for nothing instead.",
            )


def _of_options(project: Project) -> Iterator[Finding]:
    """Numbers in the options of steps, services and handlers, wherever these are made."""
    for option in options.durations(project):
        if option.argument.literal is not None and NUMBER.match(option.argument.literal):
            end = (
                "an `AttributeError` once the step fails, which nobody sees: the invocation hangs"
                if option.of == options.RUN
                else "an `AttributeError` when the SDK describes its services: the deployment cannot be registered"
            )
            yield Finding(
                option.argument.span,
                f"`{option.name}` takes a `timedelta`, and this is a number: {end}; use `timedelta(seconds=...)`.",
                path=option.path,
            )


def _is_number(argument: Argument, code: Durable) -> bool:
    found = certain.types(argument, code) if certain.may_be(argument, certain.NUMBERS, code.project) else certain.NOTHING
    return bool(found) and found <= certain.NUMBERS


def _is_negative(function: Function, argument: Argument, code: Durable) -> bool:
    """Whether it is a `timedelta` of numbers, none of them above zero and one below."""
    made = function.call(argument.span)
    if made is None or code.project.resolve(made.callees) != {TIMEDELTA} or not made.arguments:
        return False
    texts = [code.source.text[each.span.start : each.span.end] for each in made.arguments]
    if not all(re.fullmatch(r"-?\.?\d[\d._]*", text) for text in texts):
        return False
    numbers = [ast.literal_eval(text) for text in texts]
    return all(number <= 0 for number in numbers) and any(number < 0 for number in numbers)


def _fix(argument: Argument, code: Durable) -> Fix | None:
    """`timedelta(seconds=...)`, unless the number may be meant as milliseconds."""
    node = code.node(argument.span)
    text = code.source.text[argument.span.start : argument.span.end]
    if (
        node is None
        or (argument.literal is not None and float(argument.literal) >= MOST_SECONDS)
        or re.search(r"ms|milli|minute|hour|day", text)
    ):
        return None
    name = rewrite.spelled(code, node, TIMEDELTA)
    edits = rewrite.replace(code, node, f"{name[0]}(seconds={text})") if name is not None else None
    if edits is None or name is None:
        return None
    kind = rewrite.safe if argument.literal is not None else rewrite.unsafe  # a variable may count anything
    return kind("Use `timedelta`, in seconds", (*edits, *name[1]))
