"""The journal in memory: the twin of the one on disk, for tests and for trying things out.

It keeps the same promises but durability: what it holds ends with its process.
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import datetime

from lakewright.runs import journal, ownership, rules
from lakewright.runs.journal import (
    Accepted,
    Answer,
    Attempt,
    Claim,
    Delivery,
    Ending,
    Outcome,
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
from lakewright.runs.memory_control import MemoryControl, finish_run
from lakewright.runs.memory_logbook import MemoryLogbook
from lakewright.runs.memory_outbox import MemoryOutbox
from lakewright.runs.memory_state import State, copied
from lakewright.runs.memory_timetable import MemoryTimetable
from lakewright.runs.outbox import Event


def open_journal() -> journal.Journal:
    """A new, empty journal."""
    state = State()
    return journal.Journal(
        acceptance=_Acceptance(state),
        execution=_Execution(state),
        reading=_Reading(state),
        control=MemoryControl(state),
        logbook=MemoryLogbook(state),
        outbox=MemoryOutbox(state),
        timetable=MemoryTimetable(state),
        owners=_Owners(),
        close=lambda: None,
    )


class _Acceptance:
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


def _gathers_since(run: Run) -> datetime | None:
    is_fresh = run.request.kind is RequestKind.UPLOAD and run.started_at is None
    return run.queued_at if is_fresh else None


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


class _Execution:
    """See `journal.Execution`."""

    def __init__(self, state: State) -> None:
        self._state = state

    def claim(
        self,
        owner_id: str,
        is_alive: journal.IsAlive,
        now: datetime,
        *,
        gathered_before: datetime | None = None,
    ) -> Claim | None:
        with self._state.lock:
            standing = [
                rules.Standing(
                    run_id=run.run_id,
                    status=run.status,
                    owner_id=run.owner_id,
                    tables=frozenset(run.request.tables),
                    priority=run.request.priority,
                    is_paused=run.request.source in self._state.pauses,
                    gathers_since=_gathers_since(run),
                    is_upkeep=run.request.kind is journal.RequestKind.UPKEEP,
                )
                for run in self._state.unfinished()
            ]
            found = rules.next_run(
                standing, owner_id=owner_id, is_alive=is_alive, gathered_before=gathered_before
            )
            if found is None:
                return None
            self._state.fence += 1
            run = self._state.runs[found.run_id]
            self._state.runs[run.run_id] = replace(
                run,
                status=RunStatus.RUNNING,
                owner_id=owner_id,
                fence=self._state.fence,
                started_at=run.started_at or now,
            )
            return Claim(
                run_id=run.run_id,
                owner_id=owner_id,
                fence=self._state.fence,
                token=run.token,
                previous_owner_id=run.owner_id,
            )

    @contextmanager
    def _holding(self, claim: Claim) -> Iterator[Run]:
        with self._state.lock:
            run = self._state.find_run(claim.run_id)
            if run.fence != claim.fence or run.status is not RunStatus.RUNNING:
                raise rules.lost(claim.run_id, claim.owner_id)
            yield run

    def lock(self, claim: Claim, tables: Sequence[str]) -> bool:
        with self._holding(claim):
            run = self._state.runs[claim.run_id]
            wanted = set(run.request.tables) | set(tables)
            is_held = any(
                other.run_id != run.run_id
                and other.status is RunStatus.RUNNING
                and not wanted.isdisjoint(other.request.tables)
                for other in self._state.unfinished()
            )
            request = replace(run.request, tables=tuple(sorted(wanted)))
            self._state.runs[run.run_id] = replace(run, request=request)
            if is_held:
                self._put_back(claim)
            return not is_held

    def _put_back(self, claim: Claim) -> None:
        self._state.runs[claim.run_id] = replace(
            self._state.runs[claim.run_id], status=RunStatus.QUEUED
        )

    def prepare(self, claim: Claim, steps: Sequence[str]) -> None:
        with self._holding(claim) as run:
            for name in steps:
                self._state.of_round(run).setdefault(
                    name, Step(run_id=run.run_id, name=name, status=StepStatus.PENDING)
                )

    def discard(self, claim: Claim, steps: Sequence[str]) -> None:
        with self._holding(claim) as run:
            for name in steps:
                self._state.of_round(run).pop(name, None)

    # Memory is never on disk: `is_synced` asks for what this twin does not promise.
    def start(
        self,
        claim: Claim,
        step: str,
        now: datetime,
        *,
        is_synced: bool = False,  # noqa: ARG002
    ) -> Attempt:
        with self._holding(claim) as run:
            found = self._step(run, step)
            self._close_attempt(run, step, Ending(status=StepStatus.PENDING), now)
            attempt = Attempt(
                run_id=run.run_id,
                round=run.round,
                step=step,
                number=1 + self._state.attempts_at(run, step),
                fence=claim.fence,
                status=StepStatus.RUNNING,
                started_at=now,
            )
            self._state.attempts.append(attempt)
            self._state.of_round(run)[step] = replace(
                found,
                status=StepStatus.RUNNING,
                started_at=now,
                finished_at=None,
                done=None,
                total=None,
                error=None,
            )
            return attempt

    def end(
        self,
        claim: Claim,
        step: str,
        ending: Ending,
        now: datetime,
        *,
        is_synced: bool = False,  # noqa: ARG002
    ) -> None:
        with self._holding(claim) as run:
            self._state.of_round(run)[step] = replace(
                self._step(run, step),
                status=ending.status,
                finished_at=now if ending.status.is_finished else None,
                result=copied(ending.result),
                error=copied(ending.error),
            )
            self._close_attempt(run, step, ending, now)
            for upload_id, facts in ending.ready.items():
                self._state.tell(rules.raw_data_ready(run, upload_id, facts), now)

    def _step(self, run: Run, name: str) -> Step:
        steps = self._state.of_round(run)
        if name not in steps:
            raise rules.missing_step(run.run_id, name)
        return steps[name]

    def _close_attempt(self, run: Run, step: str, ending: Ending, now: datetime) -> None:
        key = (run.run_id, run.round, step, StepStatus.RUNNING)
        for index, found in enumerate(self._state.attempts):
            if (found.run_id, found.round, found.step, found.status) == key:
                self._state.attempts[index] = replace(
                    found,
                    status=ending.status,
                    finished_at=now,
                    error=copied(ending.error),
                    spent=ending.spent,
                )

    def finish(self, claim: Claim, outcome: Outcome, now: datetime) -> None:
        with self._holding(claim) as run:
            finish_run(self._state, run, outcome, now)

    def release(self, claim: Claim) -> None:
        with self._holding(claim):
            self._put_back(claim)


class _Reading:
    """See `journal.Reading`."""

    def __init__(self, state: State) -> None:
        self._state = state

    def upload(self, upload_id: str) -> Upload:
        if upload_id not in self._state.uploads:
            raise rules.missing_upload(upload_id)
        return self._state.uploads[upload_id]

    def uploads(
        self,
        *,
        source: str | None = None,
        statuses: Sequence[UploadStatus] = (),
        limit: int | None = None,
    ) -> tuple[Upload, ...]:
        with self._state.lock:
            found = [
                upload
                for upload in reversed(self._state.uploads.values())
                if (source is None or upload.source == source)
                and (not statuses or upload.status in statuses)
            ]
        return tuple(found[:limit])

    def run(self, run_id: str) -> Run:
        with self._state.lock:
            return self._state.find_run(run_id)

    def runs(
        self, *, statuses: Sequence[RunStatus] = (), limit: int | None = None
    ) -> tuple[Run, ...]:
        with self._state.lock:
            found = [
                self._state.find_run(run.run_id)
                for run in reversed(self._state.runs.values())
                if not statuses or run.status in statuses
            ]
        return tuple(found[:limit])

    def run_uploads(self, run_id: str) -> tuple[RunUpload, ...]:
        with self._state.lock:
            return tuple(self._state.run_uploads.get(run_id, {}).values())

    def steps(self, run_id: str) -> tuple[Step, ...]:
        with self._state.lock:
            return self._state.steps_of(self._state.find_run(run_id))

    def attempts(self, run_id: str) -> tuple[Attempt, ...]:
        with self._state.lock:
            return tuple(found for found in self._state.attempts if found.run_id == run_id)

    def events(self, *, after: int = 0, limit: int = 1000) -> tuple[Event, ...]:
        with self._state.lock:
            found = [event for event in self._state.events.values() if event.sequence > after]
        return tuple(found[:limit])


class _Owners:
    """See `ownership.Owners`."""

    def __init__(self) -> None:
        self._living: set[str] = set()

    def hold(self) -> ownership.Owner:
        return _Owner(self._living)

    def is_alive(self, owner_id: str) -> bool:
        return owner_id in self._living


class _Owner(AbstractContextManager["_Owner"]):
    """See `ownership.Owner`."""

    def __init__(self, living: set[str]) -> None:
        self.owner_id = ownership.new_id()
        self._living = living
        living.add(self.owner_id)

    def beat(self) -> None:
        """It lives as long as the journal does, and never sleeps."""

    def close(self) -> None:
        self._living.discard(self.owner_id)

    def __exit__(self, *_: object) -> None:
        self.close()
