"""What suppression comments silence, and which of them silence nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct

from rea_lint.comments import MALFORMED
from rea_lint.text import Position, Span

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping

    from rea_lint.facts import Facts, Suppression
    from rea_lint.text import Source

Rule: TypeAlias = tuple[str, str]  # code and name


class Silence(Struct, frozen=True):
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


class Use(Struct, frozen=True):
    """A word of a suppression that silenced something; `""` is the word of one that silences all."""

    path: str
    span: Span
    word: str


class Unused(Struct, frozen=True):
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
            meant = {word: [ran[rule] for rule in ran if means(word, rule, suppression.form)] for word in suppression.codes}
            unknown = tuple(word for word, rules in meant.items() if not rules)
            idle = tuple(
                w for w, rules in meant.items() if not rules or (any(rules) and Use(silence.path, suppression.span, w) not in used)
            )
            if idle:
                yield Unused(silence.path, suppression, idle, unknown)


def _word(suppression: Suppression, rule: Rule) -> str | None:
    """The word of a suppression that means a rule; `""` if it means all of them; None if it does not mean it."""
    if suppression.form == MALFORMED:
        return None
    if not suppression.codes:
        return ""
    return next((word for word in suppression.codes if means(word, rule, suppression.form)), None)


def means(word: str, rule: Rule, form: str) -> bool:
    """Whether a word of a suppression of some form means a rule."""
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
