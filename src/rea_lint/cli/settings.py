"""From the command line to a configuration."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from rea_lint import config as configuration
from rea_lint.config import NO_SELECTORS, Config, Selectors, UserError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


def settings(
    paths: Sequence[str],
    given: Sequence[str],
    overrides: Mapping[str, object],
    selectors: Selectors = NO_SELECTORS,
    *,
    isolated: bool,
) -> Config:
    """The run's configuration for what is at the paths.  `given` are values of `--config`: a file, options as TOML.  Raises UserError."""
    inline = [text for text in given if "=" in text and not Path(text).exists()]
    files = [Path(text) for text in given if text not in inline]
    if len(files) > 1:
        raise UserError(f"--config: one file at most, not {' and '.join(map(str, files))}")
    explicit = files[0] if files else None
    return configuration.load(start(paths), explicit, isolated=isolated, overrides=overrides, inline=inline, selectors=selectors)


def start(paths: Sequence[str]) -> Path:
    """The folder (or file) that paths have in common."""
    return Path(os.path.commonpath([Path.cwd() / path for path in paths]))


def shown(config: Config) -> Iterator[str]:
    """One line an option: its value, and where it comes from."""
    for option in configuration.OPTIONS:
        origin = str(config.origins.get(option.name, "default"))
        value = getattr(config, option.field)
        if value is None:
            value = ""
        if value == "auto":  # what it comes to is what one wants to see
            value, origin = config.sdk.text, f"{value}: {config.sdk.source}"
        yield f"{option.name} = {as_toml(value)}  # {origin}"


def as_toml(value: object) -> str:
    """A value of an option, as it is written."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{as_toml(key)} = {as_toml(item)}" for key, item in value.items()) + " }" if value else "{}"
    if isinstance(value, tuple):
        return f"[{', '.join(map(as_toml, value))}]"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return str(value)
    import json

    return json.dumps(str(value), ensure_ascii=False)  # TOML's strings are written as JSON's
