"""The command line: exit codes, streams, fixing files, and that nothing a user can do ends in a traceback."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from rea_lint import files
from rea_lint.cli.output import shows_links
from rea_lint.config import UserError
from running import CLEAN, FIXED, HANDLER, INFO, SAFE, Lint, Tree

# -- what it says, where, and how it ends ------------------------------------------------------------------------------


def test_findings_go_to_stdout_and_the_summary_to_stderr(lint: Lint) -> None:
    run = lint("check", "--output-format", "concise", files={"app.py": SAFE})
    assert run.code == 1
    assert run.out.startswith("app.py:11:29: REA103 ")
    assert run.err == "Checked 1 file, 1 handler in 1 service: 1 error (1 fixable with --fix).\n"


@pytest.mark.parametrize("name", ["CLAUDECODE", "CURSOR_AGENT", "GEMINI_CLI", "AI_AGENT", "AGENT"])
def test_a_coding_agent_gets_its_own_format(lint: Lint, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "1")
    (line,) = lint("check", files={"app.py": SAFE}).out.splitlines()
    assert line.startswith("app.py:11:29: error REA103: ")


def test_an_agent_gets_the_format_that_is_asked_for(lint: Lint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLAUDECODE", "1")
    assert lint("check", "--output-format", "concise", files={"app.py": SAFE}).out.startswith("app.py:11:29: REA103 ")
    monkeypatch.setenv("REA_LINT_OUTPUT_FORMAT", "grouped")
    assert lint("check").out.startswith("app.py:\n")
    monkeypatch.delenv("REA_LINT_OUTPUT_FORMAT")
    assert lint("check", files={"rea-lint.toml": 'output-format = "full"'}).out.startswith("error[REA103]: ")


@pytest.mark.parametrize(
    ("environment", "shows"),
    [
        ({}, False),
        ({"TERM_PROGRAM": "vscode"}, True),
        ({"TERM_PROGRAM": "vscode", "CI": "1"}, False),
        ({"TERM": "xterm-kitty"}, True),
        ({"TERM": "xterm-kitty", "TMUX": "/tmp/x"}, False),
        ({"VTE_VERSION": "6003"}, True),
        ({"VTE_VERSION": "4205"}, False),
        ({"WT_SESSION": "x"}, True),
        ({"WT_SESSION": "x", "FORCE_HYPERLINK": "0"}, False),
        ({"CI": "1", "FORCE_HYPERLINK": "1"}, True),
    ],
)
def test_terminals_that_show_links_say_so(environment: dict[str, str], *, shows: bool) -> None:
    assert shows_links(environment) == shows


def test_findings_go_to_files_too_each_in_its_format(lint: Lint, tmp_path: Path) -> None:
    first, second = tmp_path / "new" / "folder" / "report.json", tmp_path / "report.txt"
    second.write_text("old and longer than what is written now\n" * 100)
    second.chmod(0o640)
    arguments = ("check", "--output-format", "grouped", "--output-file", f"json:{first}", "--output-file", f"concise:{second}")
    run = lint(*arguments, files={"app.py": SAFE})
    assert (run.code, run.out.splitlines()[0]) == (1, "app.py:")
    assert json.loads(first.read_text())[0]["code"] == "REA103"
    assert second.read_text().startswith("app.py:11:29: REA103 ")
    assert stat.S_IMODE(second.stat().st_mode) == 0o640
    assert stat.S_IMODE(first.stat().st_mode) & 0o444 == 0o444
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new", "project", "report.txt"]


@pytest.mark.parametrize("form", ["json", "json-lines", "sarif", "gitlab", "rdjson", "junit"])
def test_what_programs_read_is_utf_8_whatever_the_terminal_takes(tree: Tree, form: str) -> None:
    root = tree({"app.py": SAFE.replace("item", "日𐐀"), "rea-lint.toml": ""})
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    command = [sys.executable, "-m", "rea_lint", "check", "--output-format", form, "--select", "REA103", "-e", "-q"]
    out = subprocess.run(command, cwd=root, env=environment, check=True, capture_output=True).stdout
    text = out.decode("utf-8")
    if form == "junit":
        assert ET.fromstring(out) is not None
    else:
        assert [json.loads(line) for line in (text.splitlines() if form == "json-lines" else [text])]


def test_an_output_file_is_written_where_nothing_is_found(lint: Lint, tmp_path: Path) -> None:
    assert lint("check", "-q", "--output-file", f"json:{tmp_path / 'report.json'}", files={"app.py": CLEAN}).code == 0
    assert (tmp_path / "report.json").read_text() == "[]\n"


@pytest.mark.parametrize(
    ("value", "words"), [("json", "names no file"), ("json:-", "names no file"), ("jsn:x", "formats are full, concise")]
)
def test_an_output_file_that_cannot_be_meant_is_wrong_use(lint: Lint, value: str, words: str) -> None:
    run = lint("check", "--output-file", value, files={"app.py": CLEAN})
    assert run.code == 2
    assert words in " ".join(run.err.split())


def test_the_page_counts_handlers_and_services_as_the_summary_does(lint: Lint) -> None:
    run = lint("check", "--output-format", "html", files={"app.py": CLEAN, "again.py": CLEAN})
    (counted,) = re.findall(r"Checked 2 files, (.*?):", run.err)
    assert counted == "2 handlers in 2 services"
    assert f"<p>Checked 2 files, {counted}.</p>" in run.out


def test_an_output_file_that_cannot_be_written_is_said(lint: Lint) -> None:
    run = lint("check", "--output-file", "json:app.py/report.json", files={"app.py": CLEAN})
    assert run.code == 2
    assert "rea-lint: error: --output-file json:app.py/report.json: cannot be written: " in run.err


def test_paths_for_ci_are_those_of_the_repository(lint: Lint, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path))
    assert ",file=project/app.py," in lint("check", "--output-format", "github", files={"app.py": SAFE}).out
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path / "elsewhere"))
    assert ",file=app.py," in lint("check", "--output-format", "github").out


def test_without_a_command_it_checks(lint: Lint) -> None:
    assert lint("--output-format", "concise", ".", files={"app.py": SAFE}) == lint("check", ".", "--output-format", "concise")
    assert lint("app.py").code == 1


def test_help_lists_every_option_in_its_group(lint: Lint) -> None:
    from rea_lint.cli.options import GROUPS, Options

    options = [option for group in GROUPS.values() for option in group]
    assert {option.name for option in options} | {"paths"} == set(Options.__struct_fields__)
    assert all(option.help for option in options)
    shown = lint("check", "--help").out
    assert [line[:-1] for line in shown.splitlines() if line.removesuffix(":") in GROUPS] == list(GROUPS)
    assert re.findall(r"^  (?:-\w, )?(--[\w-]+)", shown, re.MULTILINE) == [*(option.opts[-1] for option in options), "--help"]


def test_nothing_found_is_0_and_says_so(lint: Lint) -> None:
    assert lint("check", files={"app.py": CLEAN}) == (0, "", "Checked 1 file, 1 handler in 1 service: no findings.\n")


def test_quiet_says_nothing_but_findings(lint: Lint) -> None:
    assert lint("check", "-q", files={"app.py": CLEAN}) == (0, "", "")


def test_no_handler_at_all_is_said_loudly(lint: Lint) -> None:
    assert "NO RESTATE HANDLER FOUND" in lint("check", files={"app.py": "x = 1\n"}).err


def test_the_severity_that_fails_a_run_can_be_chosen(lint: Lint) -> None:
    assert lint("check", files={"app.py": INFO}).code == 0
    assert lint("check", "--severity", "info").code == 1
    assert lint("check", "--severity", "error", files={"app.py": SAFE}).code == 1
    assert lint("check", "--exit-zero").code == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["check", "--no-such-flag"], "No such option"),
        (["check", "--select", "REA1O3"], "there is no rule `REA1O3` (did you mean `REA103`?)"),
        (["check", "--ignore", "natif-uuid"], "did you mean `native-uuid`?"),
        (["check", "nowhere.py"], "nowhere.py"),
        (["check", "--config", "nowhere.toml"], "nowhere.toml"),
        (["check", "--config", "selekt = ['REA1']"], "did you mean `select`?"),
        (["check", "--output-format", "xml"], "xml"),
        (["rule"], "--all"),
        (["rule", "REA1O1"], "did you mean `REA101`?"),
        (["rule", "REA199"], "(codes with `REA1` are `REA101` to `REA1"),
        (["rule", "REA1"], "(codes with `REA1` are `REA101` to `REA1"),
        (["check", "--select", "REA999"], "(codes with `REA9` are `REA901` to `REA9"),
        (["check", "--ignore", "wallclock"], "did you mean `wall-clock`?"),
        (["check", "--select", ""], "it names no rule"),
        (["check", "--select", "REA1", "--ignore", " , "], "it names no rule"),
        (["check", "--config", "select = ["], "not TOML: Invalid value"),
        (["handlers", "nowhere.py"], "nowhere.py"),
    ],
)
def test_wrong_use_is_2_with_one_clear_message(lint: Lint, arguments: list[str], words: str) -> None:
    run = lint(*arguments, files={"app.py": CLEAN})
    assert run.code == 2
    assert run.out == ""
    assert words in run.err
    assert "Traceback" not in run.err


def test_a_broken_configuration_is_2_and_names_file_and_line(lint: Lint) -> None:
    run = lint("check", files={"app.py": CLEAN, "rea-lint.toml": "select = ['REA1']\nignroe = []\n"})
    assert run.code == 2
    assert run.err.endswith("rea-lint.toml:2: unknown key `ignroe` (did you mean `ignore`?)\n")


def test_a_table_of_pyproject_in_our_own_file_gets_a_hint(lint: Lint) -> None:
    run = lint("check", files={"app.py": CLEAN, "rea-lint.toml": "[tool.rea-lint]\nselect = ['REA1']\n"})
    assert run.code == 2
    assert run.err.endswith("rea-lint.toml:1: unknown key `tool`; here the keys stand without `[tool.rea-lint]`\n")


def test_isolated_reads_no_configuration(lint: Lint) -> None:
    assert lint("check", "--isolated", files={"app.py": CLEAN, "rea-lint.toml": "nonsense"}).code == 0


def test_the_version_is_known_without_click(lint: Lint) -> None:
    code = "import sys; from rea_lint import cli; cli.run(['--version']); print(*(m in sys.modules for m in ('click', 'libcst', 'rich', 'asyncio')))"
    said, loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.splitlines()
    assert said.startswith("rea-lint ")
    assert loaded.split() == ["False"] * 4
    assert lint("--version").out == f"{said}\n"


def test_what_is_not_needed_is_not_imported(tree: Tree) -> None:
    root = tree({"app.py": "import restate\nx = 1\n", "rea-lint.toml": ""})
    code = (
        "import sys; from rea_lint import cli; cli.run(['check', '-q']); print(*(m in sys.modules for m in ('libcst', 'rich', 'asyncio')))"
    )
    assert (
        subprocess.run([sys.executable, "-c", code], cwd=root, check=True, capture_output=True, text=True).stdout.split() == ["False"] * 3
    )


BUSY = """\
from datetime import timedelta

import restate

shop = restate.Service("Shop")
prices = restate.VirtualObject("Prices")


@shop.handler()
async def buy(ctx: restate.Context, items: list[str]) -> str:
    async def ask() -> str:
        return "sure?"

    futures = [ctx.object_call(price, key=item, arg=None) for item in items]
    await restate.gather(*futures)
    total = 0
    for future in futures:
        total += await future
    try:
        match await restate.select(answer=ctx.run_typed("ask", ask), timeout=ctx.sleep(timedelta(hours=1))):
            case ["answer", said]:
                ctx.generic_send("Audit", "said", said.encode())
            case _:
                return "too late"
    except restate.TerminalError as error:
        ctx.generic_send("Audit", "failed", error.message.encode())
        raise
    return f"{total} at {await ctx.time()}"


@prices.handler()
async def price(ctx: restate.ObjectContext) -> int:
    asked = await ctx.get("asked", type_hint=int) or 0
    ctx.set("asked", asked + 1)
    return len(ctx.key())
"""


@pytest.mark.parametrize(
    ("program", "loaded"),
    [
        (CLEAN, "False 0"),
        (BUSY, "False 0"),
        (CLEAN.replace("return", "ctx.sleep(item)\n    return"), "False 1"),
        (INFO, "False 1"),
        (SAFE, "True 1"),
    ],
    ids=["clean", "busy", "by facts", "by ast", "by its tree"],
)
def test_libcst_is_imported_when_a_rule_needs_a_tree(tree: Tree, program: str, loaded: str) -> None:
    root = tree({"app.py": program, "rea-lint.toml": ""})
    code = (
        "import sys; from pathlib import Path; from rea_lint import config, discovery, engine; settings = config.load(Path.cwd());"
        "found = discovery.discover([str(Path.cwd())], settings); report = engine.check(found.files, found.config, found.reported);"
        "assert report.handlers and not report.errors; print('libcst' in sys.modules, len(report.diagnostics))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=True, capture_output=True, text=True).stdout.strip() == loaded


def test_formats(lint: Lint, monkeypatch: pytest.MonkeyPatch) -> None:
    (found,) = json.loads(lint("check", "--output-format", "json", files={"app.py": SAFE}).out)
    assert found["filename"] == str(Path.cwd() / "app.py")
    assert lint("check", "--output-format", "github").out.startswith("::error title=REA103 native-uuid,file=app.py,line=11,")
    assert lint("check").out.startswith("error[REA103]: ")
    monkeypatch.setenv("REA_LINT_OUTPUT_FORMAT", "concise")
    assert lint("check").out.startswith("app.py:11:29: ")
    assert lint("check", "--output-format", "json").out.startswith("[")
    monkeypatch.delenv("REA_LINT_OUTPUT_FORMAT")
    assert lint("check", files={"rea-lint.toml": "output-format = 'concise'"}).out.startswith("app.py:11:29: ")


def test_statistics_replace_the_findings(lint: Lint) -> None:
    assert lint("check", "--statistics", files={"app.py": SAFE}).out == "1  REA103  native-uuid\n"
    assert json.loads(lint("check", "--statistics", "--output-format", "json").out) == [
        {"code": "REA103", "name": "native-uuid", "count": 1, "fixable": True, "fixable_count": 1}
    ]
    assert lint("check", "--statistics", "--output-format", "sarif").out == "1  REA103  native-uuid\n"


def test_colors_are_for_terminals_unless_asked_for(lint: Lint, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\x1b[" not in lint("check", files={"app.py": SAFE}).out
    assert "\x1b[" in lint("check", "--color", "always").out
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[" in lint("check").out
    assert "\x1b[" not in lint("check", "--output-format", "concise").out
    assert "\x1b[" not in lint("check", "--color", "never").out
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[" not in lint("check").out


def test_the_command_line_wins_over_the_configuration(lint: Lint) -> None:
    configured = {"app.py": SAFE, "rea-lint.toml": "ignore = ['REA103']\n"}
    assert lint("check", files=configured).code == 0
    assert lint("check", "--extend-select", "REA103").code == 1
    assert lint("check", "--select", "REA103").code == 1
    assert lint("check", "--select", "REA1,REA2", "--ignore", "REA103").code == 0
    assert lint("check", "--ignore", "REA9", files={"rea-lint.toml": ""}).code == 1
    assert lint("check", "--config", "ignore = ['REA1']").code == 0


def test_suppressions_can_be_ignored(lint: Lint) -> None:
    silenced = {"app.py": SAFE.replace("print)", "print)  # rea-lint: ignore[REA103] why not")}
    assert lint("check", files=silenced).code == 0
    assert lint("check", "--ignore-suppressions").code == 1


def test_flags_of_the_cache_are_accepted(lint: Lint) -> None:
    assert lint("check", "--no-cache", "--cache-dir", "x", "--jobs", "2", files={"app.py": CLEAN}).code == 0
    assert not Path("x").exists()


def test_files_and_settings_can_be_shown(lint: Lint) -> None:
    project = {"app.py": CLEAN, "b/c.py": "", "rea-lint.toml": "\nignore = ['REA2']\n[severity]\nREA1 = 'info'\n"}
    assert lint("check", "--show-files", files=project).out == f"{Path.cwd() / 'app.py'}\n{Path.cwd() / 'b/c.py'}\n"
    shown = lint("check", "--show-settings").out.splitlines()
    assert f'ignore = ["REA2"]  # {Path.cwd() / "rea-lint.toml"}:2' in shown
    assert f'severity = {{ "REA1" = "info" }}  # {Path.cwd() / "rea-lint.toml"}:3' in shown
    assert "respect-gitignore = true  # default" in shown
    lint("check", files={".venv/lib/python3.12/site-packages/restate_sdk-1.2.0.dist-info/METADATA": ""})
    assert (
        f'sdk-version = "1.2.0"  # auto: installed in {Path.cwd() / ".venv/lib/python3.12/site-packages"}'
        in lint("check", "--show-settings").out.splitlines()
    )


def test_force_exclude_leaves_out_what_is_named(lint: Lint) -> None:
    project = {"app.py": SAFE, "rea-lint.toml": "extend-exclude = ['app.py']"}
    assert lint("check", "app.py", files=project).code == 1
    assert lint("check", "--force-exclude", "app.py").code == 0


def test_verbose_says_what_was_done(lint: Lint) -> None:
    assert "1 handlers, 0 findings" in lint("check", "-v", files={"app.py": CLEAN}).err


# -- fixing ------------------------------------------------------------------------------------------------------------


def test_fix_writes_and_a_second_time_finds_nothing_to_do(lint: Lint) -> None:
    run = lint("check", "--fix", files={"app.py": SAFE})
    assert (run.code, run.out) == (0, "")
    assert run.err == "Fixed 1 finding in 1 file.\nChecked 1 file, 1 handler in 1 service: no findings.\n"
    assert Path("app.py").read_text() == FIXED
    before = Path("app.py").stat().st_mtime_ns
    assert "Fixed" not in lint("check", "--fix").err
    assert Path("app.py").stat().st_mtime_ns == before


def test_unsafe_fixes_are_applied_only_if_asked_for(lint: Lint) -> None:
    text = HANDLER + "    await ctx.run_typed(str(time.time()), print)\n    return item\n"
    run = lint("check", "--fix", files={"app.py": text})
    assert run.code == 1
    assert "1 fixable with --unsafe-fixes" in run.err
    assert Path("app.py").read_text() == text
    assert lint("check", "--fix", "--unsafe-fixes").code == 0
    assert "str(await ctx.time())" in Path("app.py").read_text()


def test_a_run_that_fixed_something_can_fail(lint: Lint) -> None:
    assert lint("check", "--fix", "--exit-non-zero-on-fix", files={"app.py": SAFE}).code == 1
    assert lint("check", "--fix", "--exit-non-zero-on-fix").code == 0


def test_diff_shows_and_changes_nothing(lint: Lint, tmp_path: Path) -> None:
    run = lint("check", "--diff", files={"app.py": SAFE})
    assert run.code == 1
    assert Path("app.py").read_text() == SAFE
    assert run.err == "Would fix 1 finding in 1 file.\n"
    patch = tmp_path / "patch"
    patch.write_text(run.out)
    subprocess.run(["git", "apply", "-p0", patch], check=True)
    assert Path("app.py").read_text() == FIXED
    assert lint("check", "--diff") == (0, "", "Nothing to fix.\n")


def test_diff_says_that_there_are_unsafe_fixes(lint: Lint) -> None:
    unsafe = "    await ctx.run_typed(str(time.time()), print)\n    return item\n"
    assert lint("check", "--diff", files={"app.py": HANDLER + unsafe}) == (0, "", "Nothing to fix; 1 fixable with --unsafe-fixes.\n")
    both = HANDLER + "    await ctx.run_typed(str(uuid.uuid4()), print)\n" + unsafe
    assert lint("check", "--diff", files={"app.py": both}).err == "Would fix 1 finding in 1 file; 1 fixable with --unsafe-fixes.\n"
    assert lint("check", "--diff", "--unsafe-fixes").err == "Would fix 2 findings in 1 file.\n"


def test_diff_of_a_file_without_a_last_line_end_can_be_applied(lint: Lint, tmp_path: Path) -> None:
    run = lint("check", "--diff", "app.py", files={"app.py": "x = 1  # rea-lint: ignore"})
    (tmp_path / "patch").write_text(run.out)
    subprocess.run(["git", "apply", "-p0", tmp_path / "patch"], check=True)
    assert Path("app.py").read_text() == "x = 1"


@pytest.mark.parametrize(
    "data",
    [
        SAFE.replace("\n", "\r\n").encode(),
        b"\xef\xbb\xbf" + SAFE.encode(),
        b"# coding: latin-1\n" + SAFE.replace("return item", "return 'é'").encode("latin-1"),
        ("# 日本 \U0001d4b3\n" + SAFE.replace("return item", "return '\x0c\u2028'")).encode(),
        SAFE.rstrip("\n").encode(),
    ],
    ids=["CRLF", "BOM", "latin-1", "wide", "no last line end"],
)
def test_a_fix_keeps_everything_else_byte_for_byte(lint: Lint, data: bytes) -> None:
    lint("check", "--fix", files={"app.py": data})
    end = b"\r\n" if b"\r\n" in data else b"\n"
    assert Path("app.py").read_bytes() == data.replace(b"uuid.uuid4()", b"ctx.uuid()").replace(b"import uuid" + end, b"")


def test_a_fix_keeps_the_mode_and_writes_through_links(lint: Lint, tree: Tree) -> None:
    root = tree({"real/app.py": SAFE, "rea-lint.toml": ""})
    (root / "real/app.py").chmod(0o750)
    (root / "linked.py").symlink_to("real/app.py")
    assert lint("check", "--fix", "linked.py").code == 0
    assert (root / "linked.py").is_symlink()
    assert (root / "real/app.py").read_text() == FIXED
    assert stat.S_IMODE((root / "real/app.py").stat().st_mode) == 0o750


def test_a_write_that_fails_leaves_the_file_as_it_was_and_the_others_are_fixed(lint: Lint, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.replace

    def fail(source: str, target: str) -> None:
        if target.endswith("a.py"):
            raise PermissionError(13, "Permission denied")
        real(source, target)

    monkeypatch.setattr(os, "replace", fail)
    run = lint("check", "--fix", files={"a.py": SAFE, "b.py": SAFE.replace("Shop", "Other")})
    assert run.code == 2
    assert f"{Path.cwd() / 'a.py'}: cannot be written: Permission denied" in run.err
    assert Path("a.py").read_text() == SAFE
    assert Path("b.py").read_text() == FIXED.replace("Shop", "Other")
    assert "Fixed 1 finding in 1 file." in run.err
    assert run.out.startswith("error[REA103]")
    assert sorted(path.name for path in Path().iterdir()) == ["a.py", "b.py", "rea-lint.toml"]


def test_a_file_that_changed_meanwhile_is_left_alone(tree: Tree) -> None:
    path = tree({"app.py": "newer"}) / "app.py"
    with pytest.raises(UserError, match="changed while it was linted"):
        files.write(files.File(str(path), "app", text="older"), "fixed")
    assert path.read_text() == "newer"


def test_stdin_is_linted_under_its_name(lint: Lint) -> None:
    run = lint("check", "-", "--stdin-filename", "app.py", "--output-format", "concise", files={"app.py": CLEAN}, stdin=SAFE.encode())
    assert run.code == 1
    assert run.out.startswith("app.py:11:29: REA103")
    assert lint("check", "-", stdin=SAFE.encode()).code == 1


def test_a_name_for_stdin_without_stdin_is_wrong_use(lint: Lint) -> None:
    run = lint("check", "--stdin-filename", "app.py", files={"app.py": CLEAN})
    assert (run.code, run.out) == (2, "")
    assert "which is read with `-`" in run.err


def test_stdin_is_fixed_to_stdout(lint: Lint) -> None:
    run = lint("check", "-", "--fix", "--stdin-filename", "app.py", files={"app.py": CLEAN}, stdin=SAFE.encode())
    assert (run.code, run.out) == (0, FIXED)
    assert Path("app.py").read_text() == CLEAN
    assert lint("check", "-", "--fix", stdin=CLEAN.encode()).out == CLEAN


# -- rule and handlers -------------------------------------------------------------------------------------------------


def test_rule_shows_a_page_by_code_or_name(lint: Lint) -> None:
    page = lint("rule", "REA001").out
    assert page.startswith("# REA001 syntax-error (error)\n\nThe file cannot be parsed")
    assert "# expect" not in page
    assert lint("rule", "syntax-error").out == lint("rule", "rea001").out == page


def test_rule_as_json(lint: Lint) -> None:
    item = json.loads(lint("rule", "REA002", "--output-format", "json").out)
    assert (item["code"], item["name"], item["severity"], item["family"]) == ("REA002", "unused-suppression", "info", "tool")
    items = json.loads(lint("rule", "--all", "--output-format", "json").out)
    assert [item["code"] for item in items] == sorted({item["code"] for item in items})
    assert all(item["summary"] and item["explanation"] for item in items)


def test_handlers_shows_what_a_handler_journals_and_what_reaches_it(lint: Lint) -> None:
    body = '    await note(ctx)\n    await ctx.run_typed("pay", print)\n    return str(uuid.uuid4())\n\n\n'
    body += 'async def note(ctx: restate.Context) -> None:\n    ctx.service_send(buy, arg="")\n'
    run = lint("handlers", files={"app.py": HANDLER + body})
    assert run.out == (
        "Shop (service) app.py:6\n"
        "  buy (service) app.py:10\n"
        "      11  app.note:\n"
        "            17  service_send Shop.buy\n"
        '      12  step "pay": print\n'
        "          print: print\n"
        "      13  uuid outside a step: uuid.uuid4\n"
        "\n"
    )
    assert run.err == "Looked at 1 file: 1 handler in 1 service.\n"
    (service,) = json.loads(lint("handlers", "--output-format", "json").out)
    (handler,) = service["handlers"]
    assert (service["name"], service["kind"], handler["name"], handler["kind"]) == ("Shop", "service", "buy", "service")
    assert [entry["what"] for entry in handler["journal"]] == ["call", "step"]
    assert handler["effects"][0]["chain"] == ["uuid.uuid4"]


# -- nothing ends in a traceback ---------------------------------------------------------------------------------------

BODY = "    t = time.time()\n{}    return str(t)\n"
BROKEN: dict[str, tuple[str | bytes, int | None]] = {
    "syntax error": ("import restate\ndef (:\n", 1),
    "null bytes": ("import restate\nx = '\0'\n", 1),
    "wrong encoding": (b"import restate\nx = '\xe9'\n", 1),
    "unknown encoding": (b"# coding: klingon\nimport restate\n", 1),
    "encoding that is none of text": (b"# coding: rot13\nimport restate\n", 1),
    "latin-1": (b"# coding: latin-1\n" + CLEAN.replace("item\n", "'é'\n").encode("latin-1"), 0),
    "UTF-16": (CLEAN.encode("utf-16"), 1),
    "empty": ("", 0),
    "only a BOM": (b"\xef\xbb\xbf", 0),
    "only form feeds": ("\f\f\n", 0),
    "5,000 brackets": ("import restate\nx = " + "(" * 5000 + "1" + ")" * 5000 + "\n", 1),
    "5,000 brackets in a handler": (HANDLER + BODY.format("    x = " + "[" * 5000 + "]" * 5000 + "\n"), 1),
    "150 brackets in a handler": (HANDLER + BODY.format("    x = " + "[" * 150 + "]" * 150 + "\n"), 0),
    "nested functions": (HANDLER + BODY.format("".join(" " * (4 + i) + f"def f{i}():\n" for i in range(90)) + " " * 94 + "pass\n"), 0),
    "1,000 elifs": (HANDLER + BODY.format("    if item:\n        pass\n" + "    elif item == 1:\n        pass\n" * 1000), 0),
    "1,000 ands": (HANDLER + BODY.format("    x = " + " and ".join(["item"] * 1000) + "\n"), 0),
    "1,000 methods": (HANDLER + BODY.format("    x = item" + ".strip()" * 1000 + "\n"), None),
    "3,000 additions": (HANDLER + BODY.format("    x = " + " + ".join(["item"] * 3000) + "\n"), None),
    "500 conditionals": (HANDLER + BODY.format("    x = " + "1 if item else " * 500 + "2\n"), 0),
    "900 minuses": (HANDLER + BODY.format("    x = " + "-" * 900 + "2\n"), None),
}  # fmt: skip


@pytest.mark.parametrize("fix", [(), ("--fix", "--unsafe-fixes")], ids=["check", "fix"])
@pytest.mark.parametrize("case", BROKEN)
def test_no_file_ends_in_a_traceback(tree: Tree, case: str, fix: tuple[str, ...]) -> None:
    """In a process of its own: a parser that dies of its stack takes the process with it."""
    content, code = BROKEN[case]
    root = tree({"app.py": content, "rea-lint.toml": ""})
    command = [sys.executable, "-m", "rea_lint", "check", "app.py", "--output-format", "concise", *fix]
    run = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == code or (code is None and run.returncode in {0, 1}), run.stdout + run.stderr
    assert "Traceback" not in run.stderr
    assert "internal error" not in run.stderr
    assert run.stderr.splitlines()[-1].startswith("Checked 1 file")
    if code == 1:
        assert "REA001" in run.stdout
        assert (root / "app.py").read_bytes() == (content.encode() if isinstance(content, str) else content)


def test_odd_files_are_no_problem(lint: Lint, tree: Tree) -> None:
    root = tree({"app.py": SAFE, "x.py/app.py": CLEAN.replace("Shop", "Inner"), "rea-lint.toml": ""})
    (root / "nowhere.py").symlink_to("/no/such/file")
    (root / "loop").symlink_to(root)
    run = lint("check")
    assert (run.code, run.err) == (1, "Checked 1 file, 1 handler in 1 service: 1 error (1 fixable with --fix).\n")
    assert "REA001" in lint("check", "nowhere.py").out


def test_a_file_that_cannot_be_read_is_a_finding(lint: Lint, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.open

    def fail(path: str, flags: int, *rest: int) -> int:
        if str(path).endswith("app.py") and flags == os.O_RDONLY:
            raise PermissionError(13, "Permission denied")
        return real(path, flags, *rest)

    monkeypatch.setattr(os, "open", fail)
    run = lint("check", "--output-format", "concise", files={"app.py": SAFE})
    assert run.code == 1
    assert "permission denied" in run.out.lower()


def test_a_link_to_itself_cannot_be_read_named_or_found(lint: Lint, tree: Tree) -> None:
    root = tree({"app.py": CLEAN})
    (root / "loop.py").symlink_to("loop.py")
    (root / "folder").symlink_to("folder")
    assert lint("check").code == 0, "in a folder it is passed over, as a link that leads nowhere"
    for name in "loop.py", "folder":
        run = lint("check", "--output-format", "concise", name)
        assert run.code == 1
        assert run.out.startswith(f"{name}:1:1: REA001 ")
        assert "Too many levels of symbolic links" in run.out


@pytest.mark.parametrize("name", ["pipe.py", "/dev/null"])
def test_what_is_neither_a_file_nor_a_folder_is_wrong_use(lint: Lint, tree: Tree, name: str) -> None:
    root = tree({"app.py": CLEAN})
    os.mkfifo(root / "pipe.py")
    run = lint("check", name)
    assert (run.code, run.out) == (2, "")
    assert run.err == f"rea-lint: error: {root / name}: neither a file nor a folder; what a program writes is read from stdin, with `-`\n"
    assert lint("check").code == 0, "one that is found is passed over"


def test_a_file_that_is_no_python_is_said(lint: Lint) -> None:
    texts = {"notes.md": "# restate", "tool": "#!/usr/bin/env python3\n" + SAFE, "binary": b"\x7fELF"}
    run = lint("check", "notes.md", "binary", "tool", files=texts)
    assert run.code == 1
    assert run.err.splitlines()[:2] == [
        f"rea-lint: warning: {name} is not linted: it is no Python file, by its name or its first line" for name in ("notes.md", "binary")
    ]
    assert "warning" not in lint("check", "-q", "notes.md").err
    assert "warning" not in lint("check", "--force-exclude", "notes.md").err


WITHOUT_RIGHTS = ("setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-dac_override,-dac_read_search")


@pytest.mark.skipif(os.name == "nt" or (os.geteuid() == 0 and not shutil.which("setpriv")), reason="everything can be read")
def test_what_may_not_be_read_is_the_same_named_or_found(tree: Tree) -> None:
    root = tree({"app.py": SAFE, "locked": "", "folder/app.py": CLEAN, "rea-lint.toml": ""})
    for name in "app.py", "locked", "folder":
        (root / name).chmod(0)

    def run(*paths: str) -> tuple[int, str, str]:
        command = [
            *(WITHOUT_RIGHTS if os.geteuid() == 0 else ()),
            sys.executable,
            "-m",
            "rea_lint",
            "check",
            "--output-format",
            "concise",
            *paths,
        ]
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout, done.stderr

    try:
        found = run(".")
        assert found[0] == 1
        assert found[1].startswith("app.py:1:1: REA001 ")
        assert "Permission denied" in found[1]
        assert f"warning: {root / 'folder'} may not be read: nothing in it is linted" in found[2]
        assert run("app.py")[:2] == found[:2]
        assert run("locked")[1].startswith("locked:1:1: REA001 ")
        assert run("folder") == (2, "", f"rea-lint: error: {root / 'folder'}: the folder cannot be read\n")
        assert run("folder/app.py") == (2, "", f"rea-lint: error: {root / 'folder/app.py'}: cannot be reached: Permission denied\n")
    finally:
        (root / "folder").chmod(0o755)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device is full")
@pytest.mark.parametrize("arguments", [["check"], ["rule", "--all"], ["check", "--show-files"], ["handlers"], ["--version"]])
def test_a_full_disk_is_no_bug_of_ours(tree: Tree, arguments: list[str]) -> None:
    root = tree({"app.py": SAFE, "rea-lint.toml": ""})
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "rea_lint", *arguments]
        run = subprocess.run(command, cwd=root, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert run.returncode == 2
    assert run.stderr.splitlines()[-1] == "rea-lint: error: the output cannot be written: No space left on device"
    assert "bug" not in run.stderr


@pytest.mark.skipif(os.name == "nt", reason="a folder in which somebody is cannot be deleted")
@pytest.mark.parametrize("arguments", [["check"], ["--version"]])
def test_a_deleted_folder_is_named_as_the_cause(tmp_path: Path, arguments: list[str]) -> None:
    (tmp_path / "gone").mkdir()
    command = ["sh", "-c", 'cd gone && rmdir ../gone && exec "$@"', "sh", sys.executable, "-m", "rea_lint", *arguments]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (2, "rea-lint: error: this folder was deleted; go to one that exists\n")


@pytest.mark.parametrize(("word", "hint"), [("chek", "check"), ("handler", "handlers"), ("docter", "doctor")])
def test_a_command_that_is_nearly_right_is_proposed(lint: Lint, word: str, hint: str) -> None:
    run = lint(word, files={"app.py": SAFE})
    assert (run.code, run.err) == (2, f"rea-lint: error: there is no command, file or folder `{word}` (did you mean `rea-lint {hint}`?)\n")


def test_a_path_that_is_like_a_command_is_a_path(tree: Tree) -> None:
    root = tree({"handler/app.py": CLEAN})
    command = [sys.executable, "-m", "rea_lint", "handler"]
    assert subprocess.run(command, cwd=root, capture_output=True, check=False).returncode == 0


def test_what_an_old_terminal_cannot_show_is_escaped(tree: Tree) -> None:
    root = tree({"app.py": SAFE.replace("import uuid\n", "import uuid\n").replace("print)", "print)  # 日本"), "rea-lint.toml": ""})
    command = [sys.executable, "-m", "rea_lint", "check"]
    run = subprocess.run(command, cwd=root, capture_output=True, check=False, env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert run.returncode == 1
    assert rb"\u65e5" in run.stdout


def test_an_error_of_ours_is_one_line_and_verbose_shows_the_traceback(lint: Lint, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("what\nhappened")

    monkeypatch.setattr("rea_lint.engine.link", fail)
    run = lint("check", "app.py", files={"app.py": CLEAN})
    assert run.code == 2
    assert run.err.startswith("rea-lint: internal error: ZeroDivisionError: what happened (rea-lint check app.py); this is a bug")
    assert len(run.err.splitlines()) == 2
    assert "Traceback" in lint("check", "-v", "app.py").err


def test_a_rule_that_fails_is_2_and_the_rest_is_reported(lint: Lint, monkeypatch: pytest.MonkeyPatch) -> None:
    from rea_lint import rule

    visit = rule.visit

    def failing(*arguments: Any, **options: Any) -> object:
        found, _ = visit(*arguments, **options)
        return found, [rule.InternalError("REA101", "/p/app.py", "buy", "Traceback\nKeyError: 'x'")]

    monkeypatch.setattr(rule, "visit", failing)
    run = lint("check", "--output-format", "concise", files={"app.py": SAFE})
    assert run.code == 2
    assert "REA103" in run.out
    assert "internal error: REA101: KeyError: 'x' (/p/app.py)" in run.err


def test_an_interrupt_is_130(lint: Lint, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("rea_lint.discovery.discover", interrupt)
    run = lint("check")
    assert (run.code, run.out, run.err.strip()) == (130, "", "")


def test_a_reader_that_goes_away_is_no_error(tree: Tree) -> None:
    text = HANDLER + "    await ctx.run_typed(str(uuid.uuid4()), print)\n" * 200
    root = tree({"app.py": text, "rea-lint.toml": ""})
    with subprocess.Popen(
        [sys.executable, "-m", "rea_lint", "check"], cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert "Traceback" not in process.stderr.read()
        assert process.wait() == 1


@pytest.mark.parametrize("seed", ["0", "1", "2"])
def test_the_output_is_the_same_on_any_hash_seed(tree: Tree, seed: str) -> None:
    root = tree({f"app{n}.py": SAFE.replace("Shop", f"Shop{n}") + INFO.partition("@shop")[2].join(["@shop", ""]) for n in range(4)})
    command = [sys.executable, "-m", "rea_lint", "check", "--isolated", "--output-format", "json"]
    runs = {
        subprocess.run(command, cwd=root, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONHASHSEED": s}).stdout
        for s in (seed, "99")
    }
    assert len(runs) == 1
