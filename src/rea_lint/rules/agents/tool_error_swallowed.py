"""REA953: a tool whose failures become text for the model."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rea_lint import rewrite
from rea_lint.agents import Role
from rea_lint.diagnostic import Finding, Fix, Severity
from rea_lint.project import Project
from rea_lint.rule import rule
from rea_lint.rules import work
from rea_lint.text import Edit, Span

if TYPE_CHECKING:
    from rea_lint.facts import Function, Refs

DURABLE_TOOL = "durable_function_tool"
DECORATOR = re.compile(r"^[ \t]*@[ \t]*(?P<name>[\w.]+)", re.MULTILINE)


@rule("REA953", "tool-error-swallowed", Severity.WARNING, docs="https://docs.restate.dev/ai/patterns/error-handling")
def tool_error_swallowed(project: Project) -> Iterator[Finding]:
    """
    A tool of an OpenAI agent uses the context, and its failures become text for the model.

    `function_tool` catches every `Exception` of the tool and tells the model "An error occurred while running the tool. Please try again."
    So does a `TerminalError`, with which a step that has given up says that it has failed, and with which Restate cancels an invocation:
    the agent goes on, calls the tool again, and the invocation cannot be cancelled. Any other error is not retried by Restate either.

    ```python
    import restate
    from agents import Agent, function_tool
    from restate.ext.openai import DurableRunner, restate_context

    assistant = restate.Service("assistant")


    async def charge(amount: int) -> str:
        return f"charged {amount}"


    @function_tool  # expect: REA953 "tells the model of every error in `pay`"
    async def pay(amount: int) -> str:
        return await restate_context().run_typed("charge", charge, amount=amount)


    agent = Agent(name="Payer", instructions="Pay.", tools=[pay])


    @assistant.handler()
    async def ask(ctx: restate.Context, prompt: str) -> str:
        return str((await DurableRunner.run(agent, prompt)).final_output)
    ```

    `durable_function_tool` lets terminal errors and cancellations end the invocation, and leaves all other errors to Restate, which retries
    them. The agent does something else than before where a tool has failed, also in invocations that are in flight.

    ```python fixed unsafe
    import restate
    from agents import Agent, function_tool
    from restate.ext.openai import DurableRunner, durable_function_tool, restate_context

    assistant = restate.Service("assistant")


    async def charge(amount: int) -> str:
        return f"charged {amount}"


    @durable_function_tool
    async def pay(amount: int) -> str:
        return await restate_context().run_typed("charge", charge, amount=amount)


    agent = Agent(name="Payer", instructions="Pay.", tools=[pay])


    @assistant.handler()
    async def ask(ctx: restate.Context, prompt: str) -> str:
        return str((await DurableRunner.run(agent, prompt)).final_output)
    ```

    A tool that says itself what becomes of errors is left alone, and so is one that does not use the context: it has no errors of Restate.

    ```python
    import restate
    from agents import Agent, function_tool
    from restate.ext.openai import DurableRunner, raise_terminal_errors, restate_context

    assistant = restate.Service("assistant")


    async def charge(amount: int) -> str:
        return f"charged {amount}"


    @function_tool
    async def double(amount: int) -> int:
        return 2 * amount


    @function_tool(failure_error_function=raise_terminal_errors)
    async def pay(amount: int) -> str:
        return await restate_context().run_typed("charge", charge, amount=amount)


    agent = Agent(name="Payer", instructions="Pay.", tools=[double, pay])


    @assistant.handler()
    async def ask(ctx: restate.Context, prompt: str) -> str:
        return str((await DurableRunner.run(agent, prompt)).final_output)
    ```
    """
    for name, role in project.roles.items():
        function = project.functions[name]
        for at, refs in enumerate(function.decorators):
            if role is Role.TOOL and _swallows(project, function, refs) and work.uses_context(project, name):
                span = _written(project, function, at)
                yield Finding(
                    span or function.name_span,
                    f"`function_tool` tells the model of every error in `{name.rpartition('.')[2]}`, of a `TerminalError` and a cancellation too, and the"
                    f" agent goes on; use `{DURABLE_TOOL}` of `restate.ext.openai`.",
                    _fix(project, name, span),
                    path=project.path_of(name),
                )


def _swallows(project: Project, function: Function, refs: Refs) -> bool:
    """Whether a decorator turns errors into text, and is not told to do something else with them."""
    parts = project.knowledge.agents
    if not any(value in parts and parts[value].swallows for value in project.resolve(tuple(ref.removesuffix("()") for ref in refs))):
        return False
    calls = [call for around in project.index.home[function.name].functions.values() for call in around.calls]
    made = next((c for c in calls if c.decorates == function.name and any(f"{callee}()" in refs for callee in c.callees)), None)
    return made is None or (not made.unpacks and made.argument(None, "failure_error_function") is None)


def _written(project: Project, function: Function, at: int) -> Span | None:
    """Where the name of a decorator stands."""
    source = project.sources.get(project.path_of(function.name))
    head = source.text[function.span.start : function.header.start] if source is not None else ""
    found = list(DECORATOR.finditer(head))
    if len(found) != len(function.decorators):
        return None
    start, end = found[at].span("name")
    return Span(function.span.start + start, function.span.start + end)


def _fix(project: Project, tool: str, span: Span | None) -> Fix | None:
    """The fix that takes the durable decorator; None where its name means something else."""
    facts = project.index.home[tool]
    bound = {value for binding in facts.variables.get(DURABLE_TOOL, ()) for value in binding.values}
    if span is None or facts.path not in project.sources or not bound <= {f"restate.ext.openai.{DURABLE_TOOL}"}:
        return None
    imports = rewrite.add_import(project.sources[facts.path], f"from restate.ext.openai import {DURABLE_TOOL}")
    return rewrite.unsafe(
        f"Use `{DURABLE_TOOL}` (errors of the tool then end or retry the invocation)", (Edit(span, DURABLE_TOOL), *imports)
    )
