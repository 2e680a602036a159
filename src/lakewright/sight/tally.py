"""Counts that outlive every process: a fold of the journal's events.

A subscriber of its own keeps what it has counted beside its position, and both move in one
transaction: each event is counted once, whichever worker reads it, and a restart resets nothing.
Workers that share a journal tell the same counts.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import cast

from lakewright.runs import failure
from lakewright.runs.journal import Reading
from lakewright.runs.outbox import Event, Outbox
from lakewright.runs.records import Json, RequestKind, StepStatus, UploadStatus

SUBSCRIBER = "lakewright-metrics"

BATCH_EVENTS = 1000

GOLD_SECONDS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0, 21600.0)
"""The bounds of the histogram of upload-to-gold seconds: a small file on a warm worker takes some
tenths of a second, a hundred gigabytes some hours."""

_BETWEEN = "\t"
"""Between a count's name and its labels; no name of ours holds it."""


class Tally:
    """Counts by name and labels, as they are kept."""

    def __init__(self, memo: Json = None) -> None:
        """`memo` is what `memo` gave; None: nothing was counted yet."""
        self._counts: dict[str, int] = dict(cast("Mapping[str, int]", memo or {}))

    def memo(self) -> Json:
        """All that was counted, as JSON."""
        return dict(self._counts)

    def add(self, name: str, *labels: str, by: int = 1) -> None:
        """Count something."""
        if by:
            key = _BETWEEN.join((name, *labels))
            self._counts[key] = self._counts.get(key, 0) + by

    def of(self, name: str) -> Iterator[tuple[tuple[str, ...], int]]:
        """Every count of this name, with its labels, in their order."""
        for key, count in sorted(self._counts.items()):
            found, *labels = key.split(_BETWEEN)
            if found == name:
                yield tuple(labels), count


def catch_up(outbox: Outbox, reading: Reading, now: datetime) -> Tally:
    """Count what has happened since somebody last did; all that was ever counted.

    The first time, every event that the journal still holds is counted.
    """
    found = outbox.subscribe(SUBSCRIBER, now)
    while True:
        tally = Tally(found.memo)
        events = outbox.read(SUBSCRIBER, limit=BATCH_EVENTS)
        if not events:
            return tally
        for event in events:
            if event.sequence > found.position:
                _count(tally, event, reading)
        # Refused if another process was faster: then what it counted is the truth.
        last = events[-1].sequence
        outbox.advance(SUBSCRIBER, after=found.position, to=last, memo=tally.memo())
        found = outbox.subscribe(SUBSCRIBER, now)


def _count(tally: Tally, event: Event, reading: Reading) -> None:
    facts = cast("Mapping[str, Json]", event.payload)
    if event.kind == "file-uploaded":
        tally.add("uploads_accepted", str(facts["source"]))
    elif event.kind == "run-finished":
        _count_run(tally, event, facts, reading)


def _count_run(tally: Tally, event: Event, facts: Mapping[str, Json], reading: Reading) -> None:
    kind, source = str(facts["kind"]), str(facts["source"] or "")
    tally.add("runs", kind, str(facts["status"]))
    # Events of an earlier Lakewright do not say how many records there were.
    for name in ("records", "rows", "quarantined"):
        tally.add(name, source, by=cast("int", facts.get(name, 0)))
    again = _loaded_again(str(facts["run_id"]), reading)
    for upload_id, status in cast("Mapping[str, str]", facts["uploads"]).items():
        upload = reading.upload(upload_id)
        tally.add("uploads_finished", upload.source, status)
        is_new = kind == RequestKind.UPLOAD and upload_id not in again
        if is_new and UploadStatus(status).is_in_bronze:
            _count_seconds(tally, (event.at - upload.accepted_at).total_seconds())
    for attempt in reading.attempts(str(facts["run_id"])):
        if attempt.round != facts["round"]:
            continue
        status = attempt.status.value
        if attempt.status is StepStatus.PENDING:
            is_moved = failure.is_conflict(attempt.error)
            status = "conflict" if is_moved else "interrupted"
            tally.add("commit_conflicts", by=int(is_moved))
        tally.add("step_attempts", attempt.step.partition(":")[0], status)


def _loaded_again(run_id: str, reading: Reading) -> frozenset[str]:
    parts = reading.run_uploads(run_id)
    return frozenset(part.upload_id for part in parts if part.is_again)


def _count_seconds(tally: Tally, seconds: float) -> None:
    bound = next((each for each in GOLD_SECONDS if seconds <= each), None)
    tally.add("gold_seconds", "+Inf" if bound is None else f"{bound:g}")
    tally.add("gold_milliseconds", by=max(round(seconds * 1000), 0))
