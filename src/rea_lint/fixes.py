"""Which fixes go together, and what a text is after them.  Pure: writing files is not done here."""

from __future__ import annotations

import ast
import warnings
from typing import TYPE_CHECKING

from msgspec import Struct

from rea_lint.text import apply

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from rea_lint.diagnostic import Diagnostic
    from rea_lint.text import Edit

ROUNDS = 10  # a fix may make room for another one (`await` added, then the call replaced); more than a few rounds is a circle


class Fixed(Struct, frozen=True):
    """What is left after fixing: the changed texts, and what was done."""

    texts: Mapping[str, str]  # path -> text, of changed files only
    applied: tuple[Diagnostic, ...]  # the findings whose fix was applied, in the order of rounds


def settle(
    texts: Mapping[str, str],
    diagnose: Callable[[Mapping[str, str]], Sequence[Diagnostic]],
    allowed: Callable[[Diagnostic], bool],
) -> Fixed:
    """Fix, look again, and fix what came to light, until nothing is left to fix.

    `diagnose` gives the findings for the changed texts (none at first).  A fix that would bring a text back to what it was in
    an earlier round is not applied: two rules that disagree stop there.
    """
    changed: dict[str, str] = {}
    applied: list[Diagnostic] = []
    seen = {path: {text} for path, text in texts.items()}
    for _ in range(ROUNDS):
        by_path: dict[str, list[Diagnostic]] = {}
        for diagnostic in diagnose(changed):
            if diagnostic.fix is not None and diagnostic.path in texts and allowed(diagnostic):
                by_path.setdefault(diagnostic.path, []).append(diagnostic)
        fresh: dict[str, str] = {}
        for path, fixable in by_path.items():
            text, done = fix(changed.get(path, texts[path]), fixable)
            if done and text not in seen[path]:
                seen[path].add(text)
                fresh[path] = text
                applied += done
        if not fresh:
            break
        changed |= fresh
    return Fixed(changed, tuple(applied))


def fix(text: str, diagnostics: Iterable[Diagnostic]) -> tuple[str, list[Diagnostic]]:
    """The text after the fixes that go together, and the findings they belong to.  It parses, if it parsed before."""
    chosen = compatible(diagnostics)
    after = apply(text, _edits(chosen))
    if parses(after) or not parses(text):
        return after, chosen
    good: list[Diagnostic] = []
    for diagnostic in chosen:
        if parses(apply(text, _edits([*good, diagnostic]))):
            good.append(diagnostic)
    return apply(text, _edits(good)), good


def compatible(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Those whose fixes can be applied together, whole: the first in order wins a place, and the same edit is wanted by any number."""
    chosen: list[Diagnostic] = []
    taken: dict[Edit, None] = {}
    for diagnostic in sorted(diagnostics, key=lambda d: d.place):
        edits = diagnostic.fix.edits if diagnostic.fix else ()
        if edits and all(edit in taken or not any(_clash(edit, other) for other in taken) for edit in edits):
            chosen.append(diagnostic)
            taken |= dict.fromkeys(edits)
    return chosen


def parses(text: str) -> bool:
    """Whether this Python can parse the text."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _edits(diagnostics: Iterable[Diagnostic]) -> list[Edit]:
    """The edits of all fixes, each once.  Lines that are inserted at one place (imports) come sorted."""
    return sorted({edit for diagnostic in diagnostics if diagnostic.fix for edit in diagnostic.fix.edits})


def _clash(one: Edit, other: Edit) -> bool:
    """Whether two edits cannot both be made, or not in an order that is beyond doubt."""
    if one.span == other.span and one.span.start == one.span.end:
        return not (_is_lines(one.new) and _is_lines(other.new))
    if one.span.start == one.span.end or other.span.start == other.span.end:
        return one.span.start <= other.span.end and other.span.start <= one.span.end
    return one.span.start < other.span.end and other.span.start < one.span.end


def _is_lines(text: str) -> bool:
    return text.endswith(("\n", "\r"))
