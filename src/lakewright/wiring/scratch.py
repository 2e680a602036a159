"""A folder for temporary files that is one process's own: engines that share one to spill to
overwrite each other's files, and then die or answer wrong.

    <root>/<random>.lock    locked for as long as its process lives
    <root>/<random>/        that process's temporary files

A process that is killed leaves its folder behind; the next one removes it.
"""

import fcntl
import os
import shutil
import tempfile
from pathlib import Path


def own_folder(root: Path) -> Path:
    """A new folder that nobody else uses until this process ends; those of the dead are removed."""
    root.mkdir(parents=True, exist_ok=True)
    for lock in root.glob("*.lock"):
        _remove_if_abandoned(lock)
    lock = _new_lock(root)
    folder = lock.with_suffix("")
    folder.mkdir()
    return folder


def _new_lock(root: Path) -> Path:
    """A new lock file, locked. Its descriptor is left to the process: its end lets go of it."""
    while True:
        descriptor, name = tempfile.mkstemp(suffix=".lock", dir=root)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(descriptor).st_nlink:
                return Path(name)
        except BlockingIOError:
            pass
        # Somebody took it for abandoned between its creation and the lock: make another.
        os.close(descriptor)


def _remove_if_abandoned(lock: Path) -> None:
    try:
        descriptor = os.open(lock, os.O_RDONLY)
    except FileNotFoundError:
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(lock.with_suffix(""), ignore_errors=True)
        lock.unlink(missing_ok=True)
    except BlockingIOError:
        return
    finally:
        os.close(descriptor)
