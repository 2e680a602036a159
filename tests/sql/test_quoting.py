from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakewright.sql import types
from lakewright.sql.quoting import Value, duckdb_type, identifier, literal, table, text


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone='UTC'")
        yield connection


@given(value=st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
def test_any_text_comes_back_as_it_went_in(
    connection: duckdb.DuckDBPyConnection, value: str
) -> None:
    assert connection.execute(f"SELECT {text(value)}").fetchone() == (value,)


@given(
    name=st.text(
        alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1
    )
)
def test_any_name_stays_one_name(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    found = connection.execute(f"SELECT 1 AS {identifier(name)}").description
    assert [column[0] for column in found] == [name]


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (None, types.INT),
        (True, types.BOOLEAN),
        (-5, types.INT),
        (2**63 - 1, types.BIGINT),
        (0.1, types.DOUBLE),
        (Decimal("-12.50"), types.Decimal(10, 2)),
        ("it's", types.STRING),
        (b"\x00\xff", types.BINARY),
        (date(2024, 2, 29), types.DATE),
        (datetime(2024, 2, 29, 1, 2, 3, 4), types.TIMESTAMP_NTZ),  # noqa: DTZ001
        (datetime(2024, 2, 29, 1, 2, 3, 4, tzinfo=UTC), types.TIMESTAMP),
    ],
)
def test_a_literal_has_its_type_and_value(
    connection: duckdb.DuckDBPyConnection, value: Value, kind: types.Type
) -> None:
    written = literal(value, kind)
    table = connection.execute(f"SELECT {written} AS v").to_arrow_table()
    wanted = connection.execute(f"SELECT CAST(NULL AS {duckdb_type(kind)}) AS v").to_arrow_table()
    assert (table.schema, table["v"][0].as_py()) == (wanted.schema, value)


def test_a_datetime_must_fit_its_type() -> None:
    with pytest.raises(ValueError, match="zone"):
        literal(datetime(2024, 1, 1, tzinfo=UTC), types.TIMESTAMP_NTZ)


def test_a_text_with_nul_is_refused() -> None:
    with pytest.raises(ValueError, match="NUL"):
        text("a\0b")


def test_a_tables_name_is_quoted_part_by_part() -> None:
    assert table('bronze.o"dd') == '"bronze"."o""dd"'


def test_nested_types_have_their_names() -> None:
    kind = types.parse("struct<`a b`:array<decimal(5,2)>,c:map<string,bigint>>")
    assert duckdb_type(kind) == 'STRUCT("a b" DECIMAL(5,2)[], "c" MAP(VARCHAR, BIGINT))'
