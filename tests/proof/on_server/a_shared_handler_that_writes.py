# outcome: retried with RT0017
import restate

orders = restate.VirtualObject("orders")


@orders.handler(kind="shared")
async def place(ctx: restate.ObjectContext, item: str) -> None:
    ctx.set("item", item)
