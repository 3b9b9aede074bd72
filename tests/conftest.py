"""What every test can have."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

import pytest

from rea_lint import cli
from rea_lint.cli.output import AGENTS
from running import Lint, Run, Tree

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path


@pytest.fixture(autouse=True)
def _no_agent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs the tests: nobody is told apart by the environment."""
    for name in (*AGENTS, "GITHUB_WORKSPACE", "CI_PROJECT_DIR"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """Write files, given as {path: text or bytes}, to a folder of its own; gives the folder."""

    def write(files: Mapping[str, str | bytes]) -> Path:
        root = tmp_path.resolve() / "project"
        root.mkdir(exist_ok=True)
        for name, content in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        return root

    return write


@pytest.fixture
def lint(tree: Tree, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Lint:
    """Write files, and run the command line in their folder."""
    for name in "NO_COLOR", "FORCE_COLOR", "REA_LINT_OUTPUT_FORMAT":
        monkeypatch.delenv(name, raising=False)

    def run(*arguments: str, files: Mapping[str, str | bytes] | None = None, stdin: bytes | None = None) -> Run:
        root = tree(files or {})
        monkeypatch.chdir(root)
        if not (root / "rea-lint.toml").exists():
            (root / "rea-lint.toml").touch()
        if stdin is not None:
            monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        capfd.readouterr()
        code = cli.run(list(arguments))
        return Run(code, *capfd.readouterr())

    return run


@pytest.fixture(autouse=True, scope="session")
def _cache_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What tests lint keeps nothing in the folders that it lies in."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REA_LINT_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        yield
