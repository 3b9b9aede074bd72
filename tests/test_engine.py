"""From files to diagnostics: selection, suppressions, severities, order, and what happens when something fails."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

import harness
from rea_lint import engine, rule
from rea_lint.config import Config, UserError
from rea_lint.diagnostic import Applicability, Finding, Fix, Severity
from rea_lint.discovery import discover
from rea_lint.facts import Broken
from rea_lint.files import File
from rea_lint.project import Use  # noqa: TC001 -- read at run time: it says what a rule looks at
from rea_lint.survey import survey
from rea_lint.text import Edit, Span, apply

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rea_lint.diagnostic import Diagnostic
    from rea_lint.engine import Report
    from rea_lint.packs import Knowledge

ROOT = Path("/project")
SERVICE = """\
import uuid
import restate

shop = restate.Service("Shop")


@shop.handler()
async def buy(ctx: restate.Context, item: str) -> str:
    return str(uuid.uuid4())
"""
HELPED = """\
import restate
from helpers import make

shop = restate.Service("Shop")


@shop.handler()
async def buy(ctx: restate.Context, item: str) -> str:
    return make()
"""


@pytest.fixture(scope="module")
def knowledge() -> Knowledge:
    return engine.knowledge_for(Config(ROOT))


@pytest.fixture
def lint(knowledge: Knowledge) -> Any:
    def check(
        files: Mapping[str, str | File], *, only: tuple[str, ...] | None = None, ignore_suppressions: bool = False, **options: Any
    ) -> Report:
        given = [
            file if isinstance(file, File) else File(str(ROOT / name), name.removesuffix(".py"), str(ROOT), text=file)
            for name, file in files.items()
        ]
        reported = {str(ROOT / name) for name in only or files}
        return engine.check(given, Config(ROOT, **options), reported, knowledge=knowledge, ignore_suppressions=ignore_suppressions)

    return check


def codes(report: Report) -> list[str]:
    assert not report.errors, report.errors[0].traceback
    return [d.code for d in report.diagnostics]


def only(report: Report) -> Diagnostic:
    assert not report.errors, report.errors[0].traceback
    (diagnostic,) = report.diagnostics
    return diagnostic


def test_a_finding_becomes_a_diagnostic(lint: Any) -> None:
    found = only(lint({"app.py": SERVICE}))
    assert (found.path, found.code, found.name) == ("/project/app.py", "REA103", "native-uuid")
    assert SERVICE[found.span.start : found.span.end] == "uuid.uuid4()"
    assert found.handlers == ("Shop.buy",)
    assert found.url.endswith("docs/rules/REA103.md")
    assert "and" not in found.message.partition("more handler")[0][-20:]


@pytest.mark.parametrize("folder", harness.FOLDERS, ids=[folder.name for folder in harness.FOLDERS])
def test_what_is_said_of_one_file_is_what_a_check_of_all_says_of_it(folder: Path, knowledge: Knowledge) -> None:
    found = discover([folder], Config(folder.resolve()))
    said = engine.check(found.files, found.config, found.reported, knowledge=knowledge).diagnostics
    for path in sorted(found.reported):
        alone = engine.check(found.files, found.config, {path}, knowledge=knowledge).diagnostics
        assert alone == tuple(diagnostic for diagnostic in said if diagnostic.path == path)


def test_only_what_was_asked_for_is_reported_and_the_rest_is_followed(lint: Any) -> None:
    files = {"app.py": HELPED, "helpers.py": "import uuid\ndef make():\n    return str(uuid.uuid4())\n"}
    assert only(lint(files, only=("app.py",))) == only(lint(files))
    assert codes(lint(files, only=("helpers.py",))) == []
    assert "/project/helpers.py" in {related.path for related in only(lint(files)).related}


AGENT = """\
import requests
import restate
from agents import Agent
from restate.ext.openai import DurableRunner, durable_function_tool, restate_context

carts = restate.VirtualObject("Carts")
desk = restate.VirtualObject("Desk")

@carts.handler()
async def checkout(ctx: restate.ObjectContext, item: str) -> str:
    return item

@durable_function_tool
async def buy(item: str) -> str:
    requests.post("https://shop.test", timeout=1)
    _, answer = restate_context().awakeable(type_hint=str)
    await answer
    return await restate_context().service_call(checkout, arg=item)

agent = Agent(name="Buyer", tools=[buy])

@desk.handler()
async def ask(ctx: restate.ObjectContext, text: str) -> None:
    await DurableRunner.run(agent, text)

@desk.handler()
async def ask_again(ctx: restate.ObjectContext, text: str) -> None:
    await DurableRunner.run(agent, text)
"""


@pytest.mark.parametrize("code", ["REA604", "REA802", "REA952"])
def test_a_finding_in_a_tool_says_what_runs_the_agent(lint: Any, code: str) -> None:
    found = only(lint({"app.py": AGENT}, select=(code,)))
    *_, run = found.related
    assert AGENT[run.span.start : run.span.end] == "DurableRunner.run(agent, text)"
    assert run.message == "`ask` runs an agent that has `buy` as a tool"
    assert found.handlers == ("Desk.ask", "Desk.ask_again")


@pytest.mark.parametrize("code", ["REA604", "REA802"])
def test_a_finding_outside_tools_speaks_of_no_agent(lint: Any, code: str) -> None:
    plain = (
        AGENT.replace("@durable_function_tool\n", "").replace("tools=[buy]", "").replace("run(agent, text)", "run(agent, await buy(text))")
    )
    assert not any("agent" in related.message for related in only(lint({"app.py": plain}, select=(code,))).related)


def test_a_place_that_several_handlers_reach_is_one_finding_that_names_them(lint: Any) -> None:
    text = SERVICE + "\n\n@shop.handler()\nasync def sell(ctx: restate.Context, item: str) -> str:\n    return await help_with(ctx)\n"
    text += "\n\nasync def help_with(ctx: restate.Context) -> str:\n    return str(uuid.uuid4())\n"
    text = text.replace("    return str(uuid.uuid4())\n", "    return await help_with(ctx)\n", 1)
    found = only(lint({"app.py": text}))
    assert found.handlers == ("Shop.buy", "Shop.sell")
    assert found.message.endswith(" (in `Shop.buy` and 1 more handler)")


def test_files_of_two_worlds_are_linked_apart(lint: Any) -> None:
    files = {}
    for name in "a", "b":
        path = str(ROOT / name / "app.py")
        files[f"{name}/app.py"] = File(path, "app", str(ROOT / name), text=SERVICE)
    report = lint(files)
    assert codes(report) == ["REA103", "REA103"]
    assert len(report.projects) == 2
    assert len(report.handlers) == len(report.services) == 2


# -- suppressions ------------------------------------------------------------------------------------------------------


def suppressed(text: str, comment: str, at: str) -> str:
    """The text with a comment at the end of the line that has `at`."""
    start = text.index(at)
    end = text.index("\n", start)
    return f"{text[:end]}  # {comment}{text[end:]}"


@pytest.mark.parametrize(
    "comment", ["rea-lint: ignore", "rea-lint: ignore[REA103]", "rea-lint: ignore[native-uuid] of no consequence", "noqa: REA103", "noqa"]
)
@pytest.mark.parametrize("at", ["uuid.uuid4()", "async def", "@shop"])
def test_a_comment_silences_at_the_finding_and_on_the_function(lint: Any, comment: str, at: str) -> None:
    text = suppressed(SERVICE, comment, at)
    assert codes(lint({"app.py": text})) == []
    assert codes(lint({"app.py": text}, ignore_suppressions=True)) == ["REA103"]


def test_a_comment_for_the_file_silences_all_of_it(lint: Any) -> None:
    assert codes(lint({"app.py": "# rea-lint: ignore-file[REA103] generated\n" + SERVICE})) == []


@pytest.mark.parametrize("at", ["uuid.uuid4()", "def make", "low()\n\n", "def low"])
def test_a_comment_on_the_way_to_the_cause_clears_all_callers(lint: Any, at: str) -> None:
    helper = "import uuid\ndef make():\n    return low()\n\ndef low():\n    return str(uuid.uuid4())\n"
    files = {"app.py": HELPED, "helpers.py": helper}
    assert codes(lint(files)) == ["REA103"]
    assert codes(lint({**files, "helpers.py": suppressed(helper, "rea-lint: ignore[REA103]", at)})) == []


def test_a_comment_that_silences_nothing_is_reported_with_a_fix(lint: Any) -> None:
    text = suppressed(SERVICE, "rea-lint: ignore[REA101]", "async def")
    found = next(d for d in lint({"app.py": text}).diagnostics if d.code == "REA002")
    assert (found.severity, found.message) == (Severity.INFO, "`REA101` is not found here: the comment silences nothing.")
    assert found.fix is not None
    assert found.fix.applicability == Applicability.SAFE
    assert apply(text, found.fix.edits) == SERVICE


@pytest.mark.parametrize(
    ("line", "fixed"),
    [
        ("x = 1  # rea-lint: ignore[REA101, REA103]\n", "x = 1\n"),
        ("x = 1  # rea-lint: ignore\n", "x = 1\n"),
        ("# rea-lint: ignore[REA101] why\nx = 1\n", "x = 1\n"),
        ("x = 1  # noqa: E501,REA101\n", "x = 1  # noqa: E501\n"),
        ("x = 1  # noqa: E501, REA101 # type: ignore\n", "x = 1  # noqa: E501 # type: ignore\n"),
        ("x = 1  # rea-lint: ignore[REA101] why # noqa: E501\n", "x = 1  # noqa: E501\n"),
        ("x = 1  # type: ignore # rea-lint: ignore[REA101]\n", "x = 1  # type: ignore\n"),
        ("x = 1\n# rea-lint: ignore", "x = 1\n"),
    ],
)
def test_the_fix_takes_out_what_is_of_no_use_and_nothing_else(lint: Any, line: str, fixed: str) -> None:
    found = only(lint({"app.py": line}))
    assert found.code == "REA002"
    assert found.fix is not None
    assert apply(line, found.fix.edits) == fixed


def test_of_several_words_those_that_silence_stay(lint: Any) -> None:
    text = suppressed(SERVICE, "rea-lint: ignore[REA101, native-uuid]", "uuid.uuid4()")
    found = only(lint({"app.py": text}))
    assert found.message == "`REA101` is not found here: the comment silences nothing by that."
    assert found.fix is not None
    assert apply(text, found.fix.edits) == suppressed(SERVICE, "rea-lint: ignore[native-uuid]", "uuid.uuid4()")


def test_a_misspelt_word_is_said_to_be_no_rule_and_not_taken_away(lint: Any) -> None:
    found = only(lint({"app.py": "x = 1  # rea-lint: ignore[wall-clok]\n"}))
    assert found.message == "`wall-clok` is no rule (did you mean `wall-clock`?): the comment silences nothing."
    assert found.fix is None


def test_a_comment_that_cannot_be_read_is_reported(lint: Any) -> None:
    assert "cannot be read" in only(lint({"app.py": "x = 1  # rea-lint: disable=REA101\n"})).message


def test_a_comment_for_a_rule_that_did_not_run_is_not_reported(lint: Any) -> None:
    text = suppressed(SERVICE, "rea-lint: ignore[REA103]", "uuid.uuid4()")
    assert codes(lint({"app.py": text}, select=("REA0",))) == []
    assert codes(lint({"app.py": suppressed(SERVICE, "rea-lint: ignore", "uuid.uuid4()")}, select=("REA0", "REA1"))) == []


def test_what_is_said_of_comments_is_silenced_by_its_own_code_only(lint: Any) -> None:
    assert codes(lint({"app.py": "x = 1  # rea-lint: ignore[REA101, REA002]\n"})) == []
    assert codes(lint({"app.py": "x = 1  # rea-lint: ignore\n"})) == ["REA002"]


# -- selection ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({}, True),
        ({"select": ("REA103",)}, True),
        ({"select": ("native-uuid",)}, True),
        ({"select": ("REA1",)}, True),
        ({"select": ("ALL",)}, True),
        ({"select": ("REA2",)}, False),
        ({"select": ("REA2",), "extend_select": ("REA103",)}, True),
        ({"ignore": ("REA103",)}, False),
        ({"ignore": ("REA1",)}, False),
        ({"select": ("ALL",), "ignore": ("REA1",)}, False),
        ({"select": ("REA103",), "ignore": ("REA1",)}, True),
        ({"select": ("REA103",), "ignore": ("REA103",)}, False),
        ({"per_file_ignores": {"app.py": ("REA103",)}}, False),
        ({"per_file_ignores": {"*.py": ("REA1",)}}, False),
        ({"per_file_ignores": {"other/**": ("REA1",)}}, True),
    ],
)
def test_the_more_specific_selector_decides(lint: Any, options: dict[str, Any], found: bool) -> None:
    assert codes(lint({"app.py": SERVICE}, **options)) == ["REA103"] * found


@pytest.mark.parametrize("key", ["select", "ignore", "extend_select", "severity", "per_file_ignores"])
def test_a_selector_that_means_no_rule_is_the_users_mistake(lint: Any, key: str) -> None:
    values: dict[str, Any] = {"severity": {"natif-uuid": Severity.INFO}, "per_file_ignores": {"a": ("natif-uuid",)}}
    with pytest.raises(UserError, match=r"there is no rule `natif-uuid` \(did you mean `native-uuid`\?\)"):
        lint({"app.py": SERVICE}, **{key: values.get(key, ("natif-uuid",))})


def test_a_family_without_rules_yet_is_no_mistake(lint: Any) -> None:
    assert codes(lint({"app.py": SERVICE}, select=("REA9",))) == []


def test_the_configuration_decides_the_severity_the_more_specific_first(lint: Any) -> None:
    severity = {"REA1": Severity.INFO, "native-uuid": Severity.WARNING, "ALL": Severity.ERROR}
    assert only(lint({"app.py": SERVICE}, severity=severity)).severity == Severity.WARNING


# -- what cannot be read, and what fails -------------------------------------------------------------------------------


def test_a_file_that_is_not_python_is_a_finding_and_the_others_are_linted(lint: Any) -> None:
    assert codes(lint({"app.py": SERVICE, "broken.py": "import restate\ndef (:\n"})) == ["REA103", "REA001"]
    assert codes(lint({"app.py": SERVICE, "broken.py": "import restate\ndef (:\n"}, only=("app.py",))) == ["REA103"]


def test_a_file_that_cannot_be_decoded_is_a_finding(lint: Any) -> None:
    file = File("/project/app.py", "app", "/project", text="x = \ufffd", broken=Broken("Byte 0xe9 is not UTF-8", Span(4, 5)))
    found = only(lint({"app.py": file}))
    assert found.message == "This file cannot be read as Python, so nothing in it is linted: byte 0xe9 is not UTF-8."
    assert found.span == Span(4, 5)


def test_a_file_that_cannot_be_opened_is_a_finding(lint: Any) -> None:
    found = only(lint({"app.py": File("/project/app.py", "app", "/project", text=None, broken=Broken("Permission denied", Span(0, 0)))}))
    assert "permission denied" in found.message


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("import restate\nx = f'{a['b']}'\n", (3, 12)),
        ("import restate\nx = f'{a!r:{'x'}}' + f'{'\\n'.join(a)}'\n", (3, 12)),
        ("import restate\ntype X = int\n", (3, 12)),
        ("import restate\ndef f[T](x: T) -> T: ...\n", (3, 12)),
        ("import restate\nclass C[T = int]: ...\n", (3, 13)),
        ("import restate\nx = t'{a}'\n", (3, 14)),
        ("import restate\ntry:\n    a()\nexcept A, B:\n    b()\n", (3, 14)),
        ("import restate\ntry:\n    a()\nexcept* A:\n    b()\n", (3, 11)),
    ],
)
def test_a_file_for_a_newer_python_says_which(lint: Any, text: str, version: tuple[int, int]) -> None:
    report = lint({"app.py": text})
    if version <= sys.version_info[:2]:
        assert codes(report) == []
    else:
        assert f"run rea-lint with Python {version[0]}.{version[1]} or newer" in only(report).message


def test_a_rule_that_raises_is_an_internal_error_and_the_others_go_on(lint: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    load = rule.load

    def broken(_use: Use, _code: object) -> Iterable[Finding]:
        raise ZeroDivisionError("a fault of ours")

    def loaded(wanted: Any) -> tuple[rule.Rule, ...]:
        return tuple(replace(each, check=broken) if each.code == "REA101" else each for each in load(wanted))

    monkeypatch.setattr(rule, "load", loaded)
    report = lint({"app.py": SERVICE.replace("str(uuid", "str(time.time()) + str(uuid").replace("import uuid", "import time\nimport uuid")})
    assert [d.code for d in report.diagnostics] == ["REA103"]
    assert [(error.code, error.path) for error in report.errors] == [("REA101", "/project/app.py")]
    assert "a fault of ours" in report.errors[0].traceback


def test_a_fix_whose_edits_overlap_is_an_internal_error_and_not_offered(lint: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    load = rule.load

    def overlapping(use: Use, _code: object) -> Iterable[Finding]:
        edits = (Edit(Span(use.span.start, use.span.end), "a"), Edit(Span(use.span.start + 1, use.span.end + 1), "b"))
        yield Finding(use.span, "message", Fix("Break it", edits, Applicability.SAFE))

    monkeypatch.setattr(
        rule, "load", lambda wanted: tuple(replace(each, check=overlapping) for each in load(wanted) if each.code == "REA103")
    )
    report = lint({"app.py": SERVICE})
    assert [d.fix for d in report.diagnostics] == [None]
    assert [error.traceback for error in report.errors] == ["ValueError: edits of the fix `Break it` overlap"]


def test_a_failed_rule_makes_no_comment_unused(lint: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def visit(*_: object, **__: object) -> tuple[list[object], list[object]]:
        return [], [rule.InternalError("REA103", "/project/app.py", "buy", "ZeroDivisionError")]

    monkeypatch.setattr(rule, "visit", visit)
    for comment in "rea-lint: ignore[REA103]", "rea-lint: ignore":
        assert not lint({"app.py": suppressed(SERVICE, comment, "uuid.uuid4()")}).diagnostics


def test_a_survey_that_raises_names_the_file(lint: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(path: str, *args: Any, **kwargs: Any) -> Any:
        if path.endswith("other.py"):
            raise ZeroDivisionError
        return survey(path, *args, **kwargs)

    monkeypatch.setattr("rea_lint.engine.survey", failing)
    report = lint({"app.py": SERVICE, "other.py": "import restate"})
    assert [d.code for d in report.diagnostics] == ["REA103"]
    assert [error.path for error in report.errors] == ["/project/other.py"]


def test_the_order_of_files_does_not_matter(lint: Any) -> None:
    files = {f"app{n}.py": SERVICE.replace("Shop", f"Shop{n}") for n in range(5)}
    report = lint(files)
    assert codes(report) == ["REA103"] * 5
    assert [d.path for d in report.diagnostics] == sorted(d.path for d in report.diagnostics)
    assert lint(dict(reversed(files.items()))).diagnostics == report.diagnostics
