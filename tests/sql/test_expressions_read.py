import pytest

from lakewright.sql.expressions_read import read


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("a+b*?c{2,3}", "a+b*?c{2,3}"),
        (r"\d\.[\d-]", r"[0-9]\.[0-9-]"),
        ("(?:a|b)", "(?:a|b)"),
        (".", r"[^\n\r\x{85}\x{2028}\x{2029}]"),
    ],
)
def test_a_pattern_is_written_so_that_it_matches_the_same(pattern: str, text: str) -> None:
    assert read(pattern).text == text


@pytest.mark.parametrize(
    "pattern",
    [
        "(?i)a",
        "a(?=b)",
        "(?<n>a)",
        r"\bx",
        "a++",
        r"(a)\1",
        "[[:alpha:]]",
        "[a&&b]",
        "[",
        "a)",
        "*",
    ],
)
def test_what_engines_match_otherwise_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"portable|regular expression"):
        read(pattern)


def test_a_pattern_tells_its_groups_and_whether_it_may_match_nothing() -> None:
    found = read("(a)(?:b)(c)?$")
    assert (found.groups, found.has_end, found.may_be_empty) == (2, True, False)
    assert read("a*").may_be_empty
