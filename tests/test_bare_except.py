"""The fix of a clause that catches everything leaves no comment behind that told other linters to accept it."""

from __future__ import annotations

import pytest

import harness
from rea_lint.diagnostic import Applicability

PROGRAM = """\
import restate

orders = restate.Service("orders")


@orders.handler()
async def place(ctx: restate.Context, item: str) -> str:
    try:
        await ctx.service_call(place, arg=item)
    {clause}
        return "failed"
    return "placed"
"""

CLAUSES = [
    ("except:", "except restate.TerminalError:"),
    ("except:  # noqa: E722", "except restate.TerminalError:"),
    ("except :# NOQA:e722,B001 BLE001", "except restate.TerminalError:"),
    ("except BaseException:  # noqa: BLE001", "except restate.TerminalError:"),
    ("except BaseException as error:  # noqa: B036  # all of it", "except restate.TerminalError as error:  # all of it"),
    ("except:  # noqa: E722, ERA001", "except restate.TerminalError:  # noqa: E722, ERA001"),
    ("except:  # noqa: E722 it may fail", "except restate.TerminalError:  # noqa: E722 it may fail"),
    ("except:  # all # noqa: E722", "except restate.TerminalError:  # all # noqa: E722"),
    (
        "except restate.TerminalError:\n        raise\n    except:  # noqa: E722",
        "except restate.TerminalError:\n        raise\n    except Exception:",
    ),
    (
        "except restate.TerminalError:\n        raise\n    except:  # noqa: BLE001",
        "except restate.TerminalError:\n        raise\n    except Exception:  # noqa: BLE001",
    ),
]


@pytest.mark.parametrize(("before", "after"), CLAUSES, ids=range(len(CLAUSES)))
def test_a_comment_that_has_lapsed_goes(before: str, after: str) -> None:
    done = harness.fixed({"app.py": PROGRAM.format(clause=before)}, Applicability.UNSAFE, select=("REA701",))
    assert done == {"app.py": PROGRAM.format(clause=after)}
