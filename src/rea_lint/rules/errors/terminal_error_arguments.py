"""REA715: a terminal error that cannot be told."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rea_lint import cst
from rea_lint.diagnostic import Finding, Severity
from rea_lint.durable import Durable
from rea_lint.project import Project
from rea_lint.rule import rule
from rea_lint.rules import errors_made, triggers

if TYPE_CHECKING:
    from rea_lint.facts import Function
    from rea_lint.rules.errors_made import Made

TERMINAL = "restate.TerminalError"
PARAMETERS = ("message", "status_code", "metadata")
NO_MESSAGE = "`TerminalError` is raised without a message: a `TypeError`, with which the invocation is retried for ever; say what is wrong."
UNSENT = "the error is never sent, and the invocation is retried for ever"
HIGHEST = 65535  # it goes to the server as an unsigned number of 16 bits


def _may_raise_the_class(function: Function, project: Project) -> bool:
    return any(project.resolve(refs) == {TERMINAL} for refs in triggers.raised(function))


@rule(
    "REA715",
    "terminal-error-arguments",
    Severity.ERROR,
    trigger=_may_raise_the_class,
    docs="https://docs.restate.dev/develop/python/error-handling",
)
def terminal_error_arguments(thing: Project | cst.Raise, code: Durable | None = None) -> Iterator[Finding]:
    """
    A `TerminalError` is made of something that the SDK cannot send.

    Nothing is checked when it is made. But the SDK hands its message, status code and metadata to the protocol when the handler is over, and
    raises there if one has the wrong type: the error is never sent, the attempt ends without a result, and the invocation
    is retried for ever instead of failing. In a step it is worse: the step never ends, and the invocation hangs.

    ```python fails="hang"
    import restate

    orders = restate.Service("orders")


    @orders.handler()
    async def place(ctx: restate.Context, item: str) -> str:
        raise restate.TerminalError("no such item", status_code="404")  # expect: REA715 "`status_code`"
    ```

    ```python
    import restate

    orders = restate.Service("orders")


    class TerminalError(Exception):
        def __init__(self, code: str) -> None: ...


    def refuse(reason: Exception, code: int) -> None:
        raise restate.TerminalError(str(reason), code, metadata={"reason": f"{reason}"})


    @orders.handler()
    async def place(ctx: restate.Context, item: str) -> str:
        if item == "ours":
            raise TerminalError("404")
        raise restate.TerminalError("no such item", status_code=404)
    ```

    The message is text (an exception is none), the code a whole number, metadata a dict of texts:

    ```python
    import restate
    from restate.exceptions import TerminalError

    orders = restate.Service("orders")


    @orders.handler()
    async def place(ctx: restate.Context, item: str) -> str:
        if not item:
            raise TerminalError  # expect: REA715 "without a message"
        try:
            return str(int(item))
        except ValueError as e:
            if item == "dict":
                raise TerminalError({"reason": "no number"})  # expect: REA715 "message"
            if item == "exception":
                raise TerminalError(e)  # expect: REA715 "message"
            if item == "none":
                raise TerminalError(None)  # expect: REA715 "message"
            if item == "code":
                raise TerminalError("no number", code=400)  # expect: REA715 "no parameter `code`"
            raise TerminalError("no number", 400.0, metadata=["number"])  # expect: REA715 "`metadata`", REA715 "`status_code`"
    ```

    Metadata is there from SDK 1.0 on.
    """
    if isinstance(thing, Project):
        yield from (finding for made in errors_made.find(thing, TERMINAL) for finding in _of(made, thing))
    elif code is not None and isinstance(thing.exc, cst.Name | cst.Attribute) and code.resolve(thing.exc) == {TERMINAL}:
        yield Finding(code.span(thing.exc), NO_MESSAGE)


def _of(made: Made, project: Project) -> Iterator[Finding]:
    """What is wrong with the arguments of one."""
    call = made.call
    unknown = [a.keyword for a in call.arguments if a.keyword is not None and a.keyword not in {*PARAMETERS, "*", "**"}]
    if unknown:
        said = f"`TerminalError` has no parameter `{unknown[0]}`: a `TypeError`, with which the invocation is retried for ever."
        yield Finding(made.span, said, path=made.path)
        return
    message, code, metadata = (call.argument(at, name) for at, name in enumerate(PARAMETERS))
    if message is None and not call.unpacks:
        yield Finding(made.span, NO_MESSAGE, path=made.path)
    if message is not None and errors_made.is_no(project, message, "str"):
        yield Finding(message.span, f"The message of a `TerminalError` is text: otherwise {UNSENT}; use `str(...)`.", path=made.path)
    if code is not None and (errors_made.is_no(project, code, "int") or _is_out_of_range(code.literal)):
        yield Finding(
            code.span, f"The `status_code` of a `TerminalError` is a whole number from 0 to {HIGHEST}: otherwise {UNSENT}.", path=made.path
        )
    if metadata is not None and metadata.literal != "None" and errors_made.is_no(project, metadata, "dict"):
        yield Finding(metadata.span, f"The `metadata` of a `TerminalError` is a dict of texts: otherwise {UNSENT}.", path=made.path)


def _is_out_of_range(literal: str | None) -> bool:
    return literal is not None and re.fullmatch(r"\d+", literal) is not None and int(literal) > HIGHEST
