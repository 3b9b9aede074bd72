"""One line a finding with all that it takes to mend it, for programs that write code: the chain, the fix as edits, the page."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from rea_lint.diagnostic import Applicability
from rea_lint.report.frame import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rea_lint.diagnostic import Diagnostic, Fix
    from rea_lint.report import View

HOW = {
    Applicability.SAFE: "fix (`--fix` applies it)",
    Applicability.UNSAFE: "unsafe fix (`--fix --unsafe-fixes` applies it)",
    Applicability.DISPLAY: "suggestion",
}


def render(diagnostics: Sequence[Diagnostic], view: View) -> str:
    """One line a finding."""
    return "".join(f"{_line(diagnostic, view)}\n" for diagnostic in diagnostics)


def _line(diagnostic: Diagnostic, view: View) -> str:
    place = view.start(diagnostic.path, diagnostic.span)
    parts = [f"{view.path(diagnostic.path)}:{place.row}:{place.column}: {diagnostic.severity} {diagnostic.code}: {diagnostic.message}"]
    if diagnostic.related:
        hops = (f"{view.path(r.path)}:{view.start(r.path, r.span).row}: {r.message}" for r in diagnostic.related)
        parts.append(f"chain: {' -> '.join(hops)}")
    if diagnostic.fix is not None:
        parts.append(f"{HOW[diagnostic.fix.applicability]}: {diagnostic.fix.title}: {_edits(diagnostic.path, diagnostic.fix, view)}")
    if diagnostic.url:
        parts.append(f"docs: {diagnostic.url}")
    return printable(" | ".join(parts))


def _edits(path: str, fix: Fix, view: View) -> str:
    """Each edit as `4:14-4:25 = "new text"`, the text as JSON writes strings."""
    said = []
    for edit in sorted(fix.edits):
        start, end = view.start(path, edit.span), view.end(path, edit.span)
        said.append(f"{start.row}:{start.column}-{end.row}:{end.column} = {json.dumps(edit.new, ensure_ascii=False)}")
    return ", ".join(said)
