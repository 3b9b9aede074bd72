"""REA807: a handler that sleeps to send a message later."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rea_lint import cst, rewrite
from rea_lint.diagnostic import Finding, Related, Severity
from rea_lint.durable import Durable
from rea_lint.project import Operation
from rea_lint.rule import rule
from rea_lint.text import Edit, Span

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rea_lint.diagnostic import Fix


@rule(
    "REA807",
    "sleep-then-send",
    Severity.WARNING,
    operations=lambda info, _: info.name == "sleep",
    docs="https://docs.restate.dev/develop/python/durable-timers",
)
def sleep_then_send(operation: Operation, code: Durable) -> Iterator[Finding]:
    """
    A handler sleeps, then sends a message and ends: Restate can keep the message for that long.

    While the handler sleeps its invocation stays open, tied to the deployment that it began with, which cannot be removed until then. An
    exclusive handler keeps its key as well. A delayed message waits in Restate, and takes whatever is deployed when its time comes.

    ```python
    from datetime import timedelta

    import restate

    orders = restate.Service("orders")


    @orders.handler()
    async def remind(ctx: restate.Context, order: str) -> None: ...


    @orders.handler()
    async def place(ctx: restate.Context, order: str) -> None:
        await ctx.sleep(timedelta(days=1))  # expect: REA807 "`send_delay`"
        ctx.service_send(remind, arg=order)
    ```

    The fix takes a journal entry out, and who calls the handler has its answer at once, so it is unsafe:

    ```python fixed unsafe
    from datetime import timedelta

    import restate

    orders = restate.Service("orders")


    @orders.handler()
    async def remind(ctx: restate.Context, order: str) -> None: ...


    @orders.handler()
    async def place(ctx: restate.Context, order: str) -> None:
        ctx.service_send(remind, arg=order, send_delay=timedelta(days=1))
    ```

    It is so only where nothing else comes after the sleep. What is read, computed or returned then belongs to that time, a loop that sends again
    and again needs its pauses, and a helper does not know what its callers do next:

    ```python
    from datetime import timedelta

    import restate

    orders = restate.Service("orders")


    async def pause(ctx):
        await ctx.sleep(timedelta(days=1))
        ctx.service_send(remind, arg="a helper")


    @orders.handler()
    async def remind(ctx, order):
        await pause(ctx)
        await ctx.sleep(timedelta(days=1))
        status = await ctx.run_typed("status", lambda: "open")
        ctx.service_send(place, arg=status)


    @orders.handler()
    async def place(ctx, order):
        for _ in range(3):
            await ctx.sleep(timedelta(days=1))
            ctx.service_send(remind, arg=order)
        if order:
            await ctx.sleep(timedelta(days=1))  # expect: REA807
            ctx.service_send(remind, arg=order)
            ctx.service_send(remind, arg=order)
            return
        elif order is None:
            await ctx.sleep(timedelta(days=1))
            ctx.service_send(remind, arg=order)
            return order
        else:
            await ctx.sleep(timedelta(days=1))
            ctx.service_send(remind, arg=order, send_delay=timedelta(days=1))


    @orders.handler()
    async def late(ctx, order):
        if order:
            await ctx.sleep(timedelta(days=1))
            ctx.service_send(remind, arg=order)
        await ctx.service_call(remind, arg=order)
    ```
    """
    call = operation.call
    if not (call.awaited and call.discarded) or not code.project.registered(operation.function):
        return
    if not any(
        each.call.span.start > call.span.start and each.info.name.endswith("_send") for each in code.project.operations(operation.function)
    ):
        return
    if any(loop.contains(call.span) for loop in code.project.functions[operation.function].loops):
        return
    node = code.node(call.span)
    line = _line(code, node) if node is not None else None
    sends = _sends_after(code, line) if line is not None else ()
    if line is not None and sends:
        what = "the message" if len(sends) == 1 else "the messages"
        yield Finding(
            code.span(line.body[0]),
            f"The handler sleeps only to send {what} later: until then its invocation stays open, and its deployment is needed; send with"
            " `send_delay` at once.",
            _fix(operation, code, line, sends),
            tuple(Related(code.path, send.call.span, "what is sent after the sleep") for send in sends),
        )


def _line(code: Durable, node: cst.CSTNode) -> cst.SimpleStatementLine | None:
    """The line that a sleep has for itself."""
    at: cst.CSTNode | None = node
    while at is not None and not isinstance(at, cst.SimpleStatementLine | cst.BaseCompoundStatement):
        at = code.parent(at)
    return at if isinstance(at, cst.SimpleStatementLine) and len(at.body) == 1 else None


def _sends_after(code: Durable, line: cst.SimpleStatementLine) -> tuple[Operation, ...]:
    """The messages that are sent after a line, if the handler then ends and does nothing else; () otherwise."""
    following = _following(code, line)
    found = [_send(code, each) for each in following if not _ends(each)]
    return tuple(send for send in found if send is not None) if None not in found and _leads_to_end(code, line, following) else ()


def _following(code: Durable, statement: cst.CSTNode) -> Sequence[cst.BaseStatement]:
    block = code.parent(statement)
    if not isinstance(block, cst.IndentedBlock):
        return ()
    at = next(at for at, each in enumerate(block.body) if each is statement)
    return block.body[at + 1 :]


def _ends(statement: cst.CSTNode) -> bool:
    match statement:
        case cst.SimpleStatementLine(body=[cst.Return(value=None | cst.Name(value="None"))]):
            return True
        case _:
            return False


def _send(code: Durable, statement: cst.CSTNode) -> Operation | None:
    """The message without a delay that a statement sends, and that is all it does."""
    match statement:
        case cst.SimpleStatementLine(body=[cst.Expr(value=cst.Call() as call)]):
            operation = code.operation(call)
            is_plain = operation is not None and operation.info.name.endswith("_send") and len(code.operations(call)) == 1
            return operation if operation is not None and is_plain and not _has_delay(operation) else None
        case _:
            return None


def _has_delay(operation: Operation) -> bool:
    parameters = operation.info.parameters
    return operation.call.unpacks or operation.call.argument(parameters.index("send_delay"), "send_delay") is not None


def _leads_to_end(code: Durable, line: cst.CSTNode, following: Sequence[cst.BaseStatement]) -> bool:
    """Whether the handler ends after the statements that follow a line: at a `return`, or because nothing comes after."""
    if any(_ends(each) for each in following):
        return all(_is_plain_block(around) for around in _around(code, line))
    at: cst.CSTNode = line
    for around in _around(code, line):
        if not _is_plain_block(around):
            return False
        if isinstance(at, cst.BaseStatement) and at is not line and any(not _ends(each) for each in _following(code, at)):
            return False
        at = around
    return True


def _around(code: Durable, line: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """What is around a line within its function, from the inside out."""
    for around in code.ancestors(line):
        if isinstance(around, cst.FunctionDef):
            return
        yield around


def _is_plain_block(node: cst.CSTNode) -> bool:
    return isinstance(node, cst.If | cst.Else | cst.IndentedBlock | cst.Match | cst.MatchCase)


def _fix(operation: Operation, code: Durable, line: cst.SimpleStatementLine, sends: tuple[Operation, ...]) -> Fix | None:
    """Leave out the sleep, and give its length to the messages."""
    delta = operation.call.argument(0, "delta")
    first = _following(code, line)[0]
    start, end = code.span(line).start, code.span(first).start
    text = code.source.text
    if delta is None or "#" in text[start:end]:
        return None
    given = text[delta.span.start : delta.span.end]
    edits = [Edit(Span(start, end), "")]
    for send in sends:
        last = send.call.arguments[-1].span.end if send.call.arguments else send.call.span.end
        if not re.fullmatch(r",?\s*\)", text[last : send.call.span.end]):
            return None
        edits.append(Edit(Span(last, last), f", send_delay={given}"))
    return rewrite.journaling("Send with a delay", tuple(edits))
