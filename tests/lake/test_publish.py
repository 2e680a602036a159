"""Publishing: all or nothing, once, on the base that was read, and on the disk before it shows."""

import multiprocessing
import os
import sqlite3
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import pytest

from lakewright import errors
from lakewright.lake import metadata
from lakewright.lake.metadata import Document
from lakewright.lake.staged import Rollback
from lakewright.sql import types
from tests.lake.conftest import NOW, Workshop

ORDERS = "bronze.orders"
SCHEMA = types.Schema(
    (
        types.Field(name="id", type=types.BIGINT, is_required=True),
        types.Field(name="v", type=types.STRING),
    )
)
WIDER = types.Schema((*SCHEMA.fields, types.Field(name="w", type=types.INT)))


def document(workshop: Workshop, table: str = ORDERS) -> Document:
    return metadata.read(workshop.lake.describe(table).metadata_location)


def summary(workshop: Workshop, table: str = ORDERS) -> dict[str, str]:
    snapshot = metadata.current_snapshot(document(workshop, table))
    assert snapshot is not None
    return snapshot["summary"]


def paths(workshop: Workshop, table: str = ORDERS) -> tuple[str, ...]:
    return tuple(file.path for file in workshop.lake.file_set(table).files)


def test_the_first_publish_makes_the_table(workshop: Workshop) -> None:
    [published] = workshop.publish(workshop.stage(ORDERS, SCHEMA, [{"id": 1, "v": "a"}]))
    assert (published.table, published.rows, published.is_repeat) == (ORDERS, 1, False)
    assert workshop.rows(ORDERS) == [{"id": 1, "v": "a"}]
    properties = document(workshop)["properties"]
    assert properties["write.parquet.compression-codec"] == "zstd"
    assert properties["commit.retry.num-retries"] == "0"


def test_one_publish_makes_exactly_one_snapshot_of_each_table(workshop: Workshop) -> None:
    for run in ("run1", "run2"):
        staged = [workshop.stage(t, SCHEMA, [{"id": 1}], run=run) for t in (ORDERS, "gold.sums")]
        workshop.publish(*staged, run=run)
    for table in (ORDERS, "gold.sums"):
        assert len(metadata.snapshots(document(workshop, table))) == 2


def test_a_snapshot_carries_its_run_and_step(workshop: Workshop) -> None:
    workshop.publish(workshop.stage(ORDERS, SCHEMA, properties={"note": "x"}), run="run7")
    found = summary(workshop)
    assert found["lakewright.run"] == "run7"
    assert found["lakewright.step"] == f"model:{ORDERS}"
    assert found["lakewright.note"] == "x"


def test_publishing_the_same_step_again_changes_nothing(workshop: Workshop) -> None:
    staged = workshop.stage(ORDERS, SCHEMA, [{"id": 1, "v": "a"}])
    [first] = workshop.publish(staged)
    before = document(workshop)
    [again] = workshop.publish(staged)
    assert again == replace(first, is_repeat=True)
    assert document(workshop) == before


def test_a_repeat_is_recognised_after_later_publishes_and_after_a_rollback(
    workshop: Workshop,
) -> None:
    workshop.append(ORDERS, SCHEMA, [{"id": 0}], "run0")
    base = workshop.lake.file_set(ORDERS).snapshot_id
    assert base is not None
    staged = workshop.stage(ORDERS, SCHEMA, [{"id": 1}], run="run1")
    [first] = workshop.publish(staged, run="run1")
    workshop.append(ORDERS, SCHEMA, [{"id": 2}], "run2")
    assert workshop.publish(staged, run="run1") == [replace(first, is_repeat=True)]
    workshop.rollback(ORDERS, base, "back")
    assert workshop.publish(staged, run="run1") == [replace(first, is_repeat=True)]
    assert [row["id"] for row in workshop.rows(ORDERS)] == [0]


def test_a_moved_base_publishes_nothing_at_all(workshop: Workshop) -> None:
    late = workshop.stage(ORDERS, SCHEMA, [{"id": 1}], run="late")
    other = workshop.stage("gold.sums", SCHEMA, [{"id": 1}], run="late")
    workshop.append(ORDERS, SCHEMA, [{"id": 2}], "early")
    with pytest.raises(errors.CommitConflict, match=ORDERS):
        workshop.publish(other, late, run="late")
    assert workshop.lake.tables() == (ORDERS,)
    assert [row["id"] for row in workshop.rows(ORDERS)] == [2]


def test_a_pointer_that_moves_at_the_last_moment_publishes_nothing_at_all(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = workshop.stage(ORDERS, SCHEMA, [{"id": 1}], run="late")
    other = workshop.stage("gold.sums", SCHEMA, [{"id": 1}], run="late")
    commit = workshop.sqlite.move

    def commit_after_another(moves: Sequence[Any]) -> None:
        monkeypatch.undo()
        workshop.append(ORDERS, SCHEMA, [{"id": 2}], "early")
        commit(moves)

    monkeypatch.setattr(workshop.sqlite, "move", commit_after_another)
    with pytest.raises(errors.CommitConflict, match=ORDERS):
        workshop.publish(other, late, run="late")
    assert workshop.lake.tables() == (ORDERS,)


def test_removed_files_leave_and_rewritten_rows_stay(workshop: Workshop) -> None:
    workshop.append(ORDERS, SCHEMA, [{"id": 1}, {"id": 2}], "run1")
    [old] = paths(workshop)
    workshop.append(ORDERS, SCHEMA, [{"id": 3}], "run2")
    staged = workshop.stage(ORDERS, SCHEMA, [{"id": 4}], run="run3")
    kept = workshop.write(workshop.lake.target(ORDERS, SCHEMA, (), "run3", "x"), [{"id": 1}])
    [published] = workshop.publish(replace(staged, removed=(old,), rewritten=(kept,)), run="run3")
    assert published.rows == 3
    assert sorted(row["id"] for row in workshop.rows(ORDERS)) == [1, 3, 4]
    found = summary(workshop)
    assert found["operation"] == "overwrite"
    assert (found["added-records"], found["deleted-records"]) == ("2", "2")
    assert (found["total-records"], found["total-data-files"]) == ("3", "3")


def test_a_file_that_is_not_there_cannot_be_removed(workshop: Workshop) -> None:
    workshop.append(ORDERS, SCHEMA, [{"id": 1}], "run1")
    staged = workshop.stage(ORDERS, SCHEMA, [{"id": 2}], run="run2", removed=("/no/such.parquet",))
    with pytest.raises(errors.CommitConflict, match=r"/no/such\.parquet"):
        workshop.publish(staged, run="run2")


OPERATIONS: dict[str, dict[str, Any]] = {
    "append": {},
    "overwrite": {"is_replaced": True},
    "delete": {"is_replaced": True, "added": ()},
}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_the_operation_is_true_to_the_content(workshop: Workshop, operation: str) -> None:
    workshop.append(ORDERS, SCHEMA, [{"id": 1}], "run1")
    staged = workshop.stage(ORDERS, SCHEMA, [{"id": 2}], run="run2", **OPERATIONS[operation])
    workshop.publish(staged, run="run2")
    assert summary(workshop)["operation"] == operation


def test_the_same_rows_in_other_files_are_a_replacement(workshop: Workshop) -> None:
    workshop.append(ORDERS, SCHEMA, [{"id": 1}], "run1")
    staged = workshop.stage(ORDERS, SCHEMA, [{"id": 1}], run="run2", is_replaced=True)
    workshop.publish(replace(staged, added=(), rewritten=staged.added), run="run2")
    assert summary(workshop)["operation"] == "replace"


def test_a_change_without_files_still_moves_cursor_and_token(workshop: Workshop) -> None:
    workshop.append(ORDERS, SCHEMA, [{"id": 1}], "run1")
    staged = workshop.stage(ORDERS, SCHEMA, run="run2", consumed={"bronze.raw": 7})
    [published] = workshop.publish(staged, run="run2")
    table = workshop.lake.observe()[ORDERS]
    assert table.snapshot_id == published.snapshot_id
    assert table.consumed == {"bronze.raw": 7}
    assert table.ancestors[0].is_append
    assert published.rows == 1


def test_what_was_consumed_may_be_what_the_same_publish_makes(workshop: Workshop) -> None:
    gold = workshop.stage("gold.sums", SCHEMA, [{"id": 1}], consumed={ORDERS: None})
    orders = workshop.stage(ORDERS, SCHEMA, [{"id": 1}])
    made = {one.table: one.snapshot_id for one in workshop.publish(gold, orders)}
    assert workshop.lake.observe()["gold.sums"].consumed == {ORDERS: made[ORDERS]}


def test_a_repeat_of_the_upstream_gives_its_snapshot_to_the_cursor(workshop: Workshop) -> None:
    orders = workshop.stage(ORDERS, SCHEMA, [{"id": 1}])
    [made] = workshop.publish(orders)
    gold = workshop.stage("gold.sums", SCHEMA, [{"id": 1}], consumed={ORDERS: None})
    workshop.publish(orders, gold)
    assert workshop.lake.observe()["gold.sums"].consumed == {ORDERS: made.snapshot_id}


def test_a_cursor_on_what_is_not_published_is_refused(workshop: Workshop) -> None:
    staged = workshop.stage("gold.sums", SCHEMA, [{"id": 1}], consumed={ORDERS: None})
    with pytest.raises(errors.LakewrightError, match=ORDERS):
        workshop.publish(staged)


def test_a_table_cannot_be_published_twice_at_once(workshop: Workshop) -> None:
    staged = workshop.stage(ORDERS, SCHEMA, [{"id": 1}])
    with pytest.raises(errors.LakewrightError, match="one table twice"):
        workshop.publish(staged, replace(staged, step="other"))


def test_a_file_with_another_number_of_rows_is_refused(workshop: Workshop) -> None:
    staged = workshop.stage(ORDERS, SCHEMA, [{"id": 1}])
    wrong = replace(staged.added[0], rows=2)
    with pytest.raises(errors.CountsDiffer, match="holds 1 rows"):
        workshop.publish(replace(staged, added=(wrong,)))
    assert workshop.lake.tables() == ()


def test_a_file_that_does_not_exist_is_refused(workshop: Workshop) -> None:
    staged = workshop.stage(ORDERS, SCHEMA, [{"id": 1}])
    Path(staged.added[0].path).unlink()
    with pytest.raises(errors.LakewrightError, match="cannot be read as Parquet"):
        workshop.publish(staged)


def test_the_clock_set_back_does_not_turn_history_around(workshop: Workshop) -> None:
    workshop.publish(workshop.stage(ORDERS, SCHEMA, [{"id": 1}], run="run1"), run="run1")
    staged = workshop.stage(ORDERS, SCHEMA, [{"id": 2}], run="run2")
    workshop.publish(staged, run="run2", now=NOW - timedelta(days=1))
    newest, oldest = workshop.lake.history(ORDERS)
    assert newest.made_at >= oldest.made_at


def test_snapshot_ids_are_exact_in_every_json_reader(workshop: Workshop) -> None:
    published = [workshop.append(ORDERS, SCHEMA, [{"id": n}], f"run{n}") for n in range(20)]
    assert all(0 < one.snapshot_id < 2**53 for one in published)
    assert len({one.snapshot_id for one in published}) == 20


def test_a_new_column_is_null_in_earlier_rows(workshop: Workshop) -> None:
    workshop.append(ORDERS, SCHEMA, [{"id": 1, "v": "a"}], "run1")
    workshop.append(ORDERS, WIDER, [{"id": 2, "v": "b", "w": 5}], "run2")
    assert sorted(workshop.rows(ORDERS), key=lambda row: row["id"]) == [
        {"id": 1, "v": "a", "w": None},
        {"id": 2, "v": "b", "w": 5},
    ]


def test_a_column_that_is_new_to_rows_which_stay_cannot_be_required(workshop: Workshop) -> None:
    required = types.Schema(
        (*SCHEMA.fields, types.Field(name="w", type=types.INT, is_required=True))
    )
    workshop.append(ORDERS, SCHEMA, [{"id": 1}], "run1")
    workshop.append(ORDERS, required, [{"id": 2, "w": 5}], "run2")
    assert [one.is_required for one in workshop.lake.file_set(ORDERS).schema.fields] == [
        True, False, False,
    ]  # fmt: skip
    staged = workshop.stage(ORDERS, required, [{"id": 2, "w": 5}], run="run3", is_replaced=True)
    workshop.publish(staged, run="run3")
    assert [one.is_required for one in workshop.lake.file_set(ORDERS).schema.fields] == [
        True, False, True,
    ]  # fmt: skip


def test_a_type_that_cannot_change_in_place_is_refused_unless_all_is_rebuilt(
    workshop: Workshop,
) -> None:
    retyped = types.Schema((SCHEMA.fields[0], types.Field(name="v", type=types.BIGINT)))
    workshop.append(ORDERS, SCHEMA, [{"id": 1, "v": "a"}], "run1")
    staged = workshop.stage(ORDERS, retyped, [{"id": 2, "v": 7}], run="run2")
    with pytest.raises(errors.LakewrightError, match="type of v in place"):
        workshop.publish(staged, run="run2")
    workshop.publish(replace(staged, is_replaced=True), run="run2")
    assert workshop.rows(ORDERS) == [{"id": 2, "v": 7}]


def test_a_column_that_leaves_and_comes_back_does_not_show_its_old_values(
    workshop: Workshop,
) -> None:
    narrow = types.Schema(SCHEMA.fields[:1])
    workshop.append(ORDERS, SCHEMA, [{"id": 1, "v": "old"}], "run1")
    workshop.append(ORDERS, narrow, [{"id": 2}], "run2")
    workshop.append(ORDERS, SCHEMA, [{"id": 3, "v": "new"}], "run3")
    assert {row["id"]: row["v"] for row in workshop.rows(ORDERS)} == {1: None, 2: None, 3: "new"}


def test_descriptions_are_kept_with_table_and_columns(workshop: Workshop) -> None:
    staged = workshop.stage(
        ORDERS, SCHEMA, [{"id": 1}], description="Orders.", column_descriptions={"v": "A value."}
    )
    workshop.publish(staged)
    described = workshop.lake.describe(ORDERS)
    assert described.description == "Orders."
    assert [field.description for field in described.schema.fields] == ["", "A value."]


def test_the_metadata_log_stays_short_and_names_the_files_before(workshop: Workshop) -> None:
    seen = []
    for number in range(metadata.METADATA_LOG_MAX + 3):
        workshop.append(ORDERS, SCHEMA, [], f"run{number}")
        seen.append(workshop.lake.describe(ORDERS).metadata_location)
    log = [one["metadata-file"] for one in document(workshop).get("metadata-log", [])]
    assert log == seen[2:-1]
    assert all(Path(one).exists() for one in seen), "no metadata file is ever deleted"


def test_many_commits_leave_few_manifests(workshop: Workshop) -> None:
    for number in range(40):
        workshop.append(ORDERS, SCHEMA, [{"id": number}], f"run{number}")
    from lakewright.lake import manifests

    listed = manifests.listed(metadata.current_snapshot(document(workshop)))
    assert len(listed) < 16
    assert sorted(row["id"] for row in workshop.rows(ORDERS)) == list(range(40))


def test_everything_is_synced_before_the_pointer_moves(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    staged = workshop.stage(ORDERS, SCHEMA, [{"id": 1}])
    synced: set[Path] = set()
    at_commit: list[set[Path]] = []
    fsync, commit = os.fsync, workshop.sqlite.move

    def recorded_fsync(descriptor: int) -> None:
        fsync(descriptor)
        synced.add(Path(f"/proc/self/fd/{descriptor}").readlink())

    def recorded_commit(moves: Sequence[Any]) -> None:
        at_commit.append(set(synced))
        commit(moves)

    monkeypatch.setattr(os, "fsync", recorded_fsync)
    monkeypatch.setattr(workshop.sqlite, "move", recorded_commit)
    workshop.publish(staged)
    [before] = at_commit
    root = workshop.lake.storage.root
    made = {path for path in (root / "warehouse").rglob("*") if path.is_file()}
    assert {path.suffix for path in made} == {".parquet", ".avro", ".json"}
    assert made <= before
    for file in made:
        assert {folder for folder in file.parents if folder.is_relative_to(root)} <= before


def test_the_catalog_syncs_its_own_transactions(workshop: Workshop) -> None:
    workshop.append(ORDERS, SCHEMA, [{"id": 1}], "run1")
    connection = workshop.sqlite._open()
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,), "2 is FULL"
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def publish_in_own_process(root: str, run: str, barrier: Barrier, queue: Any) -> None:
    workshop = Workshop(Path(root))
    staged = workshop.stage(ORDERS, SCHEMA, [{"id": 1, "v": run}], run=run)
    barrier.wait(60)
    try:
        workshop.publish(staged, run=run)
        queue.put("published")
    except errors.CommitConflict:
        queue.put("conflict")


@pytest.mark.parametrize("is_new", [True, False])
def test_of_two_processes_on_one_base_exactly_one_wins(tmp_path: Path, is_new: bool) -> None:
    workshop = Workshop(tmp_path)
    if not is_new:
        workshop.append(ORDERS, SCHEMA, [{"id": 0}], "run0")
    context = multiprocessing.get_context("spawn")
    barrier, queue = context.Barrier(2), context.Queue()
    processes = [
        context.Process(target=publish_in_own_process, args=(str(tmp_path), run, barrier, queue))
        for run in ("left", "right")
    ]
    for process in processes:
        process.start()
    found = sorted(queue.get(timeout=60) for _ in processes)
    for process in processes:
        process.join(60)
    assert found == ["conflict", "published"]
    assert sum(row["id"] for row in workshop.rows(ORDERS)) == 1


def test_the_catalog_outlives_a_fork(workshop: Workshop) -> None:
    workshop.append(ORDERS, SCHEMA, [{"id": 1}], "run1")
    child = os.fork()
    if child == 0:
        status = 1
        try:
            status = 0 if workshop.lake.tables() == (ORDERS,) else 1
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert workshop.lake.tables() == (ORDERS,)


def test_a_catalog_that_is_no_database_is_an_error_with_a_hint(workshop: Workshop) -> None:
    path = workshop.sqlite.path
    path.parent.mkdir(parents=True)
    path.write_bytes(b"not a database, whatever its name says" * 100)
    with pytest.raises(errors.LakewrightError, match="cannot be used"):
        workshop.lake.tables()


def test_a_catalog_that_somebody_holds_is_a_conflict_that_may_be_tried_again(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    workshop.append(ORDERS, SCHEMA, [{"id": 1}], "run1")
    workshop.sqlite._open().execute("PRAGMA busy_timeout = 1")
    other = sqlite3.connect(workshop.sqlite.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(errors.CommitConflict, match="is in use"):
        workshop.append(ORDERS, SCHEMA, [{"id": 2}], "run2")
    other.close()
    assert len(workshop.rows(ORDERS)) == 1
    assert sys.exc_info() == (None, None, None)


def test_a_rollback_and_what_follows_it_become_visible_at_once(workshop: Workshop) -> None:
    first = workshop.append(ORDERS, SCHEMA, [{"id": 0}], "run0").snapshot_id
    workshop.append(ORDERS, SCHEMA, [{"id": 1}], "run1")
    present = workshop.lake.observe()[ORDERS].snapshot_id
    sums = workshop.stage("gold.sums", SCHEMA, [{"id": 0}], run="back", consumed={ORDERS: first})
    back = Rollback(table=ORDERS, snapshot_id=first, base_snapshot_id=present)
    assert not workshop.lake.is_published("back")
    made = workshop.lake.publish([sums], "back", NOW, [back])
    assert [(one.table, one.is_repeat) for one in made] == [(ORDERS, False), ("gold.sums", False)]
    assert workshop.lake.is_published("back")
    pointers = workshop.lake.storage.pointers()
    again = workshop.lake.publish([sums], "back", NOW, [back])
    assert [one.is_repeat for one in again] == [True, True]
    assert workshop.lake.storage.pointers() == pointers
    assert not workshop.lake.is_published("other")


def test_a_rollback_of_a_table_that_has_moved_publishes_nothing_at_all(workshop: Workshop) -> None:
    first = workshop.append(ORDERS, SCHEMA, [{"id": 0}], "run0").snapshot_id
    second = workshop.append(ORDERS, SCHEMA, [{"id": 1}], "run1").snapshot_id
    workshop.append(ORDERS, SCHEMA, [{"id": 2}], "run2")
    sums = workshop.stage("gold.sums", SCHEMA, [{"id": 0}], run="back")
    back = Rollback(table=ORDERS, snapshot_id=first, base_snapshot_id=second)
    with pytest.raises(errors.CommitConflict, match=ORDERS):
        workshop.lake.publish([sums], "back", NOW, [back])
    assert workshop.lake.tables() == (ORDERS,)
    assert not workshop.lake.is_published("back")
    with pytest.raises(errors.LakewrightError, match="twice"):
        workshop.lake.publish((), "back", NOW, [back, back])
