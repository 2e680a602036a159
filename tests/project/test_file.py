from hypothesis import given
from hypothesis import strategies as st

from lakewright.project.file import EXCERPT_COLUMNS_MAX, Span, TextFile


@given(st.text("ab é\n\r\t\ufeff", max_size=30), st.data())
def test_a_place_and_its_offset_are_inverse(text: str, data: st.DataObject) -> None:
    file = TextFile.read("a.yaml", text)
    offset = data.draw(st.integers(0, len(file.text)))
    place = file.place(offset)
    assert file.offset(place) == offset
    lines = file.text.split("\n")
    assert place.column <= len(lines[place.line - 1]) + 1


def test_carets_stand_under_the_span_and_end_with_the_line() -> None:
    file = TextFile.read("a.yaml", "one: 1\n\ttwo: 2\n")
    assert file.excerpt(Span(8, 3)) == " two: 2\n ^^^"
    assert file.excerpt(Span(13, 9)) == " two: 2\n      ^"


def test_a_long_line_is_cut_around_the_mistake() -> None:
    file = TextFile.read("a.yaml", "x" * 5000 + "HERE" + "x" * 5000)
    line, carets = file.excerpt(Span(5000, 4)).split("\n")
    assert len(line) == EXCERPT_COLUMNS_MAX
    start = carets.index("^")
    assert line[start : start + 4] == "HERE"
    assert carets.count("^") == 4
