"""`--add-ignore`: comments that silence what is found, and change nothing else."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from running import CLEAN, HANDLER, SAFE

if TYPE_CHECKING:
    from running import Lint

LINE = "    await ctx.run_typed(str(uuid.uuid4()), print)\n"
IGNORED = SAFE.replace("print)\n", "print)  # rea-lint: ignore[REA103] for now\n")


def test_a_finding_gets_a_comment_with_the_reason_and_a_second_time_changes_nothing(lint: Lint) -> None:
    run = lint("check", "--add-ignore=for now", files={"app.py": SAFE})
    assert (run.code, run.out) == (0, "")
    assert run.err == "Silenced 1 finding in 1 file.\nChecked 1 file, 1 handler in 1 service: no findings.\n"
    assert Path("app.py").read_text() == IGNORED
    before = Path("app.py").stat().st_mtime_ns
    assert lint("check", "--add-ignore=again").err.startswith("Silenced 0 findings in 0 files.\n")
    assert Path("app.py").stat().st_mtime_ns == before


def test_what_follows_without_an_equals_sign_is_a_path(lint: Lint) -> None:
    lint("check", "--add-ignore", "a.py", files={"a.py": SAFE, "b.py": SAFE.replace("Shop", "Other")})
    assert Path("a.py").read_text() == IGNORED.replace(" for now", "")
    assert Path("b.py").read_text() == SAFE.replace("Shop", "Other")
    assert "no such file" in lint("check", "--", "--add-ignore").err


def test_all_findings_of_a_row_share_a_comment_and_ours_is_added_to(lint: Lint) -> None:
    body = "    await ctx.run_typed(str(uuid.uuid4()) + str(time.time()), print)  # rea-lint: ignore[REA101] logged\n    return item\n"
    assert lint("check", "--add-ignore=why", files={"app.py": HANDLER + body}).code == 0
    assert "print)  # rea-lint: ignore[REA101, REA103] logged\n" in Path("app.py").read_text()


@pytest.mark.parametrize(
    "body",
    [
        '    await ctx.run_typed(str(uuid.uuid4()) + """\n""", print)\n',
        "    await ctx.run_typed(str(uuid.uuid4()) + \\\n        item, print)\n",
        "    await ctx.run_typed(\n        str(uuid.uuid4()) + str(time.time()),\n        print,\n    )\n",
        '    await ctx.run_typed(f"""{uuid.uuid4()}\n{time.time()}""", print)\n',
        "    for i in range(3): await ctx.run_typed(str(uuid.uuid4()), print); await ctx.run_typed(str(time.time()), print)\n",
        "    try:\n        await ctx.run_typed('a', print)\n    except restate.TerminalError:\n        pass\n",
        "    try:\n        await ctx.run_typed('a', print)\n    except:\n        pass\n",
        "    x = [str(uuid.uuid4())\n         for _ in item]  # noqa: E501\n    await ctx.run_typed(x[0], print)\n",
    ],
    ids=["string", "continued", "brackets", "f-string", "one row", "clause", "bare clause", "other comment"],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["LF", "CR LF"])
def test_wherever_findings_stand_nothing_is_left_and_no_comment_is_in_vain(lint: Lint, body: str, end: str) -> None:
    text = (HANDLER + body + "    return item\n").replace("\n", end).encode()
    assert lint("check", "--severity", "info", files={"app.py": text}).code == 1
    run = lint("check", "--add-ignore", "--severity", "info")
    assert (run.code, run.out) == (0, "")
    lines = [line.partition(b"  # rea-lint:")[0] for line in Path("app.py").read_bytes().split(end.encode())]
    assert end.encode().join(lines) == text


def test_unused_comments_and_broken_files_are_left_to_be_fixed(lint: Lint) -> None:
    texts = {"a.py": CLEAN.replace("return item", "return item  # rea-lint: ignore[REA101]"), "b.py": "import restate\ndef (:\n"}
    run = lint("check", "--add-ignore", "--output-format", "concise", files=texts)
    assert run.code == 1
    assert [line.split()[1] for line in run.out.splitlines()] == ["REA002", "REA001"]
    assert {name: Path(name).read_text() for name in texts} == texts


def test_the_comments_can_be_shown_first(lint: Lint) -> None:
    run = lint("check", "--add-ignore=for now", "--diff", files={"app.py": SAFE})
    assert (run.code, run.err) == (0, "Would silence 1 finding in 1 file.\n")
    assert Path("app.py").read_text() == SAFE
    subprocess.run(["git", "apply", "-p0"], input=run.out, text=True, check=True)
    assert Path("app.py").read_text() == IGNORED


def test_stdin_is_commented_to_stdout(lint: Lint) -> None:
    run = lint("check", "-", "--add-ignore=for now", files={"app.py": CLEAN}, stdin=SAFE.encode())
    assert (run.code, run.out) == (0, IGNORED)


def test_what_the_baseline_has_gets_no_comment(lint: Lint) -> None:
    lint("check", "--write-baseline", files={"app.py": SAFE, "rea-lint.toml": 'baseline = "b"'})
    lint("check", "--add-ignore", files={"app.py": SAFE.replace(LINE, LINE + LINE.replace("print", "repr"))})
    assert Path("app.py").read_text().count("rea-lint:") == 1


def test_a_reason_that_is_a_comment_is_wrong_use(lint: Lint) -> None:
    run = lint("check", "--add-ignore=# noqa", files={"app.py": SAFE})
    assert (run.code, run.err) == (2, "rea-lint: error: --add-ignore: '# noqa' would be read as a comment of its own\n")
    assert Path("app.py").read_text() == SAFE


def test_a_reason_that_the_encoding_has_not_leaves_the_file_as_it_was(lint: Lint) -> None:
    text = "# coding: latin-1\n" + SAFE
    run = lint("check", "--add-ignore=日本", files={"app.py": text})
    assert run.code == 2
    assert "has characters that latin-1 has not" in run.err
    assert Path("app.py").read_text() == text


@pytest.mark.parametrize("option", ["--fix", "--staged", "--write-baseline", "--ignore-suppressions"])
def test_what_does_not_go_together_is_wrong_use(lint: Lint, option: str) -> None:
    run = lint("check", "--add-ignore", option, files={"app.py": SAFE})
    assert run.code == 2
    assert "do not go together" in run.err
