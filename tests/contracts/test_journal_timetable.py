"""What every journal promises to what is done by itself."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from lakewright.runs.journal import Journal
from lakewright.runs.outbox import Retention
from lakewright.runs.records import Outcome, Request, RequestKind, RunStatus
from lakewright.runs.timetable import Sighting, Tick, is_schedule, subject_of
from tests.contracts.conftest import LATER, NOW, claim

DAILY = subject_of("daily")
RHYTHM = "15 6 * * * UTC"
REQUEST = Request(
    kind=RequestKind.MODELS, payload={"models": ["gold.a"], "is_full": False}, tables=("gold.a",)
)
MINUTE = timedelta(minutes=1)


def fire(
    journal: Journal, minutes: int, run_id: str, rhythm: str | None = RHYTHM, subject: str = DAILY
) -> Tick | None:
    at = NOW + minutes * MINUTE
    return journal.timetable.fire(subject, at, REQUEST, run_id=run_id, now=LATER, rhythm=rhythm)


def run_ids(journal: Journal) -> list[str]:
    return [run.run_id for run in journal.reading.runs()]


def test_a_tick_and_its_run_are_written_together(journal: Journal) -> None:
    assert journal.timetable.begin(DAILY, RHYTHM, NOW) == NOW
    tick = Tick(subject=DAILY, at=NOW + MINUTE, run_id="r1")
    assert fire(journal, 1, "r1") == tick
    run = journal.reading.run("r1")
    assert (run.status, run.queued_at) == (RunStatus.QUEUED, LATER)
    assert run.request == REQUEST
    assert journal.timetable.ticks(DAILY) == (tick,)
    assert journal.timetable.begin(DAILY, RHYTHM, LATER) == NOW + MINUTE


def test_a_tick_fires_once_whoever_asks(journal: Journal) -> None:
    journal.timetable.begin(DAILY, RHYTHM, NOW)
    first, second = fire(journal, 1, "r1"), fire(journal, 1, "r2")
    assert first == second
    assert first is not None
    assert first.run_id == "r1"
    assert run_ids(journal) == ["r1"]


def test_a_tick_fires_once_when_all_ask_at_once(journal: Journal) -> None:
    journal.timetable.begin(DAILY, RHYTHM, NOW)
    with ThreadPoolExecutor(4) as pool:
        fired = list(pool.map(lambda number: fire(journal, 1, f"r{number}"), range(8)))
    assert len(set(fired)) == 1
    assert len(journal.reading.runs()) == 1


def test_what_is_past_does_not_fire(journal: Journal) -> None:
    journal.timetable.begin(DAILY, RHYTHM, NOW)
    assert fire(journal, -1, "r0") is None
    assert fire(journal, 0, "r0") is None
    journal.timetable.pass_over(DAILY, RHYTHM, NOW + 2 * MINUTE)
    journal.timetable.pass_over(DAILY, RHYTHM, NOW + MINUTE)
    assert journal.timetable.begin(DAILY, RHYTHM, NOW) == NOW + 2 * MINUTE
    assert fire(journal, 2, "r1") is None
    assert fire(journal, 3, "r1") is not None
    assert run_ids(journal) == ["r1"]


def test_each_rhythm_has_its_own_past_and_begins_anew_once_forgotten(journal: Journal) -> None:
    other = "0 * * * * UTC"
    journal.timetable.begin(DAILY, RHYTHM, NOW)
    assert fire(journal, 1, "r1", other) is None
    journal.timetable.begin(DAILY, other, NOW + MINUTE)
    assert journal.timetable.rhythms() == ((DAILY, other), (DAILY, RHYTHM))
    journal.timetable.forget(DAILY, RHYTHM)
    assert journal.timetable.rhythms() == ((DAILY, other),)
    assert fire(journal, 2, "r1") is None
    assert journal.timetable.begin(DAILY, RHYTHM, LATER) == LATER
    assert run_ids(journal) == []


def test_two_rhythms_of_one_schedule_share_its_ticks(journal: Journal) -> None:
    other = "0 * * * * UTC"
    journal.timetable.begin(DAILY, RHYTHM, NOW)
    journal.timetable.begin(DAILY, other, NOW)
    assert fire(journal, 1, "r1") == fire(journal, 1, "r2", other)
    assert run_ids(journal) == ["r1"]


def test_what_has_no_rhythm_fires_for_any_moment_once(journal: Journal) -> None:
    later, earlier = (fire(journal, minutes, f"r{minutes}", None, "gold.a") for minutes in (9, 3))
    again = fire(journal, 3, "r4", None, "gold.a")
    assert again == earlier
    assert journal.timetable.ticks("gold.a") == (later, earlier)
    assert journal.timetable.ticks("gold.a", limit=1) == (later,)
    assert journal.timetable.ticks("gold.b") == ()
    assert journal.timetable.rhythms() == ()


def test_files_that_were_seen_are_known_as_they_were_last(journal: Journal) -> None:
    first = [Sighting(name=name, mark="1", sha256="a" * 64) for name in ("in/a.csv", "in/b.csv")]
    journal.timetable.sight("orders", first)
    journal.timetable.sight("orders", [Sighting(name="in/a.csv", mark="2", sha256="b" * 64)])
    journal.timetable.sight("visits", first[:1])
    journal.timetable.sight("visits", [])
    assert journal.timetable.marks("orders") == {"in/a.csv": "2", "in/b.csv": "1"}
    assert journal.timetable.marks("visits") == {"in/a.csv": "1"}
    assert journal.timetable.marks("nothing") == {}


@pytest.mark.parametrize("subject", [DAILY, "gold.a"])
def test_a_forgotten_run_takes_a_schedules_tick_along_which_fires_no_more(
    journal: Journal, subject: str
) -> None:
    journal.timetable.begin(subject, RHYTHM, NOW)
    fire(journal, 1, "r1", RHYTHM, subject)
    journal.execution.finish(claim(journal), Outcome(status=RunStatus.SUCCEEDED), LATER)
    at_once = Retention(run_age_seconds=0, runs_min=0, event_age_seconds=0, events_min=0)
    journal.outbox.prune(at_once, LATER + MINUTE)
    assert run_ids(journal) == []
    assert (journal.timetable.ticks(subject) == ()) is is_schedule(subject)
    fire(journal, 1, "r2", RHYTHM, subject)
    assert run_ids(journal) == []
