"""Rules of the user's own: found, selected, silenced and run as ours are, and only where the user asks for them."""

from __future__ import annotations

import re
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from rea_lint import engine, registry
from rea_lint.cli import run
from rea_lint.config import FORMATS, Config, UserError, load
from rea_lint.discovery import discover
from rea_lint.testing import check, page_problems, problems

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Write = Callable[[Mapping[str, str | bytes]], Path]

EXAMPLE = Path(__file__).parents[1] / "examples" / "own_rules"
RULE = '''
from rea_lint.diagnostic import Finding, Severity
from rea_lint.project import Handler, Project
from rea_lint.rule import rule


@rule("ACME001", "short-name", Severity.WARNING)
def short_name(handler: Handler, project: Project):
    """A handler has a short name."""
    if len(handler.name) < 3:
        yield Finding(handler.span, f"`{handler.name}` is short.")
'''
APP = """import restate

shop = restate.Service("shop")


@shop.handler()
async def go(ctx: restate.Context) -> None: ...
"""


def project(tree: Write, rules: str = RULE, app: str = APP, config: str = "", **more: str) -> Path:
    return tree({"rea-lint.toml": f"rules = ['./lint_rules']\n{config}", "lint_rules/names.py": rules, "app.py": app, **more})


def found(root: Path, *, trusted: bool = True) -> list[str]:
    """`app.py ACME001` for each finding."""
    discovery = discover([root], load(root, trusted=trusted))
    report = engine.check(discovery.files, discovery.config, discovery.reported)
    assert not report.errors
    return [f"{Path(d.path).name} {d.code} {d.severity}" for d in report.diagnostics]


class TestWhereTheyAre:
    def test_in_a_folder(self, tree: Write) -> None:
        assert found(project(tree)) == ["app.py ACME001 warning"]

    def test_in_a_file(self, tree: Write) -> None:
        root = project(tree)
        (root / "rea-lint.toml").write_text("rules = ['lint_rules/names.py']")
        assert found(root) == ["app.py ACME001 warning"]

    def test_in_a_module_that_can_be_imported(self, tree: Write, monkeypatch: pytest.MonkeyPatch) -> None:
        root = tree(
            {
                "lib/acme_rules_a/names.py": RULE,
                "lib/acme_rules_a/__init__.py": "",
                "app.py": APP,
                "rea-lint.toml": "rules = ['acme_rules_a']",
            }
        )
        monkeypatch.syspath_prepend(str(root / "lib"))
        assert found(root) == ["app.py ACME001 warning"]

    def test_in_an_installed_distribution(self, tree: Write) -> None:
        root = tree(
            {
                "env/site-packages/acme_rules.py": RULE,
                "env/site-packages/acme-1.0.dist-info/entry_points.txt": "[console_scripts]\nacme = acme:main\n\n[rea_lint.rules]\nacme = acme_rules\n",
                "code/app.py": APP,
                "code/rea-lint.toml": "",
            }
        )
        code = f"import sys; sys.path.append({str(root / 'env/site-packages')!r}); from rea_lint.cli import main; main(['check', '--output-format=concise'])"
        run = subprocess.run([sys.executable, "-c", code], cwd=root / "code", capture_output=True, text=True, check=False)
        assert (run.returncode, run.stdout) == (1, "app.py:7:11: ACME001 `go` is short.\n"), run.stderr

    def test_modules_of_a_folder_import_each_other(self, tree: Write) -> None:
        rules = RULE.replace("from rea_lint.project", "from .lengths import SHORT\nfrom rea_lint.project").replace("< 3", "< SHORT")
        assert found(project(tree, rules, **{"lint_rules/lengths.py": "SHORT = 3"})) == ["app.py ACME001 warning"]
        inside = {"lint_rules/inner/lengths.py": "SHORT = 3", "lint_rules/__init__.py": "from .inner import lengths"}
        assert found(project(tree, rules.replace(".lengths", ".inner.lengths"), **inside)) == ["app.py ACME001 warning"]

    def test_not_in_what_a_folder_below_says(self, tree: Write) -> None:
        root = tree({".git/HEAD": "", "a/rea-lint.toml": "rules = ['./r']", "a/r/names.py": "raise SystemExit", "a/app.py": APP})
        assert found(root) == []

    def test_not_in_a_folder_that_is_not_trusted_though_its_words_are_known(self, tree: Write) -> None:
        root = project(tree, "raise SystemExit\n" + RULE, config="extend-select = ['ACME001', 'short-name']")
        assert found(root, trusted=False) == []


class TestLikeOurs:
    @pytest.mark.parametrize(
        "config",
        [
            "ignore = ['ACME001']",
            "ignore = ['short-name']",
            "ignore = ['ACME']",
            "select = ['REA']",
            "per-file-ignores = { 'app.py' = ['ACME'] }",
        ],
    )
    def test_they_are_left_out(self, tree: Write, config: str) -> None:
        assert found(project(tree, config=config)) == []

    def test_they_are_selected_and_have_a_severity(self, tree: Write) -> None:
        assert found(project(tree, config="select = ['ACME']\nseverity = { ACME = 'info' }")) == ["app.py ACME001 info"]

    def test_they_can_be_off_by_default(self, tree: Write) -> None:
        off = RULE.replace("Severity.WARNING)", "Severity.WARNING, default=False)")
        assert found(project(tree, off)) == []
        assert found(project(tree, off, config="extend-select = ['ACME']")) == ["app.py ACME001 warning"]

    @pytest.mark.parametrize("word", ["ACME001", "short-name"])
    def test_they_are_silenced(self, tree: Write, word: str) -> None:
        assert found(project(tree, app=APP.replace(": ...", f": ...  # rea-lint: ignore[{word}] it is what it is called"))) == []

    def test_a_comment_that_silences_nothing_is_found(self, tree: Write) -> None:
        app = APP.replace(" go(", " going(").replace(": ...", ": ...  # rea-lint: ignore[ACME001]")
        assert found(project(tree, app=app)) == ["app.py REA002 info"]

    def test_their_address_is_the_one_that_they_name(self, tree: Write) -> None:
        root = project(tree, RULE.replace("Severity.WARNING)", "Severity.WARNING, docs='https://acme.example')"))
        (rule,) = registry.load({"ACME001"}, load(root))
        assert engine.page_url(rule) == "https://acme.example"

    def test_or_else_that_of_their_file(self, tree: Write) -> None:
        root = project(tree)
        (rule,) = registry.load({"ACME001"}, load(root))
        assert engine.page_url(rule) == (root / "lint_rules" / "names.py").as_uri()

    @pytest.mark.parametrize("form", FORMATS)
    def test_they_are_reported_in_every_format(
        self, tree: Write, form: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.chdir(project(tree))
        assert run(["check", "--no-cache", "--output-format", form]) == 1
        assert "ACME001" in capsys.readouterr().out


class TestMistakes:
    @pytest.mark.parametrize(
        ("rules", "message"),
        [
            (RULE.replace("ACME001", "REA999"), r"names\.py: REA999 \(short-name\): the code of a rule of your own is a prefix of yours"),
            (
                RULE.replace("ACME001", "REA101"),
                r"names\.py: `REA101` \(short-name\): `REA101` is taken by a rule in rea_lint\.rules\.values",
            ),
            (RULE.replace("short-name", "wall-clock"), r"names\.py: `ACME001` \(wall-clock\): `wall-clock` is taken by a rule in rea_lint"),
            (RULE.replace("short-name", "ShortName"), r"names\.py: ACME001 \(ShortName\): the name is not in kebab case"),
            (RULE.replace('"""A handler has a short name."""', ""), r"names\.py: ACME001 \(short-name\): the page is empty"),
            (RULE.replace("handler: Handler", "handler: int"), r"names\.py: ACME001 \(short-name\): it looks at <class 'int'>"),
            (RULE.replace('"ACME001"', "CODE"), r"names\.py:7: rules are read from the text: decorate a function"),
            (RULE + "\n1 / 0\n", r"names\.py: these rules cannot be imported: ZeroDivisionError: division by zero"),
            (RULE + "\n1 /\n", r"names\.py: rules cannot be read from it: SyntaxError: invalid syntax"),
            (
                RULE.replace("from rea_lint.project import Handler, Project\n", "from __future__ import annotations\n"),
                r"names\.py: .*__future__",
            ),
            (RULE.replace('"ACME001"', '"ACME" "001"').replace("@rule(", "@rule(code="), r"names\.py: .*SyntaxError"),
        ],
    )
    def test_name_the_file(self, tree: Write, rules: str, message: str) -> None:
        with pytest.raises(UserError, match=message):
            found(project(tree, rules))

    def test_a_rule_that_cannot_be_read_is_said(self, tree: Write) -> None:
        hidden = RULE.replace("@rule(", "ACME = rule(").replace("Severity.WARNING)\n", "Severity.WARNING)\n@ACME\n")
        with pytest.raises(UserError, match=r"names\.py: ACME001: rules are read from the text: decorate a function with `@rule"):
            found(
                project(
                    tree, hidden + RULE.replace("ACME001", "ACME002").replace("short-name", "other-name").replace("def short", "def other")
                )
            )

    def test_what_a_rule_looks_at_has_to_be_imported(self, tree: Write) -> None:
        hidden = RULE.replace(
            "\nfrom rea_lint.project import", "\nfrom typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from rea_lint.project import"
        )
        with pytest.raises(UserError, match=r"names\.py: NameError: name 'Handler' is not defined"):
            found(project(tree, "from __future__ import annotations\n" + hidden.lstrip()).resolve())

    @pytest.mark.parametrize(
        ("word", "message"),
        [
            ("./nowhere", r"rea-lint\.toml:1: `rules`: there is no file or folder .*nowhere"),
            ("acme_nowhere", r"rea-lint\.toml:1: `rules`: there is no module `acme_nowhere`; a path begins with `\./`"),
            ("acme_nowhere.rules", r"rea-lint\.toml:1: `rules`: `acme_nowhere\.rules` cannot be imported: ModuleNotFoundError"),
        ],
    )
    def test_of_the_option_name_its_line(self, tree: Write, word: str, message: str) -> None:
        with pytest.raises(UserError, match=message):
            registry.index(load(tree({"rea-lint.toml": f"rules = ['{word}']"})))


class TestTheExample:
    def test_its_pages_are_true(self) -> None:
        assert page_problems(EXAMPLE / "lint_rules") == []

    def test_it_finds_what_it_says(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        monkeypatch.chdir(EXAMPLE)
        assert run(["check", "--output-format", "concise"]) == 1
        assert [line.split()[1] for line in capsys.readouterr().out.splitlines()] == ["ACME002", "ACME001"]

    def test_its_rules_are_shown_and_tested(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        monkeypatch.chdir(EXAMPLE)
        assert run(["rule", "message-without-key"]) == 0
        assert capsys.readouterr().out.startswith("# ACME001 message-without-key (warning)\n\nA message is sent without")
        assert run(["rule", "--test"]) == 0
        assert capsys.readouterr().err == "Tested 2 rules: 0 problems.\n"


def test_the_documentation_s_rule_finds_what_the_documentation_s_program_says(tree: Write) -> None:
    text = (EXAMPLE.parents[1] / "docs" / "own-rules.md").read_text()
    rule, program = (
        re.search(rf"{start}(.*?)^```$", text, re.MULTILINE | re.DOTALL) for start in ("^```python\n", "^````markdown\n```python\n")
    )
    assert rule
    assert program
    root = tree({"lint_rules/idempotency.py": rule[1]})
    assert problems(check({"app.py": program[1]}, rules=(str(root / "lint_rules"),))) == []


def test_a_page_that_lies_is_told(tree: Write) -> None:
    page = f'"""A handler has a short name.\n\n    ```python\n{textwrap.indent(APP, "    ")}    ```\n    """'
    root = project(tree, RULE.replace('"""A handler has a short name."""', page))
    (problem,) = page_problems(root / "lint_rules")
    assert problem == "ACME001, the program in line 4 of the page: not expected: app.py:7 ACME001 warning: `go` is short."
    assert page_problems(project(tree) / "lint_rules" / "names.py")[0].startswith("ACME001: the page has no example")


def test_without_rules_of_ones_own_there_are_ours(tmp_path: Path) -> None:
    assert all(entry.code.startswith("REA") for entry in registry.index(Config(tmp_path)))
