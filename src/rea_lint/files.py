"""One file of the project: read, decoded, written.  `discovery` says which."""

from __future__ import annotations

import os
import re

from msgspec import Struct

from rea_lint.config import UserError
from rea_lint.facts import Broken
from rea_lint.text import Span


class File(Struct, frozen=True):
    """A file that is looked into."""

    path: str  # absolute
    module: str  # dotted; of `pkg/__init__.py`, `pkg`
    root: str = ""  # the folder that `module` is relative to
    is_package: bool = False  # an `__init__.py`
    text: str | None = None  # line ends as they are, without a byte order mark; None if it cannot be read at all
    broken: Broken | None = None  # why it cannot be decoded; `text` then has U+FFFD where bytes make no sense
    encoding: str = "utf-8"  # what `text.encode()` takes to give the file's bytes again
    imports: tuple[tuple[str, str], ...] = ()  # (module as the file names it, absolute; path) of each file it imports, sorted
    outside: frozenset[str] = frozenset()  # first names of the modules it imports that are no files here


def read(path: str) -> tuple[str | None, str, Broken | None]:
    """A file's text, encoding, and why it is broken."""
    data = read_bytes(path)
    return (None, "utf-8", data) if isinstance(data, Broken) else decode(data)


def decode(data: bytes) -> tuple[str, str, Broken | None]:
    """The text, encoding, and why it is broken, of a Python file's bytes: byte order mark, PEP 263, line ends kept as they are."""
    if data[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return (
            data.decode("utf-16", "replace"),
            "utf-16",
            Broken("The file is UTF-16, which Python does not read; save it as UTF-8", Span(0, 0)),
        )
    marked = data.startswith(b"\xef\xbb\xbf")
    encoding = "utf-8-sig" if marked else "utf-8"
    cookie = _cookie(data)
    if cookie is not None:
        name, span = cookie
        problem = None
        try:
            b"#".decode(name)
        except LookupError:  # also for rot13 and the like
            problem = f"There is no text encoding `{name}`"
        except UnicodeError:
            pass  # this encoding cannot have it, as will be said of the file
        is_utf8 = problem is None and name.lower().replace("_", "-") in {"utf-8", "utf8", "utf-8-sig", "u8", "utf"}
        if marked and problem is None and not is_utf8:
            problem = f"The file begins with the mark of UTF-8, but says that it is `{name}`"
        if problem is not None:
            return data.decode(encoding, "replace"), encoding, Broken(problem, span)
        encoding = encoding if is_utf8 else name
    try:
        text = data.decode(encoding)
    except UnicodeError as error:
        start = error.start if isinstance(error, UnicodeDecodeError) else 0  # codecs written in Python may not say
        readable, text = (_replaced(part, encoding) for part in (data[:start], data))
        message = f"Byte 0x{data[start]:02x} is not {encoding.removesuffix('-sig').upper()}"
    else:
        at = text.find("\0")
        return text, encoding, Broken("The file has a null byte, which Python does not read", Span(at, at + 1)) if at >= 0 else None
    at = min(len(readable), len(text))
    return text, encoding, Broken(message, Span(at, min(at + 1, len(text))))


def _replaced(data: bytes, encoding: str) -> str:
    """Bytes as text, with U+FFFD for what makes no sense; as UTF-8 if the encoding can do that for no bytes."""
    try:
        return data.decode(encoding, "replace")
    except UnicodeError:
        return data.decode("utf-8", "replace")


def write(file: File, text: str) -> None:
    """Put a text into a file that was read, in its encoding: whole or not at all, with the same mode; of a link, the target.

    Raises UserError if it cannot be written, or if somebody else changed it since it was read.
    """
    target = os.path.realpath(file.path)
    try:
        with open(target, "rb+") as old:  # a file that is read-only stays as it is, also where its folder is not
            if old.read() != (file.text or "").encode(file.encoding):
                raise UserError(f"{file.path}: not fixed, since it was changed while it was linted")
        put(target, text.encode(file.encoding))
    except UnicodeEncodeError as error:
        raise UserError(f"{file.path}: not fixed, since the fix has characters that {file.encoding} has not") from error
    except OSError as error:
        raise UserError(f"{file.path}: cannot be written: {error.strerror or error}") from error


def put(path: str, data: bytes) -> None:
    """Put bytes at a path, whole or not at all; with the mode of what was there.  Folders are made; of a link, it is the target.

    What is no regular file (`/dev/stdout`, a pipe) is written to.  Raises OSError.
    """
    import shutil  # noqa: PLC0415 -- few runs write, and these import compression and random numbers
    import tempfile  # noqa: PLC0415 -- the same

    target = os.path.realpath(path)
    folder, name = os.path.split(target)
    if os.path.exists(target) and not os.path.isfile(target):
        with open(path, "wb") as there:
            there.write(data)
        return
    os.makedirs(folder, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(prefix=f".{name[:100]}.", suffix=".tmp", dir=folder)
    try:
        with open(descriptor, "wb") as new:
            new.write(data)
            new.flush()
            os.fsync(new.fileno())
        if os.path.exists(target):
            shutil.copymode(target, temporary)
        else:
            umask = os.umask(0)
            os.umask(umask)
            os.chmod(temporary, 0o666 & ~umask)
        os.replace(temporary, target)
    except BaseException:
        os.unlink(temporary)
        raise


def is_under(path: str, folder: str) -> bool:
    """Whether a path is a folder, or lies below it, by their names."""
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


_READ = os.O_RDONLY | getattr(os, "O_BINARY", 0)
_PART = 1 << 16  # bytes that are read at once: few files have more, and the memory for more would be asked of the system each time


def read_bytes(path: str) -> bytes | Broken:
    """A file's content, or why it cannot be read."""
    try:
        descriptor = os.open(path, _READ)
        try:  # a fifth faster than `open`
            data = part = os.read(descriptor, _PART)
            while len(part) == _PART:
                part = os.read(descriptor, _PART)
                data += part
        finally:
            os.close(descriptor)
    except OSError as error:
        return Broken(f"The file cannot be read: {error.strerror or error}", Span(0, 0))
    return data


def _cookie(data: bytes) -> tuple[str, Span] | None:
    """The encoding that a comment in the first two lines declares (PEP 263)."""
    start = 3 if data.startswith(b"\xef\xbb\xbf") else 0
    at = start
    for line in re.split(rb"\r\n|\r|\n", data[start : start + 1000], maxsplit=2)[:2]:
        declared = re.match(rb"[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)", line)
        if declared:
            lead = data[start:at].decode("utf-8", "replace") + line[: declared.start(1)].decode("utf-8", "replace")
            return declared[1].decode(), Span(len(lead), len(lead) + len(declared[1]))
        if not re.match(rb"[ \t\f]*(?:#|$)", line):
            return None
        at += len(line) + (2 if data[at + len(line) : at + len(line) + 2] == b"\r\n" else 1)
    return None
