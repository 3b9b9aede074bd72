"""REA503: a context annotation that does not fit the handler."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rea_lint import rewrite
from rea_lint.diagnostic import Finding, Severity
from rea_lint.project import Handler, Project
from rea_lint.rule import rule
from rea_lint.rules import annotation, defining, reaching, reading, sharing

FITS: Mapping[
    str, tuple[str, ...]
] = {  # the context of a handler -> the annotations that promise no more than it has; the first is its own
    "service": ("restate.Context",),
    "object": ("restate.ObjectContext", "restate.ObjectSharedContext", "restate.Context"),
    "object-shared": ("restate.ObjectSharedContext", "restate.Context"),
    "workflow": (
        "restate.WorkflowContext",
        "restate.WorkflowSharedContext",
        "restate.ObjectContext",
        "restate.ObjectSharedContext",
        "restate.Context",
    ),
    "workflow-shared": ("restate.WorkflowSharedContext", "restate.ObjectSharedContext", "restate.Context"),
}
OF = {
    "service": "a service",
    "object": "a virtual object",
    "object-shared": "a virtual object's shared handler",
    "workflow": "a workflow's main",
    "workflow-shared": "a workflow's handler beside main",
}


@rule("REA503", "context-type-mismatch", Severity.WARNING, docs="https://docs.restate.dev/develop/python/services")
def context_type_mismatch(handler: Handler, project: Project) -> Iterator[Finding]:
    """
    The context is annotated as one that the handler does not have.

    At run time there is one class for all contexts, and nothing checks the annotation. But type checkers and editors believe it, and offer
    methods that the server then refuses: state in a service, a write in a shared handler, a promise outside a workflow. Such a call is
    retried for ever (RT0017).

    ```python
    from restate import ObjectContext, Service, VirtualObject

    greeter = Service("greeter")
    counter = VirtualObject("counter")


    @greeter.handler()
    async def greet(ctx: ObjectContext, name: str) -> str:  # expect: REA503 "a service has `Context`"
        return f"Hello {name}!"


    @counter.handler(kind="shared")
    async def show(ctx: ObjectContext) -> str:  # expect: REA503 "a virtual object's shared handler has `ObjectSharedContext`"
        return ctx.key()
    ```

    ```python fixed
    from restate import Context, ObjectContext, ObjectSharedContext, Service, VirtualObject

    greeter = Service("greeter")
    counter = VirtualObject("counter")


    @greeter.handler()
    async def greet(ctx: Context, name: str) -> str:
        return f"Hello {name}!"


    @counter.handler(kind="shared")
    async def show(ctx: ObjectSharedContext) -> str:
        return ctx.key()
    ```

    A handler of a virtual object is exclusive unless it says `kind="shared"`. One whose context is annotated as a shared one was meant to
    run beside the others, and waits for its turn instead:

    ```python
    import restate

    counter = restate.VirtualObject("counter")


    @counter.handler()
    async def peek(ctx: restate.ObjectSharedContext) -> int:  # expect: REA503 "is exclusive"
        return await ctx.get("count", type_hint=int) or 0
    ```

    A context with fewer methods than the handler has is fine, and so is one that is not annotated. Where the handler uses what it does not
    have, that is reported, and not the annotation.

    ```python
    import restate

    counter = restate.VirtualObject("counter")
    signup = restate.Workflow("signup")


    @counter.handler()
    async def add(ctx: restate.ObjectContext, value: int) -> None: ...


    @counter.handler(kind="shared")
    async def peek(ctx: restate.ObjectSharedContext) -> None: ...


    @counter.handler()
    async def ping(ctx: restate.Context | None) -> None: ...


    @counter.handler(kind="shared")
    async def show(ctx): ...


    @signup.main()
    async def run(ctx: "restate.WorkflowContext") -> None: ...


    @signup.handler()
    async def click(ctx: restate.WorkflowSharedContext) -> None: ...
    ```
    """
    first = next(iter(defining.parameters(project, handler) or ()), None)
    kinds = {service if handler.kind != "shared" else f"{service}-shared" for service in reaching.services(project, handler)}
    if first is None or first.kind != "positional" or len(kinds) != 1:
        return
    kind = kinds.pop()
    if kind not in FITS:
        return  # `kind=` of a service: it has no kinds
    contexts = project.knowledge.contexts
    annotated = [name for v in sorted(project.resolve(first.annotation)) if (name := v.removesuffix("()")) in contexts and v != name]
    if _uses_what_it_has_not(project, handler, kind):
        return  # which is told where it is used
    if sharing.is_meant_to_be(project, handler):
        operations = reading.operations(project, handler)
        yield Finding(
            handler.span,
            f"`{handler.name}` annotates its context as `ObjectSharedContext`, and is exclusive: it waits for all other calls to its key; register"
            ' it with `kind="shared"`.',
            sharing.fix(project, handler, operations) if operations is not None else None,
        )
    if annotated and all(name not in FITS[kind] and contexts[name] != "any" for name in annotated):
        own, given = (name.rpartition(".")[2] for name in (FITS[kind][0], annotated[0]))
        yield Finding(
            handler.span,
            f"`{handler.name}` annotates its context as `{given}`, and {OF[kind]} has `{own}`: the server refuses operations that only `{given}` has;"
            f" annotate it as `{own}`.",
            rewrite.safe(f"Annotate it as `{own}`", annotation.replaced(project, handler, given, own)),
        )


def _uses_what_it_has_not(project: Project, handler: Handler, kind: str) -> bool:
    legal = (operation.info.contexts for operation in project.operations(handler.function))
    return any(contexts and kind not in contexts for contexts in legal)
