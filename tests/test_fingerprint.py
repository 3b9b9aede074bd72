"""What a finding is known by when lines move."""

from __future__ import annotations

import harness
from rea_lint.fingerprint import Identity, identities

PROGRAM = """\
import time
import restate

shop = restate.Service("shop")


class Clock:
    async def tell(self, ctx: restate.Context) -> float:
        return time.time()


@shop.handler()
async def order(ctx: restate.Context, name: str) -> float:
    await ctx.sleep(time.time())
    await ctx.sleep(time.time())
    await ctx.sleep(   time.time())
    return await Clock().tell(ctx)
"""


def known(program: str) -> list[Identity]:
    run = harness.check({"shop/app.py": program}, select=("REA101",))
    return list(identities(run.diagnostics, run.report.sources, str(run.root)).values())


def test_an_identity_says_path_code_function_line_and_which_of_those_alike() -> None:
    line = "await ctx.sleep(time.time())"
    assert known(PROGRAM) == [
        Identity("shop/app.py", "REA101", "Clock.tell", "return time.time()", 0),
        Identity("shop/app.py", "REA101", "order", line, 0),
        Identity("shop/app.py", "REA101", "order", line, 1),
        Identity("shop/app.py", "REA101", "order", "await ctx.sleep( time.time())", 0),
    ]


def test_moving_and_indenting_code_keeps_it() -> None:
    head, handler = PROGRAM.split("@shop.handler()")
    nested = "if True:\n" + "".join(f"    {line}\n" for line in ("@shop.handler()" + handler).splitlines())
    moved = "# a comment\n\n" + head + "def unrelated():\n    return 1\n\n" + nested
    assert [each.fingerprint for each in known(moved)] == [each.fingerprint for each in known(PROGRAM)]


def test_another_line_function_or_occurrence_is_another_fingerprint() -> None:
    one = Identity("a.py", "REA101", "f", "time.time()", 0)
    others = [
        one._replace(path="b.py"),
        one._replace(code="REA102"),
        one._replace(function="g"),
        one._replace(line="x"),
        one._replace(occurrence=1),
    ]
    assert len({each.fingerprint for each in [one, *others]}) == 6
    assert one.fingerprint == "384b5f8f0235290923e554954b8330b9"  # written into people's baselines: it stays


def test_the_function_is_the_innermost_with_a_name() -> None:
    run = harness.check(
        {
            "app.py": """\
import time
import restate

shop = restate.Service("shop")


@shop.handler()
async def order(ctx: restate.Context, name: str) -> float:
    def inner():
        return list(map(lambda _: time.time(), [1]))

    await ctx.sleep(inner()[0])
    return 1.0


@shop.handler("other")
async def order(ctx: restate.Context, name: str) -> float:
    return time.time()
"""
        },
        select=("REA101",),
    )
    assert [each.function for each in run.diagnostics] == ["order.inner", "order"]


def test_findings_that_comments_silence_are_handed_over_with_their_reasons() -> None:
    silenced = PROGRAM.replace("return time.time()", "return time.time()  # rea-lint: ignore[REA101] shown only").replace(
        "(   time.time())", "(   time.time())  # noqa: REA101"
    )
    run = harness.check({"app.py": silenced}, select=("REA101",))
    assert [(each.diagnostic.function, each.by, each.reason) for each in run.report.silenced] == [
        ("Clock.tell", "comment", "shown only"),
        ("order", "comment", ""),
    ]
    assert len(run.diagnostics) == 2
