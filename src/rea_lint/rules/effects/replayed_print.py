"""REA212: output that replay prints again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rea_lint import cst, rewrite
from rea_lint.diagnostic import Finding, Severity
from rea_lint.durable import Durable
from rea_lint.packs import Effect
from rea_lint.project import Cause
from rea_lint.rule import rule
from rea_lint.rules import repeated

if TYPE_CHECKING:
    from rea_lint.diagnostic import Fix


@rule("REA212", "replayed-print", Severity.INFO, effects=[Effect.PRINT], docs="https://docs.restate.dev/develop/python/logging")
def replayed_print(cause: Cause, code: Durable) -> Iterator[Finding]:
    """
    A line is printed again on every replay.

    Restate replays a handler after a crash or a wait: it runs from its first line, and everything that it printed is printed once more. A
    logger of `restate.getLogger` is silent during replay.

    ```python
    import restate

    orders = restate.Service("orders")
    logger = restate.getLogger(__name__)


    @orders.handler()
    async def place(ctx: restate.Context, item: str) -> None:
        print(f"placing {item}")  # expect: REA212 "`print` writes this line again on every replay"
        ctx.service_send(place, arg=item)
    ```

    The line is no longer printed but logged, so whether it is seen depends on how logging is configured:

    ```python fixed unsafe
    import restate

    orders = restate.Service("orders")
    logger = restate.getLogger(__name__)


    @orders.handler()
    async def place(ctx: restate.Context, item: str) -> None:
        logger.info(f"placing {item}")
        ctx.service_send(place, arg=item)
    ```

    A line behind the last durable operation comes again only if an attempt fails after it, which a logger cannot know. What a step prints is
    printed once, and a function of that name that prints nothing is none of ours:

    ```python
    import restate

    orders = restate.Service("orders")


    class Label:
        def print(self) -> str:
            return "label"


    def charge() -> str:
        print("charging")
        return "charged"


    @orders.handler()
    async def place(ctx: restate.Context, item: str) -> str:
        Label().print()
        receipt = await ctx.run_typed("charge", charge)
        print("charged")  # expect: REA212 "again if an attempt fails after it"
        return receipt


    print("ready")
    ```

    ruff's T201 finds every `print`, also those that replay does not repeat.
    """
    again = repeated.said(cause, code.project)
    once = ", or in a step to have it once" if again == repeated.LAST else ""
    yield Finding(
        cause.span,
        f"`{cause.primitive.removeprefix('builtins.')}` {again}; log with `restate.getLogger(__name__)`{once}.",
        _fix(cause, code),
    )


def _fix(cause: Cause, code: Durable) -> Fix | None:
    """Log the line, where it is one thing and the module has a logger of the SDK's."""
    logger = _logger(code)
    if cause.primitive != "builtins.print" or logger is None:
        return None
    call = code.node(cause.span)
    match call:
        case cst.Call(args=[cst.Arg(keyword=None, star="")]):
            return rewrite.unsafe(f"Use `{logger}.info`", rewrite.replace(code, call.func, f"{logger}.info"))
        case _:
            return None


def _logger(code: Durable) -> str | None:
    """The variable of the module that holds a logger of the SDK's, unless the name is another thing in the function."""
    facts = code.project.facts[code.path]
    loggers = (name for name, bindings in facts.variables.items() if all(b.values == ("restate.getLogger()",) for b in bindings))
    return next((name for name in loggers if name not in code.function.variables), None)
