"""REA314: the context is kept where other invocations find it."""

from __future__ import annotations

from collections.abc import Iterator

from rea_lint.diagnostic import Finding, Severity
from rea_lint.durable import Durable
from rea_lint.project import Shared
from rea_lint.rule import rule
from rea_lint.rules import outliving


@rule("REA314", "context-escapes", Severity.WARNING, docs="https://docs.restate.dev/develop/python/services")
def context_escapes(shared: Shared, code: Durable) -> Iterator[Finding]:
    """
    The context is stored in a variable that outlives the invocation.

    A context belongs to one attempt of one invocation. Handlers run side by side in one process: while the first one waits, the second one
    stores its own context in the same place, and the first goes on with that. What it writes is journaled for somebody else, and its own
    replay misses it.

    ```python
    import restate

    orders = restate.VirtualObject("orders")


    class Session:
        ctx: restate.ObjectContext | None = None


    session = Session()


    @orders.handler()
    async def place(ctx: restate.ObjectContext, item: str) -> None:
        session.ctx = ctx  # expect: REA314 "`Session.ctx`"
        await remember(item)


    async def remember(item: str) -> None:
        session.ctx.set("item", item)
    ```

    Hand it over as an argument, keep it in an object of the invocation's own, or in a `ContextVar`:

    ```python
    from contextvars import ContextVar

    import restate

    orders = restate.VirtualObject("orders")

    current: ContextVar[restate.ObjectContext] = ContextVar("current")


    class Session:
        def __init__(self, ctx: restate.ObjectContext) -> None:
            self.ctx = ctx

        def remember(self, item: str) -> None:
            self.ctx.set("item", item)


    @orders.handler()
    async def place(ctx: restate.ObjectContext, item: str) -> None:
        current.set(ctx)
        Session(ctx).remember(item)
        contexts = {"own": ctx}
        contexts["again"] = ctx
    ```

    A container of the module, or a thread's locals, are shared as well: handlers run in one thread.

    ```python
    import threading

    import restate

    orders = restate.VirtualObject("orders")

    contexts: dict[str, restate.ObjectContext] = {}
    local = threading.local()


    @orders.handler()
    async def place(ctx: restate.ObjectContext, item: str) -> None:
        contexts[item] = ctx  # expect: REA314
        local.ctx = ctx  # expect: REA314 "`ctx`"
    ```
    """
    change = outliving.holds_context(shared, code)
    if change in shared.changes and change is not None:
        yield Finding(
            outliving.place(change.span, code),
            f"`{shared.variable.display}` outlives the invocation, and holds its context: another invocation in this process replaces it, or uses it;"
            " hand the context over as an argument.",
        )
