"""The flake8 plugin, asked as flake8 asks it; `tests/test_hosts.py` runs flake8 itself."""

from __future__ import annotations

import ast
import inspect
from argparse import Namespace
from typing import TYPE_CHECKING

import pytest

from rea_lint import flake8
from rea_lint.config import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    Write = Callable[[Mapping[str, str | bytes]], Path]

APP = """import restate
from clock import now

shop = restate.Service("shop")


@shop.handler()
async def buy(ctx: restate.Context) -> None:
    if now():
        await ctx.run_typed("pay", len, obj="")
"""
CLOCK = "import time\n\n\ndef now() -> float:\n    return time.time()\n"
FOUND = (
    9,
    7,
    "REA101 `clock.now` calls `time.time`, which gives another value on replay and decides whether `ctx.run_typed` runs; hand it",
)


@pytest.fixture(autouse=True)
def _asked_once() -> Iterator[None]:
    """What was asked about in one test is not known in the next."""
    flake8._judged.cache_clear()
    asked = flake8.Plugin.asked
    yield
    flake8.Plugin.asked = asked


def found(text: str, name: str, filenames: Iterable[str]) -> list[tuple[int, int, str]]:
    flake8.Plugin.parse_options(Namespace(filenames=list(filenames)))
    plugin = flake8.Plugin(ast.parse(text), name, text.splitlines(keepends=True))
    return [(row, column, message.partition(" `await")[0]) for row, column, message, _ in plugin.run()]


@pytest.mark.parametrize("filenames", [[], ["."], ["app.py"], ["app.py", "nowhere.py"]])
def test_it_tells_each_file_its_part(filenames: list[str], tree: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tree({"app.py": APP, "clock.py": CLOCK, "rea-lint.toml": ""}))
    assert found(APP, "app.py", filenames) == [FOUND]
    assert found(CLOCK, "clock.py", filenames) == []


def test_it_reads_stdin(tree: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tree({"app.py": "import restate\n", "clock.py": CLOCK, "rea-lint.toml": ""}))
    assert found(APP, "app.py", ["-"]) == [FOUND]
    assert found(APP, "stdin", ["-"]) == [FOUND]


def test_it_asks_for_what_flake8_gives() -> None:
    """flake8 reads the names of the parameters, of a class that can be inspected."""
    parameters = [*inspect.signature(flake8.Plugin.__init__).parameters][1:]
    assert parameters == ["tree", "filename", "lines"]  # by the first it knows what kind of plugin it is


def test_a_broken_configuration_is_raised(tree: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tree({"app.py": APP, "rea-lint.toml": "selct = []"}))
    with pytest.raises(UserError, match="unknown key `selct`"):
        found(APP, "app.py", ["."])
