"""A run that was made before is not made again: if everything that it read is as it was, what it printed is printed once more.

Such a run costs the start of Python and a `stat` of each file.  So this module imports next to nothing, and it cannot ask the
configuration what matters: it notes what a run opens and lists (by Python's audit events), and keeps that with what the run printed.

A kept run is a file in the cache's folder.  It is data, never code; what it may print is what a linter prints.
"""

from __future__ import annotations

import os
import sys
from array import array

from rea_lint import CACHE

try:
    from _blake2 import blake2b  # hashlib would import OpenSSL
except ImportError:
    from hashlib import blake2b

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from typing import BinaryIO, TextIO

FORM = b"rea-lint run 1"
MARGIN = 10**9
"""Nanoseconds before a run in which nothing it read may have changed: a file system's clock may be as coarse."""

MOST = 32
"""So many runs are kept; the one not used for longest goes."""

NEWEST = 64
"""Of the files that a run depends on, so many that were changed last are looked at first: what was edited is edited again."""

PASSING = frozenset({"_", "OLDPWD", "PWD", "SHLVL"})
"""Variables on which no run depends.  On any other it may: paths in a configuration may name variables."""

ABOVE = (".git", ".gitignore", "pyproject.toml", "rea-lint.toml", ".rea-lint.toml", "setup.cfg", "setup.py")
"""Files that matter in the folders above those that were listed: if one comes, the run is another."""

NEVER = frozenset({"-", "-n", "--no-cache", "-v", "--verbose", "--watch", "--help", "-h"})
"""Arguments of runs that are not kept."""

_BREAK = b"\0\0"
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_OUTSIDE = frozenset({"subprocess.Popen", "os.system", "os.posix_spawn", "os.exec", "socket.connect", "os.remove", "os.rename"})
_SIZE = 16  # bytes of a digest
_SHOWN = bytes({*range(32, 256), *b"\n\t"} - {127})


def replay(arguments: Sequence[str]) -> int | None:
    """Print what the same run printed before, and give its exit code; None if it has to be made."""
    if not NEVER.isdisjoint(arguments):
        return None
    key = _key(arguments)
    for folder in _folders(arguments):
        kept = _read(os.path.join(folder, "runs", key.hex()), key)
        if kept is not None:
            code, said = kept
            for stream, data in said:
                if stream == b"b":
                    sys.stdout.flush()
                    sys.stdout.buffer.write(data)
                else:
                    (sys.stdout if stream == b"o" else sys.stderr).write(data.decode("utf-8", "surrogatepass"))
            return code
    return None


class Recording:
    """A run that is being made: what it reads, what it prints.  `keep` it at the end; `folder` is its cache's, once it is known."""

    def __init__(self, arguments: Sequence[str], now: int) -> None:
        self.folder: str | None = None  # None: it is not kept
        self._arguments = arguments
        self._start = now  # nanoseconds since 1970
        self._read: set[str] = set()
        self._looked_at: frozenset[str] = frozenset()
        self._said: list[bytes] = []
        self._is_repeatable = NEVER.isdisjoint(arguments) and arguments[:1] != ["server"]  # which talks, all day
        self._is_on = self._is_repeatable
        if self._is_on:
            sys.stdout = _Copied(sys.stdout, b"o", self)
            sys.stderr = _Copied(sys.stderr, b"e", self)
            sys.addaudithook(self._note)

    def looked_at(self, paths: frozenset[str]) -> None:
        """Files whose content the run depends on, also if it did not open them."""
        self._looked_at = paths

    def keep(self, code: int) -> None:
        """The run is over, with this exit code.  A folder that cannot be written to is no error."""
        self._is_on = False
        if self.folder is None or not self._is_repeatable or code not in {0, 1} or not _is_printable(self._said):
            return
        noted = self._noted()
        if noted is None:
            return
        inputs, states, missing = noted
        key = _key(self._arguments)
        parts = (FORM, b"%d" % code, b"\0".join(self._said), b"\0".join(missing), b"\0".join(inputs), states.tobytes())
        content = _BREAK.join(parts)
        _write(os.path.join(self.folder, "runs"), key.hex(), _digest(content, key) + content)

    def add(self, stream: bytes, data: bytes) -> None:
        """Something was printed: to stdout as text `o` or as bytes `b`, or to stderr `e`."""
        if data and self._is_on:
            self._said.append(stream + data)

    def _note(self, event: str, arguments: tuple[object, ...]) -> None:
        if not self._is_on:
            return
        if event == "open":
            path, _, flags = arguments
            if not isinstance(path, str | bytes):
                return  # a descriptor that is open already
            path = os.path.abspath(os.fsdecode(path))
            if isinstance(flags, int) and flags & _WRITES:
                self._is_repeatable = self._is_repeatable and (path == os.devnull or _is_of_cache(path))
            else:
                self._read.add(path)
        elif event in {"os.scandir", "os.listdir"}:
            if isinstance(arguments[0], str | bytes):
                self._read.add(os.path.abspath(os.fsdecode(arguments[0])))
        elif event in _OUTSIDE and not _is_of_cache(arguments[0]):
            self._is_repeatable = False

    def _noted(self) -> tuple[list[bytes], array[int], list[bytes]] | None:
        """What the run depends on, newest first, its states, and what would matter but is not there; None if something may have changed since it was read.

        What was opened comes first: a file that was edited just now is among it, and then the others need not be looked at.
        """
        latest = self._start - MARGIN
        states: dict[bytes, tuple[int, int, int]] = {}
        missing: list[bytes] = []
        for path in map(os.fsencode, self._inputs()):
            try:
                state = _state(path)
            except OSError:
                continue  # it was looked for, and is not there
            if state[0] > latest or state[1] > latest:
                return None
            states[path] = state
        for path in _above(states):
            if os.path.exists(path):
                states[path] = _state(path)
            elif not os.path.lexists(path):
                missing.append(path)
        inputs = sorted(states, key=lambda path: (-states[path][0], path))
        flat = _flat(map(states.__getitem__, inputs))
        return None if max(*flat[0::3], *flat[1::3]) > latest else (inputs, flat, missing)

    def _inputs(self) -> Iterator[str]:
        """What the run depends on: what it read, and rea-lint itself.  Of libraries, the folder in which they come and go."""
        own = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
        libraries = [path for path in sys.path if path.endswith(("site-packages", "dist-packages")) and os.path.isdir(path)]
        inside = tuple(path + os.sep for path in (own, os.path.dirname(os.__file__), *libraries))
        for path in (*self._read, *self._looked_at):
            if not path.startswith(inside) and not _is_of_cache(path):
                yield path
                if "__pycache__" in path:  # a module of the user's, which is compiled again if its source changes
                    folder, name = os.path.split(path)
                    yield os.path.join(os.path.dirname(folder), name.partition(".")[0] + ".py")
        for folder, _, names in os.walk(own):
            if not folder.endswith("__pycache__"):
                yield from (folder, *(os.path.join(folder, name) for name in names))
        yield from libraries


class _Copied:
    """A stream; what is written to it is noted."""

    def __init__(self, stream: TextIO, name: bytes, recording: Recording) -> None:
        self._stream = stream
        self._name = name
        self._recording = recording

    def write(self, text: str) -> int:
        self._recording.add(self._name, text.encode("utf-8", "surrogatepass"))
        return self._stream.write(text)

    def __getattr__(self, name: str) -> object:
        if name == "buffer" and self._name == b"o":
            return _CopiedBytes(self._stream.buffer, self._recording)
        return getattr(self._stream, name)


class _CopiedBytes:
    """What takes bytes in a stream; what is written to it is noted."""

    def __init__(self, stream: BinaryIO, recording: Recording) -> None:
        self._stream = stream
        self._recording = recording

    def write(self, data: bytes) -> int:
        self._recording.add(b"b", bytes(data))
        return self._stream.write(data)

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)


def _is_of_cache(path: object) -> bool:
    return isinstance(path, str) and CACHE in path and CACHE in path.split(os.sep)


def _folders(arguments: Sequence[str]) -> Iterator[str]:
    """Where caches may be: where the command line or the environment says, or in a folder around what is linted."""
    given = [after for before, after in zip(arguments, arguments[1:], strict=False) if before == "--cache-dir"]
    given += [argument.partition("=")[2] for argument in arguments if argument.startswith("--cache-dir=")]
    given += filter(None, [os.environ.get("REA_LINT_CACHE_DIR")])
    if given:
        yield given[0]
        return
    for start in dict.fromkeys((*map(os.path.abspath, arguments), os.getcwd())):
        at = start
        while os.path.dirname(at) != at:
            yield os.path.join(at, CACHE)
            at = os.path.dirname(at)


def _key(arguments: Sequence[str]) -> bytes:
    """All that a run depends on and that is no file."""
    variables = [f"{name}={value}" for name, value in os.environ.items() if name not in PASSING]
    terminals = [stream if stream is not None and stream.isatty() else None for stream in (sys.stdout, sys.stderr)]  # None: it is closed
    streams = ["-" if stream is None else repr(os.get_terminal_size(stream.fileno())) for stream in terminals]
    words = [sys.version, sys.executable, os.getcwd(), *streams, *sorted(variables), "", *arguments]
    return _digest("\0".join(words).encode("utf-8", "surrogateescape"))  # variables may hold secrets: they are not written down


def _digest(data: bytes, key: bytes = b"") -> bytes:
    return blake2b(data, digest_size=_SIZE, key=key).digest()


def _read(path: str, key: bytes) -> tuple[int, list[tuple[bytes, bytes]]] | None:
    """Exit code and output of a kept run; None if there is none, or it is not as it was."""
    try:
        with open(path, "rb") as file:
            content = file.read()
        if _digest(content[_SIZE:], key) != content[:_SIZE]:
            return None
        form, code, said, missing, rest = content[_SIZE:].split(_BREAK, 4)
        if form != FORM or any(map(os.path.lexists, missing.split(b"\0") if missing else ())):
            return None
        paths, states = rest.split(_BREAK, 1)
        inputs = paths.split(b"\0")
        for part in (inputs[:NEWEST], inputs[NEWEST:]):
            now = _flat(map(_state, part)).tobytes()
            if now != states[: len(now)]:
                return None
            states = states[len(now) :]
        if states:
            return None
        parts = said.split(b"\0") if said else []
        if not _is_printable(parts):
            return None
        os.utime(path)
        return int(code), [(part[:1], part[1:]) for part in parts]
    except (OSError, ValueError):
        return None


def _state(path: bytes) -> tuple[int, int, int]:
    """When a file was changed, by its content's clock and by its inode's, and its size."""
    state = os.stat(path)
    return state.st_mtime_ns, state.st_ctime_ns, state.st_size


def _flat(states: Iterable[tuple[int, int, int]]) -> array[int]:
    numbers: list[int] = []
    for state in states:
        numbers += state
    return array("q", numbers)


def _above(inputs: Collection[bytes]) -> list[bytes]:
    """Files above the folders that were read, which would matter."""
    slash = os.fsencode(os.sep)
    one_a_folder = {path[: path.rfind(slash)]: path for path in inputs}
    above: set[bytes] = set()
    for path in one_a_folder.values():
        at = os.path.dirname(path)
        while at not in inputs and at not in above:
            above.add(at)
            at = os.path.dirname(at)
    return sorted(path for folder in above for name in ABOVE if (path := os.path.join(folder, os.fsencode(name))) not in inputs)


def _is_printable(parts: Iterable[bytes]) -> bool:
    """Whether there is nothing in what is printed that moves a terminal's cursor, or does worse."""
    for part in parts:
        plain, *styled = part.split(b"\x1b")
        for text in styled:
            style, end, _ = text.partition(b"m")
            if not end or style[:1] != b"[" or style[1:].translate(None, b"0123456789;"):
                return False
        if any(text.translate(None, _SHOWN) for text in (plain, *styled)):
            return False
    return True


def _write(folder: str, name: str, content: bytes) -> None:
    """Put a file there, whole or not at all; the oldest go."""
    temporary = os.path.join(folder, f"{name}.{os.getpid()}")
    try:
        os.makedirs(folder, exist_ok=True)
        with open(temporary, "wb") as file:
            file.write(content)
        os.replace(temporary, os.path.join(folder, name))
        kept = sorted(os.scandir(folder), key=lambda entry: entry.stat().st_mtime_ns)
        for entry in kept[:-MOST]:
            os.unlink(entry.path)
    except OSError:
        return
