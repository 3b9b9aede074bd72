"""What fixes make of uses in places where a careless one would not parse, would not mean the same, or would not be JSON."""

from __future__ import annotations

import pytest

import harness
from rea_lint.diagnostic import Applicability

HEAD = """\
import asyncio
import datetime
import functools
import random
import secrets
import time
import uuid
from datetime import datetime as DateTime

import requests
import restate

orders = restate.VirtualObject("orders")


async def fetch(url: str, page: int = 1) -> str:
    return requests.get(url, params={"page": page}, timeout=5).text


def answer(url: str) -> requests.Response:
    return requests.get(url, timeout=5)


def pages(url: str):
    yield requests.get(url, timeout=5).text


USED = (asyncio, datetime, functools, random, secrets, time, uuid, DateTime)


@orders.handler()
async def place(ctx: restate.ObjectContext, items: list[str]) -> None:
"""


def fixed(line: str, least: Applicability) -> str:
    return harness.fixed({"app.py": f"{HEAD}    {line}\n"}, least)["app.py"].removeprefix(HEAD).strip("\n").removeprefix("    ")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('ctx.set("a", str(uuid.uuid4()))', 'ctx.set("a", str(ctx.uuid()))'),
        ('ctx.set("a", uuid.uuid4().hex)', 'ctx.set("a", ctx.uuid().hex)'),
        (
            "ctx.set(\"a\", f\"{uuid.uuid4()} {random.choice(['a', 'b'])}\")",
            "ctx.set(\"a\", f\"{ctx.uuid()} {ctx.random().choice(['a', 'b'])}\")",
        ),
        ('ctx.set("a", random.randint(1, 6))', 'ctx.set("a", ctx.random().randint(1, 6))'),
        ('ctx.set("a", sorted(items, key=lambda _: random.random()))', 'ctx.set("a", sorted(items, key=lambda _: ctx.random().random()))'),
        ('ctx.set("a", list({"b", "c"}))', 'ctx.set("a", list(sorted({"b", "c"})))'),
        ("ctx.set('a', f\"{1:{''.join({'8', '9'})}}\")", "ctx.set('a', f\"{1:{''.join(sorted({'8', '9'}))}}\")"),
    ],
)
def test_safe_fixes(before: str, after: str) -> None:
    assert fixed(before, Applicability.SAFE) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('ctx.set("a", time.time() - 5)', 'ctx.set("a", await ctx.time() - 5)'),
        ('ctx.set("a", time.time().is_integer())', 'ctx.set("a", (await ctx.time()).is_integer())'),
        ('ctx.set("a", [time.time() for _ in items])', 'ctx.set("a", [await ctx.time() for _ in items])'),
        (
            'ctx.set("a", datetime.datetime.now(datetime.timezone.utc).isoformat())',
            'ctx.set("a", datetime.datetime.fromtimestamp(await ctx.time(), datetime.timezone.utc).isoformat())',
        ),
        ('ctx.set("a", DateTime.now().isoformat())', 'ctx.set("a", await ctx.run_typed("now", lambda: DateTime.now().isoformat()))'),
        ('ctx.set("a", uuid.uuid4())', 'ctx.set("a", str(ctx.uuid()))'),
        ('ctx.set("a", {"ids": [uuid.uuid4()]})', 'ctx.set("a", {"ids": [str(ctx.uuid())]})'),
        ('ctx.set("a", f"{secrets.token_hex(4)}")', 'ctx.set("a", f"{await ctx.run_typed(\'token_hex\', lambda: secrets.token_hex(4))}")'),
        (
            'ctx.set("a", await fetch("https://a.test", 2))',
            'ctx.set("a", await ctx.run_typed("fetch", fetch, url="https://a.test", page=2))',
        ),
        (
            'ctx.set("a", answer("https://a.test").json())',
            'ctx.set("a", await ctx.run_typed("answer", lambda: answer("https://a.test").json()))',
        ),
        (
            "ctx.set('a', f'a' f\"{secrets.token_hex(4)}\" 'b')",
            "ctx.set('a', f'a' f\"{await ctx.run_typed('token_hex', lambda: secrets.token_hex(4))}\" 'b')",
        ),
        (
            'ctx.set("a", functools.partial(random.randint, 1, 6)())',  # the generator of the context would not be told the bounds
            'ctx.set("a", await ctx.run_typed("step", lambda: functools.partial(random.randint, 1, 6)()))',
        ),
        ("time.sleep(0.5)  # a moment", "await ctx.sleep(datetime.timedelta(seconds=0.5))  # a moment"),
    ],
)
def test_unsafe_fixes(before: str, after: str) -> None:
    assert fixed(before, Applicability.UNSAFE) == after


@pytest.mark.parametrize(
    "line",
    [
        'ctx.set("a", list(time.time() for _ in items))',  # no await in a generator
        'ctx.set("a", (lambda: time.time())())',  # nor in a lambda
        'class At: ctx.set("a", time.time())',  # nor in a class
        'ctx.set("a", max(items, key=random.random))',  # not called here
        "await asyncio.wait_for(asyncio.sleep(1), 2)",  # a durable future is no coroutine
        'found = answer("https://a.test")',  # a response is not JSON
        'ctx.set("a", [page for page in pages("https://a.test")])',  # nor is a generator
        'await ctx.run_typed("a", answer("https://a.test"))',  # it is the call that is wrong, not that a step is missing
        'ctx.set("a", functools.partial(datetime.datetime.now, datetime.timezone.utc)())',  # whose time zone would be lost
        'ctx.set("a", str({"b", "c"}))',  # a sorted one has other brackets
        'ctx.set("a", {"b", "c"}.pop())',  # a sorted list does not lose what is taken out
    ],
)
def test_no_fix(line: str) -> None:
    fixes = [d.fix for d in harness.check({"app.py": f"{HEAD}    {line}\n"}).diagnostics if d.code[:4] in {"REA1", "REA2"}]
    assert fixes
    assert fixes == [None] * len(fixes)
