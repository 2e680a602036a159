"""What every journal lets its listeners hear."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import pytest

from lakewright.runs.journal import Journal, Listener
from lakewright.runs.records import Outcome, Request, RequestKind, RunStatus
from tests.contracts.conftest import LATER, NOW, accept, claim

SECONDS_MAX = 30.0
MODELS = Request(kind=RequestKind.MODELS, tables=("gold.x",))
FAILED = Outcome(status=RunStatus.FAILED, error={"code": "run-failed"})


@contextmanager
def listening(journal: Journal) -> Iterator[Listener]:
    """A listener who has heard everything so far."""
    listener = journal.listen()
    while listener.wait(0.05):
        pass
    try:
        yield listener
    finally:
        listener.close()


def fail(journal: Journal) -> None:
    accept(journal, "a", run="r1")
    journal.execution.finish(claim(journal), FAILED, NOW)


DEEDS: Mapping[str, tuple[Callable[[Journal], object], Callable[[Journal], object]]] = {
    "accept": (lambda journal: None, lambda journal: accept(journal, "a", run="r1")),
    "request": (
        lambda journal: None,
        lambda journal: journal.acceptance.request(MODELS, run_id="r1", now=NOW),
    ),
    "retry": (fail, lambda journal: journal.acceptance.retry("r1", LATER)),
    "release": (
        lambda journal: accept(journal, "a", run="r1"),
        lambda journal: journal.execution.release(claim(journal), LATER),
    ),
    "finish": (
        lambda journal: accept(journal, "a", run="r1"),
        lambda journal: journal.execution.finish(claim(journal), FAILED, LATER),
    ),
    "resume": (
        lambda journal: journal.control.pause("orders", "look", NOW),
        lambda journal: journal.control.resume("orders"),
    ),
    "fire": (
        lambda journal: None,
        lambda journal: journal.timetable.fire("s", NOW, MODELS, run_id="r1", now=NOW),
    ),
}


@pytest.mark.parametrize("deed", DEEDS)
def test_a_listener_hears_whatever_may_let_a_run_begin(journal: Journal, deed: str) -> None:
    before, do = DEEDS[deed]
    before(journal)
    with listening(journal) as listener:
        do(journal)
        assert listener.wait(SECONDS_MAX)


def test_a_listener_hears_nothing_while_nothing_is_written(journal: Journal) -> None:
    accept(journal, "a", run="r1")
    with listening(journal) as listener:
        journal.reading.runs()
        assert not listener.wait(0.05)


def test_a_listener_outlives_the_journal_that_made_it(journal: Journal) -> None:
    with listening(journal) as listener:
        journal.close()
        assert not listener.wait(0.05)


def test_every_listener_hears_what_came_before_it_waits(journal: Journal) -> None:
    with listening(journal) as first, listening(journal) as second:
        accept(journal, "a", run="r1")
        assert first.wait(SECONDS_MAX)
        assert second.wait(SECONDS_MAX)
