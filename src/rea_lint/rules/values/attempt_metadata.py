"""REA110: what belongs to an attempt decides what the invocation does."""

from __future__ import annotations

from collections.abc import Iterator

from rea_lint import cst, words
from rea_lint.diagnostic import Finding, Severity
from rea_lint.durable import Durable
from rea_lint.flow import DECISIVE
from rea_lint.project import Operation
from rea_lint.rule import rule

OF_ATTEMPT = frozenset({"attempt_headers", "attempt_finished_event"})
TRACE = frozenset({"traceparent", "tracestate"})
REQUEST = "restate.context.Request()"


@rule(
    "REA110",
    "attempt-metadata",
    Severity.WARNING,
    operations=lambda info, _: info.name == "request",
    docs="https://docs.restate.dev/develop/python/services",
)
def attempt_metadata(operation: Operation, code: Durable) -> Iterator[Finding]:
    """
    A header or the end of one attempt decides what is journaled, and the next attempt has others.

    `ctx.request().headers` are the invocation's: they came with the call and stay the same. `attempt_headers` came with this attempt, from the
    server to this process, and `attempt_finished_event` is set when this attempt is over. A replay is another attempt. Where its values
    decide which operations run, or go into one, the replay does not fit the journal.

    ```python
    import restate

    orders = restate.VirtualObject("orders")


    def place_now() -> str:
        return "placed"


    @orders.handler()
    async def place(ctx: restate.ObjectContext, item: str) -> None:
        if ctx.request().attempt_headers.get("x-retry"):  # expect: REA110 "decides whether `ctx.run_typed` runs"
            await ctx.run_typed("place", place_now)
    ```

    ```python
    import restate

    orders = restate.VirtualObject("orders")


    def place_now() -> str:
        return "placed"


    @orders.handler()
    async def place(ctx: restate.ObjectContext, item: str) -> None:
        if ctx.request().headers.get("x-express"):
            await ctx.run_typed("place", place_now)
    ```

    In a step, or for a log line, they are what they are for: a request to somewhere else can be given up when the attempt is over. The trace
    context among the attempt's headers is the invocation's, and the same in all attempts (restate-server, invoker: `invocation_task.rs`).

    ```python
    import restate

    orders = restate.VirtualObject("orders")
    logger = restate.getLogger()


    class Mail:
        attempt_headers = {"to": "shop"}


    @orders.handler()
    async def place(ctx, item):
        request = ctx.request()
        logger.info("via %s", request.attempt_headers.get("via"))
        finished = request.attempt_finished_event

        async def send():
            return None if finished.is_set() else item

        await ctx.run_typed("send", send)
        ctx.set("to", Mail().attempt_headers["to"])
        ctx.set("trace", request.attempt_headers.get("traceparent"))
        ctx.set("span", request.attempt_headers["traceparent"])
        ctx.set("via", request.attempt_headers.get("via"))  # expect: REA110 "reaches `ctx.set`"
    ```
    """
    for node, owner in code.nodes:
        if not isinstance(node, cst.Attribute) or node.attr.value not in OF_ATTEMPT or owner != operation.function:
            continue
        source = node.value
        made = (
            {code.span(source)} if isinstance(source, cst.Call) else {b.span for b in code.owner(node).variables.get(code.text(source), ())}
        )
        if made != {operation.call.span} or code.resolve(source) != {REQUEST}:
            continue
        if _is_trace(node, code):
            continue
        goes = code.consequence(code.span(node))
        if not goes.sinks.isdisjoint(DECISIVE):
            yield Finding(
                code.span(node),
                f"`{code.text(node)}` belongs to this attempt and {goes.worst.says}: replay is another attempt, and does not fit the journal; use the"
                " invocation's `headers`, or read it in a step.",
                None,
                words.places(goes),
            )


def _is_trace(headers: cst.Attribute, code: Durable) -> bool:
    """Whether a header is read that says which trace the invocation belongs to."""
    around = code.parent(headers)
    match code.parent(around) if isinstance(around, cst.Attribute) else around:
        case cst.Call(args=[cst.Arg(value=cst.SimpleString() as name), *_]):
            return name.evaluated_value in TRACE
        case cst.Subscript(slice=[cst.SubscriptElement(slice=cst.Index(value=cst.SimpleString() as name))]):
            return name.evaluated_value in TRACE
        case _:
            return False
