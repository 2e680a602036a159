"""What every journal promises to those who cancel runs, hurry them, or let them wait."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import cast

import pytest

from lakewright import errors
from lakewright.runs import rules
from lakewright.runs.control import Pause
from lakewright.runs.journal import Journal
from lakewright.runs.records import (
    Accepted,
    Ending,
    Json,
    Outcome,
    Priority,
    Request,
    RequestKind,
    RunStatus,
    StepStatus,
    UploadStatus,
)
from tests.contracts.conftest import LATER, NOW, accept, claim, delivery, load


def queue(
    journal: Journal,
    run_id: str,
    *tables: str,
    priority: Priority = Priority.NORMAL,
    now: datetime = NOW,
) -> None:
    request = Request(kind=RequestKind.MODELS, tables=tables, priority=priority)
    journal.acceptance.request(request, run_id=run_id, now=now)


def code_of(error: Json) -> Json:
    return cast("Mapping[str, Json]", error)["code"]


def test_a_queued_run_is_cancelled_at_once_with_its_uploads(journal: Journal) -> None:
    accepted = accept(journal, "a", run="r1")
    run = journal.control.cancel("r1", LATER)
    assert (run.status, code_of(run.error)) == (RunStatus.FAILED, "run-cancelled")
    assert run.finished_at == LATER
    upload = journal.reading.upload(accepted.upload.upload_id)
    assert (upload.status, code_of(upload.error)) == (UploadStatus.FAILED, "run-cancelled")
    assert journal.reading.events()[-1].kind == "run-finished"
    assert journal.execution.claim("o1", lambda _: True, NOW) is None


def test_the_owner_of_a_run_that_is_cancelled_is_told(journal: Journal) -> None:
    accept(journal, "a", run="r1")
    mine = claim(journal)
    assert not journal.control.is_cancelled(mine)
    for moment in (NOW, LATER):
        run = journal.control.cancel("r1", moment)
        assert (run.status, run.cancel_asked_at) == (RunStatus.RUNNING, NOW)
    assert journal.control.is_cancelled(mine)


def test_a_queued_run_that_may_be_published_is_not_ended_by_its_cancel(journal: Journal) -> None:
    accepted = accept(journal, "a", run="r1")
    mine = claim(journal)
    journal.execution.prepare(mine, ["publish"])
    journal.execution.start(mine, "publish", NOW)
    journal.execution.release(mine, NOW)
    run = journal.control.cancel("r1", LATER)
    assert (run.status, run.cancel_asked_at) == (RunStatus.QUEUED, LATER)
    upload = journal.reading.upload(accepted.upload.upload_id)
    assert upload.status is UploadStatus.ACCEPTED
    assert journal.control.is_cancelled(claim(journal))


def test_a_retry_keeps_what_a_cancelled_run_had_done_before_it_was_queued_again(
    journal: Journal,
) -> None:
    accept(journal, "a", run="r1")
    mine = claim(journal)
    journal.execution.prepare(mine, ["land", "plan", "bronze"])
    journal.execution.start(mine, "land", NOW)
    journal.execution.end(mine, "land", Ending(status=StepStatus.SUCCEEDED, result=1), NOW)
    journal.execution.start(mine, "plan", NOW)
    journal.execution.release(mine, NOW)
    journal.control.cancel("r1", LATER)
    steps = {step.name: step for step in journal.reading.steps("r1")}
    assert {name: step.status.value for name, step in steps.items()} == {
        "land": "succeeded", "plan": "failed", "bronze": "failed",
    }  # fmt: skip
    assert (code_of(steps["plan"].error), steps["plan"].finished_at) == ("run-cancelled", LATER)
    attempts = [attempt.status for attempt in journal.reading.attempts("r1")]
    assert attempts == [StepStatus.SUCCEEDED, StepStatus.PENDING]
    journal.acceptance.retry("r1", LATER)
    assert [(step.name, step.status.value) for step in journal.reading.steps("r1")] == [
        ("land", "succeeded"), ("plan", "pending"), ("bronze", "pending"),
    ]  # fmt: skip


def test_a_cancelled_run_is_taken_up_again_by_a_retry(journal: Journal) -> None:
    accepted = accept(journal, "a", run="r1")
    mine = claim(journal)
    journal.control.cancel("r1", NOW)
    error: Json = {"code": "run-cancelled"}
    journal.execution.finish(mine, Outcome(status=RunStatus.FAILED, error=error), NOW)
    run = journal.acceptance.retry("r1", LATER)
    assert (run.status, run.cancel_asked_at) == (RunStatus.QUEUED, None)
    upload = journal.reading.upload(accepted.upload.upload_id)
    assert upload.status is UploadStatus.ACCEPTED
    assert not journal.control.is_cancelled(claim(journal))


def test_what_has_finished_or_does_not_exist_cannot_be_cancelled(journal: Journal) -> None:
    load(journal, "a", run="r1")
    with pytest.raises(errors.Conflict, match="cannot be cancelled"):
        journal.control.cancel("r1", NOW)
    with pytest.raises(errors.NotFound):
        journal.control.cancel("r9", NOW)


def test_an_owner_that_lost_its_run_learns_it_when_it_asks(journal: Journal) -> None:
    accept(journal, "a", run="r1")
    mine = claim(journal)
    journal.execution.claim("survivor", lambda _: False, LATER)
    with pytest.raises(errors.RunLost):
        journal.control.is_cancelled(mine)


def test_runs_of_a_higher_priority_begin_first(journal: Journal) -> None:
    queue(journal, "low", "a", priority=Priority.LOW)
    queue(journal, "normal", "b")
    queue(journal, "high", "c", priority=Priority.HIGH)
    begun = [claim(journal, owner=name).run_id for name in ("o1", "o2", "o3")]
    assert begun == ["high", "normal", "low"]
    assert journal.reading.run("high").request.priority is Priority.HIGH


def test_a_priority_does_not_change_the_order_on_one_table(journal: Journal) -> None:
    queue(journal, "first", "a")
    queue(journal, "second", "a", "b", priority=Priority.HIGH)
    assert claim(journal).run_id == "first"


def test_what_an_urgent_run_waits_for_is_as_urgent(journal: Journal) -> None:
    queue(journal, "other", "c")
    queue(journal, "first", "a", priority=Priority.LOW)
    queue(journal, "second", "a", "b", priority=Priority.LOW)
    queue(journal, "urgent", "b", priority=Priority.HIGH)
    begun: list[str] = []
    for _ in range(4):
        taken = claim(journal)
        begun.append(taken.run_id)
        journal.execution.finish(taken, Outcome(status=RunStatus.SUCCEEDED), LATER)
    assert begun == ["first", "second", "urgent", "other"]


def test_upkeep_begins_only_when_nothing_else_could(journal: Journal) -> None:
    upkeep = Request(kind=RequestKind.UPKEEP, tables=("a", "b"), priority=Priority.HIGH)
    journal.acceptance.request(upkeep, run_id="upkeep", now=NOW)
    queue(journal, "low", "a", priority=Priority.LOW)
    queue(journal, "waiting", "a", "b")
    low = claim(journal, owner="o1")
    assert low.run_id == "low"
    assert journal.execution.claim("o2", lambda _: True, NOW) is None
    journal.execution.finish(low, Outcome(status=RunStatus.SUCCEEDED), LATER)
    waiting = claim(journal, owner="o1")
    assert waiting.run_id == "waiting"
    queue(journal, "other", "c")
    assert claim(journal, owner="o2").run_id == "other"
    journal.execution.finish(waiting, Outcome(status=RunStatus.SUCCEEDED), LATER)
    assert claim(journal, owner="o1").run_id == "upkeep"


def test_a_run_that_has_waited_long_counts_as_more_urgent(journal: Journal) -> None:
    queue(journal, "low", "a", priority=Priority.LOW)
    patient = NOW + rules.PATIENCE
    queue(journal, "first", "b", now=patient)
    queue(journal, "second", "c", now=patient)
    assert claim(journal, "o1", patient - timedelta(seconds=1)).run_id == "first"
    assert claim(journal, "o2", patient).run_id == "low"


def test_upkeep_that_has_waited_long_takes_its_turn_on_its_tables(journal: Journal) -> None:
    upkeep = Request(kind=RequestKind.UPKEEP, tables=("a",))
    journal.acceptance.request(upkeep, run_id="upkeep", now=NOW)
    patient = NOW + rules.PATIENCE
    queue(journal, "first", "a", now=patient)
    queue(journal, "second", "a", now=patient)
    first = claim(journal, now=patient - timedelta(seconds=1))
    assert first.run_id == "first"
    journal.execution.finish(first, Outcome(status=RunStatus.SUCCEEDED), patient)
    assert claim(journal, now=patient).run_id == "upkeep"


def test_a_run_has_the_highest_priority_of_what_it_loads(journal: Journal) -> None:
    def deliver(content: str, priority: Priority) -> Accepted:
        given = replace(delivery(content), priority=priority)
        return journal.acceptance.accept(given, tables=["bronze.orders"], run_id="r1", now=NOW)

    for content, priority, expected in (
        ("a", Priority.LOW, Priority.LOW),
        ("b", Priority.HIGH, Priority.HIGH),
        ("c", Priority.NORMAL, Priority.HIGH),
    ):
        run_id = deliver(content, priority).run_id
        assert journal.reading.run(run_id).request.priority is expected


def test_runs_of_a_paused_source_wait_and_others_go_on(journal: Journal) -> None:
    journal.control.pause("orders", "the file is wrong", NOW)
    journal.control.pause("orders", "the contract is wrong", LATER)
    pause = Pause(source="orders", reason="the contract is wrong", paused_at=NOW)
    assert journal.control.pauses() == {"orders": pause}
    accept(journal, "a", run="r1")
    accept(journal, "b", run="r2", source="visits")
    assert claim(journal, owner="o1").run_id == "r2"
    assert journal.execution.claim("o2", lambda _: True, NOW) is None
    assert journal.control.resume("orders")
    assert claim(journal, owner="o2").run_id == "r1"
    assert not journal.control.resume("orders")
    assert journal.control.pauses() == {}


def test_a_run_that_goes_on_when_its_source_is_paused_comes_to_its_end(journal: Journal) -> None:
    accept(journal, "a", run="r1")
    claim(journal)
    journal.control.pause("orders", "", NOW)
    survivor = journal.execution.claim("survivor", lambda _: False, LATER)
    assert survivor is not None
    assert survivor.run_id == "r1"


def test_files_that_hold_much_do_not_wait_for_each_other(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "RUN_BYTES_MAX", 3)
    runs = [accept(journal, text, run=f"r{text}").run_id for text in ("aa", "bb", "cc")]
    assert runs == ["raa", "raa", "rcc"]


def test_an_upload_may_wait_for_others_of_its_source(journal: Journal) -> None:
    accept(journal, "a", run="r1")
    queue(journal, "models", "silver.orders")

    def claimed(owner: str, gathered_before: datetime) -> str | None:
        found = journal.execution.claim(
            owner, lambda _: True, LATER, gathered_before=gathered_before
        )
        return None if found is None else found.run_id

    assert claimed("o1", NOW - timedelta(seconds=1)) == "models"
    accept(journal, "b", run="r2")
    assert claimed("o2", NOW) == "r1"
    assert len(journal.reading.run_uploads("r1")) == 2


def test_a_run_that_has_begun_does_not_wait_for_more_files(journal: Journal) -> None:
    accept(journal, "a", run="r1")
    journal.execution.release(claim(journal), NOW)
    early = NOW - timedelta(days=1)
    again = journal.execution.claim("o2", lambda _: True, LATER, gathered_before=early)
    assert again is not None
