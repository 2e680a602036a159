import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakewright.ingest import splitting
from lakewright.project.source import Dialect

PLAIN = Dialect(delimiter=",", quote='"', escape='"', comment="")
BACKSLASH = Dialect(delimiter=",", quote='"', escape="\\", comment="")
TRIMMED = Dialect(delimiter=",", quote='"', escape='"', comment="", is_trimmed=True)


def split(data: bytes | str, dialect: Dialect = PLAIN) -> list[splitting.Record]:
    content = data.encode() if isinstance(data, str) else data
    return list(splitting.Splitter(io.BytesIO(content), dialect))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a,b\nc,d", [["a", "b"], ["c", "d"]]),
        ("a,b\r\nc,d\re,f\n", [["a", "b"], ["c", "d"], ["e", "f"]]),
        ("a\n\n\r\nb\n", [["a"], ["b"]]),
        ("a,\n,\n", [["a", ""], ["", ""]]),
        ('"a,b","c ""d"""\n', [["a,b", 'c "d"']]),
        ('"two\nlines",1\n2,"three\r\nmore\rlines"', [["two\nlines", "1"],
                                                     ["2", "three\r\nmore\rlines"]]),
        ("5\" pipe,37°36'37.8\"N\n", [['5" pipe', "37°36'37.8\"N"]]),
        ('a, "b"\n', [["a", ' "b"']]),
        ("  \n", [["  "]]),
        ("a\0b,c\n", [["a\0b", "c"]]),
    ],
)  # fmt: skip
def test_records_are_split_by_the_rules(text: str, expected: list[list[str]]) -> None:
    for dialect in (PLAIN, BACKSLASH):
        assert [record.fields for record in split(text, dialect)] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r'"ha \"ha\" ha",1', [['ha "ha" ha', "1"]]),
        (r"a\,b,c", [["a,b", "c"]]),
        ("a\\\nb,c\n1,2", [["a\nb", "c"], ["1", "2"]]),
        (r"C:\new\\dir,\N", [["C:\\new\\dir", "\\N"]]),
    ],
)
def test_a_backslash_makes_what_follows_literal(text: str, expected: list[list[str]]) -> None:
    assert [record.fields for record in split(text, BACKSLASH)] == expected


def test_blanks_around_fields_are_dropped_on_request() -> None:
    assert [record.fields for record in split(' a , "b, c" ,d\n "e" ,\tf, g\n', TRIMMED)] == [
        ["a", "b, c", "d"],
        ["e", "f", "g"],
    ]


def test_delimiters_may_be_long_and_comments_are_passed_over() -> None:
    dialect = Dialect(delimiter="||", quote='"', escape='"', comment="#")
    text = '# says\na||"b||c"||d|e\n#x||y\nf||g||h'
    assert [record.fields for record in split(text, dialect)] == [
        ["a", "b||c", "d|e"],
        ["f", "g", "h"],
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('a,"b" c\nd,e\n', [('a,"b" c', "text follows the closing quote of field 2"),
                            ("d,e", None)]),
        ('a,"b\nc,d\ne,f\n', [('a,"b', "the quote that opens field 2 is never closed"),
                              ("c,d", None), ("e,f", None)]),
        ('1,"open\n2,"x y",3\n', [('1,"open', "text follows the closing quote of field 2"),
                                  ('2,"x y",3', None)]),
        (b"a,b\nc\xff,d\ne,f\n", [("a,b", None), ("c\ufffd,d", "byte 0xff is not UTF-8"),
                                  ("e,f", None)]),
    ],
)  # fmt: skip
def test_a_spoilt_record_costs_one_line_and_no_other(
    text: str | bytes, expected: list[tuple[str, str | None]]
) -> None:
    assert [(record.raw, record.problem) for record in split(text)] == expected


@pytest.mark.parametrize("is_trimmed", [False, True])
def test_without_an_escape_a_quote_closes_where_a_field_may_end(is_trimmed: bool) -> None:
    dialect = Dialect(delimiter=",", quote='"', escape="", comment="", is_trimmed=is_trimmed)
    blank = " " if is_trimmed else ""
    text = f'1,{blank}"5" pipe"\n2,{blank}"3/4""\n3,{blank}"open,x\n4,{blank}"a, b"\n5,""\n'
    assert [(record.fields, record.problem) for record in split(text, dialect)] == [
        (["1", '5" pipe'], None),
        (["2", '3/4"'], None),
        ([], "a quote opens inside field 2, which is not closed"),
        (["4", "a, b"], None),
        (["5", ""], None),
    ]


def test_a_record_knows_its_first_byte_and_its_text() -> None:
    data = 'ä,b\r\n\n"c\nd",e\r\n"x" y\nf,g'.encode()
    found = split(data)
    assert [record.raw for record in found] == ["ä,b", '"c\nd",e', '"x" y', "f,g"]
    for record in found:
        assert data[record.byte :].decode().startswith(record.raw)


def test_reading_may_stop_and_go_on_at_any_record() -> None:
    data = b'a,b\n#x\n"c\nd",e\n\n"x" y\nf,g\n'
    dialect = Dialect(delimiter=",", quote='"', escape='"', comment="#")
    whole = split(data, dialect)
    for stop in range(len(data) + 1):
        first = splitting.Splitter(io.BytesIO(data), dialect, stop=stop)
        records = list(first)
        assert all(record.byte < stop for record in records)
        rest = splitting.Splitter(io.BytesIO(data), dialect, start=first.position)
        assert records + list(rest) == whole


def test_a_field_of_many_megabytes_is_read() -> None:
    text = "x" * 5_000_000
    (record,) = split(f'1,"{text}\n{text}",2\n')
    assert record.fields == ["1", f"{text}\n{text}", "2"]


FIELDS = st.text(alphabet="ab,;\t \"'\n\r\\#|éπ𝄞\0", max_size=8)
TABLES = st.lists(st.lists(FIELDS, min_size=2, max_size=4), min_size=1, max_size=8)


@given(
    rows=TABLES,
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    quote=st.sampled_from(['"', "'"]),
    doubles=st.booleans(),
    line_end=st.sampled_from(["\n", "\r\n", "\r"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONE]),
)
def test_what_csv_writes_in_any_dialect_is_read_back(
    rows: list[list[str]], delimiter: str, quote: str, doubles: bool, line_end: str, quoting: int
) -> None:
    doubles = doubles and quoting != csv.QUOTE_NONE
    if quoting != csv.QUOTE_ALL:
        # Line ends of another kind are left unquoted, although the same library ends lines there.
        other = str.maketrans("", "", "".join({"\r", "\n"} - set(line_end)))
        rows = [[field.translate(other) for field in row] for row in rows]
    stream = io.StringIO(newline="")
    writer = csv.writer(
        stream,
        delimiter=delimiter,
        quotechar=quote,
        doublequote=doubles,
        escapechar=None if doubles else "\\",
        lineterminator=line_end,
        quoting=quoting,  # type: ignore[arg-type]
    )
    writer.writerows(rows)
    escape = quote if doubles else "\\"
    dialect = Dialect(delimiter=delimiter, quote=quote, escape=escape, comment="")
    assert [record.fields for record in split(stream.getvalue(), dialect)] == rows


@given(data=st.text(alphabet='ab,"\n\r\\ #', max_size=60))
def test_the_quick_and_the_careful_way_agree_on_any_text(data: str) -> None:
    content = data.encode()
    for dialect in (PLAIN, BACKSLASH, Dialect(delimiter=",", quote="", escape="", comment="#")):
        careful = splitting.Splitter(io.BytesIO(content), dialect)
        assert list(splitting.Splitter(io.BytesIO(content), dialect)) == list(careful.by_hand())


@given(data=st.binary(max_size=80))
def test_no_bytes_are_lost_between_records(data: bytes) -> None:
    found = split(data)
    raw = "".join(record.raw for record in found).encode()
    assert sum(len(record.raw) for record in found) <= len(data)
    if data.isascii():
        kept = bytes(byte for byte in data if byte not in b"\r\n")
        assert bytes(byte for byte in raw if byte not in b"\r\n") == kept


def test_a_quote_that_would_swallow_the_file_is_stray() -> None:
    count = splitting.RECORD_LINES_MAX + 10
    found = split('a,"b\n' + "c,d\n" * count + 'e,f"\n')
    assert "is not closed within" in (found[0].problem or "")
    assert len(found) == count + 2
