"""`rea-lint config`, `init` and `doctor`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from rea_lint.cli import run
from rea_lint.config import EXTEND, OPTIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Write = Callable[[Mapping[str, str | bytes]], Path]
    Run = Callable[..., "Said"]

APP = """import restate, time

shop = restate.Service("shop")


@shop.handler()
async def buy(ctx: restate.Context) -> float:
    return await ctx.run_typed("x", len, args=(str(time.time()),))
"""
TEST = """import restate
from app import app


async def test_shop() -> None:
    async with restate.create_test_harness(app, OPTION) as harness:
        assert harness.client
"""


class Said:
    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err


@pytest.fixture
def rea_lint(tree: Write, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command line in a project of these files."""

    def said(*arguments: str, files: Mapping[str, str] | None = None) -> Said:
        monkeypatch.chdir(tree(files or {}))
        capsys.readouterr()
        code = run(list(arguments))
        return Said(code, *capsys.readouterr())

    return said


class TestConfig:
    def test_shows_every_option(self, rea_lint: Run) -> None:
        said = rea_lint("config")
        assert said.code == 0
        assert [line for line in said.out.splitlines() if line and line[0] != " "] == [option.name for option in (*OPTIONS, EXTEND)]

    def test_shows_one(self, rea_lint: Run) -> None:
        assert rea_lint("config", "min-blocking-sleep").out == (
            "min-blocking-sleep\n  Sleeps in durable code that are shorter than this are not reported.\n"
            "  Type: number of seconds; for each file, from the nearest configuration\n  Default: 0.0\n  Example: min-blocking-sleep = 1.5\n"
        )

    def test_is_for_programs_too(self, rea_lint: Run) -> None:
        assert json.loads(rea_lint("config", "--output-format", "json").out)[0]["name"] == "select"
        assert json.loads(rea_lint("config", "rules", "--output-format", "json").out)["scope"] == "run"

    def test_knows_what_was_meant(self, rea_lint: Run) -> None:
        said = rea_lint("config", "sevrity")
        assert (said.code, said.err) == (
            2,
            "rea-lint: error: there is no option `sevrity` (did you mean `severity`?); `rea-lint config` shows all of them\n",
        )


class TestInit:
    def test_writes_what_is_not_there(self, rea_lint: Run) -> None:
        said = rea_lint("init", "--ci", "github", files={"app.py": APP, ".git/HEAD": ""})
        assert said.code == 0
        for name in ("rea-lint.toml", ".pre-commit-config.yaml", ".github/workflows/rea-lint.yml"):
            assert Path(name).is_file()
            assert f"+++ {name}" in said.out
            assert f"Wrote {name}." in said.err
        assert not Path("AGENTS.md").exists()
        assert rea_lint("check", "--exit-zero").code == 0

    def test_is_content_with_what_is_there(self, rea_lint: Run) -> None:
        rea_lint("init", "--agents", "--ci", "gitlab", files={".git/HEAD": ""})
        said = rea_lint("init", "--agents")
        assert (said.code, said.out, said.err) == (0, "", "Nothing to write: it is all there.\n")

    def test_shows_and_writes_nothing(self, rea_lint: Run) -> None:
        said = rea_lint("init", "--diff", "--agents", files={"pyproject.toml": "[project]\nname = 'x'\n"})
        assert "+[tool.rea-lint]" in said.out
        assert sorted(path.name for path in Path().iterdir()) == ["pyproject.toml"]

    @pytest.mark.skipif(os.name == "nt", reason="links are for administrators")
    def test_says_what_cannot_be_written(self, rea_lint: Run) -> None:
        rea_lint("init", "--diff")
        Path(".pre-commit-config.yaml").symlink_to("nowhere/file")
        said = rea_lint("init")
        assert said.code == 2
        assert said.err.endswith(
            f"rea-lint: error: {Path.cwd() / '.pre-commit-config.yaml'}: cannot be written: No such file or directory\n"
        )

    def test_changes_nothing_unasked(self, rea_lint: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        files = {"pyproject.toml": "[project]\nname = 'x'\n"}
        said = rea_lint("init", files=files)
        assert (said.code, said.err) == (
            2,
            "rea-lint: error: pyproject.toml is there, and nobody to ask whether to change it; `--yes` says so\n",
        )
        monkeypatch.setattr("sys.stdin.isatty", lambda: True)
        monkeypatch.setattr("click.confirm", lambda *_, **__: False)
        assert "Left pyproject.toml as it is." in rea_lint("init", files=files).err
        assert Path("pyproject.toml").read_text() == files["pyproject.toml"]

    def test_adds_to_what_is_there(self, rea_lint: Run) -> None:
        files = {
            "pyproject.toml": "[project]\nname = 'x'\n",
            ".pre-commit-config.yaml": "repos:\n- repo: local\n  hooks:\n  - id: x\n\n# the end\nci:\n  skip: []\n",
            ".gitlab-ci.yml": "stages: [test]\n",
            "AGENTS.md": "# Agents\n",
            ".claude/settings.json": '{"model": "opus", "hooks": {"PostToolUse": [{"matcher": "Bash", "hooks": []}]}}',
        }
        assert rea_lint("init", "--yes", "--agents", files=files).code == 0
        assert Path("pyproject.toml").read_text().startswith("[project]\nname = 'x'\n\n[tool.rea-lint]\n")
        lines = Path(".pre-commit-config.yaml").read_text().splitlines()
        assert lines[4:8] == ["- repo: https://github.com/rea-lint/rea-lint", lines[5], "  hooks:", "    - id: rea-lint"]
        assert lines[8:] == ["", "# the end", "ci:", "  skip: []"]
        assert Path(".gitlab-ci.yml").read_text().startswith("stages: [test]\n\nrea-lint:\n  image: ")
        assert Path("AGENTS.md").read_text().startswith("# Agents\n\n## Restate handlers\n")
        settings = json.loads(Path(".claude/settings.json").read_text())
        assert settings["model"] == "opus"
        assert [hook["matcher"] for hook in settings["hooks"]["PostToolUse"]] == ["Bash", "Edit|MultiEdit|Write"]

    def test_keeps_line_ends(self, rea_lint: Run) -> None:
        rea_lint("init", "--yes", files={"AGENTS.md": "# Agents\r\n"} | {"pyproject.toml": "[tool.rea-lint]\n"})
        rea_lint("init", "--yes", "--agents")
        data = Path("AGENTS.md").read_bytes()
        assert data.count(b"\n") == data.count(b"\r\n") > 3

    @pytest.mark.parametrize(
        ("files", "words"),
        [
            ({".pre-commit-config.yaml": "repos: []\n"}, ".pre-commit-config.yaml: its `repos:` is no plain list; add this yourself:"),
            ({"pyproject.toml": "[tool"}, "pyproject.toml:1: not TOML: "),
            ({".claude/settings.json": "[]"}, ".claude/settings.json: not the settings of Claude Code: "),
        ],
    )
    def test_says_what_it_cannot_read_and_writes_nothing(self, rea_lint: Run, files: Mapping[str, str], words: str) -> None:
        said = rea_lint("init", "--agents", "--yes", files=files)
        assert said.code == 2
        assert words in said.err
        assert {path.as_posix() for path in Path().rglob("*") if path.is_file()} == set(files)

    @pytest.mark.parametrize(
        ("files", "host"),
        [
            ({".gitlab-ci.yml": "", ".github/x": ""}, ".gitlab-ci.yml"),
            ({".git/config": "url = git@gitlab.com:a/b"}, ".gitlab-ci.yml"),
            ({".git/config": "url = git@github.com:a/b"}, ".github/workflows/rea-lint.yml"),
            ({".github/x": ""}, ".github/workflows/rea-lint.yml"),
        ],
    )
    def test_sees_the_host(self, rea_lint: Run, files: Mapping[str, str], host: str) -> None:
        rea_lint("init", "--yes", files=files)
        assert "rea-lint check" in Path(host).read_text()

    def test_the_hook_tells_the_agent(self, rea_lint: Run) -> None:
        rea_lint("init", "--agents", files={"app.py": APP, "clean.py": "import restate\n", "notes.md": ""})
        command = json.loads(Path(".claude/settings.json").read_text())["hooks"]["PostToolUse"][0]["hooks"][0]["command"]

        def hook(path: str, *folders: str) -> tuple[int, str]:
            environment = {**os.environ, "CLAUDE_PROJECT_DIR": str(Path.cwd()), "PATH": os.pathsep.join((*folders, "/usr/bin", "/bin"))}
            edit = json.dumps({"tool_name": "Edit", "tool_input": {"file_path": str(Path(path).resolve())}})
            done = subprocess.run(command, shell=True, input=edit, capture_output=True, text=True, env=environment, check=False)
            return done.returncode, done.stderr

        ours = str(Path(sys.executable).parent)
        code, said = hook("app.py", ours)
        assert code == 2
        assert "REA101" in said
        assert hook("clean.py", ours) == hook("notes.md", ours) == (0, "")
        assert hook("app.py") == (1, "rea-lint is not on the PATH: edits are not linted\n")


class TestDoctor:
    def off(self, said: Said) -> dict[str, str]:
        return {check["name"]: check["says"] for check in json.loads(said.out) if not check["ok"]}

    def test_is_content(self, rea_lint: Run) -> None:
        said = rea_lint(
            "doctor",
            files={
                "app.py": APP,
                "test_app.py": TEST.replace("OPTION", "always_replay=True"),
                "ruff.toml": "lint.external = ['REA']",
                "rea-lint.toml": "sdk-version = '1.2.0'",
            },
        )
        assert said.code == 0, said.out
        assert said.out.splitlines()[0] == f"ok   restate-sdk: 1.2.0 ({Path.cwd()}/rea-lint.toml:1)"
        assert said.err == f"Looked at 7 things in {Path.cwd()}: nothing off.\n"

    def test_names_what_is_off(self, rea_lint: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("rea_lint.config.detect", lambda *_: __import__("rea_lint.sdk").sdk.NEWEST_KNOWN)
        files = {
            "app.py": "import restate  # rea-lint: ignore[wall-clok] why\nx = 1  # noqa: REA998\n",
            "test_app.py": TEST.replace("OPTION", "always_replay=False"),
            "pyproject.toml": "[tool.ruff]\nlint.select = ['ALL']\n[tool.rea-lint]\n",
            "rea-lint.toml": "baseline = 'accepted.txt'",
            "a/rea-lint.toml": "sdk-version = '1.0.0'",
        }
        said = rea_lint("doctor", "--output-format", "json", files=files)
        assert said.code == 1
        assert self.off(said) == {
            "restate-sdk": "its version is not found, so 1.3.0 is assumed",
            "handlers": "none is found, so there is nothing to lint",
            "tests": "none of 1 test harnesses replays handlers, so no test sees what breaks on replay",
            "configuration": "`sdk-version` in a/rea-lint.toml is not read: it is an option of the run",
            "comments": "no rule has these codes: app.py:1: `wall-clok` (did you mean `wall-clock`?); app.py:2: `REA998` (codes with `REA9` are `REA901` to `REA958`)",
            "baseline": f"{Path.cwd()}/rea-lint.toml:1: there is no file {Path.cwd()}/accepted.txt",
            "ruff": "pyproject.toml does not know our codes: RUF100 and RUF102 delete `# noqa: REA101`",
        }
        text = rea_lint("doctor").out
        assert "off  configuration: rea-lint.toml hides `[tool.rea-lint]` of the pyproject.toml beside it" in text

    @pytest.mark.parametrize("external", ["external = ['REA']", "lint.external = ['REA']", "[lint]\nexternal = ['V', 'R']"])
    def test_knows_the_ways_to_tell_ruff(self, rea_lint: Run, external: str) -> None:
        assert "ruff" not in self.off(rea_lint("doctor", "--output-format", "json", files={"ruff.toml": external, "app.py": APP}))

    def test_no_test_at_all_is_off(self, rea_lint: Run) -> None:
        said = rea_lint("doctor", "--output-format", "json", files={"app.py": APP})
        assert self.off(said) == {"tests": "no test uses the harness of restate-sdk, so no test sees what breaks on replay"}
