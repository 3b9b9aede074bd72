"""`check --add-ignore`: a comment that silences at each finding."""

from __future__ import annotations

import ast
import sys
import warnings
from typing import TYPE_CHECKING

from rea_lint import ignoring, registry
from rea_lint.cli import CLEAN, FAILED
from rea_lint.cli.fixing import diff, write
from rea_lint.cli.telling import failed, tell
from rea_lint.config import UserError
from rea_lint.fixes import ROUNDS
from rea_lint.report import count
from rea_lint.text import Source, apply

if TYPE_CHECKING:
    from rea_lint.cli.task import Seen, Task
    from rea_lint.diagnostic import Diagnostic

ABOUT_FILES_AND_COMMENTS = ("Broken", "Unused")  # what no comment silences, and what is wrong with comments


def silence(task: Task) -> int:
    """Write the comments, or show them with `--diff`, and report on what they do not silence; gives the exit code."""
    texts, silenced, seen = _silenced(task, task.options.add_ignore or "")
    if seen.report.errors:
        return failed(seen.report, verbose=task.options.verbose)
    extent = f"{count(silenced, 'finding')} in {count(len(texts), 'file')}"
    if task.options.diff:
        before = task.texts
        print("".join(diff(path, before[path], texts[path]) for path in sorted(texts)), end="")
        if not task.options.quiet:
            print(f"Would silence {extent}.", file=sys.stderr)
        return CLEAN
    written = write(task, texts)
    if written != texts:
        tell(task, task.look(written))  # what is on the disk counts
        return FAILED
    if not task.options.quiet:
        print(f"Silenced {extent}.", file=sys.stderr)
    return tell(task, seen)


def _silenced(task: Task, reason: str) -> tuple[dict[str, str], int, Seen]:
    """The changed texts, how many findings the comments silence, and what is left then.  Raises UserError.

    One comment may bring a finding to light that another one hid, so this is repeated until there is no comment to write.
    """
    entries = registry.index(task.config)
    exempt = {entry.code for entry in entries if entry.looks_at_any(ABOUT_FILES_AND_COMMENTS)}
    before = task.texts
    texts: dict[str, str] = {}
    silenced = 0
    seen = task.look(texts)
    for _ in range(ROUNDS):
        wanted: dict[str, list[Diagnostic]] = {}
        for diagnostic in seen.report.diagnostics:
            if diagnostic.path in before and diagnostic.code not in exempt:
                wanted.setdefault(diagnostic.path, []).append(diagnostic)
        fresh = {path: _commented(texts.get(path, before[path]), found, reason) for path, found in wanted.items()}
        fresh = {path: text for path, text in fresh.items() if text != texts.get(path, before[path]) and _same_code(text, before[path])}
        if not fresh:
            break
        texts |= fresh
        there = len(seen.report.diagnostics)
        seen = task.look(texts)
        silenced += there - len(seen.report.diagnostics)
    return texts, silenced, seen


def _commented(text: str, found: list[Diagnostic], reason: str) -> str:
    source = Source(text)
    try:
        return apply(text, ignoring.edits(source, [(diagnostic.span, diagnostic.code) for diagnostic in found], reason))
    except ValueError as error:
        raise UserError(f"--add-ignore: {error}") from error


def _same_code(one: str, other: str) -> bool:
    """Whether two texts differ in comments only."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return ast.dump(ast.parse(one)) == ast.dump(ast.parse(other))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return False
