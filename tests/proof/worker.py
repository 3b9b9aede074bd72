"""A process of its own for each program: forked from one that has the SDK imported already, bounded, and ended by its id.

`Worker` is the parent's side.  Run as a script (`python worker.py`), this is the other one: it reads a job a line, forks, and hands on
what the child writes, a line for each course.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

PATIENCE = 10
"""Seconds of wall clock for a program; most need 0.1."""

SPIN = 4
"""Seconds of processor time for a program: who needs more spins."""


class Worker:
    """A process that runs programs, one after the other, under one hash seed and time zone."""

    def __init__(self, seed: int, zone: str, python: str = sys.executable) -> None:
        path = os.pathsep.join([str(Path(__file__).parent.parent), os.environ.get("PYTHONPATH", "")])
        env = {**os.environ, "PYTHONHASHSEED": str(seed), "TZ": zone, "PYTHONPATH": path, "PYTHONWARNINGS": "ignore"}
        self._process = subprocess.Popen([python, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env, text=True)

    def run(self, job: dict[str, Any]) -> dict[str, Any]:
        """What became of a job: `courses`, and one of `failure` (at import) and `hang` (the course that did not end), if any."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(PATIENCE + 5)
        self._process.stdout.close()


def _serve() -> None:
    """Fork for each job that stands on a line of standard input."""
    from proof import standin

    standin.install()
    import proof.program  # noqa: F401 -- imports the SDK once, for all children

    for line in sys.stdin:
        reader, writer = os.pipe()
        with tempfile.TemporaryDirectory(prefix="proof-") as folder:
            child = os.fork()
            if not child:
                os.close(reader)
                _child(json.loads(line), Path(folder), writer)
            os.close(writer)
            answer = _collected(child, reader)
        print(json.dumps(answer), flush=True)


def _child(job: dict[str, Any], folder: Path, writer: int) -> None:
    """Run a job, and never come back."""
    import resource

    from proof.program import courses

    resource.setrlimit(resource.RLIMIT_CPU, (SPIN, SPIN))
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2) if not os.environ.get("PROOF_LOUD") else (0, 1):
        os.dup2(null, stream)
    with contextlib.suppress(BaseException), os.fdopen(writer, "w") as out:
        for kind, value in courses(job, folder):
            out.write(json.dumps([kind, dataclasses.asdict(value) if kind == "course" else value]) + "\n")
            out.flush()
    os._exit(0)


def _collected(child: int, reader: int) -> dict[str, Any]:
    """What a child wrote until it ended, or was ended for taking too long."""
    data, deadline = b"", time.monotonic() + PATIENCE
    while (left := deadline - time.monotonic()) > 0 and select.select([reader], [], [], left)[0]:
        chunk = os.read(reader, 1 << 16)
        if not chunk:
            break
        data += chunk
    os.close(reader)
    with contextlib.suppress(ProcessLookupError):
        os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    answer: dict[str, Any] = {"courses": []}
    for kind, value in map(json.loads, data.decode().splitlines()):
        match kind:
            case "course":
                answer["courses"].append(value)
            case "failure":
                answer["failure"] = value
            case "done":
                return answer
    if "failure" not in answer:
        answer["hang"] = len(answer["courses"])
    return answer


if __name__ == "__main__":
    _serve()
