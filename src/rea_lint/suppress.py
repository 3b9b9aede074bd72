"""What suppression comments silence, and which of them silence nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from rea_lint.comments import MALFORMED, naming, statement, suppressions
from rea_lint.text import Edit, Position, Source, Span, apply

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping, Sequence

    from rea_lint.facts import Facts, Suppression

Rule: TypeAlias = tuple[str, str]  # code and name


@dataclass(frozen=True, slots=True)
class Silence:
    """A suppression and the stretches of its file that it speaks for."""

    path: str
    suppression: Suppression
    rows: Span  # what it speaks for by its rows: findings that begin or end there
    functions: tuple[Span, ...]  # the functions on whose head it stands: all findings within

    def covers(self, span: Span) -> bool:
        """Whether it speaks for a finding at `span`."""
        return (
            self.rows.start <= span.start <= self.rows.end
            or self.rows.start < span.end <= self.rows.end
            or any(function.contains(span) for function in self.functions)
        )


@dataclass(frozen=True, slots=True)
class Use:
    """A word of a suppression that silenced something; `""` is the word of one that silences all."""

    path: str
    span: Span
    word: str


@dataclass(frozen=True, slots=True)
class Unused:
    """A suppression, or words of it, that silenced nothing."""

    path: str
    suppression: Suppression
    words: tuple[str, ...]  # codes or names that silence nothing; () for a comment without codes
    unknown: tuple[str, ...]  # those of them that name no rule


def silences(facts: Facts, source: Source) -> tuple[Silence, ...]:
    """The suppressions of a file, tied to its text."""
    return tuple(_silence(suppression, facts, source) for suppression in facts.suppressions)


def covering(among: Iterable[Silence], span: Span, rules: Iterable[Rule]) -> Iterator[Use]:
    """What silences a finding at `span` by any of the rules."""
    rules = tuple(rules)
    for silence in among:
        if silence.covers(span):
            words = (_word(silence.suppression, rule) for rule in rules)
            yield from (Use(silence.path, silence.suppression.span, word) for word in words if word is not None)


def unused(among: Iterable[Silence], used: Container[Use], ran: Mapping[Rule, bool], *, all_ran: bool) -> Iterator[Unused]:
    """The suppressions that silence nothing, in source order.

    `ran` has every rule there is, and whether it ran: what did not run could not be silenced.  A comment without codes is judged
    only if `all_ran`.
    """
    for silence in among:
        suppression = silence.suppression
        if suppression.form == MALFORMED:
            yield Unused(silence.path, suppression, (), ())
        elif not suppression.codes:
            # A noqa without codes speaks to every linter there is: it is not ours to judge.
            if all_ran and suppression.form != "noqa" and Use(silence.path, suppression.span, "") not in used:
                yield Unused(silence.path, suppression, (), ())
        else:
            meant = {word: [ran[rule] for rule in ran if _means(word, rule, suppression.form)] for word in suppression.codes}
            unknown = tuple(word for word, rules in meant.items() if not rules)
            idle = tuple(
                w for w, rules in meant.items() if not rules or (any(rules) and Use(silence.path, suppression.span, w) not in used)
            )
            if idle:
                yield Unused(silence.path, suppression, idle, unknown)


def ignoring(source: Source, span: Span, codes: Sequence[str], reason: str = "") -> Edit | None:
    """The edit that silences findings of some codes at a place of a file that parses, by a comment; None where none can stand.

    The comment that silences other codes there gets these too.  Else one is put behind the row in which the place begins; if that
    row ends in a string or a backslash, behind the statement or above it.
    """
    rows = [source.position(span.start).row, source.position(max(span.start, span.end - 1)).row]
    first, last = statement(source, rows[0])
    for known in suppressions(source):
        if known.form == "ignore" and known.codes and source.position(known.span.start).row in {rows[0], last}:
            text = source.text[known.span.start : known.span.end]
            edit = Edit(known.span, naming(text, [code for code in codes if code not in known.codes]))
            if _silences(source, edit, codes, rows):
                return edit
    comment = f"# rea-lint: ignore[{', '.join(codes)}]{f' {reason}' if reason else ''}"
    above = source.line_span(first)
    indentation = source.line(first)[: len(source.line(first)) - len(source.line(first).lstrip())]
    candidates = (
        *(Edit(Span(end, end), f"  {comment}") for end in (source.line_span(row).end for row in (rows[0], last))),
        Edit(Span(above.start, above.start), f"{indentation}{comment}{source.newline}"),
    )
    return next((edit for edit in candidates if _silences(source, edit, codes, rows)), None)


def ignoring_in_file(source: Source, codes: Sequence[str], reason: str = "") -> Edit:
    """The edit that silences some codes in the whole file by a comment: one that is there gets them, or a new one near the top has them."""
    for known in suppressions(source):
        if known.form == "ignore-file" and known.codes:
            text = source.text[known.span.start : known.span.end]
            return Edit(known.span, naming(text, [code for code in codes if code not in known.codes]))
    row = 1
    while row <= 2 and source.line(row).startswith("#") and _HEAD.search(source.line(row)):
        row += 1
    start = source.line_span(row).start
    before = source.newline if row > len(source) else ""
    return Edit(Span(start, start), f"{before}# rea-lint: ignore-file[{', '.join(codes)}]{f' {reason}' if reason else ''}{source.newline}")


_HEAD = re.compile(r"^#!|coding[:=]")  # what Python and the shell look for in the first two rows


def _silences(source: Source, edit: Edit, codes: Iterable[str], rows: Sequence[int]) -> bool:
    """Whether an edit gives a comment that silences codes at the rows of a place: tried out, since comments have many ways not to be one."""
    if edit.span.start == edit.span.end and source.text[: edit.span.start].endswith("\\"):
        return False  # the tokenizer of Python 3.11 takes a comment behind it, the parser takes none
    after = Source(apply(source.text, [edit]))
    shift = 1 if edit.new.endswith(("\n", "\r")) else 0
    return any(
        set(codes) <= set(each.codes) and each.row and any(each.row <= row + shift <= each.last_row for row in rows)
        for each in suppressions(after)
    )


def _word(suppression: Suppression, rule: Rule) -> str | None:
    """The word of a suppression that means a rule; `""` if it means all of them; None if it does not mean it."""
    if suppression.form == MALFORMED:
        return None
    if not suppression.codes:
        return ""
    return next((word for word in suppression.codes if _means(word, rule, suppression.form)), None)


def _means(word: str, rule: Rule, form: str) -> bool:
    code, name = rule
    # flake8 reads the codes of a noqa as prefixes, so we do.
    return word.upper() == code or word.lower() == name or (form == "noqa" and code.startswith(word.upper()))


def _silence(suppression: Suppression, facts: Facts, source: Source) -> Silence:
    if not suppression.row:
        return Silence(facts.path, suppression, Span(0, len(source.text)), ())
    rows = Span(source.line_span(suppression.row).start, source.line_span(suppression.last_row).end)
    functions = tuple(
        function.span
        for function in facts.functions.values()
        # On a decorator, or on the line of the `def`.  A comment behind a parameter speaks for its row alone.
        if function.header != function.span  # no lambda, no module
        and _stands_on_head(rows, function.span, function.header, source)
    )
    return Silence(facts.path, suppression, rows, functions)


def _stands_on_head(rows: Span, function: Span, header: Span, source: Source) -> bool:
    def_row = source.line_span(source.position(header.start).row)
    return rows.start <= def_row.end and rows.end >= source.offset(Position(source.position(function.start).row, 1))
