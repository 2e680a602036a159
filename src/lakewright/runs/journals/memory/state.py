"""What the journal in memory holds."""

import json
import threading
from dataclasses import dataclass, field, replace
from datetime import datetime

from lakewright.runs import rules
from lakewright.runs.control import Pause
from lakewright.runs.logbook import Line
from lakewright.runs.outbox import Event, Subscription
from lakewright.runs.records import (
    Attempt,
    FormatOverride,
    Json,
    Priority,
    Request,
    Run,
    RunStatus,
    RunUpload,
    Step,
    Upload,
    UploadStatus,
)
from lakewright.runs.timetable import Tick


@dataclass(kw_only=True, slots=True)
class State:
    """Everything that the journal holds. Runs and uploads stand in the order of their arrival."""

    lock: threading.RLock = field(default_factory=threading.RLock)
    wakes: int = 0
    """How often a run may have become free to begin."""
    runs: dict[str, Run] = field(default_factory=dict)
    uploads: dict[str, Upload] = field(default_factory=dict)
    run_uploads: dict[str, dict[str, RunUpload]] = field(default_factory=dict)
    steps: dict[tuple[str, int], dict[str, Step]] = field(default_factory=dict)
    attempts: list[Attempt] = field(default_factory=list)
    events: dict[str, Event] = field(default_factory=dict)
    subscriptions: dict[str, Subscription] = field(default_factory=dict)
    pauses: dict[str, Pause] = field(default_factory=dict)
    positions: dict[tuple[str, str], datetime] = field(default_factory=dict)
    """Of every subject and rhythm, up to when its ticks are past."""
    ticks: dict[tuple[str, datetime], Tick] = field(default_factory=dict)
    marks: dict[str, dict[str, str]] = field(default_factory=dict)
    lines: dict[str, list[Line]] = field(default_factory=dict)
    fence: int = 0
    runs_queued: int = 0
    events_told: int = 0
    lines_written: int = 0

    def find_run(self, run_id: str) -> Run:
        """One run, with its uploads. Raises `NotFound`."""
        if run_id not in self.runs:
            raise rules.missing_run(run_id)
        uploads = tuple(self.run_uploads.get(run_id, ()))
        run = self.runs[run_id]
        return replace(run, request=replace(run.request, upload_ids=uploads))

    def of_round(self, run: Run) -> dict[str, Step]:
        """The steps of a run's present round, by name."""
        return self.steps.setdefault((run.run_id, run.round), {})

    def unfinished(self) -> list[Run]:
        """The runs that wait or go on, in order."""
        return [run for run in self.runs.values() if not run.status.is_finished]

    def attempts_at(self, run: Run, step: str) -> int:
        """How often a step of the run's present round was tried."""
        key = (run.run_id, run.round, step)
        return sum((found.run_id, found.round, found.step) == key for found in self.attempts)

    def steps_of(self, run: Run) -> tuple[Step, ...]:
        """The steps of the run's present round, each with the number of its attempts."""
        return tuple(
            replace(step, attempts=self.attempts_at(run, step.name))
            for step in self.of_round(run).values()
        )

    def tell(self, notice: rules.Notice, now: datetime) -> None:
        """Write an event, unless it was told before."""
        if notice.event_id not in self.events:
            self.events_told += 1
            self.events[notice.event_id] = Event(
                event_id=notice.event_id,
                sequence=self.events_told,
                kind=notice.kind,
                at=now,
                payload=copied(notice.payload),
            )

    def add_run(self, request: Request, run_id: str, now: datetime) -> None:
        """Queue a run."""
        self.runs_queued += 1
        self.wakes += 1
        self.runs[run_id] = Run(
            run_id=run_id,
            sequence=self.runs_queued,
            request=replace(
                request,
                payload=copied(request.payload),
                tables=tuple(sorted(set(request.tables))),
                upload_ids=(),
            ),
            status=RunStatus.QUEUED,
            round=1,
            queued_at=now,
        )
        for upload_id in request.upload_ids:
            self.add_upload(run_id, upload_id, is_again=True)

    def raise_priority(self, run_id: str, priority: Priority) -> None:
        """Let a run have at least this priority."""
        run = self.runs[run_id]
        highest = max(run.request.priority, priority, key=lambda each: each.rank)
        self.runs[run_id] = replace(run, request=replace(run.request, priority=highest))

    def add_upload(
        self, run_id: str, upload_id: str, *, is_again: bool, look: FormatOverride | None = None
    ) -> None:
        """Let an upload take part in a run."""
        self.run_uploads.setdefault(run_id, {})[upload_id] = RunUpload(
            run_id=run_id,
            upload_id=upload_id,
            is_again=is_again,
            status=UploadStatus.ACCEPTED,
            format=look,
        )


def copied(value: Json) -> Json:
    """The value as it would come back from a disk, shared with nobody."""
    copied: Json = json.loads(json.dumps(value))
    return copied
