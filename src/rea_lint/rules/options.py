"""The options of services, handlers, retry policies and steps, wherever they are given.  For the rules about them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from rea_lint.facts import Argument, Call
    from rea_lint.project import Project

RUN = "restate.RunOptions"
POLICY = "restate.InvocationRetryPolicy"
TAKERS = frozenset({"Service", "VirtualObject", "Workflow", "handler", "main", "InvocationRetryPolicy", "RunOptions"})
"""What the names of those that take options end in: a cheap test before a name is resolved."""

DURATIONS = frozenset(
    {
        *("inactivity_timeout", "abort_timeout", "journal_retention", "idempotency_retention", "workflow_retention"),
        *("initial_interval", "max_interval", "max_duration", "initial_retry_interval", "max_retry_interval"),
    }
)

HARNESSES = {"restate.create_test_harness": 3, "restate.test_harness": 3}
"""What makes a test harness -> the position of `always_replay`."""


class Option(Struct, frozen=True):
    """An option that is given to something: `of` is its canonical name, `restate.VirtualObject().handler`."""

    path: str
    of: str
    name: str
    argument: Argument
    call: Call


def durations(project: Project) -> Iterator[Option]:
    """The options that take a `timedelta`, by keyword."""
    return given(project, DURATIONS)


def given(project: Project, names: Collection[str]) -> Iterator[Option]:
    """The options of these names that are given by keyword, in the order of the files."""
    for path, call in project.once(takers):
        options = [(argument.keyword, argument) for argument in call.arguments if argument.keyword in names]
        of = taker(project, call) if options else None
        if of is not None:
            yield from (Option(path, of, name, argument, call) for name, argument in options if name is not None)


def takers(project: Project) -> list[tuple[str, Call]]:
    """The calls that may take options, by the look of what they call, each with its file."""
    return project.calls_named(TAKERS.__contains__)


def taker(project: Project, call: Call) -> str | None:
    """What takes the options of a call; None if it is not the SDK's, or not known."""
    knowledge = project.knowledge
    known = (name for name in project.resolve(call.callees) if name in {RUN, POLICY, *knowledge.services, *knowledge.registrations})
    return next(iter(sorted(known)), None)


def harnesses(project: Project) -> Iterator[tuple[str, Call, str]]:
    """The calls that make a test harness, each with its file and what it calls."""
    for path, call in project.calls_named(lambda name: name.endswith("test_harness")):
        yield from ((path, call, name) for name in sorted(project.resolve(call.callees)) if name in HARNESSES)
