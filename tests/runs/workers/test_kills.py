"""Kill the owner of a run at every write to the journal: the next one must finish the run.

Each case forks a worker that kills itself with SIGKILL just before its n-th call of the journal,
so every place between two writes, and between a side effect and the write that records it, has its
case. What must hold: the run succeeds, everything is published once, finished steps are not
repeated, and the interrupted one is repeated at most once.
"""

import os
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lakewright import errors
from lakewright.runs import ownership
from lakewright.runs.journal import Execution
from lakewright.runs.journals import sqlite
from lakewright.runs.ownership import FileOwner
from lakewright.runs.progress import Silent
from lakewright.runs.records import (
    Attempt,
    Claim,
    Ending,
    IsAlive,
    Outcome,
    RunStatus,
    UploadStatus,
)

if TYPE_CHECKING:
    from tests.runs.conftest import Workplace

WRITES = 17
"""A run of one upload makes so many calls of the journal's execution port; checked below."""


class Deadly:
    """The execution port of a real journal, which kills its process before the n-th call."""

    def __init__(self, inner: Execution, fatal: int, signal_number: int = signal.SIGKILL) -> None:
        self.inner = inner
        self.fatal = fatal
        self.calls = 0
        self.signal_number = signal_number

    def _count(self) -> None:
        self.calls += 1
        if self.calls == self.fatal:
            os.kill(os.getpid(), self.signal_number)

    def claim(
        self,
        owner_id: str,
        is_alive: IsAlive,
        now: datetime,
        *,
        gathered_before: datetime | None = None,
    ) -> Claim | None:
        self._count()
        return self.inner.claim(owner_id, is_alive, now, gathered_before=gathered_before)

    def lock(self, claim: Claim, tables: Sequence[str]) -> bool:
        self._count()
        return self.inner.lock(claim, tables)

    def prepare(self, claim: Claim, steps: Sequence[str]) -> None:
        self._count()
        self.inner.prepare(claim, steps)

    def discard(self, claim: Claim, steps: Sequence[str]) -> None:
        self._count()
        self.inner.discard(claim, steps)

    def start(self, claim: Claim, step: str, now: datetime, *, is_synced: bool = False) -> Attempt:
        self._count()
        return self.inner.start(claim, step, now, is_synced=is_synced)

    def end(
        self, claim: Claim, step: str, ending: Ending, now: datetime, *, is_synced: bool = False
    ) -> None:
        self._count()
        self.inner.end(claim, step, ending, now, is_synced=is_synced)

    def finish(self, claim: Claim, outcome: Outcome, now: datetime) -> None:
        self._count()
        self.inner.finish(claim, outcome, now)

    def release(self, claim: Claim, now: datetime) -> None:
        self._count()
        self.inner.release(claim, now)


def fork(work: Callable[[], None]) -> int:
    """Do work in a forked process that leaves without cleaning up, as a killed one does."""
    pid = os.fork()
    if pid == 0:
        with suppress(BaseException):
            work()
            os._exit(0)
        os._exit(1)
    return pid


def drain_deadly(workplace: "Workplace", fatal: int, number: int = signal.SIGKILL) -> None:
    # A connection must not cross a fork: the worker opens the file for itself.
    journal = sqlite.open_journal(workplace.root / "journal.sqlite")
    deadly = Deadly(journal.execution, fatal, number)
    mortal = replace(journal, execution=deadly)
    with workplace.worker(mortal) as worker:
        worker.drain()
    (workplace.root / "calls").write_text(str(deadly.calls), "ascii")


def wait(pid: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_a_run_that_nobody_kills_makes_the_expected_number_of_writes(
    workplace: "Workplace",
) -> None:
    workplace.deliver("a")
    assert wait(fork(lambda: drain_deadly(workplace, 0))) == 0
    assert int((workplace.root / "calls").read_text("ascii")) == WRITES


@pytest.mark.parametrize("fatal", range(1, WRITES + 1))
def test_a_run_whose_owner_is_killed_is_finished_by_the_next(
    workplace: "Workplace", fatal: int
) -> None:
    accepted = workplace.deliver("a")
    assert wait(fork(lambda: drain_deadly(workplace, fatal))) == -signal.SIGKILL
    (run,) = workplace.drain(accepted.run_id)
    assert run.status is RunStatus.SUCCEEDED
    upload = workplace.journal.reading.upload(accepted.upload.upload_id)
    assert upload.status is UploadStatus.LOADED
    assert workplace.tables()["bronze.orders"] == [f"{upload.upload_id}=a"]
    effects = workplace.effects()
    assert set(effects) == {
        "land a", "plan orders", "bronze orders", "model silver.orders", "model gold.all",
        "publish",
    }  # fmt: skip
    assert sum(effects.values()) <= len(effects) + 1
    events = workplace.journal.reading.events()
    assert [event.kind for event in events] == ["file-uploaded", "raw-data-ready", "run-finished"]


@pytest.mark.parametrize("name", ["bronze", "publish", "published"])
def test_a_child_killed_around_its_side_effect_repeats_it_without_harm(
    workplace: "Workplace", name: str
) -> None:
    accepted = workplace.deliver("a")
    workplace.flag(name, "crash once")
    (run,) = workplace.drain(accepted.run_id)
    assert run.status is RunStatus.SUCCEEDED
    assert workplace.tables()["bronze.orders"] == [f"{accepted.upload.upload_id}=a"]


def test_a_file_that_kills_every_owner_ends_its_run(
    workplace: "Workplace", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lakewright.runs.workers.round.ABANDONED_MAX", 3)
    accepted = workplace.deliver("a")
    for fatal in (4, 3, 3):  # Each dies after it has started to land the file.
        assert wait(fork(lambda fatal=fatal: drain_deadly(workplace, fatal))) == -signal.SIGKILL  # type: ignore[misc]
    (run,) = workplace.drain(accepted.run_id)
    assert run.status is RunStatus.FAILED
    assert "processes died" in str(run.error)


def test_a_killed_workers_run_is_taken_over_while_another_waits_for_it(
    workplace: "Workplace",
) -> None:
    accepted = workplace.deliver("slow")
    pid = fork(lambda: drain_deadly(workplace, 0))
    wait_for(lambda: workplace.effects()["land slow"] == 1)
    os.kill(pid, signal.SIGKILL)
    (run,) = workplace.drain(accepted.run_id)
    wait(pid)
    assert run.status is RunStatus.SUCCEEDED
    assert workplace.effects()["land slow"] == 2


def test_two_workers_share_the_queue_and_do_everything_once(workplace: "Workplace") -> None:
    runs = {
        workplace.deliver(text, source=source).run_id
        for source in ("x", "y", "z")
        for text in ("a", "b")
    }
    pids = [fork(lambda: drain_deadly(workplace, 0)) for _ in range(2)]
    assert [wait(pid) for pid in pids] == [0, 0]
    assert len(runs) == 3
    for source in ("x", "y", "z"):
        assert len(workplace.tables()[f"bronze.{source}"]) == 2
        assert workplace.effects()[f"bronze {source}"] >= 1
    assert {run.status for run in workplace.journal.reading.runs()} == {RunStatus.SUCCEEDED}


def test_an_owner_that_was_only_asleep_is_fenced_off(
    workplace: "Workplace", monkeypatch: pytest.MonkeyPatch
) -> None:
    accepted = workplace.deliver("a")
    # It falls asleep just before it would record that bronze is staged.
    pid = fork(lambda: drain_deadly(workplace, 10, signal.SIGSTOP))
    os.waitpid(pid, os.WUNTRACED)
    lease = ownership.LEASE_SECONDS
    monkeypatch.setattr(
        "lakewright.runs.ownership.is_alive",
        lambda folder, owner_id: ownership_is_alive(folder, owner_id, lease),
    )
    (run,) = workplace.drain(accepted.run_id)
    assert run.status is RunStatus.SUCCEEDED
    before = workplace.effects()
    os.kill(pid, signal.SIGCONT)
    assert wait(pid) == 0
    assert workplace.effects() == before
    after = workplace.journal.reading.run(accepted.run_id)
    assert (after.fence, after.finished_at) == (run.fence, run.finished_at)
    assert workplace.tables()["bronze.orders"] == [f"{accepted.upload.upload_id}=a"]


IS_ALIVE = ownership.is_alive


def ownership_is_alive(folder: Path, owner_id: str, lease: float) -> bool:
    """As if the lease had passed."""
    return IS_ALIVE(folder, owner_id, clock=lambda: time.time() + lease + 1)


@pytest.mark.parametrize(("fatal", "lands"), [(10, 2), (16, 2), (17, 1)])
def test_after_a_power_failure_only_what_was_published_is_trusted(
    workplace: "Workplace", monkeypatch: pytest.MonkeyPatch, fatal: int, lands: int
) -> None:
    """Files between two steps are not synced, so another boot's are made again."""
    accepted = workplace.deliver("a")
    assert wait(fork(lambda: drain_deadly(workplace, fatal))) == -signal.SIGKILL
    if fatal == 16:
        (workplace.root / "lake.json").unlink()
    monkeypatch.setattr(ownership, "_boot", lambda: "rebooted")
    (run,) = workplace.drain(accepted.run_id)
    assert run.status is RunStatus.SUCCEEDED
    assert workplace.effects()["land a"] == lands
    assert workplace.tables()["bronze.orders"] == [f"{accepted.upload.upload_id}=a"]


def killed_while_it_rests(workplace: "Workplace", monkeypatch: pytest.MonkeyPatch) -> str:
    """A run whose owner was killed while it waited to try a step again."""
    run_id = workplace.deliver("a").run_id
    workplace.flag("bronze", "crash")
    with monkeypatch.context() as slow:
        slow.setattr("lakewright.runs.workers.round.BACKOFF_SECONDS", 600.0)
        pid = fork(lambda: drain_deadly(workplace, 0))
    wait_for(lambda: any(each.error for each in workplace.journal.reading.attempts(run_id)))
    os.kill(pid, signal.SIGKILL)
    assert wait(pid) == -signal.SIGKILL
    return run_id


def test_attempts_that_were_made_before_a_kill_count_after_it(
    workplace: "Workplace", monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = killed_while_it_rests(workplace, monkeypatch)
    (run,) = workplace.drain(run_id)
    assert run.status is RunStatus.FAILED
    effects = workplace.effects()
    assert (effects["land a"], effects["bronze orders"]) == (1, 3)
    attempts = workplace.journal.reading.attempts(run_id)
    assert [each.number for each in attempts if each.step == "bronze:orders"] == [1, 2, 3]


def test_a_cancel_that_comes_while_nobody_lives_ends_the_run_and_a_retry_goes_on_from_there(
    workplace: "Workplace", monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = killed_while_it_rests(workplace, monkeypatch)
    workplace.journal.control.cancel(run_id, datetime.now().astimezone())
    (run,) = workplace.drain(run_id)
    assert run.status is RunStatus.FAILED
    assert "cancelled" in str(run.error)
    assert workplace.effects()["bronze orders"] == 1
    workplace.flag("bronze", "")
    workplace.journal.acceptance.retry(run_id, datetime.now().astimezone())
    (run,) = workplace.drain(run_id)
    assert run.status is RunStatus.SUCCEEDED
    effects = workplace.effects()
    assert (effects["land a"], effects["bronze orders"]) == (1, 2)
    assert len(workplace.tables()["bronze.orders"]) == 1


def test_a_late_write_of_a_lost_run_is_refused_by_name(workplace: "Workplace") -> None:
    workplace.deliver("a")
    execution = workplace.journal.execution
    with FileOwner(workplace.root / "owners") as owner:
        old = execution.claim(owner.owner_id, lambda _: True, datetime.now().astimezone())
    assert old is not None
    workplace.drain()
    with pytest.raises(errors.RunLost) as refused:
        execution.prepare(old, ["late"])
    assert refused.value.hint


def test_a_foreground_command_waits_for_another_process_and_says_when_it_gives_up(
    workplace: "Workplace", monkeypatch: pytest.MonkeyPatch
) -> None:
    accepted = workplace.deliver("a")
    with (
        FileOwner(workplace.root / "owners") as owner,
        workplace.worker(progress=Silent()) as worker,
    ):
        claim = workplace.journal.execution.claim(
            owner.owner_id, lambda _: True, datetime.now().astimezone()
        )
        assert claim is not None
        monkeypatch.setattr(
            "lakewright.runs.workers.worker.time.monotonic", iter(range(0, 99, 9)).__next__
        )
        with pytest.raises(errors.Conflict, match="is still running"):
            worker.drain([accepted.run_id])


def wait_for(is_met: Callable[[], bool]) -> None:
    for _ in range(400):
        if is_met():
            return
        time.sleep(0.05)
    pytest.fail("nothing happened within twenty seconds")
