"""The one thread that lints, so that the event loop always answers.  Jobs come one at a time; urgent ones come first."""

from __future__ import annotations

import asyncio
import queue
import threading
from concurrent.futures import Future
from itertools import count
from typing import TYPE_CHECKING, Any, TypeVar

from rea_lint.rule import STACK

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

Result = TypeVar("Result")
URGENT, PATIENT = 0, 1


class Worker:
    """A thread that dies with the process: a job that hangs keeps nobody from leaving."""

    def __init__(self) -> None:
        """Start the thread."""
        self._jobs: queue.PriorityQueue[tuple[int, int, Callable[[], Any], Future[Any]]] = queue.PriorityQueue()
        self._number = count()
        before = threading.stack_size(STACK)  # resolving follows the code, and that may be deep
        try:
            threading.Thread(target=self._work, name="rea-lint worker", daemon=True).start()
        finally:
            threading.stack_size(before)

    def run(self, job: Callable[[], Result], priority: int = URGENT) -> Awaitable[Result]:
        """What a job gives, or raises.  If nobody waits any more when its turn comes, it is left out."""
        future: Future[Result] = Future()
        self._jobs.put((priority, next(self._number), job, future))
        return asyncio.wrap_future(future)

    @property
    def is_wanted(self) -> bool:
        """Whether an urgent job waits, so that a patient one is to give way."""
        with self._jobs.mutex:
            return bool(self._jobs.queue) and self._jobs.queue[0][0] == URGENT

    def _work(self) -> None:
        while True:
            *_, job, future = self._jobs.get()
            if not future.set_running_or_notify_cancel():
                continue
            try:
                result = job()
            except BaseException as error:  # noqa: BLE001 -- it is raised again where the result is awaited
                future.set_exception(error)
            else:
                future.set_result(result)
            del job, future  # a thread that waits for work keeps no project alive
