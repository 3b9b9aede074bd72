"""The user's configuration: pyproject.toml or rea-lint.toml -> Config.  The only module that knows the names of options.

**Hierarchy.**  A repository may hold several configuration files.  The *run's* is the outermost one of the project: what is linted
does not depend on which folder of it was named.  For each file the nearest one decides which rules apply and how severe they are
(scope `file`).  What is said of callables (scope `project`) is added up over all of them, since one call path may lead through files of
several.  The rest (scope `run`) is the run's; own rule modules are among that, so that no code is run because of a file that merely
lies below.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple

import tomli

from rea_lint.diagnostic import Severity
from rea_lint.sdk import NEWEST_KNOWN, Sdk, detect

DEFAULT_EXCLUDES = (
    *(".bzr", ".direnv", ".eggs", ".git", ".git-rewrite", ".hg", ".ipynb_checkpoints", ".mypy_cache", ".nox", ".pants.d", ".pyenv"),
    *(
        ".pytest_cache",
        ".pytype",
        ".rea_lint_cache",
        ".ruff_cache",
        ".svn",
        ".tox",
        ".venv",
        ".vscode",
        "__pypackages__",
        "_build",
        "buck-out",
        "build",
    ),
    *("dist", "node_modules", "site-packages", "venv"),
)
FORMATS = (
    *("full", "concise", "grouped", "agent", "json", "json-lines", "sarif", "github", "gitlab", "junit", "rdjson", "azure", "teamcity"),
    *("markdown", "html"),
)
FILES = ("rea-lint.toml", "pyproject.toml")  # where a folder's configuration stands; the first that has one


class UserError(Exception):
    """The user's mistake, in one line.  The run ends with exit code 2."""


class Origin(NamedTuple):
    """Where a value was written: a file and a row from 1, or the command line (row 0)."""

    source: str
    row: int = 0

    def __str__(self) -> str:
        return f"{self.source}:{self.row}" if self.row else self.source


class Selectors(NamedTuple):
    """What the command line says about rules, as in ruff: `select` replaces what a file says; the others add to it, and win over it."""

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    extend_select: tuple[str, ...] = ()


NO_SELECTORS = Selectors()


class Line(NamedTuple):
    """What the command line says.  It wins over every file."""

    options: Mapping[str, object]
    inline: tuple[str, ...]  # options as TOML, `key = value`
    selectors: Selectors


@dataclass(frozen=True, slots=True)
class Config:
    """The options that are in force, each as `OPTIONS` describes it, and where they come from."""

    root: Path  # what patterns are relative to: the folder of the configuration file, or the project's where the file is not in it
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
    server_version: str = ""
    deterministic: tuple[str, ...] = ()
    effects: Mapping[str, object] = field(default_factory=dict)
    steps: Mapping[str, object] = field(default_factory=dict)
    contexts: Mapping[str, object] = field(default_factory=dict)
    handlers: Mapping[str, object] = field(default_factory=dict)
    packs: tuple[Path, ...] = ()  # absolute
    rules: tuple[str, ...] = ()  # absolute paths, or dotted names of modules
    baseline: Path | None = None  # absolute
    cache_dir: Path | None = None  # absolute
    min_blocking_sleep: float = 0.0
    output_format: str = "full"
    values: Mapping[str, object] = field(default_factory=dict)  # by option name, those that were given, as written
    origins: Mapping[str, Origin] = field(default_factory=dict)  # of those
    detected: Sdk = NEWEST_KNOWN  # what `auto` comes to
    trusted: bool = True  # whether rules of the user's own may be run
    line: Line | None = None  # what the command line said, where files below may say more; None: they may not
    nested: Mapping[str, Config] = field(default_factory=dict)  # folder below `root` -> its own; known once the project was walked

    @property
    def all(self) -> tuple[Config, ...]:
        """The run's configuration, and those below it, outer ones first."""
        return (self, *(self.nested[folder] for folder in sorted(self.nested)))

    def at(self, path: str) -> Config:
        """The configuration that a file or folder is under, of those that are known; for options of scope `file`."""
        if not self.nested:
            return self
        return next((self.nested[text] for folder in (Path(path), *Path(path).parents) if (text := str(folder)) in self.nested), self)

    def below(self, folder: str) -> Config | None:
        """What a folder below says itself, read from its file, if it has one.  Raises UserError."""
        found = None if self.line is None or folder == str(self.root) else _own(Path(folder))
        if found is None or self.line is None:
            return None
        own = _made(_read(found, ()), self.line, root=Path(folder), source=found)
        kept = {option.field: getattr(self, option.field) for option in OPTIONS if option.scope == "run"}
        origins = {name: origin for name, origin in own.origins.items() if SCOPES[name] != "run"}
        origins |= {name: origin for name, origin in self.origins.items() if SCOPES[name] == "run"}
        return replace(own, origins=origins, detected=self.detected, trusted=self.trusted, **kept)

    def read_at(self, path: Path) -> Config:
        """The configuration that a file or folder below is under, read from the disk.  Raises UserError."""
        for folder in (path, *path.parents):
            if folder == self.root:
                break
            own = self.below(str(folder))
            if own is not None:
                return own
        return self

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
    shape: Mapping[str, object]  # what `check` takes, as JSON schema
    scope: Literal["file", "project", "run"]
    example: str  # a value, as TOML

    @property
    def field(self) -> str:
        """Its name in `Config`."""
        return self.name.replace("-", "_")


def _texts(value: object, _root: Path) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(v, str) for v in value):
        raise ValueError(f"takes a list of strings, not {_shown(value)}")
    return tuple(value)


def _paths(value: object, root: Path) -> tuple[Path, ...]:
    return tuple(_placed(text, root) for text in _texts(value, root))


def _path(value: object, root: Path) -> Path | None:
    if value is None:
        return None
    if not isinstance(value, str) or not value:
        raise ValueError(f"takes a path, not {_shown(value)}")
    return _placed(value, root)


def _modules(value: object, root: Path) -> tuple[str, ...]:
    """Paths, if they look like one; else names of modules."""
    return tuple(text if _MODULE.fullmatch(text) else str(_placed(text, root)) for text in _texts(value, root))


_MODULE = re.compile(r"(?!.*\.py$)[^\W\d]\w*(\.[^\W\d]\w*)*")


def _placed(text: str, root: Path) -> Path:
    """A path as written in a file of the folder `root`, with `~` and variables of the environment."""
    return (root / Path(os.path.expandvars(text)).expanduser()).resolve()


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
    if not isinstance(value, str) or not re.fullmatch(VERSION, value):
        raise ValueError(f'takes "auto" or a version such as "0.14.0", not {_shown(value)}')
    return value


def _server(value: object, _root: Path) -> str:
    if not isinstance(value, str) or not (value == "" or re.fullmatch(VERSION, value)):
        raise ValueError(f'takes a version such as "1.4.0", not {_shown(value)}')
    return value


VERSION = r"\d+(\.\d+)*((a|b|rc)\d+)?"


def _format(value: object, _root: Path) -> str:
    return _one_of(value, FORMATS)


def _one_of(value: object, words: Sequence[str] | Mapping[str, object]) -> str:
    if isinstance(value, str) and value in words:
        return value
    raise ValueError(f"takes one of {', '.join(words)}, not {_shown(value)}{did_you_mean(value, words)}")


_STRING = {"type": "string"}
_STRINGS = {"type": "array", "items": _STRING}

OPTIONS: tuple[Option, ...] = (
    Option(
        "select",
        "list of rules",
        (),
        "The rules to run: codes, names, prefixes or ALL. Without it, all rules that are on by default.",
        _texts,
        _STRINGS,
        "file",
        '["REA1", "REA2", "bare-except"]',
    ),
    Option(
        "ignore",
        "list of rules",
        (),
        "The rules not to run: codes, names or prefixes.",
        _texts,
        _STRINGS,
        "file",
        '["REA211", "replayed-print"]',
    ),
    Option("extend-select", "list of rules", (), "Rules to run besides the selected ones.", _texts, _STRINGS, "file", '["REA003"]'),
    Option(
        "per-file-ignores",
        "table of pattern to list of rules",
        {},
        "Rules not to run in the files that a pattern fits, read as in .gitignore; with `!` before it, in those that it does not fit.",
        _lists,
        {"type": "object", "additionalProperties": _STRINGS},
        "file",
        '{ "tests/*" = ["REA1"], "!src/**" = ["REA211"] }',
    ),
    Option(
        "severity",
        "table of rule to error, warning or info",
        {},
        "The severity of a rule's findings, instead of the rule's own: by code, name, prefix or ALL; the most specific one counts.",
        _severities,
        {"type": "object", "additionalProperties": {"enum": [str(level) for level in Severity]}},
        "file",
        '{ REA105 = "warning", REA9 = "info" }',
    ),
    Option(
        "exclude",
        "list of patterns",
        DEFAULT_EXCLUDES,
        "Files and folders that are not read, as in .gitignore.",
        _texts,
        _STRINGS,
        "file",
        '[".venv", "vendor"]',
    ),
    Option(
        "extend-exclude",
        "list of patterns",
        (),
        "Files and folders that are not read, besides the excluded ones.",
        _texts,
        _STRINGS,
        "file",
        '["generated", "*_pb2.py"]',
    ),
    Option(
        "respect-gitignore",
        "boolean",
        True,  # noqa: FBT003 - a default value
        "Whether to leave out what git ignores.",
        _flag,
        {"type": "boolean"},
        "run",
        "false",
    ),
    Option(
        "source-roots",
        "list of folders",
        (),
        "Folders from which modules are imported, besides those that are found.",
        _paths,
        _STRINGS,
        "project",
        '["services/shop/lib"]',
    ),
    Option(
        "sdk-version",
        "version or auto",
        "auto",
        "The version of restate-sdk that the code runs with; auto finds it out: installed, locked, or required.",
        _version,
        {"type": "string", "pattern": f"^(auto|{VERSION})$"},
        "run",
        '"0.14.0"',
    ),
    Option(
        "server-version",
        "version",
        "",
        "The version of restate-server that the code runs on; without it, the newest one known.",
        _server,
        {"type": "string", "pattern": f"^({VERSION})?$"},
        "run",
        '"1.4.0"',
    ),
    Option(
        "deterministic",
        "list of names",
        (),
        "Callables that give the same on replay, as in a pack.",
        _texts,
        _STRINGS,
        "project",
        '["shop.ids.*"]',
    ),
    Option(
        "effects",
        "table of effect to list of names",
        {},
        "Callables with an effect, as in a pack.",
        _table,
        {"type": "object", "additionalProperties": _STRINGS},
        "project",
        '{ network = ["shop.http.get"], clock = ["shop.now"] }',
    ),
    Option(
        "steps",
        "table of name to position and keyword",
        {},
        "Callables that run an argument as a step, as in a pack.",
        _table,
        {
            "type": "object",
            "additionalProperties": {
                "type": "object",
                "properties": {"position": {"type": "integer", "minimum": 0}, "keyword": _STRING},
                "required": ["position", "keyword"],
                "additionalProperties": False,
            },
        },
        "project",
        '{ "shop.journal" = { position = 1, keyword = "action" } }',
    ),
    Option(
        "contexts",
        "table of class to kind",
        {},
        "Classes that are contexts, as in a pack.",
        _table,
        {"type": "object", "additionalProperties": _STRING},
        "project",
        '{ "shop.Context" = "object" }',
    ),
    Option(
        "handlers",
        "table of decorator to kind",
        {},
        "Decorators that make a function a handler, as in a pack.",
        _table,
        {"type": "object", "additionalProperties": _STRING},
        "project",
        '{ "shop.handler" = "service" }',
    ),
    Option(
        "packs",
        "list of files",
        (),
        "Packs to load besides those that come with rea-lint.",
        _paths,
        _STRINGS,
        "project",
        '["lint/ours.toml"]',
    ),
    Option(
        "rules",
        "list of paths or modules",
        (),
        "Rules of your own: folders or files with rule modules, or names of modules that can be imported. They are code that runs.",
        _modules,
        _STRINGS,
        "run",
        '["./lint_rules"]',
    ),
    Option(
        "baseline",
        "file",
        None,
        "A file with accepted findings, which are not reported.",
        _path,
        {"type": "string", "minLength": 1},
        "run",
        '"rea-lint-baseline.txt"',
    ),
    Option(
        "cache-dir",
        "folder",
        None,
        "Where the cache is; without it, `.rea_lint_cache` beside the configuration file, or in the project's folder.",
        _path,
        {"type": "string", "minLength": 1},
        "run",
        '".cache/rea-lint"',
    ),
    Option(
        "min-blocking-sleep",
        "number of seconds",
        0.0,
        "Sleeps in durable code that are shorter than this are not reported.",
        _seconds,
        {"type": "number", "minimum": 0},
        "file",
        "1.5",
    ),
    Option(
        "output-format",
        f"one of {', '.join(FORMATS)}",
        "full",
        "How findings are written.",
        _format,
        {"enum": list(FORMATS)},
        "run",
        '"concise"',
    ),
)
EXTEND = Option(
    "extend",
    "file",
    None,
    "A configuration file to begin with: the keys that stand here win over the keys there.",
    _path,
    {"type": "string", "minLength": 1},
    "file",
    '"../rea-lint.toml"',
)
"""The one key that is no option: it says where others are."""

SCOPES = {option.name: option.scope for option in OPTIONS}


def load(
    start: Path,
    explicit: Path | None = None,
    isolated: bool = False,
    overrides: Mapping[str, object] | None = None,
    inline: Sequence[str] = (),
    *,
    selectors: Selectors = NO_SELECTORS,
    trusted: bool = True,
) -> Config:
    """The configuration of a run for what is linted at `start`.  What files below say is added where the project is walked.

    `explicit` is the file to read instead of those that are found, `isolated` reads none.  `inline` are options as TOML, `key = value`;
    `overrides` are options by name as the command line has them.  The later wins: file, inline, overrides, selectors.  Of what is
    not `trusted`, such as a folder that was just downloaded, no rule modules are run.
    Raises UserError.
    """
    start = Path(os.path.realpath(start))  # `resolve` gives up on a link to itself
    found = None if isolated else explicit or _found(start)
    if explicit is not None and not isolated and not explicit.is_file():
        raise UserError(f"{explicit}: there is no such configuration file")
    given = [] if found is None else _read(found.resolve(), ())
    project, repository = project_root(start), _repository(start)
    is_inside = found is not None and explicit is None and (repository is None or found.is_relative_to(repository))
    root = found.parent if found is not None and is_inside else project
    line = Line(overrides or {}, tuple(inline), selectors)
    config = _made(given, line, root=root, source=found)
    return replace(config, detected=detect(start, project), trusted=trusted, line=None if isolated or explicit else line)


def _made(given: Sequence[_Given], line: Line, *, root: Path, source: Path | None) -> Config:
    """The configuration that a file and the command line give."""
    here = Path.cwd()
    given = [
        *given,
        *(
            _Given(key, value, here, Origin(f"--config {text!r}"))
            for text in line.inline
            for key, value in _toml(text, f"--config {text!r}").items()
        ),
        *(_Given(key, value, here, Origin("the command line")) for key, value in line.options.items()),
    ]
    options = {option.name: option for option in OPTIONS}
    fields: dict[str, Any] = {}
    for item in given:
        if item.key not in options:
            is_table = item.key == "tool" and isinstance(item.value, dict)
            hint = "; here the keys stand without `[tool.rea-lint]`" if is_table else did_you_mean(item.key, options)
            raise UserError(f"{item.origin}: unknown key `{item.key}`{hint}")
        option = options[item.key]
        try:
            fields[option.field] = option.check(item.value, item.base)
        except ValueError as error:
            problem, *inner = error.args  # and the key in a table whose value it is
            origin = _origin_of_value(item.origin, inner[0]) if inner else item.origin
            raise UserError(f"{origin}: `{item.key}` {problem}") from error
    config = Config(
        root=root,
        source=source,
        values={item.key: item.value for item in given},
        origins={item.key: item.origin for item in given},
        **fields,
    )
    return _selecting(config, *line.selectors)


def _selecting(config: Config, select: tuple[str, ...], ignore: tuple[str, ...], extend_select: tuple[str, ...]) -> Config:
    if select:
        return replace(config, select=select, ignore=ignore, extend_select=extend_select)
    kept = tuple(word for word in config.ignore if word not in extend_select)
    return replace(config, ignore=(*kept, *ignore), extend_select=(*config.extend_select, *extend_select))


def project_root(start: Path) -> Path:
    """The folder of the project that `start` (a file or folder) is in.

    The git repository's; else the nearest folder with a file that begins a Python project; else `start`, or its folder.
    """
    repository = _repository(start)
    if repository is not None:
        return repository
    folder = start.parent if start.is_file() or not start.exists() else start
    projects = (above for above in (folder, *folder.parents) if any((above / mark).exists() for mark in PROJECT_FILES))
    return next(projects, folder)


PROJECT_FILES = ("pyproject.toml", "setup.py", "setup.cfg", "rea-lint.toml")


class _Given(NamedTuple):
    """A key and value as written, the folder its paths are relative to, and where it stands."""

    key: str
    value: object
    base: Path
    origin: Origin


def _found(start: Path) -> Path | None:
    """The outermost configuration file of the repository that is at or above `start`; else the nearest one above it."""
    found = [own for folder in (start, *start.parents) if (own := _own(folder)) is not None]
    repository = _repository(start)
    inside = [own for own in found if repository is not None and own.is_relative_to(repository)]
    return inside[-1] if inside else next(iter(found), None)


def _repository(start: Path) -> Path | None:
    return next((folder for folder in (start, *start.parents) if (folder / ".git").exists()), None)


def _own(folder: Path) -> Path | None:
    """The configuration file of a folder; a pyproject.toml without our table is none."""
    for name in FILES:
        file = folder / name
        if file.is_file() and (name != "pyproject.toml" or (b"rea-lint" in _bytes(file) and "rea-lint" in _tool(file))):
            return file
    return None


def _tool(pyproject: Path) -> Mapping[str, Any]:
    tool = _document(pyproject).get("tool", {})
    return tool if isinstance(tool, dict) else {}


def _read(file: Path, extended_by: tuple[Path, ...]) -> list[_Given]:
    """What a file gives, after what the file gives that it extends."""
    document = _document(file)
    shared = file.name == "pyproject.toml"
    table = _tool(file).get("rea-lint", {}) if shared else document
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
    other = _placed(value, file.parent)
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
        raise UserError(f"{source}:{row[1] if row else text.count(chr(10)) + 1}: not TOML: {problem}") from error


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


def did_you_mean(word: object, words: Sequence[str] | Mapping[str, object]) -> str:
    """` (did you mean `select`?)`, if there is something near."""
    near = difflib.get_close_matches(str(word).lower().replace("_", "-"), list(words), 1)
    return f" (did you mean `{near[0]}`?)" if near else ""


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else repr(value)
