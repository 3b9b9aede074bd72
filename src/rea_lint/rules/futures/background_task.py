"""REA303: a task of asyncio that uses the context."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rea_lint import words
from rea_lint.diagnostic import Finding, Severity
from rea_lint.durable import Durable
from rea_lint.packs import Effect
from rea_lint.project import Use
from rea_lint.rule import rule
from rea_lint.rules import work

if TYPE_CHECKING:
    from rea_lint.facts import Call, Function
    from rea_lint.project import Project


@rule("REA303", "background-task", Severity.ERROR, effects=[Effect.TASK], docs="https://docs.restate.dev/develop/python/concurrent-tasks")
def background_task(use: Use, code: Durable) -> Iterator[Finding]:
    """
    A task in the background uses the context, which the handler does not wait for and the journal does not expect.

    A task of `asyncio.create_task` begins when the event loop lets it, beside the handler. If the handler returns first, the task never
    comes to its durable operations, or finds the invocation closed: its work is lost without an error. If it does run, its operations
    are journaled between those of the handler, wherever the event loop happens to put them, and the next replay puts them elsewhere.

    ```python fails="lost write"
    import asyncio

    import restate

    orders = restate.Service("orders")


    def send_mail() -> str:
        return "sent"


    async def notify(ctx: restate.Context) -> None:
        await ctx.run_typed("mail", send_mail)


    @orders.handler()
    async def place(ctx: restate.Context, item: str) -> str:
        asyncio.create_task(notify(ctx))  # expect: REA303 "`notify`, which uses the context"
        return item
    ```

    Work that outlives the handler is another invocation: send a message to its handler. Restate keeps it until it is done.

    ```python
    import restate

    orders = restate.Service("orders")


    def send_mail() -> str:
        return "sent"


    @orders.handler()
    async def notify(ctx: restate.Context) -> None:
        await ctx.run_typed("mail", send_mail)


    @orders.handler()
    async def place(ctx: restate.Context, item: str) -> str:
        ctx.service_send(notify, arg=None)
        return item
    ```

    Work that the handler waits for needs no task: a durable operation begins when it is called, and `await` only takes its result.

    ```python
    import asyncio

    import restate

    orders = restate.Service("orders")


    def charge() -> str:
        return "paid"


    async def plain() -> str:
        return "plain"


    async def in_a_step() -> str:
        return await asyncio.create_task(plain())


    class Board:
        def create_task(self, text: str) -> str:
            return text


    @orders.handler()
    async def place(ctx: restate.Context, item: str) -> str:
        payment = ctx.run_typed("charge", charge)
        Board().create_task("pack it")
        await ctx.run_typed("tasks in a step", in_a_step)
        return await payment
    ```

    ruff's RUF006 asks to keep a reference to the task. In a handler that does not help: the task has to go.
    """
    call = work.primitive_call(code.project, use)
    if call is None or use.primitive.endswith("TaskGroup().create_task"):  # a group is native-gather's
        return
    what = _durable(code.project, code.project.functions[use.inside], call)
    if what is not None:
        subject = words.subject(use, "starts", "which starts")
        yield Finding(
            use.span,
            f"{subject} {what}, in the background: its durable operations are lost when the handler returns, and come in another order on"
            " replay; await it, or send a message to a handler that does it.",
            None,
            code.chain(use),
        )


def _durable(project: Project, function: Function, call: Call) -> str | None:
    """What a task does with the context, in words; None if nothing is known of that."""
    for each in work.handed(project, function, call):
        if each.is_durable:
            return each.display if each.kind is work.Kind.FUTURE else f"{each.display}, which uses the context"
    return "a function that uses the context" if work.carries_context(project, function, call) else None
