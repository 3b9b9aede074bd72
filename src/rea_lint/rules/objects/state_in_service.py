"""REA601: state in a service, which has none."""

from __future__ import annotations

from collections.abc import Iterator

from rea_lint.diagnostic import Finding, Severity
from rea_lint.durable import Durable
from rea_lint.facts import Function
from rea_lint.project import Operation
from rea_lint.rule import rule
from rea_lint.rules import reaching

STATE = frozenset({"get", "set", "clear", "clear_all", "state_keys"})


@rule(
    "REA601",
    "state-in-service",
    Severity.ERROR,
    operations=lambda info, _: info.name in STATE,
    docs="https://docs.restate.dev/develop/python/state",
)
def state_in_service(thing: Operation | Function, code: Durable) -> Iterator[Finding]:
    """
    A handler of a service reads or writes state, and only objects and workflows have state.

    State belongs to a key. A `restate.Service` has no keys, so Restate refuses the operation (RT0017, "this service type doesn't have state
    access"), and the invocation is retried for ever. Nothing is said before: one class of the SDK implements all contexts, so the
    method is there, and an annotation as `ObjectContext` changes nothing.

    ```python fails="retried with RT0017"
    import restate

    orders = restate.Service("orders")


    @orders.handler()
    async def place(ctx: restate.ObjectContext, item: str) -> str:
        ctx.set("item", item)  # expect: REA601 "`orders.place` is a handler of a service"
        return item
    ```

    A virtual object has state, one for each key:

    ```python
    import restate

    orders = restate.VirtualObject("orders")


    @orders.handler()
    async def place(ctx: restate.ObjectContext, item: str) -> str:
        ctx.set("item", item)
        return item
    ```

    A helper that both objects and services use is right or wrong by who calls it. Where it runs the operation on every path, the call
    from the service is reported; where it has branches, the service may have its own, and nothing is said:

    ```python
    import restate

    orders = restate.Service("orders")
    carts = restate.VirtualObject("carts")


    def remember(ctx, item):
        ctx.set("item", item)


    def remember_if(ctx, item, keep):
        if keep:
            ctx.set("item", item)


    @carts.handler()
    async def add(ctx, item):
        remember(ctx, item)
        remember_if(ctx, item, True)


    @orders.handler()
    async def place(ctx, item):
        remember(ctx, item)  # expect: REA601 "`remember` calls `ctx.set`, which"
        remember_if(ctx, item, False)
        settings = {}
        settings.get("item")
        return item
    ```

    Type checkers see it where the context is annotated as what it is, `restate.Context`.
    """
    for found in reaching.misplaced(thing, code, STATE):
        if "service" in found.contexts:
            handler = found.contexts["service"]
            yield Finding(
                found.span,
                f"{reaching.spelled(found, code)} needs state, and `{handler.display}` is a handler of a service, which has none: Restate refuses it"
                f" (RT0017), and the invocation is retried for ever; make `{handler.service}` a `restate.VirtualObject`.",
                None,
                found.related,
            )
