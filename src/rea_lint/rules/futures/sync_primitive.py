"""REA313: a lock, event or queue of the process between invocations."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rea_lint import cst
from rea_lint.diagnostic import Finding, Related, Severity
from rea_lint.durable import Durable
from rea_lint.packs import Effect
from rea_lint.project import Region, Use
from rea_lint.rule import rule
from rea_lint.rules import catching, triggers

if TYPE_CHECKING:
    from rea_lint.facts import Function, Refs
    from rea_lint.project import Project

BLOCKS = re.compile(r"(threading|multiprocessing)\.(Lock|RLock|Condition|Semaphore|BoundedSemaphore)\(\)")
YIELDS = re.compile(r"asyncio\.(Lock|Condition|Semaphore|BoundedSemaphore)\(\)")
WAITS = re.compile(r"asyncio\.(Event|Condition|Barrier|Queue|PriorityQueue|LifoQueue)\(\)\.(wait|wait_for|get|put|join)")


def _may_hold_a_lock(function: Function, project: Project) -> bool:
    return any(BLOCKS.fullmatch(value) or YIELDS.fullmatch(value) for value in triggers.mentions(function, project))


@rule(
    "REA313",
    "sync-primitive",
    Severity.ERROR,
    effects=[Effect.LOCK],
    trigger=_may_hold_a_lock,
    docs="https://docs.restate.dev/foundations/services",
)
def sync_primitive(thing: cst.With | Use, code: Durable) -> Iterator[Finding]:
    """
    Invocations wait for each other by a lock, event or queue of the process.

    A lock of `threading` that is held over an `await` stops everything: the next invocation that wants it blocks the thread on which all handlers
    run, and so the first one never gets to the end of its `await`.

    ```python fails="hang"
    import threading
    from datetime import timedelta

    import restate

    orders = restate.Service("orders")

    lock = threading.Lock()


    @orders.handler()
    async def place(ctx: restate.Context, item: str) -> str:
        with lock:  # expect: REA313 "over an `await`"
            await ctx.sleep(timedelta(seconds=1))
        return item
    ```

    Handlers of a virtual object take turns, for each key, in whatever process they run:

    ```python
    from datetime import timedelta

    import restate

    orders = restate.VirtualObject("orders")


    @orders.handler()
    async def place(ctx: restate.ObjectContext, item: str) -> str:
        ctx.object_send(place, key=ctx.key(), arg=item, send_delay=timedelta(seconds=1))
        return item
    ```

    What `asyncio` has blocks no thread, but Restate knows nothing of it. A handler that is suspended gives the lock back, one in another process
    does not see it; and an event or a queue that was served before the replay is not served again. There are awakeables, promises and
    signals for that.

    ```python fails="hang"
    import asyncio

    import restate

    orders = restate.Service("orders")

    paid = asyncio.Event()


    @orders.handler()
    async def place(ctx: restate.Context, item: str) -> str:
        await paid.wait()  # expect: REA313 "`asyncio.Event`"
        ctx.service_send(ship, arg=item)
        return item


    @orders.handler()
    async def ship(ctx: restate.Context, item: str) -> None:
        pass
    ```

    A lock that is given back before the handler waits is fine, and so is one in a step, or of the invocation's own:

    ```python
    import asyncio
    import threading

    import restate

    orders = restate.Service("orders")

    lock = threading.Lock()
    limit = asyncio.Semaphore(4)


    async def charge() -> str:
        async with limit:
            return "paid"


    @orders.handler()
    async def place(ctx: restate.Context, item: str) -> str:
        own = asyncio.Lock()
        with lock:
            item = item.upper()
        async with own:
            return await ctx.run_typed("charge", charge)
    ```

    A semaphore around durable work is a warning: it limits how many run at a time until one of them is suspended. Put it in the step.

    ```python
    import asyncio

    import restate

    orders = restate.Service("orders")

    limit = asyncio.Semaphore(4)


    def charge() -> str:
        return "paid"


    @orders.handler()
    async def place(ctx: restate.Context, item: str) -> str:
        async with limit:  # expect: REA313 "gives it back"
            return await ctx.run_typed("charge", charge)
    ```
    """
    if isinstance(thing, Use):
        yield from _waited(thing, code)
        return
    for item in thing.items:
        names = code.resolve(item.item)
        blocking = next((name for name in sorted(names) if BLOCKS.fullmatch(name)), None)
        if blocking is not None and thing.asynchronous is None:
            first = next((node for node in code.within(thing.body) if isinstance(node, cst.Await)), None)
            if first is not None:
                yield Finding(
                    code.span(item.item),
                    f"`{blocking[:-2]}` is held over an `await`: the next invocation that wants it blocks the thread that all handlers run on, this one, too;"
                    " use a virtual object, whose handlers take turns.",
                    None,
                    (Related(code.path, code.span(first), "the handler waits here"),),
                )
        yielding = next((name for name in sorted(names) if YIELDS.fullmatch(name)), None)
        if yielding is not None and thing.asynchronous is not None and _is_shared(code.refs(item.item), code):
            found = next((each for node in code.within(thing.body) for each in catching.awaited(node, code) if each.is_durable), None)
            if found is not None:
                yield Finding(
                    code.span(item.item),
                    f"`{yielding[:-2]}` is held while the handler waits for {found.display}: a suspended handler gives it back, and another process does not"
                    " see it; use a virtual object, whose handlers take turns.",
                    None,
                    (Related(code.project.path_of(found.function), found.span, f"{found.display} is awaited here"),),
                    Severity.WARNING if "Semaphore" in yielding else None,
                )


def _waited(use: Use, code: Durable) -> Iterator[Finding]:
    """A handler waits for what other invocations do, and Restate does not know of it."""
    if len(use.chain) > 1 or use.call is None or not WAITS.fullmatch(use.primitive):
        return
    if _is_shared(tuple(ref.rpartition(".")[0] for ref in use.call.callees), code):
        primitive = use.primitive.partition("()")[0]
        yield Finding(
            use.span,
            f"The handler waits for an `{primitive}` that invocations share: Restate does not know of it, and what was served before a replay is not served"
            " again; use an awakeable, a promise or a signal.",
        )


def _is_shared(refs: Refs, code: Durable) -> bool:
    """Whether a variable is one of a module, a class, or a function around the handler."""
    functions = [ref.partition(":")[0] for ref in refs]
    return bool(refs) and all(
        "(" not in ref and (":" not in ref or (code.project.region(function) is Region.OTHER and "." not in ref.rpartition(":")[2]))
        for ref, function in zip(refs, functions, strict=True)
    )
