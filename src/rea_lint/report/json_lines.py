"""One JSON object a line, each as in the list that `json` gives."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from rea_lint.report.json import finding

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rea_lint.diagnostic import Diagnostic
    from rea_lint.report import View


def render(diagnostics: Sequence[Diagnostic], view: View) -> str:
    """One line a finding."""
    return "".join(f"{json.dumps(finding(diagnostic, view), ensure_ascii=False)}\n" for diagnostic in diagnostics)
