"""REA902: something that the project's SDK does not have yet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import TYPE_CHECKING

from rea_lint.diagnostic import Finding, Severity
from rea_lint.durable import Durable
from rea_lint.project import Operation, Project
from rea_lint.rule import rule
from rea_lint.rules import errors_made, options
from rea_lint.sdk import is_before

if TYPE_CHECKING:
    from rea_lint.packs import OperationInfo
    from rea_lint.sdk import Sdk

OPTIONS: Mapping[str, str] = {  # of services, handlers and steps -> the SDK that brought it (by comparing the packages 0.6 to 1.3)
    **dict.fromkeys(("inactivity_timeout", "abort_timeout", "journal_retention", "idempotency_retention", "workflow_retention"), "0.8"),
    **dict.fromkeys(("ingress_private", "enable_lazy_state"), "0.8"),
    **dict.fromkeys(("max_duration", "initial_retry_interval", "max_retry_interval", "retry_interval_factor"), "0.11"),
    "invocation_retry_policy": "0.10",
    "invocation_context_managers": "0.13",
    "state_preload": "1.3",
}
OF_SERVER: Mapping[
    str, str
] = {  # of services and handlers -> the server that brought it (docstrings of restate-sdk 1.3: service.py, workflow.py)
    **dict.fromkeys(("inactivity_timeout", "abort_timeout", "journal_retention", "idempotency_retention", "workflow_retention"), "1.4"),
    "ingress_private": "1.4",
}
KEYS = ("state_preload", "1.8")  # a list of keys, rather than all or none
SCOPED = ({"scope", "limit_key"}, "1.7")  # arguments of operations (the same, context.py)
RETRYABLE = ("restate.exceptions.RetryableError", "0.17")


def _may_be_newer(info: OperationInfo, project: Project) -> bool:
    """Whether an operation, or an argument of it, is not there in what the code runs with."""
    came = (info.since, *info.parameters_since.values())
    return any(map(project.sdk.before, came)) or (bool(project.server) and not SCOPED[0].isdisjoint(info.parameters))


@rule("REA902", "option-needs-newer", Severity.WARNING, operations=_may_be_newer, docs="https://docs.restate.dev/changelog/python-sdk")
def option_needs_newer(thing: Operation | Project, code: Durable | None = None) -> Iterator[Finding]:
    """
    The code uses something that came with a later SDK than the project's.

    A method that the SDK does not have is an `AttributeError` when the handler comes there, an argument a `TypeError`. Neither is terminal, so
    the invocation is retried for ever, until somebody deploys the newer SDK. An option of a service or a handler fails earlier,
    when the module is imported.

    Which version the project has is found from what is installed, else from a lock file, else from the lowest version that the requirements
    allow; the configuration can say it too:

    ```toml
    [tool.rea-lint]
    sdk-version = "0.14.0"
    ```

    The same holds for the server: an option that it does not know makes the registration of the service fail. Its version cannot be seen from here,
    so without it no server is assumed to be too old:

    ```toml
    [tool.rea-lint]
    server-version = "1.6"
    ```

    With the newest version that rea-lint knows nothing is reported. With 0.14 it would be `state_preload` (1.3) and `ctx.signal` (1.0):

    ```python
    import restate

    orders = restate.VirtualObject("orders", state_preload=False)


    @orders.handler(kind="shared")
    async def place(ctx: restate.ObjectSharedContext, item: str) -> str:
        return await ctx.signal("approved", type_hint=str)
    ```
    """
    if isinstance(thing, Project):
        yield from _of_options(thing)
        return
    assert code is not None
    info, sdk = thing.info, code.project.sdk
    given = {*info.parameters[: sum(a.keyword is None for a in thing.call.arguments)], *(a.keyword for a in thing.call.arguments)}
    ends = "with which the invocation is retried for ever"
    if sdk.before(info.since):
        yield Finding(thing.call.span, f"{_came(f'ctx.{info.name}', info.since, sdk)}: an `AttributeError`, {ends}.")
        return
    server = code.project.server
    for parameter in sorted(SCOPED[0] & given) if server and is_before(server, SCOPED[1]) else ():
        yield Finding(
            thing.call.span, f"{_of_server(parameter, SCOPED[1], server)}: the call fails, and the invocation is retried for ever."
        )
    for parameter, since in info.parameters_since.items():
        if parameter in given and sdk.before(since):
            yield Finding(thing.call.span, f"{_came(f'{parameter}` of `ctx.{info.name}', since, sdk)}: a `TypeError`, {ends}.")


def _of_options(project: Project) -> Iterator[Finding]:
    """Options of services, handlers and steps, and errors with more to say, wherever they are made."""
    sdk = project.sdk
    newer = {name: since for name, since in OPTIONS.items() if sdk.before(since)}
    for option in options.given(project, newer) if newer else ():
        end = "when the handler comes here" if option.of == options.RUN else "when the module is imported"
        yield Finding(option.argument.span, f"{_came(option.name, newer[option.name], sdk)}: a `TypeError` {end}.", path=option.path)
    yield from _of_registration(project, project.server) if project.server else ()
    for made in errors_made.find(project, "restate.TerminalError") if sdk.before("1.0") else ():
        metadata = made.call.argument(2, "metadata")
        if metadata is not None:
            yield Finding(
                metadata.span, f"{_came('metadata` of `TerminalError', '1.0', sdk)}: a `TypeError` in place of it.", path=made.path
            )
    for made in errors_made.find(project, RETRYABLE[0]) if sdk.before(RETRYABLE[1]) else ():
        yield Finding(made.span, f"{_came('RetryableError', RETRYABLE[1], sdk)}: an `ImportError`.", path=made.path)


def _of_registration(project: Project, server: str) -> Iterator[Finding]:
    """Options of services and handlers that the configured server does not know."""
    newer = {name: since for name, since in OF_SERVER.items() if is_before(server, since)}
    asked = {*newer, KEYS[0]} if is_before(server, KEYS[1]) else {*newer}
    for option in options.given(project, asked):
        if option.of in {options.RUN, options.POLICY}:
            continue
        if option.name in newer:
            said = _of_server(option.name, newer[option.name], server)
        elif option.argument.elements:
            said = _of_server(f"{KEYS[0]}=[...]", KEYS[1], server)
        else:
            continue
        yield Finding(option.argument.span, f"{said}: it refuses to register the service.", path=option.path)


def _of_server(what: str, since: str, server: str) -> str:
    return f"`{what}` came with restate-server {since}, and the configured one is {server}"


def _came(what: str, since: str, sdk: Sdk) -> str:
    where = PurePath(sdk.source)
    return f"`{what}` came with restate-sdk {since}, and this project has {sdk.text}" + (f" ({where.name})" if where.is_absolute() else "")
