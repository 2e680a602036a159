"""Writing so that a loss of power loses nothing: files and their folders, synced to the disk.

Nothing here is visible to a reader of a table; it only makes sure that what a catalog pointer or an
acknowledgement is about to refer to will still be there. Refuses nothing; an `OSError` passes.
"""

import fcntl
import os
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Self

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


class HeadStart:
    """Sends a growing file to the disk while it is still being written, on a thread beside.

    The last `sync_descriptor` then has little left to wait for. It is still what counts: this
    promises nothing about bytes written since, nor empties the disk's own cache, but passes on what
    went wrong.
    """

    def __init__(self, descriptor: int, *, interval_bytes: int = 1 << 24) -> None:
        self._descriptor = descriptor
        self._interval_bytes = interval_bytes
        self._written_bytes = 0
        self._thread = ThreadPoolExecutor(1)
        self._running: Future[None] | None = None

    def __enter__(self) -> Self:
        return self

    def wrote(self, size_bytes: int) -> None:
        """Say that the file has grown.

        Raises:
            OSError: an earlier part could not be written to the disk.
        """
        self._written_bytes += size_bytes
        if self._written_bytes < self._interval_bytes:
            return
        if self._running is not None:
            if not self._running.done():
                return
            self._running.result()
        self._written_bytes = 0
        self._running = self._thread.submit(os.fsync, self._descriptor)

    def finish(self) -> None:
        """Wait for what is under way.

        Raises:
            OSError: a part could not be written to the disk.
        """
        if self._running is not None:
            self._running.result()

    def __exit__(self, *_: object) -> None:
        self._thread.shutdown()


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
