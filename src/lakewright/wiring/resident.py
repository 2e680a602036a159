"""A resident worker, connected: each lane with its own journal and child, sharing the memory."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from lakewright import settings
from lakewright.runs.journal import Journal
from lakewright.runs.outbox import Retention
from lakewright.runs.progress import Progress
from lakewright.runs.workers.resident import Clock, OpenClock, Resident
from lakewright.runs.workers.round import Hands
from lakewright.wiring import machine
from lakewright.wiring.folder import Place, environment_of, find_folder, named_folder
from lakewright.wiring.lakehouse import Lakehouse
from lakewright.wiring.sight import Trace

_LANES_MAX = 4
"""Lanes without being told: each has a child of some 200 MB at rest."""


def open_resident(
    folder: Path | None,
    progress: Progress,
    configured: settings.Settings | None = None,
    *,
    lanes: int | None = None,
    trace: Trace | None = None,
) -> Resident:
    """A worker for the project in a folder; None: the one that this process stands in.

    `progress` is told by every lane, on its own thread. `lanes` None: as the settings say.
    `trace` is given the progress of each lane, with what the lane reads the journal with.

    Raises:
        NotFound: there is no project.
        ProjectInvalid: its lakewright.yaml holds mistakes.
    """
    known = configured or settings.read()
    place = Place.of(find_folder(Path.cwd()) if folder is None else named_folder(folder), known)
    count = lanes or known.worker_lanes or min(machine.cores(), _LANES_MAX)
    environment = environment_of(place.folder, known.environment)
    memory_bytes = machine.engine_memory_bytes(known, environment, count)
    wait_seconds = known.group_wait_ms / 1000
    lane = replace(known, memory_limit_bytes=memory_bytes)

    def told(house: Lakehouse) -> Progress:
        return progress if trace is None else trace(progress, house.journal.reading)

    @contextmanager
    def open_hands(watch: Callable[[], None]) -> Iterator[Hands]:
        with (
            Lakehouse(place, lane) as house,
            house.hands(told(house), watch) as hands,
        ):
            yield replace(hands, terms=replace(hands.terms, group_wait_seconds=wait_seconds))

    @contextmanager
    def open_clock() -> Iterator[Clock]:
        from lakewright.runs.workers.scheduler import Scheduler

        with Lakehouse(place, lane) as house:
            yield Scheduler(house.journal, house.schedules.files, lambda: datetime.now(UTC))

    @contextmanager
    def open_journal() -> Iterator[Journal]:
        with Lakehouse(place, lane) as house:
            yield house.journal

    @contextmanager
    def open_pruner() -> Iterator[Clock]:
        from lakewright.runs.workers.pruning import Pruner

        seconds = known.runs_kept_days * 24 * 3600.0
        retention = Retention(run_age_seconds=seconds, event_age_seconds=seconds)
        yield Pruner(open_journal, retention, lambda: datetime.now(UTC))

    clocks: dict[str, OpenClock] = {"schedules": open_clock}
    if known.runs_kept_days:
        clocks["pruning"] = open_pruner
    return Resident(
        open_hands,
        lanes=count,
        presence=place.storage / "workers",
        open_clocks=clocks,
    )
