"""What files import, and what they are called.

An absolute import is looked up as Python would with the importing file's folder or one above it on its path, the nearest
first, `src` folders and configured roots included; folders that are packages come last.  A file's *root* is the folder from which most
imports reach it; of files that nothing imports, the one above its outermost package.  `module` is its dotted place below its root.
"""

from __future__ import annotations

import os
import re
import sys
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from msgspec import Struct

from rea_lint.files import File, is_under

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from rea_lint.facts import Broken
    from rea_lint.walk import Tree

# An import is looked for at the word, which is quicker than at the beginning of each line: what stands before it, then what comes after
_BEFORE_IMPORT = re.compile(
    r"(?:^|[;:])[ \t\f]*(?P<from>from\b(?P<dots>[ \t.]*)(?:(?P<module>\w[\w.]*)[ \t]*)?(?<=[ \t.]))?$", re.MULTILINE
)
_MODULES = re.compile(r"[ \t]+((?:\\\r?\n|[^\n\r;])*)")
_NAMES = re.compile(r"\b[ \t]*(\([^)]*\)|(?:\\\r?\n|[^\n\r;])*)")
_NAME = re.compile(r"[\w.]+|\*")
_COMMENT = re.compile(r"#[^\n]*")


class Import(Struct, frozen=True):
    """An import as it is written: `level` dots, a module, a name from it (empty for `import module`)."""

    level: int
    module: str
    names: tuple[str, ...]


def imports_of(text: str) -> Iterator[Import]:
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
                    yield Import(0, module, ())
        elif before and (listed := _NAMES.match(text, at)):
            at = listed.end()
            if before["module"] or before["dots"]:
                yield Import(before["dots"].count("."), before["module"] or "", tuple(_names(listed[1])))
        at = text.find("import", at)


def _names(listed: str) -> Iterator[str]:
    """Names in a list such as `a as b, c`: a and c."""
    for item in _COMMENT.sub("", listed).strip("()").replace("\\", " ").split(","):
        words = item.split()
        if words and _NAME.fullmatch(words[0]):
            yield words[0]


class _Resolver:
    """What the imports of a project's files mean."""

    def __init__(self, tree: Tree) -> None:
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

    def resolve(self, path: str, imported: Import) -> Iterator[tuple[str, str, str]]:
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
        self.tree.consulted.add(target)
        if target not in self.texts:
            text = self.tree.decoded(target)[0] or ""
            self.texts[target] = text, {i.module.partition(".")[0] for i in imports_of(text) if i.level == 0}
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


def with_names(tree: Tree, found: dict[str, tuple[str | None, str, Broken | None]]) -> tuple[File, ...]:
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
        for imported in set(imports_of(found[path][0] or "")):
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
