"""The options: their names, what each may be, and what it is for.  The only module that knows the names of options.

Command line, JSON schema and documentation are made of this table.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from rea_lint import CACHE
from rea_lint.diagnostic import Severity

DEFAULT_EXCLUDES = (
    *(".bzr", ".direnv", ".eggs", ".git", ".git-rewrite", ".hg", ".ipynb_checkpoints", ".mypy_cache", ".nox", ".pants.d", ".pyenv"),
    *(".pytest_cache", ".pytype", CACHE, ".ruff_cache", ".svn", ".tox", ".venv", ".vscode", "__pypackages__", "_build", "buck-out"),
    *("build", "dist", "node_modules", "site-packages", "venv"),
)
FORMATS = (
    *("full", "concise", "grouped", "agent", "json", "json-lines", "sarif", "github", "gitlab", "junit", "rdjson", "azure", "teamcity"),
    *("markdown", "html"),
)


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
        raise ValueError(f"takes a list of strings, not {shown(value)}")
    return tuple(value)


def _paths(value: object, root: Path) -> tuple[Path, ...]:
    return tuple(placed(text, root) for text in _texts(value, root))


def _path(value: object, root: Path) -> Path | None:
    if value is None:
        return None
    if not isinstance(value, str) or not value:
        raise ValueError(f"takes a path, not {shown(value)}")
    return placed(value, root)


def _modules(value: object, root: Path) -> tuple[str, ...]:
    """Paths, if they look like one; else names of modules."""
    return tuple(text if _MODULE.fullmatch(text) else str(placed(text, root)) for text in _texts(value, root))


_MODULE = re.compile(r"(?!.*\.py$)[^\W\d]\w*(\.[^\W\d]\w*)*")


def placed(text: str, root: Path) -> Path:
    """A path as written in a file of the folder `root`, with `~` and variables of the environment."""
    return (root / Path(os.path.expandvars(text)).expanduser()).resolve()


def _flag(value: object, _root: Path) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"takes true or false, not {shown(value)}")  # noqa: TRY004 - the caller adds file and line to ValueErrors
    return value


def _table(value: object, _root: Path) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise ValueError(f"takes a table, not {shown(value)}")  # noqa: TRY004 - the same
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
        raise ValueError(f"takes a number of seconds, not {shown(value)}")
    return float(value)


def _version(value: object, _root: Path) -> str:
    if value == "auto":
        return "auto"
    if not isinstance(value, str) or not re.fullmatch(VERSION, value):
        raise ValueError(f'takes "auto" or a version such as "0.14.0", not {shown(value)}')
    return value


def _server(value: object, _root: Path) -> str:
    if not isinstance(value, str) or not (value == "" or re.fullmatch(VERSION, value)):
        raise ValueError(f'takes a version such as "1.4.0", not {shown(value)}')
    return value


VERSION = r"\d+(\.\d+)*((a|b|rc)\d+)?"


def _format(value: object, _root: Path) -> str:
    return _one_of(value, FORMATS)


def _one_of(value: object, words: Sequence[str] | Mapping[str, object]) -> str:
    if isinstance(value, str) and value in words:
        return value
    raise ValueError(f"takes one of {', '.join(words)}, not {shown(value)}{did_you_mean(value, words)}")


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
        '"rea-lint-baseline.jsonl"',
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


def did_you_mean(word: object, words: Sequence[str] | Mapping[str, object]) -> str:
    """` (did you mean `select`?)`, if there is something near."""
    import difflib  # noqa: PLC0415 -- few configurations are wrong

    near = difflib.get_close_matches(str(word).lower().replace("_", "-"), list(words), 1)
    return f" (did you mean `{near[0]}`?)" if near else ""


def shown(value: object) -> str:
    """A value as a message has it."""
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else repr(value)
