"""The findings that a project has accepted: a file of them, one a line, and which findings of a run are among them.

A line is a JSON object with the path (relative to the folder of the file, with `/`), the code, the function around, the text of the row,
and how many findings there are like that.  Lines are sorted, and no line has a row number in it: code can move, and branches merge.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct

from rea_lint import files
from rea_lint.config import UserError
from rea_lint.fingerprint import identities

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from rea_lint.diagnostic import Diagnostic
    from rea_lint.text import Source


class Entry(NamedTuple):
    """Findings that are alike but for their place; as `fingerprint.Identity` has it."""

    path: str
    code: str
    function: str
    text: str


class Split(Struct, frozen=True):
    """What a baseline makes of the findings of a run."""

    new: tuple[Diagnostic, ...]
    accepted: tuple[Diagnostic, ...]
    stale: Mapping[Entry, int]  # what is accepted and was not found, and how many of it


def read(file: Path) -> Counter[Entry]:
    """How many findings of each kind are accepted.  Raises UserError, which names file and row."""
    try:
        text = file.read_bytes().decode("utf-8-sig", "surrogateescape")  # names of files need not be UTF-8
    except FileNotFoundError as error:
        raise UserError(f"{file}: there is no such baseline; --write-baseline writes it") from error
    except OSError as error:
        raise UserError(f"{file}: cannot be read: {error.strerror or error}") from error
    accepted: Counter[Entry] = Counter()
    for row, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            entry, count = _entry(line)
        except ValueError as error:
            raise UserError(f"{file}:{row}: {error}") from error
        # Two branches may have added the same line: it is about the same findings.
        accepted[entry] = max(accepted[entry], count)
    return accepted


def write(file: Path, accepted: Mapping[Entry, int]) -> None:
    """Write a baseline: whole or not at all, and only if it is another than the one that is there.  Raises UserError."""
    keys = (*Entry._fields, "count")
    lines = (json.dumps(dict(zip(keys, (*entry, accepted[entry]), strict=True)), ensure_ascii=False) + "\n" for entry in sorted(accepted))
    data = "".join(lines).encode("utf-8", "surrogateescape")
    try:
        if not file.is_file() or file.read_bytes() != data:
            files.put(str(file), data)
    except OSError as error:
        raise UserError(f"{file}: cannot be written: {error.strerror or error}") from error


def entries(diagnostics: Iterable[Diagnostic], sources: Mapping[str, Source], file: Path) -> dict[Diagnostic, Entry]:
    """What each finding is in a baseline."""
    folder = str(file.parent)
    known = identities(diagnostics, sources, folder)
    return {d: Entry(_relative(d.path, folder), each.code, each.function, each.line) for d, each in known.items()}


def split(accepted: Mapping[Entry, int], found: Mapping[Diagnostic, Entry]) -> Split:
    """Which findings are new.  Where there are more of a kind than are accepted, the last ones are."""
    left = Counter(accepted)
    new: list[Diagnostic] = []
    old: list[Diagnostic] = []
    for diagnostic, entry in found.items():
        (old if left[entry] > 0 else new).append(diagnostic)
        left[entry] -= 1
    return Split(tuple(new), tuple(old), +left)


def path_of(entry: Entry, file: Path) -> str:
    """The absolute path of the file that an entry is about."""
    return os.path.normpath(file.parent / entry.path)


def _relative(path: str, folder: str) -> str:
    return os.path.relpath(path, folder).replace(os.sep, "/")


def _entry(line: str) -> tuple[Entry, int]:
    if line.startswith(("<<<<<<<", "=======", ">>>>>>>", "|||||||")):
        raise ValueError("a merge that was not finished; keep the lines of both sides, or write the file again with --write-baseline")
    try:
        item = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"no entry of a baseline: not JSON ({error})") from error
    if not isinstance(item, dict) or set(item) != {*Entry._fields, "count"}:
        raise ValueError(f"no entry of a baseline: it has the keys {', '.join(Entry._fields)} and count, and no others")
    count = item.pop("count")
    if not isinstance(count, int) or isinstance(count, bool) or count < 1:
        raise ValueError(f"no entry of a baseline: `count` is a number from 1, not {json.dumps(count)}")
    if not all(isinstance(value, str) for value in item.values()):
        raise ValueError(f"no entry of a baseline: {', '.join(Entry._fields)} are strings")
    return Entry(**item), count
