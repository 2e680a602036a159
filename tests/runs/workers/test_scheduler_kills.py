"""Workers that are killed at any moment around a tick, over a change to daylight saving time."""

import random
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from lakewright.project import cron, schedule_file
from lakewright.runs.journals import postgres, sqlite
from lakewright.runs.timetable import subject_of
from tests.runs.workers import clock_child

SPEED = 3600.0
"""Clock seconds in a second: sixty ticks of one schedule."""
SECONDS = 5.0


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_each_tick_fires_once_though_workers_are_killed_around_it(
    tmp_path: Path, request: pytest.FixtureRequest, kind: str
) -> None:
    path = tmp_path / "journal.sqlite"
    url = request.getfixturevalue("postgres_url") if kind == "postgres" else ""
    opened = postgres.open_journal(url) if url else sqlite.open_journal(path)
    with closing(opened) as journal:
        for name, file in schedule_file.read_all(clock_child.FILES).items():
            assert file.schedule is not None
            journal.timetable.begin(subject_of(name), file.schedule.rhythm, clock_child.START)
        began = time.time()
        script = str(Path(clock_child.__file__))
        command = [sys.executable, script, url or str(path), str(began), str(SPEED)]
        dice = random.Random(4)
        workers = [subprocess.Popen(command) for _ in range(2)]
        killed = 0
        while time.time() - began < SECONDS:
            time.sleep(dice.uniform(0.3, 0.8))
            place = dice.randrange(2)
            workers[place].kill()
            workers[place].wait()
            workers[place] = subprocess.Popen(command)
            killed += 1
        give_up_at = time.time() + 60
        while not all(
            len(journal.timetable.ticks(subject_of(name))) >= SECONDS * SPEED / seconds
            for name, seconds in (("a", 60), ("b", 8 * 60))
        ):
            assert time.time() < give_up_at, "ticks are missing"
            time.sleep(0.05)
        for worker in workers:
            worker.kill()
            worker.wait()
        assert killed > 5
        count = 0
        for name, expression, zone in (
            ("a", "* * * * *", "UTC"),
            ("b", "*/7 * * * *", "Europe/Berlin"),
        ):
            ticks = journal.timetable.ticks(subject_of(name))[::-1]
            every = cron.newest(expression, zone, clock_child.START, ticks[-1].at, 10_000)
            assert [tick.at for tick in ticks] == every
            count += len({journal.reading.run(tick.run_id).run_id for tick in ticks})
        assert len(journal.reading.runs()) == count
