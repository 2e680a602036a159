"""What is asked for, in the journal in memory. See `journal.Acceptance`."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from lakewright.runs import rules
from lakewright.runs.journals.memory.state import State
from lakewright.runs.records import (
    Accepted,
    Answer,
    Delivery,
    Request,
    RequestKind,
    Run,
    RunStatus,
    RunUpload,
    Step,
    StepStatus,
    Upload,
    UploadStatus,
)


class Acceptance:
    """See `journal.Acceptance`."""

    def __init__(self, state: State) -> None:
        self._state = state

    def accept(
        self, delivery: Delivery, *, tables: Sequence[str], run_id: str, now: datetime
    ) -> Accepted:
        with self._state.lock:
            upload_id = rules.upload_id(delivery.source, delivery.sha256)
            upload = self._state.uploads.get(upload_id)
            waiting = self._waiting(upload_id)
            answer = rules.answer(
                upload,
                is_again=delivery.is_again,
                waiting=None if waiting is None else waiting.request.kind,
            )
            if upload is not None and answer is not Answer.QUEUED:
                of = upload.run_id if waiting is None else waiting.run_id
                said = self._state.run_uploads[of][upload_id].format if waiting else None
                look = upload.format if said is None else said
                return Accepted(answer=answer, upload=upload, run_id=of, format=look)
            joined = self._join(delivery.source)
            if joined is None:
                request = Request(
                    kind=RequestKind.UPLOAD,
                    source=delivery.source,
                    tables=tuple(tables),
                    priority=delivery.priority,
                )
                self._state.add_run(request, run_id, now)
            of = joined or run_id
            self._state.raise_priority(of, delivery.priority)
            look = dict(rules.format_of(upload, delivery))
            is_again = upload is not None and upload.status.is_in_bronze
            if upload is None or not is_again:
                upload = replace(_accepted(delivery, of, now), format=look)
                self._state.uploads[upload_id] = upload
            self._state.add_upload(of, upload_id, is_again=is_again, look=look)
            self._state.tell(rules.file_uploaded(upload, of), now)
            return Accepted(answer=answer, upload=upload, run_id=of, format=look)

    def _waiting(self, upload_id: str) -> Run | None:
        runs = [
            run
            for run in self._state.unfinished()
            if upload_id in self._state.run_uploads.get(run.run_id, {})
        ]
        return runs[-1] if runs else None

    def _join(self, source: str) -> str | None:
        runs = [run for run in self._state.unfinished() if run.request.source == source]
        if not runs:
            return None
        last = runs[-1]
        parts = self._state.run_uploads.get(last.run_id, {})
        uploads = [self._state.uploads[upload_id] for upload_id in parts]
        is_open = rules.is_open(
            last.request.kind.value,
            has_begun=last.started_at is not None,
            uploads=len(uploads),
            size_bytes=sum(upload.size_bytes for upload in uploads),
        )
        return last.run_id if is_open else None

    def request(self, request: Request, *, run_id: str, now: datetime) -> Run:
        with self._state.lock:
            for upload_id in request.upload_ids:
                if upload_id not in self._state.uploads:
                    raise rules.missing_upload(upload_id)
            self._state.add_run(request, run_id, now)
            return self._state.find_run(run_id)

    def retry(self, run_id: str, now: datetime) -> Run:
        with self._state.lock:
            run = self._state.find_run(run_id)
            rules.check_retry(run)
            steps = self._state.of_round(run)
            if rules.may_continue(tuple(steps.values())):
                self._state.steps[run_id, run.round + 1] = {
                    name: step
                    if step.status is StepStatus.SUCCEEDED
                    else Step(run_id=run_id, name=name, status=StepStatus.PENDING)
                    for name, step in steps.items()
                }
            for part in list(self._state.run_uploads.get(run_id, {}).values()):
                self._take_up(part)
            self._state.wakes += 1
            self._state.runs[run_id] = replace(
                self._state.runs[run_id],
                status=RunStatus.QUEUED,
                round=run.round + 1,
                queued_at=now,
                finished_at=None,
                cancel_asked_at=None,
                error=None,
            )
            return self._state.find_run(run_id)

    def _take_up(self, part: RunUpload) -> None:
        upload = self._state.uploads[part.upload_id]
        is_failed = part.status is UploadStatus.FAILED
        if not is_failed or not rules.is_retried(upload, is_again=part.is_again):
            return
        self._state.add_upload(
            part.run_id, part.upload_id, is_again=part.is_again, look=part.format
        )
        if upload.status is UploadStatus.FAILED:
            self._state.uploads[part.upload_id] = replace(
                upload,
                status=UploadStatus.ACCEPTED,
                run_id=part.run_id,
                error=None,
                format=upload.format if part.format is None else part.format,
            )


def _accepted(delivery: Delivery, run_id: str, now: datetime) -> Upload:
    return Upload(
        upload_id=rules.upload_id(delivery.source, delivery.sha256),
        source=delivery.source,
        sha256=delivery.sha256,
        file_name=delivery.file_name,
        size_bytes=delivery.size_bytes,
        media_type=delivery.media_type,
        delivered_by=delivery.delivered_by,
        accepted_at=now,
        status=UploadStatus.ACCEPTED,
        run_id=run_id,
    )
