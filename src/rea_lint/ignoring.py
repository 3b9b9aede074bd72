"""Edits that silence findings: `# rea-lint: ignore[REA101] reason` where it works.  `suppress` says what such a comment silences."""

from __future__ import annotations

import re
import tokenize
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from rea_lint.comments import is_plain, suppressions, tokens, with_words
from rea_lint.text import Edit, Span

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rea_lint.facts import Suppression
    from rea_lint.text import Source

ENDS_ROW: Final = frozenset({tokenize.NEWLINE, tokenize.NL})
# From 3.12 on an f-string is several tokens.  Within it a comment is text, or a syntax error for an older Python.
OPENS: Final = frozenset(getattr(tokenize, name) for name in ("FSTRING_START", "TSTRING_START") if hasattr(tokenize, name))
CLOSES: Final = frozenset(getattr(tokenize, name) for name in ("FSTRING_END", "TSTRING_END") if hasattr(tokenize, name))


def edits(source: Source, wanted: Iterable[tuple[Span, str]], reason: str = "") -> list[Edit]:
    """The edits after which comments silence findings, given by place and code; one edit a comment, in source order.

    A comment of ours that speaks for the place already gets the code, and the reason if it has none.  Otherwise a new one is put
    behind the row in which the finding begins; behind the row in which it ends, or behind the whole statement, if there a
    comment would be part of a string or of a continued line.  On the head of a function it speaks for the whole function.
    A finding in text that Python cannot read gives no edit.  Raises ValueError for a reason that would be read as a comment itself.
    """
    reason = _plain(reason)
    rows = _Rows.of(source)
    there = [s for s in suppressions(source) if s.form == "ignore" and s.codes]
    added: dict[Suppression | int, set[str]] = {}
    for span, code in wanted:
        first, last = source.position(span.start).row, source.position(max(span.start, span.end - 1)).row
        place = next((s for s in there if s.row <= first <= s.last_row or s.row <= last <= s.last_row), None) or rows.place(first, last)
        if place is not None:
            added.setdefault(place, set()).add(code)
    return sorted(_edit(source, place, sorted(codes), reason) for place, codes in added.items())


def in_file(source: Source, codes: Iterable[str], reason: str = "") -> Edit:
    """The edit after which a comment silences codes in the whole file: one that is there gets them, or a new one near the top has them.

    Raises ValueError as `edits`.
    """
    reason = _plain(reason)
    there = next((s for s in suppressions(source) if s.form == "ignore-file" and s.codes), None)
    if there is not None:
        return _added(source, there, codes, reason)
    row = 1
    while row <= 2 and _HEAD.match(source.line(row)):
        row += 1
    start = source.line_span(row).start
    before = source.newline if row > len(source) else ""
    return Edit(Span(start, start), f"{before}{_comment('ignore-file', codes, reason)}{source.newline}")


_HEAD = re.compile(r"#!|#.*coding[:=]")  # what the shell and Python look for in the first two rows


def _plain(reason: str) -> str:
    if not is_plain(reason):
        raise ValueError(f"{reason!r} would be read as a comment of its own")
    return " ".join(reason.split())


class _Rows(Struct, frozen=True):
    """Where a comment can stand at the end of a row."""

    open: frozenset[int]  # rows behind which it can
    statements: tuple[int, ...]  # the last row of each statement, in order; behind it a comment can stand

    @classmethod
    def of(cls, source: Source) -> _Rows:
        ends = list(_ends(source))
        return cls(frozenset(row for row, _ in ends), tuple(row for row, is_statement in ends if is_statement))

    def place(self, first: int, last: int) -> int | None:
        """The row behind which a comment speaks for what begins and ends in two rows."""
        if first in self.open:
            return first
        if last in self.open:
            return last
        return next((row for row in self.statements if row >= first), None)


def _ends(source: Source) -> Iterator[tuple[int, bool]]:
    """Each row that a comment can end, and whether it ends a statement."""
    depth = 0
    for token in tokens(source.text):
        depth += (token.type in OPENS) - (token.type in CLOSES)
        if token.type in ENDS_ROW and not depth:
            yield token.start[0], token.type == tokenize.NEWLINE


def _edit(source: Source, place: Suppression | int, codes: Iterable[str], reason: str) -> Edit:
    if not isinstance(place, int):
        return _added(source, place, codes, reason)
    line = source.line_span(place)
    code = source.text[line.start : line.end].rstrip(" \t\f")
    return Edit(Span(line.start + len(code), line.end), f"  {_comment('ignore', codes, reason)}")


def _added(source: Source, there: Suppression, codes: Iterable[str], reason: str) -> Edit:
    comment = with_words(source.text[there.span.start : there.span.end], codes)
    return Edit(there.span, comment if there.reason or not reason else f"{comment} {reason}")


def _comment(form: str, codes: Iterable[str], reason: str) -> str:
    return f"# rea-lint: {form}[{', '.join(codes)}] {reason}".rstrip()
