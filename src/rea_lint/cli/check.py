"""`rea-lint check`: lint, and fix."""

from __future__ import annotations

import difflib
import os
import re
import shutil
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rea_lint.cli import CLEAN, CONTEXT, FAILED, FOUND, complain
from rea_lint.cli.settings import settings, shown, with_selectors
from rea_lint.config import FORMATS, UserError
from rea_lint.diagnostic import Applicability, Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rea_lint.config import Config
    from rea_lint.diagnostic import Diagnostic
    from rea_lint.engine import Report
    from rea_lint.files import Discovery
    from rea_lint.fixes import Fixed

STDIN = "-"
SEVERITIES = {str(level): level for level in Severity}


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says.  The cache's are accepted: there is none yet to switch off."""

    paths: tuple[str, ...]
    fix: bool
    unsafe_fixes: bool
    diff: bool
    select: tuple[str, ...]
    ignore: tuple[str, ...]
    extend_select: tuple[str, ...]
    output_format: str | None
    severity: str
    exit_zero: bool
    exit_non_zero_on_fix: bool
    statistics: bool
    ignore_suppressions: bool
    stdin_filename: str | None
    config: tuple[str, ...]
    isolated: bool
    no_cache: bool
    cache_dir: str | None
    jobs: int | None
    show_files: bool
    show_settings: bool
    force_exclude: bool
    color: str
    quiet: bool
    verbose: bool

    def applies(self, diagnostic: Diagnostic) -> bool:
        """Whether the fix of a finding is to be applied."""
        least = Applicability.UNSAFE if self.unsafe_fixes else Applicability.SAFE
        return diagnostic.fix is not None and diagnostic.fix.applicability >= least


def _selectors(_context: click.Context, _parameter: click.Parameter, value: Sequence[str]) -> tuple[str, ...]:
    return tuple(word.strip() for text in value for word in text.split(",") if word.strip())


@click.command("check", context_settings=CONTEXT)
@click.argument("paths", nargs=-1, type=click.Path())
@click.option("--fix", is_flag=True, help="Apply safe fixes.")
@click.option(
    "--unsafe-fixes", is_flag=True, help="With --fix or --diff, apply unsafe fixes too: they may change the journal or behaviour."
)
@click.option("--diff", is_flag=True, help="Show what --fix would change, and change nothing.")
@click.option("--select", multiple=True, callback=_selectors, metavar="RULES", help="The rules to run: codes, names, prefixes or ALL.")
@click.option("--ignore", multiple=True, callback=_selectors, metavar="RULES", help="Rules not to run.")
@click.option("--extend-select", multiple=True, callback=_selectors, metavar="RULES", help="Rules to run besides the selected ones.")
@click.option("--output-format", type=click.Choice(FORMATS), envvar="REA_LINT_OUTPUT_FORMAT", help="How findings are written.")
@click.option(
    "--severity", type=click.Choice(list(SEVERITIES)), default="warning", help="The least severity that fails the run (default: warning)."
)
@click.option("-e", "--exit-zero", is_flag=True, help="Exit with 0 even if there are findings.")
@click.option("--exit-non-zero-on-fix", is_flag=True, help="Exit with 1 if something was fixed, even if nothing is left.")
@click.option("--statistics", is_flag=True, help="Show how many findings each rule has, instead of the findings.")
@click.option("--ignore-suppressions", is_flag=True, help="Report also what comments silence.")
@click.option("--stdin-filename", type=click.Path(), metavar="PATH", help="The path of what is read from stdin, with `-`.")
@click.option("--config", multiple=True, metavar="FILE|KEY=VALUE", help="A configuration file to use, or an option as TOML; repeatable.")
@click.option("--isolated", is_flag=True, help="Read no configuration file.")
@click.option("-n", "--no-cache", is_flag=True, help="Neither read nor write a cache.")
@click.option("--cache-dir", type=click.Path(), envvar="REA_LINT_CACHE_DIR", metavar="FOLDER", help="Where the cache is.")
@click.option("-j", "--jobs", type=click.IntRange(min=0), metavar="N", help="How many processes to use.")
@click.option("--show-files", is_flag=True, help="List the files that would be checked.")
@click.option("--show-settings", is_flag=True, help="Show the options in force, and where they come from.")
@click.option("--force-exclude", is_flag=True, help="Leave out what is excluded also if it is named, for pre-commit.")
@click.option(
    "--color", type=click.Choice(["auto", "always", "never"]), default="auto", help="Whether to use colors; also NO_COLOR, FORCE_COLOR."
)
@click.option("-q", "--quiet", is_flag=True, help="Show findings only.")
@click.option("-v", "--verbose", is_flag=True, help="Say what is done, and show tracebacks of internal errors.")
def command(**given: Any) -> int:
    """Lint the files and folders PATHS (default: this folder).

    PATHS choose what is reported; the project around them is always read, so that a finding does not depend on them.
    """
    return check(Options(**given))


def check(options: Options) -> int:
    """Lint, fix if asked to, report; gives the exit code."""
    paths, stdin = _sources(options)
    overrides: dict[str, object] = {"output-format": options.output_format} if options.output_format else {}
    config = settings([*paths, *([stdin[0]] if stdin else [])], options.config, overrides, isolated=options.isolated)
    config = with_selectors(config, options.select, options.ignore, options.extend_select)
    if options.show_settings:
        print("\n".join(shown(config)))
        return CLEAN

    from rea_lint import engine, files

    say = _teller(options)
    discovery = files.discover(paths, config, given=dict([stdin] if stdin else []), force_exclude=options.force_exclude)
    say(f"{len(discovery.files)} files to look into, {discovery.looked_at} to report on, configuration: {config.source or 'none'}")
    if options.show_files:
        print("".join(f"{path}\n" for path in sorted(discovery.reported)), end="")
        return CLEAN
    knowledge = engine.knowledge_for(config)

    def look(texts: Mapping[str, str]) -> Report:
        current = [replace(file, text=texts[file.path]) if file.path in texts else file for file in discovery.files]
        report = engine.check(current, config, discovery.reported, knowledge=knowledge, ignore_suppressions=options.ignore_suppressions)
        say(f"{len(report.handlers)} handlers, {len(report.diagnostics)} findings")
        return report

    if options.fix or options.diff:
        fixed, report = _fixed(look, discovery, options)
        if options.diff:
            return _show_changes(fixed, discovery, options) if not report.errors else _failed(report, options)
        return _write(fixed, report, discovery, config, options)
    return _tell(look({}), discovery, config, options)


def _sources(options: Options) -> tuple[list[str], tuple[str, bytes] | None]:
    """The paths to walk, and name and content of stdin if it is asked for."""
    paths = [path for path in options.paths if path != STDIN]
    if STDIN not in options.paths:
        return paths or ["."], None
    return paths, (_stdin_name(options), sys.stdin.buffer.read())


def _stdin_name(options: Options) -> str:
    return options.stdin_filename or "stdin.py"


def _teller(options: Options) -> Callable[[str], None]:
    """What says, in a verbose run, what was done and when."""
    start = time.perf_counter()

    def say(what: str) -> None:
        if options.verbose:
            print(f"{time.perf_counter() - start:6.2f} s: {what}", file=sys.stderr)

    return say


# -- fixing ------------------------------------------------------------------------------------------------------------


def _fixed(look: Callable[[Mapping[str, str]], Report], discovery: Discovery, options: Options) -> tuple[Fixed, Report]:
    """What fixing comes to, and the report on what is left then."""
    from rea_lint import fixes

    reports: dict[str, Report] = {}

    def report_on(texts: Mapping[str, str]) -> Report:
        key = repr(sorted(texts.items()))
        if key not in reports:
            reports.clear()
            reports[key] = look(texts)
        return reports[key]

    texts = {file.path: file.text for file in discovery.files if file.text is not None and file.broken is None}
    fixed = fixes.settle(texts, lambda changed: report_on(changed).diagnostics, options.applies)
    return fixed, report_on(fixed.texts)


def _write(fixed: Fixed, report: Report, discovery: Discovery, config: Config, options: Options) -> int:
    """Write the fixed texts, and report on the rest.  A file that cannot be written does not keep others from it."""
    from rea_lint import files

    stdin = os.path.normpath(Path.cwd() / _stdin_name(options)) if STDIN in options.paths else ""
    failed = False
    for file in discovery.files:
        text = fixed.texts.get(file.path, file.text or "")
        try:
            if file.path == stdin:
                sys.stdout.buffer.write(text.encode(file.encoding))
            elif file.path in fixed.texts:
                files.write(file, text)
        except UserError as error:
            print(f"rea-lint: error: {error}", file=sys.stderr)
            failed = True
    if not options.quiet and fixed.applied:
        print(f"Fixed {_extent(fixed)}.", file=sys.stderr)
    code = _tell(report, discovery, config, options)
    if failed:
        return FAILED
    return FOUND if code == CLEAN and fixed.applied and options.exit_non_zero_on_fix else code


def _show_changes(fixed: Fixed, discovery: Discovery, options: Options) -> int:
    for file in discovery.files:
        if file.path not in fixed.texts:
            continue
        name = file.path.removeprefix(f"{Path.cwd()}{os.sep}")
        before, after = (_LINES.findall(text) for text in (file.text or "", fixed.texts[file.path]))
        for line in difflib.unified_diff(before, after, name, name):
            print(line if line.endswith(("\n", "\r")) else f"{line}\n\\ No newline at end of file\n", end="")
    if not options.quiet:
        print(f"Would fix {_extent(fixed)}." if fixed.texts else "Nothing to fix.", file=sys.stderr)
    return FOUND if fixed.texts and not options.exit_zero else CLEAN


def _extent(fixed: Fixed) -> str:
    from rea_lint.report import count

    return f"{count(len(fixed.applied), 'finding')} in {count(len(fixed.texts), 'file')}"


_LINES = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")


# -- reporting ---------------------------------------------------------------------------------------------------------


def _tell(report: Report, discovery: Discovery, config: Config, options: Options) -> int:
    """Write the findings and the summary; gives the exit code."""
    from rea_lint.report import View, render, statistics, summary

    is_code_output = options.fix and STDIN in options.paths
    findings = sys.stderr if is_code_output else sys.stdout
    if options.statistics:
        text = statistics(report.diagnostics)
    else:
        is_terminal = findings.isatty()
        width = shutil.get_terminal_size().columns if is_terminal else None
        view = View(report.sources, str(Path.cwd()), _wants_color(options.color, is_terminal=is_terminal), width)
        text = render(config.output_format, report.diagnostics, view)
    findings.write(text)
    findings.flush()
    if not options.quiet:
        near = [handler for handler in report.handlers if handler.path in discovery.reported]
        services = [service for service in report.services if any(handler.path in discovery.reported for handler in service.handlers)]
        around = len(report.handlers) - len(near)
        print(
            summary(discovery.looked_at, len(near), len(services), report.diagnostics, around=around, unsafe=options.unsafe_fixes),
            file=sys.stderr,
        )
    if report.errors:
        return _failed(report, options)
    fails = any(d.severity >= SEVERITIES[options.severity] for d in report.diagnostics)
    return FOUND if fails and not options.exit_zero else CLEAN


def _failed(report: Report, options: Options) -> int:
    for error in report.errors:
        last = error.traceback.strip().splitlines()[-1]
        complain(f"{error.code or error.where}: {last}", error.path or "the whole project", error.traceback, verbose=options.verbose)
    return FAILED


def _wants_color(asked: str, *, is_terminal: bool) -> bool:
    """As https://no-color.org and https://force-color.org have it; the option wins."""
    if asked != "auto":
        return asked == "always"
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return is_terminal and os.environ.get("TERM") != "dumb"
