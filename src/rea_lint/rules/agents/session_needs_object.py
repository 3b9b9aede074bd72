"""REA957: a session in state that the handler does not have."""

from __future__ import annotations

from collections.abc import Iterator

from rea_lint.diagnostic import Finding, Severity
from rea_lint.durable import Durable
from rea_lint.project import AgentRun
from rea_lint.rule import rule
from rea_lint.rules import running

WHY = {
    "service": ("a handler of a service, which has no state", "make it a `restate.VirtualObject`"),
    "shared": ("a shared handler, which may not write state", "make it an exclusive one"),
}


@rule("REA957", "session-needs-object", Severity.ERROR, docs="https://docs.restate.dev/ai/patterns/sessions")
def session_needs_object(run: AgentRun, code: Durable) -> Iterator[Finding]:
    """
    An agent keeps its conversation in the state of a virtual object, and the handler is none of an object, or may not write.

    `DurableRunner.run(..., use_restate_session=True)`, `RestateSession` and `RestateSessionService` read and write state with the context
    of the handler that runs the agent. A `restate.Service` has no keys, and so no state: Restate refuses the operation (RT0017), and the
    invocation is retried for ever. In a shared handler it may be read, but not written.

    ```python
    import restate
    from agents import Agent
    from restate.ext.openai import DurableRunner

    chat = restate.Service("chat")
    agent = Agent(name="Assistant", instructions="Help.")


    @chat.handler()
    async def message(ctx: restate.Context, text: str) -> str:
        result = await DurableRunner.run(agent, text, use_restate_session=True)  # expect: REA957 "`chat.message` is a handler of a service"
        return str(result.final_output)
    ```

    Make it a virtual object, with a key for each conversation:

    ```python
    import restate
    from agents import Agent
    from restate.ext.openai import DurableRunner

    chat = restate.VirtualObject("chat")
    agent = Agent(name="Assistant", instructions="Help.")


    @chat.handler()
    async def message(ctx: restate.ObjectContext, text: str) -> str:
        result = await DurableRunner.run(agent, text, use_restate_session=True)
        return str(result.final_output)
    ```

    Sessions of Google's ADK are found where the runner is made. A session that is kept elsewhere, or is not used, needs no object:

    ```python
    import restate
    from agents import Agent, SQLiteSession
    from google.adk.agents import LlmAgent
    from google.adk.runners import Runner
    from restate.ext.adk import RestatePlugin, RestateSessionService
    from restate.ext.openai import DurableRunner

    chat = restate.Service("chat")
    rooms = restate.VirtualObject("rooms")
    agent = Agent(name="Assistant", instructions="Help.")
    root = LlmAgent(name="assistant", model="gemini-2.5-flash")
    runner = Runner(app_name="chat", agent=root, plugins=[RestatePlugin()], session_service=RestateSessionService())


    @chat.handler()
    async def message(ctx: restate.Context, text: str) -> str:
        await DurableRunner.run(agent, text, use_restate_session=False)
        return str((await DurableRunner.run(agent, text, session=SQLiteSession("s"))).final_output)


    @rooms.handler(kind="shared")
    async def look(ctx: restate.ObjectSharedContext, text: str) -> str:
        events = runner.run_async(user_id="u", session_id="s", new_message=text)  # expect: REA957 "`rooms.look` is a shared handler"
        return str([event async for event in events])
    ```
    """
    call = run.made.call
    if not _keeps_in_object(run):
        return
    for kind in sorted(WHY.keys() & code.project.kinds(run.made.function)):
        handler = next(h.display for h in code.project.reached_by(run.made.function) if h.kind == kind)
        why, instead = WHY[kind]
        yield Finding(
            call.span,
            f"`{running.written(call, code)}` keeps the conversation in the state of an object, and `{handler}` is {why}: Restate refuses it, and"
            f" retries the invocation for ever; {instead}.",
        )
        return


def _keeps_in_object(run: AgentRun) -> bool:
    stores = run.made.call.argument(None, run.made.part.stores) if run.made.part.stores else None
    return (stores is not None and stores.literal == "True") or any(s.part.kind == "session" and not s.part.volatile for s in run.sessions)
