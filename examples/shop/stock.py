"""The stock: one object for each item."""

import clients
import restate

stock = restate.VirtualObject("Stock")


@stock.handler()
async def take(ctx: restate.ObjectContext, pieces: int) -> int:
    """Take pieces from the stock, ordering more where it has too few; gives how many are left."""
    left = await ctx.get("pieces", type_hint=int) or 0
    if left < pieces:
        answer_to, answer = ctx.awakeable(type_hint=int)
        await ctx.run_typed("reorder", clients.reorder, item=ctx.key(), answer_to=answer_to)
        left += await answer

    def book() -> int:
        ctx.set("pieces", left - pieces)
        return left - pieces

    return await ctx.run_typed("book", book)


@stock.handler(kind="shared")
async def look(ctx: restate.ObjectSharedContext) -> int:
    """How many pieces there are."""
    return await ctx.get("pieces", type_hint=int) or 0
