"""Which version of restate-sdk a project runs with."""

from __future__ import annotations

import importlib.metadata
from typing import TYPE_CHECKING

import pytest
from packaging.version import Version

from rea_lint import config, sdk
from rea_lint.packs import load

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    Tree = Callable[[Mapping[str, str | bytes]], Path]

INSTALLED = importlib.metadata.version("restate-sdk")

UV = """version = 1

[[package]]
name = "other"
version = "9.9"

[[package]]
name = "restate-sdk"
version = "0.10.2"
source = { registry = "https://pypi.org/simple" }
"""


@pytest.fixture(autouse=True)
def _nothing_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.path", [])
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    monkeypatch.delenv("CONDA_PREFIX", raising=False)


def found(root: Path) -> tuple[str, str]:
    version = sdk.detect(root, root)
    return version.text, version.source.removeprefix(f"{root}/").removeprefix(f"installed in {root}/")


@pytest.mark.parametrize(
    ("name", "text", "version"),
    [
        ("uv.lock", UV, "0.10.2"),
        ("uv.lock", UV + UV.replace("0.10.2", "0.9.1"), "0.9.1"),
        ("uv.lock", UV.replace("\n", "\r\n"), "0.10.2"),
        ("poetry.lock", '[[package]]\nname = "restate_sdk"\nversion = "0.11.0"\noptional = false\n', "0.11.0"),
        ("pdm.lock", '[[package]]\nname = "restate-sdk"\nextras = ["serde"]\nversion = "0.12.0"\n', "0.12.0"),
        ("pylock.toml", '[[packages]]\nname = "restate-sdk"\nversion = "1.1.0"\n', "1.1.0"),
        ("Pipfile.lock", '{"default": {"restate-sdk": {"hashes": ["sha256:0"], "version": "==0.9.1"}}}', "0.9.1"),
        ("requirements.txt", "restate-sdk==1.0.1 \\\n    --hash=sha256:0\n", "1.0.1"),
        ("pyproject.toml", '[project]\ndependencies = ["restate-sdk[serde]>=0.9,<2"]\n', "0.9"),
        ("pyproject.toml", '[project]\ndependencies = ["Restate.SDK (>0.8.1, != 1.0)"]\n', "0.8.1"),
        ("pyproject.toml", "[project]\ndependencies = [\"restate-sdk ~= 0.14.2; python_version > '3.9'\"]\n", "0.14.2"),
        ("pyproject.toml", '[project]\n[project.optional-dependencies]\nx = ["restate-sdk==1.2.*"]\n', "1.2"),
        ("pyproject.toml", '[dependency-groups]\ndev = [{ include-group = "x" }, "restate-sdk>=1.1rc1"]\n', "1.1rc1"),
        ("pyproject.toml", '[tool.poetry.dependencies]\npython = "^3.11"\nrestate-sdk = "^0.9"\n', "0.9"),
        ("pyproject.toml", '[tool.poetry.dependencies]\nrestate-sdk = { version = ">=0.10,<1", extras = ["serde"] }\n', "0.10"),
        ("pyproject.toml", '[tool.poetry.group.dev.dependencies]\nrestate-sdk = "0.11.*"\n', "0.11"),
        ("requirements.txt", "hypercorn\nrestate_sdk[serde]>=0.7.0 # the SDK\n", "0.7.0"),
        ("requirements-dev.in", "restate-sdk>=0.7.1", "0.7.1"),
    ],
)
def test_a_lock_file_or_the_lowest_version_required_says_it(tree: Tree, name: str, text: str, version: str) -> None:
    assert found(tree({name: text})) == (version, name)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pyproject.toml", '[project]\ndependencies = ["restate-sdk", "restate-sdk-extras>=0.3"]\n'),
        ("pyproject.toml", '[project]\ndependencies = ["restate-sdk < 2"]\n'),
        ("pyproject.toml", "[project\n"),
        ("pyproject.toml", "project = 3\n[tool]\npoetry = []\n"),
        ("requirements.txt", "restate-sdk @ git+https://github.com/restatedev/sdk-python\n"),
        ("uv.lock", '[[package]]\nname = "restate-sdk"\nsource = { editable = "." }\n\n[[package]]\nname = "x"\nversion = "1.0"\n'),
    ],
)
def test_what_says_no_version_is_passed_over(tree: Tree, name: str, text: str) -> None:
    assert sdk.detect(tree({name: text}), tree({})) == sdk.NEWEST_KNOWN


def test_installed_counts_before_locked_and_locked_before_required(tree: Tree) -> None:
    root = tree({"pyproject.toml": '[project]\ndependencies = ["restate-sdk>=0.7"]\n'})
    assert found(root) == ("0.7", "pyproject.toml")
    tree({"uv.lock": UV})
    assert found(root) == ("0.10.2", "uv.lock")
    tree({".venv/lib/python3.12/site-packages/restate_sdk-1.2.0.dist-info/METADATA": ""})
    assert found(root) == ("1.2.0", ".venv/lib/python3.12/site-packages")


def test_the_running_python_counts_where_the_project_has_no_environment(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tree({"x/site-packages/restate_sdk-0.8.0.dist-info/METADATA": "", "uv.lock": UV})
    monkeypatch.setattr("sys.path", [str(root / "x" / "site-packages")])
    assert found(root) == ("0.8.0", "x/site-packages")


def test_the_nearest_folder_counts(tree: Tree) -> None:
    root = tree({"uv.lock": UV, "a/requirements.txt": "restate-sdk==0.7.0\n", "a/app.py": "", "b/app.py": ""})
    assert sdk.detect(root / "b" / "app.py", root).text == "0.10.2"
    assert sdk.detect(root / "a", root).text == "0.10.2"  # a lock file says more than a requirement
    (root / "uv.lock").unlink()
    assert sdk.detect(root / "a" / "app.py", root).text == "0.7.0"


def test_what_is_configured_wins(tree: Tree) -> None:
    root = tree({"rea-lint.toml": 'sdk-version = "0.9.1"\n', "uv.lock": UV})
    assert config.load(root).sdk == sdk.Sdk("0.9.1", f"{root / 'rea-lint.toml'}:1")
    (root / "rea-lint.toml").write_text("")
    assert config.load(root).sdk == sdk.Sdk("0.10.2", str(root / "uv.lock"))


def test_versions_are_compared_as_versions() -> None:
    assert sdk.Sdk("0.9.1", "").before("0.10")
    assert not sdk.Sdk("0.10", "").before("0.10")
    assert not sdk.Sdk("0.6", "").before("")


def test_the_newest_version_known_is_that_of_the_packs() -> None:
    newest = Version(sdk.NEWEST)
    assert all(newest >= Version(info.since) for info in load().operations.values() if info.since)
    assert newest >= Version(INSTALLED), "read the packs anew from this SDK, and say so in `sdk.NEWEST`"


def test_versions_are_compared_as_packaging_does() -> None:
    versions = [
        "0",
        "0.0",
        "0.9",
        "0.9.0",
        "0.10",
        "0.10.1",
        "1",
        "1.0",
        "1.0.0",
        "1.0.1",
        "1.0rc1",
        "1.1.dev1",
        "10",
        "2!1.0",
        "1.0+local",
    ]
    for one in versions:
        for other in versions:
            assert sdk.is_before(one, other) is (Version(one) < Version(other)), (one, other)
