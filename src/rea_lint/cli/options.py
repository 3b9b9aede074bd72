"""What the command line of `check` can say: every option, in the groups in which `--help` lists them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from msgspec import Struct

from rea_lint.cli.output import targets
from rea_lint.config import FORMATS, UserError
from rea_lint.diagnostic import Applicability, Severity

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from click.shell_completion import CompletionItem

    from rea_lint.cli.output import Target
    from rea_lint.diagnostic import Diagnostic

SEVERITIES = {str(level): level for level in Severity}


class Options(Struct, frozen=True):
    """What the command line says."""

    paths: tuple[str, ...]
    select: tuple[str, ...]
    ignore: tuple[str, ...]
    extend_select: tuple[str, ...]
    ignore_suppressions: bool
    baseline: str | None
    ignore_baseline: bool
    write_baseline: bool
    since: str | None
    staged: bool
    add_ignore: str | None
    fix: bool
    unsafe_fixes: bool
    interactive: bool
    diff: bool
    output_format: str | None
    output_file: tuple[Target, ...]
    statistics: bool
    color: str
    quiet: bool
    verbose: bool
    severity: str
    exit_zero: bool
    exit_non_zero_on_fix: bool
    stdin_filename: str | None
    force_exclude: bool
    show_files: bool
    config: tuple[str, ...]
    isolated: bool
    show_settings: bool
    watch: bool
    no_cache: bool
    cache_dir: str | None
    jobs: int | None

    def applies(self, diagnostic: Diagnostic) -> bool:
        """Whether the fix of a finding is to be applied."""
        return diagnostic.is_fixable(Applicability.UNSAFE if self.unsafe_fixes else Applicability.SAFE)

    def reject(self) -> None:
        """Raise UserError for options that do not go together."""
        if self.stdin_filename and "-" not in self.paths:
            raise UserError(
                "--stdin-filename says what stdin is called, which is read with `-`: `rea-lint check - --stdin-filename app.py`"
            )
        stdin = "`-`" if "-" in self.paths else ""
        staged = "--staged" if self.staged else ""
        since = "--since" if self.since is not None else ""
        writing = "--write-baseline" if self.write_baseline else ""
        ignoring = "--add-ignore" if self.add_ignore is not None else ""
        interactive = "--interactive" if self.interactive else ""
        fix = interactive or ("--fix" if self.fix else "")
        diff = "--diff" if self.diff else ""
        ignored = "--ignore-suppressions" if self.ignore_suppressions else ""
        for one, others in (
            (since, (staged, stdin)),
            (staged, (stdin, fix, ignoring)),  # what is on the disk may be another text
            (writing, (fix, diff, staged, since, stdin, ignoring)),
            (interactive, (diff, stdin)),
            ("--watch" if self.watch else "", (fix, diff, staged, stdin, writing, ignoring, ignored)),
            (ignoring, (fix, ignored)),
        ):
            if one and any(others):
                raise UserError(f"{one} and {next(filter(None, others))} do not go together")

    @property
    def least_severity(self) -> Severity:
        """The least severity of a finding that fails the run."""
        return SEVERITIES[self.severity]


def with_configuration(command: click.Command) -> click.Command:
    """The command, with the options that say which configuration to read."""
    command.params += CONFIGURATION
    return command


class Command(click.Command):
    """A command whose `--help` lists the options in groups."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take what follows `--add-ignore` for a path: its value is behind a `=`, or left out."""
        end = args.index("--") if "--" in args else len(args)
        return super().parse_args(ctx, [f"{word}=" if word == "--add-ignore" else word for word in args[:end]] + args[end:])

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write one section a group; what is in no group (`--help`) comes last."""
        grouped = {option for options in GROUPS.values() for option in options}
        rest = [param for param in self.get_params(ctx) if isinstance(param, click.Option) and param not in grouped]
        for title, params in (*GROUPS.items(), ("Help", rest)):
            records = [record for param in params if (record := param.get_help_record(ctx)) is not None]
            with formatter.section(title):
                formatter.write_dl(records)


def _selectors(context: click.Context, parameter: click.Parameter, value: Sequence[str]) -> tuple[str, ...]:
    for text in value:
        if not text.replace(",", " ").strip():
            raise click.BadParameter("it names no rule.", context, parameter)
    return tuple(word.strip() for text in value for word in text.split(",") if word.strip())


def _rules(name: str, text: str) -> click.Option:
    return click.Option([name], multiple=True, callback=_selectors, shell_complete=complete_rule, metavar="RULES", help=text)


def complete_rule(_context: click.Context, _parameter: click.Parameter, typed: str) -> list[CompletionItem]:
    """The codes and names that the last of some rules, with commas between them, may become."""
    from click.shell_completion import CompletionItem

    from rea_lint.rule import index

    before, comma, word = typed.rpartition(",")
    words = ((entry.code, entry.name) for entry in index())
    return [
        CompletionItem(f"{before}{comma}{each}", help=other)
        for code, name in words
        for each, other in ((code, name), (name, code))
        if each.lower().startswith(word.lower())
    ]


def _flag(*names: str, text: str) -> click.Option:
    return click.Option(names, is_flag=True, help=text)


CONFIGURATION = (
    click.Option(
        ["--config"], multiple=True, metavar="FILE|KEY=VALUE", help="A configuration file to use, or an option as TOML; repeatable."
    ),
    _flag("--isolated", text="Read no configuration file."),
)
"""What other commands take too."""

PATHS = click.Argument(["paths"], nargs=-1, type=click.Path(readable=False))
GROUPS: Mapping[str, tuple[click.Option, ...]] = {
    "Rules": (
        _rules("--select", "The rules to run: codes, names, prefixes or ALL."),
        _rules("--ignore", "Rules not to run."),
        _rules("--extend-select", "Rules to run besides the selected ones."),
        _flag("--ignore-suppressions", text="Report also what comments silence."),
    ),
    "Old code": (
        click.Option(
            ["--baseline"],
            type=click.Path(),
            metavar="FILE",
            help="Do not report the findings in this file, which --write-baseline writes.",
        ),
        _flag("--write-baseline", text="Write the findings to the baseline, and report none; takes out those that are gone."),
        _flag("--ignore-baseline", text="Report also what the baseline has."),
        click.Option(
            ["--since"], metavar="REF", help="Report only what stands in, or comes from, lines changed since the branch left this commit."
        ),
        _flag(
            "--staged", text="Report only what stands in, or comes from, lines of the next commit; looks at files as git has staged them."
        ),
        click.Option(
            ["--add-ignore"],
            metavar="[=REASON]",
            help="Write a comment that silences, with a reason, at each finding.  With --diff, only show them.",
        ),
    ),
    "Fixes": (
        _flag("--fix", text="Apply safe fixes."),
        _flag("--unsafe-fixes", text="With --fix or --diff, apply unsafe fixes too: they may change the journal or behaviour."),
        _flag("-i", "--interactive", text="Show each fix, unsafe ones too, and ask whether to apply it."),
        _flag("--diff", text="Show what --fix would change, and change nothing."),
    ),
    "Output": (
        click.Option(["--output-format"], type=click.Choice(FORMATS), envvar="REA_LINT_OUTPUT_FORMAT", help="How findings are written."),
        click.Option(
            ["--output-file"],
            multiple=True,
            callback=targets,
            metavar="FORMAT:PATH",
            help="Write the findings to a file as well, in a format of its own; repeatable.",
        ),
        _flag("--statistics", text="Show how many findings each rule has, instead of the findings."),
        click.Option(
            ["--color"],
            type=click.Choice(["auto", "always", "never"]),
            default="auto",
            help="Whether to use colors; also NO_COLOR, FORCE_COLOR.",
        ),
        _flag("-q", "--quiet", text="Show findings only."),
        _flag("-v", "--verbose", text="Say what is done, and show tracebacks of internal errors."),
    ),
    "Exit code": (
        click.Option(
            ["--severity"],
            type=click.Choice(list(SEVERITIES)),
            default="warning",
            help="The least severity that fails the run (default: warning).",
        ),
        _flag("-e", "--exit-zero", text="Exit with 0 even if there are findings."),
        _flag("--exit-non-zero-on-fix", text="Exit with 1 if something was fixed, even if nothing is left."),
    ),
    "Files": (
        click.Option(["--stdin-filename"], type=click.Path(), metavar="PATH", help="The path of what is read from stdin, with `-`."),
        _flag("--force-exclude", text="Leave out what is excluded also if it is named, for pre-commit."),
        _flag("--show-files", text="List the files that would be checked."),
    ),
    "Configuration": (
        *CONFIGURATION,
        _flag("--show-settings", text="Show the options in force, and where they come from."),
    ),
    "Running": (
        _flag("-w", "--watch", text="Lint again whenever a file changes, until Ctrl-C; needs `rea-lint[watch]`."),
        _flag("-n", "--no-cache", text="Neither read nor write a cache."),
        click.Option(["--cache-dir"], type=click.Path(), envvar="REA_LINT_CACHE_DIR", metavar="FOLDER", help="Where the cache is."),
        click.Option(["-j", "--jobs"], type=click.IntRange(min=0), metavar="N", help="How many processes to use."),
    ),
}
