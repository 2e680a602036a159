from datetime import date
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lakewright import errors
from lakewright.ingest import delimited, encoding, preview
from lakewright.plan.landed import ArrivedColumn, CsvPart, Landed, TextPart
from lakewright.project.source import Csv, Dialect
from lakewright.sql import types


class Read:
    """A delimited text, landed."""

    def __init__(self, folder: Path, data: str | bytes, declared: Dialect | None = None) -> None:
        path = folder / "data.csv"
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        text = encoding.as_utf8(path, None, folder, "data.csv")
        self.table = delimited.understand(text, declared or Dialect(), "data.csv")
        self.parts = delimited.read(self.table, folder, {}, lambda _: None)
        self.landed = Landed(
            upload_id="u",
            file_name="data.csv",
            format=Csv(dialect=self.table.dialect),
            columns=tuple(
                ArrivedColumn(name=name, type=types.UNKNOWN) for name in self.table.names
            ),
            parts=self.parts,
            records=sum(part.records for part in self.parts),
            size_bytes=path.stat().st_size,
        )
        self.records = list(preview.records(self.landed))

    @property
    def rows(self) -> list[list[str | None]]:
        return [list(record.fields) for record in self.records if record.problem is None]

    @property
    def problems(self) -> dict[int, str]:
        return {record.number: record.problem for record in self.records if record.problem}


@pytest.mark.parametrize(
    ("header", "names"),
    [
        (["a", "b"], ("a", "b")),
        (["a", "a", "A", "a_2"], ("a", "a_3", "A_4", "a_2")),
        (["", " ", "c"], ("column_1", "column_2", "c")),
        (["column_2", ""], ("column_2", "column_2_2")),
        (["_record", "_raw"], ("_record_2", "_raw_2")),
    ],
)
def test_column_names_are_unique_and_never_empty(header: list[str], names: tuple[str, ...]) -> None:
    assert delimited.column_names(header) == names


@given(header=st.lists(st.sampled_from(["", "a", "A", "a_2", "A_2", "_raw", "column_2", " "])))
def test_any_header_gives_as_many_different_names(header: list[str]) -> None:
    names = delimited.column_names(header)
    assert len({name.lower() for name in names}) == len(header)
    assert all(name.strip() for name in names)


def test_a_regular_file_stays_where_it_lies(tmp_path: Path) -> None:
    read = Read(tmp_path, 'id,name\n1,"a\nb"\n\n2,c')
    (part,) = read.parts
    assert isinstance(part, CsvPart)
    assert (part.byte_start, part.records, part.first_record) == (8, 2, 1)
    assert read.rows == [["1", "a\nb"], ["2", "c"]]


def test_a_stretch_that_is_not_regular_is_read_exactly_in_between(tmp_path: Path) -> None:
    row = "1,some plain text,2024-01-31\n"
    data = "id,name,day\n" + row * 20_000 + '2,5" pipe,2024-01-31\n' + row * 20_000
    read = Read(tmp_path, data)
    kinds = [type(part) for part in read.parts]
    assert kinds == [CsvPart, CsvPart, TextPart]
    assert sum(part.records for part in read.parts) == 40_001
    assert [record.number for record in read.records] == list(range(1, 40_002))
    assert list(read.records[20_000].fields) == ["2", '5" pipe', "2024-01-31"]
    assert read.problems == {}


def test_a_file_that_is_irregular_all_over_has_few_parts(tmp_path: Path) -> None:
    block = "1,plain text\n" * 700 + '2,5" pipe\n'
    read = Read(tmp_path, "id,name\n" + block * 300)
    assert len(read.parts) <= 12
    assert read.landed.records == 300 * 701


def test_ragged_and_spoilt_records_are_refused_and_counted(tmp_path: Path) -> None:
    data = 'id,name,n\n1,"a,",2\n3,b\n4,"c"x,5\n6,d,7,8\n9,"e,1\n2,f,3\n'
    read = Read(tmp_path, data)
    assert read.rows == [["1", "a,", "2"], ["2", "f", "3"]]
    assert read.problems == {
        2: "2 fields where 3 are expected",
        3: "text follows the closing quote of field 2",
        4: "4 fields where 3 are expected",
        5: "the quote that opens field 2 is never closed",
    }
    assert read.landed.records == 6


def test_a_blank_line_is_a_record_only_where_there_is_one_column(tmp_path: Path) -> None:
    assert Read(tmp_path, "name\na\n\nb\n").rows == [["a"], [""], ["b"]]
    assert Read(tmp_path, "id,name\n1,a\n\n2,b\n").rows == [["1", "a"], ["2", "b"]]


def test_preamble_and_comments_are_no_records(tmp_path: Path) -> None:
    data = "Report\nof May\nid,name\n1,a\n# note\n2,b\n3,c\n4,d\n"
    read = Read(tmp_path, data)
    assert read.table.names == ("id", "name")
    assert read.rows == [["1", "a"], ["2", "b"], ["3", "c"], ["4", "d"]]


def test_a_file_without_header_has_numbered_columns(tmp_path: Path) -> None:
    read = Read(tmp_path, "1,a\n2,b\n")
    assert read.table.names == ("column_1", "column_2")
    assert read.rows == [["1", "a"], ["2", "b"]]


def test_a_header_may_lack_a_name_or_end_with_a_delimiter(tmp_path: Path) -> None:
    read = Read(tmp_path, "id,name\n1,a,2\n3,b,4\n5,c,6\n")
    assert read.table.names == ("id", "name", "column_3")
    assert len(read.rows) == 3
    read = Read(tmp_path, "id,name,\n1,a\n3,b\n5,c\n")
    assert read.table.names == ("id", "name")
    assert len(read.rows) == 3


def test_a_separator_too_many_in_the_header_costs_no_record(tmp_path: Path) -> None:
    read = Read(tmp_path, "id,,name,n\n1,a,2\n3,b,4\n5,c,6\n")
    assert read.table.names == ("id", "name", "n")
    assert len(read.rows) == 3
    assert read.table.suspicions


def test_a_header_that_cannot_be_split_is_read_as_it_is_most_likely_meant(tmp_path: Path) -> None:
    read = Read(tmp_path, '"id"x,"na"me",n\n1,a,2\n3,b,4\n')
    assert read.table.names == ("idx", 'na"me', "n")
    assert any("names may be wrong" in suspicion for suspicion in read.table.suspicions)


def test_a_header_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(errors.FileUnreadable, match="no header"):
        Read(tmp_path, "a,b\n", Dialect(delimiter=",", has_header=True, skip_lines=5))
    declared = Dialect(delimiter=",", has_header=True, skip_lines=0)
    with pytest.raises(errors.FileUnreadable, match="header cannot be split"):
        Read(tmp_path, '"note\n1,2,3\n4,5,6\n7,8,9\n', declared)


def test_a_header_that_comes_again_in_a_large_file_is_no_record(tmp_path: Path) -> None:
    header, row = "id,name,day\r\n", "1,some plain text,2024-01-31\r\n"
    read = Read(tmp_path, header + row * 50_000 + header + row * 50_000 + header.strip())
    assert [type(part) for part in read.parts] == [CsvPart, CsvPart, TextPart]
    assert len(read.rows) == 100_000
    assert set(read.problems.values()) == {"outside the table: the header once more"}
    assert sorted(read.problems) == [50_001, 100_002]


def test_what_stands_behind_the_table_goes_to_quarantine(tmp_path: Path) -> None:
    read = Read(tmp_path, "id,n\n1,2\n3,4\n\nshop,city\n5,6\n")
    assert read.rows == [["1", "2"], ["3", "4"]]
    problem = "outside the table: another table starts here"
    assert read.problems == {3: problem, 4: problem}
    assert any("more than one table" in suspicion for suspicion in read.table.suspicions)


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("last", ["", ",,"])
def test_empty_rows_at_the_end_of_a_large_file_are_no_records(
    tmp_path: Path, line_end: str, last: str
) -> None:
    row = f'1,"some, plain text",{line_end}'
    data = f"id,name,day{line_end}" + row * 50_000 + f",,{line_end}" * 3_000 + last
    read = Read(tmp_path, data)
    assert [type(part) for part in read.parts] == [CsvPart, TextPart]
    assert len(read.rows) == 50_000
    assert set(read.problems.values()) == {"outside the table: an empty row"}
    assert len(read.problems) == 3_000 + bool(last)
    assert any(line.startswith("end: the last 3,00") for line in read.table.evidence)


def test_a_large_file_of_empty_rows_alone_keeps_them(tmp_path: Path) -> None:
    read = Read(tmp_path, "id,name,day\n" + ",,\n" * 60_000)
    assert len(read.rows) == 60_000


def test_another_table_further_down_in_a_large_file_is_suspected(tmp_path: Path) -> None:
    first = "id,day,price,note\n" + "1,2024-01-31,2.50,x\n" * 20_000
    second = "\nname,city,size,n\n" + "Ann,Oslo,large,1\n" * 20_000
    read = Read(tmp_path, first + second)
    assert any("another table may follow" in suspicion for suspicion in read.table.suspicions)
    assert not Read(tmp_path, first).table.suspicions


def test_quotes_that_nothing_escapes_are_read_where_that_is_the_habit(tmp_path: Path) -> None:
    data = 'id,size\n1,"5" pipe"\n2,"3/4""\n3,"7" pipe, long"\n4,plain\n'
    read = Read(tmp_path, data)
    assert read.table.dialect.escape == ""
    assert [row[1] for row in read.rows] == ['5" pipe', '3/4"', '7" pipe, long', "plain"]


def test_runs_of_blanks_are_one_delimiter(tmp_path: Path) -> None:
    read = Read(tmp_path, 'id   name     n\n 1   "a b"    2\n12   c        3  \n')
    assert read.table.names == ("id", "name", "n")
    assert read.rows == [["1", "a b", "2"], ["12", "c", "3"]]


def test_several_rows_of_names_become_one(tmp_path: Path) -> None:
    read = Read(tmp_path, ",Q1,,Q2\nshop,sales,cost,sales\nA,1,2,3\nB,4,5,6\nC,7,8,9\n")
    assert read.table.names == ("shop", "Q1 sales", "Q1 cost", "Q2 sales")
    assert len(read.rows) == 3


def test_a_field_of_more_lines_than_the_sample_has_never_loads_as_rows(tmp_path: Path) -> None:
    read = Read(tmp_path, 'id,text\n1,"' + "x\n" * 300_000 + '"\n2,y\n')
    assert read.table.names == ("id", "text")
    assert len(read.problems) > 200_000


def test_damaged_utf8_costs_its_record_only(tmp_path: Path) -> None:
    data = "id,name\n1,Zoë\n2,Łukasz\n".encode() + b"3,\xff\n4,x\n"
    read = Read(tmp_path, data)
    assert read.rows == [["1", "Zoë"], ["2", "Łukasz"], ["4", "x"]]
    assert read.problems == {3: "byte 0xff is not UTF-8"}


def test_wide_tables_and_long_fields_are_read(tmp_path: Path) -> None:
    width = 3000
    header = ",".join(f"c{place}" for place in range(width))
    read = Read(tmp_path, header + "\n" + ",".join(["1"] * width) + "\n")
    assert len(read.rows[0]) == width
    long = "x" * 3_000_000
    read = Read(tmp_path, f"id,text\n1,{long}\n2,b\n")
    assert [len(row[1] or "") for row in read.rows] == [3_000_000, 1]


@given(data=st.binary(max_size=200) | st.text(alphabet="ab1,;\t\"'\n\r#\\ ", max_size=200))
@example(data=";1\r1")  # What may be an upper row of names, and nothing of its width below.
def test_any_text_is_read_with_every_record_accounted_for(
    tmp_path_factory: pytest.TempPathFactory, data: bytes | str
) -> None:
    folder = tmp_path_factory.mktemp("csv")
    try:
        read = Read(folder, data)
    except errors.FileUnreadable:
        return
    assert len(read.records) == read.landed.records
    assert [record.number for record in read.records] == list(range(1, read.landed.records + 1))
    assert all(len(record.fields) == len(read.table.names) for record in read.records)


TEXTS = st.text(alphabet="abc ,;|'\"\n-éπ", max_size=12)


@given(
    rows=st.lists(
        st.tuples(st.integers(0, 10**6), TEXTS, st.dates(), TEXTS), min_size=3, max_size=20
    ),
    delimiter=st.sampled_from([",", ";", "\t", "|", "||", "::", "^", "\x1f"]),
    quote=st.sampled_from(['"', "'"]),
    escape=st.sampled_from(["double", "\\"]),
    line_end=st.sampled_from(["\n", "\r\n"]),
)
def test_what_is_written_in_any_dialect_is_found_and_read_back(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[int, str, date, str]],
    delimiter: str,
    quote: str,
    escape: str,
    line_end: str,
) -> None:
    inside = quote * 2 if escape == "double" else escape + quote
    texts = [[str(field) for field in row] for row in rows]
    lines = [
        delimiter.join(f"{quote}{field.replace(quote, inside)}{quote}" for field in row)
        for row in [["number", "first", "day", "second"], *texts]
    ]
    read = Read(tmp_path_factory.mktemp("csv"), line_end.join(lines))
    assert read.table.names == ("number", "first", "day", "second")
    assert read.rows == texts
