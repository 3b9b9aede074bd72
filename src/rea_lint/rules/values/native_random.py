"""REA102: randomness that replay draws again."""

from __future__ import annotations

from collections.abc import Iterator

from rea_lint import words
from rea_lint.diagnostic import Finding, Severity
from rea_lint.durable import Durable
from rea_lint.packs import Effect
from rea_lint.project import Use
from rea_lint.rule import rule


@rule("REA102", "native-random", Severity.ERROR, effects=[Effect.RANDOM], docs="https://docs.restate.dev/develop/python/durable-steps")
def native_random(use: Use, code: Durable) -> Iterator[Finding]:
    """
    Randomness is drawn outside a step, so replay draws something else.

    Restate replays a handler after a crash or a wait. `random`, `secrets` and `os.urandom` then give other numbers than the ones that
    led to what is in the journal: a branch goes the other way, or an operation gets another argument, and the invocation fails with a
    journal mismatch (RT0016), again at every retry.

    ```python fails="journal mismatch"
    import random

    import restate

    prizes = restate.VirtualObject("prizes")


    @prizes.handler()
    async def draw(ctx: restate.ObjectContext) -> None:
        ctx.set("number", random.random())  # expect: REA102 "reaches `ctx.set`"
    ```

    `ctx.random()` is a generator that is seeded by the invocation: it gives the same numbers each time, and journals nothing.

    ```python fixed
    import restate

    prizes = restate.VirtualObject("prizes")


    @prizes.handler()
    async def draw(ctx: restate.ObjectContext) -> None:
        ctx.set("number", ctx.random().random())
    ```

    Its numbers can be predicted by whoever knows the invocation's id, so a secret is no work for it. Draw secrets in a step, and the
    journal holds them:

    ```python fails="journal mismatch"
    import secrets

    import restate

    tokens = restate.VirtualObject("tokens")


    @tokens.handler()
    async def issue(ctx: restate.ObjectContext) -> None:
        token = secrets.token_hex(16)  # expect: REA102 "draw it in a step"
        ctx.set("token", token)
    ```

    ```python fixed unsafe
    import secrets

    import restate

    tokens = restate.VirtualObject("tokens")


    @tokens.handler()
    async def issue(ctx: restate.ObjectContext) -> None:
        token = await ctx.run_typed("token_hex", lambda: secrets.token_hex(16))
        ctx.set("token", token)
    ```

    A generator with a seed of its own is fine, if the seed is. One without is not:

    ```python
    import random

    import restate

    games = restate.VirtualObject("games")


    @games.handler()
    async def roll(ctx: restate.ObjectContext, seed: int) -> None:
        seeded = random.Random(seed)
        ctx.set("seeded", seeded.randint(1, 6))
        ctx.set("ours", ctx.random().randint(1, 6))
        rolled = await ctx.run_typed("roll", lambda: random.randint(1, 6))
        ctx.set("rolled", rolled)


    class Deck:
        def shuffle(self) -> str:
            return "the same"


    @games.handler()
    async def shuffle(ctx: restate.ObjectContext) -> None:
        ctx.set("deck", Deck().shuffle())
        unseeded = random.Random()  # expect: REA102
        ctx.set("unseeded", unseeded.randint(1, 6))
    ```

    How bad it is depends on where the number goes: only worth knowing if that is the handler's result, a log line or the length of a
    sleep, which replay does not compare; a warning if a step uses it.

    ruff's S311 asks for `secrets` instead of `random`: in a handler that is as wrong, outside a step.
    """
    fix = words.replacement(use, code) or words.step(use, code)
    yield from words.value(use, code, instead=words.advice(use, code, "draw it in a step"), fix=fix)
