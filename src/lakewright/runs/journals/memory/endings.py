"""How a run in the journal in memory ends: what became of its uploads, and the event that tells."""

from dataclasses import replace
from datetime import datetime

from lakewright.runs import rules
from lakewright.runs.journals.memory.state import State, copied
from lakewright.runs.records import (
    Json,
    Outcome,
    Run,
    RunStatus,
    StepStatus,
    UploadOutcome,
    UploadStatus,
)


def finish_run(state: State, run: Run, outcome: Outcome, now: datetime) -> None:
    """Write how a run ended."""
    named = {upload.upload_id for upload in outcome.uploads}
    parts = state.run_uploads.get(run.run_id, {}).values()
    unnamed = tuple(
        UploadOutcome(upload_id=part.upload_id, status=UploadStatus.FAILED, error=outcome.error)
        for part in parts
        if part.status is UploadStatus.ACCEPTED and part.upload_id not in named
    )
    uploads = outcome.uploads + unnamed
    for upload in uploads:
        _conclude(state, run.run_id, upload)
    if outcome.status is RunStatus.FAILED:
        _fail_steps(state, run, outcome.error, now)
    state.runs[run.run_id] = replace(
        state.runs[run.run_id],
        status=outcome.status,
        finished_at=now,
        result=copied(outcome.result),
        error=copied(outcome.error),
    )
    state.tell(rules.run_finished(run, outcome, uploads), now)
    state.wakes += 1


def _fail_steps(state: State, run: Run, error: Json, now: datetime) -> None:
    """End what had begun, or was still to begin: a retry keeps what was done before."""
    steps = state.of_round(run)
    for name, step in steps.items():
        if not step.status.is_finished:
            steps[name] = replace(
                step, status=StepStatus.FAILED, finished_at=now, error=copied(error)
            )
    for index, found in enumerate(state.attempts):
        is_of_round = (found.run_id, found.round) == (run.run_id, run.round)
        if is_of_round and found.status is StepStatus.RUNNING:
            state.attempts[index] = replace(
                found, status=StepStatus.FAILED, finished_at=now, error=copied(error)
            )


def _conclude(state: State, run_id: str, outcome: UploadOutcome) -> None:
    parts = state.run_uploads.setdefault(run_id, {})
    if outcome.upload_id not in parts:
        state.add_upload(run_id, outcome.upload_id, is_again=True)
    parts[outcome.upload_id] = replace(
        parts[outcome.upload_id], status=outcome.status, error=copied(outcome.error)
    )
    look = parts[outcome.upload_id].format
    upload = state.uploads[outcome.upload_id]
    if outcome.status is UploadStatus.FAILED:
        if upload.status is not UploadStatus.ACCEPTED:
            return
        upload = replace(upload, error=copied(outcome.error))
    else:
        upload = replace(
            upload,
            run_id=run_id,
            rows=outcome.rows,
            snapshot_id=outcome.snapshot_id,
            error=None,
            format=upload.format if look is None else look,
        )
    state.uploads[outcome.upload_id] = replace(
        upload,
        status=outcome.status,
        records=outcome.records,
        quarantined=outcome.quarantined,
        suspicions=outcome.suspicions,
    )
