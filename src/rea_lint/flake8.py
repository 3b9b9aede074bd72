"""The flake8 plugin.  flake8 asks file by file; a project is judged once a process, as a whole, and each file is told its part.

What is found, and where, is what `rea-lint check` finds with the configuration of rea-lint; flake8 selects and silences on top of that.  It
has no word for severities: a finding is a finding.
"""

from __future__ import annotations

import os
import sys
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from msgspec.structs import replace

from rea_lint import baseline, engine
from rea_lint import config as configuration
from rea_lint.discovery import discover

if TYPE_CHECKING:
    import ast
    from argparse import Namespace
    from collections.abc import Iterator, Mapping

    from rea_lint.engine import Report

STDIN = "-"

Found = tuple[int, int, str, type["Plugin"]]  # row from 1, column from 0, code and message, who says so


class Plugin:
    """What flake8 makes for each file, and asks for what it found.  Raises UserError for a configuration that cannot be used."""

    name = "rea-lint"
    version = version("rea-lint")
    asked: ClassVar[tuple[str, ...]] = (".",)  # the files and folders that flake8 was called with; () if it reads stdin

    def __init__(self, tree: ast.AST, filename: str, lines: list[str]) -> None:  # noqa: ARG002 -- flake8 finds out by the names what to give
        """`tree` says that the file is worth a look: flake8 asks nobody about one that cannot be parsed."""
        self.filename = filename
        self.lines = lines

    @classmethod
    def parse_options(cls, options: Namespace) -> None:
        """Remember which files flake8 is asked about; flake8 calls this in each of its processes."""
        cls.asked = () if STDIN in options.filenames else tuple(options.filenames) or (".",)

    def run(self) -> Iterator[Found]:
        """The findings of the file."""
        path = os.path.abspath(self.filename)  # noqa: PTH100 -- links stay as they are named
        report = _judged(self.asked) if self.asked else _judge([], path, {path: "".join(self.lines)})
        source = report.sources.get(path)
        for diagnostic in report.diagnostics:
            if diagnostic.path == path and source is not None:
                row, column = source.position(diagnostic.span.start)
                yield row, column - 1, f"{diagnostic.code} {diagnostic.message}", Plugin


@cache
def _judged(asked: tuple[str, ...]) -> Report:
    there = [os.path.abspath(path) for path in asked if os.path.lexists(path)]  # noqa: PTH100 -- the same
    return _judge(there, os.path.commonpath(there) if there else str(Path.cwd()), {})


def _judge(paths: list[str], start: str, given: Mapping[str, str]) -> Report:
    """What is found in files and folders, where some files have other texts than on the disk."""
    config = configuration.load(Path(start))
    discovery = discover(paths, config, given=given)
    report = engine.check(discovery.files, discovery.config, discovery.reported)
    for error in report.errors:
        sys.stderr.write(f"rea-lint: internal error, please report it: {error.culprit} ({error.path})\n{error.traceback}\n")
    accepted = discovery.config.baseline
    if accepted is None:
        return report
    found = baseline.entries(report.diagnostics, report.sources, accepted)
    return replace(report, diagnostics=baseline.split(baseline.read(accepted), found).new)
