"""REA958: a conversation that is kept in the memory of the process."""

from __future__ import annotations

from collections.abc import Iterator

from rea_lint.agents import Made, argument_at
from rea_lint.diagnostic import Finding, Related, Severity
from rea_lint.project import Project
from rea_lint.rule import rule
from rea_lint.rules import running

INSTEAD = {
    "agents.": "keep it in a virtual object: `DurableRunner.run(..., use_restate_session=True)`",
    "google.adk.": "keep it in a virtual object: `RestateSessionService()` of `restate.ext.adk`",
    "langgraph.": "keep the messages in the state of a virtual object",
}


@rule("REA958", "volatile-session", Severity.WARNING, docs="https://docs.restate.dev/ai/patterns/sessions")
def volatile_session(project: Project) -> Iterator[Finding]:
    """
    A conversation is kept in the memory of the process, where an attempt finds what the one before it left.

    What is in memory is gone when the process is, and it is not the memory of the process in which Restate goes on: the agent has
    forgotten. In the same process it is worse: the attempt that failed has left its messages there, replay adds them once more, and the model
    is shown a conversation in which all is said twice, with calls of tools that nobody answered.

    ```python
    import restate
    from google.adk.agents import LlmAgent
    from google.adk.apps import App
    from google.adk.runners import Runner
    from google.adk.sessions import InMemorySessionService
    from restate.ext.adk import RestatePlugin

    chat = restate.VirtualObject("chat")
    app = App(name="chat", root_agent=LlmAgent(name="a", model="gemini-2.5-flash"), plugins=[RestatePlugin()])
    runner = Runner(app=app, session_service=InMemorySessionService())  # expect: REA958 "`RestateSessionService()` of `restate.ext.adk`"


    @chat.handler()
    async def message(ctx: restate.ObjectContext, text: str) -> str:
        events = runner.run_async(user_id=ctx.key(), session_id=ctx.key(), new_message=text)
        return str([event async for event in events])
    ```

    Restate's own sessions are in the state of the virtual object that runs the agent, and go with its journal:

    ```python
    import restate
    from google.adk.agents import LlmAgent
    from google.adk.apps import App
    from google.adk.runners import Runner
    from restate.ext.adk import RestatePlugin, RestateSessionService

    chat = restate.VirtualObject("chat")
    app = App(name="chat", root_agent=LlmAgent(name="a", model="gemini-2.5-flash"), plugins=[RestatePlugin()])
    runner = Runner(app=app, session_service=RestateSessionService())


    @chat.handler()
    async def message(ctx: restate.ObjectContext, text: str) -> str:
        events = runner.run_async(user_id=ctx.key(), session_id=ctx.key(), new_message=text)
        return str([event async for event in events])
    ```

    A session that the handler makes itself begins empty at each attempt, and replay fills it alike. One in a file lasts:

    ```python
    import restate
    from agents import Agent, SQLiteSession
    from langchain.agents import create_agent
    from langgraph.checkpoint.memory import InMemorySaver
    from restate.ext.langchain import RestateMiddleware
    from restate.ext.openai import DurableRunner

    chat = restate.VirtualObject("chat")
    agent = Agent(name="Assistant", instructions="Help.")
    lasting = SQLiteSession("lasting", "conversations.db")
    shared = SQLiteSession("shared")  # expect: REA958 "`DurableRunner.run(..., use_restate_session=True)`"
    unused = SQLiteSession("unused")
    graph = create_agent(model="openai:gpt-5", middleware=[RestateMiddleware()], checkpointer=InMemorySaver())  # expect: REA958


    @chat.handler()
    async def message(ctx: restate.ObjectContext, text: str) -> str:
        await DurableRunner.run(agent, text, session=SQLiteSession("own"))
        await DurableRunner.run(agent, text, session=lasting)
        await graph.ainvoke({"messages": text}, {"configurable": {"thread_id": ctx.key()}})
        return str((await DurableRunner.run(agent, text, session=shared)).final_output)
    ```
    """
    volatile: dict[Made, list[Related]] = {}
    for (path, span), run in project.agent_runs.items():
        for made in run.sessions:
            if made.part.volatile and made.function not in project.durable and not _lasts(made):
                volatile.setdefault(made, []).append(Related(path, span, "the agent runs here"))
    for made, related in volatile.items():
        instead = next(
            (text for library, text in INSTEAD.items() if made.name.startswith(library)), "keep it in the state of a virtual object"
        )
        yield Finding(
            made.call.span,
            f"`{running.short(made.name)}` keeps the conversation in the memory of the process: another process does not have it, and in the same one a"
            f" retry finds it with the messages of the attempt before, and adds them again; {instead}, or make it in the handler if it is for one call.",
            related=tuple(related),
            path=project.path_of(made.function),
        )


def _lasts(made: Made) -> bool:
    """Whether it is kept somewhere else, or may be."""
    given = (argument_at(made.call, place) for place in made.part.lasts)
    return made.call.unpacks or any(argument is not None and argument.literal not in {"':memory:'", '":memory:"'} for argument in given)
