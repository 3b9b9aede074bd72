"""Options: where they are found, what they may be, and what is said of a mistake."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rea_lint.config import DEFAULT_EXCLUDES, FORMATS, OPTIONS, Config, Option, UserError, load
from rea_lint.diagnostic import Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    Write = Callable[[Mapping[str, str | bytes]], Path]


def test_every_option_is_a_field_and_the_default_is_what_it_says(tmp_path: Path) -> None:
    config = Config(root=tmp_path)
    for option in OPTIONS:
        assert getattr(config, option.field) == option.default, option.name
        assert option.check(option.default, tmp_path) == option.default, option.name
    internal = {"root", "source", "values", "origins", "detected", "trusted", "line", "nested"}
    assert set(Config.__struct_fields__) - internal == {option.field for option in OPTIONS}


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_the_example_of_an_option_is_one(option: Option, tree: Write) -> None:
    config = load(tree({"rea-lint.toml": f"{option.name} = {option.example}"}))
    assert getattr(config, option.field) != option.default


def test_all_options_are_read(tree: Write) -> None:
    root = tree(
        {
            "rea-lint.toml": """
select = ["REA1", "bare-except"]
ignore = ["REA105"]
extend-select = ["REA211"]
exclude = ["a"]
extend-exclude = ["b"]
respect-gitignore = false
source-roots = ["lib"]
sdk-version = "0.14.1"
server-version = "1.4.0"
rules = ["./lint_rules", "acme.rules"]
baseline = "accepted.txt"
cache-dir = ".cache"
deterministic = ["shop.ids.*"]
packs = ["lint/ours.toml"]
min-blocking-sleep = 2
output-format = "json"
[per-file-ignores]
"tests/*" = ["REA101"]
[severity]
REA101 = "info"
[effects]
clock = ["shop.now"]
[steps]
"shop.journal" = { position = 1, keyword = "action" }
[contexts]
"shop.Context" = "object"
[handlers]
"shop.handler" = "service"
"""
        }
    )
    config = load(root)
    assert config.select == ("REA1", "bare-except")
    assert config.ignore == ("REA105",)
    assert config.extend_select == ("REA211",)
    assert config.exclude == ("a",)
    assert config.extend_exclude == ("b",)
    assert config.respect_gitignore is False
    assert config.source_roots == (root / "lib",)
    assert config.sdk_version == "0.14.1"
    assert config.server_version == "1.4.0"
    assert config.rules == (str(root / "lint_rules"), "acme.rules")
    assert config.baseline == root / "accepted.txt"
    assert config.cache_dir == root / ".cache"
    assert config.packs == (root / "lint/ours.toml",)
    assert config.min_blocking_sleep == 2.0
    assert config.output_format == "json"
    assert config.per_file_ignores == {"tests/*": ("REA101",)}
    assert config.severity == {"REA101": Severity.INFO}
    assert config.pack == {
        "deterministic": ["shop.ids.*"],
        "effects": {"clock": ["shop.now"]},
        "steps": {"shop.journal": {"position": 1, "keyword": "action"}},
        "contexts": {"shop.Context": "object"},
        "handlers": {"shop.handler": "service"},
    }
    assert config.origins["ignore"] == (str(root / "rea-lint.toml"), 3)
    assert config.origins["severity"].row == 20


class TestDiscovery:
    def test_without_a_file_the_defaults_hold(self, tree: Write) -> None:
        config = load(tree({".git/HEAD": "", "a/b.py": ""}) / "a" / "b.py")
        assert config.source is None
        assert config.exclude == DEFAULT_EXCLUDES
        assert config.root.name == "project"

    def test_the_nearest_file_wins(self, tree: Write) -> None:
        root = tree(
            {
                "pyproject.toml": "[tool.rea-lint]\nignore = ['far']",
                "a/pyproject.toml": "[tool.rea-lint]\nignore = ['near']",
                "a/b/c.py": "",
            }
        )
        config = load(root / "a/b/c.py")
        assert (config.ignore, config.root) == (("near",), root / "a")

    def test_a_pyproject_without_our_table_is_passed_over(self, tree: Write) -> None:
        root = tree({"rea-lint.toml": "ignore = ['far']", "a/pyproject.toml": "[tool.ruff]\n[project]\nname = 'rea-lint'", "a/b.py": ""})
        assert load(root / "a").ignore == ("far",)

    def test_our_own_file_comes_before_pyproject(self, tree: Write) -> None:
        root = tree({"pyproject.toml": "[tool.rea-lint]\nignore = ['shared']", "rea-lint.toml": "ignore = ['own']"})
        assert load(root).ignore == ("own",)

    def test_a_file_can_be_named(self, tree: Write) -> None:
        root = tree({"pyproject.toml": "[tool.rea-lint]\nignore = ['x']", "ci/strict.toml": "ignore = ['y']\nsource-roots = ['lib']"})
        config = load(root, root / "ci/strict.toml")
        assert (config.ignore, config.source_roots, config.root) == (("y",), (root / "ci/lib",), root)

    def test_or_none_be_read(self, tree: Write) -> None:
        assert load(tree({"rea-lint.toml": "ignore = ['x']"}), isolated=True).ignore == ()

    def test_a_file_extends_another_and_its_own_keys_win(self, tree: Write) -> None:
        root = tree(
            {
                "base/rea-lint.toml": "ignore = ['base']\nselect = ['base']\nsource-roots = ['lib']",
                "app/pyproject.toml": "[tool.rea-lint]\nignore = ['app']\nextend = '../base/rea-lint.toml'",
            }
        )
        config = load(root / "app")
        assert (config.ignore, config.select, config.source_roots, config.root) == (("app",), ("base",), (root / "base/lib",), root / "app")

    def test_paths_may_begin_in_the_home_folder_or_with_a_variable(self, tree: Write, monkeypatch: pytest.MonkeyPatch) -> None:
        root = tree({"home/base.toml": "ignore = ['home']", "app/rea-lint.toml": "extend = '~/base.toml'\npacks = ['$TEAM/ours.toml']"})
        monkeypatch.setenv("HOME", str(root / "home"))
        monkeypatch.setenv("TEAM", str(root / "team"))
        config = load(root / "app")
        assert (config.ignore, config.packs) == (("home",), (root / "team/ours.toml",))

    def test_the_command_line_wins_over_inline_options_over_the_file(self, tree: Write) -> None:
        root = tree({"rea-lint.toml": "ignore = ['file']\nselect = ['file']\nextend-select = ['file']"})
        config = load(root, overrides={"ignore": ["line"]}, inline=["ignore = ['inline']", "select = ['inline']"])
        assert (config.ignore, config.select, config.extend_select) == (("line",), ("inline",), ("file",))

    def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(self, tree: Write) -> None:
        assert load(tree({"rea-lint.toml": b"\xef\xbb\xbfignore = ['x']\r\nselect = ['y']\r\n"})).select == ("y",)


class TestMistakes:
    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("selct = []", "1: unknown key `selct` (did you mean `select`?)"),
            ("\nextend_select = []", "2: unknown key `extend_select` (did you mean `extend-select`?)"),
            ("xyz = 1", "1: unknown key `xyz`"),
            ("[severty]\nREA101 = 'info'", "1: unknown key `severty` (did you mean `severity`?)"),
            ("# note\nselect = 'REA1'", '2: `select` takes a list of strings, not "REA1"'),
            ("select = [1]", "1: `select` takes a list of strings, not [1]"),
            ("respect-gitignore = 'no'", '1: `respect-gitignore` takes true or false, not "no"'),
            (
                "[severity]\nREA102 = 'info'\nREA101 = 'eror'",
                '3: `severity` of REA101 takes one of info, warning, error, not "eror" (did you mean `error`?)',
            ),
            ("severity = { REA101 = 3 }", "1: `severity` of REA101 takes one of info, warning, error, not 3"),
            ("severity = true", "1: `severity` takes a table, not true"),
            ("[per-file-ignores]\n'a' = ['x']\n'tests/*' = 'x'", '3: `per-file-ignores` of tests/* takes a list of strings, not "x"'),
            ("min-blocking-sleep = -1", "1: `min-blocking-sleep` takes a number of seconds, not -1"),
            ("min-blocking-sleep = inf", "1: `min-blocking-sleep` takes a number of seconds, not inf"),
            ("min-blocking-sleep = true", "1: `min-blocking-sleep` takes a number of seconds, not true"),
            ("sdk-version = 'new'", '1: `sdk-version` takes "auto" or a version such as "0.14.0", not "new"'),
            ("output-format = 'jsn'", f'1: `output-format` takes one of {", ".join(FORMATS)}, not "jsn" (did you mean `json`?)'),
            ("effects = 1", "1: `effects` takes a table, not 1"),
            ("server-version = 'auto'", '1: `server-version` takes a version such as "1.4.0", not "auto"'),
            ("baseline = []", "1: `baseline` takes a path, not []"),
            ("rules = 'lint_rules'", '1: `rules` takes a list of strings, not "lint_rules"'),
            ("extend = 1", "1: `extend` takes the path of a file, not 1"),
            ("a = 1\nextend = 'none.toml'", "2: `extend`: there is no file none.toml"),
            ("extend = 'rea-lint.toml'", "1: `extend`: rea-lint.toml extends this file in turn"),
            ("select = [\n  'x',\n  'selct = 1',\n]\nigore = []", "5: unknown key `igore` (did you mean `ignore`?)"),
            ('select = ["""\nigore = 1\n"""]\nigore = []', "4: unknown key `igore` (did you mean `ignore`?)"),
            ("\nselect = [", "2: not TOML: Invalid value"),
        ],
    )
    def test_names_file_line_and_key(self, tree: Write, text: str, message: str) -> None:
        root = tree({"rea-lint.toml": text})
        with pytest.raises(UserError) as caught:
            load(root)
        assert str(caught.value) == f"{root}/rea-lint.toml:{message}"
        assert "\n" not in str(caught.value)

    @pytest.mark.parametrize(
        ("text", "row"),
        [
            ("[tool.ruff]\nselct = 1\n[tool.rea-lint]\nselct = 1", 4),
            ("[tool]\nrea-lint.selct = 1", 2),
            ("tool.rea-lint.selct = 1", 1),
            ('[tool."rea-lint"]\n"selct" = 1', 2),
            ("[tool.rea-lint.selct]\nx = 1", 1),
            ("[tool.x]\na = '''\n[tool.rea-lint]\nselct = 2\n'''\n[tool.rea-lint]\nselct = 1", 7),
        ],
    )
    def test_the_line_is_found_however_a_table_is_written(self, tree: Write, text: str, row: int) -> None:
        root = tree({"pyproject.toml": text})
        with pytest.raises(UserError) as caught:
            load(root)
        assert str(caught.value).startswith(f"{root}/pyproject.toml:{row}: unknown key `selct`")

    def test_a_value_that_only_another_module_can_judge_is_found_too(self, tree: Write) -> None:
        root = tree({"rea-lint.toml": "select = [\n  'REA101',\n  'REA999',\n]"})
        error = load(root).error("select", "there is no rule `REA999`", "REA999")
        assert str(error) == f"{root}/rea-lint.toml:3: `select`: there is no rule `REA999`"

    def test_a_value_of_the_command_line_is_said_to_be_from_there(self, tree: Write) -> None:
        error = load(tree({}), overrides={"select": ["REA999"]}).error("select", "there is no rule `REA999`", "REA999")
        assert str(error) == "the command line: `select`: there is no rule `REA999`"

    def test_an_inline_option_is_shown(self, tree: Write) -> None:
        with pytest.raises(UserError, match=r"--config 'selct = 1': unknown key `selct` \(did you mean `select`\?\)"):
            load(tree({}), inline=["selct = 1"])
        with pytest.raises(UserError, match=r"^--config 'nonsense':"):
            load(tree({}), inline=["nonsense"])

    def test_files_that_cannot_be_read(self, tree: Write) -> None:
        root = tree({"rea-lint.toml": b"ignore = ['\xff']"})
        with pytest.raises(UserError, match=r"rea-lint\.toml: not UTF-8: invalid start byte at byte 11"):
            load(root)
        with pytest.raises(UserError, match=r"none\.toml: there is no such configuration file"):
            load(root, root / "none.toml")

    def test_broken_toml_of_a_pyproject_names_the_line(self, tree: Write) -> None:
        root = tree({"pyproject.toml": "[tool.rea-lint]\nselect = = 1"})
        with pytest.raises(UserError, match=r"pyproject\.toml:2: not TOML: Invalid value"):
            load(root)
