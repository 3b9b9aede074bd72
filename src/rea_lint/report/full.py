"""A finding as a person wants to read it: the code with carets, the way to the cause, the fix.  `rich` is imported for colors only."""

from __future__ import annotations

import io
import textwrap
from typing import TYPE_CHECKING, TypeAlias

from rea_lint.diagnostic import Applicability, Severity
from rea_lint.report.frame import changes, frame, printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from rea_lint.diagnostic import Diagnostic, Fix
    from rea_lint.report import View

Line: TypeAlias = tuple[tuple[str, str], ...]  # pieces of text, each with its style

WIDTH = 160  # columns of a code frame where there is no terminal
NARROWEST = 30  # below that nothing is readable; let the terminal wrap
SAFETY = {
    Applicability.SAFE: "fix",
    Applicability.UNSAFE: "unsafe fix",
    Applicability.DISPLAY: "suggestion",
}
STYLES = {
    Severity.ERROR: "bold red",
    Severity.WARNING: "bold yellow",
    Severity.INFO: "bold blue",
}
GUTTER = "blue"
CHANGE = {"-": "red", "+": "green"}


def render(diagnostics: Sequence[Diagnostic], view: View) -> str:
    """Each finding as a paragraph, with an empty line after it."""
    lines = (line for diagnostic in diagnostics for line in (*_paragraph(diagnostic, view), ()))
    return _colored(lines) if view.color else "".join(f"{''.join(text for text, _ in line)}\n" for line in lines)


def _paragraph(diagnostic: Diagnostic, view: View) -> Iterator[Line]:
    source = view.sources[diagnostic.path]
    style = STYLES[diagnostic.severity]
    width = max(view.width or WIDTH, NARROWEST)
    rows = list(frame(source, diagnostic.span, width - len(str(len(source))) - 3))
    gutter = max(len(str(row.number or "")) for row in rows)
    place = source.position(diagnostic.span.start)

    head = f"{diagnostic.severity}[{diagnostic.code}]"
    first, *others = _wrap(printable(diagnostic.message), view.width, len(head) + 2)
    yield (head, style), (": ", ""), (first, "bold")
    yield from (((f"    {text}", "bold"),) for text in others)
    yield (" " * gutter, ""), ("--> ", GUTTER), (f"{view.path(diagnostic.path)}:{place.row}:{place.column}", "")
    for row in rows:
        number = f"{row.number if row.number is not None else '':>{gutter}}"
        yield (f"{number} |", GUTTER), (f" {row.text}" if row.text else "", style if row.is_caret else "")
    yield from _notes(diagnostic, view, " " * gutter, width)


def _notes(diagnostic: Diagnostic, view: View, margin: str, width: int) -> Iterator[Line]:
    for depth, related in enumerate(diagnostic.related):
        source = view.sources[related.path]
        row = source.position(related.span.start).row
        indent = "  " * min(depth, 8)
        yield (f"{margin} = ", GUTTER), (f"{indent}{view.path(related.path)}:{row}: ", "cyan"), (printable(related.message), "")
    if diagnostic.fix is not None:
        yield from _fix(diagnostic, diagnostic.fix, view, margin, width)
    yield (f"{margin} = ", GUTTER), (f"{diagnostic.name}: {diagnostic.url}" if diagnostic.url else diagnostic.name, "dim")


def _fix(diagnostic: Diagnostic, fix: Fix, view: View, margin: str, width: int) -> Iterator[Line]:
    yield (f"{margin} = ", GUTTER), (f"{SAFETY[fix.applicability]}: ", "bold"), (printable(fix.title), "")
    for line in changes(view.sources[diagnostic.path], fix, width - len(margin) - 5):
        yield (f"{margin}     ", ""), (line, CHANGE[line[0]])


def _wrap(text: str, width: int | None, taken: int) -> list[str]:
    """The text in lines that a terminal holds; one line where there is no terminal.  `taken`: columns used in the first line."""
    if width is None:
        return [text]
    lines = textwrap.wrap(text, max(width, NARROWEST) - 4, initial_indent="x" * (taken - 4), break_long_words=False, break_on_hyphens=False)
    return [lines[0][taken - 4 :], *lines[1:]] if lines else [""]


def _colored(lines: Iterable[Line]) -> str:
    from rich.console import Console  # noqa: PLC0415 -- 50 ms, and only a terminal needs it
    from rich.text import Text  # noqa: PLC0415 -- the same

    file = io.StringIO()
    console = Console(file=file, force_terminal=True, color_system="standard", highlight=False, soft_wrap=True, no_color=False)
    for line in lines:
        console.print(Text.assemble(*line), soft_wrap=True)
    return file.getvalue()
