"""Rules about definitions, where it takes an option, or more files than a page shows."""

from __future__ import annotations

from textwrap import dedent

import pytest

import harness
from rea_lint.diagnostic import Applicability

TWICE = """
import restate

greeter = restate.Service("greeter")


@greeter.handler()
async def greet(ctx: restate.Context) -> str:
    return "first"


@greeter.handler("greet")
async def other(ctx: restate.Context) -> str:
    return "second"
"""

ORDERS = """
import restate

orders = restate.Service("orders")
payments = restate.Service("payments")


@orders.handler()
async def place(ctx: restate.Context) -> None: ...


@payments.handler()
async def pay(ctx: restate.Context) -> None: ...
"""


def codes(texts: dict[str, str], **options: object) -> list[str]:
    run = harness.check({name: dedent(text) for name, text in texts.items()}, **options)
    assert not run.report.errors, run.report.errors[0].traceback
    return [line.partition(" error")[0].partition(" warning")[0] for line in run.lines]


@pytest.mark.parametrize(
    ("version", "words"), [("1.0.1", "SDK 1.0.1 replaces it"), ("1.1", "raises `ValueError`"), ("auto", "raises `ValueError`")]
)
def test_a_second_handler_of_a_name_replaced_the_first_up_to_sdk_1_0(version: str, words: str) -> None:
    (finding,) = harness.check({"app.py": TWICE}, sdk_version=version).diagnostics
    assert finding.code == "REA504"
    assert words in finding.message


@pytest.mark.parametrize(
    ("app", "found"),
    [
        ("app = restate.app([orders.orders])", ["orders.py:5 REA509"]),
        ("app = restate.app(services=(orders.orders,))", ["orders.py:5 REA509"]),
        ("SERVICES = [orders.orders]\napp = restate.app(SERVICES)", ["orders.py:5 REA509"]),
        ("app = restate.endpoint.Endpoint().bind(orders.orders).app()", ["orders.py:5 REA509"]),
        ("app = restate.app([orders.orders, orders.payments])", []),
        ("app = restate.app([orders.orders, *more()])", []),
        ("SERVICES = [orders.orders, more()]\napp = restate.app(SERVICES)", []),
        ("SERVICES = [orders.orders]\nSERVICES += more()\napp = restate.app(SERVICES)", []),
        ("app = restate.app([orders.orders])\nother = restate.app([orders.payments])", []),
        ("app = restate.app([orders.orders])\nother = restate.app(more())", []),
        ("app = restate.app([s for s in (orders.orders, orders.payments)])", []),
        ("app = restate.app([orders.orders])\nregister(orders.payments)", []),
        ("print(orders.orders)", []),
    ],
)
def test_a_service_is_missing_from_an_app_only_where_all_apps_are_known(app: str, found: list[str]) -> None:
    assert codes({"app.py": f"import restate\n\nimport orders\n\n{app}\n", "orders.py": ORDERS}) == found


def test_a_service_that_no_app_imports_may_be_served_elsewhere() -> None:
    assert codes({"app.py": "import restate\n\napp = restate.app([restate.Service('x')])\n", "orders.py": ORDERS}) == []


def test_services_of_one_name_keep_their_handlers_apart() -> None:
    flow = """
        import restate

        flow = restate.Workflow("flow")


        @flow.main()
        async def run(ctx: restate.WorkflowContext) -> None: ...
        """
    assert codes({"a.py": flow, "b.py": flow}) == []


@pytest.mark.parametrize(
    ("head", "annotation", "found"),
    [
        ("if TYPE_CHECKING:\n    from models import Order", "Order", 1),
        ("if TYPE_CHECKING:\n    from models import Order", "'Order'", 1),
        ("if TYPE_CHECKING:\n    from models import Order", "list[Order] | None", 1),
        ("if TYPE_CHECKING:\n    from models import Order", "list['Order']", 0),
        ("if typing.TYPE_CHECKING:\n    import models", "models.Order", 1),
        ("from __future__ import annotations\nif TYPE_CHECKING:\n    from models import Order", "Order", 1),
        ("from __future__ import annotations\nif TYPE_CHECKING:\n    from models import Order", "'Order'", 0),
        ("if TYPE_CHECKING:\n    from models import Order\nelse:\n    Order = dict", "Order", 0),
        ("if TYPE_CHECKING:\n    from models import Order\nfrom models import Order", "Order", 0),
        ("from models import Order", "Order", 0),
    ],
)
def test_an_annotation_needs_what_it_names_when_the_sdk_evaluates_it(head: str, annotation: str, found: int) -> None:
    future, _, rest = head.rpartition("annotations\n")
    text = f"""{future}{"annotations" if future else ""}
import typing
from typing import TYPE_CHECKING

import restate

{rest}

orders = restate.Service("orders")


@orders.handler()
async def place(ctx: restate.Context, order: {annotation}) -> None: ...
"""
    run = harness.check({"app.py": text, "models.py": "class Order: ...\n"})
    assert [diagnostic.code for diagnostic in run.diagnostics] == ["REA511"] * found


def test_an_import_that_others_share_is_moved_alone() -> None:
    text = """import typing

import restate

if typing.TYPE_CHECKING:
    from decimal import Decimal
    from fractions import Fraction

orders = restate.Service("orders")


@orders.handler()
async def place(ctx: restate.Context, price: "Decimal") -> None: ...
"""
    after = harness.fixed({"app.py": text}, Applicability.UNSAFE)["app.py"]
    assert after.startswith(
        "import typing\nfrom decimal import Decimal\n\nimport restate\n\nif typing.TYPE_CHECKING:\n    from fractions import Fraction\n\n"
    )


@pytest.mark.parametrize(
    ("annotation", "head", "after"),
    [
        ("restate.ObjectContext", "", "restate.Context"),
        ("r.ObjectContext", "import restate as r", "r.Context"),
        ("ObjectContext", "from restate import Context, ObjectContext", "Context"),
        ("ObjectContext", "from restate import ObjectContext\nContext = 3", "ObjectContext"),
        ("OC", "from restate import ObjectContext as OC", "OC"),
        ("'restate.ObjectContext'", "", "'restate.ObjectContext'"),
    ],
)
def test_a_context_is_renamed_where_the_right_name_means_the_right_thing(annotation: str, head: str, after: str) -> None:
    text = f"import restate\n{head}\nshop = restate.Service('shop')\n\n\n@shop.handler()\nasync def place(ctx: {annotation}) -> None: ...\n"
    assert codes({"app.py": text}) == [f"app.py:{text.count(chr(10), 0, text.index('async')) + 1} REA503"]
    assert f"(ctx: {after})" in harness.fixed({"app.py": text}, Applicability.SAFE)["app.py"]


def test_a_decorator_that_is_not_an_attribute_is_reported_without_a_fix() -> None:
    text = """
        import restate

        greeter = restate.Service("greeter")
        register = greeter.handler


        @register
        async def greet(ctx, name):
            return name
        """
    run = harness.check({"app.py": dedent(text)})
    assert [(diagnostic.code, diagnostic.fix) for diagnostic in run.diagnostics] == [("REA508", None)]


def test_a_handler_that_is_called_as_a_function_too_is_not_made_async() -> None:
    text = """
        import restate

        greeter = restate.Service("greeter")


        @greeter.handler()
        def greet(ctx, name):
            return f"Hello {name}"


        def main():
            print(greet(None, "Ada"))
        """
    run = harness.check({"app.py": dedent(text)})
    assert [(diagnostic.code, diagnostic.fix) for diagnostic in run.diagnostics] == [("REA501", None)]


def test_a_model_of_another_module_is_imported_for_its_type_hint() -> None:
    models = """
        from pydantic import BaseModel


        class Profile(BaseModel):
            name: str
        """
    app = """
        import restate

        import storing

        users = storing.users


        @users.handler(kind="shared")
        async def show(ctx: restate.ObjectSharedContext) -> str:
            profile = await ctx.get("profile")
            return profile.name
        """
    storing = """
        import restate

        from models import Profile

        users = restate.VirtualObject("users")


        @users.handler()
        async def save(ctx: restate.ObjectContext, profile: Profile) -> None:
            ctx.set("profile", profile)
        """
    texts = {"app.py": dedent(app), "models.py": dedent(models), "storing.py": dedent(storing)}
    assert codes(texts) == ["app.py:11 REA513"]
    after = harness.fixed(texts, Applicability.UNSAFE)["app.py"]
    assert "from models import Profile\n" in after
    assert 'await ctx.get("profile", type_hint=Profile)' in after


def test_invalid_escapes_are_no_business_of_ours() -> None:
    text = "import restate\n\nshop = restate.Service('shop')\n\n\n@shop.handler()\ndef place(ctx, item):\n    return '\\d'\n"
    assert codes({"app.py": text}) == ["app.py:7 REA501"]
