# outcome: completed
from datetime import timedelta

import restate

orders = restate.VirtualObject("orders")


@orders.handler(kind="shared")
async def place(ctx: restate.ObjectSharedContext, item: str) -> None:
    await ctx.sleep(timedelta(seconds=2))
