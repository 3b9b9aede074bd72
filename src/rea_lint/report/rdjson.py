"""The Reviewdog Diagnostic Format: comments on pull requests of any host.

https://github.com/reviewdog/reviewdog/tree/master/proto/rdf.  Columns count bytes of UTF-8 there.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from rea_lint import HOME
from rea_lint.text import Edit, Span, apply

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rea_lint.diagnostic import Diagnostic, Fix
    from rea_lint.report import View
    from rea_lint.text import Position, Source


def render(diagnostics: Sequence[Diagnostic], view: View) -> str:
    """One object with all findings."""
    source = {"name": "rea-lint", "url": HOME}
    return json.dumps({"source": source, "diagnostics": [_item(d, view) for d in diagnostics]}, indent=2, ensure_ascii=False) + "\n"


def _item(diagnostic: Diagnostic, view: View) -> dict[str, Any]:
    item: dict[str, Any] = {
        "message": diagnostic.message,
        "location": _location(diagnostic.path, diagnostic.span, view),
        "severity": str(diagnostic.severity).upper(),
        "code": {"value": diagnostic.code, **({"url": diagnostic.url} if diagnostic.url else {})},
    }
    if diagnostic.fix is not None and diagnostic.is_fixable():
        item["suggestions"] = [_suggestion(view.sources[diagnostic.path], diagnostic.fix)]
    if diagnostic.related:
        item["related_locations"] = [{"message": r.message, "location": _location(r.path, r.span, view)} for r in diagnostic.related]
    return item


def _suggestion(source: Source, fix: Fix) -> dict[str, Any]:
    """All edits as one: suggestions are accepted one by one, and half a fix is none."""
    start = min(edit.span.start for edit in fix.edits)
    end = max(edit.span.end for edit in fix.edits)
    edits = [Edit(Span(edit.span.start - start, edit.span.end - start), edit.new) for edit in fix.edits]
    return {"range": _range(source, Span(start, end)), "text": apply(source.text[start:end], edits)}


def _location(path: str, span: Span, view: View) -> dict[str, Any]:
    return {"path": view.slashed(path), "range": _range(view.sources[path], span)}


def _range(source: Source, span: Span) -> dict[str, Any]:
    return {"start": _position(source, source.position(span.start)), "end": _position(source, source.position(span.end))}


def _position(source: Source, position: Position) -> dict[str, int]:
    before = source.line(position.row)[: position.column - 1]
    return {"line": position.row, "column": len(before.encode("utf-8", "surrogatepass")) + 1}
