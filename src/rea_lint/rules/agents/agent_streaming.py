"""REA954: an agent whose answer comes in pieces."""

from __future__ import annotations

from collections.abc import Iterator

from rea_lint.diagnostic import Finding, Severity
from rea_lint.durable import Durable
from rea_lint.project import AgentRun
from rea_lint.rule import rule
from rea_lint.rules import running


@rule("REA954", "agent-streaming", Severity.ERROR, docs="https://docs.restate.dev/ai/patterns/streaming-responses")
def agent_streaming(run: AgentRun, code: Durable) -> Iterator[Finding]:
    """
    An agent runs in a handler and gives its answer in pieces, which the journal cannot hold.

    A step journals one result, once it is there. `Runner.run_streamed` and `agent.run_stream` ask the model outside of any step: each
    replay asks, and pays, it again. What Restate puts around the frameworks does not stream either: `RestateAgent.run_stream` raises
    `UserError`, the model of `DurableRunner` a `TerminalError`, and `RestateAgent.iter` goes past the journal.

    ```python fails="effect ran 2 times"
    import restate
    from agents import Agent, Runner

    assistant = restate.Service("assistant")
    agent = Agent(name="Assistant", instructions="Help.")


    @assistant.handler()
    async def ask(ctx: restate.Context, prompt: str) -> str:
        result = Runner.run_streamed(agent, prompt)  # expect: REA954 "the model is asked again on every replay"
        async for _ in result.stream_events():
            pass
        return str(result.final_output)
    ```

    ```python
    import restate
    from pydantic_ai import Agent
    from restate.ext.pydantic import RestateAgent

    assistant = restate.Service("assistant")
    durable = RestateAgent(Agent("openai:gpt-5"))


    @assistant.handler()
    async def ask(ctx: restate.Context, prompt: str) -> str:
        async with durable.run_stream(prompt) as response:  # expect: REA954 "`restate.ext` does not support it"
            return await response.get_output()
    ```

    Wait for the whole answer. To show pieces of it while it comes, give `RestateAgent` an `event_stream_handler`, or have a step stream
    them to who shows them:

    ```python
    import restate
    from agents import Agent, Runner
    from restate.ext.openai import DurableRunner

    assistant = restate.Service("assistant")
    agent = Agent(name="Assistant", instructions="Help.")


    async def stream(prompt: str) -> str:
        result = Runner.run_streamed(agent, prompt)
        async for _ in result.stream_events():
            pass
        return str(result.final_output)


    class Pipe:
        def run_streamed(self, prompt: str) -> str:
            return prompt


    @assistant.handler()
    async def ask(ctx: restate.Context, prompt: str) -> str:
        result = await DurableRunner.run(agent, Pipe().run_streamed(prompt))
        return await ctx.run_typed("stream", stream, prompt=str(result.final_output))
    ```
    """
    call = run.made.call
    if not run.made.part.streams or run.made.part.blocks:
        return
    does = "`restate.ext` does not support it, and every attempt fails" if run.durable else "the model is asked again on every replay"
    yield Finding(
        call.span,
        f"`{running.written(call, code)}` gives the answer in pieces, which the journal cannot hold: {does}; wait for the whole answer, or stream in"
        " a step.",
    )
