"""What a client asks about a document: diagnostics, code actions, hovers, code lenses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcContentModified

from rea_lint.server import actions, views
from rea_lint.server.actions import FIX_ALL
from rea_lint.server.project import NOTHING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rea_lint.diagnostic import Diagnostic
    from rea_lint.server.desk import Server
    from rea_lint.server.project import Checked
    from rea_lint.server.views import Entry, Lens
    from rea_lint.server.workspace import Open
    from rea_lint.text import Source

PULLED = lsp.DiagnosticOptions(inter_file_dependencies=True, workspace_diagnostics=True, identifier="rea-lint")
COMMAND = "rea-lint.server"  # how the names of our commands begin


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
            all_safe.edit = await fix_all(ls, document, actions.is_safe)
        found.append(all_safe)
    return found


async def resolve_action(ls: Server, action: lsp.CodeAction) -> lsp.CodeAction:
    """The edit of an action that was chosen."""
    document = ls.files.documents.get(action.data) if isinstance(action.data, str) else None
    if document is not None:
        action.edit = await fix_all(ls, document, actions.is_safe)
    return action


async def fix_all(ls: Server, document: Open, allowed: Callable[[Diagnostic], bool]) -> lsp.WorkspaceEdit:
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
            lens.title, "rea-lint.showOperations", arguments=[uri, place, [location(ls, entry, sources) for entry in lens.entries]]
        )
    return lsp.Command(lens.title, f"{COMMAND}.operations", arguments=[uri, lens.name])


def location(ls: Server, entry: Entry, sources: Mapping[str, Source]) -> lsp.Location:
    """Where something that is journaled stands."""
    return lsp.Location(ls.files.uri(entry.path), ls.client.range(sources[entry.path], entry.span))
