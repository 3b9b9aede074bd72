"""REA820: a scope, limit key or idempotency key that Restate refuses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rea_lint.diagnostic import Finding, Severity
from rea_lint.durable import Durable
from rea_lint.project import Operation
from rea_lint.rule import rule

if TYPE_CHECKING:
    from rea_lint.facts import Argument

KEYS = ("scope", "limit_key", "idempotency_key")
VALID = "[a-zA-Z0-9_.-]{1,36}"


@rule(
    "REA820",
    "scope-or-limit-key",
    Severity.ERROR,
    operations=lambda info, _: any(key in info.parameters for key in KEYS),
    docs="https://docs.restate.dev/services/flow-control",
)
def scope_or_limit_key(operation: Operation, code: Durable) -> Iterator[Finding]:
    """
    A call has a scope, a limit key or an idempotency key that cannot be.

    A scope, and each of the one or two levels of a limit key (`tenant/user`), has 1 to 36 of the characters `a-z A-Z 0-9 _ . -`. A limit
    key counts within a scope, and means nothing without one. An idempotency key is not empty. Restate refuses anything else (the
    SDK itself what is empty, the server the rest, with RT0024), and the invocation is retried for ever.

    ```python fails="retried with 573"
    import restate

    orders = restate.Service("orders")


    @orders.handler()
    async def place(ctx: restate.Context, item: str) -> None:
        ctx.scope("tenant 1").service_send(place, arg=item)  # expect: REA820 "`\'tenant 1\'` is no scope"
        ctx.scope("tenants").service_send(place, arg=item, limit_key="a/b/c")  # expect: REA820 "is no limit key"
        ctx.generic_send("orders", "place", b"", limit_key="ann")  # expect: REA820 "without a scope"
        ctx.service_send(place, arg=item, idempotency_key="")  # expect: REA820 "an empty idempotency key"
    ```

    ```python
    import restate

    orders = restate.Service("orders")


    class Telescope:
        def scope(self, name: str) -> str:
            return name


    @orders.handler()
    async def place(ctx: restate.Context, item: str) -> None:
        Telescope().scope("the sky")
        ctx.scope("tenant-1").service_send(place, arg=item)
        ctx.scope("tenants").service_send(place, arg=item, limit_key="tenant-1/ann")
        ctx.scope(item).service_send(place, arg=item, limit_key=item)
        ctx.generic_send("orders", "place", b"", scope="tenants", limit_key="ann")
        ctx.generic_send("orders", "place", b"", **{"scope": item}, limit_key="ann")
        ctx.service_send(place, arg=item, idempotency_key=f"order-{item}")
        ctx.service_send(place, arg=item, idempotency_key=None)
    ```

    Scopes and limit keys are there from SDK 1.0 and Restate 1.7 on, with flow control enabled on the server.
    """
    scope, limit, idempotency = (_argument(operation, name) for name in KEYS)
    if scope is not None and (value := scope.text) is not None and not re.fullmatch(VALID, value):
        yield Finding(
            scope.span, f"`{scope.literal}` is no scope: it takes 1 to 36 of the characters `a-z A-Z 0-9 _ . -`; Restate refuses the call."
        )
    if limit is not None and (value := limit.text) is not None and not re.fullmatch(f"{VALID}(/{VALID})?", value):
        yield Finding(
            limit.span,
            f"`{limit.literal}` is no limit key: it takes one level, or two with `/` between them, each of 1 to 36 of the characters `a-z A-Z 0-9 _ . -`;"
            " Restate refuses the call.",
        )
    if limit is not None and limit.literal != "None" and _lacks_scope(operation):
        yield Finding(
            limit.span, "A limit key without a scope limits nothing, and Restate refuses the call (RT0024); give it a `scope` too."
        )
    if idempotency is not None and idempotency.text == "":
        yield Finding(
            idempotency.span,
            "The SDK refuses an empty idempotency key, and the invocation is retried for ever; leave it out, or say what it is.",
        )


def _argument(operation: Operation, name: str) -> Argument | None:
    parameters = operation.info.parameters
    return operation.call.argument(parameters.index(name), name) if name in parameters else None


def _lacks_scope(operation: Operation) -> bool:
    scope = _argument(operation, "scope")
    return "scope" in operation.info.parameters and not operation.call.unpacks and (scope is None or scope.literal == "None")
