"""The durable record of uploads, runs, steps, attempts and events, and the ports that keep it.

Whatever was acknowledged stands here first. The journal decides nothing about data: it remembers
what was asked, who carries it out, and how it ended. It refuses the writes of an owner that has
lost its run. Time and new ids are always given, so that every adapter answers alike. The values
that stand in it, and how they change, are drawn in `records`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from lakewright.runs.control import Control
from lakewright.runs.logbook import Logbook
from lakewright.runs.outbox import Event, Outbox
from lakewright.runs.ownership import Owners
from lakewright.runs.records import (
    Accepted,
    Attempt,
    Claim,
    Delivery,
    Ending,
    IsAlive,
    Outcome,
    Request,
    Run,
    RunStatus,
    RunUpload,
    Step,
    Upload,
    UploadStatus,
)
from lakewright.runs.timetable import Timetable


class Acceptance(Protocol):
    """What somebody asks for. Every write is on disk before its call returns."""

    def accept(
        self, delivery: Delivery, *, tables: Sequence[str], run_id: str, now: datetime
    ) -> Accepted:
        """Record an upload, its run and its event in one transaction.

        `run_id` and `tables` are for a new run; the upload joins a run of its source that is still
        queued if there is one.
        """

    def request(self, request: Request, *, run_id: str, now: datetime) -> Run:
        """Queue a run.

        Raises:
            NotFound: an upload of the request is not in the journal.
        """

    def retry(self, run_id: str, now: datetime) -> Run:
        """Queue a failed run again: what succeeded stays, unless the run had published.

        Raises:
            NotFound: there is no such run.
            Conflict: the run has not failed, or nothing of it is left to do.
        """


class Execution(Protocol):
    """What the owner of a run writes. All but `claim` raise `RunLost` for a lost claim."""

    def claim(
        self,
        owner_id: str,
        is_alive: IsAlive,
        now: datetime,
        *,
        gathered_before: datetime | None = None,
    ) -> Claim | None:
        """Take the first run that may go on: queued, or running under a dead owner.

        `gathered_before`: uploads' runs that were queued later wait for more files to join them.

        A run waits while another running run holds one of its tables, while a run that was queued
        before it waits for one of them, and while its source is paused.
        """

    def lock(self, claim: Claim, tables: Sequence[str]) -> bool:
        """Hold these tables too. False: another run has one; this one is back in the queue."""

    def prepare(self, claim: Claim, steps: Sequence[str]) -> None:
        """Add steps in this order, as pending; steps that the round already has stay."""

    def discard(self, claim: Claim, steps: Sequence[str]) -> None:
        """Take steps out of the round, so that they can be planned anew; attempts are kept."""

    def start(self, claim: Claim, step: str, now: datetime, *, is_synced: bool = False) -> Attempt:
        """Begin an attempt at a prepared step; an attempt that a dead owner left is closed.

        `is_synced`: everything written so far, this included, is on disk before the call returns.
        """

    def end(
        self, claim: Claim, step: str, ending: Ending, now: datetime, *, is_synced: bool = False
    ) -> None:
        """End the present attempt, if any, and say where the step stands now."""

    def finish(self, claim: Claim, outcome: Outcome, now: datetime) -> None:
        """End the run and say what became of its uploads; on disk before the call returns."""

    def release(self, claim: Claim, now: datetime) -> None:
        """Put the run back into the queue, for a clean stop; finished steps stay finished.

        The attempt under way ends with the error of `rules.released`: the step was not its end.
        """


class Reading(Protocol):
    """What anybody may ask. Lists are newest first; `limit` None: all."""

    def upload(self, upload_id: str) -> Upload:
        """One upload. Raises `NotFound`."""

    def uploads(
        self,
        *,
        source: str | None = None,
        statuses: Sequence[UploadStatus] = (),
        limit: int | None = None,
    ) -> tuple[Upload, ...]:
        """Uploads, of one source and of some statuses if they are given."""

    def run(self, run_id: str) -> Run:
        """One run. Raises `NotFound`."""

    def runs(
        self, *, statuses: Sequence[RunStatus] = (), limit: int | None = None
    ) -> tuple[Run, ...]:
        """Runs, of some statuses if they are given."""

    def run_uploads(self, run_id: str) -> tuple[RunUpload, ...]:
        """The uploads that take part in a run, in order of arrival."""

    def steps(self, run_id: str) -> tuple[Step, ...]:
        """The steps of the run's present round, in order."""

    def attempts(self, run_id: str) -> tuple[Attempt, ...]:
        """Every attempt at every step of every round, in order."""

    def events(self, *, after: int = 0, limit: int = 1000) -> tuple[Event, ...]:
        """Events with a higher sequence than `after`, oldest first."""


class Listener(Protocol):
    """Hears when it is worth looking for a run, so that whoever waits need not look all the time.

    It hears too much rather than too little, but not when an owner dies, nor when time alone makes
    a run ready: look now and then all the same. For one thread, with a connection of its own.
    """

    def wait(self, seconds: float) -> bool:
        """Wait, for so long at most, until a run may have become free to begin.

        What came since the listener was made, or last asked, is heard too. False: nothing has.
        """

    def close(self) -> None:
        """Close the connection."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Journal:
    """One journal, through its ports."""

    acceptance: Acceptance
    execution: Execution
    reading: Reading
    control: Control
    logbook: Logbook
    outbox: Outbox
    timetable: Timetable
    owners: Owners
    listen: Callable[[], Listener]
    """A new listener. It outlives the journal until it is closed."""
    close: Callable[[], None]
