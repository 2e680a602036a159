"""What is counted from the events, and that each counts once."""

from datetime import timedelta

import pytest

from lakewright.runs.journal import Journal
from lakewright.runs.journals import memory
from lakewright.runs.outbox import Retention
from lakewright.runs.records import (
    Ending,
    Json,
    Outcome,
    RunStatus,
    StepStatus,
    UploadOutcome,
    UploadStatus,
)
from lakewright.sight import tally
from tests.contracts.conftest import LATER, NOW, accept, claim, load

CONFLICT: Json = {"code": "commit-conflict", "what": "the table moved"}


@pytest.fixture
def journal() -> Journal:
    return memory.open_journal()


def counted(journal: Journal) -> dict[str, Json]:
    memo = tally.catch_up(journal.outbox, journal.reading, LATER).memo()
    assert isinstance(memo, dict)
    return {key.replace("\t", " "): value for key, value in memo.items()}


def test_a_loaded_file_is_counted_with_its_records_and_its_seconds(journal: Journal) -> None:
    load(journal, "a", run="r1")
    assert counted(journal) == {
        "uploads_accepted orders": 1,
        "uploads_finished orders loaded": 1,
        "runs upload succeeded": 1,
        "records orders": 3,
        "rows orders": 2,
        "quarantined orders": 1,
        "gold_seconds 300": 1,
        "gold_milliseconds": 300_000,
    }


def test_a_restart_counts_no_event_again_and_forgets_none(journal: Journal) -> None:
    load(journal, "a", run="r1")
    before = counted(journal)
    assert counted(journal) == before
    load(journal, "b", run="r2", source="other")
    after = counted(journal)
    assert after["runs upload succeeded"] == 2
    assert (after["records orders"], after["records other"]) == (3, 3)


def test_what_was_counted_outlives_the_events(journal: Journal) -> None:
    load(journal, "a", run="r1")
    before = counted(journal)
    nothing = Retention(run_age_seconds=0, runs_min=0, event_age_seconds=0, events_min=0)
    assert journal.outbox.prune(nothing, LATER + timedelta(days=1)).events == 2
    assert counted(journal) == before


def test_more_events_than_are_read_at_once_are_all_counted(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tally, "BATCH_EVENTS", 2)
    for content in "abcde":
        accept(journal, content, run="r1")
    assert counted(journal) == {"uploads_accepted orders": 5}


def test_attempts_are_counted_by_how_they_ended_and_conflicts_too(journal: Journal) -> None:
    accept(journal, "a", run="r1")
    mine = claim(journal)
    journal.execution.prepare(mine, ["bronze:orders", "publish"])
    for step, status, error in (
        ("bronze:orders", StepStatus.PENDING, {"code": "step-crashed", "what": "it died"}),
        ("bronze:orders", StepStatus.SUCCEEDED, None),
        ("publish", StepStatus.PENDING, CONFLICT),
        ("publish", StepStatus.FAILED, {"code": "storage-failed", "what": "full"}),
    ):
        journal.execution.start(mine, step, NOW)
        journal.execution.end(mine, step, Ending(status=status, error=error), NOW)
    journal.execution.finish(mine, Outcome(status=RunStatus.FAILED, error=CONFLICT), LATER)
    found = counted(journal)
    assert {key: found[key] for key in found if key.startswith(("step", "commit"))} == {
        "step_attempts bronze interrupted": 1,
        "step_attempts bronze succeeded": 1,
        "step_attempts publish conflict": 1,
        "step_attempts publish failed": 1,
        "commit_conflicts": 1,
    }
    assert found["uploads_finished orders failed"] == 1
    assert "records orders" not in found


def test_a_file_that_is_loaded_again_tells_no_seconds(journal: Journal) -> None:
    upload_id = load(journal, "a", run="r1")
    accept(journal, "a", run="r2", is_again=True)
    outcome = UploadOutcome(upload_id=upload_id, status=UploadStatus.LOADED, records=3, rows=3)
    done = Outcome(status=RunStatus.SUCCEEDED, uploads=(outcome,))
    journal.execution.finish(claim(journal), done, LATER)
    found = counted(journal)
    assert found["uploads_finished orders loaded"] == 2
    assert found["gold_milliseconds"] == 300_000
