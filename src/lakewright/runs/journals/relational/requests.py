"""What is asked for, as a relational journal writes it: runs, their tables and their uploads."""

from collections.abc import Sequence
from datetime import datetime

from lakewright.runs import rules
from lakewright.runs.journals.relational.database import Transaction
from lakewright.runs.journals.relational.rows import to_run, to_step, to_text, to_time, to_upload
from lakewright.runs.records import FormatOverride, Request, Run, Step, Upload


def find_run(transaction: Transaction, run_id: str) -> Run:
    """One run. Raises `NotFound`."""
    row = transaction.first("run", run_id=run_id)
    if row is None:
        raise rules.missing_run(run_id)
    return to_run(row)


def find_upload(transaction: Transaction, upload_id: str) -> Upload | None:
    """One upload, if the journal has it."""
    row = transaction.first("upload", upload_id=upload_id)
    return None if row is None else to_upload(row)


def find_steps(transaction: Transaction, run_id: str) -> tuple[Step, ...]:
    """The steps of a run's present round, in order."""
    return tuple(to_step(row) for row in transaction.every("steps", run_id=run_id))


def add_run(transaction: Transaction, request: Request, run_id: str, now: datetime) -> None:
    """Queue a run."""
    transaction.change(
        "add_run",
        run_id=run_id,
        kind=request.kind.value,
        source=request.source,
        payload=to_text(request.payload),
        now=to_time(now),
        priority=request.priority.rank,
    )
    add_tables(transaction, run_id, request.tables)
    transaction.wake()
    for upload_id in request.upload_ids:
        add_upload(transaction, run_id, upload_id, is_again=True)


def add_tables(transaction: Transaction, run_id: str, tables: Sequence[str]) -> None:
    """Let a run change these tables."""
    values = [{"run_id": run_id, "table_name": table} for table in tables]
    transaction.change_each("add_run_table", values)


def add_upload(
    transaction: Transaction,
    run_id: str,
    upload_id: str,
    *,
    is_again: bool,
    look: FormatOverride | None = None,
) -> None:
    """Let an upload take part in a run."""
    transaction.change(
        "add_run_upload",
        run_id=run_id,
        upload_id=upload_id,
        is_again=is_again,
        format=None if look is None else to_text(look),
    )
