import duckdb
import pytest

from lakewright.engines.duckdb import fitting, nesting, text, typing
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
        fitting.create(connection)
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
                "[1": "<not JSON, as a value of type array<bigint> is: unexpected end of data:"
                " line 1 column 3 (char 2)>",
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
            "struct<`a{`:int,`{0}`:string>",
            {'{"a{": 1, "{0}": "x"}': "{'a{': 1, '{0}': x}"},
        ),
        (
            "map<string,date>",
            {
                '{"x": "2024-01-31", "y": null}': "{x=2024-01-31, y=NULL}", "{}": "{}",
                '{"x": "2024-01-3j"}': "<$.x: not a date such as 2024-01-31>",
                '{"x": null, "x": null}': "<$ has a key twice>",
            },
        ),
        (
            "array<string>",
            {
                '["a",null,1.50,{"b":[1,"c"]},[[]],true]':
                """[a, NULL, 1.50, '{"b":[1,"c"]}', '[[]]', true]""",
                '[1.10,1e5,1.0000000000000001,{"v":1.10,"w":"1.10"},[[2.0E1,0.00001]]]':
                """[1.10, 1e5, 1.0000000000000001, '{"v":1.10,"w":"1.10"}', '[[2.0E1,0.00001]]']""",
                '[12345678901234567.25,"12345678901234567.25",-0.10000000000000000555]':
                "[12345678901234567.25, 12345678901234567.25, -0.10000000000000000555]",
            },
        ),
        (
            "struct<n:decimal(38,2),s:string>",
            {
                '{"n":12345678901234567.25,"s":"1.5, \\"12345678901234567.25\\":"}':
                """{'n': 12345678901234567.25, 's': '1.5, "12345678901234567.25":'}""",
                '{"s":"x\\u0001y","n":123456789012345678901234567890123456}':
                "{'n': 123456789012345678901234567890123456.00, 's': x\x01y}",
                '{"n":1e400}': "<$.n: more digits before the point than decimal(38,2) has>",
            },
        ),
        ("map<int,string>", {'{"1": "a"}': "{1=a}", '{"q": 1}': "<$ has the key q, not a int>"}),
        (
            "array<struct<at:timestamp,tags:array<string>>>",
            {
                '[{"at": "2024-01-31T10:00:00+02:00", "tags": ["a", "b"]}, null]':
                "[{'at': '2024-01-31 08:00:00+00', 'tags': [a, b]}, NULL]",
                '[{"tags": ["a"]}, {"at": "now", "tags": {}}]':
                "<$[1].at: not a timestamp such as 2024-01-31T10:00:00Z;"
                " $[1].tags is no array: a JSON array is needed>",
            },
        ),
    ],
)  # fmt: skip
def test_json_that_fits_everywhere_is_a_value_and_any_other_names_its_paths(
    kind: str, expected: dict[str, str | None]
) -> None:
    found = read(types.parse(kind), list(expected))
    assert dict(zip(expected, found, strict=True)) == expected


@pytest.mark.parametrize(
    ("kind", "text_in", "value"),
    [
        ("struct<a:bigint,b:string>", '{"a":1,"b":"x"}', "{'a': 1, 'b': x}"),
        ("struct<a:bigint,b:string>", '{"b":"x"}', "{'a': NULL, 'b': x}"),
        ("struct<a:bigint,b:string>", '{"b":"x","a":"1"}', "{'a': 1, 'b': x}"),
        ("struct<a:bigint>", '{"a":9223372036854775808}', None),
        ("struct<a:int>", '{"a":2147483648}', None),
        ("struct<a:bigint>", '{"a":1.0}', None),
        ("struct<a:boolean>", '{"a":"yes"}', "{'a': true}"),
        ("struct<a:boolean>", '{"a":"maybe"}', None),
        ("struct<a:double>", '{"a":1}', "{'a': 1.0}"),
        ("struct<a:double>", '{"a":1e400}', None),
        ("struct<a:decimal(3,1)>", '{"a":1.25}', None),
        ("struct<a:binary>", '{"a":"AAE="}', "{'a': \\x00\\x01}"),
        ("struct<a:date>", '{"a":"0044-03-15 (BC)"}', None),
        ("struct<a:date>", '{"a":"infinity"}', None),
        ("struct<a:array<bigint>>", '{"a":[1,2,null]}', "{'a': [1, 2, NULL]}"),
        ("struct<a:array<bigint>>", '{"a":1}', None),
        ("array<struct<a:bigint>>", '[{"a":1},{"b":1}]', None),
        ("array<struct<a:bigint>>", '[{"a":1,"a":1}]', None),
    ],
)
def test_a_value_is_the_same_whichever_way_it_is_built(
    kind: str, text_in: str, value: str | None
) -> None:
    with_blanks = text_in.replace(":", ": ")  # Never prints as it was written.
    for written in (text_in, with_blanks):
        [found] = read(types.parse(kind), [written])
        assert found == value if value else str(found).startswith("<$"), written


@pytest.mark.parametrize(
    "written",
    [
        '{"a":1,}', '{"a":[1,],"b":2}', '{"a":{"x":1,}}', '{"a":NaN}', '{"a":-Infinity}',
        '{"a":nan}', '{"a":{"x":Infinity}}', "{'a':1}", "{a:1}", '{"a":1}//x', '{"a":/**/1}',
        '{"a":01}', '{"a":+1}', '{"a":.5}', '{"a":1.}', '{"a":0x1F}', '{"a":True}', '{"a":"\\x"}',
        '{"a":"\\ud800"}', '{"a":"\\udc00\\ud800"}', '{"a":1e400,"b":"\\ud800"}', '{"a":"\t"}',
        '{"a":1}{"a":2}', '{"a":1}]', '{"a":1e400,}', '{"a":1e400,"b":NaN}', "\ufeff{}", "",
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "kind",
    [
        "struct<a:string,b:string>", "struct<a:double,b:double>", "map<string,string>",
        "struct<a:array<bigint>,b:int>", "struct<a:decimal(9,2)>",
    ],
)  # fmt: skip
def test_what_is_not_json_to_the_letter_is_no_value(kind: str, written: str) -> None:
    [found] = read(types.parse(kind), [written])
    assert str(found).startswith(("<not JSON, as a value of type", "<$")), found
    [found] = read(types.parse("map<string,string>"), [written])
    assert str(found).startswith("<not JSON, as a value of type map<string,string> is: "), found
    assert not str(found).endswith(": >")


@pytest.mark.parametrize(
    "number",
    [
        "1.10", "1e5", "1E+5", "0.00001", "1e400", "-0.0", "12345678901234567890",
        "0.30000000000000004",
        "0.123456789012345678", "9007199254740993.0", "18446744073709551616", "1e-400", "1" * 60,
    ],
)  # fmt: skip
def test_a_number_keeps_its_digits_where_a_text_is_wanted(number: str) -> None:
    nested = f'{{"q":[{number}]}}'
    for kind in ("struct<a:string,b:string>", "map<string,string>"):
        [found] = read(types.parse(kind), [f'{{"a":{number},"b":{nested}}}'])
        assert number in str(found)
        assert nested in str(found)


def test_structs_of_many_fields_are_read(  # The engine was once asked for lists 500 deep.
) -> None:
    kind = types.Struct(tuple((f"f{number}", types.BIGINT) for number in range(300)))
    [found] = read(kind, ['{"f299": 7}'])
    assert str(found).endswith("'f299': 7}")


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("array<unknown>", "cannot be read as"),
        ("array<" * 9 + "int" + ">" * 9, "lists within lists"),
    ],
)
def test_a_type_that_cannot_be_read_is_refused_when_the_cast_is_made(
    kind: str, reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        nesting.from_json(types.parse(kind))
