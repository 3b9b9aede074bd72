# outcome: deadlock
import restate

orders = restate.VirtualObject("orders")
carts = restate.VirtualObject("carts")


@orders.handler()
async def price(ctx: restate.ObjectContext, item: str) -> int:
    return 3


@carts.handler()
async def total(ctx: restate.ObjectContext, item: str) -> int:
    return await ctx.object_call(price, key=ctx.key(), arg=item)


@orders.handler()
async def place(ctx: restate.ObjectContext, item: str) -> int:
    return await ctx.object_call(total, key=ctx.key(), arg=item)
