"""REA901: options that contradict each other, or what they are given to."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rea_lint.diagnostic import Finding, Severity
from rea_lint.project import Project
from rea_lint.rule import rule
from rea_lint.rules import options

if TYPE_CHECKING:
    from rea_lint.rules.options import Option

STATE = ("state_preload", "enable_lazy_state")
REFUSED = {  # the options that the SDK has, and that these do not take (restate/service.py, object.py, workflow.py of 1.3.0)
    "restate.Service": frozenset({*STATE, "kind", "workflow_retention"}),
    "restate.Service().handler": frozenset({*STATE, "kind", "workflow_retention"}),
    "restate.VirtualObject": frozenset({"kind", "workflow_retention"}),
    "restate.VirtualObject().handler": frozenset({"workflow_retention"}),
    "restate.Workflow": frozenset({"kind", "workflow_retention"}),
    "restate.Workflow().handler": frozenset({"kind", "workflow_retention"}),
    "restate.Workflow().main": frozenset({"kind", "idempotency_retention"}),
}
WORDS = {  # option -> what it may say
    ("restate.VirtualObject().handler", "kind"): frozenset({"exclusive", "shared"}),
    (options.POLICY, "on_max_attempts"): frozenset({"pause", "kill"}),
}
NAMES = frozenset({*STATE, "kind", "workflow_retention", "idempotency_retention", "on_max_attempts"})


@rule("REA901", "option-conflict", Severity.ERROR, docs="https://docs.restate.dev/services/configuration")
def option_conflict(project: Project) -> Iterator[Finding]:
    """
    An option does not go with another one, or with what it is given to.

    `enable_lazy_state` is the older form of `state_preload`, with the opposite sense. Given both, the SDK raises a `ValueError` when the
    module is imported, and the deployment does not start:

    ```python fails="import error"
    import restate

    carts = restate.VirtualObject("carts", state_preload=True, enable_lazy_state=False)  # expect: REA901 "`state_preload`"
    ```

    So does an option of another kind of service: a `restate.Service` has no state to preload, only a virtual object's handlers have a
    choice of `kind`, and a workflow's main is the only handler with `workflow_retention`.

    ```python fails="import error"
    import restate

    orders = restate.Service("orders")


    @orders.handler(kind="shared")  # expect: REA901 "takes no `kind`"
    async def place(ctx: restate.Context, item: str) -> str:
        return item
    ```

    A misspelt word is found later, when the deployment is registered: by the SDK (`KeyError`), or by the server, which refuses the
    deployment with all services in it.

    ```python
    import restate

    carts = restate.VirtualObject(
        "carts",
        invocation_retry_policy=restate.InvocationRetryPolicy(max_attempts=3, on_max_attempts="stop"),  # expect: REA901 "`kill` or `pause`"
    )


    @carts.handler(kind="read")  # expect: REA901 "`exclusive` or `shared`"
    async def show(ctx: restate.ObjectContext) -> None: ...
    ```

    These go together:

    ```python
    from datetime import timedelta

    import restate

    carts = restate.VirtualObject("carts", state_preload=["items"])
    signup = restate.Workflow("signup", state_preload=False)
    policy = restate.InvocationRetryPolicy(on_max_attempts="kill")
    KIND = "shared"


    def menu(kind: str) -> str:
        return kind


    @carts.handler(kind="shared", state_preload=True)
    async def show(ctx: restate.ObjectSharedContext) -> None:
        menu(kind="dinner")


    @carts.handler(kind=KIND, enable_lazy_state=True)
    async def count(ctx: restate.ObjectSharedContext) -> None: ...


    @signup.main(workflow_retention=timedelta(days=1))
    async def run(ctx: restate.WorkflowContext) -> None: ...
    ```

    `state_preload` is there from SDK 1.3 on.
    """
    seen: dict[object, Option] = {}
    for option in options.given(project, NAMES):
        where = option.argument.span
        taker = option.of.removeprefix("restate.")
        if option.name in REFUSED.get(option.of, ()):
            said = f"`{taker}` takes no `{option.name}`: a `TypeError` when the module is imported; leave it out."
            yield Finding(where, said, path=option.path)
        elif option.name in STATE and option.argument.literal != "None":
            other = seen.setdefault((option.path, option.call.span), option)
            if other.name != option.name:
                said = "`state_preload` and `enable_lazy_state` are two forms of one option: a `ValueError` when the module is imported; keep `state_preload`."
                yield Finding(where, said, path=option.path)
        elif (allowed := WORDS.get((option.of, option.name))) is not None and _is_other(option, allowed):
            names = " or ".join(f"`{word}`" for word in sorted(allowed))
            yield Finding(where, f"`{option.name}` is {names}: with another word the deployment cannot be registered.", path=option.path)


def _is_other(option: Option, allowed: frozenset[str]) -> bool:
    literal = option.argument.literal
    return literal is not None and literal != "None" and ast.literal_eval(literal) not in allowed
