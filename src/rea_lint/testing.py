"""Tests of rules: small programs that say themselves what is to be found in them, and the pages of rules, which hold such programs.

A program says what is to be found in comments at the end of the line where a finding begins:

    time.time()  # expect: REA101 "decides whether", REA211

Codes, each with words of its message if they matter.  `# expect-not-yet: REA101` is a known miss, and fails once it is found.
What is not expected must not be found; only findings of severity info are let pass, unless the file's first line is `# check-info`.
The comments are taken out before the program is linted, so that fixes and suppressions do not see them.

For rules of your own, in a test of yours:

    from rea_lint.testing import page_problems

    def test_the_pages_of_our_rules_are_true() -> None:
        assert page_problems("lint_rules") == []
"""

from __future__ import annotations

import ast
import re
import tempfile
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from rea_lint import engine, registry
from rea_lint.config import Config
from rea_lint.diagnostic import Applicability, Severity
from rea_lint.discovery import discover
from rea_lint.fixes import settle
from rea_lint.rule import OWN, Rule

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping

    from rea_lint.diagnostic import Diagnostic
    from rea_lint.discovery import Discovery
    from rea_lint.engine import Report
    from rea_lint.packs import Knowledge
    from rea_lint.page import Block

COMMENT = re.compile(r"[ \t]*# expect(?P<not_yet>-not-yet)?: (?P<what>[^\n]*)$", re.MULTILINE)
WORD = re.compile(r'(?P<code>[A-Z]{2,}\d{1,5})(?: "(?P<words>[^"]*)")?(?:, )?')
CHECK_INFO = "# check-info"
PROGRAM = "python"  # the language of a block of a page that is one


def page_problems(*rules: Path | str) -> list[str]:
    """Where the pages of rules of your own are not true: one line each.  `rules` is what the option of that name has.  Raises UserError."""
    words = tuple(str(Path(word).resolve()) if Path(word).exists() else str(word) for word in rules)
    config = Config(Path.cwd(), rules=words)
    own = [rule for rule in registry.load({entry.code for entry in registry.index(config)}, config) if rule.family == OWN]
    return [problem for rule in own for problem in rule_problems(rule, rules=words)]


def rule_problems(rule: Rule, **options: Any) -> Iterator[str]:
    """Where a rule's page is not true: its programs have the findings they say, and the fixes make of them what the next block shows."""
    blocks = rule.page.blocks
    if not any(block.language == PROGRAM for block in blocks):
        yield f"{rule.code}: the page has no example"
    for at, block in enumerate(blocks):
        if block.language == PROGRAM:
            found = [*program_problems(rule, block, **options), *(fix_problems(rule, at, **options) if block.fixed is not None else ())]
            yield from (f"{rule.code}, the program in line {block.row} of the page: {problem}" for problem in found)


def program_problems(rule: Rule, block: Block, **options: Any) -> list[str]:
    """Where a program of a page has other findings than it says."""
    return problems(check(block.files, extend_select=(rule.code,), **options), strict={rule.code})


def fix_problems(rule: Rule, at: int, **options: Any) -> Iterator[str]:
    """Where the block of a page that shows what fixes do is not what they make of the program before it."""
    block = rule.page.blocks[at]
    earlier = [before for before in rule.page.blocks[:at] if before.language == PROGRAM]
    if not earlier:
        yield "it shows what fixes do, and there is no program before it"
        return
    least = Applicability.UNSAFE if block.fixed == "unsafe" else Applicability.SAFE
    after = fixed(earlier[-1].files, least, extend_select=(rule.code,), **options)
    for name, text in block.files.items():
        if after.get(name) != without_expectations(text):
            yield f"the fixes make another {name} of the program before it:\n{after.get(name, '')}"
    if fixed(after, least, extend_select=(rule.code,), **options) != after:
        yield "the fixes, applied again, change it once more"
    for name, text in after.items():
        try:
            ast.parse(text)
        except SyntaxError as error:
            yield f"the fixes make a {name} that cannot be parsed: {error}"


class Expectation(Struct, frozen=True):
    """A finding that a comment asks for, or says to be missed as yet."""

    row: int
    code: str
    words: str
    is_missed: bool


class Run(Struct, frozen=True):
    """A program and what was said of it."""

    report: Report
    root: Path
    texts: Mapping[str, str]  # relative path -> text with its comments

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """Every finding."""
        return self.report.diagnostics

    @property
    def lines(self) -> list[str]:
        """Every finding, as `app.py:12 REA101 error: message`."""
        return [self.line(diagnostic) for diagnostic in self.diagnostics]

    def line(self, diagnostic: Diagnostic) -> str:
        """A finding, as `app.py:12 REA101 error: message`."""
        return f"{self.name(diagnostic)}:{self.row(diagnostic)} {diagnostic.code} {diagnostic.severity}: {diagnostic.message}"

    def name(self, diagnostic: Diagnostic) -> str:
        """The file of a finding, relative to the program."""
        return Path(diagnostic.path).relative_to(self.root).as_posix()

    def row(self, diagnostic: Diagnostic) -> int:
        """The row in which a finding begins, from 1."""
        return self.report.sources[diagnostic.path].position(diagnostic.span.start).row


def check(texts: Mapping[str, str], **options: Any) -> Run:
    """Lint a program, given as {path: text}, with an isolated configuration of these options."""
    with _written(texts, options) as (settings, discovery):
        return Run(checked(discovery, settings, {}), settings.root, texts)


def fixed(texts: Mapping[str, str], least: Applicability, **options: Any) -> dict[str, str]:
    """A program after all fixes of at least this applicability, with an isolated configuration of these options."""
    with _written(texts, options) as (settings, discovery):
        done = settle(
            {file.path: file.text for file in discovery.files if file.text is not None},
            lambda changed: checked(discovery, settings, changed).diagnostics,
            lambda diagnostic: diagnostic.is_fixable(least),
        )
        return {name: done.texts.get(str(settings.root / name), without_expectations(text)) for name, text in texts.items()}


@contextmanager
def _written(texts: Mapping[str, str], options: Mapping[str, Any]) -> Iterator[tuple[Config, Discovery]]:
    """A program on the disk, without its expectations, and what is found of it there."""
    with tempfile.TemporaryDirectory(prefix="rea-lint-") as folder:
        root = Path(folder).resolve()
        for name, text in texts.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(without_expectations(text).encode())
        settings = Config(root, **options)
        yield settings, discover([root], settings)


def problems(run: Run, strict: Container[str] = ()) -> list[str]:
    """Where what is found is not what is expected: one line each.  Of the codes in `strict`, info counts too."""
    found: dict[tuple[str, int, str], list[Diagnostic]] = {}
    for diagnostic in run.diagnostics:
        found.setdefault((run.name(diagnostic), run.row(diagnostic), diagnostic.code), []).append(diagnostic)
    wrong = [f"internal error in {error.code} at {error.where}:\n{error.traceback}" for error in run.report.errors]
    for name, text in run.texts.items():
        for expected in expectations(text):
            here = found.get((name, expected.row, expected.code), [])
            match = next((diagnostic for diagnostic in here if expected.words in diagnostic.message), None)
            place = f"{name}:{expected.row} {expected.code}"
            if expected.is_missed:
                wrong += [f"{place} is found now: make it `# expect:`"] if match is not None else []
            elif match is not None:
                here.remove(match)
            else:
                wrong.append(f"{place} is not found" + (f" with the words {expected.words!r}" if expected.words else ""))
    for (name, _, _), rest in found.items():
        says_all = run.texts.get(name, "").startswith(CHECK_INFO)
        wrong += (
            f"not expected: {run.line(diagnostic)}"
            for diagnostic in rest
            if diagnostic.severity > Severity.INFO or says_all or diagnostic.code in strict
        )
    return wrong


def expectations(text: str) -> list[Expectation]:
    """What the comments of a file ask for."""
    found = []
    for comment in COMMENT.finditer(text):
        row = text.count("\n", 0, comment.start("what")) + 1
        words = list(WORD.finditer(comment["what"]))
        if "".join(word[0] for word in words) != comment["what"].rstrip():
            raise ValueError(f'row {row}: write `# expect: CODE "words", CODE`, not {comment["what"]!r}')
        found += [Expectation(row, word["code"], word["words"] or "", bool(comment["not_yet"])) for word in words]
    return found


def without_expectations(text: str) -> str:
    """A file as its author would have written it."""
    return COMMENT.sub("", text)


@cache
def knowledge() -> Knowledge:
    """Our packs, read once."""
    return engine.knowledge_for(Config(Path("/")))


def checked(discovery: Discovery, settings: Config, texts: Mapping[str, str]) -> Report:
    """What is said of files, some of which have other texts than they have on the disk; our packs are read once for all."""
    known = knowledge() if not (settings.packs or settings.pack) else None
    return engine.check(discovery.with_texts(texts), settings, discovery.reported, knowledge=known)
