"""`rea-lint init`: the files that make a project use rea-lint, shown before they are written."""

from __future__ import annotations

import difflib
import json
import re
import sys
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from msgspec import Struct

from rea_lint import HOME, toml
from rea_lint.cli import CLEAN, CONTEXT
from rea_lint.config import UserError, project_root

if TYPE_CHECKING:
    from collections.abc import Iterator

HOST = "auto"


class Change(Struct, frozen=True):
    """A file as it is, and as it is to be."""

    path: Path
    before: str | None  # None: there is none
    after: str


@click.command("init", context_settings=CONTEXT)
@click.argument("folder", default=".", type=click.Path(exists=True, file_okay=False))
@click.option("--agents", is_flag=True, help="Also tell coding agents: lines in AGENTS.md, and a hook that lints what they edit.")
@click.option(
    "--ci",
    type=click.Choice([HOST, "github", "gitlab", "none"]),
    default=HOST,
    help="For which host to write a CI file; auto sees it from the files and the remote.",
)
@click.option("--diff", is_flag=True, help="Show what would be written, and write nothing.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask before a file that is there is changed.")
def command(folder: str, *, agents: bool, ci: str, diff: bool, yes: bool) -> int:
    """Make the project in FOLDER (default: this folder) use rea-lint: configuration, pre-commit, CI.

    What is to be written is shown; before a file that is there is changed, you are asked.
    """
    root = project_root(Path(folder).resolve())
    changes = [change for change in _changes(root, _host(root) if ci == HOST else ci, agents=agents) if change.before != change.after]
    for change in changes:
        print(_shown(change, root))
    if not changes:
        print("Nothing to write: it is all there.", file=sys.stderr)
    if diff:
        return CLEAN
    for change in changes:
        name = change.path.relative_to(root)
        if change.before is not None and not yes and not _agreed(str(name)):
            print(f"Left {name} as it is.", file=sys.stderr)
            continue
        try:
            change.path.parent.mkdir(parents=True, exist_ok=True)
            ends = "\r\n" if change.before is not None and b"\r\n" in change.path.read_bytes() else "\n"
            change.path.write_text(change.after, encoding="utf-8", newline=ends)
        except OSError as error:
            raise UserError(f"{change.path}: cannot be written: {error.strerror or error}") from error
        print(f"{'Wrote' if change.before is None else 'Changed'} {name}.", file=sys.stderr)
    if changes:
        print("Next: `rea-lint check`, and `rea-lint doctor` for what else may be off.", file=sys.stderr)
    return CLEAN


def _agreed(name: str) -> bool:
    if not sys.stdin.isatty():
        raise UserError(f"{name} is there, and nobody to ask whether to change it; `--yes` says so")
    return click.confirm(f"Change {name}?", err=True)


def _shown(change: Change, root: Path) -> str:
    name = change.path.relative_to(root).as_posix()
    old = "/dev/null" if change.before is None else name
    lines = difflib.unified_diff((change.before or "").splitlines(), change.after.splitlines(), old, name, lineterm="")
    return "\n".join(lines)


def _changes(root: Path, host: str, *, agents: bool) -> Iterator[Change]:
    yield _configuration(root)
    yield _pre_commit(root)
    if host == "github":
        yield _github(root)
    elif host == "gitlab":
        yield _gitlab(root)
    if agents:
        yield from _agents(root)


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: cannot be read: {error}") from error


def _added(before: str | None, text: str) -> str:
    """A text with another after it, an empty line between them."""
    return text if not before else f"{before.rstrip()}\n\n{text}"


# -- configuration -----------------------------------------------------------------------------------------------------

OPTIONS = """# All options: `rea-lint config`.  All rules: `rea-lint rule --all`.
# ignore = ["REA211"]
# extend-exclude = ["generated"]
"""


def _configuration(root: Path) -> Change:
    """An empty table: where options go, and what makes the folder a project."""
    own = root / "rea-lint.toml"
    shared = root / "pyproject.toml"
    before = _read(own)
    if before is not None:
        return Change(own, before, before)
    before = _read(shared)
    if before is None:
        return Change(own, None, OPTIONS)
    tool = toml.parse(before, str(shared)).get("tool", {})
    return Change(shared, before, before if "rea-lint" in tool else _added(before, f"[tool.rea-lint]\n{OPTIONS}"))


# -- pre-commit --------------------------------------------------------------------------------------------------------


def _pre_commit(root: Path) -> Change:
    path = root / ".pre-commit-config.yaml"
    before = _read(path)
    lines = [f"- repo: {HOME}", f"  rev: v{version('rea-lint')}", "  hooks:", "    - id: rea-lint"]
    if before is None:
        return Change(path, None, "\n".join(["repos:", *(f"  {line}" for line in lines)]) + "\n")
    if re.search(r"^\s*-\s+id:\s*['\"]?rea-lint\b", before, re.MULTILINE):
        return Change(path, before, before)
    after = _with_item(before, lines)
    if after is None:
        raise UserError(f"{path}: its `repos:` is no plain list; add this yourself:\n" + "\n".join(lines))
    return Change(path, before, after)


def _with_item(text: str, lines: list[str]) -> str | None:
    """A YAML text with one more item at the end of its list `repos`, indented as the others; None if it has no such list in blocks."""
    rows = text.splitlines()
    start = next((at for at, row in enumerate(rows) if re.fullmatch(r"repos:\s*(?:#.*)?", row)), None)
    if start is None:
        return None
    end = next((at for at in range(start + 1, len(rows)) if re.match(r"[^\s#-]", rows[at])), len(rows))
    item = next((match for row in rows[start + 1 : end] if (match := re.match(r"(\s*)-\s", row))), None)
    if item is None:
        return None
    while not rows[end - 1].strip() or rows[end - 1].startswith("#"):
        end -= 1
    return "\n".join([*rows[:end], *(item[1] + line for line in lines), *rows[end:]]) + "\n"


# -- CI ----------------------------------------------------------------------------------------------------------------

WORKFLOW = """name: rea-lint

on:
  push:
    branches: [main]
  pull_request:

permissions: {}

jobs:
  rea-lint:
    runs-on: ubuntu-latest
    permissions:
      contents: read
    steps:
      - uses: actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683  # v4.2.2
        with:
          persist-credentials: false
      - uses: actions/setup-python@a26af69be951a213d495a4c3e4e4022e16d87065  # v5.6.0
        with:
          python-version: "3.13"
      - run: pip install rea-lint==VERSION
      - run: rea-lint check --output-format github
"""
JOB = """rea-lint:
  image: python:3.13-slim
  script:
    - pip install rea-lint==VERSION
    - rea-lint check --output-file gitlab:gl-code-quality-report.json
  artifacts:
    when: always
    reports:
      codequality: gl-code-quality-report.json
"""


def _host(root: Path) -> str:
    if (root / ".gitlab-ci.yml").exists():
        return "gitlab"
    if (root / ".github").exists():
        return "github"
    git = root / ".git" / "config"
    remotes = (_read(git) or "") if git.is_file() else ""
    return "gitlab" if "gitlab" in remotes else "github" if "github.com" in remotes else "none"


def _github(root: Path) -> Change:
    path = root / ".github" / "workflows" / "rea-lint.yml"
    return _kept(path) or Change(path, None, WORKFLOW.replace("VERSION", version("rea-lint")))


def _gitlab(root: Path) -> Change:
    path = root / ".gitlab-ci.yml"
    before = _read(path)
    if before is not None and "rea-lint" in before:
        return Change(path, before, before)
    return Change(path, before, _added(before, JOB.replace("VERSION", version("rea-lint"))))


def _kept(path: Path) -> Change | None:
    """A file that is left as it is, since it is there."""
    before = _read(path)
    return None if before is None else Change(path, before, before)


# -- agents ------------------------------------------------------------------------------------------------------------

LINES = """## Restate handlers

Handlers are replayed: what they do outside a step (`ctx.run_typed`) has to come out the same each time. After you change one, run `rea-lint check`.
`rea-lint rule CODE` says why something is found, and what to write instead. `rea-lint check --fix` leaves the journal as it is; ask a person
before `--unsafe-fixes` in code that is deployed. A suppression says why: `# rea-lint: ignore[REA101] only logged`.
"""
HOOK = '''"""After an edit: tells Claude Code what rea-lint finds in the file.  Its exit code 2 hands stderr to the agent."""

import json
import shutil
import subprocess
import sys

path = json.load(sys.stdin).get("tool_input", {}).get("file_path", "")
if path.endswith(".py"):
    if shutil.which("rea-lint") is None:
        sys.exit("rea-lint is not on the PATH: edits are not linted")
    command = ["rea-lint", "check", "--quiet", "--force-exclude", "--output-format", "agent", path]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode:
        print(run.stdout + run.stderr, file=sys.stderr)
        sys.exit(2)
'''
HOOK_PATH = ".claude/hooks/rea-lint.py"


def _agents(root: Path) -> Iterator[Change]:
    lines = root / "AGENTS.md"
    before = _read(lines)
    yield Change(lines, before, before if before is not None and "rea-lint" in before else _added(before, LINES))
    hook = root / HOOK_PATH
    yield _kept(hook) or Change(hook, None, HOOK)
    settings = root / ".claude" / "settings.json"
    before = _read(settings)
    yield Change(settings, before, _with_hook(before, settings))


def _with_hook(before: str | None, path: Path) -> str:
    """Claude Code's settings with a hook after edits."""
    if before is not None and HOOK_PATH in before:
        return before
    try:
        settings: Any = json.loads(before) if before is not None else {}
        hooks = settings.setdefault("hooks", {}).setdefault("PostToolUse", [])
        hooks.append(
            {
                "matcher": "Edit|MultiEdit|Write",
                "hooks": [{"type": "command", "command": f'python3 "$CLAUDE_PROJECT_DIR/{HOOK_PATH}"'}],
            }
        )
    except (ValueError, AttributeError) as error:
        raise UserError(f"{path}: not the settings of Claude Code: {error}") from error
    return json.dumps(settings, indent=2, ensure_ascii=False) + "\n"
