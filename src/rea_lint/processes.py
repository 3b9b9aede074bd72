"""Work in several processes, by fork: what is at hand is not sent to them, only what they find is sent back.

Where that is not safe (Windows has no fork; on macOS libraries may not survive it) all is done in one.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Part = TypeVar("Part")
Result = TypeVar("Result")
Key = TypeVar("Key")

CAN_FORK = hasattr(os, "fork") and sys.platform != "darwin"


def available(asked: int | None) -> int:
    """How many processes to use: so many as were asked for; without that (or 0), one for each processor that we may use."""
    if not CAN_FORK:
        return 1
    return asked or (len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


def split(weights: Mapping[Key, int], count: int, *, ahead: int = 0) -> list[list[Key]]:
    """Keys in so many groups of about the same weight, the same for the same weights; the first has other work, of the weight `ahead`."""
    groups: list[tuple[int, list[Key]]] = [(0 if number else ahead, []) for number in range(count)]
    for key in sorted(weights, key=lambda key: -weights[key]):
        lightest = min(range(count), key=lambda number: groups[number][0])
        weight, keys = groups[lightest]
        groups[lightest] = weight + weights[key], [*keys, key]
    return [keys for _, keys in groups]


def each(
    work: Callable[[Part], Result],
    parts: Sequence[Part],
    encode: Callable[[Result], bytes],
    decode: Callable[[bytes], Result],
) -> list[Result]:
    """What `work` gives for each part: the first here, each other in a process of its own.

    `encode` and `decode` are how it comes from there.  What fails there is done here: whatever it raises is raised here.
    """
    others = [_started(lambda part: encode(work(part)), part) for part in parts[1:]]
    results = [work(part) for part in parts[:1]]
    for part, other in zip(parts[1:], others, strict=True):
        data = _ended(other)
        results.append(work(part) if data is None else decode(data))
    return results


class _Process(NamedTuple):
    """A process that was started, and where it writes."""

    number: int
    output: int


def _started(work: Callable[[Part], bytes], part: Part) -> _Process:
    output, inside = os.pipe()
    number = os.fork()
    if number:
        os.close(inside)
        return _Process(number, output)
    code = 1
    try:
        os.close(output)
        with os.fdopen(inside, "wb") as file:
            file.write(work(part))
        code = 0
    finally:
        os._exit(code)  # nothing that is ours is to be flushed or closed twice


def _ended(process: _Process) -> bytes | None:
    """What a process has written; None if it failed."""
    with os.fdopen(process.output, "rb") as file:
        data = file.read()
    _, status = os.waitpid(process.number, 0)
    return data if status == 0 else None
