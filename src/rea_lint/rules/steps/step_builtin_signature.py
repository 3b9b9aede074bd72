"""REA409: an action without a signature."""

from __future__ import annotations

from collections.abc import Iterator

from rea_lint import cst, rewrite
from rea_lint.diagnostic import Finding, Severity
from rea_lint.durable import Durable
from rea_lint.project import Step
from rea_lint.rule import rule
from rea_lint.rules import actions

# What `inspect.signature` refuses in every Python from 3.10 to 3.12; those marked as late have a signature from 3.13 on.
NEVER = frozenset(
    f"builtins.{name}"
    for name in (
        "anext",
        "bytearray",
        "bytes",
        "dict",
        "dir",
        "getattr",
        "int",
        "iter",
        "max",
        "min",
        "next",
        "range",
        "str",
        "type",
        "vars",
    )
) | {
    "collections.OrderedDict",
    "collections.defaultdict",
    "collections.deque",
    "datetime.date",
    "datetime.datetime",
    "datetime.datetime.fromtimestamp",
    "datetime.datetime.strptime",
    "datetime.datetime.utcfromtimestamp",
    "datetime.time",
    "datetime.timedelta",
    "functools.reduce",
    "math.hypot",
    "math.log",
    "socket.gethostbyaddr",
    "socket.gethostbyname",
    "socket.gethostbyname_ex",
    "struct.pack",
    "time.asctime",
    "time.ctime",
    "time.gmtime",
    "time.localtime",
    "time.strftime",
    "time.strptime",
}
LATE = frozenset(
    {
        *("builtins.bool", "builtins.filter", "builtins.frozenset", "builtins.map", "builtins.set", "builtins.zip"),
        *("datetime.date.fromisoformat", "datetime.date.today", "datetime.datetime.fromisoformat", "datetime.datetime.today"),
        *("datetime.datetime.utcnow", "socket.gethostname"),
        *(f"time.{name}" for name in ("clock_gettime", "mktime", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns")),
        *(f"time.{name}" for name in ("process_time", "process_time_ns", "sleep", "thread_time", "time", "time_ns")),
    }
)


@rule("REA409", "step-builtin-signature", Severity.ERROR, docs="https://docs.restate.dev/develop/python/durable-steps")
def step_builtin_signature(step: Step, code: Durable) -> Iterator[Finding]:
    """
    A builtin that has no signature is the action, and the SDK asks for one.

    To find out how to serialize a result, `ctx.run_typed` looks at the action's return annotation. Some functions and classes that are
    written in C have no signature that `inspect` could read: a `ValueError`, before anything is journaled, with which the invocation is
    retried for ever.

    ```python fails="retried with ValueError"
    import time

    import restate

    orders = restate.Service("orders")


    @orders.handler()
    async def place(ctx: restate.Context, item: str) -> str:
        placed = await ctx.run_typed("placed", time.ctime)  # expect: REA409 "has no signature"
        return f"{item}, {placed}"
    ```

    A `lambda` has one:

    ```python fixed
    import time

    import restate

    orders = restate.Service("orders")


    @orders.handler()
    async def place(ctx: restate.Context, item: str) -> str:
        placed = await ctx.run_typed("placed", lambda: time.ctime())
        return f"{item}, {placed}"
    ```

    Nobody asks where the type (or a serde) is given. Many builtins have a signature; some, as `time.time`, have it from Python 3.13 on.

    ```python
    import os
    import random
    import time

    import restate
    from restate.serde import JsonSerde

    orders = restate.Service("orders")


    class Watch:
        def time(self) -> int:
            return 12


    @orders.handler()
    async def place(ctx, item):
        await ctx.run_typed("pid", os.getpid)
        await ctx.run_typed("random", random.random)
        await ctx.run_typed("watch", Watch().time)
        await ctx.run_typed("hinted", time.ctime, restate.RunOptions(type_hint=str))
        await ctx.run_typed("serde", time.ctime, restate.RunOptions(serde=JsonSerde()))
        await ctx.run("old", time.ctime, type_hint=str)
        await ctx.run_typed("time", time.time)  # expect: REA409 "before Python 3.13"
        await ctx.run("dict", dict)  # expect: REA409 "`dict`"
    ```
    """
    names = code.project.resolve(step.action.values)
    is_late = bool(names) and not names <= NEVER
    if not names or not names <= NEVER | LATE or (handed := actions.handover(step, code)) is None:
        return
    action = handed.action
    if not isinstance(action, cst.Name | cst.Attribute) or actions.option(handed, "type_hint") or actions.option(handed, "serde"):
        return
    text = code.text(action)
    extra = [argument for argument in handed.call.args if argument.keyword is not None and argument.value is not action]
    fix = None if extra else rewrite.safe("Call it in a lambda", rewrite.replace(code, action, f"lambda: {text}()"))
    yield Finding(
        code.span(action),
        f"`{text}` has no signature{' before Python 3.13' if is_late else ''}, and `{code.text(handed.call.func)}` asks for it: a `ValueError` before the"
        " step is journaled, with which the invocation is retried for ever; call it in a `lambda`.",
        fix,
    )
