"""REA515: a serializer that gives other bytes each time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rea_lint.diagnostic import Finding, Related, Severity
from rea_lint.packs import Effect
from rea_lint.project import Project
from rea_lint.rule import rule

if TYPE_CHECKING:
    from rea_lint.facts import Refs
    from rea_lint.text import Span

EFFECTS = {Effect.CLOCK, Effect.RANDOM, Effect.UUID, Effect.IDENTITY, Effect.ORDER, Effect.ENVIRONMENT}
PICKLES = ("pickle.dump", "pickle.Pickler", "dill.dump", "cloudpickle.dump", "joblib.dump", "marshal.dump", "shelve.")
COMPARED = {"set", "promise", "resolve_awakeable", "resolve_signal"}
"""The operations that write with a serde what replay compares.  What a step gives, and what a handler returns, is not compared."""


@rule("REA515", "nondeterministic-serde", Severity.WARNING, docs="https://docs.restate.dev/develop/python/serialization")
def nondeterministic_serde(project: Project) -> Iterator[Finding]:
    """
    A serializer writes the same value as other bytes each time, and replay compares bytes.

    On replay, state that is set, arguments of calls and values of promises are serialized again, and compared with what the journal
    holds. A serializer that writes a time stamp, a random salt or an identity into them makes each replay a journal mismatch (RT0016).

    ```python fails="journal mismatch"
    import json
    import time

    import restate
    from restate.serde import Serde

    carts = restate.VirtualObject("carts")


    class Stamped(Serde):
        def serialize(self, obj):
            return json.dumps({"at": time.time(), "value": obj}).encode()  # expect: REA515 "`time.time` gives another value each time"

        def deserialize(self, buf):
            return json.loads(buf)["value"] if buf else None


    @carts.handler()
    async def add(ctx: restate.ObjectContext, item: str) -> None:
        ctx.set("item", item, serde=Stamped())
    ```

    What only the value decides is fine. `json.dumps` keeps the order of a dict, which is that of the journal again.

    ```python
    import json

    import restate
    from restate.serde import Serde

    carts = restate.VirtualObject("carts")


    class Versioned(Serde):
        def serialize(self, obj):
            return json.dumps({"version": 1, "value": obj}).encode()

        def deserialize(self, buf):
            return json.loads(buf)["value"] if buf else None


    @carts.handler()
    async def add(ctx: restate.ObjectContext, item: str) -> None:
        ctx.set("item", item, serde=Versioned())
    ```

    `pickle` is such a serializer too. It writes an object that is met a second time as a reference to the first, so what it writes depends on
    which equal objects are one object; and a set in the order of its hashes, which is another in each process.

    ```python
    import pickle

    import restate
    from restate.serde import Serde

    carts = restate.VirtualObject("carts")


    class Pickled(Serde):
        def serialize(self, obj):
            return pickle.dumps(obj)  # expect: REA515 "`pickle.dumps` writes equal values in several ways"

        def deserialize(self, buf):
            return pickle.loads(buf) if buf else None


    @carts.handler()
    async def add(ctx: restate.ObjectContext, item: str) -> None:
        ctx.set("items", {item}, serde=Pickled())
    ```

    The result of a step is serialized once, and a handler's result is not compared: there, it does not matter.

    ```python
    import pickle

    import restate
    from restate.serde import Serde

    carts = restate.VirtualObject("carts")


    class Pickled(Serde):
        def serialize(self, obj):
            return pickle.dumps(obj)

        def deserialize(self, buf):
            return pickle.loads(buf) if buf else None


    def load():
        return {"apple", "pear"}


    @carts.handler(output_serde=Pickled())
    async def show(ctx: restate.ObjectContext):
        return await ctx.run_typed("load", load, restate.RunOptions(serde=Pickled()))
    ```
    """
    for name, use in sorted(_used(project).items()):
        for method in project.classes[name].methods.get("serialize", ()):
            function = project.functions.get(method)
            for call in function.calls if function is not None else ():
                for value in sorted(project.resolve(call.callees)):
                    if value.startswith(PICKLES):
                        why = f"`{value}` writes equal values in several ways"
                    elif project.knowledge.effect(value, call, project.resolve) in EFFECTS:
                        why = f"`{value}` gives another value each time"
                    else:
                        continue
                    yield Finding(
                        call.span,
                        f"{why}: on replay the bytes differ from the journal's, a journal mismatch (RT0016); write only what the value decides.",
                        None,
                        (Related(use[0], use[1], "what is written here is compared on replay"),),
                        path=project.path_of(name),
                    )


def _used(project: Project) -> dict[str, tuple[str, Span]]:
    """The classes of the project that serialize what replay compares, each with a place where one does."""
    used: dict[str, tuple[str, Span]] = {}
    if not any("serialize" in each.methods for each in project.classes.values()):
        return used
    for path, facts in project.facts.items():
        for function in facts.functions.values():
            for call in function.calls:
                for argument in call.arguments:
                    if argument.keyword == "input_serde" or (argument.keyword == "serde" and _is_compared(project, call.callees)):
                        for value in project.resolve(argument.values):
                            if value.endswith("()") and value[:-2] in project.classes:
                                used.setdefault(value[:-2], (path, argument.span))
    return used


def _is_compared(project: Project, callees: Refs) -> bool:
    operations = (project.knowledge.operation(value) for value in project.resolve(callees) if not project.index.is_ours(value))
    return any(operation is not None and operation.name in COMPARED for operation in operations)
