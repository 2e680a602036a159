import pytest

from lakewright.project import numerals


@pytest.mark.parametrize(
    ("pattern", "groups", "point", "prefix", "suffix"),
    [
        ("0", "", None, "", ""),
        ("0,0", "", ",", "", ""),
        ("0.00", "", ".", "", ""),
        ("##0.##", "", ".", "", ""),
        ("#,##0", ",", None, "", ""),
        ("#,##0.00", ",", ".", "", ""),
        ("#.##0,00 €", ".", ",", "", " €"),
        ("# ##0,0", " \u00a0\u2009\u202f", ",", "", ""),
        ("#'##0.0", "'\u2019", ".", "", ""),
        ("$#,##0.00", ",", ".", "$", ""),
        ("USD 0.0", "", ".", "USD ", ""),
        ("0,0 %", "", ",", "", " %"),
    ],
)
def test_a_pattern_shows_how_numbers_are_written(
    pattern: str, groups: str, point: str | None, prefix: str, suffix: str
) -> None:
    assert numerals.parse(pattern) == numerals.Numeral(
        groups=groups, point=point, prefix=prefix, suffix=suffix
    )


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("", "shows no number"),
        ("yyyy-MM-dd", "shows no number"),
        ("1,234.50", "shows no number"),
        ("0.0.0", "shows no number"),
        ("#,##0,0", "between thousands"),
        ("#,#0", "shows no number"),
        ("-0.0", "shows a sign"),
        (".0", "shows no number"),
        ("0\0", "shows no number"),
    ],
)
def test_what_shows_no_number_is_refused(pattern: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        numerals.parse(pattern)
