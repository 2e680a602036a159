"""What footers prove is true, and what they leave open is left to a scan."""

from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow
import pyarrow.parquet
import pytest

from lakewright.engines.duckdb import footers, writing
from lakewright.lake.staged import FileSet

if TYPE_CHECKING:
    from pathlib import Path

    from tests.engines.conftest import Bench


def written(bench: "Bench", columns: str, select: str, suffix: str = "rows") -> FileSet:
    target = bench.target("silver.one", bench.schema(columns))
    return bench.files(target, writing.copy(bench.connection, select, target, suffix))


def test_a_column_is_full_exactly_if_no_row_lacks_its_value(bench: "Bench") -> None:
    table = written(
        bench,
        "a bigint, b string, c decimal(9,2), d timestamp, e boolean",
        "SELECT i AS a, nullif(i, 299999) AS b, i AS c, '2024-01-01' AS d, NULL AS e"
        " FROM range(300000) AS t(i)",
    )
    names = table.schema.names
    assert footers.columns_without_null(bench.connection, table, names) == {"a", "c", "d"}
    assert footers.columns_without_null(bench.connection, table, ["c", "b"]) == {"c"}


def test_a_column_that_one_file_lacks_or_calls_otherwise_is_not_full(bench: "Bench") -> None:
    old = written(bench, "a int, b int", "SELECT 1 AS a, 2 AS b", "old")
    new = written(bench, "a int", "SELECT 1 AS a", "new")
    both = replace(old, files=(*old.files, *new.files))
    renamed = replace(old, field_ids={"a": 2, "b": 1})
    assert footers.columns_without_null(bench.connection, both, ["a", "b"]) == {"a"}
    assert footers.columns_without_null(bench.connection, renamed, ["a", "b"]) == frozenset()


@pytest.mark.parametrize("kind", ["struct<x:int>", "array<int>", "map<string,int>"])
def test_a_column_that_holds_others_is_left_to_a_scan(bench: "Bench", kind: str) -> None:
    table = written(bench, f"s {kind}, x int", "SELECT NULL AS s, 1 AS x")
    assert footers.columns_without_null(bench.connection, table, ["s", "x"]) == {"x"}


def test_a_file_without_statistics_proves_nothing(bench: "Bench", tmp_path: "Path") -> None:
    table = written(bench, "a bigint", "SELECT 1 AS a")
    plain = pyarrow.field("a", pyarrow.int64(), metadata={"PARQUET:field_id": "1"})
    rows = pyarrow.table({"a": [1]}, schema=pyarrow.schema([plain]))
    for has_statistics in (True, False):
        path = tmp_path / f"{has_statistics}.parquet"
        pyarrow.parquet.write_table(rows, path, write_statistics=has_statistics)
        foreign = replace(table, files=(replace(table.files[0], path=str(path)),))
        found = footers.columns_without_null(bench.connection, foreign, ["a"])
        assert found == ({"a"} if has_statistics else frozenset())


def test_a_table_without_files_is_left_to_a_scan(bench: "Bench") -> None:
    table = bench.table("silver.one", "a bigint")
    assert footers.columns_without_null(bench.connection, table, ["a"]) == frozenset()
