"""REA611: the key of a service, which has none."""

from __future__ import annotations

from collections.abc import Iterator

from rea_lint.diagnostic import Finding, Severity
from rea_lint.durable import Durable
from rea_lint.facts import Function
from rea_lint.project import Operation
from rea_lint.rule import rule
from rea_lint.rules import reaching


@rule(
    "REA611",
    "key-in-service",
    Severity.ERROR,
    operations=lambda info, _: info.name == "key",
    docs="https://docs.restate.dev/develop/python/services",
)
def key_in_service(thing: Operation | Function, code: Durable) -> Iterator[Finding]:
    """
    A handler of a service asks for its key, and gets an empty string.

    A `restate.Service` has no keys. Its context has the method all the same, since one class of the SDK implements all of them, and
    `ctx.key()` gives `""` for every invocation. What is built with it is the same for all: one idempotency key, one customer, one object
    to call.

    ```python fails="wrong result"
    import restate

    orders = restate.Service("orders")


    @orders.handler()
    async def place(ctx: restate.ObjectContext, item: str) -> str:
        return f"{ctx.key()}/{item}"  # expect: REA611 "gives an empty string"
    ```

    Take it as part of the input, or make the service a virtual object:

    ```python
    import restate

    orders = restate.VirtualObject("orders")
    invoices = restate.Service("invoices")


    def label(ctx):
        return ctx.key()


    @orders.handler()
    async def place(ctx, item):
        return f"{ctx.key()}/{item}/{label(ctx)}"


    @orders.handler(kind="shared")
    async def show(ctx):
        return ctx.key()


    @invoices.handler()
    async def write(ctx, customer):
        key = {"key": customer}
        return key["key"]
    ```

    To tell invocations of a service apart, there is `ctx.request().id`.
    """
    for found in reaching.misplaced(thing, code, frozenset({"key"})):
        handler = next(iter(found.contexts.values()))
        subject = "it" if found.related else f"{reaching.spelled(found, code)}"
        lead = f"{reaching.spelled(found, code).removesuffix(', which')}, and " if found.related else ""
        yield Finding(
            found.span,
            f"{lead}{subject} gives an empty string: `{handler.display}` is a handler of a service, which has no key; take the key as input, or make"
            f" `{handler.service}` a `restate.VirtualObject`.",
            None,
            found.related,
        )
