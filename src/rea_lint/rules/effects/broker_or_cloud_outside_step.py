"""REA205: a broker, cloud or mail service that is called again on replay."""

from __future__ import annotations

from collections.abc import Iterator

from rea_lint import words
from rea_lint.diagnostic import Finding, Severity
from rea_lint.durable import Durable
from rea_lint.packs import Effect
from rea_lint.project import Use
from rea_lint.rule import rule


@rule(
    "REA205",
    "broker-or-cloud-outside-step",
    Severity.ERROR,
    effects=[Effect.BROKER],
    docs="https://docs.restate.dev/develop/python/durable-steps",
)
def broker_or_cloud_outside_step(use: Use, code: Durable) -> Iterator[Finding]:
    """
    A broker, cloud or mail service is called outside a step, so every replay calls it again.

    Restate replays a handler after a crash or a wait: it runs from its first line, and what the journal holds is not done again. A message
    is published, a mail sent, an object written once more at each attempt.

    ```python fails="effect ran 2 times"
    import smtplib
    from email.message import EmailMessage

    import restate

    orders = restate.VirtualObject("orders")


    def confirm(item: str) -> None:
        mail = EmailMessage()
        mail["Subject"] = f"Your order: {item}"
        with smtplib.SMTP("mail.test") as server:
            server.send_message(mail)


    @orders.handler()
    async def place(ctx: restate.ObjectContext, item: str) -> None:
        confirm(item)  # expect: REA205 "`app.confirm` calls `smtplib.SMTP`, which runs outside a step"
        ctx.set("item", item)
    ```

    In a step it is called once. That is one more journal entry, so the change goes out as a new deployment.

    ```python fixed unsafe
    import smtplib
    from email.message import EmailMessage

    import restate

    orders = restate.VirtualObject("orders")


    def confirm(item: str) -> None:
        mail = EmailMessage()
        mail["Subject"] = f"Your order: {item}"
        with smtplib.SMTP("mail.test") as server:
            server.send_message(mail)


    @orders.handler()
    async def place(ctx: restate.ObjectContext, item: str) -> None:
        await ctx.run_typed("confirm", lambda: confirm(item))
        ctx.set("item", item)
    ```

    Making a client calls nobody, a queue of the process is no broker, and steps may call what they like:

    ```python
    import queue

    import boto3
    import restate

    orders = restate.Service("orders")
    s3 = boto3.client("s3")


    def upload(name: str) -> None:
        s3.put_object(Bucket="orders", Key=name)


    class Outbox:
        def publish(self, text: str) -> str:
            return text


    @orders.handler()
    async def place(ctx: restate.Context, item: str) -> None:
        boto3.client("sqs")
        waiting: queue.Queue[str] = queue.Queue()
        waiting.put_nowait(Outbox().publish(item))
        await ctx.run_typed("upload", upload, name=item)
    ```

    Between Restate services no broker is needed: `ctx.service_send` is a durable message.
    """
    yield from words.effect(use, code, "the service is called again")
