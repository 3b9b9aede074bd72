"""The plugin of python-lsp-server: findings of the file that is open, and their fixes as code actions.

Our own language server does more (hovers, lenses, fixes of a whole file); this is for those who run pylsp already.
"""

from __future__ import annotations

import threading
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lsprotocol import types as lsp
from lsprotocol.converters import get_converter
from msgspec import Struct, field
from pygls.workspace import PositionCodec
from pylsp import hookimpl, uris

from rea_lint import config as configuration
from rea_lint.config import Config, UserError
from rea_lint.server import actions
from rea_lint.server.convert import SOURCE, Client
from rea_lint.server.project import NOTHING, Checked
from rea_lint.session import Session

if TYPE_CHECKING:
    from collections.abc import Mapping

Json = dict[str, Any]

CLIENT = Client.of(
    lsp.ClientCapabilities(
        text_document=lsp.TextDocumentClientCapabilities(
            publish_diagnostics=lsp.PublishDiagnosticsClientCapabilities(related_information=True, code_description_support=True)
        )
    ),
    PositionCodec(),
)
"""pylsp passes diagnostics on as they are, and counts columns in UTF-16."""


class Opened(Struct, eq=False):
    """A project that files are open in.  pylsp lints in threads; a session is for one at a time."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    session: Session | None = None
    config: Config | None = None
    texts: dict[str, str] = field(default_factory=dict)  # of the open files, by path


@hookimpl  # type: ignore[untyped-decorator]
def pylsp_lint(workspace: Any, document: Any, is_saved: bool) -> list[Json]:
    """The findings of a document.  What depends on the whole project is up to date after the document was opened or saved."""
    try:
        checked = _checked(workspace, document, is_saved=is_saved)
    except UserError as error:
        top = lsp.Range(lsp.Position(0, 0), lsp.Position(0, 0))
        return [_json(lsp.Diagnostic(top, str(error), lsp.DiagnosticSeverity.Error, source=SOURCE))]
    return [_json(shown) for shown in checked.shown]


@hookimpl  # type: ignore[untyped-decorator]
def pylsp_code_actions(workspace: Any, document: Any, range: Json) -> list[Json]:  # noqa: A002 -- pylsp's name
    """For each finding at a place: its fix, and the comments that silence it."""
    try:
        checked = _checked(workspace, document, is_saved=False)
    except UserError:
        return []
    if checked.source is None:
        return []
    stretch = get_converter().structure(range, lsp.Range)
    shown = actions.Document(document.uri, document.version, checked.source)
    return [_json(action) for action in actions.quick_fixes(CLIENT, shown, checked, CLIENT.span(checked.source, stretch))]


def _checked(workspace: Any, document: Any, *, is_saved: bool) -> Checked:
    path = str(document.path)
    config = configuration.load(Path(path))
    opened = _opened(str(config.root))
    with opened.lock:
        session = _session(opened, config, _texts(workspace))
        if is_saved:
            session.refresh()
            findings = tuple(each for each in session.settle(lambda: False).diagnostics if each.path == path)
        else:
            findings = session.check(path)
        source = session.sources.get(path)
        shown = tuple(CLIENT.diagnostic(each, session.sources, uris.from_fs_path, unnecessary=False) for each in findings)
    return Checked(0, source, findings, shown, NOTHING)


@cache
def _opened(_root: str) -> Opened:
    return Opened()


def _session(opened: Opened, config: Config, texts: Mapping[str, str]) -> Session:
    """The session of a project, with the texts of the open files."""
    if opened.session is None or config != opened.config:
        opened.session, opened.config = Session(str(config.root), config), config
        opened.texts.clear()
    for path in opened.texts.keys() - texts.keys():
        opened.session.change(path, None)
        del opened.texts[path]
    for path, text in texts.items():
        if opened.texts.get(path) != text and opened.session.is_within(path):
            opened.session.change(path, text)
            opened.texts[path] = text
    return opened.session


def _texts(workspace: Any) -> dict[str, str]:
    return {str(document.path): document.source for document in list(workspace.documents.values()) if hasattr(document, "source")}


def _json(thing: object) -> Json:
    made: Json = get_converter().unstructure(thing)
    return made
