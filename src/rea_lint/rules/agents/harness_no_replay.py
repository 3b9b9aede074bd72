"""REA907: a test that does not replay."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rea_lint.diagnostic import Applicability, Finding, Fix, Severity
from rea_lint.project import Project
from rea_lint.rule import rule
from rea_lint.rules import options
from rea_lint.text import Edit, Span

if TYPE_CHECKING:
    from rea_lint.facts import Call
    from rea_lint.text import Source


@rule("REA907", "harness-no-replay", Severity.INFO, docs="https://docs.restate.dev/develop/python/testing")
def harness_no_replay(project: Project) -> Iterator[Finding]:
    """
    A test runs handlers without replaying them.

    A handler that is never suspended and never fails is never replayed, and so a test passes that reads the clock, calls a service outside a
    step, or asks in another order each time. With `always_replay=True` the server lets the handler suspend and replays it wherever it waits.

    ```python
    import restate

    orders = restate.Service("orders")
    app = restate.app([orders])


    async def test_orders() -> None:
        async with restate.create_test_harness(app) as harness:  # expect: REA907 "`always_replay=True`"
            assert harness.client
    ```

    ```python fixed
    import restate

    orders = restate.Service("orders")
    app = restate.app([orders])


    async def test_orders() -> None:
        async with restate.create_test_harness(app, always_replay=True) as harness:
            assert harness.client
    ```

    Who says `always_replay=False` has thought of it, and what is unpacked cannot be seen:

    ```python
    import restate

    orders = restate.Service("orders")
    app = restate.app([orders])
    OPTIONS = {"always_replay": True}


    class Bench:
        def create_test_harness(self, app: object) -> None: ...


    async def test_orders() -> None:
        Bench().create_test_harness(app)
        async with restate.create_test_harness(app, always_replay=False) as harness:
            assert harness.client
        async with restate.create_test_harness(app, **OPTIONS) as harness:
            assert harness.client
    ```

    Replaying finds many mistakes, not all: one that depends on the time of day or on another process needs luck, or a linter.
    """
    for path, call, made in options.harnesses(project):
        position = options.HARNESSES[made]
        if call.unpacks or call.argument(position, "always_replay") is not None:
            continue
        said = "This test never replays a handler, and does not see what breaks then; give it `always_replay=True`."
        yield Finding(call.callee_span, said, _fix(call, project.sources.get(path)), path=path)


def _fix(call: Call, source: Source | None) -> Fix | None:
    """One more argument, after the last."""
    last = call.arguments[-1].span.end if call.arguments else None
    if last is None or source is None or not re.fullmatch(r"\s*,?\s*\)", source.text[last : call.span.end]):
        return None
    return Fix("Replay in this test", (Edit(Span(last, last), ", always_replay=True"),), Applicability.SAFE)
