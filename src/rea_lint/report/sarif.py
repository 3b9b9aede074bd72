"""SARIF 2.1.0: code scanning of GitHub and Azure DevOps, viewers in editors, defect trackers.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html; what GitHub makes of it is on
https://docs.github.com/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from rea_lint import HOME, __version__
from rea_lint.diagnostic import Severity
from rea_lint.fingerprint import identities
from rea_lint.rule import index

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from rea_lint.diagnostic import Diagnostic, Fix, Silenced
    from rea_lint.report import View
    from rea_lint.rule import InternalError, Rule
    from rea_lint.text import Span

Object = dict[str, Any]

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
ROOT = "SRCROOT"  # what relative paths are relative to
LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
PROBLEMS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "recommendation"}  # GitHub's words
KINDS = {"comment": "inSource", "baseline": "external"}
MOST_HANDLERS = 5  # code flows of a finding: one for each handler that reaches it


def render(diagnostics: Sequence[Diagnostic], view: View) -> str:
    """One log with one run; findings that are silenced are in it as suppressed."""
    silenced = {each.diagnostic: each for each in view.silenced}
    found = (*diagnostics, *silenced)
    places = {code: i for i, code in enumerate(sorted({diagnostic.code for diagnostic in found}))}
    known = identities(found, view.sources, view.base)
    results = [_result(diagnostic, places[diagnostic.code], known[diagnostic].fingerprint, view) for diagnostic in found]
    if silenced:  # either all results have suppressions, or none has: 3.27.23
        for diagnostic, result in zip(found, results, strict=True):
            result["suppressions"] = [_suppression(silenced[diagnostic])] if diagnostic in silenced else []
    run = {
        "tool": {"driver": {"name": "rea-lint", "version": __version__, "informationUri": HOME, "rules": _rules(found, view)}},
        "invocations": [_invocation(diagnostics, places, view)],
        "originalUriBaseIds": {ROOT: {"uri": f"file://{_quoted(view.base.rstrip(os.sep) + os.sep)}"}},
        "columnKind": "unicodeCodePoints",
        "results": results,
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


# -- the tool and its run ----------------------------------------------------------------------------------------------


def _rules(found: Iterable[Diagnostic], view: View) -> list[Object]:
    """The rules that found something, by code."""
    first = {diagnostic.code: diagnostic for diagnostic in found}
    pages = {rule.code: rule for rule in view.rules(first.keys())}
    return [_rule(first[code], pages.get(code)) for code in sorted(first)]


def _rule(diagnostic: Diagnostic, rule: Rule | None) -> Object:
    known: Object = {"id": diagnostic.code, "name": diagnostic.name, **({"helpUri": diagnostic.url} if diagnostic.url else {})}
    if rule is None:
        return known
    page, summary = rule.page.shown.strip(), _limited(rule.page.summary)
    return {
        **known,
        "shortDescription": {"text": summary},
        "fullDescription": {"text": summary},
        "help": {"text": page, "markdown": page},
        "defaultConfiguration": {"enabled": rule.default, "level": LEVELS[rule.severity]},
        "properties": {"tags": ["restate", rule.family], "precision": "high", "problem.severity": PROBLEMS[rule.severity]},
    }


def _limited(text: str) -> str:
    """GitHub takes 1,024 characters of a description."""
    return text if len(text) <= 1024 else f"{text[:1023]}…"


def _invocation(diagnostics: Sequence[Diagnostic], places: Mapping[str, int], view: View) -> Object:
    unread = {entry.code for entry in index() if entry.looks_at_any(("Broken",))}
    notifications = [
        {
            "level": "error",
            "message": {"text": diagnostic.message},
            "locations": [_location(diagnostic.path, diagnostic.span, view)],
            "associatedRule": {"id": diagnostic.code, "index": places[diagnostic.code]},
        }
        for diagnostic in diagnostics
        if diagnostic.code in unread
    ]
    return {
        "executionSuccessful": not view.errors,
        "toolExecutionNotifications": [*notifications, *(_failure(error, view) for error in view.errors)],
    }


def _failure(error: InternalError, view: View) -> Object:
    said: Object = {
        "level": "error",
        "message": {"text": f"internal error in {error.culprit}: {error.reason}; findings may be missing"},
        "exception": {"message": error.traceback},
    }
    if error.path:
        said["locations"] = [{"physicalLocation": {"artifactLocation": _artifact(error.path, view)}}]
    return said


# -- results -----------------------------------------------------------------------------------------------------------


def _result(diagnostic: Diagnostic, place: int, fingerprint: str, view: View) -> Object:
    location = _location(diagnostic.path, diagnostic.span, view, has_context=True)
    if diagnostic.function:
        location["logicalLocations"] = [{"fullyQualifiedName": diagnostic.function}]
    result: Object = {
        "ruleId": diagnostic.code,
        "ruleIndex": place,
        "level": LEVELS[diagnostic.severity],
        "message": {"text": diagnostic.message},
        "locations": [location],
        "partialFingerprints": {"reaLintFingerprint/v1": fingerprint},
    }
    if diagnostic.related:
        result["relatedLocations"] = [
            {"id": i, **_location(related.path, related.span, view), "message": {"text": related.message}}
            for i, related in enumerate(diagnostic.related, 1)
        ]
        result["codeFlows"] = list(_flows(diagnostic, view))
    if diagnostic.fix is not None and diagnostic.is_fixable():
        result["fixes"] = [_fix(diagnostic.path, diagnostic.fix, view)]
    if diagnostic.handlers:
        result["properties"] = {"handlers": list(diagnostic.handlers)}
    return result


def _flows(diagnostic: Diagnostic, view: View) -> Iterator[Object]:
    """From each handler that reaches the finding, through the finding, down to the cause."""
    ways = [
        _step(diagnostic.path, diagnostic.span, diagnostic.message, view),
        *(_step(related.path, related.span, related.message, view) for related in diagnostic.related),
    ]
    starts = [(name, view.handlers[name]) for name in diagnostic.handlers if name in view.handlers][:MOST_HANDLERS]
    if not starts:
        yield {"threadFlows": [{"locations": ways}]}
    for name, (path, span) in starts:
        start = _step(path, span, f"`{name}` runs again on replay", view)
        yield {"message": {"text": f"From `{name}`"}, "threadFlows": [{"locations": [start, *ways]}]}


def _step(path: str, span: Span, message: str, view: View) -> Object:
    return {"location": {**_location(path, span, view), "message": {"text": message}}, "importance": "essential"}


def _fix(path: str, fix: Fix, view: View) -> Object:
    replacements = [{"deletedRegion": _region(path, edit.span, view), "insertedContent": {"text": edit.new}} for edit in sorted(fix.edits)]
    return {
        "description": {"text": fix.title},
        "artifactChanges": [{"artifactLocation": _artifact(path, view), "replacements": replacements}],
        "properties": {"applicability": str(fix.applicability)},
    }


def _suppression(silenced: Silenced) -> Object:
    said = {"kind": KINDS[silenced.by], "status": "accepted"}
    return {**said, "justification": silenced.reason} if silenced.reason else said


# -- places ------------------------------------------------------------------------------------------------------------


def _location(path: str, span: Span, view: View, *, has_context: bool = False) -> Object:
    place: Object = {"artifactLocation": _artifact(path, view), "region": _region(path, span, view)}
    if has_context:
        source = view.sources[path]
        place["region"]["snippet"] = {"text": source.text[span.start : span.end]}
        first, last = place["region"]["startLine"], place["region"]["endLine"]
        start, end = max(first - 2, 1), min(last + 2, len(source))
        text = source.text[source.line_span(start).start : source.line_span(end).end]
        place["contextRegion"] = {"startLine": start, "endLine": end, "snippet": {"text": text}}
    return {"physicalLocation": place}


def _region(path: str, span: Span, view: View) -> Object:
    start, end = view.start(path, span), view.end(path, span)
    return {"startLine": start.row, "startColumn": start.column, "endLine": end.row, "endColumn": end.column}


def _artifact(path: str, view: View) -> Object:
    name = view.slashed(path)
    if name.startswith("/"):  # it lies elsewhere
        return {"uri": f"file://{_quoted(name)}"}
    return {"uri": _quoted(name), "uriBaseId": ROOT}


def _quoted(path: str) -> str:
    path = path.replace(os.sep, "/")
    try:
        return quote(path.encode("utf-8", "surrogateescape"))
    except UnicodeEncodeError:  # half a character, which Windows allows in a name
        return quote(path.encode("utf-8", "surrogatepass"))
