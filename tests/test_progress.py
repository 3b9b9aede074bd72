"""The bar is seen on a terminal, in a run that takes long, and leaves nothing behind."""

from __future__ import annotations

import io
import time
from typing import TYPE_CHECKING, cast

import pytest

from rea_lint.cli import progress
from running import CLEAN

if TYPE_CHECKING:
    from rea_lint.cli.options import Options
    from running import Lint


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Asked:
    def __init__(self, *, quiet: bool = False, verbose: bool = False) -> None:
        self.quiet = quiet
        self.verbose = verbose


def shown(stream: io.StringIO, *, delay: float = 0.0, quiet: bool = False, verbose: bool = False) -> str:
    options = cast("Options", Asked(quiet=quiet, verbose=verbose))
    with progress.shown(2, options, stream, delay) as step:
        if not delay and stream.isatty() and not (quiet or verbose):
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
    assert not shown(Terminal(), quiet=True)
    assert not shown(Terminal(), verbose=True)


def test_a_terminal_that_moves_no_cursor_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    options = cast("Options", Asked())
    stream = Terminal()
    with progress.shown(1, options, stream, 0.0) as step:
        step()
    assert not stream.getvalue()


def test_every_file_is_a_step(lint: Lint, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[int] = []

    class Bar:
        def __init__(self, files: int, *_: object) -> None:
            self.files = files

        def __enter__(self) -> object:
            return lambda: steps.append(self.files)

        def __exit__(self, *_: object) -> None:
            pass

    monkeypatch.setattr(progress, "shown", Bar)
    lint("check", files={"a.py": CLEAN, "b.py": CLEAN.replace("Shop", "Other"), "c.py": "x = 1\n"})
    assert steps == [2, 2]
