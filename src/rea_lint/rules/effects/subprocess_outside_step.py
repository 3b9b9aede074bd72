"""REA204: a program that is run again on replay."""

from __future__ import annotations

from collections.abc import Iterator

from rea_lint import words
from rea_lint.diagnostic import Finding, Severity
from rea_lint.durable import Durable
from rea_lint.packs import Effect
from rea_lint.project import Use
from rea_lint.rule import rule


@rule(
    "REA204",
    "subprocess-outside-step",
    Severity.ERROR,
    effects=[Effect.PROCESS],
    docs="https://docs.restate.dev/develop/python/durable-steps",
)
def subprocess_outside_step(use: Use, code: Durable) -> Iterator[Finding]:
    """
    A program is run outside a step, so every replay runs it again.

    Restate replays a handler after a crash or a wait: it runs from its first line, and what the journal holds is not done again. A program
    that is started outside a step is started at each attempt, with whatever it does, and blocks the process for as long as it takes.

    ```python fails="effect ran 2 times"
    import subprocess

    import restate

    images = restate.Service("images")


    @images.handler()
    async def shrink(ctx: restate.Context, name: str) -> None:
        subprocess.run(["convert", name, "-resize", "50%", name], check=True)  # expect: REA204 "the program runs again on every replay"
        ctx.service_send(shrink, arg=name)
    ```

    In a step it runs once. That is one more journal entry, so the change goes out as a new deployment. A `CompletedProcess` is not JSON, so
    the step keeps nothing of it:

    ```python fixed unsafe
    import subprocess

    import restate

    images = restate.Service("images")


    @images.handler()
    async def shrink(ctx: restate.Context, name: str) -> None:
        def run() -> None:
            subprocess.run(["convert", name, "-resize", "50%", name], check=True)

        await ctx.run_typed("run", run)
        ctx.service_send(shrink, arg=name)
    ```

    A command that is only put together is none, and in a step it is fine:

    ```python
    import shlex
    import subprocess

    import restate

    images = restate.Service("images")


    def convert(name: str) -> str:
        return subprocess.check_output(["identify", name], text=True)


    class Job:
        def run(self, command: str) -> str:
            return command


    @images.handler()
    async def identify(ctx: restate.Context, name: str) -> str:
        Job().run(shlex.join(["identify", name]))
        return await ctx.run_typed("identify", convert, name=name)
    ```
    """
    yield from words.effect(use, code, "the program runs again")
