"""Several configuration files in one repository: which one decides what."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rea_lint import engine, rule
from rea_lint.config import NO_SELECTORS, Config, Selectors, UserError, load
from rea_lint.discovery import Discovery, discover
from rea_lint.selection import select

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    Write = Callable[[Mapping[str, str | bytes]], Path]

APP = """import restate, time

shop = restate.Service("NAME")


@shop.handler()
async def buy(ctx: restate.Context) -> float:
    return await ctx.run_typed("x", len, args=(str(time.time()),))
"""


def walked(root: Path, *paths: str, selectors: Selectors = NO_SELECTORS) -> Discovery:
    starts = [root / path for path in paths or (".",)]
    return discover(starts, load(starts[0], selectors=selectors))


def found(root: Path, *paths: str, selectors: Selectors = NO_SELECTORS) -> list[str]:
    """`a/app.py REA101 error` for each finding."""
    discovery = walked(root, *paths, selectors=selectors)
    report = engine.check(discovery.files, discovery.config, discovery.reported)
    return [f"{d.path.removeprefix(f'{root}/')} {d.code} {d.severity}" for d in report.diagnostics]


def a_repository(tree: Write, **configs: str) -> Path:
    """Two services, `a` and `b`, with the configurations of `root`, `a` and `b`."""
    folders = {"root": "", "a": "a/", "b": "b/"}
    return tree(
        {".git/HEAD": "", "a/app.py": APP.replace("NAME", "a"), "b/app.py": APP.replace("NAME", "b")}
        | {f"{folders[name]}rea-lint.toml": text for name, text in configs.items()}
    )


def test_the_nearest_file_decides_which_rules_apply(tree: Write) -> None:
    root = a_repository(tree, root="", a="ignore = ['wall-clock']")
    assert found(root) == ["b/app.py REA101 warning"]


def test_it_does_not_add_to_the_one_above(tree: Write) -> None:
    root = a_repository(tree, root="ignore = ['REA101']", a="")
    assert found(root) == ["a/app.py REA101 warning"]


def test_unless_it_extends_that(tree: Write) -> None:
    root = a_repository(tree, root="ignore = ['REA101']", a="extend = '../rea-lint.toml'\nextend-select = ['REA212']")
    assert found(root) == []


def test_severities_and_patterns_are_those_of_the_nearest_file(tree: Write) -> None:
    root = a_repository(
        tree, root="[per-file-ignores]\n'b/*' = ['REA1']", a="[severity]\nREA1 = 'info'\n[per-file-ignores]\n'a/*' = ['REA1']"
    )
    assert found(root) == ["a/app.py REA101 info"]


def test_so_are_excludes(tree: Write) -> None:
    root = a_repository(tree, root="extend-exclude = ['app.py']", a="")
    assert found(root) == ["a/app.py REA101 warning"]


def test_a_named_file_is_excluded_by_the_nearest_file_too(tree: Write) -> None:
    root = a_repository(tree, root="", a="extend-exclude = ['app.py']")
    discovery = discover([root / "a/app.py", root / "b/app.py"], load(root), force_exclude=True)
    assert discovery.reported == {str(root / "b/app.py")}


def test_what_is_found_does_not_depend_on_the_folder_that_is_named(tree: Write) -> None:
    root = a_repository(tree, root="deterministic = ['time.time']", a="ignore = ['REA211']")
    assert found(root) == found(root, "a") == found(root, "a/app.py") == []


def test_what_is_said_of_callables_is_added_up(tree: Write) -> None:
    root = a_repository(tree, a="deterministic = ['time.time']", b="[effects]\nnetwork = ['shop.get']")
    assert found(root) == []
    config = walked(root).config
    assert [each.source for each in config.all] == [None, root / "a/rea-lint.toml", root / "b/rea-lint.toml"]


def test_and_a_mistake_in_it_names_its_file(tree: Write) -> None:
    root = a_repository(tree, a="ignore = []\n[effects]\nclok = ['x.y']")
    with pytest.raises(UserError, match=r"a/rea-lint\.toml:2: `effects\.clok`: unknown effect"):
        found(root)


def test_what_is_for_the_whole_run_is_read_from_the_outermost_file(tree: Write) -> None:
    root = a_repository(
        tree, root="sdk-version = '0.9.0'\nbaseline = 'all.txt'", a="sdk-version = '1.3.0'\nbaseline = 'a.txt'\nrules = ['x']"
    )
    config = walked(root, "a").config
    inner = config.at(str(root / "a/app.py"))
    assert (config.sdk.text, inner.sdk.text, inner.sdk.source) == ("0.9.0", "0.9.0", f"{root}/rea-lint.toml:1")
    assert (inner.baseline, inner.rules) == (root / "all.txt", ())


def test_the_command_line_wins_over_all_files(tree: Write) -> None:
    root = a_repository(tree, root="ignore = ['REA101']", a="ignore = ['ALL']")
    assert found(root, selectors=Selectors(select=("REA1",))) == ["a/app.py REA101 warning", "b/app.py REA101 warning"]
    assert found(root, selectors=Selectors(extend_select=("REA101",))) == ["a/app.py REA101 warning", "b/app.py REA101 warning"]


def test_a_named_file_or_none_is_for_all_folders(tree: Write) -> None:
    root = a_repository(tree, a="ignore = ['REA1']")
    for config in (load(root, isolated=True), load(root, explicit=tree({"other.toml": ""}) / "other.toml")):
        assert discover([root], config).config.all == (config,)


def test_a_mistake_in_a_file_below_names_it(tree: Write) -> None:
    with pytest.raises(UserError, match=r"a/rea-lint\.toml:1: unknown key `selct`"):
        walked(a_repository(tree, a="selct = []"))
    config = walked(a_repository(tree, a="select = ['REA101',\n'REA888']")).config
    with pytest.raises(UserError, match=r"a/rea-lint\.toml:2: `select`: there is no rule `REA888`"):
        select(config, rule.index())


def test_a_file_in_an_excluded_folder_is_not_read(tree: Write) -> None:
    root = tree({".git/HEAD": "", "app.py": APP, "node_modules/x/rea-lint.toml": "nonsense", "node_modules/x/app.py": APP})
    assert walked(root).config.all == (load(root),)


def test_without_a_repository_the_nearest_file_is_the_run_s(tree: Write) -> None:
    root = tree({"rea-lint.toml": "ignore = ['far']", "a/rea-lint.toml": "ignore = ['near']", "a/app.py": ""})
    assert load(root / "a").ignore == ("near",)


def test_a_file_above_the_repository_is_read_but_does_not_make_it_larger(tree: Write) -> None:
    root = tree({"rea-lint.toml": "ignore = ['mine']", "repository/.git/HEAD": "", "repository/app.py": APP, "other.py": APP})
    config = load(root / "repository")
    assert (config.ignore, config.root) == (("mine",), root / "repository")


def test_patterns_may_be_turned_round(tree: Write) -> None:
    root = a_repository(tree, root="[per-file-ignores]\n'!b/*' = ['REA1']")
    assert found(root) == ["b/app.py REA101 warning"]


def test_one_configuration_is_all_there_is_by_default(tmp_path: Path) -> None:
    config = Config(tmp_path)
    assert config.at(str(tmp_path / "a")) is config
    assert config.below(str(tmp_path / "a")) is None
