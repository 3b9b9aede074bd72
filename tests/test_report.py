"""The output formats, on findings made by hand."""

from __future__ import annotations

import itertools
import json
import re
import subprocess
import sys

import pytest

from rea_lint.config import FORMATS
from rea_lint.diagnostic import Applicability, Diagnostic, Fix, Related, Severity
from rea_lint.report import View, render, statistics, summary
from rea_lint.report.frame import columns, fit, printable
from rea_lint.text import Edit, Source, Span

TEXT = """\
import time

async def greet(ctx, name):
\t日本 = "é日本", time.time()  # the clock
    body = requests.post(
        url,
    )
"""
MAIN, CLOCK = "/work/app/main.py", "/work/app/clock.py"
SOURCES = {MAIN: Source(TEXT), CLOCK: Source("import time\ndef now():\n    return time.time()\n")}
HERE = TEXT.index("time.time()")
FIX = Fix(
    "Use `await ctx.time()`",
    (Edit(Span(HERE, HERE + 11), "await ctx.time()"), Edit(Span(0, 11), "import asyncio")),
    Applicability.UNSAFE,
)


def finding(
    start: int = HERE,
    end: int = HERE + 11,
    *,
    message: str = "`time.time()` gives another value on replay",
    severity: Severity = Severity.ERROR,
    fix: Fix | None = FIX,
    related: tuple[Related, ...] = (Related(CLOCK, Span(41, 52), "`clock.now` calls `time.time`"),),
) -> Diagnostic:
    return Diagnostic(
        MAIN, Span(start, end), "REA101", "wall-clock", severity, message, fix, related, ("Greeter.greet",), "https://example.org/REA101.md"
    )


def shown(form: str, *findings: Diagnostic, color: bool = False, width: int | None = None) -> str:
    return render(form, findings, View(SOURCES, "/work", color, width))


def test_concise_is_one_line_a_finding() -> None:
    assert shown("concise", finding()) == "app/main.py:4:14: REA101 `time.time()` gives another value on replay\n"


def test_json_has_the_shape_of_the_contract() -> None:
    (item,) = json.loads(shown("json", finding()))
    assert item == {
        "code": "REA101",
        "name": "wall-clock",
        "severity": "error",
        "message": "`time.time()` gives another value on replay",
        "filename": "/work/app/main.py",
        "location": {"row": 4, "column": 14},
        "end_location": {"row": 4, "column": 25},
        "url": "https://example.org/REA101.md",
        "fix": {
            "applicability": "unsafe",
            "message": "Use `await ctx.time()`",
            "edits": [
                {"content": "await ctx.time()", "location": {"row": 4, "column": 14}, "end_location": {"row": 4, "column": 25}},
                {"content": "import asyncio", "location": {"row": 1, "column": 1}, "end_location": {"row": 1, "column": 12}},
            ],
        },
        "handlers": ["Greeter.greet"],
        "related": [{"filename": "/work/app/clock.py", "location": {"row": 3, "column": 19}, "message": "`clock.now` calls `time.time`"}],
    }


def test_json_without_a_fix_says_null_and_without_findings_an_empty_list() -> None:
    assert json.loads(shown("json", finding(fix=None)))[0]["fix"] is None
    assert json.loads(shown("json")) == []


def test_github_escapes_data_and_properties() -> None:
    odd = Diagnostic("/work/a,b:c.py", Span(0, 1), "REA101", "wall-clock", Severity.WARNING, "50%\r\nmore: a, b", None, (), (), "")
    text = render("github", [odd], View({"/work/a,b:c.py": Source("x")}, "/work"))
    assert text == "::warning title=REA101 wall-clock,file=a%2Cb%3Ac.py,line=1,endLine=1,col=1,endColumn=2::50%25%0D%0Amore: a, b\n"


def test_github_leaves_out_columns_of_a_range_over_several_rows() -> None:
    start = TEXT.index("requests")
    text = shown("github", finding(start, len(TEXT) - 1, severity=Severity.INFO, related=()))
    assert text == "::notice title=REA101 wall-clock,file=app/main.py,line=5,endLine=7::`time.time()` gives another value on replay\n"


def test_full_shows_code_carets_the_way_and_the_fix() -> None:
    assert shown("full", finding()) == (
        "error[REA101]: `time.time()` gives another value on replay\n"
        " --> app/main.py:4:14\n"
        "3 | async def greet(ctx, name):\n"
        '4 |     日本 = "é日本", time.time()  # the clock\n'
        "  |                     ^^^^^^^^^^^\n"
        "5 |     body = requests.post(\n"
        "6 |         url,\n"
        "  = app/clock.py:3: `clock.now` calls `time.time`\n"
        "  = unsafe fix: Use `await ctx.time()`\n"
        "      - import time\n"
        "      + import asyncio\n"
        '      -     日本 = "é日本", time.time()  # the clock\n'
        '      +     日本 = "é日本", await ctx.time()  # the clock\n'
        "  = wall-clock: https://example.org/REA101.md\n"
        "\n"
    )


def test_full_on_a_terminal_is_the_same_with_colors() -> None:
    plain, colored = shown("full", finding(), width=80), shown("full", finding(), color=True, width=80)
    assert "\x1b[1;31m" in colored
    assert _without_escapes(colored) == plain


@pytest.mark.parametrize("width", [1, 30, 40, 80])
def test_full_keeps_within_a_narrow_terminal(width: int) -> None:
    text = "x = [" + "日本, " * 80 + "time.time()" + ", more" * 80 + "]\n"
    start = text.index("time.time()")
    diagnostic = Diagnostic(MAIN, Span(start, start + 11), "REA101", "wall-clock", Severity.ERROR, "a word " * 30, None, (), (), "u")
    output = render("full", [diagnostic], View({MAIN: Source(text)}, "/work", width=width))
    lines = output.splitlines()
    assert max(map(columns, lines)) <= max(width, 30)
    code, carets = next((a, b) for a, b in itertools.pairwise(lines) if "^" in b)
    seen = carets.index("^")
    before = next(i for i in range(len(code)) if columns(code[:i]) == seen)
    assert code[before:].startswith("time.time()")


@pytest.mark.parametrize("width", [30, 44, 70])
def test_full_wraps_what_it_says_and_shows_what_a_fix_changes(width: int) -> None:
    line = "    value = compute(" + "argument, " * 30 + "time.time())\n"
    start = line.index("time.time()")
    fix = Fix("a title of many words " * 5, (Edit(Span(start, start + 11), "await ctx.time()"),), Applicability.SAFE)
    related = (Related(MAIN, Span(0, 1), "`a` calls `b`, " * 10), Related(MAIN, Span(0, 1), "`b` calls `c`"))
    diagnostic = Diagnostic(MAIN, Span(start, start + 11), "REA101", "wall-clock", Severity.ERROR, "m", fix, related, (), "u")
    lines = render("full", [diagnostic], View({MAIN: Source(line)}, "/work", width=width)).splitlines()
    assert max(map(columns, lines)) <= width
    assert any("- …" in shown and "time.time()"[: width // 4] in shown for shown in lines)
    assert any("+ …" in shown and "await ctx"[: width // 4] in shown for shown in lines)
    assert "".join(lines).count("title") == 5


def test_full_links_to_the_page_where_a_terminal_shows_links() -> None:
    view = View(SOURCES, "/work", color=True, width=40, has_links=True)
    text = render("full", [finding()], view)
    assert "\x1b]8;;https://example.org/REA101.md\x1b\\\x1b[1;31merror[REA101]\x1b[0m\x1b]8;;\x1b\\" in text
    assert "wall-clock: rea-lint rule REA101" in text
    assert "\x1b]8" not in shown("full", finding(), color=True, width=40)


def test_full_shows_an_empty_span_and_the_end_of_the_file() -> None:
    assert "1 | x\n  | ^\n" in render("full", [_at("x", 0, 0)], View({MAIN: Source("x")}, "/work"))
    assert "2 |\n  | ^\n" in render("full", [_at("x\n", 2, 2)], View({MAIN: Source("x\n")}, "/work"))
    assert "1 |\n  | ^\n" in render("full", [_at("", 0, 0)], View({MAIN: Source("")}, "/work"))


def test_full_leaves_out_the_middle_of_a_long_finding() -> None:
    text = "f(\n" + "    1,\n" * 50 + ")\n"
    output = render("full", [_at(text, 0, len(text) - 1)], View({MAIN: Source(text)}, "/work"))
    assert "   | ...\n52 | )\n" in output
    assert output.count("1,") == 5


def test_what_would_play_tricks_on_a_terminal_is_made_visible() -> None:
    assert printable("a\x1b[31m\tb\u202e\ud800\u2028") == "a␛[31m    b\ufffd\ufffd\ufffd"
    assert columns("e\u0301日a\u200b") == 4
    assert fit("日本語", 5) == "日本…"
    assert fit("abc", 3) == "abc"


def test_an_unknown_format_is_a_mistake_of_ours() -> None:
    with pytest.raises(ValueError, match="sarif2"):
        shown("sarif2")


@pytest.mark.parametrize("form", FORMATS)
def test_no_findings_give_no_crash(form: str) -> None:
    text = shown(form)
    assert text == "" or text.endswith("\n")


def test_summary_says_what_was_looked_at() -> None:
    safe = Fix("t", (), Applicability.SAFE)
    found = [finding(fix=safe), finding(fix=safe), finding(), finding(severity=Severity.WARNING, fix=None)]
    assert summary(34, 12, 5, found) == (
        "Checked 34 files, 12 handlers in 5 services: 3 errors, 1 warning (2 fixable with --fix, 1 more with --unsafe-fixes)."
    )
    assert summary(34, 12, 5, found, unsafe=True).endswith("(3 fixable with --fix).")
    assert summary(1, 1, 1, []) == "Checked 1 file, 1 handler in 1 service: no findings."
    assert summary(2000, 1, 1, [finding(severity=Severity.INFO)]) == (
        "Checked 2,000 files, 1 handler in 1 service: 1 info (1 fixable with --unsafe-fixes)."
    )


def test_summary_says_loudly_that_there_was_no_handler() -> None:
    assert summary(3, 0, 0, []) == "Checked 3 files: NO RESTATE HANDLER FOUND, so no durable code was linted; no findings."


def test_summary_counts_handlers_elsewhere_in_the_project() -> None:
    assert summary(1, 0, 0, [], around=12) == "Checked 1 file, in a project with 12 handlers: no findings."


def test_statistics_count_most_first() -> None:
    other = Diagnostic(MAIN, Span(0, 1), "REA001", "syntax-error", Severity.ERROR, "m", None, (), (), "")
    assert statistics([other, finding(), finding()], "full") == "2  REA101  wall-clock\n1  REA001  syntax-error\n"


@pytest.mark.parametrize("form", FORMATS)
def test_libraries_that_are_slow_to_import_are_not(form: str) -> None:
    code = (
        f"import sys; from rea_lint.report import *; render({form!r}, [], View({{}}, '/', color=True)); "
        "print('rich' in sys.modules, 'libcst' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split() == ["False", "False"]


def _at(_text: str, start: int, end: int) -> Diagnostic:
    return Diagnostic(MAIN, Span(start, end), "REA001", "syntax-error", Severity.ERROR, "m", None, (), (), "u")


def _without_escapes(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text)
