"""The user's configuration: pyproject.toml or rea-lint.toml -> Config.  The only module that knows the names of options."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import tomli

from rea_lint.diagnostic import Severity
from rea_lint.sdk import NEWEST_KNOWN, Sdk, detect

DEFAULT_EXCLUDES = (
    *(".bzr", ".direnv", ".eggs", ".git", ".git-rewrite", ".hg", ".ipynb_checkpoints", ".mypy_cache", ".nox", ".pants.d", ".pyenv"),
    *(".pytest_cache", ".pytype", ".ruff_cache", ".svn", ".tox", ".venv", ".vscode", "__pypackages__", "_build", "buck-out", "build"),
    *("dist", "node_modules", "site-packages", "venv"),
)
FORMATS = ("full", "concise", "json", "github")


class UserError(Exception):
    """The user's mistake, in one line.  The run ends with exit code 2."""


class Origin(NamedTuple):
    """Where a value was written: a file and a row from 1, or the command line (row 0)."""

    source: str
    row: int = 0

    def __str__(self) -> str:
        return f"{self.source}:{self.row}" if self.row else self.source


@dataclass(frozen=True, slots=True)
class Config:
    """The options that are in force, each as `OPTIONS` describes it, and where they come from."""

    root: Path  # what relative paths and patterns are relative to: the folder of the configuration file, or the project's
    source: Path | None = None  # the file they were read from
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    extend_select: tuple[str, ...] = ()
    per_file_ignores: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    severity: Mapping[str, Severity] = field(default_factory=dict)
    exclude: tuple[str, ...] = DEFAULT_EXCLUDES
    extend_exclude: tuple[str, ...] = ()
    respect_gitignore: bool = True
    source_roots: tuple[Path, ...] = ()  # absolute
    sdk_version: str = "auto"
    deterministic: tuple[str, ...] = ()
    effects: Mapping[str, object] = field(default_factory=dict)
    steps: Mapping[str, object] = field(default_factory=dict)
    contexts: Mapping[str, object] = field(default_factory=dict)
    handlers: Mapping[str, object] = field(default_factory=dict)
    packs: tuple[Path, ...] = ()  # absolute
    min_blocking_sleep: float = 0.0
    output_format: str = "full"
    values: Mapping[str, object] = field(default_factory=dict)  # by option name, those that were given, as written
    origins: Mapping[str, Origin] = field(default_factory=dict)  # of those
    detected: Sdk = NEWEST_KNOWN  # what `auto` comes to

    @property
    def pack(self) -> Mapping[str, object]:
        """What the configuration itself says about callables, in the tables of a pack."""
        tables = {
            "deterministic": list(self.deterministic),
            "effects": self.effects,
            "steps": self.steps,
            "contexts": self.contexts,
            "handlers": self.handlers,
        }
        return {name: table for name, table in tables.items() if table}

    @property
    def sdk(self) -> Sdk:
        """The version of restate-sdk that the code runs with: what is configured, or what was found."""
        if self.sdk_version == "auto":
            return self.detected
        return Sdk(self.sdk_version, str(self.origins.get("sdk-version", "configured")))

    def error(self, key: str, problem: str, value: str = "") -> UserError:
        """The error for a value of `key` that only another module can tell is wrong; names where it was written."""
        origin = self.origins.get(key, Origin("the command line"))
        if value:
            origin = _origin_of_value(origin, value)
        return UserError(f"{origin}: `{key}`: {problem}")


class Option(NamedTuple):
    """An option as users write it.  `check` gives the value as `Config` has it, or raises ValueError with what is wrong."""

    name: str
    type: str
    default: object
    text: str
    check: Callable[[object, Path], object]

    @property
    def field(self) -> str:
        """Its name in `Config`."""
        return self.name.replace("-", "_")


def _texts(value: object, _root: Path) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(v, str) for v in value):
        raise ValueError(f"takes a list of strings, not {_shown(value)}")
    return tuple(value)


def _paths(value: object, root: Path) -> tuple[Path, ...]:
    return tuple((root / text).resolve() for text in _texts(value, root))


def _flag(value: object, _root: Path) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"takes true or false, not {_shown(value)}")  # noqa: TRY004 - the caller adds file and line to ValueErrors
    return value


def _table(value: object, _root: Path) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise ValueError(f"takes a table, not {_shown(value)}")  # noqa: TRY004 - the same
    return value


def _lists(value: object, root: Path) -> Mapping[str, tuple[str, ...]]:
    lists: dict[str, tuple[str, ...]] = {}
    for key, item in _table(value, root).items():
        try:
            lists[key] = _texts(item, root)
        except ValueError as error:
            raise ValueError(f"of {key} {error}", key) from error
    return lists


def _severities(value: object, root: Path) -> Mapping[str, Severity]:
    levels = {str(level): level for level in Severity}
    severities: dict[str, Severity] = {}
    for key, item in _table(value, root).items():
        try:
            severities[key] = levels[_one_of(item, levels)]
        except ValueError as error:
            raise ValueError(f"of {key} {error}", key) from error
    return severities


def _seconds(value: object, _root: Path) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
        raise ValueError(f"takes a number of seconds, not {_shown(value)}")
    return float(value)


def _version(value: object, _root: Path) -> str:
    if value == "auto":
        return "auto"
    if not isinstance(value, str) or not re.fullmatch(r"\d+(\.\d+)*((a|b|rc)\d+)?", value):
        raise ValueError(f'takes "auto" or a version such as "0.14.0", not {_shown(value)}')
    return value


def _format(value: object, _root: Path) -> str:
    return _one_of(value, FORMATS)


def _one_of(value: object, words: Sequence[str] | Mapping[str, object]) -> str:
    if isinstance(value, str) and value in words:
        return value
    raise ValueError(f"takes one of {', '.join(words)}, not {_shown(value)}{_did_you_mean(value, words)}")


OPTIONS: tuple[Option, ...] = (
    Option(
        "select",
        "list of rules",
        (),
        "The rules to run: codes, names, prefixes or ALL. Without it, all rules that are on by default.",
        _texts,
    ),
    Option("ignore", "list of rules", (), "The rules not to run: codes, names or prefixes.", _texts),
    Option("extend-select", "list of rules", (), "Rules to run besides the selected ones.", _texts),
    Option("per-file-ignores", "table of pattern to list of rules", {}, "Rules not to run in the files that a pattern fits.", _lists),
    Option(
        "severity",
        "table of rule to error, warning or info",
        {},
        "The severity of a rule's findings, instead of the rule's own.",
        _severities,
    ),
    Option("exclude", "list of patterns", DEFAULT_EXCLUDES, "Files and folders that are not read, as in .gitignore.", _texts),
    Option("extend-exclude", "list of patterns", (), "Files and folders that are not read, besides the excluded ones.", _texts),
    Option("respect-gitignore", "boolean", True, "Whether to leave out what git ignores.", _flag),  # noqa: FBT003 - a default value
    Option("source-roots", "list of folders", (), "Folders from which modules are imported, besides those that are found.", _paths),
    Option("sdk-version", "version or auto", "auto", "The version of restate-sdk that the code runs with; auto finds it out.", _version),
    Option("deterministic", "list of names", (), "Callables that give the same on replay, as in a pack.", _texts),
    Option("effects", "table of effect to list of names", {}, "Callables with an effect, as in a pack.", _table),
    Option("steps", "table of name to position and keyword", {}, "Callables that run an argument as a step, as in a pack.", _table),
    Option("contexts", "table of class to kind", {}, "Classes that are contexts, as in a pack.", _table),
    Option("handlers", "table of decorator to kind", {}, "Decorators that make a function a handler, as in a pack.", _table),
    Option("packs", "list of files", (), "Packs to load besides those that come with rea-lint.", _paths),
    Option("min-blocking-sleep", "number of seconds", 0.0, "Sleeps in durable code that are shorter than this are not reported.", _seconds),
    Option("output-format", f"one of {', '.join(FORMATS)}", "full", "How findings are written.", _format),
)


def load(
    start: Path,
    explicit: Path | None = None,
    isolated: bool = False,
    overrides: Mapping[str, object] | None = None,
    inline: Sequence[str] = (),
) -> Config:
    """The configuration for what is linted at `start`.

    `explicit` is the file to read instead of the nearest one, `isolated` reads none.  `inline` are options as TOML, `key = value`;
    `overrides` are options by name as the command line has them.  The later wins: file, inline, overrides.
    Raises UserError.
    """
    start = start.resolve()
    found = None if isolated else explicit or _nearest(start)
    if explicit is not None and not isolated and not explicit.is_file():
        raise UserError(f"{explicit}: there is no such configuration file")
    given = [] if found is None else _read(found.resolve(), ())
    root = found.resolve().parent if found is not None and explicit is None else project_root(start)
    here = Path.cwd()
    given += [
        _Given(key, value, here, Origin(f"--config {text!r}"))
        for text in inline
        for key, value in _toml(text, f"--config {text!r}").items()
    ]
    given += [_Given(key, value, here, Origin("the command line")) for key, value in (overrides or {}).items()]
    options = {option.name: option for option in OPTIONS}
    fields: dict[str, Any] = {}
    for item in given:
        if item.key not in options:
            raise UserError(f"{item.origin}: unknown key `{item.key}`{_did_you_mean(item.key, options)}")
        option = options[item.key]
        try:
            fields[option.field] = option.check(item.value, item.base)
        except ValueError as error:
            problem, *inner = error.args  # and the key in a table whose value it is
            origin = _origin_of_value(item.origin, inner[0]) if inner else item.origin
            raise UserError(f"{origin}: `{item.key}` {problem}") from error
    return Config(
        root=root,
        source=found,
        values={item.key: item.value for item in given},
        origins={item.key: item.origin for item in given},
        detected=detect(start, project_root(start)),
        **fields,
    )


def project_root(start: Path) -> Path:
    """The folder of the project that `start` (a file or folder) is in.

    The git repository's; else the nearest folder with a file that begins a Python project; else `start`, or its folder.
    """
    folder = start.parent if start.is_file() or not start.exists() else start
    above = (folder, *folder.parents)
    for marks in ((".git",), PROJECT_FILES):
        for candidate in above:
            if any((candidate / mark).exists() for mark in marks):
                return candidate
    return folder


PROJECT_FILES = ("pyproject.toml", "setup.py", "setup.cfg", "rea-lint.toml")


class _Given(NamedTuple):
    """A key and value as written, the folder its paths are relative to, and where it stands."""

    key: str
    value: object
    base: Path
    origin: Origin


def _nearest(start: Path) -> Path | None:
    """The nearest configuration file at or above `start`; a pyproject.toml without our table is passed over."""
    for folder in (start, *start.parents):
        own = folder / "rea-lint.toml"
        if own.is_file():
            return own
        shared = folder / "pyproject.toml"
        if shared.is_file() and b"rea-lint" in _bytes(shared) and "rea-lint" in _document(shared).get("tool", {}):
            return shared
    return None


def _read(file: Path, extended_by: tuple[Path, ...]) -> list[_Given]:
    """What a file gives, after what the file gives that it extends."""
    document = _document(file)
    shared = file.name == "pyproject.toml"
    table = document.get("tool", {}).get("rea-lint", {}) if shared else document
    rows = _rows(_bytes(file).decode("utf-8"), "tool.rea-lint" if shared else "")
    if not isinstance(table, dict):
        raise UserError(f"{file}: `tool.rea-lint` takes a table, not {_shown(table)}")
    given: list[_Given] = []
    for key, value in table.items():
        origin = Origin(str(file), rows.get(key, 1))
        if key == "extend":
            given = _extended(file, value, origin, (*extended_by, file)) + given
        else:
            given.append(_Given(key, value, file.parent, origin))
    return given


def _extended(file: Path, value: object, origin: Origin, extended_by: tuple[Path, ...]) -> list[_Given]:
    if not isinstance(value, str):
        raise UserError(f"{origin}: `extend` takes the path of a file, not {_shown(value)}")
    other = (file.parent / Path(value).expanduser()).resolve()
    if other in extended_by:
        raise UserError(f"{origin}: `extend`: {value} extends this file in turn")
    if not other.is_file():
        raise UserError(f"{origin}: `extend`: there is no file {value}")
    return _read(other, extended_by)


def _document(file: Path) -> dict[str, Any]:
    try:
        return _toml(_bytes(file).decode("utf-8-sig"), str(file))
    except UnicodeDecodeError as error:
        raise UserError(f"{file}: not UTF-8: {error.reason} at byte {error.start}") from error


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise UserError(f"{file}: cannot be read: {error.strerror or error}") from error


def _toml(text: str, source: str) -> dict[str, Any]:
    try:
        return tomli.loads(text)
    except tomli.TOMLDecodeError as error:
        problem, _, place = str(error).rpartition(" (at ")
        row = re.match(r"line (\d+)", place)
        raise UserError(f"{source}:{row[1] if row else text.count(chr(10)) + 1}: {problem}") from error


def _rows(text: str, table: str) -> dict[str, int]:
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


def _origin_of_value(origin: Origin, value: str) -> Origin:
    """The row of a value or inner key, where it stands in a later row than its key."""
    if not origin.row:
        return origin
    lines = _bytes(Path(origin.source)).decode("utf-8", "replace").splitlines()
    pattern = re.compile(rf"""["']{re.escape(value)}["']|(?:^|[{{,\s]){re.escape(value)}\s*=""")
    rows = (row for row in range(origin.row, len(lines) + 1) if pattern.search(lines[row - 1]))
    return Origin(origin.source, next(rows, origin.row))


def _did_you_mean(word: object, words: Sequence[str] | Mapping[str, object]) -> str:
    near = difflib.get_close_matches(str(word).lower().replace("_", "-"), list(words), 1)
    return f" (did you mean `{near[0]}`?)" if near else ""


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else repr(value)
