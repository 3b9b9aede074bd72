"""REA702: a clause that catches terminal errors by the way."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rea_lint import cst, rewrite
from rea_lint.diagnostic import Finding, Related, Severity
from rea_lint.durable import Durable
from rea_lint.rule import rule
from rea_lint.rules import catching, failing, saga, triggers
from rea_lint.rules.catching import End

if TYPE_CHECKING:
    from rea_lint.facts import Function
    from rea_lint.project import Project

SUSPENSION_IS_NO_EXCEPTION = "0.11"
"""From this SDK on `except Exception` does not catch a suspension: it is `asyncio.CancelledError` in 0.11, `SdkInternalBaseException` later."""


def _may_swallow(function: Function, project: Project) -> bool:
    return triggers.swallows(function, project, frozenset({catching.EXCEPTION}))


@rule("REA702", "broad-except", Severity.WARNING, trigger=_may_swallow, docs="https://docs.restate.dev/develop/python/error-handling")
def broad_except(clause: cst.ExceptHandler | cst.ExceptStarHandler, code: Durable) -> Iterator[Finding]:
    """
    A clause catches every exception, and with it `TerminalError`: the end of an operation, or of the invocation.

    Restate retries what fails, so a durable operation raises in the handler only when it has failed for good, and then it raises
    `TerminalError`. A cancellation comes the same way, with the status code 409, at the next `await`. `except Exception` takes both for
    one of the errors it was written for, a bad value, say: the handler goes on, and an invocation that somebody cancelled is not.

    ```python
    import restate

    orders = restate.Service("orders")


    def charge(item: str) -> str:
        return f"{item} is paid"


    @orders.handler()
    async def place(ctx: restate.Context, item: str) -> str:
        try:
            return await ctx.run_typed("charge", charge, item=item)
        except Exception:  # expect: REA702 "catches `TerminalError` too"
            return "try again later"
    ```

    Say what is to happen with a terminal error. Mostly it goes on to the caller, after what has to be undone is undone:

    ```python fixed unsafe
    import restate

    orders = restate.Service("orders")


    def charge(item: str) -> str:
        return f"{item} is paid"


    @orders.handler()
    async def place(ctx: restate.Context, item: str) -> str:
        try:
            return await ctx.run_typed("charge", charge, item=item)
        except restate.TerminalError:
            raise
        except Exception:
            return "try again later"
    ```

    If the terminal error was all that the clause was for, write `except restate.TerminalError`. A clause that raises again is fine, and
    so is one that asks for `TerminalError`, or has no durable operation in its `try`:

    ```python
    import json

    import restate
    from restate import TerminalError

    orders = restate.Service("orders")


    def charge() -> str:
        try:
            return "paid"
        except Exception:
            return "failed"


    class Charger:
        async def charge(self) -> str:
            return "paid"


    @orders.handler()
    async def again(ctx: restate.Context, item: str) -> str:
        try:
            return await ctx.run_typed("charge", charge)
        except Exception as error:
            print(item)  # rea-lint: ignore[REA212] why not
            raise error


    @orders.handler()
    async def declined(ctx: restate.Context, item: str) -> str:
        try:
            return await ctx.run_typed("charge", charge)
        except (KeyError, TerminalError) as error:
            return f"declined: {error}"
        except Exception:
            return "failed"


    @orders.handler()
    async def asked(ctx: restate.Context, item: str) -> str:
        try:
            return await ctx.run_typed("charge", charge)
        except Exception as error:
            if isinstance(error, TerminalError):
                return "declined"
            return "failed"


    @orders.handler()
    async def nothing_durable(ctx: restate.Context, item: str) -> str:
        future = ctx.run_typed("charge", charge)
        try:
            item = json.loads(item)
            await Charger().charge()
        except Exception:
            item = "unknown"
        return f"{item} is {await future}"
    ```

    A clause that raises something else does not swallow, but the terminal error is another one then. Raised as an ordinary error, it even
    makes Restate try again what had failed for good:

    ```python
    import restate

    orders = restate.Service("orders")


    def charge() -> str:
        return "paid"


    @orders.handler()
    async def place(ctx: restate.Context, item: str) -> str:
        try:
            return await ctx.run_typed("charge", charge)
        except Exception:  # expect: REA702 "is retried"
            raise ValueError("no payment")
    ```

    ruff's BLE001 and pylint's W0718 report every `except Exception`, wherever it stands; this rule only those where a durable operation is
    awaited. Older pages say that `except Exception` swallows suspensions: that was so up to SDK 0.10, and where `sdk-version` says so, this
    finding is an error.
    """
    names = catching.names(clause, code)
    if catching.EXCEPTION not in names or catching.BASE in names or catching.mentions_terminal_error(clause, code):
        return
    if any(not code.resolve(each) for before in catching.earlier(clause, code) for each in catching.caught(before, code)):
        return
    if any(catching.CATCH_TERMINAL & catching.names(before, code) for before in catching.earlier(clause, code)):
        return
    found = catching.durable_work(clause, code, catching.CATCH_TERMINAL)
    ends = catching.ends(clause, code, catching.CATCH_TERMINAL) if found else {End.RAISED}
    if End.RAISED in ends or saga.untold(clause, code) or failing.reached(clause, code) is not None:
        return
    what = catching.header(clause, code)
    severity, said = _says(ends, code)
    yield Finding(
        what,
        f"`{code.source.text[what.start : what.end]}` catches `TerminalError` too, with which {found[0].display} fails for good or is cancelled{said}.",
        None
        if catching.compensates(clause, code)
        else rewrite.unsafe("Let `TerminalError` pass", catching.let_terminal_errors_pass(clause, code)),
        (Related(code.project.path_of(found[0].function), found[0].span, f"{found[0].display} is awaited here"),),
        severity,
    )


def _says(ends: set[End], code: Durable) -> tuple[Severity, str]:
    """How bad it is, and why."""
    sdk = code.config.sdk
    if sdk.before(SUSPENSION_IS_NO_EXCEPTION):
        return Severity.ERROR, f", and every suspension of the handler, an `Exception` in SDK {sdk.text}; catch what you can handle"
    if End.SWALLOWED in ends:
        return (
            Severity.WARNING,
            ": the handler goes on as if nothing had happened; put `except TerminalError: raise` before it, or handle it there",
        )
    if End.RETRIED in ends:
        return Severity.WARNING, ", and raises an error that is retried instead; put `except TerminalError: raise` before it"
    return (
        Severity.INFO,
        ", and raises another error in its place; put `except TerminalError: raise` before it to keep its code and message",
    )
