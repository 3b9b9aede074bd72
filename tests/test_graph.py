"""Who calls whom: what is known of targets, keys and waiting, and how it is drawn."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

import harness
from rea_lint import cli, graph

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

HEAD = """\
from datetime import timedelta

import restate

carts = restate.VirtualObject("carts")
shop = restate.Service("shop")
signup = restate.Workflow("signup")


@carts.handler()
async def add(ctx: restate.ObjectContext, item: str) -> None: ...


@carts.handler(kind="shared")
async def show(ctx: restate.ObjectSharedContext) -> None: ...


"""
BUY = "@shop.handler()\nasync def buy(ctx: restate.Context, item: str) -> None:\n"
TAKE = "@carts.handler()\nasync def take(ctx: restate.ObjectContext, item: str) -> None:\n"


def links(text: str) -> list[graph.Link]:
    run = harness.check({"app.py": text})
    assert not run.report.errors
    return [link for project in run.report.projects for link in project.links]


def told(text: str) -> list[str]:
    """Each link as `carts.take call carts.add own key`, with `waits` and `later`."""
    return [
        " ".join(
            [
                link.caller.display,
                link.way.value,
                link.name or "?",
                f"{link.key.origin.value}{f'={link.key.text}' if link.key.text else ''}",
                *(["waits"] if link.waits else []),
                *(["later"] if link.delayed else []),
                *([] if link.is_sure else ["perhaps"]),
            ]
        )
        for link in links(text)
    ]


CASES = {
    "a call that is awaited": (BUY + '    await ctx.object_call(add, "ann", arg=item)\n', "shop.buy call carts.add literal=ann waits"),
    "a call that is kept": (
        BUY + '    f = ctx.object_call(add, "ann", arg=item)\n    await f\n',
        "shop.buy call carts.add literal=ann waits",
    ),
    "a call that is dropped": (BUY + '    ctx.object_call(add, "ann", arg=item)\n', "shop.buy call carts.add literal=ann"),
    "a call that is gathered": (
        BUY + "    await restate.gather(ctx.service_call(buy, arg=item))\n",
        "shop.buy call shop.buy none waits",
    ),
    "a message": (BUY + "    ctx.object_send(add, key=item, arg=item)\n", "shop.buy send carts.add input"),
    "a delayed message": (
        BUY + "    ctx.object_send(add, item, item, send_delay=timedelta(1))\n",
        "shop.buy send carts.add input later",
    ),
    "a message that is attached to": (
        BUY + "    sent = ctx.service_send(buy, item)\n    await ctx.attach_invocation(await sent.invocation_id())\n",
        "shop.buy send shop.buy none waits",
    ),
    "the own key": (TAKE + "    await ctx.object_call(add, ctx.key(), arg=item)\n", "carts.take call carts.add own key waits"),
    "the own key in a variable": (
        TAKE + "    me = ctx.key()\n    await ctx.object_call(add, me, arg=item)\n",
        "carts.take call carts.add own key waits",
    ),
    "a key that may be two things": (
        TAKE + "    me = ctx.key()\n    if item:\n        me = item\n    await ctx.object_call(add, me, arg=item)\n",
        "carts.take call carts.add other waits",
    ),
    "a key through a helper": (
        "async def put(ctx, key):\n    await ctx.object_call(add, key, arg=None)\n\n\n" + TAKE + "    await put(ctx, ctx.key())\n",
        "carts.take call carts.add own key waits",
    ),
    "a constant": ('NAME = "all"\n\n\n' + BUY + "    ctx.object_send(add, NAME, arg=None)\n", "shop.buy send carts.add literal=all"),
    "a computed key": (BUY + '    ctx.object_send(add, f"x-{item}", arg=None)\n', "shop.buy send carts.add other"),
    "a part of the input": (BUY + "    ctx.object_send(add, item[0], arg=None)\n", "shop.buy send carts.add other"),
    "names that are written down": (
        BUY + '    await ctx.generic_call("carts", "add", b"", key=item)\n',
        "shop.buy call carts.add input waits",
    ),
    "a service of another project": (BUY + '    ctx.generic_send("bank", "pay", b"")\n', "shop.buy send bank.pay none perhaps"),
    "a target that is not known": (BUY + "    ctx.service_send(item, None)\n", "shop.buy send ? none perhaps"),
}


@pytest.mark.parametrize(("body", "wanted"), CASES.values(), ids=CASES.keys())
def test_a_link_says_what_is_known(body: str, wanted: str) -> None:
    assert told(HEAD + body) == [wanted]


def test_a_target_may_be_several_handlers() -> None:
    body = BUY + "    await ctx.object_call(add if item else show, item, arg=None)\n"
    assert told(HEAD + body) == ["shop.buy call carts.add input waits perhaps", "shop.buy call carts.show input waits perhaps"]


def test_who_resolves_a_promise_leads_to_who_waits_for_it() -> None:
    body = (
        '@signup.main()\nasync def run(ctx):\n    await ctx.promise("paid").value()\n    await ctx.promise("sent")\n\n\n'
        '@signup.handler()\nasync def pay(ctx):\n    await ctx.promise("paid").resolve(True)\n    await ctx.promise("other").resolve(True)\n'
    )
    (link,) = links(HEAD + body)
    assert (link.caller.display, link.way, link.name, link.argument.text) == ("signup.pay", graph.Way.RESOLVE, "signup.run", "paid")


def test_who_resolves_an_awakeable_leads_to_who_handed_its_id_over() -> None:
    body = (
        "@shop.handler()\nasync def answer(ctx, name):\n    ctx.resolve_awakeable(name, True)\n    ctx.resolve_awakeable('other', True)\n\n\n"
        "@shop.handler()\nasync def ask(ctx, item):\n    name, done = ctx.awakeable()\n    ctx.service_send(answer, name)\n    await done\n"
    )
    assert told(HEAD + body) == ["shop.answer resolve shop.ask none", "shop.ask send shop.answer none"]


def test_a_chain_comes_back_with_the_key_it_began_with() -> None:
    body = (
        '@shop.handler()\nasync def ask(ctx, cart):\n    await ctx.object_call(add, cart, arg="pen")\n\n\n'
        + TAKE
        + "    await ctx.service_call(ask, arg=ctx.key())\n"
    )
    (found,) = graph.returns(links(HEAD + body))
    assert [link.name for link in found.links] == ["shop.ask", "carts.add"]
    assert found.key.origin is graph.Origin.OWN


def test_a_message_and_a_shared_handler_end_a_chain() -> None:
    body = (
        '@shop.handler()\nasync def ask(ctx, cart):\n    ctx.object_send(add, cart, arg="pen")\n    await ctx.object_call(show, cart, None)\n\n\n'
        + TAKE
        + "    await ctx.service_call(ask, arg=ctx.key())\n"
    )
    assert graph.returns(links(HEAD + body)) == ()


# -- drawn -------------------------------------------------------------------------------------------------------------

PROGRAM = (
    HEAD
    + TAKE
    + '    await ctx.object_call(show, "a\\"b", arg=None)\n    ctx.object_send(take, ctx.key(), item, send_delay=timedelta(1))\n'
)


@pytest.fixture
def drawn(
    tree: Callable[[Mapping[str, str]], Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., str]:
    def run(*arguments: str) -> str:
        monkeypatch.chdir(tree({"app.py": PROGRAM}))
        assert cli.run(["handlers", "--isolated", *arguments]) == 0
        return capsys.readouterr().out

    return run


def test_the_graph_as_text(drawn: Callable[..., str]) -> None:
    assert drawn("--graph") == (
        "carts (object)\n"
        "  add (exclusive) app.py:11\n"
        "  show (shared) app.py:15\n"
        "  take (exclusive) app.py:19\n"
        '      20  calls carts.show (shared) with the key "a"b", and waits\n'
        "      21  sends later to carts.take (exclusive) with its own key\n"
        "\n"
    )


def test_the_graph_as_json(drawn: Callable[..., str]) -> None:
    found = json.loads(drawn("--graph", "--output-format", "json"))
    assert [handler["name"] for handler in found["services"][0]["handlers"]] == ["add", "show", "take"]
    call, message = found["links"]
    assert (call["from"], call["to"], call["way"], call["waits"]) == ("carts.take", "carts.show", "call", True)
    assert (message["delayed"], message["key"]) == (True, {"is": "own key", "text": "ctx.key()"})
    assert message["location"] == {"row": 21, "column": 5}


def test_the_graph_as_mermaid_and_dot_with_its_quotes_escaped(drawn: Callable[..., str]) -> None:
    assert drawn("--graph", "--output-format", "mermaid") == (
        "flowchart LR\n"
        '  subgraph s0["carts (object)"]\n'
        '    h0["add"]\n'
        '    h1("show")\n'
        '    h2["take"]\n'
        "  end\n"
        '  h2 -->|"&quot;a\\&quot;b&quot;"| h1\n'
        '  h2 -.->|"own key, later"| h2\n'
    )
    dot = drawn("--output-format", "dot")
    assert '  h2 -> h1 [style=solid, label="\\"a\\\\\\"b\\""];\n' in dot
    assert '  h2 -> h2 [style=dashed, label="own key, later"];\n' in dot
    assert dot.count("{") == dot.count("}")
