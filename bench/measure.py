"""What a command costs: wall and CPU seconds, and the memory of all its processes together."""

from __future__ import annotations

import os
import statistics
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

PAGE = os.sysconf("SC_PAGE_SIZE")
INTERVAL = 0.005  # seconds between two looks at the memory


@dataclass(frozen=True)
class Command:
    """A command, and what is done before each run of it, outside the time."""

    arguments: Sequence[str]
    before: Callable[[], object] = lambda: None
    one_core: bool = False


@dataclass
class Cost:
    """What each run took."""

    wall: list[float] = field(default_factory=list)  # seconds
    cpu: list[float] = field(default_factory=list)  # seconds, user and system, of all processes
    peak: float = 0  # MB, of all processes together; pages that they share count once

    @property
    def median(self) -> float:
        """Wall seconds."""
        return statistics.median(self.wall)

    @property
    def median_cpu(self) -> float:
        """CPU seconds."""
        return statistics.median(self.cpu)


def measure(commands: Mapping[str, Command], rounds: int) -> dict[str, Cost]:
    """Run all commands in turn, `rounds` times; a round before warms caches, and is the one in which memory is looked at."""
    costs = {name: Cost() for name in commands}
    for name, command in commands.items():
        costs[name].peak = _peak(command)
    for _ in range(rounds):
        for name, command in commands.items():
            wall, cpu = _timed(command)
            costs[name].wall.append(wall)
            costs[name].cpu.append(cpu)
    return costs


def _timed(command: Command) -> tuple[float, float]:
    command.before()
    start = time.perf_counter()
    process = _started(command)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    _check(process)
    return wall, usage.ru_utime + usage.ru_stime


def _peak(command: Command) -> float:
    command.before()
    process = _started(command)
    most = 0.0
    while process.poll() is None:
        most = max(most, sum(map(_memory, _tree(process.pid))))
        time.sleep(INTERVAL)
    _check(process)
    return most


def _started(command: Command) -> subprocess.Popen[bytes]:
    arguments = ["taskset", "--cpu-list", "0", *command.arguments] if command.one_core else command.arguments
    return subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=_environment())


def _environment() -> dict[str, str]:
    """Ours, but that Python keeps compiled modules (where they are in nobody's way), as it does where pip has installed them."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPYCACHEPREFIX": str(Path(tempfile.gettempdir()) / "rea-lint-bench-pycache")}


def _check(process: subprocess.Popen[bytes]) -> None:
    """Exit codes 0 and 1 are what linters and grep end with."""
    assert process.stderr is not None
    said = process.stderr.read().decode()
    process.stderr.close()
    if process.returncode not in {0, 1}:
        raise SystemExit(f"{process.args!r}: exit code {process.returncode}\n{said}")


def _tree(pid: int) -> list[int]:
    """A process and all that it has started."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [pid, *(each for child in children for each in _tree(int(child)))]


def _memory(pid: int) -> float:
    """MB of a process; pages that it shares count by its part (`Pss`)."""
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    return next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:")) / 1024
