"""The programs that pages tell of: each block with `fails="..."`, and the one after it, which is right.

What a program is given when it needs more than its annotations say stands in `cases.toml`.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tomli

from proof.driver import Mode
from proof.outcome import Outcome, Verdict, judged, named, worst
from rea_lint.diagnostic import Severity
from rea_lint.rule import load_all

if TYPE_CHECKING:
    from collections.abc import Mapping

    from proof.server import Server
    from proof.worker import Worker
    from rea_lint.rule import Rule

GIVEN = Path(__file__).with_name("cases.toml")


@dataclass(frozen=True)
class Case:
    """A program that a page says to fail."""

    code: str
    name: str
    number: int  # among the page's claims, from 1
    claim: str
    files: Mapping[str, str]
    right: Mapping[str, str]  # the files of the program after it; empty if there is none
    is_fix: bool  # that one is what the fixes make of this one
    given: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.code}-{self.name}-{self.number}"

    @property
    def end(self) -> str:
        """What comes of the program that the fixes make of it."""
        return str(self.given.get("fixed", Outcome.COMPLETED.value))

    @property
    def is_in_process(self) -> bool:
        """Whether the driver can show it; else a server has to."""
        return self.outcome is None or not (self.outcome.is_on_server or self.given.get("server", False))

    @property
    def outcome(self) -> Outcome | None:
        """What the claim names; None if that is no outcome."""
        return named(self.claim)


UPSTREAM: Mapping[str, str] = {
    "REA952": (
        "a model decides that a tool runs, and there is none here; restate/ext/openai/functions.py (SDK 1.3.0) calls the tool's "
        "`on_invoke_tool` in the handler, in no step"
    ),
    "REA956": (
        "agent libraries are stand-ins here; agents/run.py (openai-agents 0.24) says `AgentRunner.run_sync() cannot be called when an event loop "
        "is already running`, and an event loop is what runs a handler"
    ),
    "REA957": (
        "agent libraries are stand-ins here; restate/ext/openai/session.py (SDK 1.3.0) keeps a conversation with `ctx.get` and `ctx.set`, "
        "which a service and a shared handler are refused (REA601 and REA602, proved)"
    ),
}
"""Error rules whose programs cannot be run -> why, and the upstream source that makes them certain."""


def unproved() -> list[str]:
    """Error rules whose page has no program that fails, one sentence each."""
    claimed = {case.code for case in cases()}
    return [
        f"{rule.code} ({rule.name}) is an error, and nothing on its page is proved"
        for rule in load_all()
        if rule.severity is Severity.ERROR and rule.code not in claimed | UPSTREAM.keys()
    ]


@cache
def cases() -> tuple[Case, ...]:
    """Every claim of every page."""
    table = tomli.loads(GIVEN.read_text("utf-8"))
    return tuple(case for rule in load_all() for case in _cases(rule, table.get(rule.code, {})))


def _cases(rule: Rule, given: dict[str, Any]) -> list[Case]:
    found: list[Case] = []
    blocks = [*rule.page.blocks, None]
    for block, after in itertools.pairwise(blocks):
        if block is None or block.fails is None:
            continue
        is_right = after is not None and after.fails is None and "# expect" not in after.code
        right = after.files if after is not None and is_right else {}
        is_fix = after is not None and is_right and after.fixed is not None
        number = len(found) + 1
        own = {**{key: value for key, value in given.items() if not key.isdigit()}, **given.get(str(number), {})}
        found.append(Case(rule.code, rule.name, number, block.fails, block.files, right, is_fix, own))
    return found


@dataclass(frozen=True)
class Workers:
    """Two processes, with different hash seeds and time zones."""

    first: Worker
    second: Worker

    def close(self) -> None:
        """End both."""
        self.first.close()
        self.second.close()

    def run(self, files: Mapping[str, str], given: Mapping[str, Any]) -> dict[str, Any]:
        """All courses of a program: in one process, and, where it completed, replayed in the other."""
        job = {**given, "files": dict(files)}
        answer = self.first.run(job)
        plain = [course for course in answer["courses"] if course["mode"] == Mode.PLAIN.value]
        journals = {course["handler"]: course["journal"] for course in plain if course["output"] is not None}
        if journals and "failure" not in answer:
            again = self.second.run({**job, "resume": journals})
            outputs = {course["handler"]: course["output"] for course in plain}
            for course in again["courses"]:
                course["lost"] = outputs[course["handler"]]
            answer["courses"] += again["courses"]
            answer |= {key: again[key] for key in ("hang", "failure") if key in again}
        return answer


def proved(case: Case, workers: Workers) -> Verdict:
    """What comes of a program."""
    cancel = case.outcome is Outcome.UNCANCELLED
    answer = workers.run(case.files, {**case.given, "cancel": cancel})
    verdicts = list(judged(answer, (mode.value for mode in Mode)))
    if case.outcome is Outcome.WRONG and case.right:
        verdicts += _compared(answer, workers.run(case.right, case.given))
    return worst(verdicts)


TWICE = {"twice": True, "nap": 2000, "approve_after": 2}
"""For a claim that other calls wait: there is another call, and what is waited for takes its time (milliseconds; seconds)."""


def seen_on_server(case: Case, server: Server) -> list[Verdict]:
    """All that comes of a program on a real server."""
    answer = server.run({**case.given, "files": dict(case.files), **(TWICE if case.outcome is Outcome.BLOCKED else {})})
    verdicts = list(judged(answer, (mode.value for mode in Mode)))
    if case.outcome is Outcome.WRONG and case.right:
        verdicts += _compared(answer, server.run({**case.given, "files": dict(case.right)}))
    return verdicts


def mended_on_server(case: Case, server: Server) -> Verdict:
    """What comes of the fixed program on a real server."""
    return worst(judged(server.run({**case.given, "files": dict(case.right)}), (mode.value for mode in Mode)))


def mended(case: Case, workers: Workers) -> Verdict:
    """What comes of the program that is right."""
    return worst(judged(workers.run(case.right, case.given), (mode.value for mode in Mode)))


def _compared(answer: Mapping[str, Any], right: Mapping[str, Any]) -> list[Verdict]:
    """Whether handlers of one name give different results in the two programs."""
    plain, better = (
        {course["handler"]: course["output"] for course in each["courses"] if course["mode"] == Mode.PLAIN.value}
        for each in (answer, right)
    )
    return [
        Verdict(Outcome.WRONG, Mode.PLAIN.value, detail=f"{handler} gives {plain[handler]} instead of {better[handler]}")
        for handler in plain.keys() & better.keys()
        if plain[handler] != better[handler]
    ]
