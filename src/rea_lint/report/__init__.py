"""[Diagnostic] -> text, in the formats that people and programs read.  A format is a module with one function, `render`."""

from __future__ import annotations

import os
from collections import Counter
from importlib import import_module
from typing import TYPE_CHECKING

from msgspec import Struct, field

from rea_lint.config import FORMATS
from rea_lint.diagnostic import Applicability, Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from rea_lint.diagnostic import Diagnostic, Silenced
    from rea_lint.rule import InternalError, Rule
    from rea_lint.text import Position, Source, Span


def _ours(codes: Collection[str]) -> Sequence[Rule]:
    from rea_lint import rule  # noqa: PLC0415 -- most formats show no pages

    return rule.load(codes)


class View(Struct, frozen=True):
    """What a format needs besides the findings."""

    sources: Mapping[str, Source]  # the text of every path that a finding names
    base: str  # paths are shown relative to this folder
    color: bool = False
    width: int | None = None  # columns of the terminal; None where there is none
    has_links: bool = False  # whether the terminal shows links (OSC 8)
    silenced: Sequence[Silenced] = ()  # what was found and is not reported
    errors: Sequence[InternalError] = ()  # where our own code failed: findings may be missing
    handlers: Mapping[str, tuple[str, Span]] = field(default_factory=dict)  # `Service.handler` -> path and place, of all that was looked at
    files: int = 0  # how many were looked at
    found: tuple[int, int] = (0, 0)  # handlers and services in them, by place: two may share a name
    rules: Callable[[Collection[str]], Sequence[Rule]] = _ours  # the rules of some codes, with their pages, by code

    def path(self, path: str) -> str:
        """A path as people read it: relative, if it lies below the base."""
        base = self.base.rstrip(os.sep) + os.sep
        return path.removeprefix(base)

    def slashed(self, path: str) -> str:
        """A path as programs on any system read it: as `path` gives it, with `/`."""
        return self.path(path).replace(os.sep, "/")

    def start(self, path: str, span: Span) -> Position:
        """The row and column where a span of a file begins."""
        return self.sources[path].position(span.start)

    def end(self, path: str, span: Span) -> Position:
        """The row and column behind a span of a file."""
        return self.sources[path].position(span.end)


def render(form: str, diagnostics: Sequence[Diagnostic], view: View) -> str:
    """All findings in one of the formats of `config.FORMATS`, ready to be written; ends with a newline unless it is empty."""
    if form not in FORMATS:
        raise ValueError(form)
    text: str = import_module(f"rea_lint.report.{form.replace('-', '_')}").render(diagnostics, view)
    return text


def summary(files: int, handlers: int, services: int, diagnostics: Sequence[Diagnostic], *, around: int = 0, unsafe: bool = False) -> str:
    """One sentence on what was looked at and what was found.

    `around` counts the handlers of the project that stand in other files than those that were asked for.  `unsafe`: unsafe fixes
    were asked for, so none is held back.
    """
    found = f"{severities(diagnostics) or 'no findings'}{_fixable(diagnostics, unsafe=unsafe)}."
    looked_at = f"Checked {count(files, 'file')}"
    if handlers:
        return f"{looked_at}, {count(handlers, 'handler')} in {count(services, 'service')}: {found}"
    if around:
        return f"{looked_at}, in a project with {count(around, 'handler')}: {found}"
    return f"{looked_at}: NO RESTATE HANDLER FOUND, so no durable code was linted; {found}"


def severities(diagnostics: Iterable[Diagnostic]) -> str:
    """`3 errors, 1 warning`; empty if there are no findings."""
    counts = Counter(d.severity for d in diagnostics)
    words = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "info"}
    return ", ".join(
        count(counts[severity], word) if severity != Severity.INFO else f"{counts[severity]} {word}"
        for severity, word in words.items()
        if counts[severity]
    )


def statistics(diagnostics: Sequence[Diagnostic], form: str) -> str:
    """How many findings of each rule, most first: as JSON in the shape of ruff's, or, for any other format, as text."""
    counts = sorted(Counter((d.code, d.name) for d in diagnostics).items(), key=lambda c: (-c[1], c[0]))
    if form == "json":
        import json  # noqa: PLC0415 -- no other summary needs it

        safe = Counter(d.code for d in diagnostics if d.is_fixable(Applicability.SAFE))
        items = [
            {"code": code, "name": name, "count": n, "fixable": safe[code] > 0, "fixable_count": safe[code]} for (code, name), n in counts
        ]
        return json.dumps(items, indent=2) + "\n"
    width = max((len(str(n)) for _, n in counts), default=0)
    return "".join(f"{n:>{width}}  {code}  {name}\n" for (code, name), n in counts)


def count(n: int, noun: str) -> str:
    """`1 file`, `2,000 files`."""
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"


def _fixable(diagnostics: Iterable[Diagnostic], *, unsafe: bool) -> str:
    counts = Counter(d.fix.applicability for d in diagnostics if d.fix)
    safe, risky = counts[Applicability.SAFE], counts[Applicability.UNSAFE]
    if unsafe:
        safe, risky = safe + risky, 0
    said = f"{safe} fixable with --fix" if safe else ""
    if risky:
        said = f"{said}, {risky} more with --unsafe-fixes" if said else f"{risky} fixable with --unsafe-fixes"
    return f" ({said})" if said else ""
