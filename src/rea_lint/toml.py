"""TOML files that users write: what they say, in which row, and what is said of a mistake in them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NamedTuple

import tomli


class UserError(Exception):
    """The user's mistake, in one line.  The run ends with exit code 2."""


class Origin(NamedTuple):
    """Where a value was written: a file and a row from 1, or the command line (row 0)."""

    source: str
    row: int = 0

    def __str__(self) -> str:
        return f"{self.source}:{self.row}" if self.row else self.source


def document(file: Path) -> dict[str, Any]:
    """What a file says.  Raises UserError for one that cannot be read."""
    try:
        return parse(read(file).decode("utf-8-sig"), str(file))
    except UnicodeDecodeError as error:
        raise UserError(f"{file}: not UTF-8: {error.reason} at byte {error.start}") from error


def read(file: Path) -> bytes:
    """A file as it is.  Raises UserError."""
    try:
        return file.read_bytes()
    except OSError as error:
        raise UserError(f"{file}: cannot be read: {error.strerror or error}") from error


def parse(text: str, source: str) -> dict[str, Any]:
    """What a text says; `source` is its name in a UserError."""
    try:
        return tomli.loads(text)
    except tomli.TOMLDecodeError as error:
        problem, _, place = str(error).rpartition(" (at ")
        row = re.match(r"line (\d+)", place)
        raise UserError(f"{source}:{row[1] if row else text.count(chr(10)) + 1}: not TOML: {problem}") from error


def rows(text: str, table: str) -> dict[str, int]:
    """The row in which each key of a table is written first (TOML parsers do not say).  The text is valid TOML."""
    rows: dict[str, int] = {}
    inside: tuple[str, ...] = ()
    wanted = tuple(table.split(".")) if table else ()
    value = ""  # of the key that is being read, over several lines
    for row, line in enumerate(text.splitlines(), 1):
        if value and not _is_complete(value):
            value += "\n" + line
            continue
        value = ""
        if header := re.match(r"\s*\[\[?([^\]]+)\]", line):
            inside = _parts(header[1])
            name = inside
        elif assignment := re.match(r"""\s*((?:"[^"]*"|'[^']*'|[\w.\- ])+?)\s*=(.*)""", line):
            name, value = (*inside, *_parts(assignment[1])), assignment[2]
        else:
            continue
        if len(name) > len(wanted) and name[: len(wanted)] == wanted:
            rows.setdefault(name[len(wanted)], row)
    return rows


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip().strip("\"'") for part in re.findall(r"""\s*"[^"]*"\s*|\s*'[^']*'\s*|[^."']+""", dotted))


def _is_complete(value: str) -> bool:
    try:
        tomli.loads(f"x = {value}")
    except tomli.TOMLDecodeError:
        return False
    return True


def origin_of_value(origin: Origin, value: str) -> Origin:
    """The row of a value or inner key, where it stands in a later row than its key."""
    if not origin.row:
        return origin
    lines = read(Path(origin.source)).decode("utf-8", "replace").splitlines()
    pattern = re.compile(rf"""["']{re.escape(value)}["']|(?:^|[{{,\s]){re.escape(value)}\s*=""")
    rows = (row for row in range(origin.row, len(lines) + 1) if pattern.search(lines[row - 1]))
    return Origin(origin.source, next(rows, origin.row))
