"""Public suites of tricky files, through the whole system: read as text, and loaded into bronze.

The decisions about each file are tested where they are made (`tests/ingest/test_landing.py`); here
it counts that nothing on the way to a person or a table changes them, and that nothing dies of it.
"""

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from lakewright.runs.records import Upload, UploadStatus
from tests.system.conftest import House, of_data

CSV_SPECTRUM = (
    "comma_in_quotes", "empty", "empty_crlf", "escaped_quotes", "json", "newlines",
    "newlines_crlf", "quotes_and_newlines", "simple", "simple_crlf", "utf8",
)  # fmt: skip


def read(house: House, name: str) -> Sequence[dict[str, str]]:
    """A file as `sources read` writes it."""
    path = of_data("csv-spectrum") / "csvs" / f"{name}.csv"
    answer = house.do("sources", "read", path, "--format", "csv")
    assert (answer.code, answer.err) == (0, "")
    return list(csv.DictReader(io.StringIO(answer.out, newline="")))


@pytest.mark.parametrize("name", CSV_SPECTRUM)
def test_csv_spectrum_is_written_exactly_as_it_must_be_read(house: House, name: str) -> None:
    path = of_data("csv-spectrum") / "json" / f"{name}.json"
    assert read(house, name) == json.loads(path.read_text("utf-8"))


def test_the_case_whose_expectation_is_broken_is_written_as_its_file_has_it(house: House) -> None:
    # The published answer has another telephone number than the file; ours is the file's.
    folder = of_data("csv-spectrum")
    text = (folder / "csvs" / "location_coordinates.csv").read_text("utf-8")
    published = (folder / "json" / "location_coordinates.json").read_text("utf-8")
    [record] = read(house, "location_coordinates")
    number = record["Contact Phone Number"]
    assert number in text
    assert number not in published


SOURCE = "format: {type: json, mode: document}\nbad_records: {share_max: 1.0}\n"
"""A sound document may hold values that no column can: a record in quarantine, no bad file."""


@pytest.mark.slow
def test_json_documents_are_loaded_or_refused_to_the_letter(house: House) -> None:
    folder = of_data("json-test-suite") / "test_parsing"
    files = sorted(folder.glob("[yn]_*.json"))
    # A table for each: what one document holds must decide nothing about another.
    house.write({f"sources/source_{number}.yaml": SOURCE for number in range(len(files))})
    wrong = []
    for number, path in enumerate(files):
        [upload] = house.try_to_load(path, source=f"source_{number}")
        is_refused = upload.status is UploadStatus.FAILED
        is_located = "at byte " in json.dumps(upload.error)
        if is_refused is path.name.startswith("y_") or is_refused is not is_located:
            wrong.append((path.name, upload.status, upload.error))
    assert (len(files), wrong) == (283, [])


def test_a_zero_character_in_a_name_is_loaded(house: House) -> None:
    house.load(house.file("things.json", '{"foo\\u0000bar": 42, "x": {"\\u0000": "\\u0000"}}\n'))
    [row] = house.table("bronze.things").to_pylist()
    assert (row["foo_bar"], row["x"]) == (42, '{"\\u0000":"\\u0000"}')


def load_alone(house: House, path: Path, number: int) -> Upload:
    """Load a file into a table of its own; every record must be accounted for."""
    [upload] = house.try_to_load(path, source=f"source_{number}")
    if upload.status is UploadStatus.FAILED:
        assert upload.error is not None
        return upload
    assert upload.records == (upload.rows or 0) + (upload.quarantined or 0), path
    assert house.count(f"bronze.source_{number}") == upload.rows, path
    return upload


def code_of(upload: Upload) -> str:
    return str(upload.error["code"]) if isinstance(upload.error, dict) else ""


@pytest.mark.slow
def test_good_parquet_files_are_loaded_into_bronze(house: House) -> None:
    files = sorted(of_data("parquet-testing").glob("data/**/*.parquet"))
    uploads = {path.name: load_alone(house, path, number) for number, path in enumerate(files)}
    failed = {name: each.error for name, each in uploads.items()
              if each.status is UploadStatus.FAILED}  # fmt: skip
    assert len(files) - len(failed) >= 73, failed


def test_hostile_parquet_files_are_loaded_or_refused_and_nothing_dies_of_it(house: House) -> None:
    files = sorted(of_data("parquet-testing").glob("bad_data/*.parquet"))
    assert len(files) == 8
    for number, path in enumerate(files):
        assert code_of(load_alone(house, path, number)) in ("", "file-unreadable"), path
    sound = house.file("sound.csv", "id\n1\n")
    assert house.load(sound)[0].rows == 1
