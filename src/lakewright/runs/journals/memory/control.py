"""Control of the runs in the journal in memory, and how they end."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from lakewright.runs import failure, rules
from lakewright.runs.control import Pause
from lakewright.runs.journals.memory.endings import finish_run
from lakewright.runs.journals.memory.state import State
from lakewright.runs.records import (
    Claim,
    Outcome,
    Run,
    RunStatus,
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
