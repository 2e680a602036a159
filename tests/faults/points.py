"""The points at which a fault can strike: counted in a run that is left in peace."""

import re
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

CALLS = (
    "write", "pwrite64", "writev", "fsync", "fdatasync", "ftruncate", "rename", "renameat",
    "renameat2", "link", "linkat", "unlink", "unlinkat", "mkdir", "mkdirat",
)  # fmt: skip
"""Every system call by which a process changes the disk."""

_CALL = re.compile(r"^(?P<task>\d+)\s+(?P<call>\w+)\(")


class Role(StrEnum):
    """Whom the fault strikes."""

    COMMAND = "command"
    """An `upload` that receives, acknowledges and carries out."""
    WORKER = "worker"
    """A resident worker, while an `upload` waits for it."""
    CHILD = "child"
    """The process that reads the file and runs the SQL."""


class Fault(StrEnum):
    """What happens."""

    KILL = "kill"
    """SIGKILL before the call."""
    FULL = "full"
    """The call, and every later one of its kind, fails with ENOSPC."""
    BROKEN = "broken"
    """The call fails with EIO, once."""

    def injection(self, call: str, number: int) -> str:
        """What strace is told to do at the n-th such call of a task."""
        if self is Fault.KILL:
            return f"inject={call}:signal=KILL:when={number}"
        if self is Fault.FULL:
            return f"inject={call}:error=ENOSPC:when={number}+"
        return f"inject={call}:error=EIO:when={number}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Point:
    """One fault at one place."""

    deed: str
    """What is done meanwhile: see `deeds`."""
    role: Role
    fault: Fault
    call: str
    number: int
    """The how-manieth such call of one task it is, from 1."""

    def __str__(self) -> str:
        return f"{self.deed}:{self.role}:{self.fault}:{self.call}:{self.number}"

    @classmethod
    def parse(cls, text: str) -> "Point":
        """The point that `str` wrote."""
        deed, role, fault, call, number = text.split(":")
        return cls(deed=deed, role=Role(role), fault=Fault(fault), call=call, number=int(number))


def counted(log: Path) -> Mapping[str, int]:
    """From strace's log, how often the busiest task made each call."""
    per_task: Counter[tuple[str, str]] = Counter()
    with log.open("r", encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if (found := _CALL.match(line)) and found["call"] in CALLS:
                per_task[found["task"], found["call"]] += 1
    most: dict[str, int] = {}
    for (_, call), count in per_task.items():
        most[call] = max(most.get(call, 0), count)
    return most


def every(counts: Mapping[tuple[str, Role], Mapping[str, int]]) -> Sequence[Point]:
    """Every point, for these counts of calls by deed and role."""
    return [
        Point(deed=deed, role=role, fault=fault, call=call, number=number)
        for (deed, role), calls in sorted(counts.items())
        for call, count in sorted(calls.items())
        for number in range(1, count + 1)
        for fault in Fault
    ]


def shuffled(found: Iterable[Point], seed: int, shard: tuple[int, int] = (1, 1)) -> Sequence[Point]:
    """The points of a shard in the order of a seed, so that any beginning of it is a fair sample.

    A point's place depends on itself alone: a process makes a few calls more or less from time to
    time, and these must not move all others.
    """
    number, of = shard
    places = {point: zlib.crc32(f"{seed}:{point}".encode()) for point in found}
    mine = (point for point, place in places.items() if place % of == number - 1)
    return sorted(mine, key=lambda point: (places[point] // of, str(point)))
