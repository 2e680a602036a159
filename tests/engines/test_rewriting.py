"""An upload's rows leave a table without touching files that hold none of them."""

from typing import TYPE_CHECKING

from lakewright.engines.duckdb import rewriting
from lakewright.sql import types

if TYPE_CHECKING:
    from tests.engines.conftest import Bench

COLUMNS = "id bigint, _upload_id string"


def test_files_of_an_upload_go_and_others_rows_stay(bench: "Bench") -> None:
    table = bench.table(
        "bronze.one",
        COLUMNS,
        [(1, "a"), (2, "a")],
        [(3, "b")],
        [(4, "a"), (5, "c"), (6, "b")],
    )
    target = bench.target("bronze.one", table.schema, base=table)
    remainder = rewriting.remove_uploads(bench.connection, table, ["a", "b'"], target)
    assert remainder.removed == (table.files[0].path, table.files[2].path)
    assert bench.rows(bench.files(target, remainder.rewritten)) == [(5, "c"), (6, "b")]


def test_rows_that_stay_are_null_in_columns_that_the_table_is_about_to_get(bench: "Bench") -> None:
    table = bench.table("bronze.one", COLUMNS, [(1, "a"), (2, "b")], [(3, "a")])
    schema = types.Schema((*table.schema.fields, types.Field(name="new", type=types.BIGINT)))
    target = bench.target("bronze.one", schema, base=table)
    remainder = rewriting.remove_uploads(bench.connection, table, ["a"], target)
    assert remainder.removed == tuple(file.path for file in table.files)
    assert bench.rows(bench.files(target, remainder.rewritten)) == [(2, "b", None)]


def test_no_rows_to_take_out_change_nothing(bench: "Bench") -> None:
    table = bench.table("bronze.one", COLUMNS, [(1, "a")])
    target = bench.target("bronze.one", table.schema, base=table)
    for upload_ids in ([], ["z"]):
        remainder = rewriting.remove_uploads(bench.connection, table, upload_ids, target)
        assert (remainder.removed, remainder.rewritten) == ((), ())


def test_a_column_that_is_called_like_the_engines_own_is_only_a_column(bench: "Bench") -> None:
    table = bench.table(
        "bronze.one",
        "file_index bigint, filename string, _upload_id string",
        [(1, "x", "a")],
        [(0, "y", "b"), (9, "z", "a")],
    )
    target = bench.target("bronze.one", table.schema, base=table)
    remainder = rewriting.remove_uploads(bench.connection, table, ["a"], target)
    assert remainder.removed == tuple(file.path for file in table.files)
    assert bench.rows(bench.files(target, remainder.rewritten)) == [(0, "y", "b")]
    touched = rewriting.touched(
        bench.connection, table, ["file_index"], "JOIN (SELECT 1 AS file_index) USING (file_index)"
    )
    assert touched.files == table.files[:1]


def test_small_files_become_one_with_the_same_rows(bench: "Bench") -> None:
    table = bench.table("bronze.one", COLUMNS, *[[(number, "a")] for number in range(20)])
    target = bench.target("bronze.one", table.schema, base=table)
    compacted = rewriting.compact(bench.connection, table, target)
    assert [file.rows for file in compacted] == [20]
    rows = bench.rows(bench.files(target, compacted))
    assert sorted(rows) == [(number, "a") for number in range(20)]
