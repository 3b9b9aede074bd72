"""Whatever the code, the names and the messages: every format can be read back, and holds every finding."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rea_lint.config import FORMATS
from rea_lint.diagnostic import Applicability, Diagnostic, Fix, Related, Severity, Silenced
from rea_lint.report import View, render
from rea_lint.report.frame import columns
from rea_lint.rule import InternalError
from rea_lint.text import Edit, Source, Span

SARIF = jsonschema.Draft202012Validator(json.loads((Path(__file__).parent / "schemas" / "sarif-2.1.0.json").read_text("utf-8")))
ODD = "\n\r\t\x00\x07\x1b\x7f\x85\u2028\u202e\ufeff\ufffe日é́𐐀👩‍👩‍👧`'\"<>&|[](){}%:;,#*_~\\/$= az09"
TEXTS = st.text(st.one_of(st.sampled_from(ODD), st.characters(exclude_categories=())), max_size=40)
SOURCES = st.text(st.sampled_from(ODD), max_size=80)
FILES = st.lists(
    st.tuples(TEXTS.map(lambda text: f"/work/{text.replace(chr(0), '')}.py"), SOURCES), min_size=1, max_size=3, unique_by=lambda f: f[0]
)


@st.composite
def spans(draw: st.DrawFn, text: str) -> Span:
    start = draw(st.integers(0, len(text)))
    return Span(start, draw(st.integers(start, len(text))))


@st.composite
def reports(draw: st.DrawFn) -> tuple[list[Diagnostic], View]:
    files = dict(draw(FILES))
    found: dict[tuple[str, Span, str], Diagnostic] = {}
    for _ in range(draw(st.integers(0, 4))):
        path = draw(st.sampled_from(sorted(files)))
        span, edited = draw(spans(files[path])), draw(spans(files[path]))
        fix = Fix(draw(TEXTS), (Edit(edited, draw(TEXTS)),), draw(st.sampled_from(Applicability)))
        related = [Related(at, draw(spans(files[at])), draw(TEXTS)) for at in draw(st.lists(st.sampled_from(sorted(files)), max_size=2))]
        code = draw(st.sampled_from(["REA101", "REA001", "OWN777"]))
        found[path, span, code] = Diagnostic(
            path,
            span,
            code,
            draw(TEXTS),
            draw(st.sampled_from(Severity)),
            draw(TEXTS),
            draw(st.sampled_from([fix, None])),
            tuple(related),
            tuple(sorted(set(draw(st.lists(TEXTS, max_size=2))))),
            draw(st.sampled_from(["https://example.org/x", ""])),
            draw(TEXTS),
        )
    diagnostics = [found[place] for place in sorted(found)]
    split = draw(st.integers(0, len(diagnostics)))
    view = View(
        {path: Source(text) for path, text in files.items()},
        "/work",
        width=draw(st.sampled_from([None, 1, 40, 200])),
        silenced=[Silenced(each, draw(st.sampled_from(["comment", "baseline"])), draw(TEXTS)) for each in diagnostics[split:]],
        errors=[InternalError("REA101", path, draw(TEXTS), f"x{draw(TEXTS)}x") for path in sorted(files)[: draw(st.integers(0, 1))]],
        handlers={name: (path, Span(0, 0)) for path in files for name in draw(st.lists(TEXTS, max_size=1))},
    )
    return diagnostics[:split], view


class Balanced(HTMLParser):
    """A page whose elements are closed in their turn, and whose only script is its own."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert not [name for name, _ in attrs if name.startswith("on")]
        self.seen.append(tag)
        if tag not in {"meta", "link", "input", "wbr"}:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """One that is closed at once."""

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def articles(text: str) -> int:
    page = Balanced()
    page.feed(text)
    page.close()
    assert page.open == []
    assert page.seen.count("script") == 1
    return page.seen.count("article")


def sarif(text: str) -> int:
    log = json.loads(text)
    SARIF.validate(log)
    return sum(not result.get("suppressions") for result in log["runs"][0]["results"])


def gitlab(text: str) -> int:
    issues: list[Any] = json.loads(text)
    assert len({issue["fingerprint"] for issue in issues}) == len(issues)
    return len(issues)


LINES_OF = re.compile(r"[^\n]*\n")
COUNTS = {
    "full": lambda text: len(re.findall(r"^(?:error|warning|info)\[(?:REA|OWN)\d+\]: ", text, re.MULTILINE)),
    "concise": lambda text: len(LINES_OF.findall(text)),
    "grouped": lambda text: len(re.findall(r"^  +\d+:\d+ +(?:REA|OWN)\d+  ", text, re.MULTILINE)),
    "agent": lambda text: len(LINES_OF.findall(text)),
    "json": lambda text: len(json.loads(text)),
    "json-lines": lambda text: len([json.loads(line) for line in LINES_OF.findall(text)]),
    "sarif": sarif,
    "github": lambda text: len(re.findall(r"^::(?:error|warning|notice) [^\n]*\n", text, re.MULTILINE)),
    "gitlab": gitlab,
    "junit": lambda text: len(list(ET.fromstring(text).iterfind("*/testcase[@classname]"))),
    "rdjson": lambda text: len(json.loads(text)["diagnostics"]),
    "azure": lambda text: len(re.findall(r"^##vso\[task\.logissue [^\n\]]*\][^\n]*\n", text, re.MULTILINE)),
    "teamcity": lambda text: len(
        re.findall(r"^##teamcity\[inspection (?: ?\w+='(?:[^'|\[\]\n\r]|\|['|\[\]nrxlp]|\|0x[0-9a-f]{4})*')+\]\n", text, re.MULTILINE)
    ),
    "markdown": lambda text: len(re.findall(r"^- \*\*(?:error|warning|info)\*\* line \d+: ", text, re.MULTILINE)),
    "html": articles,
}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(reports())
def test_every_format_holds_every_finding(report: tuple[list[Diagnostic], View]) -> None:
    diagnostics, view = report
    for form in FORMATS:
        text = render(form, diagnostics, view)
        assert COUNTS[form](text) == len(diagnostics), form
        text.encode("utf-8", "backslashreplace")


@settings(max_examples=40, deadline=None)
@given(reports())
def test_a_terminal_gets_no_line_that_is_wider_than_it_is(report: tuple[list[Diagnostic], View]) -> None:
    diagnostics, view = report
    if view.width is not None:
        frames = [line for line in render("full", diagnostics, view).split("\n") if re.match(r" *\d* \|", line)]
        assert max(map(columns, frames), default=0) <= max(view.width, 30)
