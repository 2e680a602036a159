from decimal import Decimal

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakewright.engines.duckdb import casting, text, typing
from lakewright.sql import types


def read(
    kind: types.Type, values: list[str | None], *, pattern: str | None = None, separator: str = "."
) -> list[str | None]:
    """Each value as DuckDB prints it once typed; a refused one as its code in angle brackets."""
    field = typing.Field(
        name="value",
        kind=kind,
        source="given",
        cast=casting.from_text(kind, pattern=pattern, separator=separator),
        is_required=False,
    )
    rows = ", ".join(
        f"({i}, {'NULL::VARCHAR' if v is None else text.literal(v)})" for i, v in enumerate(values)
    )
    query = typing.typed(f"SELECT * FROM (VALUES {rows}) AS v(i, given)", [field])
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        found = connection.execute(
            f"SELECT CASE WHEN {typing.ACCEPTED} THEN CAST({typing.value_name(0)} AS VARCHAR)"
            f" ELSE '<' || {typing.reasons([field])}[1].code || '>' END,"
            f" typeof({typing.value_name(0)}) = typeof(NULL::{text.type_name(kind)})"
            f" FROM ({query}) ORDER BY i"
        ).fetchall()
    assert all(is_of_kind for _, is_of_kind in found)
    return [value for value, _ in found]


SIMPLE = ("int", "bigint", "float", "double", "boolean", "string", "binary", "date", "timestamp",
          "timestamp_ntz")  # fmt: skip

CASES: list[tuple[str, dict[str | None, str | None]]] = [
    (
        "bigint",
        {
            "42": "42", "-7": "-7", "+7": "7", "007": "7", "-0": "0", None: None,
            "9223372036854775807": "9223372036854775807",
            "-9223372036854775808": "-9223372036854775808",
            "9223372036854775808": "<out_of_range>", "1.0": "<not_a_bigint>",
            "1.": "<not_a_bigint>", "1e3": "<not_a_bigint>", " 1": "<not_a_bigint>",
            "1 ": "<not_a_bigint>", "1\n": "<not_a_bigint>", "1_000": "<not_a_bigint>",
            "0x1F": "<not_a_bigint>", "0b1": "<not_a_bigint>", "": "<not_a_bigint>",
            "-": "<not_a_bigint>", "１": "<not_a_bigint>", "x": "<not_a_bigint>",
        },
    ),
    ("int", {"2147483647": "2147483647", "2147483648": "<out_of_range>", "1.5": "<not_an_int>"}),
    (
        "decimal(12,2)",
        {
            "1": "1.00", "1.5": "1.50", "-1.25": "-1.25", "+.5": "0.50", "1.": "1.00",
            ".125": "<too_precise>", ".120": "0.12",
            "1.230": "1.23", "00001.50": "1.50", "9999999999.99": "9999999999.99",
            "1.234": "<too_precise>", "1.005": "<too_precise>", "10000000000": "<out_of_range>",
            "1e2": "100.00", "1.25E1": "12.50", "1e-3": "<too_precise>", "1e20": "<out_of_range>",
            " 1": "<not_a_decimal>", "1_0.5": "<not_a_decimal>", "": "<not_a_decimal>",
            ".": "<not_a_decimal>", "inf": "<not_a_decimal>", "1,5": "<not_a_decimal>",
        },
    ),
    ("decimal(5,0)", {"12": "12", "12.0": "12", "12.5": "<too_precise>"}),
    (
        "double",
        {
            "1": "1.0", "1.5": "1.5", "1e3": "1000.0", "-.5": "-0.5", "5.": "5.0", "1E-5": "1e-05",
            "NaN": "nan", "Infinity": "inf", "-inf": "-inf", "1e400": "<out_of_range>",
            "1e-400": "0.0", " 1": "<not_a_double>", "1_0": "<not_a_double>",
            "infinit": "<not_a_double>", "": "<not_a_double>", "1d": "<not_a_double>",
        },
    ),
    ("float", {"0.5": "0.5", "1e39": "<out_of_range>"}),
    (
        "boolean",
        {
            "true": "true", "TRUE": "true", "t": "true", "1": "true", "yes": "true",
            "False": "false", "f": "false", "0": "false", "N": "false",
            "2": "<not_a_boolean>", "": "<not_a_boolean>", " true": "<not_a_boolean>",
        },
    ),
    (
        "date",
        {
            "2024-01-31": "2024-01-31", "0001-01-01": "0001-01-01", "9999-12-31": "9999-12-31",
            "2024-02-30": "<out_of_range>", "0000-01-01": "<out_of_range>",
            "2024-1-3": "<not_a_date>", "2024-01-3 ": "<not_a_date>", "2024-01-3j": "<not_a_date>",
            "2024-01-31junk": "<not_a_date>", "2024-01-31 (BC)": "<not_a_date>",
            "infinity": "<not_a_date>", "epoch": "<not_a_date>", "10000-01-01": "<not_a_date>",
            "2024/01/31": "<not_a_date>", "2024-01-31 00:00:00": "<not_a_date>",
        },
    ),
    (
        "timestamp_ntz",
        {
            "2024-01-31 10:00:00": "2024-01-31 10:00:00",
            "2024-01-31T10:00:00": "2024-01-31 10:00:00",
            "2024-01-31T10:00": "2024-01-31 10:00:00",
            "2024-01-31": "2024-01-31 00:00:00",
            "2024-01-31 10:00:00.120": "2024-01-31 10:00:00.12",
            "2024-01-31 10:00:00.123456000": "2024-01-31 10:00:00.123456",
            "2024-01-31 10:00:00.1234567": "<too_precise>",
            "2024-01-31 24:00:00": "<out_of_range>", "2024-01-31 10:00:60": "<out_of_range>",
            "2024-02-30 10:00:00": "<out_of_range>", "2024-01-31 10:00:00Z": "<has_a_zone>",
            "2024-01-31 10:00:00+02:00": "<has_a_zone>",
            "2024-01-31  10:00:00": "<not_a_timestamp_ntz>",
            "2024-01-31 10:00:0 ": "<not_a_timestamp_ntz>",
            "2024-01-31 10:00:00.": "<not_a_timestamp_ntz>",
            "2024-01-31 10:00:00 UTC": "<not_a_timestamp_ntz>",
            "0044-03-15 10:00:00 (BC)": "<not_a_timestamp_ntz>",
            "10000-01-31 10:00:00": "<not_a_timestamp_ntz>", "infinity": "<not_a_timestamp_ntz>",
        },
    ),
    (
        "timestamp",
        {
            "2024-01-31 10:00:00": "2024-01-31 10:00:00+00",
            "2024-01-31": "2024-01-31 00:00:00+00",
            "2024-01-31T10:00:00Z": "2024-01-31 10:00:00+00",
            "2024-01-31T10:00Z": "2024-01-31 10:00:00+00",
            "2024-01-31T10:00+02:00": "2024-01-31 08:00:00+00",
            "2024-01-31 10:00:00+02:00": "2024-01-31 08:00:00+00",
            "2024-01-31T10:00:00.5-0530": "2024-01-31 15:30:00.5+00",
            "2024-01-31 10:00:00+02": "2024-01-31 08:00:00+00",
            "2024-01-31 10:00:00+25:00": "<not_a_timestamp>",
            "2024-01-31 10:00:00+02:75": "<not_a_timestamp>",
            "2024-01-31 10:00:00 +02:00": "<not_a_timestamp>",
            "2024-01-31 24:00:00Z": "<out_of_range>",
            "2024-01-31 10:00:00.1234567Z": "<too_precise>",
            "2024-01-31T10:00:00z": "<not_a_timestamp>",
            "2024-01-31 10:00:00 Europe/Berlin": "<not_a_timestamp>",
        },
    ),
    ("binary", {"YWJj": "abc", "YWI=": "ab", "": "", "YWI": "<not_a_binary>"}),
    ("string", {"": "", " a ": " a ", "NA": "NA"}),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "expected"), CASES, ids=[kind for kind, _ in CASES])
def test_a_text_is_read_exactly_or_refused_with_its_reason(
    kind: str, expected: dict[str | None, str | None]
) -> None:
    found = read(types.parse(kind), list(expected))
    assert dict(zip(expected, found, strict=True)) == expected


@pytest.mark.parametrize(
    ("kind", "pattern", "expected"),
    [
        (
            "date",
            "dd/MM/yyyy",
            {
                "31/01/2024": "2024-01-31", "31/02/2024": "<out_of_range>",
                "1/01/2024": "<not_a_date>", "31/01/24": "<not_a_date>",
                " 31/01/2024": "<not_a_date>", "2024-01-31": "<not_a_date>",
            },
        ),
        ("date", "d.M.yy", {"1.2.69": "2069-02-01", "01.02.24": "2024-02-01"}),
        ("date", "yyyyMMdd", {"20240131": "2024-01-31", "2024013": "<not_a_date>"}),
        ("date", "d MMM yyyy", {"1 Jan 2024": "2024-01-01", "1 JAN 2024": "2024-01-01"}),
        (
            "timestamp_ntz",
            "MM/dd/yyyy hh:mm a",
            {
                "01/31/2024 12:05 AM": "2024-01-31 00:05:00",
                "01/31/2024 13:05 AM": "<out_of_range>",
            },
        ),
        (
            "timestamp",
            "dd.MM.yyyy HH:mm:ss.SSS",
            {"31.01.2024 10:00:00.120": "2024-01-31 10:00:00.12+00"},
        ),
        (
            "timestamp",
            "yyyy-MM-dd'T'HH:mm:ssXXX",
            {
                "2024-01-31T10:00:00+02:00": "2024-01-31 08:00:00+00",
                "2024-01-31T10:00:00Z": "2024-01-31 10:00:00+00",
                "2024-01-31T10:00:00+0200": "<not_a_timestamp>",
            },
        ),
    ],
)  # fmt: skip
def test_a_date_is_read_as_its_format_says_and_no_other_way(
    kind: str, pattern: str, expected: dict[str | None, str | None]
) -> None:
    found = read(types.parse(kind), list(expected), pattern=pattern)
    assert dict(zip(expected, found, strict=True)) == expected


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (
            "decimal(12,2)",
            {
                "12,50": "12.50", "12,5": "12.50", "-1": "-1.00", "12.50": "<not_a_decimal>",
                "1.234,50": "<not_a_decimal>", "1,234": "<too_precise>",
            },
        ),
        ("double", {"0,5": "0.5", "1,5e3": "1500.0", "0.5": "<not_a_double>"}),
    ],
)  # fmt: skip
def test_with_a_decimal_comma_a_point_is_no_number(
    kind: str, expected: dict[str | None, str | None]
) -> None:
    found = read(types.parse(kind), list(expected), separator=",")
    assert dict(zip(expected, found, strict=True)) == expected


def test_what_no_text_can_be_is_refused_when_the_cast_is_made() -> None:
    with pytest.raises(ValueError, match="cannot be read as"):
        casting.from_text(types.parse("array<int>"))
    with pytest.raises(ValueError, match="says a zone"):
        casting.from_text(types.TIMESTAMP_NTZ, pattern="yyyy-MM-dd HH:mm:ssXXX")


@pytest.mark.parametrize(
    ("kind", "pattern", "expected"),
    [
        ("double", "0,0", {"1,5": "1.5", "2": "2.0", "1.5": "<not_a_double>"}),
        ("bigint", "#,##0", {
            "1,234,567": "1234567", "-1,234": "-1234", "1234": "1234", "12": "12",
            "1,23": "<not_a_bigint>", "1234,567": "<not_a_bigint>", "1,234.5": "<not_a_bigint>",
            "9,223,372,036,854,775,808": "<out_of_range>", "": "<not_a_bigint>",
            ",": "<not_a_bigint>",
        }),
        ("decimal(9,2)", "#.##0,00 €", {
            "1.234,50 €": "1234.50", "1234,5 €": "1234.50", "-0,05 €": "-0.05", ",5 €": "0.50",
            "1.234,505 €": "<too_precise>", "5": "<not_a_decimal>", "5€": "<not_a_decimal>",
            "99.999.999,00 €": "<out_of_range>", "1.23,50 €": "<not_a_decimal>",
        }),
        ("decimal(9,2)", "$#,##0.00", {
            "$1,234.5": "1234.50", "-$5": "-5.00", "$-5": "-5.00", "-$-5": "<not_a_decimal>",
        }),
        ("double", "# ##0,0", {
            "1 234 567,5": "1234567.5", "1\u00a0234": "1234.0", "1\u202f234,5": "1234.5",
            "1 234\u00a0567": "<not_a_double>", "1 23": "<not_a_double>",
        }),
        ("double", "#'##0.0", {"1'234.5": "1234.5", "1\u2019234": "1234.0"}),
        ("double", "0.0%", {
            "12.5%": "0.125", "7.1%": "0.071", "-150%": "-1.5", "0.5%": "0.005", ".5%": "0.005",
            "12.5": "<not_a_double>", "12.5 %": "<not_a_double>",
        }),
        ("decimal(5,3)", "0,0 %", {
            "12,5 %": "0.125", "12,55 %": "<too_precise>", "100 %": "1.000",
        }),
        ("int", "Fr. 0", {"Fr. 5": "5", "Fr. -5": "-5", "Fr 5": "<not_an_int>"}),
    ],
)  # fmt: skip
def test_a_number_is_read_as_its_format_says_and_no_other_way(
    kind: str, pattern: str, expected: dict[str | None, str | None]
) -> None:
    found = read(types.parse(kind), list(expected), pattern=pattern)
    assert dict(zip(expected, found, strict=True)) == expected


@given(
    number=st.decimals(-(10**9), 10**9, places=2), mark=st.sampled_from([",", ".", " ", "'"]),
    unit=st.sampled_from(["", "$", "EUR ", "kr. "]),
)  # fmt: skip
@settings(max_examples=50)
def test_a_number_written_for_people_is_the_number(number: Decimal, mark: str, unit: str) -> None:
    point = "," if mark == "." else "."
    text = f"{number:,.2f}".replace(".", "|").replace(",", mark).replace("|", point)
    text = f"-{unit}{text[1:]}" if text.startswith("-") else f"{unit}{text}"
    pattern = f"{unit}#{mark}##0{point}00"
    (found,) = read(types.Decimal(12, 2), [text], pattern=pattern)
    assert found is not None
    assert Decimal(found) == number


@pytest.mark.parametrize("pattern", [None, "dd.MM.yyyy", "#.##0,00"])
@pytest.mark.parametrize("kind", [*map(types.parse, SIMPLE), types.parse("decimal(9,2)")])
def test_a_cast_that_refuses_the_empty_text_makes_nothing_of_it(
    kind: types.Type, pattern: str | None
) -> None:
    try:
        cast = casting.from_text(kind, pattern=pattern, separator=",")
    except ValueError:
        return
    with duckdb.connect() as connection:
        (row,) = connection.execute(
            f"SELECT {cast.candidate('given')} FROM (SELECT '' AS given)"
        ).fetchall()
    assert not cast.refuses_empty or row == (None,)
