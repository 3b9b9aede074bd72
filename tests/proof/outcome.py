"""What can come of a program on the real SDK: a closed set, and how the courses of its handlers are judged.

The words are those of a page's `fails="..."`.  A program that shows several has the one that stands first here.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from rea_lint import packs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping


class Outcome(enum.Enum):
    """In words; `{}` is a name or a number."""

    IMPORT_ERROR = "import error"
    UNREGISTERED = "deployment refused"  # only a server shows it
    REFUSED = "retried with RT{}"  # the same
    BLOCKED = "other calls wait"  # the same
    DEADLOCK = "deadlock"  # the same
    NEIGHBOURS = "innocent invocations suffer"  # the same: they hang, or are broken off
    MISMATCH = "journal mismatch"
    ESCAPES = "exception escapes the SDK"
    EXIT = "process exits"
    HANG = "hang"
    RETRIED = "retried with {}"
    TERMINAL = "terminal error"
    FALLBACK = "fallback ran on suspension"
    UNCANCELLED = "goes on after cancellation"  # judged only where it is claimed
    UNRUN = "step never ran"
    LOST_WRITE = "lost write"
    REPEATED = "effect ran {} times"
    DIFFERS = "result differs from the first attempt"
    WRONG = "wrong result"  # judged only where it is claimed: another than that of the program that the page shows next
    STALLED = "stalls until the inactivity timeout"
    COMPLETED = "completed"

    @property
    def is_on_server(self) -> bool:
        """Whether only a server shows it."""
        return self in {Outcome.UNREGISTERED, Outcome.REFUSED, Outcome.BLOCKED, Outcome.DEADLOCK, Outcome.NEIGHBOURS}

    @property
    def is_seen_by_server(self) -> bool:
        """Whether a server sees it: an exception that escapes stays in the app, which it sees to break off."""
        return self is not Outcome.ESCAPES

    @property
    def order(self) -> int:
        """The lower, the more it says of a program."""
        return list(Outcome).index(self)


def named(words: str) -> Outcome | None:
    """The outcome that a claim names; None if it is none of ours."""
    for outcome in Outcome:
        if re.fullmatch(re.escape(outcome.value).replace(r"\{\}", r"\w+"), words):
            return outcome
    return None


@dataclass(frozen=True)
class Verdict:
    """What came of a program, in which mode, and how exactly."""

    outcome: Outcome
    mode: str
    of: str = ""  # what stands for `{}`
    detail: str = ""

    def __str__(self) -> str:
        """The words of a claim."""
        return self.outcome.value.format(self.of)


REFUSALS = {"RT0017", "RT0018", "RT0021", "RT0024"}
"""Codes of the server (docs.restate.dev/references/errors) for what a handler asks and must not."""

OURS = {"open", "input", "time.sleep", "asyncio.sleep"}
"""Effects of Python itself whatever their arguments are."""


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The one that says most; of those of one outcome the one with the highest number, then the first."""
    return min(verdicts, key=lambda verdict: (verdict.outcome.order, -int(verdict.of) if verdict.of.isdigit() else 0))


def judged(answer: Mapping[str, Any], modes: Iterable[str]) -> Iterator[Verdict]:
    """What each course of a program says.  `modes` are the modes that a worker goes through, in order, for one that did not end."""
    if "failure" in answer:
        yield Verdict(Outcome.IMPORT_ERROR, "import", detail=answer["failure"])
    if "refusal" in answer:
        yield Verdict(Outcome.UNREGISTERED, "registration", detail=answer["refusal"])
    if "hang" in answer:
        after = answer["courses"][-1]["mode"] if answer["courses"] else ""
        yield Verdict(Outcome.HANG, after or next(iter(modes)), detail="did not give the processor back")
    for course in answer["courses"]:
        found = list(_seen(course))
        yield from found or [Verdict(Outcome.COMPLETED, course["mode"])]
    if not answer["courses"] and not answer.keys() & {"failure", "hang", "refusal"}:
        yield Verdict(Outcome.COMPLETED, "import")


def _seen(course: Mapping[str, Any]) -> Iterator[Verdict]:
    mode = course["mode"]
    for outcome, sign in ((Outcome.BLOCKED, "blocked"), (Outcome.DEADLOCK, "deadlock"), (Outcome.NEIGHBOURS, "harmed")):
        if course.get(sign):
            yield Verdict(outcome, mode)
    if course.get("refused") in REFUSALS:
        yield Verdict(Outcome.REFUSED, mode, course["refused"].removeprefix("RT"), course["errors"][-1].partition(": ")[2])
    if course["mismatches"]:
        yield Verdict(Outcome.MISMATCH, mode, detail=_difference(course["mismatches"][0]))
    if course["escaped"]:
        yield Verdict(Outcome.ESCAPES, mode, detail=course["escaped"])
    if course["exits"]:
        yield Verdict(Outcome.EXIT, mode)
    if course["stuck"]:
        yield Verdict(Outcome.HANG, mode, detail="waits for what nobody gives")
    if course["errors"] and not course["mismatches"]:
        code, _, said = course["errors"][-1].partition(": ")
        raised = re.match(r"(?:\w+\.)*(\w+)\(", said)
        yield Verdict(Outcome.RETRIED, mode, raised[1] if raised else code, said)
    output = course["output"] or {}
    if mode == "cancelled":
        if "failure" not in output:
            yield Verdict(Outcome.UNCANCELLED, mode)
    elif "failure" in output:
        yield Verdict(Outcome.TERMINAL, mode, detail=output["failure"][1])
    if course["caught"]:
        yield Verdict(Outcome.FALLBACK, mode, detail=", ".join(course["caught"]))
    if course["unrun"]:
        yield Verdict(Outcome.UNRUN, mode, detail=", ".join(course["unrun"]))
    if course["left_behind"]:
        yield Verdict(Outcome.LOST_WRITE, mode, detail=f"{', '.join(course['left_behind'])} still at work when the handler ends")
    yield from _repeated(course)
    if course["lost"] is not None and course["output"] is not None and course["lost"] != course["output"]:
        yield Verdict(Outcome.DIFFERS, mode, detail=f"{_shown(course['lost'])}, then {_shown(course['output'])}")
    if course["stalled"]:
        yield Verdict(Outcome.STALLED, mode)


def _repeated(course: Mapping[str, Any]) -> Iterator[Verdict]:
    """Effects that came about in more than one attempt.  A step may run again if the attempt crashed before its result was stored."""
    knowledge = _knowledge()
    quiet = {packs.Effect.PRINT, packs.Effect.LOG}
    counts: dict[str, dict[int, int]] = {}
    for attempt, name, in_step in course["effects"]:
        known = knowledge.canonical(name)
        effect = knowledge.effect(known, None)
        part = knowledge.agents.get(known)  # an agent that runs asks its model
        counts_as_one = name in OURS or (effect is not None and effect not in quiet) or (part is not None and part.kind == "runner")
        if counts_as_one and not (in_step and course["crash_after"]):
            counts.setdefault(name, {}).setdefault(attempt, 0)
            counts[name][attempt] += 1
    for name, by_attempt in counts.items():
        total = sum(by_attempt.values())
        if total > max(by_attempt.values()):
            yield Verdict(Outcome.REPEATED, course["mode"], str(total), name)


@cache
def _knowledge() -> packs.Knowledge:
    return packs.load()


def _difference(message: str) -> str:
    """The lines of a mismatch that say what differs, without the advice around them."""
    lines = [line.strip(" -") for line in message.splitlines()[1:]]
    said = [line for line in lines if line and not line.startswith(("This typically", "Difference:"))]
    return "; ".join(said)


def _shown(output: Mapping[str, Any]) -> str:
    return str(output.get("value", output))
