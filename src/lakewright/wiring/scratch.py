"""A folder for temporary files that is one process's own: engines that share one to spill to
overwrite each other's files, and then die or answer wrong.

    <root>/<random>.lock    locked for as long as its process lives
    <root>/<random>/        that process's temporary files

A process that is killed leaves its folder behind; the next one removes it.
"""

import shutil
from functools import partial
from pathlib import Path

from lakewright.lake import lock_file


def own_folder(root: Path) -> Path:
    """A new folder that nobody else uses until this process ends; those of the dead are removed."""
    root.mkdir(parents=True, exist_ok=True)
    for lock in root.glob("*.lock"):
        folder = lock.with_suffix("")
        lock_file.remove_abandoned(lock, partial(shutil.rmtree, folder, ignore_errors=True))
    # The descriptor is left to the process, whose end lets go of the lock.
    lock, _ = lock_file.new(root, ".lock")
    folder = lock.with_suffix("")
    folder.mkdir()
    return folder
