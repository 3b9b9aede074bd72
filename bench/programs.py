"""Durable programs, written by a dice that always falls the same: helpers, and handlers of some 40 lines as services have them.

Most handlers are clean; every `FAULTY`-th has one fault, as real code does.
"""

from __future__ import annotations

from string import Template
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator, Sequence

FAULTY = 6

HELPER = Template('''\
"""Items of kind $number: what they are, where they are kept, how they are shown."""

import logging
from dataclasses import dataclass, field

import httpx
$imports

logger = logging.getLogger(__name__)


@dataclass
class Item$number:
    name: str
    amount: int = 0
    tags: list[str] = field(default_factory=list)

    def total(self, factor: int) -> int:
        return self.amount * factor

    def renamed(self, name: str) -> "Item$number":
        return Item$number(name, self.amount, list(self.tags))


class Client$number:
    def __init__(self, base: str) -> None:
        self.base = base
        self.http = httpx.AsyncClient(base_url=base)

    async def fetch(self, key: str) -> Item$number:
        answer = await self.http.get(f"/{key}")
        answer.raise_for_status()
        data = answer.json()
        return Item$number(data["name"], int(data["amount"]))

    async def charge(self, key: str, cents: int) -> str:
        answer = await self.http.post(f"/{key}/charges", json={"cents": cents})
        return answer.json()["id"]

    async def refund(self, charge: str) -> None:
        await self.http.delete(f"/charges/{charge}")


def load$number(key: str) -> Item$number:
    parts = key.split("/")
    if len(parts) > 2:
        raise ValueError(key)
    total = sum(len(part) for part in parts)
$uses    return Item$number(parts[0], total)


def describe$number(item: Item$number) -> str:
    lines = [f"{item.name}: {item.amount}"]
    for tag in sorted(item.tags):
        lines.append(tag.upper())
    return "\\n".join(lines)
''')

HEAD = Template('''\
"""The service $name."""

import random
import time
import uuid
from datetime import datetime, timedelta

import restate
$imports
CLIENT = $first.Client$first_number("https://$name.example.com")
LIMIT = 10

$name = restate.VirtualObject("$name")
${name}_jobs = restate.Service("${name}Jobs")
''')

HANDLERS = tuple(
    Template(text)
    for text in (
        '''

@$name.handler()
async def order$number(ctx: restate.ObjectContext, key: str) -> str:
    """Takes an order: reserves, charges, confirms; undoes what it did if it cannot."""
    state = await ctx.get("state", type_hint=str) or "new"
    if state != "new":
        raise restate.TerminalError(f"{key} is {state} already", status_code=409)
    item = $helper.load$helper_number(key)
    undo = []
    cents = 0
    for position, tag in enumerate(item.tags):
        if position % 2 == 0:
            cents += item.total(position)
        else:
            cents -= len(tag)
    $fault

    async def charge() -> str:
        return await CLIENT.charge(key, cents)

    try:
        undo.append(charge)
        receipt = await ctx.run_typed("charge", charge)
        ctx.set("state", "charged")
        if cents > LIMIT:
            ctx.object_send(order$number, key=f"{key}/rest", arg=key, send_delay=timedelta(seconds=cents))
        elif cents < 0:
            raise restate.TerminalError("nothing to charge")
        shown = await ctx.run_typed("describe", lambda: $helper.describe$helper_number(item))
    except restate.TerminalError:
        ctx.set("state", "failed")
        for _ in reversed(undo):
            await ctx.run_typed("refund", CLIENT.refund, charge=key)
        raise
    ctx.set("receipt", receipt)
    ctx.set("state", "done")
    lines = [line for line in (shown, receipt, state) if line]
    return ", ".join(lines)
''',
        '''

@${name}_jobs.handler()
async def approve$number(ctx: restate.Context, request: dict) -> dict:
    """Asks a human, and goes on with what was said."""
    key = str(request["key"])
    attempts = int(request.get("attempts", 0))
    if attempts >= LIMIT:
        return {"key": key, "approved": False, "reason": "asked too often"}
    attempts += 1
    item = $helper.load$helper_number(key)
    name, promise = ctx.awakeable(type_hint=str)
    $fault

    async def ask() -> str:
        found = await CLIENT.fetch(name)
        return found.renamed(key).name

    asked = await ctx.run_typed("ask", ask)
    match await restate.select(answer=promise, timeout=ctx.sleep(timedelta(hours=24))):
        case ["answer", said]:
            approved = said == "yes"
        case _:
            approved = False
    weights = {tag: len(tag) for tag in item.tags}
    total = 0
    while total < LIMIT and weights:
        tag, weight = weights.popitem()
        total += weight if tag else 0
    if approved:
        ctx.generic_send("Audit", "approved", str(total).encode())
        attempts = 0
    else:
        ctx.generic_send("Audit", "refused", key.encode())
    parts = [asked, str(total)]
    if not all(parts):
        raise restate.TerminalError("an empty answer")
    reason = " / ".join(sorted(parts))
    return {"key": key, "approved": approved, "reason": reason}
''',
        '''

@$name.handler()
async def collect$number(ctx: restate.ObjectContext, keys: list[str]) -> list[str]:
    """Fetches many things at once, and keeps those that were new."""
    known = await ctx.get("known", type_hint=list) or []
    wanted = [key for key in keys if key not in known]
    if not wanted:
        return known
    items = {key: $helper.load$helper_number(key) for key in wanted}
    $fault

    def worth(key: str) -> int:
        item = items[key]
        return item.total(2) if item.tags else item.amount

    ordered = sorted(wanted, key=worth)
    futures = [
        ctx.run_typed(f"fetch {position}", CLIENT.fetch, restate.RunOptions(max_attempts=3), key=key)
        for position, key in enumerate(ordered)
    ]
    fetched = await restate.gather(*futures)
    results = []
    for future, key in zip(fetched, ordered, strict=True):
        found = await future
        if found.amount == 0:
            continue
        if found.name.startswith("_") or len(results) > LIMIT:
            break
        results.append(f"{key}: {found.name}")
    total = sum(worth(key) for key in ordered)
    if total < 0:
        raise restate.TerminalError("worth less than nothing")
    known = [*known, *results]
    ctx.set("known", known)
    ctx.set("total", total)
    names = ", ".join(results)
    if names:
        ctx.set("names", names)
    return known
''',
        '''

@${name}_jobs.handler()
async def remind$number(ctx: restate.Context, plan: dict) -> int:
    """Reminds people until they react, at longer and longer distances."""
    people = list(plan["people"])
    rounds = int(plan.get("rounds", 3))
    sent = 0
    item = $helper.load$helper_number(people[0] if people else "nobody")
    delay = 60
    $fault
    for number in range(rounds):
        for person in people:
            text = f"{person}: {item.name}, for the {number + 1}. time"

            async def send(text: str = text) -> str:
                return await CLIENT.charge(text, 0)

            try:
                await ctx.run_typed(f"send {number} {person}", send)
            except restate.TerminalError as error:
                ctx.generic_send("Audit", "failed", str(error).encode())
                continue
            sent += 1
        reacted = (await ctx.generic_call("$name", "reacted", b"", plan["key"])).decode().split(",")
        people = [person for person in people if person not in reacted]
        if not people:
            break
        await ctx.sleep(timedelta(seconds=delay))
        delay = min(delay * 2, 86_400)
    else:
        ctx.generic_send("Audit", "given up", ",".join(people).encode())
    summary = $helper.describe$helper_number(item)
    if len(summary) > LIMIT:
        summary = summary[:LIMIT] + "..."
    ctx.generic_send("Audit", "summary", summary.encode())
    return sent
''',
    )
)

CLEAN = 'ctx.generic_send("Audit", "seen", b"")'
FAULTS = (
    'ctx.generic_send("Audit", "seen", datetime.now().isoformat().encode())',
    'ctx.generic_send("Audit", "seen", uuid.uuid4().bytes)',
    'ctx.generic_send("Audit", "seen", str(random.randint(1, LIMIT)).encode())',
    "time.sleep(1)",
    'ctx.run_typed("warm up", CLIENT.fetch, key="start")',
    'ctx.generic_send("Audit", "seen", str(time.time()).encode())',
)


def helper(number: int, imported: Sequence[int], package: str) -> str:
    """A module `item{number}` that uses those of the numbers in `imported`."""
    return HELPER.substitute(
        number=number,
        imports="".join(f"\nfrom {package} import item{other}" for other in imported),
        uses="".join(f"    other{other} = item{other}.load{other}(key)\n    total += other{other}.total(2)\n" for other in imported),
    )


def service(name: str, handlers: int, helpers: Sequence[int], package: str, dice: random.Random) -> str:
    """A module with an object of that name, whose handlers use the helpers (one at least) of those numbers."""
    head = HEAD.substitute(
        name=name,
        imports="".join(f"from {package} import item{number}\n" for number in helpers),
        first=f"item{helpers[0]}",
        first_number=helpers[0],
    )
    return head + "".join(_handlers(name, handlers, helpers, dice))


def _handlers(name: str, count: int, helpers: Sequence[int], dice: random.Random) -> Iterator[str]:
    for number in range(count):
        used = dice.choice(helpers)
        fault = dice.choice(FAULTS) if dice.randrange(FAULTY) == 0 else CLEAN
        yield dice.choice(HANDLERS).substitute(name=name, number=number, helper=f"item{used}", helper_number=used, fault=fault)
