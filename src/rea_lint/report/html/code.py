"""Python as HTML: lines with the simplest of tokens, and one stretch of them marked."""

from __future__ import annotations

import html
import keyword
import re
from bisect import bisect_right
from functools import lru_cache
from itertools import islice, pairwise, takewhile
from typing import TYPE_CHECKING

from rea_lint.report.frame import printable
from rea_lint.text import Source, Span

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_ROWS = 12  # of the marked stretch itself
Token = tuple[int, int, str]  # start, end, class

_TOKEN = re.compile(
    r"""
    (?P<str>(?:\b[rbfuRBFU]{1,2})?(?:
        \"\"\"(?:\\.|[^\\])*?(?:\"\"\"|\Z) | '''(?:\\.|[^\\])*?(?:'''|\Z) | "(?:\\.|[^"\\\n])*"? | '(?:\\.|[^'\\\n])*'?
    ))
    | (?P<com>\#[^\n\r]*)
    | (?P<dec>^[ \t]*@[\w.]+)
    | (?P<num>\b\d[\w.]*)
    | (?P<key>\b(?:KEYWORD)\b)
    | (?P<fun>\b\w+(?=\())
    """.replace("KEYWORD", "|".join(keyword.kwlist)),
    re.VERBOSE | re.MULTILINE | re.DOTALL,
)


def lines(source: Source, span: Span, around: int, widest: int) -> Iterator[tuple[int | None, str]]:
    """The rows around a span as HTML, each with its number from 1, the span marked; None stands for rows left out."""
    first, last = source.position(span.start).row, source.position(span.end).row
    rows = range(max(first - around, 1), min(last + around, len(source)) + 1)
    filled = [row for row in rows if first <= row <= last or source.line(row).strip()]
    for row in range(filled[0], filled[-1] + 1):
        if first + MOST_ROWS <= row < last:
            if row == first + MOST_ROWS:
                yield None, ""
            continue
        whole = source.line_span(row)
        shown = _window(whole, span, widest)
        indent = len(source.line(row)) - len(source.line(row).lstrip())
        marked = Span(max(span.start, whole.start + indent), min(span.end, whole.end))
        code = _pieces(source.text, shown, marked, _tokens(source.text))
        yield row, f"{'…' if shown.start > whole.start else ''}{code}{'…' if shown.end < whole.end else ''}"


def python(text: str) -> str:
    """A piece of code as HTML."""
    return _pieces(text, Span(0, len(text)), Span(0, 0), _tokens(text))


def _window(whole: Span, span: Span, widest: int) -> Span:
    """The part of a line that is shown: all of it, or what is around the span."""
    if whole.end - whole.start <= widest:
        return whole
    start = min(max(span.start - widest // 4, whole.start), max(whole.end - widest, whole.start))
    return Span(start, min(start + widest, whole.end))


def _pieces(text: str, shown: Span, marked: Span, tokens: tuple[Token, ...]) -> str:
    first = max(bisect_right(tokens, shown.start, key=lambda token: token[0]) - 1, 0)
    near = takewhile(lambda token: token[0] < shown.end, islice(tokens, first, None))
    here = [(max(start, shown.start), min(end, shown.end), kind) for start, end, kind in near if end > shown.start]
    bounds = [marked.start, marked.end] if marked.start < marked.end else []
    cuts = sorted({shown.start, shown.end, *(at for start, end, _ in here for at in (start, end)), *bounds})
    kinds = {start: (end, kind) for start, end, kind in here}
    parts: list[str] = []
    until, current = shown.start, ""
    for start, end in pairwise(at for at in cuts if shown.start <= at <= shown.end):
        if start in kinds:
            until, current = kinds[start]
        piece = html.escape("\n".join(map(printable, text[start:end].split("\n"))))
        piece = f'<span class="{current}">{piece}</span>' if start < until and current else piece
        parts.append(f"<mark>{piece}</mark>" if marked.start <= start and end <= marked.end else piece)
    return "".join(parts).replace("</mark><mark>", "")


@lru_cache(maxsize=8)
def _tokens(text: str) -> tuple[Token, ...]:
    return tuple((match.start(), match.end(), match.lastgroup or "") for match in _TOKEN.finditer(text))
