"""Paths -> the files that have to do with Restate, decoded and named.  The only module that walks disks.

**Gate.**  Files are read as bytes, once.  One is a *candidate* if it mentions `restate`, if something in it is registered with a `.handler`
or `.main` (in a project that mentions `restate` somewhere, or whose configuration knows handlers of its own), if it uses a decorator that a
candidate defines around such a registration, if it was named on the command line, or if a candidate imports it (transitively).  Only
candidates are decoded, and only in them imports are looked for.

**Names.**  An absolute import is looked up as Python would with the importing file's folder or one above it on its path, the nearest
first, `src` folders and configured roots included; folders that are packages come last.  A file's *root* is the folder from which most
imports reach it; of files that nothing imports, the one above its outermost package.  `module` is its dotted place below its root.

**Worlds.**  Several applications in one repository may have a module `utils` each.  A module name is unique in a *world*: files that are
linked together.  Files that import each other share a world; all others share one unless their module names clash, or one
imports a name from a library that the other has as a module.  A file that several applications import is in the world of each.
"""

from __future__ import annotations

import os
import re
import stat
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Mapping  # noqa: TC003 -- what is kept is checked against the annotations of `Passed`
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct, field
from msgspec.structs import replace

from rea_lint.config import FILES, PROJECT_FILES, Config, UserError, project_root
from rea_lint.facts import Broken
from rea_lint.text import Span

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from re import Pattern

State: TypeAlias = tuple[int, int, int]  # when a file's content and its inode were changed, in nanoseconds; its size
AT_HAND = 64 * 2**20
"""Bytes of files that are kept in memory while candidates are looked for; others may be read twice."""

FRESH = 10**9
"""Nanoseconds.  What was changed so shortly before it was read may be changed again without a trace in its times."""


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


class Passed(Struct, frozen=True):
    """Files that are no candidates, for runs to come: they need not be read again while they are as they were."""

    states: Mapping[str, State] = field(default_factory=dict)  # by path
    decorators: frozenset[str] = frozenset()  # what candidates define around a registration; none of the files uses one


class Discovery(Struct, frozen=True):
    """What there is to lint."""

    files: tuple[File, ...]  # the candidates, by path
    reported: frozenset[str]  # the paths (candidates or not) whose findings were asked for
    looked_at: int  # how many Python files were asked for
    config: Config  # what was given, with the configurations of the folders that were walked
    walked: frozenset[str]  # all Python files of the projects: whether one is a candidate depends on what they say
    passed: Passed  # those of them that are no candidates; empty if nobody asked
    closed: tuple[str, ...] = ()  # folders that may not be listed, so that nothing is known of what is in them

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
        projects[_project_of(path, config)].append(path)
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
    return Discovery(tuple(files[path] for path in sorted(files)), reported, len(reported), config, walked, gate.passed, closed)


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


def read(path: str) -> tuple[str | None, str, Broken | None]:
    """A file's text, encoding, and why it is broken."""
    data = _read(path)
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


def reads_alike(before: str, now: str) -> bool:
    """Whether a file still imports the same, and defines no other decorators that register handlers: no other files become candidates."""
    return set(_imports(before)) == set(_imports(now)) and set(_decorators(before)) == set(_decorators(now))


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


def worlds(files: Iterable[File]) -> list[tuple[File, ...]]:
    """The files in groups that are linked by themselves; in each, module names are unique and every import of a project file is found.

    A file can be in several groups, and twice in one if it is imported by two names.
    """
    by_path = {file.path: file for file in sorted(files, key=lambda file: file.path)}
    units = [_World.of(unit, by_path) for component in _components(by_path) for unit in _units(component, by_path)]
    merged: list[_World] = []
    for unit in units:
        place = next((i for i, world in enumerate(merged) if not world.clashes(unit)), None)
        if place is None:
            merged.append(unit)
        else:
            merged[place] = merged[place].joined(unit)
    return [tuple(_named(by_path[path], module) for module, path in sorted(world.modules.items())) for world in merged]


# Projects


def _project_of(path: str, config: Config) -> str:
    root = str(config.root)
    if os.path.dirname(root) == root != path:  # all that paths far from each other have in common, and nobody's project
        return str(project_root(Path(path)))
    return root if is_under(path, root) else str(project_root(Path(path)))


def _project(root: str, asked: list[str], config: Config, contents: Mapping[str, bytes], gate: _Gate, *, force_exclude: bool) -> Discovery:
    named = {path for path in asked if not os.path.isdir(path)}
    tree = _Tree.walk(root, asked, config)
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
            inner = _Tree.walk(path, [path], tree.config)
            reported |= inner.files
            tree.files |= inner.files
            tree.projects |= inner.projects
            tree.config = inner.config
            tree.closed |= inner.closed
    texts = _candidates(tree, named & reported, gate)
    return Discovery(
        _named_files(tree, texts),
        frozenset(reported),
        len(reported),
        tree.config,
        frozenset(tree.files),
        Passed(),
        tuple(sorted(tree.closed)),
    )


def _is_python(path: str) -> bool:
    if path.endswith((".py", ".pyw")):
        return True
    if os.path.splitext(path)[1]:
        return False
    data = _read(path)
    if isinstance(data, Broken):
        return True  # somebody takes it for one; why it cannot be read is worth a finding
    first = data[:200].partition(b"\n")[0]
    return first.startswith(b"#!") and b"python" in first


def _absolute(path: Path | str) -> str:
    return os.path.abspath(path)


def is_under(path: str, folder: str) -> bool:
    """Whether a path is a folder, or lies below it, by their names."""
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


# Walking


class _Tree(Struct):
    """The Python files of a project."""

    root: str
    files: set[str]
    contents: dict[str, bytes]  # of files that have another content than on the disk
    links: dict[str, str]  # symbolic links -> the file or folder of the project that they are
    rules: tuple[_Ignores, ...]  # those that hold for the root
    projects: set[str]  # folders with a file that begins a Python project
    config: Config  # with those of the folders that were walked
    closed: set[str] = field(default_factory=set)  # folders that may not be listed

    @classmethod
    def walk(cls, root: str, asked: Sequence[str], config: Config) -> _Tree:
        """All files below `root` that are not ignored."""
        rules = _rules_for(root, config.at(root))
        nested = dict(config.nested)
        tree = cls(root, set(), {}, {}, rules, set(), config)
        wanted = None
        if not any(os.path.isdir(path) for path in asked) and not _is_project(root):
            wanted = _imported_names(asked)  # single files in any folder: what lies beside them need not belong to them
        pending: list[tuple[str, tuple[_Ignores, ...]]] = [(root, rules)]
        seen = {os.path.realpath(root)}
        while pending:
            folder, rules = pending.pop()
            try:
                entries = list(os.scandir(folder))
            except PermissionError:
                tree.closed.add(folder)
                continue
            except OSError:
                continue  # it is gone
            names = {entry.name for entry in entries}
            if "pyvenv.cfg" in names and folder != root:
                continue
            if not names.isdisjoint(PROJECT_FILES):
                tree.projects.add(folder)
            own = None if names.isdisjoint(FILES) else config.below(folder)
            if own is not None:
                nested[folder] = own
                rules = (_excludes(own, folder), *rules[1:])
                if folder == root:
                    tree.rules = rules
            if config.respect_gitignore and ".gitignore" in names and folder != root:
                rules = (*rules, *_gitignore(folder, ".gitignore"))
            for entry in entries:
                name, path = entry.name, entry.path
                is_source = name.endswith(".py")
                is_link = entry.is_symlink()
                if is_link:
                    try:
                        target = os.path.realpath(path)
                    except OSError:
                        continue  # it is gone, or what it names may not be known: `/proc/1/exe`
                    if is_under(target, seen_root := os.path.realpath(root)):
                        tree.links[path] = root + target[len(seen_root) :]
                        continue
                    if target in seen:
                        continue
                if is_source and entry.is_file():
                    if not _is_ignored(rules, path, name, is_folder=False):
                        tree.files.add(path)
                elif not is_source and entry.is_dir():
                    if wanted is not None and name not in wanted and folder == root:
                        continue
                    if not _is_ignored(rules, path, name, is_folder=True):
                        if is_link:
                            seen.add(target)
                        pending.append((path, rules))
        tree.config = replace(config, nested=nested)
        return tree

    def read(self, path: str) -> bytes | Broken:
        """The content of a file."""
        return self.contents[path] if path in self.contents else _read(path)

    def decoded(self, path: str) -> tuple[str | None, str, Broken | None]:
        """A file's text, encoding, and why it is broken."""
        return decode(self.contents[path]) if path in self.contents else read(path)

    def ignores(self, path: str) -> bool:
        """Whether the walk leaves out a file or folder, itself or with a folder above it."""
        rules = self.rules
        at = self.root
        for name in os.path.relpath(path, self.root).split(os.sep):
            at = os.path.join(at, name)
            is_folder = at != path or os.path.isdir(path)
            if _is_ignored(rules, at, name, is_folder=is_folder):
                return True
            if at in self.config.nested:
                rules = (_excludes(self.config.nested[at], at), *rules[1:])
            if is_folder and self.config.respect_gitignore:
                rules = (*rules, *_gitignore(at, ".gitignore"))
        return False


def _is_project(root: str) -> bool:
    return any(os.path.exists(os.path.join(root, mark)) for mark in (".git", *PROJECT_FILES))


def _imported_names(paths: Iterable[str]) -> set[str]:
    """First names of what files import."""
    datas = [data for data in map(_read, paths) if isinstance(data, bytes)]
    return {name.decode() for data in datas for name in re.findall(rb"(?:from|import)[ \t]+\.*(\w+)", data)}


_PLAIN = re.compile(r"\.?\w[\w.-]*/?")
"""A pattern that is a name: as most are."""


class _Ignores(Struct, frozen=True):
    """The patterns of one .gitignore; the last that fits decides."""

    folder: str  # with a separator at its end
    plain: frozenset[str]  # names that are ignored, of folders alone with a `/` at their end; empty if a pattern takes something back
    patterns: tuple[tuple[Pattern[str], bool, bool], ...]  # (pattern, whether it ignores, whether it is about the name alone), last first
    names: Pattern[str] | None  # fits each name that a pattern about names fits
    paths: Pattern[str] | None  # the same for patterns about more than a name

    def decide(self, path: str, name: str, *, is_folder: bool) -> bool | None:
        """Whether a file or folder is ignored; None if nothing is said of it."""
        end = "/" if is_folder else ""
        if name in self.plain or (is_folder and name + end in self.plain):
            return True
        if not self.patterns:
            return None
        below = path[len(self.folder) :].replace(os.sep, "/") + end
        if not ((self.names and self.names.match(name + end)) or (self.paths and self.paths.match(below))):
            return None
        for pattern, ignores, is_name in self.patterns:
            text = name + end if is_name else below
            match = pattern.match(text)
            if match and match.end() == len(text):
                return ignores
        return None


def _is_ignored(rules: tuple[_Ignores, ...], path: str, name: str, *, is_folder: bool) -> bool:
    if rules[0].decide(path, name, is_folder=is_folder):
        return True
    for i in range(len(rules) - 1, 0, -1):
        decision = rules[i].decide(path, name, is_folder=is_folder)
        if decision is not None:
            return decision
    return False


def _rules_for(root: str, config: Config) -> tuple[_Ignores, ...]:
    """What holds in a folder: first the configuration's excludes, then git's rules, from the repository's root down."""
    base = str(config.root) if is_under(root, str(config.root)) else root
    rules = [_excludes(config, base)]
    if not config.respect_gitignore:
        return tuple(rules)
    above = [root]
    while not _is_repository(above[-1]) and os.path.dirname(above[-1]) != above[-1]:
        above.append(os.path.dirname(above[-1]))
    if _is_repository(above[-1]):
        rules += _gitignore(above[-1], os.path.join(".git", "info", "exclude"))
    else:
        above = [root]
    for folder in reversed(above):
        rules += _gitignore(folder, ".gitignore")
    return tuple(rules)


def _excludes(config: Config, folder: str) -> _Ignores:
    return _ignores(folder, [*config.exclude, *config.extend_exclude])


def _is_repository(folder: str) -> bool:
    return os.path.exists(os.path.join(folder, ".git"))


def _gitignore(folder: str, name: str) -> list[_Ignores]:
    path = os.path.join(folder, name)
    data = _read(path) if os.path.isfile(path) else b""
    ignores = _ignores(folder, [] if isinstance(data, Broken) else data.decode("utf-8", "replace").splitlines())
    return [ignores] if ignores.plain or ignores.patterns else []


def _ignores(folder: str, lines: Sequence[str]) -> _Ignores:
    folder = folder.rstrip(os.sep) + os.sep
    plain = frozenset() if any(line.startswith("!") for line in lines) else frozenset(filter(_PLAIN.fullmatch, lines))
    others = [line for line in lines if line not in plain]
    if not others:
        return _Ignores(folder, plain, (), None, None)

    from pathspec import GitIgnoreSpec  # noqa: PLC0415 -- 15 ms

    patterns: list[tuple[Pattern[str], bool, bool]] = []
    for line in others:
        is_name = "/" not in line.strip().rstrip("/")
        patterns += [
            (pattern.regex, pattern.include, is_name)
            for pattern in GitIgnoreSpec.from_lines([line]).patterns
            if pattern.include is not None and pattern.regex is not None  # None: a comment, an empty line
        ]
    names = [pattern.pattern.removeprefix("^(?:.+/)?") for pattern, _, is_name in patterns if is_name]
    paths = [pattern.pattern for pattern, _, is_name in patterns if not is_name]
    return _Ignores(folder, plain, tuple(reversed(patterns)), _any(names), _any(paths))


def _any(patterns: Sequence[str]) -> Pattern[str] | None:
    """One regular expression that fits what any of these fits: much faster than each in turn."""
    return re.compile("|".join(f"(?:{pattern.replace('(?P<ps_d>', '(?:')})" for pattern in patterns)) if patterns else None


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
        self._decorators: frozenset[str] = frozenset()
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
        self._decorators |= decorators

    @property
    def passed(self) -> Passed:
        """What is known for the next time."""
        kept = {path: s for path, s in self._states.items() if path not in self._found and max(s[0], s[1]) < self._since}
        return Passed(kept, self._decorators)


def _candidates(tree: _Tree, named: set[str], gate: _Gate) -> dict[str, tuple[str | None, str, Broken | None]]:
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
    registering = [path for path in rest if _registers(again(path))] if is_meant or gate.is_asked else []
    if is_meant:
        found |= {path: decode(again(path)) for path in registering}
    new = list(found)
    looked_for: frozenset[str] = frozenset()
    while decorators := frozenset(name for path in new for name in _decorators(found[path][0] or "")):
        looked_for |= decorators
        used = re.compile(rb"@[ \t]*(?:\w+[ \t]*\.[ \t]*)*(?:" + "|".join(sorted(decorators)).encode() + rb")\b")
        passed = known if gate.knew(decorators) else frozenset[str]()
        others = (path for path in paths if path not in found and path not in passed)
        new = [path for path in others if used.search(again(path))]
        found |= {path: tree.decoded(path) for path in new}
    gate.add({*found, *registering}, looked_for)
    return found


def _registers(data: bytes) -> bool:
    """Whether something may be registered by `@service.handler()` or `service.handler()(function)`."""
    return (b".handler" in data or b".main" in data) and _REGISTERS.search(data) is not None


def _decorators(text: str) -> Iterator[str]:
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


_READ = os.O_RDONLY | getattr(os, "O_BINARY", 0)
_PART = 1 << 16  # bytes that are read at once: few files have more, and the memory for more would be asked of the system each time


def _read(path: str) -> bytes | Broken:
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


# Imports and names

# An import is looked for at the word, which is quicker than at the beginning of each line: what stands before it, then what comes after
_BEFORE_IMPORT = re.compile(
    r"(?:^|[;:])[ \t\f]*(?P<from>from\b(?P<dots>[ \t.]*)(?:(?P<module>\w[\w.]*)[ \t]*)?(?<=[ \t.]))?$", re.MULTILINE
)
_MODULES = re.compile(r"[ \t]+((?:\\\r?\n|[^\n\r;])*)")
_NAMES = re.compile(r"\b[ \t]*(\([^)]*\)|(?:\\\r?\n|[^\n\r;])*)")
_NAME = re.compile(r"[\w.]+|\*")
_COMMENT = re.compile(r"#[^\n]*")


class _Import(Struct, frozen=True):
    """An import as it is written: `level` dots, a module, a name from it (empty for `import module`)."""

    level: int
    module: str
    names: tuple[str, ...]


def _imports(text: str) -> Iterator[_Import]:
    """What a text imports, anywhere in it; also what only looks like it, in a string: that does no harm."""
    at = text.find("import")
    while at >= 0:
        line = max(text.rfind("\n", 0, at), text.rfind("\r", 0, at)) + 1
        before = _BEFORE_IMPORT.search(text, line, at)
        at += len("import")
        if before and before["from"] is None:
            if listed := _MODULES.match(text, at):
                at = listed.end()
                for module in _names(listed[1]):
                    yield _Import(0, module, ())
        elif before and (listed := _NAMES.match(text, at)):
            at = listed.end()
            if before["module"] or before["dots"]:
                yield _Import(before["dots"].count("."), before["module"] or "", tuple(_names(listed[1])))
        at = text.find("import", at)


def _names(listed: str) -> Iterator[str]:
    """Names in a list such as `a as b, c`: a and c."""
    for item in _COMMENT.sub("", listed).strip("()").replace("\\", " ").split(","):
        words = item.split()
        if words and _NAME.fullmatch(words[0]):
            yield words[0]


class _Resolver:
    """What the imports of a project's files mean."""

    def __init__(self, tree: _Tree) -> None:
        self.tree = tree
        places = [path.rpartition(os.sep) for path in tree.files]
        self.packages = {folder for folder, _, name in places if name == "__init__.py"}
        self.folders = set(_above({folder for folder, _, _ in places}, tree.root))
        self.inner = set(self.packages)
        for folder in sorted(self.folders, key=len):  # a folder comes after the one it is in
            if (above := os.path.dirname(folder)) != tree.root and above in self.inner:
                self.inner.add(folder)
        configured = (root for config in tree.config.all for root in config.source_roots)
        self.roots = [str(root) for root in dict.fromkeys(configured) if is_under(str(root), tree.root)]
        self.distributions = [*self.roots, *self._distributions()]
        self.names = {name.removesuffix(".py") for _, _, name in places}
        self.names |= {os.path.basename(path).removesuffix(".py") for path in (*self.folders, *tree.links)}
        self.searched: dict[str, tuple[list[str], list[str]]] = {}
        self.texts: dict[str, tuple[str, set[str]]] = {}  # and the first names of what it imports

    def _distributions(self) -> list[str]:
        """Folders that are installed, or work as if they were: anything in the project may import from them."""
        return [
            place
            for folder in sorted(self.tree.projects & self.folders)
            for place in (os.path.join(folder, "src"), folder)
            if place in self.folders and place not in self.packages
        ]

    def resolve(self, path: str, imported: _Import) -> Iterator[tuple[str, str, str]]:
        """(module as the file names it, the file that it is, the root that it is found from) of each file it makes Python read."""
        if imported.level:
            folder = path
            for _ in range(imported.level):
                folder = os.path.dirname(folder)
            parts = tuple(imported.module.split(".")) if imported.module else ()
            for name in imported.names or ("",):
                for target in self._chain(folder, (*parts, name) if name and name != "*" else parts):
                    yield "", target, ""
            return
        for name in imported.names or ("",):
            parts = (*imported.module.split("."), name) if name and name != "*" else tuple(imported.module.split("."))
            root = self._root_of(path, parts, name)
            if root is None:
                continue
            for target in self._chain(root, parts):
                yield _module(target, root), target, root

    def _root_of(self, path: str, parts: tuple[str, ...], name: str) -> str | None:
        """The first folder on the importing file's path from which an import works; `name` is what it takes from a module."""
        if parts[0] not in self.names:
            return None
        near, last = self._search(path)
        for root in dict.fromkeys((*near, *self.distributions, *last)):
            chain = self._chain(root, parts)
            if not chain or chain[-1] == path:
                continue
            target = chain[-1]
            depth = _module(target, root).count(".") + 1
            if depth < len(parts) - bool(name) and not target.endswith("__init__.py"):
                continue
            if depth > 1 or self._is_meant(target, parts, name, is_likely=root not in last):
                return root
        return None

    def _is_meant(self, target: str, parts: tuple[str, ...], name: str, *, is_likely: bool) -> bool:
        """Whether `import openai` or `from openai import OpenAI` means a file of the project, and not a library of its name."""
        if parts[0] in sys.stdlib_module_names:
            return False
        if target not in self.texts:
            text = self.tree.decoded(target)[0] or ""
            self.texts[target] = text, {i.module.partition(".")[0] for i in _imports(text) if i.level == 0}
        text, imported = self.texts[target]
        if not target.endswith("__init__.py") and parts[0] in imported:
            return False  # `clients/openai.py` imports openai itself
        if len(parts) == 1:
            return is_likely or name == "*"
        return re.search(rf"\b{re.escape(parts[1])}\b|\bimport[ \t]*\*|\b__getattr__\b", text) is not None

    def _chain(self, folder: str, parts: tuple[str, ...]) -> list[str]:
        """The files that importing `parts` from a folder reads: the packages on the way, then the module; the last may be a name in it."""
        found: list[str] = []
        at = folder
        if not parts and at in self.packages:
            return [os.path.join(at, "__init__.py")]
        for part in parts:
            at = at + os.sep + part
            at = self.tree.links.get(at, at)
            file = self.tree.links.get(at + ".py", at + ".py")
            if at in self.packages:
                found.append(os.path.join(at, "__init__.py"))
            elif file in self.tree.files:
                found.append(file)
                break
            elif at not in self.folders:
                break
        return found

    def _search(self, path: str) -> tuple[list[str], list[str]]:
        """Where a file's absolute imports are looked up: folders that are not in packages, nearest first; then those that are."""
        folder = os.path.dirname(path)
        if folder not in self.searched:
            near: list[str] = []
            last: list[str] = []
            at = folder
            while is_under(at, self.tree.root):
                (last if at in self.inner else near).append(at)
                source = os.path.join(at, "src")
                if source in self.folders and source not in self.packages and source not in near:
                    near.append(source)
                if at == self.tree.root:
                    break
                at = os.path.dirname(at)
            self.searched[folder] = near, last
        return self.searched[folder]


def _above(folders: Iterable[str], root: str) -> Iterator[str]:
    """Folders and those above them, up to the root."""
    seen = {root}
    yield root
    for folder in folders:
        at = folder
        while at not in seen and is_under(at, root):
            seen.add(at)
            yield at
            at = os.path.dirname(at)


def _module(path: str, root: str) -> str:
    """The dotted name of a file below a root."""
    below = path[len(root.rstrip(os.sep)) + 1 :]
    stem = below.removesuffix(".py")
    return stem.removesuffix("__init__").rstrip(os.sep).replace(os.sep, ".") or os.path.basename(root)


def _named_files(tree: _Tree, found: dict[str, tuple[str | None, str, Broken | None]]) -> tuple[File, ...]:
    """The candidates with what they import, and their names."""
    if not found:
        return ()
    resolver = _Resolver(tree)
    imports: dict[str, set[tuple[str, str]]] = {}
    outside: dict[str, set[str]] = defaultdict(set)
    votes: dict[str, Counter[str]] = defaultdict(Counter)
    relative: set[str] = set()
    pending = sorted(found)
    while pending:
        path = pending.pop()
        imports[path] = set()
        for imported in set(_imports(found[path][0] or "")):
            targets = list(resolver.resolve(path, imported))
            if imported.level:
                relative.add(path)
            elif not targets:
                outside[path].add(imported.module.split(".")[0])
            for module, target, root in targets:
                imports[path].add((module, target))
                if root:
                    votes[target][root] += 1
                if target not in found:
                    found[target] = tree.decoded(target)
                    pending.append(target)
    roots = _roots(resolver, imports, votes, relative)
    modules = {path: _module(path, root) for path, root in roots.items()}
    _distinguish(tree.root, roots, modules, imports, relative)
    files = []
    for path in sorted(found):
        text, encoding, broken = found[path]
        reads = {(module or modules[target], target) for module, target in imports[path] if target != path}
        files.append(
            File(
                path=path,
                module=modules[path],
                root=roots[path],
                is_package=os.path.basename(path) == "__init__.py",
                text=text,
                broken=broken,
                encoding=encoding,
                imports=tuple(sorted(reads)),
                outside=frozenset(outside[path]),
            )
        )
    return tuple(files)


def _roots(
    resolver: _Resolver, imports: Mapping[str, set[tuple[str, str]]], votes: Mapping[str, Counter[str]], relative: set[str]
) -> dict[str, str]:
    """The root of each file: where most imports find it; else that of its folder's other files; else above its outermost package."""
    folders: dict[str, Counter[str]] = defaultdict(Counter)
    for path, counted in votes.items():
        for root, count in counted.items():
            folder = os.path.dirname(path)
            while folder != root and is_under(folder, root):
                folders[folder][root] += count
                folder = os.path.dirname(folder)
    in_packages = {os.path.dirname(path) for path in relative} | {
        os.path.dirname(target) for path in relative for module, target in imports[path] if not module
    }
    roots = {}
    for path in imports:
        folder = os.path.dirname(path)
        if evidence := votes.get(path) or folders.get(folder):
            roots[path] = _elected(evidence)
            continue
        while folder != resolver.tree.root and folder not in folders and (folder in resolver.packages or folder in in_packages):
            folder = os.path.dirname(folder)
        roots[path] = _elected(folders[folder]) if folder in folders else folder
    return roots


def _elected(votes: Counter[str]) -> str:
    """The root with most votes; of several, the one that gives the longest names."""
    return min(votes, key=lambda root: (-votes[root], len(root), root))


def _distinguish(
    root: str, roots: dict[str, str], modules: dict[str, str], imports: Mapping[str, set[tuple[str, str]]], relative: set[str]
) -> None:
    """Give a file that nothing imports its full name below the project, where its short one is taken, or is a library's."""
    imported = {target for targets in imports.values() for _, target in targets}
    count = Counter(modules.values())
    for path in sorted(modules):
        top = modules[path].partition(".")[0]
        if path in imported or path in relative or path == os.path.join(root, os.path.basename(path)):
            continue
        if count[modules[path]] > 1 or top in sys.stdlib_module_names:
            roots[path], modules[path] = root, _module(path, root)


# Worlds


class _World(Struct, frozen=True, dict=True):
    """Files that are linked together."""

    modules: dict[str, str]  # module -> path
    outside: frozenset[str]  # first names of what is imported from libraries

    @cached_property
    def tops(self) -> frozenset[str]:
        return frozenset(module.partition(".")[0] for module in self.modules)

    @classmethod
    def of(cls, paths: Sequence[str], files: Mapping[str, File]) -> _World:
        modules: dict[str, str] = {}
        for path in paths:
            modules.setdefault(files[path].module, path)
        for path in paths:
            for module, target in files[path].imports:
                modules.setdefault(module, target)
        return cls(modules, frozenset[str]().union(*(files[path].outside for path in paths)))

    def clashes(self, other: _World) -> bool:
        """Whether a name would mean another thing if the two were linked together."""
        if not (self.outside.isdisjoint(other.tops) and other.outside.isdisjoint(self.tops)):
            return True
        few, many = sorted((self.modules, other.modules), key=len)
        return any(many.get(module, path) != path for module, path in few.items())

    def joined(self, other: _World) -> _World:
        return _World(self.modules | other.modules, self.outside | other.outside)


def _components(files: Mapping[str, File]) -> list[list[str]]:
    """The files in groups that import each other, in any direction."""
    neighbours: dict[str, list[str]] = {path: [] for path in files}
    for path, file in files.items():
        for _, target in file.imports:
            if target in files:
                neighbours[path].append(target)
                neighbours[target].append(path)
    return _connected(neighbours)


def _connected(neighbours: Mapping[str, Sequence[str]]) -> list[list[str]]:
    seen: set[str] = set()
    components = []
    for start in neighbours:
        if start not in seen:
            components.append(sorted(_reached([start], neighbours)))
            seen.update(components[-1])
    return components


def _reached(start: Iterable[str], neighbours: Mapping[str, Sequence[str]]) -> set[str]:
    reached = set(start)
    pending = list(reached)
    while pending:
        for path in neighbours[pending.pop()]:
            if path not in reached:
                reached.add(path)
                pending.append(path)
    return reached


def _units(component: list[str], files: Mapping[str, File]) -> list[list[str]]:
    """Give a component as it is; or, if module names clash in it, each file that nothing else leads to with all that it imports."""
    if not _has_clash(component, files):
        return [component]
    imports = {path: [target for _, target in files[path].imports if target in files] for path in component}
    imported = {target for path, targets in imports.items() for target in targets if target != path}
    units: list[list[str]] = []
    covered: set[str] = set()
    for path in sorted(component, key=lambda path: path in imported):
        if path not in covered:
            reached = _reached([path], imports)
            covered |= reached
            units.append([path, *sorted(reached - {path})])
    return units


def _has_clash(paths: Iterable[str], files: Mapping[str, File]) -> bool:
    meant: dict[str, str] = {}
    for path in paths:
        for module, target in ((files[path].module, path), *files[path].imports):
            if meant.setdefault(module, target) != target:
                return True
    return False


def _named(file: File, module: str) -> File:
    return file if file.module == module else replace(file, module=module)
