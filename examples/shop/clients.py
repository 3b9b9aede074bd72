"""What the shop calls over HTTP: the payment provider, the mailer, the parcel service and the supplier."""

from typing import Any

import httpx


class Api:
    """One partner's HTTP interface."""

    def __init__(self, url: str) -> None:
        self._http = httpx.AsyncClient(base_url=url, timeout=10)

    async def post(self, path: str, **body: Any) -> dict[str, Any]:
        response = await self._http.post(path, json=body)
        response.raise_for_status()
        return response.json()

    async def get(self, path: str) -> dict[str, Any]:
        response = await self._http.get(path)
        response.raise_for_status()
        return response.json()


payments = Api("https://payments.example.com")
mailer = Api("https://mail.example.com")
parcels = Api("https://parcels.example.com")
supplier = Api("https://supplier.example.com")


async def charge(customer: str, cents: int) -> str:
    """The id of the charge."""
    receipt = await payments.post("/charges", customer=customer, cents=cents)
    return receipt["id"]


async def refund(charge_id: str) -> None:
    await payments.post(f"/charges/{charge_id}/refund")


async def confirm(customer: str, order_id: str) -> None:
    await mailer.post("/send", to=customer, subject=f"Your order {order_id}")


async def print_label(parcel: str, address: str) -> None:
    await parcels.post("/labels", parcel=parcel, address=address)


async def track(parcel: str) -> str:
    """`waiting`, `moving` or `delivered`."""
    return (await parcels.get(f"/parcels/{parcel}"))["status"]


async def reorder(item: str, answer_to: str) -> None:
    """Ask the supplier, who resolves the awakeable `answer_to` with the number of pieces."""
    await supplier.post("/orders", item=item, answer_to=answer_to)
