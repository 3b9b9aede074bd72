"""REA104: values that are the process's own."""

from __future__ import annotations

from collections.abc import Iterator

from rea_lint import words
from rea_lint.diagnostic import Finding, Severity
from rea_lint.durable import Durable
from rea_lint.packs import Effect
from rea_lint.project import Use
from rea_lint.rule import rule
from rea_lint.rules import work

SEEDED = frozenset({"builtins.str()", "builtins.bytes()"})  # what `hash` mixes with a number drawn when the process starts


@rule(
    "REA104", "process-identity", Severity.WARNING, effects=[Effect.IDENTITY], docs="https://docs.restate.dev/develop/python/durable-steps"
)
def process_identity(use: Use, code: Durable) -> Iterator[Finding]:
    """
    An address, a seeded hash, a process, thread or host is read, and replay may happen in another process.

    Restate replays an invocation wherever there is room: after a crash or a suspension it goes on in another process, often on another
    machine. `id()` is an address there, `hash()` of a text is seeded anew in every process, and pid, thread and host name are others. As
    part of what is journaled, the value differs from what the journal holds, and the invocation fails at every retry.

    ```python fails="journal mismatch"
    import restate

    parcels = restate.VirtualObject("parcels")


    @parcels.handler()
    async def route(ctx: restate.ObjectContext, address: str) -> None:
        shelf = hash(address) % 1000  # expect: REA104 "reaches `ctx.set`, whose arguments replay compares"
        ctx.set("shelf", shelf)
    ```

    A checksum is the same everywhere:

    ```python
    import zlib

    import restate

    parcels = restate.VirtualObject("parcels")


    @parcels.handler()
    async def route(ctx: restate.ObjectContext, address: str) -> None:
        shelf = zlib.crc32(address.encode()) % 1000
        ctx.set("shelf", shelf)
    ```

    What the value of this process is worth keeping for belongs in a step: the journal then holds that of the first run.

    ```python
    import os
    import socket

    import restate

    parcels = restate.VirtualObject("parcels")


    class Parcel:
        def id(self) -> str:
            return "p-1"


    def owner() -> str:
        return f"{socket.gethostname()}/{os.getpid()}"


    @parcels.handler()
    async def route(ctx, parcel):
        ctx.set("owner", await ctx.run_typed("owner", owner))
        ctx.set("host", socket.gethostname())  # expect: REA104 "read it in a step"
        ctx.set("number", hash(42))
        ctx.set("any", hash(parcel))
        ctx.set("id", Parcel().id())
        ctx.set("key", ctx.key())
    ```

    `hash()` of numbers is the same in every process; of objects of which nothing is known, nothing is said. A value that decides what is
    journaled is an error, one that only reaches the handler's result or a log line is worth knowing, all others are warnings.
    """
    if use.primitive == "builtins.hash" and not _is_seeded(use, code):
        return
    instead = "take a checksum, as `zlib.crc32`" if use.primitive == "builtins.hash" else "read it in a step, or use the invocation's id"
    yield from words.value(use, code, instead=instead, fix=None)


def _is_seeded(use: Use, code: Durable) -> bool:
    """Whether what is hashed is known to be a text."""
    call = work.primitive_call(code.project, use)
    hashed = call.argument(0, None) if call is not None else None
    if hashed is None:
        return False
    types = code.project.resolve(hashed.values)
    is_text = hashed.literal is not None and hashed.literal[:1] in {"'", '"', "b"}
    return is_text or (bool(types) and types <= SEEDED)
