"""The language server: what it answers, and when it looks at what.  All of it runs on the event loop; what lints runs on the worker."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import sys
import traceback
from collections import defaultdict
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lsprotocol import types as lsp
from pygls.exceptions import FeatureRequestError, JsonRpcContentModified, JsonRpcException
from pygls.lsp.server import LanguageServer
from pygls.uris import from_fs_path

from rea_lint import __version__, registry, rule
from rea_lint.config import Config, UserError
from rea_lint.diagnostic import Diagnostic
from rea_lint.server import actions, views
from rea_lint.server.actions import FIX_ALL, Document
from rea_lint.server.convert import Client
from rea_lint.server.project import NOTHING, Project
from rea_lint.server.settings import SECTION, Settings
from rea_lint.server.worker import PATIENT, Worker
from rea_lint.server.workspace import Workspace
from rea_lint.text import Source

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pygls.server import ServerErrors

    from rea_lint.rule import InternalError
    from rea_lint.server.project import Checked, Settled
    from rea_lint.server.views import Entry, Lens
    from rea_lint.server.workspace import Open

CONFIGURATION = ("*.toml", "*.lock", "requirements*.txt")  # files that options, packs and the SDK's version are read from
FILES = ("*.py", ".gitignore")
COMMAND = "rea-lint.server"  # how the names of our commands begin

log = logging.getLogger("rea_lint.server")


class Server(LanguageServer):
    """One client, and what it has been told."""

    client: Client

    def __init__(self) -> None:
        """Nothing is looked at before the client says who it is."""
        # Whole texts: pygls counts lines at form feeds too, so that edits of parts of a text would go astray in some files.
        super().__init__("rea-lint", __version__, text_document_sync_kind=lsp.TextDocumentSyncKind.Full)
        self.files = Workspace(self._project)
        self.shows_operations = False
        self.shows_messages = False  # by itself, beside what a hover answers
        self.is_shut_down = False
        self.news = asyncio.Event()  # something has been looked at
        self._worker = Worker()
        self._told: dict[str, str] = {}  # path -> the number of what the client was last told of it
        self._touched: defaultdict[str, set[str]] = defaultdict(set)  # by root: documents that have changed since they were looked at
        self._followers: dict[str, asyncio.Task[None]] = {}
        self._complaints: dict[str, str] = {}  # by root
        self._errors: set[InternalError] = set()
        self._unnecessary = frozenset(entry.code for entry in rule.index() if entry.looks_at_any(("Unused",)))

    def _project(self, root: str, load: Callable[[], Config]) -> Project:
        loop = asyncio.get_running_loop()

        def judge(error: UserError | None) -> None:
            loop.call_soon_threadsafe(self.judge, root, error)

        return Project(root, load, self._worker, self.client, self.files.uri, self._unnecessary, judge)

    def warm_up(self) -> None:
        """Import what the first look needs, while the client gets ready."""
        codes = {entry.code for entry in rule.index() if entry.default}
        self._warm = self._worker.run(lambda: rule.load(codes), PATIENT)

    # -- looking ---------------------------------------------------------------------------------------------------

    def look(self, project: Project, *paths: str) -> None:
        """Look at documents soon, and at all files of their project once nobody types any more; tell the client what is new."""
        self._touched[project.root].update(paths)
        before = self._followers.pop(project.root, None)
        if before is not None:
            before.cancel()
        self._followers[project.root] = asyncio.create_task(self._follow(project))

    def look_at_all(self) -> None:
        """Look at everything again: what it is judged by has changed."""
        self.files.rearrange()
        for project in self.files.projects.values():
            self.look(project, *(document.path for document in self.files.documents.values() if document.project is project))
        for path in [path for path in self._told if self.files.owner(path) not in self.files.projects]:
            self.tell(path, NOTHING, ())
        if self.client.pulls:
            self.workspace_diagnostic_refresh(None)
        if self.client.refreshes_lenses:
            self.workspace_code_lens_refresh(None)

    async def _follow(self, project: Project) -> None:
        touched = self._touched[project.root]
        try:
            if not self.client.pulls:
                for path in sorted(path for path in touched if not self.files.waits(path)):
                    checked = await project.check(path)
                    self.tell(path, checked.number, checked.shown)
                    touched.discard(path)
            self._tell_all(project, await project.settle())
            touched.clear()
        except Exception:
            log.exception("%s could not be checked", project.root)

    def _tell_all(self, project: Project, settled: Settled) -> None:
        for error in settled.report.errors:
            if error not in self._errors:
                self._errors.add(error)
                log.error("internal error: %s in %s (%s)\n%s", error.culprit, error.path, error.where, error.traceback)
        self.news.set()
        self.news = asyncio.Event()
        told = {path for path in self._told if self.files.owner(path) == project.root}
        own = told | {path for path in settled.files if self.files.owner(path) == project.root}
        now = {path: settled.of(path) for path in sorted(own) if not self.files.waits(path)}
        if not self.client.pulls:
            for path, checked in now.items():
                self.tell(path, checked.number, checked.shown)
        elif any(self._told[path] != now[path].number for path in told & now.keys()):
            self.workspace_diagnostic_refresh(None)

    def tell(self, path: str, number: str, shown: tuple[lsp.Diagnostic, ...], uri: str = "") -> None:
        """Tell a client that does not pull what is to be said of a file, unless it has been told."""
        if self.client.pulls or self._told.get(path, NOTHING) == number:
            return
        self.remember(path, number)
        uri = uri or self.files.uri(path)
        self.text_document_publish_diagnostics(lsp.PublishDiagnosticsParams(uri, shown, version=self.version_of(uri)))

    def remember(self, path: str, number: str) -> None:
        """The client has been told this of a file."""
        if number == NOTHING and not self.client.pulls:
            self._told.pop(path, None)
        else:
            self._told[path] = number

    def forget(self, path: str) -> None:
        """The client does not show a file any more."""
        self._told.pop(path, None)

    def told(self, path: str) -> str:
        """The number of what the client was last told of a file."""
        return self._told.get(path, NOTHING)

    def version_of(self, uri: str) -> int | None:
        """The version of an open document."""
        return self.workspace.get_text_document(uri).version if uri in self.files.documents else None

    def shown_now(self, document: Open) -> Document:
        """A document as the client shows it."""
        return Document(document.uri, self.version_of(document.uri), Source(document.text))

    # -- what goes wrong -------------------------------------------------------------------------------------------

    def judge(self, root: str, error: UserError | None) -> None:
        """The user's mistake in the configuration of a project, said once until it is mended or another one."""
        text = str(error) if error is not None else ""
        if text and self._complaints.get(root) != text and text not in self._complaints.values():
            self.window_show_message(lsp.ShowMessageParams(lsp.MessageType.Error, f"rea-lint: {text}"))
            log.error("%s", text)
        self._complaints[root] = text

    def report_server_error(self, error: Exception, source: ServerErrors) -> None:
        """What went wrong in our own code goes to the log, with what is needed to report it; the client has no window for it."""
        if source is not FeatureRequestError:  # of those, pygls has logged the traceback, and the client has got the answer
            log.error("internal error: %s\n%s", error, "".join(traceback.format_exception(error)))


# -- life ----------------------------------------------------------------------------------------------------------


def initialize(ls: Server, params: lsp.InitializeParams) -> None:
    """The client says who it is."""
    for name, level in (("rea_lint", logging.INFO), ("pygls", logging.ERROR)):
        logging.getLogger(name).setLevel(level)
        logging.getLogger(name).addHandler(_ToClient(ls, asyncio.get_running_loop()))
    ls.client = Client.of(params.capabilities, ls.workspace.position_codec)
    ls.files.set_folders(_folders(ls))
    if ls.client.pulls:
        ls.feature(lsp.TEXT_DOCUMENT_DIAGNOSTIC, PULLED)(diagnostic)
        name = params.client_info.name if params.client_info is not None else ""
        if (
            name != "Neovim"
        ):  # 0.12 asks for the workspace when it is told to ask again, and then passes over what is said of open documents
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
        ls.tell(document.path, NOTHING, (), document.uri)
    else:
        ls.look(document.project)
    if ls.client.pulls:
        ls.forget(document.path)


# -- diagnostics -------------------------------------------------------------------------------------------------------


async def diagnostic(ls: Server, params: lsp.DocumentDiagnosticParams) -> lsp.DocumentDiagnosticReport:
    """What is to be said of a document.  Of one that is looked at when it is saved: what was said then."""
    document = ls.files.documents.get(params.text_document.uri)
    if document is None:
        return lsp.RelatedFullDocumentDiagnosticReport([])
    if ls.files.waits(document.path) and params.previous_result_id is not None:
        return lsp.RelatedUnchangedDocumentDiagnosticReport(params.previous_result_id)
    checked = await document.project.check(document.path)
    ls.remember(document.path, checked.number)
    if checked.number == params.previous_result_id:
        return lsp.RelatedUnchangedDocumentDiagnosticReport(checked.number)
    return lsp.RelatedFullDocumentDiagnosticReport(checked.shown, result_id=checked.number)


async def workspace_diagnostic(ls: Server, params: lsp.WorkspaceDiagnosticParams) -> lsp.WorkspaceDiagnosticReport:
    """What is to be said of all files.  If the client knows all of it, the answer waits until there is something else to say."""
    known = {ls.files.path(each.uri) or "": each.value for each in params.previous_result_ids}
    while True:
        news = ls.news
        for folder in ls.files.folders:
            ls.files.project(folder)
        now: dict[str, Checked] = {}
        for root, project in list(ls.files.projects.items()):
            settled = await project.settle()
            now |= {path: settled.of(path) for path in (*known, *settled.files) if ls.files.owner(path) == root}
        items = [_workspace_report(ls, path, checked, known.get(path, NOTHING)) for path, checked in sorted(now.items())]
        gone = [_nothing(ls, path) for path, number in known.items() if path not in now and number != NOTHING]
        if not known or gone or any(isinstance(item, lsp.WorkspaceFullDocumentDiagnosticReport) for item in items):
            return lsp.WorkspaceDiagnosticReport([*items, *gone])
        await news.wait()


def _workspace_report(ls: Server, path: str, checked: Checked, known: str) -> lsp.WorkspaceDocumentDiagnosticReport:
    uri = ls.files.uri(path)
    if checked.number == known:
        return lsp.WorkspaceUnchangedDocumentDiagnosticReport(uri, known, version=ls.version_of(uri))
    return lsp.WorkspaceFullDocumentDiagnosticReport(uri, checked.shown, version=ls.version_of(uri), result_id=checked.number)


def _nothing(ls: Server, path: str) -> lsp.WorkspaceDocumentDiagnosticReport:
    return lsp.WorkspaceFullDocumentDiagnosticReport(ls.files.uri(path), [], result_id=NOTHING)


# -- actions -----------------------------------------------------------------------------------------------------------


async def code_action(ls: Server, params: lsp.CodeActionParams) -> list[lsp.CodeAction]:
    """The fixes and the silencing comments at a place, and all safe fixes of the document."""
    document = ls.files.documents.get(params.text_document.uri)
    if document is None:
        return []
    checked = await document.project.check(document.path)
    shown = ls.shown_now(document)
    only = params.context.only
    found: list[lsp.CodeAction] = []
    if actions.wants(only, lsp.CodeActionKind.QuickFix.value):
        found += actions.quick_fixes(ls.client, shown, checked, ls.client.span(shown.source, params.range))
    if actions.wants(only, FIX_ALL) and any(actions.is_safe(finding) for finding in checked.findings):
        all_safe = lsp.CodeAction("Apply all safe fixes of rea-lint", kind=FIX_ALL)
        if ls.client.resolves_edits:
            all_safe.data = document.uri
        elif only is None:  # a list to choose from: work it out when it is chosen
            all_safe.command = lsp.Command(all_safe.title, f"{COMMAND}.fixAll", arguments=[document.uri])
        else:
            all_safe.edit = await _fix_all(ls, document, actions.is_safe)
        found.append(all_safe)
    return found


async def resolve_action(ls: Server, action: lsp.CodeAction) -> lsp.CodeAction:
    """The edit of an action that was chosen."""
    document = ls.files.documents.get(action.data) if isinstance(action.data, str) else None
    if document is not None:
        action.edit = await _fix_all(ls, document, actions.is_safe)
    return action


async def _fix_all(ls: Server, document: Open, allowed: Callable[[Diagnostic], bool]) -> lsp.WorkspaceEdit:
    """The edit that all allowed fixes come to.  Raises JsonRpcContentModified if the document is changed meanwhile."""
    text, shown = document.text, ls.shown_now(document)
    edits = await document.project.attempt(document.path, lambda session: actions.fix_all(session, document.path, text, allowed))
    if document.text != text:
        raise JsonRpcContentModified
    return actions.workspace_edit(ls.client, shown, edits)


# -- hovers and lenses ---------------------------------------------------------------------------------------------------


async def hover(ls: Server, params: lsp.HoverParams) -> lsp.Hover | None:
    """What an operation does to the journal, and the finding at a place with the page of its rule."""
    document = ls.files.documents.get(params.text_document.uri)
    if document is None:
        return None
    path = document.path
    checked = await document.project.check(path)
    source = ls.shown_now(document).source
    offset = ls.client.offset(source, params.position)
    near = sorted((f for f in checked.findings if f.span.start <= offset <= f.span.end), key=lambda f: f.span.end - f.span.start)[:1]
    explain = views.rest_of_page if ls.shows_messages else views.page
    operation, pages = await document.project.ask(
        lambda settled: (views.operation_at(settled.report, path, offset), [explain(finding, settled.config) for finding in near])
    )
    if document.text != source.text:
        return None
    texts = [*([operation[1]] if operation is not None else []), *pages]
    if not texts:
        return None
    span = near[0].span if near else operation[0] if operation is not None else None
    kind = lsp.MarkupKind.Markdown if ls.client.markdown else lsp.MarkupKind.PlainText
    return lsp.Hover(lsp.MarkupContent(kind, "\n\n---\n\n".join(texts)), ls.client.range(source, span) if span is not None else None)


async def code_lens(ls: Server, params: lsp.CodeLensParams) -> list[lsp.CodeLens]:
    """Above each handler: how much it journals."""
    document = ls.files.documents.get(params.text_document.uri)
    if document is None or not ls.files.settings_of(document.path).code_lens:
        return []
    path = document.path
    lenses, sources = await document.project.ask(lambda settled: (views.lenses(settled.report, path), settled.report.sources))
    return [lsp.CodeLens(ls.client.range(sources[path], lens.span), command=_lens_command(ls, lens, sources)) for lens in lenses]


def _lens_command(ls: Server, lens: Lens, sources: Mapping[str, Source]) -> lsp.Command:
    uri = ls.files.uri(lens.path)
    if ls.shows_operations:
        place = ls.client.place(sources[lens.path], lens.span.start)
        return lsp.Command(
            lens.title, "rea-lint.showOperations", arguments=[uri, place, [_location(ls, entry, sources) for entry in lens.entries]]
        )
    return lsp.Command(lens.title, f"{COMMAND}.operations", arguments=[uri, lens.name])


def _location(ls: Server, entry: Entry, sources: Mapping[str, Source]) -> lsp.Location:
    return lsp.Location(ls.files.uri(entry.path), ls.client.range(sources[entry.path], entry.span))


# -- commands ------------------------------------------------------------------------------------------------------------


async def fix_all(ls: Server, uri: str) -> bool:
    """Apply all safe fixes of a document."""
    return await _apply(ls, uri, actions.is_safe)


async def fix_all_unsafe(ls: Server, uri: str) -> bool:
    """Apply all fixes of a document, also those that may change the journal or behavior."""
    return await _apply(ls, uri, Diagnostic.is_fixable)


async def _apply(ls: Server, uri: str, allowed: Callable[[Diagnostic], bool]) -> bool:
    document = ls.files.documents.get(uri)
    if document is None:
        return False
    edit = await _fix_all(ls, document, allowed)
    result = await ls.workspace_apply_edit_async(lsp.ApplyWorkspaceEditParams(edit, label="rea-lint: apply all fixes"))
    return result.applied


def page(ls: Server, code: str) -> str:
    """The page of a rule with its title, in Markdown; empty if there is no such rule."""
    return next((views.titled(found) for config in _configs(ls) for found in registry.load({code}, config)), "")


def rules(ls: Server) -> list[dict[str, str]]:
    """All rules by code, also those that projects bring."""
    codes = [(config, {entry.code for entry in registry.index(config)}) for config in _configs(ls)]
    found = {each.code: each for config, known in codes for each in registry.load(known, config)}
    return [{"code": code, "name": each.name, "summary": each.page.summary} for code, each in sorted(found.items())]


def _configs(ls: Server) -> tuple[Config, ...]:
    """Those of the projects that have been looked at, and one for when there is none."""
    settled = (project.settled.config for project in ls.files.projects.values() if project.settled is not None)
    return (*settled, Config(Path(), trusted=False))


async def operations(ls: Server, uri: str, name: str) -> list[dict[str, Any]]:
    """Show what a handler journals, and give it."""
    document = ls.files.documents.get(uri)
    if document is None:
        return []
    path = document.path
    lenses, sources = await document.project.ask(lambda settled: (views.lenses(settled.report, path), settled.report.sources))
    lens = next((lens for lens in lenses if lens.name == name), None)
    if lens is None:
        return []
    rows = [f"{Path(entry.path).name}:{sources[entry.path].position(entry.span.start).row}  {entry.text}" for entry in lens.entries]
    ls.window_show_message(lsp.ShowMessageParams(lsp.MessageType.Info, "\n".join([f"{lens.name}: {lens.title}", *rows])))
    return [{"text": entry.text, "location": _location(ls, entry, sources)} for entry in lens.entries]


async def handlers(ls: Server) -> list[dict[str, Any]]:
    """The handlers of all folders, with what they journal."""
    for folder in ls.files.folders:
        ls.files.project(folder)
    found: list[dict[str, Any]] = []
    for project in list(ls.files.projects.values()):
        lenses, sources = await project.ask(lambda settled: (views.lenses(settled.report), settled.report.sources))
        found += (
            {
                "name": lens.name,
                "title": lens.title,
                "location": lsp.Location(ls.files.uri(lens.path), ls.client.range(sources[lens.path], lens.span)),
                "entries": [{"text": entry.text, "location": _location(ls, entry, sources)} for entry in lens.entries],
            }
            for lens in lenses
            if ls.files.owner(lens.path) == project.root
        )
    return found


# -- all of it -----------------------------------------------------------------------------------------------------------

PULLED = lsp.DiagnosticOptions(inter_file_dependencies=True, workspace_diagnostics=True, identifier="rea-lint")
FEATURES: tuple[tuple[str, Callable[..., Any], Any], ...] = (
    (lsp.INITIALIZE, initialize, None),
    (lsp.INITIALIZED, initialized, None),
    (lsp.SHUTDOWN, shutdown, None),
    (lsp.WORKSPACE_DID_CHANGE_CONFIGURATION, settings_changed, None),
    (lsp.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS, folders_changed, None),
    (lsp.WORKSPACE_DID_CHANGE_WATCHED_FILES, files_changed, None),
    (lsp.TEXT_DOCUMENT_DID_OPEN, opened, None),
    (lsp.TEXT_DOCUMENT_DID_CHANGE, changed, None),
    (lsp.TEXT_DOCUMENT_DID_SAVE, saved, None),
    (lsp.TEXT_DOCUMENT_DID_CLOSE, closed, None),
    (
        lsp.TEXT_DOCUMENT_CODE_ACTION,
        code_action,
        lsp.CodeActionOptions(code_action_kinds=[lsp.CodeActionKind.QuickFix, FIX_ALL], resolve_provider=True),
    ),
    (lsp.CODE_ACTION_RESOLVE, resolve_action, None),
    (lsp.TEXT_DOCUMENT_HOVER, hover, None),
    (lsp.TEXT_DOCUMENT_CODE_LENS, code_lens, lsp.CodeLensOptions(resolve_provider=False)),
)
COMMANDS: Mapping[str, Callable[..., Any]] = {
    "fixAll": fix_all,
    "fixAllUnsafe": fix_all_unsafe,
    "page": page,
    "rules": rules,
    "operations": operations,
    "handlers": handlers,
}


class _ToClient(logging.Handler):
    """What is logged goes to the client, from whatever thread; what pygls makes of a request that was given up is not worth a line."""

    def __init__(self, server: Server, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._server = server
        self._loop = loop

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info and isinstance(record.exc_info[1], JsonRpcContentModified):
            return
        kind = lsp.MessageType.Error if record.levelno >= logging.ERROR else lsp.MessageType.Info
        params = lsp.LogMessageParams(kind, self.format(record))
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody is there to read it
            self._loop.call_soon_threadsafe(self._server.window_log_message, params)


def make() -> Server:
    """A server that knows all of its features."""
    server = Server()
    for name, function, options in FEATURES:
        server.feature(name, options)(function)
    for name, function in COMMANDS.items():
        server.command(f"{COMMAND}.{name}")(function)
    return server


def serve() -> int:
    """Talk to a client on stdin and stdout until it leaves; gives 0 if it said that it would, as the protocol has it, and else 1."""
    stdin, stdout = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr  # what is printed by mistake does not reach the client
    gc.disable()  # the worker does it, in its time
    server = make()
    server.start_io(stdin, stdout)
    return 0 if server.is_shut_down else 1
