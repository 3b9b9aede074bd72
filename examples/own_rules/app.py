"""A service that breaks both rules of the house, once each."""

import restate

mail = restate.Service("mail")
orders = restate.Service("orders")


@mail.handler()
async def send(ctx: restate.Context, text: str) -> None: ...


async def pack(order: str) -> str:
    return f"packed {order}"


@orders.handler()
async def place(ctx: restate.Context, order: str) -> None:
    packed = await ctx.run_typed("Pack the order", pack, order=order)
    ctx.service_send(send, arg=packed)
