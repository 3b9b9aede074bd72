"""`check --fix` and `--diff`: what fixing comes to, written to the files or shown."""

from __future__ import annotations

import difflib
import sys
from typing import TYPE_CHECKING

from rea_lint import files, fixes
from rea_lint.cli import CLEAN, FAILED, FOUND, relative
from rea_lint.cli.telling import failed, tell
from rea_lint.config import UserError
from rea_lint.diagnostic import Applicability
from rea_lint.fixes import Fixed
from rea_lint.report import count
from rea_lint.text import lines

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rea_lint.cli.options import Options
    from rea_lint.cli.task import Seen, Task
    from rea_lint.diagnostic import Diagnostic


def fix(task: Task) -> int:
    """Apply the fixes that are asked for, and report on the rest; gives the exit code."""
    return _finish(task, *_settled(task.texts, task.look, task.options.applies))


def ask(task: Task) -> int:
    """Apply the fixes that the user says yes to, and report on the rest; gives the exit code."""
    from rea_lint.cli.asking import Conversation, need_terminal

    need_terminal()
    conversation = Conversation(task)
    fixed, seen = _settled(task.texts, conversation.look, conversation.allows)
    print(conversation.skipped(seen), end="", file=sys.stderr)
    return _finish(task, fixed, seen)


def _finish(task: Task, fixed: Fixed, seen: Seen) -> int:
    written = write(task, fixed.texts)
    is_written = written == fixed.texts
    if not is_written:  # what is on the disk counts, not what was meant
        fixed = Fixed(written, tuple(diagnostic for diagnostic in fixed.applied if diagnostic.path in written))
        seen = task.look(written)
    if not task.options.quiet and fixed.applied:
        print(f"Fixed {_extent(fixed)}.", file=sys.stderr)
    code = tell(task, seen)
    if not is_written:
        return FAILED
    return FOUND if code == CLEAN and fixed.applied and task.options.exit_non_zero_on_fix else code


def show(task: Task) -> int:
    """Show what `fix` would change; gives the exit code."""
    fixed, seen = _settled(task.texts, task.look, task.options.applies)
    if seen.report.errors:
        return failed(seen.report, verbose=task.options.verbose)
    for file in task.discovery.files:
        if file.path in fixed.texts:
            print(diff(file.path, file.text or "", fixed.texts[file.path]), end="")
    if not task.options.quiet:
        print(f"{f'Would fix {_extent(fixed)}' if fixed.texts else 'Nothing to fix'}{_held_back(seen, task.options)}.", file=sys.stderr)
    return FOUND if fixed.texts and not task.options.exit_zero else CLEAN


def write(task: Task, texts: Mapping[str, str]) -> Mapping[str, str]:
    """Write changed texts (path -> text), that of stdin to stdout.  A file that cannot be written does not keep others from it.

    Gives those that were written.
    """
    written = dict(texts)
    for file in task.discovery.files:
        text = texts.get(file.path, file.text or "")
        try:
            if file.path == task.stdin:
                sys.stdout.buffer.write(text.encode(file.encoding))
            elif file.path in texts:
                files.write(file, text)
        except UserError as error:
            print(f"rea-lint: error: {error}", file=sys.stderr)
            del written[file.path]
    return written


def diff(path: str, before: str, after: str) -> str:
    """A change as a patch that `git apply -p0` takes, in the folder that rea-lint runs in."""
    name = relative(path)
    rows = difflib.unified_diff(lines(before), lines(after), name, name)
    return "".join(line if line.endswith(("\n", "\r")) else f"{line}\n\\ No newline at end of file\n" for line in rows)


def _settled(
    texts: Mapping[str, str], look: Callable[[Mapping[str, str]], Seen], allows: Callable[[Diagnostic], bool]
) -> tuple[Fixed, Seen]:
    """What fixing comes to, and what is left then."""
    kept: dict[str, Seen] = {}

    def look_once(changed: Mapping[str, str]) -> Seen:
        key = repr(sorted(changed.items()))
        if key not in kept:
            kept.clear()
            kept[key] = look(changed)
        return kept[key]

    fixed = fixes.settle(texts, lambda changed: look_once(changed).report.diagnostics, allows)
    return fixed, look_once(fixed.texts)


def _held_back(seen: Seen, options: Options) -> str:
    """A word on the unsafe fixes that were not asked for."""
    unsafe = sum(d.fix is not None and d.fix.applicability == Applicability.UNSAFE for d in seen.report.diagnostics)
    return f"; {unsafe} fixable with --unsafe-fixes" if unsafe and not options.unsafe_fixes else ""


def _extent(fixed: Fixed) -> str:
    return f"{count(len(fixed.applied), 'finding')} in {count(len(fixed.texts), 'file')}"
