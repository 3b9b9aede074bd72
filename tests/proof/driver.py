"""Plays the server for one invocation: keeps its journal, answers what it asks for, fails when told to, and says how it went.

The handler runs in the SDK's own ASGI app, on the SDK's own state machine; only the messages are ours.  Standard library, restate-sdk,
protobuf and time-machine: this runs in environments of other SDK releases, too.
"""

from __future__ import annotations

import asyncio
import enum
import json
import struct
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from proof.loop import Loop, StuckError
from proof.messages import ACK_REQUESTED, CANCEL, Frame, Kind, frame, frames, make, read

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from proof.world import World

ATTEMPTS = 60
"""More than any page needs, also when replayed at every await: who needs more makes no progress."""

ERRORS = 3
"""Attempts that fail one after the other until we believe that all do."""

MISMATCH = 570
"""The SDK's code for a replay that does something else than the journal says; the server reports it as RT0016."""


class Mode(enum.Enum):
    """How an invocation is treated.  None sees everything, so each program goes through all but the last."""

    PLAIN = "plain"  # nothing goes wrong, answers come at once
    REPLAY = "replay at every await"
    CRASH = "crash after each command"
    SLOW = "slow answers"  # slower than every native timeout; then a crash after each command
    FRESH = "replay in another process"  # with another hash seed and time zone
    CANCEL = "cancelled"  # only for claims about cancellation


@dataclass(frozen=True)
class Target:
    """What is invoked, and what the world answers."""

    service: str
    handler: str
    key: str
    input: bytes
    state: dict[str, bytes]
    answer: Callable[[str, str], bytes]  # what is asked (`call`, `promise`, `awakeable`, `signal`), and its name -> value

    @property
    def display(self) -> str:
        """As the linter names handlers."""
        return f"{self.service}.{self.handler}"


@dataclass
class Journal:
    """What the server keeps of an invocation: commands and notifications in their order, state, and the answers that are due."""

    target: Target
    frames: list[Frame] = field(default_factory=list)
    state: dict[bytes, bytes] = field(default_factory=dict)
    due: dict[int, Frame] = field(default_factory=dict)  # completion -> its notification, oldest command first
    proposed: set[int] = field(default_factory=set)  # completions of the steps that ran
    steps: dict[int, str] = field(default_factory=dict)  # completion -> name of the step

    @classmethod
    def new(cls, target: Target) -> Journal:
        """With nothing but the input."""
        start = frame(Kind.INPUT, "Input", value=make("Value", content=target.input))
        return cls(target, [start], {key.encode(): value for key, value in target.state.items()})

    @property
    def output(self) -> Any:
        """The handler's result; None while there is none."""
        return next((result(each) for each in self.frames if each.kind == Kind.OUTPUT), None)

    @property
    def commands(self) -> list[str]:
        """Each command in words, without input and output."""
        return [_said(each) for each in self.frames if each.is_command and each.kind not in {Kind.INPUT, Kind.OUTPUT}]

    def store(self, command: Frame) -> Iterator[Frame]:
        """Journal a command; what the server says to that at once."""
        self.frames.append(command)
        said = read("Command", command.body)
        for kind, number, answer in _answers(command, self):
            notification = frame(kind, "Notification", completion_id=number, **answer)
            if kind == Kind.INVOCATION_ID:
                self.frames.append(notification)
                yield notification
            else:
                self.due[number] = notification
        match command.kind:
            case Kind.RUN:
                self.steps[said.completion_id] = said.name
            case Kind.SET_STATE:
                state = read("StateCommand", command.body)
                self.state[state.key] = state.value.content
            case Kind.CLEAR_STATE:
                self.state.pop(read("StateCommand", command.body).key, None)
            case Kind.CLEAR_ALL_STATE:
                self.state.clear()

    def propose(self, proposal: Frame) -> Frame:
        """Journal a step's result; what the server says to that."""
        said = read("Proposal", proposal.body)
        self.proposed.add(said.completion_id)
        outcome = {"failure": said.failure} if said.HasField("failure") else {"value": make("Value", content=said.value)}
        done = frame(Kind.RUN_DONE, "Notification", completion_id=said.completion_id, **outcome)
        self.frames.append(done)
        return frame(Kind.RUN_ACK, "Ack", completion_id=said.completion_id) if proposal.flags & ACK_REQUESTED else done

    def answer(self, awaited: Awaited, *, eager: bool) -> Frame | None:
        """The next notification, journaled: the oldest that is awaited, else (if `eager`) the oldest that is due; None if there is none."""
        number = next((number for number in self.due if number in awaited.completions), None)
        if number is None and eager and self.due:
            number = next(iter(self.due))
        if number is not None:
            given: Frame | None = self.due.pop(number)
        else:
            given = next(self._signals(awaited), None)
        if given is not None:
            self.frames.append(given)
        return given

    def _signals(self, awaited: Awaited) -> Iterator[Frame]:
        """The awaited signals that were not sent yet."""
        known = {each.body for each in self.frames if each.kind == Kind.SIGNAL}
        ways: list[dict[str, Any]] = [{"signal_id": number} for number in awaited.signals if number != CANCEL]
        ways += [{"signal_name": name} for name in awaited.names]
        for way in ways:
            kind = "signal" if "signal_name" in way else "awakeable"
            value = make("Value", content=self.target.answer(kind, way.get("signal_name", "")))
            signal = frame(Kind.SIGNAL, "Notification", value=value, **way)
            if signal.body not in known:
                yield signal

    def start(self) -> bytes:
        """What an attempt is sent first."""
        state = [make("StateEntry", key=key, value=value) for key, value in self.state.items()]
        fields = {"known_entries": len(self.frames), "state_map": state, "key": self.target.key, "random_seed": 7}
        start = frame(Kind.START, "Start", id=b"proof", debug_id="inv_proof", **fields)
        return b"".join(map(bytes, [start, *self.frames]))


@dataclass(frozen=True)
class Awaited:
    """The completions and signals that a handler waits for."""

    completions: frozenset[int] = frozenset()
    signals: frozenset[int] = frozenset()
    names: frozenset[str] = frozenset()

    @classmethod
    def of(cls, future: Any) -> Awaited:
        """All leaves of a tree of futures."""
        nested = [cls.of(each) for each in future.nested]
        return cls(
            frozenset(future.completions).union(*(each.completions for each in nested)),
            frozenset(future.signals).union(*(each.signals for each in nested)),
            frozenset(future.names).union(*(each.names for each in nested)),
        )


class End(enum.Enum):
    """How an attempt ended."""

    COMPLETED = "completed"
    SUSPENDED = "suspended"
    ERROR = "error"  # to be retried
    CRASHED = "crashed"  # by us
    STUCK = "stuck"
    EXIT = "exit"  # the process would be gone


@dataclass
class Attempt:
    """One request to the app, and what came of it."""

    app: Any
    journal: Journal
    version: int
    live: bool  # answers come while it runs; else every await on what is not there yet suspends
    crash_after: int = 0  # commands; 0 for never
    lose_output: bool = False
    cancel: bool = False
    slow: bool = False
    is_asking: Callable[[], bool] = lambda: False  # whether the program itself made the task that is being made

    end: End = End.STUCK
    error: tuple[int, str] = (0, "")
    awaited: Awaited = field(default_factory=Awaited)
    commands: int = 0  # new ones
    stalled: bool = False
    left_behind: list[str] = field(default_factory=list)
    escaped: str = ""  # the exception that the app did not catch
    lost: Any = None  # the output that we did not let through
    _tasks: list[asyncio.Task[Any]] = field(default_factory=list)
    _closed: bool = False
    _buffer: bytes = b""

    def run(self) -> Attempt:
        """Serve it until it ends."""
        loop = Loop(self._answer, self._close_idle, slow=self.slow)
        asyncio.set_event_loop(loop)
        loop.set_task_factory(self._task)
        try:
            loop.run_until_complete(self._serve())
        except StuckError:
            self.end = End.STUCK
        except (SystemExit, KeyboardInterrupt):
            self.end = End.EXIT
        _KEPT.extend([loop, *asyncio.all_tasks(loop)])
        return self

    def _task(self, loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any) -> asyncio.Task[Any]:
        """Make a task, and keep in mind those of the program."""
        task = asyncio.Task(coroutine, loop=loop, **options)
        if self.is_asking():
            self._tasks.append(task)
        return task

    async def _serve(self) -> None:
        self._events: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._crashed = asyncio.Event()
        self._put(self.journal.start())
        if not self.live:
            self._close()
        content_type = f"application/vnd.restate.invocation.v{self.version}"
        target = self.journal.target
        scope = {
            "type": "http",
            "http_version": "2",
            "path": f"/invoke/{target.service}/{target.handler}",
            "headers": [(b"content-type", content_type.encode())],
        }
        app = asyncio.create_task(self.app(scope, self._events.get, self._send))
        crash = asyncio.create_task(self._crashed.wait())
        _KEPT.append(app)
        await asyncio.wait({app, crash}, return_when=asyncio.FIRST_COMPLETED)
        if self.end is not End.CRASHED:
            self.stalled = self.stalled and (
                self.end is not End.SUSPENDED or not self.journal.due.keys().isdisjoint(self.awaited.completions)
            )
            escaped = app.exception()
            if escaped is not None:
                self.escaped = repr(escaped)

    def _put(self, data: bytes) -> None:
        self._events.put_nowait({"type": "http.request", "body": data, "more_body": True})

    def _close(self) -> None:
        self._closed = True
        self._events.put_nowait({"type": "http.request", "body": b"", "more_body": False})

    def _answer(self) -> bool:
        """The handler waits: give it an answer, if there is one; or, once, cancel it."""
        if self._closed:
            return False
        if self.cancel and (self.journal.due or self.awaited != Awaited()):
            self.cancel = False
            given: Frame | None = frame(Kind.SIGNAL, "Notification", signal_id=CANCEL, void=make("Void"))
            assert given is not None
            self.journal.frames.append(given)
        else:
            given = self.journal.answer(self.awaited, eager=True)
        if given is not None:
            self._put(bytes(given))
        return given is not None

    def _close_idle(self) -> bool:
        """Close the input, as the server does after a while of silence."""
        if self._closed:
            return False
        self.stalled = self.end is End.STUCK
        self._close()
        return True

    async def _send(self, event: dict[str, Any]) -> None:
        """Take what the app sends."""
        self._buffer += event.get("body", b"")
        while len(self._buffer) >= 8:
            length = 8 + struct.unpack_from(">I", self._buffer, 4)[0]
            if len(self._buffer) < length:
                return
            data, self._buffer = self._buffer[:length], self._buffer[length:]
            for each in frames(data):
                self._take(each)
            if self.end is End.CRASHED:
                await asyncio.Event().wait()

    def _take(self, given: Frame) -> None:
        match given.kind:
            case Kind.SUSPENSION:
                said = read("AwaitingOn" if self.version >= 7 else "Future", _from_7(given.body) if self.version >= 7 else given.body)
                self.awaited = Awaited.of(said.awaiting_on if self.version >= 7 else said)
                self.end = End.SUSPENDED
            case Kind.AWAITING_ON:
                self.awaited = Awaited.of(read("AwaitingOn", given.body).awaiting_on)
            case Kind.ERROR:
                error = read("Error", given.body)
                self.end, self.error = End.ERROR, (error.code, error.message)
            case Kind.END:
                self.end = End.COMPLETED
                self.left_behind = working(self._tasks)
            case Kind.PROPOSE_RUN:
                said = self.journal.propose(given)
                if not self._closed:
                    self._put(bytes(said))
            case Kind.OUTPUT if self.lose_output:
                self.lost = result(given)
                self._crash()
            case _ if given.is_command:
                self.commands += 1
                for each in self.journal.store(given):
                    if not self._closed:
                        self._put(bytes(each))
                if self.commands == self.crash_after:
                    self._crash()

    def _crash(self) -> None:
        self.end = End.CRASHED
        self._crashed.set()


_KEPT: list[Any] = []
"""Loops and tasks of attempts that were broken off: their coroutines must not be closed, which would run their `finally`."""


_THREADS: set[threading.Thread] = {threading.main_thread()}
"""Threads that are not new."""


def working(tasks: list[asyncio.Task[Any]]) -> list[str]:
    """Those of a program's tasks that are still at work, and its threads that are."""
    threads = {thread for thread in threading.enumerate() if thread not in _THREADS and not thread.name.startswith("asyncio_")}
    _THREADS.update(threads)
    named = [getattr(task.get_coro(), "__qualname__", "task") for task in tasks if not task.done()]
    return sorted([*named, *(thread.name for thread in threads)])


def _from_7(body: bytes) -> bytes:
    """A suspension of version 7 as the message `AwaitingOn`, which has the same field under the number 1."""
    return bytes([0x0A]) + body[1:] if body[:1] == b"\x22" else b""


def result(given: Frame) -> dict[str, Any]:
    """A result: `value`, as JSON text, or `failure`, the code and message of a terminal error."""
    output = read("Output", given.body)
    if output.HasField("failure"):
        return {"failure": [output.failure.code, output.failure.message]}
    return {"value": output.value.content.decode(errors="replace")}


def _said(command: Frame) -> str:
    """A command in words."""
    kind = Kind(command.kind).label
    match command.kind:
        case Kind.SET_STATE | Kind.CLEAR_STATE | Kind.GET_STATE | Kind.GET_EAGER_STATE:
            return f"{kind} {read('StateCommand', command.body).key.decode()}"
        case Kind.GET_PROMISE | Kind.PEEK_PROMISE | Kind.COMPLETE_PROMISE:
            return f"{kind} {read('PromiseCommand', command.body).key}"
        case Kind.CALL | Kind.SEND:
            call = read("CallCommand", command.body)
            return f"{kind} {call.service}.{call.handler}"
        case Kind.RUN | Kind.SLEEP:
            return f"{kind} {read('Command', command.body).name}".strip()
    return kind


def _answers(command: Frame, journal: Journal) -> Iterator[tuple[int, int, dict[str, Any]]]:
    """Kind, completion and content of each notification that a command leads to."""
    said = read("Command", command.body)
    if command.kind in {Kind.CALL, Kind.SEND}:
        yield Kind.INVOCATION_ID, said.invocation_id, {"invocation_id": f"inv_{said.invocation_id}"}
    if not said.completion_id or command.kind == Kind.RUN:
        return
    kind = command.kind + 0x7C00  # the completion of the command
    answer = journal.target.answer
    match command.kind:
        case Kind.SLEEP | Kind.COMPLETE_PROMISE:
            yield kind, said.completion_id, {"void": make("Void")}
        case Kind.GET_STATE:
            key = read("StateCommand", command.body).key
            value = journal.state.get(key)
            yield kind, said.completion_id, {"void": make("Void")} if value is None else {"value": make("Value", content=value)}
        case Kind.STATE_KEYS:
            yield kind, said.completion_id, {"state_keys": make("StateKeys", keys=sorted(journal.state))}
        case Kind.CALL:
            call = read("CallCommand", command.body)
            yield kind, said.completion_id, {"value": make("Value", content=answer("call", f"{call.service}.{call.handler}"))}
        case _:
            name = read("PromiseCommand", command.body).key
            yield kind, said.completion_id, {"value": make("Value", content=answer("promise", name))}


@dataclass
class Course:
    """How one invocation went in one mode: plain data."""

    handler: str
    mode: str
    crash_after: int = 0
    output: Any = None
    lost: Any = None  # the output of an attempt that broke off there
    state: dict[str, str] = field(default_factory=dict)
    commands: list[str] = field(default_factory=list)
    mismatches: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)  # of the last attempts, if the invocation came to nothing
    unrun: list[str] = field(default_factory=list)  # steps in the journal that nobody ran
    left_behind: list[str] = field(default_factory=list)
    stuck: bool = False
    stalled: bool = False
    exits: bool = False
    escaped: str = ""
    attempts: int = 0
    effects: list[list[Any]] = field(default_factory=list)  # attempt, name, whether in a step
    caught: list[str] = field(default_factory=list)  # places that caught a suspension and went on
    journal: list[list[Any]] = field(default_factory=list)  # kind and hexadecimal body, where another process shall go on


def invoke(
    app: Any, version: int, target: Target, world: World, mode: Mode, *, crash_after: int = 0, journal: Journal | None = None
) -> Course:
    """One invocation to its end, or to where it is plain that it has none."""
    journal = journal or Journal.new(target)
    course = Course(target.display, mode.value, crash_after)
    errors: list[str] = []
    progress = -1
    while course.attempts < ATTEMPTS and len(errors) < ERRORS:
        first = course.attempts == 0
        attempt = Attempt(
            app,
            journal,
            version,
            live=mode is not Mode.REPLAY,
            crash_after=crash_after if first else 0,
            lose_output=crash_after < 0 and first,
            cancel=mode is Mode.CANCEL and first,
            slow=mode is Mode.SLOW,
            is_asking=lambda: world.is_asking,
        )
        with world.attempt(course.attempts):
            attempt.run()
        course.attempts += 1
        course.stalled |= attempt.stalled
        course.escaped = course.escaped or attempt.escaped
        course.lost = course.lost or attempt.lost
        course.left_behind += attempt.left_behind
        match attempt.end:
            case End.COMPLETED:
                errors = []
                break
            case End.ERROR:
                if attempt.error[0] == MISMATCH:
                    course.mismatches.append(attempt.error[1])
                errors = errors if len(journal.frames) == progress else []
                errors.append(f"{attempt.error[0]}: {attempt.error[1]}")
                progress = len(journal.frames)
                continue
            case End.SUSPENDED:
                known = {read("Notification", each.body).completion_id for each in journal.frames if each.kind in _COMPLETIONS}
                if journal.answer(attempt.awaited, eager=False) is None and known.isdisjoint(attempt.awaited.completions):
                    course.stuck = True
                    break
            case End.STUCK:
                course.stuck = True
                break
            case End.EXIT:
                course.exits = True
                break
        errors = []
    else:
        course.stuck = not errors
    course.errors = errors
    course.output = journal.output
    course.state = {key.decode(): value.decode(errors="replace") for key, value in sorted(journal.state.items())}
    course.commands = journal.commands
    if journal.output is not None and world.steps < len(journal.steps):
        course.unrun = [name for number, name in journal.steps.items() if number not in journal.proposed]
    course.effects, course.caught = world.taken()
    course.journal = [[each.kind, each.body.hex()] for each in journal.frames]
    return course


_COMPLETIONS = {*range(0x8000, 0x8020)}


def sweep(app_of: Callable[[], Any], version: int, target: Target, world: World) -> Iterator[Course]:
    """All courses that one process can show: plain, replayed, slow, and, of the plain and the slow one, crashed after each command."""
    plain = invoke(app_of(), version, target, world, Mode.PLAIN)
    yield plain
    yield invoke(app_of(), version, target, world, Mode.REPLAY)
    for mode, going in ((Mode.CRASH, plain), (Mode.SLOW, invoke(app_of(), version, target, world, Mode.SLOW))):
        if mode is Mode.SLOW:
            yield going
            if going.commands == plain.commands:
                continue
        for after in range(1, len(going.commands) + 1):
            yield invoke(app_of(), version, target, world, mode, crash_after=after)
        if going.output is not None:
            yield invoke(app_of(), version, target, world, mode, crash_after=-1)


def resume(app: Any, version: int, target: Target, world: World, journal: list[list[Any]]) -> Course:
    """Replay a whole journal, but for its output, in this process."""
    kept = [Frame(kind, bytes.fromhex(body)) for kind, body in journal if kind != Kind.OUTPUT]
    return invoke(app, version, target, world, Mode.FRESH, journal=Journal(target, kept))


def negotiated(app: Any) -> int:
    """The newest protocol version that the app speaks and we do."""
    sent: list[bytes] = []

    async def send(event: dict[str, Any]) -> None:
        sent.append(event.get("body", b""))

    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    scope = {
        "type": "http",
        "http_version": "2",
        "path": "/discover",
        "headers": [(b"accept", b"application/vnd.restate.endpointmanifest.v2+json")],
    }
    asyncio.run(app(scope, receive, send))
    return min(7, int(json.loads(b"".join(sent))["maxProtocolVersion"]))
