"""Schedules, on every journal's twin in memory: what fires, when, and what never does again."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from lakewright.project import cron, schedule_file
from lakewright.project.schedule import Missed, Refresh, Schedule
from lakewright.project.schedule_file import ScheduleFile
from lakewright.runs import timetable
from lakewright.runs.journal import Journal
from lakewright.runs.journals import memory
from lakewright.runs.outbox import Retention
from lakewright.runs.records import Json, RequestKind
from lakewright.runs.workers import scheduler
from lakewright.runs.workers.scheduler import Scheduler

START = datetime(2026, 3, 1, 12, 0, 30, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
HOURLY = "cron: '0 * * * *'\nrun: gold.a\n"


@dataclass(kw_only=True)
class Shop:
    """A project's schedules, a journal, and a clock that is moved by hand."""

    journal: Journal = field(default_factory=memory.open_journal)
    files: dict[str, str] = field(default_factory=dict)
    now: datetime = START

    def read(self) -> Mapping[str, ScheduleFile]:
        return schedule_file.read_all(
            {f"schedules/{name}.yaml": text for name, text in self.files.items()}
        )

    def worker(self) -> Scheduler:
        return Scheduler(self.journal, self.read, lambda: self.now)

    def fired(self, name: str = "a") -> list[datetime]:
        """The ticks that have a run, oldest first; each run is for its tick."""
        ticks = self.journal.timetable.ticks(timetable.subject_of(name))[::-1]
        for tick in ticks:
            payload = self.journal.reading.run(tick.run_id).request.payload
            assert isinstance(payload, Mapping)
            assert payload["logical_time"] == tick.at.isoformat()
        assert len({tick.run_id for tick in ticks}) == len(ticks)
        return [tick.at for tick in ticks]

    def pass_time(self, worker: Scheduler, until: datetime, every: timedelta = MINUTE / 4) -> None:
        while self.now < until:
            self.now = min(self.now + every, until)
            worker.look()


def hours(*numbers: int) -> list[datetime]:
    return [datetime(2026, 3, 1, 12, tzinfo=UTC) + number * HOUR for number in numbers]


def test_a_schedule_begins_to_count_when_a_worker_first_sees_it() -> None:
    shop = Shop(files={"a": HOURLY})
    worker = shop.worker()
    worker.look()
    assert shop.fired() == []
    shop.pass_time(worker, START + 2 * HOUR)
    assert shop.fired() == hours(1, 2)


def test_a_tick_asks_for_what_the_schedule_says() -> None:
    shop = Shop(files={"a": "cron: '0 * * * *'\nfetch: {source: orders, from: in/}\n"})
    shop.pass_time(shop.worker(), START + HOUR)
    (run,) = shop.journal.reading.runs()
    logical_time: Json = hours(1)[0].isoformat()
    assert run.request.kind is RequestKind.FETCH
    assert run.request.source == "orders"
    assert run.request.payload == {
        "schedule": "a", "logical_time": logical_time, "location": "in/",
    }  # fmt: skip


def test_several_workers_and_restarts_fire_each_tick_once() -> None:
    shop = Shop(files={"a": "cron: '*/10 * * * *'\njitter: 3m\nrun: gold.a\n"})
    workers = [shop.worker(), shop.worker()]
    for step in range(400):
        shop.now = START + step * MINUTE / 4
        if step % 7 == 0:
            workers[step % 2] = shop.worker()
        for worker in workers:
            worker.look()
    last = shop.now - 3 * MINUTE
    fired = [tick for tick in shop.fired() if tick <= last]
    assert fired == [tick for tick in fired_by_itself("*/10 * * * *") if tick <= last]


def fired_by_itself(expression: str, zone: str = "UTC", days: int = 2) -> list[datetime]:
    return cron.newest(expression, zone, START, START + days * DAY, 10_000)


@pytest.mark.parametrize(
    ("policy", "made_up"),
    [("skip", []), ("latest", [5]), ("all", [2, 3, 4, 5]), ("all\nmissed_max: 2", [4, 5])],
)
def test_missed_ticks_are_made_up_for_as_the_schedule_says(policy: str, made_up: list[int]) -> None:
    shop = Shop(files={"a": f"{HOURLY}missed: {policy}\n"})
    shop.pass_time(shop.worker(), START + HOUR)
    shop.now = START + 5 * HOUR + 30 * MINUTE
    worker = shop.worker()
    worker.look()
    assert shop.fired() == hours(1, *made_up)
    shop.pass_time(worker, START + 6 * HOUR)
    assert shop.fired() == hours(1, *made_up, 6)


def test_whoever_comes_within_a_minute_has_missed_nothing() -> None:
    shop = Shop(files={"a": f"{HOURLY}missed: skip\n"})
    shop.worker().look()
    shop.now = hours(1)[0] + timedelta(seconds=50)
    shop.worker().look()
    assert shop.fired() == hours(1)


def test_the_newest_missed_tick_is_not_made_up_for_beside_one_that_is_in_time() -> None:
    shop = Shop(files={"a": HOURLY})
    shop.worker().look()
    shop.now = hours(5)[0] + timedelta(seconds=5)
    shop.worker().look()
    assert shop.fired() == hours(5)


def test_a_schedule_with_another_rhythm_begins_anew_and_one_with_another_task_goes_on() -> None:
    shop = Shop(files={"a": HOURLY})
    shop.worker().look()
    shop.now = START + 3 * HOUR
    shop.files["a"] = HOURLY.replace("gold.a", "gold.b")
    worker = shop.worker()
    worker.look()
    assert shop.fired() == hours(3)
    shop.files["a"] = "cron: '30 * * * *'\nrun: gold.b\n"
    shop.now += 5 * HOUR
    worker.look()
    assert shop.fired() == hours(3)
    shop.pass_time(worker, shop.now + HOUR)
    assert shop.fired() == [*hours(3), hours(8)[0] + 30 * MINUTE]


def test_a_schedule_that_was_removed_fires_no_more_and_begins_anew() -> None:
    shop = Shop(files={"a": HOURLY})
    worker = shop.worker()
    worker.look()
    del shop.files["a"]
    shop.pass_time(worker, START + 3 * HOUR)
    assert shop.journal.timetable.rhythms() == ()
    shop.files["a"] = HOURLY
    shop.pass_time(worker, START + 4 * HOUR)
    assert shop.fired() == hours(4)


def test_a_rhythm_that_was_removed_while_no_worker_lived_is_forgotten() -> None:
    shop = Shop(files={"a": HOURLY})
    shop.worker().look()
    shop.files = {"b": HOURLY}
    shop.worker().look()
    assert [subject for subject, _ in shop.journal.timetable.rhythms()] == ["schedule:b"]


def test_a_worker_with_an_older_project_takes_nothing_from_one_with_a_newer() -> None:
    shop, newer = Shop(files={"a": HOURLY}), "cron: '30 * * * *'\nrun: gold.a\n"
    old = shop.worker()
    old.look()
    other = Shop(journal=shop.journal, files={"a": newer})
    new = other.worker()
    for step in range(1, 500):
        shop.now = other.now = START + step * MINUTE / 4
        new.look()
        old.look()
    assert {each + HOUR / 2 for each in hours(0, 1)} <= set(shop.fired())


def test_a_schedule_whose_file_holds_a_mistake_waits_and_loses_nothing() -> None:
    shop = Shop(files={"a": f"{HOURLY}missed: all\n", "b": HOURLY})
    worker = shop.worker()
    worker.look()
    shop.files["a"] = "cron: nonsense\n"
    shop.pass_time(worker, START + 2 * HOUR)
    assert (shop.fired("a"), shop.fired("b")) == ([], hours(1, 2))
    shop.files["a"] = f"{HOURLY}missed: all\n"
    worker.look()
    assert shop.fired("a") == hours(1, 2)


@pytest.mark.parametrize(
    "start", [datetime(2026, 3, 28, tzinfo=UTC), datetime(2026, 10, 24, tzinfo=UTC)]
)
def test_over_a_change_to_daylight_saving_time_a_daily_tick_fires_once_a_day(
    start: datetime,
) -> None:
    text = "cron: 30 2 * * *\ntime_zone: Europe/Berlin\nrun: gold.a\n"
    shop = Shop(files={"a": text}, now=start)
    worker = shop.worker()
    while shop.now < start + 3 * DAY:
        shop.now += timedelta(seconds=20 * 61)
        worker = shop.worker() if shop.now.minute % 2 else worker
        worker.look()
    assert len(shop.fired()) == 3
    assert len({(tick + 2 * HOUR).date() for tick in shop.fired()}) == 3


def test_jitter_makes_ticks_later_and_none_less() -> None:
    shop = Shop(files={"a": "cron: '*/5 * * * *'\njitter: 20m\nrun: gold.a\n"})
    worker = shop.worker()
    seen: dict[datetime, datetime] = {}
    while shop.now < START + 5 * HOUR:
        shop.now += MINUTE / 2
        worker.look()
        for tick in shop.fired():
            seen.setdefault(tick, shop.now)
    assert list(seen) == fired_by_itself("*/5 * * * *")[: len(seen)]
    assert len(seen) >= 55
    # A tick waits for those before it, so none is lost.
    assert all(timedelta() <= at - tick <= 21 * MINUTE for tick, at in seen.items())
    assert all(one < two for one, two in pairwise(seen))


def test_a_clock_that_goes_back_fires_nothing_again() -> None:
    shop = Shop(files={"a": HOURLY})
    worker = shop.worker()
    shop.pass_time(worker, START + 2 * HOUR)
    shop.now = START
    shop.worker().look()
    shop.pass_time(shop.worker(), START + 2 * HOUR)
    assert shop.fired() == hours(1, 2)


def test_what_retention_has_forgotten_does_not_fire_again() -> None:
    shop = Shop(files={"a": f"{HOURLY}missed: all\n"})
    worker = shop.worker()
    shop.pass_time(worker, START + 2 * HOUR)
    for run in shop.journal.reading.runs():
        shop.journal.control.cancel(run.run_id, shop.now)
    at_once = Retention(run_age_seconds=0, runs_min=0, event_age_seconds=0, events_min=0)
    shop.journal.outbox.prune(at_once, shop.now + MINUTE)
    shop.worker().look()
    assert shop.journal.reading.runs() == ()


def test_a_schedule_can_be_fired_by_hand_and_goes_on_as_it_would() -> None:
    shop = Shop(files={"a": HOURLY})
    worker = shop.worker()
    worker.look()
    schedule = shop.read()["a"].schedule
    assert schedule is not None
    tick = scheduler.fire_now(shop.journal, schedule, START)
    assert shop.fired() == [START]
    assert shop.journal.reading.run(tick.run_id).request.tables == ("gold.a",)
    shop.pass_time(worker, START + HOUR)
    assert shop.fired() == [START, *hours(1)]


def test_after_years_without_a_worker_no_more_is_looked_at_than_may_be_made_up_for() -> None:
    schedule = Schedule(
        name="a", cron="* * * * *", action=Refresh(models=("gold.a",)),
        missed=Missed.ALL, missed_max=3,
    )  # fmt: skip
    now = START + 3650 * DAY
    due = scheduler.judge(schedule, START, now)
    last = now.replace(second=0)
    assert due.fired == tuple(last - number * MINUTE for number in (3, 2, 1, 0))
    assert (due.past, due.next_at) == (last, last + MINUTE)
