"""REA710: a compensation that is registered when its action has run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rea_lint import cst
from rea_lint.diagnostic import Finding, Related, Severity
from rea_lint.durable import Durable
from rea_lint.rule import rule
from rea_lint.rules import saga

if TYPE_CHECKING:
    from rea_lint.facts import Function
    from rea_lint.project import Project

ACTS = ("run", "run_typed", "service_call", "object_call", "workflow_call", "generic_call")


def _may_be_late(function: Function, project: Project) -> bool:
    done = [each.call.span.end for each in project.operations(function.name) if each.info.name in ACTS and each.call.awaited]
    return bool(done) and any(call.span.start >= min(done) for call in saga.may_register(function, project))


@rule("REA710", "saga-late-registration", Severity.WARNING, trigger=_may_be_late, docs="https://docs.restate.dev/guides/sagas")
def saga_late_registration(call: cst.Call, code: Durable) -> Iterator[Finding]:
    """
    A compensation is registered after the action that it undoes.

    An action may take effect and fail all the same: the answer is lost, and the retries come to an end; or the invocation is cancelled while it
    waits. Then the `await` raises, the compensation is not in the list yet, and the flight stays booked.

    ```python
    import restate

    trips = restate.Service("trips")


    def work(trip: str) -> str:
        return trip


    @trips.handler()
    async def book(ctx: restate.Context, trip: str) -> None:
        compensations = []
        try:
            await ctx.run_typed("book flight", work, trip=trip)
            compensations.append(lambda: ctx.run_typed("cancel flight", work, trip=trip))  # expect: REA710 "after `ctx.run_typed`"
            await ctx.run_typed("book hotel", work, trip=trip)
            compensations.append(lambda: ctx.run_typed("cancel hotel", work, trip=trip))  # expect: REA710
        except restate.TerminalError:
            for compensation in reversed(compensations):
                await compensation()
            raise
    ```

    Register it first, and make it such that it does no harm where there is nothing to undo:

    ```python
    import restate

    trips = restate.Service("trips")


    def work(trip: str) -> str:
        return trip


    @trips.handler()
    async def book(ctx: restate.Context, trip: str) -> None:
        compensations = []
        try:
            await ctx.run_typed("validate", work, trip=trip)
            compensations.append(lambda: ctx.run_typed("cancel flight", work, trip=trip))
            await ctx.run_typed("book flight", work, trip=trip)
            compensations.append(lambda: ctx.run_typed("cancel hotel", work, trip=trip))
            await ctx.run_typed("book hotel", work, trip=trip)
        except restate.TerminalError:
            for compensation in reversed(compensations):
                await compensation()
            raise
    ```

    What needs the action's result can only come after it. An id that the handler makes itself (`ctx.uuid()`) and hands to both would do for
    that, too, but is not always to be had:

    ```python
    import restate

    trips = restate.Service("trips")


    def work(trip: str) -> str:
        return trip


    @trips.handler()
    async def book(ctx: restate.Context, trip: str) -> None:
        compensations = []
        try:
            flight = await ctx.run_typed("book flight", work, trip=trip)
            compensations.append(lambda: ctx.run_typed("cancel flight", work, trip=flight))
            done = await ctx.run_typed("book hotel", work, trip=trip)
            if done:
                compensations.append(lambda: ctx.run_typed("cancel hotel", work, trip=trip))
        except restate.TerminalError:
            for compensation in reversed(compensations):
                await compensation()
            raise
    ```

    Which action a compensation belongs to is told by the words of their names (`book flight`, `cancel flight`): a heuristic. Where they share none,
    nothing is said.
    """
    registered = saga.registration(call, code)
    if registered is None or not _is_run(registered, code):
        return
    statement, at, block = next(saga.statements(call, code))
    before = [(each, _action(each, code)) for each in block[:at]]
    action = _late(before, registered, code)
    following = next((found for each in block[at + 1 :] if (found := _action(each, code)) is not None or _registers(each, code)), None)
    if action is None or _is_early(block, code):
        return
    own = _words(registered.compensation)
    shared = own & _words(action)
    if not shared or (following is not None and shared <= _words(following)):
        return
    yield Finding(
        code.span(statement) if isinstance(statement, cst.BaseExpression) else code.span(call),
        f"The compensation is registered after `{code.text(action.func)}`: if that takes effect and fails all the same, or is cancelled, it is never undone;"
        " register it before.",
        None,
        (Related(code.path, code.span(action), "this is what it undoes"),),
    )


def _is_run(registered: saga.Registration, code: Durable) -> bool:
    """Whether the list is one of compensations: a loop runs it where an error is handled, or from the end."""
    if code.text(registered.call.func).rpartition(".")[2] in saga.PUSHES or saga.UNDOES.search(code.text(registered.held)):
        return True
    name = code.text(registered.held)
    found = (saga.loop(node, code) for node, _ in code.nodes if isinstance(node, cst.For | cst.While))
    return any(each is not None and code.text(each.held) == name and saga.undoes(each.node, each.held, code) for each in found)


def _late(before: list[tuple[cst.CSTNode, cst.Call | None]], registered: saga.Registration, code: Durable) -> cst.Call | None:
    """The action just before a registration, if the compensation needs nothing of it."""
    needed = {node.value for node in _names(registered.compensation)}
    for statement, action in reversed(before):
        if _registers(statement, code) or isinstance(statement, cst.BaseCompoundStatement):
            return None
        given = {node.value for target in _targets(statement) for node in _names(target)}
        if given & needed:
            return None
        if action is not None:
            return action
    return None


def _action(statement: cst.CSTNode, code: Durable) -> cst.Call | None:
    """The durable operation that a statement waits for."""
    for node in code.within(statement):
        operation = code.operation(node) if isinstance(node, cst.Call) and isinstance(code.parent(node), cst.Await) else None
        if operation is not None and operation.info.name in ACTS:
            assert isinstance(node, cst.Call)
            return node
    return None


def _registers(statement: cst.CSTNode, code: Durable) -> bool:
    return any(isinstance(node, cst.Call) and saga.registration(node, code) is not None for node in code.within(statement))


def _is_early(block: tuple[cst.CSTNode, ...], code: Durable) -> bool:
    """Whether a block registers before it acts, to begin with."""
    return next((_registers(each, code) for each in block if _registers(each, code) or _action(each, code) is not None), False)


def _words(action: cst.BaseExpression) -> frozenset[str]:
    """The words of what an action is called and what it calls; not of its arguments by name, which many actions share."""
    match action:
        case cst.Lambda(body=body):
            return _words(body)
        case cst.Await(expression=inner):
            return _words(inner)
        case cst.Call(func=function, args=args):
            return saga.words(function, *(argument for argument in args if argument.keyword is None))
    return saga.words(action)


def _targets(statement: cst.CSTNode) -> Iterator[cst.BaseExpression]:
    match statement:
        case cst.SimpleStatementLine(body=body):
            for small in body:
                match small:
                    case cst.Assign(targets=targets):
                        yield from (target.target for target in targets)
                    case cst.AnnAssign(target=target) | cst.AugAssign(target=target):
                        yield target
                    case _:
                        pass
        case _:
            pass


def _names(node: cst.CSTNode) -> Iterator[cst.Name]:
    if isinstance(node, cst.Name):
        yield node
    for child in node.children:
        yield from _names(child)
