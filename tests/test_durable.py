"""A durable function as rules see it: places, owners, names, contexts, and where values go."""

from __future__ import annotations

import ast
import sysconfig
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import libcst as cst
import libcst.metadata
import pytest

import harness
from rea_lint.diagnostic import Severity
from rea_lint.flow import Sink
from rea_lint.project import Region
from rea_lint.survey import survey
from rea_lint.text import Source, Span
from rea_lint.tree import MOST_NESTED, Tree, Unreadable, children

if TYPE_CHECKING:
    from rea_lint.durable import Durable
    from rea_lint.facts import Function

HEAD = """\
import logging
import time
from datetime import timedelta
import restate

orders = restate.VirtualObject("orders")
logger = logging.getLogger(__name__)
kept = {}


def charge(amount=0):
    return amount


async def wait(ctx: restate.ObjectContext, seconds):
    await ctx.sleep(timedelta(seconds=1))
    if seconds > 3:
        ctx.clear("x")


async def pause(ctx: restate.ObjectContext, seconds):
    await ctx.sleep(timedelta(seconds=seconds))


async def give(ctx: restate.ObjectContext, value):
    ctx.clear("x")
    return value


async def keep(ctx: restate.ObjectContext, value):
    return await ctx.run_typed("keep", charge, amount=1)


def refuse(now):
    if now > 3:
        raise restate.TerminalError("late")


def crash(now):
    if now > 3:
        raise RuntimeError("again")


"""


def handler(body: str, head: str = HEAD) -> Durable:
    """The handler `app.place` with this body."""
    text = f"{head}@orders.handler()\nasync def place(ctx: restate.ObjectContext, items: list) -> object:\n{textwrap.indent(textwrap.dedent(body), '    ')}"
    return harness.durable({"app.py": text}, "app.place")


def find(code: Durable, text: str) -> cst.BaseExpression:
    """The one expression of the function that is written like this."""
    found = [node for node, _ in code.nodes if isinstance(node, cst.BaseExpression) and code.text(node) == text]
    assert found, f"there is no {text}"
    return found[0]


# -- places ------------------------------------------------------------------------------------------------------------


def tree(text: str, name: str = "m.f") -> Tree:
    facts = survey("m.py", "m", text)
    return Tree(facts.functions[name], facts, Source(text))


@pytest.mark.parametrize(
    "text",
    [
        "def f():\n    return g(1)\n",
        "class C:\n    @d\n    def f(self):\n        return g(1)\n",
        "class C:\n\t@d\n\n\tdef f(self):\n\t\treturn g(1)\n",
        "if x:\n  class C:\n      def f(self): return g(1)  # end\n",
        "\ndef f():\r\n    '''a\r\n  b'''\r\n    return g(1)\r\n",
        "class C:\n    def f(self):\n        x = '''\nnot indented\n'''\n        return g(1)",
        "class C:\n    def f(self):\n# a comment at the margin\n        return g(1)\n",
        "def f():\n    \n\f\n    try:\n        pass\n    except E :\n        return g(1)\n",
        "x = 'é𝄞'; y = '\u2028'\ndef f():\n    'é𝄞'; return g(1)\n",
        "def f():\n    return [\n        g(1),  # one\n    ]\n",
        "async def f(a, /, b=1, *c, d=2, **e) -> int: return g(1)",
    ],
)
def test_a_node_stands_where_its_text_is(text: str) -> None:
    facts = survey("m.py", "m", text)
    name = "m.C.f" if "class C" in text else "m.f"
    made = Tree(facts.functions[name], facts, Source(text))
    call = next(node for node in made.nodes if isinstance(node, cst.Call))
    assert made.text(call) == "g(1)"
    assert made.at(made.span(call)) is call
    assert made.span(call) == facts.functions[name].calls[-1].span


def test_a_lambda_may_stand_alone() -> None:
    text = "handlers = [lambda ctx,\n  x: g(1)]\n"
    facts = survey("m.py", "m", text)
    function = next(f for f in facts.functions.values() if f.is_lambda)
    made = Tree(function, facts, Source(text))
    assert isinstance(made.root, cst.Lambda)
    assert made.text(made.root.body) == "g(1)"


def test_an_expression_is_found_with_the_parentheses_around_it_too() -> None:
    made = tree("def f():\n    return ( (a + b) )\n")
    start = "def f():\n    return ".__len__()
    assert isinstance(made.at(Span(start, start + len("( (a + b) )"))), cst.BinaryOperation)


def test_nodes_come_in_source_order() -> None:
    made = tree(
        "def f(a, b=(lambda: 1), *, c: int = 2):\n"
        "    @d(lambda: 3)\n"
        "    def g(x=lambda: 4) -> 5:\n"
        "        return (lambda: 6) if (lambda: 7) else (lambda: 8)\n"
        "    match 9:\n"
        "        case 10 if 11:\n"
        "            return [12 for x in 13 if 14]\n"
    )
    numbers = [node.value for node in made.nodes if isinstance(node, cst.Integer)]
    assert numbers == [str(n) for n in range(1, 15)]


def test_a_function_owns_its_body_and_not_its_defaults_and_decorators() -> None:
    made = tree("def f():\n    @a\n    def g(x=b):\n        c\n    d\n    lambda y=e: (h)\n")
    owners = {node.value: made.owner(node) for node in made.nodes if isinstance(node, cst.Name) and len(node.value) == 1}
    names = {name: owner.name for name, owner in owners.items() if owner is not None}
    assert {name: names[name] for name in "abcde"} == {"a": "m.f", "b": "m.f", "c": "m.f.g", "d": "m.f", "e": "m.f"}
    assert names["h"].startswith("m.f.<lambda")


@pytest.mark.parametrize(
    "body",
    [
        "x = " + "-" * (MOST_NESTED + 10) + "1",
        "x = '" + "a" * 600_000 + "'",
        "x = 1 if(lambda: 2)else 3",  # a lambda there is a TypeError of libcst's
    ],
)
def test_what_is_too_much_for_libcst_is_not_given_to_it(body: str) -> None:
    with pytest.raises(Unreadable):
        tree(f"def f():\n    {body}\n")


def test_long_elif_chains_are_no_nesting() -> None:
    chain = "".join(f"    elif x == {n}:\n        pass\n" for n in range(MOST_NESTED + 10))
    names: list[Function] = []
    harness.deeply(lambda: names.extend(tree(f"def f(x):\n    if x:\n        pass\n{chain}").functions))
    assert [f.name for f in names] == ["m.f"]


STANDARD = sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py"))[::6]


@pytest.mark.slow
@pytest.mark.parametrize("path", STANDARD, ids=[path.stem for path in STANDARD])
def test_every_call_of_the_standard_library_is_found_where_ast_sees_it(path: Path) -> None:
    text = path.read_bytes().decode("utf-8", "replace")
    facts = survey(str(path), path.stem, text)
    for function in facts.functions.values():
        if function.scope == facts.module and not function.name.endswith("<module>"):
            made = Tree(function, facts, Source(text))
            for inner in made.functions:
                for call in inner.calls:
                    node = made.at(call.span)
                    assert isinstance(node, cst.Call), text[call.span.start : call.span.end]
                    assert made.owner(node) in (inner, None)  # None: in the function's own decorators and defaults


def test_every_node_has_its_children_in_source_order() -> None:
    source = Path(ast.__file__).read_text("utf-8")
    module = cst.parse_module(source)
    places = libcst.metadata.MetadataWrapper(module, unsafe_skip_copy=True).resolve(libcst.metadata.PositionProvider)
    stack: list[cst.CSTNode] = [module]
    while stack:
        node = stack.pop()
        inner = children(node)
        starts = [(places[each].start.line, places[each].start.column) for each in inner if each in places]
        assert starts == sorted(starts), type(node)
        stack += inner


# -- meaning -----------------------------------------------------------------------------------------------------------


def test_names_are_resolved_as_the_survey_does() -> None:
    code = handler("now = time.time\nawait ctx.sleep(timedelta(seconds=now()))\n")
    assert code.resolve(find(code, "now")) == {"time.time"}
    assert code.resolve(find(code, "timedelta")) == {"datetime.timedelta"}
    assert code.resolve(find(code, "ctx.sleep")) == {"restate.ObjectContext().sleep"}


def test_operations_and_steps_are_known_by_their_calls() -> None:
    code = handler("if items:\n    ctx.set('a', 1)\nx = await ctx.run_typed('b', lambda: charge(2))\ncharge(3)\n")
    operation = code.operation(find(code, "ctx.set('a', 1)"))
    assert operation is not None
    assert operation.method == "set"
    assert code.operation(find(code, "charge(3)")) is None
    assert code.step(find(code, "ctx.run_typed('b', lambda: charge(2))")) is not None
    assert code.region(find(code, "charge(2)")) is Region.STEP
    assert code.region(find(code, "charge(3)")) is Region.DURABLE
    assert [o.method for o in code.operations(code.tree)] == ["set", "run_typed"]
    call = find(code, "charge(3)")
    assert isinstance(call, cst.Call)
    facts = code.call(call)
    assert facts is not None
    assert facts.discarded


@pytest.mark.parametrize(
    ("body", "context", "name"),
    [
        ("mark()", "ctx", "ctx"),
        ("[mark() for x in items]", "ctx", "ctx"),
        ("list(mark() for x in items)", None, "ctx"),
        ("list(x for x in mark())", "ctx", "ctx"),
        ("[y for x in items for y in mark()]", "ctx", "ctx"),
        ("(lambda: mark())()", None, "ctx"),
        ("def inner():\n    return mark()\ninner()", None, "ctx"),
        ("async def inner():\n    return mark()\nawait inner()", "ctx", "ctx"),
        ("def inner(x=mark()):\n    return x\ninner()", "ctx", "ctx"),
    ],
)
def test_a_context_can_be_awaited_directly_in_an_async_function_only(body: str, context: str | None, name: str | None) -> None:
    code = handler(f"{body}\n", HEAD + "def mark(): ...\n\n\n")
    node = find(code, "mark()")
    assert (code.context(node), code.context_name(node)) == (context, name)


def test_a_context_that_is_not_there_yet_is_none() -> None:
    head = HEAD.replace("import restate\n", "import restate\nfrom restate.extensions import current_context\n")
    text = f"{head}async def tool():\n    before()\n    ctx = current_context()\n    after()\n    ctx.clear('x')\n\n\n@orders.handler()\nasync def place(c: restate.ObjectContext):\n    await tool()\n"
    code = harness.durable({"app.py": text}, "app.tool")
    assert code.context(find(code, "before()")) is None
    assert code.context(find(code, "after()")) == "ctx"


# -- where values go ---------------------------------------------------------------------------------------------------

B, A, D, S, R, L, N, E, F = (
    Sink.BRANCH,
    Sink.ARGUMENT,
    Sink.DURATION,
    Sink.STEP,
    Sink.RESULT,
    Sink.LOG,
    Sink.DISCARDED,
    Sink.ELSEWHERE,
    Sink.FAILURE,
)
OPERATION = "await ctx.run_typed('charge', charge)"


@pytest.mark.parametrize(
    ("body", "sinks"),
    [
        # straight on
        ("ctx.set('at', NOW)", {A}),
        ("ctx.set(value=NOW, name='at')", {A}),
        ("await ctx.get(f'at {NOW}')", {A}),
        ("await ctx.run_typed(f'charge {NOW}', charge)", {A}),
        ("await ctx.sleep(timedelta(seconds=NOW))", {D}),
        ("await ctx.sleep(timedelta(seconds=1), name=str(NOW))", {A}),
        ("ctx.object_send(wait, key='k', arg=1, send_delay=timedelta(seconds=NOW))", {D}),
        ("ctx.object_send(wait, key='k', arg=[{'at': NOW}])", {A}),
        ("await ctx.run_typed('charge', charge, amount=NOW)", {S}),
        ("await ctx.run_typed('charge', lambda: charge(NOW))", set()),
        ("return NOW", {R}),
        ("return {'at': [NOW]}", {R}),
        ("raise restate.TerminalError(f'late {NOW}')", {R}),
        ("logger.info('at %s', NOW)", {L}),
        ("print(NOW)", {L}),
        ("NOW", {N}),
        ("x = NOW", {N}),
        ("kept['at'] = NOW", {E}),
        ("global kept\nkept = NOW", {E}),
        ("charge(NOW)", {E}),
        # through variables
        ("x = NOW\nctx.set('at', x)", {A}),
        ("x: float = NOW\nctx.set('at', x)", {A}),
        ("x = 0\nx += NOW\nctx.set('at', x)", {A}),
        ("x = y = NOW\nctx.set('at', y)", {A}),
        ("x, y = NOW, 1\nctx.set('at', x)", {A}),
        ("x, y = NOW, 1\nctx.set('at', y)", {N}),
        ("(x, *y), z = split(NOW)\nctx.set('at', y)", {A}),
        ("if (x := NOW):\n    pass\nctx.set('at', x)", {A}),
        ("with open(NOW) as x:\n    ctx.set('at', x)", {A}),
        ("x = {}\nx['at'] = NOW\nctx.set('at', x)", {A}),
        ("x = {}\nx[NOW] = 1\nctx.set('at', x)", {A}),
        ("x = []\nx.append(NOW)\nctx.set('at', x)", {A}),
        ("x = Order()\nx.at = NOW\nctx.set('at', x)", {A}),
        ("x = NOW\ndel x", {N}),
        ("import random\nrandom.shuffle(items, NOW)\nctx.set('at', items)", {A}),
        # through expressions
        ("ctx.set('at', (NOW + 1) * 2 > 3)", {A}),
        ("ctx.set('at', not NOW)", {A}),
        ("ctx.set('at', NOW or 1)", {A}),
        ("ctx.set('at', 1 if NOW else 2)", {A}),
        ("ctx.set('at', items[int(NOW)])", {A}),
        ("ctx.set('at', items[int(NOW):])", {A}),
        ("ctx.set('at', str(NOW).strip())", {A}),
        ("ctx.set('at', [x for x in items if x > NOW])", {A}),
        ("ctx.set('at', [x + NOW for x in items])", {A}),
        ("ctx.set('at', {x: NOW for x in items})", {A}),
        ("ctx.set('at', [x for x in range(NOW)])", {A}),
        ("ctx.set('at', sorted(items, key=lambda x: x - NOW))", {A}),
        ("ctx.set('at', [*items, *[NOW]])", {A}),
        ("ctx.set('at', {**{'a': NOW}})", {A}),
        ("ctx.set('at', f'{NOW:>{10}}')", {A}),
        ("ctx.set('at', 'a' f'{NOW}')", {A}),
        # conditions
        (f"if NOW > 3:\n    {OPERATION}", {B}),
        (f"if NOW > 3:\n    pass\nelse:\n    {OPERATION}", {B}),
        (f"if items:\n    pass\nelif NOW > 3:\n    {OPERATION}", {B}),
        (f"if NOW > 3:\n    return\n{OPERATION}", {B, R}),
        (f"if NOW > 3:\n    raise restate.TerminalError('late')\n{OPERATION}", {B, R}),
        (f"if NOW > 3:\n    raise RuntimeError('again')\n{OPERATION}", {F}),
        (f"try:\n    if NOW > 3:\n        raise RuntimeError('again')\n    {OPERATION}\nexcept RuntimeError:\n    pass", {B, R}),
        (f"{OPERATION}\nif NOW > 3:\n    return 1", {R}),
        (f"{OPERATION}\nif NOW > 3:\n    pass", {N}),
        (f"while NOW < 3:\n    {OPERATION}", {B}),
        (f"for x in items:\n    {OPERATION}\n    if NOW > 3:\n        break", {B}),
        (f"for x in range(NOW):\n    {OPERATION}", {B}),
        (f"match NOW:\n    case 3:\n        {OPERATION}", {B}),
        (f"match items:\n    case [] if NOW:\n        {OPERATION}", {B}),
        (f"match items:\n    case [] if NOW:\n        return\n{OPERATION}", {B, R}),
        ("match NOW:\n    case x:\n        ctx.set('at', x)", {A, B}),
        (f"{OPERATION} if NOW else None", {B}),
        (f"NOW and {OPERATION}", {B}),
        (f"{OPERATION} and NOW", {N}),
        (f"[{OPERATION} for x in items if x > NOW]", {B}),
        (f"[{OPERATION} for x in range(NOW)]", {B}),
        ("if NOW > 3:\n    await wait(ctx, 1)", {B}),
        ("x = 1\nif NOW > 3:\n    x = 2\nctx.set('x', x)", {A}),
        ("x = []\nif NOW > 3:\n    x.append(1)\nctx.set('x', x)", {A}),
        ("if NOW > 3:\n    logger.info('late')", {N}),
        (f"assert NOW > 3\n{OPERATION}", {F}),
        (f"{OPERATION}\nassert NOW > 3", {F}),
        # what is journaled is the same on replay
        ("x = await ctx.run_typed('charge', charge, amount=NOW)\nctx.set('x', x)", {S}),
        ("x = NOW\n\ndef step():\n    return x\n\ny = await ctx.run_typed('step', step)\nctx.set('x', y)", {S}),
        ("x = NOW\nawait ctx.run_typed('step', lambda: x)", {S}),
        ("x = NOW\nawait ctx.run_typed('step', lambda y=x: y)", {S}),
        # nested functions
        ("def now():\n    return NOW\nctx.set('at', now())", {A}),
        ("x = NOW\n\ndef late():\n    return x > 3\n\nif late():\n    ctx.clear('x')", {B}),
        ("now = lambda: NOW\nctx.set('at', now())", {A}),
        # helpers with a context
        ("await wait(ctx, NOW)", {B}),
        ("await wait(ctx, seconds=NOW)", {B}),
        ("await pause(ctx, NOW)", {D}),
        ("ctx.set('at', await give(ctx, NOW))", {A}),
        ("logger.info(await give(ctx, NOW))", {L}),
        ("ctx.set('at', await keep(ctx, NOW))", {N}),
        ("await wait(*[ctx, NOW])", {E}),
    ],
)
def test_a_value_is_followed_to_where_it_ends(body: str, sinks: set[Sink]) -> None:
    code = handler(body.replace("NOW", "time.time()"))
    if not sinks:  # in a step: it never was in durable code
        sinks = {S}
    goes = code.consequence(code.span(find(code, "time.time()")))
    assert goes.sinks == sinks, [arrival.says for arrival in goes.arrivals]


@pytest.mark.parametrize(
    ("helper", "body", "sinks"),
    [
        ("def now():\n    return time.time()", "ctx.set('at', now())", {A}),
        ("def now():\n    time.time()\n    return 1", "ctx.set('at', now())", {N}),
        ("def now():\n    return inner()\n\n\ndef inner():\n    return time.time()", "ctx.set('at', now())", {A}),
        ("def now():\n    kept['at'] = time.time()", "now()", {E}),
        ("def now():\n    print(time.time())", "now()", {L}),
        ("def now():\n    refuse(time.time())", f"now()\n{OPERATION}", {E}),
        ("def now():\n    if time.time() > 3:\n        raise restate.TerminalError('late')", f"now()\n{OPERATION}", {B}),
        ("def now():\n    if time.time() > 3:\n        raise RuntimeError('again')", f"now()\n{OPERATION}", {F}),
        ("def now():\n    assert time.time() > 3", f"{OPERATION}\nnow()", {F}),
        ("def now():\n    yield time.time()", "for x in now():\n    ctx.clear('x')", {B}),
    ],
)
def test_a_value_that_a_helper_makes_is_followed_from_there(helper: str, body: str, sinks: set[Sink]) -> None:
    code = handler(body, f"{HEAD}{helper}\n\n\n")
    use = next(use for use in code.project.uses("app.place") if use.primitive == "time.time")
    goes = code.consequence(use)
    assert goes.sinks == sinks, [arrival.says for arrival in goes.arrivals]


def test_a_helper_with_a_context_gives_its_value_to_all_its_callers() -> None:
    head = f"{HEAD}async def now(ctx: restate.ObjectContext):\n    ctx.clear('x')\n    return time.time()\n\n\n"
    text = f"{head}@orders.handler()\nasync def one(ctx: restate.ObjectContext):\n    ctx.set('at', await now(ctx))\n\n\n@orders.handler()\nasync def two(ctx: restate.ObjectContext):\n    return await now(ctx)\n"
    code = harness.durable({"app.py": text}, "app.now")
    goes = code.consequence(code.span(find(code, "time.time()")))
    assert goes.sinks == {A, R}
    assert goes.worst.says == "reaches `ctx.set`, whose arguments replay compares"


def test_the_gravest_end_comes_first() -> None:
    code = handler("x = time.time()\nlogger.info(x)\nif x > 3:\n    ctx.clear('x')\nreturn x\n")
    goes = code.consequence(code.span(find(code, "time.time()")))
    assert [arrival.sink for arrival in goes.arrivals] == [B, R, L]
    assert goes.worst.says == "decides whether `ctx.clear` runs"
    assert goes.severity is Severity.ERROR


@pytest.mark.parametrize(
    ("body", "severity"),
    [
        ("ctx.set('at', NOW)", Severity.ERROR),
        ("return NOW", Severity.INFO),
        ("logger.info(NOW)", Severity.INFO),
        ("NOW", Severity.INFO),
        ("kept['at'] = NOW", None),
        ("await ctx.run_typed('charge', charge, amount=NOW)", None),
    ],
)
def test_severity_follows_consequence(body: str, severity: Severity | None) -> None:
    code = handler(body.replace("NOW", "time.time()"))
    assert code.consequence(code.span(find(code, "time.time()"))).severity is severity


def test_an_attribute_of_self_is_followed_as_itself() -> None:
    text = f"""{HEAD}class Shop:
    def __init__(self, ctx: restate.ObjectContext):
        self.ctx = ctx

    async def open(self):
        self.at = time.time()
        self.ctx.set("name", self.name)
        return 1

    async def close(self):
        self.at = time.time()
        self.ctx.set("at", self.at)
        return 1


@orders.handler()
async def place(ctx: restate.ObjectContext):
    shop = Shop(ctx)
    await shop.open()
    await shop.close()
"""
    for method, sinks in {"open": {E}, "close": {E, A}}.items():
        code = harness.durable({"app.py": text}, f"app.Shop.{method}")
        assert code.consequence(code.span(find(code, "time.time()"))).sinks == sinks


def test_recursion_ends() -> None:
    head = f"{HEAD}async def again(ctx: restate.ObjectContext, x):\n    ctx.clear('x')\n    return await again(ctx, x)\n\n\n"
    code = handler("ctx.set('at', await again(ctx, time.time()))\n", head)
    assert code.consequence(code.span(find(code, "time.time()"))).sinks == {N}
