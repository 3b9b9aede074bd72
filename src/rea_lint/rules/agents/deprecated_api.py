"""REA906: what the SDK has a better form of."""

from __future__ import annotations

import re
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
    for option in options.given(project, {OLD}) if not project.sdk.before("1.3") else ():
        if option.argument.literal != "None":
            said = f"`{OLD}` is deprecated since restate-sdk 1.3; use `{NEW}`, which says the opposite."
            yield Finding(option.argument.span, said, _fix(option, project), path=option.path)
    for path, call, made in options.harnesses(project) if not project.sdk.before("0.12") else ():
        if made == "restate.test_harness":
            said = (
                "`test_harness` is deprecated; use `async with restate.create_test_harness(app) as harness`, whose `client` calls handlers."
            )
            yield Finding(call.callee_span, said, path=path)


def _fix(option: Option, project: Project) -> Fix | None:
    """The other option with the other value."""
    source = project.sources.get(option.path)
    value = option.argument.span
    keyword = re.search(rf"\b{OLD}\s*=\s*$", source.text[: value.start]) if source is not None else None
    if keyword is None or option.argument.literal not in INVERTED:
        return None
    edit = Edit(Span(keyword.start(), value.end), f"{NEW}={INVERTED[option.argument.literal]}")
    return Fix(f"Use `{NEW}`", (edit,), Applicability.SAFE)
