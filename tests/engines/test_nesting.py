import duckdb
import pytest

from lakewright.engines.duckdb import nesting, text, typing
from lakewright.sql import types


def read(kind: types.Type, values: list[str]) -> list[str | None]:
    """Each value as DuckDB prints it; a refused one as the message of its reason in brackets."""
    field = typing.Field(
        name="value",
        kind=kind,
        source="given",
        cast=nesting.from_json(kind),
        is_required=False,
    )
    rows = ", ".join(f"({i}, {text.literal(value)})" for i, value in enumerate(values))
    query = typing.typed(f"SELECT * FROM (VALUES {rows}) AS v(i, given)", [field])
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        found = connection.execute(
            f"SELECT CASE WHEN {typing.ACCEPTED} THEN CAST({typing.value_name(0)} AS VARCHAR)"
            f" ELSE '<' || {typing.reasons([field])}[1].message || '>' END FROM ({query})"
            " ORDER BY i"
        ).fetchall()
    return [value for (value,) in found]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (
            "array<bigint>",
            {
                "[1, 2, null]": "[1, 2, NULL]", "[]": "[]", '["3"]': "[3]",
                "[1.5, 2, []]": "<$[0]: not a whole number (bigint), such as 42 or -7;"
                " $[2] holds other values, not a bigint>",
                "{}": "<$ is no array: a JSON array is needed>",
                "[1": "<not JSON, as a value of type array<bigint> is>",
            },
        ),
        (
            "struct<a:int,`b/c d`:decimal(5,2)>",
            {
                '{"a": 1, "b/c d": 1.5}': "{'a': 1, 'b/c d': 1.50}",
                "{}": "{'a': NULL, 'b/c d': NULL}",
                '{"b/c d": 1.234, "z": 0}': "<$.z is not in the contract;"
                " $.b/c d: more digits after the point than decimal(5,2) keeps>",
                '{"a": 1, "a": 2}': "<$ has a key twice>",
                "[]": "<$ is no struct: a JSON object is needed>",
            },
        ),
        (
            "map<string,date>",
            {
                '{"x": "2024-01-31", "y": null}': "{x=2024-01-31, y=NULL}", "{}": "{}",
                '{"x": "2024-01-3j"}': "<$.x: not a date such as 2024-01-31>",
                '{"x": null, "x": null}': "<$ has a key twice>",
            },
        ),
        ("map<int,string>", {'{"1": "a"}': "{1=a}", '{"q": 1}': "<$ has the key q, not a int>"}),
        (
            "array<struct<at:timestamp,tags:array<string>>>",
            {
                '[{"at": "2024-01-31T10:00:00+02:00", "tags": ["a", "b"]}, null]':
                "[{'at': '2024-01-31 08:00:00+00', 'tags': [a, b]}, NULL]",
                '[{"tags": ["a"]}, {"at": "now", "tags": [["b"]]}]':
                "<$[1].at: not a timestamp such as 2024-01-31T10:00:00Z;"
                " $[1].tags[0] holds other values, not a string>",
            },
        ),
    ],
)  # fmt: skip
def test_json_that_fits_everywhere_is_a_value_and_any_other_names_its_paths(
    kind: str, expected: dict[str, str | None]
) -> None:
    found = read(types.parse(kind), list(expected))
    assert dict(zip(expected, found, strict=True)) == expected


def test_a_type_that_cannot_be_read_is_refused_when_the_cast_is_made() -> None:
    with pytest.raises(ValueError, match="cannot be read as"):
        nesting.from_json(types.Array(types.UNKNOWN))
