"""What a run of `check` is about: options, configuration, files, and how to look at them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rea_lint.cli.options import Options
    from rea_lint.config import Config
    from rea_lint.discovery import Discovery
    from rea_lint.engine import Report

STDIN = "-"


class Seen(Struct, frozen=True):
    """A report with what was asked for, and what the summary says of the rest."""

    report: Report
    notes: tuple[str, ...] = ()
    details: tuple[str, ...] = ()  # for --verbose


class Task(Struct, frozen=True):
    """A run, once it is known what there is to lint."""

    options: Options
    config: Config
    discovery: Discovery
    look: Callable[[Mapping[str, str]], Seen]  # the findings, if files (path -> text) had other texts; {} for what is there

    @property
    def texts(self) -> dict[str, str]:
        """The texts that can be edited, by path."""
        return {file.path: file.text for file in self.discovery.files if file.text is not None and file.broken is None}

    @property
    def stdin(self) -> str:
        """The path of what came by stdin; empty if nothing did."""
        return os.path.normpath(Path.cwd() / stdin_name(self.options)) if STDIN in self.options.paths else ""


def stdin_name(options: Options) -> str:
    """What stdin is called."""
    return options.stdin_filename or "stdin.py"


def baseline_of(options: Options, config: Config) -> Path | None:
    """The baseline that is named, by an absolute path."""
    return Path.cwd() / options.baseline if options.baseline else config.baseline
