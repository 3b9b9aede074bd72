"""Which files and folders are left out: by the configuration's excludes, and by git's rules."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from msgspec import Struct

from rea_lint.facts import Broken
from rea_lint.files import is_under, read_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from re import Pattern

    from rea_lint.config import Config


_PLAIN = re.compile(r"\.?\w[\w.-]*/?")
"""A pattern that is a name: as most are."""


class Ignores(Struct, frozen=True):
    """The patterns of one .gitignore; the last that fits decides."""

    folder: str  # with a separator at its end
    plain: frozenset[str]  # names that are ignored, of folders alone with a `/` at their end; empty if a pattern takes something back
    patterns: tuple[tuple[Pattern[str], bool, bool], ...]  # (pattern, whether it ignores, whether it is about the name alone), last first
    names: Pattern[str] | None  # fits each name that a pattern about names fits
    paths: Pattern[str] | None  # the same for patterns about more than a name

    def decide(self, path: str, name: str, *, is_folder: bool) -> bool | None:
        """Whether a file or folder is ignored; None if nothing is said of it."""
        end = "/" if is_folder else ""
        if name in self.plain or (is_folder and name + end in self.plain):
            return True
        if not self.patterns:
            return None
        below = path[len(self.folder) :].replace(os.sep, "/") + end
        if not ((self.names and self.names.match(name + end)) or (self.paths and self.paths.match(below))):
            return None
        for pattern, ignores, is_name in self.patterns:
            text = name + end if is_name else below
            match = pattern.match(text)
            if match and match.end() == len(text):
                return ignores
        return None


def is_ignored(rules: tuple[Ignores, ...], path: str, name: str, *, is_folder: bool) -> bool:
    """Whether a file or folder is left out: the first of the rules are excludes, of the others the last that says something counts."""
    if rules[0].decide(path, name, is_folder=is_folder):
        return True
    for i in range(len(rules) - 1, 0, -1):
        decision = rules[i].decide(path, name, is_folder=is_folder)
        if decision is not None:
            return decision
    return False


def rules_for(root: str, config: Config) -> tuple[Ignores, ...]:
    """What holds in a folder: first the configuration's excludes, then git's rules, from the repository's root down."""
    base = str(config.root) if is_under(root, str(config.root)) else root
    rules = [excludes(config, base)]
    if not config.respect_gitignore:
        return tuple(rules)
    above = [root]
    while not is_repository(above[-1]) and os.path.dirname(above[-1]) != above[-1]:
        above.append(os.path.dirname(above[-1]))
    if is_repository(above[-1]):
        rules += gitignore(above[-1], os.path.join(".git", "info", "exclude"))
    else:
        above = [root]
    for folder in reversed(above):
        rules += gitignore(folder, ".gitignore")
    return tuple(rules)


def excludes(config: Config, folder: str) -> Ignores:
    """What a configuration excludes below a folder."""
    return _ignores(folder, [*config.exclude, *config.extend_exclude])


def is_repository(folder: str) -> bool:
    """Whether a folder is the root of a git repository."""
    return os.path.exists(os.path.join(folder, ".git"))


def gitignore(folder: str, name: str) -> list[Ignores]:
    """The rules of one file of git's in a folder, if it is there and has any."""
    path = os.path.join(folder, name)
    data = read_bytes(path) if os.path.isfile(path) else b""
    ignores = _ignores(folder, [] if isinstance(data, Broken) else data.decode("utf-8", "replace").splitlines())
    return [ignores] if ignores.plain or ignores.patterns else []


def _ignores(folder: str, lines: Sequence[str]) -> Ignores:
    folder = folder.rstrip(os.sep) + os.sep
    plain = frozenset() if any(line.startswith("!") for line in lines) else frozenset(filter(_PLAIN.fullmatch, lines))
    others = [line for line in lines if line not in plain]
    if not others:
        return Ignores(folder, plain, (), None, None)

    from pathspec import GitIgnoreSpec  # noqa: PLC0415 -- 15 ms

    patterns: list[tuple[Pattern[str], bool, bool]] = []
    for line in others:
        is_name = "/" not in line.strip().rstrip("/")
        patterns += [
            (pattern.regex, pattern.include, is_name)
            for pattern in GitIgnoreSpec.from_lines([line]).patterns
            if pattern.include is not None and pattern.regex is not None  # None: a comment, an empty line
        ]
    names = [pattern.pattern.removeprefix("^(?:.+/)?") for pattern, _, is_name in patterns if is_name]
    paths = [pattern.pattern for pattern, _, is_name in patterns if not is_name]
    return Ignores(folder, plain, tuple(reversed(patterns)), _any(names), _any(paths))


def _any(patterns: Sequence[str]) -> Pattern[str] | None:
    """One regular expression that fits what any of these fits: much faster than each in turn."""
    return re.compile("|".join(f"(?:{pattern.replace('(?P<ps_d>', '(?:')})" for pattern in patterns)) if patterns else None
