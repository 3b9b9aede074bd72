"""REA412: an option of a step that the SDK does not read."""

from __future__ import annotations

from collections.abc import Iterator

from rea_lint import rewrite
from rea_lint.diagnostic import Finding, Severity
from rea_lint.durable import Durable
from rea_lint.facts import Function
from rea_lint.project import Project
from rea_lint.rule import rule
from rea_lint.rules import options
from rea_lint.text import Edit, Span

NAME = "max_retry_duration"
SAYS = f"`{NAME}` of `RunOptions` is not read, so it ends no retries; say `max_duration`."


@rule("REA412", "ignored-run-option", Severity.ERROR, docs="https://docs.restate.dev/develop/python/durable-steps")
def ignored_run_option(thing: Function | Project, code: Durable | None = None) -> Iterator[Finding]:
    """
    `RunOptions(max_retry_duration=...)` limits nothing: the SDK reads `max_duration` only.

    The field is still there, from the time of `ctx.run`, and no longer looked at. Without another limit, a step that fails is then retried for ever, and what
    the handler does when the retries are used up, a compensation perhaps, never happens.

    ```python fails="retried with ValueError"
    from datetime import timedelta

    import restate
    from restate import RunOptions

    orders = restate.Service("orders")


    def charge() -> str:
        raise ValueError("the card is refused")


    @orders.handler()
    async def place(ctx: restate.Context, item: str) -> str:
        try:
            options = RunOptions(max_retry_duration=timedelta(seconds=0))  # expect: REA412 "it ends no retries"
            return await ctx.run_typed("charge", charge, options)
        except restate.TerminalError:
            return "refused"
    ```

    ```python fixed
    from datetime import timedelta

    import restate
    from restate import RunOptions

    orders = restate.Service("orders")


    def charge() -> str:
        raise ValueError("the card is refused")


    @orders.handler()
    async def place(ctx: restate.Context, item: str) -> str:
        try:
            options = RunOptions(max_duration=timedelta(seconds=0))
            return await ctx.run_typed("charge", charge, options)
        except restate.TerminalError:
            return "refused"
    ```

    `ctx.run(..., max_retry_duration=...)` does work, deprecated as it is. Options that are kept for several steps count as well:

    ```python
    from datetime import timedelta

    import restate

    orders = restate.Service("orders")
    PATIENT = restate.RunOptions(max_attempts=3, max_retry_duration=timedelta(hours=1))  # expect: REA412 "`max_duration`"


    class Retries:
        def __init__(self, max_retry_duration):
            self.most = max_retry_duration


    def charge():
        return "paid"


    @orders.handler()
    async def place(ctx, item):
        Retries(max_retry_duration=timedelta(hours=1))
        await ctx.run("charge", charge, max_retry_duration=timedelta(hours=1))
        return await ctx.run_typed("charge", charge, PATIENT)
    ```
    """
    if isinstance(thing, Project):
        renamed = [option for option in options.given(thing, {NAME}) if option.of == options.RUN]
        told = {(thing.path_of(name), call.span) for name in thing.durable for call in thing.functions[name].calls} if renamed else ()
        for option in renamed:
            if (option.path, option.call.span) not in told:
                yield Finding(option.argument.span, SAYS, path=option.path)
        return
    assert code is not None
    for call in thing.calls:
        given = {a.keyword: a for a in call.arguments if a.keyword in {NAME, "max_duration"}}
        if NAME in given and code.project.resolve(call.callees) == {options.RUN}:
            value = given[NAME].span
            start = code.source.text.rindex(NAME, call.span.start, value.start)
            edit = Edit(Span(start, start + len(NAME)), "max_duration")
            yield Finding(value, SAYS, rewrite.safe("Say `max_duration`", (edit,)) if "max_duration" not in given else None)
