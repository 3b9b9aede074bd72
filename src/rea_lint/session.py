"""A project kept in memory while it is edited: texts go in, diagnostics come out.  What an editor talks to; it knows no protocol."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from rea_lint import engine, files

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rea_lint.config import Config
    from rea_lint.diagnostic import Diagnostic
    from rea_lint.engine import Report
    from rea_lint.text import Source


class Stopped(Exception):  # noqa: N818 -- nothing went wrong
    """A check was given up, since its result would be out of date."""


class Session:
    """The files below a folder, as they are on the disk or in the editor's unsaved buffers.

    Paths are absolute.  Not thread-safe: one thread at a time.
    """

    def __init__(self, root: str, config: Config) -> None:
        """Read the project.  Raises UserError for a configuration that cannot be used."""
        self._root = root
        self._config = config
        self._knowledge, self._known_for = engine.knowledge_for(config), config
        self._buffers: dict[str, str] = {}
        self._report: Report | None = None

    def change(self, path: str, text: str | None) -> None:
        """A file has this text now, whatever is on the disk; None: what is on the disk again."""
        if text is None:
            self._buffers.pop(path, None)
        else:
            self._buffers[path] = text
        self._report = None

    def refresh(self) -> None:
        """Files on the disk have changed, come or gone."""
        self._report = None

    def check(self, path: str) -> tuple[Diagnostic, ...]:
        """What is to be said of one file, soon: what depends on far away files may be that of the last `settle`."""
        return tuple(d for d in self.settle(lambda: False).diagnostics if d.path == path)

    def settle(self, stop: Callable[[], bool]) -> Report:
        """What is to be said of all files.  Raises Stopped soon after `stop()` says so."""
        if self._report is None:
            discovery = files.discover([self._root], self._config, given=self._buffers)
            if stop():
                raise Stopped
            if discovery.config != self._known_for:
                self._knowledge, self._known_for = engine.knowledge_for(discovery.config), discovery.config
            self._report = engine.check(discovery.files, discovery.config, discovery.reported, knowledge=self._knowledge)
        return self._report

    @property
    def sources(self) -> Mapping[str, Source]:
        """The texts that the last diagnostics are about, by path."""
        return self.settle(lambda: False).sources

    def is_within(self, path: str) -> bool:
        """Whether a file belongs to the folder."""
        return path.startswith(self._root.rstrip(os.sep) + os.sep)
