"""Writing so that a loss of power loses nothing: files and their folders, synced to the disk.

Nothing here is visible to a reader of a table; it only makes sure that what a catalog pointer or an
acknowledgement is about to refer to will still be there. Refuses nothing; an `OSError` passes.
"""

import fcntl
import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

SYNC_THREADS = 8
"""Syncs under way at once: waiting for a disk costs no processor, and file systems and disks
answer many waiting syncs with one flush."""

_FULL_SYNC: int | None = getattr(fcntl, "F_FULLFSYNC", None)
"""On macOS fsync leaves data in the disk's own cache; this call empties that too."""


def sync_descriptor(descriptor: int) -> None:
    """Return once everything written to the open file or folder is on the disk."""
    if _FULL_SYNC is not None:
        fcntl.fcntl(descriptor, _FULL_SYNC)
    else:
        os.fsync(descriptor)


def sync(path: Path) -> None:
    """Return once the file's bytes, or the folder's names, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        sync_descriptor(descriptor)
    finally:
        os.close(descriptor)


def sync_all(files: Iterable[Path], root: Path) -> None:
    """Sync files that lie under `root`, and every folder from theirs up to `root` itself."""
    paths: dict[Path, None] = {}
    for file in files:
        paths[file] = None
        for folder in file.parents:
            paths[folder] = None
            if folder == root:
                break
    if not paths:
        return
    with ThreadPoolExecutor(min(SYNC_THREADS, len(paths))) as pool:
        for _ in pool.map(sync, paths):
            pass


def make_folder(folder: Path) -> None:
    """Create a folder with its parents, so that all their names survive a loss of power."""
    missing = []
    while not folder.exists():
        missing.append(folder)
        folder = folder.parent
    for new in reversed(missing):
        new.mkdir(exist_ok=True)
        sync(new.parent)


def write_new(path: Path, content: bytes) -> None:
    """Write a file that must not exist yet. It is not synced: see `sync_all`."""
    with path.open("xb") as file:
        file.write(content)
