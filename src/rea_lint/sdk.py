"""Which version of restate-sdk a project runs with: installed, locked, or required.  The only module that looks for it."""

from __future__ import annotations

import os
import re
import sys
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tomli
from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from packaging.version import Version

NEWEST = "1.3.0"
"""The newest version that our packs were read from."""

ENVIRONMENTS = (".venv", "venv")
"""What the folder of a project's virtual environment is called."""

_NAME = r"restate[-_.]sdk"
# Compiled when they are asked for: few runs do.
_PACKAGE = rf'(?im)^name = "{_NAME}"\n(?:(?!\[).*\n)*?version = "([^"]+)"'
_PIPFILE = rf'(?i)"{_NAME}"\s*:\s*\{{[^{{}}]*"version"\s*:\s*"==([^"]+)"'
_REQUIREMENT = rf"(?i)^\s*{_NAME}(?![\w.-])\s*(?:\[[^\]]*\])?\s*(?P<range>[^;#\\]*)"
_BOUND = r"(?P<operator>[<>=!~^]*)\s*v?(?P<version>\d+(?:\.\d+)*(?:(?:a|b|rc)\d+)?)"
_UPPER = frozenset({"<", "<=", "!="})


class Sdk(Struct, frozen=True, dict=True):
    """A version of restate-sdk, and where it was found."""

    text: str  # `1.3.0`
    source: str

    @cached_property
    def version(self) -> Version:
        """The version, to compare with."""
        from packaging.version import Version  # noqa: PLC0415 -- 10 ms that a run without such a comparison saves

        return Version(self.text)

    def before(self, version: str) -> bool:
        """Whether it is older than a version; "" is one that has always been there."""
        return bool(version) and is_before(self.text, version)


def is_before(version: str, other: str) -> bool:
    """Whether a version is older than another."""
    one, two = _numbers(version), _numbers(other)
    if one is not None and two is not None:  # as nearly always
        return one < two

    from packaging.version import Version  # noqa: PLC0415 -- the same

    return Version(version) < Version(other)


def _numbers(version: str) -> list[int] | None:
    """The numbers that a version consists of, without zeros at the end, which make no difference; None if there is more in it."""
    parts = version.split(".")
    if not version.isascii() or not all(map(str.isdecimal, parts)):
        return None
    numbers = [*map(int, parts)]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return numbers


NEWEST_KNOWN = Sdk(NEWEST, "the newest version known")


def detect(start: Path, root: Path) -> Sdk:
    """The version that the code at `start` (a file or folder) runs with; `root` is the folder of its project.

    The installed distribution says it, of the project's own environment before that of the running Python; else a lock file; else the
    lowest version that the requirements allow.  Without any, it is the newest version known.
    """
    folders = _folders(start, root)
    for found in (_installed(_environments(folders)), _first(folders, LOCKS), _first(folders, REQUIREMENTS)):
        if found is not None:
            return found
    return NEWEST_KNOWN


def _folders(start: Path, root: Path) -> list[Path]:
    """The folders of a project, from where the code is up to the root."""
    folder = start.parent if start.is_file() else start
    above = [folder, *folder.parents]
    return above[: above.index(root) + 1] if root in above else [folder]


# -- installed ---------------------------------------------------------------------------------------------------------


def _environments(folders: Iterable[Path]) -> Iterator[Path]:
    """The folders that hold installed distributions, in the order in which they count."""
    prefixes = [folder / name for folder in folders for name in ENVIRONMENTS]
    prefixes += [Path(os.environ[name]) for name in ("VIRTUAL_ENV", "CONDA_PREFIX") if os.environ.get(name)]
    for prefix in prefixes:
        yield from sorted(prefix.glob("lib/python3.*/site-packages"))
        yield prefix / "Lib" / "site-packages"
    yield from (Path(path) for path in sys.path if path.endswith(("site-packages", "dist-packages")))


def _installed(environments: Iterable[Path]) -> Sdk | None:
    for folder in environments:
        try:
            names = [entry.name for entry in os.scandir(folder) if entry.name.startswith("restate_sdk-")]
        except OSError:
            continue
        for name in sorted(names):
            version = name.removeprefix("restate_sdk-").removesuffix(".dist-info")
            if name.endswith(".dist-info") and _is_version(version):
                return Sdk(version, f"installed in {folder}")
    return None


# -- lock files and requirements ---------------------------------------------------------------------------------------


def _first(folders: Iterable[Path], readers: Iterable[tuple[str, Callable[[str], Iterable[str]]]]) -> Sdk | None:
    """The lowest version in the first file that tells, of the nearest folder."""
    readers = tuple(readers)
    for folder in folders:
        for pattern, read in readers:
            for path in sorted(folder.glob(pattern)):
                try:
                    text = path.read_text("utf-8", "replace")
                except OSError:
                    continue
                versions = [version for version in read(text) if _is_version(version)]
                if versions:
                    return min((Sdk(version, str(path)) for version in versions), key=lambda sdk: sdk.version)
    return None


def _packages(text: str) -> list[str]:
    """The versions in a lock file in TOML: uv, poetry, pdm, PEP 751."""
    return re.findall(_PACKAGE, text.replace("\r\n", "\n"))


def _pipfile(text: str) -> list[str]:
    return re.findall(_PIPFILE, text)


def _pinned(text: str) -> list[str]:
    """The versions in a file of requirements that were resolved, which have their hashes."""
    return [version for line in _requirements(text) for version in _lowest(line)] if "--hash=" in text else []


def _listed(text: str) -> list[str]:
    return [version for line in _requirements(text) for version in _lowest(line)]


def _project(text: str) -> list[str]:
    """The lowest versions that a pyproject.toml allows: its own dependencies first, then extras and groups."""
    try:
        document = tomli.loads(text)
    except tomli.TOMLDecodeError:
        return []
    project, poetry = _table(document, "project"), _table(document, "tool", "poetry")
    own = [*_strings(project.get("dependencies")), *_poetry(poetry.get("dependencies"))]
    others = [
        *(line for lines in _table(project, "optional-dependencies").values() for line in _strings(lines)),
        *(line for lines in _table(document, "dependency-groups").values() for line in _strings(lines)),
        *(line for group in _table(poetry, "group").values() for line in _poetry(_table(group, "dependencies"))),
        *(line for lines in _table(document, "tool", "pdm", "dev-dependencies").values() for line in _strings(lines)),
    ]
    found = [[version for line in lines for version in _lowest(line)] for lines in (own, others)]
    return found[0] or found[1]


LOCKS: tuple[tuple[str, Callable[[str], Iterable[str]]], ...] = (
    ("uv.lock", _packages),
    ("poetry.lock", _packages),
    ("pdm.lock", _packages),
    ("pylock*.toml", _packages),
    ("Pipfile.lock", _pipfile),
    ("requirements*.txt", _pinned),
)
"""Files that say the version that is used, and how they are read."""

REQUIREMENTS: tuple[tuple[str, Callable[[str], Iterable[str]]], ...] = (
    ("pyproject.toml", _project),
    ("requirements*.txt", _listed),
    ("requirements*.in", _listed),
)
"""Files that say which versions may be used."""


def _requirements(text: str) -> Iterator[str]:
    """The lines of a file of requirements that are about the SDK."""
    return (line for line in text.splitlines() if re.match(_REQUIREMENT, line))


def _lowest(requirement: str) -> list[str]:
    """The lowest version that a requirement of the SDK allows; empty if it is another's, or has no lower bound."""
    match = re.match(_REQUIREMENT, requirement)
    bounds = (
        [bound["version"] for bound in re.finditer(_BOUND, match["range"]) if bound["operator"] not in _UPPER] if match is not None else []
    )
    return [max(bounds, key=lambda bound: Sdk(bound, "").version)] if bounds else []


def _poetry(dependencies: object) -> list[str]:
    """Poetry's table of dependencies as requirements."""
    if not isinstance(dependencies, dict):
        return []
    found = []
    for name, given in dependencies.items():
        several = given if isinstance(given, list) else [given]
        ranges = [each.get("version") if isinstance(each, dict) else each for each in several]
        found += [f"{name} {text}" for text in ranges if isinstance(text, str)]
    return found


def _table(document: object, *keys: str) -> dict[str, Any]:
    for key in keys:
        document = document.get(key) if isinstance(document, dict) else None
    return document if isinstance(document, dict) else {}


def _strings(value: object) -> list[str]:
    return [text for text in value if isinstance(text, str)] if isinstance(value, list) else []


def _is_version(text: str) -> bool:
    return re.fullmatch(r"\d+(\.\d+)*((a|b|rc)\d+)?(\.(post|dev)\d+)*(\+[\w.]+)?", text) is not None
