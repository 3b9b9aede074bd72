"""The snippets of docs/editors.md in the editors that they are for, headless, with the real server: `just editors`."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import shutil
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Tree = Callable[[Mapping[str, str | bytes]], Path]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif("REA_LINT_EDITORS" not in os.environ, reason="needs editors: `just editors`"),
]
HERE = Path(__file__).parent
PAGE = (HERE.parent / "docs" / "editors.md").read_text("utf-8")
NEWER = Path.home() / ".cache" / "rea-lint-editors" / "debian" / "bin"  # what editors/unpack.py makes
PATIENCE = 90  # seconds
SERVICE = """import restate

service = restate.Service("service")


@service.handler()
async def handle(ctx: restate.Context, name: str) -> str:
    wide = "😀"; await ctx.sleep(1)
    return name + wide
"""
FIXED = f"from datetime import timedelta\n\n{SERVICE.replace('sleep(1)', 'sleep(timedelta(seconds=1))')}"


def snippet(name: str) -> str:
    """What the page says to write."""
    found = re.search(rf"<!-- {re.escape(name)} -->\n```\w+\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    assert found is not None, f"docs/editors.md has no snippet {name}"
    return found[1]


def program(name: str, *, newer: bool = False) -> str:
    """An editor's executable; the test is skipped where there is none."""
    found = shutil.which(name, path=str(NEWER) if newer else None)
    if found is None:
        pytest.skip(f"there is no {'newer ' if newer else ''}{name} here")
    return found


@pytest.fixture
def project(tree: Tree, tmp_path: Path) -> Path:
    """A project with a mistake in it, and `rea-lint` on the path; editors find a home without anybody's configuration."""
    root = tree({"service.py": SERVICE, "rea-lint.toml": ""})
    script = tmp_path / "bin" / "rea-lint"
    script.parent.mkdir()
    script.write_text(f'#!/bin/sh\nexec {sys.executable} -m rea_lint "$@"\n')
    script.chmod(0o755)
    return root


def environment(project: Path) -> dict[str, str]:
    home = project.parent / "home"
    places = {f"XDG_{name}_HOME": str(home / name.lower()) for name in ("CONFIG", "CACHE", "DATA", "STATE")}
    path = f"{project.parent / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, **places, "HOME": str(home), "PATH": path, "SEEN": str(project.parent / "seen"), "TERM": "xterm-256color"}


def driven(project: Path, *command: str) -> None:
    """Run an editor that a script drives, to its end; it has seen the finding, fixed and saved it."""
    (project.parent / "home").mkdir()
    ran = subprocess.run(
        command,
        cwd=project,
        env=environment(project),
        capture_output=True,
        text=True,
        timeout=3 * PATIENCE,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    said = ran.stdout + ran.stderr
    assert ran.returncode == 0, said
    where, message = (project.parent / "seen").read_text("utf-8").split("\n", 1)
    assert where == "1", "the finding stands at the number, whatever stands before it"
    assert "takes a `timedelta`" in message
    assert (project / "service.py").read_text("utf-8") == FIXED, said


@pytest.mark.parametrize(("name", "newer"), [("neovim-0.7", False), ("neovim-0.11", True)])
def test_neovim(name: str, newer: bool, project: Path) -> None:
    nvim = program("nvim", newer=newer)
    settings = project.parent / "init.lua"
    settings.write_text(snippet(name), "utf-8")
    driven(project, nvim, "--headless", "-u", str(settings), "service.py", "-c", f"luafile {HERE / 'editors' / 'drive.lua'}")


def test_neovim_fixes_when_it_saves(project: Path) -> None:
    nvim = program("nvim", newer=True)
    settings = project.parent / "init.lua"
    settings.write_text(snippet("neovim-0.11") + snippet("neovim-0.11-save"), "utf-8")
    wait = f"lua vim.wait({PATIENCE}000, function() return #vim.diagnostic.get(0) > 0 end, 50)"
    command = [nvim, "--headless", "-u", str(settings), "service.py", "-c", wait, "-c", "write", "-c", "qall!"]
    subprocess.run(
        command, cwd=project, env=environment(project), capture_output=True, timeout=3 * PATIENCE, check=True, stdin=subprocess.DEVNULL
    )
    assert (project / "service.py").read_text("utf-8") == FIXED


@pytest.mark.parametrize("newer", [False, True])
def test_emacs(newer: bool, project: Path) -> None:
    emacs = program("emacs", newer=newer)
    settings = project.parent / "init.el"
    settings.write_text(snippet("emacs"), "utf-8")
    driven(project, emacs, "--batch", "-l", str(settings), "-l", str(HERE / "editors" / "drive.el"))


def test_helix(project: Path) -> None:
    hx = program("hx", newer=True)
    settings = project.parent / "home" / "config" / "helix" / "languages.toml"
    settings.parent.mkdir(parents=True)
    settings.write_text(snippet("helix"), "utf-8")
    screen = Screen([hx, "service.py:8:34"], project)
    try:
        screen.wait_for("takes a `timedelta`|REA808")
        screen.type(" a")
        screen.wait_for("Disable REA808")
        screen.type("\r")
        screen.wait_for(r"timedelta\(")
        screen.type(":write\r")
        screen.wait_for("written")
        screen.type(":quit!\r")
    finally:
        screen.close()
    assert (project / "service.py").read_text("utf-8") == FIXED


class Screen:
    """A program in a terminal: what it has written since something was typed, and a way to type."""

    def __init__(self, command: list[str], folder: Path) -> None:
        self._process, self._terminal = pty.fork()
        if self._process == 0:
            os.chdir(folder)
            os.execvpe(command[0], command, environment(folder))
        fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 200, 0, 0))
        self._written = b""

    def type(self, keys: str) -> None:
        self._written = b""
        os.write(self._terminal, keys.encode())

    def wait_for(self, pattern: str) -> None:
        end = time.monotonic() + PATIENCE
        while not re.search(pattern, self._text()):
            assert time.monotonic() < end, f"no {pattern} on the screen: {self._text()[-2000:]}"
            if select.select([self._terminal], [], [], 0.1)[0]:
                self._written += os.read(self._terminal, 65536)

    def _text(self) -> str:
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self._written.decode("utf-8", "replace"))

    def close(self) -> None:
        os.close(self._terminal)  # which ends the program, as closing a window does
        os.waitpid(self._process, 0)
