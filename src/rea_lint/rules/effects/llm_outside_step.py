"""REA206: a model that is asked again on replay."""

from __future__ import annotations

from collections.abc import Iterator

from rea_lint import words
from rea_lint.diagnostic import Finding, Severity
from rea_lint.durable import Durable
from rea_lint.packs import Effect
from rea_lint.project import Use
from rea_lint.rule import rule


@rule("REA206", "llm-outside-step", Severity.ERROR, effects=[Effect.LLM], docs="https://docs.restate.dev/develop/python/durable-steps")
def llm_outside_step(use: Use, code: Durable) -> Iterator[Finding]:
    """
    A language model is asked outside a step, so every replay asks it again.

    Restate replays a handler after a crash or a wait: it runs from its first line, and what the journal holds is not done again. A model
    that is asked outside a step is asked, and paid, at each attempt. It also answers something else each time: if the answer decides what
    the handler does, replay does something else than the journal says, and fails with a journal mismatch (RT0016).

    ```python fails="effect ran 2 times"
    import restate
    from openai import AsyncOpenAI

    writer = restate.VirtualObject("writer")
    client = AsyncOpenAI()


    async def ask(prompt: str) -> str:
        answer = await client.chat.completions.create(model="gpt-5", messages=[{"role": "user", "content": prompt}])
        return answer.choices[0].message.content or ""


    @writer.handler()
    async def write(ctx: restate.ObjectContext, topic: str) -> None:
        text = await ask(f"Write about {topic}")  # expect: REA206 "the model is asked, and paid, again on every replay"
        ctx.set("text", text)
    ```

    In a step it is asked once, and the journal holds the answer. That is one more journal entry, so the change goes out as a new deployment.
    Limit the step's attempts (`restate.RunOptions(max_attempts=3)`): each costs money.

    ```python fixed unsafe
    import restate
    from openai import AsyncOpenAI

    writer = restate.VirtualObject("writer")
    client = AsyncOpenAI()


    async def ask(prompt: str) -> str:
        answer = await client.chat.completions.create(model="gpt-5", messages=[{"role": "user", "content": prompt}])
        return answer.choices[0].message.content or ""


    @writer.handler()
    async def write(ctx: restate.ObjectContext, topic: str) -> None:
        text = await ctx.run_typed("ask", ask, prompt=f"Write about {topic}")
        ctx.set("text", text)
    ```

    Agents that are run through Restate's integrations (`restate.ext.openai.DurableRunner`, `RestateAgent`, `RestateMiddleware`,
    `RestatePlugin`) put each model call into a step by themselves. A client that is only made is fine as well:

    ```python
    import restate
    from agents import Agent
    from anthropic import AsyncAnthropic
    from restate.ext.openai import DurableRunner

    writer = restate.Service("writer")
    agent = Agent(name="writer", instructions="Write.")


    class Messages:
        def create(self, text: str) -> str:
            return text


    @writer.handler()
    async def write(ctx: restate.Context, topic: str) -> str:
        AsyncAnthropic(api_key="none")
        result = await DurableRunner.run(agent, Messages().create(topic))
        return str(result.final_output)
    ```
    """
    yield from words.effect(use, code, "the model is asked, and paid, again")
