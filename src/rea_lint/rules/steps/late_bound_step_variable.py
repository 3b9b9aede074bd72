"""REA417: an action that sees a variable of a loop after the loop has gone on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, TypeAlias

from rea_lint import cst, rewrite
from rea_lint.diagnostic import Finding, Severity
from rea_lint.durable import Durable
from rea_lint.project import Step
from rea_lint.rule import rule
from rea_lint.rules import actions

if TYPE_CHECKING:
    from rea_lint.diagnostic import Fix
    from rea_lint.facts import Function
    from rea_lint.rules.actions import Handover

LOOPS = frozenset({"For", "AsyncFor", "While", "ListComp", "SetComp", "DictComp", "GeneratorExp"})
Loop: TypeAlias = "cst.For | cst.While | cst.BaseComp"


@rule("REA417", "late-bound-step-variable", Severity.ERROR, docs="https://docs.restate.dev/develop/python/concurrent-tasks")
def late_bound_step_variable(step: Step, code: Durable) -> Iterator[Finding]:
    """
    Steps are started in a loop, and each looks up the loop's variable when it runs: then it has its last value.

    `ctx.run_typed` only notes the action. It runs when the handler awaits something, and a function sees a variable of the function around
    it as it is then. After the loop that is the last value, for all steps: three customers, and the last one is charged three times.

    ```python fails="wrong result"
    import restate

    orders = restate.Service("orders")


    def charge(customer: int) -> str:
        return f"{customer} is charged"


    @orders.handler()
    async def place(ctx: restate.Context) -> list[str]:
        payments = []
        for customer in range(3):
            payments.append(ctx.run_typed(f"charge {customer}", lambda: charge(customer)))  # expect: REA417 "has its last value"
        return [await payment for payment in await restate.gather(*payments)]
    ```

    A default is evaluated where the function is made. (An argument, `ctx.run_typed(..., charge, customer=customer)`, is as good.)

    ```python fixed unsafe
    import restate

    orders = restate.Service("orders")


    def charge(customer: int) -> str:
        return f"{customer} is charged"


    @orders.handler()
    async def place(ctx: restate.Context) -> list[str]:
        payments = []
        for customer in range(3):
            payments.append(ctx.run_typed(f"charge {customer}", lambda customer=customer: charge(customer)))
        return [await payment for payment in await restate.gather(*payments)]
    ```

    In a comprehension it is the same, and for variables that the loop assigns:

    ```python
    import restate

    orders = restate.Service("orders")


    def charge(customer):
        return f"{customer} is charged"


    @orders.handler()
    async def place(ctx, customers):
        payments = [ctx.run_typed("charge", lambda: charge(customer)) for customer in customers]  # expect: REA417 "`customer`"
        for customer in customers:
            name = customer["name"]

            def pay():
                return charge(name)

            payments.append(ctx.run_typed("pay", pay))  # expect: REA417 "`name`"
        for customer in customers:
            for part in range(2):
                payments.append(ctx.run_typed(f"part {part}", lambda: charge(customer)))  # expect: REA417 "`customer`"
        await restate.gather(*payments)
    ```

    A step that is awaited before the loop goes on sees the right value, and so does one that looks nothing up:

    ```python
    import functools

    import restate

    orders = restate.Service("orders")


    def charge(customer):
        return f"{customer} is charged"


    @orders.handler()
    async def place(ctx, customers):
        payments = []
        fee = 3
        for customer in customers:
            await ctx.run_typed("awaited", lambda: charge(customer))
            later = ctx.run_typed("awaited later", lambda: charge(customer))
            await later
            await restate.gather(ctx.run_typed("one", lambda: charge(customer)), ctx.run_typed("two", lambda: charge(customer)))
        for customer in customers:
            payments.append(ctx.run_typed("argument", charge, customer=customer))
            payments.append(ctx.run_typed("default", lambda customer=customer: charge(customer)))
            payments.append(ctx.run_typed("partial", functools.partial(charge, customer)))
            payments.append(ctx.run_typed("fee", lambda: charge(fee)))
            payments.append(ctx.run_typed("own", lambda: [charge(customer) for customer in range(3)]))
        for customer in customers:
            payments.append(ctx.run_typed("last", lambda: charge(customer)))
            break
        done = [await ctx.run_typed("charge", lambda: charge(customer)) for customer in customers]
        await restate.gather(*payments)
        return done
    ```
    """
    owner = code.project.functions[step.function]
    if step.call.awaited or owner.shape.isdisjoint(LOOPS):
        return
    for name in step.actions:
        function = code.project.functions[name]
        captured = _captured(function, owner, code) if function.scope == owner.name else set()
        handed = actions.handover(step, code) if captured else None
        if handed is None or handed.action is None:
            continue
        for loop in _loops(handed.call, code):
            seen = sorted(captured & _rebound(loop, owner, code))
            if seen and not _is_awaited_in(loop, handed.call, code):
                yield Finding(
                    code.span(handed.action),
                    f"the action runs when something is awaited, and looks up `{seen[0]}` then: after the loop it has its last value, in all of these steps;"
                    f" bind it with `{seen[0]}={seen[0]}`.",
                    _fix(seen, handed, code),
                )
                return


def _loops(call: cst.Call, code: Durable) -> Iterator[Loop]:
    """The loops in which a call is repeated, in the same function, from the inside out."""
    inside: cst.CSTNode = call
    for around in code.ancestors(call):
        match around:
            case cst.For(body=body) | cst.While(body=body) if inside is body:
                yield around
            case cst.ListComp(elt=element) | cst.SetComp(elt=element) | cst.GeneratorExp(elt=element) if inside is element:
                yield around
            case cst.DictComp(value=value) if inside is value:
                yield around
            case cst.FunctionDef() | cst.Lambda():
                return
            case _:
                pass
        inside = around


def _captured(function: Function, owner: Function, code: Durable) -> set[str]:
    """The variables of the function around that an action, or what is nested in it, looks up when it runs."""
    inner = [function, *(code.project.functions[name] for name in function.nested)]
    return {
        name for each in inner for name, refs in each.names.items() if any(ref.partition("@")[0] == f"{owner.name}:{name}" for ref in refs)
    }


def _rebound(loop: Loop, owner: Function, code: Durable) -> set[str]:
    """The variables that each round of a loop binds anew."""
    targets: list[cst.CSTNode] = []
    if isinstance(loop, cst.For):
        targets = [loop.target]
    elif isinstance(loop, cst.BaseComp):
        targets = [loop.for_in.target]
    names = {node.value for target in targets for node in code.within(target) if isinstance(node, cst.Name)}
    if isinstance(loop, cst.BaseComp):
        return names
    body = code.span(loop.body)  # what is only put into a container binds nothing
    return names | {
        name
        for name, bindings in owner.variables.items()
        if "@" not in name and any(body.contains(b.span) and (b.values or not b.elements) for b in bindings)
    }


def _is_awaited_in(loop: Loop, call: cst.Call, code: Durable) -> bool:
    """Whether the round of the loop that starts a step awaits something afterwards, or is the last one."""
    if any(isinstance(around, cst.Await) and code.span(loop).contains(code.span(around)) for around in code.ancestors(call)):
        return True
    if isinstance(loop, cst.BaseComp):
        return False
    end = code.span(call).end
    return any(isinstance(node, cst.Await | cst.Break | cst.Return) and code.span(node).start >= end for node in code.within(loop.body))


def _fix(seen: list[str], handed: Handover, code: Durable) -> Fix | None:
    """Bind the variables as defaults of a lambda."""
    match handed.action:
        case cst.Lambda(params=cst.Parameters(params=[], kwonly_params=[], star_arg=cst.MaybeSentinel.DEFAULT, star_kwarg=None), body=body):
            bound = ", ".join(f"{name}={name}" for name in seen)
            edits = rewrite.replace(code, handed.action, f"lambda {bound}: {code.text(body)}")
            return rewrite.unsafe("Bind it where the step is started", edits)
        case _:
            return None
