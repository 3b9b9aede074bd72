"""The shop's endpoint: serve `app` with any ASGI server, for example `hypercorn app:app`."""

import restate
from checkout import checkout
from shipping import shipments
from stock import stock

app = restate.app([checkout, shipments, stock])
