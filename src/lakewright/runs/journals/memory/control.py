"""Control of the runs in the journal in memory, and how they end."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from lakewright.runs import failure, rules
from lakewright.runs.control import Pause
from lakewright.runs.journals.memory.state import State, copied
from lakewright.runs.records import (
    Claim,
    Json,
    Outcome,
    Run,
    RunStatus,
    StepStatus,
    UploadOutcome,
    UploadStatus,
)


class Control:
    """See `runs.control.Control`."""

    def __init__(self, state: State) -> None:
        self._state = state

    def cancel(self, run_id: str, now: datetime) -> Run:
        with self._state.lock:
            run = self._state.find_run(run_id)
            rules.check_cancel(run)
            is_out = rules.may_be_published(self._state.steps_of(run))
            if run.status is RunStatus.QUEUED and not is_out:
                error = failure.to_json(rules.cancelled(run_id))
                finish_run(self._state, run, Outcome(status=RunStatus.FAILED, error=error), now)
            elif run.cancel_asked_at is None:
                self._state.runs[run_id] = replace(run, cancel_asked_at=now)
            return self._state.find_run(run_id)

    def is_cancelled(self, claim: Claim) -> bool:
        with self._state.lock:
            run = self._state.find_run(claim.run_id)
            if run.fence != claim.fence or run.status is not RunStatus.RUNNING:
                raise rules.lost(claim.run_id, claim.owner_id)
            return run.cancel_asked_at is not None

    def pause(self, source: str, reason: str, now: datetime) -> None:
        with self._state.lock:
            before = self._state.pauses.get(source)
            paused_at = now if before is None else before.paused_at
            pause = Pause(source=source, reason=reason, paused_at=paused_at)
            self._state.pauses[source] = pause

    def resume(self, source: str) -> bool:
        with self._state.lock:
            self._state.wakes += 1
            return self._state.pauses.pop(source, None) is not None

    def pauses(self) -> Mapping[str, Pause]:
        with self._state.lock:
            return dict(sorted(self._state.pauses.items()))


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
