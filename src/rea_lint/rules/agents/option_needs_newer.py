"""REA902: something that the project's SDK does not have yet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import libcst as cst
from packaging.version import Version

from rea_lint.diagnostic import Finding, Severity
from rea_lint.durable import Durable
from rea_lint.project import Operation
from rea_lint.rule import rule

NEW: Mapping[str, Mapping[str, str]] = {  # what handlers make -> parameter -> the SDK that brought it ("": the thing itself)
    "restate.RunOptions": {
        "": "0.9",
        **dict.fromkeys(("max_duration", "initial_retry_interval", "max_retry_interval", "retry_interval_factor"), "0.11"),
    },
    "restate.TerminalError": {"metadata": "1.0"},
    "restate.exceptions.RetryableError": {"": "1.0"},
}


@rule("REA902", "option-needs-newer", Severity.WARNING, docs="https://docs.restate.dev/changelog/python-sdk")
def option_needs_newer(thing: Operation | cst.Call, code: Durable) -> Iterator[Finding]:
    """
    The code uses something that came with a later SDK than the project's.

    A method that the SDK does not have is an `AttributeError` when the handler comes there, an argument a `TypeError`. Neither is terminal, so
    the invocation is retried for ever, until somebody deploys the newer SDK. Signals came with 1.0, `ctx.run_typed` with 0.9, the retry
    options of steps with 0.11.

    The version is that of the configuration:

    ```toml
    [tool.rea-lint]
    sdk-version = "0.14.0"
    ```

    Where it is not known, nothing is said:

    ```python
    import restate

    orders = restate.Service("orders")


    @orders.handler()
    async def place(ctx: restate.Context, item: str) -> str:
        return await ctx.signal("approved", type_hint=str)
    ```
    """
    if code.config.sdk_version == "auto":
        return
    version = Version(code.config.sdk_version)
    if isinstance(thing, Operation):
        info, span = thing.info, thing.call.span
        name = f"ctx.{info.name}"
        given = {*info.parameters[: sum(a.keyword is None for a in thing.call.arguments)], *(a.keyword for a in thing.call.arguments)}
        since: Mapping[str, str] = {"": info.since, **info.parameters_since}
    else:
        found = [made for made in sorted(code.resolve(thing.func)) if made in NEW]
        if not found:
            return
        name, span, since = found[0], code.span(thing), NEW[found[0]]
        given = {arg.keyword.value for arg in thing.args if arg.keyword is not None}
    for parameter, needed in since.items():
        if needed and Version(needed) > version and (not parameter or parameter in given):
            what = f"`{parameter}` of `{name}`" if parameter else f"`{name}`"
            error = "a `TypeError`" if parameter else "an `AttributeError`"
            yield Finding(
                span,
                f"{what} came with restate-sdk {needed}, and this project has {version}: {error}, with which the invocation is retried for ever.",
            )
            return
