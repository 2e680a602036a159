import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from lakewright import errors
from lakewright.lake import cleaning, manifests, metadata, publish, upkeep
from lakewright.lake.catalog import Change
from lakewright.lake.cleaning import Terms
from lakewright.lake.staged import DataFile, FileSet
from lakewright.sql import types
from tests.lake.conftest import NOW, Workshop, read_files

ORDERS = "bronze.orders"
SCHEMA = types.Schema(
    (types.Field(name="id", type=types.BIGINT), types.Field(name="v", type=types.STRING))
)
DAY_SECONDS = 86_400.0


def terms(*tokens: str, days_later: int = 0) -> Terms:
    now = NOW + timedelta(days=days_later)
    return Terms(now=now, grace_seconds=3 * DAY_SECONDS, tokens=frozenset(tokens))


def fill(workshop: Workshop, count: int) -> list[int]:
    return [
        workshop.append(ORDERS, SCHEMA, [{"id": n}], f"run{n}").snapshot_id for n in range(count)
    ]


def age(workshop: Workshop) -> None:
    """Let every file have been written when the test's clock says."""
    for path in workshop.lake.storage.root.rglob("*"):
        os.utime(path, (NOW.timestamp(), NOW.timestamp()))


def files(workshop: Workshop) -> set[str]:
    folder = workshop.lake.storage.location(ORDERS)
    return {str(path) for path in folder.rglob("*") if path.is_file()}


def test_only_the_newest_snapshots_stay(workshop: Workshop) -> None:
    made = fill(workshop, 10)
    done = workshop.lake.tidy(ORDERS, 4, terms())
    assert done.snapshots == 6
    kept = [entry.snapshot_id for entry in workshop.lake.history(ORDERS)]
    assert kept == made[:5:-1]
    assert sorted(row["id"] for row in workshop.rows(ORDERS)) == list(range(10))
    assert sorted(row["id"] for row in workshop.rows(ORDERS, made[6])) == list(range(7))
    with pytest.raises(errors.NotFound):
        workshop.lake.file_set(ORDERS, made[5])


def test_what_only_forgotten_snapshots_had_is_deleted(workshop: Workshop) -> None:
    fill(workshop, 3)
    old = {file.path for file in workshop.lake.file_set(ORDERS).files}
    staged = workshop.stage(ORDERS, SCHEMA, [{"id": 7}], run="new", is_replaced=True)
    workshop.publish(staged, run="new")
    workshop.append(ORDERS, SCHEMA, [{"id": 8}], "newer")
    done = workshop.lake.tidy(ORDERS, 2, terms())
    assert old <= set(done.files)
    assert not old & files(workshop)
    assert sorted(row["id"] for row in workshop.rows(ORDERS)) == [7, 8]


def test_tidying_again_finds_nothing(workshop: Workshop) -> None:
    fill(workshop, 10)
    workshop.lake.tidy(ORDERS, 4, terms())
    left = files(workshop)
    again = workshop.lake.tidy(ORDERS, 4, terms())
    assert (again.snapshots, again.files, files(workshop)) == (0, (), left)


def test_a_dry_run_says_the_same_and_changes_nothing(workshop: Workshop) -> None:
    fill(workshop, 10)
    before, pointer = files(workshop), workshop.lake.storage.pointer(ORDERS)
    dry = workshop.lake.tidy(ORDERS, 4, terms(), is_dry=True)
    assert (files(workshop), workshop.lake.storage.pointer(ORDERS)) == (before, pointer)
    done = workshop.lake.tidy(ORDERS, 4, terms())
    assert (dry.snapshots, set(dry.files)) == (done.snapshots, set(done.files))


def test_snapshots_that_are_named_or_of_runs_that_go_on_stay(workshop: Workshop) -> None:
    made = fill(workshop, 10)
    pointer = workshop.lake.storage.pointer(ORDERS)
    document = metadata.read(pointer)
    tag: metadata.ReferenceJson = {"snapshot-id": made[1], "type": "tag"}
    refs = {**document["refs"], "audited": tag}
    tagged: metadata.Document = {**document, "refs": refs}
    change = Change(table=ORDERS, pointer=pointer, before=document, updates=(), after=tagged)
    commit = publish.Commit(change=change)
    publish.commit(workshop.lake.storage, [commit])
    workshop.lake.tidy(ORDERS, 2, terms("run3"))
    kept = {entry.snapshot_id for entry in workshop.lake.history(ORDERS)}
    assert kept == {made[1], made[3], made[8], made[9]}


def test_the_present_state_stays_even_if_it_is_an_old_one(workshop: Workshop) -> None:
    made = fill(workshop, 10)
    workshop.rollback(ORDERS, made[2], "back")
    workshop.lake.tidy(ORDERS, 2, terms())
    assert sorted(row["id"] for row in workshop.rows(ORDERS)) == [0, 1, 2]


def test_what_a_rollback_has_left_is_known_after_it_was_forgotten(workshop: Workshop) -> None:
    made = fill(workshop, 4)
    workshop.rollback(ORDERS, made[1], "back")
    assert workshop.lake.left_behind(ORDERS) == {made[2]: "append", made[3]: "append"}
    later = [
        workshop.append(ORDERS, SCHEMA, [{"id": n}], f"later{n}").snapshot_id for n in range(5)
    ]
    workshop.lake.tidy(ORDERS, 3, terms())
    assert [one.snapshot_id for one in workshop.lake.history(ORDERS)] == later[:1:-1]
    assert workshop.lake.left_behind(ORDERS) == {made[2]: "append", made[3]: "append"}
    workshop.lake.tidy(ORDERS, 1, terms())
    assert workshop.lake.left_behind(ORDERS) == {made[2]: "append", made[3]: "append"}


def test_a_snapshot_that_is_kept_for_its_name_was_not_rolled_back(workshop: Workshop) -> None:
    made = fill(workshop, 6)
    workshop.lake.tidy(ORDERS, 2, terms("run1"))
    history = workshop.lake.history(ORDERS)
    assert [one.snapshot_id for one in history] == [made[5], made[4], made[1]]
    assert all(one.is_ancestor for one in history)
    assert workshop.lake.left_behind(ORDERS) == {}


def test_files_that_nothing_refers_to_go_only_once_they_are_old(workshop: Workshop) -> None:
    fill(workshop, 1)
    orphan = Path(workshop.lake.target(ORDERS, SCHEMA, (), "dead", "x").folder, "dead-1.parquet")
    orphan.write_bytes(b"staged, never published")
    age(workshop)
    assert workshop.lake.tidy(ORDERS, 9, terms(days_later=2)).files == ()
    assert workshop.lake.tidy(ORDERS, 9, terms("dead", days_later=9)).files == ()
    assert workshop.lake.tidy(ORDERS, 9, terms(days_later=9)).files == (str(orphan),)
    assert [row["id"] for row in workshop.rows(ORDERS)] == [0]


def test_old_metadata_files_go_but_those_of_the_log_stay(workshop: Workshop) -> None:
    fill(workshop, metadata.METADATA_LOG_MAX + 5)
    age(workshop)
    gone = workshop.lake.tidy(ORDERS, 100, terms(days_later=9)).files
    assert [Path(path).name.partition("-")[0] for path in gone] == [f"{n:05d}" for n in range(4)]


def test_time_travel_before_what_is_kept_is_refused(workshop: Workshop) -> None:
    fill(workshop, 3)
    workshop.lake.tidy(ORDERS, 1, terms())
    with pytest.raises(errors.NotFound, match="nothing is known"):
        workshop.lake.snapshot_at(ORDERS, NOW - timedelta(seconds=1))
    assert workshop.lake.snapshot_at(ORDERS, NOW) == workshop.lake.file_set(ORDERS).snapshot_id


def test_states_that_no_snapshot_names_any_more_go(workshop: Workshop) -> None:
    for number in range(4):
        staged = workshop.stage(
            ORDERS, SCHEMA, [{"id": number}], run=f"run{number}",
            table_properties={"contract": f'"{number}"'},
        )  # fmt: skip
        workshop.publish(staged, run=f"run{number}")
    workshop.lake.tidy(ORDERS, 2, terms())
    properties = metadata.read(workshop.lake.storage.pointer(ORDERS))["properties"]
    kept = [value for name, value in properties.items() if name.startswith("lakewright.state.")]
    assert sorted(kept) == ['{"contract":"\\"2\\""}', '{"contract":"\\"3\\""}']


def test_rows_added_since_a_snapshot_are_known_after_their_files_were_compacted(
    workshop: Workshop,
) -> None:
    made = fill(workshop, 4)
    present = workshop.lake.file_set(ORDERS)
    staged = workshop.stage(
        ORDERS, SCHEMA, run="compact",
        removed=tuple(file.path for file in present.files),
    )  # fmt: skip
    target = workshop.lake.target(ORDERS, SCHEMA, (), "compact", "x")
    rows = [{"id": row["id"], "v": row["v"]} for row in workshop.rows(ORDERS)]
    compacted = workshop.write(target, rows)
    staged = workshop.stage(
        ORDERS, SCHEMA, run="compact", added=(), rewritten=(compacted,),
        removed=tuple(file.path for file in present.files),
    )  # fmt: skip
    workshop.publish(staged, run="compact")
    workshop.append(ORDERS, SCHEMA, [{"id": 9}], "later")
    since = workshop.lake.added_since(ORDERS, made[1])
    assert sorted(row["id"] for row in read_files(since)) == [2, 3, 9]
    assert all(one.is_append for one in workshop.lake.observe()[ORDERS].ancestors)


def file_set(*rows: tuple[int, str | None]) -> FileSet:
    listed = tuple(
        DataFile(path=f"/{number}", rows=count, size_bytes=count, partition=(partition,))
        for number, (count, partition) in enumerate(rows)
    )
    return FileSet(table=ORDERS, snapshot_id=1, schema=SCHEMA, field_ids={}, files=listed)


def test_small_files_of_a_partition_are_chosen_once_there_are_many() -> None:
    few = [(10, "a")] * (upkeep.SMALL_FILES_MIN - 1)
    many = [(10, "b")] * upkeep.SMALL_FILES_MIN
    large = [(upkeep.SMALL_ROWS, "b")]
    chosen = upkeep.small_files(file_set(*few, *many, *large))
    assert [(file.rows, file.partition) for file in chosen] == [(10, ("b",))] * len(many)


def test_a_compaction_reads_no_more_than_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep, "COMPACTED_ROWS_MAX", 1000)
    chosen = upkeep.small_files(file_set(*[(100, "a")] * 200))
    assert sum(file.rows for file in chosen) == 1000


def test_upkeep_is_due_for_many_snapshots_and_for_many_small_files(workshop: Workshop) -> None:
    fill(workshop, 12)
    assert workshop.lake.due(9) == {ORDERS: 0}
    assert workshop.lake.due(10) == {}
    many = [((), [{"id": number}]) for number in range(2 * upkeep.SMALL_FILES_MIN)]
    workshop.publish(workshop.stage(ORDERS, SCHEMA, files=many, run="many"), run="many")
    assert workshop.lake.due(100, [ORDERS, "silver.none"]) == {ORDERS: len(many) + 12}


@contextmanager
def moving(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Another program commits while the files are listed."""
    needed = cleaning.needed

    def commit_first(
        document: metadata.Document, pointer: str, reader: manifests.Reader
    ) -> frozenset[str]:
        monkeypatch.setattr(cleaning, "needed", needed)
        workshop.append(ORDERS, SCHEMA, [{"id": 99}], "other")
        return needed(document, pointer, reader)

    monkeypatch.setattr(cleaning, "needed", commit_first)
    yield


def test_a_commit_in_between_is_not_undone(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(workshop, 10)
    with moving(workshop, monkeypatch), pytest.raises(errors.CommitConflict):
        workshop.lake.tidy(ORDERS, 2, terms())
    assert len(workshop.rows(ORDERS)) == 11
