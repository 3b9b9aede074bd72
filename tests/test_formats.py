"""The formats that other programs read, as those programs read them.

The schemas of GitLab, Jenkins and reviewdog are theirs to publish: a folder with them, named by REA_LINT_SCHEMAS, is used if there is one
(`gitlab.json` is app/validators/json_schemas/codeclimate.json of GitLab in a list, `junit-10.xsd` that of Jenkins' xUnit plugin, `rdjson.json`
proto/rdf/jsonschema/DiagnosticResult.json of reviewdog).
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes
from xml.etree import ElementTree as ET

import jsonschema
import junitparser
import pytest
import xmlschema

from rea_lint.config import FORMATS
from rea_lint.diagnostic import Applicability, Diagnostic, Fix, Related, Severity, Silenced
from rea_lint.fingerprint import identities
from rea_lint.report import View, render
from rea_lint.rule import InternalError
from rea_lint.text import Edit, Position, Source, Span, apply

HOSTILE = "50% of 'a' | [b] ]; c=d::e, \"q\" </script> <b> && \\ `x` 日 𐐀 \x07 \x85 \u2028\r\nnext\tend"
TEXT = "import time\n\nasync def greet(ctx, name):\n    日𐐀 = time.time()\n    return time.time()\n"
ODD = "/work/app/a b,c;d]'|%日\udcff.py"
PLAIN = "/work/app/clock.py"
SOURCES = {ODD: Source(TEXT), PLAIN: Source("import time\ndef now():\n    return time.time()\n")}
HERE = TEXT.index("time.time()")
FIX = Fix("Use `await ctx.time()`", (Edit(Span(HERE, HERE + 11), "await ctx.time()"), Edit(Span(0, 11), "")), Applicability.SAFE)


def finding(path: str = ODD, start: int = HERE, **other: Any) -> Diagnostic:
    given: dict[str, Any] = {
        "code": "REA101",
        "name": "wall-clock",
        "severity": Severity.ERROR,
        "message": HOSTILE,
        "fix": FIX,
        "related": (Related(PLAIN, Span(34, 45), "`clock.now` calls `time.time`"),),
        "handlers": ("Greeter.greet",),
        "url": "https://example.org/REA101.md?a=1&b='2'",
        **other,
    }
    return Diagnostic(path, Span(start, start + 11), **given)


SECOND = finding(start=TEXT.rindex("time.time()"), severity=Severity.WARNING, fix=None, message="plain")
INFO = finding(PLAIN, 34, code="REA102", severity=Severity.INFO, fix=None, related=(), message="`a|b` and <c> *d*")
FOUND = (finding(), SECOND, INFO)
ERROR = InternalError("REA301", PLAIN, "app.clock.now", "Traceback ...\nValueError: \x00 ]]>")


def shown(form: str, *findings: Diagnostic, **view: Any) -> str:
    return render(form, findings or FOUND, View(SOURCES, "/work", **view))


def nothing(form: str, **view: Any) -> str:
    return render(form, (), View({}, "/work", **view))


@pytest.fixture(scope="session")
def schemas() -> Path:
    folder = os.environ.get("REA_LINT_SCHEMAS")
    if not folder:
        pytest.skip("REA_LINT_SCHEMAS names no folder")
    return Path(folder)


@pytest.mark.parametrize("form", FORMATS)
def test_a_rule_without_a_page_on_the_web_is_no_trouble(form: str) -> None:
    text = shown(form, finding(code="OWN001", url="", fix=None))
    assert "OWN001" in text
    assert "]()" not in text
    assert 'href=""' not in text


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_is_on_the_page_of_formats(form: str) -> None:
    text = (Path(__file__).parents[1] / "docs" / "output-formats.md").read_text("utf-8")
    assert f"\n## {form}\n" in text
    assert f"<!-- example: {form} -->\n\n~~~~" in text or form == "html"


# -- grouped, json-lines, agent ----------------------------------------------------------------------------------------


def test_grouped_lists_findings_below_their_file() -> None:
    plain = [finding(PLAIN, 34, message="one"), finding(PLAIN, 7, message="two", code="REA999")]
    assert shown("grouped", *plain, INFO) == (
        "app/clock.py:\n  3:12  REA101  one\n  1:8   REA999  two\n  3:12  REA102  `a|b` and <c> *d*\n\n"
    )


def test_json_lines_are_the_items_of_json() -> None:
    lines = shown("json-lines").split("\n")
    assert [json.loads(line) for line in lines[:-1]] == json.loads(shown("json"))
    assert lines[-1] == ""


def test_agent_says_all_on_one_line() -> None:
    (line,) = shown("agent", finding(message="`time.time()` gives another value")).splitlines()
    assert line.split(" | ")[1:] == [
        "chain: app/clock.py:3: `clock.now` calls `time.time`",
        'fix (`--fix` applies it): Use `await ctx.time()`: 1:1-1:12 = "", 4:10-4:21 = "await ctx.time()"',
        "docs: https://example.org/REA101.md?a=1&b='2'",
    ]
    assert line.startswith("app/a b,c;d]'|%日\ufffd.py:4:10: error REA101: `time.time()` gives another value |")
    assert len(shown("agent").splitlines()) == len(FOUND)


# -- gitlab ------------------------------------------------------------------------------------------------------------


def test_gitlab_has_what_its_documentation_asks_for() -> None:
    first, second, third = json.loads(shown("gitlab"))
    assert first["location"] == {"path": "app/a b,c;d]'|%日\udcff.py", "lines": {"begin": 4, "end": 4}}
    assert first["description"] == f"REA101 wall-clock: {HOSTILE}"
    assert [issue["severity"] for issue in (first, second, third)] == ["critical", "major", "info"]
    assert nothing("gitlab") == "[]\n"


def test_gitlab_fingerprints_are_unique_and_know_no_line() -> None:
    source = Source("x = 1\nx = 1\n")
    two = [finding(PLAIN, 0, fix=None, related=()), finding(PLAIN, 6, fix=None, related=())]
    moved = [finding(PLAIN, 1, fix=None, related=()), finding(PLAIN, 7, fix=None, related=())]
    known = [issue["fingerprint"] for issue in json.loads(render("gitlab", two, View({PLAIN: source}, "/work")))]
    later = [issue["fingerprint"] for issue in json.loads(render("gitlab", moved, View({PLAIN: Source("\nx = 1\nx = 1\n")}, "/work")))]
    assert len(set(known)) == 2
    assert known == later


def test_gitlab_counts_what_is_silenced_among_those_alike() -> None:
    source = {PLAIN: Source("x = 1\nx = 1\n")}
    one, other = finding(PLAIN, 0, fix=None, related=()), finding(PLAIN, 6, fix=None, related=())
    (issue,) = json.loads(render("gitlab", [other], View(source, "/work", silenced=[Silenced(one, "baseline", "")])))
    assert issue["fingerprint"] == identities([one, other], source, "/work")[other].fingerprint


def test_gitlab_takes_it(schemas: Path) -> None:
    schema = json.loads((schemas / "gitlab.json").read_text("utf-8"))
    jsonschema.validate(json.loads(shown("gitlab")), schema)
    jsonschema.validate([], schema)


# -- rdjson ------------------------------------------------------------------------------------------------------------


def test_rdjson_counts_columns_in_bytes_and_gives_a_fix_whole() -> None:
    item = json.loads(shown("rdjson"))["diagnostics"][0]
    assert item["location"]["range"] == {"start": {"line": 4, "column": 15}, "end": {"line": 4, "column": 26}}
    (suggestion,) = item["suggestions"]
    assert suggestion["range"] == {"start": {"line": 1, "column": 1}, "end": {"line": 4, "column": 26}}
    assert suggestion["text"] == "\n\nasync def greet(ctx, name):\n    日𐐀 = await ctx.time()"
    assert item["severity"] == "ERROR"


def test_rdjson_offers_no_suggestion_that_is_only_to_be_shown() -> None:
    shown_only = finding(fix=Fix("Look", FIX.edits, Applicability.DISPLAY))
    assert "suggestions" not in json.loads(shown("rdjson", shown_only))["diagnostics"][0]


def test_reviewdog_takes_rdjson(schemas: Path) -> None:
    schema = json.loads((schemas / "rdjson.json").read_text("utf-8"))
    for text in shown("rdjson"), nothing("rdjson"):
        jsonschema.Draft4Validator(schema).validate(json.loads(text))


# -- junit -------------------------------------------------------------------------------------------------------------


def test_junit_has_a_suite_a_file_and_counts_that_agree() -> None:
    root = ET.fromstring(shown("junit", errors=[ERROR]))
    assert root.attrib == {"name": "rea-lint", "tests": "4", "failures": "2", "errors": "1"}
    assert [suite.attrib["name"] for suite in root] == ["app/a b,c;d]'|%日\ufffd.py", "app/clock.py", "rea-lint"]
    for suite in root:
        assert int(suite.attrib["tests"]) == len(suite)
        assert int(suite.attrib["failures"]) == len(suite.findall("*/failure"))
        assert int(suite.attrib["errors"]) == len(suite.findall("*/error"))
        assert int(suite.attrib.get("skipped", "0")) == len(suite.findall("*/skipped"))
    failure = root.find("*/testcase/failure")
    assert failure is not None
    assert failure.attrib["message"] == HOSTILE.replace("\x07", "\ufffd")
    assert failure.text is not None
    assert "app/clock.py:3: `clock.now` calls `time.time`" in failure.text


def test_junit_names_are_unique() -> None:
    cases = [(case.get("classname"), case.get("name")) for case in ET.fromstring(shown("junit")).iter("testcase")]
    assert len(set(cases)) == len(cases) == 3


def test_junit_without_findings_has_a_test_that_passes() -> None:
    (suite,) = ET.fromstring(nothing("junit"))
    assert [(case.tag, list(case)) for case in suite] == [("testcase", [])]


def test_jenkins_takes_junit(schemas: Path) -> None:
    schema = xmlschema.XMLSchema(str(schemas / "junit-10.xsd"))
    for text in shown("junit", errors=[ERROR]), nothing("junit"), nothing("junit", errors=[ERROR]):
        schema.validate(text)


def test_junitparser_reads_junit() -> None:
    suites = junitparser.JUnitXml.fromstring(shown("junit").encode("utf-8"))
    results = [type(result).__name__ for suite in suites for case in suite for result in case.result]
    assert results == ["Failure", "Failure", "Skipped"]


# -- azure, teamcity, github -------------------------------------------------------------------------------------------


def azure(line: str) -> tuple[dict[str, str], str]:
    """As azure-pipelines-agent's Command.cs reads a line: the properties end at the first `]`."""

    def plain(text: str) -> str:
        for code, character in ("%3B", ";"), ("%0D", "\r"), ("%0A", "\n"), ("%5D", "]"), ("%AZP25", "%"):
            text = text.replace(code, character)
        return text

    said, _, data = line.removeprefix("##vso[task.logissue ").partition("]")
    return {key: plain(value) for key, _, value in (pair.partition("=") for pair in said.split(";") if pair)}, plain(data)


def test_azure_is_read_back_as_it_was_meant() -> None:
    lines = shown("azure").split("\n")
    assert azure(lines[0]) == (
        {"type": "error", "sourcepath": ODD, "linenumber": "4", "columnnumber": "10", "code": "REA101"},
        HOSTILE,
    )
    assert [azure(line)[0]["type"] for line in lines[:-1]] == ["error", "warning", "warning"]


def test_azure_keeps_a_percent_sign_that_looks_like_an_escape() -> None:
    assert azure(shown("azure", finding(message="%0A %5D %25"))[:-1])[1] == "%0A %5D %25"


TEAMCITY = re.compile(r"##teamcity\[(?P<name>\w+)(?P<attributes>(?: \w+='(?:[^'|\[\]\n\r]|\|['|\[\]nrxlp]|\|0x[0-9a-f]{4})*')+)\]")
ATTRIBUTE = re.compile(r" (\w+)='((?:[^'|]|\|.)*)'")


def teamcity(line: str) -> tuple[str, dict[str, str]]:
    """As TeamCity's documentation has it: values escaped with `|`; anything else is no message."""
    match = TEAMCITY.fullmatch(line)
    assert match, line
    special = {"n": "\n", "r": "\r", "x": "\x85", "l": "\u2028", "p": "\u2029"}

    def plain(value: str) -> str:
        units = re.sub(r"\|(?:0x([0-9a-f]{4})|(.))", lambda m: chr(int(m[1], 16)) if m[1] else special.get(m[2], m[2]), value)
        return units.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass" if "\udcff" in units else "strict")

    return match["name"], {key: plain(value) for key, value in ATTRIBUTE.findall(match["attributes"])}


def test_teamcity_is_read_back_as_it_was_meant() -> None:
    messages = [teamcity(line) for line in shown("teamcity").split("\n")[:-1]]
    assert [name for name, _ in messages] == ["inspectionType", "inspectionType", "inspection", "inspection", "inspection"]
    assert [attributes["id"] for _, attributes in messages[:2]] == ["REA101", "REA102"]
    assert messages[2][1] == {
        "typeId": "REA101",
        "message": HOSTILE,
        "file": "app/a b,c;d]'|%日\udcff.py",
        "line": "4",
        "SEVERITY": "ERROR",
    }


def test_teamcity_keeps_within_its_limits() -> None:
    _, (_, attributes) = [teamcity(line) for line in shown("teamcity", finding(message="日" * 5000)).split("\n")[:-1]]
    assert len(attributes["message"]) == 4000


def test_github_is_read_back_as_it_was_meant() -> None:
    """As actions/runner's ActionCommand.cs reads a line."""
    line = shown("github").split("\n")[0]
    head, _, data = line.removeprefix("::").partition("::")
    name, _, said = head.partition(" ")

    def plain(text: str) -> str:
        for code, character in ("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%"):
            text = text.replace(code, character)
        return text

    properties = {key: plain(value) for key, _, value in (pair.partition("=") for pair in said.split(","))}
    assert name == "error"
    assert properties["file"] == "app/a b,c;d]'|%日\udcff.py"
    assert plain(data) == f"{HOSTILE}\napp/clock.py:3: `clock.now` calls `time.time`"


# -- sarif -------------------------------------------------------------------------------------------------------------

SARIF = json.loads((Path(__file__).parent / "schemas" / "sarif-2.1.0.json").read_text("utf-8"))
HANDLERS = {"Greeter.greet": (ODD, Span(13, len(TEXT))), "Greeter.other": (PLAIN, Span(0, 1))}
BROKEN = finding(PLAIN, 0, code="REA001", name="syntax-error", fix=None, related=(), message="invalid syntax")


def sarif(*findings: Diagnostic, **view: Any) -> Any:
    """The run of a log that is valid by the schema."""
    log = json.loads(shown("sarif", *findings, **view))
    jsonschema.Draft202012Validator(SARIF, format_checker=jsonschema.FormatChecker()).validate(log)
    (run,) = log["runs"]
    return run


def test_sarif_is_valid_with_all_there_is_in_it() -> None:
    silenced = [Silenced(SECOND, "comment", "because"), Silenced(INFO, "baseline", "")]
    sarif(finding(), BROKEN, errors=[ERROR], handlers=HANDLERS, silenced=silenced)
    jsonschema.Draft202012Validator(SARIF).validate(json.loads(nothing("sarif")))
    jsonschema.Draft202012Validator(SARIF).validate(json.loads(nothing("sarif", errors=[ERROR, InternalError("", "", "link", "x")])))


def test_sarif_places_are_relative_percent_encoded_and_in_code_points() -> None:
    run = sarif()
    place = run["results"][0]["locations"][0]["physicalLocation"]
    assert run["columnKind"] == "unicodeCodePoints"
    assert run["originalUriBaseIds"] == {"SRCROOT": {"uri": "file:///work/"}}
    assert place["artifactLocation"] == {"uri": "app/a%20b%2Cc%3Bd%5D%27%7C%25%E6%97%A5%FF.py", "uriBaseId": "SRCROOT"}
    assert unquote_to_bytes(place["artifactLocation"]["uri"]) == os.fsencode(ODD.removeprefix("/work/"))
    assert {key: place["region"][key] for key in ("startLine", "startColumn", "endLine", "endColumn")} == {
        "startLine": 4,
        "startColumn": 10,
        "endLine": 4,
        "endColumn": 21,
    }
    assert place["region"]["snippet"]["text"] == "time.time()"
    assert place["contextRegion"]["snippet"]["text"] == TEXT.partition("\n")[2]


def test_sarif_levels_and_rules_belong_together() -> None:
    run = sarif()
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == ["REA101", "REA102"]
    assert [result["level"] for result in run["results"]] == ["error", "warning", "note"]
    assert all(rules[result["ruleIndex"]]["id"] == result["ruleId"] for result in run["results"])
    assert rules[0]["helpUri"] == "https://example.org/REA101.md?a=1&b='2'"
    assert "# expect" not in rules[0]["help"]["markdown"]
    assert rules[0]["help"]["markdown"].startswith("A clock is read outside a step")


def test_sarif_flows_go_from_the_handler_to_the_cause() -> None:
    (flow,) = sarif(finding(), handlers=HANDLERS)["results"][0]["codeFlows"]
    steps = [step["location"] for step in flow["threadFlows"][0]["locations"]]
    assert [step["message"]["text"] for step in steps] == [
        "`Greeter.greet` runs again on replay",
        HOSTILE,
        "`clock.now` calls `time.time`",
    ]
    assert [step["physicalLocation"]["region"]["startLine"] for step in steps] == [3, 4, 3]


def test_sarif_has_a_flow_for_each_handler_and_one_where_none_is_known() -> None:
    both = finding(handlers=("Greeter.greet", "Greeter.other"))
    assert len(sarif(both, handlers=HANDLERS)["results"][0]["codeFlows"]) == 2
    assert len(sarif(both)["results"][0]["codeFlows"]) == 1


def test_sarif_fixes_replace_what_they_replace() -> None:
    (fix,) = sarif(finding())["results"][0]["fixes"]
    (change,) = fix["artifactChanges"]
    text, source = TEXT, SOURCES[ODD]
    for replacement in reversed(change["replacements"]):
        region = replacement["deletedRegion"]
        start = source.offset(Position(region["startLine"], region["startColumn"]))
        end = source.offset(Position(region["endLine"], region["endColumn"]))
        text = text[:start] + replacement["insertedContent"]["text"] + text[end:]
    assert text == apply(TEXT, FIX.edits)
    assert "fixes" not in sarif(finding(fix=Fix("Look", FIX.edits, Applicability.DISPLAY)))["results"][0]


def test_sarif_lists_what_is_silenced_with_the_reason() -> None:
    silenced = [Silenced(SECOND, "comment", "because"), Silenced(INFO, "baseline", "")]
    assert [result["suppressions"] for result in sarif(finding(), silenced=silenced)["results"]] == [
        [],
        [{"kind": "inSource", "status": "accepted", "justification": "because"}],
        [{"kind": "external", "status": "accepted"}],
    ]
    assert "suppressions" not in sarif(finding())["results"][0]


def test_sarif_says_what_it_could_not_read_and_what_went_wrong() -> None:
    (invocation,) = sarif(BROKEN, finding())["invocations"]
    assert invocation["executionSuccessful"]
    (notification,) = invocation["toolExecutionNotifications"]
    assert notification["message"]["text"] == "invalid syntax"
    assert notification["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "app/clock.py"
    (invocation,) = sarif(finding(), errors=[ERROR])["invocations"]
    assert not invocation["executionSuccessful"]
    assert invocation["toolExecutionNotifications"][0]["message"]["text"].startswith("internal error in REA301: ValueError")


def test_sarif_fingerprints_stay_when_lines_move() -> None:
    def known(text: str) -> list[str]:
        found = [finding(PLAIN, match.start(), fix=None, related=()) for match in re.finditer("time[.]time", text)]
        run = json.loads(render("sarif", found, View({PLAIN: Source(text)}, "/work")))["runs"][0]
        return [result["partialFingerprints"]["reaLintFingerprint/v1"] for result in run["results"]]

    assert len(set(known("time.time()\ntime.time()\n"))) == 2
    assert known("time.time()\ntime.time()\n") == known("x = 1\n\n  time.time()\ny = 2\n  time.time()\n")


def test_sarif_names_a_file_outside_the_root_by_its_full_path() -> None:
    run = json.loads(render("sarif", [INFO], View(SOURCES, "/elsewhere")))["runs"][0]
    assert run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"] == {"uri": "file:///work/app/clock.py"}


# -- markdown ----------------------------------------------------------------------------------------------------------


def test_markdown_keeps_code_and_means_all_else_as_it_is() -> None:
    text = shown("markdown", INFO)
    assert "- **info** line 3: `a|b` and \\<c\\> \\*d\\* ([REA102](" in text
    assert "| [REA102](https://example.org/REA101.md?a=1&b='2') | wall-clock | 1 |" in text
    assert text.startswith("## rea-lint: 1 info\n")
    assert nothing("markdown") == "## rea-lint: no findings\n"


def test_markdown_shows_the_chain_and_the_fix_folded() -> None:
    text = shown("markdown", finding(message="m"))
    assert "  - app/clock.py:3: `clock.now` calls `time.time`\n" in text
    assert "    ```diff\n    - import time\n    + \n    -     日𐐀 = time.time()\n    +     日𐐀 = await ctx.time()\n    ```\n" in text


def test_markdown_is_cut_before_github_refuses_it() -> None:
    text = shown("markdown", *[finding(message="word " * 200)] * 2000)
    assert len(text.encode()) < 2**20
    left = re.search(r"… and ([\d,]+) more findings\.\n$", text)
    assert left is not None
    assert int(left[1].replace(",", "")) + text.count("- **error**") == 2000
