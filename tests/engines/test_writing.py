"""Files carry what a commit needs, and a repeated copy leaves only its own."""

from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow.parquet
import pytest

from lakewright.engines.duckdb import writing
from lakewright.lake.staged import FileSet
from lakewright.project.contract import PartitionField

if TYPE_CHECKING:
    from tests.engines.conftest import Bench

NESTED = 'id bigint, s struct<x:int,`od"d`:array<string>>, m map<string,struct<v:int>>'


def copy(bench: "Bench", rows: int, file_rows: int = writing.FILE_ROWS) -> FileSet:
    schema = bench.schema("id bigint, text string")
    target = bench.target("bronze.one", schema)
    select = f"SELECT 'n' || i AS text, i AS id, 'left out' AS more FROM range({rows}) AS t(i)"
    return bench.files(target, writing.copy(bench.connection, select, target, "rows", file_rows))


def test_no_rows_give_no_file(bench: "Bench") -> None:
    assert copy(bench, 0).files == ()
    assert list((bench.folder / "bronze.one").iterdir()) == []


def test_rows_and_sizes_are_those_of_the_files(bench: "Bench") -> None:
    table = copy(bench, 1000)
    (file,) = table.files
    assert file.rows == 1000
    assert file.size_bytes == Path(file.path).stat().st_size
    assert bench.rows(table) == sorted(((i, f"n{i}") for i in range(1000)), key=repr)


def test_many_rows_are_cut_into_files_of_about_the_wanted_size(bench: "Bench") -> None:
    table = copy(bench, 200_000, file_rows=20_000)
    assert table.rows == 200_000
    assert 5 <= len(table.files) <= 20


def test_every_field_has_its_id_also_inside_others(bench: "Bench") -> None:
    table = bench.table("bronze.nested", NESTED, [])
    target = bench.target("bronze.nested", table.schema)
    select = """
        SELECT 1::BIGINT AS id, {'x': 1, 'od"d': ['a']} AS s, MAP {'k': {'v': 1}} AS m
    """
    (file,) = writing.copy(bench.connection, select, target, "rows")
    schema = pyarrow.parquet.ParquetFile(file.path).schema_arrow
    ids = {}

    def collect(field: pyarrow.Field, path: str) -> None:
        ids[path] = int(field.metadata[b"PARQUET:field_id"])
        names = ["key", "value"] if pyarrow.types.is_map(field.type) else None
        if pyarrow.types.is_list(field.type):
            collect(field.type.value_field, f"{path}.element")
        elif names:
            collect(field.type.key_field, f"{path}.key")
            collect(field.type.item_field, f"{path}.value")
        elif pyarrow.types.is_struct(field.type):
            for inner in field.type:
                collect(inner, f"{path}.{inner.name}")

    for field in schema:
        collect(field, field.name)
    assert ids == target.field_ids


def test_a_repeat_overwrites_what_an_earlier_attempt_left(bench: "Bench") -> None:
    schema = bench.schema("id bigint")
    target = bench.target("bronze.one", schema)
    folder = Path(target.folder)
    (folder / f"{target.file_prefix}-rows.partial").mkdir()
    (folder / f"{target.file_prefix}-rows.partial" / "part_0.parquet").write_bytes(b"half")
    (folder / f"{target.file_prefix}-rows-00007.parquet").write_bytes(b"half")
    (folder / f"{target.file_prefix}-rows2-00000.parquet").write_bytes(b"another copy's")
    written = [writing.copy(bench.connection, "SELECT 1 AS id", target, "rows") for _ in range(2)]
    assert written[0] == written[1]
    assert sorted(path.name for path in folder.iterdir()) == [
        f"{target.file_prefix}-rows-00000.parquet",
        f"{target.file_prefix}-rows2-00000.parquet",
    ]


@pytest.mark.parametrize("folder", ["id=7", "[a-c]", "*", 'it\'s "x" é', "{0}"])
def test_a_folders_name_changes_nothing(bench: "Bench", folder: str) -> None:
    by = (PartitionField(column="id"),)
    for name in (folder, "b"):
        (bench.folder / name).mkdir()
    target = bench.target(f"{folder}/x", bench.schema("id int"), partitioning=by)
    written = writing.copy(bench.connection, "SELECT unnest([1, 2]) AS id", target, "rows")
    assert sorted(file.partition for file in written) == [("1",), ("2",)]
    assert bench.rows(bench.files(target, written)) == [(1,), (2,)]


@pytest.mark.parametrize(
    ("kind", "logical"),
    [
        ("timestamp", "Timestamp(isAdjustedToUTC=true, timeUnit=microseconds"),
        ("timestamp_ntz", "Timestamp(isAdjustedToUTC=false, timeUnit=microseconds"),
        ("decimal(38,2)", "Decimal(precision=38, scale=2)"),
        ("string", "String"),
        ("date", "Date"),
    ],
)
def test_a_column_is_written_as_iceberg_stores_its_type(
    bench: "Bench", kind: str, logical: str
) -> None:
    target = bench.target("bronze.one", bench.schema(f"x {kind}"))
    select = {
        "timestamp": "SELECT TIMESTAMPTZ '2024-01-01' AS x",
        "timestamp_ntz": "SELECT TIMESTAMP '2024-01-01' AS x",
        "decimal(38,2)": "SELECT 1 AS x",
        "string": "SELECT 'a' AS x",
        "date": "SELECT DATE '2024-01-01' AS x",
    }[kind]
    (file,) = writing.copy(bench.connection, select, target, "rows")
    column = pyarrow.parquet.ParquetFile(file.path).schema.column(0)
    assert str(column.logical_type).startswith(logical)
