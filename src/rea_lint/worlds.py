"""Files in groups that are linked by themselves.

Several applications in one repository may have a module `utils` each.  A module name is unique in a *world*: files that are
linked together.  Files that import each other share a world; all others share one unless their module names clash, or one
imports a name from a library that the other has as a module.  A file that several applications import is in the world of each.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rea_lint.files import File


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
