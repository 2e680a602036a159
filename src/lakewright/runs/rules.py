"""What every journal decides alike, as pure functions: whose turn it is, and what a request means.

Adapters keep rows; these functions look at values and answer. So no two journals can disagree.
"""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from lakewright import errors
from lakewright.plan import codec, steps
from lakewright.plan.observed import RawUpload
from lakewright.runs.records import (
    Answer,
    Delivery,
    FormatOverride,
    IsAlive,
    Json,
    Outcome,
    Priority,
    RequestKind,
    Run,
    RunStatus,
    RunUpload,
    Step,
    StepStatus,
    Upload,
    UploadOutcome,
    UploadStatus,
)

RUN_UPLOADS_MAX = 500
"""Uploads that one run takes together: one commit for all, but the work that a fault repeats
stays bounded."""

RUN_BYTES_MAX = 2**30
"""Once the files of a waiting run hold so much, the next file gets a run of its own, so that tables
do not wait for each other's largest."""

PATIENCE = timedelta(minutes=10)
"""A run that has waited so long counts as one rank more urgent, and upkeep as any other run: each
gets its turn, however much keeps coming."""

PUBLISH = "publish"
"""The name of the step that ends every run's effects."""


PLAN = "plan"
"""The name of the step that decides what follows landing."""


def land_name(upload: Upload) -> str:
    """The name of the step that lands an upload."""
    return steps.land_name(upload.upload_id, upload.format)


def upload_id(source: str, sha256: str) -> str:
    """The identity of a content within a source: 64 bits, in hex."""
    return hashlib.sha256(f"{source}:{sha256}".encode()).hexdigest()[:16]


def raw_upload(upload: Upload) -> RawUpload:
    """What planning must know of an upload."""
    return RawUpload(
        upload_id=upload.upload_id,
        file_name=upload.file_name,
        sha256=upload.sha256,
        quarantined=upload.quarantined or 0,
        format=upload.format,
    )


def raw_uploads(uploads: Sequence[Upload]) -> Json:
    """What planning must know of uploads, by their source, as it crosses to the child."""
    found: dict[str, list[Json]] = {}
    for upload in uploads:
        found.setdefault(upload.source, []).append(codec.encode(raw_upload(upload)))
    return found


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """What an unfinished run holds or waits for."""

    run_id: str
    status: RunStatus
    owner_id: str | None
    tables: frozenset[str]
    queued_at: datetime
    priority: Priority = Priority.NORMAL
    is_paused: bool = False
    """Whether its source is paused."""
    gathers_since: datetime | None = None
    """When an upload's run that has never begun was queued: more files may join it."""
    is_upkeep: bool = False
    """Whether it waits until nothing else could go on, as far as `PATIENCE` goes."""

    def yields(self, now: datetime) -> bool:
        """Whether any other run that could go on does so first."""
        return self.is_upkeep and now - self.queued_at < PATIENCE

    def rank(self, now: datetime) -> int:
        """How urgent it is by itself."""
        return self.priority.rank + (now - self.queued_at >= PATIENCE)


def next_run(
    unfinished: Sequence[Standing],
    *,
    owner_id: str,
    is_alive: IsAlive,
    now: datetime,
    busy: Collection[str] = (),
    gathered_before: datetime | None = None,
) -> Standing | None:
    """The run that this owner may carry out next.

    A run whose owner is gone comes before all that are queued: it still holds its tables, and an
    earlier run that was put back for one of them could never go on. An owner carries out one run at
    a time: what still runs under its own name was left behind. Then the first of the most urgent,
    in the order of their queueing; upkeep if nothing else could go on. `PATIENCE` bounds both. Runs
    that are `busy`, as somebody writes to them at this moment, are passed over, and so are those
    that have gathered files since `gathered_before` or later.
    """
    taken: set[str] = set()
    for run in unfinished:
        if run.status is not RunStatus.RUNNING:
            continue
        is_left = run.owner_id in (None, owner_id) or not is_alive(str(run.owner_id))
        if is_left and run.run_id not in busy:
            return run
        taken |= run.tables
    waiting = [run for run in unfinished if run.status is RunStatus.QUEUED and not run.is_paused]
    urgency = _urgency([run for run in waiting if not run.yields(now)], now)
    found: Standing | None = None
    # Upkeep comes last, so that it keeps no table from anybody.
    for run in sorted(waiting, key=lambda each: each.yields(now)):
        if run.yields(now) and found:
            break
        is_free = (
            run.tables.isdisjoint(taken)
            and run.run_id not in busy
            and not _still_gathers(run, gathered_before)
        )
        if is_free and (found is None or urgency[run.run_id] > urgency[found.run_id]):
            found = run
        taken |= run.tables
    return found


def _urgency(waiting: Sequence[Standing], now: datetime) -> Mapping[str, int]:
    """How urgent each of these runs is, in the order of their queueing: as the most urgent of those
    that wait for it, as they come after it on one of its tables."""
    of_table: dict[str, int] = {}
    found: dict[str, int] = {}
    for run in reversed(waiting):
        behind = [of_table[table] for table in run.tables if table in of_table]
        found[run.run_id] = max([run.rank(now), *behind])
        of_table.update(dict.fromkeys(run.tables, found[run.run_id]))
    return found


def _still_gathers(run: Standing, gathered_before: datetime | None) -> bool:
    if run.gathers_since is None or gathered_before is None:
        return False
    return run.gathers_since > gathered_before


def answer(upload: Upload | None, *, is_again: bool, waiting: RequestKind | None) -> Answer:
    """What delivering this content comes to.

    `waiting` is what the last unfinished run with the upload is for.
    """
    if waiting is not None and waiting is not RequestKind.REMOVE:
        return Answer.PENDING
    if upload is None or is_again or waiting is RequestKind.REMOVE:
        return Answer.QUEUED
    return Answer.ALREADY_LOADED if upload.status.is_in_bronze else Answer.QUEUED


def format_of(upload: Upload | None, delivery: Delivery) -> FormatOverride:
    """What a delivery that is queued is to be read with.

    Where nothing is said, a file that is loaded is read as it was; any other as its source says,
    since what an attempt that failed, or rows that were removed, were read with may be the fault.
    """
    if delivery.format is not None:
        return delivery.format
    return upload.format if upload is not None and upload.status.is_in_bronze else {}


def as_read(uploads: Sequence[Upload], parts: Sequence[RunUpload]) -> Sequence[Upload]:
    """Uploads as a run with these parts reads them: where it says how, not as they were before."""
    told = {part.upload_id: part.format for part in parts if part.format is not None}
    return [replace(each, format=told.get(each.upload_id, each.format)) for each in uploads]


def may_continue(steps: Sequence[Step]) -> bool:
    """Whether a retry may keep the finished steps of a run that failed.

    It may if nothing was published and what failed was only interrupted, or was the publish
    itself. Any other failure has a cause in the files or the project, and mending that may change
    what every step does.
    """
    if any(step.name == PUBLISH and step.status is StepStatus.SUCCEEDED for step in steps):
        return False
    failed = [step for step in steps if step.status is StepStatus.FAILED]
    return bool(failed) and all(step.name == PUBLISH or _is_transient(step) for step in failed)


def _is_transient(step: Step) -> bool:
    code = step.error.get("code") if isinstance(step.error, Mapping) else None
    return isinstance(code, str) and errors.of_code(code).is_transient


def is_open(kind: str, *, has_begun: bool, uploads: int, size_bytes: int) -> bool:
    """Whether a file may join the last unfinished run of its source."""
    is_upload = kind == RequestKind.UPLOAD.value
    return is_upload and not has_begun and uploads < RUN_UPLOADS_MAX and size_bytes < RUN_BYTES_MAX


def is_upkeep(run: Run) -> bool:
    """Whether the run changes no row of any table."""
    return run.request.kind is RequestKind.UPKEEP


def is_quick(run: Run) -> bool:
    """Whether the run is upkeep that takes about a second."""
    payload = run.request.payload
    return is_upkeep(run) and isinstance(payload, Mapping) and payload.get("is_quick") is True


def may_be_published(steps: Sequence[Step]) -> bool:
    """Whether something of a run's present round is published, or may be: nobody has written down
    how a publish ended that was begun."""
    return any(
        step.name == PUBLISH and step.attempts > 0 and step.status is not StepStatus.FAILED
        for step in steps
    )


def check_cancel(run: Run) -> None:
    """Raise `Conflict` if there is nothing of the run to cancel."""
    if run.status.is_finished:
        raise errors.Conflict(
            f"run {run.run_id} cannot be cancelled",
            why=f"it has {run.status.value} already",
            hint="`lakewright tables rollback` brings an earlier state of a table back",
        )


def cancelled(run_id: str) -> errors.RunCancelled:
    """What a cancelled run, and each upload that it was to load, ends with."""
    return errors.RunCancelled(
        f"run {run_id} was cancelled",
        why="somebody asked for it; nothing of it was published",
        hint=f"`lakewright runs retry {run_id}` takes it up again",
    )


def released(step: str) -> errors.StepInterrupted:
    """What an attempt ends with whose owner let go of the run: nobody died of it."""
    return errors.StepInterrupted(
        f"{step} was broken off",
        why="whoever carried it out was stopped, and let go of the run",
        hint="whoever takes the run up next does the step again",
    )


def check_retry(run: Run) -> None:
    """Raise `Conflict` unless the run has failed."""
    if run.status is RunStatus.FAILED:
        return
    raise errors.Conflict(
        f"run {run.run_id} cannot be retried",
        why=f"it is {run.status.value}; only a failed run is retried",
        hint=f"look at it with `lakewright runs show {run.run_id}`",
    )


def is_retried(upload: Upload, *, is_again: bool) -> bool:
    """Whether a retry takes up an upload that its run had failed to load.

    Not if another run has loaded it, or is about to, in the meantime.
    """
    if is_again and upload.status.is_in_bronze:
        return True
    return upload.status is UploadStatus.FAILED


def lost(run_id: str, owner_id: str) -> errors.RunLost:
    """The refusal of a write by an owner that has lost its run."""
    return errors.RunLost(
        f"run {run_id} is no longer carried out by {owner_id}",
        why="another process found its owner gone or asleep and has taken the run over",
        hint=f"nothing is lost; follow it with `lakewright runs show {run_id}`",
    )


def missing_run(run_id: str) -> errors.NotFound:
    """The refusal to speak of a run that the journal does not know."""
    return errors.NotFound(
        f"there is no run {run_id!r}",
        why="the journal has no run with this id",
        hint="list the runs with `lakewright runs list`",
    )


def missing_upload(upload_id: str) -> errors.NotFound:
    """The refusal to speak of an upload that the journal does not know."""
    return errors.NotFound(
        f"there is no upload {upload_id!r}",
        why="the journal has no upload with this id",
        hint="list the uploads with `lakewright uploads list`",
    )


def missing_subscription(name: str) -> errors.NotFound:
    """The refusal to speak of a subscriber that the journal does not know."""
    return errors.NotFound(
        f"nobody has subscribed to the events as {name!r}",
        why="the journal keeps a position for those who have subscribed only",
        hint="subscribe by this name first",
    )


def check_told(sequence: int, newest: int) -> None:
    """Raise `Conflict` if an event is acknowledged that was never told."""
    if sequence > newest:
        raise errors.Conflict(
            f"there is no event {sequence} to acknowledge",
            why=f"the newest is {newest}",
            hint="acknowledge the sequence of an event that was read",
        )


def missing_step(run_id: str, step: str) -> errors.NotFound:
    """The refusal to start or end a step that was never prepared."""
    return errors.NotFound(
        f"run {run_id} has no step {step!r}",
        why="a step is prepared before it is started",
        hint=f"list its steps with `lakewright runs show {run_id}`",
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Notice:
    """An event before the journal gives it a sequence."""

    event_id: str
    kind: str
    payload: Json


def file_uploaded(upload: Upload, run_id: str) -> Notice:
    """An upload was acknowledged and a run will load it."""
    return Notice(
        event_id=f"file-uploaded:{upload.upload_id}:{run_id}",
        kind="file-uploaded",
        payload={
            "upload_id": upload.upload_id,
            "source": upload.source,
            "sha256": upload.sha256,
            "file_name": upload.file_name,
            "size_bytes": upload.size_bytes,
            "run_id": run_id,
        },
    )


def raw_data_ready(run: Run, upload_id: str, facts: Json) -> Notice:
    """An upload was read as a whole: its format is known and its records are counted."""
    return Notice(
        event_id=f"raw-data-ready:{upload_id}:{run.token}",
        kind="raw-data-ready",
        payload={"upload_id": upload_id, "run_id": run.run_id, "facts": facts},
    )


def run_finished(run: Run, outcome: Outcome, uploads: Sequence[UploadOutcome]) -> Notice:
    """A run ended. The records are those of the uploads that are in bronze through it."""
    loaded = [upload for upload in uploads if upload.status.is_in_bronze]
    result = outcome.result if isinstance(outcome.result, Mapping) else {}
    return Notice(
        event_id=f"run-finished:{run.token}",
        kind="run-finished",
        payload={
            "run_id": run.run_id,
            "round": run.round,
            "kind": run.request.kind.value,
            "source": run.request.source,
            "status": outcome.status.value,
            "uploads": {upload.upload_id: upload.status.value for upload in uploads},
            "records": sum(upload.records or 0 for upload in loaded),
            "rows": sum(upload.rows or 0 for upload in loaded),
            "quarantined": sum(upload.quarantined or 0 for upload in loaded),
            "tables": result.get("tables", {}),
        },
    )
