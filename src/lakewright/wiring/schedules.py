"""A project's schedules as their files are now, for a process that stays."""

from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from lakewright.project.files import SCHEDULE_FILES
from lakewright.wiring.folder import read_files, signature

if TYPE_CHECKING:
    from lakewright.project.schedule_file import ScheduleFile


class Schedules:
    """The schedules in a project's folder. They are read anew only once they have changed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: tuple[Hashable, Mapping[str, ScheduleFile]] | None = None

    def files(self) -> "Mapping[str, ScheduleFile]":
        """All of them by name, sound or not.

        Raises:
            ProjectInvalid: a file is not UTF-8 text, too large, or cannot be read.
        """
        from lakewright.project import schedule_file

        present = signature(self._folder, SCHEDULE_FILES)
        if self._known is None or self._known[0] != present:
            found = schedule_file.read_all(read_files(self._folder, SCHEDULE_FILES))
            self._known = (present, found)
        return self._known[1]


def check(files: "Mapping[str, ScheduleFile]") -> None:
    """See that these files hold no mistake.

    Raises:
        ProjectInvalid: they do; all of them are told.
    """
    from lakewright.project.file import invalid

    problems = [each for file in files.values() for each in file.mistakes.problems]
    if problems:
        raise invalid(problems)
