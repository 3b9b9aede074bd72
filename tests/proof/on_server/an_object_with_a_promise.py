# outcome: retried with RT0017
import restate

orders = restate.VirtualObject("orders")


@orders.handler()
async def place(ctx: restate.WorkflowContext, item: str) -> None:
    await ctx.promise("paid").resolve(item)
