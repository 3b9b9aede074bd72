"""`--interactive`, at a terminal that a program holds."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from running import HANDLER, SAFE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from running import Lint, Tree

pty = pytest.importorskip("pty")
termios = pytest.importorskip("termios")

FIRST = "    await ctx.run_typed(str(uuid.uuid4()), print)\n"
SECOND = "    await ctx.run_typed(str(uuid.uuid4()), repr)\n"
UNSAFE = "    await ctx.run_typed(str(time.time()), print)\n"
TEXT = HANDLER + FIRST + UNSAFE + SECOND + "    return item\n"


def answered(root: Path, keys: Iterable[str]) -> tuple[int, str]:
    """How a run ends at a terminal where each question is answered by the next key, and what is seen there."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "rea_lint", "check", "--interactive", "--color", "never", "--output-format", "concise"]
    with subprocess.Popen(command, cwd=root, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True) as process:
        os.close(theirs)
        seen = b""
        waiting = list(keys)
        while True:
            try:
                part = os.read(ours, 4096)
            except OSError:  # the other end is closed
                break
            seen += part
            if waiting and seen.endswith(b"[q]uit: "):
                while termios.tcgetattr(ours)[3] & termios.ICANON:  # until it takes single keys, it takes none
                    time.sleep(0.01)
                os.write(ours, waiting.pop(0).encode())
                seen += b"\n"
        os.close(ours)
        assert not waiting, f"not asked for {waiting}:\n{seen.decode()}"
        return process.wait(), seen.decode().replace("\r\n", "\n")


@pytest.fixture
def project(tree: Tree) -> Path:
    return tree({"app.py": TEXT, "rea-lint.toml": ""})


def test_each_fix_is_shown_and_applied_if_it_is_wanted(project: Path) -> None:
    code, seen = answered(project, "nny")
    text = (project / "app.py").read_text()
    assert text == TEXT.replace(SECOND, SECOND.replace("uuid.uuid4()", "ctx.uuid()"))
    assert code == 1
    assert "-    await ctx.run_typed(str(uuid.uuid4()), repr)\n+    await ctx.run_typed(str(ctx.uuid()), repr)\n" in seen
    assert "\nUnsafe fix: Use `await ctx.time()`" in seen
    assert "\nFix: Use `ctx.uuid()`" in seen
    assert "Skipped: app.py:11: REA103 Use `ctx.uuid()`\nSkipped: app.py:12: REA101 Use `await ctx.time()`" in seen
    assert "Fixed 1 finding in 1 file.\n" in seen


def test_an_answer_may_come_with_the_end_of_its_line(project: Path) -> None:
    """As a program sends it that answers (expect's `sendline`)."""
    code, seen = answered(project, ["n\n", "n\n", "y\n"])
    assert (code, "Fixed 1 finding in 1 file.\n" in seen) == (1, True)


def test_a_key_that_means_nothing_is_said_to(project: Path) -> None:
    code, seen = answered(project, "xnny")
    assert (code, seen.count("Apply it?"), "x?" in seen) == (1, 4, True)


def test_unsafe_fixes_are_offered_and_applied_in_the_same_round(project: Path) -> None:
    code, seen = answered(project, "yyy")
    assert (code, "Skipped" in seen) == (0, False)
    text = (project / "app.py").read_text()
    assert "await ctx.time()" in text
    assert "uuid.uuid4()" not in text


def test_all_of_a_rule_are_applied_without_asking_again(project: Path) -> None:
    answered(project, "an")
    assert (project / "app.py").read_text() == TEXT.replace("uuid.uuid4()", "ctx.uuid()")


def test_a_fix_that_is_not_wanted_is_not_taken_for_one_like_it_that_was(project: Path) -> None:
    (project / "app.py").write_text(HANDLER + FIRST * 3 + "    return item\n")
    answered(project, "yny")
    assert (project / "app.py").read_text().splitlines(keepends=True)[10:13] == [
        FIRST.replace("uuid.uuid4()", "ctx.uuid()"),
        FIRST,
        FIRST.replace("uuid.uuid4()", "ctx.uuid()"),
    ]


def test_who_said_no_is_asked_the_next_time(project: Path) -> None:
    for _ in range(3):
        assert answered(project, "nnn")[1].count("Apply it?") == 3
        time.sleep(1.5)  # a run about files that have just changed (the cache's folder is new) is never printed again


def test_what_would_move_the_cursor_is_not_printed(project: Path) -> None:
    (project / "app.py").write_text(HANDLER + "    await ctx.run_typed(str(uuid.uuid4()) + '\x1b[2J', print)\n    return item\n")
    seen = answered(project, "n")[1]
    assert "+ '\u241b[2J', print)" in seen
    assert "\x1b[2J" not in seen


@pytest.mark.parametrize("key", ["q", "\x1b", "\x04"])
def test_quitting_keeps_what_was_said_so_far(project: Path, key: str) -> None:
    answered(project, f"y{key}")
    assert (project / "app.py").read_text() == TEXT.replace(FIRST, FIRST.replace("uuid.uuid4()", "ctx.uuid()"))


def test_an_interrupt_writes_nothing(project: Path) -> None:
    code, seen = answered(project, "y\x03")
    assert code == 130
    assert "Traceback" not in seen
    assert (project / "app.py").read_text() == TEXT


def test_without_a_terminal_nobody_can_be_asked(lint: Lint) -> None:
    run = lint("check", "-i", files={"app.py": SAFE}, stdin=b"")
    assert run.code == 2
    assert run.err.startswith("rea-lint: error: --interactive asks at a terminal, and there is none here")
    assert Path("app.py").read_text() == SAFE


@pytest.mark.parametrize("option", ["--diff", "-", "--write-baseline", "--add-ignore", "--staged"])
def test_what_does_not_go_together_is_wrong_use(lint: Lint, option: str) -> None:
    run = lint("check", "-i", option, files={"app.py": SAFE}, stdin=b"")
    assert run.code == 2
    assert "do not go together" in run.err
