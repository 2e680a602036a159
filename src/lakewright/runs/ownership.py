"""Who carries out a run: a process that holds a lock, for as long as it lives and is awake.

Whoever keeps the lock lets go of it the moment the process dies, however it dies, so a survivor may
take its runs over at once. A process that is only asleep keeps its lock: it is known by a heartbeat
that has grown old. Should it wake up, the journal refuses its writes by their fence.

On one machine the lock is the system's, on a file of the owner's own, whose time is the heartbeat.
"""

import os
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from lakewright.lake import lock_file

LEASE_SECONDS = 60.0
"""How old a heartbeat may be before its owner counts as asleep. Owners beat many times a minute
while they wait for a step; a minute outlasts any stall of a busy disk."""

BEAT_SECONDS = 2.0
"""How often an owner touches its file at the most."""

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class Owner(Protocol):
    """A lock of this process. Use it as a context; what it owns may be adopted when it is left."""

    owner_id: str

    def beat(self) -> None:
        """Say that this owner is awake; cheap enough to be called in every turn of a wait."""

    def close(self) -> None:
        """Let go of the lock."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


class Owners(Protocol):
    """All who own runs of one journal, or may."""

    def hold(self) -> Owner:
        """A new owner, which lives until it is closed or its process ends."""

    def is_alive(self, owner_id: str) -> bool:
        """Whether this owner's process lives and has been awake within the lease."""


class FileOwners:
    """Owners on one machine. See `Owners`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def hold(self) -> "FileOwner":
        """A new owner, which lives until it is closed or its process ends.

        What owners have left that were killed is removed: nobody asks for those that own no run.
        """
        for path in self._folder.glob("*.lock"):
            lock_file.remove_abandoned(path)
        return FileOwner(self._folder)

    def is_alive(self, owner_id: str) -> bool:
        """Whether this owner's process lives and has been awake within the lease."""
        return is_alive(self._folder, owner_id)


class FileOwner:
    """See `Owner`."""

    def __init__(self, folder: Path, *, clock: Callable[[], float] = time.time) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.owner_id = new_id()
        self._path = _path(folder, self.owner_id)
        self._clock = clock
        self._descriptor = lock_file.hold(self._path)
        self._beaten_at = 0.0
        self.beat()

    def beat(self) -> None:
        """Say that this owner is awake; cheap enough to be called in every turn of a wait."""
        now = self._clock()
        if abs(now - self._beaten_at) >= BEAT_SECONDS:
            os.utime(self._descriptor, (now, now))
            self._beaten_at = now

    def close(self) -> None:
        """Let go of the lock and of the file."""
        if self._descriptor >= 0:
            self._path.unlink(missing_ok=True)
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def is_alive(
    folder: Path,
    owner_id: str,
    *,
    clock: Callable[[], float] = time.time,
    lease_seconds: float = LEASE_SECONDS,
) -> bool:
    """Whether this owner's process lives and has been awake within the lease."""
    path = _path(folder, owner_id)
    # An owner locks its file before it claims anything, and no id comes twice.
    lock_file.remove_abandoned(path)
    try:
        beaten_at = path.stat().st_mtime
    except FileNotFoundError:
        return False
    return clock() - beaten_at <= lease_seconds


def new_id() -> str:
    """The id of a new owner: no other has it, and it tells the boot of the machine."""
    return f"{_boot()}-{os.getpid()}-{secrets.token_hex(4)}"


def is_of_this_boot(owner_id: str | None) -> bool:
    """Whether nothing that the owner wrote can have been lost: the machine has not failed since.

    Where the system does not tell one boot from another, and where there was no owner, it is so.
    """
    return owner_id is None or owner_id.partition("-")[0] == _boot()


def _boot() -> str:
    try:
        return _BOOT_ID.read_text("ascii")[:8]
    except OSError:
        return "unknown"


def _path(folder: Path, owner_id: str) -> Path:
    return folder / f"{owner_id}.lock"
