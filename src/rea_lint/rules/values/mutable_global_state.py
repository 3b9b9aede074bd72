"""REA107: a variable that outlives the invocation is changed and read by durable code."""

from __future__ import annotations

from collections.abc import Iterator

from rea_lint.diagnostic import Finding, Related, Severity
from rea_lint.durable import Durable
from rea_lint.flow import DECISIVE, Sink
from rea_lint.project import Shared
from rea_lint.rule import rule
from rea_lint.rules import outliving

UNSEEN = frozenset({Sink.LOG, Sink.DISCARDED, Sink.DURATION})


@rule("REA107", "mutable-global-state", Severity.WARNING, docs="https://docs.restate.dev/develop/python/state")
def mutable_global_state(shared: Shared, code: Durable) -> Iterator[Finding]:
    """
    A handler changes a variable that outlives the invocation, and reads it.

    A variable of a module belongs to the process. All invocations that run in it share the variable, a replay changes it once more, and a
    restart, or another replica, begins with the first value again. What the handler reads there is not what it read the first time. Where that
    decides which operations run, or reaches an argument of one, the replay does something else than the journal says, and the invocation
    fails with a journal mismatch (RT0016).

    ```python fails="journal mismatch"
    import restate

    tickets = restate.VirtualObject("tickets")

    issued: dict[str, int] = {}


    @tickets.handler()
    async def issue(ctx: restate.ObjectContext, seat: str) -> int:
        issued[ctx.key()] = issued.get(ctx.key(), 0) + 1  # expect: REA107 "changed again on every replay"
        number = issued[ctx.key()]  # expect: REA107 "reaches `ctx.set`"
        ctx.set("number", number)
        return number
    ```

    State of an object, by key, is what Restate keeps for a handler:

    ```python
    import restate

    tickets = restate.VirtualObject("tickets")


    @tickets.handler()
    async def issue(ctx: restate.ObjectContext, seat: str) -> int:
        number = (await ctx.get("number", type_hint=int) or 0) + 1
        ctx.set("number", number)
        return number
    ```

    A class that counts, a default that is a list, and a variable of the function that makes the service are such variables too, and so is one that
    only a step changes: on replay the step does not run.

    ```python
    import itertools

    import restate

    orders = restate.Service("orders")

    numbers = itertools.count()
    attempts = 0


    class Statistics:
        def __init__(self) -> None:
            self.placed = 0

        def place(self) -> int:
            self.placed += 1  # expect: REA107 "`Statistics.placed`"
            return self.placed  # expect: REA107


    statistics = Statistics()


    def remember(item: str, items: list[str] = []) -> list[str]:
        items.append(item)  # expect: REA107 "`items`"
        return items


    def charge() -> str:
        global attempts
        attempts += 1
        return "paid"


    @orders.handler()
    async def place(ctx: restate.Context, item: str) -> str:
        number = next(numbers)  # expect: REA107 "`numbers`"
        ctx.service_send(audit, arg=f"{number} {statistics.place()} {remember(item)}")
        await ctx.run_typed("charge", charge)
        return f"paid after {attempts}"  # expect: REA107 "`attempts`"


    @orders.handler()
    async def audit(ctx: restate.Context, line: str) -> None:
        pass
    ```

    Tables that nobody changes, a client that is made at first need, a cache of what does not change, loggers, objects that the handler makes
    for itself, and what only steps use are fine. So is a counter that durable code only raises, for others to read.

    ```python
    import logging
    import re

    import restate

    orders = restate.Service("orders")

    log = logging.getLogger(__name__)
    WORD = re.compile(r"[a-z]+")
    PRICES = {"tea": 3}
    client = None
    lengths: dict[str, int] = {}
    requests = 0
    seen: list[str] = []


    class Client:
        def charge(self, amount: int) -> str:
            return f"{amount} paid"


    class Cart:
        def __init__(self) -> None:
            self.total = 0

        def add(self, item: str) -> int:
            self.total += PRICES.get(item, 0)
            return self.total


    def get_client() -> Client:
        global client
        if client is None:
            client = Client()
        return client


    def length(word: str) -> int:
        if word not in lengths:
            lengths[word] = len(WORD.findall(word))
        return lengths[word]


    def charge(amount: int) -> str:
        seen.append(str(amount))
        return f"{get_client().charge(amount)}, {len(seen)} so far"


    def items() -> list[str]:
        found = []
        found.append("tea")
        return found


    @orders.handler()
    async def place(ctx: restate.Context, item: str) -> str:
        global requests
        requests += 1
        cart = Cart()
        for each in items():
            cart.add(each)
        return await ctx.run_typed("charge", charge, amount=cart.add(item) + length(item))
    ```

    pylint's W0603 reports each `global` statement, wherever it stands; this rule only variables that durable code both changes and reads.
    """
    if not shared.is_read or outliving.holds_context(shared, code) is not None or outliving.is_memo(shared, code):
        return
    if not shared.changes and not shared.elsewhere:
        return
    name = shared.variable.display
    goes = {span: code.consequence(span) for span in shared.reads}
    decisive = [span for span in goes if goes[span].sinks & DECISIVE]
    unseen = bool(goes) and not shared.elsewhere and all(each.sinks <= UNSEEN for each in goes.values())
    severity = Severity.ERROR if decisive else Severity.INFO if unseen else Severity.WARNING
    first = shared.changes[0].span if shared.changes else None
    instead = "keep it in the object's state, or in a local variable"
    if first is not None:
        arrival = goes[decisive[0]].worst if decisive else None
        said = f", and {arrival.says}" if arrival is not None else ""
        yield Finding(
            outliving.place(first, code),
            f"`{name}` outlives the invocation, and is changed again on every replay{said}; {instead}.",
            None,
            (Related(code.path, decisive[0], f"`{name}` is read here"),) if decisive else outliving.changed(shared, first),
            severity,
        )
    row = code.source.position(first.start).row if first is not None else 0
    read = next((span for span in [*decisive, *goes] if code.source.position(span.start).row != row), None)
    if read is not None:
        worst = goes[read].worst
        yield Finding(
            read,
            f"`{name}` outlives the invocation: on replay it holds what the attempts before have left there, and {worst.says}; {instead}.",
            None,
            (*outliving.changed(shared, read), worst.related),
            severity,
        )
