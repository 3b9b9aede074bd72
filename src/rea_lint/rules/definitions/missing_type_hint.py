"""REA513: a model is stored, and read without its type."""

from __future__ import annotations

from collections.abc import Iterator

from rea_lint import cst, rewrite
from rea_lint.diagnostic import Finding, Fix, Related, Severity
from rea_lint.durable import Durable
from rea_lint.project import Operation
from rea_lint.rule import rule
from rea_lint.rules import stored
from rea_lint.text import Edit, Span

OF_DICT = frozenset(dir(dict))


@rule(
    "REA513", "missing-type-hint", Severity.WARNING, operations=stored.reads, docs="https://docs.restate.dev/develop/python/serialization"
)
def missing_type_hint(operation: Operation, code: Durable) -> Iterator[Finding]:
    """
    A model is stored, and read without `type_hint`: what comes back is a plain dict.

    `ctx.set` knows how to write a pydantic model, a msgspec struct or a dataclass. `ctx.get` and `ctx.promise` cannot know which it was, and
    give what the JSON says. Reading an attribute of that is `AttributeError: 'dict' object has no attribute 'name'`, retried for ever; so is
    returning it from a handler that declares the model as its result. A value that was set in the same invocation comes back no better.

    ```python fails="retried with AttributeError"
    import restate
    from pydantic import BaseModel

    users = restate.VirtualObject("users")


    class Profile(BaseModel):
        name: str


    @users.handler()
    async def rename(ctx: restate.ObjectContext, name: str) -> str:
        ctx.set("profile", Profile(name=name))
        profile = await ctx.get("profile")  # expect: REA513 "gives a plain dict"
        return profile.name
    ```

    ```python fixed unsafe
    import restate
    from pydantic import BaseModel

    users = restate.VirtualObject("users")


    class Profile(BaseModel):
        name: str


    @users.handler()
    async def rename(ctx: restate.ObjectContext, name: str) -> str:
        ctx.set("profile", Profile(name=name))
        profile = await ctx.get("profile", type_hint=Profile)
        return profile.name
    ```

    Promises of a workflow are alike:

    ```python
    import restate
    from pydantic import BaseModel

    signup = restate.Workflow("signup")


    class Answer(BaseModel):
        accepted: bool


    @signup.main()
    async def run(ctx: restate.WorkflowContext) -> bool:
        return (await ctx.promise("answer").value()).accepted  # expect: REA513 "`type_hint=Answer`"


    @signup.handler()
    async def answer(ctx: restate.WorkflowSharedContext, answer: Answer) -> None:
        await ctx.promise("answer").resolve(answer)
    ```

    It is fine to read the dict, and make of it what one wants.

    ```python
    import restate
    from pydantic import BaseModel

    users = restate.VirtualObject("users")
    others = restate.VirtualObject("others")


    class Profile(BaseModel):
        name: str

        def items(self) -> list[str]:
            return [self.name]


    @users.handler()
    async def rename(ctx: restate.ObjectContext, name: str) -> None:
        ctx.set("profile", Profile(name=name))
        ctx.set("plain", Profile(name=name).model_dump())


    @users.handler(kind="shared")
    async def show(ctx: restate.ObjectSharedContext) -> dict[str, str]:
        raw = await ctx.get("profile")
        profile = Profile(**raw)
        typed = await ctx.get("profile", type_hint=Profile)
        return {"name": profile.name, "same": raw["name"], "all": str(raw.items()), "typed": typed.name}


    @users.handler(kind="shared")
    async def export(ctx: restate.ObjectSharedContext):
        value = await ctx.get("profile")
        value = Profile.model_validate(value)
        return value.name


    @others.handler(kind="shared")
    async def copy(ctx: restate.ObjectSharedContext):
        profile = await ctx.get("profile")
        plain = await ctx.get("plain")
        return profile.name, plain.name
    ```
    """
    name = stored.read(operation)
    if name is None or stored.hint(operation) is not None or code.project.sdk.before(operation.info.parameters_since.get("type_hint", "")):
        return
    writes = stored.written(code.project, operation)
    models = frozenset(model for write in writes for model in write.models)
    if len(models) != 1:
        return
    call = code.node(operation.call.span)
    value = _value(call, code) if isinstance(call, cst.Call) else None
    if not isinstance(call, cst.Call) or value is None:
        return
    (model,) = models
    use = _use(value, model, code)
    if use is None:
        return
    last = model.rpartition(".")[2]
    span, said = use
    first = writes[0].operation
    yield Finding(
        operation.call.span,
        f"`{code.text(call)}` gives a plain dict, though a `{last}` was stored, and {said}, with which the invocation is retried for ever; add"
        f" `type_hint={last}`.",
        _fix(call, model, code),
        (
            Related(code.project.path_of(first.function), stored.place(writes[0]), f"a `{last}` is stored here"),
            Related(code.path, span, "it is used as one here"),
        ),
    )


def _value(call: cst.Call, code: Durable) -> cst.BaseExpression | None:
    """The expression that is the value read: the `await`, with `or ...` after it; of a promise, also through `.value()`."""
    at: cst.CSTNode = call
    around = code.parent(at)
    if isinstance(around, cst.Attribute) and around.attr.value in {"value", "peek"}:
        at = code.parent(around) or at
        around = code.parent(at)
    if not isinstance(around, cst.Await):
        return None
    either = code.parent(around)
    return either if isinstance(either, cst.BooleanOperation) and isinstance(either.operator, cst.Or) and either.left is around else around


def _use(value: cst.BaseExpression, model: str, code: Durable) -> tuple[Span, str] | None:
    """Where a value is used as the model, and what comes of that."""
    own = stored.attributes(code.project, model)
    owner = code.owner(value)

    def use_of(at: cst.CSTNode) -> tuple[Span, str] | None:
        around = code.parent(at)
        match around:
            case cst.Attribute(value=holder, attr=cst.Name(value=attribute)) if holder is at and attribute in own - OF_DICT:
                return code.span(around), f"`.{attribute}` of it is an `AttributeError`"
            case cst.Return() if f"{model}()" in code.project.resolve(owner.return_annotation) and code.project.registered(owner.name):
                return code.span(at), "returning it as one is an `AttributeError`"
        return None

    match code.parent(value):
        case cst.Assign(targets=[cst.AssignTarget(target=cst.Name(value=name))]) | cst.AnnAssign(target=cst.Name(value=name)):
            if sum(not binding.annotated for binding in owner.variables.get(name, ())) != 1:
                return None
            names = (
                node for node in code.within(code.tree) if isinstance(node, cst.Name) and node.value == name and code.owner(node) is owner
            )
            return next((found for node in names if (found := use_of(node)) is not None), None)
    return use_of(value)


def _fix(call: cst.Call, model: str, code: Durable) -> Fix | None:
    """Add `type_hint`, and the import of the model that it needs."""
    module, _, last = model.rpartition(".")
    is_here = code.project.facts[code.path].module == module and last not in code.owner(call).variables
    spelled = (last, ()) if is_here else rewrite.spelled(code, call, model)
    if spelled is None or not call.args:
        return None
    end = code.span(call.args[-1].value).end
    return rewrite.unsafe(f"Add `type_hint={last}`", (Edit(Span(end, end), f", type_hint={spelled[0]}"), *spelled[1]))
