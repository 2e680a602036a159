import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from lakewright import errors
from lakewright.runs import accept
from lakewright.runs.journal import Journal
from lakewright.runs.journals import memory
from lakewright.runs.outbox import Retention
from lakewright.runs.records import Outcome, RunStatus
from lakewright.runs.workers.pruning import Pruner

NOW = datetime(2026, 11, 21, tzinfo=UTC)
RETENTION = Retention(
    run_age_seconds=3600, runs_min=0, event_age_seconds=3600, events_min=0,
)  # fmt: skip


class Place:
    """A journal that can be away, and a clock."""

    def __init__(self) -> None:
        self.journal = memory.open_journal()
        self.is_away = False
        self.opened = 0
        self.now = NOW

    @contextmanager
    def open_journal(self) -> Iterator[Journal]:
        self.opened += 1
        if self.is_away:
            raise errors.JournalUnavailable("the server does not answer")
        yield self.journal

    def run(self) -> str:
        """A run that begins and ends now."""
        run_id = accept.request_models(self.journal, ["gold.x"], self.now).run_id
        claim = self.journal.execution.claim("me", lambda _: True, self.now)
        assert claim is not None
        self.journal.execution.prepare(claim, ["plan"])
        self.journal.execution.finish(claim, Outcome(status=RunStatus.SUCCEEDED), self.now)
        return run_id


def test_what_is_old_is_deleted_at_first_and_once_a_day_and_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    place = Place()
    pruner = Pruner(place.open_journal, RETENTION, lambda: place.now)
    place.run()
    place.now += timedelta(hours=2)
    young = place.run()
    for _ in range(3):
        pruner.look()
    assert [run.run_id for run in place.journal.reading.runs()] == [young]
    assert place.opened == 1
    place.now += timedelta(days=1)
    pruner.look()
    assert place.journal.reading.runs() == ()
    told = [(record.message, vars(record)["runs"]) for record in caplog.records]
    assert told == [("old runs and events deleted", 1)] * 2


def test_nothing_is_told_where_nothing_is_old(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    place = Place()
    place.run()
    Pruner(place.open_journal, RETENTION, lambda: place.now).look()
    assert len(place.journal.reading.runs()) == 1
    assert not caplog.records


def test_a_journal_that_was_away_is_pruned_when_it_is_looked_at_again() -> None:
    place = Place()
    place.run()
    place.now += timedelta(hours=2)
    pruner = Pruner(place.open_journal, RETENTION, lambda: place.now)
    place.is_away = True
    with pytest.raises(errors.JournalUnavailable):
        pruner.look()
    place.is_away = False
    pruner.look()
    assert place.journal.reading.runs() == ()
