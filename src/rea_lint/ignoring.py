"""Edits that silence findings: `# rea-lint: ignore[REA101] reason` where it works.  `suppress` says what such a comment silences."""

from __future__ import annotations

import tokenize
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

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
    if not is_plain(reason):
        raise ValueError(reason)
    rows = _Rows.of(source)
    there = [s for s in suppressions(source) if s.form == "ignore" and s.codes]
    added: dict[Suppression | int, set[str]] = {}
    for span, code in wanted:
        first, last = source.position(span.start).row, source.position(max(span.start, span.end - 1)).row
        place = next((s for s in there if s.row <= first <= s.last_row or s.row <= last <= s.last_row), None) or rows.place(first, last)
        if place is not None:
            added.setdefault(place, set()).add(code)
    return sorted(_edit(source, place, sorted(codes), " ".join(reason.split())) for place, codes in added.items())


@dataclass(frozen=True, slots=True)
class _Rows:
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


def _edit(source: Source, place: Suppression | int, codes: list[str], reason: str) -> Edit:
    if not isinstance(place, int):
        comment = source.text[place.span.start : place.span.end]
        changed = with_words(comment, codes)
        return Edit(place.span, changed if place.reason or not reason else f"{changed} {reason}")
    line = source.line_span(place)
    code = source.text[line.start : line.end].rstrip(" \t\f")
    return Edit(Span(line.start + len(code), line.end), f"  # rea-lint: ignore[{', '.join(codes)}] {reason}".rstrip())
