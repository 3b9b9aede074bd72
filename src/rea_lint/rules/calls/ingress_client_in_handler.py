"""REA805: the client for the world outside, in a handler."""

from __future__ import annotations

from collections.abc import Iterator

from rea_lint import words
from rea_lint.diagnostic import Finding, Severity
from rea_lint.durable import Durable
from rea_lint.packs import Effect
from rea_lint.project import Use
from rea_lint.rule import rule
from rea_lint.rules import reaching

MAKES = "restate.create_client"


@rule(
    "REA805",
    "ingress-client-in-handler",
    Severity.ERROR,
    effects=[Effect.NETWORK],
    docs="https://docs.restate.dev/develop/python/service-communication",
)
def ingress_client_in_handler(use: Use, code: Durable) -> Iterator[Finding]:
    """
    A handler calls another one through the ingress, as if it were a program outside.

    The client of `restate.create_client` is for programs that are no handlers: it sends an HTTP request and waits for the answer. The
    journal does not know of that, so each replay sends the request again, and the callee runs again. The invocation cannot suspend while
    it waits, a cancellation does not reach the callee, and an exclusive handler that gets back to its own key this way waits for itself.

    ```python fails="effect ran 2 times"
    import restate

    orders = restate.Service("orders")


    @orders.handler()
    async def charge(ctx: restate.Context, amount: int) -> str:
        return f"{amount} paid"


    @orders.handler()
    async def place(ctx: restate.Context, amount: int) -> str:
        async with restate.create_client("http://localhost:8080") as client:  # expect: REA805 "again on every replay"
            return await client.service_call(charge, arg=amount)
    ```

    The context calls handlers, durably and once:

    ```python
    import restate

    orders = restate.Service("orders")


    @orders.handler()
    async def charge(ctx: restate.Context, amount: int) -> str:
        return f"{amount} paid"


    @orders.handler()
    async def place(ctx: restate.Context, amount: int) -> str:
        return await ctx.service_call(charge, arg=amount)


    async def main() -> None:
        async with restate.create_client("http://localhost:8080") as client:
            print(await client.service_call(place, arg=3))
    ```

    A client that comes from somewhere else is found too. In a step it is no error: a step may send requests.

    ```python
    import restate

    orders = restate.Service("orders")


    async def notify(client: restate.RestateClient, amount: int) -> None:
        await client.service_send(place, arg=amount)


    async def elsewhere(amount: int) -> None:
        async with restate.create_client("https://another.test") as client:
            await client.service_send(place, arg=amount)


    class Shop:
        client: restate.RestateClient

        def create_client(self) -> str:
            return "a client"


    shop = Shop()


    @orders.handler()
    async def place(ctx: restate.Context, amount: int) -> None:
        shop.create_client()
        await notify(shop.client, amount)  # expect: REA805 "`app.notify` calls"
        await ctx.run_typed("elsewhere", elsewhere, amount=amount)
    ```
    """
    if not use.primitive.startswith(reaching.INGRESS):
        return
    made_here = {each.primitive for each in code.project.uses(use.function) if each.span != use.span}
    if use.primitive != MAKES and MAKES in made_here:  # said where the client is made
        return
    context = words.context(use, code)
    subject = words.subject(use, "is", "which is")
    yield Finding(
        use.span,
        f"{subject} for programs outside: nothing of it is journaled, and the request is sent again on every replay; call the handler with `{context}`.",
        None,
        code.chain(use),
    )
