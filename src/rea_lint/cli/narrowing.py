"""What of a report is asked for: what the baseline does not accept (`--baseline`), in what has changed (`--since`, `--staged`)."""

from __future__ import annotations

import difflib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from rea_lint import baseline, registry
from rea_lint.cli.task import Seen
from rea_lint.diagnostic import Silenced
from rea_lint.fixes import parses
from rea_lint.report import count
from rea_lint.selection import select

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from rea_lint.baseline import Entry
    from rea_lint.diagnostic import Diagnostic
    from rea_lint.discovery import Discovery
    from rea_lint.engine import Report
    from rea_lint.git import Changes
    from rea_lint.text import Source, Span


def accepting(file: Path, judged: Callable[[Report, Entry], bool]) -> Callable[[Report], Seen]:
    """What leaves out of a report what a baseline accepts.  `judged`: whether the run would have found an entry.  Raises UserError."""
    accepted = baseline.read(file)

    def accept(report: Report) -> Seen:
        split = baseline.split(accepted, baseline.entries(report.diagnostics, report.sources, file))
        stale = {entry: n for entry, n in split.stale.items() if judged(report, entry)}
        n, new = sum(stale.values()), frozenset(split.new)
        notes = [f"{_more(len(split.accepted))} in the baseline {file.name}."] if split.accepted else []
        if stale:
            them = "it" if n == 1 else "them"
            notes.append(f"{count(n, 'finding')} of the baseline {file.name} {_are(n)} gone; --write-baseline takes {them} out.")
        return Seen(
            replace(
                report,
                diagnostics=tuple(d for d in report.diagnostics if d in new),
                silenced=(*report.silenced, *(Silenced(diagnostic, "baseline", "") for diagnostic in split.accepted)),
            ),
            tuple(notes),
            tuple(f"gone: {entry.path}: {entry.code} in {entry.function or 'the module'}: {entry.text}" for entry in sorted(stale)),
        )

    return accept


def judging(file: Path, discovery: Discovery, paths: list[str]) -> Callable[[Report, Entry], bool]:
    """Whether a run would have found an entry of a baseline: its file was looked at, or is gone, and its rule ran, or is gone."""
    known = registry.index(discovery.config)
    selection = select(discovery.config, known)
    codes = {entry.code for entry in known}
    folders = [Path(path).absolute() for path in paths]

    def judged(report: Report, entry: Entry) -> bool:
        path = baseline.path_of(entry, file)
        if report.errors or (path in report.sources and not parses(report.sources[path].text)):
            return False
        is_gone = not Path(path).exists() and any(Path(path).is_relative_to(folder) for folder in folders)
        return (path in discovery.reported or is_gone) and (entry.code not in codes or selection.applies(entry.code, path))

    return judged


def in_changes(seen: Seen, changes: Changes, what: str, texts: Mapping[str, str]) -> Seen:
    """A report with only what changes are to blame for.  `texts` are those that the changes are about, by path."""
    place = cache(lambda path: _Place(changes, path, texts.get(path, ""), seen.report.sources[path]))
    kept = tuple(d for d in seen.report.diagnostics if any(place(path).has_changed(span) for path, span in _causes(d)))
    left_out = len(seen.report.diagnostics) - len(kept)
    note = f"{_more(left_out)} not in what has changed {what}."
    return Seen(replace(seen.report, diagnostics=kept), (*seen.notes, *([note] if left_out else [])), seen.details)


def _causes(diagnostic: Diagnostic) -> Iterator[tuple[str, Span]]:
    """Where a finding stands, and what leads to it."""
    yield diagnostic.path, diagnostic.span
    yield from ((related.path, related.span) for related in diagnostic.related)


class _Place:
    """A file that has changes, and perhaps fixes since."""

    def __init__(self, changes: Changes, path: str, before: str, source: Source) -> None:
        self.changes = changes
        self.path = path
        self.text = source.text
        self.origins = None if before == source.text else _origins(before, source.text)

    def has_changed(self, span: Span) -> bool:
        """Whether any row of a span is a change."""
        first, last = (self.text.count("\n", 0, end) + 1 for end in (span.start, max(span.start, span.end - 1)))
        if self.origins is None:
            return self.changes.touch(self.path, first, last)
        return any((row := self.origins.get(now)) is None or self.changes.touch(self.path, row, row) for now in range(first, last + 1))


def _origins(before: str, after: str) -> dict[int, int]:
    """The rows that a text has kept -> what they were."""
    matcher = difflib.SequenceMatcher(None, before.split("\n"), after.split("\n"), autojunk=False)
    return {b + i + 1: a + i + 1 for a, b, size in matcher.get_matching_blocks() for i in range(size)}


def _more(n: int) -> str:
    return f"{count(n, 'more finding')} {_are(n)}"


def _are(n: int) -> str:
    return "is" if n == 1 else "are"
