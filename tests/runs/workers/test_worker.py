from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, cast

import pytest

from lakewright import errors
from lakewright.runs import accept
from lakewright.runs.progress import Silent
from lakewright.runs.records import Answer, Json, Run, RunStatus, StepStatus, UploadStatus
from lakewright.runs.workers import carrier
from lakewright.runs.workers.round import Hands

if TYPE_CHECKING:
    from tests.runs.conftest import Workplace

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def error_of(run: Run) -> Mapping[str, Json]:
    return cast("Mapping[str, Json]", run.error)


def test_an_upload_goes_through_every_step_to_its_tables(workplace: "Workplace") -> None:
    accepted = workplace.deliver("a,b,c")
    (run,) = workplace.drain(accepted.run_id)
    assert (run.status, run.error) == (RunStatus.SUCCEEDED, None)
    upload = workplace.journal.reading.upload(accepted.upload.upload_id)
    assert (upload.status, upload.records, upload.rows, upload.quarantined, upload.snapshot_id) == (
        UploadStatus.LOADED, 3, 3, 0, 7,
    )  # fmt: skip
    assert workplace.tables()["bronze.orders"] == [f"{upload.upload_id}=a,b,c"]
    assert workplace.statuses(run.run_id) == dict.fromkeys(
        [
            f"land:{upload.upload_id}", "plan", "bronze:orders", "model:silver.orders",
            "model:gold.all", "publish",
        ],
        "succeeded",
    )  # fmt: skip
    assert run.result == {
        "tables": {
            "bronze.orders": {"snapshot_id": 7, "rows": 1},
            "silver.orders": {"snapshot_id": 7, "rows": 0},
            "gold.all": {"snapshot_id": 7, "rows": 0},
        }
    }
    assert run.request.tables == (
        "bronze.orders", "gold.all", "quarantine.orders", "silver.orders",
    )  # fmt: skip
    kinds = [event.kind for event in workplace.journal.reading.events()]
    assert kinds == ["file-uploaded", "raw-data-ready", "run-finished"]
    assert not (workplace.root / "work" / run.run_id).exists()


def test_uploads_of_one_source_are_published_together(workplace: "Workplace") -> None:
    runs = {workplace.deliver(text).run_id for text in ("a", "b", "c")}
    assert len(runs) == 1
    workplace.drain(*runs)
    assert len(workplace.tables()["bronze.orders"]) == 3
    assert workplace.effects()["publish"] == 1


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("bad", "file-unreadable"),
        ("refused", "contract-broken"),
        ("over", "too-many-bad-records"),
        ("crash", "step-crashed"),
    ],
)
def test_an_upload_that_fails_fails_alone(workplace: "Workplace", text: str, code: str) -> None:
    good, bad = workplace.deliver("good"), workplace.deliver(text)
    (run,) = workplace.drain(good.run_id)
    assert run.status is RunStatus.FAILED
    assert error_of(run)["code"] == code
    reading = workplace.journal.reading
    assert reading.upload(good.upload.upload_id).status is UploadStatus.LOADED
    failed = reading.upload(bad.upload.upload_id)
    assert failed.status is UploadStatus.FAILED
    assert cast("Mapping[str, Json]", failed.error)["code"] == code
    assert workplace.tables()["bronze.orders"] == [f"{good.upload.upload_id}=good"]


@pytest.mark.parametrize("text", ["bad", "refused", "over", "crash"])
def test_a_run_without_a_sound_upload_leaves_bronze_as_it_was(
    workplace: "Workplace", text: str
) -> None:
    (run,) = workplace.drain(workplace.deliver(text).run_id)
    assert run.status is RunStatus.FAILED
    assert "bronze.orders" not in workplace.tables()


def test_a_file_that_looks_misread_is_loaded_but_suspect(workplace: "Workplace") -> None:
    accepted = workplace.deliver("odd")
    workplace.drain(accepted.run_id)
    upload = workplace.journal.reading.upload(accepted.upload.upload_id)
    assert upload.status is UploadStatus.SUSPECT
    assert upload.suspicions == ("one column where many are due",)


def test_a_step_that_kills_its_process_is_tried_three_times(workplace: "Workplace") -> None:
    accepted = workplace.deliver("crash")
    workplace.drain(accepted.run_id)
    assert workplace.effects()["land crash"] == 3
    attempts = workplace.journal.reading.attempts(accepted.run_id)
    assert [attempt.status for attempt in attempts] == [StepStatus.PENDING] * 3


def test_a_step_that_was_interrupted_once_succeeds(workplace: "Workplace") -> None:
    accepted = workplace.deliver("crash once")
    (run,) = workplace.drain(accepted.run_id)
    assert run.status is RunStatus.SUCCEEDED
    assert workplace.effects()["land crash once"] == 2


def test_a_child_that_dies_before_the_first_step_is_asked_again(workplace: "Workplace") -> None:
    workplace.flag("landing", "crash once")
    accepted = workplace.deliver("a")
    (run,) = workplace.drain(accepted.run_id)
    assert run.status is RunStatus.SUCCEEDED


def test_a_child_that_always_dies_before_the_first_step_fails_the_run(
    workplace: "Workplace",
) -> None:
    workplace.flag("landing", "crash")
    (run,) = workplace.drain(workplace.deliver("a").run_id)
    assert run.status is RunStatus.FAILED
    assert error_of(run)["code"] == "step-crashed"


def test_a_run_that_always_breaks_the_command_ends_as_failed(workplace: "Workplace") -> None:
    workplace.flag("plan orders", "rubbish")
    broken, sound = workplace.deliver("a"), workplace.deliver("b", source="visits")
    (first, second) = workplace.drain(broken.run_id, sound.run_id)
    assert (first.status, second.status) == (RunStatus.FAILED, RunStatus.SUCCEEDED)
    assert "a mistake in Lakewright: KeyError" in str(first.error)


def test_a_failed_model_takes_only_what_reads_it_along(workplace: "Workplace") -> None:
    workplace.flag("silver.orders", "fail")
    accepted = workplace.deliver("a")
    (run,) = workplace.drain(accepted.run_id)
    assert run.status is RunStatus.FAILED
    assert error_of(run)["code"] == "check-failed"
    statuses = workplace.statuses(run.run_id)
    assert statuses["model:silver.orders"] == "failed"
    assert statuses["model:gold.all"] == "skipped"
    assert statuses["publish"] == "succeeded"
    assert set(workplace.tables()) == {"bronze.orders"}
    upload = workplace.journal.reading.upload(accepted.upload.upload_id)
    assert upload.status is UploadStatus.LOADED


def test_retry_after_a_model_failed_builds_only_what_is_left(workplace: "Workplace") -> None:
    workplace.flag("silver.orders", "fail")
    accepted = workplace.deliver("a")
    workplace.drain(accepted.run_id)
    workplace.flag("silver.orders", "")
    workplace.journal.acceptance.retry(accepted.run_id, NOW)
    (run,) = workplace.drain(accepted.run_id)
    assert (run.status, run.round) == (RunStatus.SUCCEEDED, 2)
    assert set(workplace.tables()) == {"bronze.orders", "silver.orders", "gold.all"}
    assert workplace.effects()["land a"] == 1
    assert workplace.effects()["bronze orders"] == 1


def test_a_publish_that_came_through_is_done_although_every_attempt_at_it_crashed(
    workplace: "Workplace",
) -> None:
    workplace.flag("published", "crash, times: 3")
    accepted = workplace.deliver("a")
    (run,) = workplace.drain(accepted.run_id)
    assert (run.status, run.error) == (RunStatus.SUCCEEDED, None)
    upload = workplace.journal.reading.upload(accepted.upload.upload_id)
    assert upload.status is UploadStatus.LOADED
    assert workplace.tables()["bronze.orders"] == [f"{upload.upload_id}=a"]


def test_a_publish_that_never_came_through_fails_with_its_last_crash(
    workplace: "Workplace",
) -> None:
    workplace.flag("publish", "crash, times: 3")
    (run,) = workplace.drain(workplace.deliver("a").run_id)
    assert run.status is RunStatus.FAILED
    assert "died" in str(run.error)
    assert workplace.tables() == {}


def test_retry_after_a_full_disk_continues_with_the_publish(workplace: "Workplace") -> None:
    workplace.flag("publish", "disk full")
    accepted = workplace.deliver("a")
    (run,) = workplace.drain(accepted.run_id)
    assert run.status is RunStatus.FAILED
    assert "No space left on device" in str(error_of(run)["why"])
    assert (workplace.root / "work" / run.run_id).exists()
    workplace.flag("publish", "")
    workplace.journal.acceptance.retry(accepted.run_id, NOW)
    (run,) = workplace.drain(accepted.run_id)
    assert run.status is RunStatus.SUCCEEDED
    assert workplace.effects() == {
        "land a": 1, "plan orders": 1, "bronze orders": 1, "model silver.orders": 1,
        "model gold.all": 1, "publish": 2,
    }  # fmt: skip
    assert not (workplace.root / "work" / run.run_id).exists()


def test_a_table_that_moved_is_planned_and_staged_again(workplace: "Workplace") -> None:
    workplace.flag("moves", "4")
    accepted = workplace.deliver("a")
    (run,) = workplace.drain(accepted.run_id)
    assert run.status is RunStatus.SUCCEEDED
    effects = workplace.effects()
    assert (effects["land a"], effects["plan orders"], effects["bronze orders"]) == (1, 5, 5)


@pytest.mark.parametrize(("moves", "waits"), [(1, 0), (4, 3)])
def test_a_table_that_moved_is_waited_for_only_when_it_moves_again(
    workplace: "Workplace", monkeypatch: pytest.MonkeyPatch, moves: int, waits: int
) -> None:
    waited: list[int] = []
    workplace.flag("moves", str(moves))
    accepted = workplace.deliver("a")
    with workplace.worker() as worker:
        monkeypatch.setattr(Hands, "back_off", lambda _, times: waited.append(times))
        worker.drain([accepted.run_id])
    assert len([times for times in waited if times]) == waits


def test_a_table_that_moves_every_time_ends_the_run(workplace: "Workplace") -> None:
    workplace.flag("moves", "99")
    (run,) = workplace.drain(workplace.deliver("a").run_id)
    assert run.status is RunStatus.FAILED
    assert error_of(run)["what"] == f"run {run.run_id} could not be published"
    assert workplace.effects()["plan orders"] == carrier.PLANS_MAX
    assert workplace.tables() == {}


def test_the_same_bytes_again_change_nothing(workplace: "Workplace") -> None:
    first = workplace.deliver("a")
    workplace.drain(first.run_id)
    before = workplace.tables()
    again = workplace.deliver("a")
    assert (again.answer, again.run_id) == (Answer.ALREADY_LOADED, first.run_id)
    workplace.drain()
    assert workplace.tables() == before


def test_again_replaces_and_removal_removes(workplace: "Workplace") -> None:
    upload_id = workplace.deliver("a").upload.upload_id
    workplace.drain()
    workplace.drain(workplace.deliver("a", is_again=True).run_id)
    assert workplace.tables()["bronze.orders"] == [f"{upload_id}=a"]
    (replay,) = accept.request_replay(workplace.journal, [upload_id], NOW)
    workplace.drain(replay.run_id)
    assert workplace.tables()["bronze.orders"] == [f"{upload_id}=a"]
    (removal,) = accept.request_removal(workplace.journal, [upload_id], NOW)
    workplace.drain(removal.run_id)
    assert workplace.tables()["bronze.orders"] == []
    assert workplace.journal.reading.upload(upload_id).status is UploadStatus.REMOVED


def test_a_project_that_does_not_load_fails_the_run_by_name(workplace: "Workplace") -> None:
    workplace.flag("landing", "fail")
    accepted = workplace.deliver("a")
    (run,) = workplace.drain(accepted.run_id)
    assert (run.status, error_of(run)["code"]) == (RunStatus.FAILED, "project-invalid")
    workplace.flag("landing", "")
    workplace.journal.acceptance.retry(accepted.run_id, NOW)
    (run,) = workplace.drain(accepted.run_id)
    assert run.status is RunStatus.SUCCEEDED


def test_a_rebuild_reads_every_upload_that_the_table_holds(workplace: "Workplace") -> None:
    for text in ("a", "b"):
        workplace.drain(workplace.deliver(text).run_id)
    workplace.drain(accept.request_rebuild(workplace.journal, "orders", NOW).run_id)
    assert workplace.effects()["land a"] == workplace.effects()["land b"] == 2
    assert len(workplace.tables()["bronze.orders"]) == 2
    uploads = workplace.journal.reading.uploads()
    assert {upload.status for upload in uploads} == {UploadStatus.LOADED}


def test_models_run_without_an_upload(workplace: "Workplace") -> None:
    run = accept.request_models(workplace.journal, ["silver.orders"], NOW, is_full=True)
    (done,) = workplace.drain(run.run_id)
    assert done.status is RunStatus.SUCCEEDED
    assert set(workplace.tables()) == {"silver.orders"}


def test_one_drain_takes_everything_that_waits(workplace: "Workplace") -> None:
    runs = [workplace.deliver("a", source=source).run_id for source in ("x", "y", "z")]
    workplace.drain()
    reading = workplace.journal.reading
    assert {reading.run(run_id).status for run_id in runs} == {RunStatus.SUCCEEDED}


def test_a_command_that_is_broken_off_leaves_its_run_to_the_next(workplace: "Workplace") -> None:
    accepted = workplace.deliver("a")

    class Impatient(Silent):
        def step_started(self, run: Run, step: str, total: int | None) -> None:
            if step == "bronze:orders":
                raise KeyboardInterrupt

    with (
        workplace.worker(progress=Impatient()) as worker,
        pytest.raises(KeyboardInterrupt),
    ):
        worker.drain([accepted.run_id])
    assert workplace.journal.reading.run(accepted.run_id).status is RunStatus.QUEUED
    (run,) = workplace.drain(accepted.run_id)
    assert run.status is RunStatus.SUCCEEDED
    assert workplace.effects()["land a"] == 1


def test_progress_tells_of_every_step(workplace: "Workplace") -> None:
    told: list[str] = []

    class Listener:
        def run_started(self, run: Run) -> None:
            told.append("run")

        def step_started(self, run: Run, step: str, total: int | None) -> None:
            told.append(f"{step} {total}")

        def step_progressed(self, run: Run, step: str, done: int) -> None:
            told.append(str(done))

        def step_ended(self, run: Run, step: str, status: StepStatus, error: Json) -> None:
            told.append(status.value)

        def run_ended(self, run: Run) -> None:
            told.append(run.status.value)

    accepted = workplace.deliver("a,b")
    with workplace.worker(progress=Listener()) as worker:
        worker.drain([accepted.run_id])
    assert told == [
        "run", f"land:{accepted.upload.upload_id} None", "succeeded", "plan None", "succeeded",
        "bronze:orders 2", "succeeded", "model:silver.orders None", "succeeded",
        "model:gold.all None", "succeeded", "publish None", "succeeded", "succeeded",
    ]  # fmt: skip


def test_a_step_that_takes_long_tells_the_journal_how_far_it_is(workplace: "Workplace") -> None:
    told: list[tuple[int, int | None]] = []

    class Listener(Silent):
        def step_progressed(self, run: Run, step: str, done: int) -> None:
            (found, *_) = workplace.journal.reading.steps(run.run_id)
            told.append((done, found.done))

    accepted = workplace.deliver("counted")
    with workplace.worker(progress=Listener()) as worker:
        worker.drain([accepted.run_id])
    written = sorted({done for _, done in told if done is not None})
    assert told[0][1] is None, "not before half a second has gone"
    assert 1 <= len(written) <= 3
    (land, *_) = workplace.journal.reading.steps(accepted.run_id)
    assert land.done is not None
    assert land.done >= written[-1]


def test_the_log_says_what_died_and_what_was_tried_again(workplace: "Workplace") -> None:
    accepted = workplace.deliver("crash")
    workplace.drain(accepted.run_id)
    lines = workplace.journal.logbook.lines(accepted.run_id)
    step = f"land:{accepted.upload.upload_id}"
    levels = [line.level.value for line in lines]
    assert levels == ["warning", "warning", "warning", "error"]
    assert [line.facts["attempt"] for line in lines] == [1, 2, 3, 3]
    assert lines[0].message.startswith(f"{step} is tried again: the child process")
    assert lines[-1].message.startswith(f"{step} failed: ")
    assert {line.facts["code"] for line in lines} == {"step-crashed"}
    assert "SIGKILL" in str(lines[0].facts["why"])


def test_a_run_that_goes_well_has_an_empty_log(workplace: "Workplace") -> None:
    accepted = workplace.deliver("a,b")
    workplace.drain(accepted.run_id)
    assert workplace.journal.logbook.lines(accepted.run_id) == ()
    spent = [attempt.spent for attempt in workplace.journal.reading.attempts(accepted.run_id)]
    assert all(each is not None and each.milliseconds >= 0 for each in spent)


def test_a_run_that_is_taken_up_again_says_who_had_it(workplace: "Workplace") -> None:
    accepted = workplace.deliver("a,b")
    claim = workplace.journal.execution.claim("gone", lambda _: False, datetime.now(UTC))
    assert claim is not None
    workplace.drain(accepted.run_id)
    (line,) = workplace.journal.logbook.lines(accepted.run_id)
    assert (line.level.value, line.facts["previous_owner"]) == ("info", "gone")


def test_an_unknown_run_is_refused(workplace: "Workplace") -> None:
    with pytest.raises(errors.NotFound):
        workplace.drain("nothing")


@pytest.mark.parametrize("text", ["a", "bad"])
def test_work_folders_of_killed_processes_are_swept(workplace: "Workplace", text: str) -> None:
    accepted = workplace.deliver(text)
    workplace.drain(accepted.run_id)
    left = workplace.root / "work" / accepted.run_id
    assert not left.exists()
    left.mkdir(parents=True)
    workplace.drain()
    assert not left.exists()


def test_work_folders_that_no_journal_knows_are_swept(workplace: "Workplace") -> None:
    unknown = workplace.root / "work" / "20260101-000000-00000000"
    other = workplace.root / "work" / "own"
    for folder in (unknown, other):
        folder.mkdir(parents=True)
    workplace.drain()
    assert (unknown.exists(), other.exists()) == (False, True)


def test_what_a_retry_needs_is_kept_for_a_week(
    workplace: "Workplace", monkeypatch: pytest.MonkeyPatch
) -> None:
    workplace.flag("publish", "disk full")
    accepted = workplace.deliver("a")
    workplace.drain(accepted.run_id)
    kept = workplace.root / "work" / accepted.run_id
    workplace.drain()
    assert kept.exists()
    monkeypatch.setattr("lakewright.runs.workers.worker.KEPT_SECONDS", -1.0)
    workplace.drain()
    assert not kept.exists()
    workplace.flag("publish", "")
    workplace.journal.acceptance.retry(accepted.run_id, NOW)
    (run,) = workplace.drain(accepted.run_id)
    assert run.status is RunStatus.SUCCEEDED
    assert workplace.effects()["land a"] == 2
