"""Several resident workers serve one project while they are killed and stopped: nothing is missing,
doubled or out of order, and the others take over."""

import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from lakewright.runs import ownership
from lakewright.runs.records import RunStatus
from tests.system.conftest import House
from tests.system.test_concurrency import content, ids, is_linear

SECONDS_MAX = 240.0
SOURCES = ("events", "visits")
PROJECT = {
    f"sources/{name}.yaml": "columns: [{name: id, type: bigint}, {name: n, type: int}]\n"
    for name in SOURCES
} | {
    f"models/silver/{name}.sql": f"/*\nwrite: append\n*/\nSELECT id FROM bronze.{name}"
    for name in SOURCES
}

KILLS_PER_FILE_MAX = 4


class Crew:
    """Workers, each a process of its own."""

    def __init__(self, house: House, size: int) -> None:
        self._house = house
        self.members = [self._hire() for _ in range(size)]

    def _hire(self) -> "subprocess.Popen[str]":
        return self._house.start("worker", "--lanes", "1")

    def replace(self, place: int) -> None:
        """Kill one; another takes its place."""
        self._dismiss(place)
        self.members[place] = self._hire()

    def _dismiss(self, place: int) -> None:
        self.members[place].kill()
        self.members[place].communicate()

    def close(self) -> None:
        for place in range(len(self.members)):
            self._dismiss(place)


@contextmanager
def crew(house: House, size: int) -> Iterator[Crew]:
    made = Crew(house, size)
    try:
        yield made
    finally:
        made.close()


def wait_until(holds: Callable[[], bool], meanwhile: Callable[[], None]) -> None:
    ends_at = time.monotonic() + SECONDS_MAX
    while not holds():
        assert time.monotonic() < ends_at, "waited in vain"
        meanwhile()


def play(house: House, *, files: int, workers: int, rng: random.Random) -> None:
    """Deliver files to workers of which one is killed again and again; then look at the tables.

    On a machine so busy that no worker gets anywhere between two kills, the last ones are spared.
    """
    house.write(PROJECT)
    kills = 0
    with crew(house, workers) as made:
        for number in range(files):
            for name in SOURCES:
                path = house.file(f"{name}_{number}.csv", content(number))
                first, again = (house.warm.accept(path, name, is_again=False) for _ in range(2))
                assert again.upload.upload_id == first.upload.upload_id
            time.sleep(rng.uniform(0.0, 0.4))

        def kill() -> None:
            nonlocal kills
            time.sleep(rng.uniform(0.3, 1.0) * workers)
            if kills < files * KILLS_PER_FILE_MAX:
                made.replace(rng.randrange(workers))
                kills += 1

        wait_until(lambda: not house.warm.unfinished_runs(), kill)
    rows = len(content(0).splitlines()) - 1
    for name in SOURCES:
        assert ids(house, f"bronze.{name}") == list(range(files * rows))
        assert ids(house, f"silver.{name}") == list(range(files * rows))
        assert is_linear(house, f"bronze.{name}")
        assert_in_order(house, name)
    reading = house.warm.journal.reading
    runs = reading.runs()
    assert {run.status for run in runs} == {RunStatus.SUCCEEDED}
    interrupted = [
        attempt
        for run in runs
        for attempt in reading.attempts(run.run_id)
        if attempt.status.value == "pending"
    ]
    assert len(interrupted) <= kills


def assert_in_order(house: House, source: str) -> None:
    """The runs of a source went one after the other, as they were asked for, and so did what they
    published."""
    runs = sorted(
        (run for run in house.warm.journal.reading.runs() if run.request.source == source),
        key=lambda run: run.sequence,
    )
    moments = [moment for run in runs for moment in (run.started_at, run.finished_at)]
    assert None not in moments
    assert moments == sorted(moment for moment in moments if moment)
    history = house.ask("tables", "history", f"bronze.{source}")
    made = [each["run_id"] for each in reversed(history)]
    assert [run_id for run_id in made if run_id in {run.run_id for run in runs}] == [
        run.run_id for run in runs
    ]


def test_workers_that_are_killed_again_and_again_lose_and_double_nothing(house: House) -> None:
    play(house, files=4, workers=2, rng=random.Random(20_240_229))


def test_others_take_over_from_a_worker_that_was_killed_for_good(house: House) -> None:
    house.write(PROJECT)
    rows = "".join(f"{number},{number}\n" for number in range(500_000))
    large = house.file("events_0.csv", "id,n\n" + rows)
    small = house.file("events_1.csv", "id,n\n-1,0\n")
    with crew(house, 2) as made:
        reading = house.warm.journal.reading
        run_id = house.warm.accept(large, "events", is_again=False).run_id
        wait_until(lambda: reading.run(run_id).owner_id is not None, lambda: time.sleep(0.01))
        owner_id = str(reading.run(run_id).owner_id)
        [dead] = [each for each in made.members if f"-{each.pid}-" in owner_id]
        dead.kill()
        after = house.warm.accept(small, "events", is_again=False)
        wait_until(lambda: not house.warm.unfinished_runs(), lambda: time.sleep(0.05))
        [alive] = [each for each in made.members if each is not dead]
        assert f"-{alive.pid}-" in str(reading.run(run_id).owner_id)
        assert alive.poll() is None
    assert after.run_id != run_id
    assert house.count("bronze.events") == 500_001
    assert_in_order(house, "events")


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_three_workers_live_through_many_kills(house: House, seed: int) -> None:
    play(house, files=40, workers=3, rng=random.Random(seed))


@pytest.mark.slow
def test_a_worker_that_slept_past_its_lease_publishes_nothing_twice(house: House) -> None:
    house.write(PROJECT)
    rows = "".join(f"{number},{number}\n" for number in range(2_000_000))
    path = house.file("events_0.csv", "id,n\n" + rows)
    with crew(house, 1) as made:
        accepted = house.warm.accept(path, "events", is_again=False)
        reading = house.warm.journal.reading
        wait_until(
            lambda: any(
                step.name == "bronze:events" and step.status.value == "running"
                for step in reading.steps(accepted.run_id)
            ),
            lambda: time.sleep(0.02),
        )
        made.members[0].send_signal(signal.SIGSTOP)
        time.sleep(ownership.LEASE_SECONDS + 2)
        (run,) = house.warm.work([accepted.run_id])
        assert run.status is RunStatus.SUCCEEDED
        made.members[0].send_signal(signal.SIGCONT)
        time.sleep(5)
    assert house.count("bronze.events") == 2_000_000
    assert len(house.snapshots()["bronze.events"]) == 1
    assert reading.run(accepted.run_id).fence == run.fence
