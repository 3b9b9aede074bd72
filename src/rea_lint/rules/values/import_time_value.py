"""REA115: a value that was drawn when the process started."""

from __future__ import annotations

from collections.abc import Iterator

from rea_lint.diagnostic import Finding, Related, Severity
from rea_lint.durable import Durable
from rea_lint.effects import display
from rea_lint.flow import Sink
from rea_lint.project import Shared
from rea_lint.rule import rule
from rea_lint.rules import outliving


@rule("REA115", "import-time-value", Severity.WARNING, docs="https://docs.restate.dev/develop/python/durable-steps")
def import_time_value(shared: Shared, code: Durable) -> Iterator[Finding]:
    """
    A time, uuid or random number that was drawn at import reaches a durable operation.

    It is the same for as long as the process lives, so tests and most replays pass. But a replay after a restart, on another replica or in a
    new deployment has another one. If it is an argument of a durable operation, or decides which of them run, the invocation then fails with a
    journal mismatch (RT0016), and all that were in flight at the restart do so together.

    ```python fails="journal mismatch"
    import uuid

    import restate

    orders = restate.VirtualObject("orders")

    BATCH = str(uuid.uuid4())


    @orders.handler()
    async def place(ctx: restate.ObjectContext, item: str) -> str:
        ctx.set("order", {"item": item, "batch": BATCH})  # expect: REA115 "`uuid.uuid4`"
        return item
    ```

    Draw it in the handler, where it is journaled:

    ```python
    import restate

    orders = restate.VirtualObject("orders")


    @orders.handler()
    async def place(ctx: restate.ObjectContext, item: str) -> str:
        ctx.set("order", {"item": item, "batch": str(ctx.uuid())})
        return item
    ```

    A default argument is computed at import, too:

    ```python
    import time

    import restate

    orders = restate.VirtualObject("orders")


    def note(ctx: restate.ObjectContext, item: str, at: float = time.time()) -> None:
        ctx.set(item, at)  # expect: REA115 "default of `at`"


    @orders.handler()
    async def place(ctx: restate.ObjectContext, item: str) -> str:
        note(ctx, item)
        return item
    ```

    It may be logged, returned or used in a step; and what is not drawn, or drawn when it is called, is no such value:

    ```python
    import logging
    import os
    import time
    import uuid
    from dataclasses import dataclass, field

    import restate

    orders = restate.VirtualObject("orders")

    STARTED = time.time()
    BATCH = str(uuid.uuid4())
    NAMESPACE = uuid.uuid5(uuid.NAMESPACE_DNS, "orders.test")
    REGION = os.environ.get("REGION", "eu")
    log = logging.getLogger(__name__)


    @dataclass
    class Order:
        item: str
        id: str = field(default_factory=lambda: str(uuid.uuid4()))


    def upload(batch: str) -> str:
        return batch


    def note(ctx: restate.ObjectContext, at: float = time.time()) -> None:
        ctx.set("at", at)


    @orders.handler()
    async def place(ctx: restate.ObjectContext, item: str) -> float:
        await ctx.run_typed("upload", lambda: upload(BATCH))
        ctx.set("order", str(uuid.uuid5(NAMESPACE, item)))
        note(ctx, at=3.5)
        return STARTED
    ```
    """
    origin = shared.variable.origin
    found = outliving.decided(shared, code, Sink.BRANCH, Sink.ARGUMENT) if origin is not None and not shared.changes else None
    if origin is None or found is None:
        return
    span, arrival = found
    name = shared.variable.name
    what = f"The default of `{name.rpartition(':')[2]}`" if ":" in name else f"`{shared.variable.display}`"
    yield Finding(
        span,
        f"{what} is drawn from `{display(origin.name)}` once, at import, and {arrival.says}: a replay after a"
        " restart has another value; draw it in the handler.",
        None,
        (Related(origin.path, origin.span, f"`{display(origin.name)}` is called here, at import"), arrival.related),
    )
