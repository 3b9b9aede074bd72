"""What the editor's settings say, and the configuration that they make with the project's files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from msgspec import Struct

from rea_lint import config as configuration
from rea_lint.config import Config, Selectors, UserError

SECTION = "rea-lint"
ON_TYPE, ON_SAVE = "onType", "onSave"


class Settings(Struct, frozen=True):
    """The settings of a client, for all folders or for one.  What is not ours is left alone: clients keep their own settings there."""

    configuration: str = ""  # a file to read instead of the nearest one; relative to the folder
    select: tuple[str, ...] = ()
    extend_select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    run: str = ON_TYPE
    trusted: bool = True  # whether rules that come with the project may be run
    code_lens: bool = True

    @classmethod
    def read(cls, given: Any) -> Settings:
        """The settings in what a client sends: ours, or all of it with ours under `rea-lint`.  Raises UserError."""
        if isinstance(given, dict) and SECTION in given:
            given = given[SECTION]
        if given is None:
            return cls()
        if not isinstance(given, dict):
            raise UserError(f"editor settings: `{SECTION}` takes a table, not {given!r}")
        return cls(
            configuration=_word(given, "configuration", ""),
            select=_words(given, "select"),
            extend_select=_words(given, "extendSelect"),
            ignore=_words(given, "ignore"),
            run=_word(given, "run", ON_TYPE, (ON_TYPE, ON_SAVE)),
            code_lens=_flag(given, "codeLens"),
            trusted=_flag(given, "trusted"),
        )

    def load(self, start: str, folder: str) -> Config:
        """The configuration for what is at `start`, in a folder of the workspace.  Raises UserError."""
        explicit = Path(folder, Path(self.configuration).expanduser()) if self.configuration else None
        selectors = Selectors(self.select, self.ignore, self.extend_select)
        return configuration.load(Path(start), explicit, selectors=selectors, trusted=self.trusted)


def _words(given: dict[str, Any], key: str) -> tuple[str, ...]:
    value = given.get(key)
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        raise UserError(f"editor settings: `{SECTION}.{key}` takes a list of strings, not {value!r}")
    return tuple(value)


def _word(given: dict[str, Any], key: str, default: str, allowed: tuple[str, ...] = ()) -> str:
    value = given.get(key)
    if value is None:
        return default
    if not isinstance(value, str) or (allowed and value not in allowed):
        takes = " or ".join(f'"{word}"' for word in allowed) or "a string"
        raise UserError(f"editor settings: `{SECTION}.{key}` takes {takes}, not {value!r}")
    return value


def _flag(given: dict[str, Any], key: str) -> bool:
    value = given.get(key, True)
    if not isinstance(value, bool):
        raise UserError(f"editor settings: `{SECTION}.{key}` takes true or false, not {value!r}")
    return value
