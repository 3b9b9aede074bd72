"""All rules that there are for a configuration: ours, and the user's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rea_lint import own, rule
from rea_lint.config import UserError

if TYPE_CHECKING:
    from collections.abc import Collection

    from rea_lint.config import Config
    from rea_lint.rule import Entry, Rule


def index(config: Config) -> tuple[Entry, ...]:
    """All rules by code, none of them imported.  Raises UserError for rule modules that are not there, or hold what is taken."""
    entries = list(rule.index())
    taken = {word: entry.module for entry in entries for word in (entry.code, entry.name)}
    for module in own.modules(config):
        for entry in own.entries(module):
            for word in (entry.code, entry.name):
                if word in taken:
                    raise UserError(f"{module.file}: `{entry.code}` ({entry.name}): `{word}` is taken by a rule in {taken[word]}")
                taken[word] = str(module.file)
            entries.append(entry)
    return tuple(sorted(entries, key=lambda entry: entry.code))


def load(codes: Collection[str], config: Config) -> tuple[Rule, ...]:
    """The rules of these codes, imported, by code; without the user's own where they may not be run.  Raises UserError."""
    rules = list(rule.load(codes))
    if config.trusted:
        wanted = (module for module in own.modules(config) if any(entry.code in codes for entry in own.entries(module)))
        rules += (each for module in wanted for each in own.load(module) if each.code in codes)
    return tuple(sorted(rules, key=lambda each: each.code))
