"""One page for people: what was found, where, why, and how to mend it.  One file that asks the network for nothing.

Whatever comes from the linted code goes through `escape`; a content security policy lets no script run but ours.
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from collections import Counter
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from rea_lint import HOME, __version__
from rea_lint.diagnostic import Applicability, Severity
from rea_lint.report import count
from rea_lint.report.frame import changes
from rea_lint.report.full import SAFETY
from rea_lint.report.html.code import lines, python
from rea_lint.report.html.text import escape, markdown, prose

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from rea_lint.diagnostic import Diagnostic, Fix
    from rea_lint.report import View
    from rea_lint.text import Span

HERE = Path(__file__).parent
SEVERITIES = (Severity.ERROR, Severity.WARNING, Severity.INFO)
WIDEST = 400  # columns of a line of code; the page scrolls, but not for ever
OUTSIDE = "outside handlers"


def render(diagnostics: Sequence[Diagnostic], view: View) -> str:
    """The page."""
    script, style = (HERE / "page.js").read_text("utf-8"), (HERE / "page.css").read_text("utf-8")
    allowed = b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{allowed}'"
    parts = [
        "<!doctype html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="color-scheme" content="light dark">',
        '<link rel="icon" href="data:,">',
        f"<title>rea-lint: {count(len(diagnostics), 'finding')}</title>",
        f"<style>{style}</style>",
        "</head>",
        "<body>",
        '<a class="skip" href="#findings">Skip to the findings</a>',
        *_head(diagnostics, view),
        "<main>",
        *_errors(view),
        *_summary(diagnostics, view),
        *(_filters(diagnostics, view) if diagnostics else ()),
        *_findings(diagnostics, view),
        *_silenced(view),
        *_pages(diagnostics, view),
        "</main>",
        f'<footer>Written by <a href="{HOME}">rea-lint {escape(__version__)}</a>.</footer>',
        f"<script>{script}</script>",
        "</body>",
        "</html>",
        "",
    ]
    return "\n".join(parts)


# -- what was found, in numbers ----------------------------------------------------------------------------------------


def _head(diagnostics: Sequence[Diagnostic], view: View) -> Iterator[str]:
    handlers, services = view.found
    looked_at = [count(view.files, "file")] if view.files else []
    if handlers:
        looked_at.append(f"{count(handlers, 'handler')} in {count(services, 'service')}")
    yield '<header class="top"><div>'
    yield f"<h1>Durable execution report <small>{escape(Path(view.base).name)}</small></h1>"
    if looked_at:
        yield f"<p>Checked {', '.join(looked_at)}.</p>"
    yield '</div><button type="button" id="theme" class="scripted" aria-label="Switch between light and dark">◐</button></header>'
    if not diagnostics:
        yield '<p class="clean">No findings.</p>'


def _errors(view: View) -> Iterator[str]:
    if not view.errors:
        return
    yield '<section class="broken" role="alert"><h2>rea-lint failed in places, so findings may be missing</h2><ul>'
    for error in view.errors:
        yield f"<li><code>{escape(error.culprit)}</code> {escape(view.path(error.path))}: {escape(error.reason)}</li>"
    yield "</ul></section>"


def _summary(diagnostics: Sequence[Diagnostic], view: View) -> Iterator[str]:
    if not diagnostics and not view.handlers:
        return
    counts = Counter(d.severity for d in diagnostics)
    fixable = Counter(d.fix.applicability for d in diagnostics if d.fix)
    tiles = [(str(severity), counts[severity], {1: str(severity)}.get(counts[severity], f"{severity}s")) for severity in SEVERITIES]
    tiles += [("safe", fixable[Applicability.SAFE], "safe fixes"), ("unsafe", fixable[Applicability.UNSAFE], "unsafe fixes")]
    tiles += [("silenced", len(view.silenced), "silenced")]
    yield '<section aria-label="Summary"><ul class="tiles">'
    yield from (f'<li class="{kind}"><strong>{n:,}</strong> {"info" if word == "infos" else word}</li>' for kind, n, word in tiles)
    yield "</ul>"
    yield '<div class="tables">'
    yield from _table("Rules", "code", _by_rule(diagnostics))
    handlers, services = view.found
    yield from _table("Services", "handler", _by_service(diagnostics, view), services)
    yield from _table("Handlers", "handler", _by_handler(diagnostics, view), handlers)
    yield from _table("Files", "file", _tally((d, [view.path(d.path)]) for d in diagnostics))
    yield "</div></section>"


Row = tuple[str, str, Counter[Severity]]  # value to filter by, what is shown (HTML), how many of each severity


def _by_rule(diagnostics: Iterable[Diagnostic]) -> list[Row]:
    names = {d.code: d.name for d in diagnostics}
    rows = _tally((d, [d.code]) for d in diagnostics)
    return [(code, f"{shown} <small>{escape(names[code])}</small>", counts) for code, shown, counts in rows]


def _by_service(diagnostics: Iterable[Diagnostic], view: View) -> list[Row]:
    """Filtered by what the names of their handlers begin with, `Shop.`."""
    rows = _tally((d, {f"{_service(name)}." for name in d.handlers}) for d in diagnostics)
    rows = [(value, shown.removesuffix("<wbr>").removesuffix("."), counts) for value, shown, counts in rows]
    return [*rows, *_clean({f"{_service(name)}.": _service(name) for name in view.handlers}, rows)]


def _by_handler(diagnostics: Iterable[Diagnostic], view: View) -> list[Row]:
    rows = _tally((d, d.handlers or (OUTSIDE,)) for d in diagnostics)
    return [*rows, *_clean({name: name for name in view.handlers}, rows)]


def _clean(names: Mapping[str, str], rows: Iterable[Row]) -> Iterator[Row]:
    found = {value for value, _, _ in rows}
    yield from ((value, escape(name), Counter()) for value, name in sorted(names.items()) if value not in found)


def _service(handler: str) -> str:
    return handler.rpartition(".")[0]


def _tally(each: Iterable[tuple[Diagnostic, Iterable[str]]]) -> list[Row]:
    """How many findings each value has, the worst and most first."""
    found: dict[str, Counter[Severity]] = {}
    for diagnostic, values in each:
        for value in values:
            found.setdefault(value, Counter())[diagnostic.severity] += 1
    ordered = sorted(found.items(), key=lambda item: (*(-item[1][severity] for severity in SEVERITIES), item[0]))
    return [(value, re.sub(r"([/._])", r"\1<wbr>", escape(value)), counts) for value, counts in ordered]


def _table(title: str, field: str, rows: Sequence[Row], things: int = 0) -> Iterator[str]:
    """A row for each value; where several of `things` share one, the heading says that it counts names."""
    if not rows:
        return
    values = sum(value != OUTSIDE for value, _, _ in rows)
    most = max(sum(counts.values()) for _, _, counts in rows) or 1
    yield f'<section><h2>{title} <small>{count(values, "name") if things > values else f"{values:,}"}</small></h2><div class="scroll"><table aria-label="Findings by {field}"><tbody>'
    for value, shown, counts in rows:
        total = sum(counts.values())
        said = ", ".join(f"{counts[severity]} {severity}" for severity in SEVERITIES if counts[severity])
        button = (
            f'<button type="button" class="pick" data-field="{field}" data-value="{escape(value)}">{shown}</button>' if total else shown
        )
        yield f'<tr><th scope="row">{button}</th><td title="{said or "clean"}">{_bar(counts, most) if total else _CLEAN}</td></tr>'
    yield "</tbody></table></div></section>"


_CLEAN = '<span class="ok" aria-label="no findings">✓</span>'


def _bar(counts: Counter[Severity], most: int) -> str:
    at, parts = 0.0, []
    for severity in SEVERITIES:
        wide = 100 * counts[severity] / most
        if wide:
            parts.append(f'<rect class="{severity}" x="{at:.2f}" width="{wide:.2f}" height="10"/>')
        at += wide
    return f'{sum(counts.values())} <svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">{"".join(parts)}</svg>'


# -- search and filter -------------------------------------------------------------------------------------------------


def _filters(diagnostics: Sequence[Diagnostic], view: View) -> Iterator[str]:
    yield '<form class="filters scripted" id="filters" role="search" aria-label="Filter the findings">'
    yield '<label class="wide"><span>Search</span><input type="search" id="search" placeholder="message, code, place" autocomplete="off"></label>'
    yield "<fieldset><legend>Severity</legend>"
    present = {d.severity for d in diagnostics}
    yield from (
        f'<label class="check {severity}"><input type="checkbox" name="severity" value="{severity}" checked> {severity}</label>'
        for severity in SEVERITIES
        if severity in present
    )
    yield "</fieldset>"
    names = {d.code: f"{d.code} {d.name}" for d in diagnostics}
    yield from _select("code", "Rule", {code: names[code] for code in sorted(names)})
    handlers = sorted({name for d in diagnostics for name in d.handlers})
    outside = [OUTSIDE] if any(not d.handlers for d in diagnostics) else []
    services = {f"{service}.": f"{service}: all" for service in sorted({_service(name) for name in handlers})}
    yield from _select(
        "handler",
        "Service or handler",
        dict(sorted({**services, **{name: name for name in handlers}}.items())) | dict.fromkeys(outside, OUTSIDE),
    )
    yield from _select("file", "File", {name: name for name in dict.fromkeys(view.path(d.path) for d in diagnostics)})
    yield '<button type="reset">Reset</button><output id="count" aria-live="polite"></output></form>'


def _select(name: str, title: str, options: Mapping[str, str]) -> Iterator[str]:
    yield f'<label><span>{title}</span><select name="{name}"><option value="">all</option>'
    yield from (f'<option value="{escape(value)}">{escape(shown)}</option>' for value, shown in options.items())
    yield "</select></label>"


# -- the findings ------------------------------------------------------------------------------------------------------


def _findings(diagnostics: Sequence[Diagnostic], view: View) -> Iterator[str]:
    yield '<div id="findings" tabindex="-1">'
    by_file = {path: list(found) for path, found in groupby(diagnostics, lambda d: d.path)}
    for path, found in sorted(by_file.items(), key=lambda item: -max(d.severity for d in item[1])):
        yield f'<section class="file"><h2>{escape(view.path(path))}</h2>'
        for diagnostic in found:
            yield from _finding(diagnostic, view)
        yield "</section>"
    yield '<p id="none" hidden>Nothing fits the filter.</p></div>'


def _finding(diagnostic: Diagnostic, view: View) -> Iterator[str]:
    place = view.start(diagnostic.path, diagnostic.span)
    handlers = escape("\n".join(diagnostic.handlers or (OUTSIDE,)))
    yield (
        f'<article tabindex="-1" data-severity="{diagnostic.severity}" data-code="{escape(diagnostic.code)}" '
        f'data-file="{escape(view.path(diagnostic.path))}" data-handler="{handlers}" class="{diagnostic.severity}">'
    )
    yield f'<h3><span class="badge">{diagnostic.severity}</span> {prose(diagnostic.message)}</h3>'
    yield f'<p class="about"><a href="#page-{escape(diagnostic.code)}">{escape(diagnostic.code)} {escape(diagnostic.name)}</a>'
    yield f"<span>line {place.row}, column {place.column}</span>"
    if diagnostic.function:
        yield f"<span>in <code>{escape(diagnostic.function)}</code></span>"
    yield "".join(f'<span class="handler">{escape(name)}</span>' for name in diagnostic.handlers) + "</p>"
    yield _frame(diagnostic.path, diagnostic.span, view, around=3)
    if diagnostic.related:
        yield f"<details><summary>Why: the way to the cause, {count(len(diagnostic.related), 'place')}</summary><ol>"
        for related in diagnostic.related:
            row = view.start(related.path, related.span).row
            yield f'<li><span class="place">{escape(view.path(related.path))}:{row}</span> {prose(related.message)}'
            yield f"{_frame(related.path, related.span, view, around=1)}</li>"
        yield "</ol></details>"
    if diagnostic.fix is not None:
        yield from _fix(diagnostic.path, diagnostic.fix, view)
    yield "</article>"


def _frame(path: str, span: Span, view: View, *, around: int) -> str:
    """The lines around a span, numbered, with the span marked."""
    source = view.sources[path]
    rows = []
    for row, code in lines(source, span, around, WIDEST):
        number = '<span class="row">' + (str(row) if row is not None else "⋮") + "</span>"
        is_hit = row is not None and source.position(span.start).row <= row <= source.position(span.end).row
        rows.append(f'<span class="line{" hit" if is_hit else ""}">{number}{code}\n</span>')
    return f'<pre class="code" tabindex="0" aria-label="{escape(view.path(path))}"><code>{"".join(rows)}</code></pre>'


def _fix(path: str, fix: Fix, view: View) -> Iterator[str]:
    flag = {Applicability.SAFE: "--fix", Applicability.UNSAFE: "--fix --unsafe-fixes"}.get(fix.applicability)
    how = f" <code>rea-lint check {flag}</code>" if flag else ""
    kinds = {"-": "del", "+": "ins"}
    diff = "".join(
        f'<{kinds[line[0]]} class="line">{line[0]} {python(line[2:])}\n</{kinds[line[0]]}>'
        for line in changes(view.sources[path], fix, WIDEST)
    )
    yield f"<details open><summary>{SAFETY[fix.applicability].capitalize()}: {prose(fix.title)}{how}</summary>"
    yield f'<pre class="code diff" tabindex="0" aria-label="What the fix changes"><code>{diff}</code></pre></details>'


def _silenced(view: View) -> Iterator[str]:
    if not view.silenced:
        return
    yield f'<section><details><summary>{count(len(view.silenced), "finding")} silenced</summary><ul class="silenced">'
    for silenced in view.silenced:
        each = silenced.diagnostic
        row = view.start(each.path, each.span).row
        reason = f": {escape(silenced.reason)}" if silenced.reason else ""
        yield f"<li>{escape(each.code)} {escape(view.path(each.path))}:{row} {prose(each.message)} <em>by {escape(silenced.by)}{reason}</em></li>"
    yield "</ul></details></section>"


def _pages(diagnostics: Iterable[Diagnostic], view: View) -> Iterator[str]:
    found = {d.code: d for d in diagnostics}
    if not found:
        return
    pages = {rule.code: rule for rule in view.rules(found.keys())}
    yield '<section aria-label="Rules"><h2>About these rules</h2>'
    for code, diagnostic in sorted(found.items()):
        yield f'<details class="page" id="page-{escape(code)}"><summary>{escape(code)} {escape(diagnostic.name)}</summary>'
        if code in pages:
            yield markdown(pages[code].page.shown.strip())
        links = {"this page on the web": diagnostic.url, "Restate's documentation": pages[code].docs if code in pages else ""}
        shown = " · ".join(
            f'<a href="{escape(url)}" rel="noopener">{title}</a>' for title, url in links.items() if url.startswith("https:")
        )
        yield f"<p>{shown}</p></details>"
    yield "</section>"
