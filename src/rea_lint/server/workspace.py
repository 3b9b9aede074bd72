"""The folders and documents of the client, and which project each document belongs to."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct, field
from pygls.uris import from_fs_path, to_fs_path

from rea_lint.files import is_under
from rea_lint.server.settings import ON_SAVE, Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from rea_lint.config import Config
    from rea_lint.server.project import Project

LIBRARIES = frozenset({"site-packages", "dist-packages"})  # what is opened there, outside of the workspace, is not the user's to mend


class Open(Struct):
    """A document that the client has open."""

    uri: str
    path: str  # absolute; of a document that has not been saved yet, one that it could have
    text: str
    project: Project
    is_dirty: bool = False  # changed since it was saved or opened


class Workspace(Struct):
    """Each folder of the workspace is a project; so is a file outside of them, and one that has not been saved yet."""

    make: Callable[[str, Callable[[], Config]], Project]
    folders: list[str] = field(default_factory=list)
    initial: Settings = field(default_factory=Settings)  # what `initialize` said
    defaults: Settings = field(default_factory=Settings)  # what holds where a folder has no settings of its own
    settings: dict[str, Settings] = field(default_factory=dict)  # by folder, where they are other ones
    documents: dict[str, Open] = field(default_factory=dict)  # by URI
    projects: dict[str, Project] = field(default_factory=dict)  # by root
    _uris: dict[str, str] = field(default_factory=dict)  # path -> as the client writes it

    def set_folders(self, uris: Iterable[str]) -> None:
        """These are the folders now."""
        self.folders = [os.path.normpath(path) for uri in uris if (path := to_fs_path(uri))]

    def path(self, uri: str) -> str | None:
        """The path of a document; None if it is neither a file nor one that could become one."""
        if (path := to_fs_path(uri)) is not None:
            return os.path.normpath(path)
        if not uri.startswith("untitled:"):
            return None
        name = re.sub(r"\W+", "-", uri.partition(":")[2]).strip("-") or "untitled"
        return str(Path(next(iter(self.folders), tempfile.gettempdir()), f"{name}.py"))

    def uri(self, path: str) -> str:
        """A path as the client writes it."""
        return self._uris.get(path) or from_fs_path(path) or ""

    def open(self, uri: str, text: str) -> Open | None:
        """A document that the client has opened; None if it is not for us to look at."""
        path = self.path(uri)
        root = self._root(uri, path) if path is not None else None
        if path is None or root is None:
            return None
        self._uris[path] = uri
        document = self.documents[uri] = Open(uri, path, text, self.project(root))
        document.project.change(path, text)
        return document

    def change(self, uri: str, text: str) -> Open | None:
        """A document has another text."""
        document = self.documents.get(uri)
        if document is not None:
            document.text = text
            document.is_dirty = True
            document.project.change(document.path, text)
        return document

    def close(self, uri: str) -> Open | None:
        """A document has been closed: what counts now is on the disk."""
        document = self.documents.pop(uri, None)
        if document is not None:
            self._uris.pop(document.path, None)
            document.project.change(document.path, None)
            if document.project.root == document.path:
                del self.projects[document.path]
        return document

    def project(self, root: str) -> Project:
        """The project of a folder, or of a file that is one by itself."""
        if root not in self.projects:
            self.projects[root] = self.make(root, lambda: self.settings_of(root).load(root, self.folder_of(root) or str(Path(root).parent)))
        return self.projects[root]

    def owner(self, path: str) -> str | None:
        """The root of the project that a file belongs to; None if it belongs to none."""
        return self._root(self.uri(path), path)

    def folder_of(self, path: str) -> str | None:
        """The innermost folder of the workspace that a file is in."""
        return max((folder for folder in self.folders if is_under(path, folder)), key=len, default=None)

    def settings_of(self, path: str) -> Settings:
        """The client's settings for a file."""
        return self.settings.get(self.folder_of(path) or "", self.defaults)

    def rearrange(self) -> None:
        """Folders, settings or configuration files have changed: documents go to their projects again, which read their configuration."""
        for project in self.projects.values():
            project.reload()
        for document in list(self.documents.values()):
            root = self._root(document.uri, document.path)
            if root == document.project.root:
                continue
            document.project.change(document.path, None)
            if root is None:
                del self.documents[document.uri]
            else:
                document.project = self.project(root)
                document.project.change(document.path, document.text)
        used = {document.project.root for document in self.documents.values()}
        for root in self.projects.keys() - used:
            if self.folder_of(root) is None:
                del self.projects[root]

    def waits(self, path: str) -> bool:
        """Whether a file was changed and is to be looked at only when it is saved."""
        document = self.documents.get(self.uri(path))
        return document is not None and document.is_dirty and self.settings_of(path).run == ON_SAVE

    def around(self, path: str) -> Iterator[Project]:
        """The projects that a file on the disk may matter to."""
        return (project for root, project in self.projects.items() if is_under(path, root))

    def _root(self, uri: str, path: str) -> str | None:
        folder = self.folder_of(path)
        if uri.startswith("untitled:"):
            return path
        if folder is None and LIBRARIES.intersection(Path(path).parts):
            return None
        return folder or path
