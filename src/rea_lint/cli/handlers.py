"""`rea-lint handlers`: the audit view.  What is registered where, what it journals in which order, and what effects reach it."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rea_lint.cli import CLEAN, CONTEXT, FAILED, complain
from rea_lint.cli.settings import settings

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Iterator, Sequence

    from rea_lint.engine import Report
    from rea_lint.project import Handler, Project, Service
    from rea_lint.text import Position, Span

Shown = dict[str, Any]


@click.command("handlers", context_settings=CONTEXT)
@click.argument("paths", nargs=-1, type=click.Path(readable=False))
@click.option("--graph", is_flag=True, help="Show who calls whom instead: calls, messages, promises.")
@click.option(
    "--output-format",
    type=click.Choice(["text", "json", "mermaid", "dot"]),
    default="text",
    help="How to show them; Mermaid and DOT draw the graph.",
)
@click.option("--config", multiple=True, metavar="FILE|KEY=VALUE", help="A configuration file to use, or an option as TOML; repeatable.")
@click.option("--isolated", is_flag=True, help="Read no configuration file.")
@click.option("-v", "--verbose", is_flag=True, help="Show tracebacks of internal errors.")
def command(paths: Sequence[str], output_format: str, config: Sequence[str], *, graph: bool, isolated: bool, verbose: bool) -> int:
    """Show the services and handlers in PATHS (default: this folder).

    For each handler: its durable operations and steps in source order, through the functions it calls, and the effects that
    reach it outside steps.  With --graph: the calls, messages and promises between handlers, with their keys.
    """
    from rea_lint import engine, files
    from rea_lint.cli.graph import draw
    from rea_lint.report import count

    paths = paths or ["."]
    options = settings(paths, config, {}, isolated=isolated)
    discovery = files.discover(paths, options)
    report = engine.overview(discovery.files, discovery.config)
    services = list(_services(report, discovery.reported))
    here = str(Path.cwd()) + os.sep
    if graph or output_format in {"mermaid", "dot"}:
        print(draw(report, discovery.reported, output_format, lambda path: path.removeprefix(here)))
    elif output_format == "json":
        print(json.dumps(services, indent=2, ensure_ascii=False))
    else:
        print("\n".join(line for service in services for line in _lines(service, lambda path: path.removeprefix(here))))
    handlers = sum(len(service["handlers"]) for service in services)
    found = f"{count(handlers, 'handler')} in {count(len(services), 'service')}"
    print(f"Looked at {count(discovery.looked_at, 'file')}: {found}.", file=sys.stderr)
    for error in report.errors:
        complain(error.traceback.strip().splitlines()[-1], error.path, error.traceback, verbose=verbose)
    return FAILED if report.errors else CLEAN


def _services(report: Report, reported: Container[str]) -> Iterator[Shown]:
    """Each service with its handlers in the reported files, by place; handlers of an unknown service last."""
    shown: dict[tuple[str, Span], Shown] = {}
    for project in report.projects:
        for service in project.services:
            handlers = [handler for handler in service.handlers if handler.path in reported]
            if handlers or service.path in reported:
                shown.setdefault((service.path, service.span), _service(service, handlers, project, report))
        known = {(h.path, h.span) for service in project.services for h in service.handlers}
        for handler in project.handlers:
            if (handler.path, handler.span) not in known and handler.path in reported:
                item = {"name": handler.service, "kind": "unknown", **_place(report, handler.path, handler.span)}
                shown.setdefault((handler.path, handler.span), {**item, "handlers": [_handler(handler, project, report)]})
    yield from (shown[place] for place in sorted(shown))


def _service(service: Service, handlers: Iterable[Handler], project: Project, report: Report) -> Shown:
    return {
        "name": service.name,
        "kind": service.kind,
        **_place(report, service.path, service.span),
        "handlers": [_handler(handler, project, report) for _, handler in sorted({(h.path, h.span, h.name): h for h in handlers}.items())],
    }


def _handler(handler: Handler, project: Project, report: Report) -> Shown:
    walk = _Walk(project, report, {handler.function}, [])
    journal = walk.journal(handler.function)
    return {
        "name": handler.name,
        "kind": handler.kind,
        **_place(report, handler.path, handler.span),
        "journal": journal,
        "effects": walk.effects,
    }


def _place(report: Report, path: str, span: Span) -> Shown:
    position: Position = report.sources[path].position(span.start)
    return {"filename": path, "location": position._asdict()}


@dataclass(frozen=True, slots=True)
class _Walk:
    """One handler, followed through the functions it calls; each is shown where it is called first."""

    project: Project
    report: Report
    seen: set[str]
    effects: list[Shown]

    def journal(self, function: str) -> list[Shown]:
        """What a function journals, in source order."""
        path = self.project.path_of(function)
        found: dict[Span, Shown] = {}
        for operation in self.project.operations(function):
            found[operation.call.span] = {"what": "operation", "name": operation.method}
        for step in self.project.steps(function):
            name = step.call.argument(0, "name")
            text = name.text if name is not None else None
            found[step.call.span] = {"what": "step", "name": text or (step.actions[0] if step.actions else "")}
        for use in self.project.uses(function):
            chain = [hop.name for hop in use.chain]
            self.effects.append({"effect": use.effect.value, "name": chain[-1], **_place(self.report, path, use.span), "chain": chain})
        for edge in self.project.calls(function):
            if edge.span in found or edge.target in self.seen or edge.target not in self.project.functions:
                continue
            self.seen.add(edge.target)
            inside = self.journal(edge.target)
            if inside:
                found[edge.span] = {"what": "call", "name": edge.target, "inside": inside}
        return [{**found[span], **_place(self.report, path, span)} for span in sorted(found)]


def _lines(service: Shown, name: Callable[[str], str]) -> Iterator[str]:
    yield f"{service['name']} ({service['kind']}) {_at(service, name)}"
    for handler in service["handlers"]:
        yield f"  {handler['name']} ({handler['kind']}) {_at(handler, name)}"
        yield from _journal_lines(handler["journal"], handler["filename"], "    ", name)
        for effect in handler["effects"]:
            way = " -> ".join(effect["chain"])
            yield f"    {_row(effect, handler['filename'], name)}  {effect['effect']} outside a step: {way}"
    yield ""


def _journal_lines(journal: Iterable[Shown], within: str, indent: str, name: Callable[[str], str]) -> Iterator[str]:
    for entry in journal:
        said = {"step": f'step "{entry["name"]}"', "call": f"{entry['name']}:"}.get(entry["what"], entry["name"])
        yield f"{indent}{_row(entry, within, name)}  {said}"
        yield from _journal_lines(entry.get("inside", ()), entry["filename"], indent + "      ", name) if entry.get("inside") else ()


def _row(entry: Shown, within: str, name: Callable[[str], str]) -> str:
    return f"{entry['location']['row']:>4}" if entry["filename"] == within else _at(entry, name)


def _at(entry: Shown, name: Callable[[str], str]) -> str:
    return f"{name(entry['filename'])}:{entry['location']['row']}"
