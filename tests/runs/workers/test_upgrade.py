"""A run that an earlier version began is finished by the present one: it never stays."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from lakewright.runs.records import RunStatus
from tests.runs.workers.test_kills import drain_deadly, fork, wait

if TYPE_CHECKING:
    from tests.runs.conftest import Workplace

STAGED, PUBLISHED = 10, 16
"""Calls of the journal before which a run is killed: bronze is staged, or everything is published,
and that is not written down."""

DONE = {"plan", "bronze:orders", "model:silver.orders", "model:gold.all", "publish"}


def rename(connection: sqlite3.Connection) -> None:
    """Another version called a step otherwise."""
    connection.execute("UPDATE steps SET name = 'load:orders' WHERE name = 'bronze:orders'")
    connection.execute("UPDATE attempts SET step = 'load:orders' WHERE step = 'bronze:orders'")


def replan(connection: sqlite3.Connection) -> None:
    """Another version knew other kinds of steps."""
    rename(connection)
    change = (
        "UPDATE steps SET result = replace(result, '\"bronze\"', '\"load\"') WHERE name = 'plan'"
    )
    connection.execute(change)


@pytest.mark.parametrize("fatal", [STAGED, PUBLISHED])
@pytest.mark.parametrize("change", [rename, replan])
def test_a_run_that_another_version_began_with_other_steps_is_finished_once(
    workplace: "Workplace", fatal: int, change: Callable[[sqlite3.Connection], None]
) -> None:
    accepted = workplace.deliver("a")
    wait(fork(lambda: drain_deadly(workplace, fatal)))
    with closing(sqlite3.connect(workplace.root / "journal.sqlite")) as connection, connection:
        change(connection)
    assert "load:orders" in workplace.statuses(accepted.run_id)
    (run,) = workplace.drain(accepted.run_id)
    assert run.status is RunStatus.SUCCEEDED
    assert workplace.tables()["bronze.orders"] == [f"{accepted.upload.upload_id}=a"]
    statuses = workplace.statuses(run.run_id)
    assert set(statuses) == DONE | {f"land:{accepted.upload.upload_id}"}
    assert set(statuses.values()) == {"succeeded"}
    assert workplace.effects()["land a"] == 1
