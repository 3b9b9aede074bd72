"""What a clause that catches too much does with it: which durable work is in its `try`, and where an exception goes.  For the rules of errors."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, TypeAlias

from rea_lint import cst, rewrite
from rea_lint.rules import work
from rea_lint.text import Edit, Span

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rea_lint.durable import Durable
    from rea_lint.rules.work import Work

Clause: TypeAlias = "cst.ExceptHandler | cst.ExceptStarHandler"

BASE = "builtins.BaseException"
EXCEPTION = "builtins.Exception"
TERMINAL = "restate.TerminalError"
INTERNAL = frozenset(
    {"restate.SdkInternalBaseException", "restate.exceptions.SdkInternalException", "restate.exceptions.SuspendedException"}
)
CATCH_TERMINAL = frozenset({TERMINAL, EXCEPTION, BASE})
CATCH_INTERNAL = frozenset({*INTERNAL, BASE})


class End(Enum):
    """How a way through a clause ends for the exception it caught."""

    SWALLOWED = "swallowed"
    RAISED = "raised"  # again, as it is
    REPLACED = "replaced"  # by a terminal error, or by one that has a terminal error as its cause
    RETRIED = "retried"  # replaced by an error that makes Restate retry


def caught(clause: Clause, code: Durable) -> tuple[cst.BaseExpression, ...]:
    """The exceptions that a clause names; () for a bare one."""
    match clause.type:
        case None:
            return ()
        case cst.Tuple(elements=elements):
            return tuple(element.value for element in elements)
        case cst.Name() as name if len(held := _held(name, code)) > 0:
            return held
        case one:
            return (one,)


def _held(name: cst.Name, code: Durable) -> tuple[cst.BaseExpression, ...]:
    """The elements of a tuple that a local name holds."""
    bindings = code.owner(name).variables.get(name.value, ())
    nodes = [code.node(binding.span) for binding in bindings]
    return tuple(element.value for node in nodes if isinstance(node, cst.Tuple) for element in node.elements) if len(nodes) == 1 else ()


def names(clause: Clause, code: Durable) -> frozenset[str]:
    """What a clause catches, in canonical names; `BaseException` for a bare one."""
    found = caught(clause, code)
    return frozenset(name for each in found for name in code.resolve(each)) if found else frozenset({BASE})


def earlier(clause: Clause, code: Durable) -> tuple[Clause, ...]:
    """The clauses before one, which take their share first."""
    around = code.parent(clause)
    handlers: Iterable[Clause] = around.handlers if isinstance(around, cst.Try | cst.TryStar) else ()
    return tuple(handlers)[: next((at for at, each in enumerate(handlers) if each is clause), 0)]


def header(clause: Clause, code: Durable) -> Span:
    """From `except` to before the colon: what a finding marks."""
    start = code.span(clause).start
    end = code.span(clause.name or clause.type).end if clause.type is not None else start + len("except")
    while code.source.text[end : end + 1] in {")", " "}:
        end += 1
    return Span(start, end)


def durable_work(clause: Clause, code: Durable, exceptions: frozenset[str]) -> tuple[Work, ...]:
    """The durable work that is awaited in the `try` of a clause, and whose exceptions no clause within takes away."""
    around = code.parent(clause)
    if not isinstance(around, cst.Try | cst.TryStar):
        return ()
    return tuple(
        each
        for node in code.within(around.body)
        if not _is_taken(node, around, code, exceptions)
        for each in awaited(node, code)
        if each.is_durable
    )


def compensates(clause: Clause, code: Durable) -> bool:
    """Whether the body of a clause does durable work: what it is there for would be skipped if the exception passed it by."""
    return any(each.is_durable for node in code.within(clause.body) for each in awaited(node, code))


def awaited(node: cst.CSTNode, code: Durable) -> tuple[Work, ...]:
    """What a node awaits, if it is an `await` or an asynchronous loop."""
    match node:
        case cst.Await(expression=waited):
            pass
        case cst.For(asynchronous=cst.Asynchronous(), iter=waited) | cst.CompFor(asynchronous=cst.Asynchronous(), iter=waited):
            pass
        case _:
            return ()
    return work.awaited(code.project, code.owner(node), code.refs(waited), code.span(waited))


def _is_taken(node: cst.CSTNode, around: cst.CSTNode, code: Durable, exceptions: frozenset[str]) -> bool:
    """Whether a clause of a `try` in between swallows the exceptions of a node."""
    inside = node
    for each in code.ancestors(node):
        if each is around:
            return False
        if isinstance(each, cst.Try | cst.TryStar) and each.body is inside:
            for clause in each.handlers:
                if names(clause, code) & exceptions:
                    return ends(clause, code, exceptions) == {End.SWALLOWED}
        inside = each
    return False


def ends(clause: Clause, code: Durable, exceptions: frozenset[str]) -> set[End]:
    """How the ways through a clause end for an exception that is an instance of all of `exceptions`; what a condition does not tell goes both ways."""
    found = set(_through(clause.body, _Caught(code, clause, exceptions)))
    return {End.SWALLOWED if end is None else end for end in found}


def mentions_terminal_error(clause: Clause, code: Durable) -> bool:
    """Whether a clause asks for `TerminalError` itself (not: makes one)."""
    made = {call.func for call in code.within(clause.body) if isinstance(call, cst.Call)}
    return any(
        isinstance(node, cst.Name | cst.Attribute) and node not in made and TERMINAL in code.resolve(node)
        for node in code.within(clause.body)
    )


def let_terminal_errors_pass(clause: Clause, code: Durable) -> tuple[Edit, ...] | None:
    """`except TerminalError: raise` before a clause; None where it cannot be written."""
    start = code.span(clause).start
    row = code.source.line_span(code.source.position(start).row).start
    indent = code.source.text[row:start]
    name = rewrite.spelled(code, clause, TERMINAL)
    if name is None or indent.strip(" \t\f"):
        return None
    first = clause.body.body[0] if isinstance(clause.body, cst.IndentedBlock) else None
    at = code.span(first).start if first is not None else start
    inner = code.source.text[code.source.line_span(code.source.position(at).row).start : at] if first is not None else indent + "    "
    newline = code.source.newline
    star = "*" if isinstance(clause, cst.ExceptStarHandler) else ""
    return (Edit(Span(row, row), f"{indent}except{star} {name[0]}:{newline}{inner}raise{newline}"), *name[1])


class _Caught:
    """An exception in a clause: what it is called there, and what it is an instance of."""

    def __init__(self, code: Durable, clause: Clause, exceptions: frozenset[str]) -> None:
        self.code = code
        self.owner = code.owner(clause).name
        self.name = clause.name.name.value if clause.name is not None and isinstance(clause.name.name, cst.Name) else None
        self.exceptions = exceptions

    def is_it(self, node: cst.CSTNode | None) -> bool:
        return isinstance(node, cst.Name) and node.value == self.name

    def holds(self, test: cst.BaseExpression) -> bool | None:
        """Whether a condition holds for it; None: not known."""
        match test:
            case cst.UnaryOperation(operator=cst.Not(), expression=inner):
                held = self.holds(inner)
                return None if held is None else not held
            case cst.BooleanOperation(left=left, operator=cst.Or(), right=right):
                return _either(self.holds(left), self.holds(right))
            case cst.BooleanOperation(left=left, operator=cst.And(), right=right):
                return _both(self.holds(left), self.holds(right))
            case cst.Call(args=[cst.Arg(value=subject), cst.Arg(value=kinds)], func=function) if self.is_it(subject):
                return self._is_instance(kinds) if self.code.resolve(function) == {"builtins.isinstance"} else None
            case cst.Call(args=[cst.Arg(value=subject)], func=function) if self.is_it(subject):
                return bool(self.exceptions & INTERNAL) if self.code.resolve(function) == {"restate.is_internal_exception"} else None
            case _:
                return None

    def is_raised_later(self, variable: str) -> bool:
        """Whether the function raises what it keeps in a variable."""
        return any(
            isinstance(node, cst.Raise) and isinstance(node.exc, cst.Name) and node.exc.value == variable
            for node, owner in self.code.nodes
            if owner == self.owner
        )

    def may_be_raised_by(self, call: cst.Call) -> bool:
        """Whether a call hands it to a function of the project that raises something."""
        functions = [self.code.project.functions.get(name) for name in self.code.resolve(call.func)]
        return any(self.is_it(argument.value) for argument in call.args) and any(f is not None and "Raise" in f.shape for f in functions)

    def _is_instance(self, kinds: cst.BaseExpression) -> bool | None:
        nodes = [element.value for element in kinds.elements] if isinstance(kinds, cst.Tuple) else [kinds]
        resolved = [self.code.resolve(node) for node in nodes]
        if any(names & self.exceptions for names in resolved):
            return True
        return None if any(not names or any(self.code.project.index.is_ours(name) for name in names) for names in resolved) else False


def _either(left: bool | None, right: bool | None) -> bool | None:
    return True if True in {left, right} else None if None in {left, right} else False


def _both(left: bool | None, right: bool | None) -> bool | None:
    return False if False in {left, right} else None if None in {left, right} else True


def _through(block: cst.BaseSuite, caught_: _Caught) -> Iterator[End | None]:
    """How the ways through a block end; None: at its end."""
    for line in block.body:
        for statement in line.body if isinstance(line, cst.SimpleStatementLine) else [line]:
            found = set(_of(statement, caught_))
            yield from (end for end in found if end is not None)
            if None not in found:
                return
    yield None


def _of(statement: cst.CSTNode, caught_: _Caught) -> Iterator[End | None]:
    """How a statement ends; None: the next one follows."""
    match statement:
        case cst.Raise():
            yield _raised(statement, caught_)
        case cst.Return() | cst.Continue() | cst.Break():
            yield End.SWALLOWED
        case cst.If(test=test, body=body, orelse=orelse):
            held = caught_.holds(test)
            if held is not False:
                yield from _through(body, caught_)
            if held is not True:
                match orelse:
                    case cst.If():
                        yield from _of(orelse, caught_)
                    case cst.Else():
                        yield from _through(orelse.body, caught_)
                    case _:
                        yield None
        case cst.With(body=body):
            yield from _through(body, caught_)
        case cst.Match(subject=subject, cases=cases):
            if caught_.is_it(subject):
                yield End.RAISED if any(isinstance(node, cst.Raise) for node in caught_.code.within(statement)) else None
            else:
                yield None
            for case in cases:
                yield from _through(case.body, caught_)
        case cst.Try() | cst.TryStar():
            yield from _through(statement.body, caught_)
            for clause in statement.handlers:
                yield from (end for end in _through(clause.body, caught_) if end is not End.RAISED)
        case cst.For(body=body) | cst.While(body=body):
            yield None
            yield from (None if isinstance(end, End) and end is End.SWALLOWED else end for end in _through(body, caught_))
        case cst.Assign(targets=[cst.AssignTarget(target=cst.Name(value=kept))], value=value) if caught_.is_it(
            value
        ) and caught_.is_raised_later(kept):
            yield End.RAISED
        case cst.Expr(value=cst.Await(expression=cst.Call() as call)) | cst.Expr(value=cst.Call() as call) if caught_.may_be_raised_by(
            call
        ):
            yield from (End.RAISED, None)
        case _:
            yield None


def _raised(statement: cst.Raise, caught_: _Caught) -> End:
    match statement:
        case cst.Raise(exc=None):
            return End.RAISED
        case cst.Raise(exc=error) if caught_.is_it(error):
            return End.RAISED
        case cst.Raise(exc=cst.Call(func=error)) | cst.Raise(exc=error) if error is not None:
            is_terminal = TERMINAL in caught_.code.resolve(error) or (statement.cause is not None and caught_.is_it(statement.cause.item))
            return End.REPLACED if is_terminal or not caught_.code.resolve(error) else End.RETRIED
    return End.REPLACED
