"""A finding as a person wants to read it: the code with carets, the way to the cause, the fix."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from rea_lint.diagnostic import Applicability, Severity
from rea_lint.report.frame import changes, columns, frame, printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rea_lint.diagnostic import Diagnostic, Fix
    from rea_lint.report import View


class Piece(NamedTuple):
    """A stretch of a line that looks the same."""

    text: str
    style: str = ""  # of `CODES`
    link: str = ""  # where it leads, on a terminal that shows links


Line: TypeAlias = tuple[Piece, ...]

WIDTH = 160  # columns of a code frame where there is no terminal
NARROWEST = 30  # below that nothing is readable; let the terminal wrap
SAFETY = {
    Applicability.SAFE: "fix",
    Applicability.UNSAFE: "unsafe fix",
    Applicability.DISPLAY: "suggestion",
}
STYLES = {
    Severity.ERROR: "bold red",
    Severity.WARNING: "bold yellow",
    Severity.INFO: "bold blue",
}
GUTTER = "blue"
CHANGE = {"-": "red", "+": "green"}
CODES = {"bold": 1, "dim": 2, "red": 31, "green": 32, "yellow": 33, "blue": 34, "cyan": 36}
"""What a terminal calls the words of a style (ECMA-48, SGR)."""


def render(diagnostics: Sequence[Diagnostic], view: View) -> str:
    """Each finding as a paragraph, with an empty line after it."""
    lines = (line for diagnostic in diagnostics for line in (*_paragraph(diagnostic, view), ()))
    return "".join(f"{''.join(_shown(piece, view) for piece in line)}\n" for line in lines)


def _shown(piece: Piece, view: View) -> str:
    text = piece.text
    if view.color and piece.style and text:
        text = f"\x1b[{';'.join(str(CODES[word]) for word in piece.style.split())}m{text}\x1b[0m"
    return f"\x1b]8;;{piece.link}\x1b\\{text}\x1b]8;;\x1b\\" if view.has_links and piece.link else text


def _paragraph(diagnostic: Diagnostic, view: View) -> Iterator[Line]:
    source = view.sources[diagnostic.path]
    style = STYLES[diagnostic.severity]
    width = max(view.width or WIDTH, NARROWEST)
    rows = list(frame(source, diagnostic.span, width - len(str(len(source))) - 3))
    gutter = max(len(str(row.number or "")) for row in rows)
    place = view.start(diagnostic.path, diagnostic.span)

    head = f"{diagnostic.severity}[{diagnostic.code}]"
    first, *others = _wrap(diagnostic.message, view.width, len(head) + 2, 4)
    yield Piece(head, style, diagnostic.url), Piece(": "), Piece(first, "bold")
    yield from ((Piece(f"    {text}", "bold"),) for text in others)
    yield Piece(" " * gutter), Piece("--> ", GUTTER), Piece(f"{printable(view.path(diagnostic.path))}:{place.row}:{place.column}")
    for row in rows:
        number = f"{row.number if row.number is not None else '':>{gutter}}"
        yield Piece(f"{number} |", GUTTER), Piece(f" {row.text}" if row.text else "", style if row.is_caret else "")
    yield from _notes(diagnostic, view, " " * gutter, width)


def _notes(diagnostic: Diagnostic, view: View, margin: str, width: int) -> Iterator[Line]:
    for depth, related in enumerate(diagnostic.related):
        indent = "  " * min(depth, 8, width // 20)
        place = f"{indent}{printable(view.path(related.path))}:{view.start(related.path, related.span).row}: "
        yield from _note(place, "cyan", related.message, view, margin)
    if diagnostic.fix is not None:
        yield from _fix(diagnostic, diagnostic.fix, view, margin, width)
    page = f"{diagnostic.name}: {diagnostic.url}"
    if not diagnostic.url or (view.has_links and columns(page) + len(margin) + 3 > width):
        page = f"{diagnostic.name}: rea-lint rule {diagnostic.code}"
    yield Piece(f"{margin} = ", GUTTER), Piece(page, "dim", diagnostic.url)


def _fix(diagnostic: Diagnostic, fix: Fix, view: View, margin: str, width: int) -> Iterator[Line]:
    yield from _note(f"{SAFETY[fix.applicability]}: ", "bold", fix.title, view, margin)
    for line in changes(view.sources[diagnostic.path], fix, width - len(margin) - 5):
        yield Piece(f"{margin}     "), Piece(line, CHANGE[line[0]])


def _note(head: str, style: str, text: str, view: View, margin: str) -> Iterator[Line]:
    """A sentence below the code, with what it begins with; what does not fit in the line goes on below."""
    indent = len(margin) + 5
    first, *others = _wrap(text, view.width, len(margin) + 3 + columns(head), indent)
    yield Piece(f"{margin} = ", GUTTER), Piece(head, style), Piece(first)
    yield from ((Piece(" " * indent + line),) for line in others)


def _wrap(text: str, width: int | None, taken: int, indent: int) -> list[str]:
    """The text in lines that a terminal holds; one line where there is no terminal.

    `taken`: columns used in the first line; `indent`: in the others.
    """
    text = printable(text)
    if width is None:
        return [text]
    room = max(width, NARROWEST) - indent
    before = max(taken - indent, 0)
    lines = textwrap.wrap(text, room, initial_indent="x" * min(before, room), break_long_words=False, break_on_hyphens=False)
    if not lines:
        return [""]
    if before >= room:
        return ["", *lines[1:]]
    return [lines[0][before:], *lines[1:]]
