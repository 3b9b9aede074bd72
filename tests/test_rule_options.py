"""Options that change what a rule says: pages and fixtures are linted without any."""

from __future__ import annotations

import pytest

import harness

SLEEPS = """
from datetime import timedelta

import restate

baskets = restate.VirtualObject("baskets")


@baskets.handler()
async def add(ctx: restate.ObjectContext, pause: float) -> None:
    await ctx.sleep(timedelta(milliseconds=500))
    await ctx.sleep(timedelta(seconds=pause))
    await ctx.sleep(timedelta(minutes=1))
    short = timedelta(seconds=1)
    await ctx.sleep(short)
"""

CATCHES = """
import restate

orders = restate.Service("orders")


def charge() -> str:
    return "paid"


@orders.handler()
async def place(ctx: restate.Context) -> str:
    try:
        return await ctx.run_typed("charge", charge)
    except Exception:
        return "failed"
"""


def test_a_sleep_that_is_written_down_as_short_is_accepted_where_that_is_configured() -> None:
    run = harness.check({"app.py": SLEEPS}, min_blocking_sleep=0.6)
    assert [run.row(d) for d in run.diagnostics if d.code == "REA603"] == [12, 13, 15]


@pytest.mark.parametrize(("version", "severity"), [("0.10.2", "error"), ("0.11.0", "warning"), ("1.3.0", "warning"), ("auto", "warning")])
def test_a_broad_clause_caught_suspensions_up_to_sdk_0_10(version: str, severity: str) -> None:
    run = harness.check({"app.py": CATCHES}, sdk_version=version)
    (finding,) = run.diagnostics
    assert (finding.code, str(finding.severity), "suspension" in finding.message) == ("REA702", severity, severity == "error")
