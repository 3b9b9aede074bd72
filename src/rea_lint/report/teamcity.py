"""Service messages: TeamCity shows the findings in the Code Inspection tab of a build.

https://www.jetbrains.com/help/teamcity/service-messages.html
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rea_lint.diagnostic import Diagnostic
    from rea_lint.report import View

SHORT, LONG = 255, 4000  # characters that TeamCity takes of an id, and of a description or message
_SPECIAL = re.compile(r"['|\[\]\n\r]|[^\x20-\x7e]")
_ESCAPES = {"\n": "n", "\r": "r", "\x85": "x", "\u2028": "l", "\u2029": "p"}


def render(diagnostics: Sequence[Diagnostic], view: View) -> str:
    """The rules that found something, and then one message a finding."""
    return "".join(f"{message}\n" for message in (*_types(diagnostics), *_inspections(diagnostics, view)))


def _types(diagnostics: Sequence[Diagnostic]) -> Iterator[str]:
    for diagnostic in {d.code: d for d in diagnostics}.values():
        title = f"{diagnostic.code} {diagnostic.name}"
        page = f'<html><body><a href="{diagnostic.url}">{title}</a></body></html>' if diagnostic.url else title
        yield (
            f"##teamcity[inspectionType id='{_value(diagnostic.code, SHORT)}' name='{_value(title, SHORT)}' "
            f"category='Restate' description='{_value(page, LONG)}']"
        )


def _inspections(diagnostics: Sequence[Diagnostic], view: View) -> Iterator[str]:
    for diagnostic in diagnostics:
        row = view.start(diagnostic.path, diagnostic.span).row
        yield (
            f"##teamcity[inspection typeId='{_value(diagnostic.code, SHORT)}' message='{_value(diagnostic.message, LONG)}' "
            f"file='{_value(view.slashed(diagnostic.path), LONG)}' line='{row}' SEVERITY='{str(diagnostic.severity).upper()}']"
        )


def _value(text: str, most: int) -> str:
    return _SPECIAL.sub(_escape, text if len(text) <= most else f"{text[: most - 1]}…")


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    if character in "'|[]":
        return f"|{character}"
    if character in _ESCAPES:
        return f"|{_ESCAPES[character]}"
    units = character.encode("utf-16-be", "surrogatepass").hex()  # a character is a UTF-16 unit there, as in Java
    return "".join(f"|0x{units[i : i + 4]}" for i in range(0, len(units), 4))
