"""Lines are cut where the source says or the file shows it; a line that does not fit is refused."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakewright import errors
from lakewright.ingest import fixed_width
from lakewright.project.source import FixedField, FixedWidth
from tests.ingest.delivered import land, names, problems, raws, rows


def fields(*widths: int) -> tuple[FixedField, ...]:
    starts = [sum(widths[:place]) for place in range(len(widths))]
    return tuple(
        FixedField(start=start, width=width) for start, width in zip(starts, widths, strict=True)
    )


PEOPLE = "id  name      born      \n0001Ada       1815-12-10\n0002Grace     1906-12-09\n"


def test_fields_are_cut_at_their_places_and_trimmed(tmp_path: Path) -> None:
    landed = land(tmp_path, PEOPLE.encode(), "people.txt", FixedWidth(fields=fields(4, 10, 10)))
    assert names(landed) == ["id", "name", "born"]
    assert rows(landed) == [["0001", "Ada", "1815-12-10"], ["0002", "Grace", "1906-12-09"]]
    assert [str(column.type) for column in landed.columns] == ["string", "string", "date"]
    assert landed.suspicions == ()


def test_named_fields_need_no_header_and_may_leave_gaps(tmp_path: Path) -> None:
    declared = FixedWidth(
        fields=(
            FixedField(start=0, width=4, name="Id"),
            FixedField(start=14, width=10, name="Born"),
        ),
        has_header=False,
        skip_lines=1,
    )
    landed = land(tmp_path, PEOPLE.encode(), "people.txt", declared)
    assert names(landed) == ["Id", "Born"]
    assert rows(landed) == [["0001", "1815-12-10"], ["0002", "1906-12-09"]]


def test_a_line_that_is_too_short_or_too_long_is_refused_with_its_text(tmp_path: Path) -> None:
    data = PEOPLE + "0003Bo\n0004Zoë       1999-01-01 and more\n\n   \n0005          2000-01-01  \n"
    landed = land(tmp_path, data.encode(), "people.txt", FixedWidth(fields=fields(4, 10, 10)))
    assert problems(landed) == {
        3: "6 characters where 24 are expected",
        4: "33 characters where 24 are expected",
    }
    assert rows(landed)[2:] == [["0005", None, "2000-01-01"]]
    assert raws(landed) == ["0003Bo", "0004Zoë       1999-01-01 and more"]


def test_lines_whose_blanks_at_the_end_were_dropped_are_whole(tmp_path: Path) -> None:
    data = "1   Ada\n2   Grace\n3\n4   Bo\n"
    landed = land(tmp_path, data.encode(), "a.txt", FixedWidth(fields=fields(4, 10)))
    assert rows(landed) == [["1", "Ada"], ["2", "Grace"], ["3", None], ["4", "Bo"]]
    assert isinstance(landed.format, FixedWidth)
    assert landed.format.is_padded is False
    declared = FixedWidth(fields=fields(4, 10), is_padded=True)
    assert len(problems(land(tmp_path / "again", data.encode(), "a.txt", declared))) == 4


def test_a_ruler_under_the_header_shows_the_fields(tmp_path: Path) -> None:
    data = "A report\n\nid   name       amount\n---- ---------- ------\n   1 Ada Berg    10.50\n"
    data += "".join(f"{n:4d} {'x' * 10} {n:6.2f}\n" for n in range(2, 14))
    data += f"  14 {'x' * 11}  1.00\n"
    landed = land(tmp_path, data.encode(), "report.txt", FixedWidth())
    assert names(landed) == ["id", "name", "amount"]
    assert rows(landed)[0] == ["1", "Ada Berg", "10.50"]
    assert len(rows(landed)) == 13
    assert "text between two fields" in problems(landed)[14]
    assert landed.suspicions == ()


def test_places_that_are_blank_in_all_lines_stand_between_fields(tmp_path: Path) -> None:
    data = "id  name    amount\n" + "".join(f"{n:<3d} Ada{n:<4d} {n:6.2f}\n" for n in range(40))
    landed = land(tmp_path, data.encode(), "a.txt", FixedWidth())
    assert names(landed) == ["id", "name", "amount"]
    assert rows(landed)[39] == ["39", "Ada39", "39.00"]
    assert any("blank in all lines" in line for line in landed.evidence)


def test_fields_that_few_lines_show_make_the_file_suspect(tmp_path: Path) -> None:
    landed = land(tmp_path, b"id name\n1  Ada\n2  Bob\n", "a.txt", FixedWidth())
    assert rows(landed) == [["1", "Ada"], ["2", "Bob"]]
    assert "declare `widths`" in landed.suspicions[0]


def test_characters_are_counted_and_not_bytes(tmp_path: Path) -> None:
    data = "Zoë 1\nAda 2\n".encode("windows-1252")
    landed = land(tmp_path, data, "a.txt", FixedWidth(fields=fields(4, 1), has_header=False))
    assert rows(landed) == [["Zoë", "1"], ["Ada", "2"]]


def test_a_line_that_is_no_text_is_refused_and_the_rest_read(tmp_path: Path) -> None:
    data = "äöü 1\nÄÖÜ 2\nßßß 3\n".encode() + b"a\xff\xfe 4\n"
    landed = land(tmp_path, data, "a.txt", FixedWidth(fields=fields(4, 1), has_header=False))
    assert rows(landed) == [["äöü", "1"], ["ÄÖÜ", "2"], ["ßßß", "3"]]
    assert "UTF-8" in problems(landed)[4]


def test_a_decimal_comma_that_is_declared_makes_numbers(tmp_path: Path) -> None:
    data = b"a    1,5\nb1234,25\nc     -7\n"
    look = FixedWidth(fields=fields(1, 7), has_header=False, decimal_separator=",")
    landed = land(tmp_path, data, "a.txt", look)
    assert [str(column.type) for column in landed.columns] == ["string", "double"]
    assert rows(landed)[1] == ["b", "1234,25"]


@pytest.mark.parametrize(
    ("data", "declared", "what"),
    [
        (b"# only\n", FixedWidth(comment="#"), "has no line"),
        (b"abc\ndef\n", FixedWidth(), "no fields can be told apart"),
        (b"x" * (fixed_width.LINE_BYTES_MAX + 1), FixedWidth(fields=fields(3)), "a line of more"),
        (b"%PDF-1.7 ", FixedWidth(), "a PDF document"),
    ],
)
def test_what_has_no_fields_is_refused(
    tmp_path: Path, data: bytes, declared: FixedWidth, what: str
) -> None:
    with pytest.raises(errors.FileUnreadable, match=what):
        land(tmp_path, data, "a.txt", declared)


_WORDS = st.text(st.characters(codec="utf-8", categories=["L", "Nd"]), min_size=1, max_size=8)
_ROWS = st.lists(
    st.tuples(*[st.one_of(st.none(), _WORDS)] * 3).filter(any), min_size=1, max_size=30
)


@settings(max_examples=60)
@given(_ROWS, st.sampled_from(["\n", "\r\n", "\r"]), st.booleans())
def test_records_that_were_written_come_back(
    table: Sequence[tuple[str | None, ...]], ending: str, is_padded: bool
) -> None:
    lines = ["".join((cell or "").ljust(8) for cell in row) for row in table]
    text = "".join((line if is_padded else line.rstrip()) + ending for line in lines)
    declared = FixedWidth(fields=fields(8, 8, 8), has_header=False, is_padded=is_padded)
    with TemporaryDirectory() as folder:
        landed = land(Path(folder), text.encode(), "a.txt", declared)
        assert rows(landed) == [list(row) for row in table]


@settings(max_examples=60)
@given(st.text(max_size=300))
def test_no_text_is_lost(text: str) -> None:
    lines = [line for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
             if line.strip(" ")]  # fmt: skip
    declared = FixedWidth(fields=fields(3, 4), has_header=False, encoding="utf-8")
    with TemporaryDirectory() as folder:
        try:
            landed = land(Path(folder), text.encode(), "a.txt", declared)
        except errors.FileUnreadable:
            return
        assert landed.records == len(lines)
