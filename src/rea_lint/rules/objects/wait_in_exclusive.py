"""REA604: an exclusive handler that waits for somebody else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rea_lint import words
from rea_lint.diagnostic import Finding, Severity
from rea_lint.durable import Durable
from rea_lint.facts import Function
from rea_lint.rule import rule
from rea_lint.rules import waiting

if TYPE_CHECKING:
    from rea_lint.rules.work import Work


@rule("REA604", "wait-in-exclusive", Severity.WARNING, docs="https://docs.restate.dev/develop/python/external-events")
def wait_in_exclusive(function: Function, code: Durable) -> Iterator[Finding]:
    """
    An exclusive handler waits for an event from outside, and the other exclusive calls to the key wait with it.

    Of the exclusive handlers of a virtual object, one runs at a time for each key. While it waits for an awakeable, a signal, a promise or
    another invocation, it keeps the key: every other call to that key is queued, for as long as somebody takes to answer. If the answer
    has to come through an exclusive handler of the same key, it never comes.

    ```python
    import restate

    deliveries = restate.VirtualObject("deliveries")
    drivers = restate.Service("drivers")


    @drivers.handler()
    async def find(ctx: restate.Context, awakeable: str) -> None:
        ctx.resolve_awakeable(awakeable, "ada")


    @deliveries.handler()
    async def start(ctx: restate.ObjectContext, order: str) -> None:
        ctx.set("order", order)
        awakeable, driver = ctx.awakeable(type_hint=str)
        ctx.service_send(find, arg=awakeable)
        ctx.set("driver", await driver)  # expect: REA604 "`deliveries.start` keeps its key"
    ```

    Let the answer be a call of its own. The handler ends, the state says how far things are, and the key is free:

    ```python
    import restate

    deliveries = restate.VirtualObject("deliveries")
    drivers = restate.Service("drivers")


    @drivers.handler()
    async def find(ctx: restate.Context, delivery: str) -> None:
        ctx.object_send(found, key=delivery, arg="ada")


    @deliveries.handler()
    async def start(ctx: restate.ObjectContext, order: str) -> None:
        ctx.set("order", order)
        ctx.service_send(find, arg=ctx.key())


    @deliveries.handler()
    async def found(ctx: restate.ObjectContext, driver: str) -> None:
        ctx.set("driver", driver)
    ```

    Or make it a workflow: its main handler is there to wait, and its other handlers run meanwhile.

    Calls to other handlers are what objects are made of, and an answer mostly comes at once. A call is reported only where the handler
    that it calls is known to wait itself:

    ```python
    from datetime import timedelta

    import restate

    deliveries = restate.VirtualObject("deliveries")
    routes = restate.Service("routes")


    @routes.handler()
    async def plan(ctx: restate.Context, order: str) -> str:
        return order


    @routes.handler()
    async def plan_tomorrow(ctx: restate.Context, order: str) -> str:
        await ctx.sleep(timedelta(days=1))
        return order


    @deliveries.handler()
    async def start(ctx: restate.ObjectContext, order: str) -> None:
        await ctx.service_call(plan, arg=order)
        await ctx.service_call(plan_tomorrow, arg=order)  # expect: REA604 "`routes.plan_tomorrow`, which waits for `ctx.sleep`"
        ctx.service_send(plan_tomorrow, arg=order)
    ```

    Shared handlers, services and workflows may wait; reading state and running steps is no waiting:

    ```python
    import restate

    deliveries = restate.VirtualObject("deliveries")
    signup = restate.Workflow("signup")


    def charge() -> str:
        return "paid"


    @deliveries.handler(kind="shared")
    async def watch(ctx: restate.ObjectSharedContext) -> str:
        awakeable, arrived = ctx.awakeable(type_hint=str)
        ctx.object_send(start, key=ctx.key(), arg=awakeable)
        return await arrived


    @deliveries.handler()
    async def start(ctx: restate.ObjectContext, order: str) -> str | None:
        ctx.resolve_awakeable(order, "arrived")
        await ctx.run_typed("charge", charge)
        return await ctx.get("order", type_hint=str)


    @signup.main()
    async def run(ctx: restate.WorkflowContext) -> str:
        return await ctx.promise("confirmed", type_hint=str).value()
    ```
    """
    handler = waiting.blocked(code.project, function)
    for wait in function.waits if handler is not None else ():
        for each in waiting.waited_for(wait, function, code.project):
            slow = waiting.slow_callee(each, code)
            if _is_event(each) or slow is not None:
                what = f"{each.display} of `{slow[0].display}`, which waits for {slow[1]}" if slow is not None else each.display
                yield Finding(
                    wait.place,
                    f"{handler} keeps its key while it waits for {what}, and the other exclusive calls to the key wait; end the handler, and let the answer"
                    " come as a call of its own, or make it a workflow.",
                    None,
                    (*waiting.created(each, code, wait.place), *words.agent(function.name, code)),
                )
                break


def _is_event(each: Work) -> bool:
    """Whether somebody else decides when it comes, and it is no call, whose answer mostly comes at once."""
    operation = each.operation
    return operation is not None and operation.waits and operation.name != "sleep" and not operation.name.endswith("_call")
