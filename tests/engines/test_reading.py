"""Rows of older files read as if they had been written under today's columns."""

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from lakewright.engines.duckdb import reading, writing
from lakewright.lake.staged import FileSet

if TYPE_CHECKING:
    from tests.engines.conftest import Bench, Row


def old_file(bench: "Bench", columns: str, ids: dict[str, int], select: str) -> FileSet:
    schema = bench.schema(columns)
    target = replace(bench.target("bronze.one", schema), field_ids=ids)
    return bench.files(target, writing.copy(bench.connection, select, target, "rows"))


def read(bench: "Bench", old: FileSet, columns: str, ids: dict[str, int]) -> "list[Row]":
    now = replace(old, schema=bench.schema(columns), field_ids=ids)
    return bench.connection.execute(reading.relation_sql(now)).fetchall()


@pytest.mark.parametrize(
    ("old_type", "value", "new_type", "read_value"),
    [
        ("int", "7", "bigint", 7),
        ("float", "1.5", "double", 1.5),
        ("decimal(5,2)", "1.25", "decimal(20,2)", "1.25"),
    ],
)
def test_a_promoted_column_has_its_new_type(
    bench: "Bench", old_type: str, value: str, new_type: str, read_value: object
) -> None:
    old = old_file(bench, f"x {old_type}", {"x": 1}, f"SELECT {value} AS x")
    rows = read(bench, old, f"x {new_type}", {"x": 1})
    assert [tuple(map(str, row)) for row in rows] == [(str(read_value),)]


def test_a_column_is_found_by_its_id_and_not_by_its_name(bench: "Bench") -> None:
    old = old_file(bench, "a int, b int", {"a": 1, "b": 2}, "SELECT 1 AS a, 2 AS b")
    assert read(bench, old, "b int, c int, a int", {"b": 1, "c": 2, "a": 3}) == [(1, 2, None)]


def test_a_field_added_inside_a_struct_is_null_in_older_files(bench: "Bench") -> None:
    ids = {"s": 1, "s.x": 2, "l": 3, "l.element": 4, "l.element.y": 5}
    old = old_file(
        bench,
        "s struct<x:int>, l array<struct<y:int>>",
        ids,
        "SELECT {'x': 1} AS s, [{'y': 2}] AS l",
    )
    new = ids | {"s.z": 6, "l.element.w": 7}
    columns = "s struct<z:string,x:bigint>, l array<struct<y:int,w:string>>"
    found: list[object] = list(read(bench, old, columns, new))
    assert found == [({"z": None, "x": 1}, [{"y": 2, "w": None}])]


def test_a_filter_sees_what_older_files_lack(bench: "Bench") -> None:
    old = old_file(bench, "a int", {"a": 1}, "SELECT i AS a FROM range(5) AS t(i)")
    now = replace(old, schema=bench.schema("a bigint, b string"), field_ids={"a": 1, "b": 2})
    rows = reading.relation_sql(now)
    count = f"SELECT count(*) FROM ({rows}) WHERE"
    assert bench.connection.execute(f"{count} a >= 3 AND b IS NULL").fetchall() == [(2,)]
    assert bench.connection.execute(f"{count} b = 'x'").fetchall() == [(0,)]


def test_a_table_without_files_has_its_types_and_no_rows(bench: "Bench") -> None:
    table = bench.table("bronze.one", "a bigint, t timestamp, l array<struct<x:int>>")
    answer = bench.connection.execute(reading.relation_sql(table))
    assert [str(column[1]) for column in answer.description or ()] == [
        "BIGINT",
        "TIMESTAMP WITH TIME ZONE",
        "STRUCT(x INTEGER)[]",
    ]
    assert answer.fetchall() == []


def test_a_row_tells_its_file(bench: "Bench") -> None:
    table = bench.table("bronze.one", "a int", [(1,)], [(2,)], [(3,)])
    select = reading.relation_sql(table, ["a", reading.FILE_INDEX])
    assert sorted(bench.connection.execute(select).fetchall()) == [(1, 0), (2, 1), (3, 2)]


def test_a_table_is_readable_by_its_name_for_a_while(bench: "Bench") -> None:
    table = bench.table("bronze.one", "a int", [(1,)])
    names = {"silver.some": reading.relation_sql(table)}
    views = "SELECT count(*) FROM duckdb_views() WHERE NOT internal"
    with reading.registered(bench.connection, names):
        assert bench.connection.execute('SELECT * FROM "silver"."some"').fetchall() == [(1,)]
    assert bench.connection.execute(views).fetchall() == [(0,)]


def test_a_name_can_be_given_a_table_anew(bench: "Bench") -> None:
    for number in (1, 2):
        reading.register(bench.connection, "gold.x", bench.table("gold.x", "a int", [(number,)]))
    assert bench.connection.execute('SELECT * FROM "gold"."x"').fetchall() == [(2,)]
