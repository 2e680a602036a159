"""Take runs from the queue and carry them out, one after another, until what is asked for is done.

A foreground command is a worker for as long as it waits, unless a resident worker lives: then it
only looks on. Runs that another living process carries out are waited for; should it die, they are
adopted. One thread, one owner, one warm child.
"""

import shutil
import time
from collections import Counter
from collections.abc import Callable, Collection, Container, Mapping
from contextlib import suppress
from datetime import timedelta

from lakewright import errors
from lakewright.runs import accept, failure, rules
from lakewright.runs.following import Follower, Patient
from lakewright.runs.logbook import Entry, Level
from lakewright.runs.records import Claim, Json, Outcome, Run, RunStatus
from lakewright.runs.workers.carrier import Carrier
from lakewright.runs.workers.round import Hands

POLL_SECONDS = 0.025
"""How often to look whether somebody else's run has ended or a queued one may begin."""

BREAKS_MAX = 3
"""How often a run may break the process that carries it out, outside of its steps, until it is
ended as failed: otherwise it would be taken up for ever."""

KEPT_SECONDS = 7 * 24 * 3600.0
"""How long what a failed run has read and staged is kept, so that a retry goes on from there. A
later retry does the same work again."""


class Worker:
    """Carries out runs with one child process."""

    def __init__(self, hands: Hands, breaks: Counter[str] | None = None) -> None:
        """`breaks`: how often each run has broken its worker, where workers share the count."""
        self._hands = hands
        self._breaks: Counter[str] = Counter() if breaks is None else breaks

    def drain(
        self,
        run_ids: Collection[str] | None = None,
        *,
        is_served: Callable[[], bool] = lambda: False,
    ) -> tuple[Run, ...]:
        """Work until these runs have finished; none given: until no run is unfinished.

        Runs of a source that is paused are left where they are.

        While `is_served` holds, a resident worker does the work and this only looks on.

        Returns:
            The runs that were asked for, as they ended, in the order given.

        Raises:
            NotFound: a run is not in the journal.
            Conflict: another process still holds a run after `wait_max_seconds` without work.
        """
        self.sweep()
        follower = Patient(Follower(self._hands.journal.reading, self._hands.progress))
        waiting_since = time.monotonic()
        while unfinished := self._unfinished(run_ids):
            if not is_served() and self._work_once_or_give_up():
                waiting_since = time.monotonic()
                continue
            if time.monotonic() - waiting_since > self._hands.terms.wait_max_seconds:
                raise _waited_too_long(unfinished[0], self._hands.terms.wait_max_seconds)
            follower.look(unfinished)
            self._hands.on_wait()
            time.sleep(POLL_SECONDS)
        reading = self._hands.journal.reading
        return tuple(reading.run(run_id) for run_id in run_ids or ())

    def _work_once_or_give_up(self) -> bool:
        """As `work_once`, but a run that breaks this worker is tried until it is given up: left to
        the next command, it would break each, and its tables would be nobody's."""
        while True:
            before = self._breaks.total()
            try:
                return self.work_once()
            except Exception:
                is_broken_by_run = self._breaks.total() > before
                if not is_broken_by_run or max(self._breaks.values()) > BREAKS_MAX:
                    raise

    def work_once(self) -> bool:
        """Carry out the next run that may go on. False: there is none."""
        self._hands.owner.beat()
        now = self._hands.clock()
        claim = self._hands.journal.execution.claim(
            self._hands.owner.owner_id,
            self._is_alive,
            now,
            gathered_before=now - timedelta(seconds=self._hands.terms.group_wait_seconds),
        )
        if claim is None:
            return False
        try:
            Carrier(self._hands, claim).carry_out()
        except errors.RunLost:
            # The survivor has the run; whatever our child is doing for it, it must stop.
            self._hands.launcher.end()
        except Exception as error:
            self._let_go(claim, error)
            raise
        except BaseException:
            self._let_go(claim, None)
            raise
        return True

    def _let_go(self, claim: Claim, error: Exception | None) -> None:
        """Leave a run that was broken off to whoever comes next, unless it always breaks.

        What may be published is never given up: told as failed, its files would be loaded again.
        """
        self._hands.launcher.end()
        self._breaks[claim.run_id] += error is not None and not _is_of_machine(error)
        try:
            steps = self._hands.journal.reading.steps(claim.run_id)
            is_hopeless = self._breaks[claim.run_id] >= BREAKS_MAX
            if error is not None and is_hopeless and not rules.may_be_published(steps):
                found = failure.to_json(failure.of_exception(error, f"run {claim.run_id}"))
                self._give_up(claim, found)
            else:
                self._hands.journal.execution.release(claim, self._hands.clock())
        except errors.LakewrightError:
            # It is lost, finished, or the journal is out of reach: the lock tells others enough.
            return

    def _give_up(self, claim: Claim, error: Json) -> None:
        """End a run as failed that always breaks its worker, and tell whoever watches."""
        journal, now = self._hands.journal, self._hands.clock()
        message = f"the run was given up: it broke its worker {BREAKS_MAX} times"
        facts: Mapping[str, Json] = {"code": failure.from_json(error).code}
        with suppress(errors.LakewrightError):
            journal.logbook.write(
                claim, Entry(level=Level.ERROR, message=message, facts=facts), now
            )
        outcome = Outcome(status=RunStatus.FAILED, error=error)
        journal.execution.finish(claim, outcome, now)
        self._hands.progress.run_ended(journal.reading.run(claim.run_id))

    def _unfinished(self, run_ids: Collection[str] | None) -> list[Run]:
        reading = self._hands.journal.reading
        if run_ids is None:
            runs = reading.runs(statuses=(RunStatus.QUEUED, RunStatus.RUNNING))
        else:
            runs = tuple(reading.run(run_id) for run_id in run_ids)
        paused = self._hands.journal.control.pauses()
        return [run for run in runs if not run.status.is_finished and not _waits(run, paused)]

    def _is_alive(self, owner_id: str) -> bool:
        return self._hands.journal.owners.is_alive(owner_id)

    def sweep(self) -> None:
        """Delete the work folders that nobody needs: see `_is_left`."""
        work = self._hands.terms.storage / "work"
        for folder in work.iterdir() if work.exists() else ():
            if accept.is_run_id(folder.name) and self._is_left(folder.name):
                shutil.rmtree(folder, ignore_errors=True)

    def _is_left(self, run_id: str) -> bool:
        """Whether the run of a work folder is over for good: it was killed before it could delete
        the folder, no journal knows it, or nobody has retried it for long."""
        reading = self._hands.journal.reading
        try:
            run = reading.run(run_id)
        except errors.NotFound:
            return True
        if not run.status.is_finished or run.finished_at is None:
            return False
        age_seconds = (self._hands.clock() - run.finished_at).total_seconds()
        return age_seconds > KEPT_SECONDS or not rules.may_continue(reading.steps(run_id))


def _is_of_machine(error: Exception) -> bool:
    """Whether no run is the cause: a journal that is locked or away, a disk that is full."""
    if isinstance(error, errors.InternalError):
        return False
    return isinstance(error, errors.LakewrightError | OSError)


def _waits(run: Run, paused: Container[str]) -> bool:
    """Whether the run waits until somebody resumes its source."""
    return run.status is RunStatus.QUEUED and run.request.source in paused


def _waited_too_long(run: Run, seconds: float) -> errors.Conflict:
    return errors.Conflict(
        f"run {run.run_id} is still {run.status.value}",
        why=f"another process holds it, or a table of its, for more than {seconds:g} seconds",
        hint=f"it will be finished by that process; look with `lakewright runs show {run.run_id}`",
    )
