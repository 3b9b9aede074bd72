"""REA201: a request that is sent again on replay."""

from __future__ import annotations

from collections.abc import Iterator

from rea_lint import words
from rea_lint.diagnostic import Finding, Severity
from rea_lint.durable import Durable
from rea_lint.packs import Effect
from rea_lint.project import Use
from rea_lint.rule import rule
from rea_lint.rules import reaching


@rule("REA201", "http-outside-step", Severity.ERROR, effects=[Effect.NETWORK], docs="https://docs.restate.dev/develop/python/durable-steps")
def http_outside_step(use: Use, code: Durable) -> Iterator[Finding]:
    """
    A request is sent outside a step, so every replay sends it again.

    Restate replays a handler after a crash or a wait: it runs from its first line, and what the journal holds is not done again. A request
    is not in the journal. It is sent once more at each attempt, and what comes back may be another answer than the one that led to what is
    in the journal.

    ```python fails="effect ran 2 times"
    import requests
    import restate

    payments = restate.VirtualObject("payments")


    @payments.handler()
    async def pay(ctx: restate.ObjectContext, amount: int) -> None:
        charge = requests.post("https://pay.test/charges", json={"amount": amount}, timeout=10).json()  # expect: REA201 "`requests.post` runs outside a step"
        ctx.set("charge", charge["id"])
    ```

    A step runs once, and its result is journaled. It takes one more journal entry, so the change goes out as a new deployment. What the step
    gives has to be JSON (or be a type that is said by `type_hint`), so the answer is read within it:

    ```python fixed unsafe
    import requests
    import restate

    payments = restate.VirtualObject("payments")


    @payments.handler()
    async def pay(ctx: restate.ObjectContext, amount: int) -> None:
        charge = await ctx.run_typed("post", lambda: requests.post("https://pay.test/charges", json={"amount": amount}, timeout=10).json())
        ctx.set("charge", charge["id"])
    ```

    Helpers are followed, through any number of calls and modules. The finding stands where a context is at hand, and the step goes there:

    ```python
    # file: clients.py
    import requests


    def charge(amount: int) -> str:
        return requests.post("https://pay.test/charges", json={"amount": amount}, timeout=10).json()["id"]
    # file: app.py
    import restate
    from clients import charge

    payments = restate.Service("payments")


    @payments.handler()
    async def pay(ctx: restate.Context, amount: int) -> str:
        return charge(amount)  # expect: REA201 "`clients.charge` calls `requests.post`, which runs outside a step"
    ```

    ```python fixed unsafe
    # file: clients.py
    import requests


    def charge(amount: int) -> str:
        return requests.post("https://pay.test/charges", json={"amount": amount}, timeout=10).json()["id"]
    # file: app.py
    import restate
    from clients import charge

    payments = restate.Service("payments")


    @payments.handler()
    async def pay(ctx: restate.Context, amount: int) -> str:
        return await ctx.run_typed("charge", lambda: charge(amount))
    ```

    Only what the step calls is in the step. An argument is evaluated before, in the handler:

    ```python
    import requests
    import restate

    payments = restate.Service("payments")


    def pay_at(rate: float) -> float:
        return rate


    @payments.handler()
    async def pay(ctx: restate.Context, amount: int) -> float:
        return await ctx.run_typed("pay", pay_at, rate=requests.get("https://rates.test", timeout=10).json())  # expect: REA201
    ```

    Making a client or a request sends nothing, a name that sounds like a request is none, and steps may do as they like:

    ```python
    from urllib.parse import urljoin

    import httpx
    import restate

    payments = restate.Service("payments")


    class Cache:
        def get(self, url: str) -> str:
            return url


    async def fetch(client: httpx.AsyncClient, url: str) -> str:
        return (await client.get(url)).text


    @payments.handler()
    async def pay(ctx: restate.Context, options: dict[str, str]) -> str:
        client = httpx.AsyncClient()
        request = client.build_request("GET", urljoin("https://pay.test", "ping"))
        cached = Cache().get(options.get("url", str(request.url)))
        return await ctx.run_typed("fetch", fetch, client=client, url=cached)
    ```
    """
    if not use.primitive.startswith(reaching.INGRESS):  # that is ingress-client-in-handler
        yield from words.effect(use, code, "the request is sent again")
