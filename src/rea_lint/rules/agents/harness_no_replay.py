"""REA907: a test that does not replay."""

from __future__ import annotations

from collections.abc import Iterator

from rea_lint.diagnostic import Applicability, Finding, Fix, Severity
from rea_lint.project import Project
from rea_lint.rule import rule
from rea_lint.rules import options
from rea_lint.text import Edit, Span


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
        last = call.arguments[-1].span.end if call.arguments else None
        edit = Edit(Span(last, last), ", always_replay=True") if last is not None and last + 1 == call.span.end else None
        fix = Fix("Replay in this test", (edit,), Applicability.SAFE) if edit is not None else None
        yield Finding(
            call.callee_span,
            "This test never replays a handler, and does not see what breaks then; give it `always_replay=True`.",
            fix,
            path=path,
        )
