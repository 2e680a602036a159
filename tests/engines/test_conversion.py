import duckdb
import pytest

from lakewright.engines.duckdb import casting, conversion, typing
from lakewright.engines.duckdb.casting import Cast
from lakewright.sql import types


def convert(cast: Cast, kind: types.Type, source: str, values: list[str]) -> list[str | None]:
    """Each value as DuckDB prints it once converted; a refused one as its code in brackets."""
    field = typing.Field(name="value", kind=kind, source="given", cast=cast, is_required=False)
    rows = ", ".join(f"({i}, CAST({value} AS {source}))" for i, value in enumerate(values))
    query = typing.typed(f"SELECT * FROM (VALUES {rows}) AS v(i, given)", [field])
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        found = connection.execute(
            f"SELECT CASE WHEN {typing.ACCEPTED} THEN CAST({typing.value_name(0)} AS VARCHAR)"
            f" ELSE '<' || {typing.reasons([field])}[1].code || '>' END FROM ({query}) ORDER BY i"
        ).fetchall()
    return [value for (value,) in found]


@pytest.mark.parametrize(
    ("source", "kind", "expected"),
    [
        ("BIGINT", "int", {"7": "7", "2147483648": "<out_of_range>", "NULL": None}),
        ("BIGINT", "double", {"7": "7.0", "9007199254740993": "9007199254740992.0"}),
        ("UBIGINT", "bigint", {"18446744073709551615": "<out_of_range>"}),
        ("DOUBLE", "bigint", {"2.0": "2", "2.5": "<lossy_conversion>", "1e300": "<out_of_range>"}),
        ("DOUBLE", "decimal(5,2)", {"2.5": "2.50", "2.125": "<lossy_conversion>"}),
        ("DOUBLE", "float", {"0.1": "0.1", "1e39": "<out_of_range>", "'nan'": "nan"}),
        ("DECIMAL(9,3)", "decimal(9,2)", {"1.5": "1.50", "1.125": "<lossy_conversion>"}),
        (
            "TIMESTAMP",
            "date",
            {"'2024-01-31'": "2024-01-31", "'2024-01-31 10:00:00'": "<lossy_conversion>"},
        ),
        ("DATE", "timestamp_ntz", {"'2024-01-31'": "2024-01-31 00:00:00"}),
        ("DATE", "date", {"'infinity'": "<lossy_conversion>", "'9999-12-31'": "9999-12-31"}),
        (
            "TIMESTAMP_NS",
            "timestamp_ntz",
            {
                "'2024-01-31 10:00:00.000001'": "2024-01-31 10:00:00.000001",
                "'2024-01-31 10:00:00.000000001'": "<lossy_conversion>",
            },
        ),
        ("BLOB", "string", {"'ab'": "ab", r"'\xFF'": "<not_a_string>"}),
        ("UUID", "string", {"'00000000-0000-0000-0000-00000000000f'":
                            "00000000-0000-0000-0000-00000000000f"}),
        ("STRUCT(a INTEGER)", "string", {"{'a': 1}": '{"a":1}'}),
        ("STRUCT(a INTEGER)", "struct<a:bigint,b:int>", {"{'a': 1}": "{'a': 1, 'b': NULL}"}),
        ("STRUCT(a INTEGER, z INTEGER)", "struct<a:bigint>", {"{'a': 1, 'z': 2}":
                                                              "<lossy_conversion>"}),
        ("DOUBLE[]", "array<int>", {"[1.0]": "[1]", "[1.5]": "<lossy_conversion>"}),
        ("BLOB", "int", {"'7'": "<wrong_type>"}),
        ("VARCHAR", "int", {"'7'": "7", "'7.0'": "<not_an_int>"}),
    ],
)  # fmt: skip
def test_a_value_is_converted_only_without_loss(
    source: str, kind: str, expected: dict[str, str | None]
) -> None:
    wanted = types.parse(kind)
    found = convert(conversion.from_value(source, wanted), wanted, source, list(expected))
    assert dict(zip(expected, found, strict=True)) == expected


def test_a_default_stands_in_for_null_and_for_nothing_else() -> None:
    kind = types.Decimal(5, 2)
    cast = conversion.with_default(
        conversion.from_value("DOUBLE", kind), casting.from_text(kind), "1.5"
    )
    found = convert(cast, kind, "DOUBLE", ["NULL", "2.5", "2.125"])
    assert found == ["1.50", "2.50", "<lossy_conversion>"]
