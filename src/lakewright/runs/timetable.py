"""What is done by itself: which ticks have fired and what ran for them, and which files were seen.

A tick is a moment of something that has a rhythm: a schedule's firing, an interval of a model. Each
has one run at most, whoever asks for it, and however often. Of a schedule, moreover, all that is
past is remembered as one position, from which on ticks count.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from lakewright.runs.records import Request

_SCHEDULE = "schedule:"


def subject_of(schedule: str) -> str:
    """What has the ticks of the schedule of this name. A model has its own, by `layer.name`."""
    return f"{_SCHEDULE}{schedule}"


def is_schedule(subject: str) -> bool:
    """Whether it is a schedule that has these ticks."""
    return subject.startswith(_SCHEDULE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Tick:
    """One moment, and what runs for it."""

    subject: str
    at: datetime
    run_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Sighting:
    """A file that was found at a place, and read.

    Kept for good, whatever is pruned: nobody knows here whether the file still lies there, and one
    that is forgotten is read again, and loaded again if its upload was removed.
    """

    name: str
    """Its path or URL."""
    mark: str
    """What differs once it is changed, as far as the place tells: size, time, checksum."""
    sha256: str


class Timetable(Protocol):
    """The memory of what is done by itself. Every write is on disk before its call returns."""

    def begin(self, subject: str, rhythm: str, now: datetime) -> datetime:
        """From when on ticks of this rhythm count: from the last that fired or was passed over, or
        from now if it is new."""

    def fire(
        self,
        subject: str,
        at: datetime,
        request: Request,
        *,
        run_id: str,
        now: datetime,
        rhythm: str | None = None,
    ) -> Tick | None:
        """Queue a run for a tick, in one transaction with the tick, unless it has one.

        Returns:
            The tick, with this run or the one that it had; None: with this rhythm it is past, or
            nobody has begun with it.
        """

    def pass_over(self, subject: str, rhythm: str, at: datetime) -> None:
        """Let all ticks up to this one be past."""

    def rhythms(self) -> tuple[tuple[str, str], ...]:
        """Every rhythm with which somebody has begun, each with its subject before it."""

    def forget(self, subject: str, rhythm: str) -> None:
        """End a rhythm. Whoever begins with it again begins anew."""

    def ticks(self, subject: str, *, limit: int | None = None) -> tuple[Tick, ...]:
        """What has fired, newest first."""

    def sight(self, source: str, sightings: Sequence[Sighting]) -> None:
        """Remember what files of a source were like when they were last read."""

    def marks(self, source: str) -> Mapping[str, str]:
        """Of every file of a source that was seen, by its name, what it was like."""
