import duckdb
import pytest

from lakewright.errors import SqlRefused
from lakewright.sql import types
from lakewright.sql.render import render

SCHEMAS = {
    "bronze.orders": types.Schema(
        (
            types.Field(name="id", type=types.BIGINT),
            types.Field(name="note", type=types.UNKNOWN),
            types.Field(name='od"d', type=types.STRING),
            types.Field(name="_upload_id", type=types.STRING),
        )
    )
}


def test_tables_and_columns_are_quoted_by_the_names_that_they_have() -> None:
    assert render('SELECT ID, `OD"D` FROM Bronze.ORDERS o', SCHEMAS, "duckdb") == (
        'SELECT "o"."id" AS "ID", "o"."od""d" AS "OD""D" FROM "bronze"."orders" AS "o"'
    )


def test_star_is_written_out_without_the_columns_that_tell_where_a_row_came_from() -> None:
    assert "_upload_id" not in render("SELECT * FROM bronze.orders", SCHEMAS, "duckdb")


def test_another_dialect_is_refused() -> None:
    with pytest.raises(ValueError, match="the dialects are duckdb"):
        render("SELECT 1 AS a", SCHEMAS, "mysql")  # type: ignore[arg-type]


def test_a_query_that_does_not_fit_is_refused() -> None:
    with pytest.raises(SqlRefused, match="there is no column 'nope'"):
        render("SELECT nope FROM bronze.orders", SCHEMAS, "duckdb")


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 1 / 0 AS a",
        "SELECT 1 % 0 AS a",
        "SELECT 1 DIV 0 AS a",
        "SELECT 1.5 / 0 AS a",
        "SELECT 1.5e0 / 0.0e0 AS a",
        "SELECT 2147483647 + 1 AS a",
        "SELECT CAST('x' AS int) AS a",
        "SELECT CAST('3.5' AS int) AS a",
        "SELECT (SELECT 1 AS x UNION ALL SELECT 2) AS a",
    ],
)
def test_what_ansi_stops_is_stopped(text: str) -> None:
    with pytest.raises(duckdb.Error), duckdb.connect() as connection:
        connection.execute(render(text, {}, "duckdb")).fetchall()


def test_a_stopped_cast_names_the_value() -> None:
    with duckdb.connect() as connection, pytest.raises(duckdb.Error, match=r"3\.5.* is no int"):
        connection.execute(render("SELECT CAST('3.5' AS int) AS a", {}, "duckdb")).fetchall()
