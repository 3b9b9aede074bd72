"""REA951: an agent whose model is asked again on replay."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rea_lint import cst, rewrite
from rea_lint.diagnostic import Finding, Fix, Related, Severity
from rea_lint.durable import Durable
from rea_lint.project import AgentRun
from rea_lint.rule import rule
from rea_lint.rules import running
from rea_lint.text import Edit, Span

if TYPE_CHECKING:
    from rea_lint.agents import Made


@rule("REA951", "agent-not-durable", Severity.ERROR, docs="https://docs.restate.dev/ai/patterns/durable-agents")
def agent_not_durable(run: AgentRun, code: Durable) -> Iterator[Finding]:
    """
    An agent runs in a handler, and nothing of what its model says is journaled.

    An agent asks its model, calls the tools that the model wants, and asks again. After a crash or a wait, Restate runs the handler from
    its first line. An agent of the plain framework then begins from its first question: each is asked, and paid, once more. The model
    answers something else, wants other tools, and these do not find in the journal what they are about to do (RT0016).

    ```python fails="effect ran 2 times"
    import restate
    from agents import Agent, Runner

    assistant = restate.Service("assistant")
    agent = Agent(name="Assistant", instructions="Help.")


    @assistant.handler()
    async def ask(ctx: restate.Context, prompt: str) -> str:
        result = await Runner.run(agent, prompt)  # expect: REA951 "use `DurableRunner.run` of `restate.ext.openai`"
        return str(result.final_output)
    ```

    What `restate.ext` has for the framework puts each question into a step. That is a journal entry each, so the change goes out as a new
    deployment.

    ```python fixed unsafe
    import restate
    from agents import Agent
    from restate.ext.openai import DurableRunner

    assistant = restate.Service("assistant")
    agent = Agent(name="Assistant", instructions="Help.")


    @assistant.handler()
    async def ask(ctx: restate.Context, prompt: str) -> str:
        result = await DurableRunner.run(agent, prompt)
        return str(result.final_output)
    ```

    An agent of Pydantic AI is wrapped:

    ```python
    import restate
    from pydantic_ai import Agent

    assistant = restate.Service("assistant")
    agent = Agent("openai:gpt-5", system_prompt="Help.")


    @assistant.handler()
    async def ask(ctx: restate.Context, prompt: str) -> str:
        result = await agent.run(prompt)  # expect: REA951 "run it as `RestateAgent(...)` of `restate.ext.pydantic`"
        return result.output
    ```

    ```python fixed unsafe
    import restate
    from pydantic_ai import Agent
    from restate.ext.pydantic import RestateAgent

    assistant = restate.Service("assistant")
    agent = Agent("openai:gpt-5", system_prompt="Help.")


    @assistant.handler()
    async def ask(ctx: restate.Context, prompt: str) -> str:
        result = await RestateAgent(agent).run(prompt)
        return result.output
    ```

    One of LangChain gets a middleware, and a runner or app of Google's ADK a plugin:

    ```python
    import restate
    from google.adk import Runner
    from google.adk.agents.llm_agent import Agent
    from google.adk.apps import App
    from langchain.agents import create_agent
    from restate.ext.adk import RestateSessionService

    assistant = restate.VirtualObject("assistant")
    graph = create_agent(model="openai:gpt-5", tools=[])
    app = App(
        name="assistant",
        root_agent=Agent(model="gemini-2.5-flash", name="assistant"),
    )
    runner = Runner(app=app, session_service=RestateSessionService())


    @assistant.handler()
    async def ask(ctx: restate.ObjectContext, prompt: str) -> str:
        result = await graph.ainvoke({"messages": prompt})  # expect: REA951 "give `create_agent` `middleware=[RestateMiddleware()]`"
        async for event in runner.run_async(user_id="u", session_id="s", new_message=prompt):  # expect: REA951 "give `App` `plugins=[RestatePlugin()]`"
            result = event
        return str(result)
    ```

    ```python fixed unsafe
    import restate
    from google.adk import Runner
    from google.adk.agents.llm_agent import Agent
    from google.adk.apps import App
    from langchain.agents import create_agent
    from restate.ext.adk import RestatePlugin, RestateSessionService
    from restate.ext.langchain import RestateMiddleware

    assistant = restate.VirtualObject("assistant")
    graph = create_agent(model="openai:gpt-5", tools=[], middleware=[RestateMiddleware()])
    app = App(
        name="assistant",
        root_agent=Agent(model="gemini-2.5-flash", name="assistant"),
        plugins=[RestatePlugin()],
    )
    runner = Runner(app=app, session_service=RestateSessionService())


    @assistant.handler()
    async def ask(ctx: restate.ObjectContext, prompt: str) -> str:
        result = await graph.ainvoke({"messages": prompt})
        async for event in runner.run_async(user_id="u", session_id="s", new_message=prompt):
            result = event
        return str(result)
    ```

    A step may run any agent: all it does is then one entry of the journal. An agent that comes from somewhere unknown, or that has a
    model or a plugin of the project's own, may be durable or not, and nothing is said of it:

    ```python
    import restate
    from agents import Agent, RunConfig, Runner
    from google.adk.agents import LlmAgent
    from google.adk.plugins import BasePlugin
    from google.adk.runners import InMemoryRunner
    from pydantic_ai import Agent as PydanticAgent
    from pydantic_ai.models.wrapper import WrapperModel
    from registry import load
    from restate.ext.openai.runner_wrapper import DurableModelCalls

    assistant = restate.Service("assistant")
    agent = Agent(name="Assistant", instructions="Help.")


    class Plugin(BasePlugin):
        pass


    class Journaled(WrapperModel):
        pass


    async def answer(prompt: str) -> str:
        return str((await Runner.run(agent, prompt)).final_output)


    async def run(given: PydanticAgent, prompt: str) -> str:
        return (await given.run(prompt)).output


    @assistant.handler()
    async def ask(ctx: restate.Context, prompt: str) -> str:
        await Runner.run(agent, prompt, run_config=RunConfig(model_provider=DurableModelCalls(None, None)))
        await PydanticAgent(Journaled("openai:gpt-5")).run(prompt)
        runner = InMemoryRunner(agent=LlmAgent(name="a", model="gemini-2.5-flash"), plugins=[Plugin()])
        events = [event async for event in runner.run_async(user_id="u", session_id="s", new_message=prompt)]
        first = await ctx.run_typed("answer", answer, prompt=prompt)
        return first + await run(load("assistant"), prompt) + str(events)
    ```
    """
    call = run.made.call
    if run.durable is not False or run.made.part.streams or run.made.part.blocks:
        return  # agent-streaming and agent-sync-run tell of those
    made = (m for m in run.agents if m.part.guards)
    yield Finding(
        call.span,
        f"`{running.written(call, code)}` runs the agent without a journal: every replay asks, and pays, the model again, and it answers something"
        f" else; {running.instead(run)}.",
        _fix(run, code),
        tuple(Related(code.project.path_of(m.function), m.call.span, f"`{running.short(m.name)}` is made here") for m in made),
    )


def _fix(run: AgentRun, code: Durable) -> Fix | None:
    """The fix that makes a run durable; None if something is given that would have to go, or what has to be changed is not here."""
    made = run.unguarded
    if not all(m.part.guards for m in run.agents):
        return None  # `RestatePlugin` takes no `SequentialAgent`: "only supports LlmAgent agents" (restate/ext/adk/plugin.py)
    if made is None or made.call.unpacks or code.project.path_of(made.function) != code.path:
        return None
    if any(made.call.argument(None, str(place)) is not None for place in made.part.guards[:1]):
        return None
    node = code.node(run.made.call.span)
    if not isinstance(node, cst.Call) or not isinstance(node.func, cst.Attribute):
        return None
    name, is_runner = made.part.durably.removesuffix(".run"), made.part.durably.endswith(".run")
    spelled = rewrite.spelled(code, node, name)
    if spelled is None:
        return None
    text, imports = spelled
    if is_runner:
        edits = rewrite.replace(code, node.func, f"{text}.run")
        edits = (*edits, *imports) if edits is not None else None
        return rewrite.journaling(f"Use `{text}.run`", rewrite.without_import(code, node.func, edits))
    if made is run.made:
        edits = rewrite.replace(code, node.func.value, f"{text}({code.text(node.func.value)})") if _has_models(run) else None
        return rewrite.journaling(f"Wrap it in `{text}`", (*edits, *imports) if edits is not None else None)
    added = _argument(made, f"{made.part.guards[0]}=[{text}()]", code)
    return rewrite.journaling(f"Give it a `{text}`", (added, *imports) if added is not None else None)


def _has_models(run: AgentRun) -> bool:
    """Whether all agents have their model from where they are made: `RestateAgent` takes no other."""
    return all(m.call.argument(0, "model") is not None for m in run.agents)


def _argument(made: Made, text: str, code: Durable) -> Edit | None:
    """The edit that adds a keyword argument at the end of a call, on a line of its own if the others are; None beside a comment."""
    whole = code.source.text[made.call.span.start : made.call.span.end]
    body = whole[:-1].rstrip()
    at = made.call.span.start + len(body)
    last = body.rpartition("\n")[2]
    if "#" in last or "#" in whole[len(body) :]:
        return None
    comma = "" if body.endswith((",", "(")) else ","
    if "\n" in whole[len(body) :]:
        return Edit(Span(at, at), f"{comma}{code.source.newline}{last[: len(last) - len(last.lstrip())]}{text},")
    return Edit(Span(at, at), f"{comma}{'' if body.endswith('(') else ' '}{text}")
