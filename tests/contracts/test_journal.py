"""What every journal promises: on SQLite, on PostgreSQL, and the twin in memory."""

import pytest

from lakewright import errors
from lakewright.runs import failure, rules
from lakewright.runs.journal import Journal
from lakewright.runs.records import (
    Answer,
    Ending,
    Json,
    Outcome,
    Request,
    RequestKind,
    RunStatus,
    StepStatus,
    UploadOutcome,
    UploadStatus,
)
from tests.contracts.conftest import (
    LATER,
    NOW,
    accept,
    claim,
    conclude,
    everybody_lives,
    load,
    nobody_lives,
)


def test_accepting_records_upload_run_and_event_together(journal: Journal) -> None:
    accepted = accept(journal, "a", run="r1")
    assert accepted.answer is Answer.QUEUED
    upload = journal.reading.upload(accepted.upload.upload_id)
    assert upload == accepted.upload
    assert (upload.status, upload.run_id, upload.accepted_at) == (UploadStatus.ACCEPTED, "r1", NOW)
    run = journal.reading.run("r1")
    assert (run.status, run.request.kind) == (RunStatus.QUEUED, RequestKind.UPLOAD)
    assert run.request.upload_ids == (upload.upload_id,)
    assert run.request.tables == ("bronze.orders",)
    (event,) = journal.reading.events()
    assert (event.kind, event.at) == ("file-uploaded", NOW)
    assert isinstance(event.payload, dict)
    assert event.payload["upload_id"] == upload.upload_id


def test_uploads_that_wait_for_one_source_share_a_run(journal: Journal) -> None:
    first, second = accept(journal, "a", run="r1"), accept(journal, "b", run="r2")
    other = accept(journal, "a", run="r3", source="customers")
    assert (first.run_id, second.run_id, other.run_id) == ("r1", "r1", "r3")
    assert journal.reading.run("r1").request.upload_ids == (
        first.upload.upload_id,
        second.upload.upload_id,
    )
    with pytest.raises(errors.NotFound):
        journal.reading.run("r2")


def test_an_upload_does_not_join_a_run_that_has_begun(journal: Journal) -> None:
    accept(journal, "a", run="r1")
    begun = claim(journal)
    assert accept(journal, "b", run="r2").run_id == "r2"
    journal.execution.release(begun, NOW)
    assert accept(journal, "c", run="r3").run_id == "r2"


def test_an_upload_does_not_overtake_a_removal(journal: Journal) -> None:
    removed = load(journal, "a", run="r1")
    accept(journal, "b", run="r2")
    request = Request(kind=RequestKind.REMOVE, source="orders", upload_ids=(removed,))
    journal.acceptance.request(request, run_id="r3", now=NOW)
    assert accept(journal, "c", run="r4").run_id == "r4"
    again = accept(journal, "a", run="r5")
    assert (again.answer, again.run_id) == (Answer.QUEUED, "r4")


def test_a_run_takes_a_bounded_number_of_uploads(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "RUN_UPLOADS_MAX", 2)
    runs = [accept(journal, content, run=f"r{content}").run_id for content in "abcde"]
    assert runs == ["ra", "ra", "rc", "rc", "re"]


def test_the_same_bytes_while_they_wait_are_the_same_upload(journal: Journal) -> None:
    first = accept(journal, "a", run="r1")
    second = accept(journal, "a", run="r2", is_again=True)
    assert (second.answer, second.run_id) == (Answer.PENDING, "r1")
    assert second.upload == first.upload
    assert len(journal.reading.events()) == 1


def test_the_same_bytes_once_loaded_answer_with_the_first_load(journal: Journal) -> None:
    upload_id = load(journal, "a", run="r1")
    accepted = accept(journal, "a", run="r2")
    assert (accepted.answer, accepted.run_id) == (Answer.ALREADY_LOADED, "r1")
    assert (accepted.upload.upload_id, accepted.upload.snapshot_id) == (upload_id, 7)
    assert len(journal.reading.runs()) == 1


def test_a_failed_upload_delivered_again_is_tried_again(journal: Journal) -> None:
    upload_id = accept(journal, "a", run="r1").upload.upload_id
    conclude(journal, upload_id, UploadStatus.FAILED, RunStatus.FAILED)
    failed = journal.reading.upload(upload_id)
    assert (failed.status, failed.error) == (UploadStatus.FAILED, {"code": "file-unreadable"})
    accepted = accept(journal, "a", run="r2")
    assert (accepted.answer, accepted.run_id) == (Answer.QUEUED, "r2")
    assert accepted.upload.error is None
    (part,) = journal.reading.run_uploads("r2")
    assert part.is_again is False


def test_a_failed_upload_keeps_why_it_may_have_been_misread(journal: Journal) -> None:
    upload_id = accept(journal, "a", run="r1").upload.upload_id
    outcome = UploadOutcome(
        upload_id=upload_id, status=UploadStatus.FAILED, suspicions=("two delimiters fit",)
    )
    end = Outcome(status=RunStatus.FAILED, uploads=(outcome,))
    journal.execution.finish(claim(journal), end, LATER)
    assert journal.reading.upload(upload_id).suspicions == ("two delimiters fit",)
    assert accept(journal, "a", run="r2").upload.suspicions == ()


def test_again_keeps_the_upload_loaded_until_it_is_replaced(journal: Journal) -> None:
    upload_id = load(journal, "a", run="r1")
    accepted = accept(journal, "a", run="r2", is_again=True)
    assert (accepted.answer, accepted.run_id) == (Answer.QUEUED, "r2")
    assert journal.reading.upload(upload_id).status is UploadStatus.LOADED
    (part,) = journal.reading.run_uploads("r2")
    assert part.is_again is True


@pytest.mark.parametrize(
    ("status", "loaded_by"), [(UploadStatus.FAILED, "r1"), (UploadStatus.SUSPECT, "r2")]
)
def test_a_replacement_that_fails_leaves_the_first_load(
    journal: Journal, status: UploadStatus, loaded_by: str
) -> None:
    upload_id = load(journal, "a", run="r1")
    accept(journal, "a", run="r2", is_again=True)
    conclude(journal, upload_id, status)
    upload = journal.reading.upload(upload_id)
    assert upload.status.is_in_bronze
    assert upload.run_id == loaded_by
    assert [part.status for part in journal.reading.run_uploads("r2")] == [status]


def test_a_removed_upload_delivered_again_is_loaded_as_new(journal: Journal) -> None:
    upload_id = load(journal, "a", run="r1")
    request = Request(kind=RequestKind.REMOVE, source="orders", upload_ids=(upload_id,))
    journal.acceptance.request(request, run_id="r2", now=NOW)
    conclude(journal, upload_id, UploadStatus.REMOVED)
    assert journal.reading.upload(upload_id).status is UploadStatus.REMOVED
    assert accept(journal, "a", run="r3").answer is Answer.QUEUED


def test_a_request_for_an_unknown_upload_is_refused_and_leaves_nothing(journal: Journal) -> None:
    request = Request(kind=RequestKind.REMOVE, source="orders", upload_ids=("unknown",))
    with pytest.raises(errors.NotFound):
        journal.acceptance.request(request, run_id="r1", now=NOW)
    assert journal.reading.runs() == ()


def test_runs_on_one_table_go_in_order_and_one_at_a_time(journal: Journal) -> None:
    accept(journal, "a", run="r1")
    first = claim(journal, "one")
    accept(journal, "b", run="r2")
    assert first.run_id == "r1"
    assert journal.execution.claim("two", everybody_lives, NOW) is None
    journal.execution.finish(first, Outcome(status=RunStatus.SUCCEEDED), LATER)
    assert claim(journal, "two").run_id == "r2"


def test_runs_on_different_tables_go_side_by_side(journal: Journal) -> None:
    accept(journal, "a", run="r1")
    accept(journal, "a", run="r2", source="customers")
    assert [claim(journal, owner).run_id for owner in ("one", "two")] == ["r1", "r2"]


def test_a_run_does_not_overtake_one_that_waits_for_a_table_of_its(journal: Journal) -> None:
    for run, tables in (("r1", ("a",)), ("r2", ("a", "b")), ("r3", ("b",)), ("r4", ("c",))):
        request = Request(kind=RequestKind.MODELS, tables=tables)
        journal.acceptance.request(request, run_id=run, now=NOW)
    assert [claim(journal, owner).run_id for owner in ("one", "two")] == ["r1", "r4"]
    assert journal.execution.claim("three", everybody_lives, NOW) is None


def test_a_lock_on_a_table_of_another_run_puts_the_run_back(journal: Journal) -> None:
    accept(journal, "a", run="r1")
    accept(journal, "a", run="r2", source="customers")
    first, second = claim(journal, "one"), claim(journal, "two")
    assert journal.execution.lock(first, ["silver.x"])
    assert not journal.execution.lock(second, ["silver.x"])
    assert journal.reading.run("r2").status is RunStatus.QUEUED
    assert journal.execution.claim("two", everybody_lives, NOW) is None
    with pytest.raises(errors.RunLost):
        journal.execution.prepare(second, ["land"])
    journal.execution.finish(first, Outcome(status=RunStatus.SUCCEEDED), LATER)
    assert claim(journal, "two").run_id == "r2"


def test_a_run_that_was_put_back_lets_the_dead_holder_of_its_table_be_adopted_first(
    journal: Journal,
) -> None:
    accept(journal, "a", run="r1")
    accept(journal, "a", run="r2", source="customers")
    first, second = claim(journal, "one"), claim(journal, "two")
    assert journal.execution.lock(second, ["silver.x"])
    assert not journal.execution.lock(first, ["silver.x"])
    adopted = journal.execution.claim("one", nobody_lives, LATER)
    assert adopted is not None
    assert adopted.run_id == "r2"


def test_a_dead_owners_run_is_adopted_and_its_late_writes_are_refused(journal: Journal) -> None:
    accept(journal, "a", run="r1")
    old = claim(journal, "old")
    journal.execution.prepare(old, ["land"])
    journal.execution.start(old, "land", NOW)
    new = journal.execution.claim("new", nobody_lives, LATER)
    assert new is not None
    assert (new.run_id, new.fence > old.fence) == ("r1", True)
    late = Ending(status=StepStatus.SUCCEEDED)
    for write in (
        lambda: journal.execution.end(old, "land", late, LATER),
        lambda: journal.execution.start(old, "land", LATER),
        lambda: journal.execution.finish(old, Outcome(status=RunStatus.SUCCEEDED), LATER),
        lambda: journal.execution.prepare(old, ["x"]),
        lambda: journal.execution.discard(old, ["land"]),
        lambda: journal.execution.lock(old, ["x"]),
        lambda: journal.execution.release(old, NOW),
    ):
        with pytest.raises(errors.RunLost):
            write()
    assert [step.name for step in journal.reading.steps("r1")] == ["land"]


def test_an_owner_takes_up_what_it_left_running(journal: Journal) -> None:
    accept(journal, "a", run="r1")
    assert claim(journal, "me").fence < claim(journal, "me").fence


def test_a_run_that_is_let_go_of_blames_no_step_for_it(journal: Journal) -> None:
    accept(journal, "a", run="r1")
    mine = claim(journal)
    journal.execution.prepare(mine, ["land", "plan"])
    journal.execution.start(mine, "land", NOW)
    journal.execution.release(mine, LATER)
    (attempt,) = journal.reading.attempts("r1")
    assert (attempt.status, attempt.finished_at) == (StepStatus.PENDING, LATER)
    assert failure.is_release(attempt.error)
    statuses = [step.status for step in journal.reading.steps("r1")]
    assert statuses == [StepStatus.PENDING, StepStatus.PENDING]


def test_a_run_that_fails_leaves_no_step_and_no_attempt_that_goes_on(journal: Journal) -> None:
    accept(journal, "a", run="r1")
    mine = claim(journal)
    journal.execution.prepare(mine, ["land", "plan", "publish"])
    journal.execution.start(mine, "land", NOW)
    journal.execution.end(mine, "land", Ending(status=StepStatus.SUCCEEDED, result=1), NOW)
    journal.execution.start(mine, "plan", NOW)
    error: Json = {"code": "internal-error"}
    journal.execution.finish(mine, Outcome(status=RunStatus.FAILED, error=error), LATER)
    steps = journal.reading.steps("r1")
    assert [(step.status.value, step.error) for step in steps] == [
        ("succeeded", None), ("failed", error), ("failed", error),
    ]  # fmt: skip
    attempts = journal.reading.attempts("r1")
    assert [attempt.status.value for attempt in attempts] == ["succeeded", "failed"]


def test_every_claim_has_a_higher_fence(journal: Journal) -> None:
    fences = []
    for number in range(3):
        accept(journal, "a", run=f"r{number}", source=f"s{number}")
        fences.append(claim(journal).fence)
        journal.execution.release(claim(journal), NOW)
    assert fences == sorted(set(fences))


def test_steps_keep_their_order_results_and_attempts(journal: Journal) -> None:
    accept(journal, "a", run="r1")
    mine = claim(journal)
    journal.execution.prepare(mine, ["land", "plan"])
    journal.execution.prepare(mine, ["land", "publish"])
    journal.execution.start(mine, "land", NOW)
    crash = Ending(status=StepStatus.PENDING, error={"code": "step-crashed"})
    journal.execution.end(mine, "land", crash, NOW)
    assert journal.execution.start(mine, "land", NOW).number == 2
    done = Ending(status=StepStatus.SUCCEEDED, result={"records": [1, "zwei", None, 2.5]})
    journal.execution.end(mine, "land", done, LATER, is_synced=True)
    journal.execution.end(mine, "plan", Ending(status=StepStatus.SKIPPED), LATER)
    steps = journal.reading.steps("r1")
    assert [(step.name, step.status.value, step.attempts) for step in steps] == [
        ("land", "succeeded", 2),
        ("plan", "skipped", 0),
        ("publish", "pending", 0),
    ]
    assert steps[0].result == {"records": [1, "zwei", None, 2.5]}
    assert (steps[0].error, steps[0].started_at, steps[0].finished_at) == (None, NOW, LATER)
    attempts = journal.reading.attempts("r1")
    assert [(found.number, found.status.value, found.error) for found in attempts] == [
        (1, "pending", {"code": "step-crashed"}),
        (2, "succeeded", None),
    ]


def test_an_attempt_that_a_dead_owner_left_is_closed_by_the_next(journal: Journal) -> None:
    accept(journal, "a", run="r1")
    old = claim(journal, "old")
    journal.execution.prepare(old, ["land"])
    journal.execution.start(old, "land", NOW)
    new = journal.execution.claim("new", nobody_lives, LATER)
    assert new is not None
    journal.execution.start(new, "land", LATER, is_synced=True)
    attempts = journal.reading.attempts("r1")
    assert [(found.fence, found.status, found.error) for found in attempts] == [
        (old.fence, StepStatus.PENDING, None),
        (new.fence, StepStatus.RUNNING, None),
    ]


def test_a_step_that_was_never_prepared_is_refused(journal: Journal) -> None:
    accept(journal, "a", run="r1")
    mine = claim(journal)
    with pytest.raises(errors.NotFound):
        journal.execution.start(mine, "land", NOW)
    with pytest.raises(errors.NotFound):
        journal.execution.end(mine, "land", Ending(status=StepStatus.SKIPPED), NOW)
    assert journal.reading.attempts("r1") == ()


def test_discarded_steps_can_be_planned_anew_and_their_attempts_stay(journal: Journal) -> None:
    accept(journal, "a", run="r1")
    mine = claim(journal)
    journal.execution.prepare(mine, ["land", "plan", "publish"])
    journal.execution.start(mine, "plan", NOW)
    journal.execution.discard(mine, ["plan", "publish"])
    assert [step.name for step in journal.reading.steps("r1")] == ["land"]
    journal.execution.prepare(mine, ["plan"])
    assert journal.execution.start(mine, "plan", LATER).number == 2


def test_raw_data_ready_and_run_finished_are_told_once_each(journal: Journal) -> None:
    upload_id = accept(journal, "a", run="r1").upload.upload_id
    mine = claim(journal)
    journal.execution.prepare(mine, ["land"])
    ending = Ending(status=StepStatus.SUCCEEDED, ready={upload_id: {"records": 3}})
    for _ in range(2):
        journal.execution.start(mine, "land", NOW)
        journal.execution.end(mine, "land", ending, NOW)
    outcome = UploadOutcome(upload_id=upload_id, status=UploadStatus.LOADED)
    finished = Outcome(status=RunStatus.SUCCEEDED, uploads=(outcome,), result={"tables": {}})
    journal.execution.finish(mine, finished, LATER)
    events = journal.reading.events()
    assert [event.kind for event in events] == ["file-uploaded", "raw-data-ready", "run-finished"]
    assert len({event.event_id for event in events}) == 3
    assert journal.reading.events(after=events[1].sequence) == events[2:]
    assert journal.reading.events(limit=1) == events[:1]
    assert journal.reading.run("r1").result == {"tables": {}}


def test_a_finished_run_fails_every_upload_that_it_does_not_name(journal: Journal) -> None:
    first = accept(journal, "a", run="r1").upload.upload_id
    second = accept(journal, "b", run="r1").upload.upload_id
    mine = claim(journal)
    outcome = UploadOutcome(upload_id=first, status=UploadStatus.LOADED, rows=1)
    error = {"code": "run-failed"}
    failed = Outcome(status=RunStatus.FAILED, uploads=(outcome,), error=error)
    journal.execution.finish(mine, failed, LATER)
    assert journal.reading.upload(first).status is UploadStatus.LOADED
    left = journal.reading.upload(second)
    assert (left.status, left.error) == (UploadStatus.FAILED, error)
    assert journal.reading.run("r1").finished_at == LATER


def test_a_rebuild_may_tell_of_uploads_that_did_not_wait_for_it(journal: Journal) -> None:
    old = load(journal, "a", run="r1")
    new = accept(journal, "b", run="r2").upload.upload_id
    outcomes = tuple(
        UploadOutcome(upload_id=upload_id, status=UploadStatus.LOADED, rows=9)
        for upload_id in (new, old)
    )
    finished = Outcome(status=RunStatus.SUCCEEDED, uploads=outcomes)
    journal.execution.finish(claim(journal), finished, LATER)
    upload = journal.reading.upload(old)
    assert (upload.rows, upload.run_id) == (9, "r2")
    assert {part.upload_id for part in journal.reading.run_uploads("r2")} == {old, new}


def fail(journal: Journal, *steps: tuple[str, StepStatus, str]) -> None:
    """Let the first run that waits fail, with these steps."""
    mine = claim(journal)
    journal.execution.prepare(mine, [name for name, _, _ in steps])
    for name, status, code in steps:
        journal.execution.start(mine, name, NOW)
        error = {"code": code} if code else None
        journal.execution.end(mine, name, Ending(status=status, result=name, error=error), NOW)
    outcome = Outcome(status=RunStatus.FAILED, error={"code": "run-failed"})
    journal.execution.finish(mine, outcome, LATER)


def test_retry_keeps_finished_steps_when_only_the_publish_failed(journal: Journal) -> None:
    upload_id = accept(journal, "a", run="r1").upload.upload_id
    fail(
        journal,
        ("land", StepStatus.SUCCEEDED, ""),
        ("publish", StepStatus.FAILED, "run-failed"),
    )
    run = journal.acceptance.retry("r1", LATER)
    assert (run.status, run.round, run.token) == (RunStatus.QUEUED, 2, "r1.2")
    steps = journal.reading.steps("r1")
    assert [(step.name, step.status.value, step.result) for step in steps] == [
        ("land", "succeeded", "land"),
        ("publish", "pending", None),
    ]
    assert steps[1].attempts == 0
    assert journal.reading.upload(upload_id).status is UploadStatus.ACCEPTED
    assert claim(journal).token == "r1.2"
    assert len(journal.reading.attempts("r1")) == 2


@pytest.mark.parametrize("code", ["step-crashed", "step-timed-out"])
def test_retry_continues_from_a_step_that_was_interrupted(journal: Journal, code: str) -> None:
    accept(journal, "a", run="r1")
    fail(
        journal,
        ("land", StepStatus.SUCCEEDED, ""),
        ("bronze", StepStatus.FAILED, code),
        ("publish", StepStatus.SKIPPED, ""),
    )
    journal.acceptance.retry("r1", LATER)
    statuses = [step.status.value for step in journal.reading.steps("r1")]
    assert statuses == ["succeeded", "pending", "pending"]


@pytest.mark.parametrize("published", [StepStatus.SUCCEEDED, StepStatus.SKIPPED])
def test_retry_starts_afresh_when_the_files_or_the_project_must_change(
    journal: Journal, published: StepStatus
) -> None:
    accept(journal, "a", run="r1")
    fail(
        journal,
        ("land", StepStatus.SUCCEEDED, ""),
        ("model", StepStatus.FAILED, "check-failed"),
        ("publish", published, ""),
    )
    journal.acceptance.retry("r1", LATER)
    assert journal.reading.steps("r1") == ()


def test_retry_leaves_uploads_that_another_run_has_taken(journal: Journal) -> None:
    upload_id = accept(journal, "a", run="r1").upload.upload_id
    conclude(journal, upload_id, UploadStatus.FAILED, RunStatus.FAILED)
    accept(journal, "a", run="r2")
    conclude(journal, upload_id, UploadStatus.LOADED)
    journal.acceptance.retry("r1", LATER)
    assert journal.reading.upload(upload_id).run_id == "r2"
    assert [part.status for part in journal.reading.run_uploads("r1")] == [UploadStatus.FAILED]


def test_only_a_failed_run_is_retried(journal: Journal) -> None:
    load(journal, "a", run="r1")
    with pytest.raises(errors.Conflict) as refused:
        journal.acceptance.retry("r1", LATER)
    assert "succeeded" in refused.value.why
    with pytest.raises(errors.NotFound):
        journal.acceptance.retry("r9", LATER)


def test_lists_are_newest_first_and_filtered(journal: Journal) -> None:
    loaded = [load(journal, content, run=f"r{content}") for content in "abc"]
    waiting = accept(journal, "d", run="rd", source="customers").upload.upload_id
    reading = journal.reading
    assert [found.upload_id for found in reading.uploads()] == [waiting, *reversed(loaded)]
    assert [found.upload_id for found in reading.uploads(limit=2)] == [waiting, loaded[2]]
    assert [found.upload_id for found in reading.uploads(source="customers")] == [waiting]
    statuses = (UploadStatus.LOADED, UploadStatus.SUSPECT)
    assert len(reading.uploads(statuses=statuses)) == 3
    assert [run.run_id for run in reading.runs()] == ["rd", "rc", "rb", "ra"]
    assert [run.run_id for run in reading.runs(statuses=[RunStatus.QUEUED])] == ["rd"]
    assert [run.run_id for run in reading.runs(limit=1)] == ["rd"]


def test_what_is_not_there_is_not_found(journal: Journal) -> None:
    for ask in (
        lambda: journal.reading.upload("x"),
        lambda: journal.reading.run("x"),
        lambda: journal.reading.steps("x"),
    ):
        with pytest.raises(errors.NotFound) as missing:
            ask()
        assert missing.value.hint
