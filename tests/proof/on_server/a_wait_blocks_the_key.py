# outcome: other calls wait
import restate

orders = restate.VirtualObject("orders")
payments = restate.Service("payments")


@payments.handler()
async def pay(ctx: restate.Context, item: str) -> str:
    approval, approved = ctx.awakeable(type_hint=str)
    await ctx.run_typed("ask", lambda: approval)
    return await approved


@orders.handler()
async def place(ctx: restate.ObjectContext, item: str) -> str:
    return await ctx.service_call(pay, arg=item)
