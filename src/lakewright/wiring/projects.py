"""A project's files loaded, again and again, at the cost of what has changed."""

import gc
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

from lakewright.project import load
from lakewright.project.files import PROJECT_FILES
from lakewright.project.memory import Memory
from lakewright.project.project import Project
from lakewright.sql import types
from lakewright.wiring.folder import read_files
from lakewright.wiring.project_memory import ProjectMemory

_FILES_MIN = 100
"""Fewer files are loaded as fast as what was found out about them is read."""


class Projects:
    """Loads the project in a folder. A large one is remembered in a file in its storage."""

    def __init__(self, folder: Path, storage: Path) -> None:
        self._folder = folder
        self._path = storage / "cache" / "project.txt"

    @cached_property
    def _kept(self) -> ProjectMemory:
        return ProjectMemory(self._path)

    @cached_property
    def _memory(self) -> Memory:
        return Memory(self._kept)

    def load(
        self, tables: Mapping[str, types.Schema], patterns: Sequence[str] = PROJECT_FILES
    ) -> Project:
        """The project as its files are now.

        Raises:
            ProjectInvalid: the files hold mistakes; every one is told.
        """
        files = read_files(self._folder, patterns)
        if len(files) < _FILES_MIN:
            return load.load(files, tables)
        try:
            with _without_collecting():
                return load.load(files, tables, self._memory)
        finally:
            if self._memory.is_changed:
                self._kept.keep(self._memory.found)


@contextmanager
def _without_collecting() -> Iterator[None]:
    """Nearly all that is made here stays: to look through it again and again takes a fifth."""
    is_collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if is_collecting:
            gc.enable()
