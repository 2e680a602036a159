import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

import pytest

from lakewright import errors
from lakewright.runs import accept
from lakewright.runs.control import Control
from lakewright.runs.journal import Execution
from lakewright.runs.journals import sqlite
from lakewright.runs.logbook import Entry, Logbook
from lakewright.runs.progress import Silent
from lakewright.runs.records import Claim, Json, Run, RunStatus, StepStatus
from lakewright.runs.workers import bell, resident
from lakewright.runs.workers.resident import Resident
from lakewright.runs.workers.round import Hands
from lakewright.runs.workers.worker import BREAKS_MAX
from tests.runs.conftest import clock

if TYPE_CHECKING:
    from tests.runs.conftest import Workplace

SECONDS_MAX = 30.0


def wait_until(holds: Callable[[], bool]) -> None:
    ends_at = time.monotonic() + SECONDS_MAX
    while not holds():
        assert time.monotonic() < ends_at, "waited in vain"
        time.sleep(0.01)


def finished(workplace: "Workplace", run_id: str) -> Run:
    def is_finished() -> bool:
        return workplace.journal.reading.run(run_id).status.is_finished

    wait_until(is_finished)
    return workplace.journal.reading.run(run_id)


@contextmanager
def hands_of(workplace: "Workplace", watch: Callable[[], None]) -> Iterator[Hands]:
    journal = sqlite.open_journal(workplace.root / "journal.sqlite")
    with workplace.hands(journal, watch=watch) as hands:
        yield hands
    journal.close()


@contextmanager
def serving(
    workplace: "Workplace", *, lanes: int = 1, open_hands: resident.OpenHands | None = None
) -> Iterator[Resident]:
    worker = Resident(
        open_hands or (lambda watch: hands_of(workplace, watch)),
        lanes=lanes,
        presence=workplace.root / "workers",
    )
    serve = threading.Thread(target=worker.serve)
    serve.start()
    try:
        wait_until(lambda: resident.is_present(workplace.root / "workers"))
        yield worker
    finally:
        worker.stop(grace_seconds=SECONDS_MAX / 2)
        serve.join(SECONDS_MAX)
        assert not serve.is_alive()


def test_a_resident_worker_carries_out_what_is_queued_while_it_lives(
    workplace: "Workplace",
) -> None:
    before = workplace.deliver("a")
    with serving(workplace):
        after = workplace.deliver("b", source="visits")
        for each in (before, after):
            assert finished(workplace, each.run_id).status is RunStatus.SUCCEEDED
    assert not resident.is_present(workplace.root / "workers")


def test_a_worker_that_waits_is_woken_by_what_is_queued(
    workplace: "Workplace", monkeypatch: pytest.MonkeyPatch
) -> None:
    first = workplace.deliver("a")
    with serving(workplace):
        finished(workplace, first.run_id)
        # From here on the lane looks by itself when the test has failed already.
        monkeypatch.setattr(bell, "LOOK_SECONDS", 2 * SECONDS_MAX)
        monkeypatch.setattr(bell, "LOOK_SECONDS_MAX", 2 * SECONDS_MAX)
        time.sleep(1)
        second = workplace.deliver("b")
        assert finished(workplace, second.run_id).status is RunStatus.SUCCEEDED


def test_lanes_carry_out_runs_on_different_tables_side_by_side(workplace: "Workplace") -> None:
    workplace.flag("no gold", "yes")
    # Each of these files is read only once the other one is being read too.
    delivered = [workplace.deliver(f"wait for both: {name}", source=name)
                 for name in ("orders", "visits")]  # fmt: skip
    with serving(workplace, lanes=2):
        for each in delivered:
            assert finished(workplace, each.run_id).status is RunStatus.SUCCEEDED


def test_a_worker_that_is_told_to_stop_ends_what_it_has_begun(workplace: "Workplace") -> None:
    workplace.flag("bronze", "slow")
    run_id = workplace.deliver("a").run_id
    with serving(workplace) as worker:
        wait_until(lambda: workplace.statuses(run_id).get("bronze:orders") == "running")
        late = workplace.deliver("b", source="visits").run_id
        worker.stop(grace_seconds=SECONDS_MAX)
    assert workplace.journal.reading.run(run_id).status is RunStatus.SUCCEEDED
    assert workplace.journal.reading.run(late).status is RunStatus.QUEUED


def test_what_outlasts_the_grace_goes_back_into_the_queue(workplace: "Workplace") -> None:
    workplace.flag("bronze", "hang")
    run_id = workplace.deliver("a").run_id
    with serving(workplace) as worker:
        wait_until((workplace.root / "hangs").exists)
        worker.stop(grace_seconds=0)
    run = workplace.journal.reading.run(run_id)
    assert (run.status, run.error) == (RunStatus.QUEUED, None)
    workplace.flag("bronze", "")
    workplace.drain(run_id)
    assert workplace.effects()["land a"] == 1
    assert workplace.tables()["bronze.orders"] == [
        f"{workplace.journal.reading.uploads()[0].upload_id}=a"
    ]


def test_a_worker_may_be_stopped_as_often_as_anybody_likes(
    workplace: "Workplace", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lakewright.runs.workers.round.ABANDONED_MAX", 2)
    workplace.flag("bronze", "hang")
    run_id = workplace.deliver("a").run_id
    for _ in range(3):
        (workplace.root / "hangs").unlink(missing_ok=True)
        with serving(workplace) as worker:
            wait_until((workplace.root / "hangs").exists)
            worker.stop(grace_seconds=0)
    workplace.flag("bronze", "")
    (run,) = workplace.drain(run_id)
    assert run.status is RunStatus.SUCCEEDED


def test_a_lane_that_meets_trouble_outside_of_a_run_lives_on(
    workplace: "Workplace", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resident, "TROUBLE_SECONDS_MAX", 0.01)
    troubles = iter([errors.Conflict("the journal is locked"), OSError(28, "No space left")])

    @contextmanager
    def troubled(watch: Callable[[], None]) -> Iterator[Hands]:
        if (trouble := next(troubles, None)) is not None:
            raise trouble
        with hands_of(workplace, watch) as hands:
            yield hands

    run_id = workplace.deliver("a").run_id
    with serving(workplace, open_hands=troubled):
        assert finished(workplace, run_id).status is RunStatus.SUCCEEDED


def test_trouble_that_lasts_for_days_is_met_with_the_longest_pause_to_the_end() -> None:
    pauses = [resident.pause_seconds(troubles) for troubles in range(1, 5000)]
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1]) == (1.0, resident.TROUBLE_SECONDS_MAX)


def test_a_worker_whose_presence_cannot_be_shown_goes_on_and_shows_it_later(
    workplace: "Workplace", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resident, "TROUBLE_SECONDS_MAX", 0.01)
    presence = workplace.root / "workers"
    presence.write_text("in the way", "utf-8")
    worker = Resident(lambda watch: hands_of(workplace, watch), lanes=1, presence=presence)
    serve = threading.Thread(target=worker.serve)
    serve.start()
    try:
        run_id = workplace.deliver("a").run_id
        assert finished(workplace, run_id).status is RunStatus.SUCCEEDED
        presence.unlink()
        wait_until(lambda: resident.is_present(presence))
    finally:
        worker.stop(grace_seconds=0)
        serve.join(SECONDS_MAX)
    assert not serve.is_alive()


def test_a_worker_that_takes_no_further_run_leaves_them_to_commands(
    workplace: "Workplace",
) -> None:
    run_id = workplace.deliver("hang").run_id
    with serving(workplace) as worker:
        wait_until((workplace.root / "hangs").exists)
        worker.stop(grace_seconds=SECONDS_MAX)
        wait_until(lambda: not resident.is_present(workplace.root / "workers"))
        late = workplace.deliver("b", source="visits").run_id
        with workplace.worker() as command:
            (run,) = command.drain(
                [late], is_served=lambda: resident.is_present(workplace.root / "workers")
            )
        assert run.status is RunStatus.SUCCEEDED
        worker.stop(grace_seconds=0)
    assert workplace.journal.reading.run(run_id).status is RunStatus.QUEUED


def test_a_run_that_always_breaks_its_worker_ends_as_failed(
    workplace: "Workplace", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resident, "TROUBLE_SECONDS_MAX", 0.01)
    workplace.flag("plan orders", "rubbish")
    broken, sound = workplace.deliver("a"), workplace.deliver("b", source="visits")
    ended: list[tuple[str, RunStatus]] = []

    class Telling(Silent):
        def run_ended(self, run: Run) -> None:
            ended.append((run.run_id, run.status))

    @contextmanager
    def telling(watch: Callable[[], None]) -> Iterator[Hands]:
        with hands_of(workplace, watch) as hands:
            yield replace(hands, progress=Telling())

    with serving(workplace, open_hands=telling):
        assert finished(workplace, broken.run_id).status is RunStatus.FAILED
        assert finished(workplace, sound.run_id).status is RunStatus.SUCCEEDED
    error = workplace.journal.reading.run(broken.run_id).error
    assert "a mistake in Lakewright: KeyError" in str(error)
    assert (broken.run_id, RunStatus.FAILED) in ended
    *_, last = workplace.journal.logbook.lines(broken.run_id)
    assert "the run was given up" in last.message


def test_a_command_leaves_the_work_to_a_resident_worker_and_tells_of_it(
    workplace: "Workplace",
) -> None:
    told: list[str] = []

    class Telling:
        def run_started(self, run: Run) -> None:
            told.append("run started")

        def step_started(self, run: Run, step: str, total: int | None) -> None:
            told.append(f"{step} started")

        def step_progressed(self, run: Run, step: str, done: int) -> None:
            pass

        def step_ended(self, run: Run, step: str, status: object, error: object) -> None:
            told.append(f"{step} ended")

        def run_ended(self, run: Run) -> None:
            pass

    workplace.flag("bronze", "slow")
    run_id = workplace.deliver("a").run_id
    with serving(workplace), workplace.worker(progress=Telling()) as command:
        (run,) = command.drain(
            [run_id], is_served=lambda: resident.is_present(workplace.root / "workers")
        )
    assert run.status is RunStatus.SUCCEEDED
    assert told[0] == "run started"
    assert "bronze:orders started" in told


def test_a_step_goes_on_while_the_journal_is_out_of_reach(
    workplace: "Workplace", monkeypatch: pytest.MonkeyPatch
) -> None:
    control = type(workplace.journal.control)
    ask = control.is_cancelled
    asked: list[Claim] = []

    def out_of_reach(self: Control, claim: Claim) -> bool:
        if workplace.statuses(claim.run_id).get("bronze:orders") == "running":
            asked.append(claim)
            raise errors.JournalUnavailable("the server does not answer")
        return ask(self, claim)

    monkeypatch.setattr(control, "is_cancelled", out_of_reach)
    workplace.flag("bronze", "slow")
    run_id = workplace.deliver("a").run_id
    (run,) = workplace.drain(run_id)
    assert run.status is RunStatus.SUCCEEDED
    assert asked
    assert all(attempt.number == 1 for attempt in workplace.journal.reading.attempts(run_id))


def test_a_step_that_is_done_is_not_done_again_when_the_journal_comes_back(
    workplace: "Workplace", monkeypatch: pytest.MonkeyPatch
) -> None:
    execution = type(workplace.journal.execution)
    end = execution.end
    losses = iter(range(4))

    def out_of_reach(self: Execution, claim: Claim, step: str, *told: Any, **synced: Any) -> None:
        if step.startswith("land:") and next(losses, None) is not None:
            raise errors.JournalUnavailable("the server does not answer")
        end(self, claim, step, *told, **synced)

    monkeypatch.setattr(execution, "end", out_of_reach)
    run_id = workplace.deliver("a").run_id
    (run,) = workplace.drain(run_id)
    assert run.status is RunStatus.SUCCEEDED
    assert workplace.effects()["land a"] == 1
    assert all(attempt.number == 1 for attempt in workplace.journal.reading.attempts(run_id))
    (line,) = workplace.journal.logbook.lines(run_id)
    assert "when the journal answered again" in line.message


def test_a_step_is_done_again_if_the_journal_stays_away_for_too_long(
    workplace: "Workplace", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lakewright.runs.workers.round.JOURNAL_WAIT_SECONDS", 0.01)
    execution = type(workplace.journal.execution)
    end = execution.end
    lost: list[str] = []

    def out_of_reach(self: Execution, claim: Claim, step: str, *told: Any, **synced: Any) -> None:
        if step.startswith("land:") and not workplace.effects()["land a"] > 1:
            lost.append(step)
            raise errors.JournalUnavailable("the server does not answer")
        end(self, claim, step, *told, **synced)

    monkeypatch.setattr(execution, "end", out_of_reach)
    run_id = workplace.deliver("a").run_id
    with workplace.worker() as worker, pytest.raises(errors.JournalUnavailable):
        worker.drain([run_id])
    assert len(lost) > 1
    (run,) = workplace.drain(run_id)
    assert run.status is RunStatus.SUCCEEDED
    assert workplace.effects()["land a"] == 2


def test_a_step_whose_run_was_taken_over_meanwhile_is_not_written_down(
    workplace: "Workplace", monkeypatch: pytest.MonkeyPatch
) -> None:
    execution = type(workplace.journal.execution)
    end = execution.end
    losses = iter([True])

    def out_of_reach(self: Execution, claim: Claim, step: str, *told: Any, **synced: Any) -> None:
        if next(losses, None):
            self.claim("a survivor", lambda _: False, clock())
            raise errors.JournalUnavailable("the server does not answer")
        end(self, claim, step, *told, **synced)

    monkeypatch.setattr(execution, "end", out_of_reach)
    run_id = workplace.deliver("a").run_id
    with workplace.worker() as worker:
        assert worker.work_once()
    assert workplace.journal.reading.run(run_id).owner_id == "a survivor"
    assert "succeeded" not in workplace.statuses(run_id).values()


def test_a_run_goes_on_although_those_who_watch_cannot_be_told(
    workplace: "Workplace", monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []

    def full(self: Logbook, claim: Claim, entry: Entry, now: datetime) -> None:
        told.append(entry.message)
        raise errors.StorageFailed("the disk is full")

    monkeypatch.setattr(type(workplace.journal.logbook), "write", full)
    run_id = workplace.deliver("crash once").run_id
    (run,) = workplace.drain(run_id)
    assert run.status is RunStatus.SUCCEEDED
    assert told


def test_a_journal_that_is_often_out_of_reach_fails_no_run(
    workplace: "Workplace", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resident, "TROUBLE_SECONDS_MAX", 0.01)
    execution = type(workplace.journal.execution)
    prepare = execution.prepare
    losses = iter(range(2 * BREAKS_MAX))

    def out_of_reach(self: Execution, claim: Claim, steps: Sequence[str]) -> None:
        if next(losses, None) is not None:
            raise errors.JournalUnavailable("the server does not answer")
        prepare(self, claim, steps)

    monkeypatch.setattr(execution, "prepare", out_of_reach)
    run_id = workplace.deliver("a").run_id
    with serving(workplace):
        assert finished(workplace, run_id).status is RunStatus.SUCCEEDED


@pytest.mark.parametrize(
    "trouble",
    [
        errors.Conflict("the journal is locked"),
        errors.StorageFailed("there is no room"),
        OSError(28, "No space left on device"),
        RuntimeError("a mistake of ours"),
    ],
    ids=lambda trouble: type(trouble).__name__,
)
def test_a_run_that_is_published_is_never_told_as_failed_for_what_breaks_its_worker_then(
    workplace: "Workplace", monkeypatch: pytest.MonkeyPatch, trouble: Exception
) -> None:
    monkeypatch.setattr(resident, "TROUBLE_SECONDS_MAX", 0.01)
    execution = type(workplace.journal.execution)
    end = execution.end
    breaks = iter(range(2 * BREAKS_MAX))

    def troubled(self: Execution, claim: Claim, step: str, *told: Any, **synced: Any) -> None:
        if step == "publish" and next(breaks, None) is not None:
            raise trouble
        end(self, claim, step, *told, **synced)

    monkeypatch.setattr(execution, "end", troubled)
    accepted = workplace.deliver("a")
    with serving(workplace):
        assert finished(workplace, accepted.run_id).status is RunStatus.SUCCEEDED
    upload = workplace.journal.reading.upload(accepted.upload.upload_id)
    assert upload.status.is_in_bronze
    assert workplace.tables()["bronze.orders"] == [f"{upload.upload_id}=a"]


def test_a_command_does_the_work_itself_once_the_worker_is_gone(workplace: "Workplace") -> None:
    served = iter([True, True])
    run_id = workplace.deliver("a").run_id
    with workplace.worker() as command:
        (run,) = command.drain([run_id], is_served=lambda: next(served, False))
    assert run.status is RunStatus.SUCCEEDED


def test_many_runs_on_one_table_are_carried_out_in_order_by_several_lanes(
    workplace: "Workplace",
) -> None:
    runs = [accept.request_models(workplace.journal, ["silver.orders"], clock()) for _ in range(20)]
    with serving(workplace, lanes=3):
        ended = [finished(workplace, run.run_id) for run in runs]
    assert all(run.status is RunStatus.SUCCEEDED for run in ended)
    starts = [run.started_at for run in ended if run.started_at]
    ends = [run.finished_at for run in ended if run.finished_at]
    assert all(end <= start for end, start in zip(ends, starts[1:], strict=False))


def test_a_run_that_is_cancelled_ends_within_a_second_and_publishes_nothing(
    workplace: "Workplace",
) -> None:
    workplace.flag("bronze", "hang")
    run_id = workplace.deliver("a").run_id
    with serving(workplace):
        wait_until((workplace.root / "hangs").exists)
        workplace.journal.control.cancel(run_id, clock())
        run = finished(workplace, run_id)
        workplace.flag("bronze", "")
        after = workplace.deliver("b", source="visits").run_id
        assert finished(workplace, after).status is RunStatus.SUCCEEDED
    assert run.status is RunStatus.FAILED
    assert cast("Mapping[str, Json]", run.error)["code"] == "run-cancelled"
    assert run.cancel_asked_at is not None
    assert run.finished_at is not None
    assert "bronze.orders" not in workplace.tables()


def test_a_retry_of_a_cancelled_run_keeps_what_was_done(workplace: "Workplace") -> None:
    workplace.flag("bronze", "hang")
    run_id = workplace.deliver("a").run_id
    with serving(workplace):
        wait_until((workplace.root / "hangs").exists)
        workplace.journal.control.cancel(run_id, clock())
        finished(workplace, run_id)
        workplace.flag("bronze", "")
        workplace.journal.acceptance.retry(run_id, clock())
        assert finished(workplace, run_id).status is RunStatus.SUCCEEDED
    assert workplace.effects()["land a"] == 1
    assert len(workplace.tables()["bronze.orders"]) == 1


def test_a_cancel_that_comes_while_a_run_is_published_comes_too_late(
    workplace: "Workplace",
) -> None:
    workplace.flag("publish", "slow")
    run_id = workplace.deliver("a").run_id
    with serving(workplace):
        wait_until(lambda: workplace.effects()["publish"] == 1)
        workplace.journal.control.cancel(run_id, clock())
        assert finished(workplace, run_id).status is RunStatus.SUCCEEDED
    assert len(workplace.tables()["bronze.orders"]) == 1


def test_a_run_that_is_cancelled_after_its_owner_died_is_looked_up_before_it_ends(
    workplace: "Workplace",
) -> None:
    workplace.flag("published", "crash once")
    run_id = workplace.deliver("a").run_id

    class Dying(Silent):
        def step_ended(self, run: Run, step: str, status: StepStatus, error: Json) -> None:
            if step == "publish" and status is StepStatus.PENDING:
                # What is published is out; nobody has written it down.
                raise KeyboardInterrupt

    with workplace.worker(progress=Dying()) as worker, pytest.raises(KeyboardInterrupt):
        worker.drain([run_id])
    workplace.journal.execution.claim("dead", lambda _: False, clock())
    workplace.journal.control.cancel(run_id, clock())
    (run,) = workplace.drain(run_id)
    assert run.status is RunStatus.SUCCEEDED
    assert len(workplace.tables()["bronze.orders"]) == 1


def test_a_run_whose_worker_was_stopped_while_it_published_is_looked_up_before_it_ends(
    workplace: "Workplace",
) -> None:
    workplace.flag("published", "hang")
    run_id = workplace.deliver("a").run_id
    with serving(workplace) as worker:
        wait_until((workplace.root / "hangs").exists)
        worker.stop(grace_seconds=0)
    assert workplace.journal.reading.run(run_id).status is RunStatus.QUEUED
    workplace.flag("published", "")
    workplace.journal.control.cancel(run_id, clock())
    (run,) = workplace.drain(run_id)
    assert run.status is RunStatus.SUCCEEDED
    assert len(workplace.tables()["bronze.orders"]) == 1


def test_a_paused_source_waits_until_it_is_resumed(workplace: "Workplace") -> None:
    workplace.journal.control.pause("orders", "look into it", clock())
    held, free = workplace.deliver("a"), workplace.deliver("b", source="visits")
    with serving(workplace):
        finished(workplace, free.run_id)
        assert workplace.journal.reading.run(held.run_id).status is RunStatus.QUEUED
        workplace.journal.control.resume("orders")
        assert finished(workplace, held.run_id).status is RunStatus.SUCCEEDED
