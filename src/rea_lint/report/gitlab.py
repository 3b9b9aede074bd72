"""A Code Quality report: GitLab shows what a merge request adds and mends.

https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from rea_lint.diagnostic import Severity
from rea_lint.fingerprint import identities

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rea_lint.diagnostic import Diagnostic
    from rea_lint.report import View

SEVERITIES = {Severity.ERROR: "critical", Severity.WARNING: "major", Severity.INFO: "info"}


def render(diagnostics: Sequence[Diagnostic], view: View) -> str:
    """One list of all findings.  Fingerprints stay when lines move."""
    known = identities((*diagnostics, *(silenced.diagnostic for silenced in view.silenced)), view.sources, view.base)
    issues = [_issue(diagnostic, known[diagnostic].fingerprint, view) for diagnostic in diagnostics]
    return json.dumps(issues, indent=2, ensure_ascii=False) + "\n"


def _issue(diagnostic: Diagnostic, fingerprint: str, view: View) -> dict[str, Any]:
    start, end = view.start(diagnostic.path, diagnostic.span), view.end(diagnostic.path, diagnostic.span)
    return {
        "type": "issue",
        "check_name": diagnostic.code,
        "description": f"{diagnostic.code} {diagnostic.name}: {diagnostic.message}",
        "categories": ["Bug Risk"],
        "severity": SEVERITIES[diagnostic.severity],
        "fingerprint": fingerprint,
        "location": {"path": view.slashed(diagnostic.path), "lines": {"begin": start.row, "end": end.row}},
    }
