from datetime import UTC, datetime, timedelta

from lakewright.runs import backfill
from lakewright.runs.journal import Journal
from lakewright.runs.journals import memory
from lakewright.runs.outbox import Retention
from lakewright.runs.records import Outcome, Priority, RunStatus

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
DAY = timedelta(days=1)
DAYS = [(NOW + number * DAY, NOW + (number + 1) * DAY) for number in range(3)]


def finish(journal: Journal, status: RunStatus = RunStatus.SUCCEEDED) -> str:
    claim = journal.execution.claim("me", lambda _: True, NOW)
    assert claim is not None
    journal.execution.finish(claim, Outcome(status=status), NOW)
    return claim.run_id


def test_each_interval_has_a_run_of_low_priority_that_says_which() -> None:
    journal = memory.open_journal()
    asked = backfill.ask(journal, "gold.a", DAYS, NOW)
    assert len(asked.new) == 3
    assert asked.unfinished == asked.new
    for run_id, (start, end) in zip(asked.new, DAYS, strict=True):
        request = journal.reading.run(run_id).request
        assert (request.priority, request.tables) == (Priority.LOW, ("gold.a",))
        assert request.payload == {
            "models": ["gold.a"], "is_full": False,
            "logical_time": end.isoformat(), "interval_start": start.isoformat(),
        }  # fmt: skip


def test_asking_twice_creates_nothing_new() -> None:
    journal = memory.open_journal()
    first = backfill.ask(journal, "gold.a", DAYS, NOW)
    again = backfill.ask(journal, "gold.a", DAYS, NOW)
    assert (again.new, again.waiting) == ((), first.new)
    for _ in DAYS:
        finish(journal)
    done = backfill.ask(journal, "gold.a", DAYS, NOW)
    assert (done.new, done.unfinished, done.done) == ((), (), first.new)
    assert len(journal.reading.runs()) == 3
    other = backfill.ask(journal, "gold.b", DAYS[:1], NOW)
    assert len(other.new) == 1


def test_asking_again_goes_on_with_what_failed_and_with_what_is_left() -> None:
    journal = memory.open_journal()
    first = backfill.ask(journal, "gold.a", DAYS[:2], NOW)
    failed, done = finish(journal, RunStatus.FAILED), finish(journal)
    again = backfill.ask(journal, "gold.a", DAYS, NOW)
    assert (again.retried, again.done) == ((failed,), (done,))
    assert len(again.new) == 1
    assert again.unfinished == (failed, *again.new)
    assert set(first.new) == {failed, done}
    assert journal.reading.run(failed).round == 2


def test_what_was_built_is_built_again_only_if_that_is_asked_for() -> None:
    journal = memory.open_journal()
    first = backfill.ask(journal, "gold.a", DAYS[:1], NOW)
    finish(journal)
    again = backfill.ask(journal, "gold.a", DAYS[:1], NOW, is_again=True)
    assert len(again.new) == 1
    assert again.new != first.new


def test_what_retention_has_forgotten_was_built_all_the_same() -> None:
    journal = memory.open_journal()
    backfill.ask(journal, "gold.a", DAYS[:1], NOW)
    finish(journal)
    at_once = Retention(run_age_seconds=0, runs_min=0, event_age_seconds=0, events_min=0)
    journal.outbox.prune(at_once, NOW + DAY)
    assert journal.reading.runs() == ()
    again = backfill.ask(journal, "gold.a", DAYS[:1], NOW)
    assert (again.new, len(again.done)) == ((), 1)
