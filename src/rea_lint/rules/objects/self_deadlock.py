"""REA605: an exclusive handler that waits for itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rea_lint.diagnostic import Finding, Severity
from rea_lint.durable import Durable
from rea_lint.facts import Function
from rea_lint.graph import Origin
from rea_lint.rule import rule
from rea_lint.rules import waiting, work

if TYPE_CHECKING:
    from rea_lint.graph import Link
    from rea_lint.project import Project
    from rea_lint.text import Span

RACES = frozenset({"restate.select", "restate.as_completed", "restate.wait_completed"})  # they go on when something else comes


@rule("REA605", "self-deadlock", Severity.ERROR, patient=True, docs="https://docs.restate.dev/develop/python/service-communication")
def self_deadlock(function: Function, code: Durable) -> Iterator[Finding]:
    """
    An exclusive handler calls its own object, with its own key, and waits for the answer.

    Of the exclusive handlers of a virtual object one runs at a time for each key. The call is queued until the key is free, the key is free
    when the caller ends, and the caller waits for the call: it never ends. No error is raised, nothing is retried, and every later call
    to the key is queued behind it. Only cancelling the invocation frees the key.

    ```python fails="deadlock"
    import restate

    carts = restate.VirtualObject("carts")


    @carts.handler()
    async def total(ctx: restate.ObjectContext) -> int:
        ctx.set("asked", True)
        return await ctx.get("total", type_hint=int) or 0


    @carts.handler()
    async def checkout(ctx: restate.ObjectContext) -> int:
        return await ctx.object_call(total, key=ctx.key(), arg=None)  # expect: REA605 "`carts.checkout` keeps its key"
    ```

    The handler has the key, the state and the context already. What both handlers do is a function that both of them call:

    ```python
    import restate

    carts = restate.VirtualObject("carts")


    async def asked(ctx: restate.ObjectContext) -> int:
        ctx.set("asked", True)
        return await ctx.get("total", type_hint=int) or 0


    @carts.handler()
    async def total(ctx: restate.ObjectContext) -> int:
        return await asked(ctx)


    @carts.handler()
    async def checkout(ctx: restate.ObjectContext) -> int:
        return await asked(ctx)
    ```

    A message to oneself is queued, and nobody waits for it. A shared handler needs no key. Another key is another object:

    ```python
    from datetime import timedelta

    import restate

    accounts = restate.VirtualObject("accounts")


    class Ledger:
        def key(self) -> str:
            return "ledger"


    @accounts.handler(kind="shared")
    async def balance(ctx: restate.ObjectSharedContext) -> int:
        return await ctx.get("balance", type_hint=int) or 0


    @accounts.handler()
    async def deposit(ctx: restate.ObjectContext, amount: int) -> int:
        now = await ctx.object_call(balance, key=ctx.key(), arg=None)
        ctx.set("balance", now + amount)
        return now + amount


    @accounts.handler()
    async def transfer(ctx: restate.ObjectContext, to: str) -> None:
        await ctx.object_call(deposit, key=to, arg=1)
        await ctx.object_call(deposit, key=Ledger().key(), arg=1)
        ctx.object_send(deposit, key=ctx.key(), arg=-1)
        ctx.object_send(transfer, key=ctx.key(), arg=to, send_delay=timedelta(days=30))
    ```

    Keys and futures are followed through variables and helpers, and names that are written down are read:

    ```python
    import restate

    accounts = restate.VirtualObject("accounts")


    async def refund(ctx, key):
        await ctx.object_call(deposit, key, 1)  # expect: REA605 "`accounts.close` keeps its key"


    @accounts.handler()
    async def deposit(ctx, amount):
        ctx.set("amount", amount)


    @accounts.handler()
    async def close(ctx, amount):
        me = ctx.key()
        await refund(ctx, me)
        back = ctx.object_call(deposit, me, amount)
        await ctx.generic_call("accounts", "deposit", b"1", key=me)  # expect: REA605
        await restate.gather(back, ctx.object_call(deposit, "bank", amount))  # expect: REA605 "with the same key"
    ```
    """
    by_place = code.project.once(_of_themselves)
    for wait in function.waits if by_place else ():
        call = function.call(wait.span)
        if wait.place == wait.span or (call is not None and not RACES.isdisjoint(code.project.resolve(call.callees))):
            continue
        for each in waiting.waited_for(wait, function, code.project):
            link = by_place.get((code.project.path_of(each.function), work.origin(code.project, each)))
            if link is not None:
                yield Finding(
                    wait.place,
                    f"`{link.caller.display}` keeps its key while it waits for `{link.name}` with the same key, which waits for the key: neither ever goes on;"
                    " call a function that both handlers share, or send a message and do not wait.",
                    None,
                    waiting.created(each, code, wait.place),
                )
                break


def _of_themselves(project: Project) -> dict[tuple[str, Span], Link]:
    """The calls of exclusive handlers to their own object and key, by file and place; of those at one place the first."""
    found: dict[tuple[str, Span], Link] = {}
    for link in project.links:
        if _is_of_itself(link):
            found.setdefault((link.path, link.call.span), link)
    return found


def _is_of_itself(link: Link) -> bool:
    """Whether an exclusive handler calls an exclusive handler of its own object."""
    target = link.target
    return (
        link.is_sure
        and link.key.origin is Origin.OWN
        and target is not None
        and (link.caller.kind, target.kind) == ("exclusive", "exclusive")
        and link.caller.service == target.service
    )
