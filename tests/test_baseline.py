"""The baseline: what was accepted is not reported, what is new is, and code can move."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from rea_lint import baseline
from rea_lint.baseline import Entry
from running import CLEAN, FIXED, HANDLER, SAFE

if TYPE_CHECKING:
    from running import Lint

FILE = "rea-lint-baseline.jsonl"
NAME = ("--baseline", FILE)
LINE = "    await ctx.run_typed(str(uuid.uuid4()), print)\n"
CONFIGURED = {"rea-lint.toml": f'baseline = "{FILE}"\n'}


def entries(path: str = FILE) -> list[dict[str, object]]:
    return [json.loads(line) for line in Path(path).read_text().splitlines()]


def test_what_is_found_is_written_once_and_not_reported_again(lint: Lint) -> None:
    run = lint("check", "--write-baseline", files={"app.py": SAFE})
    assert (run.code, run.out) == (0, "")
    assert run.err == (
        f'Wrote 1 finding to {FILE}: 1 new, 0 gone.\nTo have it read by every run, put `baseline = "{FILE}"` into the configuration.\n'
    )
    assert entries() == [{"path": "app.py", "code": "REA103", "function": "buy", "text": LINE.strip(), "count": 1}]
    run = lint("check", *NAME)
    assert (run.code, run.out) == (0, "")
    assert run.err == f"Checked 1 file, 1 handler in 1 service: no findings.\n1 more finding is in the baseline {FILE}.\n"
    assert lint("check").code == 1, "it is not read unless it is named"
    assert lint("check", "-q", files=CONFIGURED) == (0, "", "")
    assert lint("check", "--ignore-baseline").code == 1


def test_code_can_move_within_its_function_and_with_it(lint: Lint) -> None:
    lint("check", "--write-baseline", files={"app.py": SAFE, **CONFIGURED})
    moved = SAFE.replace("import time\n", "import time\nimport sys\n\n\ndef other():\n    pass\n\n").replace(
        "    await", "    x = 1\n    await"
    )
    assert lint("check", "-q", files={"app.py": moved.replace("ctx.run_typed(", "ctx.run_typed( ")}).code == 1, "its text is another"
    assert lint("check", "-q", files={"app.py": moved.replace("    await", "    if x:\n        await")}).code == 0
    assert lint("check", "-q", files={"app.py": SAFE.replace("def buy", "def sell")}).code == 1, "its function is another"
    assert lint("check", "-q", files={"app.py": CLEAN, "shop.py": SAFE}).code == 1, "its file is another"


def test_of_several_that_are_alike_as_many_are_accepted_as_there_were(lint: Lint) -> None:
    lint("check", "--write-baseline", files={"app.py": SAFE.replace(LINE, LINE * 2), **CONFIGURED})
    assert [entry["count"] for entry in entries()] == [2]
    assert lint("check", "-q").code == 0
    run = lint("check", "-q", "--output-format", "concise", files={"app.py": SAFE.replace(LINE, LINE * 3)})
    assert run.out.startswith("app.py:13:29: REA103")
    assert len(run.out.splitlines()) == 1
    silenced = LINE.replace("\n", "  # rea-lint: ignore[REA103]\n") + LINE * 2
    assert lint("check", "-q", files={"app.py": SAFE.replace(LINE, silenced)}).code == 0


def test_what_is_gone_is_said_listed_and_taken_out_only_if_asked(lint: Lint) -> None:
    lint("check", "--write-baseline", files={"app.py": SAFE, **CONFIGURED})
    before = Path(FILE).read_bytes()
    run = lint("check", files={"app.py": FIXED})
    assert run.err.endswith(f"\n1 finding of the baseline {FILE} is gone; --write-baseline takes it out.\n")
    assert f"gone: app.py: REA103 in buy: {LINE.strip()}\n" in lint("check", "-v").err
    assert Path(FILE).read_bytes() == before
    assert lint("check", "--write-baseline").err == f"Wrote 0 findings to {FILE}: 0 new, 1 gone.\n"
    assert Path(FILE).read_bytes() == b""
    assert "baseline" not in lint("check").err


def test_what_a_run_is_not_about_is_not_called_gone_and_is_kept(lint: Lint) -> None:
    other = SAFE.replace("Shop", "Other")
    lint("check", "--write-baseline", files={"a/app.py": SAFE, "b/app.py": other, **CONFIGURED})
    lint("check", files={"a/app.py": FIXED, "b/app.py": other.replace("uuid.uuid4()", "ctx.uuid()")})
    assert f"1 finding of the baseline {FILE} is gone" in lint("check", "a").err
    assert "gone" not in lint("check", "--ignore", "REA103").err
    lint("check", "--write-baseline", "a")
    assert [entry["path"] for entry in entries()] == ["b/app.py"]
    lint("check", "--write-baseline", "--ignore", "REA103")
    assert [entry["path"] for entry in entries()] == ["b/app.py"]
    Path("b/app.py").unlink()
    assert f"1 finding of the baseline {FILE} is gone" in lint("check").err
    assert "gone" not in lint("check", "a").err


def test_a_file_that_cannot_be_read_now_keeps_its_entries(lint: Lint) -> None:
    lint("check", "--write-baseline", files={"app.py": SAFE, **CONFIGURED})
    run = lint("check", files={"app.py": SAFE + "def (\n"})
    assert run.code == 1
    assert "gone" not in run.err


def test_findings_of_all_severities_are_accepted(lint: Lint) -> None:
    lint("check", "--write-baseline", files={"app.py": HANDLER + "    return str(uuid.uuid4())\n", **CONFIGURED})
    assert len(entries()) == 1
    assert lint("check", "--severity", "info").code == 0


def test_accepted_findings_are_not_fixed_unless_the_baseline_is_ignored(lint: Lint) -> None:
    lint("check", "--write-baseline", files={"app.py": SAFE, **CONFIGURED})
    assert lint("check", "--fix").code == 0
    assert Path("app.py").read_text() == SAFE
    assert lint("check", "--fix", "--ignore-baseline").code == 0
    assert Path("app.py").read_text() == FIXED


def test_it_is_sorted_one_line_an_entry_whatever_the_paths(lint: Lint) -> None:
    texts = {f"{name}.py": SAFE.replace("Shop", f"S{n}") for n, name in enumerate(("b", "a", "ä b", "c/d"))}
    lint("check", "--write-baseline", files=texts)
    first = Path(FILE).read_bytes()
    assert [entry["path"] for entry in entries()] == ["a.py", "b.py", "c/d.py", "ä b.py"]
    assert "ä b.py" in Path(FILE).read_text()
    lint("check", "--write-baseline", "c", "b.py", "a.py", "ä b.py")
    assert Path(FILE).read_bytes() == first


def test_paths_are_relative_to_its_folder(lint: Lint) -> None:
    lint("check", "--write-baseline", "--baseline", "ci/old.jsonl", files={"app.py": SAFE})
    assert [entry["path"] for entry in entries("ci/old.jsonl")] == ["../app.py"]
    assert lint("check", "-q", "--baseline", "ci/old.jsonl").code == 0
    assert lint("check", "-q", "--baseline", str(Path("ci/old.jsonl").absolute()), "app.py").code == 0


def test_two_branches_that_add_to_it_merge(lint: Lint) -> None:
    lint("check", "--write-baseline", files={"app.py": SAFE, **CONFIGURED})
    Path(FILE).write_text(Path(FILE).read_text() * 2)
    assert lint("check", "-q").code == 0
    assert lint("check", "-q", files={"app.py": SAFE.replace(LINE, LINE * 2)}).code == 1


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("<<<<<<< HEAD", "a merge that was not finished"),
        ("REA103 app.py", "not JSON"),
        ("[" * 10_000, "not JSON"),
        ("[]", "the keys path, code, function, text and count"),
        ('{"path": "app.py", "code": "REA103"}', "the keys path, code, function, text and count"),
        ('{"path": "a", "code": "b", "function": "c", "text": "d", "count": 0}', "`count` is a number from 1, not 0"),
        ('{"path": "a", "code": "b", "function": null, "text": "d", "count": 1}', "are strings"),
    ],
)
def test_a_broken_file_is_wrong_use_with_its_row_and_can_be_written_anew(lint: Lint, row: str, words: str) -> None:
    lint("check", "--write-baseline", files={"app.py": SAFE, **CONFIGURED})
    good = Path(FILE).read_text()
    Path(FILE).write_text(f"{good}\n{row}\n")
    run = lint("check")
    assert run.code == 2
    assert run.err.startswith(f"rea-lint: error: {Path.cwd() / FILE}:3: ")
    assert words in run.err
    assert lint("check", "--write-baseline").code == 0
    assert Path(FILE).read_text() == good


def test_one_that_is_not_there_is_wrong_use(lint: Lint) -> None:
    run = lint("check", *NAME, files={"app.py": SAFE})
    assert run.code == 2
    assert run.err == f"rea-lint: error: {Path.cwd() / FILE}: there is no such baseline; --write-baseline writes it\n"


@pytest.mark.parametrize("option", ["--fix", "--diff", "--staged", "--since=HEAD", "-"])
def test_writing_takes_all_findings_as_they_are(lint: Lint, option: str) -> None:
    run = lint("check", "--write-baseline", option, files={"app.py": SAFE}, stdin=b"")
    assert run.code == 2
    assert "do not go together" in run.err
    assert not Path(FILE).exists()


def test_an_error_of_ours_writes_nothing(lint: Lint, monkeypatch: pytest.MonkeyPatch) -> None:
    from rea_lint import rule

    monkeypatch.setattr(rule, "visit", lambda *_, **__: ([], [rule.InternalError("REA101", "/p/app.py", "buy", "KeyError: 'x'")]))
    run = lint("check", "--write-baseline", files={"app.py": SAFE})
    assert run.code == 2
    assert "REA101: KeyError" in run.err
    assert not Path(FILE).exists()


def test_flake8_does_not_report_it_either(lint: Lint, monkeypatch: pytest.MonkeyPatch) -> None:
    from rea_lint import flake8

    def reported(text: str) -> list[int]:
        flake8._judged.cache_clear()
        return [row for row, *_ in flake8.Plugin(ast.parse(text), "app.py", text.splitlines(keepends=True)).run()]

    monkeypatch.setattr(flake8.Plugin, "asked", ("app.py",))
    lint("check", "--write-baseline", files={"app.py": SAFE})
    assert reported(SAFE) == [11], "it is not configured"
    lint("check", files=CONFIGURED)
    assert reported(SAFE) == []
    monkeypatch.setattr(flake8.Plugin, "asked", ())  # it reads stdin
    assert reported(SAFE.replace(LINE, LINE * 2)) == [12]


def test_names_that_are_not_utf_8_survive(tmp_path: Path) -> None:
    accepted = {Entry("a\udcff.py", "REA103", "", "x"): 2}
    baseline.write(tmp_path / "b", accepted)
    assert baseline.read(tmp_path / "b") == accepted


def test_what_is_the_same_is_not_written_again(tmp_path: Path) -> None:
    file = tmp_path / "b"
    baseline.write(file, {Entry("a.py", "REA103", "", "x"): 1})
    inode = file.stat().st_ino
    baseline.write(file, {Entry("a.py", "REA103", "", "x"): 1})
    assert file.stat().st_ino == inode
