"""The command line.  The only package that prints: findings to stdout, everything else to stderr."""

from __future__ import annotations

import gc
import os
import sys
import time

TYPE_CHECKING = False  # as in `typing`, whose import takes longer than a run that was made before
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, NoReturn, TypeVar

    import click

    from rea_lint.cli.again import Recording

    Code = TypeVar("Code", int, "int | None")

CONTEXT = {"help_option_names": ["-h", "--help"]}
COMMANDS = ("check", "rule", "handlers", "config", "init", "doctor", "server")
"""Each a module of this package with a command of that name, imported when it is asked for."""
CLEAN, FOUND, FAILED, INTERRUPTED = 0, 1, 2, 130


def main(arguments: Sequence[str] | None = None) -> None:
    """The console script: runs, and exits with the code."""
    start = time.time_ns()
    given = list(sys.argv[1:] if arguments is None else arguments)
    gc.disable()  # surveying makes millions of small objects and next to no cycles: worth a factor of two

    from rea_lint.cli import again

    _forgive()
    code = _closing(lambda: again.replay(given))
    if code is None:
        recording = again.Recording(given, start)
        code = run(given, recording)
        recording.keep(code)
    _leave(code)


def _leave(code: int) -> NoReturn:
    """End the process; stdout is written out already.

    To take down in good order what a run has made would cost a fifth of the run; and after an interrupt the thread that visits may be deep
    in libcst, and would be waited for.  A profiler or debugger is told of the end, since it has something to say then.
    """
    if code != INTERRUPTED and (sys.getprofile() is not None or sys.gettrace() is not None or _is_monitored()):
        sys.exit(code)
    try:
        if sys.stderr is not None:  # as it is where somebody closed it
            sys.stderr.flush()
    except OSError:
        code = code or FAILED
    os._exit(code)


def _is_monitored() -> bool:
    """Whether a profiler or debugger uses what Python 3.12 has for them."""
    monitoring = getattr(sys, "monitoring", None)
    return monitoring is not None and any(monitoring.get_tool(number) is not None for number in range(6))


def run(arguments: list[str], recording: Recording | None = None) -> int:
    """The exit code: 0 nothing found, 1 findings, 2 wrong use, broken configuration or an error of ours.

    Nothing that a user, a file or a configuration does ends in a traceback; an error of ours shows one with `--verbose`.
    """
    _forgive()
    if arguments in (["--version"], ["-V"]):  # asked for often, by tools: not worth an import of click
        return _closing(_print_version)
    return _closing(lambda: _guarded(arguments, recording))


def _guarded(arguments: list[str], recording: Recording | None) -> int:
    import click

    from rea_lint.config import UserError

    try:
        result = _group().main(_with_command(arguments), prog_name="rea-lint", standalone_mode=False, obj=recording)
    except click.ClickException as error:
        error.show()
        return FAILED
    except UserError as error:
        print(f"rea-lint: error: {error}", file=sys.stderr)
        return FAILED
    except (KeyboardInterrupt, click.Abort):
        return INTERRUPTED
    except OSError as error:
        if error.filename is None:  # of stdout: `_closing` is to know
            raise
        complain(f"{type(error).__name__}: {error}", f"rea-lint {' '.join(arguments)}", error, verbose=_is_verbose(arguments))
        return FAILED
    except Exception as error:  # noqa: BLE001 -- the outermost door
        complain(f"{type(error).__name__}: {error}", f"rea-lint {' '.join(arguments)}", error, verbose=_is_verbose(arguments))
        return FAILED
    return result if isinstance(result, int) else CLEAN


def complain(what: str, where: str, error: BaseException | str, *, verbose: bool) -> None:
    """Say that something of ours went wrong: one line, with what is needed to report it."""
    import traceback

    what = " ".join(what.split())
    print(f"rea-lint: internal error: {what} ({where}); this is a bug of rea-lint, please report it with that file", file=sys.stderr)
    if verbose:
        print(error if isinstance(error, str) else "".join(traceback.format_exception(error)), file=sys.stderr)
    else:
        print("rea-lint: --verbose shows the traceback", file=sys.stderr)


def relative(path: str) -> str:
    """A path as people read it: relative, if it lies below the folder that rea-lint runs in."""
    from pathlib import Path

    return path.removeprefix(str(Path.cwd()).rstrip(os.sep) + os.sep)


def _forgive() -> None:
    """What a terminal or pipe cannot show is no reason to die."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _closing(work: Callable[[], Code]) -> Code | int:
    """Do the work and write out what it printed; a reader that went away (`| head`) is no error, a disk that is full is the user's."""
    try:
        code = work()
        sys.stdout.flush()
    except BrokenPipeError:
        _give_up_stdout()
        return FOUND
    except OSError as error:
        _give_up_stdout()
        what = (
            "this folder was deleted; go to one that exists"
            if _is_folder_gone()
            else f"the output cannot be written: {error.strerror or error}"
        )
        print(f"rea-lint: error: {what}", file=sys.stderr)
        return FAILED
    return code


def _is_folder_gone() -> bool:
    from pathlib import Path

    try:
        Path.cwd()
    except FileNotFoundError:
        return True
    return False


def _give_up_stdout() -> None:
    """The interpreter flushes again at exit: into nothing."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _with_command(arguments: list[str]) -> list[str]:
    """`rea-lint PATHS` is `rea-lint check PATHS`."""
    if not arguments or arguments[0] in COMMANDS or arguments[0] in {"--help", "-h", "--version", "-V"}:
        return arguments
    if not arguments[0].startswith("-") and not os.path.lexists(arguments[0]):
        _reject_misspelt(arguments[0])
    return ["check", *arguments]


def _reject_misspelt(word: str) -> None:
    """Raise UserError if the word, at which there is no file, is nearly a command."""
    from difflib import get_close_matches

    from rea_lint.config import UserError

    if near := get_close_matches(word, COMMANDS, n=1, cutoff=0.8):
        raise UserError(f"there is no command, file or folder `{word}` (did you mean `rea-lint {near[0]}`?)")


def _group() -> click.Group:
    from importlib import import_module

    import click

    class Commands(click.Group):
        """Commands that are imported when they are asked for."""

        def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 -- click's signature
            return list(COMMANDS)

        def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 -- the same
            if cmd_name not in COMMANDS:
                return None
            command: click.Command = import_module(f"rea_lint.cli.{cmd_name}").command
            return command

    group = Commands(
        "rea-lint",
        help="Find code that breaks durable execution in services written with the Restate Python SDK.",
        epilog="`rea-lint PATHS` is `rea-lint check PATHS`.",
        context_settings=CONTEXT,
    )

    def show(ctx: click.Context, _parameter: click.Parameter, value: Any) -> None:
        if value:
            _print_version()
            ctx.exit()

    group.params.append(
        click.Option(["--version", "-V"], is_flag=True, is_eager=True, expose_value=False, callback=show, help="Show the version.")
    )
    return group


def _print_version() -> int:
    from rea_lint import __version__

    print(f"rea-lint {__version__}")
    return CLEAN


def _is_verbose(arguments: Sequence[str]) -> bool:
    return "-v" in arguments or "--verbose" in arguments
