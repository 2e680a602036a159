from pathlib import Path

import numpy
import pytest

from lakewright.engines.duckdb import ranges
from lakewright.plan.landed import CsvPart
from lakewright.project.source import Dialect

DIALECT = Dialect(delimiter=",", quote='"', escape='"')


def parts(folder: Path, *pieces: list[bytes], skipped: bytes = b"a,b\n") -> tuple[CsvPart, ...]:
    """A file of these records behind a header, one part for each list of them."""
    path, offsets_path = folder / "x.csv", folder / "offsets"
    path.write_bytes(skipped + b"".join(record for piece in pieces for record in piece))
    found: list[CsvPart] = []
    written: list[int] = []
    position, number = len(skipped), 1
    for piece in pieces:
        offsets = [0, *numpy.cumsum([len(record) for record in piece]).tolist()]
        found.append(
            CsvPart(
                path=str(path),
                byte_start=position,
                byte_end=position + offsets[-1],
                first_record=number,
                records=len(piece),
                offsets_path=str(offsets_path),
                offsets_start=len(written),
            )
        )
        written += offsets
        position += offsets[-1]
        number += len(piece)
    offsets_path.write_bytes(numpy.array(written, dtype="<u4").tobytes())
    return tuple(found)


def test_neighbouring_parts_of_a_small_file_are_one_range(tmp_path: Path) -> None:
    (found,) = ranges.shared(parts(tmp_path, [b"1,2\n", b"3,4\n"], [b"5,6\n"]), threads=2)
    assert (found.first_record, found.last_record, found.records) == (1, 3, 3)
    assert found.starts().tolist() == [4, 8, 12, 16]
    found.write(tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == b"1,2\n3,4\n5,6\n"


def test_parts_with_something_between_them_are_ranges_of_their_own(tmp_path: Path) -> None:
    first, between, last = parts(tmp_path, [b"1,2\n"], [b"no\n"], [b"5,6\n"])
    found = ranges.shared((first, last), threads=2)
    assert [(each.first_record, each.records) for each in found] == [(1, 1), (3, 1)]
    assert between.first_record == 2


def test_a_large_file_is_cut_anew_so_that_all_threads_have_the_same_to_do(tmp_path: Path) -> None:
    record = b"1," + b"x" * 1021 + b"\n"
    found = ranges.shared(parts(tmp_path, [record] * 9000, [record] * 101), threads=3)
    assert [each.records for each in found] == [3034, 3034, 3033]
    assert [each.first_record for each in found] == [1, 3035, 6069]
    assert found[1].byte_start == found[0].byte_end == 4 + 3034 * 1024
    assert found[2].byte_end == 4 + 9101 * 1024


def test_records_are_fetched_without_their_lines_ends(tmp_path: Path) -> None:
    (found,) = ranges.shared(parts(tmp_path, [b"1,2\r\n", b'"a\nb",\r\n\r\n'], [b"5,6"]), threads=1)
    assert list(found.raw([2, 3])) == [(2, 9, b'"a\nb",'), (3, 19, b"5,6")]


def test_records_are_replaced_in_the_copy_alone(tmp_path: Path) -> None:
    (found,) = ranges.shared(parts(tmp_path, [b"1,2\n", b"3,4\n", b"5,6"]), threads=1)
    stretches = [(start, start + len(raw)) for _, start, raw in found.raw([1, 3])]
    found.write(tmp_path / "copy", stretches, ranges.surplus(DIALECT, 2))
    assert (tmp_path / "copy").read_bytes() == b",,\n3,4\n,,"


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ("a,b", ["a", "b"]),
        (",", ["", ""]),
        ("", [""]),
        ('"a,b",c', ["a,b", "c"]),
        ('"say ""hi""","",', ['say "hi"', "", ""]),
        (',"a\nb"', ["", "a\nb"]),
        ('"a","",""', ["a", "", ""]),
    ],
)
def test_a_regular_record_is_split_into_its_fields(record: str, expected: list[str]) -> None:
    assert ranges.fields(record, DIALECT) == expected


def test_without_a_quote_character_a_quote_is_text() -> None:
    assert ranges.fields('"a,b"', Dialect(delimiter=",", quote="", escape="")) == ['"a', 'b"']
