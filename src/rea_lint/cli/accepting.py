"""`check --write-baseline`: what is found is accepted from now on."""

from __future__ import annotations

import sys
from collections import Counter
from typing import TYPE_CHECKING

from rea_lint import baseline
from rea_lint.cli import CLEAN, relative
from rea_lint.cli.narrowing import judging
from rea_lint.cli.task import baseline_of
from rea_lint.cli.telling import failed
from rea_lint.config import UserError
from rea_lint.report import count

if TYPE_CHECKING:
    from pathlib import Path

    from rea_lint.baseline import Entry
    from rea_lint.cli.task import Task
    from rea_lint.engine import Report

DEFAULT = "rea-lint-baseline.jsonl"


def accept(task: Task) -> int:
    """Write the findings to the baseline; those of files and rules that this run is not about stay as they were.  Gives the exit code."""
    named = baseline_of(task.options, task.config)
    file = named or task.config.root / DEFAULT
    report = task.look({}).report
    if report.errors:
        return failed(report, verbose=task.options.verbose)
    before = _before(file)
    found = Counter(baseline.entries(report.diagnostics, report.sources, file).values())
    accepted = found | _kept(before, task, report, file)
    baseline.write(file, accepted)
    if not task.options.quiet:
        more, gone = sum((accepted - before).values()), sum((before - accepted).values())
        print(f"Wrote {count(sum(accepted.values()), 'finding')} to {relative(str(file))}: {more} new, {gone} gone.", file=sys.stderr)
        if task.config.baseline is None:
            print(f'To have it read by every run, put `baseline = "{file.name}"` into the configuration.', file=sys.stderr)
    return CLEAN


def _before(file: Path) -> Counter[Entry]:
    """What the baseline has; nothing if it cannot be understood, since it is about to be written anew."""
    try:
        return baseline.read(file)
    except UserError:
        return Counter()


def _kept(before: Counter[Entry], task: Task, report: Report, file: Path) -> Counter[Entry]:
    judged = judging(file, task.discovery, list(task.options.paths) or ["."])
    return Counter({entry: n for entry, n in before.items() if not judged(report, entry)})
