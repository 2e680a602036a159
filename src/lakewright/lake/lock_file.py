"""Lock files: a file that says that something is in use, for as long as its process lives.

The system lets go of a lock the moment its process dies, however it dies. So a file that nobody
holds was abandoned, and whoever finds it may clean up. A lock goes with its descriptor, and those
that Python opens are closed on exec: a child that outlives its parent does not keep the lock.
"""

import fcntl
import os
import tempfile
from collections.abc import Callable
from pathlib import Path


def new(folder: Path, suffix: str) -> tuple[Path, int]:
    """A new file in the folder, and the descriptor that holds its lock until it is closed."""
    while True:
        descriptor, name = tempfile.mkstemp(suffix=suffix, dir=folder)
        if _is_taken(descriptor) and os.fstat(descriptor).st_nlink:
            return Path(name), descriptor
        # Somebody took it for abandoned between its creation and the lock: make another.
        os.close(descriptor)


def hold(path: Path) -> int:
    """The descriptor that holds the lock of the file of this name, made if it is not there.

    For names that come only once: no other process wants to hold it.
    """
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if os.fstat(descriptor).st_nlink:
            return descriptor
        # Somebody took it for abandoned between its creation and the lock: make it again.
        os.close(descriptor)


def remove_abandoned(path: Path, clean: Callable[[], object] | None = None) -> bool:
    """Remove the file unless a living process holds its lock; whether it was there to remove.

    `clean` removes first, under the lock, what the file stood for.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False  # Its holder has just finished.
    try:
        if not _is_taken(descriptor) or not os.fstat(descriptor).st_nlink:
            return False  # It is in use, or what bears its name now is another file.
        if clean is not None:
            clean()
        path.unlink(missing_ok=True)
    finally:
        os.close(descriptor)
    return True


def _is_taken(descriptor: int) -> bool:
    """Whether the lock could be taken at once."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
