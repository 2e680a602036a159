"""Tell of runs that another process carries out, from what the journal says of them."""

from collections.abc import Collection

from lakewright.runs.journal import Reading, Run, RunStatus, StepStatus
from lakewright.runs.progress import Progress


class Follower:
    """Compares runs with what was told of them before, and tells the rest."""

    def __init__(self, reading: Reading, progress: Progress) -> None:
        self._reading = reading
        self._progress = progress
        self._told: dict[str, dict[str, tuple[StepStatus, int]]] = {}
        """For each run that was told of: the status and attempts of each of its steps."""

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
            present = (step.status, step.attempts)
            if told.get(step.name) == present:
                continue
            told[step.name] = present
            if step.status is StepStatus.RUNNING:
                self._progress.step_started(run, step.name, None)
            elif step.status.is_finished or step.attempts:
                self._progress.step_ended(run, step.name, step.status, step.error)
