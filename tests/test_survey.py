"""What one file says: names, calls, bindings, in the words of facts.  Each row is a program and what it must say."""

from __future__ import annotations

import ast
import sys
import unicodedata
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rea_lint.survey import survey

if TYPE_CHECKING:
    from rea_lint.facts import Facts, Function
    from rea_lint.text import Span


def surveyed(text: str, module: str = "shop.orders", *, is_package: bool = False) -> Facts:
    return survey("orders.py", module, dedent(text), is_package=is_package)


def function(text: str, name: str = "f") -> Function:
    return surveyed(text).functions[f"shop.orders.{name}"]


def cut(text: str, span: Span) -> str:
    return text[span.start : span.end]


CALLEES = [
    ("a name is what it is imported as", "import httpx\ndef f(): httpx.get()", "httpx.get"),
    ("an alias is what it stands for", "import datetime as dt\ndef f(): dt.datetime.now()", "datetime.datetime.now"),
    ("from binds the thing", "from time import time\ndef f(): time()", "time.time"),
    ("import a.b binds a", "import os.path\ndef f(): os.path.exists('x')", "os.path.exists"),
    ("a relative import is absolute", "from . import clients\ndef f(): clients.pay()", "shop.clients.pay"),
    ("two dots go up", "from ..lib.http import get\ndef f(): get()", "lib.http.get"),
    ("an import in a function is local to it", "def f():\n import time\n time.time()", "time.time"),
    ("a local name hides an import", "import time\ndef f():\n time = g()\n time.time()", "shop.orders.f:time.time"),
    ("a parameter hides an import", "import requests\ndef f(requests): requests.get()", "shop.orders.f:requests.get"),
    ("a function of the module", "def g(): ...\ndef f(): g()", "shop.orders.g"),
    ("the later definition replaces the former", "def g(): ...\ndef g(): ...\ndef f(): g()", "shop.orders.g#2"),
    ("a conditional definition may be either", "if x:\n def g(): ...\nelse:\n def g(): ...\ndef f(): g()", "shop.orders.g"),
    ("a global is its module's", "client = make()\ndef f(): client.get()", "shop.orders.client.get"),
    ("global reaches the module from within", "def f():\n global client\n client = 1\n client.get()", "shop.orders.client.get"),
    ("a closure is the outer function's", "def f():\n client = 1\n def g(): client.get()", None),
    ("a builtin", "def f(): open('x')", "builtins.open"),
    ("an unknown name says nothing", "def f(): mystery()", None),
    ("star imports leave it to linking", "from os import *\ndef f(): getpid()", "shop.orders.getpid"),
    ("which is so for builtins", "from os import *\ndef f(): open('x')", "shop.orders.open"),
    ("but not for those that are as good as syntax", "from os import *\ndef f(): super()", "builtins.super"),
    ("the result of a call", "import boto3\ndef f(): boto3.client('s3').put_object()", "boto3.client().put_object"),
    ("awaiting changes nothing", "import a\nasync def f(): (await a.b()).c()", "a.b().c"),
    ("an element", "import a\ndef f(): a.b['x'].c()", "a.b[].c"),
    ("an element at an index", "import a\ndef f(): a.b[0].c()", "a.b[0].c"),
    ("a partial is what it wraps", "from functools import partial\nimport a\ndef f():\n partial(a.b, 1)()", "a.b.<partial>"),
    ("a text is a text", "def f(): 'x'.join([])", "builtins.str().join"),
    ("a class scope is not seen from its methods", "now = 1\nclass C:\n now = 2\ndef f(): now()", "shop.orders.now"),
    ("a comprehension has names of its own", "import time\ndef f(): [time() for time in fs]", "shop.orders.f:time@2,9"),
    ("a decorated function keeps its name", "@x\ndef g(): ...\ndef f(): g()", "shop.orders.g"),
]


@pytest.mark.parametrize(("text", "callee"), [row[1:] for row in CALLEES], ids=[row[0] for row in CALLEES])
def test_a_call_says_what_it_calls(text: str, callee: str | None) -> None:
    outermost = [call for call in function(text).calls if call.callees][:1]
    expected = [] if callee is None else [callee]
    assert [call.callees[0] for call in outermost] == expected


def test_relative_imports_start_from_the_package() -> None:
    assert surveyed("from . import a", "shop", is_package=True).variables["a"][0].values == ("shop.a",)
    assert surveyed("from . import a", "shop.orders").variables["a"][0].values == ("shop.a",)
    assert surveyed("from .. import a", "shop.orders").variables["a"][0].values == ("a",)
    assert surveyed("from ... import a", "shop.orders").variables["a"][0].values == ()


ANNOTATIONS = [
    ("httpx.AsyncClient", ("httpx.AsyncClient()",), ()),
    ("'httpx.AsyncClient'", ("httpx.AsyncClient()",), ()),
    ("httpx.AsyncClient | None", ("httpx.AsyncClient()",), ()),
    ("Optional[httpx.AsyncClient]", ("httpx.AsyncClient()",), ()),
    ("'Optional[httpx.AsyncClient]'", ("httpx.AsyncClient()",), ()),
    ("Annotated[httpx.AsyncClient, 'x']", ("httpx.AsyncClient()",), ()),
    ("Union[httpx.Client, httpx.AsyncClient]", ("httpx.Client()", "httpx.AsyncClient()"), ()),
    ("list[httpx.Client]", ("builtins.list()",), ("httpx.Client()",)),
    ("dict[str, httpx.Client]", ("builtins.dict()",), ("httpx.Client()",)),
    ("type[httpx.Client]", ("httpx.Client",), ()),
    ("Callable[[], httpx.Client]", (), ()),
    ("'not python at all ('", (), ()),
]


@pytest.mark.parametrize(("annotation", "values", "elements"), ANNOTATIONS)
def test_an_annotation_says_what_a_value_is(annotation: str, values: tuple[str, ...], elements: tuple[str, ...]) -> None:
    parameter = function(f"import httpx\nfrom typing import Annotated, Callable, Optional, Union\ndef f(x: {annotation}): ...").parameters[
        0
    ]
    assert (parameter.annotation, parameter.elements) == (values, elements)


BINDINGS = [
    ("x = A()", ("m.A()",), ()),
    ("x: A = g()", ("m.A()",), ()),
    ("x = y = A()", ("m.A()",), ()),
    ("x, y = A(), 1", ("m.A()",), ()),
    ("x, y = A()", ("m.A()[0]",), ()),
    ("for x in A(): ...", ("m.A()[]",), ()),
    ("for x in [A(), B()]: ...", ("m.A()", "m.B()"), ()),
    ("for _, x in enumerate([A()]): ...", ("m.A()",), ()),
    ("for _, x in d.items(): ...", ("m.d[]",), ()),
    ("for y, x in zip(a, b): ...", ("m.b[]",), ()),
    ("for x in sorted([A()]): ...", ("m.A()",), ()),
    ("with A() as x: ...", ("m.A().<enter>",), ()),
    ("if (x := A()): ...", ("m.A()",), ()),
    ("x = A() if y else B()", ("m.A()", "m.B()"), ()),
    ("x = y or A()", ("m.A()",), ()),
    ("x = [A()]", ("builtins.list()",), ("m.A()",)),
    ("x = {'k': A()}", ("builtins.dict()",), ("m.A()",)),
    ("x = [A() for _ in r]", ("builtins.list()",), ("m.A()",)),
    ("try: ...\nexcept A as x: ...", ("m.A()",), ()),
    ("x = typing.cast(A, y)", ("m.A()",), ()),
    ("del x", None, ()),
]


@pytest.mark.parametrize(("statement", "values", "elements"), BINDINGS, ids=[row[0] for row in BINDINGS])
def test_a_binding_says_what_a_variable_holds(statement: str, values: tuple[str, ...] | None, elements: tuple[str, ...]) -> None:
    body = "\n".join(f"    {line}" for line in statement.splitlines())
    text = f"import typing\nfrom m import A, B, g, d, a, b, r\ndef f():\n{body}\n"
    bindings = function(text).variables.get("x", ())
    assert [(b.values, b.elements) for b in bindings[:1]] == ([] if values is None else [(values, elements)])


def test_what_is_put_into_a_container_is_an_element_of_it() -> None:
    facts = function("import m\ndef f():\n    x = []\n    x.append(m.A())\n    y = {}\n    y['k'] = m.B()\n")
    assert [b.elements for b in facts.variables["x"]] == [(), ("m.A()",)]
    assert [b.elements for b in facts.variables["y"]] == [(), ("m.B()",)]


def test_a_class_says_what_its_attributes_hold() -> None:
    facts = surveyed(
        """
        import httpx
        from dataclasses import dataclass, field

        @dataclass
        class C(Base):
            client: httpx.Client
            ids: list[str] = field(default_factory=list)

            def __post_init__(self):
                self.other = httpx.AsyncClient()
                self.kept = []
                self.kept.append(lambda: 1)

            @property
            def now(self): ...

            @staticmethod
            def s(x): ...

            @classmethod
            def c(cls): ...
        """
    )
    declared = facts.classes["shop.orders.C"]
    assert declared.fields == ("client", "ids")
    assert declared.attributes["client"][0].values == ("httpx.Client()",)
    assert declared.attributes["other"][0].values == ("httpx.AsyncClient()",)
    assert declared.attributes["kept"][1].elements == ("shop.orders.C.__post_init__.<lambda@13,25>",)
    methods = {name: facts.functions[functions[0]] for name, functions in declared.methods.items()}
    assert {name: (f.binds, f.is_property) for name, f in methods.items()} == {
        "__post_init__": ("self", False),
        "now": ("self", True),
        "s": (None, False),
        "c": ("cls", False),
    }


WAITS = [
    ("an await", "async def f(): await a()", "await a()", "a()", ("shop.orders.a()",)),
    ("what is awaited may be a name", "async def f(it): return [await it]", "await it", "it", ("shop.orders.f:it",)),
    ("an asynchronous loop", "async def f():\n async for x in a(): pass", "a()", "a()", ("shop.orders.a()",)),
    ("an asynchronous comprehension", "async def f(): [x async for x in a()]", "a()", "a()", ("shop.orders.a()",)),
]


@pytest.mark.parametrize(("text", "place", "waited", "values"), [row[1:] for row in WAITS], ids=[row[0] for row in WAITS])
def test_a_wait_says_where_and_for_what(text: str, place: str, waited: str, values: tuple[str, ...]) -> None:
    text = f"async def a(): ...\n{text}"
    (wait,) = function(text).waits
    assert (cut(text, wait.place), cut(text, wait.span), wait.values) == (place, waited, values)


CLAUSES = [
    ("one class", "except ValueError: raise", (("builtins.ValueError",),), True),
    ("several classes", "except (ValueError, KeyError): raise", (("builtins.ValueError",), ("builtins.KeyError",)), True),
    ("all", "except: print(); raise", (), True),
    ("another error", "except OSError: raise ValueError", (("builtins.OSError",),), False),
    ("a way out before", "except OSError:\n  if print(): return\n  raise", (("builtins.OSError",),), False),
    ("a loop before", "except OSError:\n  for x in y: print()\n  raise", (("builtins.OSError",),), True),
    ("another way out", "except OSError: return; raise", (("builtins.OSError",),), False),
]


@pytest.mark.parametrize(("clause", "catches", "raises"), [row[1:] for row in CLAUSES], ids=[row[0] for row in CLAUSES])
def test_a_clause_says_what_it_catches_and_whether_it_raises(clause: str, catches: tuple[tuple[str, ...], ...], *, raises: bool) -> None:
    text = f"def f():\n try:\n  g()\n  h()\n {clause}\n finally: pass"
    (found,) = function(text).clauses
    assert (found.catches, found.raises, cut(text, found.covers)) == (catches, raises, "g()\n  h()")
    assert found.is_plain == ("print():" not in clause and "for" not in clause)
    assert "Finally" in function(text).shape


def test_loops_have_their_places() -> None:
    text = "async def f():\n for x in g(): pass\n while h():\n  async for y in i(): pass"
    assert [cut(text, loop).partition("(")[0] for loop in function(text).loops] == ["for x in g", "while h", "async for y in i"]


def test_a_name_says_in_what_it_stands() -> None:
    stands = function("async def f(a, b, c):\n if a: b.x(c, k=a)\n return await a").stands
    assert stands == {"a": {"If", "Call", "Await"}, "b": {"Attribute"}, "c": {"Call"}}


def test_a_call_says_in_what_it_stands() -> None:
    calls = function("async def f(): await a(b()); c = d().e()").calls
    assert [call.around for call in calls] == ["Await", "Call", "Assign", "Attribute"]


def test_the_texts_that_code_asks_for_are_said() -> None:
    text = "def f(a, b):\n match a:\n  case ['x' | 'y', _]: return b == 'z' or b != 'w' or 1 == 'v'"
    assert function(text).compares == {"": {"x", "y"}, "b": {"z"}}


def test_a_read_says_in_what_it_stands() -> None:
    assert [read.around for read in function("import a\ndef f():\n g(a.x)\n raise a.E").reads] == ["Call", "Raise"]


def test_a_call_says_how_it_stands() -> None:
    facts = function(
        "async def f(ctx, g):\n    ctx.a()\n    await ctx.b()\n    x = await ctx.c()\n    with ctx.d(): ...\n    ctx.e(1, *g, k='v', **g)\n"
    )
    by_name = {call.callees[0].rpartition(".")[2]: call for call in facts.calls}
    assert [(n, c.awaited, c.discarded, c.entered) for n, c in by_name.items()] == [
        ("a", False, True, False),
        ("b", True, True, False),
        ("c", True, False, False),
        ("d", False, False, True),
        ("e", False, True, False),
    ]
    assert [(a.keyword, a.literal) for a in by_name["e"].arguments] == [(None, "1"), ("*", None), ("k", "'v'"), ("**", None)]


@pytest.mark.parametrize("constant", ["...", "1e999", "-0.0", "1e999j", "None", "True", "b'x'", "'it\\'s'", "7"])
def test_a_literal_gives_its_constant_back(constant: str) -> None:
    (call,) = function(f"def f(): g({constant})").calls
    literal = call.arguments[0].literal
    assert (literal is None) == constant.startswith("-")  # an operation, and no constant
    assert literal is None or ast.literal_eval(literal) == ast.literal_eval(constant)


def test_a_number_that_python_does_not_write_down_has_no_literal() -> None:
    (call,) = function(f"def f(): g(0x{'f' * 5_000})").calls
    assert call.arguments[0].literal is None


def test_what_is_read_and_not_called_is_said() -> None:
    facts = function(
        "import os, time\ndef f(self):\n    os.environ['X']\n    g = time.time\n    h(self.now, os.sep)\n    local = 1\n    local\n"
    )
    assert [read.values for read in facts.reads] == [("os.environ",), ("time.time",), ("shop.orders.f:self.now",), ("os.sep",)]


BROKEN = ["def f(:", "\x00", "f'{'", "x = (", "  x", "async await", "[" * 5000 + "]" * 5000, "-" * 100_000 + "1"]


@pytest.mark.parametrize("text", BROKEN, ids=range(len(BROKEN)))
def test_text_that_is_not_python_gives_a_reason(text: str) -> None:
    broken = survey("orders.py", "shop.orders", text).broken
    assert broken is not None
    assert broken.message


DEEP = {
    "calls": "f(" * 80 + ")" * 80,
    "elifs": "if a: pass\n" + "elif a: pass\n" * 1000,
    "booleans": " and ".join(["a"] * 1000),
    "methods": "a" + ".b()" * 900,
    "sums": " + ".join(["a"] * 900),
    "powers": " ** ".join(["a"] * 900),  # lean to the right
    "awaits": "async def f(): " + "await (" * 150 + "a" + ")" * 150,
    "negations": "not " * 900 + "a",
    "lambdas": "lambda: " * 800 + "a",
    "functions": "".join(f"{'    ' * i}def f{i}():\n" for i in range(60)) + "    " * 60 + "pass\n",
    "blocks": "".join(f"{'    ' * i}if a:\n" for i in range(19)) + "    " * 19 + "pass\n",
}


@pytest.mark.parametrize("text", DEEP.values(), ids=DEEP.keys())
def test_deep_code_is_surveyed(text: str) -> None:
    facts = surveyed(text)
    assert facts.broken is None
    assert facts.depth > 0


def test_what_lies_deep_is_surveyed_as_what_does_not() -> None:
    deep = "not " * 400
    found = surveyed(f"import httpx\ndef f(x):\n y = {deep}httpx.get(lambda: x)\n return {deep}[z for z in x]").functions
    assert [call.callees for call in found["shop.orders.f"].calls] == [("httpx.get",)]
    assert set(found["shop.orders.f"].variables) == {"y", "z@4,1608"}
    assert set(found["shop.orders.f"].names) == {"httpx", "x", "z"}
    assert list(found) == ["shop.orders.<module>", "shop.orders.f", "shop.orders.f.<lambda@3,1615>"]


def assert_places_are_right(text: str) -> None:
    """Every span slices back to what it is a span of."""
    text = dedent(text)  # as `surveyed` does: it also empties lines of blanks
    facts = surveyed(text)
    if facts.broken is not None:
        return
    for found in facts.functions.values():
        if found.name.endswith(".<module>"):
            continue
        name = found.name.rpartition(".")[2].partition("#")[0]
        written = text[found.name_span.start : found.name_span.end]
        assert unicodedata.normalize("NFKC", written) == name or name.startswith("<lambda")  # as Python reads names (PEP 3131)
        assert found.span.contains(found.name_span)
        for call in found.calls:
            parsed = ast.parse(f"(\n{text[call.span.start : call.span.end]}\n)", mode="eval").body
            assert isinstance(parsed, ast.Call)
            for argument in call.arguments:
                assert call.span.contains(argument.span)


@pytest.mark.parametrize("name", ["argparse", "typing", "dataclasses", "ast", "asyncio/tasks", "json/decoder", "test/test_grammar", "enum"])
def test_places_are_right_in_the_standard_library(name: str) -> None:
    path = Path(ast.__file__).parent / f"{name}.py"
    if not path.exists():
        pytest.skip(f"this Python comes without {name}")
    assert_places_are_right(path.read_text(encoding="utf-8"))


@given(st.data())
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_places_are_right_in_any_program(data: st.DataObject) -> None:
    hypothesmith = pytest.importorskip("hypothesmith")
    if sys.version_info >= (3, 14):
        pytest.skip("hypothesmith does not know this grammar")
    assert_places_are_right(data.draw(hypothesmith.from_node()))


def test_characters_are_counted_not_bytes() -> None:
    text = "def f():\n    größe = '😀'; g(größe, '😀')\n"
    call = surveyed(text).functions["shop.orders.f"].calls[0]
    assert text[call.span.start : call.span.end] == "g(größe, '😀')"
