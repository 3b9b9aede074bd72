"""REA105: an order that another process does not repeat."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rea_lint import cst, order, rewrite
from rea_lint.diagnostic import Finding, Fix, Related, Severity
from rea_lint.durable import Durable
from rea_lint.packs import Effect
from rea_lint.rule import rule
from rea_lint.rules import triggers

if TYPE_CHECKING:
    from rea_lint.facts import Function, Refs
    from rea_lint.project import Project


def _may_matter(function: Function, project: Project) -> bool:
    """Whether there is a durable operation, and a set or a listing."""
    is_durable = (
        project.has_context(function.name)
        or any(project.has_context(edge.target) for edge in project.calls(function.name))
        or any(project.takes_context(call) for call in function.calls)
    )
    return is_durable and (
        not function.shape.isdisjoint({"Set", "SetComp"})
        or any(not order.SETS.isdisjoint(project.resolve(refs)) for refs in _taken(function, project))
        or any(project.knowledge.effect(name, call) is Effect.ORDER for call in function.calls for name in project.resolve(call.callees))
    )


UNTAKEN = frozenset(  # the kinds of node around something whose order nobody takes there; of arguments, what is called decides
    {
        *("AnnAssign", "Assign", "AsyncFunctionDef", "Attribute", "Call", "ClassDef", "Compare", "Dict", "Expr", "FormattedValue"),
        *("FunctionDef", "If", "List", "Raise", "Return", "Slice", "Tuple", "UnaryOp", "While"),
    }
)
RUNS = frozenset({"AsyncFor", "DictComp", "For", "GeneratorExp", "List", "ListComp", "SetComp"})  # what runs over something
METHODS = tuple(f".{method}" for method in ("pop", *order.SET_MAKERS))


def _taken(function: Function, project: Project) -> Iterator[Refs]:
    """What may be something whose order is taken over: by a loop, a list, or a call that keeps it."""
    for call in function.calls:
        receivers = tuple(callee.rpartition(".")[0] for callee in call.callees if callee.endswith(METHODS))
        if receivers:
            yield receivers
        if call.arguments and not order.KEEPERS.isdisjoint(project.resolve(call.callees)):
            yield from (argument.values for argument in call.arguments)
    if RUNS.isdisjoint(function.shape):
        return
    for name, stands in function.stands.items():
        if not stands <= UNTAKEN:
            refs = function.names[name]
            yield from (refs, *triggers.elements(refs)) if "Subscript" in stands else (refs,)
    for read in function.reads:
        if read.around not in UNTAKEN:
            yield from (read.values, *triggers.elements(read.values)) if read.around == "Subscript" else (read.values,)
    for call in function.calls:
        if call.around not in UNTAKEN:
            made = tuple(f"{callee}()" for callee in call.callees)
            yield from (made, *triggers.elements(made)) if call.around == "Subscript" else (made,)


@rule("REA105", "unordered-iteration", Severity.ERROR, trigger=_may_matter, docs="https://docs.restate.dev/develop/python/durable-steps")
def unordered_iteration(node: cst.For | cst.CompFor | cst.List | cst.Call, code: Durable) -> Iterator[Finding]:
    """
    Durable operations depend on the order of a set, which another process does not repeat.

    Python salts the hashes of strings anew in each process, so a set of them comes in another order after a restart. If a handler runs
    an operation for each element, or sends the elements on, replay in another process finds other operations in the journal than it asks
    for, and the invocation fails with a journal mismatch (RT0016). In one process nothing is to be seen: tests pass.

    ```python fails="journal mismatch"
    import restate

    orders = restate.Service("orders")


    def ship(item: str) -> str:
        return f"shipped {item}"


    @orders.handler()
    async def stock(ctx: restate.Context) -> None:
        for item in {"ink", "nib", "paper", "pen", "ruler"}:  # expect: REA105 "in this order `ctx.run_typed` runs; sort it"
            await ctx.run_typed(f"ship {item}", lambda item=item: ship(item))
    ```

    Sorted, they come in the same order everywhere:

    ```python fixed
    import restate

    orders = restate.Service("orders")


    def ship(item: str) -> str:
        return f"shipped {item}"


    @orders.handler()
    async def stock(ctx: restate.Context) -> None:
        for item in sorted({"ink", "nib", "paper", "pen", "ruler"}):
            await ctx.run_typed(f"ship {item}", lambda item=item: ship(item))
    ```

    `list(dict.fromkeys(items))` also leaves each element once, and keeps the order in which they came.

    The order counts as well where the elements go into an argument:

    ```python
    import restate

    orders = restate.VirtualObject("orders")


    @orders.handler()
    async def place(ctx: restate.ObjectContext, items: list[str]) -> None:
        unique = {item.lower() for item in items}
        ctx.set("items", list(unique))  # expect: REA105 "this order reaches `ctx.set`"
    ```

    A directory is listed in whatever order the file system keeps it, and may have changed. Read it in a step:

    ```python
    import os

    import restate

    imports = restate.Service("imports")


    def load(name: str) -> str:
        return name


    @imports.handler()
    async def run(ctx: restate.Context, folder: str) -> None:
        for name in os.listdir(folder):  # expect: REA105 "`os.listdir(folder)` comes in no fixed order"
            await ctx.run_typed(f"load {name}", lambda name=name: load(name))
    ```

    ```python fixed unsafe
    import os

    import restate

    imports = restate.Service("imports")


    def load(name: str) -> str:
        return name


    @imports.handler()
    async def run(ctx: restate.Context, folder: str) -> None:
        for name in await ctx.run_typed("listdir", lambda: os.listdir(folder)):
            await ctx.run_typed(f"load {name}", lambda name=name: load(name))
    ```

    Dicts keep the order in which they were filled, numbers have the same hash everywhere, and what does not depend on the order is fine:

    ```python
    import restate

    orders = restate.VirtualObject("orders")


    @orders.handler()
    async def place(ctx: restate.ObjectContext, prices: dict[str, int]) -> None:
        items = list(prices)
        for item, price in prices.items():
            ctx.set(item, price)
        for number in {1, 2, 3}:
            ctx.set(str(number), number)
        unique = set(items)
        for item in sorted(unique):
            ctx.set(item, "placed")
        longest = 0
        for item in unique:
            longest = max(longest, len(item))
        ctx.set("longest", longest)
        ctx.set("count", len(unique))
        ctx.set("first", min(unique))
        if "pen" in unique:
            ctx.set("pen", "wanted")
        listed = list(unique)
        listed.sort()
        ctx.set("listed", listed)
    ```

    If it is not known what the elements are, the finding is a warning.
    """
    found = order.ordering(node, code)
    if found is None:
        return
    text = code.text(found.node)
    depends = (
        f"in this order `{found.operation}` runs"
        if found.runs
        else f"this order reaches `{found.operation}`, whose arguments replay compares"
    )
    span = code.span(found.node)
    if order.is_listing(found.node, code):
        said, fix, severity = f"`{text}` comes in no fixed order, and {depends}; read it in a step.", _read_in_step(found.node, code), None
    else:
        kinds = order.kinds(found.node, code)
        said = f"`{text}` is a set, which comes in another order in another process, and {depends}; sort it."
        fix, severity = _sort(found.node, kinds, code), None if kinds else Severity.WARNING
    yield Finding(
        span,
        said,
        fix,
        (Related(code.path, found.place, f"`{found.operation}` {'runs in' if found.runs else 'is given'} this order"),),
        severity,
    )


def _read_in_step(node: cst.BaseExpression, code: Durable) -> Fix | None:
    return rewrite.journaling("Read it in a step", rewrite.wrap_in_step(code, code.span(node))) if isinstance(node, cst.Call) else None


def _sort(node: cst.BaseExpression, kinds: frozenset[str], code: Durable) -> Fix | None:
    """Sorting keeps the journal of whoever has sorted elements; it is safe if the elements can be compared for sure."""
    around = code.parent(node)
    if isinstance(around, cst.Attribute):
        return None  # `names.pop()` also takes the element out of the set
    call = code.parent(around) if isinstance(around, cst.Arg) else None
    if isinstance(call, cst.Call) and code.resolve(call.func) & {"builtins.str", "builtins.repr"}:
        return None  # a list is written in other brackets
    kind = rewrite.safe if len(kinds) == 1 and kinds <= order.SORTABLE else rewrite.unsafe
    return kind("Sort it", rewrite.replace(code, node, f"sorted({code.text(node)})"))
