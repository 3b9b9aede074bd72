"""REA717: a durable operation that is journaled because of an error which does not come again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rea_lint import cst, rewrite, words
from rea_lint.diagnostic import Finding, Related, Severity
from rea_lint.durable import Durable
from rea_lint.rule import rule
from rea_lint.rules import catching, failing
from rea_lint.text import Edit

if TYPE_CHECKING:
    from rea_lint.diagnostic import Fix
    from rea_lint.facts import Function
    from rea_lint.project import Project


def _may_fail(function: Function, project: Project) -> bool:
    return any(use.effect in failing.FAILING for use in project.uses(function.name))


@rule("REA717", "operation-on-error-path", Severity.ERROR, trigger=_may_fail, docs="https://docs.restate.dev/develop/python/error-handling")
def operation_on_error_path(path: cst.ExceptHandler | cst.ExceptStarHandler | cst.Finally | cst.With, code: Durable) -> Iterator[Finding]:
    """
    An error that comes once makes a handler journal an operation, and the retry does not come by there.

    A request outside a step fails: the server is away for a second. The clause, or the `finally`, issues a durable operation, and that is
    journaled. Then the attempt is over, or the handler waits, and is replayed. Now the request works, the handler goes another way, and meets
    the journal entry of an operation that it does not issue: a journal mismatch (RT0016), at every retry from then on.

    ```python fails="journal mismatch"
    import httpx
    import restate

    orders = restate.VirtualObject("orders")

    outages = iter(["the network is away once"])


    def stock(item: str) -> str:
        if next(outages, None) is not None:
            raise ConnectionError("no network")
        return httpx.get(f"https://stock.test/{item}").text


    def charge(item: str) -> str:
        return "paid"


    @orders.handler()
    async def place(ctx: restate.ObjectContext, item: str) -> str:
        try:
            stock(item)  # expect: REA201
        except Exception:
            ctx.set("status", "failed")  # expect: REA717 "`app.stock` calls `httpx.get`, which fails once"
            raise
        return await ctx.run_typed("charge", charge, item=item)
    ```

    In a step the request is tried again until it works, or has failed for good: then `TerminalError` is raised, at the replay too. What is to be
    done about that is done in a clause for it.

    ```python
    import httpx
    import restate

    orders = restate.VirtualObject("orders")


    def stock(item: str) -> str:
        return httpx.get(f"https://stock.test/{item}").text


    @orders.handler()
    async def place(ctx: restate.ObjectContext, item: str) -> str:
        try:
            return await ctx.run_typed("stock", stock, item=item)
        except restate.TerminalError:
            ctx.set("status", "failed")
            raise
    ```

    A `finally` and the exit of a context manager are such places as well:

    ```python
    import httpx
    import restate

    orders = restate.VirtualObject("orders")


    class Busy:
        def __init__(self, ctx: restate.ObjectContext) -> None:
            self.ctx = ctx

        async def __aenter__(self) -> None:
            self.ctx.set("busy", True)

        async def __aexit__(self, *error: object) -> None:
            self.ctx.set("busy", False)


    @orders.handler()
    async def place(ctx: restate.ObjectContext, item: str) -> str:
        ctx.set("busy", True)
        try:
            return httpx.get(f"https://stock.test/{item}").text  # expect: REA201
        finally:
            ctx.set("busy", False)  # expect: REA717


    @orders.handler()
    async def again(ctx: restate.ObjectContext, item: str) -> str:
        async with Busy(ctx):  # expect: REA717 "`Busy.__aexit__`"
            return httpx.get(f"https://stock.test/{item}").text  # expect: REA201
    ```

    An error that comes again, because it is in the input or the journal, does no harm, nor does one that is caught before it gets there. At a
    suspension, too, a `finally` with a durable operation is harmless: the attempt is closed already.

    ```python
    import json

    import httpx
    import restate

    orders = restate.VirtualObject("orders")


    def charge() -> str:
        return "paid"


    @orders.handler()
    async def place(ctx: restate.ObjectContext, item: str) -> str:
        try:
            order = json.loads(item)
            await ctx.run_typed("charge", charge)
        except ValueError:
            ctx.set("status", "no order")
            raise
        finally:
            ctx.set("done", True)
        try:
            httpx.get("https://stock.test")  # rea-lint: ignore[REA201] it may happen often
        except httpx.HTTPError:
            order = None
        except Exception:
            ctx.set("status", "failed")
        return str(order)
    ```
    """
    if isinstance(path, cst.ExceptHandler | cst.ExceptStarHandler) and catching.BASE in catching.names(path, code):
        return  # bare-except's: it is reached by suspensions as well
    found = failing.reached(path, code)
    if found is None:
        return
    yield Finding(
        found.span,
        f"{words.subject(found.use, 'fails', 'which fails')} once, and {found.operation} is journaled; the retry, in which it works, does not come by here:"
        " RT0016 at every attempt. Hand it to a step, and do this where `TerminalError` is caught.",
        _fix(path, code),
        (*code.chain(found.use), Related(code.path, found.use.span, "this fails at one attempt and works at the next")),
    )


def _fix(path: failing.ErrorPath, code: Durable) -> Fix | None:
    """`TerminalError` in the place of `Exception`; None where an earlier clause has that."""
    if not isinstance(path, cst.ExceptHandler | cst.ExceptStarHandler) or catching.names(path, code) != {catching.EXCEPTION}:
        return None
    before = {name for each in catching.earlier(path, code) for name in catching.names(each, code)}
    spelled = rewrite.spelled(code, path, catching.TERMINAL) if catching.TERMINAL not in before else None
    caught = catching.caught(path, code)
    if spelled is None or len(caught) != 1 or not code.span(path).contains(code.span(caught[0])):
        return None
    name, imports = spelled
    return rewrite.journaling(f"Catch `{name}`", (*imports, Edit(code.span(caught[0]), name)))
