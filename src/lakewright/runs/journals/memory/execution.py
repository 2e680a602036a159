"""What the owner of a run writes, in the journal in memory. See `journal.Execution`."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

from lakewright.runs import failure, rules
from lakewright.runs.journals.memory.endings import finish_run
from lakewright.runs.journals.memory.state import State, copied
from lakewright.runs.records import (
    Attempt,
    Claim,
    Ending,
    IsAlive,
    Outcome,
    RequestKind,
    Run,
    RunStatus,
    Step,
    StepStatus,
)


class Execution:
    """See `journal.Execution`."""

    def __init__(self, state: State) -> None:
        self._state = state

    def claim(
        self,
        owner_id: str,
        is_alive: IsAlive,
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
                    queued_at=run.queued_at,
                    priority=run.request.priority,
                    is_paused=run.request.source in self._state.pauses,
                    gathers_since=_gathers_since(run),
                    is_upkeep=run.request.kind is RequestKind.UPKEEP,
                )
                for run in self._state.unfinished()
            ]
            found = rules.next_run(
                standing,
                owner_id=owner_id,
                is_alive=is_alive,
                now=now,
                gathered_before=gathered_before,
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
        self._state.wakes += 1
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
            self._end(run, step, ending, now)
            for upload_id, facts in ending.ready.items():
                self._state.tell(rules.raw_data_ready(run, upload_id, facts), now)

    def _end(self, run: Run, step: str, ending: Ending, now: datetime) -> None:
        self._state.of_round(run)[step] = replace(
            self._step(run, step),
            status=ending.status,
            finished_at=now if ending.status.is_finished else None,
            result=copied(ending.result),
            error=copied(ending.error),
        )
        self._close_attempt(run, step, ending, now)

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

    def release(self, claim: Claim, now: datetime) -> None:
        with self._holding(claim) as run:
            for step in list(self._state.of_round(run).values()):
                if step.status is StepStatus.RUNNING:
                    error = failure.to_json(rules.released(step.name))
                    self._end(run, step.name, Ending(status=StepStatus.PENDING, error=error), now)
            self._put_back(claim)


def _gathers_since(run: Run) -> datetime | None:
    is_fresh = run.request.kind is RequestKind.UPLOAD and run.started_at is None
    return run.queued_at if is_fresh else None
