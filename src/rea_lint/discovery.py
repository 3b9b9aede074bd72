"""Paths -> the files that have to do with Restate, decoded and named.

**Gate.**  Files are read as bytes, once.  One is a *candidate* if it mentions `restate`, if something in it is registered with a `.handler`
or `.main` (in a project that mentions `restate` somewhere, or whose configuration knows handlers of its own), if it uses a decorator that a
candidate defines around such a registration, if it was named on the command line, or if a candidate imports it (transitively).  Only
candidates are decoded, and only in them imports are looked for.
"""

from __future__ import annotations

import os
import re
import stat
import time
from collections import defaultdict
from collections.abc import Mapping  # noqa: TC003 -- what is kept is checked against the annotations of `Passed`
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct, field
from msgspec.structs import replace

from rea_lint.config import Config, UserError, project_root
from rea_lint.facts import Broken
from rea_lint.files import File, decode, is_under, read_bytes
from rea_lint.naming import imports_of, with_names
from rea_lint.walk import Tree

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from re import Pattern

State: TypeAlias = tuple[int, int, int]  # when a file's content and its inode were changed, in nanoseconds; its size
AT_HAND = 64 * 2**20
"""Bytes of files that are kept in memory while candidates are looked for; others may be read twice."""

FRESH = 10**9
"""Nanoseconds.  What was changed so shortly before it was read may be changed again without a trace in its times."""


class Passed(Struct, frozen=True):
    """Files that are no candidates, for runs to come: they need not be read again while they are as they were."""

    states: Mapping[str, State] = field(default_factory=dict)  # by path
    decorators: frozenset[str] = frozenset()  # what candidates define around a registration; none of the files uses one


class Trace(Struct, frozen=True):
    """What a discovery depends on besides the files that it walked, in a project that is plain enough to say so."""

    root: str
    folders: frozenset[str]  # those that were listed
    consulted: frozenset[str]  # files whose words decided what the import of another one means
    rules: frozenset[str] = frozenset()  # files that say what is left out, if that is known


class Discovery(Struct, frozen=True):
    """What there is to lint."""

    files: tuple[File, ...]  # the candidates, by path
    reported: frozenset[str]  # the paths (candidates or not) whose findings were asked for
    looked_at: int  # how many Python files were asked for
    config: Config  # what was given, with the configurations of the folders that were walked
    walked: frozenset[str]  # all Python files of the projects: whether one is a candidate depends on what they say
    passed: Passed  # those of them that are no candidates; empty if nobody asked
    closed: tuple[str, ...] = ()  # folders that may not be listed, so that nothing is known of what is in them
    trace: Trace | None = None

    def with_texts(self, texts: Mapping[str, str]) -> tuple[File, ...]:
        """The files, where those that can be read have other texts (path -> text)."""
        return tuple(replace(f, text=texts[f.path]) if f.path in texts and f.text is not None else f for f in self.files)


def discover(
    paths: Sequence[Path | str],
    config: Config,
    *,
    given: Mapping[str, str | bytes] | None = None,
    instead: Mapping[str, bytes] | None = None,
    force_exclude: bool = False,
    passed: Passed | None = None,
) -> Discovery:
    """The candidates of the projects that `paths` are in; what is under `paths` is reported on.

    A folder is walked without what is excluded or ignored.  A file (and a folder) that is named is read also if it is excluded, unless
    `force_exclude`.  `given` are paths, which need not exist, and the content that they have instead of the one on the disk; they are
    reported on too.  `instead` is the same for files of the project, named or not: they are found as if the disk had them so.
    `passed` is what an earlier discovery gave; with it (it may be empty) this one gives its own.
    Raises UserError for a path that does not exist.
    """
    asked = [_absolute(path) for path in paths]
    instead = instead or {}
    expect(path for path in asked if path not in instead)
    own = {
        _absolute(path): data.encode("utf-8", "surrogateescape") if isinstance(data, str) else data for path, data in (given or {}).items()
    }
    projects: dict[str, list[str]] = defaultdict(list)
    for path in [*asked, *own]:
        projects[project_of(path, config)].append(path)
    contents = {**instead, **own}
    gate = _Gate(passed)
    found = [
        _project(root, sorted(set(group)), config, contents, gate, force_exclude=force_exclude) for root, group in sorted(projects.items())
    ]
    files = {file.path: file for discovery in found for file in discovery.files}
    reported = frozenset[str]().union(*(discovery.reported for discovery in found))
    walked = frozenset[str]().union(*(discovery.walked for discovery in found))
    nested = {folder: own for discovery in found for folder, own in discovery.config.nested.items()}
    closed = tuple(sorted({folder for discovery in found for folder in discovery.closed}))
    config = replace(config, nested=nested)
    trace = found[0].trace if len(found) == 1 and not contents else None
    return Discovery(tuple(files[path] for path in sorted(files)), reported, len(reported), config, walked, gate.passed, closed, trace)


def expect(paths: Iterable[str]) -> None:
    """Raise UserError for a path at which there is nothing to lint.  A file that cannot be read is a finding, and no error."""
    for path in paths:
        _expect(path)


def _expect(path: str) -> None:
    try:
        mode = os.lstat(path).st_mode
        if stat.S_ISLNK(mode) and os.path.exists(path):
            mode = os.stat(path).st_mode
    except (FileNotFoundError, NotADirectoryError) as error:
        raise UserError(f"{path}: there is no such file or folder") from error
    except OSError as error:
        raise UserError(f"{path}: cannot be reached: {error.strerror or error}") from error
    if stat.S_ISDIR(mode) and not os.access(path, os.R_OK | os.X_OK):
        raise UserError(f"{path}: the folder cannot be read")
    if not (stat.S_ISDIR(mode) or stat.S_ISREG(mode) or stat.S_ISLNK(mode)):
        raise UserError(f"{path}: neither a file nor a folder; what a program writes is read from stdin, with `-`")


def reads_alike(before: str, now: str) -> bool:
    """Whether a file still imports the same, and defines no other decorators that register handlers: no other files become candidates."""
    return set(imports_of(before)) == set(imports_of(now)) and set(decorators_of(before)) == set(decorators_of(now))


# Projects


def project_of(path: str, config: Config) -> str:
    """The root of the project that a path is in."""
    root = str(config.root)
    if os.path.dirname(root) == root != path:  # all that paths far from each other have in common, and nobody's project
        return str(project_root(Path(path)))
    return root if is_under(path, root) else str(project_root(Path(path)))


def _project(root: str, asked: list[str], config: Config, contents: Mapping[str, bytes], gate: _Gate, *, force_exclude: bool) -> Discovery:
    named = {path for path in asked if not os.path.isdir(path)}
    tree = Tree.walk(root, asked, config)
    walked = len(tree.files)
    tree.contents |= contents
    tree.files |= {path for path in contents if is_under(path, root) and not tree.ignores(path)}
    reported = set(tree.files) if root in asked else {path for path in tree.files if any(is_under(path, folder) for folder in asked)}
    for path in asked:
        if force_exclude and tree.ignores(path):
            named.discard(path)
        elif path in named and (path in contents or _is_python(path)):
            reported.add(path)
            tree.files.add(path)
        elif path not in named and path != root and tree.ignores(path):
            inner = Tree.walk(path, [path], tree.config)
            reported |= inner.files
            tree.files |= inner.files
            tree.projects |= inner.projects
            tree.config = inner.config
            tree.closed |= inner.closed
    texts = _candidates(tree, named & reported, gate)
    is_plain = tree.is_plain and len(tree.files) == walked and not tree.closed and not tree.config.nested
    is_plain = is_plain and all("restate" in (texts[path][0] or "") for path in named & reported)  # a candidate not by its name alone
    return Discovery(
        with_names(tree, texts),
        frozenset(reported),
        len(reported),
        tree.config,
        frozenset(tree.files),
        Passed(),
        tuple(sorted(tree.closed)),
        Trace(root, frozenset(tree.listed), frozenset(tree.consulted)) if is_plain else None,
    )


def _is_python(path: str) -> bool:
    if path.endswith((".py", ".pyw")):
        return True
    if os.path.splitext(path)[1]:
        return False
    data = read_bytes(path)
    if isinstance(data, Broken):
        return True  # somebody takes it for one; why it cannot be read is worth a finding
    first = data[:200].partition(b"\n")[0]
    return first.startswith(b"#!") and b"python" in first


def _absolute(path: Path | str) -> str:
    return os.path.abspath(path)


# The gate

_REGISTERS = re.compile(rb"@[^\n]*\.(?:handler|main)\b|\.(?:handler|main)\([^)\n]*\)\(")
_DEFINITION = re.compile(r"^([ \t]*)(?:async[ \t]+)?def[ \t]+(\w+)|^([ \t]*)(\w+)[ \t]*=[^=\n]*\.(?:handler|main)\b", re.MULTILINE)


class _Gate:
    """Which files are no candidates: what is known from before, and what this discovery finds."""

    def __init__(self, passed: Passed | None) -> None:
        self.is_asked = passed is not None  # what is known is to be kept
        self._known = passed or Passed()
        self._states: dict[str, State] = {}
        self._found: set[str] = set()
        self.decorators_of: frozenset[str] = frozenset()
        self._since = time.time_ns() - FRESH

    def known(self, paths: Iterable[str]) -> set[str]:
        """Those files that are as they were when they were no candidates by themselves."""
        known: set[str] = set()
        if not self.is_asked:
            return known
        stat, states, before = os.stat, self._states, self._known.states
        for path in paths:
            try:
                found = stat(path)
            except OSError:
                continue
            states[path] = state = found.st_mtime_ns, found.st_ctime_ns, found.st_size
            if before.get(path) == state:
                known.add(path)
        return known

    def knew(self, decorators: frozenset[str]) -> bool:
        """Whether the known files use none of these decorators."""
        return decorators <= self._known.decorators

    def add(self, candidates: Iterable[str], decorators: frozenset[str]) -> None:
        """What was found in a project."""
        self._found.update(candidates)
        self.decorators_of |= decorators

    @property
    def passed(self) -> Passed:
        """What is known for the next time."""
        kept = {path: s for path, s in self._states.items() if path not in self._found and max(s[0], s[1]) < self._since}
        return Passed(kept, self.decorators_of)


def _candidates(tree: Tree, named: set[str], gate: _Gate) -> dict[str, tuple[str | None, str, Broken | None]]:
    """The files that have something to do with Restate by themselves, read."""
    found: dict[str, tuple[str | None, str, Broken | None]] = {}
    rest: dict[str, bytes | None] = {}  # files that do not mention it, with what is kept of their content: None is to be read again
    room = AT_HAND
    mentions = False
    paths = sorted(tree.files)
    known = gate.known(path for path in paths if path not in named and path not in tree.contents)
    for path in paths:
        if path in known:
            continue
        data = tree.read(path)
        if isinstance(data, Broken):
            found[path] = None, "utf-8", data
        elif path in named or b"restate" in data:
            found[path] = decode(data)
            mentions = mentions or b"restate" in data
        elif b"@" not in data and b")(" not in data:
            rest[path] = b""
        else:
            rest[path] = data if room > 0 else None
            room -= len(data)

    def again(path: str) -> bytes:
        kept = rest.get(path)
        data = tree.read(path) if kept is None else kept
        return b"" if isinstance(data, Broken) else data

    is_meant = mentions or any(each.packs or each.pack for each in tree.config.all)
    registering = [path for path in rest if registers(again(path))] if is_meant or gate.is_asked else []
    if is_meant:
        found |= {path: decode(again(path)) for path in registering}
    new = list(found)
    looked_for: frozenset[str] = frozenset()
    while decorators := frozenset(name for path in new for name in decorators_of(found[path][0] or "")):
        looked_for |= decorators
        used = using(decorators)
        passed = known if gate.knew(decorators) else frozenset[str]()
        others = (path for path in paths if path not in found and path not in passed)
        new = [path for path in others if used.search(again(path))]
        found |= {path: tree.decoded(path) for path in new}
    gate.add({*found, *registering}, looked_for)
    return found


def registers(data: bytes) -> bool:
    """Whether something may be registered by `@service.handler()` or `service.handler()(function)`."""
    return (b".handler" in data or b".main" in data) and _REGISTERS.search(data) is not None


def using(decorators: frozenset[str]) -> Pattern[bytes]:
    """What fits the use of one of some decorators, of whatever module."""
    return re.compile(rb"@[ \t]*(?:\w+[ \t]*\.[ \t]*)*(?:" + "|".join(sorted(decorators)).encode() + rb")\b")


def decorators_of(text: str) -> Iterator[str]:
    """Names of functions that register something within: a project's own handler decorators are among them."""
    if ".handler" not in text and ".main" not in text:
        return
    enclosing: list[tuple[int, str]] = []
    for line in text.splitlines():
        bare = line.lstrip()
        if not bare or bare[0] == "#":
            continue
        indent = len(line) - len(bare)
        while enclosing and enclosing[-1][0] >= indent and bare[0] not in ")]}":
            enclosing.pop()
        definition = _DEFINITION.match(line)
        if definition and definition[4]:
            yield definition[4]
        if ".handler" in bare or ".main" in bare:
            yield from (name for _, name in enclosing)
        if definition and definition[2]:
            enclosing.append((indent, definition[2]))
