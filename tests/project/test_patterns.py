import pytest

from lakewright.project import patterns
from lakewright.project.patterns import Letters, Text


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("dd/MM/yyyy", (Letters("dd"), Text("/"), Letters("MM"), Text("/"), Letters("yyyy"))),
        ("uuuuMMdd", (Letters("yyyy"), Letters("MM"), Letters("dd"))),
        (
            "d 'o''clock' M yy",
            (
                Letters("d"),
                Text(" "),
                Text("o'clock"),
                Text(" "),
                Letters("M"),
                Text(" "),
                Letters("yy"),
            ),
        ),
    ],
)
def test_a_pattern_is_split_into_groups_of_letters_and_text(
    pattern: str, expected: tuple[patterns.Piece, ...]
) -> None:
    assert patterns.parse(pattern) == expected


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("EEE dd/MM/yyyy", "'EEE'"),
        ("dd/MM/yyyy'", "not closed"),
        ("dd/MM", "the year"),
        ("yyyy-MM-dd hh:mm", "'h'"),
        ("yyyy-MM-dd HH:mm a", "'h'"),
        ("yyyy-MM-dd mm", "'H'"),
        ("yyyy-MM-dd HH:mm:ss VV", "'VV'"),
        ("yyyy-MM-dd d", "twice"),
        ("yyyy-MM-dd HH:mm:ssXXX Z", "zone twice"),
    ],
)
def test_a_pattern_that_engines_read_differently_is_refused(pattern: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        patterns.parse(pattern)


def test_a_pattern_knows_whether_it_says_a_zone() -> None:
    day, moment = patterns.parse("yyyy-MM-dd"), patterns.parse("yyyy-MM-dd HH:mmXXX")
    assert [patterns.has_zone(day), patterns.has_zone(moment)] == [False, True]
