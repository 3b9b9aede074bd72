"""`--watch`, as a process beside which files change."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from queue import Queue
from typing import TYPE_CHECKING

import pytest

from running import CLEAN, HANDLER, SAFE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from running import Lint, Tree

pytest.importorskip("watchfiles")

WAIT = 60  # seconds; far more than it takes


@contextmanager
def watching(root: Path, *options: str) -> Iterator[tuple[Callable[[], list[str]], Callable[[], int]]]:
    """Gives what reads the next report (its lines but for the last), and what interrupts and gives the exit code."""
    command = [sys.executable, "-u", "-m", "rea_lint", "check", "--watch", "--output-format", "concise", *options]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        lines: Queue[str] = Queue()

        def read() -> None:
            for line in process.stdout or ():
                lines.put(line.rstrip())

        threading.Thread(target=read, daemon=True).start()

        def report() -> list[str]:
            seen: list[str] = []
            while not seen or not seen[-1].startswith(("Watching", "rea-lint: error")):
                seen.append(lines.get(timeout=WAIT))
            return seen if seen[-1].startswith("rea-lint") else seen[:-1]

        def interrupt() -> int:
            process.send_signal(signal.SIGINT)
            return process.wait(WAIT)

        try:
            yield report, interrupt
        finally:
            process.kill()


def test_it_lints_again_what_changes_comes_and_goes(tree: Tree) -> None:
    helper = "import uuid\n\n\ndef name():\n    return {}\n"
    caller = (
        HANDLER.replace("import uuid\n", "import uuid\nimport clients\n")
        + "    await ctx.run_typed(clients.name(), print)\n    return item\n"
    )
    root = tree({"app.py": CLEAN, "rea-lint.toml": ""})
    with watching(root) as (report, interrupt):
        assert report() == ["Checked 1 file, 1 handler in 1 service: no findings."]
        (root / "app.py").write_text(SAFE)
        first, summary = report()
        assert first.startswith("app.py:11:29: REA103")
        assert summary == "Checked 1 file, 1 handler in 1 service: 1 error (1 fixable with --fix)."
        (root / "app.py").write_text(caller)
        assert report() == ["Checked 1 file, 1 handler in 1 service: no findings."]
        (root / "clients.py").write_text(helper.format("str(uuid.uuid4())"))
        first, summary = report()
        assert first.startswith("app.py:12:25: REA103")
        assert summary.startswith("Checked 2 files,")
        (root / "clients.py").write_text(helper.format("'x'"))
        assert report() == ["Checked 2 files, 1 handler in 1 service: no findings."]
        (root / "clients.py").unlink()
        assert report() == ["Checked 1 file, 1 handler in 1 service: no findings."]
        assert interrupt() == 0


def test_a_configuration_that_changes_holds_from_then_on_and_one_that_breaks_is_waited_out(tree: Tree) -> None:
    root = tree({"app.py": SAFE, "rea-lint.toml": ""})
    with watching(root) as (report, interrupt):
        assert len(report()) == 2
        (root / "rea-lint.toml").write_text("nonsense = 1\n")
        assert report()[-1].endswith("rea-lint.toml:1: unknown key `nonsense`")
        (root / "rea-lint.toml").write_text("ignore = ['REA103']\n")
        assert report() == ["Checked 1 file, 1 handler in 1 service: no findings."]
        (root / "rea-lint.toml").write_text("nonsense = 1\n")
        assert report()[-1].endswith("rea-lint.toml:1: unknown key `nonsense`")
        assert interrupt() == 0


def test_only_what_is_asked_for_is_reported_and_the_baseline_holds(tree: Tree) -> None:
    root = tree({"a/app.py": SAFE, "b/app.py": SAFE.replace("Shop", "Other"), "rea-lint.toml": "baseline = 'old'"})
    subprocess.run([sys.executable, "-m", "rea_lint", "check", "-q", "--write-baseline"], cwd=root, check=True)
    with watching(root, "a") as (report, interrupt):
        assert report() == ["Checked 1 file, 1 handler in 1 service: no findings.", "1 more finding is in the baseline old."]
        (root / "a" / "app.py").write_text(SAFE.replace("print", "repr"))
        assert [line.split()[0] for line in report()[:1]] == ["a/app.py:11:29:"]
        assert interrupt() == 0


def test_a_configuration_that_is_broken_at_first_is_wrong_use(lint: Lint) -> None:
    assert lint("check", "--watch", files={"app.py": CLEAN, "rea-lint.toml": "nonsense = 1"}).code == 2


def test_without_the_library_it_is_said(lint: Lint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "watchfiles", None)
    run = lint("check", "-w", files={"app.py": CLEAN})
    assert (run.code, run.err) == (2, "rea-lint: error: --watch needs the library watchfiles: pip install 'rea-lint[watch]'\n")


@pytest.mark.parametrize("option", ["--fix", "--diff", "-", "--write-baseline", "--add-ignore", "--staged", "--ignore-suppressions"])
def test_what_does_not_go_together_is_wrong_use(lint: Lint, option: str) -> None:
    run = lint("check", "--watch", option, files={"app.py": SAFE}, stdin=b"")
    assert run.code == 2
    assert "do not go together" in run.err
