"""What runs an agent, as messages name it.  For the rules about agents."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rea_lint.agents import AgentRun
    from rea_lint.durable import Durable
    from rea_lint.facts import Call


def written(call: Call, code: Durable) -> str:
    """What a call calls, as it stands: `runner.run_async`; its last name, if that is long."""
    text = code.source.text[call.callee_span.start : call.callee_span.end]
    return text if text.replace(".", "").isidentifier() else text.rpartition(".")[2]


def short(name: str) -> str:
    """The last two names of a canonical one, or the last, if that is a class: `DurableRunner.run`, `RestateAgent`."""
    owner, _, last = name.replace("()", "").rpartition(".")
    return last if last[:1].isupper() else f"{owner.rpartition('.')[2]}.{last}".removeprefix("agents.")


def instead(run: AgentRun) -> str:
    """How an agent that is not durable is made so."""
    made = run.unguarded
    if made is None:
        return "run it through `restate.ext`"
    if not all(m.part.guards for m in run.agents):  # restate/ext/adk/plugin.py: "RestatePlugin only supports LlmAgent agents."
        return "run its agents one by one, each made durable by `restate.ext`"
    package, _, last = made.part.durably.removesuffix(".run").rpartition(".")
    if made.part.durably.endswith(".run"):
        return f"use `{last}.run` of `{package}`"
    if made is run.made:
        return f"run it as `{last}(...)` of `{package}`"
    return f"give `{short(made.name)}` `{made.part.guards[0]}=[{last}()]` of `{package}`"
