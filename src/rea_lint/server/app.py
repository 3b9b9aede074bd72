"""The language server as a whole: what it answers to which message."""

from __future__ import annotations

import gc
import sys
from typing import TYPE_CHECKING, Any

from lsprotocol import types as lsp

from rea_lint.server import answers, commands, life
from rea_lint.server.actions import FIX_ALL
from rea_lint.server.answers import COMMAND
from rea_lint.server.desk import Server

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


FEATURES: tuple[tuple[str, Callable[..., Any], Any], ...] = (
    (lsp.INITIALIZE, life.initialize, None),
    (lsp.INITIALIZED, life.initialized, None),
    (lsp.SHUTDOWN, life.shutdown, None),
    (lsp.WORKSPACE_DID_CHANGE_CONFIGURATION, life.settings_changed, None),
    (lsp.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS, life.folders_changed, None),
    (lsp.WORKSPACE_DID_CHANGE_WATCHED_FILES, life.files_changed, None),
    (lsp.TEXT_DOCUMENT_DID_OPEN, life.opened, None),
    (lsp.TEXT_DOCUMENT_DID_CHANGE, life.changed, None),
    (lsp.TEXT_DOCUMENT_DID_SAVE, life.saved, None),
    (lsp.TEXT_DOCUMENT_DID_CLOSE, life.closed, None),
    (
        lsp.TEXT_DOCUMENT_CODE_ACTION,
        answers.code_action,
        lsp.CodeActionOptions(code_action_kinds=[lsp.CodeActionKind.QuickFix, FIX_ALL], resolve_provider=True),
    ),
    (lsp.CODE_ACTION_RESOLVE, answers.resolve_action, None),
    (lsp.TEXT_DOCUMENT_HOVER, answers.hover, None),
    (lsp.TEXT_DOCUMENT_CODE_LENS, answers.code_lens, lsp.CodeLensOptions(resolve_provider=False)),
)
COMMANDS: Mapping[str, Callable[..., Any]] = {
    "fixAll": commands.fix_all,
    "fixAllUnsafe": commands.fix_all_unsafe,
    "page": commands.page,
    "rules": commands.rules,
    "operations": commands.operations,
    "handlers": commands.handlers,
}


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
