"""One client: what is looked at for it, and when, and what it has been told.  Lives on the event loop; what lints runs on the worker."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import traceback
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from lsprotocol import types as lsp
from pygls.exceptions import FeatureRequestError, JsonRpcContentModified
from pygls.lsp.server import LanguageServer
from pygls.protocol import LanguageServerProtocol, default_converter

from rea_lint import __version__, rule
from rea_lint.server.actions import Document
from rea_lint.server.project import NOTHING, Project
from rea_lint.server.worker import PATIENT, Worker
from rea_lint.server.workspace import Workspace
from rea_lint.text import Source

if TYPE_CHECKING:
    from collections.abc import Callable

    from pygls.server import ServerErrors

    from rea_lint.config import Config, UserError
    from rea_lint.rule import InternalError
    from rea_lint.server.convert import Client
    from rea_lint.server.project import Settled
    from rea_lint.server.workspace import Open

log = logging.getLogger("rea_lint.server")


class Protocol(LanguageServerProtocol):
    """The protocol, without what pygls 2.1 leaves of every notification: a future, for ever."""

    def _handle_notification(self, method_name: str, params: Any) -> None:
        super()._handle_notification(method_name, params)
        for message in [message for message, future in self._request_futures.items() if future.done()]:
            del self._request_futures[message]


class Server(LanguageServer):
    """One client, and what it has been told."""

    client: Client

    def __init__(self) -> None:
        """Nothing is looked at before the client says who it is."""
        # Whole texts: pygls counts lines at form feeds too, so that edits of parts of a text would go astray in some files.
        super().__init__(
            "rea-lint",
            __version__,
            text_document_sync_kind=lsp.TextDocumentSyncKind.Full,
            protocol_cls=Protocol,
            converter_factory=default_converter,
        )
        self.files = Workspace(self._project)
        self.shows_operations = False
        self.shows_messages = False  # by itself, beside what a hover answers
        self.is_shut_down = False
        self.news = asyncio.Event()  # something has been looked at
        self._worker = Worker()
        self._told: dict[str, str] = {}  # path -> the number of what the client was last told of it
        self._versions: dict[str, int | None] = {}  # path -> the version of the document that it was told of
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
        self._stop_following(project.root)
        self._followers[project.root] = asyncio.create_task(self._follow(project))

    def drop(self, root: str) -> None:
        """A project is there no more."""
        self._stop_following(root)
        self._touched.pop(root, None)
        self._complaints.pop(root, None)

    def _stop_following(self, root: str) -> None:
        follower = self._followers.pop(root, None)
        if follower is not None:
            follower.cancel()

    def look_at_all(self) -> None:
        """Look at everything again: what it is judged by has changed."""
        self.files.rearrange()
        for root in self._followers.keys() - self.files.projects.keys():
            self.drop(root)
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
        """Tell a client that does not pull what is to be said of a file, unless it has been told.

        Of another version it is told also if that is the same: some clients pass over what is said of an older one.
        """
        uri = uri or self.files.uri(path)
        version = self.version_of(uri)
        told = self._told.get(path, NOTHING)
        if self.client.pulls or (told == number and (number == NOTHING or self._versions.get(path) == version)):
            return
        self.remember(path, number)
        self._versions[path] = version
        self.text_document_publish_diagnostics(lsp.PublishDiagnosticsParams(uri, shown, version=version))

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


class ToClient(logging.Handler):
    """What is logged goes to the client, from whatever thread; what pygls makes of a request that was given up is not worth a line."""

    def __init__(self, server: Server, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._server = server
        self._loop = loop

    def emit(self, record: logging.LogRecord) -> None:
        """Send a line."""
        if record.exc_info and isinstance(record.exc_info[1], JsonRpcContentModified):
            return
        kind = lsp.MessageType.Error if record.levelno >= logging.ERROR else lsp.MessageType.Info
        params = lsp.LogMessageParams(kind, self.format(record))
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody is there to read it
            self._loop.call_soon_threadsafe(self._server.window_log_message, params)
