"""REA507: a name that the server refuses."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rea_lint.diagnostic import Finding, Severity
from rea_lint.project import Handler, Project, Service
from rea_lint.rule import rule
from rea_lint.rules import defining

SERVICE = re.compile(r"([a-zA-Z]|_[a-zA-Z0-9])[a-zA-Z0-9._-]*")
HANDLER = re.compile(r"([a-zA-Z]|_[a-zA-Z0-9])[a-zA-Z0-9_]*")
"""What restate-server 1.7 accepts; it says so itself when it refuses a deployment."""


@rule("REA507", "invalid-name", Severity.ERROR, docs="https://docs.restate.dev/develop/python/services")
def invalid_name(thing: Service | Handler, project: Project) -> Iterator[Finding]:
    """
    A service or handler has a name that restate-server does not accept.

    The SDK takes any name. The server refuses the whole deployment when it is registered, with all other services of it: "doesn't match
    pattern", or META0005 for a reserved name. A service's name begins with a letter, or an underscore and a letter or digit; letters, digits,
    `_`, `-` and `.` follow. A handler's name has no `-` and no `.`. Names of services that begin with `restate`, in upper or lower case, and
    `openapi` are reserved.

    ```python fails="deployment refused"
    import restate

    orders = restate.Service("order service")  # expect: REA507 "refuses the deployment"
    checks = restate.VirtualObject("restateChecks")  # expect: REA507 "is reserved"


    @orders.handler("place-order")  # expect: REA507 "refuses the deployment"
    async def place(ctx: restate.Context, item: str) -> None: ...


    @orders.handler()
    async def __check(ctx: restate.Context, item: str) -> None: ...  # expect: REA507 "refuses the deployment"
    ```

    ```python
    import restate

    PLACE = "place-order"

    orders = restate.Service("order-service.v1")
    checks = restate.VirtualObject("openapiChecks")
    named = restate.Service(PLACE)


    @orders.handler("place_order")
    async def place(ctx: restate.Context, item: str) -> None: ...


    @orders.handler(name=f"_{PLACE}")
    async def __check(ctx: restate.Context, item: str) -> None: ...


    @orders.handler(None)
    async def restate_it(ctx: restate.Context, item: str) -> None: ...
    ```
    """
    is_service = isinstance(thing, Service)
    named = defining.service_name(project, thing) if isinstance(thing, Service) else defining.name_of(project, thing)
    if named is None:
        return
    name, span = named
    if is_service and (name.lower().startswith("restate") or name.lower() == "openapi"):
        yield Finding(span, f"`{name}` is reserved: restate-server refuses the deployment (META0005); give the service another name.")
    elif not (SERVICE if is_service else HANDLER).fullmatch(name):
        allowed = "letters, digits, `_`, `-` and `.`" if is_service else "letters, digits and `_`"
        yield Finding(
            span,
            f"`{name}` is no name for a {'service' if is_service else 'handler'}: restate-server refuses the deployment; use {allowed}, and begin"
            " with a letter.",
        )
