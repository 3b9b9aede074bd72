"""Draw what `rea-lint check examples/shop` gives: docs/images/terminal.svg, as a terminal shows it, and docs/images/report.png, the HTML report.

The report is drawn by an installed Chromium (`chromium`, or what CHROMIUM names), through playwright.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright
from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

ROOT = Path(__file__).parent.parent
PICTURE = ROOT / "docs" / "images" / "terminal.svg"
REPORT = ROOT / "docs" / "images" / "report.png"
COMMAND = ("check", "examples/shop", "--select", "REA201", "--color", "always", "--isolated")
WIDTH = 112


def main() -> None:
    """Run, and draw both."""
    terminal()
    report()


def report() -> None:
    """The upper part of the HTML report."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        page = Path(folder) / "report.html"
        command = ("check", "shop", "--isolated", "--exit-zero", "--quiet", "--output-file", f"html:{page}")
        subprocess.run([sys.executable, "-m", "rea_lint", *command], cwd=ROOT / "examples", stdout=subprocess.DEVNULL, check=True)
        chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        tab = browser.new_page(viewport={"width": 1200, "height": 1180})
        tab.goto(page.as_uri())
        tab.screenshot(path=REPORT)
        browser.close()


def terminal() -> None:
    """The findings of one rule, in a terminal."""
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
