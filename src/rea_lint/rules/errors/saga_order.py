"""REA711: compensations that run in the order of the actions."""

from __future__ import annotations

from collections.abc import Iterator

from rea_lint import cst, rewrite
from rea_lint.diagnostic import Finding, Related, Severity
from rea_lint.durable import Durable
from rea_lint.rule import rule
from rea_lint.rules import saga

MOST_PLACES = 3
TURNS = frozenset({"reverse", "insert", "appendleft", "sort", "extend"})


@rule("REA711", "saga-order", Severity.WARNING, trigger=saga.may_undo, docs="https://docs.restate.dev/guides/sagas")
def saga_order(node: cst.For, code: Durable) -> Iterator[Finding]:
    """
    Compensations run in the order in which they were registered, not from the last to the first.

    A later action builds on the earlier ones: what it did is undone first. In the order of the actions the customer is deleted before the
    order that belongs to it, and the second compensation fails on what the first one has left.

    ```python
    import restate

    users = restate.Workflow("users")


    def work(user: str) -> str:
        return user


    @users.main()
    async def sign_up(ctx: restate.WorkflowContext, user: str) -> None:
        compensations = []
        try:
            compensations.append(lambda: ctx.run_typed("delete", work, user=user))
            await ctx.run_typed("create", work, user=user)
            compensations.append(lambda: ctx.run_typed("unsubscribe", work, user=user))
            await ctx.run_typed("subscribe", work, user=user)
        except restate.TerminalError:
            for compensation in compensations:  # expect: REA711 "in the order of the actions"
                await compensation()
            raise
    ```

    ```python fixed unsafe
    import restate

    users = restate.Workflow("users")


    def work(user: str) -> str:
        return user


    @users.main()
    async def sign_up(ctx: restate.WorkflowContext, user: str) -> None:
        compensations = []
        try:
            compensations.append(lambda: ctx.run_typed("delete", work, user=user))
            await ctx.run_typed("create", work, user=user)
            compensations.append(lambda: ctx.run_typed("unsubscribe", work, user=user))
            await ctx.run_typed("subscribe", work, user=user)
        except restate.TerminalError:
            for compensation in reversed(compensations):
                await compensation()
            raise
    ```

    The fix changes the order of journal entries, so it goes out as a new deployment. A class that keeps the compensations is the same:

    ```python
    import restate

    users = restate.Workflow("users")


    def work(user: str) -> str:
        return user


    class Saga:
        def __init__(self, ctx: restate.WorkflowContext) -> None:
            self.ctx = ctx
            self.steps = []

        def create(self, user: str) -> None:
            self.steps.append(("delete", lambda: work(user)))

        def subscribe(self, user: str) -> None:
            self.steps.append(("unsubscribe", lambda: work(user)))

        async def compensate(self) -> None:
            for name, action in self.steps:  # expect: REA711
                await self.ctx.run_typed(name, action)


    @users.main()
    async def sign_up(ctx: restate.WorkflowContext, user: str) -> None:
        saga = Saga(ctx)
        try:
            saga.create(user)
            await ctx.run_typed("create", work, user=user)
            saga.subscribe(user)
            await ctx.run_typed("subscribe", work, user=user)
        except restate.TerminalError:
            await saga.compensate()
            raise
    ```

    A list that is filled from the front, or turned round, is fine, and so are a list with one compensation and one of things to do:

    ```python
    import restate

    users = restate.Workflow("users")


    def work(user: str) -> str:
        return user


    @users.main()
    async def sign_up(ctx: restate.WorkflowContext, user: str) -> None:
        undo, steps, one = [], [], []
        one.append(lambda: ctx.run_typed("notify", work, user=user))
        steps.append(lambda: ctx.run_typed("create", work, user=user))
        steps.append(lambda: ctx.run_typed("subscribe", work, user=user))
        undo.append(lambda: ctx.run_typed("delete", work, user=user))
        undo.append(lambda: ctx.run_typed("unsubscribe", work, user=user))
        try:
            for step in steps:
                await step()
        except restate.TerminalError:
            undo.reverse()
            for compensation in undo:
                await compensation()
            for compensation in one:
                await compensation()
            raise
    ```
    """
    found = saga.loop(node, code)
    if found is None or found.is_reversed or not saga.undoes(node, found.held, code) or _is_turned(found, code):
        return
    registered = saga.registrations(found.held, code)
    if len(registered) > 1 or any(_is_repeated(each, by) for by, each in registered):
        yield Finding(
            code.span(node.iter),
            f"The compensations in `{code.text(found.held)}` run in the order of the actions, the oldest first; what was done last is to be undone"
            " first: run them `reversed`.",
            rewrite.journaling(
                "Run them from the last to the first", rewrite.replace(code, found.held, f"reversed({code.text(found.held)})")
            ),
            tuple(Related(by.path, by.span(each.call), "a compensation is registered here") for by, each in registered[:MOST_PLACES]),
        )


def _is_turned(found: saga.Loop, code: Durable) -> bool:
    """Whether something else than `append` puts the list in order."""
    name = code.text(found.held)
    return any(
        isinstance(node, cst.Attribute) and node.attr.value in TURNS and each.text(node.value) == name
        for each in saga.parts(found.held, code)
        for node, _ in each.nodes
    )


def _is_repeated(registered: saga.Registration, code: Durable) -> bool:
    """Whether a registration happens several times: in a loop, or in a method that is given the compensation."""
    if any(isinstance(around, cst.For | cst.While) for around in code.ancestors(registered.call)):
        return True
    names = {parameter.name for parameter in code.owner(registered.call).parameters}
    given = registered.compensation
    parts = [element.value for element in given.elements] if isinstance(given, cst.Tuple) else [given]
    return any(isinstance(part, cst.Name) and part.value in names for part in parts)
