"""`path:line:col: CODE message`: one line a finding, for editors and grep."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rea_lint.report.frame import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rea_lint.diagnostic import Diagnostic
    from rea_lint.report import View


def render(diagnostics: Sequence[Diagnostic], view: View) -> str:
    """One line a finding."""
    return "".join(f"{_place(d, view)}: {d.code} {printable(d.message)}\n" for d in diagnostics)


def _place(diagnostic: Diagnostic, view: View) -> str:
    row, column = view.start(diagnostic.path, diagnostic.span)
    return f"{printable(view.path(diagnostic.path))}:{row}:{column}"
