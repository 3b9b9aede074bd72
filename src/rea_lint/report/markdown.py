"""Markdown, for the summary of a CI run, an issue or a comment."""

from __future__ import annotations

import re
from collections import Counter
from itertools import groupby
from typing import TYPE_CHECKING

from rea_lint.report import count, severities
from rea_lint.report.frame import changes, printable
from rea_lint.report.full import SAFETY

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rea_lint.diagnostic import Diagnostic, Fix
    from rea_lint.report import View

MOST = 800_000  # bytes: GitHub refuses a step summary of more than 1 MiB
_CODE = re.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)")


def render(diagnostics: Sequence[Diagnostic], view: View) -> str:
    """A heading, a table of the rules, and the findings by file; what would make it too long for GitHub is counted."""
    lines = [f"## rea-lint: {severities(diagnostics) or 'no findings'}", ""]
    if not diagnostics:
        return "\n".join(lines)
    rules = Counter((d.code, d.name, d.url) for d in diagnostics)
    lines += ["| Rule | Name | Findings |", "|---|---|---:|"]
    lines += [f"| {_link(code, url)} | {name} | {n} |" for (code, name, url), n in sorted(rules.items(), key=lambda r: (-r[1], r[0]))]
    size, left = 0, len(diagnostics)
    for path, found in groupby(diagnostics, lambda d: d.path):
        lines += ["", f"### {_plain(view.slashed(path))}", ""]
        for diagnostic in found:
            item = list(_item(diagnostic, view))
            size += sum(len(line.encode("utf-8", "surrogatepass")) + 1 for line in item)
            if size > MOST:
                return "\n".join([*lines, "", f"… and {count(left, 'more finding')}.", ""])
            lines += item
            left -= 1
    return "\n".join([*lines, ""])


def _item(diagnostic: Diagnostic, view: View) -> Iterator[str]:
    place = view.start(diagnostic.path, diagnostic.span)
    yield f"- **{diagnostic.severity}** line {place.row}: {prose(diagnostic.message)} ({_link(diagnostic.code, diagnostic.url)})"
    if not diagnostic.related and diagnostic.fix is None:
        return
    yield "  <details><summary>more</summary>"
    yield ""
    for related in diagnostic.related:
        yield f"  - {_plain(view.slashed(related.path))}:{view.start(related.path, related.span).row}: {prose(related.message)}"
    if diagnostic.fix is not None:
        yield from _fix(diagnostic.path, diagnostic.fix, view)
    yield ""
    yield "  </details>"


def _fix(path: str, fix: Fix, view: View) -> Iterator[str]:
    lines = list(changes(view.sources[path], fix, 10_000))
    longest = max((len(run) for line in lines for run in re.findall("`+", line)), default=0)
    fence = "`" * max(longest + 1, 3)
    yield f"  - {SAFETY[fix.applicability]}: {prose(fix.title)}"
    yield ""
    yield from (f"    {line}" for line in [f"{fence}diff", *lines, fence])


def _link(text: str, url: str) -> str:
    return f"[{text}]({url})" if url else text


def prose(text: str) -> str:
    """A message as Markdown on one line: code in backticks stays, all else means itself."""
    text = printable(text)
    parts: list[str] = []
    at = 0
    for code in _CODE.finditer(text):
        parts += _plain(text[at : code.start()]), code[0]
        at = code.end()
    return "".join([*parts, _plain(text[at:])])


def _plain(text: str) -> str:
    return re.sub(r"([\\`*_\[\]<>|~#&])", r"\\\1", printable(text))
