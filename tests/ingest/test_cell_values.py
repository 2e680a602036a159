"""What a cell's stored number or text says, against examples from Excel's own documentation."""

import math
from datetime import datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from openpyxl.styles.numbers import BUILTIN_FORMATS, is_date_format
from openpyxl.utils import get_column_letter
from openpyxl.utils.datetime import to_excel

from lakewright.ingest import cell_values
from lakewright.ingest.cell_values import Look


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        ("1", "1"),
        ("-7", "-7"),
        ("1.0", "1"),
        ("1E3", "1000"),
        ("0.1", "0.1"),
        ("19.989999999999998", "19.99"),  # As Excel stores 19.99: in 17 digits.
        ("0.30000000000000004", "0.30000000000000004"),
        ("1.5E-7", "1.5e-07"),
        ("1E+20", "1e+20"),
        ("12345678901234567890", "12345678901234567890"),
        ("-12345678901234567890123", "-12345678901234567890123"),
    ],
)
def test_a_number_is_the_shortest_text_that_says_the_same(stored: str, shown: str) -> None:
    assert cell_values.number_text(stored) == (shown, None)


@pytest.mark.parametrize("stored", ["x", "NaN", "1e999", "-INF", "1_000", "0x10", "1 2", "1e"])
def test_what_is_no_number_is_refused(stored: str) -> None:
    assert cell_values.number_text(stored)[1] == f"{stored} is no number"


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_double_comes_back(value: float) -> None:
    text, problem = cell_values.number_text(repr(value))
    assert problem is None
    assert float(text) == value


@pytest.mark.parametrize(
    ("value", "look", "shown"),
    [
        (45322.0, Look.DATE, "2024-01-31"),
        (45322.5, Look.DATE, "2024-01-31 12:00:00"),
        (45322.0, Look.MOMENT, "2024-01-31 00:00:00"),
        (45322.999999999, Look.MOMENT, "2024-02-01 00:00:00"),
        (0.5, Look.TIME, "12:00:00"),
        (0.5, Look.MOMENT, None),
        (45322.25, Look.TIME, "2024-01-31 06:00:00"),
        (1.5, Look.DURATION, "36:00:00"),
        (-0.25, Look.DURATION, "-06:00:00"),
        (1.0, Look.DATE, "1900-01-01"),
        (59.0, Look.DATE, "1900-02-28"),
        (60.0, Look.DATE, "1900-02-29"),  # Excel has that day; no calendar has.
        (61.0, Look.DATE, "1900-03-01"),
        (2958465.0, Look.DATE, "9999-12-31"),
        (2958466.0, Look.DATE, None),
        (0.0, Look.DATE, None),
        (-1.0, Look.MOMENT, None),
        (1e300, Look.DATE, None),
        (math.inf, Look.TIME, None),
    ],
)
def test_a_number_of_days_is_the_date_that_excel_shows(
    value: float, look: Look, shown: str | None
) -> None:
    text, problem = cell_values.moment_text(value, look, has_1904_dates=False)
    assert (None if problem else text) == shown


def test_workbooks_of_old_macs_count_from_1904() -> None:
    found = cell_values.moment_text(0.0, Look.DATE, has_1904_dates=True)
    assert found == ("1904-01-01", None)


@given(st.datetimes(datetime(1900, 3, 1), datetime(9999, 12, 31)))  # noqa: DTZ001
def test_dates_come_back_to_the_millisecond(moment: datetime) -> None:
    serial = to_excel(moment)  # type: ignore[no-untyped-call]
    text, problem = cell_values.moment_text(serial, Look.MOMENT, has_1904_dates=False)
    assert problem is None
    difference = datetime.fromisoformat(text.ljust(23, "0") if "." in text else text) - moment
    assert abs(difference) <= timedelta(milliseconds=1)


@pytest.mark.parametrize(
    ("code", "look"),
    [
        ("General", Look.NUMBER),
        ("0.00", Look.NUMBER),
        ("#,##0.00 [$€-407]", Look.NUMBER),
        ("0.00E+00", Look.NUMBER),
        ('0 "days"', Look.NUMBER),
        ("[Red]0;[Blue]-0", Look.NUMBER),
        ("@", Look.NUMBER),
        ("yyyy-mm-dd", Look.DATE),
        ("[$-409]d\\-mmm\\-yy;@", Look.DATE),
        ("dd.mm.yyyy hh:mm", Look.MOMENT),
        ("yyyy-mm-dd hh:mm:ss.000", Look.MOMENT),
        ("h:mm AM/PM", Look.TIME),
        ("mm:ss.0", Look.TIME),
        ("[h]:mm:ss", Look.DURATION),
        ("[mm]:ss", Look.DURATION),
        ("mmmm", Look.DATE),
    ],
)
def test_a_format_code_says_what_a_number_stands_for(code: str, look: Look) -> None:
    assert cell_values.look_of(code) is look


@pytest.mark.parametrize("number", sorted(BUILTIN_FORMATS))
def test_built_in_formats_are_dates_where_another_reader_says_so(number: int) -> None:
    look = cell_values.BUILT_IN.get(str(number), Look.NUMBER)
    assert (look is not Look.NUMBER) == is_date_format(BUILTIN_FORMATS[number])


@pytest.mark.parametrize(
    ("stored", "text"),
    [
        ("plain_text", "plain_text"),
        ("a_x000D_b", "a\rb"),
        ("_x005F_x000D_", "_x000D_"),
        ("_xD83D__xDE00_", "😀"),
        ("_xD83D_", "\ufffd"),
        ("_x00_", "_x00_"),
    ],
)
def test_control_characters_are_stored_as_escapes(stored: str, text: str) -> None:
    assert cell_values.unescaped(stored) == text


@given(st.integers(0, 18277))
@example(0)
@example(16383)
def test_columns_have_the_names_that_excel_gives_them(place: int) -> None:
    name = get_column_letter(place + 1)
    assert cell_values.letters(place) == name
    assert cell_values.column_of(f"{name}17") == place
    assert cell_values.row_of(f"{name}17") == 17


@pytest.mark.parametrize("reference", ["17", "AAAA1", "É1", "A-1"])
def test_what_is_no_reference_is_no_column(reference: str) -> None:
    assert cell_values.column_of(reference) == -1
