"""Comments that silence: found in a text, with the rows they speak for.  What they silence is decided in `suppress`."""

from __future__ import annotations

import io
import re
import tokenize
from typing import TYPE_CHECKING

from rea_lint.facts import Suppression
from rea_lint.text import Position, Span

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from rea_lint.text import Source

MALFORMED = "malformed"  # the form of a comment that begins as ours and is none that we know

# Most files have none of these comments, and a regular expression says so hundreds of times faster than the tokenizer.
_WORTH_A_LOOK = re.compile(r"#[ \t]*(?:rea-lint:|noqa(?![ \t]*:)|noqa[ \t]*:[^\r\n]*rea)", re.IGNORECASE)

_DIRECTIVE = r"""(?ix)\#\s*(?:
          rea-lint:\s*(?P<verb>[\w-]*)(?P<list>\s*\[[^\]\#]*\]?)?
        | noqa(?![\w-])(?P<colon>\s*:)?(?P<codes>(?<=:)\s*[A-Za-z]+[0-9]+(?:[\s,]+[A-Za-z]+[0-9]+)*)?
        | (?P<foreign>nosec\b|[\w-]+:)                    # somebody else's: where our reason ends
        )"""  # compiled when there is such a comment
_OURS = r"(?i)REA[0-9]+"

_LAYOUT = {tokenize.NL, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER, tokenize.ENCODING}
_WHOLE_FILE = (0, 0)


def suppressions(source: Source) -> tuple[Suppression, ...]:
    """The suppressions of a file, in source order.  Strings that look like comments are none; broken text gives what can be read."""
    if not _WORTH_A_LOOK.search(source.text):
        return ()
    return tuple(
        suppression
        for comment, start, rows in sorted(_comments(source), key=lambda c: c[1])
        for suppression in _parse(comment, start, rows)
    )


def without(comment: str, words: Collection[str]) -> str:
    """The comment of a suppression without some of its codes or names; empty if it would then say nothing."""
    match = re.match(_DIRECTIVE, comment)
    if match is None:
        return comment
    group = "codes" if match["verb"] is None else "list"
    listed = match[group] or ""
    kept = [word for word in _words(listed) if word not in words]
    if not kept:
        return ""
    codes = (", " if ", " in listed else ",").join(kept)
    return comment[: match.start(group)] + (f"[{codes}]" if group == "list" else f" {codes}") + comment[match.end(group) :]


def with_words(comment: str, words: Iterable[str]) -> str:
    """The comment of a suppression that lists codes, with more of them, sorted; those that are there stay as they are written."""
    match = re.match(_DIRECTIVE, comment)
    if match is None or match["list"] is None:
        raise ValueError(comment)
    listed = _words(match["list"])
    more = [word for word in words if word not in listed]
    return f"{comment[: match.start('list')]}[{', '.join(sorted([*listed, *more]))}]{comment[match.end('list') :]}"


def is_plain(reason: str) -> bool:
    """Whether a text can be a reason: no comment of ours or somebody else's begins in it."""
    return re.search(_DIRECTIVE, reason) is None


def _words(listed: str) -> list[str]:
    return [word for word in re.split(r"[\s,]+", listed.strip(" []")) if word]


def _comments(source: Source) -> Iterator[tuple[str, int, tuple[int, int]]]:
    """Each comment with its offset and the first and last row it speaks for.

    At either end of a statement that is the whole statement, in the middle of one its own row.  A comment that stands alone
    speaks for the statement that follows, or, within brackets, for the next row that has code.
    """
    alone: list[tuple[str, int]] = []  # comments that wait for the code below them
    heads: list[tuple[str, int]] = []  # comments alone above the current statement
    inside: list[tuple[str, int, int]] = []  # comments behind code of the current statement, with their row
    first = last = 0  # the rows of the current statement so far; `first` is 0 between statements
    for token in tokens(source.text):
        row = token.start[0]
        if token.type == tokenize.COMMENT:
            start = source.offset(Position(row, token.start[1] + 1))
            if first and last == row:
                inside.append((token.string, start, row))
            else:
                alone.append((token.string, start))
        elif token.type == tokenize.NEWLINE:
            yield from _of_statement(heads, inside, first or row, last or row)
            heads, inside, first, last = [], [], 0, 0
        elif token.type not in _LAYOUT:
            if first:
                yield from ((comment, start, (row, row)) for comment, start in alone)
            else:
                first, heads = row, alone
            alone, last = [], token.end[0]
    yield from _of_statement(heads, inside, first, last)
    yield from ((comment, start, (last, last) if first else _below(source)) for comment, start in alone)


def _of_statement(
    heads: list[tuple[str, int]], inside: list[tuple[str, int, int]], first: int, last: int
) -> Iterator[tuple[str, int, tuple[int, int]]]:
    yield from ((comment, start, (first, last)) for comment, start in heads)
    yield from ((comment, start, (first, last) if row in {first, last} else (row, row)) for comment, start, row in inside)


def _below(source: Source) -> tuple[int, int]:
    """The row past the end: what a comment with no code below it speaks for."""
    return (len(source) + 1, len(source) + 1)


def tokens(text: str) -> Iterator[tokenize.TokenInfo]:
    """The tokens of a text, as far as it can be read."""
    # A lone CR ends a line for the parser, but not for every version of `tokenize`: hand it LF, which is as long.
    lines = io.StringIO(re.sub(r"\r(?!\n)", "\n", text), newline="")
    try:
        yield from tokenize.generate_tokens(lines.readline)
    except (tokenize.TokenError, SyntaxError, ValueError, RecursionError):
        return  # a broken file: the parser says what is wrong with it


def _parse(comment: str, start: int, rows: tuple[int, int]) -> Iterator[Suppression]:
    matches = list(re.finditer(_DIRECTIVE, comment))
    for match, end in zip(matches, [*(m.start() for m in matches), len(comment)][1:], strict=True):
        if match["foreign"] is not None:
            continue
        form, codes = _noqa(match) if match["verb"] is None else _ours(match)
        if form is None:
            continue
        text = comment[match.start() : end].rstrip()
        first, last = _WHOLE_FILE if form == "ignore-file" else rows
        span = Span(start + match.start(), start + match.start() + len(text))
        yield Suppression(codes, span, first, last, form, reason=comment[match.end() : end].strip())


def _ours(match: re.Match[str]) -> tuple[str, tuple[str, ...]]:
    """Form and codes of `# rea-lint: ...`; one that we cannot read silences nothing, and is said to be unused."""
    verb, listed = match["verb"].lower(), (match["list"] or "").strip()
    codes = tuple(_words(listed))
    if verb not in {"ignore", "ignore-file"} or (listed and (not codes or not listed.endswith("]"))):
        return MALFORMED, ()
    return verb, codes


def _noqa(match: re.Match[str]) -> tuple[str | None, tuple[str, ...]]:
    """Form and codes of `# noqa`; None for one that speaks to others only, or says no code behind its colon."""
    if match["colon"] is None:
        return "noqa", ()
    codes = tuple(word for word in _words(match["codes"] or "") if re.fullmatch(_OURS, word))
    return ("noqa", codes) if codes else (None, ())
