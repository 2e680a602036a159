"""A damaged record is read as a person would read it, or told apart from a sound one."""

import io

import pytest

from lakewright.ingest import salvage, splitting
from lakewright.project.source import Dialect

DIALECT = Dialect(
    delimiter=",",
    quote='"',
    escape='"',
    has_header=True,
    skip_lines=0,
    comment="",
    encoding="utf-8",
)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ('1,shoes"warm, dry",9', ["1", "shoes", "warm, dry", "9"]),
        ('1,"shoes""warm, dry",9', ["1", "shoes", "warm, dry", "9"]),
        ('1,"warm, dry"shoes,9', ["1", "warm, dry", "shoes", "9"]),
        ('"1""shoes",warm,9', ["1", "shoes", "warm", "9"]),
    ],
)
def test_a_separator_that_is_missing_beside_a_quote_is_put_there(
    raw: str, expected: list[str]
) -> None:
    assert salvage.fields(raw, DIALECT, 4) == expected


@pytest.mark.parametrize(
    ("raw", "width", "expected"),
    [
        ('1,"say ""hi"" now"', 3, ["1", 'say "hi" now', ""]),
        ('1,"round 48"""', 3, ["1", 'round 48"', ""]),
        ('"a""b","c""d"', 3, ['a"b', 'c"d', ""]),  # Either may be two fields.
        ('1,ab 15" wide,cd 17"', 3, ["1", 'ab 15" wide', 'cd 17"']),
    ],
)
def test_a_quote_inside_a_field_is_no_edge_of_another(
    raw: str, width: int, expected: list[str]
) -> None:
    assert salvage.fields(raw, DIALECT, width) == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ('1,"2,shoes,"warm, dry","a, b"', ["1", '"2', "shoes", "warm, dry", "a, b"]),
        ('1,"2,ab,"c, d, e","f"', ["1", '"2', "ab", "c, d, e", "f"]),
        ('"1,2,ab,"c, d",f', ['"1', "2", "ab", "c, d", "f"]),
        ('1,2,"a "b", c",d,e', ["1", "2", 'a "b", c', "d", "e"]),
    ],
)
def test_of_several_readings_the_one_with_the_fewest_stray_quotes_is_taken(
    raw: str, expected: list[str]
) -> None:
    assert salvage.fields(raw, DIALECT, 5) == expected


@pytest.mark.parametrize(
    ("raw", "is_torn"),
    [
        ('1,shoes"warm, dry",9', True),
        ('1,"shoes",warm,dry', False),
        ('1,15" monitor,17",9', False),
        ('1,"a ""b"" c",d,9', False),
        ('1,a "b" c,d,9', False),
    ],
)
def test_a_record_that_has_its_width_by_accident_is_told(raw: str, is_torn: bool) -> None:
    record = next(iter(splitting.Splitter(io.BytesIO(raw.encode()), DIALECT)))
    assert record.problem is None
    assert salvage.is_torn(record, DIALECT, 4) is is_torn
