"""`check --fix --interactive`: shows each fix, and asks whether to apply it."""

from __future__ import annotations

import sys
from collections import Counter
from typing import TYPE_CHECKING

import click
from msgspec import Struct, field

from rea_lint.cli import relative
from rea_lint.cli.fixing import diff
from rea_lint.cli.output import wants_color
from rea_lint.config import UserError
from rea_lint.diagnostic import Applicability
from rea_lint.fingerprint import Identity, identities
from rea_lint.report.frame import printable
from rea_lint.text import apply

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from rea_lint.cli.task import Seen, Task
    from rea_lint.diagnostic import Diagnostic
    from rea_lint.text import Source

STYLES = {"+": "green", "-": "red", "@": "cyan"}
KEYS = {"y": "yes", "n": "no", "a": "all of this rule", "q": "quit"}


class Conversation(Struct):
    """The answers so far.  A fix that comes back in another round, since another one was applied first, is not asked for again."""

    task: Task
    sources: Mapping[str, Source] = field(default_factory=dict)
    known: Mapping[Diagnostic, Identity] = field(default_factory=dict)
    answers: dict[Identity, bool] = field(default_factory=dict)
    rules: set[str] = field(default_factory=set)  # codes of which all fixes are wanted
    is_over: bool = False

    def look(self, changed: Mapping[str, str]) -> Seen:
        """What is found in changed texts (path -> text), about which is asked next."""
        seen = self.task.look(changed)
        self.known = identities(seen.report.diagnostics, seen.report.sources, str(self.task.config.root))
        self.sources = seen.report.sources
        self.answers = dict(_carried_over(self.answers, self.known.values()))
        return seen

    def allows(self, diagnostic: Diagnostic) -> bool:
        """Whether the fix of a finding is to be applied: as it was said before, or is said now."""
        if not diagnostic.is_fixable():
            return False
        if diagnostic.code in self.rules:
            return True
        identity = self.known[diagnostic]
        if not self.is_over and identity not in self.answers:
            self.answers[identity] = self._ask(diagnostic)
        return self.answers.get(identity, False)

    def skipped(self, seen: Seen) -> str:
        """A line for each fix that is left."""
        left = (d for d in seen.report.diagnostics if d.is_fixable())
        places = ((d, self.sources[d.path].position(d.span.start).row, d.fix.title if d.fix else "") for d in left)
        return "".join(f"Skipped: {relative(d.path)}:{row}: {d.code} {title}\n" for d, row, title in places)

    def _ask(self, diagnostic: Diagnostic) -> bool:
        fix = diagnostic.fix
        assert fix is not None
        before = self.sources[diagnostic.path].text
        color = wants_color(self.task.options.color, is_terminal=True)
        kind = "Unsafe fix" if fix.applicability == Applicability.UNSAFE else "Fix"
        self._say(click.style(f"\n{diagnostic.code} {printable(diagnostic.message)}", bold=True), color=color)
        self._say(f"{kind}: {printable(fix.title)}", color=color)
        for line in diff(diagnostic.path, before, apply(before, fix.edits)).splitlines():
            self._say(click.style(printable(line), fg=STYLES.get(line[:1])), color=color)
        keys = ", ".join(f"[{key}]{text[1:]}" if text.startswith(key) else f"[{key}] {text}" for key, text in KEYS.items())
        question = f"Apply it? {keys}: "
        click.echo(question, nl=False, err=True)
        while (key := _key()) not in KEYS:
            if key:  # and not the end of a line
                click.echo(f"{printable(key)}?\n{question}", nl=False, err=True)
        click.echo(KEYS[key], err=True)
        self.is_over = key == "q"
        if key == "a":
            self.rules.add(diagnostic.code)
        return key in {"y", "a"}

    @staticmethod
    def _say(text: str, *, color: bool) -> None:
        click.echo(text, err=True, color=color)


def _carried_over(answers: Mapping[Identity, bool], left: Iterable[Identity]) -> Iterator[tuple[Identity, bool]]:
    """The answers that still hold for the findings that are left after a round.

    Of findings that are alike those that were fixed are gone, and the others have moved up.  If it is not clear which they are, all are
    asked for again.
    """
    alike = {identity[:4]: [said for other, said in sorted(answers.items()) if other[:4] == identity[:4]] for identity in answers}
    counts = Counter(identity[:4] for identity in left)
    for kind, said in alike.items():
        if counts[kind] == len(said):
            yield from ((Identity(*kind, n), each) for n, each in enumerate(said))
        elif counts[kind] == said.count(False):
            yield from ((Identity(*kind, n), False) for n in range(counts[kind]))


def _key() -> str:
    try:
        key = click.getchar().strip().lower()  # a program that answers sends the end of the line with it
    except EOFError:  # Ctrl-D
        return "q"
    return "q" if key == "\x1b" else key


def need_terminal() -> None:
    """Raise UserError where nobody can be asked."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UserError("--interactive asks at a terminal, and there is none here; --fix applies safe fixes, --diff shows them")
