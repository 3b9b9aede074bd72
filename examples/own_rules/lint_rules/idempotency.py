"""ACME001: messages that may be sent twice."""

from __future__ import annotations

from collections.abc import Iterator

from rea_lint.diagnostic import Finding, Severity
from rea_lint.durable import Durable
from rea_lint.project import Operation
from rea_lint.rule import rule

SENDS = {"service_send", "object_send", "workflow_send", "generic_send"}


@rule("ACME001", "message-without-key", Severity.WARNING, docs="https://wiki.acme.example/restate#keys")
def message_without_key(operation: Operation, code: Durable) -> Iterator[Finding]:
    """
    A message is sent without an idempotency key.

    At Acme whoever calls us may call twice, and every message names what it is about, so that the second one is dropped.

    ```python
    import restate

    mail = restate.Service("mail")


    @mail.handler()
    async def send(ctx: restate.Context, text: str) -> None: ...


    @mail.handler()
    async def remind(ctx: restate.Context, order: str) -> None:
        ctx.service_send(send, arg="Pay!")  # expect: ACME001 "`service_send`"
    ```

    ```python
    import restate

    mail = restate.Service("mail")


    @mail.handler()
    async def send(ctx: restate.Context, text: str) -> None: ...


    @mail.handler()
    async def remind(ctx: restate.Context, order: str) -> None:
        ctx.service_send(send, arg="Pay!", idempotency_key=f"remind {order}")
    ```
    """
    call = operation.call
    if operation.method in SENDS and call.argument(None, "idempotency_key") is None and not call.unpacks:
        yield Finding(call.span, f"`{operation.method}` has no `idempotency_key`; name what the message is about.")
