"""REA718: durable code that ends the process."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rea_lint import cst, rewrite, words
from rea_lint.diagnostic import Finding, Severity
from rea_lint.durable import Durable
from rea_lint.packs import Effect
from rea_lint.project import Use
from rea_lint.rule import rule
from rea_lint.rules import triggers
from rea_lint.text import Edit

if TYPE_CHECKING:
    from rea_lint.diagnostic import Fix
    from rea_lint.facts import Function
    from rea_lint.project import Project

LEAVING = frozenset({"builtins.SystemExit", "builtins.KeyboardInterrupt"})
AT_ONCE = frozenset({"os._exit", "os.abort"})


def _may_leave(function: Function, project: Project) -> bool:
    made = (call.callees for call in function.calls if call.around == "Raise")
    return any(not LEAVING.isdisjoint(project.resolve(refs)) for refs in (*triggers.raised(function), *made))


@rule(
    "REA718",
    "process-exit",
    Severity.ERROR,
    effects=[Effect.EXIT],
    trigger=_may_leave,
    docs="https://docs.restate.dev/develop/python/error-handling",
)
def process_exit(thing: Use | cst.Raise, code: Durable) -> Iterator[Finding]:
    """
    Durable code ends the process, with every other invocation in it.

    One process serves many invocations at once. `sys.exit()` raises `SystemExit`, which passes through the SDK and ends the event loop;
    `os._exit()` does not even ask. All invocations of the process are cut off, and Restate starts them again elsewhere: this one
    too, which then ends the next process.

    ```python fails="process exits"
    import sys

    import restate

    orders = restate.Service("orders")


    @orders.handler()
    async def place(ctx: restate.Context, item: str) -> str:
        if not item:
            sys.exit("no item")  # expect: REA718 "with every other invocation"
        return item
    ```

    A handler that cannot go on says so with a terminal error:

    ```python fixed unsafe
    import restate

    orders = restate.Service("orders")


    @orders.handler()
    async def place(ctx: restate.Context, item: str) -> str:
        if not item:
            raise restate.TerminalError("no item")
        return item
    ```

    It is found in what the handler calls as well. The program that serves handlers may exit:

    ```python
    import os
    import sys

    import restate

    orders = restate.Service("orders")


    class Door:
        def exit(self) -> str:
            return "out"


    def give_up() -> None:
        os._exit(1)


    @orders.handler()
    async def place(ctx: restate.Context, item: str) -> str:
        if item == "stop":
            raise SystemExit(1)  # expect: REA718 "`SystemExit`"
        if item == "now":
            give_up()  # expect: REA718 "`app.give_up` calls `os._exit`"
        return Door().exit()


    def main() -> None:
        app = restate.app([orders])
        if app is None:
            sys.exit(1)
    ```
    """
    instead = "raise `TerminalError` to end this invocation"
    if isinstance(thing, cst.Raise):
        error = thing.exc.func if isinstance(thing.exc, cst.Call) else thing.exc
        if error is not None and code.resolve(error) & LEAVING:
            name = code.text(error)
            yield Finding(
                code.span(thing),
                f"`{name}` leaves the SDK and ends the process, with every other invocation in it; {instead}.",
                _fix(thing.exc, code),
            )
        return
    subject = words.subject(thing, "ends", "which ends")
    call = words.direct(thing, code)
    fix = _fix(call, code) if call is not None and thing.primitive not in AT_ONCE else None
    yield Finding(thing.span, f"{subject} the process, with every other invocation in it; {instead}.", fix, code.chain(thing))


def _fix(exit_: cst.BaseExpression | None, code: Durable) -> Fix | None:
    """`raise TerminalError` with the same text, where the exit is a statement of its own and has one."""
    match exit_:
        case cst.Call(args=[cst.Arg(value=cst.SimpleString() | cst.FormattedString() as message, keyword=None, star="")]):
            pass
        case _:
            return None
    parent = code.parent(exit_)
    name = rewrite.spelled(code, exit_, "restate.TerminalError")
    if name is None or not isinstance(parent, cst.Expr | cst.Raise):
        return None
    whole = code.span(exit_)
    text = f"{name[0]}({code.text(message)})"
    edit = Edit(whole, f"raise {text}" if isinstance(parent, cst.Expr) else text)
    dropped = rewrite.without_import(code, exit_.func, (edit,)) or (edit,)
    return rewrite.unsafe("Raise a `TerminalError`", (*dropped, *name[1]))
