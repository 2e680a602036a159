"""The logbook of the journal in memory. See `logbook`."""

from dataclasses import replace
from datetime import datetime
from typing import cast

from lakewright.runs.journals.memory.state import State, copied
from lakewright.runs.logbook import LINES_MAX, Entry, Line
from lakewright.runs.records import Claim, RunStatus, StepStatus


class Logbook:
    """See `runs.logbook.Logbook`."""

    def __init__(self, state: State) -> None:
        self._state = state

    def _is_held(self, claim: Claim) -> bool:
        run = self._state.find_run(claim.run_id)
        return run.fence == claim.fence and run.status is RunStatus.RUNNING

    def progress(self, claim: Claim, step: str, done: int, total: int | None) -> None:
        with self._state.lock:
            steps = self._state.of_round(self._state.find_run(claim.run_id))
            found = steps.get(step)
            if self._is_held(claim) and found and found.status is StepStatus.RUNNING:
                steps[step] = replace(found, done=done, total=total)

    def write(self, claim: Claim, entry: Entry, now: datetime) -> None:
        with self._state.lock:
            if not self._is_held(claim):
                return
            line = entry.bounded()
            self._state.lines_written += 1
            lines = self._state.lines.setdefault(claim.run_id, [])
            lines.append(
                Line(
                    sequence=self._state.lines_written,
                    run_id=claim.run_id,
                    at=now,
                    level=line.level,
                    message=line.message,
                    facts=cast("dict[str, str]", copied(line.facts)),
                )
            )
            del lines[:-LINES_MAX]

    def lines(self, run_id: str, *, after: int = 0) -> tuple[Line, ...]:
        with self._state.lock:
            found = self._state.lines.get(run_id, ())
            return tuple(line for line in found if line.sequence > after)
