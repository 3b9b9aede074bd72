"""REA602: a shared handler that writes state."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rea_lint import rewrite
from rea_lint.diagnostic import Finding, Severity
from rea_lint.durable import Durable
from rea_lint.facts import Function
from rea_lint.project import Operation
from rea_lint.rule import rule
from rea_lint.rules import reaching
from rea_lint.text import Edit, Span

if TYPE_CHECKING:
    from rea_lint.diagnostic import Fix
    from rea_lint.project import Handler
    from rea_lint.rules.reaching import Misplaced

WRITES = frozenset({"set", "clear", "clear_all"})


@rule(
    "REA602",
    "write-in-shared-handler",
    Severity.ERROR,
    operations=lambda info, _: info.name in WRITES,
    docs="https://docs.restate.dev/develop/python/state",
)
def write_in_shared_handler(thing: Operation | Function, code: Durable) -> Iterator[Finding]:
    """
    A shared handler writes state, and shared handlers may only read it.

    Shared handlers run at any time, beside each other and beside the one exclusive handler that has the key. So they see state as it
    was, and Restate refuses their writes (RT0017, "this handler type cannot write state"): the invocation is retried for ever. The SDK
    itself has the method in every handler, and says nothing.

    ```python fails="retried with RT0017"
    import restate

    carts = restate.VirtualObject("carts")


    @carts.handler(kind="shared")
    async def add(ctx: restate.ObjectContext, item: str) -> None:
        ctx.set("item", item)  # expect: REA602 "`carts.add` is shared"
    ```

    A handler that writes is exclusive. That is what a virtual object's handlers are if nothing else is said. The fix changes what may run
    beside what, so it is unsafe:

    ```python fixed unsafe
    import restate

    carts = restate.VirtualObject("carts")


    @carts.handler()
    async def add(ctx: restate.ObjectContext, item: str) -> None:
        ctx.set("item", item)
    ```

    All handlers of a workflow but its main are shared. They hand a value to the main by a promise, and leave it to write:

    ```python
    import restate

    signup = restate.Workflow("signup")


    @signup.main()
    async def run(ctx: restate.WorkflowContext, email: str) -> bool:
        ctx.set("email", email)
        return await ctx.promise("confirmed").value()


    @signup.handler()
    async def confirm(ctx: restate.WorkflowSharedContext) -> None:
        ctx.set("confirmed", True)  # expect: REA602 "all handlers of a workflow but its main are shared"
        await ctx.promise("confirmed").resolve(True)
    ```

    Reading is fine, and so is a helper that writes for exclusive handlers too, as long as it can tell which is which:

    ```python
    import restate

    carts = restate.VirtualObject("carts")


    async def total(ctx, touch):
        if touch:
            ctx.set("touched", True)
        return await ctx.get("total")


    async def reset(ctx):
        ctx.clear_all()


    @carts.handler()
    async def checkout(ctx):
        await reset(ctx)
        return await total(ctx, True)


    @carts.handler(kind="shared")
    async def show(ctx):
        items = set()
        items.clear()
        await reset(ctx)  # expect: REA602 "`reset` calls `ctx.clear_all`, which"
        return await total(ctx, False)
    ```
    """
    for found in reaching.misplaced(thing, code, WRITES):
        if "service" not in found.contexts:  # of a service it is state-in-service
            handler = next(iter(found.contexts.values()))
            is_workflow = "workflow-shared" in found.contexts
            why = "all handlers of a workflow but its main are shared" if is_workflow else f"`{handler.display}` is shared"
            what = "hand the value to the main by a promise" if is_workflow else "make it exclusive, or send a message to a handler that is"
            yield Finding(
                found.span,
                f"{reaching.spelled(found, code)} writes state, and {why}: Restate refuses it (RT0017), and the invocation is retried for ever; {what}.",
                _fix(found, handler, code),
                found.related,
            )


def _fix(found: Misplaced, handler: Handler, code: Durable) -> Fix | None:
    """Leave out `kind="shared"`, where the handler itself does the writing."""
    if found.operation.function != handler.function or handler.kind != "shared" or len(found.contexts) > 1:
        return None
    facts = code.project.facts[code.path]
    made = [c for f in facts.functions.values() for c in f.calls if c.decorates == handler.function]
    given = [a for c in made for a in c.arguments if a.keyword == "kind" and a.literal == "'shared'"]
    if len(given) != 1:
        return None
    text = code.source.text
    before, after = text[: given[0].span.start], text[given[0].span.end :]
    keyword = re.search(r"kind\s*=\s*$", before)
    comma = re.match(r"\s*,[ \t]*", after)
    start = keyword.start() if keyword is not None else -1
    leading = re.search(r",\s*$", before[:start]) if comma is None else None
    at = leading.start() if leading is not None else start
    end = given[0].span.end + (comma.end() if comma is not None else 0)
    return rewrite.unsafe("Make the handler exclusive", (Edit(Span(at, end), ""),)) if keyword is not None else None
