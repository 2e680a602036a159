"""What is asked for, in a relational journal. See `journal.Acceptance`."""

from collections.abc import Sequence
from datetime import datetime

from lakewright.runs import rules
from lakewright.runs.journals.relational.database import Database, Transaction
from lakewright.runs.journals.relational.endings import hold_source, tell
from lakewright.runs.journals.relational.requests import (
    add_run,
    add_upload,
    find_run,
    find_steps,
    find_upload,
)
from lakewright.runs.journals.relational.rows import (
    number,
    text,
    to_format,
    to_run_upload,
    to_text,
    to_time,
)
from lakewright.runs.records import (
    Accepted,
    Answer,
    Delivery,
    FormatOverride,
    Request,
    RequestKind,
    Run,
    RunUpload,
)


class Acceptance:
    """See `journal.Acceptance`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def accept(
        self, delivery: Delivery, *, tables: Sequence[str], run_id: str, now: datetime
    ) -> Accepted:
        upload_id = rules.upload_id(delivery.source, delivery.sha256)
        with self._database.writing(is_synced=True) as transaction:
            hold_source(transaction, delivery.source)
            upload = find_upload(transaction, upload_id)
            waiting = transaction.first("waiting_run", upload_id=upload_id)
            kind = None if waiting is None else RequestKind(text(waiting, "kind"))
            answer = rules.answer(upload, is_again=delivery.is_again, waiting=kind)
            if upload is not None and answer is not Answer.QUEUED:
                of = upload.run_id if waiting is None else text(waiting, "run_id")
                said = None if waiting is None else to_format(waiting)
                look = upload.format if said is None else said
                return Accepted(answer=answer, upload=upload, run_id=of, format=look)
            joined = self._join(transaction, delivery.source)
            if joined is None:
                request = Request(
                    kind=RequestKind.UPLOAD,
                    source=delivery.source,
                    tables=tuple(tables),
                    priority=delivery.priority,
                )
                add_run(transaction, request, run_id, now)
            of = joined or run_id
            transaction.change("raise_priority", run_id=of, priority=delivery.priority.rank)
            look = rules.format_of(upload, delivery)
            is_again = upload is not None and upload.status.is_in_bronze
            if not is_again:
                self._put(transaction, delivery, look, of, now)
            add_upload(transaction, of, upload_id, is_again=is_again, look=look)
            stored = find_upload(transaction, upload_id)
            if stored is None:
                raise rules.missing_upload(upload_id)
            tell(transaction, rules.file_uploaded(stored, of), now)
            return Accepted(answer=answer, upload=stored, run_id=of, format=look)

    def _join(self, transaction: Transaction, source: str) -> str | None:
        """The source's last unfinished run, if it is one that has never begun to load files."""
        row = transaction.first("last_unfinished_run_of_source", source=source)
        if row is None or not rules.is_open(
            text(row, "kind"),
            has_begun=row["started_at"] is not None,
            uploads=number(row, "uploads"),
            size_bytes=number(row, "bytes"),
        ):
            return None
        held = transaction.first("hold_queued_run", run_id=text(row, "run_id"))
        return None if held is None else text(held, "run_id")

    def _put(
        self,
        transaction: Transaction,
        delivery: Delivery,
        look: FormatOverride,
        run_id: str,
        now: datetime,
    ) -> None:
        transaction.change(
            "put_upload",
            upload_id=rules.upload_id(delivery.source, delivery.sha256),
            source=delivery.source,
            sha256=delivery.sha256,
            file_name=delivery.file_name,
            size_bytes=delivery.size_bytes,
            media_type=delivery.media_type,
            delivered_by=delivery.delivered_by,
            now=to_time(now),
            run_id=run_id,
            format=to_text(look),
        )

    def request(self, request: Request, *, run_id: str, now: datetime) -> Run:
        with self._database.writing(is_synced=True) as transaction:
            hold_source(transaction, request.source)
            for upload_id in request.upload_ids:
                if find_upload(transaction, upload_id) is None:
                    raise rules.missing_upload(upload_id)
            add_run(transaction, request, run_id, now)
            return find_run(transaction, run_id)

    def retry(self, run_id: str, now: datetime) -> Run:
        with self._database.writing(is_synced=True) as transaction:
            hold_source(transaction, find_run(transaction, run_id).request.source)
            transaction.first("hold_run", run_id=run_id)
            run = find_run(transaction, run_id)
            rules.check_retry(run)
            if rules.may_continue(find_steps(transaction, run_id)):
                transaction.change("carry_steps_over", run_id=run_id, round=run.round)
            for row in transaction.every("failed_parts", run_id=run_id):
                self._take_up(transaction, to_run_upload(row))
            transaction.change("queue_next_round", run_id=run_id, now=to_time(now))
            transaction.wake()
            return find_run(transaction, run_id)

    def _take_up(self, transaction: Transaction, part: RunUpload) -> None:
        upload = find_upload(transaction, part.upload_id)
        if upload is None or not rules.is_retried(upload, is_again=part.is_again):
            return
        key = {"run_id": part.run_id, "upload_id": part.upload_id}
        transaction.change("take_up_part", **key)
        look = None if part.format is None else to_text(part.format)
        transaction.change("take_up_upload", **key, format=look)
