"""A client of a language server that speaks over stdio: as much of the protocol as a test needs."""

from __future__ import annotations

import json
import queue
import subprocess
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

WAIT = 60  # seconds for an answer, on a machine that has much else to do


class Client:
    """A server that is started, asked, and stopped."""

    def __init__(self, program: Path, root: Path) -> None:
        self._server = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=root)
        self._root = root
        self._answers: queue.Queue[dict[str, Any]] = queue.Queue()
        self._shown: queue.Queue[dict[str, Any]] = queue.Queue()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._version = 1
        self._last = 0

    def __enter__(self) -> Client:  # noqa: PYI034 -- `Self` came with 3.11
        self._listener.start()
        self.request("initialize", {"processId": None, "rootUri": self._root.as_uri(), "capabilities": {}})
        self._notify("initialized", {})
        return self

    def __exit__(self, *_: object) -> None:
        self._server.kill()
        self._listener.join()
        self._server.__exit__(None, None, None)  # closes its streams, and waits for it

    def open(self, uri: str, text: str) -> None:
        self._notify("textDocument/didOpen", {"textDocument": {"uri": uri, "languageId": "python", "version": 1, "text": text}})

    def change(self, uri: str, text: str) -> None:
        self._version += 1
        document = {"uri": uri, "version": self._version}
        self._notify("textDocument/didChange", {"textDocument": document, "contentChanges": [{"text": text}]})

    def diagnostics(self, uri: str, source: str) -> list[dict[str, Any]]:
        """What is shown next of a document by one source."""
        while (shown := self._shown.get(timeout=WAIT))["uri"] != uri:
            pass
        return [each for each in shown["diagnostics"] if each.get("source") == source]

    def request(self, method: str, params: object) -> Any:
        self._last += 1
        self._send({"id": self._last, "method": method, "params": params})
        while (answer := self._answers.get(timeout=WAIT)).get("id") != self._last:
            pass
        assert "error" not in answer, answer
        return answer["result"]

    def _notify(self, method: str, params: object) -> None:
        self._send({"method": method, "params": params})

    def _send(self, message: dict[str, Any]) -> None:
        data = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self._server.stdin is not None
        self._server.stdin.write(b"Content-Length: %d\r\n\r\n" % len(data) + data)
        self._server.stdin.flush()

    def _listen(self) -> None:
        stream = self._server.stdout
        assert stream is not None
        while line := stream.readline():
            if not line.lower().startswith(b"content-length:"):
                continue
            length = int(line.split(b":")[1])
            while stream.readline().strip():
                pass
            message = json.loads(stream.read(length))
            if message.get("method") == "textDocument/publishDiagnostics":
                self._shown.put(message["params"])
            elif "method" not in message:
                self._answers.put(message)
