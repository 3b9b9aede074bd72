"""The user's configuration: pyproject.toml or rea-lint.toml -> Config.

**Hierarchy.**  A repository may hold several configuration files.  The *run's* is the outermost one of the project: what is linted
does not depend on which folder of it was named.  For each file the nearest one decides which rules apply and how severe they are
(scope `file`).  What is said of callables (scope `project`) is added up over all of them, since one call path may lead through files of
several.  The rest (scope `run`) is the run's; own rule modules are among that, so that no code is run because of a file that merely
lies below.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec import Struct, field
from msgspec.structs import replace

from rea_lint import toml
from rea_lint.options import DEFAULT_EXCLUDES, EXTEND, FORMATS, OPTIONS, SCOPES, Option, did_you_mean, placed, shown
from rea_lint.sdk import NEWEST_KNOWN, Sdk, detect
from rea_lint.toml import Origin, UserError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rea_lint.diagnostic import Severity

__all__ = [
    "DEFAULT_EXCLUDES",
    "EXTEND",
    "FORMATS",
    "OPTIONS",
    "SCOPES",
    "Config",
    "Line",
    "Option",
    "Origin",
    "Selectors",
    "UserError",
    "did_you_mean",
    "load",
]

FILES = ("rea-lint.toml", "pyproject.toml")  # where a folder's configuration stands; the first that has one


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


class Config(Struct, frozen=True):
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
            origin = toml.origin_of_value(origin, value)
        return UserError(f"{origin}: `{key}`: {problem}")


def load(
    start: Path,
    explicit: Path | None = None,
    *,
    isolated: bool = False,
    overrides: Mapping[str, object] | None = None,
    inline: Sequence[str] = (),
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
            for key, value in toml.parse(text, f"--config {text!r}").items()
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
            origin = toml.origin_of_value(item.origin, inner[0]) if inner else item.origin
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
        if file.is_file() and (name != "pyproject.toml" or (b"rea-lint" in toml.read(file) and "rea-lint" in _tool(file))):
            return file
    return None


def _tool(pyproject: Path) -> Mapping[str, Any]:
    tool = toml.document(pyproject).get("tool", {})
    return tool if isinstance(tool, dict) else {}


def _read(file: Path, extended_by: tuple[Path, ...]) -> list[_Given]:
    """What a file gives, after what the file gives that it extends."""
    document = toml.document(file)
    shared = file.name == "pyproject.toml"
    table = _tool(file).get("rea-lint", {}) if shared else document
    rows = toml.rows(toml.read(file).decode("utf-8"), "tool.rea-lint" if shared else "")
    if not isinstance(table, dict):
        raise UserError(f"{file}: `tool.rea-lint` takes a table, not {shown(table)}")
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
        raise UserError(f"{origin}: `extend` takes the path of a file, not {shown(value)}")
    other = placed(value, file.parent)
    if other in extended_by:
        raise UserError(f"{origin}: `extend`: {value} extends this file in turn")
    if not other.is_file():
        raise UserError(f"{origin}: `extend`: there is no file {value}")
    return _read(other, extended_by)
