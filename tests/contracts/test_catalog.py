"""What every catalog keeps: a file beside the tables, and a server."""

import contextlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from lakewright import errors
from lakewright.lake import metadata
from lakewright.lake.catalog import Catalog, Change
from lakewright.lake.cleaning import Terms
from lakewright.lake.rest_catalog import RestCatalog
from lakewright.lake.rest_transport import HttpTransport
from lakewright.project.contract import PartitionField, Transform
from lakewright.sql import types
from tests.lake.conftest import Workshop
from tests.rest_catalog.server import RestServer

ORDERS, SUMS = "bronze.orders", "gold.sums"
ID = types.Field(name="id", type=types.BIGINT)
SCHEMA = types.Schema((ID, types.Field(name="v", type=types.STRING)))
WIDER = types.Schema((*SCHEMA.fields, types.Field(name="w", type=types.INT)))
NESTED = types.Schema(
    (
        types.Field(name="s", type=types.Struct((("a", types.INT), ("b", types.STRING)))),
        types.Field(name="l", type=types.Array(types.BIGINT)),
        ID,
    )
)


@pytest.fixture(params=["file", "server"])
def workshop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Workshop]:
    catalog = None
    if request.param == "server":
        server: RestServer = request.getfixturevalue("rest_server")
        namespace = [server.new_namespace()]
        catalog = RestCatalog(HttpTransport(server.url), server.url, namespace=namespace)
    made = Workshop(tmp_path / "project" / ".lakewright", catalog)
    yield made
    made.lake.close()


def ids(workshop: Workshop, table: str = ORDERS, at: int | None = None) -> list[int]:
    return sorted(row["id"] for row in workshop.rows(table, at))


def append(workshop: Workshop, number: int, table: str = ORDERS) -> int:
    return workshop.append(table, SCHEMA, [{"id": number}], f"run{number}").snapshot_id


def meet(workshop: Workshop, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Let another publish come in between the reading of the next one and its commit."""
    catalog: Any = workshop.lake.storage.catalog
    commit = catalog.commit

    def commit_after_another(changes: Sequence[Change], *more: Any) -> None:
        monkeypatch.undo()
        append(workshop, number)
        commit(changes, *more)

    monkeypatch.setattr(catalog, "commit", commit_after_another)


def test_an_empty_lake_has_no_table(workshop: Workshop) -> None:
    catalog: Catalog = workshop.lake.storage.catalog
    assert (catalog.pointers(), catalog.pointer(ORDERS)) == ({}, None)
    with pytest.raises(errors.NotFound) as told:
        workshop.lake.describe(ORDERS)
    assert catalog.place in told.value.why


def test_what_is_published_is_there_with_its_rows(workshop: Workshop) -> None:
    append(workshop, 1)
    append(workshop, 2)
    append(workshop, 3, SUMS)
    assert workshop.lake.tables() == (ORDERS, SUMS)
    assert (ids(workshop), ids(workshop, SUMS)) == ([1, 2], [3])
    assert workshop.lake.observe()[ORDERS].rows == 2


def test_a_pointer_names_metadata_that_is_on_this_disk(workshop: Workshop) -> None:
    append(workshop, 1)
    catalog = workshop.lake.storage.catalog
    pointer = catalog.pointer(ORDERS)
    assert pointer is not None
    assert catalog.pointers() == {ORDERS: pointer}
    assert metadata.read(pointer)["location"].endswith("/warehouse/bronze/orders")


def test_tables_of_one_run_are_published_together(workshop: Workshop) -> None:
    staged = [
        workshop.stage(ORDERS, SCHEMA, [{"id": 1}]),
        workshop.stage(SUMS, SCHEMA, [{"id": 2}], consumed={ORDERS: None}),
    ]
    orders, sums = workshop.publish(*staged)
    assert workshop.lake.observe()[SUMS].consumed == {ORDERS: orders.snapshot_id}
    assert workshop.publish(*staged) == [
        replace(orders, is_repeat=True),
        replace(sums, is_repeat=True),
    ]
    assert (ids(workshop), ids(workshop, SUMS)) == ([1], [2])


def test_a_refused_publish_leaves_nothing_to_be_seen(workshop: Workshop) -> None:
    staged = workshop.stage(ORDERS, SCHEMA, [{"id": 1}])
    wrong = replace(staged, added=(replace(staged.added[0], rows=7),))
    with pytest.raises(errors.CountsDiffer):
        workshop.publish(wrong)
    assert workshop.lake.tables() == ()
    workshop.publish(staged)
    assert ids(workshop) == [1]


def test_a_table_that_has_moved_is_a_conflict(workshop: Workshop) -> None:
    append(workshop, 1)
    late = workshop.stage(ORDERS, SCHEMA, [{"id": 9}], run="late")
    other = workshop.stage(SUMS, SCHEMA, [{"id": 9}], run="late")
    append(workshop, 2)
    with pytest.raises(errors.CommitConflict, match=ORDERS):
        workshop.publish(other, late, run="late")
    assert workshop.lake.tables() == (ORDERS,)
    assert ids(workshop) == [1, 2]


@pytest.mark.parametrize("is_new", [False, True])
def test_a_table_that_moves_at_the_last_moment_is_a_conflict(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch, is_new: bool
) -> None:
    if not is_new:
        append(workshop, 1)
    late = workshop.stage(ORDERS, SCHEMA, [{"id": 9}], run="late")
    meet(workshop, monkeypatch, 2)
    with pytest.raises(errors.CommitConflict, match=ORDERS):
        workshop.publish(late, run="late")
    assert ids(workshop) == ([2] if is_new else [1, 2])


def test_tables_of_one_run_are_refused_together(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    append(workshop, 1)
    late = workshop.stage(ORDERS, SCHEMA, [{"id": 9}], run="late")
    other = workshop.stage(SUMS, SCHEMA, [{"id": 9}], run="late")
    meet(workshop, monkeypatch, 2)
    with pytest.raises(errors.CommitConflict, match=ORDERS):
        workshop.publish(other, late, run="late")
    assert workshop.lake.tables() == (ORDERS,)
    assert ids(workshop) == [1, 2]


def test_columns_come_with_their_first_rows(workshop: Workshop) -> None:
    append(workshop, 1)
    workshop.append(ORDERS, WIDER, [{"id": 2, "v": "b", "w": 5}], "wide")
    assert sorted(workshop.rows(ORDERS), key=lambda row: row["id"]) == [
        {"id": 1, "v": None, "w": None},
        {"id": 2, "v": "b", "w": 5},
    ]
    assert workshop.lake.describe(ORDERS).schema == WIDER


def test_nested_columns_keep_the_ids_that_their_files_have(workshop: Workshop) -> None:
    target = workshop.lake.target(ORDERS, NESTED, (), "run1", "x")
    row = {"s": {"a": 1, "b": "x"}, "l": [1, 2], "id": 3}
    workshop.append(ORDERS, NESTED, [row], "run1")
    assert workshop.lake.file_set(ORDERS).field_ids == target.field_ids
    assert workshop.lake.describe(ORDERS).schema == NESTED


def test_a_table_is_partitioned_and_partitioned_anew(workshop: Workshop) -> None:
    by_v = (PartitionField(column="v", transform=Transform.IDENTITY),)
    by_id = (PartitionField(column="id", transform=Transform.BUCKET, width=4),)
    for number, parts, value in ((1, by_v, "a"), (2, by_id, "3"), (3, (), None)):
        files = [((value,) if value else (), [{"id": number, "v": "a"}])]
        staged = workshop.stage(ORDERS, SCHEMA, files=files, partitioning=parts, run=f"run{number}")
        workshop.publish(staged, run=f"run{number}")
    assert ids(workshop) == [1, 2, 3]
    assert workshop.lake.describe(ORDERS).partitioning == ()


def test_rows_are_replaced_and_removed(workshop: Workshop) -> None:
    append(workshop, 1)
    [old] = workshop.lake.file_set(ORDERS).files
    append(workshop, 2)
    staged = workshop.stage(ORDERS, SCHEMA, [{"id": 3}], run="x", removed=(old.path,))
    workshop.publish(staged, run="x")
    assert ids(workshop) == [2, 3]
    workshop.publish(
        workshop.stage(ORDERS, SCHEMA, [{"id": 4}], run="y", is_replaced=True), run="y"
    )
    assert ids(workshop) == [4]
    assert [one.operation for one in workshop.lake.history(ORDERS)][:2] == ["overwrite"] * 2


def test_a_table_is_read_as_it_was_and_goes_back_and_forth(workshop: Workshop) -> None:
    made = [append(workshop, number) for number in (1, 2)]
    workshop.append(ORDERS, WIDER, [{"id": 3, "w": 3}], "run3")
    assert ids(workshop, at=made[0]) == [1]
    assert workshop.lake.snapshot_at(ORDERS, datetime.now(UTC) + timedelta(days=9)) not in made
    workshop.rollback(ORDERS, made[1], "back")
    assert ids(workshop) == [1, 2]
    assert workshop.lake.describe(ORDERS).schema == SCHEMA
    assert workshop.rollback(ORDERS, made[1], "back").is_repeat
    assert workshop.lake.is_published("back")
    newest = workshop.lake.history(ORDERS)[0]
    assert not newest.is_ancestor
    workshop.rollback(ORDERS, newest.snapshot_id, "forth")
    assert ids(workshop) == [1, 2, 3]


def test_upkeep_forgets_snapshots_and_deletes_their_files(workshop: Workshop) -> None:
    made = [append(workshop, number) for number in range(6)]
    gone = {file.path for file in workshop.lake.file_set(ORDERS).files}
    workshop.publish(
        workshop.stage(ORDERS, SCHEMA, [{"id": 9}], run="x", is_replaced=True), run="x"
    )
    terms = Terms(now=datetime.now(UTC), grace_seconds=3600, tokens=frozenset(["run2"]))
    done = workshop.lake.tidy(ORDERS, 1, terms)
    assert done.snapshots == 5
    kept = [one.snapshot_id for one in workshop.lake.history(ORDERS)]
    assert kept[1:] == [made[2]]
    assert ids(workshop) == [9]
    assert ids(workshop, at=made[2]) == [0, 1, 2]
    assert not [path for path in done.files if Path(path).exists()]
    assert {path for path in gone if not Path(path).exists()} == gone & set(done.files)


def test_small_files_become_one(workshop: Workshop) -> None:
    files: Any = [((), [{"id": number}]) for number in range(70)]
    workshop.publish(workshop.stage(ORDERS, SCHEMA, files=files))
    small = workshop.lake.compaction(ORDERS)
    assert small is not None
    target = workshop.lake.target(ORDERS, SCHEMA, (), "tidy", "compact")
    one = workshop.write(target, [{"id": number} for number in range(70)])
    workshop.publish(small.staged("compact", [one]), run="tidy")
    assert ids(workshop) == list(range(70))
    assert workshop.lake.describe(ORDERS).files == 1
    assert workshop.lake.history(ORDERS)[0].operation == "replace"


def test_writers_side_by_side_leave_one_line_of_history(workshop: Workshop) -> None:
    def write(first: int) -> None:
        mine = Workshop(workshop.lake.storage.root, workshop.lake.storage.catalog)
        mine.written = first
        for number in range(first, first + 5):
            for _ in range(100):
                with contextlib.suppress(errors.CommitConflict):
                    append(mine, number)
                    break

    append(workshop, 0)
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(write, (1, 6, 11)))
    assert ids(workshop) == list(range(16))
    history = workshop.lake.history(ORDERS)
    assert len(history) == 16
    assert all(one.is_ancestor for one in history)


def test_tables_that_lie_elsewhere_are_refused(workshop: Workshop, tmp_path: Path) -> None:
    append(workshop, 1)
    elsewhere = Workshop(tmp_path / "other", workshop.lake.storage.catalog)
    with pytest.raises(errors.Conflict):
        elsewhere.lake.tables()
    with pytest.raises(errors.LakewrightError):
        elsewhere.lake.relocate()
