"""REA812: a generic call whose input is not bytes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rea_lint import cst, rewrite
from rea_lint.diagnostic import Finding, Severity
from rea_lint.durable import Durable
from rea_lint.project import Operation
from rea_lint.rule import rule
from rea_lint.rules import certain

if TYPE_CHECKING:
    from rea_lint.diagnostic import Fix
    from rea_lint.facts import Argument

TEXT = frozenset({"builtins.str()"})
OTHER = frozenset(f"builtins.{kind}()" for kind in ("bool", "bytearray", "dict", "float", "int", "list", "set", "tuple"))


@rule(
    "REA812",
    "generic-call-bytes",
    Severity.ERROR,
    operations=lambda info, _: info.name in {"generic_call", "generic_send"},
    docs="https://docs.restate.dev/develop/python/service-communication",
)
def generic_call_bytes(operation: Operation, code: Durable) -> Iterator[Finding]:
    """
    A generic call is given text or data, and takes bytes.

    `ctx.generic_call` and `ctx.generic_send` name their handler by strings and know nothing of its types, so they send bytes as they are.
    Anything else, `bytearray` too, is a `TypeError`, with which the invocation is retried for ever.

    ```python fails="retried with TypeError"
    import json

    import restate

    orders = restate.Service("orders")


    @orders.handler()
    async def place(ctx: restate.Context, item: str) -> None:
        await ctx.generic_call("payments", "charge", json.dumps({"item": item}))  # expect: REA812 "is text"
        ctx.generic_send("mail", "send", arg={"item": item})  # expect: REA812 "takes bytes"
    ```

    Most handlers take JSON, encoded as UTF-8. What the callee takes is for you to know, so the fix is unsafe:

    ```python fixed unsafe
    import json

    import restate

    orders = restate.Service("orders")


    @orders.handler()
    async def place(ctx: restate.Context, item: str) -> None:
        await ctx.generic_call("payments", "charge", json.dumps({"item": item}).encode())
        ctx.generic_send("mail", "send", arg=json.dumps({"item": item}).encode())
    ```

    Bytes are fine, `None` is sent as nothing, and what is not known is let pass:

    ```python
    import json

    import restate

    orders = restate.Service("orders")


    class Bus:
        def generic_send(self, service: str, handler: str, arg: str) -> None: ...


    @orders.handler()
    async def place(ctx, item):
        Bus().generic_send("mail", "send", "hello")
        ctx.generic_send("mail", "send", b"hello")
        ctx.generic_send("mail", "send", None)
        ctx.generic_send("mail", "send", json.dumps(item).encode("utf-8"))
        ctx.generic_send("mail", "send", item.encode())
        return await ctx.generic_call("payments", "charge", item)
    ```
    """
    argument = operation.call.argument(operation.info.parameters.index("arg"), "arg")
    kind = _kind(argument, operation.function, code) if argument is not None else None
    if kind is not None and argument is not None:
        shown = " ".join(code.source.text[argument.span.start : argument.span.end].split())
        yield Finding(
            argument.span,
            f"`{shown}` is {kind}, and `ctx.{operation.info.name}` takes bytes: a `TypeError`, with which the invocation is retried for ever; encode it.",
            _fix(argument, kind, code),
        )


def _kind(argument: Argument, function: str, code: Durable) -> str | None:
    """`text` or `data`; None for bytes, for None, and where it is not known."""
    made = code.project.functions[function].call(argument.span)
    is_text = made is not None and code.project.resolve(made.callees) == {"json.dumps"}
    if not is_text and not certain.may_be(argument, TEXT | OTHER, code.project):
        return None
    node = code.node(argument.span)
    if isinstance(node, cst.Call) and code.resolve(node.func) == {"json.dumps"}:
        return "text"
    found = certain.types(argument, code)
    return None if not found else "text" if found <= TEXT else "data" if found <= OTHER else None


def _fix(argument: Argument, kind: str, code: Durable) -> Fix | None:
    node = code.node(argument.span)
    if node is None:
        return None
    text = code.text(node)
    if kind == "text":
        whole = text if isinstance(node, cst.Call | cst.Name | cst.Attribute | cst.SimpleString) else f"({text})"
        return rewrite.unsafe("Encode it", rewrite.replace(code, node, f"{whole}.encode()"))
    name = rewrite.spelled(code, node, "json.dumps") if isinstance(node, cst.Dict | cst.List | cst.Name) else None
    edits = rewrite.replace(code, node, f"{name[0]}({text}).encode()") if name is not None else None
    return rewrite.unsafe("Send it as JSON", (*edits, *name[1])) if edits is not None and name is not None else None
