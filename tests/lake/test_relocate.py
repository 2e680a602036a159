"""A lake whose folder has moved is refused, and works again after it was relocated."""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pyiceberg.catalog.sql import SqlCatalog

from lakewright import errors
from lakewright.project.contract import PartitionField
from lakewright.sql import types
from tests.lake.conftest import Workshop

ORDERS = "bronze.orders"
SCHEMA = types.Schema(
    (
        types.Field(name="id", type=types.BIGINT, is_required=True),
        types.Field(name="v", type=types.STRING),
    )
)


def make(root: Path) -> Workshop:
    """Two tables with removed files, a merged manifest and an earlier partitioning."""
    workshop = Workshop(root)
    parts = (PartitionField(column="v"),)
    files = [(("a",), [{"id": 100, "v": "a"}])]
    workshop.publish(workshop.stage(ORDERS, SCHEMA, files=files, partitioning=parts))
    for number in range(18):
        workshop.append(ORDERS, SCHEMA, [{"id": number}], f"run{number}")
    [first] = [f for f in workshop.lake.file_set(ORDERS).files if f.partition]
    staged = workshop.stage(ORDERS, SCHEMA, [{"id": 101}], run="last")
    workshop.publish(replace(staged, removed=(first.path,)), run="last")
    workshop.append("gold.sums", SCHEMA, [{"id": 1, "v": "x"}], "gold")
    workshop.lake.close()
    return workshop


def move(tmp_path: Path) -> Workshop:
    make(tmp_path / "old" / ".lakewright")
    shutil.move(tmp_path / "old", tmp_path / "new place")
    return Workshop(tmp_path / "new place" / ".lakewright")


def states(workshop: Workshop) -> list[list[dict[str, Any]]]:
    """The rows of every snapshot of every table."""
    return [
        sorted(workshop.rows(table, one.snapshot_id), key=lambda row: row["id"])
        for table in workshop.lake.tables()
        for one in workshop.lake.history(table)
    ]


def texts(root: Path) -> Sequence[bytes]:
    return [path.read_bytes() for path in (root / "warehouse").rglob("*") if path.is_file()]


def test_a_moved_lake_is_refused_with_the_way_out(tmp_path: Path) -> None:
    moved = move(tmp_path)
    with pytest.raises(errors.Conflict, match="has moved") as caught:
        moved.lake.observe()
    assert "lakewright relocate" in caught.value.hint
    with pytest.raises(errors.Conflict, match="has moved"):
        moved.stage(ORDERS, SCHEMA, [{"id": 1}], run="new")


def test_after_relocating_every_snapshot_reads_as_before(tmp_path: Path) -> None:
    original = make(tmp_path / "old" / ".lakewright")
    expected = states(original)
    original.lake.close()
    shutil.move(tmp_path / "old", tmp_path / "new place")
    moved = Workshop(tmp_path / "new place" / ".lakewright")
    assert moved.lake.relocate() == (ORDERS, "gold.sums")
    assert states(moved) == expected
    for table in moved.lake.tables():
        for one in moved.lake.history(table):
            for file in moved.lake.file_set(table, one.snapshot_id).files:
                assert Path(file.path).is_relative_to(moved.lake.storage.root)


def test_a_relocated_lake_can_be_changed_and_rolled_back(tmp_path: Path) -> None:
    moved = move(tmp_path)
    moved.lake.relocate()
    before = states(moved)
    oldest = moved.lake.history(ORDERS)[-1].snapshot_id
    moved.append(ORDERS, SCHEMA, [{"id": 7000}], "after")
    assert 7000 in {row["id"] for row in moved.rows(ORDERS)}
    assert states(moved)[1 : len(before) + 1] == before
    moved.rollback(ORDERS, oldest, "back")
    assert [row["id"] for row in moved.rows(ORDERS)] == [100]


def test_a_relocated_lake_is_read_by_pyiceberg(tmp_path: Path) -> None:
    moved = move(tmp_path)
    moved.lake.relocate()
    catalog = SqlCatalog("lakewright", uri=f"sqlite:///{moved.sqlite.path}")
    found = catalog.load_table(ORDERS).scan().to_arrow().to_pylist()
    catalog.close()
    assert sorted(row["id"] for row in found) == [*range(18), 101]


def test_relocating_twice_changes_nothing_the_second_time(tmp_path: Path) -> None:
    moved = move(tmp_path)
    moved.lake.relocate()
    pointers = moved.lake.storage.pointers()
    assert moved.lake.relocate() == ()
    assert moved.lake.storage.pointers() == pointers


def test_relocating_that_dies_before_its_commit_can_be_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved = move(tmp_path)

    def die(moves: Sequence[Any]) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(moved.sqlite, "move", die)
        with pytest.raises(KeyboardInterrupt):
            moved.lake.relocate()
    with pytest.raises(errors.Conflict, match="has moved"):
        moved.lake.tables()
    assert moved.lake.relocate() == (ORDERS, "gold.sums")
    assert len(moved.rows(ORDERS)) == 19


def test_a_copied_lake_never_touches_the_one_that_it_was_copied_from(tmp_path: Path) -> None:
    original = make(tmp_path / "old" / ".lakewright")
    shutil.copytree(tmp_path / "old", tmp_path / "copy")
    copy = Workshop(tmp_path / "copy" / ".lakewright")
    with pytest.raises(errors.Conflict, match="has moved"):
        copy.lake.tables()
    before = texts(original.lake.storage.root)
    copy.lake.relocate()
    copy.append(ORDERS, SCHEMA, [{"id": 7000}], "after")
    assert texts(original.lake.storage.root) == before
    assert 7000 not in {row["id"] for row in original.rows(ORDERS)}


def test_a_lake_whose_files_stayed_behind_cannot_be_relocated(tmp_path: Path) -> None:
    moved = move(tmp_path)
    shutil.rmtree(moved.lake.storage.root / "warehouse" / "gold")
    with pytest.raises(errors.NotFound, match="does not exist"):
        moved.lake.relocate()


def test_a_lake_reached_through_a_link_has_not_moved(tmp_path: Path) -> None:
    make(tmp_path / "old" / ".lakewright")
    (tmp_path / "link").symlink_to(tmp_path / "old")
    assert Workshop(tmp_path / "link" / ".lakewright").lake.tables() == (ORDERS, "gold.sums")
