"""Programs on a real restate-server: plain, replayed at every await, and broken off after each command.

`Server` is the side of the tests.  Run as a script, inside a network namespace of its own, this starts the server and plays a job a line,
as `worker` does, with the same answers.  The binary comes from npm: `python -m proof.install`.
"""

from __future__ import annotations

import contextlib
import copy
import http.client
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

CACHE = Path(os.environ.get("REA_LINT_PROOF", Path.home() / ".cache" / "rea-lint-proof"))
BINARY = CACHE / "node_modules" / "@restatedev" / "restate-server-linux-x64" / "bin" / "restate-server"

INGRESS, ADMIN = 8080, 9070

SETTINGS = {
    "RESTATE_DEFAULT_RETRY_POLICY__INITIAL_INTERVAL": "20ms",
    "RESTATE_DEFAULT_RETRY_POLICY__MAX_INTERVAL": "100ms",
    "RESTATE_DEFAULT_RETRY_POLICY__MAX_ATTEMPTS": "5",
    "RESTATE_DEFAULT_RETRY_POLICY__ON_MAX_ATTEMPTS": "pause",
    "RESTATE_DISABLE_TELEMETRY": "true",
    "RESTATE_LOG_FILTER": "error",
    "DO_NOT_TRACK": "1",
}

PATIENCE = 4
"""Seconds for a course: most need 0.2."""

STALL = 0.5
"""Seconds of silence after which an invocation that waits is one that nobody answers."""


def missing() -> str | None:
    """Why there is no server here; None if there is one."""
    if not BINARY.exists():
        return f"restate-server is not installed ({BINARY}): `just prove` installs it"
    if shutil.which("unshare") is None or subprocess.run(["unshare", "-rnpf", "true"], capture_output=True, check=False).returncode:
        return "no network namespace can be made here (unshare -rnpf)"
    return None


@dataclass(frozen=True)
class App:
    """Where a program is served."""

    port: int


class Server:
    """A restate-server that runs programs, one after the other."""

    def __init__(self, python: str = sys.executable) -> None:
        path = os.pathsep.join([str(Path(__file__).parent.parent), os.environ.get("PYTHONPATH", "")])
        env = {**os.environ, "PYTHONPATH": path, "PYTHONWARNINGS": "ignore", "PYTHONHASHSEED": "1", "TZ": "UTC"}
        script = 'ip link set lo up && exec "$0" "$@"'
        command = ["unshare", "-rnpf", "--kill-child", "sh", "-c", script, python, __file__]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env, text=True)

    def run(self, job: dict[str, Any]) -> dict[str, Any]:
        """What became of a program: as `Worker.run` says it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer

    def close(self) -> None:
        """End it, and the server with it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(20)
        self._process.stdout.close()


def _main() -> None:
    """Start the server, and run a program for each line of standard input."""
    from proof import standin

    standin.install()
    import proof.served  # noqa: F401 -- imports the SDK once, for all children

    with tempfile.TemporaryDirectory(prefix="restate-") as folder:
        env = {**os.environ, **SETTINGS, "RESTATE_BASE_DIR": folder}
        with Path(folder, "log").open("wb") as log:
            server = subprocess.Popen([str(BINARY)], env=env, stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=folder)
        try:
            _until(lambda: _request(ADMIN, "GET", "/health")[0] == 200 and _request(INGRESS, "GET", "/restate/health")[0] == 200, 30)
            for line in sys.stdin:
                print(json.dumps(_ran(json.loads(line))), flush=True)
        finally:
            server.kill()
            server.wait()


def _ran(job: dict[str, Any]) -> dict[str, Any]:
    """Serve a program, and take each of its handlers through each course."""
    with tempfile.TemporaryDirectory(prefix="proof-") as folder, _child(job, Path(folder)) as where:
        if "failure" in where:
            return {"courses": [], "failure": where["failure"]}
        status, said = _request(
            ADMIN, "POST", "/deployments", {"uri": f"http://127.0.0.1:{where['port']}", "force": True, "breaking": True}
        )
        if status >= 300:
            return {"courses": [], "refusal": str(said.get("message", said))}
        try:
            return {"courses": [course for target in where["targets"] for course in _courses(target, App(where["port"]), job)]}
        finally:
            _request(ADMIN, "DELETE", f"/deployments/{said['id']}?force=true")


def _courses(target: dict[str, Any], app: App, job: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """One handler: plain, replayed, and broken off after each of the plain course's commands, and before its result."""
    plain = _course(target, app, job, "plain", 0)
    yield plain
    if plain["exits"]:
        return
    replayed = _course(target, app, job, "replay at every await", 0)
    yield replayed
    if replayed["frozen"]:
        return
    for after in [*range(1, len(plain["commands"]) + 1), *([-1] if plain["output"] is not None else [])]:
        yield _course(target, app, job, "crash after each command", after)
    if plain["output"] is not None:
        yield _course(target, app, job, "replay in another process", -1)


_numbers = iter(range(10**9))


def _course(target: dict[str, Any], app: App, job: dict[str, Any], mode: str, after: int) -> dict[str, Any]:
    """One invocation, until it ends or it is plain that it does not; and an innocent one beside it."""
    course: dict[str, Any] = {**copy.deepcopy(NOTHING), "handler": target["display"], "mode": mode, "crash_after": after}
    key = f"{target['key']}-{next(_numbers)}" if target["key"] else ""
    _request(ADMIN, "PATCH", f"/services/{target['service']}", {"inactivity_timeout": "0s" if mode == "replay at every await" else "1m"})
    _told(app, f"/proof/{'restart' if mode == 'replay in another process' else 'course'}/{after}")
    if job.get("state") and key:
        state = {name: list(json.dumps(value).encode()) for name, value in job["state"].items()}
        _request(ADMIN, "POST", f"/services/{target['service']}/state", {"object_key": key, "new_state": state})
    innocent = _request(INGRESS, "POST", "/Innocent/rest/send")[1].get("invocationId", "")
    _until(lambda: _status(innocent) not in {"", "ready", "scheduled"}, 1)
    path = "/".join(["", target["service"], *([key] if key else []), target["handler"], "send"])
    status, said = _request(INGRESS, "POST", path, target["input"] or None)
    if status >= 300 or not status:
        return {**course, "errors": [f"{status}: {said}"]}
    again = _request(INGRESS, "POST", path, target["input"] or None)[1]["invocationId"] if key and job.get("twice") else ""
    invocation = said["invocationId"]
    if again:
        time.sleep(STALL)
        course["blocked"] = _status(again) in {"pending", "ready"} and _status(invocation) in {"suspended", "running"}
    course["exits"], is_over = _followed(invocation, app, job.get("approve_after", 0))
    course["stuck"] = not is_over and not course["exits"]
    for row in _rows(f"SELECT event_type, event_json FROM sys_journal_events WHERE id = '{invocation}' ORDER BY appended_at"):
        event = json.loads(row["event_json"])
        _note(course, event.get("last_failure", event), is_last=row["event_type"] == "Paused")
    entries = _rows(f"SELECT entry_type, name FROM sys_journal WHERE id = '{invocation}' ORDER BY index")
    commands = [
        (row["entry_type"].removeprefix("Command: "), row.get("name") or "") for row in entries if row["entry_type"].startswith("Command: ")
    ]
    course["commands"] = [f"{kind} {name}".strip() for kind, name in commands if kind not in {"Input", "Output"}]
    if _status(invocation) == "completed":
        course["output"] = _output(invocation)
    course["deadlock"] = (
        course["stuck"]
        and bool(key)
        and bool(_rows(f"SELECT id FROM sys_invocation WHERE target_service_key = '{key}' AND status = 'pending'"))
    )
    if not course["exits"]:
        if mode in {"plain", "replay at every await"}:  # a crash breaks off all that the process does
            hangs = not _until(lambda: _status(innocent) == "completed", 1)
            course["harmed"] = hangs or bool(_rows(f"SELECT event_type FROM sys_journal_events WHERE id = '{innocent}'"))
        report = _told(app, "/proof/report")
        course["frozen"] = not report
        course |= {name: report[name] for name in ("effects", "caught", "attempts", "lost", "left_behind") if name in report}
        runs = [name for kind, name in commands if kind == "Run"]
        course["unrun"] = (
            runs
            if course["output"] is not None and mode != "replay in another process" and report.get("steps", len(runs)) < len(runs)
            else []
        )
    for each in _rows("SELECT id FROM sys_invocation WHERE status <> 'completed'"):
        _request(ADMIN, "PATCH", f"/invocations/{each['id']}/kill")
    return course


NOTHING: dict[str, Any] = {
    "output": None,
    "lost": None,
    "state": {},
    "commands": [],
    "mismatches": [],
    "errors": [],
    "unrun": [],
    "left_behind": [],
    "stuck": False,
    "stalled": False,
    "exits": False,
    "escaped": "",
    "attempts": 0,
    "effects": [],
    "caught": [],
    "refused": "",
    "blocked": False,
    "deadlock": False,
    "harmed": False,
    "frozen": False,
}
"""A course of which there is nothing to say."""


def _followed(invocation: str, app: App, approve_after: float) -> tuple[bool, bool]:
    """Whether the process that served an invocation ended, and whether the invocation did.  Awakeables are resolved."""
    resolved: set[str] = set()
    exits = False
    begun = time.monotonic()

    def is_over() -> bool:
        nonlocal exits
        status = _status(invocation)
        exits = not _listens(app)
        if status in {"suspended", "running"} and not exits and time.monotonic() - begun >= approve_after:
            for name in _told(app, "/proof/awakeables").get("awakeables", []):
                if name not in resolved:
                    resolved.add(name)
                    _request(INGRESS, "POST", f"/restate/awakeables/{name}/resolve", '"x"')
        return exits or status in {"completed", "paused"}

    ended = _until(is_over, PATIENCE)
    return exits, ended and not exits


def _told(app: App, path: str) -> dict[str, Any]:
    """What a program says that is told something; nothing if it does not answer."""
    status, data = _asked(app.port, "GET", path, patience=1)
    return json.loads(data) if status else {}


def _listens(app: App) -> bool:
    """Whether a program is still served: its process may be busy, or frozen, but not gone."""
    try:
        socket.create_connection(("127.0.0.1", app.port), timeout=PATIENCE).close()
    except OSError:
        return False
    return True


def _status(invocation: str) -> str:
    """Of an invocation, in the server's word."""
    rows = _rows(f"SELECT status FROM sys_invocation WHERE id = '{invocation}'")
    return str(rows[0]["status"]) if rows else ""


def _note(course: dict[str, Any], failure: dict[str, Any], *, is_last: bool) -> None:
    """Say of a failure in the journal's events which kind it is."""
    code, message = failure.get("restate_doc_error_code") or "", failure.get("error_message", "")
    if code == "RT0016" or failure.get("error_code") == MISMATCH:
        course["mismatches"].append(message)
    elif is_last:
        course["errors"].append(f"{failure.get('error_code')}: {message}")
        course["refused"] = code


MISMATCH = 570
"""The SDK's code for a replay that does something else than the journal says."""


def _output(invocation: str) -> dict[str, Any]:
    """A result, as `driver.result` says it."""
    status, data = _asked(INGRESS, "GET", f"/restate/invocation/{invocation}/output")
    return {"value": data.decode(errors="replace")} if status < 300 else {"failure": [status, data.decode(errors="replace")]}


@contextlib.contextmanager
def _child(job: dict[str, Any], folder: Path) -> Iterator[dict[str, Any]]:
    """A process that serves a program: what it says of itself; ended at the end."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.close(reader)
        null = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1) if os.environ.get("PROOF_LOUD") else (0, 1, 2):
            os.dup2(null, stream)
        os.setpgid(0, 0)
        with contextlib.suppress(BaseException), os.fdopen(writer, "w") as out:
            from proof.served import serve

            serve(job, folder, out)
        os._exit(0)
    os.close(writer)
    try:
        with os.fdopen(reader) as lines:
            said = lines.readline() if select.select([reader], [], [], PATIENCE)[0] else ""
            yield json.loads(said or '{"failure": "the process says nothing"}')
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def _rows(sql: str) -> list[dict[str, Any]]:
    """What the server's tables say."""
    rows: list[dict[str, Any]] = _request(ADMIN, "POST", "/query", {"query": sql})[1].get("rows", [])
    return rows


def _request(port: int, method: str, path: str, body: Any = None) -> tuple[int, dict[str, Any]]:
    """Status of an answer, and the JSON object that it is."""
    status, data = _asked(port, method, path, body)
    return status, json.loads(data) if data[:1] == b"{" else {"message": data.decode(errors="replace")}


def _asked(port: int, method: str, path: str, body: Any = None, patience: float = PATIENCE) -> tuple[int, bytes]:
    """Status and body of an answer; 0 if there is none in time."""
    headers = {"content-type": "application/json", "accept": "application/json"} if body is not None else {"accept": "application/json"}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=patience)
    try:
        connection.request(method, path, body if isinstance(body, str | None) else json.dumps(body), headers)
        response = connection.getresponse()
        return response.status, response.read()
    except (OSError, http.client.HTTPException):
        return 0, b""
    finally:
        connection.close()


def _until(holds: Any, seconds: float) -> bool:
    """Wait until something holds; whether it does."""
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


if __name__ == "__main__":
    _main()
