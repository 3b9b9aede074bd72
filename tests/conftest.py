"""What every test can have."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rea_lint.cli.output import AGENTS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path


@pytest.fixture(autouse=True)
def _no_agent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs the tests: nobody is told apart by the environment."""
    for name in (*AGENTS, "GITHUB_WORKSPACE", "CI_PROJECT_DIR"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def tree(tmp_path: Path) -> Callable[[Mapping[str, str | bytes]], Path]:
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
