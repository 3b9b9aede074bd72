"""A bar on the terminal for a run that takes longer than one would wait without a sign of life."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from threading import Lock, Timer
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.progress import Progress, TaskID

DELAY = 1.0  # seconds


@contextmanager
def shown(files: int, *, is_wanted: bool, stream: TextIO | None = sys.__stderr__, delay: float = DELAY) -> Iterator[Callable[[], None]]:
    """Gives what is to be called after each of so many files; shows a bar if the work takes longer than `delay` (seconds).

    Nothing is shown where nobody looks.
    """
    if not is_wanted or stream is None or not stream.isatty() or os.environ.get("TERM") == "dumb":
        yield lambda: None
        return
    bar = _Bar(files, stream)
    timer = Timer(delay, bar.start)
    timer.daemon = True
    timer.start()
    try:
        yield bar.step
    finally:
        timer.cancel()
        bar.stop()


class _Bar:
    """Started by a thread of its own, while another one works."""

    def __init__(self, files: int, stream: TextIO) -> None:
        self.files = files
        self.done = 0
        self.stream = stream
        self.lock = Lock()
        self.is_over = False
        self.progress: Progress | None = None
        self.task: TaskID | None = None

    def start(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
        progress = Progress(*columns, console=Console(file=self.stream), transient=True, redirect_stdout=False, redirect_stderr=False)
        with self.lock:
            if self.is_over:
                return
            self.progress = progress
            self.task = progress.add_task("", total=self.files)
            self._update()
            progress.start()

    def step(self) -> None:
        self.done += 1
        self._update()

    def stop(self) -> None:
        with self.lock:
            self.is_over = True
            if self.progress is not None:
                self.progress.stop()

    def _update(self) -> None:
        if self.progress is None or self.task is None:
            return
        if self.done < self.files:
            self.progress.update(self.task, description=f"Reading {self.files:,} files", completed=self.done)
        else:  # how long the rules take is not known
            self.progress.update(self.task, description="Linting", total=None)
