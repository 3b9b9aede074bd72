"""REA308: a durable future is taken for its result."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rea_lint import cst, rewrite
from rea_lint.diagnostic import Finding, Related, Severity
from rea_lint.durable import Durable
from rea_lint.facts import Function
from rea_lint.project import Operation
from rea_lint.rule import rule
from rea_lint.rules import awaitable, kept
from rea_lint.rules.awaitable import Kind

if TYPE_CHECKING:
    from rea_lint.diagnostic import Fix
    from rea_lint.rewrite import Edits
    from rea_lint.rules.awaitable import Misuse

NAMES = frozenset({"gather", "wait_completed", "as_completed"})  # combinators that give futures; by another name they are not looked for


@rule(
    "REA308",
    "future-used-as-value",
    Severity.ERROR,
    operations=lambda info, _: info.gives == "future",
    docs="https://docs.restate.dev/develop/python/concurrent-tasks",
)
def future_used_as_value(thing: Operation | Function, code: Durable) -> Iterator[Finding]:
    """
    A durable future is used as if it were the result that comes of it.

    `ctx.get`, `ctx.run_typed` and the calls give a future at once; the result is there after `await`. An object that is no result is
    nevertheless true, so a condition on it always holds, and `or` never comes to its other side: the handler goes a wrong way, and
    completes.

    ```python fails="wrong result"
    import restate

    counters = restate.VirtualObject("counters")


    @counters.handler(kind="shared")
    async def state(ctx: restate.ObjectSharedContext) -> str:
        count = ctx.get("count", type_hint=int)
        if count:  # expect: REA308 "so the condition always holds"
            return "counted"
        return "new"
    ```

    ```python fixed unsafe
    import restate

    counters = restate.VirtualObject("counters")


    @counters.handler(kind="shared")
    async def state(ctx: restate.ObjectSharedContext) -> str:
        count = ctx.get("count", type_hint=int)
        if await count:
            return "counted"
        return "new"
    ```

    In arithmetic, as an item, returned or sent it raises a `TypeError`, and the invocation is retried for ever. `restate.gather` is a
    case of it: it waits for its futures and gives the same futures back, which have to be awaited each.

    ```python fails="retried with TypeError"
    import restate

    offers = restate.Service("offers")


    def price(shop: str) -> int:
        return len(shop)


    @offers.handler()
    async def best(ctx: restate.Context) -> int:
        here, there = await restate.gather(ctx.run_typed("here", price, shop="here"), ctx.run_typed("there", price, shop="there"))
        return here + there  # expect: REA308 "`restate.gather` gives the futures back"
    ```

    ```python fixed unsafe
    import restate

    offers = restate.Service("offers")


    def price(shop: str) -> int:
        return len(shop)


    @offers.handler()
    async def best(ctx: restate.Context) -> int:
        here, there = await restate.gather(ctx.run_typed("here", price, shop="here"), ctx.run_typed("there", price, shop="there"))
        return await here + await there
    ```

    More of the kind:

    ```python
    import restate

    offers = restate.VirtualObject("offers")


    def price(shop):
        return len(shop)


    @offers.handler()
    async def best(ctx, shops):
        count = ctx.get("count") or 0  # expect: REA308 "the other side of `or` never counts"
        last = ctx.get("last")
        ctx.set("before", last)  # expect: REA308 "is no JSON"
        name = ctx.get("offer")["name"]  # expect: REA308 "has no items"
        text = f"{ctx.run_typed('price', price, shop='x')} EUR"  # expect: REA308 "the object's address"
        prices = await restate.gather(*[ctx.run_typed(shop, price, shop=shop) for shop in shops])
        total = sum(prices)  # expect: REA308 "`restate.gather` gives the futures back"
        return [count, name, text, total]
    ```

    A future that is kept, handed on, compared with another one or awaited later is right, and so is a list of them that is counted or
    iterated:

    ```python
    import restate
    from datetime import timedelta

    offers = restate.VirtualObject("offers")


    def price(shop):
        return len(shop)


    def later(ctx, shop):
        return ctx.run_typed(shop, price, shop=shop)


    @offers.handler(kind="shared")
    async def best(ctx, shops):
        count = await ctx.get("count") or 0
        first = later(ctx, shops[0])
        second = ctx.run_typed("second", price, shop=shops[1])
        timeout = ctx.sleep(timedelta(seconds=5)) if count else None
        if timeout is not None and await timeout:
            return 0
        futures = [first, second]
        done, pending = await restate.wait_completed(*futures)
        for future in done:
            count += await future if future is second else 1
        results = [await future for future in await restate.gather(*futures)]
        call = ctx.object_call(best, key="x", arg=shops)
        last = ctx.get("last")
        last = await last
        if last:
            count += last
        if results and len(done) > len(pending):
            return [await call.invocation_id(), count]
        return (await second) + sum(results)
    ```

    mypy and pyright report some of these, where everything is annotated.
    """
    if isinstance(thing, Function):
        made = [
            call
            for name, call in kept.combinators(thing, code.project)
            if name.rpartition(".")[2] in NAMES and not kept.is_gathered_well(call, thing, code)
        ]
    else:
        function = code.project.functions[thing.function]
        is_kept = not thing.call.awaited and not thing.call.discarded
        made = [thing.call] if is_kept and not kept.is_kept_well(thing.call, function, code.project) else []
    for call in made:
        node = code.node(call.span)
        if isinstance(node, cst.Call) and (isinstance(thing, Operation) or _called(node) in NAMES):
            yield from _of(node, code)


def _of(call: cst.Call, code: Durable) -> Iterator[Finding]:
    found = [
        (node, held.kind, wrong)
        for node, held in awaitable.holders(call, code)
        if held.kind in {Kind.FUTURE, Kind.FUTURES, Kind.HALVES} and (wrong := awaitable.misuse(node, held.kind, code)) is not None
    ]
    if found:
        node, kind, wrong = found[0]
        related = tuple(Related(code.path, code.span(other), "and here") for other, _, _ in found[1:])
        yield Finding(code.span(node), _says(node, call, kind, wrong, code), _fix(found, code), related)


def _called(call: cst.Call) -> str:
    name = call.func.attr if isinstance(call.func, cst.Attribute) else call.func
    return name.value if isinstance(name, cst.Name) else ""


def _says(node: cst.BaseExpression, call: cst.Call, kind: Kind, wrong: Misuse, code: Durable) -> str:
    made = f"`{code.text(call.func)}`"
    if _called(call) in NAMES:
        return f"{made} gives the futures back, not their results: {'one is' if kind is Kind.FUTURE else 'they are'} used as a value here; await each."
    subject = f"{made} gives" if node is call else f"`{code.text(node)}` is what {made} gives,"
    return f"{subject} a durable future, {wrong.consequence}; await it."


def _fix(found: Sequence[tuple[cst.BaseExpression, Kind, Misuse]], code: Durable) -> Fix | None:
    """Await the future wherever it is used as a value."""
    edits: list[Edits] = []
    for node, kind, _ in found:
        text = code.text(node)
        new = f"await {text}" if kind is Kind.FUTURE else f"[await future for future in {text}]" if kind is Kind.FUTURES else None
        made = rewrite.replace(code, node, new) if new is not None and code.awaits(node) else None
        if made is None:
            return None
        edits.append(made)
    return rewrite.unsafe("Await it", tuple(edit for each in edits for edit in each))
