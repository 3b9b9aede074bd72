"""Where the value of an expression goes inside one function: what decides how bad it is that replay gives another."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from rea_lint.diagnostic import Related, Severity

if TYPE_CHECKING:
    from rea_lint.text import Span


class Sink(Enum):
    """A kind of place where a value ends."""

    BRANCH = "branch"  # a condition (or what a loop runs over) that decides which durable operations run
    ARGUMENT = "argument"  # of a durable operation, one that replay compares
    DURATION = "duration"  # of a durable operation: not compared
    STEP = "step"  # captured by a step, or handed to one
    RESULT = "result"  # what the handler returns
    LOG = "log"
    DISCARDED = "discarded"
    ELSEWHERE = "elsewhere"  # kept in an attribute or global, or passed to code that is not known


@dataclass(frozen=True, slots=True)
class Arrival:
    """A place where a value ends."""

    sink: Sink
    path: str
    span: Span  # of the expression that has the value there
    name: str = ""  # of the operation, step or function concerned, as written: `ctx.sleep`

    @property
    def says(self) -> str:
        """What the value does there, as the end of a sentence: "decides whether `ctx.sleep` runs"."""
        match self.sink:
            case Sink.BRANCH:
                return f"decides whether `{self.name}` runs"
            case Sink.ARGUMENT:
                return f"reaches `{self.name}`, whose arguments replay compares"
            case Sink.DURATION:
                return f"is a duration of `{self.name}`"
            case Sink.STEP:
                return f"goes into the step of `{self.name}`"
            case Sink.RESULT:
                return "reaches the handler's result"
            case Sink.LOG:
                return f"is written by `{self.name}`"
            case Sink.DISCARDED:
                return "is not used"
            case Sink.ELSEWHERE:
                return f"goes to `{self.name}`"

    @property
    def related(self) -> Related:
        """The place, for `Finding.related`."""
        return Related(self.path, self.span, f"the value {self.says}")


DECISIVE = (Sink.BRANCH, Sink.ARGUMENT)
HARMLESS = frozenset({Sink.DURATION, Sink.RESULT, Sink.LOG, Sink.DISCARDED})


@dataclass(frozen=True, slots=True)
class Consequence:
    """All places where a value ends, the gravest kind first, in source order within a kind; never empty."""

    arrivals: tuple[Arrival, ...]

    @property
    def sinks(self) -> frozenset[Sink]:
        """The kinds of place it reaches."""
        return frozenset(arrival.sink for arrival in self.arrivals)

    @property
    def worst(self) -> Arrival:
        """The place to tell of."""
        return self.arrivals[0]

    @property
    def severity(self) -> Severity | None:
        """Error for a value that decides what is journaled, info for one that only reaches a result, log line or duration.

        None where it is not known, or goes into a step: the rule's own.
        """
        if any(sink in self.sinks for sink in DECISIVE):
            return Severity.ERROR
        return Severity.INFO if self.sinks <= HARMLESS else None
