"""REA203: files that are read or written again on replay."""

from __future__ import annotations

from collections.abc import Iterator

from rea_lint import cst, order, words
from rea_lint.diagnostic import Finding, Severity
from rea_lint.durable import Durable
from rea_lint.packs import Effect
from rea_lint.project import Use
from rea_lint.rule import rule


@rule(
    "REA203",
    "filesystem-outside-step",
    Severity.ERROR,
    effects=[Effect.FILESYSTEM, Effect.ORDER],
    docs="https://docs.restate.dev/develop/python/durable-steps",
)
def filesystem_outside_step(use: Use, code: Durable) -> Iterator[Finding]:
    """
    A file is read or written outside a step, so every replay does it again.

    Restate replays a handler after a crash or a wait: it runs from its first line, and what the journal holds is not done again. A line
    is appended once more at each attempt. A file that is read may have changed, or replay may happen on a machine that does not have it:
    then the handler takes another path than the journal says, and fails with a journal mismatch (RT0016).

    ```python fails="effect ran 2 times"
    import restate

    orders = restate.VirtualObject("orders")


    def note(item: str) -> None:
        with open("ledger.txt", "a") as ledger:
            ledger.write(f"{item}\\n")


    @orders.handler()
    async def place(ctx: restate.ObjectContext, item: str) -> None:
        note(item)  # expect: REA203 "`app.note` calls `open`, which runs outside a step"
        ctx.set("item", item)
    ```

    In a step it is done once, and what it gives is journaled. That is one more journal entry, so the change goes out as a new deployment.

    ```python fixed unsafe
    import restate

    orders = restate.VirtualObject("orders")


    def note(item: str) -> None:
        with open("ledger.txt", "a") as ledger:
            ledger.write(f"{item}\\n")


    @orders.handler()
    async def place(ctx: restate.ObjectContext, item: str) -> None:
        await ctx.run_typed("note", lambda: note(item))
        ctx.set("item", item)
    ```

    The same goes for reading, for the questions that are asked of a path, and for listing a directory:

    ```python
    from pathlib import Path

    import restate

    orders = restate.Service("orders")


    @orders.handler()
    async def prices(ctx: restate.Context, folder: str) -> str:
        if Path(folder).exists():  # expect: REA203 "`pathlib.Path.exists` runs outside a step"
            return Path(folder, "prices.json").read_text()  # expect: REA203
        return ""
    ```

    A path is only text until something asks the disk, memory is no file, and what a module reads at import is not replayed:

    ```python
    import io
    from pathlib import Path, PurePath

    import restate

    orders = restate.Service("orders")
    PRICES = Path(__file__).with_name("prices.json").read_text()


    def load(name: str) -> str:
        return Path(name).read_text()


    class Shop:
        def open(self) -> str:
            return "open"


    @orders.handler()
    async def place(ctx: restate.Context, folder: str) -> str:
        path = Path(folder) / "orders" / PurePath("today.json").name
        buffer = io.StringIO()
        buffer.write(Shop().open())
        return await ctx.run_typed("load", load, name=str(path.with_suffix(".txt")))
    ```

    ruff's ASYNC230 asks for `aiofiles` or `anyio` in an async function: in a handler that is as wrong outside a step. In a step, a plain
    `def` runs in a thread, and may block.
    """
    call = code.node(use.span)
    if isinstance(call, cst.Call) and order.is_listing(call, code) and order.ordering(call, code) is not None:
        return  # told as REA105: the same cause, and the same step mends it
    yield from words.effect(use, code, "the disk is read or written again")
