"""`rea-lint handlers --graph`: who calls whom through Restate, as text, JSON, Mermaid or DOT.

A drawing has one arrow for each way in which a handler has another one do something: a full one where the caller waits for the answer, a
dotted one for a message, a thick one where it resolves a promise that the other waits for.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeAlias

from msgspec import Struct

from rea_lint.graph import Origin, Way

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Iterator, Mapping

    from rea_lint.engine import Report
    from rea_lint.graph import Link
    from rea_lint.project import Handler, Service
    from rea_lint.text import Span

Place: TypeAlias = "tuple[str, Span, str]"

UNKNOWN = "not known"
SHAPES = {  # kind of handler -> how Mermaid and DOT draw it
    "exclusive": ('["{}"]', "box"),
    "shared": ('("{}")', "ellipse"),
    "main": ('[["{}"]]', "component"),
    "service": ('(["{}"])', "oval"),
    "": ('["{}"]', "plaintext"),
}
ARROWS = {
    Way.CALL: ("-->", "solid"),
    Way.SEND: ("-.->", "dashed"),
    Way.RESOLVE: ("==>", "bold"),
}
LONGEST = 40  # characters of a key that a drawing shows


class Graph(Struct, frozen=True):
    """What is drawn: services with their handlers, and the links between handlers."""

    services: tuple[tuple[str, str, tuple[Handler, ...]], ...]  # name, kind, handlers
    links: tuple[Link, ...]
    report: Report

    @property
    def others(self) -> dict[str, str]:
        """What is called and is no handler of the services shown -> its name."""
        own = {handler.place for _, _, handlers in self.services for handler in handlers}
        return {node(link): link.name or UNKNOWN for link in self.links if link.target is None or link.target.place not in own}

    def key(self, link: Link) -> str:
        """The key as it is written; "" if there is none."""
        if link.way is Way.RESOLVE or link.key.origin is Origin.NONE or link.key.span is None:
            return ""
        text = self.report.sources[link.path].text[link.key.span.start : link.key.span.end]
        return " ".join(text.split())

    def row(self, path: str, span: Span) -> int:
        """The row of a place, from 1."""
        return self.report.sources[path].position(span.start).row


def draw(report: Report, reported: Container[str], output_format: str, shown: Callable[[str], str]) -> str:
    """The graph of the handlers in the reported files; `shown` says how a path is written."""
    graph = _graph(report, reported)
    match output_format:
        case "json":
            return json.dumps(_json(graph), indent=2, ensure_ascii=False)
        case "mermaid":
            return "\n".join(_mermaid(graph))
        case "dot":
            return "\n".join(_dot(graph))
        case _:
            return "\n".join(_text(graph, shown))


def node(link: Link) -> str:
    """What tells what is called from all else that is."""
    return f"{link.target.path}:{link.target.span.start}:{link.name}" if link.target is not None else link.name


def _graph(report: Report, reported: Container[str]) -> Graph:
    services: dict[tuple[str, Span, str], tuple[Service, dict[Place, Handler]]] = {}
    loose: dict[Place, Handler] = {}
    links: dict[tuple[object, ...], Link] = {}
    for project in report.projects:
        of_services = {handler.place for service in project.services for handler in service.handlers}
        for service in project.services:
            handlers = {handler.place: handler for handler in service.handlers if handler.path in reported}
            if handlers:
                services.setdefault((service.path, service.span, service.name), (service, {}))[1].update(handlers)
        loose |= {h.place: h for h in project.handlers if h.place not in of_services and h.path in reported}
        for link in project.links:
            if link.caller.path in reported:
                links.setdefault((link.caller.place, link.path, link.call.span, node(link)), link)
    known = [(s.name, s.kind, tuple(handlers[at] for at in sorted(handlers))) for _, (s, handlers) in sorted(services.items())]
    unknown = [(handler.service, "unknown", (handler,)) for _, handler in sorted(loose.items())]
    return Graph((*known, *unknown), tuple(links.values()), report)


# -- text and JSON -----------------------------------------------------------------------------------------------------


def _text(graph: Graph, shown: Callable[[str], str]) -> Iterator[str]:
    for name, kind, handlers in graph.services:
        yield f"{name} ({kind})"
        for handler in handlers:
            yield f"  {handler.name} ({handler.kind}) {shown(handler.path)}:{graph.row(handler.path, handler.span)}"
            for link in (each for each in graph.links if each.caller.place == handler.place):
                row = graph.row(link.path, link.call.span)
                at = f"{row:>4}" if link.path == handler.path else f"{shown(link.path)}:{row}"
                yield f"    {at}  {_said(graph, link)}"
        yield ""


def _said(graph: Graph, link: Link) -> str:
    """A link in words: "calls carts.add (exclusive) with its own key, and waits"."""
    name = f"{link.name} ({link.target.kind})" if link.target is not None else link.name or f"something that is {UNKNOWN}"
    if link.way is Way.RESOLVE:
        return f'resolves "{link.argument.text}" of {name}' if link.argument.text else f"resolves the awakeable of {name}"
    verb = "calls" if link.way is Way.CALL else "sends later to" if link.delayed else "sends to"
    key = {
        Origin.NONE: "",
        Origin.OWN: " with its own key",
        Origin.INPUT: " with its input as the key",
        Origin.LITERAL: f' with the key "{link.key.text}"',
        Origin.OTHER: f" with the key {graph.key(link)}",
    }[link.key.origin]
    return f"{verb} {name}{key}{', and waits' if link.waits else ''}{'' if link.is_sure or link.target is None else ', perhaps'}"


def _json(graph: Graph) -> dict[str, Any]:
    return {
        "services": [
            {
                "name": name,
                "kind": kind,
                "handlers": [{"name": h.name, "kind": h.kind, **_location(graph, h.path, h.span)} for h in handlers],
            }
            for name, kind, handlers in graph.services
        ],
        "links": [
            {
                "from": link.caller.display,
                "to": link.name or None,
                "way": link.way.value,
                "waits": link.waits,
                "delayed": link.delayed,
                "certain": link.is_sure,
                "key": {"is": link.key.origin.value, "text": graph.key(link)} if link.key.origin is not Origin.NONE else None,
                "promise": link.argument.text or None if link.way is Way.RESOLVE else None,
                **_location(graph, link.path, link.call.span),
            }
            for link in graph.links
        ],
    }


def _location(graph: Graph, path: str, span: Span) -> dict[str, Any]:
    return {"filename": path, "location": graph.report.sources[path].position(span.start)._asdict()}


# -- drawings ----------------------------------------------------------------------------------------------------------


def _mermaid(graph: Graph) -> Iterator[str]:
    names, escape = _names(graph), _escaper({"&": "&amp;", '"': "&quot;", "<": "&lt;", ">": "&gt;", "#": "&num;"})
    yield "flowchart LR"
    for at, (name, kind, handlers) in enumerate(graph.services):
        yield f'  subgraph s{at}["{escape(name)} ({kind})"]'
        for handler in handlers:
            yield f"    {names[_of(handler)]}{_shape(handler.kind)[0].format(escape(handler.name))}"
        yield "  end"
    for other, name in graph.others.items():
        yield f"  {names[other]}{_shape('')[0].format(escape(name))}"
    for (start, end, way), labels in _arrows(graph).items():
        label = f'|"{escape(", ".join(labels))}"|' if labels else ""
        yield f"  {names[start]} {ARROWS[way][0]}{label} {names[end]}"


def _dot(graph: Graph) -> Iterator[str]:
    names, escape = _names(graph), _escaper({"\\": "\\\\", '"': '\\"'})
    yield "digraph handlers {"
    yield "  rankdir=LR;"
    yield '  graph [fontname="Helvetica"]; node [fontname="Helvetica"]; edge [fontname="Helvetica"];'
    for at, (name, kind, handlers) in enumerate(graph.services):
        yield f"  subgraph cluster_{at} {{"
        yield f'    label="{escape(name)} ({kind})";'
        for handler in handlers:
            yield f'    {names[_of(handler)]} [label="{escape(handler.name)}", shape={_shape(handler.kind)[1]}];'
        yield "  }"
    for other, name in graph.others.items():
        yield f'  {names[other]} [label="{escape(name)}", shape={_shape("")[1]}];'
    for (start, end, way), labels in _arrows(graph).items():
        label = f', label="{escape(", ".join(labels))}"' if labels else ""
        yield f"  {names[start]} -> {names[end]} [style={ARROWS[way][1]}{label}];"
    yield "}"


def _names(graph: Graph) -> Mapping[str, str]:
    """What is drawn -> a short name without any special character."""
    nodes = [*(_of(handler) for _, _, handlers in graph.services for handler in handlers), *graph.others]
    return {each: f"h{at}" for at, each in enumerate(nodes)}


def _of(handler: Handler) -> str:
    return f"{handler.path}:{handler.span.start}:{handler.display}"


def _shape(kind: str) -> tuple[str, str]:
    return SHAPES.get(kind, SHAPES[""])


def _arrows(graph: Graph) -> dict[tuple[str, str, Way], list[str]]:
    """Start, end and way -> what is written at the arrow: keys, "later", "perhaps", names of promises; each once."""
    found: dict[tuple[str, str, Way], list[str]] = {}
    for link in graph.links:
        labels = found.setdefault((_of(link.caller), node(link), link.way), [])
        labels += (each for each in _labels(graph, link) if each not in labels)
    return found


def _labels(graph: Graph, link: Link) -> Iterable[str]:
    if link.way is Way.RESOLVE:
        yield link.argument.text or "awakeable"
        return
    key = graph.key(link)
    if key:
        yield "own key" if link.key.origin is Origin.OWN else key if len(key) <= LONGEST else f"{key[:LONGEST]}..."
    if link.delayed:
        yield "later"
    if link.target is not None and not link.is_sure:
        yield "perhaps"


def _escaper(characters: Mapping[str, str]) -> Callable[[str], str]:
    return lambda text: "".join(characters.get(character, character) for character in text)
