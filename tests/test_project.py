"""What is replayed, and what the project says of it.  The forms of code are in fixtures; here is what rules ask the project for."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from rea_lint.packs import load
from rea_lint.project import Project, Region, link
from rea_lint.survey import survey

KNOWLEDGE = load()


def linked(**modules: str) -> Project:
    """A project of modules, whose names are given with `__` for a dot."""
    packages = {name.rpartition("__")[0] for name in modules}
    facts = [survey(f"{name}.py", name.replace("__", "."), dedent(text), is_package=name in packages) for name, text in modules.items()]
    return link(facts, KNOWLEDGE, lambda *_: False)


HEAD = "import restate\nfrom datetime import timedelta\nimport requests, time\nsvc = restate.Service('S')\nobj = restate.VirtualObject('O')\nwf = restate.Workflow('W')\n"


def app(text: str) -> Project:
    return linked(app=HEAD + dedent(text))


HANDLERS = [
    ("@svc.handler()\nasync def h(ctx): ...", ("S", "h", "service")),
    ("@svc.handler('named')\nasync def h(ctx): ...", ("S", "named", "service")),
    ("@svc.handler(name='named')\nasync def h(ctx): ...", ("S", "named", "service")),
    ("@obj.handler()\nasync def h(ctx): ...", ("O", "h", "exclusive")),
    ("@obj.handler(kind='shared')\nasync def h(ctx): ...", ("O", "h", "shared")),
    ("@obj.handler('n', 'shared')\nasync def h(ctx): ...", ("O", "n", "shared")),
    ("@wf.main()\nasync def h(ctx): ...", ("W", "h", "main")),
    ("@wf.handler()\nasync def h(ctx): ...", ("W", "h", "shared")),
    ("async def h(ctx): ...\nsvc.handler('n')(h)", ("S", "n", "service")),
    ("def make(n):\n    s = restate.Service('made')\n    @s.handler()\n    async def h(ctx): ...\n    return s", ("made", "h", "service")),
    ("class C:\n    @staticmethod\n    @svc.handler()\n    async def h(ctx): ...", ("S", "h", "service")),
    ("computed = restate.Service(name())\n@computed.handler()\nasync def h(ctx): ...", ("computed", "h", "service")),
]


@pytest.mark.parametrize(("text", "expected"), HANDLERS, ids=range(len(HANDLERS)))
def test_a_handler_has_service_name_and_kind(text: str, expected: tuple[str, str, str]) -> None:
    handlers = app(text).handlers
    assert [(h.service, h.name, h.kind) for h in handlers] == [expected]


def test_a_decorator_without_parentheses_registers_nothing() -> None:
    assert app("@svc.handler\nasync def h(ctx): ...").handlers == ()


def test_a_service_comes_through_star_imports_of_its_own_module_and_of_libraries() -> None:
    handler = "@svc.handler()\nasync def {}(ctx): ...\n"
    libraries = "".join(f"from library{n} import *\n" for n in range(12))
    project = linked(
        shop="from .base import *\nfrom .more import *\n",
        shop__base="from restate import *\nfrom .base import *\nsvc = Service('S')\n" + handler.format("own"),
        shop__more=libraries + "from shop import *\n" + handler.format("another"),
        app="from shop import *\n" + handler.format("third") + "@missing.handler()\nasync def none(ctx): ...\n",
    )
    assert {handler.display for handler in project.handlers} == {"S.own", "S.another", "S.third"}


STARS = [
    ("", "builtins.open"),
    ("from library import *", "builtins.open"),
    ("from ours import *", "builtins.open"),
    ("from library import *\nfrom theirs import *", "theirs.open"),
    ("from through import *", "theirs.open"),
    ("from library import *\nopen = None", None),
    ("from library import *\nfrom library import open", "library.open"),
]


@pytest.mark.parametrize(("imports", "expected"), STARS, ids=range(len(STARS)))
def test_a_builtin_is_one_unless_a_module_of_the_project_that_is_star_imported_has_the_name(imports: str, expected: str | None) -> None:
    project = linked(
        app=f"{imports}\ndef f(): open('x')",
        ours="from library import *\ndef other(): ...",
        theirs="def open(path): ...",
        through="from another_library import *\nfrom theirs import *\nfrom ours import *",
    )
    assert project.resolve(project.functions["app.f"].calls[0].callees) == ({expected} if expected else set())


NAMES = [
    ("from restate import *\nfrom library import *", {"restate.Service"}),
    ("from library import *\nfrom restate import *", {"restate.Service"}),
    ("from library import *\nfrom other import *", {"other.Service"}),
    ("from library import *\nfrom ours import *", {"ours.Service"}),
]


@pytest.mark.parametrize(("imports", "expected"), NAMES, ids=range(len(NAMES)))
def test_of_several_star_imports_the_one_that_is_known_for_a_name_gives_it(imports: str, expected: set[str]) -> None:
    project = linked(app=f"{imports}\ndef f(): Service('x')", ours="class Service: ...")
    assert project.resolve(project.functions["app.f"].calls[0].callees) == expected


def test_regions() -> None:
    project = app(
        """
        def in_both(): ...
        def in_step(): in_both()
        def nowhere(): ...
        def below(): ...
        def helper(): below()

        @svc.handler()
        async def h(ctx):
            await ctx.run_typed("x", in_step)
            helper()
            in_both()
            kept = [lambda: 1]
        """
    )
    names = ["in_both", "in_step", "nowhere", "below", "helper", "h"]
    assert [project.region(f"app.{name}") for name in names] == [
        Region.DURABLE,
        Region.STEP,
        Region.OTHER,
        Region.DURABLE,
        Region.DURABLE,
        Region.DURABLE,
    ]
    built = next(name for name in project.functions if name.startswith("app.h.<lambda"))
    assert project.region(built) is Region.DURABLE


def test_the_chain_is_the_shortest() -> None:
    project = app(
        """
        def pay(): requests.post("x")
        def settle(): pay()
        def close(deep):
            if deep: settle()
            pay()

        @svc.handler()
        async def h(ctx):
            close(True)
        """
    )
    (use,) = project.uses("app.h")
    assert [hop.name for hop in use.chain] == ["app.close", "app.pay", "requests.post"]
    assert (use.primitive, use.inside) == ("requests.post", "app.pay")


def test_a_finding_stands_where_the_context_is_last_in_scope() -> None:
    project = app(
        """
        def pay(): requests.post("x")
        async def settle(c): pay()

        @svc.handler()
        async def h(ctx):
            await settle(ctx)
        """
    )
    assert project.uses("app.h") == ()
    assert [hop.name for hop in project.uses("app.settle")[0].chain] == ["app.pay", "requests.post"]


def test_durable_functions_know_their_handlers_and_kinds() -> None:
    project = app(
        """
        async def helper(c): ...

        @obj.handler()
        async def a(ctx): await helper(ctx)

        @obj.handler(kind="shared")
        async def b(ctx): await helper(ctx)
        """
    )
    assert project.durable["app.helper"] == ("O.a", "O.b")
    assert project.kinds("app.helper") == {"exclusive", "shared"}


CONTEXTS = [
    ("async def h(ctx): ...", "ctx"),
    ("async def h(_anything, x): ...", "_anything"),
    ("async def h(ctx):\n    c = ctx\n    def g(): return c\n    g()", "ctx"),
]


@pytest.mark.parametrize(("text", "expected"), CONTEXTS, ids=range(len(CONTEXTS)))
def test_the_context_has_a_name(text: str, expected: str) -> None:
    assert app(f"@svc.handler()\n{text}").context_name("app.h") == expected


def test_a_method_finds_the_context_in_an_attribute() -> None:
    project = app(
        """
        class Flow:
            def __init__(self, ctx): self._ctx = ctx
            async def run(self): await self._ctx.sleep(timedelta(1))

        @obj.handler()
        async def h(ctx): await Flow(ctx).run()
        """
    )
    assert project.context_name("app.Flow.run") == "self._ctx"
    assert [(o.method, o.context) for o in project.operations("app.Flow.run")] == [("sleep", "restate.ObjectContext")]


def test_steps_are_found_directly_and_through_wrappers() -> None:
    project = app(
        """
        async def step(ctx, name, action): return await ctx.run_typed(name, action)
        async def outer(ctx, fn): return await step(ctx, "outer", lambda: fn(1))
        def pay(*_): requests.post("x")

        @svc.handler()
        async def h(ctx):
            await ctx.run_typed("a", pay)
            await step(ctx, "b", pay)
            await outer(ctx, pay)
        """
    )
    assert [(s.direct, s.actions) for s in project.steps("app.h")] == [(True, ("app.pay",)), (False, ("app.pay",)), (False, ("app.pay",))]
    assert project.region("app.pay") is Region.STEP


def test_operations_of_things_that_contexts_give() -> None:
    project = app(
        """
        @wf.main()
        async def h(ctx):
            await ctx.promise("p").value()
            s = ctx.scope("x")
            s.service_send(None, 1)
            handle = ctx.service_send(None, 1)
            await handle.invocation_id()
        """
    )
    assert [(o.context.rpartition(".")[2], o.method) for o in project.operations("app.h")] == [
        ("WorkflowContext", "promise"),
        ("DurablePromise", "value"),
        ("WorkflowContext", "scope"),
        ("ScopedContext", "service_send"),
        ("WorkflowContext", "service_send"),
        ("SendHandle", "invocation_id"),
    ]


def test_a_context_in_a_step_is_a_violation_with_its_chain() -> None:
    project = app(
        """
        async def deep(c): await c.sleep(timedelta(1))
        async def helper(c): await deep(c)

        @svc.handler()
        async def h(ctx):
            async def action():
                await helper(ctx)
            await ctx.run_typed("x", action)
            await ctx.run_typed("y", lambda: ctx.key())
        """
    )
    found = {v.method: [hop.name for hop in v.chain] for v in project.violations("app.h")}
    assert found["sleep"] == ["app.helper", "app.deep", "Context.sleep"]
    assert set(found) <= {"sleep", "key"}


def test_recursion_hides_nothing_in_any_order() -> None:
    text = """
        def even(n): return n == 0 or odd(n - 1)
        def odd(n):
            time.time()
            return n != 0 and even(n - 1)

        @svc.handler()
        async def h(ctx):
            odd(1)
            even(1)
        """
    assert [u.effect.value for u in app(text).uses("app.h")] == ["clock", "clock"]


def test_a_comment_on_the_way_clears_the_callers() -> None:
    text = HEAD + dedent(
        """
        def pay(): requests.post("x")  # rea-lint: ignore

        @svc.handler()
        async def h(ctx): pay()
        """
    )
    asked: list[str] = []

    def silenced(_facts: object, function: object, *_: object) -> bool:
        asked.append(function.name)  # type: ignore[attr-defined]
        return True

    project = link([survey("app.py", "app", text)], KNOWLEDGE, silenced)
    assert project.uses("app.h") == ()
    assert set(asked) == {"app.pay"}


def test_a_local_package_named_like_the_sdk_is_not_the_sdk() -> None:
    project = linked(
        restate="class Service:\n    def handler(self): ...\n",
        app="import restate\nsvc = restate.Service()\n@svc.handler()\nasync def h(ctx): ...\n",
    )
    assert project.handlers == ()


def test_the_sources_of_the_sdk_are_the_sdk() -> None:
    project = linked(
        restate="from .service import Service\n",
        restate__service="class Service:\n    def __init__(self, name): ...\n    def handler(self): ...\n",
        app="import restate\nsvc = restate.Service('S')\n@svc.handler()\nasync def h(ctx): ...\n",
    )
    assert [h.display for h in project.handlers] == ["S.h"]


def test_the_answer_does_not_depend_on_the_hash_seed() -> None:
    program = (
        "from test_project import app\n"
        "p = app('''\n"
        "import random, uuid\n"
        "class A:\n    def f(self): time.time()\n"
        "class B(A):\n    def f(self): random.random(); super().f()\n"
        "def g(x): x.f(); uuid.uuid4()\n"
        "@svc.handler()\nasync def h(ctx):\n    g(A())\n    g(B())\n    [k() for k in (lambda: time.time(), lambda: requests.get('x'))]\n"
        "''')\n"
        "print([(u.span, u.effect.value, [h.name for h in u.chain]) for f in p.durable for u in p.uses(f)], sorted(p.durable))\n"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(Path(__file__).parent)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "2", "3")
    }
    assert len(outputs) == 1
    assert "random" in outputs.pop()
