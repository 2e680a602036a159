"""A file `schedules/<name>.yaml` as a schedule, with every mistake of meaning that it holds.

A worker reads these files alone, without what reading SQL takes.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from lakewright.project import naming, quantity, reading, yaml
from lakewright.project.file import Mistakes, TextFile
from lakewright.project.mistake import Mistake, listing, suggestion
from lakewright.project.schedule import Action, Fetch, Refresh, Schedule
from lakewright.project.schedule_documents import ScheduleDocument
from lakewright.project.yaml import Parsed

FOLDER = "schedules"


@dataclass(kw_only=True)
class ScheduleFile:
    """What one file declares. With mistakes there is no schedule."""

    name: str
    mistakes: Mistakes
    parsed: Parsed | None = None
    schedule: Schedule | None = None

    def check_models(self, models: Collection[str]) -> None:
        """Note every model that the schedule names and the project does not have."""
        action = self.schedule.action if self.schedule else None
        if self.parsed is None or not isinstance(action, Refresh):
            return
        is_one = isinstance(self.parsed.data.get("run"), str)
        for position, name in enumerate(action.models):
            if name not in models:
                self.mistakes.add(
                    Mistake.UNKNOWN_TABLE,
                    self.parsed.span(("run",) if is_one else ("run", position)),
                    f"there is no model `{name}`",
                    why=f"the models are {listing(models)}" if models else "there are no models",
                    hint=suggestion(name, models),
                )


def read(file: TextFile, name: str) -> ScheduleFile:
    """Read the file of the schedule of this name."""
    mistakes = Mistakes(file=file)
    parsed = yaml.parse(mistakes)
    found = ScheduleFile(name=name, mistakes=mistakes, parsed=parsed)
    document = reading.read(ScheduleDocument, parsed, mistakes) if parsed else None
    if parsed is None or document is None:
        return found
    if document.fetch is not None and not naming.is_standard(document.fetch.source):
        mistakes.add(
            Mistake.BAD_NAME,
            parsed.span(("fetch", "source")),
            f"`{document.fetch.source}` is no name of a source",
            why="names are lower-case words joined by underscores",
            hint=f"write `{naming.standardise(document.fetch.source)}`",
        )
    if "missed_max" in parsed.data and document.missed.value != "all":
        mistakes.add(
            Mistake.CONFLICTING_KEYS,
            parsed.key_span(("missed_max",)),
            f"`missed_max` does nothing with `missed: {document.missed.value}`",
            why="only `missed: all` makes up for more than one tick",
            hint="write `missed: all`, or take it out",
        )
    if mistakes.is_empty:
        found.schedule = _schedule(name, file.path, document)
    return found


def _schedule(name: str, file: str, document: ScheduleDocument) -> Schedule:
    return Schedule(
        name=name,
        cron=document.cron,
        time_zone=document.time_zone,
        missed=document.missed,
        missed_max=document.missed_max,
        jitter_seconds=quantity.seconds_of(document.jitter),
        action=_action(document),
        description=document.description,
        file=file,
    )


def _action(document: ScheduleDocument) -> Action:
    if document.fetch is not None:
        return Fetch(source=document.fetch.source, location=document.fetch.location)
    return Refresh(models=document.run or ())


def read_all(files: Mapping[str, str]) -> dict[str, ScheduleFile]:
    """The files among these that declare schedules, by the schedules' names.

    Whether the models exist is not looked at.
    """
    found: dict[str, ScheduleFile] = {}
    for path in sorted(files):
        pure = PurePosixPath(path)
        if pure.suffix == ".yaml" and pure.parts[:-1] == (FOLDER,):
            found[pure.stem] = read(TextFile.read(path, files[path]), pure.stem)
    return found
