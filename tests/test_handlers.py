"""`rea-lint handlers` as an audit: what a handler does, and what of it is not known."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from running import Lint

SHOP = """\
import time
import restate
import requests
import legacy
from helpers import now, reserve

STATUS = "status"
shop = restate.VirtualObject("Shop")
flow = restate.Workflow("Flow")


@shop.handler()
async def buy(ctx: restate.ObjectContext, order: dict) -> str:
    status = await ctx.get(STATUS)
    ctx.set(order["id"], status)
    paid = await ctx.run_typed("pay", lambda: charge(order))
    await ctx.run_typed("ask", requests.get, url="https://example.org")
    await ctx.run_typed("other", legacy.step())
    await reserve(ctx)
    await ctx.workflow_call(run, ctx.key(), arg=None)
    ctx.generic_send(order["service"], "x", b"")
    legacy.notify(order)
    order["callback"](now())
    return f"{ctx.key()} {paid}"


def charge(order: dict) -> str:
    return requests.post("https://example.org", json=order).text


@flow.main()
async def run(ctx: restate.WorkflowContext) -> None:
    await ctx.promise("paid").value()


@flow.handler()
async def done(ctx: restate.WorkflowSharedContext) -> None:
    await ctx.promise("paid").resolve(None)
    ctx.object_send(buy, "key one", arg={})
"""
HELPERS = """\
import time
import restate


async def reserve(ctx: restate.ObjectContext) -> None:
    ctx.clear_all()
    await ctx.sleep(5)


def now() -> float:
    return time.time()
"""
FILES = {"app.py": SHOP, "helpers.py": HELPERS}


def audited(lint: Lint) -> dict[str, Any]:
    """The handlers by name."""
    services = json.loads(lint("handlers", "--output-format", "json", files=FILES).out)
    return {handler["name"]: handler for service in services for handler in service["handlers"]}


def test_the_text_says_what_a_handler_does_in_its_order(lint: Lint) -> None:
    run = lint("handlers", files=FILES)
    assert (
        run.out
        == """\
Shop (object) app.py:8
  buy (exclusive) app.py:13
      14  get "status"
      15  set order["id"]
      16  step "pay": lambda: charge(order)
          network: app.charge -> requests.post
      17  step "ask": requests.get
          network: requests.get
      18  step "other": legacy.step(), which is not known
      19  helpers.reserve:
          helpers.py:6  clear_all *
          helpers.py:7  sleep 5
      20  workflow_call Flow.run with key ctx.key()
      21  generic_send of a handler that is not known
    state: reads "status"; writes *, order["id"]
      23  clock outside a step: helpers.now -> time.time
      18  not followed: legacy.step: nothing is known of legacy.step
      22  not followed: legacy.notify: nothing is known of legacy.notify
      23  not followed: order["callback"]: what is called is not known

Flow (workflow) app.py:9
  run (main) app.py:32
      33  promise.value "paid"
  done (shared) app.py:37
      38  promise.resolve "paid" of Flow.run
      39  object_send Shop.buy with key "key one"

"""
    )
    assert run.err == "Looked at 2 files: 3 handlers in 2 services; of 3 calls it is not known what they do.\n"


def test_json_has_all_of_it(lint: Lint) -> None:
    buy = audited(lint)["buy"]
    assert [(entry["what"], entry["name"]) for entry in buy["journal"]] == [
        ("operation", "get"),
        ("operation", "set"),
        ("step", "pay"),
        ("step", "ask"),
        ("step", "other"),
        ("call", "helpers.reserve"),
        ("operation", "workflow_call"),
        ("operation", "generic_send"),
    ]
    assert buy["state"] == {"reads": ['"status"'], "writes": ["*", 'order["id"]']}
    assert buy["calls"] == [
        {"how": "call", "handler": "Flow.run", "key": "ctx.key()", "is_sure": True},
        {"how": "send", "handler": None, "key": None, "is_sure": False},
    ]
    pay, ask, other = (entry for entry in buy["journal"] if entry["what"] == "step")
    assert [effect["chain"] for effect in pay["effects"]] == [["app.charge", "requests.post"]]
    assert (ask["is_resolved"], other["is_resolved"]) == (True, False)
    assert [(each["code"], each["name"], each["location"]["row"]) for each in buy["unresolved"]] == [
        ("legacy.step", "legacy.step", 18),
        ("legacy.notify", "legacy.notify", 22),
        ('order["callback"]', None, 23),
    ]


def test_markdown_says_the_same(lint: Lint) -> None:
    text = lint("handlers", "--output-format", "markdown", files=FILES).out
    assert text.startswith(
        "## Shop\n\nobject, `app.py:8`\n\n### Shop.buy\n\nexclusive, `app.py:13`\n\n"
        '- get `"status"` (line 14)\n- set `order["id"]` (line 15)\n- step "pay": `lambda: charge(order)` (line 16)\n'
        "  - network: `app.charge` -> `requests.post`\n"
    )
    assert "  - sleep `5` (helpers.py:7)\n" in text
    assert "- not followed: `legacy.notify`: nothing is known of `legacy.notify` (line 22)\n" in text


def test_what_a_pack_describes_is_known(lint: Lint) -> None:
    configuration = 'deterministic = ["legacy.*"]\n'
    run = lint("handlers", files={**FILES, "rea-lint.toml": configuration})
    assert "legacy.notify" not in run.out
    assert "of 1 call it is not known" in run.err


def test_the_graph_is_not_drawn_as_markdown(lint: Lint) -> None:
    run = lint("handlers", "--graph", "--output-format", "markdown", files=FILES)
    assert run.code == 2
    assert "text, json, mermaid or dot" in run.err
