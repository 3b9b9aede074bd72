"""What rules say about a use: who calls what, where a value goes, what to write instead, and the fix.  Their words, in one place."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rea_lint import cst, rewrite
from rea_lint.diagnostic import Applicability, Finding, Related, Severity
from rea_lint.flow import DECISIVE, Sink

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rea_lint.diagnostic import Fix
    from rea_lint.durable import Durable
    from rea_lint.flow import Consequence
    from rea_lint.packs import Replacement
    from rea_lint.project import Use
    from rea_lint.text import Span

MOST_PLACES = 3  # places where a value goes that are shown


def effect(use: Use, code: Durable, again: str) -> Iterator[Finding]:
    """A use that does again what it did; `again` says what: "the request is sent again".  Of an agent's tool, `tool_effect` tells."""
    if not code.project.is_tool(use.function) and not _is_continued(use, code):
        said = f"{subject(use, 'runs', 'which runs')} outside a step: {again} on every replay; hand it to `{context(use, code)}.run_typed`."
        yield Finding(use.span, said, step(use, code), chain(use, code))


def tool_effect(use: Use, code: Durable, again: str) -> Iterator[Finding]:
    """The same of a use in a tool of an agent, which the model asks for, and which replay calls once more."""
    if code.project.is_tool(use.function) and not _is_continued(use, code):
        run = f"{code.project.context_name(use.function) or 'restate_context()'}.run_typed"
        told = subject(use, "runs", "which runs")
        said = f"{told} in a tool of an agent, outside a step: replay calls the tool once more, and {again}; hand it to `{run}`."
        yield Finding(use.span, said, step(use, code), (*chain(use, code), *agent(use.function, code)))


def value(use: Use, code: Durable, *, instead: str, fix: Fix | None) -> Iterator[Finding]:
    """A use that gives another value on replay, as bad as what becomes of the value; `instead` is what to do."""
    if _is_continued(use, code):
        return
    goes = code.consequence(use)
    told = f"{subject(use, 'gives', 'which gives')} another value on replay"
    related = (*chain(use, code), *places(goes))
    if goes.sinks == {Sink.DISCARDED} and use.call is not None and (use.call.arguments or len(use.chain) > 1):
        yield Finding(use.span, f"{told}; {instead}.", fix, related, Severity.WARNING)  # it may change what it is given, or raise
    elif goes.severity is Severity.INFO:
        only = f"only {goes.worst.says}".replace("only is", "is only", 1)
        said = (
            f"{told}, but {only}, which replay does not compare." if goes.worst.sink is not Sink.DISCARDED else f"{told}, but is not used."
        )
        yield Finding(use.span, said, fix if fix is not None and fix.applicability is Applicability.SAFE else None, related, goes.severity)
    else:
        said = f"{told} and {goes.worst.says}; {instead}."
        yield Finding(use.span, said, fix, related, goes.severity or Severity.WARNING)


def chain(use: Use, code: Durable) -> tuple[Related, ...]:
    """The hops of a use beyond its own place, and what else the last function calls to the same effect."""
    caller = use.chain[-2].name if len(use.chain) > 1 else None
    also = (Related(hop.path, hop.span, f"`{caller}` also calls `{hop.name}`") for hop in use.also if caller is not None)
    return (*code.chain(use), *also)


def agent(function: str, code: Durable) -> tuple[Related, ...]:
    """What runs the agent whose tool a function is, or stands in; nothing for a function that is no tool."""
    project = code.project
    tool = project.tool_around(function)
    run = project.runs_tool(tool) if tool is not None else None
    if tool is None or run is None:
        return ()
    runner, span = run
    names = project.functions[runner].written_name, project.functions[tool].written_name
    return (Related(project.path_of(runner), span, f"`{names[0]}` runs an agent that has `{names[1]}` as a tool"),)


def _is_continued(use: Use, code: Durable) -> bool:
    """Whether another finding tells of a use.

    One that goes on with what another use gives (of `smtplib.SMTP(host).send_message(mail)`, the constructor is told of), or a primitive
    that is called where the action of a step belongs, which is step-action-not-callable.
    """
    if len(use.chain) == 1 and any(step.direct and step.action.span == use.span for step in code.project.steps(use.function)):
        return True
    before = use.call.callee_span if use.call is not None else use.span
    return any(before.contains(each.span) and each.effect is use.effect and each is not use for each in code.project.uses(use.function))


def places(goes: Consequence) -> tuple[Related, ...]:
    """Where a value goes, as far as it makes it as bad as it is."""
    worst = DECISIVE if goes.worst.sink in DECISIVE else (goes.worst.sink,)
    return tuple(arrival.related for arrival in goes.arrivals if arrival.sink in worst and arrival.sink is not Sink.DISCARDED)[:MOST_PLACES]


def subject(use: Use, verb: str, relative: str) -> str:
    """A use as the beginning of a sentence: "`time.time` gives", or "`clock.now` calls `time.time`, which gives", with all between."""
    *through, last = (hop.name for hop in use.chain)
    if "()" in use.primitive:
        last = use.primitive.replace("()", "")  # a method: of which library is the question
    first, *rest = (name if " " in name else f"`{name}`" for name in (*through, last))  # "a lambda" has no name
    return f"{first} calls {', which calls '.join(rest)}, {relative}" if rest else f"{first} {verb}"


def context(use: Use, code: Durable) -> str:
    """What the context is called at a use; `ctx` where none is in scope."""
    return code.project.context_name(use.function) or "ctx"


def advice(use: Use, code: Durable, otherwise: str) -> str:
    """What to do about a primitive: "use `await ctx.time()`"; `otherwise` where nothing of the SDK takes its place."""
    known = code.project.knowledge.replacements.get(use.primitive)
    if known is None:
        return otherwise
    text = f"`{known.template.replace('{ctx}', context(use, code)).replace('{args}', '...')}`"
    return f"use {text}" if len(use.chain) == 1 else f"hand it {text}, or call it in a step"


def replacement(use: Use, code: Durable) -> Fix | None:
    """The fix that puts what the SDK has in the place of a primitive."""
    known = code.project.knowledge.replacements.get(use.primitive)
    if use.call is None or known is None or not is_direct(use, code):
        return None
    journals = _journals(known, code)
    if journals and not known.awaited and not use.call.awaited:
        return None  # what it gives instead of a coroutine is a durable future: not everything takes one
    kind = rewrite.safe if known.safe else rewrite.journaling if journals else rewrite.unsafe
    return kind(f"Use {advice(use, code, '').removeprefix('use ')}", rewrite.substitute(code, use.function, use.call, known))


def step(use: Use, code: Durable) -> Fix | None:
    """The fix that hands a use to a step; None where it is handed to one already, called too soon."""
    if use.call is None or _is_action(use.span, code):
        return None
    return rewrite.journaling("Hand it to a step", rewrite.wrap_in_step(code, use.span))


def direct(use: Use, code: Durable) -> cst.Call | None:
    """The call of the primitive itself, where a use is one; None where something else calls it, or it is only read."""
    call = code.node(use.span) if is_direct(use, code) else None
    return call if isinstance(call, cst.Call) else None


def is_direct(use: Use, code: Durable) -> bool:
    """Whether a use is a call of the primitive itself."""
    return len(use.chain) == 1 and use.call is not None and code.project.resolve(use.call.callees) == {use.primitive}


def _journals(known: Replacement, code: Durable) -> bool:
    """Whether what is put in the place of a call adds a journal entry."""
    operations = code.project.knowledge.operations
    return any(method in operations and operations[method].journals for method in re.findall(r"\{ctx\}\.(\w+)", known.template))


def _is_action(span: Span, code: Durable) -> bool:
    """Whether a call stands where a step's action belongs: it is the calling that is wrong there, not the step that is missing."""
    functions = code.syntax.functions if code.syntax is not None else ()
    steps = (step for function in functions for step in code.project.steps(function.name))
    return any(step.call.span != span and step.action.span.contains(span) for step in steps)
