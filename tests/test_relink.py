"""A project in which one file has changed says of it what a project says that is linked from the start."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

import pytest

import harness
from rea_lint.config import Config
from rea_lint.discovery import discover
from rea_lint.project import Project, link
from rea_lint.resolve import MOST_VALUES
from rea_lint.survey import survey
from rea_lint.worlds import worlds

if TYPE_CHECKING:
    from pathlib import Path

    from rea_lint.facts import Facts


def said(project: Project, file: Facts) -> dict[str, tuple[object, ...]]:
    """What rules can ask of the functions of a file."""
    return {
        name: (
            project.region(name),
            sorted(project.durable.get(name, ())),
            project.kinds(name),
            project.reached_by(name),
            project.context_name(name),
            project.operations(name),
            project.steps(name),
            project.uses(name),
            project.causes(name),
            project.violations(name),
            project.calls(name),
            project.shared(name),
            project.is_tool(name),
        )
        for name in file.functions
    }


def linked(facts: list[Facts]) -> Project:
    return link(facts, harness.knowledge(), lambda *_: False)


def shortened(text: str) -> str:
    """A program without its last statement."""
    body = ast.parse(text).body
    rows = body[-1].lineno - 1 - len(getattr(body[-1], "decorator_list", ())) if body else 0
    return "".join(text.splitlines(keepends=True)[:rows])


@pytest.mark.parametrize("folder", harness.FOLDERS, ids=[folder.name for folder in harness.FOLDERS])
def test_a_change_of_one_file_is_linked_as_all_files_are(folder: Path) -> None:
    settings = Config(folder.resolve())
    for world in worlds(discover([folder], settings).files):
        readable = [file for file in world if file.text is not None and file.broken is None]
        facts = [survey(file.path, file.module, file.text or "", is_package=file.is_package) for file in readable]
        if any(each.broken for each in facts):
            continue
        before = linked(facts)
        for position, file in enumerate(readable):
            for text in (file.text or "", shortened(file.text or ""), file.text or ""):
                changed = survey(file.path, file.module, text, is_package=file.is_package)
                after = before.with_facts(changed, lambda *_: False)
                fully = linked([*facts[:position], changed, *facts[position + 1 :]])
                assert said(after, changed) == said(fully, changed)
                assert after.handlers == fully.handlers
                assert after.services == fully.services
                before = after


CLIENT = "import requests\ndef pay(amount):\n    return requests.post('https://pay.test', json=amount)\n"
APP = "import restate\nfrom client import pay\nsvc = restate.Service('S')\n@svc.handler()\nasync def h(ctx, amount):\n    pay(amount)\n"


def of(name: str, text: str) -> Facts:
    return survey(f"{name}.py", name, text)


def test_a_change_reaches_the_files_that_import_it() -> None:
    before = linked([of("app", APP), of("client", CLIENT)])
    after = before.with_facts(of("client", CLIENT.replace("return", "pass #")), lambda *_: False)
    assert [use.primitive for use in before.uses("app.h")] == ["requests.post"]
    assert after.uses("app.h") == ()


def test_the_project_before_stays_as_it_is() -> None:
    before = linked([of("app", APP), of("client", CLIENT)])
    said_before = said(before, before.facts["app.py"])
    before.with_facts(of("app", APP.replace("pay(amount)", "amount")), lambda *_: False)
    fresh = linked([of("app", APP), of("client", CLIENT)])
    assert said_before == said(before, before.facts["app.py"]) == said(fresh, before.facts["app.py"])


def test_what_came_of_another_change_is_not_known() -> None:
    """An editor asks the same project again and again, with the text of each keystroke."""
    middle = of("mid", "def run(fn, x):\n    return fn(x)\n")
    head = "import restate\nfrom mid import run\nimport time\nsvc = restate.Service('S')\ndef bad(x):\n    return time.time()\n"
    handler = "def apply(x):\n    return x\n@svc.handler()\nasync def h(ctx, x):\n    run({}, x)\n"
    before = linked([of("app", head + handler.format("apply")), middle])
    before.with_facts(of("app", head + handler.format("bad")), lambda *_: False)
    hands = {giver: {slot: set(values) for slot, values in given.items()} for giver, given in before._durable.hands.items()}
    after = before.with_facts(of("app", head + handler.format("int")), lambda *_: False)
    assert said(after, after.facts["app.py"]) == said(linked([after.facts["app.py"], middle]), after.facts["app.py"])
    assert not any("app.bad" in values for given in hands.values() for values in given.values())


@pytest.mark.parametrize("text", ["def (", APP.replace("async def h", "async def other")])
def test_a_file_may_break_and_be_mended(text: str) -> None:
    before = linked([of("app", APP), of("client", CLIENT)])
    mended = before.with_facts(of("app", text), lambda *_: False).with_facts(of("app", APP), lambda *_: False)
    assert mended.handlers == before.handlers
    assert said(mended, before.facts["app.py"]) == said(before, before.facts["app.py"])


def test_a_file_may_be_new() -> None:
    before = linked([of("app", APP)])
    after = before.with_facts(of("client", CLIENT), lambda *_: False)
    assert [use.primitive for use in after.uses("app.h")] == ["requests.post"]


def test_what_the_old_code_handed_over_is_forgotten() -> None:
    helper = "def apply(action):\n    return action()\n"
    app = "import restate, time\nfrom helper import apply\nsvc = restate.Service('S')\n@svc.handler()\nasync def h(ctx):\n    apply(time.time)\n"
    before = linked([of("app", app), of("helper", helper)])
    after = before.with_facts(of("app", app.replace("time.time", "time.tzset")), lambda *_: False)
    assert before.resolve("helper.apply:action") == {"time.time"}
    assert after.resolve("helper.apply:action") == {"time.tzset"}


HELPER = "def apply(action):\n    return action()\n"
USER = "import restate, time\nfrom helper import apply\nsvc{n} = restate.Service('S{n}')\n@svc{n}.handler()\nasync def h{n}(ctx):\n    apply({what})\n"


def test_what_other_code_hands_over_too_stays() -> None:
    one, other = (of(f"app{n}", USER.format(n=n, what="time.time")) for n in (1, 2))
    before = linked([one, other, of("helper", HELPER)])
    after = before.with_facts(of("app1", USER.format(n=1, what="time.tzset")), lambda *_: False)
    assert after.resolve("helper.apply:action") == {"time.time", "time.tzset"}
    again = after.with_facts(one, lambda *_: False)
    assert again.resolve("helper.apply:action") == {"time.time"}


def test_a_parameter_that_holds_all_it_can_has_room_again_when_something_goes() -> None:
    several = [of(f"app{n}", USER.format(n=n, what=f"time.t{n}")) for n in range(MOST_VALUES)]
    before = linked([*several, of("helper", HELPER)])
    after = before.with_facts(of("app0", USER.format(n=0, what="time.new")), lambda *_: False)
    assert before.resolve("helper.apply:action") - after.resolve("helper.apply:action") == {"time.t0"}
    assert after.resolve("helper.apply:action") - before.resolve("helper.apply:action") == {"time.new"}


def test_an_answer_about_a_file_that_has_changed_is_given_anew() -> None:
    library = "from dataclasses import dataclass\nimport {made}\nclient = {made}.{kind}()\n"
    app = "import restate\nfrom lib import client\nsvc = restate.Service('S')\n@svc.handler()\nasync def h(ctx):\n    client.get('x')\n"
    first, second = (of("lib", library.format(made=made, kind=kind)) for made, kind in (("httpx", "Client"), ("requests", "Session")))
    before = linked([of("app", app), first])
    after = before.with_facts(second, lambda *_: False)
    back = after.with_facts(of("app", app), lambda *_: False).with_facts(first, lambda *_: False)
    assert before.resolve("lib.client") == back.resolve("lib.client") == {"httpx.Client()"}
    assert after.resolve("lib.client") == {"requests.Session()"}
    assert [use.primitive for use in back.uses("app.h")] == [use.primitive for use in before.uses("app.h")]
