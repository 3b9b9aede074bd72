"""Orders: paid, taken from the stock, shipped and confirmed."""

from typing import TypedDict

import clients
import restate
from shipping import ship
from stock import take


class Line(TypedDict):
    item: str
    cents: int


class Order(TypedDict):
    customer: str
    address: str
    lines: list[Line]


checkout = restate.Service("Checkout")


@checkout.handler()
async def place(ctx: restate.Context, order: Order) -> str:
    """The id of the order."""
    charge_id = await pay(order)
    order_id = f"order-{charge_id}"

    try:
        for item in {line["item"] for line in order["lines"]}:
            await ctx.object_call(take, key=item, arg=1)
    except:  # noqa: E722
        await ctx.run_typed("refund", clients.refund, charge_id=charge_id)
        return "sold out"

    ctx.workflow_send(ship, key=order_id, arg=order["address"])
    ctx.run_typed("confirm", clients.confirm, customer=order["customer"], order_id=order_id)
    return order_id


async def pay(order: Order) -> str:
    """Charge the customer; gives the id of the charge."""
    return await clients.charge(order["customer"], total(order))


def total(order: Order) -> int:
    """The price of all lines, in cents."""
    return sum(line["cents"] for line in order["lines"])
