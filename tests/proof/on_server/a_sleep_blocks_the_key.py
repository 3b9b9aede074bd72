# outcome: other calls wait
from datetime import timedelta

import restate

orders = restate.VirtualObject("orders")


@orders.handler()
async def place(ctx: restate.ObjectContext, item: str) -> None:
    await ctx.sleep(timedelta(seconds=2))
