"""Workflow commands: GitHub shows each finding beside the line in the pull request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rea_lint.diagnostic import Severity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rea_lint.diagnostic import Diagnostic
    from rea_lint.report import View

COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}


def render(diagnostics: Sequence[Diagnostic], view: View) -> str:
    """One command a finding."""
    return "".join(_command(d, view) for d in diagnostics)


def _command(diagnostic: Diagnostic, view: View) -> str:
    start, end = view.start(diagnostic.path, diagnostic.span), view.end(diagnostic.path, diagnostic.span)
    properties = {
        "title": f"{diagnostic.code} {diagnostic.name}",
        "file": view.slashed(diagnostic.path),
        "line": start.row,
        "endLine": end.row,
        # GitHub refuses columns of a range over several rows
        **({"col": start.column, "endColumn": end.column} if start.row == end.row else {}),
    }
    said = ",".join(f"{key}={_property(str(value))}" for key, value in properties.items())
    return f"::{COMMANDS[diagnostic.severity]} {said}::{_data(_message(diagnostic, view))}\n"


def _message(diagnostic: Diagnostic, view: View) -> str:
    hops = (f"{view.path(r.path)}:{view.start(r.path, r.span).row}: {r.message}" for r in diagnostic.related)
    return "\n".join([diagnostic.message, *hops])


def _data(text: str) -> str:
    """As the runner's toolkit escapes data: actions/toolkit, packages/core/src/command.ts."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
