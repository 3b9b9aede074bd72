"""A run that is printed again: when it is, and that whatever it depends on makes it a new one."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from rea_lint import CACHE, cli
from rea_lint.cli import again
from running import CLEAN, INFO, SAFE, Tree

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LATER = 10**13
"""Nanoseconds: so much later the run seems to be, that nothing was changed shortly before it."""


@pytest.fixture
def project(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tree(
        {
            "rea-lint.toml": 'extend = "../shared.toml"\npacks = ["pack.toml"]\n',
            "../shared.toml": "",
            "pack.toml": "",
            "app.py": SAFE,
            "lib/other.py": "",
            ".gitignore": "gen\n",
            "uv.lock": 'name = "restate-sdk"\nversion = "0.14.0"\n',
        }
    )
    monkeypatch.delenv("REA_LINT_CACHE_DIR")
    monkeypatch.chdir(root)
    monkeypatch.setattr(sys, "stdout", sys.stdout)
    monkeypatch.setattr(sys, "stderr", sys.stderr)
    return root


def record(*arguments: str) -> int:
    """Make a run and keep it, if it can be kept."""
    recording = again.Recording(arguments, time.time_ns() + LATER)
    try:
        code = cli.run(list(arguments), recording)
        recording.keep(code)
    finally:
        sys.stdout, sys.stderr = (getattr(stream, "_stream", stream) for stream in (sys.stdout, sys.stderr))
    return code


@pytest.mark.parametrize("program", [CLEAN, SAFE, INFO, "x ="])
def test_a_run_is_printed_again(project: Path, capsys: pytest.CaptureFixture[str], program: str) -> None:
    (project / "app.py").write_text(program)
    code = record("check", ".")
    first = capsys.readouterr()
    assert again.replay(["check", "."]) == code
    assert capsys.readouterr() == first


def test_so_is_one_for_programs(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert (project / "app.py").exists()
    code = record("check", "--output-format", "json")
    first = capfd.readouterr()
    assert again.replay(["check", "--output-format", "json"]) == code
    sys.stdout.flush()
    assert capfd.readouterr() == first
    assert first.out.startswith("[")


def test_only_the_same_run_is(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record("check", ".")
    assert again.replay(["check"]) is None
    monkeypatch.setenv("CLAUDECODE", "1")
    assert again.replay(["check", "."]) is None
    monkeypatch.delenv("CLAUDECODE")
    assert again.replay(["check", "."]) is not None
    monkeypatch.chdir(project / "lib")
    assert again.replay(["check", "."]) is None


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda root: (root / "app.py").write_text(CLEAN), id="a candidate"),
        pytest.param(lambda root: (root / "lib" / "other.py").write_text("import restate"), id="a file that was none"),
        pytest.param(lambda root: (root / "lib" / "new.py").touch(), id="a new file"),
        pytest.param(lambda root: (root / "lib" / "other.py").unlink(), id="a file that is gone"),
        pytest.param(lambda root: (root / "lib" / "sub").mkdir(), id="a new folder"),
        pytest.param(lambda root: (root / ".gitignore").write_text("lib\n"), id="what git ignores"),
        pytest.param(lambda root: (root / "rea-lint.toml").write_text(""), id="the configuration"),
        pytest.param(lambda root: (root.parent / "shared.toml").write_text("ignore = ['REA103']"), id="what it extends"),
        pytest.param(lambda root: (root / "lib" / "rea-lint.toml").touch(), id="a configuration below"),
        pytest.param(lambda root: (root.parent / "rea-lint.toml").touch(), id="a configuration above"),
        pytest.param(lambda root: (root.parent / ".git").mkdir(), id="a repository around it"),
        pytest.param(lambda root: (root / "pack.toml").write_text("deterministic = ['uuid.uuid4']"), id="a pack"),
        pytest.param(lambda root: (root / "uv.lock").write_text(""), id="the SDK's version"),
        pytest.param(lambda root: (root / ".venv" / "lib").mkdir(parents=True), id="an environment"),
        pytest.param(lambda root: os.utime(root / "app.py"), id="a file that was touched"),
    ],
)
def test_whatever_it_depends_on_makes_it_a_new_run(project: Path, change: Callable[[Path], object]) -> None:
    record("check", ".")
    assert again.replay(["check", "."]) is not None
    change(project)
    assert again.replay(["check", "."]) is None


def test_a_file_that_keeps_its_time_and_size_is_seen_to_change(project: Path) -> None:
    record("check", ".")
    file = project / "app.py"
    before = file.stat()
    file.write_text(SAFE.replace("item", "itme"))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert again.replay(["check", "."]) is None


@pytest.mark.parametrize(
    "arguments",
    [("check", "--no-cache"), ("check", "-v"), ("check", "--output-file", "json:out.json"), ("check", "--fix"), ("rule", "REA101")],
)
@pytest.mark.usefixtures("project")
def test_a_run_that_does_more_than_print_is_made_each_time(arguments: tuple[str, ...]) -> None:
    record(*arguments)
    assert again.replay(arguments) is None


@pytest.mark.usefixtures("project")
def test_a_failed_run_is_made_each_time() -> None:
    assert record("check", "nowhere") == 2
    assert again.replay(["check", "nowhere"]) is None


def test_what_has_just_been_changed_is_not_trusted(project: Path) -> None:
    recording = again.Recording(["check"], time.time_ns())
    try:
        recording.folder = str(project / CACHE)
        recording.looked_at(frozenset({str(project / "app.py")}))
        recording.keep(0)
    finally:
        sys.stdout, sys.stderr = (getattr(stream, "_stream", stream) for stream in (sys.stdout, sys.stderr))
    assert again.replay(["check"]) is None


def test_a_damaged_record_is_none(project: Path) -> None:
    record("check", ".")
    (kept,) = (folder / "runs" for folder in project.parent.rglob(CACHE))
    (file,) = kept.iterdir()
    content = file.read_bytes()
    for place in range(0, len(content), len(content) // 97 + 1):
        file.write_bytes(content[:place] + bytes([content[place] ^ 255]) + content[place + 1 :])
        assert again.replay(["check", "."]) is None
    file.write_bytes(content[:40])
    assert again.replay(["check", "."]) is None


def test_nothing_that_moves_a_cursor_is_printed_again() -> None:
    assert again._is_printable([b"oplain\n\tand \x1b[1;31mred\x1b[0m \xe2\x82\xac\n"])
    for text in (b"\x1b[2J", b"\x1b]0;title\x07", b"\r", b"\x07", b"\x1b", b"\x1bm", b"a\x7f"):
        assert not again._is_printable([b"fine", text])


def test_few_runs_are_kept(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(again, "MOST", 2)
    for severity in ("info", "warning", "error"):
        record("check", "--severity", severity)
    assert again.replay(["check", "--severity", "info"]) is None
    assert again.replay(["check", "--severity", "error"]) is not None
    assert len(list((project / CACHE / "runs").iterdir())) == 2


def test_a_run_that_is_printed_again_imports_next_to_nothing(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = "import sys; from rea_lint.cli import main; main(['check', '.'])"
    told = "lambda code: (print(*sys.modules, file=sys.stderr, flush=True), end(code))"
    watched = f"import os, sys; end = os._exit; os._exit = {told}; {run}"
    monkeypatch.setattr(again, "MARGIN", -LATER)
    for _ in range(2):  # the first makes the cache's folder
        subprocess.run(
            [sys.executable, "-c", f"from rea_lint.cli import again; again.MARGIN = -{LATER}; {watched}"],
            cwd=project,
            check=False,
            capture_output=True,
        )
    last = subprocess.run([sys.executable, "-c", watched], cwd=project, check=False, capture_output=True, text=True)
    assert last.returncode == 1
    assert last.stdout.startswith("error")
    modules = set(last.stderr.split())
    assert "rea_lint.cli.again" in modules
    heavy = {
        "asyncio",
        "click",
        "dataclasses",
        "msgspec",
        "importlib.metadata",
        "json",
        "libcst",
        "pathlib",
        "re",
        "rich",
        "sqlite3",
        "typing",
    }
    assert not modules & (heavy - set(bare()))


def bare() -> list[str]:
    """What Python imports by itself, here."""
    run = subprocess.run([sys.executable, "-c", "import sys; print(*sys.modules)"], check=True, capture_output=True, text=True)
    return run.stdout.split()
