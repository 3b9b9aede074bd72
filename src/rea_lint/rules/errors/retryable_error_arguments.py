"""REA716: a retryable error whose delay is no timedelta."""

from __future__ import annotations

from collections.abc import Iterator

from rea_lint.diagnostic import Finding, Severity
from rea_lint.project import Project
from rea_lint.rule import rule
from rea_lint.rules import errors_made

RETRYABLE = "restate.exceptions.RetryableError"


@rule("REA716", "retryable-error-arguments", Severity.ERROR, docs="https://docs.restate.dev/develop/python/error-handling", since="0.17")
def retryable_error_arguments(project: Project) -> Iterator[Finding]:
    """
    A `RetryableError` says when to try again by a number, and the SDK takes a `timedelta`.

    Nothing is checked when it is made. When the SDK reports it, it asks the number for `total_seconds()`: the report is lost with the message
    and the delay, and the attempt ends without a word. In a step the failure is never told, and the invocation hangs.

    ```python fails="hang"
    import restate
    from restate.exceptions import RetryableError

    orders = restate.Service("orders")


    def charge() -> str:
        raise RetryableError("too many requests", retry_after=30)  # expect: REA716 "`retry_after`"


    @orders.handler()
    async def place(ctx: restate.Context, item: str) -> str:
        return await ctx.run_typed("charge", charge)
    ```

    ```python
    from datetime import timedelta

    import restate
    from restate.exceptions import RetryableError

    orders = restate.Service("orders")


    def charge(seconds: str) -> str:
        if not seconds:
            raise RetryableError("too many requests")
        raise RetryableError("too many requests", 429, timedelta(seconds=int(seconds)))


    @orders.handler()
    async def place(ctx: restate.Context, item: str) -> str:
        return await ctx.run_typed("charge", charge, seconds=item)
    ```
    """
    for made in errors_made.find(project, RETRYABLE):
        after = made.call.argument(2, "retry_after")
        if after is not None and after.literal != "None" and errors_made.is_no(project, after, "timedelta"):
            yield Finding(
                after.span,
                "The `retry_after` of a `RetryableError` is a `timedelta`: otherwise the SDK cannot report it, and message and delay are lost; use"
                " `timedelta(seconds=...)`.",
                path=made.path,
            )
