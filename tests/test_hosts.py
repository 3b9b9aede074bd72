"""rea-lint in the tools that it works in, each run for real: `just hosts`."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import tomli

from hosts import hosting
from hosts.hosting import APP, REPOSITORY, committed, done, npm, published, run, tool, wheel
from hosts.language_client import Client

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Write = Callable[[Mapping[str, str | bytes]], Path]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif("REA_LINT_HOSTS" not in os.environ, reason="installs tools from PyPI and npm: `just hosts`"),
]
SCHEMA = REPOSITORY / "src" / "rea_lint" / "config.schema.json"
SAFE = "    key = str(uuid.uuid4())\n"
FIXABLE = APP.replace("import time", "import uuid").replace(
    '    if time.time() > 0:\n        await ctx.run_typed("pay", len, args=(item,))\n', SAFE
)


@pytest.fixture(scope="session")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return published(tmp_path_factory.mktemp("published"))


def yaml(text: str) -> Any:
    """What a text in YAML says."""
    code = "import json, sys, ruamel.yaml; json.dump(ruamel.yaml.YAML(typ='safe').load(sys.stdin), sys.stdout)"
    ran = run(tool("tools", "python"), "-c", code, text=text)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


@pytest.mark.parametrize("name", ["pre-commit", "prek"])
class TestHooks:
    def test_finds(self, name: str, repository: Path, tree: Write, tmp_path: Path) -> None:
        root = committed(tree({"app.py": APP, "notes.md": "x"}))
        home = {"PRE_COMMIT_HOME": str(tmp_path / "home"), "PREK_HOME": str(tmp_path / "home")}
        ran = run(tool("tools", name), "try-repo", repository, "rea-lint", "--all-files", "--verbose", cwd=root, **home)
        assert ran.returncode == 1, ran.stdout + ran.stderr
        assert "REA101" in ran.stdout
        assert "Checked 1 file, 1 handler in 1 service: 1 error" in ran.stdout

    def test_fixes(self, name: str, repository: Path, tree: Write, tmp_path: Path) -> None:
        root = committed(tree({"app.py": FIXABLE}))
        home = {"PRE_COMMIT_HOME": str(tmp_path / "home"), "PREK_HOME": str(tmp_path / "home")}
        ran = run(tool("tools", name), "try-repo", repository, "rea-lint-fix", "--all-files", cwd=root, **home)
        assert "ctx.uuid()" in (root / "app.py").read_text(), ran.stdout + ran.stderr
        assert ran.returncode == 1  # since files were changed

    def test_is_not_run_where_no_python_file_is_committed(self, name: str, repository: Path, tree: Write, tmp_path: Path) -> None:
        root = committed(tree({"notes.md": "x"}))
        home = {"PRE_COMMIT_HOME": str(tmp_path / "home"), "PREK_HOME": str(tmp_path / "home")}
        ran = run(tool("tools", name), "try-repo", repository, "rea-lint", "--all-files", cwd=root, **home)
        assert (ran.returncode, "Skipped" in ran.stdout) == (0, True), ran.stdout + ran.stderr


def test_the_manifest_of_the_hooks_is_valid() -> None:
    done(tool("tools", "pre-commit"), "validate-manifest", REPOSITORY / ".pre-commit-hooks.yaml")


class TestFlake8:
    def test_reports_what_we_find(self, tree: Write) -> None:
        root = tree({"app.py": APP, "shop/__init__.py": "", "shop/other.py": "x = 1\n", "rea-lint.toml": ""})
        ran = run(tool("flake8", "flake8"), cwd=root)
        assert ran.stdout.startswith("./app.py:10:8: REA101 `time.time` gives another value"), ran.stdout + ran.stderr
        assert ran.stdout.count("REA101") == 1

    def test_in_several_processes(self, tree: Write) -> None:
        names = [f"app{i}.py" for i in range(4)]
        root = tree({name: APP.replace('"shop"', f'"shop{name[3]}"') for name in names} | {"rea-lint.toml": ""})
        ran = run(tool("flake8", "flake8"), "-j2", "--select=REA101", cwd=root)
        assert [line.split(":")[0] for line in ran.stdout.splitlines()] == [f"./{name}" for name in names], ran.stdout + ran.stderr

    def test_what_is_named_does_not_change_what_is_found(self, tree: Write) -> None:
        helper = "import time\n\n\ndef now() -> float:\n    return time.time()\n"
        app = APP.replace("import time\n", "from clock import now\n").replace("time.time()", "now()")
        root = tree({"app.py": app, "clock.py": helper, "rea-lint.toml": ""})
        ran = run(tool("flake8", "flake8"), "--select=REA", "app.py", cwd=root)
        assert ran.stdout.startswith("app.py:10:8: REA101 `clock.now` calls `time.time`"), ran.stdout + ran.stderr

    def test_noqa_silences(self, tree: Write) -> None:
        root = tree({"app.py": APP.replace("> 0:", "> 0:  # noqa: REA101"), "rea-lint.toml": ""})
        assert run(tool("flake8", "flake8"), cwd=root).stdout == ""

    @pytest.mark.parametrize("name", ["app.py", "not_there.py"])
    def test_reads_stdin(self, tree: Write, name: str) -> None:
        root = tree({"app.py": "import restate\n", "rea-lint.toml": ""})
        ran = run(tool("flake8", "flake8"), "--stdin-display-name", name, "-", cwd=root, text=APP)
        assert ran.stdout.startswith(f"{name}:10:8: REA101"), ran.stdout + ran.stderr

    def test_says_what_is_wrong_with_our_configuration(self, tree: Write) -> None:
        ran = run(tool("flake8", "flake8"), cwd=tree({"app.py": APP, "rea-lint.toml": "selct = []"}))
        assert ran.returncode == 1
        assert "rea-lint.toml:1: unknown key `selct` (did you mean `select`?)" in ran.stderr


class TestPylsp:
    def test_shows_findings_and_fixes_while_one_types(self, tree: Write) -> None:
        root = tree({"app.py": FIXABLE, "rea-lint.toml": ""})
        uri = (root / "app.py").as_uri()
        with Client(tool("pylsp", "pylsp"), root) as client:
            client.open(uri, FIXABLE)
            (shown,) = client.diagnostics(uri, "rea-lint")
            assert shown["code"] == "REA103"
            assert shown["range"]["start"] == {"line": 9, "character": 14}
            assert shown["severity"] == 3  # it goes nowhere
            actions = client.request(
                "textDocument/codeAction", {"textDocument": {"uri": uri}, "range": shown["range"], "context": {"diagnostics": [shown]}}
            )
            titles = [action["title"] for action in actions]
            assert any("ctx.uuid()" in title for title in titles), titles
            assert "Disable REA103 (native-uuid) for this line" in titles
            fix = next(action for action in actions if "ctx.uuid()" in action["title"])
            assert "ctx.uuid()" in json.dumps(fix["edit"]["changes"][uri])
            client.change(uri, FIXABLE.replace("uuid.uuid4()", "ctx.uuid()"))
            assert client.diagnostics(uri, "rea-lint") == []
            client.change(uri, FIXABLE.replace("    key", '    "𝄞"; key'))
            (moved,) = client.diagnostics(uri, "rea-lint")
            assert moved["range"]["start"]["character"] == 14 + len('"𝄞"; ') + 1  # UTF-16: two for one

    def test_says_what_is_wrong_with_our_configuration(self, tree: Write) -> None:
        root = tree({"app.py": APP, "rea-lint.toml": "selct = []"})
        uri = (root / "app.py").as_uri()
        with Client(tool("pylsp", "pylsp"), root) as client:
            client.open(uri, APP)
            (shown,) = client.diagnostics(uri, "rea-lint")
            assert "unknown key `selct`" in shown["message"]


class TestGithub:
    def test_the_action_is_valid(self) -> None:
        done(tool("tools", "check-jsonschema"), "--builtin-schema", "vendor.github-actions", REPOSITORY / "action.yml")
        done(tool("tools", "zizmor"), "--offline", "--persona", "pedantic", REPOSITORY / "action.yml")

    def test_its_steps_lint(self, repository: Path, tree: Write, tmp_path: Path) -> None:
        """The two scripts, in a shell as the runner starts it."""
        root = tree({"app.py": APP, "rea-lint.toml": ""})
        steps = yaml((REPOSITORY / "action.yml").read_text())["runs"]["steps"]
        given = {"RUNNER_TEMP": str(tmp_path), "GITHUB_ACTION_PATH": str(repository), "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md")}
        inputs = {"VERSION": "", "ARGS": "--extend-select REA2 --no-cache", "LINT_PATH": "app.py", "SARIF": str(tmp_path / "out.sarif")}
        install, lint = (
            run("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"], cwd=root, **given, **inputs) for step in steps[:2]
        )
        assert install.returncode == 0, install.stderr
        assert lint.returncode == 1, lint.stderr
        assert lint.stdout.startswith("::error "), lint.stdout
        assert "REA101" in (tmp_path / "summary.md").read_text()
        assert json.loads((tmp_path / "out.sarif").read_text())["runs"][0]["results"][0]["ruleId"] == "REA101"

    def test_what_init_writes_is_valid(self, tree: Write) -> None:
        root = tree({".git/HEAD": ""})
        done(sys.executable, "-m", "rea_lint", "init", "--ci", "github", cwd=root, PYTHONPATH=str(REPOSITORY / "src"))
        workflow = root / ".github" / "workflows" / "rea-lint.yml"
        done(tool("tools", "check-jsonschema"), "--builtin-schema", "vendor.github-workflows", workflow)
        done(tool("tools", "zizmor"), "--offline", workflow)
        done(tool("tools", "pre-commit"), "validate-config", root / ".pre-commit-config.yaml")


class TestGitlab:
    def test_the_template_is_valid(self) -> None:
        template = REPOSITORY / "templates" / "rea-lint.gitlab-ci.yml"
        done(tool("tools", "check-jsonschema"), "--builtin-schema", "vendor.gitlab-ci", "--data-transform", "gitlab-ci", template)

    def test_what_init_writes_is_valid(self, tree: Write) -> None:
        root = tree({".gitlab-ci.yml": "stages: [test]\n"})
        done(sys.executable, "-m", "rea_lint", "init", "--yes", cwd=root, PYTHONPATH=str(REPOSITORY / "src"))
        done(tool("tools", "check-jsonschema"), "--builtin-schema", "vendor.gitlab-ci", root / ".gitlab-ci.yml")

    def test_its_script_lints(self, tree: Write) -> None:
        root = tree({"app.py": APP, "rea-lint.toml": ""})
        script = yaml((REPOSITORY / "templates" / "rea-lint.gitlab-ci.yml").read_text())["rea-lint"]["script"][-1]
        path = f"{tool('flake8', 'rea-lint').parent}{os.pathsep}{os.environ['PATH']}"
        ran = run("sh", "-ec", script, cwd=root, PATH=path, REA_LINT_ARGS="--select REA1 --no-cache")
        assert ran.returncode == 1, ran.stderr
        assert json.loads((root / "gl-code-quality-report.json").read_text())[0]["check_name"] == "REA101"


class TestWheel:
    @pytest.mark.parametrize("command", [("uvx", "--from"), ("pipx", "run", "--spec")])
    def test_is_run_without_being_installed(self, command: tuple[str, ...], tree: Write, tmp_path: Path) -> None:
        root = tree({"app.py": APP, "rea-lint.toml": ""})
        home = {"PIPX_HOME": str(tmp_path / "pipx"), "UV_TOOL_DIR": str(tmp_path / "uv")}
        start: tuple[str | Path, ...] = (tool("tools", command[0]), *command[1:], wheel(), "rea-lint")
        assert re.fullmatch(r"rea-lint \d+\.\d+\.\d+\n", done(*start, "--version", cwd=root, **home))
        ran = run(*start, "check", "--output-format", "concise", "--no-cache", cwd=root, **home)
        assert (ran.returncode, ran.stdout.startswith("app.py:10:8: REA101")) == (1, True), ran.stdout + ran.stderr
        assert done(*start, "rule", "wall-clock", cwd=root, **home).startswith("# REA101 wall-clock")
        schema = "import rea_lint.schema, pathlib; print((pathlib.Path(rea_lint.schema.__file__).parent / 'config.schema.json').is_file())"
        assert done(tool("flake8", "python"), "-c", schema) == "True\n"


class TestSchema:
    GOOD = "select = ['REA1']\nseverity = { REA101 = 'info' }\n"
    BAD = "selct = ['REA1']\n"

    def test_check_jsonschema(self, tree: Write) -> None:
        root = tree({"rea-lint.toml": self.GOOD, "bad/rea-lint.toml": self.BAD})
        check = (tool("tools", "check-jsonschema"), "--schemafile", SCHEMA)
        done(*check, root / "rea-lint.toml")
        done(tool("tools", "check-jsonschema"), "--check-metaschema", SCHEMA)
        ran = run(*check, root / "bad" / "rea-lint.toml")
        assert (ran.returncode, "'selct' was unexpected" in ran.stdout) == (1, True), ran.stdout + ran.stderr

    def test_taplo(self, tree: Write) -> None:
        root = tree(
            {"rea-lint.toml": self.GOOD, "bad/rea-lint.toml": self.BAD, "named/rea-lint.toml": f"#:schema {SCHEMA.as_uri()}\n{self.BAD}"}
        )
        lint = (npm("taplo"), "lint", "--schema", SCHEMA.as_uri())
        done(*lint, root / "rea-lint.toml", cwd=root)
        for command in ((*lint, root / "bad" / "rea-lint.toml"), (npm("taplo"), "lint", root / "named" / "rea-lint.toml")):
            ran = run(*command, cwd=root)
            assert (ran.returncode, "selct" in ran.stderr) == (1, True), ran.stdout + ran.stderr

    def test_validate_pyproject(self, tree: Write) -> None:
        project = "[project]\nname = 'x'\nversion = '1'\n[tool.rea-lint]\n"
        root = tree({"pyproject.toml": project + self.GOOD, "bad/pyproject.toml": project + self.BAD})
        validate = tool("validate-pyproject", "validate-pyproject")
        done(validate, root / "pyproject.toml")
        ran = run(validate, root / "bad" / "pyproject.toml")
        assert (ran.returncode, "`tool.rea-lint` must not contain {'selct'} properties" in ran.stdout + ran.stderr) == (1, True), (
            ran.stdout + ran.stderr
        )


SNIPPET = re.compile(r"^<!-- (?P<host>[\w-]+) -->\n```(?P<language>\w+)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)
PAGE = REPOSITORY / "docs" / "integrations.md"
"""A snippet has the name of its host in a comment above it."""


def test_every_snippet_is_of_a_host_that_is_tested() -> None:
    text = PAGE.read_text()
    assert text.count("```") == 2 * len(list(SNIPPET.finditer(text)))
    assert {match["host"] for match in SNIPPET.finditer(text)} <= CHECKS.keys()


@pytest.mark.parametrize("at", range(len(list(SNIPPET.finditer(PAGE.read_text())))))
def test_a_snippet_does_what_it_says(at: int, tree: Write) -> None:
    match = list(SNIPPET.finditer(PAGE.read_text()))[at]
    CHECKS[match["host"]](match["code"], tree)


def _pre_commit(code: str, tree: Write) -> None:
    done(tool("tools", "pre-commit"), "validate-config", tree({".pre-commit-config.yaml": code}) / ".pre-commit-config.yaml")
    (ours,) = (each for each in yaml(code)["repos"] if "rea-lint" in each["repo"])
    ids = {hook["id"] for hook in yaml((REPOSITORY / ".pre-commit-hooks.yaml").read_text())}
    assert {hook["id"] for hook in ours["hooks"]} <= ids


def _workflow(code: str, tree: Write) -> None:
    path = tree({".github/workflows/rea-lint.yml": code}) / ".github/workflows/rea-lint.yml"
    done(tool("tools", "check-jsonschema"), "--builtin-schema", "vendor.github-workflows", path)
    inputs = yaml((REPOSITORY / "action.yml").read_text())["inputs"]
    for job in yaml(code)["jobs"].values():
        for step in job["steps"]:
            if "rea-lint/rea-lint@" in step.get("uses", ""):
                assert step.get("with", {}).keys() <= inputs.keys()


def _gitlab(code: str, tree: Write) -> None:
    done(tool("tools", "check-jsonschema"), "--builtin-schema", "vendor.gitlab-ci", tree({".gitlab-ci.yml": code}) / ".gitlab-ci.yml")


def _shell(code: str, tree: Write) -> None:
    """Each line is a command that works, or finds something, in a project with one finding."""
    root = committed(tree({"app.py": APP, "rea-lint.toml": ""}))
    folders = [str(tool(name, "python").parent) for name in ("tools", "flake8")]
    for line in code.splitlines():
        command = line.partition("  #")[0].replace("--from rea-lint", f"--from {wheel()}").replace("--spec rea-lint", f"--spec {wheel()}")
        ran = run("bash", "-c", command, cwd=root, PATH=os.pathsep.join((*folders, os.environ["PATH"])))
        assert ran.returncode in {0, 1}, f"{command}\n{ran.stdout}{ran.stderr}"


def _install(code: str, _tree: Write) -> None:
    """The names that are installed have to be those that the other tests install."""
    known = {re.split(r"[\[<=>]", name)[0] for names in hosting.ENVIRONMENTS.values() for name in names}
    for line in code.splitlines():
        assert set(line.removeprefix("pip install ").split()) <= known


def _flake8(code: str, tree: Write) -> None:
    ran = run(tool("flake8", "flake8"), cwd=tree({".flake8": code, "app.py": APP, "rea-lint.toml": ""}))
    assert "REA101" in ran.stdout, ran.stdout + ran.stderr


def _ruff(code: str, tree: Write) -> None:
    assert "REA" in tomli.loads(code)["tool"]["ruff"]["lint"]["external"]
    done(Path(sys.executable).with_name("ruff"), "check", "--isolated", tree({"pyproject.toml": code}))


def _json(code: str, _tree: Write) -> None:
    json.loads(code)


CHECKS: Mapping[str, Callable[[str, Write], None]] = {
    "pre-commit": _pre_commit,
    "github": _workflow,
    "gitlab": _gitlab,
    "shell": _shell,
    "install": _install,
    "flake8": _flake8,
    "ruff": _ruff,
    "settings": _json,
}
