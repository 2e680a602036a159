"""Public suites of tricky files, and every decision that landing makes about a file as a whole."""

import csv
import gzip
import io
import json
import zipfile
from contextlib import suppress
from functools import partial
from pathlib import Path

import duckdb
import openpyxl
import pyarrow
import pyarrow.parquet
import pytest
import zstandard

from lakewright import errors
from lakewright.ingest import landing, packing, preview
from lakewright.plan import codec, steps
from lakewright.plan.landed import CsvPart, Landed, ParquetPart
from lakewright.project.contract import Column, Contract, Evolution, Policy
from lakewright.project.source import (
    Compression,
    Csv,
    Dialect,
    FixedWidth,
    Format,
    Json,
    JsonMode,
    Parquet,
)
from lakewright.sql import types

SHARED = Path(__file__).parents[2].parent / "shared" / "data"

needs_shared_data = pytest.mark.skipif(
    not SHARED.is_dir(), reason=f"PUBLIC TEST FILES ARE ABSENT: there is no {SHARED}"
)

zipped = partial(gzip.compress, mtime=0)  # The same bytes at any time of day.


def land(
    path: Path,
    work_folder: Path,
    format: Format | None = None,  # noqa: A002
    contract: Contract | None = None,
    limits: packing.Limits | None = None,
) -> Landed:
    step = steps.Land(
        upload_id="0123456789abcdef",
        source="things",
        file_name=path.name,
        sha256="0" * 64,
        format=format,
        contract=contract,
    )
    landed = landing.land(step, path, work_folder, lambda _: None, limits)
    assert codec.from_json(Landed, codec.to_json(landed)) == landed
    assert landed.records == sum(part.records for part in landed.parts)
    assert landed.format.compression is not Compression.AUTO
    return landed


def land_bytes(folder: Path, data: bytes, name: str = "things.csv", **options: object) -> Landed:
    path = folder / name
    path.write_bytes(data)
    return land(path, folder / "work", **options)  # type: ignore[arg-type]


def read(landed: Landed) -> list[dict[str, str]]:
    stream = io.StringIO(newline="")
    written = preview.write_csv(landed, stream)
    assert written.refused == 0
    stream.seek(0)
    return list(csv.DictReader(stream))


CSV_SPECTRUM = [
    *("comma_in_quotes", "empty", "empty_crlf", "escaped_quotes", "json", "newlines"),
    *("newlines_crlf", "quotes_and_newlines", "simple", "simple_crlf", "utf8"),
]


@needs_shared_data
@pytest.mark.parametrize("name", CSV_SPECTRUM)
def test_csv_spectrum_is_read_exactly_without_configuration(tmp_path: Path, name: str) -> None:
    folder = SHARED / "csv-spectrum"
    expected = json.loads((folder / "json" / f"{name}.json").read_text(encoding="utf-8"))
    landed = land(folder / "csvs" / f"{name}.csv", tmp_path)
    assert read(landed) == expected
    assert landed.suspicions == ()


@needs_shared_data
def test_csv_spectrum_with_a_stray_quote_is_read_literally(tmp_path: Path) -> None:
    # Its published expectation names another telephone number than the file.
    landed = land(SHARED / "csv-spectrum" / "csvs" / "location_coordinates.csv", tmp_path)
    (record,) = read(landed)
    assert record["Contact Phone Number"] == "2095257564"
    assert record["Location Coordinates"].startswith("37")
    assert record["Location Coordinates"].endswith('17.9"W')


@needs_shared_data
def test_json_test_suite_is_judged_to_the_letter(tmp_path: Path) -> None:
    files = sorted((SHARED / "json-test-suite" / "test_parsing").glob("[yn]_*.json"))
    wrong = []
    for path in files:
        try:
            landed = land(path, tmp_path, Json(mode=JsonMode.DOCUMENT))
            is_accepted = landed.records == 1
        except errors.FileUnreadable:
            is_accepted = False
        if is_accepted is not path.name.startswith("y_"):
            wrong.append(path.name)
    assert (len(files), wrong) == (283, [])


@needs_shared_data
def test_good_parquet_files_land_and_can_be_read(tmp_path: Path) -> None:
    files = sorted((SHARED / "parquet-testing" / "data").rglob("*.parquet"))
    unread = []
    for path in files:
        try:
            landed = land(path, tmp_path)
            (part,) = landed.parts
            with duckdb.connect() as connection:
                rows = connection.execute("FROM read_parquet(?)", [part.path]).fetchall()
            if len(rows) != landed.records:
                unread.append(path.name)
        except errors.FileUnreadable:
            unread.append(path.name)
    assert len(files) - len(unread) >= 73, unread


@needs_shared_data
def test_hostile_parquet_files_land_or_are_refused(tmp_path: Path) -> None:
    for path in sorted((SHARED / "parquet-testing" / "bad_data").glob("*.parquet")):
        with suppress(errors.FileUnreadable):
            assert land(path, tmp_path).parts


@needs_shared_data
def test_a_feed_whose_columns_grow_lands_every_day(tmp_path: Path) -> None:
    found = [land(path, tmp_path) for path in sorted((SHARED / "schema-drift").glob("*.csv"))]
    assert {len(landed.columns) for landed in found} == {24, 30}
    assert {landed.records for landed in found} == {21}
    assert all(isinstance(landed.parts[0], CsvPart) for landed in found)
    assert not any(landed.suspicions for landed in found)


@pytest.mark.parametrize(
    ("data", "name", "kind"),
    [
        (b"a,b\n1,2\n", "x.csv", "csv"),
        (b"a,b\n1,2\n", "x.json", "csv"),
        (b'{"a":1}\n{"a":2}\n', "x.csv", "json"),
        (b'[{"a":1},\n {"a":2}]', "x.txt", "json"),
        (b'[id],[name]\n1,"{"\n', "x.csv", "csv"),
        ('{"a":"é"}\n'.encode("utf-16"), "x", "json"),
        ("a,b\n1,é\n".encode("utf-16"), "x", "csv"),
        (zipped(b'{"a":1}\n'), "x.gz", "json"),
        (zstandard.compress(b"a,b\n1,2\n"), "x.csv.zst", "csv"),
    ],
)
def test_the_format_is_found_by_content(tmp_path: Path, data: bytes, name: str, kind: str) -> None:
    landed = land_bytes(tmp_path, data, name)
    assert landed.format.kind == kind
    assert any(line.startswith(f"format {kind}") for line in landed.evidence)


def test_parquet_is_found_by_content_and_left_as_it_is(tmp_path: Path) -> None:
    stream = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table({"a": [1, 2]}), stream)
    landed = land_bytes(tmp_path, stream.getvalue(), "x.csv")
    assert landed.parts == (ParquetPart(path=str(tmp_path / "x.csv"), records=2),)
    packed = land_bytes(tmp_path, zipped(stream.getvalue()), "x.gz")
    assert packed.format == Parquet(compression=Compression.GZIP)


@pytest.mark.parametrize(
    ("data", "declared", "what"),
    [
        (b"", None, "is empty"),
        (b"PK\x03\x04", None, "is damaged"),
        (bytes(range(256)), None, "binary data"),
        (b"PAR1 and no more", None, "cut short"),
        (b"a,b\n1,2\n", Parquet(), "no Parquet file"),
        (b"PAR1....PAR1", Csv(), "looks like a Parquet file"),
        (b"a,b\n1,2\n", Json(mode=JsonMode.DOCUMENT), "no valid JSON"),
        (zipped(b"")[:10], None, "cut short"),
        (zipped(b""), None, "is empty"),
    ],
)
def test_a_file_that_is_not_what_it_should_be_is_refused(
    tmp_path: Path, data: bytes, declared: Format | None, what: str
) -> None:
    with pytest.raises(errors.FileUnreadable, match=what) as caught:
        land_bytes(tmp_path, data, format=declared)
    assert caught.value.hint


def test_landing_twice_gives_the_same(tmp_path: Path) -> None:
    data = zipped(b'a,b\n1,x\n2,y"\n3,z\n')
    first = land_bytes(tmp_path, data)
    before = {path.name: path.read_bytes() for path in (tmp_path / "work").iterdir()}
    assert land_bytes(tmp_path, data) == first
    assert {path.name: path.read_bytes() for path in (tmp_path / "work").iterdir()} == before


def test_a_file_without_records_is_suspicious(tmp_path: Path) -> None:
    assert land_bytes(tmp_path, b"a,b\n").suspicions == ("it holds no records",)
    assert land_bytes(tmp_path, b"[]").suspicions == ("it holds no records",)


def test_a_declared_dialect_is_obeyed(tmp_path: Path) -> None:
    declared = Csv(dialect=Dialect(delimiter=";", has_header=False))
    landed = land_bytes(tmp_path, b"a,b;1\nc,d;2\n", format=declared)
    assert [column.name for column in landed.columns] == ["column_1", "column_2"]
    assert landed.records == 2


def kinds(landed: Landed) -> list[str]:
    return [str(column.type) for column in landed.columns]


def test_only_types_that_no_contract_settles_are_looked_for(tmp_path: Path) -> None:
    data = b"id,Full Name,day,n\n1,a,2024-01-31,NA\n2,b,2024-02-01,5\n"
    id_and_name = (
        Column(name="id", type=types.BIGINT),
        Column(name="full_name", type=types.STRING),
    )
    adopted = Contract(columns=id_and_name, null_words=("", "NA"))
    assert kinds(land_bytes(tmp_path, data)) == ["bigint", "string", "date", "bigint"]
    assert kinds(land_bytes(tmp_path, data, contract=adopted)) == [
        "unknown", "unknown", "date", "bigint",
    ]  # fmt: skip
    inferred = Contract(columns=id_and_name, is_adopted=False)
    assert kinds(land_bytes(tmp_path, data, contract=inferred))[0] == "bigint"
    evolving = Contract(columns=id_and_name, evolution=Evolution(wider_types=Policy.EVOLVE))
    assert kinds(land_bytes(tmp_path, data, contract=evolving))[0] == "bigint"


def test_a_columns_own_null_words_count_for_its_type(tmp_path: Path) -> None:
    columns = (
        Column(name="a", type=types.BIGINT, null_words=("-",)),
        Column(name="b", type=types.BIGINT),
    )
    contract = Contract(columns=columns, is_adopted=False)
    landed = land_bytes(tmp_path, b"a,b\n1,-\n-,2\n", contract=contract)
    assert kinds(landed) == ["bigint", "string"]


def test_types_of_json_columns_follow_the_contract_too(tmp_path: Path) -> None:
    contract = Contract(columns=(Column(name="full_name", type=types.STRING),))
    data = b'{"Full Name":"a","n":1}\n'
    assert kinds(land_bytes(tmp_path, data, contract=contract)) == ["unknown", "bigint"]


def progress(tmp_path: Path, data: bytes, name: str, declared: Format | None = None) -> list[int]:
    path = tmp_path / name
    path.write_bytes(data)
    step = steps.Land(
        upload_id="u", source="x", file_name=name, sha256="", format=declared, contract=None
    )
    told: list[int] = []
    landing.land(step, path, tmp_path / f"work-{name}", told.append)
    return told


def workbook(rows: int) -> bytes:
    written = openpyxl.Workbook(write_only=True)
    sheet = written.create_sheet("orders")
    sheet.append(["a", "b"])
    for number in range(rows):
        sheet.append([number, "some text"])
    held = io.BytesIO()
    written.save(held)
    return held.getvalue()


def zip_of(files: dict[str, bytes]) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return held.getvalue()


LINES = b"a,b\n" + b"1,some text\n" * 200_000
STRAY = LINES[:1_200_004] + b'2,a "stray" quote"\n' + LINES[1_200_004:]
JSON_LINES = b'{"a":1,"b":"some text"}\n' * 100_000


@pytest.mark.parametrize(
    ("data", "name", "declared"),
    [
        (LINES, "x.csv", None),
        (STRAY, "stray.csv", None),
        (LINES.replace(b",", b"||"), "bars.csv", None),
        (gzip.compress(LINES), "x.csv.gz", None),
        (LINES.decode().encode("utf-16"), "wide.csv", None),
        (JSON_LINES, "x.jsonl", None),
        (b"[" + b",".join(JSON_LINES.splitlines()) + b"]", "x.json", None),
        (b"a    b        \n" + b"1    some text\n" * 200_000, "x.txt", FixedWidth()),
        (zip_of({"1.csv": LINES, "2.csv": LINES}), "x.zip", None),
        (workbook(20_000), "x.xlsx", None),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_progress_is_told_in_delivered_bytes_up_to_the_last(
    tmp_path: Path, data: bytes, name: str, declared: Format | None
) -> None:
    told = progress(tmp_path, data, name, declared)
    assert told == sorted(told)
    assert len(told) > 1
    assert told[-1] == pytest.approx(len(data), rel=0.01)


def test_a_parquet_file_is_passed_at_once_since_its_footer_says_all(tmp_path: Path) -> None:
    held = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table({"a": list(range(100_000))}), held)
    assert progress(tmp_path, held.getvalue(), "x.parquet") == [len(held.getvalue())]
