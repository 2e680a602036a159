"""Asking for runs: what faces call once the bytes are safe.

Whoever calls has received a file and synced it. What these functions return was on disk first, so
it may be acknowledged to anybody.
"""

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from types import MappingProxyType

from lakewright import errors
from lakewright.runs.journal import Journal
from lakewright.runs.records import (
    Accepted,
    Delivery,
    Json,
    Priority,
    Request,
    RequestKind,
    Run,
    Upload,
)


def run_id(now: datetime, randomness: bytes | None = None) -> str:
    """A new run's id: it sorts by time, and no other journal that shares the lake has it.

    An id marks commits in the catalog, which may outlive a journal, so a counter will not do.
    """
    tail = (randomness or secrets.token_bytes(4)).hex()
    return f"{now.astimezone(UTC):%Y%m%d-%H%M%S}-{tail}"


def is_run_id(text: str) -> bool:
    """Whether a text has the form of a run's id."""
    return re.fullmatch(r"\d{8}-\d{6}-[0-9a-f]{8}", text) is not None


def tables_of(source: str) -> tuple[str, ...]:
    """The tables that every run on a source changes; its plan adds the models downstream."""
    return (f"bronze.{source}", f"quarantine.{source}")


def accept(journal: Journal, delivery: Delivery, now: datetime) -> Accepted:
    """Acknowledge a received file: its upload, its run and its event are one transaction.

    The same bytes for the same source are the same upload: while they wait, the answer is the run
    that will load them; once loaded, the run that did. Delivered `again`, or after a failure or
    removal, they are queued anew.
    """
    tables = tables_of(delivery.source)
    return journal.acceptance.accept(delivery, tables=tables, run_id=run_id(now), now=now)


def request_models(
    journal: Journal,
    models: Sequence[str],
    now: datetime,
    *,
    is_full: bool = False,
    priority: Priority = Priority.NORMAL,
    variables: Mapping[str, str] = MappingProxyType({}),
) -> Run:
    """Ask for models to be brought up to date; none named: all of them.

    `variables`: values of the project's variables for this run alone, as texts.
    """
    payload: dict[str, Json] = {"models": list(models), "is_full": is_full}
    if variables:
        payload["variables"] = dict(variables)
    request = Request(
        kind=RequestKind.MODELS, payload=payload, tables=tuple(models), priority=priority
    )
    return journal.acceptance.request(request, run_id=run_id(now), now=now)


def request_removal(journal: Journal, upload_ids: Sequence[str], now: datetime) -> tuple[Run, ...]:
    """Ask for uploads to be taken out of their tables, with one run for each source.

    Raises:
        NotFound: an upload is not in the journal.
        Conflict: an upload is not in bronze.
    """
    return _request(journal, RequestKind.REMOVE, upload_ids, now)


def request_replay(journal: Journal, upload_ids: Sequence[str], now: datetime) -> tuple[Run, ...]:
    """Ask for uploads to be read again and their rows replaced, with one run for each source.

    Raises:
        NotFound: an upload is not in the journal.
        Conflict: an upload is not in bronze.
    """
    return _request(journal, RequestKind.REPLAY, upload_ids, now)


def request_rebuild(journal: Journal, source: str, now: datetime) -> Run:
    """Ask for a source's tables to be made again from every raw upload that they hold."""
    request = Request(kind=RequestKind.REBUILD, source=source, tables=tables_of(source))
    return journal.acceptance.request(request, run_id=run_id(now), now=now)


def request_rollback(
    journal: Journal, table: str, snapshot_id: int, now: datetime, *, is_alone: bool = False
) -> Run:
    """Ask for a table to go to another of its snapshots; what depends on it is built from there.

    `is_alone`: what depends on it is left as it is.
    """
    payload: Mapping[str, Json] = {
        "table": table,
        "snapshot_id": snapshot_id,
        "is_alone": is_alone,
    }
    request = Request(kind=RequestKind.ROLLBACK, payload=payload, tables=(table,))
    return journal.acceptance.request(request, run_id=run_id(now), now=now)


def request_again(journal: Journal, run: Run, now: datetime) -> tuple[Run, ...]:
    """Ask for what a run was for once more: files are read again, and their rows replaced.

    Raises:
        Conflict: the run has not finished, or nothing of what it was for is left.
    """
    request = run.request
    if not run.status.is_finished:
        raise errors.Conflict(
            f"run {run.run_id} cannot be asked for again",
            why=f"it is {run.status.value}",
            hint=f"wait for it, or `lakewright runs cancel {run.run_id}`",
        )
    if request.kind in (RequestKind.UPLOAD, RequestKind.REPLAY):
        held = [each for each in request.upload_ids
                if journal.reading.upload(each).status.is_in_bronze]  # fmt: skip
        if not held:
            raise errors.Conflict(
                f"run {run.run_id} cannot be asked for again",
                why="bronze holds none of the files that it was to load",
                hint=f"`lakewright runs retry {run.run_id}` takes up what failed",
            )
        return request_replay(journal, held, now)
    if request.kind is RequestKind.REMOVE:
        return request_removal(journal, request.upload_ids, now)
    # A rebuild's tables are its source's; its plan has added others, and will again.
    is_rebuild = request.kind is RequestKind.REBUILD and request.source is not None
    tables = tables_of(str(request.source)) if is_rebuild else request.tables
    again = replace(request, upload_ids=(), tables=tables)
    return (journal.acceptance.request(again, run_id=run_id(now), now=now),)


def request_upkeep(
    journal: Journal, tables: Sequence[str], now: datetime, *, is_quick: bool = False
) -> Run:
    """Ask for tables to be compacted and tidied, when there is nothing else to do."""
    payload: Mapping[str, Json] = {"tables": list(tables), "is_quick": is_quick}
    request = Request(kind=RequestKind.UPKEEP, payload=payload, tables=tuple(tables))
    return journal.acceptance.request(request, run_id=run_id(now), now=now)


def _request(
    journal: Journal, kind: RequestKind, upload_ids: Sequence[str], now: datetime
) -> tuple[Run, ...]:
    by_source: dict[str, list[str]] = {}
    for upload_id in dict.fromkeys(upload_ids):
        upload = _in_bronze(journal.reading.upload(upload_id), kind)
        by_source.setdefault(upload.source, []).append(upload_id)
    return tuple(
        journal.acceptance.request(
            Request(kind=kind, source=source, upload_ids=tuple(chosen), tables=tables_of(source)),
            run_id=run_id(now),
            now=now,
        )
        for source, chosen in by_source.items()
    )


def _in_bronze(upload: Upload, kind: RequestKind) -> Upload:
    if upload.status.is_in_bronze:
        return upload
    verb = "removed" if kind is RequestKind.REMOVE else "replayed"
    raise errors.Conflict(
        f"upload {upload.upload_id} ({upload.file_name}) cannot be {verb}",
        why=f"it is {upload.status.value}: {upload.source}'s tables hold nothing of it",
        hint=f"see what became of it with `lakewright uploads show {upload.upload_id}`",
    )
