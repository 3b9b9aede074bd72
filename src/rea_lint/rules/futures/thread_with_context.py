"""REA304: a thread or process that is given the context."""

from __future__ import annotations

from collections.abc import Iterator

from rea_lint import words
from rea_lint.diagnostic import Finding, Severity
from rea_lint.durable import Durable
from rea_lint.packs import Effect
from rea_lint.project import Use
from rea_lint.rule import rule
from rea_lint.rules import work


@rule(
    "REA304", "thread-with-context", Severity.ERROR, effects=[Effect.THREAD], docs="https://docs.restate.dev/develop/python/durable-steps"
)
def thread_with_context(use: Use, code: Durable) -> Iterator[Finding]:
    """
    Another thread, or another process, is given the context.

    A context belongs to one invocation, and to the event loop on which the handler runs. The state machine behind it is not made for two
    threads: an operation from a second one is journaled wherever it happens to come, or raises, or comes after the handler has returned
    and is lost. On replay it comes elsewhere, and the invocation fails with RT0016.

    ```python fails="lost write"
    import threading
    import time

    import restate

    orders = restate.VirtualObject("orders")


    def remember(ctx: restate.ObjectContext, state: str) -> None:
        time.sleep(0.05)  # rea-lint: ignore[REA106] work
        ctx.set("state", state)


    @orders.handler()
    async def place(ctx: restate.ObjectContext, item: str) -> None:
        threading.Thread(target=remember, args=(ctx, item)).start()  # expect: REA304 "the context"
        ctx.set("item", item)
    ```

    Compute in the step, and use the context in the handler. A step's action that is a plain `def` runs in a thread of its own: it may
    block, and it needs no `to_thread`.

    ```python
    import time

    import restate

    orders = restate.VirtualObject("orders")


    def compute(item: str) -> str:
        time.sleep(0.05)
        return f"{item} is packed"


    @orders.handler()
    async def place(ctx: restate.ObjectContext, item: str) -> None:
        ctx.set("state", await ctx.run_typed("compute", compute, item=item))
    ```

    Threads that the context does not reach are fine as far as this rule goes, and in a step all are:

    ```python
    import asyncio
    from concurrent.futures import ThreadPoolExecutor
    from functools import partial

    import restate

    orders = restate.VirtualObject("orders")


    def crunch(key: str = "") -> int:
        return len(key)


    async def crunch_twice() -> int:
        with ThreadPoolExecutor() as pool:
            pool.submit(crunch)
        return await asyncio.to_thread(crunch)


    class Pool:
        def submit(self, ctx: restate.ObjectContext) -> str:
            return ctx.key()


    @orders.handler()
    async def place(ctx: restate.ObjectContext, item: str) -> None:
        await asyncio.to_thread(crunch, ctx.key())
        await ctx.run_typed("crunch", crunch_twice)
        Pool().submit(ctx)
        ThreadPoolExecutor().submit(lambda: ctx.set("state", item))  # expect: REA304
        ThreadPoolExecutor().submit(partial(ctx.set, "state", item))  # expect: REA304
    ```
    """
    call = work.primitive_call(code.project, use)
    if call is not None and work.carries_context(code.project, code.project.functions[use.inside], call):
        subject = words.subject(use, "takes", "which takes")
        yield Finding(
            use.span,
            f"{subject} the context to another thread: what it journals there comes in another order on replay, or too late; use"
            f" `{words.context(use, code)}` in the handler only, and compute in a step.",
            None,
            code.chain(use),
        )
