"""Which rules run, where, and how severe their findings are: selectors (codes, names, prefixes, ALL) against the registry."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from rea_lint.config import Config
    from rea_lint.diagnostic import Severity
    from rea_lint.rule import Entry

ALL = "ALL"
EXACT = 100  # how specific a code or a name is; a prefix is as specific as it is long, ALL not at all
UNFIT = -1
CODELIKE = r"(?i)rea(?:[\doil]\w{0,3})?$"
NEAR = 0.65  # of `difflib`: below it a word is another one, not a misspelt one
FAMILY = "REA[0-9]?"  # a prefix that is good also where no such rule exists yet


class Selection(Struct, frozen=True):
    """The rules that run, as one configuration and those below it have it."""

    codes: frozenset[str]  # all that run in some file
    configs: Config
    chosen: Mapping[Path, _Chosen]  # by the root of each configuration

    def applies(self, code: str, path: str) -> bool:
        """Whether a rule's findings in a file are wanted."""
        return self._at(path).applies(code, path)

    def severity(self, code: str, path: str) -> Severity | None:
        """The severity that the configuration gives to a rule's findings in a file; None if it says nothing."""
        return self._at(path).severities.get(code)

    def _at(self, path: str) -> _Chosen:
        return self.chosen[self.configs.at(path).root]


class _Chosen(Struct, frozen=True):
    """What one configuration selects."""

    codes: frozenset[str]
    severities: Mapping[str, Severity]  # code -> severity, where the configuration says one
    exceptions: tuple[tuple[Callable[[str], bool], frozenset[str]], ...]  # (whether a file is meant, codes that do not apply to it)

    def applies(self, code: str, path: str) -> bool:
        return code in self.codes and not any(code in codes and fits(path) for fits, codes in self.exceptions)


def select(config: Config, entries: Iterable[Entry]) -> Selection:
    """What the configuration, and those below it, select.  Raises UserError for a selector that means no rule.

    Of two selectors that disagree about a rule the more specific one decides, and of two equally specific ones `ignore`.
    """
    entries = tuple(entries)
    chosen = {each.root: _chosen(each, entries) for each in config.all}
    return Selection(frozenset[str]().union(*(each.codes for each in chosen.values())), config, chosen)


def _chosen(config: Config, entries: tuple[Entry, ...]) -> _Chosen:
    for key, words in (
        ("select", config.select),
        ("extend-select", config.extend_select),
        ("ignore", config.ignore),
        ("severity", config.severity),
        ("per-file-ignores", [word for listed in config.per_file_ignores.values() for word in listed]),
    ):
        for word in words:
            if not re.fullmatch(FAMILY, word) and all(_specificity(word, entry) == UNFIT for entry in entries):
                raise config.error(key, f"there is no rule `{word}`{did_you_mean(word, entries)}", word)
    return _Chosen(
        frozenset(entry.code for entry in entries if _is_selected(entry, config)),
        {entry.code: config.severity[said] for entry in entries if (said := _most_specific(config.severity, entry)) is not None},
        tuple(
            (_pattern(pattern, str(config.root)), frozenset(entry.code for entry in entries if _most_specific(ignored, entry) is not None))
            for pattern, ignored in config.per_file_ignores.items()
        ),
    )


def named(word: str, entries: Iterable[Entry]) -> Entry | None:
    """The rule of a code or a name."""
    return next((entry for entry in entries if _specificity(word, entry) == EXACT), None)


def did_you_mean(word: str, entries: Iterable[Entry]) -> str:
    """` (did you mean `wall-clock`?)`, if there is something near; of a word that is like a code, which codes begin as it does."""
    if re.match(CODELIKE, word):
        return _begin_alike(word.upper().translate(_DIGITS), sorted(entry.code for entry in entries))

    import difflib  # noqa: PLC0415 -- few words are wrong

    near = [
        (ratio, _agreement(word.lower(), name.lower()), name)
        for entry in entries
        for name in (entry.code, entry.name)
        if (ratio := difflib.SequenceMatcher(None, word.lower(), name.lower()).ratio()) > NEAR
    ]
    return f" (did you mean `{max(near)[2]}`?)" if near else ""


def _begin_alike(code: str, codes: list[str]) -> str:
    """A code that only looks like another one means it; of any other, no code is nearer than the next."""
    if code in codes:
        return f" (did you mean `{code}`?)"
    begin = max((code[:n] for n in range(len(code) + 1) if any(each.startswith(code[:n]) for each in codes)), key=len)
    alike = [each for each in codes if each.startswith(begin)]
    return f" (codes with `{begin}` are `{alike[0]}` to `{alike[-1]}`)" if len(alike) > 1 else f" (did you mean `{alike[0]}`?)"


def _agreement(one: str, other: str) -> int:
    """How many characters are, or look, the same at the same place: an `O` is as good as a zero."""
    return sum(a == b for a, b in zip(one.translate(_LOOKALIKE), other.translate(_LOOKALIKE), strict=False))


_DIGITS = str.maketrans("OIL", "011")
_LOOKALIKE = str.maketrans("oil", "011")


def _is_selected(entry: Entry, config: Config) -> bool:
    chosen = max((_specificity(word, entry) for word in (*config.select, *config.extend_select)), default=UNFIT)
    if not config.select and entry.default:
        chosen = max(chosen, 0)
    return chosen > max((_specificity(word, entry) for word in config.ignore), default=UNFIT)


def _most_specific(words: Iterable[str], entry: Entry) -> str | None:
    fitting = [word for word in words if _specificity(word, entry) != UNFIT]
    return max(fitting, key=lambda word: _specificity(word, entry), default=None)


def _specificity(word: str, entry: Entry) -> int:
    if word.upper() == entry.code or word.lower() == entry.name:
        return EXACT
    if word == ALL:
        return 0
    return len(word) if word and entry.code.startswith(word.upper()) else UNFIT


def _pattern(pattern: str, root: str) -> Callable[[str], bool]:
    """Whether a path fits a pattern, which is read as in .gitignore: relative to the configuration's folder; after `!`, if it does not."""
    from pathspec import GitIgnoreSpec  # noqa: PLC0415 -- 30 ms, and few configurations have patterns

    wanted = not pattern.startswith("!")
    spec = GitIgnoreSpec.from_lines([pattern.removeprefix("!")])
    return lambda path: bool(spec.match_file(os.path.relpath(path, root))) is wanted
