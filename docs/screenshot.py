"""Draw docs/images/terminal.svg: what `rea-lint check examples/shop` prints in a terminal, as it prints it."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

ROOT = Path(__file__).parent.parent
PICTURE = ROOT / "docs" / "images" / "terminal.svg"
COMMAND = ("check", "examples/shop", "--select", "REA201", "--color", "always", "--isolated")
WIDTH = 112


def main() -> None:
    """Run, and draw."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
    console.print(Text.from_ansi("$ rea-lint check"))
    console.print(Text.from_ansi(printed()), end="")
    svg = console.export_svg(title="rea-lint", theme=MONOKAI, unique_id="terminal")
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)  # they are fetched from elsewhere: the reader's own will do
    PICTURE.write_text(svg.replace("Fira Code", "ui-monospace, DejaVu Sans Mono"), encoding="utf-8")


def printed() -> str:
    """Findings and summary, with the terminal's escape sequences."""
    environment = {**os.environ, "COLUMNS": str(WIDTH), "REA_LINT_OUTPUT_FORMAT": "full"}
    run = subprocess.run(
        [sys.executable, "-m", "rea_lint", *COMMAND],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    return run.stdout.decode()


if __name__ == "__main__":
    main()
