"""An editor in a test: a client of the real `rea-lint server`, with documents whose texts it counts in its own unit."""

from __future__ import annotations

import asyncio
import sys
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pytest_lsp
from lsprotocol import types as lsp
from pygls.workspace import PositionCodec, TextDocument

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence

    from pytest_lsp import LanguageClient

Answer = TypeVar("Answer")
PATIENCE = 60  # seconds; a loaded machine is slow, and nothing is measured by it


@dataclass
class Editor:
    """A client with open documents.  Texts are by URI, as they are in the editor."""

    client: LanguageClient
    encoding: lsp.PositionEncodingKind | str
    pulls: bool
    texts: dict[str, str] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)
    published: list[lsp.PublishDiagnosticsParams] = field(default_factory=list)
    registered: list[str] = field(default_factory=list)
    lens_refreshes: int = 0

    def open(self, path: Path | str, text: str | None = None, language: str = "python") -> str:
        """Show a file, or (given a URI) a document that has no file; gives its URI."""
        uri = path.as_uri() if isinstance(path, Path) else path
        self.texts[uri] = Path(path).read_bytes().decode() if text is None and isinstance(path, Path) else text or ""
        self.versions[uri] = 1
        item = lsp.TextDocumentItem(uri, language, 1, self.texts[uri])
        self.client.text_document_did_open(lsp.DidOpenTextDocumentParams(item))
        return uri

    def type(self, uri: str, text: str) -> None:
        """Make a document's text another one."""
        self.texts[uri] = text
        self.versions[uri] += 1
        identifier = lsp.VersionedTextDocumentIdentifier(uri=uri, version=self.versions[uri])
        whole = [lsp.TextDocumentContentChangeWholeDocument(text)]
        self.client.text_document_did_change(lsp.DidChangeTextDocumentParams(identifier, whole))

    def save(self, uri: str) -> None:
        """Write a document to the disk, if it is a file."""
        path = Path(TextDocument(uri).path)
        path.write_bytes(self.texts[uri].encode())
        self.client.text_document_did_save(lsp.DidSaveTextDocumentParams(lsp.TextDocumentIdentifier(uri)))

    def close(self, uri: str) -> None:
        """Show a document no more."""
        self.client.text_document_did_close(lsp.DidCloseTextDocumentParams(lsp.TextDocumentIdentifier(uri)))
        del self.texts[uri]

    def tell_of(self, *paths: Path, kind: lsp.FileChangeType = lsp.FileChangeType.Changed) -> None:
        """Tell that files have changed on the disk."""
        events = [lsp.FileEvent(path.as_uri(), kind) for path in paths]
        self.client.workspace_did_change_watched_files(lsp.DidChangeWatchedFilesParams(events))

    async def diagnostics(self, uri: str) -> Sequence[lsp.Diagnostic]:
        """What is said of a document as it is now."""
        if self.pulls:
            report = await soon(self.client.text_document_diagnostic_async(lsp.DocumentDiagnosticParams(lsp.TextDocumentIdentifier(uri))))
            assert isinstance(report, lsp.RelatedFullDocumentDiagnosticReport)
            return report.items
        version = self.versions[uri]
        await until(lambda: any(p.uri == uri and p.version == version for p in self.published), lambda: f"version {version} of {uri}")
        return self.client.diagnostics[uri]

    async def codes(self, uri: str, *expected: str) -> None:
        """Wait until that is what is said of a document; fails if it never is."""
        found: list[str] = []
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            items = await self.diagnostics(uri) if self.pulls else self.client.diagnostics.get(uri, ())
            found = sorted(str(item.code) for item in items)
            if found == sorted(expected):
                return
            await asyncio.sleep(0.05)
        raise AssertionError(f"{uri}: {found}, not {sorted(expected)}")

    def document(self, uri: str) -> TextDocument:
        """A document, in which the client's places can be looked up."""
        return TextDocument(uri, self.texts[uri], position_codec=PositionCodec(self.encoding))

    def range_of(self, uri: str, words: str) -> lsp.Range:
        """Where words stand first, as this client counts."""
        document = self.document(uri)
        start = self.texts[uri].index(words)
        return lsp.Range(document.client_position_at_offset(start), document.client_position_at_offset(start + len(words)))

    def text_at(self, uri: str, stretch: lsp.Range) -> str:
        """What stands in a range, as this client counts."""
        return self.document(uri).text_in_client_range(stretch)

    async def actions(self, uri: str, words: str, only: Sequence[str] | None = None) -> dict[str, lsp.CodeAction]:
        """The code actions where words stand first, by title."""
        context = lsp.CodeActionContext(diagnostics=[], only=only)
        params = lsp.CodeActionParams(lsp.TextDocumentIdentifier(uri), self.range_of(uri, words), context)
        found = await soon(self.client.text_document_code_action_async(params))
        return {action.title: action for action in found or [] if isinstance(action, lsp.CodeAction)}

    def apply(self, edit: lsp.WorkspaceEdit | None) -> None:
        """Make the edits that the server wants."""
        assert edit is not None
        changes: list[tuple[str, Sequence[Any]]] = list((edit.changes or {}).items())
        for change in edit.document_changes or []:
            assert isinstance(change, lsp.TextDocumentEdit)
            assert change.text_document.version == self.versions[change.text_document.uri]
            changes.append((change.text_document.uri, change.edits))
        for uri, edits in changes:
            document = self.document(uri)
            text = self.texts[uri]
            spans = [(document.offset_at_position(e.range.start), document.offset_at_position(e.range.end), e.new_text) for e in edits]
            for start, end, new in reversed(spans):
                text = text[:start] + new + text[end:]
            self.type(uri, text)

    async def hover(self, uri: str, words: str) -> str | None:
        """What is shown over words."""
        start = self.range_of(uri, words).start
        found = await soon(self.client.text_document_hover_async(lsp.HoverParams(lsp.TextDocumentIdentifier(uri), start)))
        if found is None:
            return None
        assert isinstance(found.contents, lsp.MarkupContent)
        return found.contents.value

    async def lenses(self, uri: str) -> Sequence[lsp.CodeLens]:
        """What stands above handlers."""
        return await soon(self.client.text_document_code_lens_async(lsp.CodeLensParams(lsp.TextDocumentIdentifier(uri)))) or ()

    async def run(self, command: str, *arguments: Any) -> Any:
        """What a command of the server gives."""
        return await soon(self.client.workspace_execute_command_async(lsp.ExecuteCommandParams(command, arguments=arguments)))


async def soon(answer: Awaitable[Answer]) -> Answer:
    """An answer; fails if it never comes."""
    return await asyncio.wait_for(answer, PATIENCE)


async def until(claim: Callable[[], bool], what: Callable[[], str] = lambda: "it never came") -> None:
    """Wait until a claim is true; fails if it never is."""
    end = time.monotonic() + PATIENCE
    while not claim():
        assert time.monotonic() < end, what()
        await asyncio.sleep(0.01)


@asynccontextmanager
async def editor(
    *folders: Path,
    capabilities: lsp.ClientCapabilities | None = None,
    options: Mapping[str, Any] | None = None,
    settings: Mapping[str, Any] | None = None,
) -> AsyncIterator[Editor]:
    """An editor that has started a server for some folders, and leaves in good order."""
    client = pytest_lsp.make_test_lsp_client()
    capabilities = capabilities or neovim()
    pulls = bool(capabilities.workspace and capabilities.workspace.diagnostics and capabilities.workspace.diagnostics.refresh_support)
    shown = Editor(client, lsp.PositionEncodingKind.Utf16, pulls)
    if settings is not None:
        client.set_configuration({"rea-lint": dict(settings)})
    _listen(client, shown)
    await client.start_io(sys.executable, "-m", "rea_lint", "server", "--stdio")
    try:
        params = lsp.InitializeParams(
            capabilities=capabilities,
            initialization_options=options,
            workspace_folders=[lsp.WorkspaceFolder(folder.as_uri(), folder.name) for folder in folders],
        )
        result = await soon(client.initialize_session(params))
        shown.encoding = result.capabilities.position_encoding or lsp.PositionEncodingKind.Utf16
        yield shown
        await soon(client.shutdown_session())
    finally:
        if client._server is not None and client._server.returncode is None:
            client._server.kill()  # a test failed: nobody said goodbye
        await client.stop()  # type: ignore[no-untyped-call]


def _listen(client: LanguageClient, shown: Editor) -> None:
    def publish(params: lsp.PublishDiagnosticsParams) -> None:
        client.diagnostics[params.uri] = params.diagnostics
        shown.published.append(params)

    def register(params: lsp.RegistrationParams) -> None:
        shown.registered += (registration.method for registration in params.registrations)

    def refresh(_params: None) -> None:
        shown.lens_refreshes += 1

    def apply(params: lsp.ApplyWorkspaceEditParams) -> lsp.ApplyWorkspaceEditResult:
        shown.apply(params.edit)
        return lsp.ApplyWorkspaceEditResult(applied=True)

    del client.protocol.fm.features[lsp.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS]
    client.feature(lsp.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)(publish)
    client.feature(lsp.CLIENT_REGISTER_CAPABILITY)(register)
    client.feature(lsp.WORKSPACE_CODE_LENS_REFRESH)(refresh)
    client.feature(lsp.WORKSPACE_APPLY_EDIT)(apply)


async def soak(shown: Editor, uri: str, edits: int, *, every: int = 500) -> tuple[list[float], list[tuple[int, float]]]:
    """Type in a document for a long time, now and then with a rest.

    Gives the seconds from each change to what is said of it, and how many megabytes the server has after how many edits.
    """
    text = shown.texts[uri]
    at = text.rindex("    return")
    seconds, memory = [], [(0, _megabytes(shown))]
    for number in range(1, edits + 1):
        shown.type(uri, f"{text[:at]}    value{number % 7} = {'x' * (number % 11)!r}\n{text[at:]}")
        start = time.perf_counter()
        await shown.diagnostics(uri)
        seconds.append(time.perf_counter() - start)
        if number % every == 0:
            await shown.lenses(uri)  # which waits until typing rests and all files have been looked at
            await asyncio.sleep(1)  # and a moment to tidy up
            memory.append((number, _megabytes(shown)))
        elif number % 50 == 0:
            await asyncio.sleep(1)
        else:
            await asyncio.sleep(0.1)
    return seconds, memory


def _megabytes(shown: Editor) -> float:
    """What the server's process has in memory."""
    assert shown.client._server is not None
    status = Path(f"/proc/{shown.client._server.pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS:")).split()[1]) / 1024


# -- what clients say that they can do -----------------------------------------------------------------------------------


def neovim() -> lsp.ClientCapabilities:
    """Neovim 0.7, as it says: takes what is pushed, counts in UTF-16 and says nothing of it."""
    return pytest_lsp.client_capabilities("neovim@v0.7.0")


def vscode() -> lsp.ClientCapabilities:
    """VS Code: pulls, watches files, answers for its settings, resolves actions.  What it said in 2022, and what it says besides today."""
    capabilities = pytest_lsp.client_capabilities("visual-studio-code")
    capabilities.general = lsp.GeneralClientCapabilities(position_encodings=[lsp.PositionEncodingKind.Utf16])
    assert capabilities.text_document is not None
    assert capabilities.workspace is not None
    capabilities.text_document.diagnostic = lsp.DiagnosticClientCapabilities(dynamic_registration=True, related_document_support=False)
    capabilities.workspace.diagnostics = lsp.DiagnosticWorkspaceClientCapabilities(refresh_support=True)
    return capabilities


def helix() -> lsp.ClientCapabilities:
    """Helix (and Neovim 0.12): counts in UTF-8, takes what is pushed."""
    return _pushed([lsp.PositionEncodingKind.Utf8, lsp.PositionEncodingKind.Utf32, lsp.PositionEncodingKind.Utf16])


def emacs() -> lsp.ClientCapabilities:
    """Emacs 29 and later: counts in characters."""
    return _pushed([lsp.PositionEncodingKind.Utf32, lsp.PositionEncodingKind.Utf8, lsp.PositionEncodingKind.Utf16])


def _pushed(encodings: Iterable[lsp.PositionEncodingKind]) -> lsp.ClientCapabilities:
    literals = lsp.ClientCodeActionLiteralOptions(
        lsp.ClientCodeActionKindOptions([lsp.CodeActionKind.QuickFix, lsp.CodeActionKind.SourceFixAll])
    )
    return lsp.ClientCapabilities(
        general=lsp.GeneralClientCapabilities(position_encodings=list(encodings)),
        text_document=lsp.TextDocumentClientCapabilities(
            publish_diagnostics=lsp.PublishDiagnosticsClientCapabilities(version_support=True),
            code_action=lsp.CodeActionClientCapabilities(code_action_literal_support=literals),
            hover=lsp.HoverClientCapabilities(content_format=[lsp.MarkupKind.Markdown]),
        ),
        workspace=lsp.WorkspaceClientCapabilities(workspace_edit=lsp.WorkspaceEditClientCapabilities(document_changes=True)),
    )
