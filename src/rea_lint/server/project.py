"""One project of the workspace: its Session, which only the worker touches, and what was last said of its files."""

from __future__ import annotations

import asyncio
import hashlib
import queue
import time
from collections import defaultdict
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from msgspec import Struct, field
from msgspec.structs import replace

from rea_lint import config as configuration
from rea_lint.config import Config, UserError
from rea_lint.server.worker import PATIENT, URGENT
from rea_lint.session import Session, Stopped

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

    from lsprotocol import types as lsp

    from rea_lint.diagnostic import Diagnostic
    from rea_lint.engine import Report
    from rea_lint.server.convert import Client
    from rea_lint.server.worker import Worker
    from rea_lint.text import Source


class Event(Enum):
    """What happens to a project besides edits."""

    FILES = "files"
    CONFIGURATION = "configuration"


DEBOUNCE = 0.1  # seconds: of changes that come faster, only the last is looked at
REST = 0.5  # seconds without a change, and after the answer to the last one, after which all files are looked at

Answer = TypeVar("Answer")
NOTHING = ""  # the number of a file of which nothing is said


class Checked(Struct, frozen=True):
    """What is said of a file in one state of the project."""

    generation: int
    source: Source | None  # None: the file is none that we look into
    findings: tuple[Diagnostic, ...]
    shown: tuple[lsp.Diagnostic, ...]  # the same, for the client
    number: str  # the same for what looks the same to the client


class Settled(Struct, frozen=True):
    """What is said of all files in one state of the project."""

    generation: int
    report: Report
    config: Config
    files: Mapping[str, Checked]  # of the files with findings

    def of(self, path: str) -> Checked:
        """What is said of a file."""
        return self.files.get(path) or Checked(self.generation, self.report.sources.get(path), (), (), NOTHING)


class Project(Struct, eq=False):
    """Lives on the event loop.  `generation` counts the changes; what was found out about an older one is out of date."""

    root: str
    load: Callable[[], Config]  # raises UserError
    worker: Worker
    client: Client
    uri: Callable[[str], str]
    unnecessary: frozenset[str]  # codes of findings about what can go
    judge: Callable[[UserError | None], None]  # told, on the worker, what is wrong with the configuration, or that nothing is
    generation: int = 0
    checked: dict[str, Checked] = field(default_factory=dict)
    settled: Settled | None = None
    _changes: queue.SimpleQueue[tuple[str, str | None] | Event] = field(default_factory=queue.SimpleQueue)
    _changed: float = -REST
    _answered: float = -REST
    _due: float = 0.0
    _running: dict[object, asyncio.Task[None]] = field(default_factory=dict)
    _session: Session | None = None  # the worker's, as are the next three
    _is_broken_below: bool = False
    _config: Config | None = None
    _texts: dict[str, str | None] = field(default_factory=dict)

    def change(self, path: str, text: str | None) -> None:
        """A file has this text now; None: what is on the disk."""
        self._changes.put((path, text))
        self._count()

    def refresh(self) -> None:
        """Files have changed on the disk."""
        self._changes.put(Event.FILES)
        self._count()

    def reload(self) -> None:
        """What the configuration is made of may have changed."""
        self._changes.put(Event.CONFIGURATION)
        self._count()

    def rest(self) -> None:
        """Nobody types for now: whoever waits for that need not."""
        self._changed = self._answered = -REST
        self._due = 0.0

    def _count(self) -> None:
        now = time.monotonic()
        self._due = now if now - self._changed >= DEBOUNCE else now + DEBOUNCE
        self._changed = now
        self.generation += 1

    async def check(self, path: str) -> Checked:
        """What is said of a file as it is now: soon, and never of a text that has been changed meanwhile."""
        while True:
            known = self.checked.get(path)
            if known is not None and known.generation == self.generation:
                return known
            await _until(lambda: self._due)
            await self._shared(path, lambda: self._check(path))

    async def settle(self) -> Settled:
        """What is said of all files, once nobody types any more."""
        while self.settled is None or self.settled.generation != self.generation:
            await _until(lambda: self._rests_at)
            await self._shared(None, self._settle)
        return self.settled

    async def ask(self, question: Callable[[Settled], Answer]) -> Answer:
        """What is worked out from what is said of all files."""
        settled = await self.settle()
        return await self.worker.run(lambda: question(settled))

    async def attempt(self, path: str, work: Callable[[Session], Answer]) -> Answer:
        """What comes of trying out other texts for a file, which has its own again afterwards."""

        def job() -> Answer:
            session = self._prepared()
            try:
                return work(session)
            finally:
                session.change(path, self._texts.get(path))

        return await self.worker.run(job)

    @property
    def _rests_at(self) -> float:
        """When typing rests, unless something happens till then."""
        return max(self._changed, self._answered) + REST

    async def _shared(self, key: object, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Wait for a piece of work that anybody else who wants it waits for too, and that goes on if one of them leaves."""
        task = self._running.get(key)
        if task is None or task.done():
            task = self._running[key] = asyncio.create_task(work())
        await asyncio.shield(task)

    async def _check(self, path: str) -> None:
        def job() -> Checked:
            generation = self.generation
            last = self.checked.get(path) or Checked(generation, None, (), (), NOTHING)
            checked = self._answer(
                lambda session: self._shown(generation, path, session.check(path), session.sources),
                lambda _session: replace(last, generation=generation),
            )
            self._answered = time.monotonic()  # before another job can begin
            return checked

        self.checked[path] = await self.worker.run(job, URGENT)

    async def _settle(self) -> None:
        def job() -> Settled:
            if time.monotonic() < self._rests_at:  # while this waited for its turn, a key was typed and answered
                raise Stopped
            generation = self.generation
            report = self._answer(
                lambda session: session.settle(lambda: self.generation != generation or self.worker.is_wanted),
                lambda session: session.report,
            )
            by_path: dict[str, list[Diagnostic]] = defaultdict(list)
            for diagnostic in report.diagnostics:
                by_path[diagnostic.path].append(diagnostic)
            files = {path: self._shown(generation, path, tuple(found), report.sources) for path, found in by_path.items()}
            assert self._config is not None
            return Settled(generation, report, self._config, files)

        try:
            settled = await self.worker.run(job, PATIENT)
        except Stopped:
            return
        self.checked = {path: settled.of(path) for path in (*self.checked, *settled.files)}
        self.settled = settled

    # -- on the worker ---------------------------------------------------------------------------------------------

    def _prepared(self) -> Session:
        """The session, with all changes so far."""
        events: set[Event] = set()
        while True:
            try:
                change = self._changes.get_nowait()
            except queue.Empty:
                break
            if isinstance(change, Event):
                events.add(change)
                continue
            path, self._texts[path] = change
            if self._session is not None:
                self._session.change(*change)
        if self._session is None or Event.CONFIGURATION in events:
            self._open()
        assert self._session is not None
        if events:
            self._session.refresh()
        return self._session

    def _answer(self, ask: Callable[[Session], Answer], last: Callable[[Session], Answer]) -> Answer:
        """What the session says; what it said last where a configuration in a folder below is broken, which is told."""
        session = self._prepared()
        try:
            answer = ask(session)
        except UserError as error:
            self._is_broken_below = True
            self.judge(error)
            return last(session)
        if self._is_broken_below:
            self._is_broken_below = False
            self.judge(None)
        return answer

    def _open(self) -> None:
        """Make the session, unless there is one with the same configuration.  One that cannot be used changes nothing."""
        try:
            config = self.load()
            if self._session is not None and config == self._config:
                return
            session = Session(self.root, config)
            self.judge(None)
        except UserError as error:
            self.judge(error)
            if self._session is not None:
                return
            config = configuration.load(Path(self.root), isolated=True)
            session = Session(self.root, config)
        for path, text in self._texts.items():
            session.change(path, text)
        self._session, self._config = session, config

    def _shown(self, generation: int, path: str, findings: tuple[Diagnostic, ...], sources: Mapping[str, Source]) -> Checked:
        shown = tuple(self.client.diagnostic(each, sources, self.uri, unnecessary=each.code in self.unnecessary) for each in findings)
        number = hashlib.blake2b(repr(shown).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest() if shown else NOTHING
        return Checked(generation, sources.get(path), findings, shown, number)


async def _until(due: Callable[[], float]) -> None:
    """Wait for a time that may be put off meanwhile."""
    while (delay := due() - time.monotonic()) > 0:  # noqa: ASYNC110 -- a time is waited for
        await asyncio.sleep(delay)
