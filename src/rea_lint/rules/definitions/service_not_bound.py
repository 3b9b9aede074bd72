"""REA509: a service that is bound to no app."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rea_lint.diagnostic import Finding, Related, Severity
from rea_lint.project import Project
from rea_lint.rule import rule
from rea_lint.rules import defining

if TYPE_CHECKING:
    from rea_lint.facts import Refs


@rule("REA509", "service-not-bound", Severity.WARNING, docs="https://docs.restate.dev/develop/python/serving")
def service_not_bound(project: Project) -> Iterator[Finding]:
    """
    A service is defined, and no app serves it.

    `restate.app` serves the services that it is given. One that is missing is not discovered: the ingress answers 404 ("make sure to
    register the service before calling it"), and a handler that calls it is retried until some deployment has it.

    ```python
    import restate

    greeter = restate.Service("greeter")
    counter = restate.VirtualObject("counter")  # expect: REA509 "`counter` is bound to no app"


    @greeter.handler()
    async def greet(ctx: restate.Context, name: str) -> str:
        return f"Hello {name}!"


    @counter.handler()
    async def add(ctx: restate.ObjectContext, value: int) -> None: ...


    app = restate.app([greeter])
    ```

    ```python
    import restate

    greeter = restate.Service("greeter")
    counter = restate.VirtualObject("counter")


    @greeter.handler()
    async def greet(ctx: restate.Context, name: str) -> str:
        return f"Hello {name}!"


    @counter.handler()
    async def add(ctx: restate.ObjectContext, value: int) -> None: ...


    app = restate.app([greeter, counter])
    ```

    Only what is certain is reported: a service of a module that the app's module imports (or the same), which has handlers, and which is
    handed to nobody; and only if every app of the project lists its services.

    ```python
    # file: app.py
    import restate

    from shop import orders, payments

    everything = [orders.orders]
    everything.extend([payments.payments])

    app = restate.app(everything)
    # file: shop/__init__.py
    # file: shop/orders.py
    import restate

    orders = restate.Service("orders")


    @orders.handler()
    async def place(ctx, item): ...
    # file: shop/payments.py
    import restate

    payments = restate.Service("payments")


    @payments.handler()
    async def pay(ctx, amount): ...
    # file: shop/example.py
    import restate

    example = restate.Service("example")


    @example.handler()
    async def show(ctx, amount): ...
    ```
    """
    apps = project.once(defining.apps)
    if not apps or not all(app.is_known for app in apps):
        return
    bound = {(service.path, service.span) for app in apps for service, _ in app.services}
    reached = _imported(project, {app.path for app in apps})
    for service, _ in project.once(defining.by_service):
        facts = project.facts[service.path]
        variables = [name for name, bindings in facts.variables.items() if any(b.span == service.span for b in bindings)]
        if (
            (service.path, service.span) not in bound
            and service.path in reached
            and len(variables) == 1
            and f"{facts.module}.{variables[0]}" not in project.once(_mentioned)
        ):
            near = next((app for app in apps if app.path == service.path), apps[0])
            yield Finding(
                service.span,
                f"`{service.name}` is bound to no app: it is not served, and whoever calls it is retried until some deployment has it; add it to `restate.app([...])`.",
                None,
                (Related(near.path, near.call.span, "what this app serves"),),
                path=service.path,
            )


def _mentioned(project: Project) -> frozenset[str]:
    """What is handed on, or kept, under another name."""
    return frozenset(ref for refs in _handed_on(project) for ref in refs)


def _imported(project: Project, paths: set[str]) -> set[str]:
    """Files, and all that they import."""
    modules = project.index.modules
    found = set(paths)
    todo = [*found]
    for path in todo:
        for name in project.facts[path].imports:
            home = modules.get(name) or modules.get(name.rpartition(".")[0])
            if home is not None and home.path not in found:
                found.add(home.path)
                todo.append(home.path)
    return found


def _handed_on(project: Project) -> Iterator[Refs]:
    """Everything that is an argument, an element of a container, another name, or a result, somewhere."""
    for facts in project.facts.values():
        for function in facts.functions.values():
            yield function.returns
            for call in function.calls:
                for argument in call.arguments:
                    yield argument.values
                    yield from argument.elements
            for write in function.writes:
                yield write.target
        tables = (facts.variables, *(f.variables for f in facts.functions.values()), *(c.attributes for c in facts.classes.values()))
        for table in tables:
            for name, bindings in table.items():
                for binding in bindings:
                    yield binding.elements
                    is_import = table is facts.variables and any(ref.rpartition(".")[2] == name for ref in binding.values)
                    yield () if is_import else binding.values
