"""REA514: one model is stored, and another is read."""

from __future__ import annotations

from collections.abc import Iterator

from rea_lint.diagnostic import Finding, Related, Severity
from rea_lint.durable import Durable
from rea_lint.project import Operation
from rea_lint.rule import rule
from rea_lint.rules import stored


@rule(
    "REA514", "type-hint-mismatch", Severity.WARNING, operations=stored.reads, docs="https://docs.restate.dev/develop/python/serialization"
)
def type_hint_mismatch(operation: Operation, code: Durable) -> Iterator[Finding]:
    """
    A value is stored as one model, and read as another.

    `type_hint` says what to make of the JSON that was stored. If the models have other fields, pydantic's `ValidationError` (or dacite's, or
    msgspec's) is raised in the handler and retried for ever; if they are alike, fields are lost or get their defaults without a word.

    ```python fails="retried with 500"
    import restate
    from pydantic import BaseModel

    users = restate.VirtualObject("users")


    class Profile(BaseModel):
        name: str


    class Settings(BaseModel):
        language: str


    @users.handler()
    async def change(ctx: restate.ObjectContext, name: str) -> str:
        ctx.set("profile", Profile(name=name))
        settings = await ctx.get("profile", type_hint=Settings)  # expect: REA514 "what is stored is a `Profile`"
        return settings.language
    ```

    ```python
    import restate
    from pydantic import BaseModel

    users = restate.VirtualObject("users")


    class Profile(BaseModel):
        name: str


    class FullProfile(Profile):
        mail: str = ""


    class Settings(BaseModel):
        language: str


    @users.handler()
    async def change(ctx: restate.ObjectContext, name: str) -> None:
        ctx.set("profile", Profile(name=name))
        ctx.set("full", FullProfile(name=name))
        ctx.set("settings", Settings(language=name))
        ctx.set("raw", {"language": name})


    @users.handler(kind="shared")
    async def show(ctx: restate.ObjectSharedContext) -> None:
        await ctx.get("profile", type_hint=Profile)
        await ctx.get("profile", type_hint=FullProfile)
        await ctx.get("full", type_hint=Profile)
        await ctx.get("settings", type_hint=dict)
        await ctx.get("raw", type_hint=Settings)
    ```
    """
    project = code.project
    hint = stored.hint(operation) if stored.read(operation) is not None else None
    read = {name for name in project.resolve(hint) if stored.is_model(project, name)} if hint else set()
    if len(read) != 1:
        return
    writes = stored.written(project, operation)
    models = sorted({model for write in writes for model in write.models})
    (wanted,) = read
    if not models or any(wanted in stored.lineage(project, model) or model in stored.lineage(project, wanted) for model in models):
        return
    was, name = (each.rpartition(".")[2] for each in (models[0], wanted))
    first = writes[0]
    yield Finding(
        operation.call.span,
        f"`{stored.read(operation)}` is read as a `{name}`, and what is stored is a `{was}`: reading it fails, or loses what only one of them has;"
        f" use `type_hint={was}`.",
        None,
        (Related(project.path_of(first.operation.function), stored.place(first), f"a `{was}` is stored here"),),
    )
