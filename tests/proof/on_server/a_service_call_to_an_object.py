# outcome: completed
import restate

orders = restate.VirtualObject("orders")
shop = restate.Service("shop")


@orders.handler()
async def place(ctx: restate.ObjectContext, item: str) -> str:
    return ctx.key()


@shop.handler()
async def buy(ctx: restate.Context, item: str) -> None:
    """The server takes it: the object's key is empty."""
    assert await ctx.service_call(place, arg=item) == ""
