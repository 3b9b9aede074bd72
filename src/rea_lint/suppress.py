"""What suppression comments silence, and which of them silence nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rea_lint.comments import MALFORMED
from rea_lint.text import Position, Span

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from rea_lint.facts import Facts, Suppression
    from rea_lint.text import Source


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

    def says(self, code: str, name: str) -> str | None:
        """The word of the comment that means this rule (`""` in one that means all); None if there is none."""
        return says(self.suppression, code, name)


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
    words: tuple[str, ...]  # codes or names that silence nothing; all of them, or () for a comment without codes
    unknown: tuple[str, ...]  # those of them that name no rule

    @property
    def whole(self) -> bool:
        """Whether nothing of the comment is of use."""
        return set(self.words) == set(self.suppression.codes)


def silences(facts: Facts, source: Source) -> tuple[Silence, ...]:
    """The suppressions of a file, tied to its text."""
    return tuple(_silence(suppression, facts, source) for suppression in facts.suppressions)


def covering(among: Iterable[Silence], span: Span, rules: Iterable[tuple[str, str]]) -> Iterator[Use]:
    """What silences a finding at `span` by any of the rules, given as (code, name)."""
    rules = tuple(rules)
    for silence in among:
        if not silence.covers(span):
            continue
        if not rules and not silence.suppression.codes and silence.suppression.form != MALFORMED:
            yield Use(silence.path, silence.suppression.span, "")
        for code, name in rules:
            word = silence.says(code, name)
            if word is not None:
                yield Use(silence.path, silence.suppression.span, word)


def unused(among: Iterable[Silence], used: frozenset[Use], names_a_rule: Callable[[str], bool | None]) -> Iterator[Unused]:
    """The suppressions that silence nothing, in source order.

    `names_a_rule` says of a word whether it names a rule that ran (True), one that did not run and so could not be silenced
    (None), or no rule (False).
    """
    for silence in among:
        suppression = silence.suppression
        if not suppression.codes:
            is_used = Use(silence.path, suppression.span, "") in used
            # A noqa without codes speaks to every linter there is: it is not ours to judge.
            if suppression.form == MALFORMED or (suppression.form != "noqa" and not is_used):
                yield Unused(silence.path, suppression, (), ())
            continue
        idle = tuple(
            word for word in suppression.codes if Use(silence.path, suppression.span, word) not in used and names_a_rule(word) is not None
        )
        if idle:
            yield Unused(silence.path, suppression, idle, tuple(word for word in idle if names_a_rule(word) is False))


def says(suppression: Suppression, code: str, name: str) -> str | None:
    """The word of a suppression that means a rule, by code or name; `""` if it means all; None if it does not mean it."""
    if suppression.form == MALFORMED:
        return None
    if not suppression.codes:
        return ""
    # flake8 reads the codes of a noqa as prefixes, so we do.
    is_prefix = suppression.form == "noqa"
    for word in suppression.codes:
        if word.upper() == code or word.lower() == name or (is_prefix and code.startswith(word.upper())):
            return word
    return None


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
