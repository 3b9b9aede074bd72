"""A session says what a check from nothing says: at once about the file that is typed in, at rest about all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rea_lint import engine
from rea_lint.config import load
from rea_lint.diagnostic import Diagnostic, Severity
from rea_lint.discovery import discover
from rea_lint.session import Session, Stopped, moved
from rea_lint.text import Edit, Span, apply, difference

if TYPE_CHECKING:
    from pathlib import Path

HELPERS = """import time


def now() -> float:
    return time.time()


def name() -> str:
    return "x"
"""

ORDERS = """import restate

from helpers import name, now

orders = restate.VirtualObject("orders")


@orders.handler()
async def place(ctx: restate.ObjectContext, item: str) -> None:
    ctx.set("order", name())


@orders.handler()
async def take(ctx: restate.ObjectContext, item: str) -> None:
    ctx.set("taken", now())
"""

APP = """import restate

from orders import orders

app = restate.app([orders])
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for path, text in {"helpers.py": HELPERS, "orders.py": ORDERS, "app.py": APP, "pyproject.toml": "[project]\nname = 'p'\n"}.items():
        (tmp_path / path).write_text(text)
    return tmp_path


def from_nothing(root: Path, buffers: dict[str, str]) -> tuple[Diagnostic, ...]:
    config = load(root)
    found = discover([root], config, given=buffers)
    return engine.check(found.files, config, found.reported).diagnostics


def codes(diagnostics: tuple[Diagnostic, ...], path: Path | None = None) -> list[str]:
    return [d.code for d in diagnostics if path is None or d.path == str(path)]


EDITS = {
    "a clock in a handler": ("orders.py", 'ctx.set("order", name())', 'ctx.set("order", now())'),
    "a helper that becomes a clock": ("helpers.py", 'return "x"', "return str(time.time())"),
    "a helper that is a clock no more": ("helpers.py", "return time.time()", "return 1.0"),
    "a name that is no handler any more": ("orders.py", "@orders.handler()\nasync def take", "async def take"),
    "a suppression": ("orders.py", 'ctx.set("taken", now())', 'ctx.set("taken", now())  # rea-lint: ignore[REA101] so it is'),
    "a suppression that silences nothing": (
        "orders.py",
        'ctx.set("order", name())',
        'ctx.set("order", name())  # rea-lint: ignore[REA101]',
    ),
    "another import": ("orders.py", "from helpers import name, now", "from helpers import now\nfrom helpers import now as name"),
    "a service that nobody serves": ("app.py", "restate.app([orders])", "restate.app([])"),
    "a broken file": ("orders.py", "async def take(", "async def take(("),
    "a second service of the name": ("app.py", "app = ", 'other = restate.Service("orders")\napp = '),
    "lines above": ("orders.py", "import restate\n", "import restate\n\n# orders\n\n"),
}


@pytest.mark.parametrize("edit", EDITS)
def test_at_rest_a_session_says_what_a_check_from_nothing_says(project: Path, edit: str) -> None:
    name, old, new = EDITS[edit]
    path = project / name
    session = Session(str(project), load(project))
    before = session.settle(lambda: False).diagnostics
    assert before == from_nothing(project, {})
    text = path.read_text().replace(old, new)
    assert text != path.read_text()
    session.change(str(path), text)
    session.check(str(path))
    assert session.settle(lambda: False).diagnostics == from_nothing(project, {str(path): text})
    session.change(str(path), None)
    assert session.settle(lambda: False).diagnostics == before


@pytest.mark.parametrize("edit", sorted(EDITS.keys() - {"a broken file", "a suppression that silences nothing"}))
def test_at_once_a_session_says_of_the_file_what_a_check_from_nothing_says(project: Path, edit: str) -> None:
    name, old, new = EDITS[edit]
    path = project / name
    session = Session(str(project), load(project))
    session.settle(lambda: False)
    text = path.read_text().replace(old, new)
    session.change(str(path), text)
    assert [d for d in session.check(str(path)) if d.code[:4] in {"REA1", "REA2"}] == [
        d for d in from_nothing(project, {str(path): text}) if d.path == str(path) and d.code[:4] in {"REA1", "REA2"}
    ]


def test_while_a_file_is_broken_its_findings_stay_without_their_fixes(project: Path) -> None:
    path = project / "orders.py"
    session = Session(str(project), load(project))
    assert codes(session.settle(lambda: False).diagnostics, path) == ["REA101"]
    session.change(str(path), ORDERS + "\ndef (\n")
    now = session.check(str(path))
    assert codes(now) == ["REA101", "REA001"]
    assert all(d.fix is None for d in now)


def test_a_file_that_we_fail_on_keeps_its_findings(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = project / "orders.py"
    session = Session(str(project), load(project))
    session.settle(lambda: False)

    def failing(_: object) -> object:
        raise ZeroDivisionError

    monkeypatch.setattr(engine, "facts", failing)
    session.change(str(path), ORDERS.replace("name()", "now()"))
    assert codes(session.check(str(path))) == ["REA101"]
    assert [error.reason for error in session.settle(lambda: False).errors] == ["ZeroDivisionError"]


def test_while_a_helper_is_broken_its_users_see_it_as_it_was(project: Path) -> None:
    session = Session(str(project), load(project))
    session.settle(lambda: False)
    session.change(str(project / "helpers.py"), "def (\n" + HELPERS)
    assert codes(session.check(str(project / "orders.py"))) == ["REA101"]
    session.settle(lambda: False)
    session.change(str(project / "helpers.py"), HELPERS)
    assert codes(session.check(str(project / "orders.py"))) == ["REA101"]


def test_an_unsaved_helper_counts_in_the_handler(project: Path) -> None:
    session = Session(str(project), load(project))
    session.settle(lambda: False)
    session.change(str(project / "helpers.py"), HELPERS.replace('return "x"', "return str(time.time())"))
    assert codes(session.check(str(project / "orders.py"))) == ["REA101", "REA101"]


def test_a_new_file_is_found(project: Path) -> None:
    session = Session(str(project), load(project))
    session.settle(lambda: False)
    new = project / "more.py"
    text = ORDERS.replace('"orders"', '"more"')
    session.change(str(new), text)
    assert codes(session.check(str(new))) == codes(tuple(d for d in from_nothing(project, {str(new): text}) if d.path == str(new)))
    assert "REA101" in codes(session.check(str(new)))


def test_what_the_disk_says_is_read_again_after_a_refresh(project: Path) -> None:
    session = Session(str(project), load(project))
    session.settle(lambda: False)
    (project / "helpers.py").write_text(HELPERS.replace("time.time()", "1.0"))
    session.refresh()
    assert session.settle(lambda: False).diagnostics == from_nothing(project, {})


def test_a_check_that_is_given_up_leaves_what_was_known(project: Path) -> None:
    session = Session(str(project), load(project))
    known = session.settle(lambda: False)
    session.change(str(project / "orders.py"), ORDERS.replace("name())", "now())"))
    with pytest.raises(Stopped):
        session.settle(lambda: True)
    assert session.report is known
    assert codes(session.settle(lambda: False).diagnostics) == ["REA101", "REA101"]


def test_a_check_can_be_given_up_at_any_time_also_while_files_are_linked_and_visited(project: Path) -> None:
    session = Session(str(project), load(project))
    session.settle(lambda: False)
    text = ORDERS.replace("name())", "now())")
    session.change(str(project / "orders.py"), text)
    for given_up in range(100):
        calls = iter(range(given_up))
        try:
            report = session.settle(lambda calls=calls: next(calls, None) is None)  # type: ignore[misc]
        except Stopped:
            continue
        break
    assert given_up > len(session.sources) + 2
    assert report.diagnostics == from_nothing(project, {str(project / "orders.py"): text})


def test_findings_move_with_the_text_around_them() -> None:
    before, now = "a = 1\nb = 2\nc = 3\n", "a = 1\nb = two\nc = 3\n"
    edit = difference(before, now)
    assert (edit, apply(before, [edit])) == (Edit(Span(10, 11), "two"), now)
    places = [Span(before.index(line), before.index(line) + 5) for line in ("a = 1", "b = 2", "c = 3")]
    found = [Diagnostic("p", place, "REA101", "wall-clock", Severity.ERROR, "", None, (), (), "") for place in places]
    assert [now[d.span.start : d.span.end] for d in moved(found, "p", edit)] == ["a = 1", "c = 3"]
