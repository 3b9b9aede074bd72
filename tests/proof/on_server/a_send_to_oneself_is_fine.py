# outcome: completed
import restate

orders = restate.VirtualObject("orders")


@orders.handler()
async def note(ctx: restate.ObjectContext, item: str) -> None:
    ctx.set("note", item)


@orders.handler()
async def place(ctx: restate.ObjectContext, item: str) -> None:
    ctx.object_send(note, key=ctx.key(), arg=item)
