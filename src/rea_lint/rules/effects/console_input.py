"""REA207: durable code that waits for somebody at the console."""

from __future__ import annotations

from collections.abc import Iterator

from rea_lint import words
from rea_lint.diagnostic import Finding, Severity
from rea_lint.durable import Durable
from rea_lint.packs import Effect
from rea_lint.project import Use
from rea_lint.rule import rule


@rule("REA207", "console-input", Severity.ERROR, effects=[Effect.CONSOLE], docs="https://docs.restate.dev/develop/python/external-events")
def console_input(use: Use, code: Durable) -> Iterator[Finding]:
    """
    A handler waits at the console, and so does every other invocation of the process.

    `input()`, a debugger or a read from standard input blocks the thread that all handlers share: nothing else runs until somebody types.
    Nobody sits at a deployed service. And what was typed is not journaled, so every replay asks again, and gets another answer.

    ```python fails="effect ran 2 times"
    import restate

    orders = restate.Service("orders")


    @orders.handler()
    async def approve(ctx: restate.Context, order: str) -> str:
        return input(f"ship {order}? ")  # expect: REA207 "blocks every invocation"
    ```

    A human answers through an awakeable (or a promise or signal): the handler suspends, for days if need be, and the answer is journaled.

    ```python
    import restate

    orders = restate.Service("orders")


    def ask(order: str, answer_to: str) -> None: ...


    @orders.handler()
    async def approve(ctx: restate.Context, order: str) -> str:
        answer_to, answer = ctx.awakeable(type_hint=str)
        await ctx.run_typed("ask", ask, order=order, answer_to=answer_to)
        return await answer
    ```

    It is found in helpers too; what only has the name of it is fine:

    ```python
    import sys

    import restate

    orders = restate.Service("orders")


    class Form:
        def input(self, question: str) -> str:
            return question


    def lines() -> list[str]:
        return sys.stdin.readlines()


    @orders.handler()
    async def approve(ctx, input):
        breakpoint()  # expect: REA207
        lines()  # expect: REA207 "`app.lines` calls `stdin.readlines`"
        return Form().input(input["question"])
    ```
    """
    if use.call is not None and any(
        use.call.callee_span.contains(each.span) and each.effect is use.effect
        for each in code.project.uses(use.function)
        if each is not use
    ):
        return  # `sys.stdin.read()` goes on with `sys.stdin`, which is told of
    yield Finding(
        use.span,
        f"{words.subject(use, 'waits', 'which waits')} at the console: that blocks every invocation of the process, and asks again on every replay;"
        f" wait for `{words.context(use, code)}.awakeable()`, which somebody resolves.",
        None,
        words.chain(use, code),
    )
