"""A process that looks at a clock which is much too fast, until somebody kills it.

python clock_child.py JOURNAL BEGAN SPEED     a path, or the URL of a database; seconds since 1970
"""

import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from lakewright.project import schedule_file
from lakewright.runs.journals import sqlite
from lakewright.runs.workers.scheduler import Scheduler

FILES = {
    "schedules/a.yaml": "cron: '* * * * *'\nmissed: all\nmissed_max: 10000\nrun: gold.a\n",
    "schedules/b.yaml": "cron: '*/7 * * * *'\nmissed: all\nmissed_max: 10000\njitter: 3m\n"
    "run: gold.b\ntime_zone: Europe/Berlin\n",
}
START = datetime(2026, 3, 28, 23, 0, tzinfo=UTC)
"""Two hours before clocks in Berlin are put forward."""


def main(place: str, began: float, speed: float) -> None:
    def clock() -> datetime:
        passed = (time.time() - began) * speed
        return datetime.fromtimestamp(START.timestamp() + passed, UTC)

    if "://" in place:
        from lakewright.runs.journals import postgres

        journal = postgres.open_journal(place)
    else:
        journal = sqlite.open_journal(Path(place))
    files = schedule_file.read_all(FILES)
    scheduler = Scheduler(journal, lambda: files, clock)
    while True:
        scheduler.look()
        time.sleep(0.002)


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), float(sys.argv[3]))
