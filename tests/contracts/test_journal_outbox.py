"""What every journal promises to those who subscribe to its events, and what it forgets."""

from datetime import timedelta

import pytest

from lakewright import errors
from lakewright.runs.journal import Journal
from lakewright.runs.outbox import Pruned, Retention
from lakewright.runs.records import (
    Answer,
    Ending,
    Outcome,
    Request,
    RequestKind,
    RunStatus,
    StepStatus,
    UploadStatus,
)
from tests.contracts.conftest import LATER, NOW, accept, claim, conclude, load

AFTER = LATER + timedelta(days=1)

NOTHING = Retention(run_age_seconds=0, runs_min=0, event_age_seconds=0, events_min=0)


def contents(journal: Journal, name: str, **limits: int) -> list[str]:
    return [event.event_id for event in journal.outbox.read(name, **limits)]


def test_a_subscriber_reads_the_same_events_until_it_acknowledges_them(journal: Journal) -> None:
    for content in "abc":
        accept(journal, content, run="r1")
    outbox = journal.outbox
    new = outbox.subscribe("mail", NOW)
    assert (new.name, new.position, new.missed, new.subscribed_at) == ("mail", 0, 0, NOW)
    first = outbox.read("mail", limit=2)
    assert first == journal.reading.events(limit=2) == outbox.read("mail", limit=2)
    outbox.acknowledge("mail", first[0].sequence)
    assert outbox.read("mail", limit=1) == first[1:]
    outbox.acknowledge("mail", outbox.read("mail")[-1].sequence)
    outbox.acknowledge("mail", first[0].sequence)
    assert outbox.read("mail") == ()
    accept(journal, "d", run="r1")
    assert len(outbox.read("mail")) == 1


def test_subscribers_have_places_of_their_own_and_keep_them(journal: Journal) -> None:
    accept(journal, "a", run="r1")
    outbox = journal.outbox
    outbox.subscribe("old", NOW)
    new = outbox.subscribe("new", NOW, is_from_now=True)
    assert new.position == journal.reading.events()[-1].sequence
    assert (len(outbox.read("old")), len(outbox.read("new"))) == (1, 0)
    outbox.acknowledge("old", new.position)
    again = outbox.subscribe("old", LATER)
    assert (again.position, again.subscribed_at) == (new.position, NOW)
    assert [found.name for found in outbox.subscriptions()] == ["new", "old"]
    outbox.unsubscribe("old")
    assert [found.name for found in outbox.subscriptions()] == ["new"]


def test_who_has_not_subscribed_reads_nothing(journal: Journal) -> None:
    for ask in (
        lambda: journal.outbox.read("nobody"),
        lambda: journal.outbox.acknowledge("nobody", 1),
        lambda: journal.outbox.unsubscribe("nobody"),
    ):
        with pytest.raises(errors.NotFound, match="nobody"):
            ask()


def test_a_memo_moves_with_the_position_or_not_at_all(journal: Journal) -> None:
    for content in "abc":
        accept(journal, content, run="r1")
    sequences = [event.sequence for event in journal.reading.events()]
    assert journal.outbox.subscribe("sums", NOW).memo is None
    assert journal.outbox.advance("sums", after=0, to=sequences[1], memo={"count": 2})
    assert not journal.outbox.advance("sums", after=0, to=sequences[2], memo={"count": 3})
    found = journal.outbox.subscribe("sums", LATER)
    assert (found.position, found.memo) == (sequences[1], {"count": 2})
    journal.outbox.acknowledge("sums", sequences[2])
    assert journal.outbox.subscriptions()[0].memo == {"count": 2}
    with pytest.raises(errors.NotFound, match="nobody"):
        journal.outbox.advance("nobody", after=0, to=1, memo=None)
    with pytest.raises(errors.Conflict):
        journal.outbox.advance("sums", after=sequences[2], to=99, memo=None)


def test_an_event_that_was_never_told_cannot_be_acknowledged(journal: Journal) -> None:
    accept(journal, "a", run="r1")
    journal.outbox.subscribe("mail", NOW)
    with pytest.raises(errors.Conflict):
        journal.outbox.acknowledge("mail", 99)
    assert len(journal.outbox.read("mail")) == 1


def test_old_events_are_forgotten_and_their_sequences_never_come_again(journal: Journal) -> None:
    for content in "abcd":
        accept(journal, content, run="r1")
    before = journal.reading.events()
    young = Retention(event_age_seconds=3 * 86400, events_min=0)
    assert journal.outbox.prune(young, AFTER).events == 0
    few = Retention(event_age_seconds=0, events_min=1)
    assert journal.outbox.prune(few, AFTER).events == 3
    assert journal.reading.events() == before[3:]
    assert journal.outbox.prune(NOTHING, AFTER).events == 1
    accept(journal, "e", run="r1")
    (event,) = journal.reading.events()
    assert event.sequence > before[-1].sequence


def test_no_event_is_forgotten_before_every_subscriber_has_it(journal: Journal) -> None:
    for content in "abcd":
        accept(journal, content, run="r1")
    sequences = [event.sequence for event in journal.reading.events()]
    for name, read in (("fast", 3), ("slow", 1)):
        journal.outbox.subscribe(name, NOW)
        journal.outbox.acknowledge(name, sequences[read - 1])
    assert journal.outbox.prune(NOTHING, AFTER).events == 1
    assert [event.sequence for event in journal.outbox.read("slow")] == sequences[1:]


def test_a_subscriber_that_never_comes_back_holds_a_bounded_number_of_events(
    journal: Journal,
) -> None:
    for content in "abcde":
        accept(journal, content, run="r1")
    sequences = [event.sequence for event in journal.reading.events()]
    journal.outbox.subscribe("gone", NOW)
    journal.outbox.acknowledge("gone", sequences[0])
    bounded = Retention(event_age_seconds=0, events_min=0, unacknowledged_max=2)
    assert journal.outbox.prune(bounded, AFTER).events == 3
    journal.outbox.acknowledge("gone", sequences[1])
    (gone,) = journal.outbox.subscriptions()
    assert (gone.position, gone.missed) == (sequences[2], 2)
    assert [event.sequence for event in journal.outbox.read("gone")] == sequences[3:]


def finish_models(journal: Journal, run: str) -> None:
    request = Request(kind=RequestKind.MODELS, tables=("gold.x",))
    journal.acceptance.request(request, run_id=run, now=NOW)
    mine = claim(journal)
    journal.execution.prepare(mine, ["plan"])
    journal.execution.start(mine, "plan", NOW)
    journal.execution.end(mine, "plan", Ending(status=StepStatus.SUCCEEDED), NOW)
    journal.execution.finish(mine, Outcome(status=RunStatus.SUCCEEDED), LATER)


def test_old_runs_are_forgotten_and_the_newest_are_kept(journal: Journal) -> None:
    for number in range(4):
        finish_models(journal, f"r{number}")
    old = Retention(run_age_seconds=3600, runs_min=2)
    assert journal.outbox.prune(old, LATER) == Pruned(runs=0, events=0)
    assert journal.outbox.prune(old, AFTER).runs == 2
    assert journal.outbox.prune(old, AFTER).runs == 0
    assert [run.run_id for run in journal.reading.runs()] == ["r3", "r2"]
    assert len(journal.reading.steps("r2")) == len(journal.reading.attempts("r2")) == 1
    with pytest.raises(errors.NotFound):
        journal.reading.run("r0")
    finish_models(journal, "r4")
    assert journal.reading.run("r4").sequence > journal.reading.run("r3").sequence


def test_what_loaded_a_file_is_still_named_when_all_else_is_forgotten(journal: Journal) -> None:
    upload_id = load(journal, "a", run="r1")
    finish_models(journal, "r2")
    accept(journal, "a", run="r3", is_again=True)
    conclude(journal, upload_id, UploadStatus.LOADED)
    assert journal.outbox.prune(NOTHING, AFTER).runs == 2
    assert [run.run_id for run in journal.reading.runs()] == ["r3"]
    assert journal.reading.attempts("r3") == ()
    known = accept(journal, "a", run="r4")
    assert (known.answer, known.run_id) == (Answer.ALREADY_LOADED, "r3")


def test_runs_that_have_not_finished_are_never_forgotten(journal: Journal) -> None:
    accept(journal, "a", run="r1")
    mine = claim(journal)
    journal.execution.prepare(mine, ["land"])
    accept(journal, "b", run="r2")
    assert journal.outbox.prune(NOTHING, AFTER).runs == 0
    assert [step.name for step in journal.reading.steps("r1")] == ["land"]
    assert journal.reading.run("r2").status is RunStatus.QUEUED


def test_a_failed_run_that_was_pruned_is_retried_from_its_beginning(journal: Journal) -> None:
    upload_id = accept(journal, "a", run="r1").upload.upload_id
    mine = claim(journal)
    journal.execution.prepare(mine, ["land", "publish"])
    failed = Ending(status=StepStatus.FAILED, error={"code": "step-crashed"})
    journal.execution.end(mine, "publish", failed, NOW)
    journal.execution.finish(mine, Outcome(status=RunStatus.FAILED), NOW)
    assert journal.outbox.prune(NOTHING, AFTER).runs == 1
    run = journal.acceptance.retry("r1", AFTER)
    assert (run.status, run.request.upload_ids) == (RunStatus.QUEUED, (upload_id,))
    assert journal.reading.steps("r1") == ()
