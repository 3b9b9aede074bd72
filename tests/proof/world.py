"""The world outside a program under proof: every effect is counted, none happens, and clock and chance differ at each attempt.

Libraries are stand-ins (`standin`), and so is what the standard library does to the outside.
"""

from __future__ import annotations

import ast
import asyncio
import contextlib
import contextvars
import importlib
import importlib.util
import io
import logging
import os
import random
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import restate.exceptions
import restate.server_context
import time_machine

from proof.standin import CALLED, Library, Name

if TYPE_CHECKING:
    import types
    from collections.abc import Callable, Iterator

START = 1_767_225_600
"""2026-01-01, in seconds since the epoch: when the first attempt runs.  The next one runs a day later."""

DAY = 86_400

OUTSIDE = ("sqlite3", "smtplib", "ftplib", "subprocess", "urllib.request", "http.client")
"""Modules of the standard library that are stand-ins as a whole."""

CALLS = (
    *("os.system", "os.popen", "os.remove", "os.unlink", "os.rename", "os.replace", "os.mkdir", "os.makedirs", "os.rmdir"),
    *(
        "shutil.copy",
        "shutil.copyfile",
        "shutil.move",
        "shutil.rmtree",
        "asyncio.create_subprocess_exec",
        "asyncio.create_subprocess_shell",
    ),
    *("asyncio.open_connection", "socket.create_connection", "builtins.input", "builtins.print"),
)
"""Single functions of the standard library that are stand-ins."""

_SDK = str(Path(restate.server_context.__file__).parent)

_ATTEMPT: contextvars.ContextVar[int | None] = contextvars.ContextVar("attempt", default=None)

_STEP: contextvars.ContextVar[bool] = contextvars.ContextVar("step", default=False)


class World:
    """One program's surroundings: what it did to them, attempt by attempt."""

    def __init__(self, folder: Path, returns: dict[str, Any]) -> None:
        self.folder = str(folder)
        self._returns = returns
        self._effects: list[list[Any]] = []
        self._caught: list[str] = []
        self._attempt: int | None = None
        self._attempts = 0  # of all courses: none sees the chance of another
        self._skipped: dict[str, frozenset[int]] = {}
        self._passed: dict[int, types.FrameType] = {}  # frames that a suspension went through
        self.steps = 0  # that began
        self._clock: time_machine.travel | None = None

    @property
    def is_asking(self) -> bool:
        """Whether the program itself, and not the SDK, is what called asyncio."""
        frame: types.FrameType | None = sys._getframe(1)
        while frame is not None and not frame.f_code.co_filename.startswith((self.folder, _SDK)):
            frame = frame.f_back
        return frame is not None and frame.f_code.co_filename.startswith(self.folder)

    def record(self, name: str) -> Any:
        """Note a call, and give what it returns if the program's table says so."""
        attempt = self._attempt if self._attempt is not None else _ATTEMPT.get()
        if attempt is not None:
            self._effects.append([attempt, name, _STEP.get()])
        return self._returns.get(name)

    @contextlib.contextmanager
    def attempt(self, number: int) -> Iterator[None]:
        """An attempt runs: a day later than the one before, and with other luck."""
        self._attempt, self._attempts = number, self._attempts + 1
        self._passed.clear()
        self._seed(self._attempts)
        sys.settrace(self._trace)
        try:
            with time_machine.travel(START + number * DAY, tick=True):
                yield
        finally:
            sys.settrace(None)
            self._attempt = None

    def begin(self, number: int) -> None:
        """An attempt runs in the current task and all that comes of it: for a server, which says no end."""
        _ATTEMPT.set(number)
        self._attempts += 1
        self._seed(self._attempts)
        if self._clock is not None:
            self._clock.stop()
        self._clock = time_machine.travel(START + number * DAY, tick=True)
        self._clock.start()
        sys.settrace(self._trace)

    def taken(self) -> tuple[list[list[Any]], list[str]]:
        """Effects and caught suspensions since the last time."""
        taken = self._effects, sorted(set(self._caught))
        self._effects, self._caught, self.steps = [], [], 0
        return taken

    def install(self) -> None:
        """Put the stand-ins in their places.  For good: the process is the program's own."""
        CALLED[:] = [self.record]
        for name in OUTSIDE:
            self._replace(name, Library(name))
        for name in CALLS:
            self._replace(name, Name(name.removeprefix("builtins.")))
        self._replace("time.sleep", _noted_sleep(self, time.sleep))
        self._replace("os.listdir", _listing(self, os.listdir))
        self._replace("asyncio.sleep", _noted(self, asyncio.sleep))
        self._replace("builtins.open", _opening(self))
        self._replace("io.open", _opening(self))
        logging.disable(logging.CRITICAL)
        context: Any = restate.server_context.ServerInvocationContext
        context.create_run_coroutine = _as_step(self, context.create_run_coroutine)

    def _replace(self, name: str, value: Any) -> None:
        owner, _, attribute = name.rpartition(".")
        if owner:
            setattr(importlib.import_module(owner), attribute, value)
        if name in OUTSIDE:
            sys.modules[name] = value

    @property
    def luck(self) -> int:
        """The number of the attempt among all: what chance depends on."""
        return self._attempts

    def _seed(self, number: int) -> None:
        """Chance that is another at each attempt, and the same at each proof."""
        random.seed(number)
        source = random.Random(f"urandom {number}")
        self._replace("os.urandom", source.randbytes)
        self._replace("random._urandom", source.randbytes)

    def _trace(self, frame: types.FrameType, event: str, argument: Any) -> Callable[..., Any] | None:
        """Note the lines of the program that run after a suspension has reached their frame: it was caught there."""
        if not frame.f_code.co_filename.startswith(self.folder):
            return None
        if event == "exception" and isinstance(argument[1], restate.exceptions.SdkInternalBaseException):
            self._passed[id(frame)] = frame
        elif event == "line" and id(frame) in self._passed and frame.f_lineno not in self._cleaning(frame.f_code.co_filename):
            self._caught.append(f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}")
        return self._trace

    def _cleaning(self, path: str) -> frozenset[int]:
        """The lines that a suspension passes on its way out: heads of `except` and `with`, bodies of `finally`."""
        if path not in self._skipped:
            self._skipped[path] = frozenset(_cleaning(ast.parse(importlib.util.decode_source(_read(path)))))
        return self._skipped[path]


def _read(path: str) -> bytes:
    """A file's bytes, unnoticed."""
    with io.open_code(path) as file:
        return file.read()


def _cleaning(tree: ast.AST) -> Iterator[int]:
    for node in ast.walk(tree):
        match node:
            case ast.ExceptHandler():
                yield from range(node.lineno, node.body[0].lineno)
            case ast.With() | ast.AsyncWith():
                yield from range(node.lineno, node.body[0].lineno)
            case ast.Try(finalbody=[first, *_]):
                yield from range(first.lineno, (node.finalbody[-1].end_lineno or 0) + 1)


def _as_step(world: World, create: Callable[..., Any]) -> Callable[..., Any]:
    """The SDK's coroutine for a step, which tells that it is one."""

    async def create_run_coroutine(*args: Any, **kwargs: Any) -> None:
        _STEP.set(True)
        world.steps += 1
        await create(*args, **kwargs)

    return create_run_coroutine


def _noted(world: World, sleep: Callable[..., Any]) -> Callable[..., Any]:
    """`asyncio.sleep`, noted if it waits.  The loop's time is not real."""

    async def noted(delay: float, result: Any = None) -> Any:
        if delay > 0:
            world.record("asyncio.sleep")
            if _ATTEMPT.get() is not None:  # time is real
                delay = min(delay, 0.2)
        return await sleep(delay, result)

    return noted


def _noted_sleep(world: World, sleep: Callable[[float], None]) -> Callable[[float], None]:
    """`time.sleep`, noted, and no more than a moment long; none at all where it would stop the loop."""

    def noted(delay: float) -> None:
        world.record("time.sleep")
        if threading.current_thread() is not threading.main_thread():
            sleep(min(delay, 0.05))

    return noted


def _listing(world: World, listdir: Callable[..., list[str]]) -> Callable[..., list[str]]:
    """`os.listdir` of a folder that is not there: some names, in whatever order."""

    def listed(folder: str = ".") -> list[str]:
        if Path(folder).is_dir():
            return listdir(folder)
        names = ["a.csv", "b.csv", "c.csv"]
        return names[:: -1 if world.luck % 2 else 1]

    return listed


def _opening(world: World) -> Callable[..., Any]:
    """`open`, noted, and in the program's own folder wherever the path leads."""
    real = io.open

    def opened(file: Any, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
        if isinstance(file, int):
            return real(file, mode, *args, **kwargs)
        world.record("open")
        here = Path(Path(os.fsdecode(file)).name)
        if "r" in mode and not here.exists():
            here.touch()
        return real(here, mode, *args, **kwargs)

    return opened
