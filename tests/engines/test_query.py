"""A question is answered in batches with the types that portable SQL gives it, or refused."""

from typing import TYPE_CHECKING

import pytest

from lakewright.engines.duckdb import query, writing
from lakewright.errors import RunFailed, SqlRefused
from lakewright.sql import quoting

if TYPE_CHECKING:
    from tests.engines.conftest import Bench

COLUMNS = "id bigint, price decimal(9,2), at timestamp"


def test_an_answer_has_the_schema_of_portable_sql(bench: "Bench") -> None:
    table = bench.table("gold.x", COLUMNS, [(1, None, None), (2, None, None)])
    sql = "SELECT id, price, at FROM gold.x ORDER BY id DESC LIMIT 1"
    schema, reader = query.query(bench.connection, sql, {"gold.x": table})
    assert [str(field.type) for field in schema.fields] == ["bigint", "decimal(9,2)", "timestamp"]
    assert reader.read_all().to_pylist() == [{"id": 2, "price": None, "at": None}]


def test_answers_can_be_read_side_by_side(bench: "Bench") -> None:
    table = bench.table("gold.x", "id bigint", [(1,), (2,)])
    sql = "SELECT id FROM gold.x ORDER BY id"
    readers = [query.query(bench.connection, sql, {"gold.x": table})[1] for _ in range(2)]
    assert [reader.read_all().to_pydict() for reader in readers] == [{"id": [1, 2]}] * 2


def test_a_table_that_is_not_there_is_refused(bench: "Bench") -> None:
    with pytest.raises(SqlRefused):
        query.query(bench.connection, "SELECT id FROM gold.y", {})


@pytest.mark.parametrize("text", ["x", 'it\'s "⟧"', "two\nlines"])
def test_a_text_that_cannot_be_cast_is_quoted_as_it_is(bench: "Bench", text: str) -> None:
    literal = quoting.text(text).replace("''", "\\'")
    with pytest.raises(RunFailed) as caught:
        query.query(bench.connection, f"SELECT CAST({literal} AS int)", {})[1].read_all()
    assert caught.value.why == f"{text!r} is no int"


@pytest.mark.parametrize("rows", [1, 200_000], ids=["at once", "after the first batches"])
def test_a_row_that_cannot_be_computed_fails_the_question(bench: "Bench", rows: int) -> None:
    target = bench.target("gold.x", bench.schema("id bigint"))
    select = f"SELECT {rows} - i AS id FROM range({rows}) AS t(i)"
    table = bench.files(target, writing.copy(bench.connection, select, target, "rows"))
    sql = "SELECT 1 / (id - 1) AS x FROM gold.x"
    with pytest.raises(RunFailed) as caught:
        query.query(bench.connection, sql, {"gold.x": table})[1].read_all()
    assert caught.value.what == "the query cannot compute a row"
