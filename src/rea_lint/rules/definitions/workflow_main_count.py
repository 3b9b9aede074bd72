"""REA506: a workflow with two mains, or none."""

from __future__ import annotations

from collections.abc import Iterator

from rea_lint.diagnostic import Finding, Related, Severity
from rea_lint.project import Project
from rea_lint.rule import rule
from rea_lint.rules import defining


@rule("REA506", "workflow-main-count", Severity.WARNING, docs="https://docs.restate.dev/tour/workflows")
def workflow_main_count(project: Project) -> Iterator[Finding]:
    """
    A workflow has two mains, of which each workflow id runs one, or it has none.

    The SDK accepts several `@wf.main()`, and the server registers each as the workflow's run. But an id runs once: after one of them is
    called, calling the other with the same id is answered with 409, "the workflow method was already invoked".

    ```python
    import restate

    signup = restate.Workflow("signup")


    @signup.main()
    async def run(ctx: restate.WorkflowContext, email: str) -> str:
        return email


    @signup.main()
    async def rerun(ctx: restate.WorkflowContext, email: str) -> str:  # expect: REA506 "a workflow id runs one of them, once"
        return email
    ```

    What happens while it runs, or is asked of it, is a handler:

    ```python
    import restate

    signup = restate.Workflow("signup")


    @signup.main()
    async def run(ctx: restate.WorkflowContext, email: str) -> str:
        return await ctx.promise("clicked").value()


    @signup.handler()
    async def click(ctx: restate.WorkflowSharedContext, secret: str) -> None:
        await ctx.promise("clicked").resolve(secret)
    ```

    A workflow without main has nothing that runs, and nothing that can write its state. If that is meant, it is a virtual object.

    ```python
    import restate

    signup = restate.Workflow("signup")  # expect: REA506 "has no main"


    @signup.handler()
    async def click(ctx: restate.WorkflowSharedContext, secret: str) -> None:
        await ctx.promise("clicked").resolve(secret)
    ```
    """
    for service, handlers in project.once(defining.by_service):
        mains = [handler for handler in handlers if handler.kind == "main"]
        if service.kind != "workflow":
            continue
        if not mains and len(handlers) == sum(handler.service == service.name for handler in project.handlers):
            yield Finding(
                service.span,
                f"`{service.name}` has no main: nothing runs, and nothing can write its state; mark the handler that is the workflow with"
                " `@....main()`.",
                None,
                (),
                Severity.INFO,
                service.path,
            )
        for main in mains[1:]:
            yield Finding(
                main.span,
                f"`{service.name}` has {len(mains)} mains, and a workflow id runs one of them, once: calling the other with the same id is refused"
                " (409); make it a handler, or a workflow of its own.",
                None,
                (Related(mains[0].path, mains[0].span, f"`{mains[0].name}` is a main too"),),
                path=main.path,
            )
