"""Shipments: one workflow for each order, from the label to the door."""

import uuid
from datetime import datetime, timedelta

import clients
import restate

shipments = restate.Workflow("Shipment")


@shipments.main()
async def ship(ctx: restate.WorkflowContext, address: str) -> str:
    """The parcel's number, once it is delivered."""
    parcel = str(uuid.uuid4())
    ctx.set("parcel", parcel)

    if after_hours():
        await ctx.sleep(timedelta(hours=12))
    await ctx.run_typed("print label", clients.print_label, parcel=parcel, address=address)

    while await ctx.run_typed("track", clients.track, parcel=parcel) != "delivered":
        await ctx.sleep(timedelta(minutes=10))
    return parcel


@shipments.handler()
async def where(ctx: restate.WorkflowSharedContext) -> str | None:
    """The parcel's number, if it has one yet."""
    return await ctx.get("parcel", type_hint=str)


def after_hours() -> bool:
    """Whether the warehouse is closed."""
    return not 6 <= datetime.now().hour < 18
