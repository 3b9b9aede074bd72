"""The bar is seen on a terminal, in a run that takes long, and leaves nothing behind."""

from __future__ import annotations

import io
import time
from typing import TYPE_CHECKING, ClassVar

import pytest

from rea_lint.cli import progress
from running import CLEAN

if TYPE_CHECKING:
    from collections.abc import Callable

    from running import Lint


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def shown(stream: io.StringIO, *, delay: float = 0.0, is_wanted: bool = True) -> str:
    with progress.shown(2, is_wanted=is_wanted, stream=stream, delay=delay) as step:
        if not delay and stream.isatty() and is_wanted:
            while "Reading 2 files" not in stream.getvalue():
                time.sleep(0.01)
            step()
            step()
            while "Linting" not in stream.getvalue():
                time.sleep(0.01)
    return stream.getvalue()


@pytest.fixture(autouse=True)
def _terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")


def test_it_shows_what_is_done_and_clears_its_line() -> None:
    seen = shown(Terminal())
    assert seen.endswith(("\x1b[2K", "\x1b[?25h"))
    assert "\x1b[2K" in seen
    assert seen.rindex("\x1b[?25h") > seen.rindex("\x1b[?25l"), "the cursor is there again"


def test_a_run_that_is_over_soon_shows_nothing() -> None:
    assert not shown(Terminal(), delay=60.0)


def test_only_a_terminal_shows_it_and_only_if_nothing_else_is_said() -> None:
    assert not shown(io.StringIO())
    assert not shown(Terminal(), is_wanted=False)


def test_a_terminal_that_moves_no_cursor_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    stream = Terminal()
    with progress.shown(1, is_wanted=True, stream=stream, delay=0.0) as step:
        step()
    assert not stream.getvalue()


class Bar:
    """Notes what it is asked for."""

    asked: ClassVar[list[bool]]
    steps: ClassVar[list[int]]

    def __init__(self, files: int, *, is_wanted: bool) -> None:
        self.files = files
        self.asked.append(is_wanted)

    def __enter__(self) -> Callable[[], None]:
        return lambda: self.steps.append(self.files)

    def __exit__(self, *_: object) -> None:
        pass


@pytest.fixture(name="bar")
def _bar(monkeypatch: pytest.MonkeyPatch) -> type[Bar]:
    Bar.asked, Bar.steps = [], []
    monkeypatch.setattr(progress, "shown", Bar)
    return Bar


def test_every_file_is_a_step(lint: Lint, bar: type[Bar]) -> None:
    lint("check", files={"a.py": CLEAN, "b.py": CLEAN.replace("Shop", "Other"), "c.py": "x = 1\n"})
    assert bar.steps == [2, 2]


def test_a_run_that_says_nothing_or_all_wants_no_bar(lint: Lint, bar: type[Bar]) -> None:
    for option in ((), ("--quiet",), ("--verbose",)):
        lint("check", *option, files={"a.py": CLEAN})
    assert bar.asked == [True, False, False]
