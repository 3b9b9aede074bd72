"""REA906: what the SDK has a better form of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rea_lint.diagnostic import Applicability, Finding, Fix, Severity
from rea_lint.project import Project
from rea_lint.rule import rule
from rea_lint.rules import options
from rea_lint.text import Edit, Span

if TYPE_CHECKING:
    from rea_lint.rules.options import Option

OLD, NEW = "enable_lazy_state", "state_preload"
INVERTED = {"True": "False", "False": "True"}


@rule("REA906", "deprecated-api", Severity.INFO, docs="https://docs.restate.dev/changelog/python-sdk")
def deprecated_api(project: Project) -> Iterator[Finding]:
    """
    The code uses what the SDK keeps for older programs only.

    `enable_lazy_state` is deprecated since SDK 1.3 for `state_preload`, which says the opposite, and can name the keys to load as well.

    ```python
    import restate

    carts = restate.VirtualObject("carts", enable_lazy_state=True)  # expect: REA906 "`state_preload`"


    @carts.handler(enable_lazy_state=False)  # expect: REA906 "`state_preload`"
    async def add(ctx: restate.ObjectContext, item: str) -> None:
        ctx.set("item", item)
    ```

    ```python fixed
    import restate

    carts = restate.VirtualObject("carts", state_preload=False)


    @carts.handler(state_preload=True)
    async def add(ctx: restate.ObjectContext, item: str) -> None:
        ctx.set("item", item)
    ```

    `restate.test_harness` is deprecated for `restate.create_test_harness` (SDK 0.12), an asynchronous context manager with a client for the
    ingress:

    ```python
    import restate

    orders = restate.Service("orders")
    app = restate.app([orders])


    def test_harness(number: int) -> int:
        return number


    def test_old() -> None:
        test_harness(1)
        with restate.test_harness(app, always_replay=True) as harness:  # expect: REA906 "`test_harness` is deprecated"
            harness.ingress_client()


    async def test_new() -> None:
        async with restate.create_test_harness(app, always_replay=True) as harness:
            assert harness.client
    ```
    """
    for option in options.given(project, {OLD}):
        if option.argument.literal != "None":
            yield Finding(
                option.argument.span,
                f"`{OLD}` is deprecated since restate-sdk 1.3; use `{NEW}`, which says the opposite.",
                _fix(option),
                path=option.path,
            )
    for path, call, made in options.harnesses(project):
        if made == "restate.test_harness":
            said = (
                "`test_harness` is deprecated; use `async with restate.create_test_harness(app) as harness`, whose `client` calls handlers."
            )
            yield Finding(call.callee_span, said, path=path)


def _fix(option: Option) -> Fix | None:
    """The other option with the other value, where the places say that nothing but one space stands between: texts are not at hand here."""
    literal = option.argument.literal
    before = max((a.span.end for a in option.call.arguments if a.span.end <= option.argument.span.start), default=None)
    lead = "(" if before is None else ", "
    start = (option.call.callee_span.end if before is None else before) + len(lead)
    if literal not in INVERTED or start + len(OLD) + 1 != option.argument.span.start:
        return None
    return Fix(f"Use `{NEW}`", (Edit(Span(start, option.argument.span.end), f"{NEW}={INVERTED[literal]}"),), Applicability.SAFE)
