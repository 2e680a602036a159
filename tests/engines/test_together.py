from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lakewright.engines.duckdb import together
from lakewright.engines.duckdb.bronze import bronze
from lakewright.engines.engine import TogetherStaged
from lakewright.errors import ContractBroken
from lakewright.ingest import landing
from lakewright.lake.staged import DataFile, Target
from lakewright.plan import steps
from lakewright.plan.landed import Landed
from lakewright.project.contract import (
    QUARANTINE_SCHEMA,
    Column,
    Contract,
    PartitionField,
    Transform,
)
from lakewright.project.source import BadRecordLimits, Csv, Dialect, Format, Json
from lakewright.sql import types

CSV = Csv(dialect=Dialect(delimiter=","))
CONTRACT = Contract(
    columns=(
        Column(name="id", type=types.BIGINT, is_required=True),
        Column(name="day", type=types.DATE),
        Column(name="note", type=types.STRING),
    )
)
HEADER = "id,day,note\n"


def target(folder: Path, *fields: PartitionField, schema: types.Schema | None = None) -> Target:
    schema = schema or CONTRACT.schema()
    folder.mkdir(parents=True, exist_ok=True)
    ids = {field.name: number for number, field in enumerate(schema.fields, start=1)}
    return Target(
        table="bronze.s",
        schema=schema,
        field_ids=ids,
        partitioning=fields,
        folder=str(folder),
        file_prefix="run-step",
        base=None,
    )


def land(
    folder: Path, contents: Sequence[str], file_format: Format = CSV, contract: Contract = CONTRACT
) -> list[Landed]:
    found = []
    for number, content in enumerate(contents):
        own = folder / f"work-{number}"
        own.mkdir()
        raw = own / "raw"
        raw.write_text(content, encoding="utf-8", newline="")
        step = steps.Land(
            upload_id=f"{number:016x}",
            source="s",
            file_name=f"file-{number}.csv",
            sha256="0" * 64,
            format=file_format,
            contract=contract,
        )
        found.append(landing.land(step, raw, own / "parts", lambda _: None))
    return found


def step_of(uploads: Sequence[Landed], contract: Contract = CONTRACT) -> steps.Bronze:
    return steps.Bronze(
        source="s",
        contract=contract,
        upload_ids=tuple(each.upload_id for each in uploads),
        limits=BadRecordLimits(),
        loaded_at=datetime(2026, 1, 2, tzinfo=UTC),
    )


def rows(files: Sequence[DataFile]) -> list[tuple[Any, ...]]:
    if not files:
        return []
    paths = [file.path for file in files]
    with duckdb.connect() as connection:
        return connection.execute(
            "SELECT * REPLACE (epoch_us(_loaded_at) AS _loaded_at) FROM read_parquet($1)"
            " ORDER BY _upload_id, _record",
            [paths],
        ).fetchall()


def stage(
    connection: duckdb.DuckDBPyConnection, uploads: Sequence[Landed], into: Target
) -> tuple[TogetherStaged, ...]:
    return together.staged(connection, step_of(uploads), uploads, into)


def ids(staged: Sequence[TogetherStaged]) -> set[str]:
    return {upload_id for each in staged for upload_id in each.upload_ids}


def alone(
    connection: duckdb.DuckDBPyConnection, folder: Path, uploads: Sequence[Landed]
) -> list[tuple[Any, ...]]:
    """What the uploads' rows are when each is staged by itself."""
    found: list[DataFile] = []
    for each in uploads:
        own = replace(target(folder), file_prefix=each.upload_id)
        refused = target(folder, schema=QUARANTINE_SCHEMA)
        found += bronze(connection, step_of([each]), each, own, refused, lambda _: None).rows
    return rows(found)


@pytest.mark.parametrize(
    ("file_format", "contents"),
    [
        (CSV, [f"{HEADER}{i},2024-01-0{i},note {i}\n{i + 10},,\n" for i in range(1, 8)]),
        (CSV, [f'{HEADER}1,2024-01-01,"a\nb"\n', f'{HEADER}2,,"c,""d"""', f"{HEADER}3,,x\r\n"]),
        (Json(), [f'{{"id": {i}, "note": "n", "day": null}}\n' for i in range(5)]),
    ],
    ids=["csv", "quotes and ends", "json"],
)  # fmt: skip
def test_uploads_together_give_the_rows_that_each_gives_alone(
    connection: duckdb.DuckDBPyConnection,
    tmp_path: Path,
    file_format: Format,
    contents: Sequence[str],
) -> None:
    uploads = land(tmp_path, contents, file_format)
    staged = stage(connection, uploads, target(tmp_path / "together"))
    taken = [each for each in uploads if each.upload_id in ids(staged)]
    assert len(taken) > 1
    found = rows([file for each in staged for file in each.rows])
    assert found == alone(connection, tmp_path / "alone", taken)


def test_many_uploads_become_one_file(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    uploads = land(tmp_path, [f"{HEADER}{i},,\n" for i in range(40)])
    (staged,) = stage(connection, uploads, target(tmp_path / "t"))
    assert len(staged.rows) == 1
    assert len(staged.upload_ids) == 40


@pytest.mark.parametrize(
    "bad",
    ["x,,\n", "1,2024-02-30,\n", "1,,,surplus\n", "1\n", "1" + "," * 20 + "\n", ",,no id\n"],
)
def test_an_upload_with_a_refused_record_is_left_out_and_the_others_are_not(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, bad: str
) -> None:
    contents = [f"{HEADER}{i},,good\n{i},,good\n" for i in range(6)]
    contents[2] = f"{HEADER}7,,good\n{bad}8,,good\n"
    uploads = land(tmp_path, contents)
    place = target(tmp_path / "t")
    staged = stage(connection, uploads, place)
    assert ids(staged) == {each.upload_id for each in uploads} - {uploads[2].upload_id}
    written = [file for each in staged for file in each.rows]
    whole = [each for number, each in enumerate(uploads) if number != 2]
    assert rows(written) == alone(connection, tmp_path / "alone", whole)
    assert sorted(map(str, Path(place.folder).iterdir())) == [file.path for file in written]


def test_uploads_that_differ_in_columns_or_dialect_are_not_mixed(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    contents = [f"{HEADER}1,,x\n", "note,id,day\ny,2,\n", f"{HEADER}3,,z\n", "note,id,day\ny,4,\n"]
    uploads = land(tmp_path, contents)
    staged = stage(connection, uploads, target(tmp_path / "t"))
    assert [each.upload_ids for each in staged] == [
        (uploads[0].upload_id, uploads[2].upload_id),
        (uploads[1].upload_id, uploads[3].upload_id),
    ]
    found = rows([file for each in staged for file in each.rows])
    assert [(row[0], row[2]) for row in found] == [(1, "x"), (2, "y"), (3, "z"), (4, "y")]


def test_one_upload_is_staged_alone(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    assert stage(connection, land(tmp_path, [f"{HEADER}1,,\n"]), target(tmp_path / "t")) == ()


def test_a_large_upload_is_staged_alone(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    long = "x" * 1000
    large = HEADER + "".join(f"{i},,{long}\n" for i in range(1100))
    uploads = land(tmp_path, [large, f"{HEADER}1,,\n", f"{HEADER}2,,\n"])
    staged = stage(connection, uploads, target(tmp_path / "t"))
    assert ids(staged) == {uploads[1].upload_id, uploads[2].upload_id}


def test_partitions_hold_rows_of_several_uploads(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    contents = [f"{HEADER}{i},2024-0{i % 2 + 1}-03,\n{i},2024-03-03,\n" for i in range(6)]
    uploads = land(tmp_path, contents)
    by_month = PartitionField(column="day", transform=Transform.MONTH)
    (staged,) = stage(connection, uploads, target(tmp_path / "t", by_month))
    assert sorted((file.partition, file.rows) for file in staged.rows) == [
        (("2024-01",), 3),
        (("2024-02",), 3),
        (("2024-03",), 6),
    ]


def test_a_default_that_is_no_value_is_refused(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    broken = Contract(columns=(Column(name="id", type=types.BIGINT, default="none"),))
    uploads = land(tmp_path, ["id,more\n1,\n", "id,more\n2,\n"], contract=broken)
    with pytest.raises(ContractBroken):
        together.staged(connection, step_of(uploads, broken), uploads, target(tmp_path / "t"))


_FIELDS = st.tuples(
    st.sampled_from(["1", "22", "-3", "x", "", "1.5"]),
    st.sampled_from(["2024-01-31", "", "2024-13-01"]),
    st.sampled_from(["a", "", '"q,""uoted"""', '"line\nend"', 'st"ray', "ü"]),
)
_FILES = st.lists(_FIELDS, min_size=1, max_size=5)


@given(files=st.lists(_FILES, min_size=2, max_size=6), line_end=st.sampled_from(["\n", "\r\n"]))
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_whatever_is_together_is_as_if_it_were_alone(
    connection: duckdb.DuckDBPyConnection,
    tmp_path_factory: pytest.TempPathFactory,
    files: list[list[tuple[str, str, str]]],
    line_end: str,
) -> None:
    folder = tmp_path_factory.mktemp("together")
    contents = [
        line_end.join([HEADER.strip(), *(",".join(fields) for fields in each), ""])
        for each in files
    ]
    uploads = land(folder, contents, Csv(dialect=Dialect(delimiter=",", has_header=True)))
    staged = stage(connection, uploads, target(folder / "together"))
    taken = [each for each in uploads if each.upload_id in ids(staged)]
    found = rows([file for each in staged for file in each.rows])
    assert found == alone(connection, folder / "alone", taken)
    assert len(found) == sum(each.records for each in taken)
