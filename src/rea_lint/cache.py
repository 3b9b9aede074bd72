"""What earlier runs found out about files: facts by content, and which files have nothing to do with Restate.  A cache is never an error.

It is one SQLite file in a folder that tells git and backup programs to leave it alone.  Facts are MessagePack, decoded into the classes of
`facts` with their types checked: nothing in the file is run, whoever wrote it.  A file of another form, one that is damaged, and one that
cannot be opened or written are no cache: everything is read and surveyed, as the first time.
"""

from __future__ import annotations

import sqlite3
import sys
import time
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from msgspec import MsgspecError
from msgspec.msgpack import Decoder, encode
from msgspec.structs import replace

from rea_lint import __version__, packs
from rea_lint.discovery import Passed
from rea_lint.facts import Facts
from rea_lint.packs import Knowledge
from rea_lint.rediscovery import Remembered
from rea_lint.survey import survey

try:
    from _blake2 import blake2b  # hashlib would import OpenSSL: 5 ms
except ImportError:
    from hashlib import blake2b

if TYPE_CHECKING:
    from collections.abc import Callable

    from rea_lint.config import Config
    from rea_lint.files import File

Kept = TypeVar("Kept")

FILE = "facts.sqlite"
FORM = 1
"""Of the tables.  That of the facts is among what their keys are made of."""

PATIENCE = 5.0
"""Seconds to wait for another process that writes."""

DAYS = 14
"""Facts that no run used for so long are dropped."""

MOST = 256 * 2**20
"""Bytes.  A larger file is not opened, but begun anew."""

_TABLES = (
    "CREATE TABLE facts (key BLOB PRIMARY KEY, data BLOB NOT NULL, used INTEGER NOT NULL)",
    "CREATE TABLE passed (place TEXT PRIMARY KEY, data BLOB NOT NULL)",
    "CREATE INDEX used ON facts (used)",
)
_TAG = "Signature: 8a477f597d28d172789f06886806bc55\n# This folder is a cache of rea-lint.  See https://bford.info/cachedir/\n"
_SOURCES = (
    "comments",
    "discovery",
    "facts",
    "files",
    "gitignore",
    "naming",
    "packs",
    "rediscovery",
    "scopes",
    "survey",
    "text",
    "walk",
)  # the modules that find out what is kept
_CHECK = 8  # bytes of the digest before what is stored


class Cache:
    """The cache in a folder.  It reads at once, and writes when it is closed."""

    def __init__(self, folder: Path) -> None:
        """Open it, or begin it."""
        self.folder = folder
        self.problem = ""  # why there is none
        self._today = int(time.time() // 86_400)
        self._new: dict[bytes, bytes] = {}
        self._used: set[bytes] = set()
        self._passed: list[tuple[str, bytes]] = []
        self._decoder = Decoder(Facts)
        self._facts: dict[bytes, Facts] = {}
        self._file = self._opened()

    def facts_of(self, file: File) -> Facts:
        """The facts of a file: those that are kept, or what the survey says, which are kept then."""
        facts = self.find(file)
        if facts is None:
            facts = survey(file.path, file.module, file.text or "", is_package=file.is_package)
            self.add(file, facts)
        return facts

    def find(self, file: File) -> Facts | None:
        """The facts of a file that are kept."""
        key = _key(file)
        if key in self._facts:
            return replace(self._facts[key], path=file.path)
        row = self._row("SELECT data, used FROM facts WHERE key = ?", key)
        facts = _decoded(row[0], self._decoder) if row is not None else None
        if facts is None:
            return None
        if row[1] != self._today:
            self._used.add(key)
        self._facts[key] = facts
        return replace(facts, path=file.path)

    def add(self, file: File, facts: Facts) -> None:
        """Keep the facts of a file."""
        key = _key(file)
        self._facts[key] = facts
        if self._file is not None:
            self._new[key] = _encoded(facts)

    def knowledge(self, config: Config, load: Callable[[Config], Knowledge]) -> Knowledge:
        """The packs that a configuration asks for: as they were loaded, or, if one has changed, what `load` gives.  Raises UserError."""
        key = _digest(_salt(), repr([(one.packs, one.pack) for one in config.all]))
        for pack in (*packs.ours(), *(path for one in config.all for path in one.packs)):
            with suppress(OSError):  # of which `load` is to tell
                key = _digest(bytes.fromhex(key), pack.read_bytes().decode("utf-8", "surrogateescape"))
        place = f"packs {key}"
        row = self._row("SELECT data FROM passed WHERE place = ?", place)
        knowledge = _decoded(row[0], Decoder(Knowledge)) if row is not None else None
        if knowledge is None:
            knowledge = load(config)
            self._passed.append((place, _encoded(knowledge)))
        return knowledge

    def remembered(self, config: Config) -> Remembered | None:
        """What the last discovery of the whole project came to."""
        row = self._row("SELECT data FROM passed WHERE place = ?", _place_of(config))
        return _decoded(row[0], Decoder(Remembered)) if row is not None else None

    def remember(self, config: Config, remembered: Remembered) -> None:
        """What `remembered` is to give the next time."""
        if self._file is not None:
            self._passed.append((_place_of(config), _encoded(remembered)))

    def passed(self, place: str) -> Passed:
        """The files that were no candidates when a place (what is linted, and how files are found) was last looked at."""
        row = self._row("SELECT data FROM passed WHERE place = ?", _digest(_salt(), place))
        return (_decoded(row[0], Decoder(Passed)) if row is not None else None) or Passed()

    def keep_passed(self, place: str, passed: Passed) -> None:
        """What `passed` is to give the next time."""
        if self._file is not None:
            self._passed.append((_digest(_salt(), place), _encoded(passed)))

    def close(self) -> None:
        """Write what is new."""
        if self._file is None:
            return
        try:
            if self._new or self._used or self._passed:
                with self._file:
                    self._write(self._file)
            self._file.close()
        except (sqlite3.Error, OSError) as error:
            self._give_up(error)

    def _write(self, file: sqlite3.Connection) -> None:
        file.execute("BEGIN IMMEDIATE")
        file.executemany("INSERT OR REPLACE INTO facts VALUES (?, ?, ?)", [(key, data, self._today) for key, data in self._new.items()])
        file.executemany("UPDATE facts SET used = ? WHERE key = ?", [(self._today, key) for key in self._used])
        if any(place.startswith("packs ") for place, _ in self._passed):
            file.execute("DELETE FROM passed WHERE place LIKE 'packs %'")  # they are large, and the old ones nobody's
        file.executemany("INSERT OR REPLACE INTO passed VALUES (?, ?)", self._passed)
        if self._new:
            file.execute("DELETE FROM facts WHERE used < ?", (self._today - DAYS,))

    def _row(self, query: str, key: object) -> Any:
        if self._file is None:
            return None
        try:
            return self._file.execute(query, (key,)).fetchone()
        except (sqlite3.Error, OSError) as error:
            self._give_up(error)
            return None

    def _opened(self) -> sqlite3.Connection | None:
        path = self.folder / FILE
        try:
            _make(self.folder)
            if path.exists() and path.stat().st_size > MOST:
                path.unlink()
            for _ in range(2):
                file = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
                with suppress(sqlite3.DatabaseError):
                    if _is_ours(file):
                        return file
                file.close()
                path.unlink(missing_ok=True)  # damaged, or of another version
            self.problem = f"{path}: cannot be begun"
        except (sqlite3.Error, OSError) as error:
            self.problem = f"{self.folder}: {error}"
        return None

    def _give_up(self, error: Exception) -> None:
        self.problem = f"{self.folder}: {error}"
        file, self._file = self._file, None
        with suppress(sqlite3.Error):
            if file is not None:
                file.close()
        if "malformed" in str(error) or "not a database" in str(error):
            with suppress(OSError):
                (self.folder / FILE).unlink()


def _make(folder: Path) -> None:
    if (folder / "CACHEDIR.TAG").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in ((".gitignore", "# Written by rea-lint.\n*\n"), ("CACHEDIR.TAG", _TAG)):
        (folder / name).write_text(text, "utf-8")


def _is_ours(file: sqlite3.Connection) -> bool:
    """Whether the tables are those that we make; they are made if there are none.  Nothing else may be in the file: no view, no trigger."""
    file.execute("PRAGMA trusted_schema = OFF")
    file.execute("PRAGMA synchronous = OFF")  # what is stored has a digest: what a power cut leaves half written is found out
    schema = "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY rowid"
    if not (found := [sql for (sql,) in file.execute(schema)]):
        file.execute("BEGIN IMMEDIATE")
        if not list(file.execute(schema)):  # another process may have been first
            for table in _TABLES:
                file.execute(table)
            file.execute(f"PRAGMA user_version = {FORM}")
        file.execute("COMMIT")
        found = [sql for (sql,) in file.execute(schema)]
    return found == list(_TABLES) and file.execute("PRAGMA user_version").fetchone() == (FORM,)


def _encoded(value: object) -> bytes:
    data = encode(value)
    return blake2b(data, digest_size=_CHECK).digest() + data


def _decoded(stored: object, decoder: Decoder[Kept]) -> Kept | None:
    """What is stored; None if it is not what was."""
    if not isinstance(stored, bytes) or blake2b(stored[_CHECK:], digest_size=_CHECK).digest() != stored[:_CHECK]:
        return None
    try:
        return decoder.decode(stored[_CHECK:])
    except (MsgspecError, RecursionError):
        return None


def _key(file: File) -> bytes:
    """All that the facts of a file depend on, but for its path."""
    words = f"{file.module}\0{file.is_package}\0"
    return blake2b((words + (file.text or "")).encode("utf-8", "surrogatepass"), digest_size=16, key=_salt()).digest()


def _digest(salt: bytes, text: str) -> str:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16, key=salt).hexdigest()


def _place_of(config: Config) -> str:
    """What a discovery depends on that is not on the disk."""
    excluded = (config.exclude, config.extend_exclude, config.respect_gitignore)
    return _digest(_salt(), repr((str(config.root), excluded, config.source_roots, config.packs, config.pack)))


@cache
def _salt() -> bytes:
    """What makes facts: our version, the modules that define and find them, Python's grammar."""
    digest = blake2b(f"{__version__} {sys.version_info[:2]}".encode(), digest_size=32)
    for name in _SOURCES:
        with suppress(OSError):  # it may be compiled only
            digest.update(Path(__file__).with_name(f"{name}.py").read_bytes())
    return digest.digest()
