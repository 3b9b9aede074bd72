"""REA956: an agent that is run synchronously within the event loop."""

from __future__ import annotations

from collections.abc import Iterator

from rea_lint.diagnostic import Finding, Severity
from rea_lint.durable import Durable
from rea_lint.project import AgentRun
from rea_lint.rule import rule
from rea_lint.rules import running

INSTEAD = {  # seen with openai-agents 0.24, pydantic-ai 2.68, langchain 1.4 and google-adk 2.13
    "google.adk": ("run_async", "runs the agent in the event loop of another thread, and blocks the one of all handlers meanwhile"),
    "langgraph": ("ainvoke", "blocks the event loop of all handlers, and raises `NotImplementedError` with `RestateMiddleware`"),
}


@rule("REA956", "agent-sync-run", Severity.ERROR, docs="https://docs.restate.dev/ai/patterns/durable-agents")
def agent_sync_run(run: AgentRun, code: Durable) -> Iterator[Finding]:
    """
    An agent is run synchronously in a handler, which runs in an event loop already.

    `Runner.run_sync` and `agent.run_sync` start an event loop of their own, and refuse to do so within another: they raise `RuntimeError`,
    the agent never runs, and Restate retries the invocation for ever. `invoke` of a LangChain agent and `Runner.run` of Google's ADK block
    the loop in which all other handlers run.

    ```python
    import restate
    from agents import Agent, Runner
    from langchain.agents import create_agent
    from restate.ext.langchain import RestateMiddleware

    assistant = restate.Service("assistant")
    agent = Agent(name="Assistant", instructions="Help.")
    graph = create_agent(model="openai:gpt-5", middleware=[RestateMiddleware()])


    @assistant.handler()
    async def ask(ctx: restate.Context, prompt: str) -> str:
        result = Runner.run_sync(agent, prompt)  # expect: REA956 "raises `RuntimeError`"
        return str(result.final_output) + graph.invoke({"messages": prompt})["messages"][-1].content  # expect: REA956 "await `ainvoke`"
    ```

    Await it. A step that is a plain function runs in a thread of its own, where an agent may be run like this:

    ```python
    import restate
    from agents import Agent, Runner
    from restate.ext.openai import DurableRunner

    assistant = restate.Service("assistant")
    agent = Agent(name="Assistant", instructions="Help.")


    def answer(prompt: str) -> str:
        return str(Runner.run_sync(agent, prompt).final_output)


    class Motor:
        def run_sync(self, prompt: str) -> str:
            return prompt


    @assistant.handler()
    async def ask(ctx: restate.Context, prompt: str) -> str:
        result = await DurableRunner.run(agent, Motor().run_sync(prompt))
        return str(result.final_output) + await ctx.run_typed("answer", answer, prompt=prompt)
    ```
    """
    call = run.made.call
    if not run.made.part.blocks:
        return
    method, does = next(
        (known for library, known in INSTEAD.items() if run.made.name.startswith(library)),
        ("run", "raises `RuntimeError` within the running event loop, and the invocation is retried for ever"),
    )
    else_do = f"; {running.instead(run)}" if run.durable is False else ""
    yield Finding(call.span, f"`{running.written(call, code)}` {does}: await `{method}`{else_do}.")
