from dataclasses import replace

from lakewright.lake.staged import DataFile, FileSet, Staged, Target
from lakewright.runs.operations import overlay
from lakewright.sql import types

SCHEMA = types.Schema((types.Field(name="a", type=types.INT),))


def file(name: str) -> DataFile:
    return DataFile(path=name, rows=1, size_bytes=1)


BASE = FileSet(
    table="silver.a", snapshot_id=4, schema=types.Schema(()), field_ids={},
    files=(file("1"), file("2")),
)  # fmt: skip
TARGET = Target(
    table="silver.a", schema=SCHEMA, field_ids={"a": 1}, partitioning=(), folder="/x",
    file_prefix="x", base=BASE,
)  # fmt: skip
STAGED = Staged(
    table="silver.a", step="model:silver.a", base_snapshot_id=4, schema=SCHEMA, partitioning=(),
    added=(file("4"),), rewritten=(file("3"),), removed=("2",), consumed={}, properties={},
    table_properties={}, column_descriptions={},
)  # fmt: skip


def names(files: FileSet) -> list[str]:
    return [each.path for each in files.files]


def test_a_table_would_be_its_base_without_what_goes_and_with_what_comes() -> None:
    found = overlay.file_set(STAGED, TARGET)
    assert names(found) == ["1", "3", "4"]
    assert (found.snapshot_id, found.schema, found.field_ids) == (None, SCHEMA, {"a": 1})


def test_a_replaced_or_new_table_would_be_only_what_comes() -> None:
    assert names(overlay.file_set(replace(STAGED, is_replaced=True), TARGET)) == ["3", "4"]
    assert names(overlay.file_set(STAGED, replace(TARGET, base=None))) == ["3", "4"]


def test_a_change_tells_what_came_what_went_and_what_was_only_rewritten() -> None:
    found = overlay.change(STAGED, TARGET, earlier=[file("0")])
    assert names(found.added) == ["0", "4"]
    assert names(found.removed) == ["2"]
    assert names(found.rewritten) == ["3"]


def test_a_replaced_table_loses_all_of_its_base() -> None:
    found = overlay.change(replace(STAGED, is_replaced=True, removed=()), TARGET)
    assert names(found.removed) == ["1", "2"]


def test_a_table_that_only_grew_lost_nothing() -> None:
    found = overlay.added(BASE)
    assert (found.added, found.removed.files, found.rewritten.files) == (BASE, (), ())
