"""The steps of a run's present round: do each once, try again what was interrupted, write it down.

start ──▶ child ──▶ result ──────────────▶ succeeded
  ▲         │
  │         ├─ refused ──────────────────▶ failed
  └─ pause ─┴─ died or overran, again ───▶ failed with the last attempt
"""

import itertools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from lakewright import errors
from lakewright.runs import failure, rules
from lakewright.runs.children.launcher import WATCH_SECONDS, Launcher
from lakewright.runs.journal import Journal
from lakewright.runs.logbook import Entry, Level
from lakewright.runs.ownership import Owner
from lakewright.runs.progress import Progress
from lakewright.runs.records import Attempt, Claim, Ending, Json, Run, Step, StepStatus

BACKOFF_SECONDS = 0.2
"""Before what came to nothing is tried again; it doubles each time, up to 16 times that."""

ORDERS_SECONDS = 0.25
"""How often, while a step goes on, it is looked whether somebody has cancelled the run."""

PROGRESS_SECONDS = 0.5
"""Progress is written to the journal at most this often, and not at all for shorter steps."""

JOURNAL_WAIT_SECONDS = 300.0
"""How long what a step came to is kept in hand while the journal's server does not answer: longer
than a server takes to start anew, or its replica to take over."""

ABANDONED_MAX = 10
"""How many processes may die while they carry out one step before it is taken for the cause. More
than for a child's death, since a parent may be killed for any reason."""


class Cancelled(Exception):
    """Somebody wants the run to end."""


def _nothing() -> None:
    pass


@dataclass(frozen=True, kw_only=True, slots=True)
class Terms:
    """How a worker works."""

    storage: Path
    """The environment's storage folder; `work/<run id>` in it is the run's."""
    step_timeout_seconds: float
    step_attempts_max: int
    wait_max_seconds: float
    """How long to wait for runs that other processes carry out."""
    group_wait_seconds: float = 0.0
    """How long an upload waits for others of its source, to be loaded with them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Hands:
    """What a run is carried out with."""

    journal: Journal
    launcher: Launcher
    owner: Owner
    terms: Terms
    progress: Progress
    clock: Callable[[], datetime]
    fetcher: Launcher | None = None
    """The child that fetches files; None: there is none, as nothing is to be fetched."""
    watch: Callable[[], None] = _nothing
    """Called several times a second; what it raises breaks the run off, to go on later."""

    def on_wait(self) -> None:
        """What is done again and again while something is waited for."""
        self.owner.beat()
        self.watch()

    def back_off(self, times: int) -> None:
        """Wait before something is tried again that has come to nothing so many times."""
        ends_at = time.monotonic() + (BACKOFF_SECONDS * 2 ** min(times - 1, 4) if times else 0)
        while (left := ends_at - time.monotonic()) > 0:
            self.on_wait()
            time.sleep(min(left, WATCH_SECONDS))


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """One step to do: its name, the child's operation that does it, and what that is told."""

    name: str
    operation: str
    payload: Mapping[str, Json]
    total: int | None = None
    """Units of work, where they are known: for whoever watches."""
    ready: Callable[[Json], Mapping[str, Json]] = lambda _: {}
    """From the result, the uploads whose raw data is ready and what to say of each."""
    error_of: Callable[[Json], Json] = lambda _: None
    """From the result, why the step has failed although the operation came to its end."""


class Round:
    """The steps of one claimed run. Writes raise `RunLost` once the run is another owner's."""

    def __init__(self, hands: Hands, claim: Claim, run: Run) -> None:
        self.work_folder = hands.terms.storage / "work" / run.run_id
        self._hands = hands
        self._claim = claim
        self._run = run
        self._execution = hands.journal.execution
        self._steps: dict[str, Step] = {}
        self._looked_at = 0.0
        self._progressed_at = 0.0
        self._load()

    def _load(self) -> None:
        found = self._hands.journal.reading.steps(self._run.run_id)
        self._steps = {step.name: step for step in found}

    def __iter__(self) -> Iterator[Step]:
        """The steps, in order."""
        return iter(tuple(self._steps.values()))

    def __getitem__(self, name: str) -> Step:
        """The step of that name, which was prepared."""
        return self._steps[name]

    def get(self, name: str) -> Step | None:
        """The step of that name."""
        return self._steps.get(name)

    def is_done(self, name: str) -> bool:
        """Whether the step has succeeded."""
        return name in self._steps and self._steps[name].status is StepStatus.SUCCEEDED

    def prepare(self, names: Sequence[str]) -> None:
        """Add steps that are not there yet."""
        if any(name not in self._steps for name in names):
            self._execution.prepare(self._claim, names)
            self._load()

    def discard(self, names: Sequence[str]) -> None:
        """Take steps out, so that they can be planned anew."""
        self._execution.discard(self._claim, names)
        for name in names:
            self._steps.pop(name, None)

    def do(self, task: Task) -> Step:
        """Have a step done, unless it is finished. `pending`: a table moved, so stage again."""
        name = task.name
        while not self._steps[name].status.is_finished:
            vain = self._vain(name)
            spent = self._spent(name, vain)
            if spent is not None:
                last = self._last_ending(task, spent)
                self.end(name, last)
                self._tell(name, last)
                break
            self._hands.back_off(len(vain))
            if name != rules.PUBLISH or not self._steps[name].attempts:
                # An earlier publish may have come through: then it is too late.
                self._check_orders()
            ending = self._attempt(task)
            if ending.status is StepStatus.SUCCEEDED:
                error = task.error_of(ending.result)
                status = StepStatus.SUCCEEDED if error is None else StepStatus.FAILED
                ending = replace(
                    ending, status=status, error=error, ready=task.ready(ending.result)
                )
            self.end(name, ending)
            self._tell(name, ending)
            if ending.status is StepStatus.PENDING and failure.is_conflict(ending.error):
                break
        return self._steps[name]

    def _last_ending(self, task: Task, spent: errors.LakewrightError) -> Ending:
        """How a step ends that is not tried again: a publish is done if one of the attempts at it
        came through, although nobody lived to hear of it."""
        if task.name == rules.PUBLISH and self.ask("is_published", {}):
            # It does nothing twice, and says what was done.
            return Ending(status=StepStatus.SUCCEEDED, result=self.ask("publish", task.payload))
        return Ending(status=StepStatus.FAILED, error=failure.to_json(spent))

    def ask(self, operation: str, payload: Mapping[str, Json]) -> Json:
        """Ask the child something that is no step, and leaves no trace: a child that dies over it
        is asked again as often as a step is tried."""
        asked = {"token": self._claim.token, **payload}
        for attempt in range(1, self._hands.terms.step_attempts_max + 1):
            try:
                return self._call(operation, asked, is_ended_whole=True)
            except errors.StepInterrupted as error:
                self._note(Level.WARNING, f"{operation}: {error.what}", {"why": error.why})
                if attempt == self._hands.terms.step_attempts_max:
                    raise
                self._hands.back_off(attempt)
        raise ValueError("a step must be tried once at least")

    def _call(
        self,
        operation: str,
        payload: Mapping[str, Json],
        on_progress: Callable[[int], None] = lambda _: None,
        *,
        is_ended_whole: bool = False,
    ) -> Json:
        """`is_ended_whole`: a cancel that comes meanwhile comes too late."""
        on_wait = self._hands.on_wait if is_ended_whole else self._on_wait
        return self._hands.launcher.call(
            operation,
            payload,
            timeout_seconds=self._hands.terms.step_timeout_seconds,
            on_progress=on_progress,
            on_wait=on_wait,
        )

    def _on_wait(self) -> None:
        self._hands.on_wait()
        now = time.monotonic()
        if now - self._looked_at >= ORDERS_SECONDS:
            self._looked_at = now
            # What is under way need not end with a server: if the run is lost, its writes are.
            with suppress(errors.JournalUnavailable):
                self._check_orders()

    def _check_orders(self) -> None:
        """Raise `Cancelled` if somebody wants the run to end, `RunLost` if it is another's."""
        if self._hands.journal.control.is_cancelled(self._claim) and not self.is_done(
            rules.PUBLISH
        ):
            raise Cancelled

    def _attempt(self, task: Task) -> Ending:
        run, progress, name = self._run, self._hands.progress, task.name
        is_publish = name == rules.PUBLISH
        attempt = self._execution.start(
            self._claim, name, self._hands.clock(), is_synced=is_publish
        )
        self._steps[name] = replace(self._steps[name], attempts=attempt.number)
        progress.step_started(run, name, task.total)
        self._progressed_at = time.monotonic()
        common: Mapping[str, Json] = {
            "run_id": run.run_id,
            "token": self._claim.token,
            "fence": self._claim.fence,
            "attempt": attempt.number,
            "work_folder": str(self.work_folder),
        }
        try:
            result = self._call(
                task.operation,
                {**common, **task.payload},
                lambda done: self._progressed(task, done),
                is_ended_whole=is_publish,
            )
        except errors.LakewrightError as error:
            status = StepStatus.PENDING if error.is_transient else StepStatus.FAILED
            spent = self._hands.launcher.spent
            return Ending(status=status, error=failure.to_json(error), spent=spent)
        spent = self._hands.launcher.spent
        return Ending(status=StepStatus.SUCCEEDED, result=result, spent=spent)

    def _progressed(self, task: Task, done: int) -> None:
        self._hands.progress.step_progressed(self._run, task.name, done)
        now = time.monotonic()
        if now - self._progressed_at >= PROGRESS_SECONDS:
            self._progressed_at = now
            # What is under way need not end with it: nobody is promised this.
            with suppress(errors.LakewrightError):
                self._hands.journal.logbook.progress(self._claim, task.name, done, task.total)

    def _tell(self, name: str, ending: Ending) -> None:
        """Write to the log how an attempt ended, unless it simply succeeded."""
        if ending.status is StepStatus.SUCCEEDED:
            return
        error = failure.from_json(ending.error)
        is_last = ending.status is StepStatus.FAILED
        message = f"{name} {'failed' if is_last else 'is tried again'}: {error.what}"
        facts: Mapping[str, Json] = {
            "step": name,
            "attempt": self._steps[name].attempts,
            "round": self._run.round,
            "code": error.code,
            "why": error.why,
        }
        self._note(Level.ERROR if is_last else Level.WARNING, message, facts)

    def tell_taken_up(self) -> None:
        """Write to the log that somebody else, or we ourselves, had the run before."""
        previous = self._claim.previous_owner_id
        if previous is not None:
            facts: Mapping[str, Json] = {
                "owner": self._claim.owner_id,
                "previous_owner": previous,
                "round": self._run.round,
            }
            self._note(Level.INFO, "the run is taken up again", facts)

    def _note(self, level: Level, message: str, facts: Mapping[str, Json]) -> None:
        entry = Entry(level=level, message=message, facts=facts)
        with suppress(errors.LakewrightError):
            self._hands.journal.logbook.write(self._claim, entry, self._hands.clock())

    def _vain(self, name: str) -> Sequence[Attempt]:
        """The attempts at a step that came to nothing by its own doing, as far as anybody knows.

        What succeeded, or met a table that had moved, was done for an earlier plan: it says nothing
        about the step. Neither does an owner that was stopped, and let go of the run."""
        if not self._steps[name].attempts:
            return ()
        return [
            attempt
            for attempt in self._hands.journal.reading.attempts(self._run.run_id)
            if (attempt.round, attempt.step) == (self._run.round, name)
            and attempt.status is not StepStatus.SUCCEEDED
            and not failure.is_conflict(attempt.error)
            and not failure.is_release(attempt.error)
        ]

    def _spent(self, name: str, vain: Sequence[Attempt]) -> errors.LakewrightError | None:
        """Why a step is not tried again, if it has had all its attempts."""
        crashes = [attempt.error for attempt in vain if attempt.error is not None]
        if len(crashes) >= self._hands.terms.step_attempts_max:
            return failure.from_json(crashes[-1])
        if len(vain) - len(crashes) >= ABANDONED_MAX:
            return errors.StepCrashed(
                f"the step {name} was given up",
                why=f"{ABANDONED_MAX} processes died while they carried it out",
                hint=f"when the cause is gone, `lakewright runs retry {self._run.run_id}`",
            )
        return None

    def end(self, name: str, ending: Ending) -> None:
        """Write down how a step ended; once the journal's server answers again, if it is away."""
        now = self._hands.clock()
        is_synced = name == rules.PUBLISH
        began_at = time.monotonic()
        for times in itertools.count(1):
            try:
                self._execution.end(self._claim, name, ending, now, is_synced=is_synced)
                break
            except errors.JournalUnavailable:
                if time.monotonic() - began_at > JOURNAL_WAIT_SECONDS:
                    raise
            self._hands.back_off(times)
        if times > 1:
            seconds = round(time.monotonic() - began_at, 1)
            message = f"what {name} came to was written down when the journal answered again"
            self._note(Level.WARNING, message, {"step": name, "waited_seconds": seconds})
        self._steps[name] = replace(
            self._steps[name], status=ending.status, result=ending.result, error=ending.error
        )
        self._hands.progress.step_ended(self._run, name, ending.status, ending.error)

    def end_cancelled(self, error: Json) -> None:
        """Write down that no further step is done; what succeeded stays for a retry."""
        for name, step in tuple(self._steps.items()):
            if not step.status.is_finished:
                self.end(name, Ending(status=StepStatus.FAILED, error=error))

    def fail(self, names: Sequence[str], error: errors.LakewrightError) -> None:
        """Fail every one of these steps that is not finished."""
        for name in names:
            if not self._steps[name].status.is_finished:
                self.end(name, Ending(status=StepStatus.FAILED, error=failure.to_json(error)))

    def skip(self, name: str, why: str) -> None:
        """Leave a step out, unless it is finished."""
        if not self._steps[name].status.is_finished:
            error = errors.RunFailed(f"{name} was left out", why=why)
            self.end(name, Ending(status=StepStatus.SKIPPED, error=failure.to_json(error)))
