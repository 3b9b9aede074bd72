# outcome: retried with RT0017
import restate

orders = restate.Service("orders")


@orders.handler()
async def place(ctx: restate.ObjectContext, item: str) -> None:
    ctx.set("item", item)
