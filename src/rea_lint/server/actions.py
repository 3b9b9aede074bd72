"""Code actions: the fix of a finding, the comments that silence it, and all safe fixes of a file at once."""

from __future__ import annotations

import difflib
from itertools import accumulate
from typing import TYPE_CHECKING

from lsprotocol import types as lsp
from msgspec import Struct

from rea_lint import fixes, ignoring
from rea_lint.diagnostic import Applicability
from rea_lint.text import Edit, Span, lines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from rea_lint.diagnostic import Diagnostic
    from rea_lint.server.convert import Client
    from rea_lint.server.project import Checked
    from rea_lint.session import Session
    from rea_lint.text import Source

FIX_ALL = f"{lsp.CodeActionKind.SourceFixAll.value}.rea-lint"


class Document(Struct, frozen=True):
    """A text that the client shows."""

    uri: str
    version: int | None
    source: Source


def wants(only: Sequence[lsp.CodeActionKind | str] | None, kind: str) -> bool:
    """Whether a client that asked for some kinds of action (or, with None, for all) takes one of this kind."""
    asked = None if only is None else [each.value if isinstance(each, lsp.CodeActionKind) else each for each in only]
    return asked is None or any(not each or kind == each or kind.startswith(f"{each}.") for each in asked)


def quick_fixes(client: Client, document: Document, checked: Checked, span: Span) -> Iterator[lsp.CodeAction]:
    """For each finding at a place: its fix, and the comments that silence it."""
    near = [
        (finding, shown)
        for finding, shown in zip(checked.findings, checked.shown, strict=True)
        if finding.span.start <= span.end and span.start <= finding.span.end
    ]
    for finding, shown in near:
        fix = finding.fix
        if fix is None or not finding.is_fixable():
            continue
        is_safe = fix.applicability is Applicability.SAFE
        yield lsp.CodeAction(
            title=f"{fix.title} ({finding.code}{'' if is_safe else ', unsafe'})",
            kind=lsp.CodeActionKind.QuickFix,
            diagnostics=[shown],
            is_preferred=True if is_safe and client.preferred else None,
            edit=workspace_edit(client, document, fix.edits),
        )
    if near and fixes.parses(document.source.text):  # no comment is read in a file that Python cannot read
        for finding, shown in near:
            line = ignoring.edits(document.source, [(finding.span, finding.code)])
            for where, edits in (("line", line), ("file", [ignoring.in_file(document.source, [finding.code])])):
                if edits:
                    yield lsp.CodeAction(
                        title=f"Disable {finding.code} ({finding.name}) for this {where}",
                        kind=lsp.CodeActionKind.QuickFix,
                        diagnostics=[shown],
                        edit=workspace_edit(client, document, edits),
                    )


def is_safe(diagnostic: Diagnostic) -> bool:
    """Whether a finding has a fix that keeps meaning and journal."""
    return diagnostic.is_fixable(Applicability.SAFE)


def fix_all(session: Session, path: str, text: str, allowed: Callable[[Diagnostic], bool]) -> list[Edit]:
    """The edits that all allowed fixes of a file come to, and those that they make room for.  The session has another text then."""

    def diagnose(changed: Mapping[str, str]) -> Sequence[Diagnostic]:
        session.change(path, changed.get(path, text))
        return session.check(path)

    fixed = fixes.settle({path: text}, diagnose, allowed)
    return _changes(text, fixed.texts.get(path, text))


def _changes(before: str, after: str) -> list[Edit]:
    """Edits of whole lines that make one text of another: a client keeps cursor and folds in all other lines."""
    old, new = lines(before), lines(after)
    starts = [0, *accumulate(map(len, old))]
    return [
        Edit(Span(starts[i], starts[j]), "".join(new[k:m]))
        for what, i, j, k, m in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
        if what != "equal"
    ]


def workspace_edit(client: Client, document: Document, edits: Iterable[Edit]) -> lsp.WorkspaceEdit:
    """Edits of a document; of this version of it, if the client can tell versions apart."""
    made = client.edits(document.source, edits)
    if not client.versions:
        return lsp.WorkspaceEdit(changes={document.uri: made})
    identifier = lsp.OptionalVersionedTextDocumentIdentifier(uri=document.uri, version=document.version)
    return lsp.WorkspaceEdit(document_changes=[lsp.TextDocumentEdit(identifier, list(made))])
