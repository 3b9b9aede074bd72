"""A project kept in memory while it is edited: texts go in, diagnostics come out.  What an editor talks to; it knows no protocol.

Two answers.  `check` is for the file that is typed in: it is surveyed again, and the rules look at it; rules about the whole project keep
what they said last.  `settle` is for when typing rests: everything is linked again, and the rules look at every file that a change can have
touched.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from msgspec.structs import replace

from rea_lint import engine, files, registry
from rea_lint.discovery import discover, reads_alike
from rea_lint.engine import Linked, Report
from rea_lint.selection import select
from rea_lint.text import Edit, Source, Span, difference

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from rea_lint.config import Config
    from rea_lint.diagnostic import Diagnostic, Fix
    from rea_lint.discovery import Discovery
    from rea_lint.facts import Facts
    from rea_lint.files import File
    from rea_lint.project import Project
    from rea_lint.rule import Entry
    from rea_lint.tree import Kept

AT_REST = ("Project", "Shared", "Unused")
"""What rules look at that are asked only when typing rests: one file does not tell who else changes a variable, or uses a comment."""


class _Answer(NamedTuple):
    """What was said of a file, and of which text."""

    text: str
    facts: Facts
    diagnostics: tuple[Diagnostic, ...]


class Stopped(BaseException):
    """A check was given up, since its result would be out of date.  Like `asyncio.CancelledError` it is nobody's error to catch."""


class Session:
    """The files below a folder, or one file (which need not exist), as they are on the disk or in the editor's unsaved buffers.

    Nothing is said of a file that is excluded or ignored, open or not.  Paths are absolute.  Not thread-safe: one thread at a time.  A call
    that raises leaves what was known before.
    """

    def __init__(self, root: str, config: Config) -> None:
        """Nothing is read yet.  Raises UserError for a configuration that cannot be used."""
        select(config, registry.index(config))
        self._root = root
        self._config = config
        self._knowledge = engine.knowledge_for(config)
        self._known_for = config
        self._buffers: dict[str, str] = {}
        self._discovery: Discovery | None = None  # with the buffers' texts; None before the first
        self._is_discovered = False  # whether the last discovery still holds
        self._facts: dict[tuple[str, str], tuple[str, Facts]] = {}  # by path and module: of which text, and what
        self._report = Report((), (), (), {})  # of the last time that typing rested
        self._sources: Mapping[str, Source] = {}
        self._changed: set[str] | None = None  # the files that were changed since then; None: all, as far as we know
        self._answers: dict[str, _Answer] = {}  # the last about each file, while it could be parsed
        self._kept: Kept = {}  # trees of functions that the rules have looked at
        self._linked: Linked | None = None  # when everything was linked last; None: other files have come since

    def change(self, path: str, text: str | None) -> None:
        """A file has this text now, whatever is on the disk; None: what is on the disk again."""
        if text is None:
            if self._buffers.pop(path, None) is not None:
                self._is_discovered = False
        else:
            self._buffers[path] = text
            before = self._file(path)
            if before is None or not reads_alike(before.text or "", text):
                self._is_discovered = False
            if before is not None and self._discovery is not None:
                self._discovery = replace(
                    self._discovery,
                    files=tuple(replace(f, text=text, broken=None) if f.path == path else f for f in self._discovery.files),
                )
        if self._changed is not None:
            self._changed.add(path)

    def refresh(self) -> None:
        """Files on the disk have changed, come or gone."""
        self._is_discovered = False
        self._changed = None

    def check(self, path: str) -> tuple[Diagnostic, ...]:
        """What is to be said of one file, soon: what depends on far away files may be that of the last `settle`."""
        if self._is_settled:
            return tuple(d for d in self._report.diagnostics if d.path == path)
        discovery = self._discovery if self._discovery is not None and self._file(path) is not None else self._discovered()
        if self._file(path) is None:
            return ()  # it has nothing to do with Restate
        linked = self._relinked(discovery)
        self._sources = linked.sources
        text, now, last = linked.sources[path].text, linked.facts.get(path), self._answers.get(path)
        edit = difference(last.text, text) if last is not None else Edit(Span(0, 0), text)
        old = tuple(moved(last.diagnostics, path, edit)) if last is not None else ()
        current = _Answer(text, now, ()) if now is not None and path not in linked.broken else None
        functions = _edited(last, current, edit, linked.projects) if last is not None and current is not None else None
        report = engine.judge(
            linked, discovery.config, {path} & discovery.reported, unasked=_waits_for_rest, functions=functions, kept=self._kept
        )
        if current is None:
            return tuple(sorted((*report.diagnostics, *(replace(d, fix=None) for d in old)), key=lambda d: d.place))
        waiting = {entry.code for entry in registry.index(discovery.config) if _waits_for_rest(entry)}
        visited = [current.facts.functions[name].span for name in functions or ()]
        stays = (d for d in old if d.code in waiting or (functions is not None and not any(span.contains(d.span) for span in visited)))
        found = tuple(sorted((*report.diagnostics, *stays), key=lambda d: d.place))
        self._answers[path] = current._replace(diagnostics=found)
        return found

    def settle(self, stop: Callable[[], bool]) -> Report:
        """What is to be said of all files.  Raises Stopped soon after `stop()` says so."""

        def pause() -> None:
            if stop():
                raise Stopped

        def facts_of(file: File) -> Facts:
            pause()
            return self._facts_of(file)

        if self._is_settled:
            return self._report
        before = self._report
        discovery = self._discovered()
        self._linked = linked = engine.linked(discovery.files, discovery.config, self._knowledge, facts_of, pause=pause)
        touched = self._touched(discovery, linked.projects)
        report = engine.judge(linked, discovery.config, touched, kept=self._kept, pause=pause)
        self._report = replace(
            report,
            diagnostics=_joined(before.diagnostics, report.diagnostics, discovery.reported - touched, lambda d: d),
            silenced=_joined(before.silenced, report.silenced, discovery.reported - touched, lambda s: s.diagnostic),
        )
        self._sources = linked.sources
        self._changed = set()
        said: dict[str, list[Diagnostic]] = {}
        for diagnostic in self._report.diagnostics:
            said.setdefault(diagnostic.path, []).append(diagnostic)
        self._answers = {
            path: _Answer(source.text, linked.facts[path], tuple(said.get(path, ())))
            for path, source in linked.sources.items()
            if path in linked.facts and path not in linked.broken
        }
        self._facts = {key: self._facts[key] for key in self._facts if key[0] in linked.sources}
        return self._report

    @property
    def report(self) -> Report:
        """What `settle` said last."""
        return self._report

    @property
    def sources(self) -> Mapping[str, Source]:
        """The texts that the last answer is about, by path."""
        return self._sources

    def is_within(self, path: str) -> bool:
        """Whether a file belongs to the folder."""
        return files.is_under(path, self._root)

    def _relinked(self, discovery: Discovery) -> Linked:
        """All files, linked with the texts that they have now: again only where texts are others than those that were linked last."""
        linked = self._linked
        if linked is not None:
            changed = [file for file in discovery.files if file.text != linked.sources[file.path].text]
            if linked.broken.keys().isdisjoint(file.path for file in changed):
                return engine.relinked(linked, changed, self._facts_of)
        self._linked = engine.linked(discovery.files, discovery.config, self._knowledge, self._facts_of)
        return self._linked

    @property
    def _is_settled(self) -> bool:
        return self._is_discovered and self._changed is not None and not self._changed

    def _discovered(self) -> Discovery:
        """The files as they are now, looked for again if others may have come."""
        if self._discovery is None or not self._is_discovered:
            there = [self._root] if os.path.lexists(self._root) else []
            self._discovery = discover(there, self._config, given=self._buffers, force_exclude=True)
            self._is_discovered = True
            self._linked = None
        if self._discovery.config != self._known_for:
            self._knowledge = engine.knowledge_for(self._discovery.config)
            self._known_for = self._discovery.config
        return self._discovery

    def _file(self, path: str) -> File | None:
        return next((f for f in self._discovery.files if f.path == path), None) if self._discovery is not None else None

    def _facts_of(self, file: File) -> Facts:
        """A survey, done once a text."""
        text, known = self._facts.get((file.path, file.module), (None, None))
        if known is None or text != file.text:
            known = engine.facts(file)
            self._facts[file.path, file.module] = file.text or "", known
        return known

    def _touched(self, discovery: Discovery, projects: Iterable[Project]) -> frozenset[str]:
        """The reported files in which another finding is possible: those that use a changed file, and what they and it use.

        A file that runs nothing durable uses nobody: the one that registers all services imports all of them.
        """
        if self._changed is None or _outline(projects) != _outline(self._report.projects):
            return discovery.reported
        durable = {project.path_of(function) for project in projects for function in project.durable}
        uses = {file.path: {path for _, path in file.imports} for file in discovery.files}
        used_by: dict[str, set[str]] = {}
        for path in durable & uses.keys():
            for used in uses[path]:
                used_by.setdefault(used, set()).add(path)
        return discovery.reported & _closure(_closure(self._changed, used_by), uses)


def _closure(starts: Iterable[str], following: Mapping[str, Iterable[str]]) -> set[str]:
    found = set(starts)
    todo = list(found)
    for item in todo:
        new = set(following.get(item, ())) - found
        found |= new
        todo += new
    return found


def _waits_for_rest(entry: Entry) -> bool:
    return entry.patient or entry.looks_at_any(AT_REST)


def _edited(last: _Answer, current: _Answer, edit: Edit, projects: Iterable[Project]) -> frozenset[str] | None:
    """The functions to which an edit can make a difference, if it stays in the body of one: that, and those of the file it has to do with.

    None: any.  A method may give its class an attribute, and `global` the module a variable.  Words in a comment make no difference.
    """
    before, now = last.facts, current.facts
    after = Span(edit.span.start, edit.span.start + len(edit.new))
    if before.suppressions == now.suppressions == () and _is_comment(last.text, edit.span) and _is_comment(current.text, after):
        return frozenset()
    for function in now.functions.values():
        old = before.functions.get(function.name)
        if function.scope != now.module or old is None or not (function.span.contains(after) and old.span.contains(edit.span)):
            continue
        is_body = old.header.end < edit.span.start and not {"Global", "Nonlocal"} & (old.shape | function.shape)
        is_alike = before.imports == now.imports and len(before.suppressions) == len(now.suppressions)
        if is_body and is_alike and _outermost(before) == _outermost(now):
            return _near(function.name, now, projects)
    return None


def _is_comment(text: str, span: Span) -> bool:
    """Whether a stretch of a text lies in one line, behind a `#` that begins the line.

    A line of a long string may look so too: at rest it is told apart.
    """
    start = text.rfind("\n", 0, span.start) + 1
    return text[start : span.start].lstrip().startswith("#") and "\n" not in text[span.start : span.end]


def _outermost(facts: Facts) -> list[str]:
    return [function.name for function in facts.functions.values() if function.scope == facts.module]


def _near(name: str, facts: Facts, projects: Iterable[Project]) -> frozenset[str]:
    """A function of a file, those that it calls or that call it without leaving the file, and all that stand in them."""
    tops: dict[str, str] = {}
    for function in facts.functions.values():  # from the outside in
        tops[function.name] = tops.get(function.scope, function.name)
    near: dict[str, set[str]] = {}
    for caller, top in tops.items():
        for called in (tops[edge.target] for project in projects for edge in project.calls(caller) if edge.target in tops):
            near.setdefault(top, set()).add(called)
            near.setdefault(called, set()).add(top)
    found = _closure([name], near)
    return frozenset(each for each, top in tops.items() if top in found)


def moved(diagnostics: Iterable[Diagnostic], path: str, edit: Edit) -> Iterator[Diagnostic]:
    """Diagnostics of a file, as they stand after an edit of it; without those that stand where it was edited."""
    by = len(edit.new) - (edit.span.end - edit.span.start)

    def shifted(span: Span) -> Span | None:
        if span.end <= edit.span.start:
            return span
        return Span(span.start + by, span.end + by) if span.start >= edit.span.end else None

    for diagnostic in diagnostics:
        span = shifted(diagnostic.span)
        if span is None:
            continue
        near = [(related, shifted(related.span) if related.path == path else related.span) for related in diagnostic.related]
        yield replace(
            diagnostic,
            span=span,
            related=tuple(replace(related, span=there) for related, there in near if there is not None),
            fix=_moved(diagnostic.fix, shifted) if diagnostic.fix is not None else None,
        )


def _moved(fix: Fix, shifted: Callable[[Span], Span | None]) -> Fix | None:
    edits = [(shifted(edit.span), edit.new) for edit in fix.edits]
    spans = [Edit(span, new) for span, new in edits if span is not None]
    return replace(fix, edits=tuple(spans)) if len(spans) == len(edits) else None


def _outline(projects: Iterable[Project]) -> list[tuple[object, ...]]:
    """What files have to do with each other through Restate, and not by imports: who calls whom."""
    return [
        (
            [(s.name, s.kind, s.path) for s in project.services],
            [(h.display, h.kind, h.path) for h in project.handlers],
            [(link.caller.display, link.path, link.way, link.name, link.key, link.waits, link.delayed) for link in project.links],
        )
        for project in projects
    ]


Item = TypeVar("Item")


def _joined(old: Iterable[Item], new: Iterable[Item], kept: Collection[str], diagnostic: Callable[[Item], Diagnostic]) -> tuple[Item, ...]:
    """The old ones of the files that are kept, and the new ones, in order."""
    both = [*(item for item in old if diagnostic(item).path in kept), *new]
    return tuple(sorted(both, key=lambda item: diagnostic(item).place))
