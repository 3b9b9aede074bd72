"""What the linter says: findings of rules, and the diagnostics the world sees."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from rea_lint.text import Edit, Span


class Severity(IntEnum):
    """How bad a finding is; the larger, the worse."""

    INFO = 1  # worth knowing; never fails a run by default
    WARNING = 2  # hurts, or is wrong in most uses
    ERROR = 3  # breaks replay, loops for ever, loses or repeats work

    def __str__(self) -> str:
        return self.name.lower()


class Applicability(IntEnum):
    """How far a fix can be trusted; the larger, the further."""

    DISPLAY = 1  # shown, never applied
    UNSAFE = 2  # adds, removes or moves a journal entry, or may change behaviour
    SAFE = 3  # same meaning, same journal

    def __str__(self) -> str:
        return self.name.lower()


class Fix(Struct, frozen=True):
    """Edits of one file that belong together: all are applied, or none."""

    title: str
    edits: tuple[Edit, ...]
    applicability: Applicability


class Related(Struct, frozen=True):
    """Another place that explains a finding: a hop of its chain, or where a value goes."""

    path: str
    span: Span
    message: str


class Finding(Struct, frozen=True):
    """What a rule says.  The engine knows which file and which rule."""

    span: Span
    message: str
    fix: Fix | None = None
    related: tuple[Related, ...] = ()
    severity: Severity | None = None  # None: the rule's own
    path: str | None = None  # None: the file the rule looks at


class Diagnostic(Struct, frozen=True):
    """A finding as the world sees it."""

    path: str
    span: Span
    code: str
    name: str
    severity: Severity
    message: str
    fix: Fix | None
    related: tuple[Related, ...]
    handlers: tuple[str, ...]  # the handlers that reach the place, as `Service.handler`, sorted
    url: str
    function: str = ""  # the innermost function or class it stands in, without the module: `Shop.order`; empty: none

    @property
    def place(self) -> tuple[str, Span, str]:
        """Path, span and code: what diagnostics are sorted by, and of which a report has each once."""
        return self.path, self.span, self.code

    def is_fixable(self, least: Applicability = Applicability.UNSAFE) -> bool:
        """Whether it has a fix that can be trusted so far; without `least`: one that can be applied at all."""
        return self.fix is not None and self.fix.applicability >= least


class Silenced(Struct, frozen=True):
    """A finding that is not reported, because somebody has accepted it."""

    diagnostic: Diagnostic
    by: str  # what says so: `comment` or `baseline`
    reason: str  # as it was written down; empty: none was given
