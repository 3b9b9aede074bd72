"""Between our places and diagnostics and those of the protocol.  The only module that knows in which unit a client counts columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsprotocol import types as lsp
from msgspec import Struct
from pygls.capabilities import get_capability

from rea_lint.diagnostic import Severity
from rea_lint.text import Position, Source, Span

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from pygls.workspace import PositionCodec

    from rea_lint.diagnostic import Diagnostic, Related
    from rea_lint.text import Edit

SOURCE = "rea-lint"
SEVERITIES = {
    Severity.ERROR: lsp.DiagnosticSeverity.Error,
    Severity.WARNING: lsp.DiagnosticSeverity.Warning,
    Severity.INFO: lsp.DiagnosticSeverity.Information,
}


class Client(Struct, frozen=True):
    """What a client can do, as far as it matters here."""

    codec: PositionCodec
    pulls: bool  # asks for diagnostics, and asks again when it is told to; so none are sent to it unasked
    refreshes_lenses: bool
    watches: bool  # can be asked to tell of files that change on the disk
    watches_settings: bool  # can be asked to tell of settings that change
    has_settings: bool  # answers `workspace/configuration`
    related: bool
    tags: bool
    hrefs: bool
    versions: bool  # takes edits, and diagnostics, of a version of a document
    resolves_edits: bool  # asks for the edit of a code action when it is chosen
    preferred: bool
    markdown: bool

    @classmethod
    def of(cls, capabilities: lsp.ClientCapabilities, codec: PositionCodec) -> Client:
        """What is said in `initialize`; what is not said is not there."""

        def has(path: str) -> bool:
            return bool(get_capability(capabilities, path))

        published = "text_document.publish_diagnostics"
        pulled = "text_document.diagnostic"
        action = "text_document.code_action"
        resolves = get_capability(capabilities, f"{action}.resolve_support")
        formats = get_capability(capabilities, "text_document.hover.content_format")
        return cls(
            codec=codec,
            pulls=get_capability(capabilities, pulled) is not None and has("workspace.diagnostics.refresh_support"),
            refreshes_lenses=has("workspace.code_lens.refresh_support"),
            watches=has("workspace.did_change_watched_files.dynamic_registration"),
            watches_settings=has("workspace.did_change_configuration.dynamic_registration"),
            has_settings=has("workspace.configuration"),
            related=has(f"{published}.related_information") or has(f"{pulled}.related_information"),
            tags=bool(has(f"{published}.tag_support") or has(f"{pulled}.tag_support")),
            hrefs=has(f"{published}.code_description_support") or has(f"{pulled}.code_description_support"),
            versions=has("workspace.workspace_edit.document_changes"),
            resolves_edits=resolves is not None and "edit" in resolves.properties and has(f"{action}.data_support"),
            preferred=has(f"{action}.is_preferred_support"),
            markdown=lsp.MarkupKind.Markdown in (formats or ()),
        )

    def place(self, source: Source, offset: int) -> lsp.Position:
        """A character offset as the client counts it."""
        position = source.position(offset)
        return lsp.Position(position.row - 1, self.codec.client_num_units(source.line(position.row)[: position.column - 1]))

    def range(self, source: Source, span: Span) -> lsp.Range:
        """A span as the client counts it."""
        return lsp.Range(self.place(source, span.start), self.place(source, span.end))

    def offset(self, source: Source, place: lsp.Position) -> int:
        """The character offset of a place as the client counts it; what is beyond the end of a line, or of the text, is that end."""
        if place.line >= len(source):
            return len(source.text)
        line = source.line(place.line + 1)
        units = min(place.character, self.codec.client_num_units(line))
        column = self.codec.position_from_client_units([line], lsp.Position(0, units)).character
        return source.offset(Position(place.line + 1, column + 1))

    def span(self, source: Source, stretch: lsp.Range) -> Span:
        """The span of a range as the client counts it."""
        return Span(self.offset(source, stretch.start), self.offset(source, stretch.end))

    def edits(self, source: Source, edits: Iterable[Edit]) -> list[lsp.TextEdit]:
        """Edits of a text, in its order."""
        return [lsp.TextEdit(self.range(source, edit.span), edit.new) for edit in sorted(edits)]

    def diagnostic(
        self, diagnostic: Diagnostic, sources: Mapping[str, Source], uri: Callable[[str], str], *, unnecessary: bool
    ) -> lsp.Diagnostic:
        """A diagnostic for the client.  `unnecessary`: what it is about can go, so that the client may show it faded."""
        return lsp.Diagnostic(
            range=self.range(sources[diagnostic.path], diagnostic.span),
            message=diagnostic.message,
            severity=SEVERITIES[diagnostic.severity],
            code=diagnostic.code,
            code_description=lsp.CodeDescription(diagnostic.url) if self.hrefs else None,
            source=SOURCE,
            tags=[lsp.DiagnosticTag.Unnecessary] if unnecessary and self.tags else None,
            related_information=[self._related(each, sources[each.path], uri) for each in diagnostic.related if each.path in sources]
            if self.related
            else None,
        )

    def _related(self, related: Related, source: Source, uri: Callable[[str], str]) -> lsp.DiagnosticRelatedInformation:
        return lsp.DiagnosticRelatedInformation(lsp.Location(uri(related.path), self.range(source, related.span)), related.message)
