"""Workbooks of another library come back cell by cell; what cannot be trusted is refused."""

import gzip
import io
import json
from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakewright import errors
from lakewright.ingest import packing
from lakewright.project.contract import Column, Contract
from lakewright.project.source import Csv, Excel, FixedWidth, Json, Parquet
from lakewright.sql import types
from tests.ingest import bombs
from tests.ingest.delivered import (
    book,
    land,
    main_since_1904,
    names,
    problems,
    raws,
    rows,
    sheet,
    zipped,
)

Fill = Callable[[openpyxl.Workbook], None]


def written(fill: Fill | Sequence[Sequence[object]]) -> bytes:
    """A workbook as openpyxl writes it: filled by a function, or with these rows."""
    made = openpyxl.Workbook()
    if callable(fill):
        fill(made)
    else:
        assert made.active is not None
        for row in fill:
            made.active.append(list(row))
    stream = io.BytesIO()
    made.save(stream)
    return stream.getvalue()


def test_every_kind_of_cell_is_read_as_it_is_stored(tmp_path: Path) -> None:
    noon = datetime(2024, 1, 31, 12, 30)  # noqa: DTZ001
    late = datetime(1999, 12, 31, 0, 0, 1)  # noqa: DTZ001
    first = [1, "Ada", noon.date(), noon, 0.1, True, time(8, 5), timedelta(hours=36)]
    second = [2, None, late.date(), late, 1e20, False, None, None]
    header = ["id", "name", "day", "at", "price", "ok", "clock", "spent"]
    data = written([header, first, second])
    landed = land(tmp_path, data, "orders.xlsx")
    assert rows(landed) == [
        ["1", "Ada", "2024-01-31", "2024-01-31 12:30:00", "0.1", "true", "08:05:00", "36:00:00"],
        ["2", None, "1999-12-31", "1999-12-31 00:00:01", "1e+20", "false", None, None],
    ]
    assert [str(column.type) for column in landed.columns[:6]] == [
        *("bigint", "string", "date", "timestamp_ntz", "double", "boolean")
    ]
    assert landed.format == Excel(
        sheet="Sheet", has_header=True, skip_lines=0, compression=landed.format.compression
    )
    assert landed.suspicions == ()


_NUMBERS = st.one_of(
    st.integers(-(2**53), 2**53),
    # openpyxl writes 16 digits of a double, which has up to 17.
    st.floats(-1e300, 1e300).map(lambda value: float(f"{value:.15g}")),
)
_TEXTS = st.text(
    st.characters(
        codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff"
    ),
    min_size=1,
    max_size=12,
).filter(lambda text: not text.startswith("="))
_CELLS = st.one_of(st.none(), st.booleans(), _NUMBERS, _TEXTS, st.dates(date(1900, 3, 1)))


def shown(value: object) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, date):
        return value.isoformat()
    return None if value is None else str(value)


def is_same(left: str | None, right: str | None) -> bool:
    if left == right or left is None or right is None:
        return left == right
    try:
        return float(left) == float(right)
    except ValueError:
        return False


@settings(max_examples=40)  # Each takes a tenth of a second.
@given(st.lists(st.lists(_CELLS, min_size=3, max_size=3), min_size=1, max_size=12))
def test_what_another_library_writes_comes_back(table: list[list[object]]) -> None:
    kept = [row for row in table if any(cell is not None for cell in row)]
    data = written([["a", "b", "c"], *table])
    declared = Excel(has_header=True, skip_lines=0)
    with TemporaryDirectory() as folder:
        landed = land(Path(folder), data, "table.xlsx", format=declared)
        found = rows(landed)
    assert names(landed) == ["a", "b", "c"]
    assert len(found) == len(kept)
    for row, cells in zip(found, kept, strict=True):
        assert all(map(is_same, row, map(shown, cells))), (row, cells)


def test_a_title_above_the_table_is_passed_over_and_told(tmp_path: Path) -> None:
    def fill(made: openpyxl.Workbook) -> None:
        own = made.active
        assert own is not None
        own["B2"] = "Sales of January"
        own.merge_cells("B2:D2")
        for place, row in enumerate(["id name amount", "1 a 2.5", "2 b 3"]):
            for column, value in enumerate(row.split()):
                own.cell(place + 5, column + 2, value)

    landed = land(tmp_path, written(fill), "sales.xlsx")
    assert names(landed) == ["id", "name", "amount"]
    assert rows(landed) == [["1", "a", "2.5"], ["2", "b", "3"]]
    assert landed.format == Excel(
        sheet="Sheet", has_header=True, skip_lines=4, compression=landed.format.compression
    )
    assert any("row above the table has" in line for line in landed.evidence)


def test_a_sheet_without_a_header_loses_no_row(tmp_path: Path) -> None:
    landed = land(tmp_path, written([[1], [2, "x", 3.5], [3, "y", 4.5]]), "sales.xlsx")
    assert rows(landed) == [["1", None, None], ["2", "x", "3.5"], ["3", "y", "4.5"]]
    assert names(landed) == ["column_1", "column_2", "column_3"]
    assert not isinstance(landed.format, Excel) or landed.format.has_header is False


def test_a_column_of_numbers_without_a_name_is_a_column_and_a_note_aside_is_none(
    tmp_path: Path,
) -> None:
    data = written(
        [[None, "name"], [1, "a"], [2, "b", None, None, "check this"], [3, "c"], [4, "d"]]
    )
    landed = land(tmp_path, data, "frame.xlsx")
    assert names(landed) == ["column_1", "name"]
    assert rows(landed) == [["1", "a"], ["3", "c"], ["4", "d"]]
    assert problems(landed) == {2: "cell E3 has a value, but stands outside of the table"}


def test_a_refused_row_tells_its_sheet_its_number_and_its_cells(tmp_path: Path) -> None:
    body = (
        '<row r="1"><c r="A1" t="inlineStr"><is><t>id</t></is></c>'
        '<c r="B1" t="inlineStr"><is><t>name</t></is></c></row>'
        '<row r="2"><c r="A2"><v>1</v></c><c r="B2" t="e"><f>A9</f><v>#REF!</v></c></row>'
        '<row r="3"><c r="A3"><v>2</v></c><c r="B3" t="str"><f>A3</f><v>two</v></c></row>'
        '<row r="4"><c r="A4"><v>3</v></c><c r="B4"><f>1+1</f></c></row>'
        '<row r="5"><c r="A5"><v>4</v></c><c r="B5" t="s"><v>99</v></c></row>'
        '<row r="6"><c r="A6"><v>5</v></c><c r="A6"><v>6</v></c></row>'
        '<row r="7"><c r="A7" t="b"><v>7</v></c></row>'
    )
    landed = land(tmp_path, book(sheet(body)), "orders.xlsx")
    assert rows(landed) == [["2", "two"]]
    assert problems(landed) == {
        1: "cell B2: the error #REF!",
        3: "cell B4: its formula has no stored result",
        4: "cell B5: there is no text number 99",
        5: "cell A6: it stands there twice",
        6: "cell A7: 7 is no truth value",
    }
    assert json.loads(raws(landed)[0]) == {
        "sheet": "A",
        "row": 2,
        "cells": {"A": "1", "B": "#REF!"},
    }


def test_an_error_that_means_null_is_a_text_like_others(tmp_path: Path) -> None:
    body = '<row><c t="inlineStr"><is><t>a</t></is></c></row><row><c t="e"><v>#N/A</v></c></row>'
    columns = (Column(name="a", type=types.STRING, null_words=("#N/A",)),)
    landed = land(tmp_path, book(sheet(body)), "a.xlsx", contract=Contract(columns=columns))
    assert rows(landed) == [["#N/A"]]


def test_rows_and_cells_without_references_follow_one_another(tmp_path: Path) -> None:
    body = (
        "<x:row xmlns:x='x'><x:c t='str'><x:v>a</x:v></x:c><x:c t='str'><x:v>b</x:v></x:c></x:row>"
        "<row><c><v>1</v></c><c/></row><row r='9'/><row r='4'><c r='B4'><v>2</v></c></row>"
    )
    landed = land(tmp_path, book(sheet(body)), "a.xlsx")
    assert rows(landed) == [["1", None], [None, "2"]]


def test_rows_that_come_out_of_order_are_all_read(tmp_path: Path) -> None:
    cells = "".join(f"<row r='{n}'><c r='A{n}'><v>{n}</v></c></row>" for n in (1, 3, 2, 3))
    landed = land(tmp_path, book(sheet(cells)), "a.xlsx", format=Excel(has_header=False))
    assert rows(landed) == [["1"], ["3"], ["2"], ["3"]]


def test_texts_in_several_runs_are_one_and_readings_of_signs_are_left_out(tmp_path: Path) -> None:
    texts = (
        "<sst><si><r><t>two </t></r><r><t>runs</t></r><rPh><t>spoken</t></rPh></si>"
        "<si><t>a_x000D_b &amp; c</t></si></sst>"
    )
    body = "<row><c t='s'><v>0</v></c></row><row><c t='s'><v>1</v></c></row>"
    data = book(sheet(body), texts=texts)
    landed = land(tmp_path, data, "a.xlsx", format=Excel(has_header=False))
    assert rows(landed) == [["two runs"], ["a\rb & c"]]


def test_days_are_counted_as_the_workbook_says(tmp_path: Path) -> None:
    styles = "<styleSheet><cellXfs><xf numFmtId='0'/><xf numFmtId='14'/></cellXfs></styleSheet>"
    data = book(sheet("<row><c s='1'><v>0</v></c></row>"), styles=styles, main=main_since_1904())
    landed = land(tmp_path, data, "a.xlsx", format=Excel(has_header=False))
    assert rows(landed) == [["1904-01-01"]]


def several(made: openpyxl.Workbook) -> None:
    made.create_sheet("Empty")
    hidden = made.create_sheet("Hidden")
    hidden.sheet_state = "hidden"
    for name in ("Orders", "Customers"):
        own = made.create_sheet(name)
        own.append(["id", "name"])
        own.append([1, name])
        own.append([2, name])
    hidden.append([1])


@pytest.mark.parametrize(
    ("wanted", "found"),
    [(None, "Orders"), ("Customers", "Customers"), ("5", "Customers"), ("orders", "Orders")],
)
def test_a_sheet_is_chosen_by_name_or_number_or_is_the_first_with_content(
    tmp_path: Path, wanted: str | None, found: str
) -> None:
    landed = land(tmp_path, written(several), "shop.xlsx", format=Excel(sheet=wanted))
    assert rows(landed) == [["1", found], ["2", found]]
    told = "; ".join(landed.suspicions)
    assert ("Customers looks like a table too" in told) == (wanted is None)


def test_a_sheet_that_is_not_there_is_refused_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(errors.FileUnreadable, match="no sheet Invoices") as caught:
        land(tmp_path, written(several), "shop.xlsx", format=Excel(sheet="Invoices"))
    assert caught.value.why == "its sheets are Sheet, Empty, Hidden, Orders, Customers"


def test_cells_merged_over_rows_of_the_table_make_it_suspect(tmp_path: Path) -> None:
    def fill(made: openpyxl.Workbook) -> None:
        assert made.active is not None
        for row in (["group", "n"], ["a", 1], [None, 2], ["b", 3]):
            made.active.append(row)
        made.active.merge_cells("A2:A3")

    landed = land(tmp_path, written(fill), "groups.xlsx")
    assert rows(landed) == [["a", "1"], [None, "2"], ["b", "3"]]
    assert "first at A2" in landed.suspicions[0]


def test_declared_rows_above_the_table_are_counted_as_excel_shows_them(tmp_path: Path) -> None:
    data = written([["x", "y", "z"], [], ["id", "n"], ["a", "b"]])
    declared = Excel(skip_lines=2, has_header=True)
    landed = land(tmp_path, data, "a.xlsx", format=declared)
    assert names(landed) == ["id", "n"]
    assert rows(landed) == [["a", "b"]]


def test_a_packed_workbook_is_unpacked_first(tmp_path: Path) -> None:
    data = gzip.compress(written([["a"], [1]]), mtime=0)
    assert rows(land(tmp_path, data, "a.xlsx.gz")) == [["1"]]


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (written([]), "is a workbook without content"),
        (book("hello"), "syntax error"),
        (written([["a"], [1]])[:-30], "is damaged"),
        (zipped({"[Content_Types].xml": "", "word/document.xml": ""}), "looks like a Word"),
        (zipped({"mimetype": "application/vnd.oasis.opendocument.spreadsheet"}), "OpenDocument"),
        (zipped({"[Content_Types].xml": "", "xl/workbook.bin": ""}), "xlsb"),
        (zipped({"[Content_Types].xml": ""}), "it has no part xl/workbook.xml"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "old Microsoft Office"),
    ],
)
def test_what_is_no_workbook_is_refused_by_what_it_is(
    tmp_path: Path, data: bytes, what: str
) -> None:
    with pytest.raises(errors.FileUnreadable) as caught:
        land(tmp_path, data, "a.xlsx")
    assert what in str(caught.value)


@pytest.mark.parametrize("declared", [Csv(), Json(), Parquet(), FixedWidth()])
def test_a_workbook_is_not_read_as_something_else(
    tmp_path: Path, declared: Csv | Json | Parquet | FixedWidth
) -> None:
    with pytest.raises(errors.FileUnreadable, match=r"looks like an Excel workbook|no Parquet"):
        land(tmp_path, written([["a"], [1]]), "a.xlsx", format=declared)


def test_text_is_not_read_as_a_workbook(tmp_path: Path) -> None:
    with pytest.raises(errors.FileUnreadable, match="is no Excel workbook"):
        land(tmp_path, b"a,b\n1,2\n", "a.csv", format=Excel())


@pytest.mark.parametrize("name", bombs.WORKBOOKS)
def test_a_workbook_that_is_made_to_do_harm_is_refused(tmp_path: Path, name: str) -> None:
    make, what = bombs.WORKBOOKS[name]
    with pytest.raises(errors.FileUnreadable, match=what):
        land(tmp_path, make(), "bomb.xlsx")


def test_a_part_that_unpacks_to_too_much_is_refused(tmp_path: Path) -> None:
    data = book(sheet(" " * (20 << 20)))
    with pytest.raises(errors.FileUnreadable, match="looks like a bomb"):
        land(tmp_path, data, "bomb.xlsx", limits=packing.Limits(ratio_max=100))


@settings(max_examples=60)
@given(st.binary(max_size=40), st.integers(0, 2000), st.integers(0, 60))
def test_a_damaged_workbook_is_read_right_or_refused(junk: bytes, at: int, cut: int) -> None:
    sound = written([["id", "name"], [1, "Ada"], [2, "Bob"]])
    place = at % len(sound)
    data = sound[:place] + junk + sound[place + cut :]
    with TemporaryDirectory() as folder:
        try:
            landed = land(Path(folder), data, "a.xlsx", format=Excel())
        except errors.FileUnreadable:
            return
        assert rows(landed) == [["1", "Ada"], ["2", "Bob"]]
