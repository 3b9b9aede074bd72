"""REA202: a database that is asked again on replay."""

from __future__ import annotations

from collections.abc import Iterator

from rea_lint import words
from rea_lint.diagnostic import Finding, Severity
from rea_lint.durable import Durable
from rea_lint.packs import Effect
from rea_lint.project import Use
from rea_lint.rule import rule


@rule(
    "REA202",
    "database-outside-step",
    Severity.ERROR,
    effects=[Effect.DATABASE],
    docs="https://docs.restate.dev/develop/python/durable-steps",
)
def database_outside_step(use: Use, code: Durable) -> Iterator[Finding]:
    """
    A database is read or written outside a step, so every replay does it again.

    Restate replays a handler after a crash or a wait: it runs from its first line, and what the journal holds is not done again. A row
    that is inserted outside a step is inserted at each attempt, and a row that is read may have changed: then the handler takes another
    path than the journal says, and fails with a journal mismatch (RT0016).

    ```python fails="effect ran 2 times"
    import sqlite3

    import restate

    orders = restate.VirtualObject("orders")


    def save(item: str) -> None:
        with sqlite3.connect("orders.db") as database:
            database.execute("CREATE TABLE IF NOT EXISTS orders (item TEXT)")
            database.execute("INSERT INTO orders VALUES (?)", (item,))


    @orders.handler()
    async def place(ctx: restate.ObjectContext, item: str) -> None:
        save(item)  # expect: REA202 "`app.save` calls `sqlite3.connect`, which runs outside a step"
        ctx.set("item", item)
    ```

    In a step it is done once, and what it gives is journaled. That is one more journal entry, so the change goes out as a new deployment.

    ```python fixed unsafe
    import sqlite3

    import restate

    orders = restate.VirtualObject("orders")


    def save(item: str) -> None:
        with sqlite3.connect("orders.db") as database:
            database.execute("CREATE TABLE IF NOT EXISTS orders (item TEXT)")
            database.execute("INSERT INTO orders VALUES (?)", (item,))


    @orders.handler()
    async def place(ctx: restate.ObjectContext, item: str) -> None:
        await ctx.run_typed("save", lambda: save(item))
        ctx.set("item", item)
    ```

    A step can still run twice, if the process dies between the work and the journal: a key that is the same each time (`ctx.uuid()`, made
    before the step) makes the insert harmless. A transaction that spans several steps does not exist: keep it within one.

    Making an engine, a session or a query asks nobody, and dictionaries are no databases:

    ```python
    import restate
    from sqlalchemy import create_engine, select, text
    from sqlalchemy.orm import Session

    orders = restate.Service("orders")
    engine = create_engine("sqlite://")


    def count(name: str) -> int:
        with Session(engine) as session:
            return session.execute(text("SELECT count(*) FROM orders WHERE name = :name"), {"name": name}).scalar_one()


    class Basket:
        def execute(self, what: str) -> str:
            return what


    @orders.handler()
    async def place(ctx: restate.Context, names: dict[str, str]) -> int:
        query = select(text("name"))
        Basket().execute(str(query))
        return await ctx.run_typed("count", count, name=names.get("first", ""))
    ```
    """
    yield from words.effect(use, code, "the database is asked again")
