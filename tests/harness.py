"""The one test file that knows the API: small programs in, what the linter says of them out.

A program says itself what is to be found, in comments at the end of the line where a finding begins:

    time.time()  # expect: REA101 "decides whether", REA211

Codes, each with words of its message if they matter.  `# expect-not-yet: REA101` is a known miss, and fails once it is found.
What is not expected must not be found; only findings of severity info are let pass, unless the file's first line is `# check-info`.
The comments are taken out before the program is linted, so that fixes and suppressions do not see them.
"""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rea_lint import config, engine, files, rule
from rea_lint.config import Config
from rea_lint.diagnostic import Severity
from rea_lint.durable import Durable
from rea_lint.fixes import settle
from rea_lint.flow import Forest
from rea_lint.project import link
from rea_lint.survey import survey
from rea_lint.text import Source

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Mapping

    from rea_lint.diagnostic import Applicability, Diagnostic
    from rea_lint.engine import Report
    from rea_lint.files import Discovery
    from rea_lint.packs import Knowledge
    from rea_lint.project import Project
    from rea_lint.rule import Found, InternalError, Rule

COMMENT = re.compile(r"[ \t]*# expect(?P<not_yet>-not-yet)?: (?P<what>[^\n]*)$", re.MULTILINE)
WORD = re.compile(r'(?P<code>[A-Z]{3}\d{3})(?: "(?P<words>[^"]*)")?(?:, )?')
CHECK_INFO = "# check-info"


@dataclass(frozen=True)
class Expectation:
    """A finding that a comment asks for, or says to be missed as yet."""

    row: int
    code: str
    words: str
    is_missed: bool


@dataclass(frozen=True)
class Run:
    """A program and what was said of it."""

    report: Report
    root: Path
    texts: Mapping[str, str]  # relative path -> text with its comments

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        return self.report.diagnostics

    @property
    def lines(self) -> list[str]:
        """Every finding, as `app.py:12 REA101 error: message`."""
        return [self.line(diagnostic) for diagnostic in self.diagnostics]

    def line(self, diagnostic: Diagnostic) -> str:
        return f"{self.name(diagnostic)}:{self.row(diagnostic)} {diagnostic.code} {diagnostic.severity}: {diagnostic.message}"

    def name(self, diagnostic: Diagnostic) -> str:
        return Path(diagnostic.path).relative_to(self.root).as_posix()

    def row(self, diagnostic: Diagnostic) -> int:
        return self.report.sources[diagnostic.path].position(diagnostic.span.start).row


def check(texts: Mapping[str, str], **options: Any) -> Run:
    """Lint a program, given as {path: text}, with an isolated configuration of these options."""
    with tempfile.TemporaryDirectory(prefix="rea-lint-") as folder:
        root = Path(folder).resolve()
        for name, text in texts.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(without_expectations(text).encode())
        settings = Config(root, **options)
        return Run(_checked(files.discover([root], settings), settings, {}), root, texts)


def check_folder(folder: Path) -> Run:
    """Lint a folder as a project of its own, with the `rea-lint.toml` in it if there is one."""
    folder = folder.resolve()
    own = folder / "rea-lint.toml"
    settings = replace(config.load(folder, explicit=own), root=folder) if own.exists() else Config(folder)
    discovery = files.discover([folder], settings)
    names = sorted(folder.rglob("*.py"))
    texts = {path.relative_to(folder).as_posix(): path.read_bytes().decode("utf-8", "replace") for path in names}
    stripped = {str(folder / name): without_expectations(text) for name, text in texts.items()}
    return Run(_checked(discovery, settings, stripped), folder, texts)


def fixed(texts: Mapping[str, str], least: Applicability) -> dict[str, str]:
    """A program after all fixes of at least this applicability."""
    with tempfile.TemporaryDirectory(prefix="rea-lint-") as folder:
        root = Path(folder).resolve()
        for name, text in texts.items():
            (root / name).write_bytes(without_expectations(text).encode())
        settings = Config(root)
        discovery = files.discover([root], settings)
        before = {file.path: file.text for file in discovery.files if file.text is not None}
        done = settle(
            before,
            lambda changed: _checked(discovery, settings, changed).diagnostics,
            lambda diagnostic: diagnostic.fix is not None and diagnostic.fix.applicability >= least,
        )
        return {name: done.texts.get(str(root / name), without_expectations(text)) for name, text in texts.items()}


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
            message = f'row {row}: write `# expect: CODE "words", CODE`, not {comment["what"]!r}'
            raise ValueError(message)
        found += [Expectation(row, word["code"], word["words"] or "", bool(comment["not_yet"])) for word in words]
    return found


def without_expectations(text: str) -> str:
    """A file as its author would have written it."""
    return COMMENT.sub("", text)


@cache
def knowledge() -> Knowledge:
    """Our packs, read once."""
    return engine.knowledge_for(Config(Path("/")))


def _checked(discovery: Discovery, settings: Config, texts: Mapping[str, str]) -> Report:
    current = [replace(file, text=texts[file.path]) if file.path in texts and file.text is not None else file for file in discovery.files]
    known = knowledge() if not (settings.packs or settings.pack) else None
    return engine.check(current, settings, discovery.reported, knowledge=known)


def deeply(work: Callable[[], None]) -> None:
    """Run something where libcst has the stack that it has in a visit."""
    rule.with_deep_stack(work)


def durable(texts: Mapping[str, str], function: str) -> Durable:
    """The durable function of that name in a program, as a rule sees it."""
    project, sources = _linked(texts)
    return Durable(Forest(project, sources), project.path_of(function), project.functions[function], Config(Path("/")))


def visit(texts: Mapping[str, str], rules: Iterable[Rule], paths: Container[str] | None = None) -> tuple[list[Found], list[InternalError]]:
    """What some rules find in the files of a program (in those of `paths`, if given), and the rules that raised."""
    project, sources = _linked(texts)
    return rule.visit(project, rules, sources, texts if paths is None else paths, Config(Path("/")))


def _linked(texts: Mapping[str, str]) -> tuple[Project, dict[str, Source]]:
    facts = [survey(name, Path(name).with_suffix("").as_posix().replace("/", "."), text) for name, text in texts.items()]
    return link(facts, knowledge(), lambda *_: False), {name: Source(text) for name, text in texts.items()}
