import csv
import io
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakewright.ingest import dialect
from lakewright.project.source import Dialect


def detect(
    text: str, declared: Dialect | None = None, names: Sequence[str] = ()
) -> dialect.Detected:
    return dialect.detect(dialect.Samples(head=text.encode()), declared or Dialect(), names)


ROWS = "1,x,2024-01-31\n2,y,2024-02-01\n3,z,2024-02-02\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("id,name,day\n" + ROWS, ","),
        ("id;price;name\n1;1,50;a\n2;2,75;b\n", ";"),
        ("id\tname\n1\ta, b and c\n2\td, e and f\n", "\t"),
        ("id|name|at\n1|a|10:00:00\n2|b|11:30:00\n", "|"),
        ("at,value\n2024-01-31 10:00:00,5\n2024-01-31 11:00:00,6\n", ","),
        ("id^name^amount\n1^a^2\n3^b^4\n", "^"),
        ("id\x1fname\x1famount\n1\x1fa\x1f2\n3\x1fb\x1f4\n", "\x1f"),
        ("1 2 3.5\n4 5 6.5\n7 8 9.5\n", " "),
        ("id||name||n\n1||a||2\n3||b||4\n", "||"),
        ('name,quote\n"Smith, J","one; two; three"\n"Doe, A","four; five; six"\n', ","),
        ("a\nb\nc\n", ","),
        ("day\n01/02/2024\n03/04/2024\n", ","),
        ("at\n10:00:00\n11:00:00\n", ","),
    ],
)
def test_the_delimiter_is_the_one_that_makes_a_table(text: str, expected: str) -> None:
    assert detect(text).dialect.delimiter == expected


@pytest.mark.parametrize(
    ("text", "quote", "escape"),
    [
        ("a,b\n1,2\n", '"', '"'),
        ('a,b\n"x, y",2\n"z ""q""",3\n', '"', '"'),
        ("a,b\n'x, y',2\n'z, w',3\n", "'", "'"),
        ("name,n\nO'Brien,1\nD'Arcy,2\n", '"', '"'),
        ('a,b\n"x \\"y\\", z",2\n"w",3\n', '"', "\\"),
        ('path,b\n"C:\\dir\\",2\n"D:\\",3\n', '"', '"'),
        ('word\tn\n"open\t1\nplain\t2\n"also\t3\nlast\t4\n', "", ""),
    ],
)
def test_quote_and_escape_are_those_under_which_records_agree(
    text: str, quote: str, escape: str
) -> None:
    found = detect(text).dialect
    assert (found.quote, found.escape) == (quote, escape)


@pytest.mark.parametrize(
    ("text", "has_header"),
    [
        ("id,name\n1,a\n2,b\n", True),
        ("1,a\n2,b\n3,c\n", False),
        ("name,city\nAda,London\nAlan,Wilmslow\n", True),
        ("Ada,London\nAlan,London\nGrace,New York\n", False),
        ("DE,x\nFR,y\nPL,z\nBR,w\n", False),
        ("country,2019,2020\nDE,1,2\nFR,3,4\n", True),
        ("id,id\n1,2\n", True),
        (",name\n0,a\n1,b\n", True),
        ("a,b,c", True),
        ("1,2,3", False),
        ("2024-01-31,5\n2024-02-01,6\n", False),
        ("x,x\ny,z\n", False),
    ],
)
def test_a_header_is_a_first_record_of_another_kind(text: str, has_header: bool) -> None:
    assert detect(text).dialect.has_header is has_header


@pytest.mark.parametrize(
    ("first", "is_sure"),
    [("ann,ben,cem", True), ("Ann,CEM,Ben", True), ("ann,,cem", True), ("ann,ben,dan", False)],
)
def test_a_record_of_the_declared_names_is_a_header(first: str, is_sure: bool) -> None:
    found = detect(f"{first}\nx,y,z\nv,u,w\n", names=["ann", "ben", "cem"])
    assert (found.suspicions == ()) is is_sure
    assert found.dialect.has_header or not is_sure


def test_a_record_of_the_declared_names_is_a_header_whatever_stands_below() -> None:
    text = "2019,2020\n1,2\n3,4\n"
    assert not detect(text).dialect.has_header
    assert detect(text, names=["n_2019", "n_2020"]).dialect.has_header


@pytest.mark.parametrize(
    ("text", "skip_lines", "comment"),
    [
        ("id,name,n\n1,a,2\n", 0, ""),
        ("Report of May\n\nid,name,n\n1,a,2\n3,b,4\n5,c,6\n", 2, ""),
        ('"Report, of\nMay"\nid,name,n\n1,a,2\n3,b,4\n5,c,6\n', 2, ""),
        ("# made by x\n# at y\nid,name,n\n1,a,2\n3,b,4\n5,c,6\n", 2, ""),
        ("id,name,n\n1,a,2\n# a remark\n3,b,4\n5,c,6\n", 0, "#"),
        ("#id,name,n\n1,a,2\n3,b,4\n", 0, ""),
        ("tag,name,n\n#1,a,2\n#3,b,4\n", 0, ""),
        ("id,name\n1,a,\n2,b,\n3,c,\n", 0, ""),
        (",,\n,Costs of May,\n,,\nday,item,cost\n2024-05-01,tea,3\n2024-05-02,milk,2\n", 3, ""),
        ("Costs of May,\n,\nitem,cost\ntea,3\nmilk,2\nrice,5\n", 2, ""),
        ("Costs,,\nnotes on May,,\nitem,shop,cost\ntea,north,\nmilk,,\nrice,,\n", 2, ""),
        ("Visits,,,\nwho,when,,\nAnn,2024-05-01,,\nBen,2024-05-02,,\nCem,2024-05-03,,\n", 1, ""),
        ("Visits,,,\nwho,when,,\nAnn,noon,,\nBen,,,\n,,,\nTrips,,,\na,b,c,d\ne,f,g,h\n", 1, ""),
    ],
)
def test_what_is_no_part_of_the_table_is_found(text: str, skip_lines: int, comment: str) -> None:
    found = detect(text).dialect
    assert (found.skip_lines, found.comment) == (skip_lines, comment)
    assert found.has_header


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("day,travel,,total\n,rail,taxi,\n2024-05-01,3,4,7\n2024-05-02,5,,5\n", 2),
        ("day,travel,,total\n,,,\n,rail,taxi,\n2024-05-01,3,4,7\n2024-05-02,5,,5\n", 3),
        ("day,note,sum\n,late,\n2024-05-01,a,4\n2024-05-02,b,5\n", 1),
        ("Report,,,\n,,,\n,all,,\n,main,,more\nid,a,b,c\n" + "1,2,3,4\n" * 4, 3),
        ("Costs,,\nday,item,cost\n2024-05-01,tea,3\n2024-05-02,milk,2\n", 1),
    ],
)
def test_a_second_header_row_names_what_the_first_leaves_open(text: str, rows: int) -> None:
    found = detect(text).dialect
    assert (found.has_header, found.header_rows) == (True, rows)


BODY = "".join(f"{n},x,2024-01-{n:02}\n" for n in range(10, 30))


@pytest.mark.parametrize(
    ("rest", "records", "what", "is_table"),
    [
        (",,\n,,\n", 2, "an empty row", False),
        (",,\nin all 20,,\n", 2, "a footer", False),
        ("code,sum\n" + "1,2\n" * 5, 6, "another table starts here", True),
        ("code,sum,a,b\n" + "1,2,3,4\n" * 5, 6, "another table starts here", True),
    ],
)
def test_a_table_ends_where_something_else_starts(
    rest: str, records: int, what: str, is_table: bool
) -> None:
    found = detect("id,name,day\n" + BODY + rest)
    assert found.end is not None
    assert (found.end.records, found.end.what, found.end.is_table) == (records, what, is_table)
    assert found.end.byte == len("id,name,day\n" + BODY)
    assert found.confidence == 1


@pytest.mark.parametrize(
    "rest", ["", "1,2\n" * 3, "code,sum\n1,2\n30,x,2024-02-01\n1,2\n", "a,b\n" * 6]
)
def test_damaged_records_are_no_other_table(rest: str) -> None:
    found = detect("id,name,day\n" + BODY + rest)
    assert found.end is None


def test_blanks_between_delimiter_and_quote_are_dropped() -> None:
    assert detect('a, b, c\n1, "x, y", 2\n3, "z, w", 4\n').dialect.is_trimmed
    assert not detect("a, b, c\n1, x, 2\n").dialect.is_trimmed


def test_what_is_declared_is_obeyed() -> None:
    declared = Dialect(
        delimiter=";", quote="'", escape="\\", has_header=False, skip_lines=1, comment="%"
    )
    found = detect("a,b\n1,2\n3,4\n", declared).dialect
    for name in ("delimiter", "quote", "escape", "has_header", "skip_lines", "comment"):
        assert getattr(found, name) == getattr(declared, name)


def test_a_decision_has_its_evidence_and_nothing_stays_open() -> None:
    found = detect("id;price\n1;1,50\n2;2,75\n")
    assert None not in (
        found.dialect.delimiter,
        found.dialect.quote,
        found.dialect.escape,
        found.dialect.has_header,
        found.dialect.skip_lines,
        found.dialect.comment,
    )
    assert any(line.startswith("delimiter semicolon: 100%") for line in found.evidence)
    assert any(line.startswith("header yes") for line in found.evidence)
    assert found.suspicions == ()


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("a,b\nc\nd,e,f\ng,h,i,j\nk,l,m,n,o\n", "only 20% of its records"),
        ("one\ntwo\nthree, four\nfive, six, seven\n", "read as one column"),
        ("a,b;c\nd,e;f\ng,h;i\n", "almost as good"),
    ],
)
def test_a_doubtful_table_is_suspicious(text: str, part: str) -> None:
    assert any(part in suspicion for suspicion in detect(text).suspicions)


WORDS = st.text(alphabet="abcdefgh XYZ", min_size=1, max_size=10).map(str.strip).filter(bool)
NUMBERS = st.integers(-10_000, 10_000).map(str)
DAYS = st.dates().map(str)


@given(
    rows=st.lists(st.tuples(NUMBERS, WORDS, DAYS, WORDS), min_size=2, max_size=30),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    line_end=st.sampled_from(["\n", "\r\n", "\r"]),
    data=st.data(),
)
def test_any_ordinary_table_is_recognised(
    rows: list[tuple[str, str, str, str]],
    delimiter: str,
    quoting: int,
    line_end: str,
    data: st.DataObject,
) -> None:
    if data.draw(st.booleans()):
        rows = [(a, f"{b}{delimiter} {d}", c, d) for a, b, c, d in rows]
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, delimiter=delimiter, quoting=quoting, lineterminator=line_end)  # type: ignore[arg-type]
    writer.writerow(["id", "full name", "day", "remark"])
    writer.writerows(rows)
    found = detect(stream.getvalue())
    assert found.dialect.delimiter == delimiter
    assert found.dialect.quote == '"'
    assert found.dialect.has_header
    assert (found.dialect.skip_lines, found.dialect.comment, found.width) == (0, "", 4)


@given(data=st.binary(max_size=300))
def test_any_bytes_have_some_dialect(data: bytes) -> None:
    dialect.detect(dialect.Samples(head=data), Dialect())
