"""REA114: a cache of the process around a durable operation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rea_lint.diagnostic import Finding, Related, Severity
from rea_lint.durable import Durable
from rea_lint.facts import Function
from rea_lint.project import Shared
from rea_lint.rule import rule
from rea_lint.rules import outliving

if TYPE_CHECKING:
    from rea_lint.project import Project

PLAIN = frozenset({"functools.lru_cache", "functools.cache"})  # of an `async def` they keep the coroutine
AWAITING = frozenset({"async_lru.alru_cache", "asyncache.cached", "aiocache.cached", "cachetools.cached", "cachetools.cachedmethod"})


@rule(
    "REA114",
    "memoised-effect",
    Severity.ERROR,
    docs="https://docs.restate.dev/develop/python/durable-steps",
)
def memoised_effect(thing: Shared | Function, code: Durable) -> Iterator[Finding]:
    """
    A variable or decorator that caches for the process decides whether a durable operation runs.

    The first invocation fills the cache, and its journal holds the operation. When it is replayed in that process, the cache is full: the
    operation is skipped, the next one meets the journal entry of another, and the invocation fails with a journal mismatch (RT0016). In a
    process that has started since, the cache is empty, and an invocation that found it full has one operation too many.

    ```python fails="journal mismatch"
    import restate

    prices = restate.Service("prices")

    rates: dict[str, float] = {}


    def fetch() -> float:
        return 1.08


    @prices.handler()
    async def convert(ctx: restate.Context, currency: str) -> float:
        if currency not in rates:  # expect: REA114 "decides whether `ctx.run_typed` runs"
            rates[currency] = await ctx.run_typed("fetch", fetch)
        return rates[currency]
    ```

    Let the operation run each time: the journal is the cache that an invocation has. What is to be shared for longer is kept in the step, or in
    the state of an object.

    ```python
    import restate

    prices = restate.Service("prices")

    rates: dict[str, float] = {}


    def fetch(currency: str) -> float:
        if currency not in rates:
            rates[currency] = 1.08
        return rates[currency]


    @prices.handler()
    async def convert(ctx: restate.Context, currency: str) -> float:
        return await ctx.run_typed("fetch", fetch, currency=currency)
    ```

    The caches of `functools` are as wrong, and of an `async def` they keep the coroutine, which cannot be awaited twice. A cache of a function
    that uses no context is fine, and so is one for a client.

    ```python
    import functools

    import restate

    prices = restate.Service("prices")

    client = None


    def fetch(currency: str) -> float:
        return 1.08


    @functools.lru_cache
    async def rate(ctx: restate.Context, currency: str) -> float:
        return await ctx.run_typed("fetch", fetch, currency=currency)  # expect: REA114 "`functools.lru_cache`"


    @functools.lru_cache
    def name(currency: str) -> str:
        return currency.upper()


    def get_client() -> object:
        global client
        if client is None:
            client = object()
        return client


    @prices.handler()
    async def convert(ctx: restate.Context, currency: str) -> float:
        get_client()
        return await rate(ctx, name(currency))
    ```
    """
    if isinstance(thing, Function):
        yield from _decorated(thing, code.project)
    elif outliving.is_memo(thing, code) and (found := outliving.skipped(thing, code)) is not None:
        span, operation = found
        yield Finding(
            span,
            f"`{thing.variable.display}` is kept by the process, and decides whether `ctx.{operation.method}` runs: a replay that finds it filled skips what"
            " the journal holds; let the operation run each time, or fill the cache in the step.",
            None,
            (*outliving.changed(thing), Related(code.path, operation.call.span, "this is skipped if it is filled")),
        )


def _decorated(function: Function, project: Project) -> Iterator[Finding]:
    """The first operation of a function whose results a decorator keeps."""
    operation = next((each for each in project.operations(function.name) if each.info.journals), None)
    if operation is None or not function.decorators:
        return
    decorators = {name for refs in function.decorators for name in project.resolve(tuple(ref.removesuffix("()") for ref in refs))}
    has_context = function.binds is not None or any(
        project.is_context(v) for p in function.parameters for v in project.resolve(p.annotation)
    )
    for name in sorted(decorators & PLAIN) or sorted(decorators & (AWAITING if not has_context else frozenset())):
        why = (
            "a second call gets a coroutine that was awaited before"
            if name in PLAIN
            else "a replay that finds it there skips what the journal holds"
        )
        yield Finding(
            operation.call.span,
            f"`{name}` keeps what `{function.name.rpartition('.')[2]}` gives, with `ctx.{operation.method}` in it: {why}; call it each time, or put"
            " the cache around what the step does.",
            None,
            (Related(project.path_of(function.name), function.name_span, "the decorator is on this function"),),
        )
