import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakewright.ingest import marks
from lakewright.project.source import Dialect


@pytest.mark.parametrize(
    ("delimiter", "quote", "escape", "is_plain"),
    [
        (",", '"', '"', True),
        ("||", '"', "\\", True),
        ("¦", "'", "", True),
        ('"|"', '"', '"', False),
        (",", "¦", "«", False),
        ("\r", '"', '"', False),
    ],
)
def test_marks_that_share_a_byte_are_not_told_apart_by_their_first(
    delimiter: str, quote: str, escape: str, is_plain: bool
) -> None:
    dialect = Dialect(delimiter=delimiter, quote=quote, escape=escape)
    assert marks.are_plain(dialect) == is_plain


def test_of_backslashes_in_a_row_every_second_is_literal() -> None:
    alphabet = marks.Alphabet(Dialect(delimiter=",", quote='"', escape="\\"))
    found = alphabet.find(rb"a\,b\\,c\\\,d\n,e" + b"\n", is_last=True)
    assert found.places.tolist() == [6, 15, 17]
    assert sorted(found.removed.tolist()) == [1, 4, 8, 10]


def test_delimiters_that_overlap_are_left_to_the_rules() -> None:
    found = marks.Alphabet(Dialect(delimiter="||", quote="")).find(b"a||b\na|||b\n", is_last=True)
    assert found.unclear.tolist() == [7]


@given(flags=st.lists(st.booleans(), max_size=200))
def test_flags_are_counted_up_to_each_of_them(flags: list[bool]) -> None:
    odd = marks.are_odd(numpy.array(flags, dtype=numpy.bool_))
    assert odd.tolist() == [sum(flags[: place + 1]) % 2 == 1 for place in range(len(flags))]
