"""REA505: an app has two services of one name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rea_lint.diagnostic import Finding, Related, Severity
from rea_lint.project import Project
from rea_lint.rule import rule
from rea_lint.rules import defining

if TYPE_CHECKING:
    from rea_lint.text import Span


@rule("REA505", "duplicate-service", Severity.ERROR, docs="https://docs.restate.dev/develop/python/serving")
def duplicate_service(project: Project) -> Iterator[Finding]:
    """
    Two services that are bound to one app have the same name.

    `restate.app` refuses the second: `ValueError: Service greeter already exists`, and the program does not start. It does not matter of
    which kind they are, and the same service twice is refused too.

    ```python fails="import error"
    import restate

    greeter = restate.Service("greeter")
    counter = restate.VirtualObject("greeter")

    app = restate.app([greeter, counter])  # expect: REA505 "two services are called `greeter`"
    ```

    ```python
    import restate

    greeter = restate.Service("greeter")
    counter = restate.VirtualObject("counter")

    app = restate.app([greeter, counter])
    ```

    Two apps may each have one, and a name that is computed may be another.

    ```python
    import sys

    import restate

    greeter = restate.Service("greeter")
    other = restate.Service("greeter")
    third = restate.Service(f"greeter{len(sys.argv)}")

    app = restate.app([greeter, third])
    test_app = restate.app(services=(other,))
    ```
    """
    for app in project.once(defining.apps):
        named: dict[str, Span] = {}
        for service, span in app.services:
            name = defining.service_name(project, service)
            if name is None:
                continue
            first = named.setdefault(name[0], span)
            if first != span:
                related = (Related(app.path, first, f"the first `{name[0]}`"),)
                yield Finding(
                    span,
                    f"two services are called `{name[0]}`, and binding the second raises `ValueError` at import; give one of them another name.",
                    None,
                    related,
                    path=app.path,
                )
