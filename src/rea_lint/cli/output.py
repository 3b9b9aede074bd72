"""Where the findings of `check` go: which format on stdout, which files besides, and what formats are told of the run."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TextIO

from rea_lint.config import FORMATS, UserError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    import click

    from rea_lint.cli.task import Task
    from rea_lint.engine import Report
    from rea_lint.report import View
    from rea_lint.rule import Rule

FOR_PEOPLE = frozenset({"full", "concise", "grouped", "agent"})

AGENTS = ("CLAUDECODE", "CURSOR_AGENT", "GEMINI_CLI", "AI_AGENT", "AGENT")
"""Variables that coding agents set for what they run."""

LINKING_PROGRAMS = frozenset({"iTerm.app", "WezTerm", "vscode", "ghostty", "Hyper", "mintty", "rio", "zed"})
LINKING_TERMINALS = frozenset({"xterm-kitty", "xterm-ghostty", "alacritty", "foot"})

ROOTS = {"github": "GITHUB_WORKSPACE", "sarif": "GITHUB_WORKSPACE", "gitlab": "CI_PROJECT_DIR"}
"""Formats whose reader takes paths from the root of the repository, and the variable in which CI says where that is."""


class Target(NamedTuple):
    """A file to write, and how."""

    form: str
    path: str


def targets(context: click.Context, parameter: click.Parameter, values: Sequence[str]) -> tuple[Target, ...]:
    """The values of `--output-file`, as click's callback."""
    import click

    found = []
    for value in values:
        form, _, path = value.partition(":")
        if form not in FORMATS:
            raise click.BadParameter(f"{value!r} is not FORMAT:PATH; formats are {', '.join(FORMATS)}.", context, parameter)
        if path in {"", "-"}:
            raise click.BadParameter(f"{value!r} names no file; stdout has --output-format.", context, parameter)
        found.append(Target(form, path))
    return tuple(found)


def _width() -> int:
    from shutil import get_terminal_size

    return get_terminal_size().columns


def write(task: Task, report: Report, stream: TextIO) -> None:
    """Write the findings in the format that was asked for, as the stream shows them best; what programs read is UTF-8 in any case."""
    from rea_lint.report import render

    form = format_of(task)
    is_terminal = stream.isatty()
    width = _width() if is_terminal else None
    color = wants_color(task.options.color, is_terminal=is_terminal)
    has_links = color and is_terminal and shows_links(os.environ)
    text = render(form, report.diagnostics, _view(task, report, form, color=color, width=width, has_links=has_links))
    stream.flush()
    if form in FOR_PEOPLE or is_terminal:
        stream.write(text)
    else:
        stream.buffer.write(_bytes(text))
    stream.flush()


def write_files(task: Task, report: Report) -> None:
    """Write what `--output-file` asks for, each file whole or not at all.  Raises UserError."""
    from rea_lint.files import put
    from rea_lint.report import render

    for target in task.options.output_file:
        text = render(target.form, report.diagnostics, _view(task, report, target.form))
        try:
            put(target.path, _bytes(text))
        except OSError as error:
            raise UserError(f"--output-file {target.form}:{target.path}: cannot be written: {error.strerror or error}") from error


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "backslashreplace")  # a path may have bytes that are no text


def format_of(task: Task) -> str:
    """The configured format; where none is, a coding agent gets its own."""
    if "output-format" not in task.config.origins and any(os.environ.get(name) for name in AGENTS):
        return "agent"
    return task.config.output_format


def _view(task: Task, report: Report, form: str, *, color: bool = False, width: int | None = None, has_links: bool = False) -> View:
    from rea_lint.report import View

    def rules(codes: Collection[str]) -> Sequence[Rule]:
        from rea_lint import registry

        return registry.load(codes, task.config)

    return View(
        report.sources,
        _base(form, str(Path.cwd()), os.environ),
        color=color,
        width=width,
        has_links=has_links,
        silenced=report.silenced,
        errors=report.errors,
        handlers={handler.display: (handler.path, handler.span) for handler in report.handlers if handler.path in task.discovery.reported},
        files=task.discovery.looked_at,
        found=found_in(task, report),
        rules=rules,
    )


def found_in(task: Task, report: Report) -> tuple[int, int]:
    """How many handlers there are in the reported files, and how many services have one of them."""
    reported = task.discovery.reported
    services = (service for service in report.services if any(handler.path in reported for handler in service.handlers))
    return sum(handler.path in reported for handler in report.handlers), sum(1 for _ in services)


def _base(form: str, here: str, environment: Mapping[str, str]) -> str:
    """What paths are relative to: this folder, or the root of the repository that CI has checked out around it."""
    from rea_lint.files import is_under

    root = os.path.realpath(environment.get(ROOTS.get(form, ""), "") or here)
    return root if is_under(here, root) else here


def wants_color(asked: str, *, is_terminal: bool) -> bool:
    """As https://no-color.org and https://force-color.org have it; the option wins."""
    if asked != "auto":
        return asked == "always"
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return is_terminal and os.environ.get("TERM") != "dumb"


def shows_links(environment: Mapping[str, str]) -> bool:
    """Whether the terminal is one that shows links (OSC 8), as it says itself; FORCE_HYPERLINK decides where it is set."""
    if environment.get("FORCE_HYPERLINK"):
        return environment["FORCE_HYPERLINK"] != "0"
    if environment.get("CI") or environment.get("TMUX"):
        return False
    vte = environment.get("VTE_VERSION", "")
    return (
        environment.get("TERM_PROGRAM") in LINKING_PROGRAMS
        or environment.get("TERM") in LINKING_TERMINALS
        or any(environment.get(name) for name in ("WT_SESSION", "KONSOLE_VERSION", "DOMTERM"))
        or (vte.isdecimal() and int(vte) >= 5000)
    )
