"""What a handler does, as `rea-lint handlers --output-format json` has it: plain dictionaries, made of what is known of a project."""

from __future__ import annotations

import json
from functools import cached_property
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from rea_lint.graph import Origin, Way

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping

    from rea_lint.engine import Report
    from rea_lint.facts import Argument
    from rea_lint.graph import Link
    from rea_lint.project import Handler, Operation, Project, Service, Step, Unresolved, Use
    from rea_lint.text import Position, Span

Shown = dict[str, Any]

READS = frozenset({"get", "state_keys"})
WRITES = frozenset({"set", "clear", "clear_all"})
ALL_KEYS = "*"  # of `state_keys` and `clear_all`
LONGEST = 60  # characters of code that is shown
CUTS = {Way.CALL: "call", Way.SEND: "send", Way.RESOLVE: "resolve"}


def services(report: Report, reported: Container[str]) -> Iterator[Shown]:
    """Each service with its handlers in the reported files, by place; handlers of an unknown service last."""
    shown: dict[tuple[str, Span], Shown] = {}
    for project in report.projects:
        audit = _Audit(project, report)
        for service in project.services:
            handlers = [handler for handler in service.handlers if handler.path in reported]
            if handlers or service.path in reported:
                shown.setdefault((service.path, service.span), _service(service, handlers, audit))
        known = {(h.path, h.span) for service in project.services for h in service.handlers}
        for handler in project.handlers:
            if (handler.path, handler.span) not in known and handler.path in reported:
                item = {"name": handler.service, "kind": "unknown", **audit.place(handler.path, handler.span)}
                shown.setdefault((handler.path, handler.span), {**item, "handlers": [_handler(handler, audit)]})
    yield from (shown[place] for place in sorted(shown))


def _service(service: Service, handlers: Iterable[Handler], audit: _Audit) -> Shown:
    return {
        "name": service.name,
        "kind": service.kind,
        **audit.place(service.path, service.span),
        "handlers": [_handler(handler, audit) for _, handler in sorted({(h.path, h.span, h.name): h for h in handlers}.items())],
    }


def _handler(handler: Handler, audit: _Audit) -> Shown:
    walk = _Walk(audit, handler, {handler.function})
    journal = walk.journal(handler.function)
    return {
        "name": handler.name,
        "kind": handler.kind,
        **audit.place(handler.path, handler.span),
        "journal": journal,
        "state": {"reads": sorted(walk.reads), "writes": sorted(walk.writes)},
        "calls": list(walk.calls.values()),
        "effects": walk.effects,
        "unresolved": walk.unresolved,
    }


def quoted(text: str) -> str:
    """A text that is known, to be told from code."""
    return json.dumps(text, ensure_ascii=False)


class _Audit(Struct, frozen=True, dict=True):
    """A project, and how its code is shown."""

    project: Project
    report: Report

    @cached_property
    def links(self) -> Mapping[tuple[str, Span, str, Span], list[Link]]:
        """The links by the place of the handler (a file may be imported by two names) and that of the call."""
        found: dict[tuple[str, Span, str, Span], list[Link]] = {}
        for link in self.project.links:
            found.setdefault((link.caller.path, link.caller.span, link.path, link.call.span), []).append(link)
        return found

    def place(self, path: str, span: Span) -> Shown:
        position: Position = self.report.sources[path].position(span.start)
        return {"filename": path, "location": position._asdict()}

    def code(self, path: str, span: Span) -> str:
        """The code at a place on one line, cut if it is long."""
        text = " ".join(self.report.sources[path].text[span.start : span.end].split())
        return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"

    def argument(self, path: str, argument: Argument | None) -> str | None:
        """What an argument says: its text, in quotes, if that is known, or else the code."""
        if argument is None:
            return None
        written = self.project.written(argument)
        return quoted(written) if written is not None else self.code(path, argument.span)


class _Walk(Struct, frozen=True):
    """One handler, followed through the functions it calls; each is shown where it is called first."""

    audit: _Audit
    handler: Handler
    seen: set[str]
    effects: list[Shown] = field(default_factory=list)
    unresolved: list[Shown] = field(default_factory=list)
    reads: set[str] = field(default_factory=set)
    writes: set[str] = field(default_factory=set)
    calls: dict[tuple[str, str, str], Shown] = field(default_factory=dict)

    def journal(self, function: str) -> list[Shown]:
        """What a function journals, in source order."""
        audit, project = self.audit, self.audit.project
        path = project.path_of(function)
        found: dict[Span, Shown] = {}
        for operation in project.operations(function):
            if operation.info.journals:
                found[operation.call.span] = self._operation(path, operation)
        for step in project.steps(function):
            found[step.call.span] = self._step(path, step)
        self.effects.extend({**self._use(use), **audit.place(path, use.span)} for use in project.uses(function))
        self.unresolved.extend(self._unresolved(path, each) for each in project.unresolved(function) if each.call.span not in found)
        for edge in project.calls(function):
            if edge.span in found or edge.target in self.seen or edge.target not in project.functions:
                continue
            self.seen.add(edge.target)
            inside = self.journal(edge.target)
            if inside:
                found[edge.span] = {"what": "call", "name": edge.target, "inside": inside}
        return [{**found[span], **audit.place(path, span)} for span in sorted(found)]

    def _operation(self, path: str, operation: Operation) -> Shown:
        audit, call = self.audit, operation.call
        said: Shown = {"what": "operation", "name": operation.info.name, "about": None}
        links = audit.links.get((self.handler.path, self.handler.span, path, call.span), [])
        if links or operation.info.name.rpartition(".")[2].endswith(("_call", "_send")):
            said["calls"] = sorted({link.name for link in links if link.name})
            said["key"] = next((self._key(link) for link in links), None)
            for link in links:
                once = (CUTS[link.way], link.name, self._key(link) or "")
                self.calls[once] = {"how": once[0], "handler": link.name or None, "key": once[2] or None, "is_sure": link.is_sure}
        promise = audit.project.promise(operation)
        first = call.argument(0, operation.info.parameters[0]) if operation.info.parameters else None
        if promise is not None:
            said |= {"name": f"promise.{operation.method}", "about": quoted(promise)}
        elif operation.method in READS | WRITES:
            said["about"] = audit.argument(path, first) or ALL_KEYS
            (self.reads if operation.method in READS else self.writes).add(said["about"])
        elif "calls" not in said:
            said["about"] = audit.argument(path, first)
        return said

    def _key(self, link: Link) -> str | None:
        if link.way is Way.RESOLVE or link.key.origin is Origin.NONE or link.key.span is None:
            return None
        return quoted(link.key.text) if link.key.origin is Origin.LITERAL else self.audit.code(link.path, link.key.span)

    def _step(self, path: str, step: Step) -> Shown:
        audit = self.audit
        named = step.call.argument(0, "name") if step.direct else None
        name = audit.project.written(named) or (audit.code(path, named.span) if named is not None else None)
        resolved = bool(step.actions) or any(map(audit.project.is_known, audit.project.resolve(step.action.values)))
        return {
            "what": "step",
            "name": name or (step.actions[0] if step.actions else audit.code(path, step.action.span)),
            "action": audit.code(path, step.action.span),
            "is_resolved": resolved,
            "effects": [self._use(use) for use in audit.project.in_step(step)],
        }

    def _use(self, use: Use) -> Shown:
        chain = [hop.name for hop in use.chain]
        return {"effect": use.effect.value, "name": chain[-1], "chain": chain}

    def _unresolved(self, path: str, each: Unresolved) -> Shown:
        return {
            "code": self.audit.code(path, each.call.callee_span),
            "name": each.name,
            **self.audit.place(path, each.call.span),
        }
