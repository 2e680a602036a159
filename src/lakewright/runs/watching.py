"""Runs as somebody who watches them sees them: what has changed since the last look.

Nothing is written, and whoever carries the runs out knows nothing of it.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from lakewright.plan.steps import landed_upload_id
from lakewright.runs.following import Follower
from lakewright.runs.journal import Journal, Reading
from lakewright.runs.logbook import Line
from lakewright.runs.progress import Silent
from lakewright.runs.records import Json, Run, RunStatus, Step, StepStatus

_NEW_RUNS_MAX = 50
"""So many new runs are seen in one look; whoever wants more of them reads the events."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """What was not so at the last look: of a run, of a step of it, or a line of its log."""

    run: Run
    step: str = ""
    """Its name; empty: it is the run itself that changed."""
    status: str = ""
    done: int | None = None
    """Bytes of a file that is read, else records."""
    total: int | None = None
    error: Json = None
    line: Line | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Sight:
    """A run as it is now; the steps that read files have their sizes as totals."""

    run: Run
    steps: tuple[Step, ...]


class Watch:
    """Looks again and again at some runs, or at all that go on."""

    def __init__(self, journal: Journal, run_ids: Collection[str] | None = None) -> None:
        """`run_ids` None: every run that is unfinished, or begins later."""
        self._journal = journal
        self._asked = run_ids
        self._heard = _Heard(_Totals(journal.reading))
        self._follower = Follower(journal.reading, self._heard)
        self._told: dict[str, Run] = {}
        """Each run that is watched, as it was told of."""
        self._read: dict[str, int] = {}
        """The last line of each run's log that was told."""
        self._newest = max([run.sequence for run in journal.reading.runs(limit=1)], default=0)

    def look(self) -> tuple[Change, ...]:
        """What has changed since the last look; of each run in the order in which it happened."""
        found: list[Change] = []
        for run in self._runs():
            told = self._told.get(run.run_id)
            change = Change(run=run, status=run.status.value, error=run.error)
            is_changed = told is None or told.status is not run.status
            if is_changed and not run.status.is_finished:
                found.append(change)
            self._follower.look([run])
            found += self._heard.changes
            self._heard.changes.clear()
            found += self._lines(run)
            if is_changed and run.status.is_finished:
                found.append(change)
            self._told[run.run_id] = run
        return tuple(found)

    def sights(self) -> tuple[Sight, ...]:
        """The runs that are watched and were unfinished at the last look, oldest first."""
        runs = [run for run in self._told.values() if not run.status.is_finished]
        return tuple(
            Sight(run=run, steps=self._heard.totals.put(self._journal.reading.steps(run.run_id)))
            for run in sorted(runs, key=lambda run: run.sequence)
        )

    def is_over(self) -> bool:
        """Whether every run that was asked for has finished."""
        if self._asked is None:
            return False
        told = [self._told.get(run_id) for run_id in self._asked]
        return all(run is not None and run.status.is_finished for run in told)

    def _runs(self) -> list[Run]:
        """What is to be looked at; a run that has finished is looked at once more."""
        reading = self._journal.reading
        going_on = [each.run_id for each in self._told.values() if not each.status.is_finished]
        if self._asked is not None:
            new = [run_id for run_id in self._asked if run_id not in self._told]
            return [reading.run(run_id) for run_id in (*going_on, *new)]
        unfinished = reading.runs(statuses=(RunStatus.QUEUED, RunStatus.RUNNING))
        new_runs = [run for run in reading.runs(limit=_NEW_RUNS_MAX) if run.sequence > self._newest]
        watched = [reading.run(run_id) for run_id in going_on]
        found = {run.run_id: run for run in (*unfinished, *new_runs, *watched)}
        self._newest = max([self._newest, *(run.sequence for run in found.values())])
        return sorted(found.values(), key=lambda run: run.sequence)

    def _lines(self, run: Run) -> list[Change]:
        lines = self._journal.logbook.lines(run.run_id, after=self._read.get(run.run_id, 0))
        if lines:
            self._read[run.run_id] = lines[-1].sequence
        return [Change(run=run, line=line) for line in lines]


class _Totals:
    """How much there is to do in a step."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._sizes: dict[str, int] = {}

    def of(self, step: str, told: int | None) -> int | None:
        """What was told of it; of a file that is read, its size."""
        if not step.startswith("land:"):
            return told
        upload_id = landed_upload_id(step)
        if upload_id not in self._sizes:
            self._sizes[upload_id] = self._reading.upload(upload_id).size_bytes
        return self._sizes[upload_id]

    def put(self, steps: Iterable[Step]) -> tuple[Step, ...]:
        """Steps, each with its total."""
        return tuple(replace(step, total=self.of(step.name, step.total)) for step in steps)


class _Heard(Silent):
    """Implements `progress.Progress`: keeps what a follower tells of steps."""

    def __init__(self, totals: _Totals) -> None:
        self.totals = totals
        self.changes: list[Change] = []
        self._present: dict[tuple[str, str], Change] = {}

    def step_started(self, run: Run, step: str, total: int | None) -> None:
        """See `progress.Progress`."""
        found = self.totals.of(step, total)
        is_known = (run.run_id, step) in self._present
        change = Change(run=run, step=step, status=StepStatus.RUNNING.value, total=found)
        self._present[run.run_id, step] = change
        # How much there is to do is heard of with the first that is done: no new beginning.
        if total is None or not is_known:
            self.changes.append(change)

    def step_progressed(self, run: Run, step: str, done: int) -> None:
        """See `progress.Progress`."""
        self.changes.append(replace(self._present[run.run_id, step], run=run, done=done))

    def step_ended(self, run: Run, step: str, status: StepStatus, error: Json) -> None:
        """See `progress.Progress`."""
        self._present.pop((run.run_id, step), None)
        self.changes.append(Change(run=run, step=step, status=status.value, error=error))
