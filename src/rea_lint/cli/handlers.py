"""`rea-lint handlers`: the audit view.  What is registered where, what it journals in which order, and what of it is not known."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import click

from rea_lint.cli import CLEAN, CONTEXT, relative
from rea_lint.cli.options import with_configuration
from rea_lint.cli.settings import settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from rea_lint.cli.audit import Shown

    Line = tuple[int, str, str]  # depth, row or place, text

GRAPH_ONLY = frozenset({"mermaid", "dot"})


@with_configuration
@click.command("handlers", context_settings=CONTEXT)
@click.argument("paths", nargs=-1, type=click.Path(readable=False))
@click.option("--graph", is_flag=True, help="Show who calls whom instead: calls, messages, promises.")
@click.option(
    "--output-format",
    type=click.Choice(["text", "json", "markdown", "mermaid", "dot"]),
    default="text",
    help="How to show them; Mermaid and DOT draw the graph, and Markdown does not.",
)
@click.option("-v", "--verbose", is_flag=True, help="Show tracebacks of internal errors.")
def command(paths: Sequence[str], output_format: str, config: Sequence[str], *, graph: bool, isolated: bool, verbose: bool) -> int:
    """Show the services and handlers in PATHS (default: this folder).

    For each handler: its durable operations and steps in source order, through the functions it calls; the handlers it calls; what
    its steps do; the effects that reach it outside steps; and the calls of which it is not known what they do.  With --graph: the
    calls, messages and promises between handlers, with their keys.
    """
    from rea_lint import engine
    from rea_lint.cli.audit import services as audited
    from rea_lint.cli.graph import draw
    from rea_lint.cli.telling import failed
    from rea_lint.discovery import discover
    from rea_lint.report import count

    paths = paths or ["."]
    options = settings(paths, config, {}, isolated=isolated)
    discovery = discover(paths, options)
    report = engine.overview(discovery.files, discovery.config)
    services = list(audited(report, discovery.reported))

    if graph and output_format == "markdown":
        raise click.UsageError("--graph is drawn as text, json, mermaid or dot.")
    if graph or output_format in GRAPH_ONLY:
        print(draw(report, discovery.reported, output_format, relative))
    elif output_format == "json":
        print(json.dumps(services, indent=2, ensure_ascii=False))
    else:
        write = _markdown if output_format == "markdown" else _text
        print("\n".join(line for service in services for line in write(service, relative)))
    handlers = sum(len(service["handlers"]) for service in services)
    found = f"{count(handlers, 'handler')} in {count(len(services), 'service')}"
    unknown = sum(len(handler["unresolved"]) for service in services for handler in service["handlers"])
    silent = f"; of {count(unknown, 'call')} it is not known what they do" if unknown else ""
    print(f"Looked at {count(discovery.looked_at, 'file')}: {found}{silent}.", file=sys.stderr)
    return failed(report, verbose=verbose) if report.errors else CLEAN


def _text(service: Shown, name: Callable[[str], str]) -> Iterator[str]:
    yield f"{service['name']} ({service['kind']}) {_at(service, name)}"
    for handler in service["handlers"]:
        yield f"  {handler['name']} ({handler['kind']}) {_at(handler, name)}"
        for depth, place, said in _lines(handler, name, str):
            yield f"    {'      ' * depth}{place:>4}  {said}" if place else f"    {'      ' * depth}{said}"
    yield ""


def _markdown(service: Shown, name: Callable[[str], str]) -> Iterator[str]:
    def code(text: str) -> str:
        fence = "``" if "`" in text else "`"
        return f"{fence}{text}{fence}"

    yield from (f"## {service['name']}", "", f"{service['kind']}, {code(_at(service, name))}", "")
    for handler in service["handlers"]:
        yield from (f"### {service['name']}.{handler['name']}", "", f"{handler['kind']}, {code(_at(handler, name))}", "")
        for depth, place, said in _lines(handler, name, code):
            yield f"{'  ' * depth}- {said}{f' (line {place})' if place.isdecimal() else f' ({place})' if place else ''}"
        yield ""


def _lines(handler: Shown, name: Callable[[str], str], code: Callable[[str], str]) -> Iterator[Line]:
    """What there is to say of a handler; `code` says how code is written."""
    yield from _journal(handler["journal"], handler["filename"], 0, name, code)
    state = [f"{verb} {', '.join(map(code, handler['state'][verb]))}" for verb in ("reads", "writes") if handler["state"][verb]]
    if state:
        yield 0, "", f"state: {'; '.join(state)}"
    for effect in handler["effects"]:
        yield 0, _row(effect, handler["filename"], name), f"{effect['effect']} outside a step: {_way(effect, code)}"
    for each in handler["unresolved"]:
        what = "what is called is not known" if each["name"] is None else f"nothing is known of {code(each['name'])}"
        yield 0, _row(each, handler["filename"], name), f"not followed: {code(each['code'])}: {what}"


def _journal(journal: Iterable[Shown], within: str, depth: int, name: Callable[[str], str], code: Callable[[str], str]) -> Iterator[Line]:
    for entry in journal:
        place = _row(entry, within, name)
        match entry["what"]:
            case "step":
                yield (
                    depth,
                    place,
                    f'step "{entry["name"]}": {code(entry["action"])}{"" if entry["is_resolved"] else ", which is not known"}',
                )
                yield from ((depth + 1, "", f"{effect['effect']}: {_way(effect, code)}") for effect in entry["effects"])
            case "call":
                yield depth, place, f"{entry['name']}:"
                yield from _journal(entry["inside"], entry["filename"], depth + 1, name, code)
            case _:
                yield depth, place, _operation(entry, code)


def _operation(entry: Shown, code: Callable[[str], str]) -> str:
    said = [entry["name"], *([code(entry["about"])] if entry["about"] is not None else [])]
    if "calls" in entry:
        of = ["of"] if entry["about"] is not None else []
        said += [*of, " or ".join(map(code, entry["calls"])) or "of a handler that is not known"]
        said += ["with key", code(entry["key"])] if entry["key"] is not None else []
    return " ".join(said)


def _way(effect: Shown, code: Callable[[str], str]) -> str:
    return " -> ".join(map(code, effect["chain"]))


def _row(entry: Shown, within: str, name: Callable[[str], str]) -> str:
    return str(entry["location"]["row"]) if entry["filename"] == within else _at(entry, name)


def _at(entry: Shown, name: Callable[[str], str]) -> str:
    return f"{name(entry['filename'])}:{entry['location']['row']}"
