"""REA211: log lines that replay writes again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rea_lint import rewrite
from rea_lint.diagnostic import Finding, Severity
from rea_lint.durable import Durable
from rea_lint.packs import Effect
from rea_lint.project import Cause
from rea_lint.rule import rule
from rea_lint.rules import repeated
from rea_lint.text import Edit

if TYPE_CHECKING:
    from rea_lint.diagnostic import Fix
    from rea_lint.facts import Ref


@rule("REA211", "replayed-logging", Severity.INFO, effects=[Effect.LOG], docs="https://docs.restate.dev/develop/python/logging")
def replayed_logging(cause: Cause, code: Durable) -> Iterator[Finding]:
    """
    A log line is written again on every replay.

    Restate replays a handler after a crash or a wait: it runs from its first line, and every log line before the place where it stopped is
    written once more. The log then says that things happened several times which happened once.

    ```python
    import logging

    import restate

    orders = restate.Service("orders")
    logger = logging.getLogger(__name__)


    @orders.handler()
    async def place(ctx: restate.Context, item: str) -> None:
        logger.info("placing %s", item)  # expect: REA211 "`logger.info` writes this line again on every replay"
        ctx.service_send(place, arg=item)
    ```

    `restate.getLogger` gives the same logger, with a filter that is silent during replay, and lets everything through elsewhere:

    ```python fixed
    import restate

    orders = restate.Service("orders")
    logger = restate.getLogger(__name__)


    @orders.handler()
    async def place(ctx: restate.Context, item: str) -> None:
        logger.info("placing %s", item)
        ctx.service_send(place, arg=item)
    ```

    The functions of the `logging` module itself write to the root logger:

    ```python
    import logging

    import restate

    orders = restate.Service("orders")


    @orders.handler()
    async def place(ctx: restate.Context, item: str) -> None:
        logging.warning("placing %s", item)  # expect: REA211 "log with `restate.getLogger(__name__)`"
        ctx.service_send(place, arg=item)
    ```

    A line behind the last durable operation comes again only if an attempt fails after it, which a logger cannot know. A logger that has
    Restate's filter is fine however it came to it, and so is a line that a step writes, or that nobody writes:

    ```python
    import logging

    import restate

    orders = restate.Service("orders")
    quiet = logging.getLogger("quiet")
    quiet.addFilter(restate.RestateLoggingFilter())
    logger = logging.getLogger(__name__)


    class Order:
        def info(self) -> str:
            return "an order"


    def charge() -> str:
        logger.info("charging")
        return "charged"


    @orders.handler()
    async def place(ctx: restate.Context, item: str) -> str:
        quiet.info("placing %s", item)
        if logger.isEnabledFor(logging.DEBUG):
            quiet.debug(Order().info())
        receipt = await ctx.run_typed("charge", charge)
        logger.info("charged")  # expect: REA211 "again if an attempt fails after it"
        return receipt
    ```
    """
    logger = _logger(cause, code)
    if logger is not None and _is_filtered(logger, code):
        return
    again = repeated.said(cause, code.project)
    once = ", or have it once in a step" if again == repeated.LAST else ""
    written = f"`{_written(cause, code)}` {again}"
    if logger is not None and cause.primitive.startswith("logging."):
        yield Finding(cause.span, f"{written}; get the logger from `restate.getLogger`{once}.", _fix(logger, code))
    else:
        yield Finding(cause.span, f"{written}; log with `restate.getLogger(__name__)`, or in a step.")


def _written(cause: Cause, code: Durable) -> str:
    """The name of what writes, as it stands in the file."""
    if cause.call is None:
        return cause.primitive
    span = cause.call.callee_span
    return " ".join(code.source.text[span.start : span.end].split())


def _logger(cause: Cause, code: Durable) -> Ref | None:
    """The variable that holds the logger, wherever it is defined; None where there is none, as for `logging.info`."""
    callees = cause.call.callees if cause.call is not None else ()
    loggers = {callee.rpartition(".")[0] for callee in callees}
    if len(loggers) != 1:
        return None
    logger = loggers.pop()
    values = code.project.resolve(logger)
    return logger if values and all(value.endswith("Logger()") for value in values) and not logger.endswith("()") else None


def _is_filtered(logger: Ref, code: Durable) -> bool:
    """Whether the logger gets Restate's filter in the module that defines it."""
    facts = code.project.index.modules.get(logger.rpartition(".")[0])
    return facts is not None and any(
        call.callees == (f"{logger}.addFilter",) and "restate.RestateLoggingFilter()" in code.project.resolve(call.arguments[0].values)
        for function in facts.functions.values()
        for call in function.calls
        if call.arguments
    )


def _fix(logger: Ref, code: Durable) -> Fix | None:
    """Get the logger from the SDK, where it is a variable of this module that is made in one place."""
    facts = code.project.facts[code.path]
    name = logger.removeprefix(f"{facts.module}.")
    main = facts.functions.get(f"{facts.module}.<module>")
    made = facts.variables.get(name, ())
    if main is None or len(made) != 1:
        return None
    call = main.call(made[0].span)
    if call is None or code.project.resolve(call.callees) != {"logging.getLogger"}:
        return None
    spelling = rewrite.spelled_at(code, code.function, code.function.span.start, "restate.getLogger")
    if spelling is None:
        return None
    said = code.source.text[call.callee_span.start : call.callee_span.end]
    unused = rewrite.remove_import(code, said.partition(".")[0], call.callee_span)
    edits = rewrite.joined((Edit(call.callee_span, spelling[0]), *spelling[1]), unused)
    return rewrite.safe("Get the logger from `restate.getLogger`", edits)
