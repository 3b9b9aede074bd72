"""REA804: a call or send with arguments that do not fit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rea_lint.diagnostic import Finding, Severity
from rea_lint.durable import Durable
from rea_lint.project import Operation
from rea_lint.rule import rule
from rea_lint.rules import certain

if TYPE_CHECKING:
    from rea_lint.facts import Argument

NEEDED = ("tpe", "service", "handler", "key", "arg")
NO_TEXT = frozenset(
    {
        *(f"builtins.{kind}()" for kind in ("bool", "bytearray", "bytes", "dict", "float", "int", "list", "set", "tuple")),
        "uuid.UUID()",
    }
)


@rule(
    "REA804",
    "call-argument-mismatch",
    Severity.ERROR,
    operations=lambda info, _: info.name.endswith(("_call", "_send")),
    docs="https://docs.restate.dev/develop/python/service-communication",
)
def call_argument_mismatch(operation: Operation, code: Durable) -> Iterator[Finding]:
    """
    A call lacks an argument, has one that there is not, or a key that is no string.

    Calls have no defaults for what they send: a handler without input is called with `arg=None`. A missing key or argument is a
    `TypeError` when the handler comes there, and so is a key that is a number or a UUID; the SDK takes it for a failure that may
    pass, and the invocation is retried for ever.

    ```python fails="retried with TypeError"
    import restate

    carts = restate.VirtualObject("carts")
    orders = restate.Service("orders")


    @carts.handler()
    async def clear(ctx: restate.ObjectContext) -> None:
        ctx.clear_all()


    @orders.handler()
    async def place(ctx: restate.Context, customer: int) -> None:
        await ctx.object_call(clear, "ann")  # expect: REA804 "lacks `arg`"
    ```

    ```python
    import restate

    carts = restate.VirtualObject("carts")
    orders = restate.Service("orders")


    @carts.handler()
    async def clear(ctx: restate.ObjectContext) -> None:
        ctx.clear_all()


    @orders.handler()
    async def place(ctx: restate.Context, customer: int) -> None:
        await ctx.object_call(clear, "ann", arg=None)
        await ctx.object_call(clear, str(customer), None)
        await ctx.object_call(clear, key=f"{customer}", arg=None)
        await ctx.generic_call("carts", "clear", b"", key="ann")
        ctx.generic_send("orders", "place", b"1")
        ctx.object_send(*[clear, "ann", None])
        ctx.object_send(clear, **{"key": "ann", "arg": None})
        for name in ["ann", "bob"]:
            ctx.object_send(clear, name, None)
        ctx.object_send(clear, "cart-%d" % customer, None)
    ```

    A key of `None` is worse: there is no error, and the handler runs on the object whose key is the empty string.

    ```python
    import restate

    carts = restate.VirtualObject("carts")
    orders = restate.Service("orders")


    @carts.handler()
    async def clear(ctx, item):
        ctx.clear_all()


    @orders.handler()
    async def place(ctx, customer):
        ctx.object_send(clear, key=None, arg="pen")  # expect: REA804 "the empty string"
        ctx.object_send(clear, key=7, arg="pen")  # expect: REA804 "is no string"
        ctx.object_send(clear, ctx.uuid(), "pen")  # expect: REA804 "is no string"
        ctx.object_send(clear, arg="pen")  # expect: REA804 "lacks `key`"
        ctx.service_send(place, customer, key="ann")  # expect: REA804 "has no parameter `key`"
    ```
    """
    method = operation.info.name.rpartition(".")[2]
    call = operation.call
    if call.unpacks:
        return
    parameters = operation.info.parameters
    positional = [argument for argument in call.arguments if argument.keyword is None]
    given = {*parameters[: len(positional)], *(argument.keyword for argument in call.arguments)}
    lacking = [name for name in parameters if name in NEEDED and name not in given and (name != "key" or not method.startswith("generic"))]
    unknown = [name for name in (argument.keyword for argument in call.arguments) if name is not None and name not in parameters]
    if lacking or unknown or len(positional) > len(parameters):
        wrong = _wrong(lacking, unknown)
        yield Finding(
            call.span, f"This `ctx.{method}` {wrong}: a `TypeError`, with which the invocation is retried for ever{_hint(lacking)}."
        )
    key = call.argument(parameters.index("key"), "key") if "key" in parameters else None
    if key is not None and key.literal == "None" and not method.startswith("generic"):
        yield Finding(key.span, "Without a key the handler runs on the object whose key is the empty string; say which one is meant.")
    elif key is not None and _is_no_text(key, code):
        shown = " ".join(code.source.text[key.span.start : key.span.end].split())
        yield Finding(
            key.span, f"The key `{shown}` is no string: a `TypeError`, with which the invocation is retried for ever; use `str({shown})`."
        )


def _wrong(lacking: list[str], unknown: list[str]) -> str:
    if lacking:
        return "lacks " + " and ".join(f"`{name}`" for name in lacking)
    return "has no parameter " + " and ".join(f"`{name}`" for name in unknown) if unknown else "has too many arguments"


def _hint(lacking: list[str]) -> str:
    return "; a handler without input takes `arg=None`" if lacking == ["arg"] else ""


def _is_no_text(key: Argument, code: Durable) -> bool:
    found = certain.types(key, code) if certain.may_be(key, NO_TEXT, code.project) else certain.NOTHING
    return bool(found) and found <= NO_TEXT
