"""Build a model for intervals that are past: one run for each, and no interval twice.

What was asked for stands in the journal as ticks of the model. So asking again, after a crash or by
somebody else, goes on with what is left: a run that waits or goes on is the same run, one that
failed is retried, and what has succeeded is let be.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from lakewright import errors
from lakewright.runs import accept
from lakewright.runs.journal import Journal
from lakewright.runs.records import Json, Priority, Request, RequestKind, RunStatus


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What asking for a backfill came to, as ids of runs in the order of their intervals."""

    new: tuple[str, ...]
    retried: tuple[str, ...]
    waiting: tuple[str, ...]
    """Those that were asked for before, and have not ended."""
    done: tuple[str, ...]
    unfinished: tuple[str, ...]
    """All but those that are done."""


def ask(
    journal: Journal,
    model: str,
    intervals: Iterable[tuple[datetime, datetime]],
    now: datetime,
    *,
    is_again: bool = False,
) -> Asked:
    """Queue a run for each interval, given by its start and its end, that has none.

    `is_again`: those that have succeeded are built once more, by a new run of their own.
    """
    found: dict[str, list[str]] = {"new": [], "retried": [], "waiting": [], "done": []}
    unfinished: list[str] = []
    for start, end in intervals:
        request = _request(model, start, end)
        run_id = accept.run_id(now)
        tick = journal.timetable.fire(model, start, request, run_id=run_id, now=now)
        if tick is None:
            raise ValueError("a tick without a rhythm always fires")
        status = _status(journal, tick.run_id)
        kind, of = "done", tick.run_id
        if tick.run_id == run_id:
            kind = "new"
        elif status is RunStatus.FAILED:
            journal.acceptance.retry(of, now)
            kind = "retried"
        elif status is not None and not status.is_finished:
            kind = "waiting"
        elif is_again:
            kind, of = "new", journal.acceptance.request(request, run_id=run_id, now=now).run_id
        found[kind].append(of)
        unfinished += [of] if kind != "done" else []
    asked = {name: tuple(runs) for name, runs in found.items()}
    return Asked(**asked, unfinished=tuple(unfinished))


def _status(journal: Journal, run_id: str) -> RunStatus | None:
    """How a run stands; None: retention has forgotten it, so it had ended."""
    try:
        return journal.reading.run(run_id).status
    except errors.NotFound:
        return None


def _request(model: str, start: datetime, end: datetime) -> Request:
    payload: Mapping[str, Json] = {
        "models": [model],
        "is_full": False,
        "logical_time": end.astimezone(UTC).isoformat(),
        "interval_start": start.astimezone(UTC).isoformat(),
    }
    return Request(kind=RequestKind.MODELS, payload=payload, tables=(model,), priority=Priority.LOW)
