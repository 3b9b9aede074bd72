"""Code as a terminal shows it: what is seen of a character, how many columns it takes, and lines with carets below."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from msgspec import Struct

from rea_lint.text import Edit, Span, apply

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rea_lint.diagnostic import Fix
    from rea_lint.text import Source

TAB = "    "
AROUND = 2  # rows of context above and below, as in ruff
_LINE_END = re.compile(r"\r\n|\r|\n")
MOST_ROWS = 6  # of the finding itself
_BIDIRECTIONAL = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


class Row(Struct, frozen=True):
    """A row of a code frame; `number` is None for a row of carets, or one that stands for rows left out."""

    number: int | None
    text: str
    is_caret: bool = False


def frame(source: Source, span: Span, width: int) -> Iterator[Row]:
    """The rows around a span, with carets under it; no row is wider than `width` columns."""
    first, last = source.position(span.start), source.position(span.end)
    shown = range(max(first.row - AROUND, 1), min(last.row + AROUND, len(source)) + 1)
    numbers = [n for n in shown if n - first.row < MOST_ROWS or n >= last.row]
    while numbers[0] < first.row and not source.line(numbers[0]).strip():
        del numbers[0]
    while numbers[-1] > last.row and not source.line(numbers[-1]).strip():
        del numbers[-1]
    line = source.line(first.row)
    start = first.column - 1
    end = last.column - 1 if last.row == first.row else len(line)
    skipped = _cut(line, start, end, width)
    previous = numbers[0] - 1
    for number in numbers:
        if number != previous + 1:
            yield Row(None, "...")
        previous = number
        yield Row(number, fit(source.line(number)[skipped:], width, is_cut=skipped > 0))
        if number == first.row:
            mark = 1 if skipped else 0  # for the ellipsis
            before = columns(printable(line[skipped:start])) + mark
            under = max(columns(printable(line[start:end])), 1)
            yield Row(None, " " * before + "^" * max(min(under, width - before), 1), is_caret=True)


def changes(source: Source, fix: Fix, width: int) -> Iterator[str]:
    """What a fix does to the lines it touches, as `- old` and `+ new`."""
    for start, end, edits in _stretches(source, fix):
        old = source.text[start:end]
        new = apply(old, [Edit(Span(e.span.start - start, e.span.end - start), e.new) for e in edits])
        before, after = _LINE_END.split(old), _LINE_END.split(new)
        while before and after and before[-1] == after[-1]:
            del before[-1], after[-1]
        while before and after and before[0] == after[0]:
            del before[0], after[0]
        skipped = _common(before, after, width - 2)
        for sign, lines in (("-", before), ("+", after)):
            yield from (f"{sign} {fit(line[skipped:], width - 2, is_cut=skipped > 0)}" for line in lines)


def _common(before: list[str], after: list[str], width: int) -> int:
    """How many characters to leave out at the left of one line and what becomes of it, so that the difference is seen."""
    if len(before) != 1 or len(after) != 1:
        return 0
    shorter = min(len(before[0]), len(after[0]))
    same = next((i for i in range(shorter) if before[0][i] != after[0][i]), shorter)
    return 0 if columns(printable(before[0][:same])) < width * 2 // 3 else max(same - width // 3, 0)


def _stretches(source: Source, fix: Fix) -> Iterator[tuple[int, int, list[Edit]]]:
    """The edits of a fix, grouped into stretches of whole lines that do not touch."""
    group: list[Edit] = []
    start = end = -1
    for edit in sorted(fix.edits):
        first = source.line_span(source.position(edit.span.start).row)
        last = source.line_span(source.position(edit.span.end).row)
        if group and first.start > end:
            yield start, end, group
            group = []
        if not group:
            start, end = first.start, first.end
        group.append(edit)
        end = max(end, last.end)
    if group:
        yield start, end, group


def printable(text: str) -> str:
    """The text without what moves the cursor, reorders the line or cannot be encoded; tabs as spaces."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_seen, text))


def columns(text: str) -> int:
    """How many columns a printable text takes: two for wide characters, none for combining ones."""
    if text.isascii():
        return len(text)
    return sum(map(_columns, text))


def fit(text: str, width: int, *, is_cut: bool = False) -> str:
    """The text as printable, with an ellipsis for what does not fit; `is_cut`: something before it was left out."""
    shown = ("…" if is_cut else "") + printable(text)
    if columns(shown) <= width:
        return shown
    kept, used = [], 1
    for character in shown:
        used += _columns(character)
        if used > width:
            break
        kept.append(character)
    return "".join(kept) + "…"


def _cut(line: str, start: int, end: int, width: int) -> int:
    """How many characters to leave out at the left, so that the span is seen."""
    if columns(printable(line[:end])) <= width:
        return 0
    wanted = min(columns(printable(line[start:end])), width // 2)
    room = max(width - wanted - 2, 0) // 2
    skipped = start
    while skipped and columns(printable(line[skipped - 1 : start])) <= room:
        skipped -= 1
    return skipped


def _seen(character: str) -> str:
    if character == "\t":
        return TAB
    if character < " ":
        return chr(0x2400 + ord(character))
    is_unsafe = character in _BIDIRECTIONAL or unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"}
    return "\ufffd" if is_unsafe else character


def _columns(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
