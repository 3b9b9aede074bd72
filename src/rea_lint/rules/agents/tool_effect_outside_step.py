"""REA952: an effect in a tool of an agent that replay does again."""

from __future__ import annotations

from collections.abc import Iterator

from rea_lint import words
from rea_lint.diagnostic import Finding, Severity
from rea_lint.durable import Durable
from rea_lint.packs import Effect
from rea_lint.project import Use
from rea_lint.rule import rule
from rea_lint.rules import reaching

AGAIN = {
    Effect.NETWORK: "the request is sent again",
    Effect.DATABASE: "the database is asked again",
    Effect.FILESYSTEM: "the disk is read or written again",
    Effect.PROCESS: "the program runs again",
    Effect.BROKER: "the service is called again",
    Effect.LLM: "the model is asked, and paid, again",
}


@rule(
    "REA952",
    "tool-effect-outside-step",
    Severity.ERROR,
    effects=[Effect.NETWORK, Effect.DATABASE, Effect.FILESYSTEM, Effect.PROCESS, Effect.BROKER, Effect.LLM],
    docs="https://docs.restate.dev/ai/patterns/tools",
)
def tool_effect_outside_step(use: Use, code: Durable) -> Iterator[Finding]:
    """
    A tool of an agent does something outside a step, so every replay does it again.

    What the model says is journaled: that it wants a tool, and with which arguments. What the tool does is not. After a crash or a wait,
    Restate runs the handler from its first line; the model's answers come from the journal, and the tools that they want are called once
    more. A request is sent again, and what the tool then tells the model is not what the rest of the journal was made from.

    ```python
    import httpx
    import restate
    from agents import Agent
    from restate.ext.openai import DurableRunner, durable_function_tool, restate_context

    assistant = restate.Service("assistant")


    async def post(city: str) -> str:
        async with httpx.AsyncClient() as client:
            return (await client.post("https://weather.test", json={"city": city})).text


    @durable_function_tool
    async def get_weather(city: str) -> str:
        return await post(city)  # expect: REA952 "hand it to `restate_context().run_typed`"


    agent = Agent(name="Weather", instructions="Tell the weather.", tools=[get_weather])


    @assistant.handler()
    async def ask(ctx: restate.Context, prompt: str) -> str:
        return str((await DurableRunner.run(agent, prompt)).final_output)
    ```

    The tool does it in a step, with the context of the handler that runs the agent:

    ```python fixed unsafe
    import httpx
    import restate
    from agents import Agent
    from restate.ext.openai import DurableRunner, durable_function_tool, restate_context

    assistant = restate.Service("assistant")


    async def post(city: str) -> str:
        async with httpx.AsyncClient() as client:
            return (await client.post("https://weather.test", json={"city": city})).text


    @durable_function_tool
    async def get_weather(city: str) -> str:
        return await restate_context().run_typed("post", post, city=city)


    agent = Agent(name="Weather", instructions="Tell the weather.", tools=[get_weather])


    @assistant.handler()
    async def ask(ctx: restate.Context, prompt: str) -> str:
        return str((await DurableRunner.run(agent, prompt)).final_output)
    ```

    The tools of all frameworks are found, by decorator and by list. `RestateAgent(agent, auto_wrap_tools=True)` puts each tool into a step
    by itself, and the tool of an agent that no handler runs is no durable code:

    ```python
    import requests
    import restate
    from pydantic_ai import Agent, RunContext
    from restate.ext.pydantic import RestateAgent

    assistant = restate.Service("assistant")
    plain = Agent("openai:gpt-5")
    wrapped = Agent("openai:gpt-5")
    unused = Agent("openai:gpt-5")


    @plain.tool
    async def order(_: RunContext[None], item: str) -> None:
        requests.post("https://shop.test", json=item, timeout=5)  # expect: REA952 "`requests.post` runs in a tool of an agent"


    @wrapped.tool_plain
    async def order_once(item: str) -> None:
        requests.post("https://shop.test", json=item, timeout=5)


    @unused.tool_plain
    async def never(item: str) -> None:
        requests.post("https://shop.test", json=item, timeout=5)


    plain_agent = RestateAgent(plain)
    wrapped_agent = RestateAgent(wrapped, auto_wrap_tools=True)


    @assistant.handler()
    async def ask(ctx: restate.Context, prompt: str) -> str:
        return (await plain_agent.run(prompt)).output + (await wrapped_agent.run(prompt)).output
    ```
    """
    if not use.primitive.startswith(reaching.INGRESS):  # that is ingress-client-in-handler
        yield from words.tool_effect(use, code, AGAIN[use.effect])
