"""Workbooks, fixed width files and archives, from the command line to tables and quarantine."""

import io
import json
import resource
import subprocess
import sys
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from tests.ingest import bombs
from tests.ingest.delivered import book, sheet, tarred, zipped
from tests.system.conftest import House, reconciles

_TEXTS = "<sst><si><t>id</t></si><si><t>name</t></si><si><t>Ada</t></si></sst>"
WORKBOOK = book(
    sheet(
        "<row r='1'><c r='A1' t='s'><v>0</v></c><c r='B1' t='s'><v>1</v></c></row>"
        "<row r='2'><c r='A2'><v>1</v></c><c r='B2' t='s'><v>2</v></c></row>"
        "<row r='3'><c r='A3'><v>2</v></c><c r='B3' t='e'><v>#DIV/0!</v></c></row>"
        "<row r='4'><c r='A4' t='str'><v>three</v></c></row>"
        "<row r='5'><c r='A5'><v>4</v></c></row>"
    ),
    texts=_TEXTS,
)
GOOD = b"id,name\n1,Ada\n2,Bob\n"
A = b"id,name\n1,Ada\nx,Bob\n3,Cy\n"
B = b"name,id,city\nDi,4,Rome\n,5,\ny,z,Oslo\n"
COLUMNS = """
columns:
  - {name: id, type: bigint, required: true}
  - {name: name, type: string}
bad_records: {share_max: 1.0}
"""


def quarantined(house: House, source: str) -> list[tuple[object, ...]]:
    """Of each refused record, its number, its text and the codes of its reasons."""
    found = house.ask("quarantine", "show", source)
    return sorted(
        (each["_record"], each["raw"], *(reason["code"] for reason in each["reasons"]))
        for each in found
    )


def test_a_workbook_becomes_a_table_with_its_refused_rows_in_quarantine(house: House) -> None:
    house.write({"sources/people.yaml": "match: people*\nformat: excel\n" + COLUMNS})
    [found] = house.upload(house.file("people.xlsx", WORKBOOK))
    assert reconciles([found])
    assert (found["records_in"], found["rows_loaded"]) == (4, 2)
    table = house.table("bronze.people").sort_by("_record").to_pydict()
    assert (table["id"], table["name"]) == ([1, 4], ["Ada", None])
    assert quarantined(house, "people") == [
        (2, '{"sheet": "A", "row": 3, "cells": {"A": "2", "B": "#DIV/0!"}}', "unreadable_record"),
        (3, '{"sheet": "A", "row": 4, "cells": {"A": "three"}}', "not_a_bigint"),
    ]


def test_a_fixed_width_file_becomes_a_table_with_its_refused_lines_in_quarantine(
    house: House,
) -> None:
    look = "{type: fixed_width, fields: [{name: id, width: 4}, {name: name, width: 6}]}"
    house.write({"sources/people.yaml": f"match: people*\nformat: {look}\n" + COLUMNS})
    data = "0001Ada   \n0002\n000xBob   \n0004Di    \n"
    [found] = house.upload(house.file("people.txt", data))
    assert reconciles([found])
    table = house.table("bronze.people").sort_by("_record").to_pydict()
    assert (table["id"], table["name"]) == ([1, 4], ["Ada", "Di"])
    assert [each[:2] for each in quarantined(house, "people")] == [(2, "0002"), (3, "000xBob   ")]


def test_the_decimal_comma_of_a_fixed_width_file_is_read_as_its_source_says(house: House) -> None:
    look = "{type: fixed_width, widths: [2, 8], header: false, decimal_separator: ','}"
    columns = "columns: [{name: a, type: int}, {name: b, type: 'decimal(6,2)', default: '0,5'}]\n"
    house.write({"sources/prices.yaml": f"match: prices*\nformat: {look}\n{columns}"})
    [found] = house.upload(house.file("prices.txt", "1     1,25\n2    12.50\n3         \n"))
    assert (found["records_in"], found["rows_loaded"]) == (3, 2)
    assert list(map(str, house.table("bronze.prices").column("b").to_pylist())) == ["1.25", "0.50"]


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_the_files_of_an_archive_become_one_upload(house: House, kind: str) -> None:
    members = {"a.csv": A, "b.csv": B}
    data = zipped(members) if kind == "zip" else tarred(members, "w:gz")
    house.write({"sources/people.yaml": "match: people*\n" + COLUMNS})
    file = house.file(f"people.{kind}", data)
    [found] = house.upload(file)
    assert reconciles([found])
    assert (found["records_in"], found["rows_loaded"]) == (6, 4)
    table = house.table("bronze.people").sort_by("_record").to_pydict()
    assert table["id"] == [1, 3, 4, 5]
    assert table["city"] == [None, None, "Rome", None]
    assert table["_record"] == [1, 3, 4, 5]
    assert table["_source_file"] == [f"people.{kind}/a.csv"] * 2 + [f"people.{kind}/b.csv"] * 2
    assert [each[:2] for each in quarantined(house, "people")] == [(2, "x,Bob"), (6, "y,z,Oslo")]
    [again] = house.upload(file)
    assert again["status"] == "already_loaded"


def test_files_that_an_engine_reads_fast_keep_their_own_names_too(house: House) -> None:
    large = b"id,name\n" + b"".join(b"%d,%s\n" % (n, b"x" * 120) for n in range(1 << 16))
    house.write({"sources/people.yaml": "match: people*\n" + COLUMNS})
    files = {"a.csv": A, "b.csv": large + b"z,0\n", "c.csv": A}
    [found] = house.upload(house.file("people.zip", zipped(files)))
    assert (found["records_in"], reconciles([found])) == ((1 << 16) + 7, True)
    table = house.table("bronze.people").sort_by("_record").to_pydict()
    assert table["_source_file"][:3] == ["people.zip/a.csv"] * 2 + ["people.zip/b.csv"]
    assert table["_source_file"][-3:] == ["people.zip/b.csv"] + ["people.zip/c.csv"] * 2
    assert [each[:2] for each in quarantined(house, "people")] == [
        (2, "x,Bob"), ((1 << 16) + 4, "z,0"), ((1 << 16) + 6, "x,Bob")
    ]  # fmt: skip


def test_an_archive_of_many_files_becomes_few_data_files(house: House) -> None:
    house.write({"sources/people.yaml": "match: people*\n" + COLUMNS})
    files = {f"{n}.csv": A if n % 2 else B for n in range(60)}
    [found] = house.upload(house.file("people.zip", zipped(files)))
    assert (found["records_in"], found["rows_loaded"], reconciles([found])) == (180, 120, True)
    for table in ("bronze.people", "quarantine.people"):
        assert house.ask("tables", "show", table)["files"] <= 2
    rows = house.table("bronze.people").to_pylist()
    assert len({row["_source_file"] for row in rows}) == 60
    assert len({row["_record"] for row in rows}) == 120


def parquet(**columns: object) -> bytes:
    stream = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table(columns), stream)
    return stream.getvalue()


def test_columns_that_are_called_as_the_engine_calls_its_own_are_columns(house: House) -> None:
    data = parquet(file_row_number=[5, 6], filename=["a", "b"], file_index=[1, 2])
    [found] = house.upload(house.file("things.parquet", data))
    assert (found["rows_loaded"], reconciles([found])) == (2, True)
    table = house.table("bronze.things").sort_by("_record").to_pydict()
    assert table["file_row_number"] == [5, 6]
    assert table["filename"] == ["a", "b"]


def test_parquet_files_of_an_archive_are_read_with_their_own_types(house: House) -> None:
    columns = """
columns:
  - {name: id, type: bigint, required: true}
  - {name: name, type: string, default: nobody}
  - {name: score, type: "decimal(4,1)"}
bad_records: {share_max: 1.0}
"""
    house.write({"sources/people.yaml": "match: people*\nformat: parquet\n" + columns})
    files = {f"{n}.parquet": parquet(id=[n, n + 100], name=["x", "y"]) for n in range(30)}
    files |= {
        "a.parquet": parquet(score=[1.5, 2.25], ID=["1000", "z"]),
        "b.parquet": parquet(id=[7]),
    }
    [found] = house.upload(house.file("people.zip", zipped(files)))
    assert (found["records_in"], found["rows_loaded"], reconciles([found])) == (63, 62, True)
    assert house.ask("tables", "show", "bronze.people")["files"] <= 4
    rows = {row["_record"]: row for row in house.table("bronze.people").to_pylist()}
    assert [rows[4][name] for name in ("id", "name", "_source_file")] == [
        101, "y", "people.zip/1.parquet"
    ]  # fmt: skip
    assert [rows[61][name] for name in ("id", "name", "_source_file")] == [
        1000, "nobody", "people.zip/a.parquet"
    ]  # fmt: skip
    assert [rows[63][name] for name in ("id", "name", "score")] == [7, "nobody", None]
    [refused] = quarantined(house, "people")
    assert refused[:1] + refused[2:] == (62, "not_a_bigint", "lossy_conversion")


def test_an_archive_with_a_file_that_cannot_be_read_loads_nothing(house: House) -> None:
    file = house.file("people.zip", zipped({"a.csv": A, "b.csv": b"%PDF-1.7 nothing"}))
    answer = house.do("upload", file, "--json")
    assert answer.code == 1
    [found] = answer.lines
    assert "people.zip/b.csv looks like a PDF document" in json.dumps(found["error"])
    assert house.table_names() == []


def test_a_project_is_scaffolded_from_a_workbook_and_an_archive(house: House) -> None:
    rows = "".join(f"<row><c><v>{n}</v></c><c t='s'><v>2</v></c></row>" for n in range(3))
    header = "<row><c t='s'><v>0</v></c><c t='s'><v>1</v></c></row>"
    workbook = house.file("people.xlsx", book(sheet(header + rows), texts=_TEXTS))
    archive = house.file(
        "orders_2024.zip", zipped({"1.csv": b"n,v\n1,2\n", "2.csv": b"n,v\n3,4\n"})
    )
    made = House(house.folder.parent / "made")
    answer = made.do("init", made.folder, "--from", workbook, archive)
    assert answer.code == 0, answer.err
    assert "type: excel" in (made.folder / "sources/people.yaml").read_text("utf-8")
    assert "match: orders*.zip" in (made.folder / "sources/orders.yaml").read_text("utf-8")
    assert reconciles(made.upload(workbook, archive))
    assert made.count("bronze.people") == 3
    assert made.count("bronze.orders") == 2
    made.close()


def test_sources_read_and_infer_understand_them(house: House) -> None:
    rows = "<row><c><v>1</v></c><c t='s'><v>2</v></c></row><row><c><v>2.50</v></c></row>"
    header = "<row><c t='s'><v>0</v></c><c t='s'><v>1</v></c></row>"
    workbook = house.file("people.xlsx", book(sheet(header + rows), texts=_TEXTS))
    read = house.ask("sources", "read", workbook)
    assert read["csv"] == "id,name\r\n1,Ada\r\n2.5,\r\n"
    inferred = house.do("sources", "infer", workbook)
    assert "sheet A: the only one with content" in inferred.out
    archive = house.file("two.zip", zipped({"a.csv": A, "b.csv": B}))
    assert house.ask("sources", "read", archive)["records"] == 6


_LIMITED = """
import resource, sys
from pathlib import Path
import pyarrow.compute
from lakewright import errors
from lakewright.ingest import landing
from lakewright.plan import steps
from tests.ingest import bombs

name, folder = sys.argv[1], Path(sys.argv[2])
make, _ = (bombs.WORKBOOKS | bombs.ARCHIVES)[name]
path = folder / "bomb"
step = steps.Land(
    upload_id="u", source="s", file_name="bomb", sha256="0", format=None, contract=None
)
pages = int(Path("/proc/self/statm").read_text().split()[0])
most = pages * resource.getpagesize() + (512 << 20)
resource.setrlimit(resource.RLIMIT_AS, (most, most))
used = resource.getrusage(resource.RUSAGE_SELF)
seconds = int(used.ru_utime + used.ru_stime) + 10
resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
try:
    landing.land(step, path, folder / "work", lambda _: None)
except errors.FileUnreadable:
    print("refused")
"""


@pytest.mark.parametrize("name", [*bombs.WORKBOOKS, *bombs.ARCHIVES])
def test_a_bomb_is_refused_within_ten_seconds_of_work_and_512_megabytes(
    tmp_path: Path, name: str
) -> None:
    make, _ = (bombs.WORKBOOKS | bombs.ARCHIVES)[name]
    (tmp_path / "bomb").write_bytes(make())
    done = subprocess.run(
        [sys.executable, "-c", _LIMITED, name, str(tmp_path)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "refused\n", done.stderr


def test_a_bomb_fails_its_upload_and_harms_nothing_else(house: House) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    make, what = bombs.ARCHIVES["archives in archives"]
    bad, good = house.file("bomb.zip", make()), house.file("good.csv", GOOD)
    answer = house.do("upload", bad, good, "--json")
    assert answer.code == 1
    assert [each["status"] for each in answer.lines] == ["failed", "loaded"]
    assert what in json.dumps(answer.lines[0]["error"])
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200 << 10
