"""REA407: a step gives what JSON cannot say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from msgspec import Struct

from rea_lint import cst, rewrite
from rea_lint.diagnostic import Finding, Related, Severity
from rea_lint.durable import Durable
from rea_lint.project import Step
from rea_lint.rule import rule
from rea_lint.rules import actions
from rea_lint.rules.options import RUN
from rea_lint.text import Edit, Span

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from rea_lint.diagnostic import Fix
    from rea_lint.facts import Function
    from rea_lint.project import Project
    from rea_lint.rules.actions import Handover

TEXT, LIST = "str({})", "list({})"
HOW = {  # instances that `json.dumps` refuses -> what to give instead
    "uuid.UUID()": TEXT,
    "datetime.datetime()": "{}.isoformat()",
    "datetime.date()": "{}.isoformat()",
    "datetime.time()": "{}.isoformat()",
    "datetime.timedelta()": "{}.total_seconds()",
    "decimal.Decimal()": TEXT,
    "fractions.Fraction()": TEXT,
    "pathlib.Path()": TEXT,
    "pathlib.PurePath()": TEXT,
    "builtins.set()": LIST,
    "builtins.frozenset()": LIST,
    "builtins.map()": LIST,
    "builtins.filter()": LIST,
    "builtins.zip()": LIST,
    "builtins.range()": LIST,
    "builtins.reversed()": LIST,
    "types.GeneratorType()": LIST,
    "builtins.complex()": "",
    "builtins.bytes()": "",
    "builtins.bytearray()": "",
    "httpx.Response()": "",
    "requests.Response()": "",
    "aiohttp.ClientResponse()": "",
}
ADVICE = {
    "builtins.bytes()": "hand over a serde, `restate.serde.BytesSerde()`",
    "builtins.bytearray()": "give `bytes`, with a `restate.serde.BytesSerde()`",
    **dict.fromkeys(
        ("httpx.Response()", "requests.Response()", "aiohttp.ClientResponse()"), "give what is needed of it, as `.json()` or `.text`"
    ),
}
MODELS = frozenset({"pydantic.BaseModel", "pydantic.RootModel", "pydantic.main.BaseModel", "sqlmodel.SQLModel", "msgspec.Struct"})
BYTES = frozenset({"builtins.bytes()"})
BYTES_LITERAL = re.compile(r"\b[rR]?[bB][rR]?[\"']")
HOLDERS = frozenset({"Dict", "List", "Tuple", "ListComp", "DictComp"})
DISPLAYS = frozenset({"builtins.list()", "builtins.dict()", "builtins.tuple()"})
DEEPEST = 8  # displays within each other, and bases


class _Result(Struct, frozen=True):
    """What a step gives, or holds within what it gives."""

    type: str  # as an instance: `uuid.UUID()`
    node: cst.BaseExpression | None = None  # where it comes about, if that is in the same function
    is_held: bool = False  # within a list or dict
    is_element: bool = False  # of the list that the annotation says


@rule("REA407", "step-result-not-serializable", Severity.ERROR, docs="https://docs.restate.dev/develop/python/serialization")
def step_result_not_serializable(step: Step, code: Durable) -> Iterator[Finding]:
    """
    The result of a step cannot be journaled, so the step fails after its effect, again and again.

    A step's result is written to the journal as JSON, unless a serde or a type hint says otherwise. A `UUID`, a `datetime`, a set, `bytes`, a
    `Decimal`, a response: `json.dumps` raises a `TypeError`. By then the action has run. Restate retries, the action runs again, and raises
    again: the payment is made over and over, and the handler never gets anywhere.

    ```python fails="retried with TypeError"
    import uuid

    import restate

    payments = restate.Service("payments")


    @payments.handler()
    async def pay(ctx: restate.Context, amount: int) -> str:
        payment = await ctx.run_typed("pay", lambda: uuid.uuid4())  # expect: REA407 "gives a `uuid.UUID`"
        return f"payment {payment}"
    ```

    ```python fixed unsafe
    import uuid

    import restate

    payments = restate.Service("payments")


    @payments.handler()
    async def pay(ctx: restate.Context, amount: int) -> str:
        payment = await ctx.run_typed("pay", lambda: str(uuid.uuid4()))
        return f"payment {payment}"
    ```

    Pydantic models, msgspec structs and dataclasses can be journaled where the SDK knows of them: by the action's return annotation, or by
    `RunOptions(type_hint=...)`. A `lambda` has no annotation, and a list of models is none itself. The annotation `datetime` does not help.

    ```python
    from datetime import datetime

    import httpx
    import restate
    from pydantic import BaseModel

    payments = restate.Service("payments")


    class Receipt(BaseModel):
        id: str


    def receipts() -> list[Receipt]:
        return [Receipt(id="1")]


    def receipt() -> Receipt:
        return Receipt(id="1")


    def now() -> datetime:
        return datetime.now()


    def described():
        return {"paid": True, "at": datetime.now()}


    @payments.handler()
    async def pay(ctx, amount):
        async def fetch():
            async with httpx.AsyncClient() as client:
                return await client.get("https://bank.example/")

        await ctx.run_typed("now", now)  # expect: REA407 "a `datetime.datetime`"
        await ctx.run_typed("fetch", fetch)  # expect: REA407 "a `httpx.Response`"
        await ctx.run_typed("receipts", receipts)  # expect: REA407 "a list of `Receipt`"
        await ctx.run_typed("set", lambda: {"a", "b"})  # expect: REA407 "a `set`"
        await ctx.run_typed("held", lambda: {"at": datetime.now()})  # expect: REA407 "in a list or dict"
        await ctx.run_typed("taken", datetime.now)  # expect: REA407
        await ctx.run_typed("bytes", lambda: b"paid")  # expect: REA407 "`restate.serde.BytesSerde()`"
        return await ctx.run_typed("receipt", lambda: receipt())  # expect: REA407 "a `Receipt`, and no annotation says so"
    ```

    What has a serde or a hint, and what is not certain, is fine:

    ```python
    import subprocess
    import uuid
    from dataclasses import dataclass

    import restate
    from pydantic import BaseModel
    from restate.serde import BytesSerde

    payments = restate.Service("payments")


    class Receipt(BaseModel):
        id: str
        paid: uuid.UUID


    @dataclass
    class Payment:
        id: str


    def receipt() -> Receipt:
        return Receipt(id="1", paid=uuid.uuid4())


    def number():
        made = uuid.uuid4()
        made = str(made)
        return made


    def numbers():
        found = {str(uuid.uuid4()), "x"}
        return sorted(found)


    def version():
        return subprocess.check_output(["git", "--version"], text=True)


    def store(payment):
        uuid.uuid4()


    @payments.handler()
    async def pay(ctx, amount):
        await ctx.run_typed("receipt", receipt)
        await ctx.run_typed("number", number)
        await ctx.run_typed("numbers", numbers)
        await ctx.run_typed("version", version)
        await ctx.run_typed("store", store, payment=uuid.UUID(int=3))
        await ctx.run_typed("hinted", lambda: receipt(), restate.RunOptions(type_hint=Receipt))
        await ctx.run_typed("bytes", lambda: b"paid", restate.RunOptions(serde=BytesSerde()))
        await ctx.run("old", lambda: b"paid", BytesSerde())
        await ctx.run_typed("dataclass", lambda: Payment("1"))
        await ctx.run_typed("tuple", lambda: (1, 2.0, None, True))
        return await ctx.run_typed("hex", lambda: uuid.uuid4().hex)
    ```
    """
    handed = actions.handover(step, code) if _may_be_refused(step, code) else None
    if handed is None or handed.action is None or actions.option(handed, "serde") or _is_hinted(handed, code):
        return
    for function, result in _results(step, handed, code):
        kind = result.type.removesuffix("()")
        shown = f"`{kind.removeprefix('builtins.')}`" if kind not in code.project.classes else f"`{kind.rpartition('.')[2]}`"
        if result.is_element:
            what = f"a list of {shown}, which no annotation makes JSON"
        elif kind in code.project.classes:
            what = f"a {shown}, and no annotation says so"
        else:
            what = f"a {shown}{' in a list or dict' if result.is_held else ''}, which is no JSON"
        advice = ADVICE.get(result.type) or (
            f"give `{HOW[result.type].format('...')}`" if HOW.get(result.type) else "say it with `type_hint`, or as a dict"
        )
        at = (
            (Related(code.project.path_of(function.name), function.name_span, "the action"),)
            if function is not None and not function.is_lambda
            else ()
        )
        yield Finding(
            code.span(handed.action),
            f"the action gives {what}: a `TypeError` once it has run, with which the invocation is retried for ever, and the effect happens each time;"
            f" {advice}.",
            _fix(result, handed, code),
            at,
        )
        return


def _may_be_refused(step: Step, code: Durable) -> bool:
    """Whether an action may give something that JSON cannot say, as facts tell."""
    return not step.actions or any(_may_give(code.project.functions[name], code) for name in step.actions)


def _may_give(function: Function, code: Durable) -> bool:
    if any(value.removesuffix("()") in code.project.classes for value in code.project.resolve(function.return_annotation)):
        return False
    given = code.project.resolve((*function.return_annotation, *function.return_elements, *function.returns))
    if any(_is_object(value, code.project) for value in given):
        return True
    if not any(value in DISPLAYS or ":tuple@" in value for value in function.returns):
        return False
    text = code.source.text[function.span.start : function.span.end]  # of a function elsewhere it does not matter: there is no tree
    if not function.shape.isdisjoint({"Set", "SetComp"}) or BYTES_LITERAL.search(text) is not None:
        return True
    names = (function.names[name] for name, around in function.stands.items() if around & HOLDERS and name in function.names)
    calls = (tuple(f"{callee}()" for callee in call.callees) for call in function.calls if call.around in {*HOLDERS, "Await"})
    held = (value for refs in (*names, *calls) for value in code.project.resolve(refs))
    return any(value in HOW or _is_model(value, code.project) for value in held)


def _is_hinted(handed: Handover, code: Durable) -> bool:
    """Whether a type hint is given that may help: of a class that JSON cannot say anyway, it does not."""
    hint = actions.option(handed, "type_hint")
    if isinstance(hint, bool):
        return hint
    classes = code.resolve(hint)
    return not classes or not all(f"{name}()" in HOW for name in classes)


def _results(step: Step, handed: Handover, code: Durable) -> Iterator[tuple[Function | None, _Result]]:
    """What the action certainly gives that JSON cannot say."""
    project = code.project
    for name in step.actions:
        function = project.functions[name]
        if function.is_generator or actions.coroutine(function, project) is not None:
            continue  # generator-handler, step-returns-coroutine
        found = _of_function(function, code)
        if found is not None:
            yield function, found
    if not step.actions and isinstance(handed.action, cst.Name | cst.Attribute):
        given = project.resolve(tuple(f"{ref}()" for ref in step.action.values))
        if given and all(value in HOW for value in given):
            yield None, _Result(min(given), handed.action)


def _of_function(function: Function, code: Durable) -> _Result | None:
    project = code.project
    annotated = project.resolve(function.return_annotation)
    if any(value.removesuffix("()") in project.classes for value in annotated):
        return None
    if function.return_annotation:
        if annotated and all(value in HOW for value in annotated):
            return _Result(min(annotated), _single(function, code))
        elements = project.resolve(function.return_elements)
        if annotated & {"builtins.list()", "typing.List()"} and elements and all(_is_object(value, project) for value in elements):
            return _Result(min(elements), is_element=True)
    else:
        given = project.resolve(function.returns)
        if (
            given
            and all(value in HOW or _is_model(value, project) for value in given)
            and not (given & BYTES and _runs_text(function, project))
        ):
            return _Result(min(given), _single(function, code))
    return next(
        (_Result(kind, node, is_held=True) for value in actions.returned(function, code) for kind, node in _held(value, code)), None
    )


def _runs_text(function: Function, project: Project) -> bool:
    """Whether it runs a program, whose output is bytes, or a text with `text=True`."""
    return any("subprocess.check_output" in project.resolve(call.callees) for call in function.calls)


def _single(function: Function, code: Durable) -> cst.BaseExpression | None:
    """What a function returns, where there is one `return` and it stands in the same function as the step."""
    nodes = list(actions.returned(function, code))
    return nodes[0] if len(nodes) == 1 else None


def _held(value: cst.BaseExpression, code: Durable, depth: int = 0) -> Iterator[tuple[str, cst.BaseExpression]]:
    """What a display or comprehension holds that JSON cannot say."""
    inner: Iterable[cst.BaseExpression]
    match value:
        case cst.Dict(elements=elements):
            inner = (element.value for element in elements if isinstance(element, cst.DictElement))
        case cst.List(elements=elements) | cst.Tuple(elements=elements):
            inner = (element.value for element in elements if isinstance(element, cst.Element))
        case cst.ListComp(elt=element):
            inner = (element,)
        case cst.DictComp(value=element):
            inner = (element,)
        case _:
            return
    for each in inner if depth < DEEPEST else ():
        kinds = (
            code.resolve(each)
            if isinstance(each, cst.Call | cst.Name | cst.Await | cst.Set | cst.SetComp | cst.SimpleString)
            else frozenset()
        )
        if kinds and all(kind in HOW or _is_model(kind, code.project) for kind in kinds):
            yield min(kinds), each
        yield from _held(each, code, depth + 1)


def _is_model(value: str, project: Project) -> bool:
    """Whether it is an instance of a model, which is JSON only if the SDK is told."""
    return _inherits(value.removesuffix("()"), project, lambda name: name in MODELS) if value.endswith("()") else False


def _is_object(value: str, project: Project) -> bool:
    """Whether it is an instance of a model or dataclass, or something else that JSON cannot say."""
    declared = project.classes.get(value.removesuffix("()"))
    is_dataclass = declared is not None and any("dataclass" in ref for refs in declared.decorators for ref in refs)
    return value in HOW or is_dataclass or _is_model(value, project)


def _inherits(name: str, project: Project, wanted: Callable[[str], bool], depth: int = 0) -> bool:
    if wanted(name):
        return True
    declared = project.classes.get(name)
    if declared is None or depth > DEEPEST:
        return False
    return any(_inherits(base, project, wanted, depth + 1) for refs in declared.bases for base in project.resolve(refs))


def _fix(result: _Result, handed: Handover, code: Durable) -> Fix | None:
    """Give it as text or as a list; or say how it is to be journaled."""
    how = HOW.get(result.type)
    if how:
        node = result.node
        if node is None:
            return None
        text = code.text(node)
        if node is handed.action:
            text = how.format(f"{text}()")
            return rewrite.unsafe("Give what JSON can say", rewrite.replace(code, node, f"lambda: {text}"))
        is_bare = isinstance(node, cst.GeneratorExp) or not how.startswith("{}") or isinstance(node, cst.Call | cst.Name | cst.Attribute)
        return rewrite.unsafe("Give what JSON can say", rewrite.replace(code, node, how.format(text if is_bare else f"({text})")))
    if result.type == "builtins.bytes()" and not result.is_held:
        return _with_option("serde", "restate.serde.BytesSerde", "{}()", handed, code)
    if result.type.removesuffix("()") in code.project.classes and not result.is_held and not result.is_element:
        return _with_option("type_hint", result.type.removesuffix("()"), "{}", handed, code)
    return None


def _with_option(option: str, dotted: str, form: str, handed: Handover, code: Durable) -> Fix | None:
    """Hand over an option after the action, where none is handed over yet."""
    if len(handed.call.args) != 2 or handed.action is None:
        return None
    value = rewrite.spelled(code, handed.call, dotted)
    options = rewrite.spelled(code, handed.call, RUN) if handed.is_typed else ("", ())
    if value is None or options is None:
        return None
    given = f"{option}={form.format(value[0])}"
    end = code.span(handed.action).end
    edit = Edit(Span(end, end), f", {options[0]}({given})" if handed.is_typed else f", {given}")
    return rewrite.unsafe("Say how it is journaled", (edit, *value[1], *options[1]))
