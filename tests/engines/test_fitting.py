import json

import duckdb
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lakewright.engines.duckdb import fitting, nesting, text
from lakewright.sql import types

KIND = (
    "struct<n:bigint,i:int,f:double,d:decimal(9,2),b:boolean,s:string,"
    "l:array<struct<x:double,y:string>>,m:map<string,bigint>>"
)


def judged(kind: types.Type, values: list[str]) -> list[tuple[bool, object, object]]:
    """Of each text whether it fits, what the lenient cast makes of it, and what the strict one."""
    cast = nesting.from_json(kind)
    candidate = cast.candidate("given")
    rows = ", ".join(f"({i}, {text.literal(value)})" for i, value in enumerate(values))
    with duckdb.connect() as connection:
        fitting.create(connection)
        return connection.execute(
            f"SELECT {fitting.fits('given', kind)}, CAST({candidate} AS VARCHAR),"
            f" CAST({cast.value('given', candidate, 'false')} AS VARCHAR)"
            f" FROM (VALUES {rows}) AS v(i, given) ORDER BY i"
        ).fetchall()


def fit(kind: str, values: list[str]) -> list[bool]:
    return [found for found, _, _ in judged(types.parse(kind), values)]


NUMBERS = st.one_of(
    st.integers(-3, 3),
    st.sampled_from([2**31, 2**53 + 1, 2**63 - 1, 2**63, 2**64, -(2**63) - 1, 10**30]),
    st.floats(allow_nan=False, allow_infinity=False),
    st.decimals(-99999, 99999, places=2).map(float),
)
SCALARS = st.one_of(
    st.none(), st.booleans(), NUMBERS, st.sampled_from(["", "1", 'a"b', '":', "x:y", "\0", "ä"])
)
ITEMS = st.lists(
    st.one_of(st.none(), st.fixed_dictionaries({}, optional={"x": NUMBERS, "y": SCALARS}))
)
RIGHT = st.fixed_dictionaries(
    {},
    optional={
        "n": st.integers(-(2**63), 2**63 - 1),
        "i": st.integers(-(2**31), 2**31 - 1),
        "f": NUMBERS,
        "d": st.decimals(-99999, 99999, places=2).map(float),
        "b": st.booleans(),
        "s": st.text(max_size=3).filter(lambda word: max(word, default="") <= "\ud7ff"),
        "l": ITEMS,
        "m": st.dictionaries(st.sampled_from(["k", '":']), st.integers(0, 9)),
    },
)
ANY = st.dictionaries(st.sampled_from(["n", "i", "f", "d", "b", "s", "l", "m", "z"]), SCALARS)


@given(
    st.lists(
        st.tuples(st.one_of(RIGHT, ANY), st.sampled_from([(",", ":"), (", ", ": "), (",", " :")])),
        min_size=1,
        max_size=40,
    )
)
@example([({"d": 0.29}, (",", ":")), ({"d": 1e300}, (",", ":")), ({"f": 1e22}, (",", ":"))])
def test_the_lenient_cast_of_what_fits_is_what_the_strict_one_builds(
    records: list[tuple[dict[str, object], tuple[str, str]]],
) -> None:
    values = [json.dumps(record, separators=marks) for record, marks in records]
    for value, (fits, candidate, built) in zip(
        values, judged(types.parse(KIND), values), strict=True
    ):
        assert not fits or candidate == built, value


def test_what_fits_is_found_among_what_does_not() -> None:
    values = [f'{{"a":{n}}}' if n % 7 else f'{{"a":"{n}"}}' for n in range(5000)]
    assert fit("struct<a:bigint>", values) == [bool(n % 7) for n in range(5000)]


@pytest.mark.parametrize(
    ("kind", "value", "is_fit"),
    [
        ("struct<a:bigint,b:string>", '{"b":"x","a":1}', True),
        ("struct<a:bigint,b:string>", '{"b": "x:y"}', True),
        ("struct<a:bigint>", '{"a":1,"a":2}', False),
        ("struct<a:bigint>", '{"a" :1,"a":2}', False),
        ("struct<a:bigint,b:string>", '{"a":1,"b":"x:y","a":2}', False),
        ("struct<a:bigint>", '{"a":1,"z":2}', False),
        ("struct<a:bigint>", '{"A":1}', False),
        ("struct<a:bigint>", '{"a":1.0}', False),
        ("struct<a:bigint>", '{"a":true}', False),
        ("struct<a:bigint>", '{"a":9223372036854775808}', False),
        ("struct<a:int>", '{"a":2147483648}', False),
        ("struct<a:double>", '{"a":1.10}', True),
        ("struct<a:double>", '{"a":1e400}', False),
        ("struct<a:boolean>", '{"a":1}', False),
        ("struct<a:string>", '{"a":1}', True),
        ("struct<a:string>", '{"a":1.50}', False),
        ("struct<a:struct<b:int>>", '{"a":5}', False),
        ("struct<a:array<int>>", '{"a":[1,null,3]}', True),
        ("struct<a:array<int>>", '{"a":5}', False),
        ("array<struct<a:int>>", '[{"a":1},null,{}]', True),
        ("array<int>", "[1", False),
        ("array<int>", "null", False),
        ("map<string,int>", '{"a":1,"b":null}', True),
        ("map<string,int>", '{"a":1,"a":2}', False),
        ("struct<a:decimal(5,2)>", '{"a":1.10}', True),
        ("struct<a:decimal(5,2)>", '{"a":1.125}', False),
        ("struct<a:decimal(5,2)>", '{"a":1000}', False),
        ("struct<a:decimal(5,2)>", '{"a":1.1000000000000000001}', False),
    ],
)
def test_a_text_fits_if_a_lenient_cast_loses_nothing_of_it(
    kind: str, value: str, is_fit: bool
) -> None:
    assert fit(kind, [value]) == [is_fit]


@pytest.mark.parametrize("kind", ["struct<a:date>", "map<int,string>", "array<binary>"])
def test_what_is_written_in_several_ways_is_never_proved(kind: str) -> None:
    assert not fitting.may_fit(types.parse(kind))
