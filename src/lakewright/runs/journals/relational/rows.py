"""Rows of a journal's database as values, and values as what a statement is given."""

import json
from datetime import UTC, datetime
from typing import cast

from lakewright.runs.control import Pause
from lakewright.runs.journals.relational.database import Cell, Row
from lakewright.runs.logbook import Level, Line
from lakewright.runs.outbox import Event, Subscription
from lakewright.runs.records import (
    Attempt,
    FormatOverride,
    Json,
    Priority,
    Request,
    RequestKind,
    Run,
    RunStatus,
    RunUpload,
    Spent,
    Step,
    StepStatus,
    Upload,
    UploadStatus,
)
from lakewright.runs.rules import Standing
from lakewright.runs.timetable import Tick


def to_text(value: Json) -> str:
    """JSON as a statement is given it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def to_time(moment: datetime) -> str:
    """A time as a statement is given it; times in this form sort as times."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def text(row: Row, column: str) -> str:
    """A column that always holds text."""
    return cast("str", row[column])


def number(row: Row, column: str) -> int:
    """A column that always holds a whole number."""
    return cast("int", row[column])


def _json(row: Row, column: str) -> Json:
    value: Json = json.loads(text(row, column))
    return value


def _texts(row: Row, column: str) -> tuple[str, ...]:
    return tuple(json.loads(text(row, column)))


def to_moment(cell: Cell) -> datetime:
    """A cell that always holds a time."""
    if isinstance(cell, datetime):
        return cell.astimezone(UTC)
    return datetime.fromisoformat(cast("str", cell))


def _some_text(row: Row, column: str) -> str | None:
    return cast("str | None", row[column])


def _some_number(row: Row, column: str) -> int | None:
    return cast("int | None", row[column])


def _some_moment(row: Row, column: str) -> datetime | None:
    return None if row[column] is None else to_moment(row[column])


def to_format(row: Row) -> FormatOverride | None:
    """What is said of a file's format; None: nothing."""
    said = _some_text(row, "format")
    found: FormatOverride | None = None if said is None else json.loads(said)
    return found


def to_upload(row: Row) -> Upload:
    """One upload."""
    return Upload(
        upload_id=text(row, "upload_id"),
        source=text(row, "source"),
        sha256=text(row, "sha256"),
        file_name=text(row, "file_name"),
        size_bytes=number(row, "size_bytes"),
        media_type=_some_text(row, "media_type"),
        delivered_by=text(row, "delivered_by"),
        accepted_at=to_moment(row["accepted_at"]),
        status=UploadStatus(text(row, "status")),
        run_id=text(row, "run_id"),
        records=_some_number(row, "records"),
        rows=_some_number(row, "rows"),
        quarantined=_some_number(row, "quarantined"),
        snapshot_id=_some_number(row, "snapshot_id"),
        suspicions=_texts(row, "suspicions"),
        error=_json(row, "error"),
        format=to_format(row) or {},
    )


def to_standing(row: Row) -> Standing:
    """What an unfinished run holds or waits for."""
    return Standing(
        run_id=text(row, "run_id"),
        status=RunStatus(text(row, "status")),
        owner_id=_some_text(row, "owner_id"),
        tables=frozenset(_texts(row, "tables")),
        queued_at=to_moment(row["queued_at"]),
        priority=Priority.of_rank(number(row, "priority")),
        is_paused=bool(row["is_paused"]),
        gathers_since=_some_moment(row, "gathers_since"),
        is_upkeep=text(row, "kind") == RequestKind.UPKEEP.value,
    )


def to_run(row: Row) -> Run:
    """One run, from a row of `whole_runs`."""
    return Run(
        run_id=text(row, "run_id"),
        sequence=number(row, "sequence"),
        request=Request(
            kind=RequestKind(text(row, "kind")),
            payload=_json(row, "payload"),
            source=_some_text(row, "source"),
            upload_ids=_texts(row, "upload_ids"),
            tables=tuple(sorted(_texts(row, "tables"))),
            priority=Priority.of_rank(number(row, "priority")),
        ),
        status=RunStatus(text(row, "status")),
        round=number(row, "round"),
        queued_at=to_moment(row["queued_at"]),
        started_at=_some_moment(row, "started_at"),
        finished_at=_some_moment(row, "finished_at"),
        owner_id=_some_text(row, "owner_id"),
        fence=number(row, "fence"),
        result=_json(row, "result"),
        error=_json(row, "error"),
        cancel_asked_at=_some_moment(row, "cancel_asked_at"),
    )


def to_pause(row: Row) -> Pause:
    """One source that is paused."""
    return Pause(
        source=text(row, "source"),
        reason=text(row, "reason"),
        paused_at=to_moment(row["paused_at"]),
    )


def to_run_upload(row: Row) -> RunUpload:
    """One upload's part in a run."""
    return RunUpload(
        run_id=text(row, "run_id"),
        upload_id=text(row, "upload_id"),
        is_again=bool(row["is_again"]),
        status=UploadStatus(text(row, "status")),
        error=_json(row, "error"),
        format=to_format(row),
    )


def to_step(row: Row) -> Step:
    """One step, with the number of its attempts."""
    return Step(
        run_id=text(row, "run_id"),
        name=text(row, "name"),
        status=StepStatus(text(row, "status")),
        attempts=number(row, "attempts"),
        started_at=_some_moment(row, "started_at"),
        finished_at=_some_moment(row, "finished_at"),
        done=_some_number(row, "done"),
        total=_some_number(row, "total"),
        result=_json(row, "result"),
        error=_json(row, "error"),
    )


def to_attempt(row: Row) -> Attempt:
    """One attempt."""
    return Attempt(
        run_id=text(row, "run_id"),
        round=number(row, "round"),
        step=text(row, "step"),
        number=number(row, "number"),
        fence=number(row, "fence"),
        status=StepStatus(text(row, "status")),
        started_at=to_moment(row["started_at"]),
        finished_at=_some_moment(row, "finished_at"),
        error=_json(row, "error"),
        spent=_spent(row),
    )


def _spent(row: Row) -> Spent | None:
    milliseconds = _some_number(row, "milliseconds")
    cpu_milliseconds = _some_number(row, "cpu_milliseconds")
    if milliseconds is None or cpu_milliseconds is None:
        return None
    return Spent(milliseconds=milliseconds, cpu_milliseconds=cpu_milliseconds)


def to_line(row: Row) -> Line:
    """One line of a run's log."""
    return Line(
        sequence=number(row, "sequence"),
        run_id=text(row, "run_id"),
        at=to_moment(row["at"]),
        level=Level(text(row, "level")),
        message=text(row, "message"),
        facts=cast("dict[str, Json]", _json(row, "facts")),
    )


def to_event(row: Row) -> Event:
    """One event."""
    return Event(
        event_id=text(row, "event_id"),
        sequence=number(row, "sequence"),
        kind=text(row, "kind"),
        at=to_moment(row["at"]),
        payload=_json(row, "payload"),
    )


def to_subscription(row: Row) -> Subscription:
    """One subscriber's place among the events."""
    return Subscription(
        name=text(row, "name"),
        position=number(row, "position"),
        missed=number(row, "missed"),
        subscribed_at=to_moment(row["subscribed_at"]),
        memo=_json(row, "memo"),
    )


def to_tick(row: Row) -> Tick:
    """One tick."""
    return Tick(subject=text(row, "subject"), at=to_moment(row["at"]), run_id=text(row, "run_id"))
