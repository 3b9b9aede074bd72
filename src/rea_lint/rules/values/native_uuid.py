"""REA103: identifiers that replay makes anew."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rea_lint import rewrite, words
from rea_lint.diagnostic import Finding, Severity
from rea_lint.durable import Durable
from rea_lint.packs import Effect
from rea_lint.project import Use
from rea_lint.rule import rule

if TYPE_CHECKING:
    from rea_lint.diagnostic import Fix

HOLDERS = ast.keyword | ast.List | ast.Tuple | ast.Dict


@rule("REA103", "native-uuid", Severity.ERROR, effects=[Effect.UUID], docs="https://docs.restate.dev/develop/python/durable-steps")
def native_uuid(use: Use, code: Durable) -> Iterator[Finding]:
    """
    An identifier is made outside a step, so replay makes another one.

    Restate replays a handler after a crash or a wait, and `uuid.uuid4()` gives a new identifier each time. As a key, an idempotency key
    or part of a payload it differs from what the journal holds: the invocation fails with a journal mismatch (RT0016), again at every
    retry. Handed to a step it is worse, since nobody notices: a payment is made under one id and recorded under another.

    ```python fails="journal mismatch"
    import uuid

    import restate

    payments = restate.Service("payments")


    @payments.handler()
    async def settle(ctx: restate.Context, payment: str) -> None: ...


    @payments.handler()
    async def pay(ctx: restate.Context, amount: int) -> None:
        payment = str(uuid.uuid4())  # expect: REA103 "reaches `ctx.service_send`, whose arguments replay compares; use `ctx.uuid()`"
        ctx.service_send(settle, arg=payment)
    ```

    `ctx.uuid()` is a `uuid.UUID` too, drawn from a generator that is seeded by the invocation: the same at each replay, and no journal
    entry.

    ```python fixed
    import restate

    payments = restate.Service("payments")


    @payments.handler()
    async def settle(ctx: restate.Context, payment: str) -> None: ...


    @payments.handler()
    async def pay(ctx: restate.Context, amount: int) -> None:
        payment = str(ctx.uuid())
        ctx.service_send(settle, arg=payment)
    ```

    A UUID is not JSON, so where it goes into the journal as it is, it has to become a string:

    ```python
    import uuid

    import restate

    payments = restate.VirtualObject("payments")


    @payments.handler()
    async def pay(ctx: restate.ObjectContext) -> None:
        ctx.set("id", uuid.uuid4())  # expect: REA103
    ```

    ```python fixed unsafe
    import restate

    payments = restate.VirtualObject("payments")


    @payments.handler()
    async def pay(ctx: restate.ObjectContext) -> None:
        ctx.set("id", str(ctx.uuid()))
    ```

    An identifier that others must not guess belongs in a step instead (`ctx.uuid()` can be predicted by whoever knows the invocation's
    id), and so does one of a library that has no counterpart in the context.

    These are fine: an identifier that is made from a name, or in a step, or is only read.

    ```python
    import uuid

    import restate

    payments = restate.VirtualObject("payments")


    def new_id() -> str:
        return str(uuid.uuid4())


    @payments.handler()
    async def pay(ctx: restate.ObjectContext, reference: str) -> None:
        ctx.set("derived", str(uuid.uuid5(uuid.NAMESPACE_URL, reference)))
        ctx.set("parsed", uuid.UUID(reference).hex)
        ctx.set("made", await ctx.run_typed("new id", new_id))
        ctx.set("inline", await ctx.run_typed("inline", lambda: str(uuid.uuid4())))
        ctx.set("ours", str(ctx.uuid()))
    ```

    How bad it is depends on where the identifier goes: only worth knowing if that is the handler's result or a log line, which replay
    does not compare.
    """
    fix = _as_text(use, code) or words.replacement(use, code) or words.step(use, code)
    yield from words.value(use, code, instead=words.advice(use, code, "make it in a step"), fix=fix)


def _as_text(use: Use, code: Durable) -> Fix | None:
    """The fix for a UUID that goes into the journal as it is: there it has to be a string."""
    call = code.syntax.at(use.span) if code.syntax is not None else None
    if use.call is None or call is None or not words.is_direct(use, code):
        return None
    if code.values(call) != {"uuid.UUID()"} or not _is_journaled(call, use, code):
        return None
    text = f"str({words.context(use, code)}.uuid())"
    return rewrite.unsafe(f"Use `{text}`", rewrite.in_place_of(code, use.call, text))


def _is_journaled(call: ast.expr, use: Use, code: Durable) -> bool:
    """Whether the value of a call is journaled itself: an argument of an operation, or an item in one."""
    assert code.syntax is not None
    around = next((each for each in code.syntax.ancestors(call) if not isinstance(each, HOLDERS)), None)
    return isinstance(around, ast.Call) and code.project.operation(use.function, code.syntax.span(around)) is not None
