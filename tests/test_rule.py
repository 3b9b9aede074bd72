"""The registry, and the visit: what rules are shown, where, and what happens when one raises."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import libcst as cst
import pytest

import harness
from rea_lint import page, rule
from rea_lint.diagnostic import Finding, Severity
from rea_lint.facts import Call, Function  # noqa: TC001 -- rules in tests have them in their annotations
from rea_lint.packs import Effect
from rea_lint.project import Handler, Operation, Project, Region, Service, Step, StepViolation, Use
from rea_lint.text import Span

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from rea_lint.durable import Durable
    from rea_lint.rule import Rule
    from rea_lint.tree import Kept

PROGRAM = """\
import time
import restate

orders = restate.VirtualObject("orders")


def stamp(x=lambda: 0):
    if x:
        return time.time()


@orders.handler(name="put")
async def place(ctx: restate.ObjectContext, items: list) -> None:
    if items:
        stamp()
        time.time()

    def later():
        if items:
            return 1

    def step():
        if items:
            return 2

    later()
    await ctx.run_typed("step", step)
    ctx.set("items", ctx.uuid())
    await ctx.run_typed("wrong", lambda: ctx.set("a", 1))


def elsewhere(items):
    if items:
        return 3
"""


def made(check: Callable[..., Iterable[Finding]], code: str = "REA199", **options: Any) -> Rule:
    return rule.rule(code, f"made-{code.lower()}", Severity.ERROR, **options)(check)


def seen(check: Callable[..., Iterable[Finding]], **options: Any) -> list[str]:
    """What a rule is shown: the first line of each thing's text."""
    found, errors = harness.visit({"app.py": PROGRAM}, [made(check, **options)])
    assert not errors
    return [PROGRAM[each.finding.span.start : each.finding.span.end].partition("\n")[0] for each in found]


# -- what rules look at ------------------------------------------------------------------------------------------------


def test_a_rule_for_nodes_sees_durable_code_only() -> None:
    def look(node: cst.If, code: Durable) -> Iterator[Finding]:
        yield Finding(code.span(node.body), "")

    assert seen(look) == ["return time.time()", "stamp()", "return 1"]


def test_a_rule_for_steps_sees_steps_only() -> None:
    def look(node: cst.If, code: Durable) -> Iterator[Finding]:
        yield Finding(code.span(node.body), "")

    assert seen(look, region=Region.STEP) == ["return 2"]


def test_a_rule_may_look_at_several_kinds_of_node() -> None:
    def look(node: cst.Lambda | cst.Await, code: Durable) -> Iterator[Finding]:
        yield Finding(code.span(node), "")

    assert seen(look) == [
        'await ctx.run_typed("step", step)',
        'await ctx.run_typed("wrong", lambda: ctx.set("a", 1))',
        'lambda: ctx.set("a", 1)',
    ]


def test_a_rule_may_look_at_a_base_class() -> None:
    def look(node: cst.BaseCompoundStatement, code: Durable) -> Iterator[Finding]:
        yield Finding(code.span(node), type(node).__name__)

    found, _ = harness.visit({"app.py": PROGRAM}, [made(look)])
    assert {each.finding.message for each in found} == {"FunctionDef", "If"}


def test_a_rule_for_uses_sees_its_effects_only() -> None:
    def look(use: Use, _: Durable) -> Iterator[Finding]:
        yield Finding(use.span, "")

    assert seen(look, effects=[Effect.CLOCK]) == ["stamp()", "time.time()"]
    assert seen(look, effects=[Effect.NETWORK]) == []


def test_a_rule_for_operations_sees_those_that_it_names() -> None:
    def look(operation: Operation, _: Durable) -> Iterator[Finding]:
        yield Finding(operation.call.callee_span, "")

    assert seen(look, operations=lambda info, _: info.name == "set") == ["ctx.set"]
    assert seen(look, operations=lambda _, project: bool(project.server)) == []


def test_rules_may_look_at_what_linking_found() -> None:
    def operations(operation: Operation, _: Durable) -> Iterator[Finding]:
        yield Finding(operation.call.callee_span, "")

    def steps(step: Step, _: Durable) -> Iterator[Finding]:
        yield Finding(step.action.span, "")

    def violations(violation: StepViolation, _: Durable) -> Iterator[Finding]:
        yield Finding(violation.call.callee_span, "")

    assert seen(operations) == ["ctx.run_typed", "ctx.set", "ctx.uuid", "ctx.run_typed"]
    assert seen(steps) == ["step", 'lambda: ctx.set("a", 1)']
    assert seen(violations) == ["ctx.set"]


def test_a_rule_may_look_at_the_facts_of_calls() -> None:
    def look(call: Call, _: Durable) -> Iterator[Finding]:
        yield Finding(call.callee_span, "")

    assert seen(look)[:3] == ["time.time", "stamp", "time.time"]


def test_a_rule_may_look_at_the_facts_of_functions() -> None:
    def look(function: Function, _: Durable) -> Iterator[Finding]:
        yield Finding(function.name_span, "")

    assert seen(look) == ["stamp", "place", "later"]


def test_a_rule_for_nodes_sees_those_functions_only_for_which_its_trigger_holds() -> None:
    def look(node: cst.If, code: Durable) -> Iterator[Finding]:
        yield Finding(code.span(node.body), "")

    assert seen(look, trigger=lambda function, _: function.is_async) == ["stamp()"]


def test_only_the_functions_asked_for_are_visited() -> None:
    def nodes(node: cst.If, code: Durable) -> Iterator[Finding]:
        yield Finding(code.span(node.body), "")

    def handlers(handler: Handler, _: Project) -> Iterator[Finding]:
        yield Finding(handler.span, "")

    def everything(project: Project) -> Iterator[Finding]:
        yield from (Finding(handler.span, "", path=handler.path) for handler in project.handlers)

    rules = [made(nodes), made(handlers, "REA198"), made(everything, "REA197")]

    def found(*functions: str) -> list[str]:
        said, _ = harness.visit({"app.py": PROGRAM}, rules, functions=functions)
        return [PROGRAM[each.finding.span.start : each.finding.span.end].partition("\n")[0] for each in said]

    assert found("app.stamp") == ["return time.time()"]
    assert found("app.place.later") == ["stamp()", "return 1"]  # with the function around it
    assert found("app.place") == ["place", "stamp()", "return 1"]
    assert found() == []


def test_rules_may_look_at_the_whole() -> None:
    def handlers(handler: Handler, _: Project) -> Iterator[Finding]:
        yield Finding(handler.span, "")

    def services(service: Service, _: Project) -> Iterator[Finding]:
        yield Finding(service.span, "")

    def everything(project: Project) -> Iterator[Finding]:
        yield from (Finding(handler.span, "", path=handler.path) for handler in project.handlers)

    assert seen(handlers) == ["place"]
    assert seen(services) == ['restate.VirtualObject("orders")']
    assert seen(everything) == ["place"]


def test_a_finding_names_the_handlers_that_reach_it() -> None:
    def look(node: cst.Return, code: Durable) -> Iterator[Finding]:
        yield Finding(code.span(node), "")

    found, _ = harness.visit({"app.py": PROGRAM}, [made(look)])
    assert {each.handlers for each in found} == {("orders.put",)}


def test_only_the_files_asked_for_are_reported_on() -> None:
    def look(node: cst.If, code: Durable) -> Iterator[Finding]:
        yield Finding(code.span(node), "")

    found, _ = harness.visit({"app.py": PROGRAM}, [made(look)], paths=())
    assert found == []


def test_a_function_is_not_parsed_if_no_rule_can_fire_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def loops(node: cst.While, code: Durable) -> Iterator[Finding]:
        yield Finding(code.span(node), "")

    def clocks(use: Use, _: Durable) -> Iterator[Finding]:
        yield Finding(use.span, "")

    def parse(_: str) -> cst.Module:
        pytest.fail("it was parsed")

    monkeypatch.setattr("rea_lint.cst.parse_module", parse)
    found, errors = harness.visit({"app.py": PROGRAM}, [made(loops), made(clocks, effects=[Effect.CLOCK])])
    assert (len(found), errors) == (2, [])


def test_a_text_that_is_kept_is_not_parsed_again_wherever_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    def look(node: cst.If, code: Durable) -> Iterator[Finding]:
        yield Finding(code.span(node.test), code.owner(node).name)

    kept: Kept = {}

    def found(text: str) -> list[tuple[str, str]]:
        said, errors = harness.visit({"app.py": text}, [made(look)], kept=kept)
        assert not errors
        return [(each.finding.message, text[each.finding.span.start : each.finding.span.end]) for each in said]

    before = found(PROGRAM)
    parsed: list[str] = []
    parse = cst.parse_module

    def parse_and_note(text: str) -> cst.Module:
        parsed.append(text)
        return parse(text)

    monkeypatch.setattr("rea_lint.cst.parse_module", parse_and_note)
    assert found(f"x = 1\n{PROGRAM}") == before
    assert parsed == []
    assert found(PROGRAM.replace("if x:", "if not x:")) == [(*before[0][:1], "not x"), *before[1:]]
    assert len(parsed) == 1


# -- what goes wrong ---------------------------------------------------------------------------------------------------


def test_a_rule_that_raises_does_not_stop_the_others() -> None:
    def broken(node: cst.If, code: Durable) -> Iterator[Finding]:
        yield Finding(code.span(node), "before")
        raise LookupError("a fault of ours")

    def sound(node: cst.If, code: Durable) -> Iterator[Finding]:
        yield Finding(code.span(node), "sound")

    found, errors = harness.visit({"app.py": PROGRAM}, [made(broken, "REA198"), made(sound)])
    assert sorted(each.finding.message for each in found) == ["before"] * 3 + ["sound"] * 3
    assert {(error.code, error.path) for error in errors} == {("REA198", "app.py")}
    assert "a fault of ours" in errors[0].traceback


@pytest.mark.parametrize("condition", ["operations", "trigger"])
def test_a_condition_that_raises_is_the_fault_of_its_rule_alone(condition: str) -> None:
    def fail(*_: object) -> bool:
        raise LookupError("a fault of ours")

    def operations(operation: Operation, _: Durable) -> Iterator[Finding]:
        yield Finding(operation.call.span, "operation")

    def nodes(node: cst.If, code: Durable) -> Iterator[Finding]:
        yield Finding(code.span(node), "node")

    asked = operations if condition == "operations" else nodes
    found, errors = harness.visit({"app.py": PROGRAM}, [made(asked, "REA198", **{condition: fail}), made(nodes)])
    assert {each.finding.message for each in found} == {"node"}
    assert {(error.code, error.path) for error in errors} == {("REA198", "app.py")}


def test_a_function_that_libcst_cannot_read_is_said_once_and_its_uses_all_the_same() -> None:
    deep = f"{PROGRAM}\n\n@orders.handler()\nasync def deep(ctx: restate.ObjectContext) -> None:\n    time.time()\n    x = {'-' * 1_100}1\n    if x:\n        pass\n"

    def unread(function: rule.Unread, _: object) -> Iterator[Finding]:
        yield Finding(function.span, function.reason)

    def look(node: cst.If, code: Durable) -> Iterator[Finding]:
        yield Finding(code.span(node), "")

    def clocks(use: Use, code: Durable) -> Iterator[Finding]:
        goes = code.consequence(use)
        if use.function == "app.deep":
            yield Finding(use.span, goes.worst.says)

    found, errors = harness.visit({"app.py": deep}, [made(unread, "REA198"), made(look), made(clocks, "REA197", effects=[Effect.CLOCK])])
    assert not errors
    said = [each.finding.message for each in found if each.finding.message]
    assert sorted(said) == ["is not used", "it nests deeper than 1000 levels"]


# -- the registry ------------------------------------------------------------------------------------------------------


def page_rule(docstring: str, code: str = "REA199", name: str = "made", **options: Any) -> Rule:
    def check(use: Use, _: Durable) -> Iterator[Finding]:
        yield Finding(use.span, "")

    check.__doc__ = docstring
    check.__module__ = "rea_lint.rules.values.made"
    return rule.rule(code, name, Severity.ERROR, **{"effects": [Effect.CLOCK], **options})(check)


GOOD = "What is wrong.\n\n```python\nx = 1\n```\n"


@pytest.mark.parametrize(
    ("rules", "problem"),
    [
        ([page_rule(GOOD), page_rule(GOOD, name="other")], "REA199 is taken"),
        ([page_rule(GOOD), page_rule(GOOD, "REA198")], "made is taken"),
        ([page_rule("")], "the page is empty"),
        ([page_rule("Words.")], "the page has no example"),
        ([page_rule(GOOD, "REA299")], "the codes of values are"),
        ([page_rule(GOOD, name="Made")], "kebab"),
        ([page_rule(GOOD, effects=[])], "names effects, and each does"),
    ],
)
def test_the_registry_says_what_is_wrong(rules: list[Rule], problem: str) -> None:
    problems = rule.validate(rules)
    assert len(problems) == 1
    assert problem in problems[0]


def test_a_rule_looks_at_something_that_there_is() -> None:
    def check(_: int, __: Durable) -> Iterator[Finding]:
        """What is wrong.

        ```python
        x = 1
        ```
        """
        yield Finding(Span(0, 0), "")

    check.__module__ = "rea_lint.rules.values.made"
    assert "neither a libcst node" in rule.validate([made(check)])[0]


def test_a_good_rule_has_no_problem() -> None:
    assert rule.validate([page_rule(GOOD)]) == []


def test_loading_rules_imports_no_libcst() -> None:
    program = (
        "import sys; from rea_lint import rule; rules = rule.load_all();"
        "assert any(each.nodes for each in rules) and any(each.things for each in rules); assert 'libcst' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


# -- pages -------------------------------------------------------------------------------------------------------------


def test_a_page_is_prose_and_blocks() -> None:
    made = page.parse(
        'The first\nparagraph.\n\nMore.\n\n```python fails="it stops"\nx  # expect: REA101 "x"\n```\n\n```python fixed unsafe\ny\n```\n\n```sh\nls\n```\n'
    )
    assert made.summary == "The first paragraph."
    assert [(block.language, block.fails, block.fixed, block.row) for block in made.blocks] == [
        ("python", "it stops", None, 7),
        ("python", None, "unsafe", 11),
        ("sh", None, None, 15),
    ]
    assert "expect" not in made.shown
    assert "```python\nx  # REA101\n```" in made.shown


def test_a_block_may_be_several_files() -> None:
    (block,) = page.parse("```python\n# file: a.py\nx = 1\n# file: b/c.py\ny = 2\n```\n").blocks
    assert block.files == {"a.py": "x = 1\n", "b/c.py": "y = 2\n"}
    (block,) = page.parse("```python\nx = 1\n```\n").blocks
    assert block.files == {"app.py": "x = 1\n"}
