# outcome: deadlock
import restate

orders = restate.VirtualObject("orders")


@orders.handler()
async def price(ctx: restate.ObjectContext, item: str) -> int:
    return 3


@orders.handler()
async def place(ctx: restate.ObjectContext, item: str) -> int:
    return await ctx.object_call(price, key=ctx.key(), arg=item)
