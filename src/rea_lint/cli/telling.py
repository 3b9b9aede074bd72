"""A report -> what `check` prints, and its exit code."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from rea_lint.cli import CLEAN, FAILED, FOUND, complain

if TYPE_CHECKING:
    from rea_lint.cli.options import Options
    from rea_lint.cli.task import Seen, Task
    from rea_lint.engine import Report


def tell(task: Task, seen: Seen) -> int:
    """Write the findings and the summary; gives the exit code."""
    from rea_lint.cli.output import format_of, write, write_files
    from rea_lint.report import statistics

    options, report = task.options, seen.report
    write_files(task, report)
    is_code_output = (options.fix or options.add_ignore is not None) and bool(task.stdin)
    findings = sys.stderr if is_code_output else sys.stdout
    if options.statistics:
        print(statistics(report.diagnostics, format_of(task)), end="", file=findings, flush=True)
    else:
        write(task, report, findings)
    if not options.quiet:
        print(_summary(task, report), *seen.notes, sep="\n", file=sys.stderr)
    if options.verbose:
        print("".join(f"{detail}\n" for detail in seen.details), end="", file=sys.stderr)
    return failed(report, verbose=options.verbose) if report.errors else exit_code(report, options)


def failed(report: Report, *, verbose: bool) -> int:
    """Say what went wrong in our own code; gives the exit code."""
    for error in report.errors:
        complain(f"{error.culprit}: {error.reason}", error.path or "the whole project", error.traceback, verbose=verbose)
    return FAILED


def exit_code(report: Report, options: Options) -> int:
    """Whether the findings fail the run."""
    fails = any(d.severity >= options.least_severity for d in report.diagnostics)
    return FOUND if fails and not options.exit_zero else CLEAN


def _summary(task: Task, report: Report) -> str:
    from rea_lint.cli.output import found_in
    from rea_lint.report import summary

    handlers, services = found_in(task, report)
    around = len(report.handlers) - handlers
    return summary(task.discovery.looked_at, handlers, services, report.diagnostics, around=around, unsafe=task.options.unsafe_fixes)
