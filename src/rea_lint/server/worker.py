"""The one thread that lints, so that the event loop always answers.  Jobs come one at a time; urgent ones come first."""

from __future__ import annotations

import asyncio
import gc
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

# Python's own garbage collection is off, in this process as in all of ours: it costs a factor of two.  What a check leaves in cycles is
# 1.4 MB in a project of 300 files.  Collecting that takes 25 ms, and all 300 ms, in which nobody is answered: so it is done while nobody
# asks.
SOON, LATER = 0.05, 0.3  # seconds without a job after which what is young, and everything, is collected
MOST_YOUNG, MOST_OLD = 30, 300  # jobs after which it is done even so
A_LOT = 30  # a patient job leaves as much as so many urgent ones


class Worker:
    """A thread that dies with the process: a job that hangs keeps nobody from leaving."""

    def __init__(self) -> None:
        """Start the thread."""
        self._jobs: queue.PriorityQueue[tuple[int, int, Callable[[], Any], Future[Any]]] = queue.PriorityQueue()
        self._number = count()
        self._young = self._old = 0  # jobs since what they left young, and old, was collected
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
            priority, _, job, future = self._next()
            if not future.set_running_or_notify_cancel():
                continue
            try:
                result = job()
            except BaseException as error:  # noqa: BLE001 -- it is raised again where the result is awaited
                future.set_exception(error)
            else:
                future.set_result(result)
            self._young += 1
            self._old += A_LOT if priority == PATIENT else 1
            del job, future  # a thread that waits for work keeps no project alive

    def _next(self) -> tuple[int, int, Callable[[], Any], Future[Any]]:
        """The next job.  While there is none, what earlier jobs have left is collected; if there always is one, now and then in between."""
        for left, enough, most, seconds, collect in (
            (self._young, 1, MOST_YOUNG, SOON, self._collect_young),
            (self._old, A_LOT, MOST_OLD, LATER, self._collect_all),
        ):
            if left >= enough:
                try:
                    job = self._jobs.get(timeout=seconds)
                except queue.Empty:
                    collect()
                else:
                    if left >= most:
                        collect()
                    return job
        return self._jobs.get()

    def _collect_young(self) -> None:
        gc.collect(0)
        self._young = 0

    def _collect_all(self) -> None:
        """What is there after the first time is looked through no more: that is most of a project, and most of it stays."""
        gc.collect()
        if not gc.get_freeze_count():
            gc.freeze()
        self._young = self._old = 0
