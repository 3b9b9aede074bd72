"""JUnit's XML: every system that shows test results shows findings as failed tests, a suite a file.

As Jenkins' schema has it, junit-10.xsd of its xUnit plugin.  What does not fail a run is a skipped test.
"""

from __future__ import annotations

import re
from itertools import groupby
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

from rea_lint.diagnostic import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rea_lint.diagnostic import Diagnostic
    from rea_lint.report import View

_INVALID = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # in XML 1.0


def render(diagnostics: Sequence[Diagnostic], view: View) -> str:
    """A document; without findings it has one test that passes, since systems take an empty one for a run that broke."""
    failed = sum(d.severity > Severity.INFO for d in diagnostics)
    suites = [line for path, found in groupby(diagnostics, lambda d: d.path) for line in _suite(path, list(found), view)]
    suites += _errors(view)
    tests = len(diagnostics) + len(view.errors)
    if not suites:
        suites = ['  <testsuite name="rea-lint" tests="1" failures="0" errors="0">', '    <testcase name="no findings"/>', "  </testsuite>"]
        tests = 1
    head = f'<testsuites name="rea-lint" tests="{tests}" failures="{failed}" errors="{len(view.errors)}">'
    return "\n".join(['<?xml version="1.0" encoding="UTF-8"?>', head, *suites, "</testsuites>", ""])


def _suite(path: str, found: list[Diagnostic], view: View) -> Iterator[str]:
    failures = sum(d.severity > Severity.INFO for d in found)
    skipped = len(found) - failures
    name = _attribute(view.slashed(path))
    yield f'  <testsuite name={name} file={name} tests="{len(found)}" failures="{failures}" errors="0" skipped="{skipped}">'
    for diagnostic in found:
        place = view.start(path, diagnostic.span)
        case = _attribute(f"{diagnostic.code} {diagnostic.name} ({place.row}:{place.column})")
        result = "skipped" if diagnostic.severity == Severity.INFO else "failure"
        yield f"    <testcase name={case} classname={_attribute(view.slashed(path).removesuffix('.py'))}>"
        yield f"      <{result} message={_attribute(diagnostic.message)} type={_attribute(str(diagnostic.severity))}>{_text(diagnostic, view)}</{result}>"
        yield "    </testcase>"
    yield "  </testsuite>"


def _errors(view: View) -> Iterator[str]:
    if not view.errors:
        return
    yield f'  <testsuite name="rea-lint" tests="{len(view.errors)}" failures="0" errors="{len(view.errors)}">'
    for error in view.errors:
        yield f"    <testcase name={_attribute(f'internal error in {error.culprit} ({view.slashed(error.path)})')}>"
        yield f"      <error message={_attribute(error.reason)}>{escape(_valid(error.traceback))}</error>"
        yield "    </testcase>"
    yield "  </testsuite>"


def _text(diagnostic: Diagnostic, view: View) -> str:
    place = view.start(diagnostic.path, diagnostic.span)
    hops = (f"{view.slashed(r.path)}:{view.start(r.path, r.span).row}: {r.message}" for r in diagnostic.related)
    fix = [f"fix ({diagnostic.fix.applicability}): {diagnostic.fix.title}"] if diagnostic.fix else []
    first = f"{view.slashed(diagnostic.path)}:{place.row}:{place.column}: {diagnostic.message}"
    return escape(_valid("\n".join([first, *hops, *fix, *([diagnostic.url] if diagnostic.url else [])])))


def _attribute(text: str) -> str:
    return quoteattr(_valid(text))


def _valid(text: str) -> str:
    return _INVALID.sub("\ufffd", text)
