"""How a run in a relational journal ends: what became of its uploads, and the event that tells."""

from datetime import datetime

from lakewright.runs import rules
from lakewright.runs.journals.relational.database import Transaction
from lakewright.runs.journals.relational.outbox import EVENTS
from lakewright.runs.journals.relational.rows import text, to_format, to_text, to_time
from lakewright.runs.records import (
    Json,
    Outcome,
    Run,
    RunStatus,
    UploadOutcome,
    UploadStatus,
)


def hold_source(transaction: Transaction, source: str | None) -> None:
    """Keep others from writing what concerns this source until the transaction has ended."""
    if source is not None:
        transaction.hold(f"source {source}")


def tell(transaction: Transaction, notice: rules.Notice, now: datetime) -> None:
    """Tell an event; nobody tells another until the transaction has ended."""
    transaction.hold(EVENTS)
    transaction.change(
        "tell",
        event_id=notice.event_id,
        kind=notice.kind,
        now=to_time(now),
        payload=to_text(notice.payload),
    )


def finish_run(transaction: Transaction, run: Run, outcome: Outcome, now: datetime) -> None:
    """Write how a run ended. Its source and its row are held."""
    named = {upload.upload_id for upload in outcome.uploads}
    rows = transaction.every("waiting_parts", run_id=run.run_id)
    unnamed = tuple(
        UploadOutcome(upload_id=upload_id, status=UploadStatus.FAILED, error=outcome.error)
        for upload_id in (text(row, "upload_id") for row in rows)
        if upload_id not in named
    )
    uploads = outcome.uploads + unnamed
    for upload in uploads:
        _conclude(transaction, run.run_id, upload)
    if outcome.status is RunStatus.FAILED:
        _fail_steps(transaction, run, outcome.error, now)
    transaction.change(
        "finish_run",
        run_id=run.run_id,
        status=outcome.status.value,
        now=to_time(now),
        result=to_text(outcome.result),
        error=to_text(outcome.error),
    )
    tell(transaction, rules.run_finished(run, outcome, uploads), now)
    transaction.wake()


def _fail_steps(transaction: Transaction, run: Run, error: Json, now: datetime) -> None:
    """End what had begun, or was still to begin: a retry keeps what was done before."""
    for statement in ("fail_unfinished_steps", "fail_unfinished_attempts"):
        transaction.change(
            statement, run_id=run.run_id, round=run.round, error=to_text(error), now=to_time(now)
        )


def _conclude(transaction: Transaction, run_id: str, outcome: UploadOutcome) -> None:
    """Write what a run made of one upload; a rebuild's outcome may name one that did not wait."""
    part = transaction.first(
        "conclude_part",
        run_id=run_id,
        upload_id=outcome.upload_id,
        is_again=True,
        status=outcome.status.value,
        error=to_text(outcome.error),
    )
    if outcome.status is UploadStatus.FAILED:
        transaction.change(
            "fail_upload",
            upload_id=outcome.upload_id,
            error=to_text(outcome.error),
            records=outcome.records,
            quarantined=outcome.quarantined,
            suspicions=to_text(outcome.suspicions),
        )
        return
    look = None if part is None else to_format(part)
    transaction.change(
        "conclude_upload",
        upload_id=outcome.upload_id,
        status=outcome.status.value,
        run_id=run_id,
        records=outcome.records,
        rows=outcome.rows,
        quarantined=outcome.quarantined,
        snapshot_id=outcome.snapshot_id,
        suspicions=to_text(outcome.suspicions),
        format=None if look is None else to_text(look),
    )
