"""A JSON list in the shape of ruff's, so that what reads ruff's reads ours.  Rows and columns from 1, columns in code points."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rea_lint.diagnostic import Diagnostic, Fix
    from rea_lint.report import View
    from rea_lint.text import Span


def render(diagnostics: Sequence[Diagnostic], view: View) -> str:
    """One list of all findings."""
    items = [finding(d, view) for d in diagnostics]
    return json.dumps(items, indent=2, ensure_ascii=False) + "\n"


def finding(diagnostic: Diagnostic, view: View) -> dict[str, Any]:
    """A finding as an item of the list."""
    return {
        "code": diagnostic.code,
        "name": diagnostic.name,
        "severity": str(diagnostic.severity),
        "message": diagnostic.message,
        "filename": diagnostic.path,
        **_range(diagnostic.path, diagnostic.span, view),
        "url": diagnostic.url,
        "fix": _fix(diagnostic.path, diagnostic.fix, view),
        "handlers": list(diagnostic.handlers),
        "related": [
            {"filename": related.path, "location": view.start(related.path, related.span)._asdict(), "message": related.message}
            for related in diagnostic.related
        ],
    }


def _fix(path: str, fix: Fix | None, view: View) -> dict[str, Any] | None:
    if fix is None:
        return None
    return {
        "applicability": str(fix.applicability),
        "message": fix.title,
        "edits": [{"content": edit.new, **_range(path, edit.span, view)} for edit in fix.edits],
    }


def _range(path: str, span: Span, view: View) -> dict[str, dict[str, int]]:
    return {"location": view.start(path, span)._asdict(), "end_location": view.end(path, span)._asdict()}
