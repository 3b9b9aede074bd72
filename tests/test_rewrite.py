"""Building blocks of fixes: what a text is after them, and where there is none."""

from __future__ import annotations

import ast
import textwrap
from typing import TYPE_CHECKING

import libcst as cst
import pytest

import harness
from rea_lint import rewrite
from rea_lint.diagnostic import Applicability
from rea_lint.packs import Replacement
from rea_lint.text import Edit, Source, Span, apply

if TYPE_CHECKING:
    from rea_lint.durable import Durable

HEAD = """\
import requests
import restate
from http_client import client

orders = restate.VirtualObject("orders")


def save(item) -> None: ...


def fetch(name="a"):
    return f"{name}"


async def post(item, name="a"):
    return f"{item}"


async def push(item, count=1):
    return f"{item}"


class Order: ...


def make():
    return Order()


def mark(): ...


"""


def handler(body: str, head: str = HEAD) -> Durable:
    text = f"{head}@orders.handler()\nasync def place(ctx: restate.ObjectContext, items: list) -> None:\n{textwrap.indent(textwrap.dedent(body), '    ')}"
    return harness.durable({"app.py": text}, "app.place")


def find(code: Durable, text: str) -> cst.BaseExpression:
    return next(node for node, _ in code.nodes if isinstance(node, cst.BaseExpression) and code.text(node) == text)


def after(code: Durable, edits: rewrite.Edits | None) -> str | None:
    """The handler's body after the edits; None if there are none."""
    if edits is None:
        return None
    text = apply(code.source.text, edits)
    ast.parse(text)
    return textwrap.dedent(text[text.index("items: list) -> None:\n") + len("items: list) -> None:\n") :])


# -- expressions -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "new", "wanted"),
    [
        ("x = mark()", "await f()", "x = await f()"),
        ("x = mark().y", "await f()", "x = (await f()).y"),
        ("x = mark()()", "await f()", "x = (await f())()"),
        ("x = mark()[0]", "await f()", "x = (await f())[0]"),
        ("x = items[mark()]", "await f()", "x = items[await f()]"),
        ("x = (mark()).y", "await f()", "x = (await f()).y"),
        ("x = -mark() ** 2", "await f()", "x = -await f() ** 2"),
        ("x = mark() + 1", "a if b else c", "x = (a if b else c) + 1"),
        ("x = f(mark(), k=mark())", "a if b else c", "x = f(a if b else c, k=mark())"),
        ("x = f(*mark())", "a or b", "x = f(*(a or b))"),
        ("x = mark().y", "1", "x = (1).y"),
        ("x = mark().y", "f(1)", "x = f(1).y"),
        ("x = 1 if'a'else mark()", "await f()", "x = 1 if'a'else await f()"),
        ("x = f'{mark()}'", "await f()", "x = f'{await f()}'"),
        ("x = f'{mark()}'", "await f('a')", None),
        ("x = f'{mark()}'", 'await f("a")', "x = f'{await f(\"a\")}'"),
        ('x = f"""{mark()}"""', 'await f("a")', 'x = f"""{await f("a")}"""'),
        ("x = f'{mark():>{mark()}}'", "await f()", "x = f'{await f():>{mark()}}'"),
        ("x = f'{mark()=}'", "await f()", None),
        ("x = f'{mark()}'", "{}", None),
        ("x = f(mark())  # kept", "await f()", "x = f(await f())  # kept"),
        ("x = mark(\n    # lost\n)", "await f()", None),
        ("x = mark()", "no Python", None),
        ("x = not mark()", "a and b", "x = not (a and b)"),
        ("return(mark())", "await f()", "return(await f())"),
    ],
)
def test_an_expression_takes_the_place_of_another(body: str, new: str, wanted: str | None) -> None:
    code = handler(body)
    call = next(
        node for node, _ in code.nodes if isinstance(node, cst.Call) and isinstance(node.func, cst.Name) and node.func.value == "mark"
    )
    assert after(code, rewrite.replace(code, call, new)) == wanted


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ("mark()", "await mark()"),
        ("x = mark().y", "x = (await mark()).y"),
        ("x = (mark()).y", "x = (await mark()).y"),
        ("return(mark())", "return(await mark())"),
        ("await mark()", None),
        ("x = f'{mark()}'", "x = f'{await mark()}'"),
        ("x = lambda: mark()", None),
        ("x = list(mark() for y in items)", None),
        ("x = [mark() for y in items]", "x = [await mark() for y in items]"),
        ("mark(  # one\n)", "await mark(  # one\n)"),
    ],
)
def test_a_call_is_awaited(body: str, wanted: str | None) -> None:
    code = handler(body)
    call = next(node for node, _ in code.nodes if isinstance(node, cst.Call) and code.text(node).startswith("mark("))
    assert after(code, rewrite.add_await(code, call)) == wanted


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ("await mark()", "mark()"),
        ("x = (await mark()).y", "x = (mark()).y"),
        ("x = await (mark())", "x = (mark())"),
        ("await  \\\n  mark()", None),
    ],
)
def test_an_await_is_left_out(body: str, wanted: str | None) -> None:
    code = handler(body)
    node = next(node for node, _ in code.nodes if isinstance(node, cst.Await))
    done = after(code, rewrite.drop_await(code, node))
    assert done is None or done.replace("\\\n", "").split() == (wanted or "mark()").split()


@pytest.mark.parametrize(
    ("call", "arguments"),
    [
        ("mark()", ""),
        ("mark(1, x=2)", "1, x=2"),
        ("mark( 1, )", "1"),
        ("mark((1), (2))", "(1), (2)"),
        ("(mark)(1)", "1"),
        ("mark(\n  f(1),\n)", "f(1)"),
    ],
)
def test_the_arguments_of_a_call_are_its_text(call: str, arguments: str) -> None:
    code = handler(f"x = {call}")
    node = next(node for node, _ in code.nodes if isinstance(node, cst.Call))
    assert rewrite.arguments(code, node) == arguments


# -- what packs say ----------------------------------------------------------------------------------------------------


def replacement(template: str, imports: tuple[str, ...] = (), arguments: str = "any") -> Replacement:
    return Replacement(template, "await" in template, safe=False, imports=imports, arguments=arguments)


def test_a_replacement_brings_its_imports() -> None:
    code = handler("mark(1)")
    edits = rewrite.substitute(
        code,
        "app.place",
        code.function.calls[0],
        replacement("await {ctx}.sleep(timedelta(seconds={args}))", ("datetime.timedelta",), "one"),
    )
    assert edits is not None
    text = apply(code.source.text, edits)
    assert text.startswith("from datetime import timedelta\n\nimport requests\n")
    assert text.endswith("    await ctx.sleep(timedelta(seconds=1))")


@pytest.mark.parametrize(("arguments", "is_valid"), [("none", False), ("one", False), ("some", True), ("any", True)])
def test_a_replacement_is_for_calls_with_certain_arguments(arguments: str, is_valid: bool) -> None:
    code = handler("mark(1, 2)")
    assert (rewrite.substitute(code, "app.place", code.function.calls[0], replacement("f({args})", (), arguments)) is not None) == is_valid


@pytest.mark.parametrize(
    ("line", "fixed"),
    [
        ("print(mark())", "print(await ctx.time())"),
        ("print(mark().real)", "print((await ctx.time()).real)"),
        ("print((mark()).real)", "print((await ctx.time()).real)"),
        ("print(mark()())", "print((await ctx.time())())"),
        ("print(mark()[0], items[mark()])", "print((await ctx.time())[0], items[mark()])"),
        ("print(items[mark()])", "print(items[await ctx.time()])"),
        ("print(await mark())", "print(await (await ctx.time()))"),
        ("return(mark())", "return(await ctx.time())"),
        ("print(f'{mark()}')", "print(f'{await ctx.time()}')"),
        ("print(mark(  # now\n))", None),
        ("print(list(mark() for _ in items))", None),
        ("print(list(each for each in mark()))", "print(list(each for each in await ctx.time()))"),
    ],
)
def test_a_replacement_stands_as_the_call_did(line: str, fixed: str | None) -> None:
    code = handler(line)
    call = next(call for call in code.function.calls if call.callees == ("app.mark",))
    edits = rewrite.substitute(code, "app.place", call, replacement("await {ctx}.time()"))
    assert (apply(code.source.text, edits).rpartition(":\n    ")[2] if edits is not None else None) == fixed


@pytest.mark.parametrize(
    ("imports", "spelling"),
    [
        ("from datetime import timedelta\n", "timedelta"),
        ("from datetime import timedelta as delta\n", "delta"),
        ("import datetime\n", "datetime.timedelta"),
        ("import datetime as dt\n", "dt.timedelta"),
        ("from datetime import datetime\n", "timedelta"),
        ("timedelta = 1\n", None),
        ("def timedelta(): ...\n", None),
        ("if TYPE_CHECKING:\n    from datetime import timedelta\n", None),
    ],
)
def test_a_name_is_spelled_as_the_file_has_it(imports: str, spelling: str | None) -> None:
    code = handler("mark()", HEAD + imports)
    found = rewrite.spelled(code, find(code, "mark()"), "datetime.timedelta")
    assert (found[0] if found is not None else None) == spelling


def test_a_name_that_is_a_variable_of_the_function_is_taken() -> None:
    code = handler("timedelta = 1\nmark()", "from datetime import timedelta\n" + HEAD)
    assert rewrite.spelled(code, find(code, "mark()"), "datetime.timedelta") is None


def test_an_import_in_the_function_counts_below_it() -> None:
    code = handler("f()\nfrom datetime import timedelta\nmark()")
    assert rewrite.spelled(code, find(code, "mark()"), "datetime.timedelta") == ("timedelta", ())


# -- steps -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        # synchronous
        ("x = requests.get('u').json()", "x = await ctx.run_typed(\"get\", lambda: requests.get('u').json())"),
        ("x = requests.get('u').text + 'a'", "x = await ctx.run_typed(\"get\", lambda: requests.get('u').text) + 'a'"),
        ("x = requests.get('u')", None),  # a Response is no JSON
        ("x = f'{requests.get(u).text}'", "x = f'{await ctx.run_typed(\"get\", lambda: requests.get(u).text)}'"),
        ('x = f"{requests.get(u).text}"', "x = f\"{await ctx.run_typed('get', lambda: requests.get(u).text)}\""),
        (
            "requests.get('u')  # gone\nmark()",
            "def get() -> None:\n    requests.get('u')\n\nawait ctx.run_typed(\"get\", get)  # gone\nmark()",
        ),
        (
            "if items:\n    requests.get('u')",
            "if items:\n    def get() -> None:\n        requests.get('u')\n\n    await ctx.run_typed(\"get\", get)",
        ),
        ("get = 1\nrequests.get('u')", "get = 1\ndef get_step() -> None:\n    requests.get('u')\n\nawait ctx.run_typed(\"get\", get_step)"),
        ("x = 1; requests.get('u')", None),
        ("x = fetch()", 'x = await ctx.run_typed("fetch", fetch)'),
        ("x = fetch('b')", "x = await ctx.run_typed(\"fetch\", lambda: fetch('b'))"),
        ("save(1)", 'await ctx.run_typed("save", lambda: save(1))'),
        ("x = make()", None),
        ("while requests.get('u').ok:\n    pass", "while await ctx.run_typed(\"get\", lambda: requests.get('u').ok):\n    pass"),
        ("x = [requests.get(u).text for u in items]", 'x = [await ctx.run_typed("get", lambda: requests.get(u).text) for u in items]'),
        ("x = list(requests.get(u).text for u in items)", None),
        ("x = lambda: requests.get('u').text", None),
        ("x = requests.get(\n    'u',  # one\n).text", "x = await ctx.run_typed(\"get\", lambda: requests.get(\n    'u',  # one\n).text)"),
        ("x = requests.get(y := 'u').text", None),
        (
            "(  # one\n    requests\n    .get('u')\n)",
            "def get() -> None:\n    (requests\n    .get('u'))\n\n(  # one\n    await ctx.run_typed(\"get\", get)\n)",
        ),
        (
            "(  # '\n    # )\\\n  \\\n  requests\n    .get('#')  # (\n)",
            "def get() -> None:\n    (requests\n    .get('#'))\n\n(  # '\n    # )\\\n  \\\n  await ctx.run_typed(\"get\", get)  # (\n)",
        ),
        ("match (await client.get('u')).text:\n    case _:\n        pass", None),
        ("for x in requests.get('u'):\n    pass", None),
        # what needs the context is evaluated before the step
        ("x = fetch(name=ctx.key())", None),
        ("x = requests.get(url=ctx.key()).text", None),
        ("x = requests.get(await ctx.get('u')).text", None),
        # asynchronous
        ("x = await push(1)", 'x = await ctx.run_typed("push", push, item=1)'),
        ("x = await push(1, count=2)", 'x = await ctx.run_typed("push", push, item=1, count=2)'),
        ("x = await push(item=(yes))", 'x = await ctx.run_typed("push", push, item=(yes))'),
        (
            "x = await push(item=(  # one\n    yes for yes in items))",
            'x = await ctx.run_typed("push", push, item=(# one\n    yes for yes in items))',
        ),
        ("x = await push(ctx.key())", None),
        (
            "x = await post(1, name='b')",
            "async def post_step():\n    return await post(1, name='b')\n\nx = await ctx.run_typed(\"post\", post_step)",
        ),
        (
            "x = (await client.get('u')).text",
            "async def get():\n    return (await client.get('u')).text\n\nx = await ctx.run_typed(\"get\", get)",
        ),
        ("x = [(await client.get(u)).text for u in items]", None),
        ("async with client.get('u') as x:\n    pass", None),
        ("async for x in client.get('u'):\n    pass", None),
        ("x = await client.get('u')", None),
    ],
)
def test_a_call_becomes_a_step(body: str, wanted: str | None) -> None:
    code = handler(body)
    called = {"requests.get", "client.get", "fetch", "save", "make", "post", "push"}
    call = next(node for node, _ in code.nodes if isinstance(node, cst.Call) and "".join(code.text(node.func).split()) in called)
    assert after(code, rewrite.wrap_in_step(code, code.span(call))) == wanted


def test_a_step_is_indented_as_its_function_is() -> None:
    text = f"{HEAD}class Shop:\n\t@orders.handler()\n\tasync def place(ctx: restate.ObjectContext):\n\t\tif 1:\n\t\t\trequests.get('u')\n"
    code = harness.durable({"app.py": text}, "app.Shop.place")
    call = find(code, "requests.get('u')")
    assert isinstance(call, cst.Call)
    edits = rewrite.wrap_in_step(code, code.span(call))
    assert edits is not None
    done = apply(text, edits)
    ast.parse(done)
    assert done.endswith("\t\t\tdef get() -> None:\n\t\t\t\trequests.get('u')\n\n\t\t\tawait ctx.run_typed(\"get\", get)\n")


# -- imports -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "statement", "wanted"),
    [
        ("x = 1\n", "import time", "import time\n\nx = 1\n"),
        ("", "import time", "import time\n\n"),
        ("#!/bin/python\n# licence\nx = 1\n", "import time", "#!/bin/python\n# licence\nimport time\n\nx = 1\n"),
        ('"""Doc."""\nx = 1\n', "import time", '"""Doc."""\n\nimport time\nx = 1\n'),
        ("from __future__ import annotations\n\nx = 1\n", "import time", "from __future__ import annotations\n\nimport time\n\nx = 1\n"),
        ("import os\n", "import time", "import os\nimport time\n"),
        ("import os", "import time", "import os\nimport time\n"),
        ("import uuid\n", "import time", "import time\nimport uuid\n"),
        ("from os import path\n", "import time", "import time\nfrom os import path\n"),
        ("import restate\n", "import time", "import time\n\nimport restate\n"),
        (
            "import os\n\nimport restate\n",
            "from datetime import timedelta",
            "import os\nfrom datetime import timedelta\n\nimport restate\n",
        ),
        ("import os\n\nimport app\n", "import restate", "import os\n\nimport app\nimport restate\n"),
        ("import os\n\nx = 1\n", "import restate", "import os\n\nimport restate\n\nx = 1\n"),
        ("import time\n", "import time", "import time\n"),
        ("from datetime import timedelta\n", "from datetime import timedelta", "from datetime import timedelta\n"),
        ("from datetime import datetime\n", "from datetime import timedelta", "from datetime import datetime, timedelta\n"),
        ("from datetime import datetime, tzinfo\n", "from datetime import timedelta", "from datetime import datetime, timedelta, tzinfo\n"),
        (
            "from datetime import tzinfo, datetime  # x\n",
            "from datetime import timedelta",
            "from datetime import tzinfo, datetime, timedelta  # x\n",
        ),
        (
            "from datetime import (\n    datetime,\n    tzinfo,\n)\n",
            "from datetime import timedelta",
            "from datetime import (\n    datetime,\n    timedelta,\n    tzinfo,\n)\n",
        ),
        (
            "from datetime import (\n    datetime,\n)\n",
            "from datetime import timedelta",
            "from datetime import (\n    datetime,\n    timedelta,\n)\n",
        ),
        ("from datetime import *\n", "from datetime import timedelta", "from datetime import *\nfrom datetime import timedelta\n"),
        ("import os\r\nx = 1\r\n", "import time", "import os\r\nimport time\r\nx = 1\r\n"),
        ("class C:\n    import os\n", "import time", "import time\n\nclass C:\n    import os\n"),
        ("@d\nclass C: ...\n", "import time", "import time\n\n@d\nclass C: ...\n"),
        ("x = 1\nimport os\n", "import time", "import time\n\nx = 1\nimport os\n"),
    ],
)
def test_an_import_is_added_in_its_place(text: str, statement: str, wanted: str) -> None:
    assert apply(text, rewrite.add_import(Source(text), statement)) == wanted


@pytest.mark.parametrize(
    ("imports", "wanted"),
    [
        ("import time\nimport restate\n", "import restate\n"),
        ("import time\n\nimport restate\n", "import restate\n"),
        ("import os\nimport time\n\nimport restate\n", "import os\n\nimport restate\n"),
        ("import restate\nimport time as time\n", "import restate\n"),
        ("import os, time\nimport restate\n", "import os\nimport restate\n"),
        ("import time, os\nimport restate\n", "import os\nimport restate\n"),
        ("from now import time, zone\nimport restate\n", "from now import zone\nimport restate\n"),
        ("from now import (\n    time,\n    zone,\n)\nimport restate\n", "from now import (\n    zone,\n)\nimport restate\n"),
        ("import time  # noqa\nimport restate\n", None),
        ("import time; import restate\n", None),
        ("import restate\nimport time\nx = time.time()\n", None),
        ("import restate\nimport time\nx = 'Zürich'\n", "import restate\nx = 'Zürich'\n"),
        ("import restate\nimport time\nx = restate.time\n", "import restate\nx = restate.time\n"),
        ("import restate\nimport time\ndef f():\n    return time\n", None),
        ("import restate\nimport time\ndef f(time):\n    time = 1\n", None),
        ("import restate\nimport time\n__all__ = ['time']\n", None),
        ("import restate\ntry:\n    import time\nexcept ImportError:\n    pass\n", None),
        ("import restate\nimport time\ndef f(x: 'time.struct_time'): ...\n", None),
    ],
)
def test_an_import_is_removed_if_nothing_else_needs_it(imports: str, wanted: str | None) -> None:
    rest = "orders = restate.Service('o')\n\n\n@orders.handler()\nasync def place(ctx: restate.Context):\n    time.time()\n"
    code = harness.durable({"app.py": imports + rest}, "app.place")
    edits = rewrite.remove_import(code, "time", code.span(find(code, "time.time()")))
    assert (apply(code.source.text, edits) if edits else None) == (wanted + rest if wanted is not None else None)


@pytest.mark.parametrize(
    ("body", "is_removed"), [("time.time().hex()", True), ("time.time(); time.sleep(1)", False), ("time.time(); print('\\ntime')", False)]
)
def test_an_import_goes_with_the_only_call_of_it(body: str, is_removed: bool) -> None:
    code = handler(body, "import time\nimport restate\norders = restate.Service('o')\n\n\n")
    edits = rewrite.remove_import(code, "time", code.span(find(code, "time.time()")))
    assert bool(edits) == is_removed


@pytest.mark.parametrize("call", ["time.time()", "(time).time()", "(time.time)()", "time.\\\n    time()"])
def test_an_import_goes_however_the_call_is_written(call: str) -> None:
    code = handler(f"print({call})", "import time\nimport restate\norders = restate.Service('o')\n\n\n")
    read = next(call for call in code.function.calls if call.callees == ("time.time",))
    edits = rewrite.substitute(code, "app.place", read, replacement("await {ctx}.time()"))
    assert edits is not None
    done = apply(code.source.text, edits)
    assert (done.partition("\n")[0], done.rpartition(":\n    ")[2]) == ("import restate", "print(await ctx.time())")


def test_an_import_that_another_file_takes_from_here_stays() -> None:
    text = "import time\nimport restate\norders = restate.Service('o')\n\n\n@orders.handler()\nasync def place(ctx: restate.Context):\n    time.time()\n"
    code = harness.durable({"app.py": text, "other.py": "from app import time\n"}, "app.place")
    assert rewrite.remove_import(code, "time", code.span(find(code, "time.time()"))) == ()


def test_one_import_takes_the_place_of_another() -> None:
    text = "import time\n\nimport restate\norders = restate.Service('o')\n\n\n@orders.handler()\nasync def place(ctx: restate.Context):\n    time.time()\n"
    code = harness.durable({"app.py": text}, "app.place")
    call = find(code, "time.time()")
    assert isinstance(call, cst.Call)
    added = rewrite.add_import(code.source, "from datetime import timedelta")
    done = rewrite.joined(added, rewrite.remove_import(code, "time", code.span(call)))
    assert apply(text, done).startswith("from datetime import timedelta\n\nimport restate\n")
    assert len(done) == 1


def test_titles_say_what_a_fix_does_to_the_journal() -> None:
    edits = (Edit(Span(0, 0), "x"),)
    fix = rewrite.journaling("Use it", edits)
    assert fix is not None
    assert fix.title == "Use it (changes the journal: deploy it as a new version while invocations are in flight)"
    assert fix.applicability is Applicability.UNSAFE
    assert rewrite.safe("Use it", None) is None
