"""Cancel a run, and see that it ends."""

from datetime import UTC, datetime

from lakewright.runs.progress import Silent
from lakewright.runs.records import Run, RunStatus
from lakewright.runs.workers.worker import Worker
from lakewright.wiring.lakehouse import Lakehouse


def cancel(house: Lakehouse, run_id: str) -> Run:
    """Cancel a run and wait until it has ended; what else is queued is left to others.

    Raises:
        Conflict: it has finished already.
    """
    house.journal.control.cancel(run_id, datetime.now(UTC))
    with house.hands(Silent()) as hands:
        (run,) = Worker(hands).drain(
            [run_id], is_served=lambda: house.is_served() or _is_cared_for(house, run_id)
        )
    return run


def _is_cared_for(house: Lakehouse, run_id: str) -> bool:
    """Whether a run has ended, or whoever carries it out lives."""
    run = house.journal.reading.run(run_id)
    if run.status is RunStatus.RUNNING:
        return run.owner_id is not None and house.journal.owners.is_alive(run.owner_id)
    return run.status.is_finished
