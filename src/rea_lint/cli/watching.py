"""`check --watch`: lints again what a change can have touched, until it is interrupted."""

from __future__ import annotations

import os
import sys
from contextlib import closing
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from msgspec.structs import replace

from rea_lint import files
from rea_lint.cli import CLEAN
from rea_lint.cli.settings import start
from rea_lint.cli.telling import tell
from rea_lint.config import UserError
from rea_lint.discovery import discover
from rea_lint.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from rea_lint.cli.task import Seen, Task
    from rea_lint.engine import Report

PYTHON = (".py", ".pyw")
SETTINGS = (".toml", ".jsonl", ".lock", ".txt", ".cfg", ".gitignore")  # options, packs, the baseline, what is ignored, the SDK's version
CLEAR = "\x1b[2J\x1b[3J\x1b[H"
STEP = 100  # milliseconds; changes that follow each other sooner are one


class Anew(Exception):  # noqa: N818 -- nothing went wrong
    """Something changed on which everything depends."""


def keep(check: Callable[[], int]) -> int:
    """Check, and check anew whenever that is called for; gives 0 at Ctrl-C.  A configuration that breaks meanwhile is waited out."""
    is_first = True
    try:
        while True:
            try:
                return check()
            except Anew:
                pass
            except UserError as error:
                if is_first:
                    raise
                _wait_out(error)
            is_first = False
    except KeyboardInterrupt:
        return CLEAN


def _wait_out(error: UserError) -> None:
    """Show an error until something changes."""
    with closing(_batches([str(Path.cwd())])) as batches:
        _clear()
        print(f"rea-lint: error: {error}", file=sys.stderr, flush=True)
        next(batches)


def watch(task: Task, narrow: Callable[[Report], Seen], paths: Sequence[str]) -> NoReturn:
    """Report, and again after each change.  Raises Anew, and KeyboardInterrupt."""
    with closing(_batches([str(task.config.root), *map(os.path.abspath, paths)])) as batches:
        session = Session(str(start(paths)), task.config)
        while True:
            report = session.settle(lambda: False)
            mine = tuple(d for d in report.diagnostics if d.path in task.discovery.reported)
            _clear()
            tell(task, narrow(replace(report, diagnostics=mine)))
            if not task.options.quiet:
                print("Watching for changes; Ctrl-C ends.", file=sys.stderr, flush=True)
            changed = next(batches)
            if task.options.since is not None or not all(path.endswith(PYTHON) for path in changed):
                raise Anew
            known = {path for path in changed if path in task.discovery.reported and Path(path).is_file()}
            for path in changed:
                session.change(path, files.read(path)[0] if path in known else None)
            if len(known) < len(changed):  # some came, went, or are others' that ours import
                session.refresh()
                task = replace(task, discovery=discover(paths, task.config, force_exclude=task.options.force_exclude))


def _batches(folders: Sequence[str]) -> Generator[list[str], None, None]:
    """The paths of files that have changed, sorted, after each burst of changes; from now on, and not from when the first is asked for."""
    try:
        from watchfiles import DefaultFilter
        from watchfiles import watch as changes
    except ImportError as error:
        raise UserError("--watch needs the library watchfiles: pip install 'rea-lint[watch]'") from error

    is_ours = DefaultFilter()
    bursts = changes(
        *dict.fromkeys(folders),
        watch_filter=lambda change, path: is_ours(change, path) and path.endswith((*PYTHON, *SETTINGS)),
        step=STEP,
        rust_timeout=STEP,
        yield_on_timeout=True,
    )
    first = next(bursts)

    def batches() -> Generator[list[str], None, None]:
        with closing(bursts):
            for burst in chain([first], bursts):
                if burst:
                    yield sorted({path for _, path in burst})

    return batches()


def _clear() -> None:
    """A terminal shows the last report only; a file or pipe keeps all."""
    if sys.stdout.isatty():
        sys.stdout.write(CLEAR)
