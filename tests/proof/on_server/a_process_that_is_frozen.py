# outcome: innocent invocations suffer
from datetime import timedelta

import restate

orders = restate.Service("orders")


@orders.handler()
async def place(ctx: restate.Context, item: str) -> None:
    while True:
        try:
            await ctx.sleep(timedelta(seconds=1))
            break
        except:
            continue
