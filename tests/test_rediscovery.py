"""A discovery that is made again comes to what one from nothing comes to, or says that it does not know."""

from __future__ import annotations

import random
import shutil
import time
from typing import TYPE_CHECKING

import pytest

from rea_lint import discovery, rediscovery
from rea_lint.config import Config, load
from rea_lint.discovery import Discovery, Passed, discover
from rea_lint.rediscovery import Remembered, again, remember

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from running import Tree

HANDLER = "import restate\nfrom shop import items\n\nsvc = restate.Service('s')\n\n\n@svc.handler()\nasync def f(ctx):\n    return items\n"
PROJECT = {
    "pyproject.toml": "[project]\nname = 'shop'\n",
    ".gitignore": "*.log\nout/\n",
    "shop/__init__.py": "",
    "shop/app.py": HANDLER,
    "shop/items.py": "import shop.prices\nx = 1\n",
    "shop/prices.py": "y = 1\n",
    "shop/far.py": "z = 1\n",
    "tests/test_far.py": "import shop.far\n",
    "tools/openai.py": "from openai import OpenAI\n",
    "tools/use.py": "import restate\nfrom openai import OpenAI\n",
    "out/left.py": "import restate\n",
}


@pytest.fixture(autouse=True)
def old(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test writes is old enough."""
    for module in (discovery, rediscovery):
        monkeypatch.setattr(module, "FRESH", -(10**13))


def settings(root: Path) -> Config:
    return load(root)


def known(root: Path, *paths: str) -> Remembered:
    found = discover([root / path for path in paths or (".",)], settings(root), passed=Passed())
    remembered = remember(found, time.time_ns())
    assert remembered is not None
    return remembered


def said(found: Discovery) -> tuple[object, ...]:
    return found.files, found.reported, found.looked_at, found.config, found.walked, found.closed


def same(root: Path, remembered: Remembered, paths: Sequence[str] = (".",)) -> bool | None:
    """Whether it is made again; what it comes to is what comes from nothing."""
    named = [root / path for path in paths]
    found = again(remembered, named, settings(root))
    assert found is None or said(found) == said(discover(named, settings(root)))
    return found is not None


@pytest.mark.parametrize("paths", [(".",), ("shop",), ("shop/app.py",), ("shop/items.py", "tools/use.py"), ("tests", "shop/app.py")])
def test_nothing_has_changed(tree: Tree, paths: tuple[str, ...]) -> None:
    root = tree(PROJECT)
    assert same(root, known(root), paths)
    assert same(root, known(root, "shop/app.py"), paths)


KEEP: dict[str, Callable[[Path], object]] = {
    "words in a candidate": lambda root: (root / "shop/app.py").write_text(HANDLER + "# more\n"),
    "a candidate is put in place of the old": lambda root: (
        (root / "n").write_text(HANDLER + "#"),
        (root / "n").rename(root / "shop/app.py"),
    ),
    "what a candidate imports": lambda root: (root / "shop/prices.py").write_text("y = 2\n"),
    "a file that is none": lambda root: (root / "shop/far.py").write_text("import os\n@os.path\ndef f(): ...\n"),
    "a file of another kind comes": lambda root: (root / "shop/.app.py.swp").write_text(""),
    "what is ignored comes": lambda root: (root / "out/right.py").write_text("import restate\n"),
    "compiled files come": lambda root: (root / "shop/__pycache__").mkdir(),
}
LOSE: dict[str, Callable[[Path], object]] = {
    "a candidate imports something else": lambda root: (root / "shop/app.py").write_text(HANDLER + "import shop.far\n"),
    "a candidate mentions it no more": lambda root: (root / "tools/use.py").write_text("from openai import OpenAI\n"),
    "a candidate defines a decorator": lambda root: (root / "shop/app.py").write_text(
        HANDLER + "def durable(f):\n    return svc.handler()(f)\n"
    ),
    "a file mentions it": lambda root: (root / "shop/far.py").write_text("import restate\n"),
    "a file registers": lambda root: (root / "shop/far.py").write_text("@x.handler()\ndef f(): ...\n"),
    "a file comes": lambda root: (root / "shop/new.py").write_text("import restate\n"),
    "a file goes": lambda root: (root / "shop/prices.py").unlink(),
    "a folder comes": lambda root: (root / "shop/new").mkdir(),
    "a folder is an environment": lambda root: (root / "tools/pyvenv.cfg").write_text(""),
    "a folder has a configuration": lambda root: (root / "tools/rea-lint.toml").write_text("ignore = ['REA1']\n"),
    "git ignores more": lambda root: (root / ".gitignore").write_text("*.log\nout/\ntools/\n"),
    "git ignores more in a folder": lambda root: (root / "tools/.gitignore").write_text("*\n"),
    "a repository is begun": lambda root: (root / ".git").mkdir(),
    "the folder above ignores something": lambda root: (root.parent / ".gitignore").write_text("tools\n"),
    "a candidate cannot be decoded": lambda root: (root / "shop/app.py").write_bytes(b"import restate\n\xff"),
    "what decided an import": lambda root: (root / "tools/openai.py").write_text("class OpenAI: ...\n"),
    "a link comes": lambda root: (root / "linked").symlink_to(root / "shop"),
}


@pytest.mark.parametrize("change", KEEP.values(), ids=KEEP)
def test_what_discovery_does_not_ask_for(tree: Tree, change: Callable[[Path], object]) -> None:
    root = tree(PROJECT)
    remembered = known(root)
    change(root)
    assert same(root, remembered)


@pytest.mark.parametrize("change", LOSE.values(), ids=LOSE)
def test_what_it_asks_for(tree: Tree, change: Callable[[Path], object]) -> None:
    root = tree({f"in/{path}": text for path, text in PROJECT.items()}) / "in"
    remembered = known(root)
    change(root)
    assert not same(root, remembered)


def test_a_project_file_may_become_a_configuration(tree: Tree) -> None:
    root = tree(PROJECT | {"tools/pyproject.toml": "[project]\nname = 'tools'\n"})
    remembered = known(root)
    assert same(root, remembered)
    (root / "tools/pyproject.toml").write_text("[tool.rea-lint]\nignore = ['REA1']\n")
    assert not same(root, remembered)


def test_what_is_named_and_is_none_is_looked_at(tree: Tree) -> None:
    root = tree(PROJECT)
    assert not same(root, known(root), ["shop/far.py"])
    assert not same(root, known(root), ["out/left.py"])
    assert remember(discover([root / "shop/far.py"], settings(root), passed=Passed()), time.time_ns()) is None


@pytest.mark.parametrize(
    "more", [{"sub/rea-lint.toml": "", "sub/a.py": ""}, {"shop/bad.py": b"import restate\n\xff"}], ids=["configuration", "broken"]
)
def test_what_is_not_plain_is_not_remembered(tree: Tree, more: dict[str, str | bytes]) -> None:
    root = tree(PROJECT | {path: text for path, text in more.items() if isinstance(text, str)})
    for path, text in more.items():
        if isinstance(text, bytes):
            (root / path).write_bytes(text)
    assert remember(discover([root], settings(root), passed=Passed()), time.time_ns()) is None


def test_a_link_to_a_file_that_is_no_source_is_plain(tree: Tree) -> None:
    root = tree(PROJECT)
    (root / "README.md").symlink_to(root / "pyproject.toml")
    assert same(root, known(root))


def test_what_was_changed_just_now_is_not_trusted(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tree(PROJECT)
    found = discover([root], settings(root), passed=Passed())
    monkeypatch.setattr(rediscovery, "FRESH", 10**9)
    assert remember(found, time.time_ns()) is None  # the folders are new
    later = time.time_ns() + 3 * 10**9
    remembered = remember(found, later)
    assert remembered is not None
    assert rediscovery.GONE not in remembered.sources.values()


def test_many_changes_are_looked_for_anew_so_that_they_are_remembered(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tree(PROJECT)
    remembered = known(root)
    (root / "shop/far.py").write_text("z = 2\n")
    assert same(root, remembered)
    monkeypatch.setattr(rediscovery, "MANY", 0)
    assert not same(root, remembered)


TEXTS = ("", "x = 1\n", "import restate\n", HANDLER, HANDLER + "import shop.far\n", "import shop.app\n", "@durable\ndef f(): ...\n")


@pytest.mark.parametrize("seed", range(30))
def test_whatever_happens_it_comes_to_the_same(tree: Tree, seed: int) -> None:
    root = tree(PROJECT)
    choice = random.Random(seed)
    remembered = known(root)
    for _ in range(6):
        path = root / choice.choice([*PROJECT, "shop/new.py", "deep/er/new.py", "tools/sub/x.py"])
        if path.suffix == ".py" and path.exists() and choice.random() < 0.2:
            path.unlink()
        elif path.suffix == ".py":
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(choice.choice(TEXTS) + "\n" * choice.randrange(3))
        elif choice.random() < 0.3:
            shutil.rmtree(root / "tools", ignore_errors=True)
        if not same(root, remembered):
            found = discover([root], settings(root), passed=Passed())
            remembered = remember(found, time.time_ns()) or remembered
