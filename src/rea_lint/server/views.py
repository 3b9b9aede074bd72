"""What an editor shows besides diagnostics: hovers and code lenses, made from what linking found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from rea_lint import registry
from rea_lint.report import count

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rea_lint.config import Config
    from rea_lint.diagnostic import Diagnostic
    from rea_lint.engine import Report
    from rea_lint.project import Handler, Operation, Project
    from rea_lint.rule import Rule
    from rea_lint.text import Span


class Entry(Struct, frozen=True):
    """An operation or a step of a handler, in its own code or in what it calls."""

    path: str
    span: Span  # of the call
    text: str
    is_step: bool


class Lens(Struct, frozen=True):
    """What stands above a handler."""

    name: str  # `Service.handler`
    path: str
    span: Span  # of the function's name
    entries: tuple[Entry, ...]  # those in the handler's file first, each file in source order

    @property
    def title(self) -> str:
        """`12 operations, 3 steps`."""
        steps = sum(entry.is_step for entry in self.entries)
        return f"{count(len(self.entries) - steps, 'operation')}, {count(steps, 'step')}"


def lenses(report: Report, path: str | None = None) -> tuple[Lens, ...]:
    """One for each handler, of a file or of all."""
    found = {
        handler.place: Lens(handler.display, handler.path, handler.span, tuple(_entries(project, handler)))
        for project in report.projects
        for handler in project.handlers
        if path in {None, handler.path}
    }
    return tuple(found[place] for place in sorted(found))


def _entries(project: Project, handler: Handler) -> Iterator[Entry]:
    found: dict[tuple[bool, str, Span], Entry] = {}
    for function in project.run_by(handler):
        path = project.path_of(function)
        for operation in project.operations(function):
            place = (path != handler.path, path, operation.call.span)
            found[place] = Entry(path, operation.call.span, f"{_written(operation.context)}.{operation.method}", is_step=False)
        for step in project.steps(function):
            name = step.call.argument(0, "name")
            text = name.text if name is not None else None
            place = (path != handler.path, path, step.call.span)
            found[place] = Entry(path, step.call.span, f'step "{text or (step.actions[0] if step.actions else "?")}"', is_step=True)
    return (found[place] for place in sorted(found))


def operation_at(report: Report, path: str, offset: int) -> tuple[Span, str] | None:
    """The durable operation whose name is at a place of a file: the span of the name, and what it does to the journal, in Markdown."""
    for project in report.projects:
        facts = project.facts.get(path)
        for function in facts.functions if facts is not None else ():
            for operation in project.operations(function):
                callee = operation.call.callee_span
                if callee.start <= offset <= callee.end:
                    return callee, _told(operation)
    return None


def _told(operation: Operation) -> str:
    info = operation.info
    lines = [f"**`{_written(operation.context)}.{operation.method}`**", ""]
    if info.journals:
        lines.append("Adds an entry to the journal.")
        if info.compares:
            *most, last = (f"`{name}`" for name in info.compares)
            names = f"{', '.join(most)} and {last}" if most else last
            lines.append(
                f"On replay {names} {'are' if most else 'is'} compared with the journal: another value there is a journal mismatch."
            )
        else:
            lines.append("On replay the kind of the entry is compared with the journal, and no argument.")
    else:
        lines.append("Adds no entry to the journal; the same comes back on replay.")
    if info.gives == "future":
        lines.append("Gives a durable future: without `await` its result is not waited for.")
    if info.waits:
        lines.append("Awaiting it takes as long as somebody else takes: the invocation may be suspended meanwhile.")
    if info.since:
        lines.append(f"Since restate-sdk {info.since}.")
    return "\n".join([*lines[:2], " ".join(lines[2:])])


def page(diagnostic: Diagnostic, config: Config) -> str:
    """A finding and the page of its rule, in Markdown."""
    return f"**{diagnostic.code}** `{diagnostic.name}`: {diagnostic.message}\n\n---\n\n{rest_of_page(diagnostic, config)}"


def rest_of_page(diagnostic: Diagnostic, config: Config) -> str:
    """The page of a finding's rule, in Markdown, for a reader who has the message in front of them."""
    text = next((each.page.shown for each in registry.load({diagnostic.code}, config)), "")
    return f"{text}\n\n[{diagnostic.code}]({diagnostic.url})"


def titled(rule: Rule) -> str:
    """The page of a rule with its title, in Markdown."""
    return f"# {rule.code} {rule.name}\n\n{rule.page.shown}"


def _written(context: str) -> str:
    """`restate.ObjectContext` as people write it."""
    return context.rpartition(".")[2]
