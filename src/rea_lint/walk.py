"""A project's folders -> its Python files.  The only module that walks disks."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from rea_lint.config import FILES, PROJECT_FILES, Config
from rea_lint.files import decode, is_under, read, read_bytes
from rea_lint.gitignore import Ignores, excludes, gitignore, is_ignored, rules_for

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rea_lint.facts import Broken


class Tree(Struct):
    """The Python files of a project."""

    root: str
    files: set[str]
    contents: dict[str, bytes]  # of files that have another content than on the disk
    links: dict[str, str]  # symbolic links -> the file or folder of the project that they are
    rules: tuple[Ignores, ...]  # those that hold for the root
    projects: set[str]  # folders with a file that begins a Python project
    config: Config  # with those of the folders that were walked
    closed: set[str] = field(default_factory=set)  # folders that may not be listed
    listed: set[str] = field(default_factory=set)  # those that were
    is_plain: bool = True  # no links on the way, and no folder left out since nobody asked for what is in it
    consulted: set[str] = field(default_factory=set)  # files whose words decided what the import of another one means

    @classmethod
    def walk(cls, root: str, asked: Sequence[str], config: Config) -> Tree:
        """All files below `root` that are not ignored."""
        rules = rules_for(root, config.at(root))
        nested = dict(config.nested)
        tree = cls(root, set(), {}, {}, rules, set(), config)
        wanted = None
        if not any(os.path.isdir(path) for path in asked) and not _is_project(root):
            tree.is_plain = False
            wanted = _imported_names(asked)  # single files in any folder: what lies beside them need not belong to them
        pending: list[tuple[str, tuple[Ignores, ...]]] = [(root, rules)]
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
            tree.listed.add(folder)
            names = {entry.name for entry in entries}
            if "pyvenv.cfg" in names and folder != root:
                continue
            if not names.isdisjoint(PROJECT_FILES):
                tree.projects.add(folder)
            own = None if names.isdisjoint(FILES) else config.below(folder)
            if own is not None:
                nested[folder] = own
                rules = (excludes(own, folder), *rules[1:])
                if folder == root:
                    tree.rules = rules
            if config.respect_gitignore and ".gitignore" in names and folder != root:
                rules = (*rules, *gitignore(folder, ".gitignore"))
            for entry in entries:
                name, path = entry.name, entry.path
                is_source = name.endswith(".py")
                is_link = entry.is_symlink()
                if is_link:
                    tree.is_plain = tree.is_plain and not (is_source or entry.is_dir())
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
                    if not is_ignored(rules, path, name, is_folder=False):
                        tree.files.add(path)
                elif not is_source and name != "__pycache__" and entry.is_dir():
                    if wanted is not None and name not in wanted and folder == root:
                        continue
                    if not is_ignored(rules, path, name, is_folder=True):
                        if is_link:
                            seen.add(target)
                        pending.append((path, rules))
        tree.config = replace(config, nested=nested)
        return tree

    def read(self, path: str) -> bytes | Broken:
        """The content of a file."""
        return self.contents[path] if path in self.contents else read_bytes(path)

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
            if is_ignored(rules, at, name, is_folder=is_folder):
                return True
            if at in self.config.nested:
                rules = (excludes(self.config.nested[at], at), *rules[1:])
            if is_folder and self.config.respect_gitignore:
                rules = (*rules, *gitignore(at, ".gitignore"))
        return False


def _is_project(root: str) -> bool:
    return any(os.path.exists(os.path.join(root, mark)) for mark in (".git", *PROJECT_FILES))


def _imported_names(paths: Iterable[str]) -> set[str]:
    """First names of what files import."""
    datas = [data for data in map(read_bytes, paths) if isinstance(data, bytes)]
    return {name.decode() for data in datas for name in re.findall(rb"(?:from|import)[ \t]+\.*(\w+)", data)}
