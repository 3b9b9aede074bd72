"""How a client comes and goes, and what it says of its settings, folders, files and documents."""

from __future__ import annotations

import asyncio
import logging
import sys
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcException
from pygls.uris import from_fs_path

from rea_lint.config import UserError
from rea_lint.server.answers import PULLED, diagnostic, workspace_diagnostic
from rea_lint.server.convert import Client
from rea_lint.server.desk import ToClient
from rea_lint.server.project import NOTHING
from rea_lint.server.settings import SECTION, Settings

if TYPE_CHECKING:
    from rea_lint.server.desk import Server

CONFIGURATION = ("*.toml", "*.lock", "requirements*.txt")  # files that options, packs and the SDK's version are read from
FILES = ("*.py", ".gitignore")
log = logging.getLogger("rea_lint.server")


def initialize(ls: Server, params: lsp.InitializeParams) -> None:
    """The client says who it is."""
    for name, level in (("rea_lint", logging.INFO), ("pygls", logging.ERROR)):
        logging.getLogger(name).setLevel(level)
        logging.getLogger(name).addHandler(ToClient(ls, asyncio.get_running_loop()))
    ls.client = Client.of(params.capabilities, ls.workspace.position_codec)
    ls.files.set_folders(_folders(ls))
    if ls.client.pulls:
        ls.feature(lsp.TEXT_DOCUMENT_DIAGNOSTIC, PULLED)(diagnostic)
        # Neovim 0.12 asks for the workspace when it is told to ask again, and then passes over what is said of open documents.
        if params.client_info is None or params.client_info.name != "Neovim":
            ls.feature(lsp.WORKSPACE_DIAGNOSTIC)(workspace_diagnostic)
    options = params.initialization_options
    ls.shows_operations = isinstance(options, dict) and options.get("showsOperations") is True
    ls.shows_messages = isinstance(options, dict) and options.get("showsMessages") is True
    ls.files.initial = ls.files.defaults = _settings(ls, options, Settings())


async def initialized(ls: Server, _params: lsp.InitializedParams) -> None:
    """The client is ready: ask it for what it tells only if it is asked."""
    log.info("rea-lint %s, Python %s, folders: %s", ls.version, sys.version.split()[0], ", ".join(ls.files.folders) or "none")
    ls.warm_up()
    registrations = []
    if ls.client.watches:
        watchers = [lsp.FileSystemWatcher(f"**/{pattern}") for pattern in (*CONFIGURATION, *FILES)]
        options = lsp.DidChangeWatchedFilesRegistrationOptions(watchers)
        registrations.append(lsp.Registration("files", lsp.WORKSPACE_DID_CHANGE_WATCHED_FILES, options))
    if ls.client.watches_settings:
        section = lsp.DidChangeConfigurationRegistrationOptions(section=SECTION)
        registrations.append(lsp.Registration("settings", lsp.WORKSPACE_DID_CHANGE_CONFIGURATION, section))
    if registrations:
        try:
            await ls.client_register_capability_async(lsp.RegistrationParams(registrations))
        except JsonRpcException as error:
            log.warning("the client will not tell what changes on the disk: %s", error)
    if ls.client.has_settings:
        await _ask_for_settings(ls)


def shutdown(ls: Server, _params: None) -> None:
    """The client is about to leave."""
    ls.is_shut_down = True


async def settings_changed(ls: Server, params: lsp.DidChangeConfigurationParams) -> None:
    """The client has other settings: it sends them, or is to be asked for them."""
    if ls.client.has_settings:
        await _ask_for_settings(ls)
    else:
        ls.files.defaults = _settings(ls, params.settings, ls.files.defaults)
        ls.look_at_all()


async def _ask_for_settings(ls: Server) -> None:
    folders = ls.files.folders
    items = [lsp.ConfigurationItem(section=SECTION), *(lsp.ConfigurationItem(from_fs_path(folder), SECTION) for folder in folders)]
    given = await ls.workspace_configuration_async(lsp.ConfigurationParams(items))
    before = [ls.files.defaults, *(ls.files.settings.get(folder, ls.files.defaults) for folder in folders)]
    now = [ls.files.initial if one is None else _settings(ls, one, last) for one, last in zip(given, before, strict=True)]
    ls.files.defaults, *each = now
    ls.files.settings = dict(zip(folders, each, strict=True))
    if now != before:
        ls.look_at_all()


def _settings(ls: Server, given: Any, last: Settings) -> Settings:
    """The settings that a client sends; the last ones, if these cannot be read."""
    try:
        settings = Settings.read(given)
    except UserError as error:
        ls.judge("settings", error)
        return last
    ls.judge("settings", None)
    return settings


async def folders_changed(ls: Server, _params: lsp.DidChangeWorkspaceFoldersParams) -> None:
    """Folders were added or removed."""
    ls.files.set_folders(_folders(ls))
    if ls.client.has_settings:
        await _ask_for_settings(ls)
    ls.look_at_all()


def _folders(ls: Server) -> list[str]:
    workspace = ls.workspace
    return [folder.uri for folder in workspace.folders.values()] or ([workspace.root_uri] if workspace.root_uri else [])


def files_changed(ls: Server, params: lsp.DidChangeWatchedFilesParams) -> None:
    """Files have changed on the disk."""
    opened = {document.path for document in ls.files.documents.values()}
    changes = [(ls.files.path(change.uri) or "", change.type) for change in params.changes]
    if any(fnmatch(Path(path).name, pattern) for path, _ in changes for pattern in CONFIGURATION):
        ls.look_at_all()
        return
    elsewhere = [path for path, kind in changes if path not in opened or kind is not lsp.FileChangeType.Changed]
    for project in {project for path in elsewhere for project in ls.files.around(path)}:
        project.refresh()
        ls.look(project)


# -- documents -------------------------------------------------------------------------------------------------------


def opened(ls: Server, params: lsp.DidOpenTextDocumentParams) -> None:
    """A document is shown."""
    item = params.text_document
    if item.language_id == "python" or item.uri.endswith(".py"):
        document = ls.files.open(item.uri, item.text)
        if document is not None:
            ls.look(document.project, document.path)


def changed(ls: Server, params: lsp.DidChangeTextDocumentParams) -> None:
    """A document is typed in."""
    uri = params.text_document.uri
    document = ls.files.change(uri, ls.workspace.get_text_document(uri).source)
    if document is not None and not ls.files.waits(document.path):
        ls.look(document.project, document.path)


def saved(ls: Server, params: lsp.DidSaveTextDocumentParams) -> None:
    """A document is on the disk.  A client that does not watch files gets a look at all of them then."""
    document = ls.files.documents.get(params.text_document.uri)
    if document is None:
        if not ls.client.watches:
            ls.look_at_all()
        return
    document.is_dirty = False
    if not ls.client.watches:
        document.project.reload()
    document.project.rest()
    ls.look(document.project, document.path)


def closed(ls: Server, params: lsp.DidCloseTextDocumentParams) -> None:
    """A document is not shown any more."""
    document = ls.files.close(params.text_document.uri)
    if document is None:
        return
    if document.project.root == document.path:
        ls.drop(document.project.root)
        ls.tell(document.path, NOTHING, (), document.uri)
    else:
        ls.look(document.project)
    if ls.client.pulls:
        ls.forget(document.path)
