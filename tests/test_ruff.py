"""ruff and the comments that silence: it leaves ours alone, and deletes `noqa` with our codes unless it knows them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Write = Callable[[Mapping[str, str | bytes]], Path]

OURS = "import time\n\nstarted = time.time()  # rea-lint: ignore[REA101] only logged\n"
NOQA = "import time\n\nstarted = time.time()  # noqa: REA101\n"


def after_ruff(root: Path) -> str:
    """The file, once ruff has deleted the comments that it takes for useless."""
    ruff = Path(sys.executable).with_name("ruff")
    command = [str(ruff), "check", "--preview", "--select", "RUF100,RUF102", "--fix", "--quiet", "app.py"]
    subprocess.run(command, cwd=root, check=False, capture_output=True)
    return (root / "app.py").read_text()


def test_it_leaves_our_comments_alone(tree: Write) -> None:
    assert after_ruff(tree({"app.py": OURS, "ruff.toml": ""})) == OURS


def test_it_deletes_a_noqa_with_our_code(tree: Write) -> None:
    assert after_ruff(tree({"app.py": NOQA, "ruff.toml": ""})) == "import time\n\nstarted = time.time()\n"


def test_unless_it_is_told_of_our_codes(tree: Write) -> None:
    assert after_ruff(tree({"app.py": NOQA, "ruff.toml": "lint.external = ['REA']"})) == NOQA
