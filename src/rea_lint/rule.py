"""Rules: what one is, where they are found, and the one walk of all of them over the durable code."""

from __future__ import annotations

import gc
import importlib
import inspect
import re
import sys
import threading
from functools import cache, cached_property, partial
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from msgspec import Struct

from rea_lint import cst, page
from rea_lint.diagnostic import Severity
from rea_lint.facts import Call, Function
from rea_lint.project import AgentRun, Cause, Operation, Project, Region, Shared, Step, StepViolation, Use

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping

    from rea_lint.config import Config
    from rea_lint.diagnostic import Finding
    from rea_lint.packs import Effect, OperationInfo
    from rea_lint.text import Source, Span
    from rea_lint.tree import Kept

FAMILIES = {
    "tool": "REA0",
    "values": "REA1",
    "effects": "REA2",
    "futures": "REA3",
    "steps": "REA4",
    "definitions": "REA5",
    "objects": "REA6",
    "errors": "REA7",
    "calls": "REA8",
    "agents": "REA9",
}
"""Folder of `rea_lint/rules` -> how the codes in it begin."""

OWN = "own"
OWN_CODE = re.compile(r"(?!REA)[A-Z]{2,}\d{1,5}")
"""The family and the codes of rules that are the user's own."""

STACK = 64 * 2**20
"""Bytes of stack for the visit: libcst's parser needs some 5 kB a nested bracket, and a thread's default may be 512 kB."""

FRAMES = 20_000
"""Python frames for the visit: libcst's code generation takes six a level."""


class Rule(Struct, frozen=True, eq=False, dict=True):
    """A rule: what it looks at, and the function that says what it finds.  Its docstring is its page."""

    code: str
    name: str
    severity: Severity
    check: Callable[..., Iterable[Finding]]
    effects: frozenset[Effect] = frozenset()  # of a rule that looks at `Use` or `Cause`: those it looks at
    region: Region = Region.DURABLE  # of a rule that looks at libcst nodes: where
    trigger: Callable[[Function, Project], bool] | None = None  # of such a rule: whether a function may have something for it
    operations: Callable[[OperationInfo, Project], bool] | None = None  # of a rule that looks at `Operation`: which of them; None: all
    docs: str = ""  # a page of docs.restate.dev
    since: str = ""  # the SDK version from which it applies
    default: bool = True  # on without being selected
    patient: bool = False  # it looks far around for what it says of a function: an editor asks it when typing rests

    @cached_property
    def looks_at(self) -> tuple[type, ...]:
        """The classes in the annotation of the first parameter; those of libcst are imported for it."""
        return tuple(getattr(cst, each) if isinstance(each, str) else each for each in self._annotated)

    @cached_property
    def nodes(self) -> tuple[str, ...]:
        """The names of those of libcst, which is not imported for it."""
        return tuple(
            each if isinstance(each, str) else each.__name__ for each in self._annotated if isinstance(each, str) or _is_node(each)
        )

    @cached_property
    def things(self) -> tuple[type, ...]:
        """The others."""
        return tuple(each for each in self._annotated if not isinstance(each, str) and not _is_node(each))

    @cached_property
    def _annotated(self) -> tuple[type | str, ...]:
        """What the annotation says: classes, and names in `cst`, which are looked up when there is a tree."""
        annotation: Any = next(iter(self.check.__annotations__.values()))
        known = self.check.__globals__
        is_later = known.get("cst") is cst
        found: list[type | str] = []
        for part in annotation.split(" | ") if is_later and isinstance(annotation, str) else [annotation]:
            if is_later and isinstance(part, str) and part.startswith("cst."):
                found.append(part.removeprefix("cst."))
            else:
                kind = eval(part, known) if isinstance(part, str) else part  # noqa: S307 -- the annotation of a function of ours
                found += get_args(kind) or (kind,)
        return tuple(found)

    @cached_property
    def page(self) -> page.Page:
        """The documentation."""
        return page.parse(inspect.getdoc(self.check) or "")

    @property
    def family(self) -> str:
        """The folder it stands in; `OWN` for the user's own."""
        module = self.check.__module__
        return module.split(".")[-2] if module.startswith("rea_lint.rules.") else OWN


class Entry(Struct, frozen=True):
    """What is known of a rule without importing it."""

    code: str
    name: str
    severity: Severity
    default: bool
    module: str
    looks_at: str  # as written
    patient: bool = False

    def looks_at_any(self, things: Collection[str]) -> bool:
        """Whether it looks at one of these, named as in its annotation."""
        return any(thing in things for thing in self.looks_at.split(" | "))


class Found(Struct, frozen=True):
    """A finding, and who found it where."""

    rule: Rule
    path: str
    finding: Finding
    handlers: tuple[str, ...] = ()  # display names of the handlers that reach the place, sorted


class InternalError(Struct, frozen=True):
    """A rule raised: our fault.  `where` is the durable function or the thing it looked at."""

    code: str
    path: str
    where: str
    traceback: str

    @property
    def culprit(self) -> str:
        """The code of the rule, or what else it was that raised."""
        return self.code or self.where

    @property
    def reason(self) -> str:
        """The exception in one line: the last of the traceback."""
        return self.traceback.strip().splitlines()[-1]


class Unread(Struct, frozen=True):
    """A durable function whose tree could not be had: too deep, too long, or beyond libcst's grammar."""

    function: str
    span: Span  # the header of the function
    reason: str


def rule(
    code: str,
    name: str,
    severity: Severity,
    *,
    effects: Iterable[Effect] = (),
    region: Region = Region.DURABLE,
    trigger: Callable[[Function, Project], bool] | None = None,
    operations: Callable[[OperationInfo, Project], bool] | None = None,
    docs: str = "",
    since: str = "",
    default: bool = True,
    patient: bool = False,
) -> Callable[[Callable[..., Iterable[Finding]]], Rule]:
    """Make a function a rule.

    The annotation of its first parameter says what it looks at: classes of libcst nodes (also a union of them), `facts.Function` (its own
    code; nested functions come by themselves), `facts.Call`, `Use`, `Cause`, `Operation`, `Step`, `StepViolation`, `AgentRun` or `Shared`, with
    `code: Durable` as second parameter; `Handler`, `Service` with `project: Project`; or `Project` alone.  A rule of the tool itself may
    look at `Broken`, `Unread` or `Unused`, with `source: Source`.  A `Use` or `Cause` rule gets those only whose effect is among
    `effects`, one that looks at `Operation` those for which `operations(info, project)` holds; a rule for nodes gets those in durable code, or, with `region=Region.STEP`, those in steps.

    Parsing is what costs.  A rule that looks at facts first, and asks for nodes where they may be wrong, costs nothing elsewhere.  A rule
    for nodes has every function parsed that has such nodes in its own code, and for which `trigger(function, project)` holds: it may be
    true too often, never too seldom.  A rule that works something out for the whole project before it speaks of one function is `patient`.
    """
    return lambda check: Rule(code, name, severity, check, frozenset(effects), region, trigger, operations, docs, since, default, patient)


_START = "\n@rule("
_HEAD = re.compile(
    r'@rule\(\s*"(?P<code>[^"]*)",\s*"(?P<name>[^"]*)",\s*Severity\.(?P<severity>\w+)(?P<options>.*?)\)\s*^def \w+\(\s*\w+: (?P<looks_at>[^,)]+)',
    re.MULTILINE | re.DOTALL,
)


@cache  # they are our own files: a language server asks at each keystroke
def index() -> tuple[Entry, ...]:
    """All rules by code, read from the text of their files: cheap, and without libcst."""
    return tuple(sorted((entry for file in _files() for entry in _entries(file)), key=lambda entry: entry.code))


def load(codes: Collection[str]) -> tuple[Rule, ...]:
    """The rules of these codes, imported, by code."""
    modules = {entry.module for entry in index() if entry.code in codes}
    return tuple(sorted((rule for module in modules for rule in _rules_of(module) if rule.code in codes), key=lambda rule: rule.code))


@cache
def _rules_of(module: str) -> tuple[Rule, ...]:
    return tuple(value for value in vars(importlib.import_module(module)).values() if isinstance(value, Rule))


def load_all() -> tuple[Rule, ...]:
    """Every rule, imported, by code."""
    return load({entry.code for entry in index()})


def validate(rules: Iterable[Rule]) -> list[str]:
    """What is wrong with the registry: one sentence each."""
    seen: dict[str, Rule] = {}
    problems = []
    for each in rules:
        for key in (each.code, each.name):
            if key in seen:
                problems.append(f"{each.code} ({each.name}): {key} is taken by {seen[key].code} ({seen[key].name})")
            seen[key] = each
        problems += (f"{each.code} ({each.name}): {problem}" for problem in _problems(each))
    return problems


def visit(
    project: Project,
    rules: Iterable[Rule],
    sources: Mapping[str, Source],
    paths: Container[str],
    config: Config,
    *,
    functions: Container[str] | None = None,
    without: Container[str] = (),
    kept: Kept | None = None,
    pause: Callable[[], None] = lambda: None,
) -> tuple[list[Found], list[InternalError]]:
    """All that the rules say about the durable code, handlers and services of the files in `paths`, and the rules that raised.

    With `functions`, names as in `Project.functions`, only these are visited, each with the functions around and in it, and of handlers
    those that they are; rules about services and the project are not asked.  Those in `without` are not visited.  A function that is left
    out costs nothing.

    Who visits again and again, as an editor does, hands over the same `kept` each time, an empty dict at first: the tree of a function
    whose text is the same is not parsed again, wherever it stands now.  `pause()` is called before each function, and may raise to stop it.

    Runs in a thread with a stack of its own size.  Durable functions that cannot be visited go to the rules that look at `Unread`.
    """
    run = _Run(project, tuple(rules), sources, paths, config, functions=functions, without=without, kept=kept, pause=pause)
    with_deep_stack(run.visit)
    return run.found, run.errors


def tell(
    things: Iterable[tuple[str, object]], rules: Iterable[Rule], sources: Mapping[str, Source]
) -> tuple[list[Found], list[InternalError]]:
    """What the rules of the tool itself say about things, given as `(path, thing)`: a `Broken` file, an `Unused` suppression."""
    found: list[Found] = []
    errors: list[InternalError] = []
    rules = tuple(rules)
    for path, thing in things:
        for rule in rules:
            if isinstance(thing, rule.things):
                said, error = _asked(rule, thing, sources.get(path), path)
                found += (Found(rule, finding.path or path, finding) for finding in said)
                errors += [error] if error is not None else []
    return found, errors


def with_deep_stack(work: Callable[[], None]) -> None:
    """Run `work` where libcst has the stack that it needs."""
    raised: list[BaseException] = []

    def guarded() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 -- it is raised again in the thread that waits
            raised.append(error)

    frames, stack, collects = sys.getrecursionlimit(), threading.stack_size(STACK), gc.isenabled()
    sys.setrecursionlimit(max(frames, FRAMES))
    gc.disable()  # trees are large, free of cycles and short-lived: looking through them again and again costs a third of the time
    try:
        thread = threading.Thread(target=guarded, name="rea-lint visit")
        thread.start()
        thread.join()
    finally:
        sys.setrecursionlimit(frames)
        threading.stack_size(stack)
        if collects:
            gc.enable()
    if raised:
        raise raised[0]


class _Run:
    """One visit: which rules look at what, and what they have said so far."""

    def __init__(
        self,
        project: Project,
        rules: tuple[Rule, ...],
        sources: Mapping[str, Source],
        paths: Container[str],
        config: Config,
        *,
        functions: Container[str] | None,
        without: Container[str],
        kept: Kept | None,
        pause: Callable[[], None],
    ) -> None:
        from rea_lint.durable import Durable  # noqa: PLC0415 -- who lists rules needs none of it
        from rea_lint.flow import Forest  # noqa: PLC0415 -- the same

        self.found: list[Found] = []
        self.errors: list[InternalError] = []
        self._project = project
        self._rules = rules
        self._forest = Forest(project, sources, kept)
        self._paths = paths
        self._config = config
        self._durable = Durable
        self._tables: dict[tuple[type, Region], tuple[Rule, ...]] = {}
        self._concerned: dict[object, tuple[Rule, ...]] = {}
        self._functions = functions
        self._pause = pause
        self._without = without
        self._regions = {rule.region for rule in rules}
        self._node_rules = {region: [(rule, s) for rule in rules if rule.region is region and (s := _shapes(rule))] for region in Region}

    def visit(self) -> None:
        """Services and handlers first, then the code, file by file and function by function."""
        if self._functions is None:
            self._ask(self._project, self._project, "")
            for service in self._project.services:
                if service.path in self._paths:
                    self._ask(service, self._project, service.path, tuple(sorted(h.display for h in service.handlers)))
        for handler in sorted(self._project.handlers, key=lambda handler: handler.path):  # rules may parse its file: each once
            if handler.path in self._paths and self._is_asked_of(handler.function):
                self._ask(handler, self._project, handler.path, (handler.display,))
        for path in self._project.facts:
            if path in self._paths:
                for function, within in _outermost(self._project, path, self._regions):
                    if any(self._is_asked_of(each.name) for each in within):
                        self._pause()
                        self._visit_function(path, function, within)

    def _is_asked_of(self, function: str) -> bool:
        return (self._functions is None or function in self._functions) and function not in self._without

    def _visit_function(self, path: str, function: Function, within: list[Function]) -> None:
        """One durable function (or step) with all that is nested in it.  It is parsed only if a rule needs its tree."""
        code = self._durable(self._forest, path, function, self._config.at(path))
        for each in within:
            for thing in self._linked(each):
                self._ask(thing, code, path, self._project.durable.get(each.name, ()))
        triggered = {each.name: rules for each in within if (rules := self._triggered(each, path))}
        for node, owner in code.nodes if triggered else ():
            if owner in triggered:
                asked = [rule for rule in self._table(type(node), self._project.region(owner)) if rule in triggered[owner]]
                self._ask_all(asked, node, code, path, self._project.durable.get(owner, ()))
        if code.unreadable is not None:
            self._ask(Unread(function.name, function.header, code.unreadable), code.source, path, code.handlers)

    def _linked(self, function: Function) -> Iterator[Function | Call | Use | Cause | Operation | Step | StepViolation | AgentRun | Shared]:
        """A durable function, the calls in its own code, and what linking found in it."""
        name = function.name
        if name in self._project.durable:
            yield function
            if self._table(Call, Region.DURABLE):
                yield from function.calls
            yield from self._project.uses(name)
            yield from self._project.causes(name)
            yield from self._project.operations(name)
            yield from self._project.steps(name)
            yield from self._project.violations(name)
            if self._table(AgentRun, Region.DURABLE):
                yield from self._project.agent_runs_in(name)
            if self._table(Shared, Region.DURABLE):
                yield from self._project.shared(name)

    def _triggered(self, function: Function, path: str) -> set[Rule]:
        """The rules that look at a node which a function has, and may have something to say, as far as its facts tell."""
        return {
            rule
            for rule, shapes in self._node_rules[self._project.region(function.name)]
            if (ANYTHING in shapes or not shapes.isdisjoint(function.shape) or (bool(function.calls) and "Call" in shapes))
            and (rule.trigger is None or self._holds(rule, path, rule.trigger, function))
        }

    def _holds(self, rule: Rule, path: str, condition: Callable[[Any, Project], bool], thing: object) -> bool:
        """Whether a condition of a rule's holds for a thing; one that raises does not, and is reported as the rule would be."""
        try:
            return condition(thing, self._project)
        except Exception:  # noqa: BLE001 -- one rule's fault is not the others'
            from traceback import format_exc  # noqa: PLC0415 -- seldom needed

            self.errors.append(InternalError(rule.code, path, "condition", format_exc()))
            return False

    def _table(self, kind: type, region: Region) -> tuple[Rule, ...]:
        """The rules that look at things of a class in a region."""
        rules = self._tables.get((kind, region))
        if rules is None:
            among = attrgetter("looks_at" if _is_node(kind) else "things")
            rules = tuple(rule for rule in self._rules if rule.region is region and issubclass(kind, among(rule)))
            self._tables[kind, region] = rules
        return rules

    def _ask(self, thing: object, second: object, path: str, handlers: tuple[str, ...] = ()) -> None:
        """What every rule for `thing` says about it."""
        kind = type(thing)
        of = id(thing.info) if kind is Operation else thing.effect if kind is Use or kind is Cause else None  # type: ignore[attr-defined]
        rules = self._concerned.get((kind, of))
        if rules is None:
            among = self._table(kind, Region.DURABLE)
            rules = self._concerned[kind, of] = tuple(r for r in among if self._holds(r, path, partial(_concerns, r), thing))
        self._ask_all(rules, thing, second, path, handlers)

    def _ask_all(self, rules: Iterable[Rule], thing: object, second: object, path: str, handlers: tuple[str, ...]) -> None:
        for rule in rules:
            found, error = _asked(rule, thing, second, path)
            if found:
                self.found += (Found(rule, at, finding, handlers) for finding in found if (at := finding.path or path) in self._paths)
            if error is not None and getattr(second, "unreadable", None) is None:  # of the other errors `Unread` tells
                self.errors.append(error)


def _concerns(rule: Rule, thing: object, project: Project) -> bool:
    """Whether a rule that looks at things of a class is for one with this effect, or with what is known of this operation."""
    match thing:
        case Use() | Cause():
            return thing.effect in rule.effects
        case Operation():
            return rule.operations is None or rule.operations(thing.info, project)
        case _:
            return True


def _asked(rule: Rule, thing: object, second: object, path: str) -> tuple[list[Finding], InternalError | None]:
    """What a rule says about a thing, and that it raised, if it did: what it said before counts."""
    found: list[Finding] = []
    try:
        found.extend(rule.check(thing, second) if type(thing) is not Project else rule.check(thing))
    except Exception:  # noqa: BLE001 -- one rule's fault is not the others'; it is reported as an internal error
        from traceback import format_exc  # noqa: PLC0415 -- seldom needed

        return found, InternalError(rule.code, path, getattr(thing, "function", "") or type(thing).__name__, format_exc())
    return found, None


def _outermost(project: Project, path: str, regions: Container[Region]) -> Iterator[tuple[Function, list[Function]]]:
    """The functions of a file that run in one of the regions and stand in no other such, each with those in it; in source order."""
    facts = project.facts[path]
    groups: dict[str, list[Function]] = {}
    for function in facts.functions.values():
        if project.region(function.name) not in regions:
            continue
        top, around = function.name, function.scope
        while around in facts.functions or around in facts.classes:
            if around in facts.functions and project.region(around) in regions:
                top = around
            around = (facts.functions.get(around) or facts.classes[around]).scope
        groups.setdefault(top, []).append(function)
    for name, within in groups.items():
        yield facts.functions[name], within


ANYTHING = "*"
SHAPES = {  # libcst node -> the shapes in a function's facts, one of which is there wherever such a node is
    "Assert": ("Assert",),
    "BinaryOperation": ("BinOp",),
    "BooleanOperation": ("BoolOp",),
    "Break": ("Break",),
    "Call": ("Call",),
    "CompFor": ("ListComp", "SetComp", "DictComp", "GeneratorExp"),
    "Comparison": ("Compare",),
    "Dict": ("Dict",),
    "DictComp": ("DictComp",),
    "ExceptHandler": ("Try",),
    "ExceptStarHandler": ("TryStar",),
    "Finally": ("Finally",),
    "For": ("For", "AsyncFor"),
    "FormattedString": ("JoinedStr",),
    "FormattedStringExpression": ("JoinedStr",),
    "GeneratorExp": ("GeneratorExp",),
    "Global": ("Global",),
    "If": ("If",),
    "IfExp": ("IfExp",),
    "List": ("List",),
    "ListComp": ("ListComp",),
    "Match": ("Match",),
    "Nonlocal": ("Nonlocal",),
    "Raise": ("Raise",),
    "Set": ("Set",),
    "SetComp": ("SetComp",),
    "Try": ("Try",),
    "TryStar": ("TryStar",),
    "UnaryOperation": ("UnaryOp",),
    "While": ("While",),
    "With": ("With", "AsyncWith"),
}


def _shapes(rule: Rule) -> frozenset[str]:
    """The shapes of the code that a rule for nodes looks at; `ANYTHING` for nodes that facts do not tell of; none of another rule."""
    return frozenset(shape for node in rule.nodes for shape in SHAPES.get(node, (ANYTHING,)))


def _is_node(kind: type) -> bool:
    return getattr(kind, "__module__", "").startswith("libcst.")


def _entries(file: Path) -> Iterator[Entry]:
    module = f"rea_lint.rules.{file.parent.name}.{file.stem}"
    text = file.read_text("utf-8")
    at = text.find(_START)
    while at >= 0:
        if head := _HEAD.match(text, at + 1):
            is_default = re.search(r"\bdefault=False\b", head["options"]) is None
            patient = re.search(r"\bpatient=True\b", head["options"]) is not None
            yield Entry(head["code"], head["name"], Severity[head["severity"]], is_default, module, head["looks_at"].strip(), patient)
        at = text.find(_START, at + 1)


def _files() -> Iterator[Path]:
    folder = Path(__file__).parent / "rules"
    return (file for family in FAMILIES for file in sorted((folder / family).glob("[!_]*.py")))


def _problems(rule: Rule) -> Iterator[str]:
    """What is wrong with one rule."""
    if rule.family == OWN:
        if not OWN_CODE.fullmatch(rule.code):
            yield "the code of a rule of your own is a prefix of yours in capitals, not REA, and digits: `ACME001`"
    elif rule.family not in FAMILIES:
        yield f"there is no family {rule.family}"
    elif not re.fullmatch(rf"{FAMILIES[rule.family]}\d\d", rule.code):
        yield f"the codes of {rule.family} are {FAMILIES[rule.family]}00 to {FAMILIES[rule.family]}99"
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", rule.name):
        yield "the name is not in kebab case"
    if not rule.page.summary:
        yield "the page is empty"
    elif not rule.page.blocks and rule.family not in {"tool", OWN}:  # what is whose own is proved by who owns it
        yield "the page has no example"
    for kind in rule.looks_at:
        if not _is_node(kind) and not getattr(kind, "__module__", "").startswith("rea_lint."):
            yield f"it looks at {kind!r}, which is neither a libcst node nor anything of ours"
    if bool(rule.effects) != (Use in rule.things or Cause in rule.things):
        yield "only a rule that looks at Use or Cause names effects, and each does"
