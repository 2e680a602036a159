"""What anybody may ask of a relational journal. See `journal.Reading`."""

from collections.abc import Sequence

from lakewright.runs import rules
from lakewright.runs.journals.relational.database import Database
from lakewright.runs.journals.relational.requests import (
    find_run,
    find_steps,
    find_upload,
)
from lakewright.runs.journals.relational.rows import (
    to_attempt,
    to_event,
    to_run,
    to_run_upload,
    to_upload,
)
from lakewright.runs.outbox import Event
from lakewright.runs.records import (
    Attempt,
    Run,
    RunStatus,
    RunUpload,
    Step,
    Upload,
    UploadStatus,
)


class Reading:
    """See `journal.Reading`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def upload(self, upload_id: str) -> Upload:
        with self._database.reading() as transaction:
            found = find_upload(transaction, upload_id)
        if found is None:
            raise rules.missing_upload(upload_id)
        return found

    def uploads(
        self,
        *,
        source: str | None = None,
        statuses: Sequence[UploadStatus] = (),
        limit: int | None = None,
    ) -> tuple[Upload, ...]:
        with self._database.reading() as transaction:
            rows = transaction.every(
                "uploads", source=source, statuses=_names(statuses), limit=limit
            )
        return tuple(to_upload(row) for row in rows)

    def run(self, run_id: str) -> Run:
        with self._database.reading() as transaction:
            return find_run(transaction, run_id)

    def runs(
        self, *, statuses: Sequence[RunStatus] = (), limit: int | None = None
    ) -> tuple[Run, ...]:
        is_of_few = statuses and not any(status.is_finished for status in statuses)
        statement = "unfinished_runs" if is_of_few else "runs"
        with self._database.reading() as transaction:
            rows = transaction.every(statement, statuses=_names(statuses), limit=limit)
        return tuple(to_run(row) for row in rows)

    def run_uploads(self, run_id: str) -> tuple[RunUpload, ...]:
        with self._database.reading() as transaction:
            rows = transaction.every("run_uploads", run_id=run_id)
        return tuple(to_run_upload(row) for row in rows)

    def steps(self, run_id: str) -> tuple[Step, ...]:
        with self._database.reading() as transaction:
            return find_steps(transaction, find_run(transaction, run_id).run_id)

    def attempts(self, run_id: str) -> tuple[Attempt, ...]:
        with self._database.reading() as transaction:
            rows = transaction.every("attempts", run_id=run_id)
        return tuple(to_attempt(row) for row in rows)

    def events(self, *, after: int = 0, limit: int = 1000) -> tuple[Event, ...]:
        with self._database.reading() as transaction:
            rows = transaction.every("events", after=after, limit=limit)
        if rows:
            self._database.settle()
        return tuple(to_event(row) for row in rows)


def _names(statuses: Sequence[UploadStatus | RunStatus]) -> str:
    """Names between commas, as statements take them."""
    return "".join(f",{status.value}" for status in statuses) + "," if statuses else ""
