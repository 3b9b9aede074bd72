"""Source text, places in it, and edits to it.  The only module that counts characters."""

from __future__ import annotations

import io
import re
from bisect import bisect_right
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class Span(Struct, frozen=True, order=True, array_like=True, gc=False):
    """A stretch of a text: characters (code points), counted from 0, half open."""

    start: int
    end: int

    def contains(self, other: Span) -> bool:
        """Whether `other` lies within this span (a span contains itself)."""
        return self.start <= other.start and other.end <= self.end


class Position(NamedTuple):
    """A place as people read it: row and column from 1, the column in code points."""

    row: int
    column: int


class Edit(Struct, frozen=True, order=True):
    """Put `new` where `span` is.  An empty span inserts, an empty `new` deletes."""

    span: Span
    new: str


class Source(Struct, frozen=True, dict=True):
    """A text that knows its lines.

    Lines end where Python's tokenizer ends them: at LF, CR LF or CR, and nowhere else (a form feed or U+2028 ends none).
    """

    text: str

    def __len__(self) -> int:
        return len(self._starts)

    def position(self, offset: int) -> Position:
        """The row and column of a character offset; the end of the text is a place too."""
        row = bisect_right(self._starts, offset)
        return Position(row, offset - self._starts[row - 1] + 1)

    def offset(self, position: Position) -> int:
        """The character offset of a row and column; one past the end of its line at most."""
        row = min(max(position.row, 1), len(self._starts))
        return min(self._starts[row - 1] + position.column - 1, self.line_span(row).end)

    def line_span(self, row: int) -> Span:
        """The line without what ends it; an empty span past the last line."""
        if row > len(self._starts):
            return Span(len(self.text), len(self.text))
        start = self._starts[row - 1]
        end = self._starts[row] if row < len(self._starts) else len(self.text)
        while end > start and self.text[end - 1] in "\r\n":
            end -= 1
        return Span(start, end)

    def line(self, row: int) -> str:
        """The text of a line, without what ends it."""
        span = self.line_span(row)
        return self.text[span.start : span.end]

    def spans(self) -> Callable[[Any], Span]:
        """What says where a node of `ast` stands: faster than to ask for each of its two places."""
        starts, of = [0, *self._starts], self.from_ast

        def in_ascii(node: Any) -> Span:
            return Span(starts[node.lineno] + node.col_offset, starts[node.end_lineno] + node.end_col_offset)

        def in_any(node: Any) -> Span:
            return Span(of(node.lineno, node.col_offset), of(node.end_lineno, node.end_col_offset))

        return in_ascii if self._is_ascii else in_any

    def from_ast(self, row: int, byte_column: int) -> int:
        """The character offset of a place as `ast` gives it: row from 1, column from 0 in UTF-8 bytes."""
        start = self._starts[row - 1]
        if self._is_ascii:
            return start + byte_column
        line = self.text[start : start + byte_column]
        if line.isascii():
            return start + byte_column
        return start + len(line.encode("utf-8", "surrogatepass")[:byte_column].decode("utf-8", "ignore"))

    @cached_property
    def _starts(self) -> list[int]:
        ends = [0, *accumulate(map(len, io.StringIO(self.text, newline="")))]
        return ends if self.text[-1:] in {"\n", "\r", ""} else ends[:-1]

    @cached_property
    def _is_ascii(self) -> bool:
        return self.text.isascii()

    @cached_property
    def newline(self) -> str:
        """What ends the first line: the line ending that new lines of this file get."""
        end = self.line_span(1).end
        return "\r\n" if self.text[end : end + 2] == "\r\n" else self.text[end : end + 1] or "\n"


def apply(text: str, edits: Iterable[Edit]) -> str:
    """The text after all edits, which do not overlap.

    Two insertions at one place are put in the order given; edits that overlap raise ValueError.
    """
    done: list[str] = []
    at = 0
    for edit in sorted(edits, key=lambda e: (e.span.start, e.span.end)):
        if edit.span.start < at:
            message = f"edits overlap at character {edit.span.start}"
            raise ValueError(message)
        done += text[at : edit.span.start], edit.new
        at = edit.span.end
    return "".join([*done, text[at:]])


def difference(before: str, now: str) -> Edit:
    """The one edit of a text that makes another of it: what lies between the beginning and the end that they have in common."""
    start = _common(before, now)
    kept = _common(before[start:][::-1], now[start:][::-1])
    return Edit(Span(start, len(before) - kept), now[start : len(now) - kept])


def _common(one: str, other: str) -> int:
    """How many characters two texts have in common at their beginning.  By halving: comparing stretches is what Python is fast at."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if one[low:middle] == other[low:middle] else (low, middle - 1)
    return low


def lines(text: str) -> list[str]:
    """The lines of a text, each with what ends it."""
    return _LINES.findall(text)


_LINES = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
