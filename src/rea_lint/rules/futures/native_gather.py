"""REA301: durable work run side by side by asyncio."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rea_lint import cst, rewrite, words
from rea_lint.diagnostic import Finding, Severity
from rea_lint.durable import Durable
from rea_lint.packs import Effect
from rea_lint.project import Use
from rea_lint.rule import rule
from rea_lint.rules import work
from rea_lint.text import Edit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rea_lint.diagnostic import Fix
    from rea_lint.facts import Call
    from rea_lint.rules.work import Work


@rule("REA301", "native-gather", Severity.ERROR, effects=[Effect.GATHER], docs="https://docs.restate.dev/develop/python/concurrent-tasks")
def native_gather(use: Use, code: Durable) -> Iterator[Finding]:
    """
    Durable work is run side by side by asyncio, in an order that the journal does not know.

    Replay gives a handler the same results in the same order, provided that the handler asks in the same order. `asyncio.gather` puts
    every coroutine into a task of its own, and the tasks ask whenever the event loop lets them. A branch with two steps in it can meet
    the other branches in another order on replay: the invocation then fails with RT0016, and is retried until somebody looks. Over
    ready-made futures the order holds, but the handler stalls until the inactivity timeout when an earlier future completes later, and
    with `return_exceptions=True` the SDK's own signal to suspend becomes a result.

    ```python fails="journal mismatch"
    import asyncio
    import time

    import restate

    trips = restate.Service("trips")


    def reserve(what: str) -> str:
        time.sleep(0.3 if what == "flight" else 0)
        return f"{what} reserved"


    def confirm(what: str) -> str:
        return f"{what} confirmed"


    async def book(ctx: restate.Context, what: str) -> str:
        await ctx.run_typed(f"reserve {what}", reserve, what=what)
        return await ctx.run_typed(f"confirm {what}", confirm, what=what)


    @trips.handler()
    async def plan(ctx: restate.Context, city: str) -> list[str]:
        return list(await asyncio.gather(book(ctx, "flight"), book(ctx, "hotel")))  # expect: REA301 "`book`, which uses the context"
    ```

    Durable operations run side by side as soon as they are called: `await` is only needed for the result. So call them all, and let
    `restate.gather` wait for all of them. It gives the *futures* back, in the order in which it got them:

    ```python
    import asyncio

    import restate

    trips = restate.Service("trips")


    def reserve(what: str) -> str:
        return f"{what} reserved"


    @trips.handler()
    async def plan(ctx: restate.Context, city: str) -> str:
        flight = ctx.run_typed("flight", reserve, what="flight")
        hotel = ctx.run_typed("hotel", reserve, what="hotel")
        a, b = await asyncio.gather(flight, hotel)  # expect: REA301 "use `restate.gather`"
        await asyncio.gather(*[ctx.run_typed(f"tour {n}", reserve, what="tour") for n in range(3)])  # expect: REA301
        return f"{a}, {b}"
    ```

    ```python fixed unsafe
    import asyncio

    import restate

    trips = restate.Service("trips")


    def reserve(what: str) -> str:
        return f"{what} reserved"


    @trips.handler()
    async def plan(ctx: restate.Context, city: str) -> str:
        flight = ctx.run_typed("flight", reserve, what="flight")
        hotel = ctx.run_typed("hotel", reserve, what="hotel")
        a, b = [await future for future in await restate.gather(flight, hotel)]
        for future in await restate.gather(*[ctx.run_typed(f"tour {n}", reserve, what="tour") for n in range(3)]):
            await future
        return f"{a}, {b}"
    ```

    The fix is unsafe in the sense that it changes behaviour: all futures complete before the first failure is raised. Branches of
    several steps become handlers of their own, called with `ctx.service_call`: each then has its own journal, and the calls are futures.

    `asyncio.TaskGroup` is worse still: where a handler has to suspend, the group wraps the SDK's signal into an exception group, which
    leaves the SDK as an error of the handler that nobody has raised.

    ```python fails="exception escapes the SDK"
    import asyncio

    import restate

    trips = restate.Service("trips")


    def reserve(what: str) -> str:
        return f"{what} reserved"


    async def book(ctx: restate.Context, what: str) -> str:
        return await ctx.run_typed("reserve", reserve, what=what)


    @trips.handler()
    async def plan(ctx: restate.Context, city: str) -> None:
        async with asyncio.TaskGroup() as group:  # expect: REA301 "exception group"
            group.create_task(book(ctx, "flight"))
            group.create_task(book(ctx, "hotel"))
    ```

    Over coroutines that do not use the context it is a warning: nothing of them is journaled, so all of them run again on every replay.
    They belong into a step, all together. Inside a step asyncio is fine, and so is what cannot be told:

    ```python
    import asyncio
    from collections.abc import Awaitable

    import restate

    trips = restate.Service("trips")


    async def price(what: str) -> int:
        return len(what)


    async def prices() -> list[int]:
        return list(await asyncio.gather(price("flight"), price("hotel")))


    async def all_of(futures: list[Awaitable[int]]) -> list[int]:
        return list(await asyncio.gather(*futures))


    class Fruit:
        def gather(self, *kinds: str) -> list[str]:
            return list(kinds)


    @trips.handler()
    async def plan(ctx: restate.Context, city: str) -> list[str]:
        await asyncio.gather(price("flight"), price("hotel"))  # expect: REA301 "runs again on every replay"
        await ctx.run_typed("prices", prices)
        first = ctx.run_typed("first", prices)
        second = ctx.run_typed("second", prices)
        await restate.gather(first, second)
        return Fruit().gather("apple", "pear")
    ```
    """
    call = work.primitive_call(code.project, use)
    if call is None:
        return
    is_group = "gather" not in use.primitive
    found = _in_group(use, call, code) if is_group else work.handed(code.project, code.project.functions[use.inside], call)
    durable = [each for each in found if each.is_durable]
    if durable:
        yield Finding(use.span, _says(use, durable, is_group=is_group), _fix(use, found, code), code.chain(use))
    elif found:
        said = f"{words.subject(use, 'runs', 'which runs')} {found[0].display} outside a step: nothing of it is journaled, and all of it"
        context = words.context(use, code)
        yield Finding(
            use.span,
            f"{said} runs again on every replay; hand it to `{context}.run_typed` as a whole.",
            None,
            code.chain(use),
            Severity.WARNING,
        )


def _in_group(use: Use, call: Call, code: Durable) -> tuple[Work, ...]:
    """What the tasks of a task group run: those made within its `with`."""
    project = code.project
    node = code.node(use.span) if len(use.chain) == 1 else None
    around = next((each for each in code.ancestors(node) if isinstance(each, cst.With)), None) if node is not None else None
    if not call.entered or (node is not None and around is None):
        return ()
    inside = project.functions[use.inside]
    within = code.span(around) if around is not None else inside.span
    return tuple(
        each
        for function in (inside, *(project.functions[name] for name in inside.nested))
        for task in function.calls
        if within.contains(task.span) and any(project.knowledge.effect(name, task) is Effect.TASK for name in project.resolve(task.callees))
        for each in work.handed(project, function, task)
    )


def _says(use: Use, durable: Sequence[Work], *, is_group: bool) -> str:
    coroutine = next((each for each in durable if each.kind is work.Kind.DURABLE), None)
    what = f"{coroutine.display}, which uses the context," if coroutine is not None else f"the future of {durable[0].display}"
    if is_group:
        said = (
            f"{words.subject(use, 'runs', 'which runs')} {what} in a task: when the handler suspends, an exception group leaves the SDK and"
        )
        return f"{said} takes other invocations of the process down; call the operations and await `restate.gather` of their futures."
    if coroutine is not None:
        said = f"{words.subject(use, 'runs', 'which runs')} {what} in a task: its operations come in another order on replay (RT0016);"
        return f"{said} call the operations and await `restate.gather` of their futures."
    said = f"{words.subject(use, 'waits', 'which waits')} for {what} unseen by the SDK: it stalls until the inactivity timeout;"
    return f"{said} use `restate.gather`, which gives the futures back."


def _fix(use: Use, found: Sequence[Work], code: Durable) -> Fix | None:
    """`restate.gather`, and an `await` of each future: only where all arguments are durable futures and the result is used at once."""
    call = code.node(use.span)
    if len(use.chain) > 1 or not isinstance(call, cst.Call) or any(each.kind is not work.Kind.FUTURE for each in found):
        return None
    waiting = code.parent(call)
    project = code.project
    each_is_known = use.call is not None and all(
        argument.keyword in {None, "*"} and work.known(project, project.functions[use.function], argument)
        for argument in use.call.arguments
    )
    if not isinstance(waiting, cst.Await) or not each_is_known:
        return None
    name = rewrite.spelled(code, call, "restate.gather")
    if name is None:
        return None
    gathered = f"await {name[0]}({rewrite.arguments(code, call)})"
    edits = _as_loop(waiting, gathered, code) or rewrite.replace(code, waiting, f"[await future for future in {gathered}]")
    return rewrite.unsafe("Wait with `restate.gather`, then await each future", None if edits is None else (*edits, *name[1]))


def _as_loop(waiting: cst.Await, gathered: str, code: Durable) -> tuple[Edit, ...] | None:
    """For a statement of its own, whose result nobody uses."""
    statement = code.parent(waiting)
    line = code.parent(statement) if isinstance(statement, cst.Expr) else None
    if not isinstance(line, cst.SimpleStatementLine) or len(line.body) > 1 or "future" in code.owner(waiting).names:
        return None
    span = code.span(waiting)
    row = code.source.position(span.start).row
    indent = code.source.text[code.source.line_span(row).start : span.start]
    return (Edit(span, f"for future in {gathered}:{code.source.newline}{indent}    await future"),)
