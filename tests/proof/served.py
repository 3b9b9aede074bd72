"""A program served to a real restate-server: by hypercorn, in a process of its own, which counts attempts and can break one off."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypercorn.asyncio
import hypercorn.config
import restate
import restate.vm

from proof.driver import result, working
from proof.messages import Kind, frames, read
from proof.program import load, prepared, targets
from proof.world import World

if TYPE_CHECKING:
    from collections.abc import Callable

NAP = 50
"""Milliseconds that a durable sleep may take: its length is not compared on replay."""

INNOCENT = "Innocent"
"""A service that is served along with the program, whose invocations shall not come to harm."""

INVOCATIONS = 8
"""As many as a program may start in one course; pages have handlers that send to themselves."""


class Served:
    """The app of a program, between the server and the SDK."""

    def __init__(self, fresh: Callable[[], Any], world: World, restart: Callable[[str], None], asked: str) -> None:
        self._fresh = fresh
        self._world = world
        self.restart = restart
        self._begin(0)
        if asked:  # before the process was restarted
            self._attempts[asked] = 0

    def _begin(self, crash_after: int) -> None:
        """A course that breaks off after so many commands (-1: just before the result), or not (0)."""
        self._app = self._fresh()  # what the program's modules keep is not kept from one course to the next
        self._crash_after = crash_after
        self._attempts: dict[str, int] = {}  # by invocation; the first is the one that was asked for
        self._restarts = False  # the process, where it breaks off
        self._lost: Any = None
        self._left_behind: list[str] = []
        self._tasks: list[asyncio.Task[Any]] = []
        self.awakeables: list[str] = []
        self._world.taken()

    def make_task(self, loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any) -> asyncio.Task[Any]:
        """Make a task, and keep in mind those of the program."""
        task = asyncio.Task(coroutine, loop=loop, **options)
        if self._world.is_asking:
            self._tasks.append(task)
        return task

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["path"].startswith("/proof/"):
            await self._told(scope["path"].removeprefix("/proof/"), send)
        elif scope["type"] == "http" and "/invoke/" in scope["path"] and f"/{INNOCENT}/" not in scope["path"]:
            await self._attempt(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _told(self, word: str, send: Any) -> None:
        """`course/N` begins a course that breaks off after N commands, `restart/N` with the whole process; `report` says how it went."""
        if word.startswith(("course/", "restart/")):
            self._begin(int(word.rpartition("/")[2]))
            self._restarts = word.startswith("restart/")
        report = {"awakeables": self.awakeables, "attempts": next(iter(self._attempts.values()), -1) + 1}
        if word == "report":
            report |= {"steps": self._world.steps, "lost": self._lost, "left_behind": self._left_behind}
            report["effects"], report["caught"] = self._world.taken()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": json.dumps(report).encode()})

    async def _attempt(self, scope: Any, receive: Any, send: Any) -> None:
        first = await receive()
        invocation = read("Start", next(frames(first["body"])).body).debug_id
        if invocation not in self._attempts and len(self._attempts) >= INVOCATIONS:
            await send({"type": "http.response.start", "status": 503, "headers": []})
            await send({"type": "http.response.body", "body": b""})
            return
        number = self._attempts[invocation] = self._attempts.get(invocation, -1) + 1
        is_asked = next(iter(self._attempts)) == invocation
        crash, broken_off = asyncio.Event(), asyncio.Event()
        commands = 0
        pending = [first]

        async def received() -> Any:
            return pending.pop() if pending else await receive()

        async def sent(event: Any) -> None:
            nonlocal commands
            if crash.is_set():
                await asyncio.Event().wait()
            if is_asked and any(each.kind == Kind.END for each in frames(event.get("body", b""))):
                self._left_behind += working(self._tasks)
            if not (is_asked and number == 0 and self._crash_after):
                await send(event)
                return
            let_through = b""
            for each in frames(event.get("body", b"")):
                if each.kind == Kind.OUTPUT and self._crash_after < 0:
                    self._lost = result(each)
                    crash.set()
                    break
                let_through += bytes(each)
                commands += each.is_command and each.kind != Kind.OUTPUT
                if commands == self._crash_after:
                    crash.set()
                    break
            await send({**event, "body": let_through} if "body" in event else event)
            if crash.is_set():
                asyncio.get_running_loop().call_later(0.02, broken_off.set)  # what was let through shall arrive
                await asyncio.Event().wait()

        if is_asked:
            self._world.begin(number)
        app = asyncio.create_task(self._app(scope, received, sent))
        broken = asyncio.create_task(broken_off.wait())
        await asyncio.wait({app, broken}, return_when=asyncio.FIRST_COMPLETED)
        if broken_off.is_set():
            _KEPT.append(app)
            if self._restarts:
                self.restart(invocation)
            _transport(send).abort()
            return
        broken.cancel()
        await app


_KEPT: list[Any] = []
"""Attempts that were broken off: their coroutines must not be closed, which would run their `finally`."""


def _transport(send: Any) -> asyncio.Transport:
    """The connection behind an ASGI `send` of hypercorn: its stream belongs to a protocol, and that to a connection."""
    transport: asyncio.Transport = send.__self__.send.__self__.send.__self__.writer.transport
    return transport


def serve(job: dict[str, Any], folder: Path, writer: Any) -> None:
    """Serve a program for ever; first write where, and what can be invoked."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(64)
    listener.set_inheritable(True)
    try:
        served, services = _made(job, folder, listener.fileno(), "")
    except BaseException as error:  # noqa: BLE001 -- whatever a program raises at import is its outcome
        _say(writer, {"failure": f"{type(error).__name__}: {error}"})
        return
    asked = [
        {"display": each.display, "service": each.service, "handler": each.handler, "key": each.key, "input": each.input.decode()}
        for each in targets(services, job)
    ]
    _say(writer, {"port": listener.getsockname()[1], "targets": asked})
    asyncio.run(_served(served, listener.fileno()))


def resume(listener: int, asked: str, job: str) -> None:
    """Go on serving, in a new program in the old process: the invocation that was asked for comes back."""
    served, _ = _made(json.loads(job), Path.cwd(), listener, asked)
    asyncio.run(_served(served, listener))


def _made(job: dict[str, Any], folder: Path, listener: int, asked: str) -> tuple[Served, list[Any]]:
    """The app of a program and its services."""
    world = World(folder, job.get("returns", {}))
    _, services = prepared(job["files"], folder, world)
    beside = [restate.Service(name) for name in (INNOCENT, *job.get("also", {}))]
    beside[0].handler()(rest)
    for service in beside[1:]:
        for name in job["also"][service.name]:
            service.handler(name)(answer)

    def restart(invocation: str) -> None:
        code = "import sys; from proof import standin; standin.install(); from proof.served import resume; resume(int(sys.argv[1]), *sys.argv[2:])"
        arguments = [sys.executable, "-c", code, str(listener), invocation, json.dumps(job)]
        os.execve(sys.executable, arguments, {**os.environ, "PYTHONHASHSEED": "2", "TZ": "Asia/Tokyo"})

    def fresh() -> Any:
        return restate.app([*load(job["files"])[1], *beside])

    served = Served(fresh, world, restart, asked)
    virtual: Any = restate.vm.VMWrapper
    asleep, awakeable = virtual.sys_sleep, virtual.sys_awakeable

    def sys_sleep(self: Any, millis: int, *names: Any) -> Any:
        return asleep(self, min(millis, job.get("nap", NAP)), *names)

    def sys_awakeable(self: Any) -> Any:
        name, handle = awakeable(self)
        served.awakeables.append(name)
        return name, handle

    virtual.sys_sleep, virtual.sys_awakeable = sys_sleep, sys_awakeable
    return served, services


async def _served(served: Served, listener: int) -> None:
    config = hypercorn.config.Config()
    config.bind = [f"fd://{listener}"]
    config.errorlog = None
    asyncio.get_running_loop().set_task_factory(served.make_task)
    await hypercorn.asyncio.serve(served, config)


async def answer(_: restate.Context) -> str:
    """What services do that a program calls and does not define."""
    return "x"


async def rest(ctx: restate.Context) -> str:
    """What an innocent invocation does."""
    await ctx.sleep(timedelta(milliseconds=300))
    return "rested"


def _say(writer: Any, what: dict[str, Any]) -> None:
    """Write a line.  (`print` is a stand-in by now.)."""
    writer.write(json.dumps(what) + "\n")
    writer.flush()
