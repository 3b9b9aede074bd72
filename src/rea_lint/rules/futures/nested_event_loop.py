"""REA316: an event loop within the event loop."""

from __future__ import annotations

from collections.abc import Iterator

from rea_lint import words
from rea_lint.diagnostic import Finding, Severity
from rea_lint.durable import Durable
from rea_lint.packs import Effect
from rea_lint.project import Use
from rea_lint.rule import rule

RUNS = frozenset({"run", "run_until_complete", "run_forever"})


@rule(
    "REA316", "nested-event-loop", Severity.ERROR, effects=[Effect.EVENT_LOOP], docs="https://docs.restate.dev/develop/python/durable-steps"
)
def nested_event_loop(use: Use, code: Durable) -> Iterator[Finding]:
    """
    Durable code starts an event loop, and runs in one already.

    A handler runs in the event loop of its server. `asyncio.run()` and `loop.run_until_complete()` refuse to start another one in the same
    thread: they raise `RuntimeError`, the coroutine never runs, and Restate retries the invocation for ever.

    ```python fails="retried with RuntimeError"
    import asyncio

    import restate

    mails = restate.Service("mails")


    async def render(text: str) -> str:
        return text.upper()


    @mails.handler()
    async def send(ctx: restate.Context, text: str) -> str:
        return asyncio.run(render(text))  # expect: REA316 "raises `RuntimeError`"
    ```

    `await` it. If it has side effects, hand it to a step: `await ctx.run_typed("render", render, text=text)`.

    ```python
    import restate

    mails = restate.Service("mails")


    async def render(text: str) -> str:
        return text.upper()


    @mails.handler()
    async def send(ctx: restate.Context, text: str) -> str:
        return await render(text)
    ```

    The action of a step that is a plain function runs in a thread without a loop, so it may start one, and so may any other thread. Asking
    for the running loop is no new one:

    ```python
    import asyncio

    import restate

    mails = restate.Service("mails")


    async def render(text: str) -> str:
        return text.upper()


    def render_now(text: str) -> str:
        return asyncio.run(render(text))


    class Engine:
        def run(self, text: str) -> str:
            return text


    @mails.handler()
    async def send(ctx, text):
        asyncio.get_running_loop().set_debug(False)
        rendered = await ctx.run_typed("render", render_now, text=text)
        await ctx.run_typed("again", lambda: asyncio.run(render(text)))
        again = await asyncio.to_thread(render_now, text)
        return Engine().run(rendered) or again or render_now(text)  # expect: REA316 "`app.render_now` calls `asyncio.run`"
    ```
    """
    if use.primitive.rpartition(".")[2] not in RUNS:
        return
    yield Finding(
        use.span,
        f"{words.subject(use, 'starts', 'which starts')} an event loop within the running one: it raises `RuntimeError`, and the invocation is retried"
        " for ever; await the coroutine, or hand it to a step.",
        None,
        words.chain(use, code),
    )
