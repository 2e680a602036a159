"""Workers that share a journal in PostgreSQL: whoever is killed, another goes on."""

import signal
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from lakewright.runs.journals import postgres
from lakewright.runs.records import RunStatus, UploadStatus
from tests.runs.workers.test_kills import Deadly, fork, wait

if TYPE_CHECKING:
    from tests.runs.conftest import Workplace


@pytest.fixture
def shared(workplace: "Workplace", postgres_url: str) -> Iterator["Workplace"]:
    """A workplace whose journal is in PostgreSQL."""
    journal = postgres.open_journal(postgres_url)
    yield replace(workplace, journal=journal)
    journal.close()


def test_the_run_of_a_worker_that_is_killed_anywhere_is_finished_by_another(
    shared: "Workplace", postgres_url: str
) -> None:
    def drain_deadly(fatal: int) -> None:
        # A connection must not cross a fork: the worker makes one of its own.
        journal = postgres.open_journal(postgres_url)
        mortal = replace(journal, execution=Deadly(journal.execution, fatal))
        with shared.worker(mortal) as worker:
            worker.drain()

    for number, fatal in enumerate((2, 4, 7, 10, 13, 16, 17)):
        accepted = shared.deliver(f"row{number}")
        pid = fork(lambda fatal=fatal: drain_deadly(fatal))  # type: ignore[misc]
        assert wait(pid) == -signal.SIGKILL
        (run,) = shared.drain(accepted.run_id)
        assert run.status is RunStatus.SUCCEEDED
        upload = shared.journal.reading.upload(accepted.upload.upload_id)
        assert (upload.status, upload.records) == (UploadStatus.LOADED, 1)
    rows = shared.tables()["bronze.orders"]
    assert len(rows) == len(set(rows)) == 7
    kinds = [event.kind for event in shared.journal.reading.events()]
    assert kinds == ["file-uploaded", "raw-data-ready", "run-finished"] * 7
