"""What the one who waits is told of a run that another process carries out."""

import pytest

from lakewright.runs.following import Follower, Patient
from lakewright.runs.journal import Journal
from lakewright.runs.journals import memory
from lakewright.runs.progress import Silent
from lakewright.runs.records import Ending, Json, Run, StepStatus
from tests.contracts.conftest import NOW, accept, claim


class Listener(Silent):
    def __init__(self) -> None:
        self.told: list[str] = []

    def run_started(self, run: Run) -> None:
        self.told.append(run.run_id)

    def step_started(self, run: Run, step: str, total: int | None) -> None:
        self.told.append(f"{step} of {total}")

    def step_progressed(self, run: Run, step: str, done: int) -> None:
        self.told.append(f"{step} {done}")

    def step_ended(self, run: Run, step: str, status: StepStatus, error: Json) -> None:
        self.told.append(f"{step} {status.value}")


@pytest.fixture
def journal() -> Journal:
    journal = memory.open_journal()
    accept(journal, "a", run="r1")
    return journal


def look(journal: Journal, follower: Follower, listener: Listener) -> list[str]:
    """What is told now, that was not told before."""
    listener.told.clear()
    follower.look([journal.reading.run("r1")])
    return list(listener.told)


def test_a_follower_tells_of_every_step_and_how_far_it_is(journal: Journal) -> None:
    listener = Listener()
    follower = Follower(journal.reading, listener)
    assert look(journal, follower, listener) == []
    mine = claim(journal)
    journal.execution.prepare(mine, ["land", "plan"])
    assert look(journal, follower, listener) == ["r1"]
    journal.execution.start(mine, "land", NOW)
    assert look(journal, follower, listener) == ["land of None"]
    journal.logbook.progress(mine, "land", 5, 20)
    assert look(journal, follower, listener) == ["land of 20", "land 5"]
    journal.logbook.progress(mine, "land", 9, 20)
    assert look(journal, follower, listener) == ["land 9"]
    assert look(journal, follower, listener) == []
    journal.execution.end(mine, "land", Ending(status=StepStatus.SUCCEEDED), NOW)
    assert look(journal, follower, listener) == ["land succeeded"]


def test_whoever_comes_late_is_told_how_far_a_step_is(journal: Journal) -> None:
    mine = claim(journal)
    journal.execution.prepare(mine, ["land"])
    journal.execution.start(mine, "land", NOW)
    journal.logbook.progress(mine, "land", 5, 20)
    listener = Listener()
    follower = Follower(journal.reading, listener)
    assert look(journal, follower, listener) == ["r1", "land of 20", "land 5"]


def test_a_new_attempt_begins_anew(journal: Journal) -> None:
    mine = claim(journal)
    journal.execution.prepare(mine, ["land"])
    journal.execution.start(mine, "land", NOW)
    listener = Listener()
    follower = Follower(journal.reading, listener)
    look(journal, follower, listener)
    journal.execution.end(mine, "land", Ending(status=StepStatus.PENDING), NOW)
    assert look(journal, follower, listener) == ["land pending"]
    journal.execution.start(mine, "land", NOW)
    assert look(journal, follower, listener) == ["land of None"]


def test_who_waits_looks_the_more_seldom_the_longer_a_look_takes(journal: Journal) -> None:
    listener = Listener()
    moments = iter([0.0, 0.1, 5.0, 5.2, 5.2])
    patient = Patient(Follower(journal.reading, listener), moments.__next__)
    mine = claim(journal)
    journal.execution.prepare(mine, ["land"])
    patient.look([journal.reading.run("r1")])  # Until 0.1.
    assert listener.told == ["r1"]
    journal.execution.start(mine, "land", NOW)
    patient.look([journal.reading.run("r1")])  # At 5.0, which is too early.
    assert listener.told == ["r1"]
    patient.look([journal.reading.run("r1")])
    assert listener.told == ["r1", "land of None"]
