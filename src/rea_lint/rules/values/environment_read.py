"""REA111: what depends on where a process runs."""

from __future__ import annotations

from collections.abc import Iterator

from rea_lint import words
from rea_lint.diagnostic import Finding, Severity
from rea_lint.durable import Durable
from rea_lint.flow import HARMLESS
from rea_lint.packs import Effect
from rea_lint.project import Use
from rea_lint.rule import rule


@rule(
    "REA111", "environment-read", Severity.INFO, effects=[Effect.ENVIRONMENT], docs="https://docs.restate.dev/develop/python/durable-steps"
)
def environment_read(use: Use, code: Durable) -> Iterator[Finding]:
    """
    A handler reads the environment, and an invocation may outlive it.

    Environment variables, the working directory, the locale and the time zone belong to the process that runs the handler. An invocation
    can take months, and replay takes place in whatever process is there then: with another value of a variable, the handler goes
    another way than the journal says, and fails at every retry. Within one deployment the values usually stay the same, so this is
    worth knowing, and no more.

    ```python
    import os

    import restate

    mails = restate.Service("mails")


    @mails.handler()
    async def deliver(ctx: restate.Context, text: str) -> str: ...


    @mails.handler()
    async def send(ctx: restate.Context, text: str) -> None:
        if os.environ.get("DRY_RUN"):  # expect: REA111 "decides whether `ctx.service_send` runs"
            return
        ctx.service_send(deliver, arg=text)
    ```

    Read it in a step, and the journal holds what was true when the invocation began:

    ```python
    import os

    import restate

    mails = restate.Service("mails")


    @mails.handler()
    async def deliver(ctx: restate.Context, text: str) -> str: ...


    def is_dry_run() -> bool:
        return "DRY_RUN" in os.environ


    @mails.handler()
    async def send(ctx: restate.Context, text: str) -> None:
        if await ctx.run_typed("dry run", is_dry_run):
            return
        ctx.service_send(deliver, arg=text)
    ```

    It is found through the functions that a handler calls. What is read while the module is imported, and what merely looks like the
    environment, is fine:

    ```python
    import os

    import restate

    mails = restate.Service("mails")
    SENDER = os.environ.get("SENDER", "shop@example.com")


    class Settings:
        environ = {"MODEL": "large"}


    def model() -> str:
        return os.environ["MODEL"]


    @mails.handler()
    async def send(ctx: restate.Context, text: str) -> str:
        chosen = model()  # expect: REA111 "`app.model` calls `os.environ`, which reads"
        await ctx.run_typed("send", lambda: f"{SENDER} {Settings().environ['MODEL']} {os.getenv('HOST')}")
        return chosen
    ```
    """
    goes = code.consequence(use)
    where = "" if goes.sinks <= HARMLESS else f", and the value {goes.worst.says}"
    yield Finding(
        use.span,
        f"{words.subject(use, 'reads', 'which reads')} the environment of the process{where}: a replay in a later process sees another value; read"
        " it in a step to keep the first one.",
        None,
        (*words.chain(use, code), *words.places(goes)),
    )
