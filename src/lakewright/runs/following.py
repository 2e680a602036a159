"""Tell of runs that another process carries out, from what the journal says of them."""

import time
from collections.abc import Callable, Collection

from lakewright.runs.journal import Reading
from lakewright.runs.progress import Progress
from lakewright.runs.records import Run, RunStatus, Step, StepStatus

_REST = 50
"""How many times as long as a look took there is none after it: of a run of 500 files a look takes
10 ms, and many commands may wait for it."""


class Follower:
    """Compares runs with what was told of them before, and tells the rest."""

    def __init__(self, reading: Reading, progress: Progress) -> None:
        self._reading = reading
        self._progress = progress
        self._told: dict[str, dict[str, Step]] = {}
        """For each run that was told of: its steps, as they were then."""

    def look(self, runs: Collection[Run]) -> None:
        """Tell what is new of these runs."""
        for run in runs:
            if run.status is RunStatus.QUEUED:
                continue
            if run.run_id not in self._told:
                self._told[run.run_id] = {}
                self._progress.run_started(run)
            self._look_at_steps(run)

    def _look_at_steps(self, run: Run) -> None:
        told = self._told[run.run_id]
        for step in self._reading.steps(run.run_id):
            before = told.get(step.name)
            told[step.name] = step
            is_same = before is not None and _place(before) == _place(step)
            if step.status is StepStatus.RUNNING:
                self._look_at_running(run, step, before if is_same else None)
            elif not is_same and (step.status.is_finished or step.attempts):
                self._progress.step_ended(run, step.name, step.status, step.error)

    def _look_at_running(self, run: Run, step: Step, before: Step | None) -> None:
        """`before`: the same attempt, as it was told of; None: it was not."""
        if before is None or before.total != step.total:
            self._progress.step_started(run, step.name, step.total)
        if step.done is not None and (before is None or before.done != step.done):
            self._progress.step_progressed(run, step.name, step.done)


class Patient:
    """Looks as a follower does, but the more seldom the longer it takes."""

    def __init__(self, follower: Follower, clock: Callable[[], float] = time.monotonic) -> None:
        self._follower = follower
        self._clock = clock
        self._rests_until = float("-inf")

    def look(self, runs: Collection[Run]) -> None:
        """Tell what is new of these runs, unless it was told just now."""
        began_at = self._clock()
        if began_at < self._rests_until:
            return
        self._follower.look(runs)
        ended_at = self._clock()
        self._rests_until = ended_at + _REST * (ended_at - began_at)


def _place(step: Step) -> tuple[StepStatus, int]:
    return (step.status, step.attempts)
