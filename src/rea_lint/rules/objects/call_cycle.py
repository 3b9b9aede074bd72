"""REA606: exclusive handlers that wait for each other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rea_lint import graph
from rea_lint.diagnostic import Finding, Related, Severity
from rea_lint.graph import Origin
from rea_lint.project import Project
from rea_lint.rule import rule

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rea_lint.graph import Crossing, Link, Return


@rule("REA606", "call-cycle", Severity.WARNING, docs="https://docs.restate.dev/develop/python/service-communication")
def call_cycle(project: Project) -> Iterator[Finding]:
    """
    Exclusive handlers wait for each other in a circle.

    An exclusive handler keeps its key until it ends. If it waits for a handler that, itself or through others, waits for an exclusive handler
    of the first object with the same key, that one is queued behind the first, and none of them ever goes on. Nothing is raised or
    retried; later calls to the keys are queued as well, until one of the invocations is cancelled.

    Where each call passes its own key on, that happens every time, and the finding is an error:

    ```python fails="deadlock"
    import restate

    carts = restate.VirtualObject("carts")
    stocks = restate.VirtualObject("stocks")


    @stocks.handler()
    async def reserve(ctx: restate.ObjectContext, item: str) -> None:
        ctx.set("reserved", item)
        await ctx.object_call(add, key=ctx.key(), arg=item)


    @carts.handler()
    async def add(ctx: restate.ObjectContext, item: str) -> None:
        ctx.set("item", item)


    @carts.handler()
    async def checkout(ctx: restate.ObjectContext, item: str) -> None:
        await ctx.object_call(reserve, key=ctx.key(), arg=item)  # expect: REA606 "`carts.checkout` waits for `stocks.reserve`, which waits for `carts.add`"
    ```

    One of the calls becomes a message, or its answer is what the first handler needs to go on itself:

    ```python
    import restate

    carts = restate.VirtualObject("carts")
    stocks = restate.VirtualObject("stocks")


    @stocks.handler()
    async def reserve(ctx: restate.ObjectContext, item: str) -> None:
        ctx.set("reserved", item)
        ctx.object_send(add, key=ctx.key(), arg=item)


    @carts.handler()
    async def add(ctx: restate.ObjectContext, item: str) -> None:
        ctx.set("item", item)


    @carts.handler()
    async def checkout(ctx: restate.ObjectContext, item: str) -> None:
        await ctx.object_call(reserve, key=ctx.key(), arg=item)
    ```

    Where the keys are not known to be the same, it is a warning. Services on the way change nothing, and a key that goes through as their
    argument is followed:

    ```python
    import restate

    carts = restate.VirtualObject("carts")
    prices = restate.Service("prices")


    @prices.handler()
    async def update(ctx: restate.Context, cart: str) -> None:
        await ctx.object_call(reprice, key=cart, arg=1)


    @carts.handler()
    async def reprice(ctx: restate.ObjectContext, price: int) -> None:
        ctx.set("price", price)


    @carts.handler()
    async def checkout(ctx: restate.ObjectContext) -> None:
        await ctx.service_call(update, arg=ctx.key())  # expect: REA606 "with the key that it keeps"


    @carts.handler()
    async def merge(ctx: restate.ObjectContext, other: str) -> None:
        await ctx.service_call(update, arg=other)  # expect: REA606 "if the key is the same"
    ```

    Two handlers that are called at the same time can wait for each other too, each with the key that the other needs:

    ```python
    import restate

    carts = restate.VirtualObject("carts")
    stocks = restate.VirtualObject("stocks")


    @stocks.handler()
    async def reserve(ctx: restate.ObjectContext, item: str) -> None:
        ctx.set("reserved", item)


    @stocks.handler()
    async def recall(ctx: restate.ObjectContext, item: str) -> None:
        await ctx.object_call(remove, key=ctx.key(), arg=item)


    @carts.handler()
    async def remove(ctx: restate.ObjectContext, item: str) -> None:
        ctx.clear(item)


    @carts.handler()
    async def checkout(ctx: restate.ObjectContext, item: str) -> None:
        await ctx.object_call(reserve, key=ctx.key(), arg=item)  # expect: REA606 "at the same time"
    ```

    Chains that end, come back to a shared handler, or wait for an object of the same kind with another key are no circles:

    ```python
    import restate

    folders = restate.VirtualObject("folders")
    quotas = restate.VirtualObject("quotas")


    @folders.handler(kind="shared")
    async def name(ctx: restate.ObjectSharedContext) -> str:
        return await ctx.get("name", type_hint=str) or ""


    @quotas.handler()
    async def count(ctx: restate.ObjectContext, folder: str) -> None:
        ctx.set("last", await ctx.object_call(name, key=folder, arg=None))


    @folders.handler()
    async def delete(ctx: restate.ObjectContext, children: list[str]) -> None:
        for child in children:
            await ctx.object_call(delete, key=child, arg=[])
        await ctx.object_call(count, key="all", arg=ctx.key())
        ctx.clear_all()
    ```
    """
    for each in graph.returns(project.links):
        if len(each.links) > 1:  # of one, self-deadlock tells
            yield _finding(each.links, *_of_return(each))
    for crossing in graph.crossings(project.links):
        yield _finding([link for chain in crossing.chains for link in chain], *_of_crossing(crossing))


def _of_return(found: Return) -> tuple[str, Severity]:
    first, last = found.links[0].caller.display, found.links[-1].name
    if found.key.origin is Origin.OWN and all(link.is_sure for link in found.links):
        return f"{_path(found.links)} with the key that it keeps: none of them ever goes on", Severity.ERROR
    return f"{_path(found.links)}: if the key is the same, `{last}` waits for `{first}` to end, and none of them goes on", Severity.WARNING


def _of_crossing(found: Crossing) -> tuple[str, Severity]:
    one, other = (_path(chain) for chain in found.chains)
    if found.keeps_key:
        return f"{one}, and {other}: at the same time, with the same key, they wait for each other for ever", Severity.WARNING
    return f"{one}, and {other}: at the same time, each with the key that the other needs, they wait for ever", Severity.INFO


def _path(links: Iterable[Link]) -> str:
    """The calls as words: "`a.b` waits for `c.d`, which waits for `e.f`"."""
    first, *rest = links
    return f"`{first.caller.display}` waits for `{first.name}`" + "".join(f", which waits for `{link.name}`" for link in rest)


def _finding(links: Iterable[Link], message: str, severity: Severity) -> Finding:
    first, *rest = links
    related = tuple(Related(link.path, link.call.span, f"`{link.caller.display}` calls `{link.name}`") for link in rest)
    said = f"{message}; send a message in place of one of the calls."
    return Finding(first.call.span, said, None, related, severity, first.path)
