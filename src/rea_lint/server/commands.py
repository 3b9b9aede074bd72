"""The commands of the server, for code lenses, plugins and editors that know no code actions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from lsprotocol import types as lsp

from rea_lint import registry
from rea_lint.config import Config
from rea_lint.diagnostic import Diagnostic
from rea_lint.server import actions, answers, views
from rea_lint.server.desk import Server  # noqa: TC001 -- pygls reads the annotations of commands

if TYPE_CHECKING:
    from collections.abc import Callable


async def fix_all(ls: Server, uri: str) -> bool:
    """Apply all safe fixes of a document."""
    return await _apply(ls, uri, actions.is_safe)


async def fix_all_unsafe(ls: Server, uri: str) -> bool:
    """Apply all fixes of a document, also those that may change the journal or behaviour."""
    return await _apply(ls, uri, Diagnostic.is_fixable)


async def _apply(ls: Server, uri: str, allowed: Callable[[Diagnostic], bool]) -> bool:
    document = ls.files.documents.get(uri)
    if document is None:
        return False
    edit = await answers.fix_all(ls, document, allowed)
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
    return [{"text": entry.text, "location": answers.location(ls, entry, sources)} for entry in lens.entries]


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
                "entries": [{"text": entry.text, "location": answers.location(ls, entry, sources)} for entry in lens.entries],
            }
            for lens in lenses
            if ls.files.owner(lens.path) == project.root
        )
    return found
