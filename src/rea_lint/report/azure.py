"""Logging commands: Azure Pipelines lists each finding as an issue of the run.

https://learn.microsoft.com/azure/devops/pipelines/scripts/logging-commands
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rea_lint.diagnostic import Severity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rea_lint.diagnostic import Diagnostic
    from rea_lint.report import View

TYPES = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "warning"}  # there is no third


def render(diagnostics: Sequence[Diagnostic], view: View) -> str:
    """One command a finding.  Paths are absolute, as the agent wants them."""
    return "".join(_command(d, view) for d in diagnostics)


def _command(diagnostic: Diagnostic, view: View) -> str:
    place = view.start(diagnostic.path, diagnostic.span)
    properties = {
        "type": TYPES[diagnostic.severity],
        "sourcepath": diagnostic.path,
        "linenumber": place.row,
        "columnnumber": place.column,
        "code": diagnostic.code,
    }
    said = "".join(f"{key}={_property(str(value))};" for key, value in properties.items())
    return f"##vso[task.logissue {said}]{_data(diagnostic.message)}\n"


def _data(text: str) -> str:
    """As the agent reads it back: azure-pipelines-agent, Command.cs."""
    return text.replace("%", "%AZP25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace("]", "%5D").replace(";", "%3B")
