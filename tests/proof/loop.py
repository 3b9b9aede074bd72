"""An event loop whose time passes when nothing else happens: an hour's `asyncio.sleep` takes none, and idleness is noticed at once."""

from __future__ import annotations

import asyncio
import selectors
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


class StuckError(Exception):
    """Nothing is ready, nothing is due and nothing can be delivered: the program waits for ever."""


class Loop(asyncio.SelectorEventLoop):
    """Where no callback is ready and no thread is busy: asks `answer()` for something to do; else jumps to the next timer; else asks `close()`.

    With `slow`, it jumps first: whoever answers is slower than every native timeout.
    """

    def __init__(self, answer: Callable[[], bool], close: Callable[[], bool], *, slow: bool = False) -> None:
        self._now = 0.0
        self._busy = 0
        self._answer = answer
        self._end = close
        self._slow = slow
        super().__init__(_Selector(self))

    def time(self) -> float:
        return self._now

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> Any:  # type: ignore[override]
        future = super().run_in_executor(executor, func, *args)
        self._busy += 1
        future.add_done_callback(self._free)
        return future

    def _free(self, _: object) -> None:
        self._busy -= 1

    def wait(self, timeout: float | None) -> None:
        """Nothing is ready: make something happen."""
        if not (self._slow and timeout is not None) and self._answer():
            return
        if timeout is not None:
            self._now += timeout
        elif not self._end():
            raise StuckError

    @property
    def busy(self) -> bool:
        """Whether a thread works for this loop."""
        return self._busy > 0


class _Selector(selectors.DefaultSelector):
    """The real selector, which never waits for a timer."""

    def __init__(self, loop: Loop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        events = super().select(0)
        if events or timeout == 0:
            return events
        if self._loop.busy:
            return super().select(1)
        self._loop.wait(timeout)
        return []
