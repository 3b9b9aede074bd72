"""REA406: a step leaves its result in a variable of the handler."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rea_lint import cst
from rea_lint.diagnostic import Finding, Related, Severity
from rea_lint.durable import Durable
from rea_lint.flow import is_log
from rea_lint.project import Step
from rea_lint.rule import rule

if TYPE_CHECKING:
    from rea_lint.facts import Function
    from rea_lint.project import Project
    from rea_lint.text import Span

CONTAINERS = frozenset(
    {
        *("builtins.list()", "builtins.dict()", "builtins.set()", "builtins.bytearray()"),
        *("collections.defaultdict()", "collections.OrderedDict()", "collections.Counter()", "collections.deque()"),
    }
)
CHANGES = frozenset(
    {
        *("append", "appendleft", "extend", "insert", "add", "update", "setdefault"),
        *("pop", "popleft", "popitem", "remove", "discard", "clear", "sort", "reverse"),
    }
)


@rule("REA406", "step-writes-outer-state", Severity.ERROR, docs="https://docs.restate.dev/develop/python/durable-steps")
def step_writes_outer_state(step: Step, code: Durable) -> Iterator[Finding]:
    """
    A step changes a variable of the handler, which reads it afterwards: on replay the change is missing.

    The journal keeps what a step returns, and nothing else. On replay the action does not run, so a list that it would fill stays empty, a
    flag that it would raise stays down. The first attempt works, and so does every test of it; after a crash or a suspension the handler
    goes on with what the variable was before.

    ```python fails="result differs from the first attempt"
    import restate

    orders = restate.Service("orders")


    def charge(item: str) -> str:
        return f"{item} is paid"


    @orders.handler()
    async def place(ctx: restate.Context, item: str) -> list[str]:
        receipts = []

        def pay() -> None:
            receipts.append(charge(item))  # expect: REA406 "`receipts` is changed inside the step"

        await ctx.run_typed("pay", pay)
        return receipts
    ```

    What a step finds out, it returns:

    ```python
    import restate

    orders = restate.Service("orders")


    def charge(item: str) -> str:
        return f"{item} is paid"


    @orders.handler()
    async def place(ctx: restate.Context, item: str) -> list[str]:
        receipts = []
        receipts.append(await ctx.run_typed("pay", charge, item=item))
        return receipts
    ```

    `nonlocal`, items, attributes and lambdas are no different:

    ```python
    import restate

    orders = restate.Service("orders")


    class Basket:
        paid = False


    @orders.handler()
    async def place(ctx, order):
        count = 0
        basket = Basket()
        seen = set()
        lines = await ctx.service_call(place, arg=order) or []

        async def pay():
            nonlocal count
            count += 1  # expect: REA406 "`count`"
            order["paid"] = True  # expect: REA406 "`order`"
            basket.paid = True  # expect: REA406 "`basket.paid`"
            lines.append("paid")  # expect: REA406 "`lines`"
            return "paid"

        await ctx.run_typed("pay", pay)
        for item in order["items"]:
            if item in seen:
                continue
            await ctx.run_typed("note", lambda: seen.add("x"))  # expect: REA406 "`seen`"
        return [count, order, basket.paid, lines]
    ```

    What the step changes for itself, what nobody reads later, and what gets its value from the step's result is fine:

    ```python
    import logging

    import restate

    orders = restate.Service("orders")
    logger = restate.getLogger()


    class Session:
        def add(self, row):
            return row


    @orders.handler()
    async def place(ctx, order):
        lines = []
        log = []
        session = Session()
        count = 0

        def pay():
            own = {}
            own["paid"] = True
            log.append("paid")
            session.add(own)
            lines.append("paid")
            return lines

        def refund():
            nonlocal count
            count = 1
            return count

        print(lines)
        lines = await ctx.run_typed("pay", pay)
        count = await ctx.run_typed("refund", refund)
        logger.info("%s", log)
        session.add(order)
        return [lines, count]
    ```
    """
    for name in step.actions:
        function = code.project.functions[name]
        if not _may_write(function, code.project):
            continue
        if next(each for each in code.project.steps(step.function) if name in each.actions) is not step:
            continue
        if code.definition(name) is None:
            continue
        told: set[str] = set()
        for written, node in _writes(function, code):
            read = _read(written, step, function, code) if written not in told else None
            if read is not None:
                told.add(written)
                taker = " ".join(code.source.text[step.call.callee_span.start : step.call.callee_span.end].split())
                yield Finding(
                    code.span(node),
                    f"`{written}` is changed inside the step of `{taker}`, and the handler reads it later: on replay the step does not run, and the change"
                    " is missing; return the value from the step.",
                    None,
                    (
                        Related(code.path, read, f"`{written}` is read here"),
                        Related(code.path, step.call.span, "the step is handed over here"),
                    ),
                )


def _may_write(action: Function, project: Project) -> bool:
    """Whether an action, or a function in it, may change something of the functions around, as facts tell."""
    for each in (action, *(project.functions[name] for name in action.nested)):
        if each.writes or "Nonlocal" in each.shape:
            return True
        for callee in (callee for call in each.calls for callee in call.callees):
            scope, _, rest = callee.partition(":")
            if rest.rpartition(".")[2] in CHANGES and action.name.startswith(f"{scope}."):
                return True
    return False


def _writes(function: Function, code: Durable) -> Iterator[tuple[str, cst.CSTNode]]:
    """The variables (`count`) and attributes (`basket.paid`) of the functions around that a step changes, each with the place."""
    for each in (function, *(code.project.functions[name] for name in function.nested)):
        definition = code.definition(each.name)
        for node in code.within(definition.body) if definition is not None else ():
            match node:
                case cst.AssignTarget(target=target) | cst.AugAssign(target=target) | cst.AnnAssign(target=target):
                    written = _target(target, each, function, code)
                    if written is not None:
                        yield written, target
                case cst.Call(func=cst.Attribute(value=cst.Name() as holder, attr=method)) if method.value in CHANGES:
                    values = code.resolve(holder)
                    if _is_outer(holder, function, code) and values & CONTAINERS and not any(code.project.index.is_ours(v) for v in values):
                        yield holder.value, node
                case _:
                    pass


def _target(target: cst.BaseExpression, at: Function, action: Function, code: Durable) -> str | None:
    """What an assignment changes beyond the step: a `nonlocal`, an item of a variable, or an attribute."""
    match target:
        case cst.Name(value=name):
            nodes = code.within(definition.body) if (definition := code.definition(at.name)) is not None else ()
            is_nonlocal = any(isinstance(node, cst.Nonlocal) and name in {item.name.value for item in node.names} for node in nodes)
            return name if is_nonlocal and name not in action.variables else None
        case cst.Subscript(value=cst.Name() as holder):
            return holder.value if _is_outer(holder, action, code) else None
        case cst.Attribute(value=cst.Name() as holder, attr=attribute):
            return f"{holder.value}.{attribute.value}" if _is_outer(holder, action, code) else None
        case _:
            return None


def _is_outer(name: cst.Name, action: Function, code: Durable) -> bool:
    """Whether a name is a variable or parameter of a function around the action."""
    holders = {ref.partition(":")[0] for ref in code.refs(name) if ":" in ref}
    return bool(holders) and all(action.name.startswith(f"{holder}.") for holder in holders)


def _read(written: str, step: Step, action: Function, code: Durable) -> Span | None:
    """Where durable code, or another step, reads what a step has changed: after it, or anywhere in a loop around it."""
    variable, _, attribute = written.partition(".")
    scope = code.project.functions.get(action.scope)
    call = code.node(step.call.span)
    if scope is None or call is None:
        return None
    start = min(
        (code.span(loop).start for loop in code.ancestors(call) if isinstance(loop, cst.For | cst.While)), default=step.call.span.end
    )
    rebound = [b.span for b in scope.variables.get(variable, ()) if not action.span.contains(b.span) and not (b.elements and not b.values)]
    if any(span.contains(step.call.span) for span in rebound):
        return None  # it is what the step gives
    for node in code.names(variable):
        at = code.span(node)
        if at.start < start or action.span.contains(at) or step.call.span.contains(at):
            continue
        if any(step.call.span.end <= span.start < at.start for span in rebound):
            return None
        if _is_read(node, attribute, code):
            return at
    return None


def _is_read(name: cst.Name, attribute: str, code: Durable) -> bool:
    """Whether a mention of a variable reads it (or its attribute), other than to write a log line."""
    parent = code.parent(name)
    if isinstance(parent, cst.AssignTarget | cst.AugAssign | cst.Nonlocal | cst.NameItem):
        return False
    if isinstance(parent, cst.Attribute):
        if attribute:
            return parent.attr.value == attribute and not isinstance(code.parent(parent), cst.AssignTarget | cst.AugAssign)
        call = code.parent(parent)
        if isinstance(call, cst.Call) and call.func is parent and parent.attr.value in CHANGES and isinstance(code.parent(call), cst.Expr):
            return False
    elif attribute and not isinstance(parent, cst.Return):
        return False
    if isinstance(parent, cst.Subscript) and isinstance(code.parent(parent), cst.AssignTarget):
        return False
    return not any(isinstance(around, cst.Call) and is_log(code.project, code.resolve(around.func)) for around in code.ancestors(name))
