from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeAlias

import duckdb
import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lakewright.engines.duckdb import ranges
from lakewright.engines.duckdb.bronze import bronze
from lakewright.engines.engine import UploadStaged
from lakewright.errors import ContractBroken, CountsDiffer, FileUnreadable
from lakewright.ingest import landing, splitting
from lakewright.lake.staged import Target
from lakewright.plan import steps
from lakewright.plan.landed import CsvPart, Landed, TextPart
from lakewright.project.contract import (
    QUARANTINE_SCHEMA,
    Column,
    Contract,
    Evolution,
    PartitionField,
    Policy,
    Transform,
)
from lakewright.project.source import BadRecordLimits, Csv, Dialect, Format, Json, Parquet
from lakewright.sql import types

Row: TypeAlias = dict[str, Any]

LOADED_AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def column(name: str, kind: str, **others: object) -> Column:
    return replace(Column(name=name, type=types.parse(kind)), **others)  # type: ignore[arg-type]


ORDERS = Contract(
    columns=(
        column("order_id", "bigint", is_required=True, source_name="Order ID"),
        column("ordered_at", "timestamp_ntz"),
        column("quantity", "int", null_words=("", "NA")),
        column("price", "decimal(8,2)", default="0.00"),
        column("note", "string"),
    ),
)
HEADER = b"Order ID,ordered_at,quantity,price,note\n"
CSV = Csv(
    dialect=Dialect(
        delimiter=",",
        quote='"',
        escape='"',
        has_header=True,
        skip_lines=0,
        comment="",
        encoding="utf-8",
    )
)


@dataclass(frozen=True, kw_only=True)
class Loaded:
    staged: UploadStaged
    rows: list[Row]
    """In order of `_record`."""
    refused: list[Row]

    @property
    def codes(self) -> dict[int, list[str]]:
        """Record to its reasons, each as `column:code`."""
        return {
            row["_record"]: [f"{r['column'] or ''}:{r['code']}" for r in row["reasons"]]
            for row in self.refused
        }


def land(
    folder: Path, content: bytes, contract: Contract, file_format: Format = CSV, name: str = "x.csv"
) -> Landed:
    raw = folder / name
    raw.write_bytes(content)
    step = steps.Land(
        upload_id="0123456789abcdef",
        source="orders",
        file_name=name,
        sha256="0" * 64,
        format=file_format,
        contract=contract,
    )
    return landing.land(step, raw, folder / "work", lambda _: None)


def target(folder: Path, table: str, schema: types.Schema, *fields: PartitionField) -> Target:
    place = folder / table
    place.mkdir(parents=True, exist_ok=True)
    ids: dict[str, int] = {}

    def add(path: str, kind: types.Type) -> None:
        ids[path] = len(ids) + 1
        if isinstance(kind, types.Array):
            add(f"{path}.element", kind.element)
        if isinstance(kind, types.Map):
            add(f"{path}.key", kind.key)
            add(f"{path}.value", kind.value)
        if isinstance(kind, types.Struct):
            for name, inner in kind.fields:
                add(f"{path}.{name}", inner)

    for field in schema.fields:
        add(field.name, field.type)
    return Target(
        table=table,
        schema=schema,
        field_ids=ids,
        partitioning=fields,
        folder=str(place),
        file_prefix="run-step",
        base=None,
    )


def load(
    connection: duckdb.DuckDBPyConnection, folder: Path, contract: Contract, landed: Landed
) -> Loaded:
    step = steps.Bronze(
        source="orders",
        contract=contract,
        upload_ids=(landed.upload_id,),
        limits=BadRecordLimits(),
        loaded_at=LOADED_AT,
    )
    staged = bronze(
        connection,
        step,
        landed,
        target(folder, "bronze.orders", contract.schema(), *contract.partitioning),
        target(folder, "quarantine.orders", QUARANTINE_SCHEMA),
        lambda _: None,
    )
    return Loaded(
        staged=staged,
        rows=read(file.path for file in staged.rows),
        refused=read(file.path for file in staged.quarantine),
    )


def read(paths: Iterable[str]) -> list[Row]:
    rows = [row for path in paths for row in pyarrow.parquet.ParquetFile(path).read().to_pylist()]
    return sorted(rows, key=lambda row: row["_record"])


def exactly_read(landed: Landed, folder: Path) -> Landed:
    """The same file, all of it read by the exact reader instead."""
    assert isinstance(landed.format, Csv)
    spans = [part for part in landed.parts if isinstance(part, CsvPart)]
    numbered: list[tuple[int, splitting.Record]] = []
    for part in spans:
        with Path(part.path).open("rb") as file:
            records = splitting.Splitter(
                file, landed.format.dialect, start=part.byte_start, stop=part.byte_end
            )
            numbered += enumerate(records, start=part.first_record)
    width = len(landed.columns)
    rows = [
        {
            **dict(
                zip(
                    (arrived.name for arrived in landed.columns),
                    record.fields if len(record.fields) == width else [None] * width,
                    strict=True,
                )
            ),
            "_record": number,
            "_byte": record.byte,
            "_raw": record.raw,
            "_problem": None if len(record.fields) == width else problem(len(record.fields), width),
        }
        for number, record in numbered
    ]
    path = folder / "exact.parquet"
    own = [("_record", pyarrow.int64()), ("_byte", pyarrow.int64()),
           ("_raw", pyarrow.string()), ("_problem", pyarrow.string())]  # fmt: skip
    schema = pyarrow.schema([(a.name, pyarrow.string()) for a in landed.columns] + own)
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows, schema=schema), path)
    others = tuple(part for part in landed.parts if not isinstance(part, CsvPart))
    exact = TextPart(path=str(path), records=len(rows))
    return replace(landed, parts=(*others, exact) if rows else others)


def problem(fields: int, width: int) -> str:
    return f"{fields} field{'s' if fields > 1 else ''} where {width} are expected"


def without_metadata(rows: Sequence[Row]) -> list[tuple[object, ...]]:
    return [tuple(v for name, v in row.items() if not name.startswith("_")) for row in rows]


def test_sound_records_become_typed_rows_with_their_origin(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    content = HEADER + b'7,2024-01-31 10:00:00,2,1.5,"a, ""b"""\n-8,,NA,,\n'
    loaded = load(connection, tmp_path, ORDERS, land(tmp_path, content, ORDERS))
    assert loaded.rows == [
        {
            "order_id": 7,
            "ordered_at": datetime(2024, 1, 31, 10),  # noqa: DTZ001
            "quantity": 2,
            "price": Decimal("1.50"),
            "note": 'a, "b"',
            "_upload_id": "0123456789abcdef",
            "_source_file": "x.csv",
            "_record": 1,
            "_loaded_at": LOADED_AT,
        },
        {
            "order_id": -8,
            "ordered_at": None,
            "quantity": None,
            "price": Decimal("0.00"),
            "note": None,
            "_upload_id": "0123456789abcdef",
            "_source_file": "x.csv",
            "_record": 2,
            "_loaded_at": LOADED_AT,
        },
    ]
    assert loaded.refused == []


@pytest.mark.parametrize("file_format", [CSV, Json()], ids=["ranges", "whole file"])
@pytest.mark.parametrize("transform", [None, Transform.IDENTITY, Transform.BUCKET])
def test_the_file_of_a_row_is_a_text_whatever_it_is_called(
    connection: duckdb.DuckDBPyConnection,
    tmp_path: Path,
    file_format: Format,
    transform: Transform | None,
) -> None:
    name = "it's \"ünï\" ', 😀.csv"
    width = 4 if transform is Transform.BUCKET else None
    field = transform and PartitionField(column="_source_file", transform=transform, width=width)
    contract = replace(ORDERS, partitioning=(field,) if field else ())
    content = HEADER + b"1,,1,1,\n" if file_format is CSV else b'{"Order ID": 1}\n'
    landed = land(tmp_path, content, contract, file_format, name)
    loaded = load(connection, tmp_path, contract, landed)
    assert [row["_source_file"] for row in loaded.rows] == [name]
    (file,) = loaded.staged.rows
    written = pyarrow.parquet.read_schema(file.path)
    assert {written.field(n).type for n in ("_source_file", "_upload_id")} == {pyarrow.string()}
    if transform is Transform.IDENTITY:
        assert file.partition == (name,)


def test_a_refused_record_keeps_its_text_its_place_and_every_reason(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    bad = '2,soon,"1\n2",1.234,"x"'
    content = HEADER + b"1,,1,1,ok\r\n".replace(b"\r", b"") + bad.encode() + b"\n3,,1,1,ok\n"
    loaded = load(connection, tmp_path, ORDERS, land(tmp_path, content, ORDERS))
    assert [row["_record"] for row in loaded.rows] == [1, 3]
    (refused,) = loaded.refused
    assert refused["raw"] == bad
    assert refused["byte_position"] == content.index(b"2,soon")
    assert (refused["_record"], refused["_upload_id"]) == (2, "0123456789abcdef")
    assert [(r["column"], r["code"], r["value"]) for r in refused["reasons"]] == [
        ("ordered_at", "not_a_timestamp_ntz", "soon"),
        ("quantity", "not_an_int", "1\n2"),
        ("price", "too_precise", "1.234"),
    ]
    assert loaded.staged.counts.records == 3
    assert (loaded.staged.counts.rows, loaded.staged.counts.quarantined) == (2, 1)


@pytest.mark.parametrize(
    ("line", "codes"),
    [
        (b"", None),
        (b"1", [":too_few_fields"]),
        (b"1,,,", [":too_few_fields"]),
        (b"1,,,,,", [":too_many_fields"]),
        (b"1,,,," + b"," * 40, [":too_many_fields"]),
        (b",,,,", ["order_id:missing_required"]),
        (b"1.0,,,,", ["order_id:not_a_bigint"]),
        (b"9999999999999999999,,3000000000,,", ["order_id:out_of_range", "quantity:out_of_range"]),
        (b'1,,,,"a"b', [":bad_quoting"]),
        (b'1,,,,"a', [":bad_quoting"]),
        (b"1,,,,\xff", [":bad_encoding"]),
    ],
)
@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
def test_every_way_to_break_the_contract_has_its_reason_and_shifts_no_number(
    connection: duckdb.DuckDBPyConnection,
    tmp_path: Path,
    line: bytes,
    codes: list[str] | None,
    line_end: bytes,
) -> None:
    content = HEADER + b"10,,,,\n" + line + b"\n20,,,,\n30,,,,x\n"
    content = content.replace(b"\n", line_end)
    loaded = load(connection, tmp_path, ORDERS, land(tmp_path, content, ORDERS))
    shift = 0 if codes is None else 1
    expected = [(10, 1), (20, 2 + shift), (30, 3 + shift)]
    assert [(row["order_id"], row["_record"]) for row in loaded.rows] == expected
    assert loaded.codes == ({} if codes is None else {2: codes})


def test_columns_are_found_by_header_in_any_order_and_missing_ones_are_null_or_default(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    content = b"Note,QUANTITY,Order ID\nhi,3,1\n"
    loaded = load(connection, tmp_path, ORDERS, land(tmp_path, content, ORDERS))
    assert without_metadata(loaded.rows) == [(1, None, 3, Decimal("0.00"), "hi")]


def test_a_byte_order_mark_where_a_record_starts_is_part_of_its_value(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    contract = Contract(columns=(column("a", "string"), column("b", "string")))
    content = "a,b\n\ufeff1,2\n3,4\n".encode()
    loaded = load(connection, tmp_path, contract, land(tmp_path, content, contract))
    assert without_metadata(loaded.rows) == [("\ufeff1", "2"), ("3", "4")]


def test_a_missing_required_column_refuses_every_record(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    content = b"note,quantity\na,1\nb,2\n"
    loaded = load(connection, tmp_path, ORDERS, land(tmp_path, content, ORDERS))
    assert loaded.codes == {n: ["order_id:missing_required"] for n in (1, 2)}


def test_a_value_in_a_column_that_the_contract_lacks_is_refused_and_never_dropped(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    contract = replace(ORDERS, evolution=Evolution(new_columns=Policy.QUARANTINE))
    content = b"Order ID,extra\n1,\n2,oh\n"
    loaded = load(connection, tmp_path, contract, land(tmp_path, content, contract))
    assert [row["order_id"] for row in loaded.rows] == [1]
    assert loaded.codes == {2: ["extra:unexpected_column"]}


def test_a_column_in_which_every_value_was_refused_is_suspicious(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    content = HEADER + b"1,,a,,\n2,,b,,\n3,,,,\n4,soon,,,\n"
    loaded = load(connection, tmp_path, ORDERS, land(tmp_path, content, ORDERS))
    (suspicion,) = loaded.staged.counts.suspicions
    assert suspicion == (
        "every value of quantity was refused (2 values: not a whole number (int), such as 42 or -7)"
    )


def test_good_values_beside_others_that_refuse_their_records_do_not_lose_a_column(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    content = HEADER + b"1,2026-01-01,x,,\n2,soon,y,,\n3,later,z,,\n"
    loaded = load(connection, tmp_path, ORDERS, land(tmp_path, content, ORDERS))
    assert loaded.rows == []
    (suspicion,) = loaded.staged.counts.suspicions
    assert suspicion.startswith("every value of quantity was refused")


def test_a_lost_column_tells_its_most_frequent_reason_with_its_own_count(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    content = HEADER + b"1,,,1.234,\n2,,,a,\n3,,,b,\n4,,,c,\n"
    loaded = load(connection, tmp_path, ORDERS, land(tmp_path, content, ORDERS))
    (suspicion,) = loaded.staged.counts.suspicions
    assert suspicion == (
        "every value of price was refused"
        " (4 values, 3 of them: not a number (decimal(8,2)), such as 12.5)"
    )


def test_a_count_that_differs_from_the_index_stops_the_load(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    landed = land(tmp_path, HEADER + b"1,,,,\n2,,,,\n", ORDERS)
    with pytest.raises(CountsDiffer, match="3 records"):
        load(connection, tmp_path, ORDERS, replace(landed, records=3))


@pytest.mark.parametrize(("indexed", "read"), [(b"z\n3", b"z 3"), (b"2,,,,z", b"2,,,\nz")])
def test_records_that_the_engine_sees_otherwise_than_the_index_stop_the_load(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, indexed: bytes, read: bytes
) -> None:
    landed = land(tmp_path, HEADER + b"1,,,,\n2,,,,z\n3,,,,\n", ORDERS)
    (part,) = landed.parts
    raw = Path(part.path)
    raw.write_bytes(raw.read_bytes().replace(indexed, read))
    with pytest.raises(CountsDiffer, match="disagree"):
        load(connection, tmp_path, ORDERS, landed)


def test_a_default_that_is_no_value_of_its_type_is_refused_before_anything_is_read(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    contract = Contract(columns=(column("n", "int", default="many"),))
    landed = land(tmp_path, b"n,m\n1,2\n", contract)
    with pytest.raises(ContractBroken, match="'many'"):
        load(connection, tmp_path, contract, landed)


def test_a_partitioned_table_gets_files_of_one_partition_each(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    contract = replace(
        ORDERS, partitioning=(PartitionField(column="ordered_at", transform=Transform.MONTH),)
    )
    content = HEADER + b"1,2024-01-31,,,\n2,2024-02-01,,,\n3,x,,,\n4,2024-01-01,,,\n"
    loaded = load(connection, tmp_path, contract, land(tmp_path, content, contract))
    found = {file.partition: file.rows for file in loaded.staged.rows}
    assert found == {("2024-01",): 2, ("2024-02",): 1}
    assert list(loaded.codes) == [3]


def test_loading_again_overwrites_the_files_of_the_first_attempt(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    landed = land(tmp_path, HEADER + b"1,,,,\nx,,,,\n", ORDERS)
    first = load(connection, tmp_path, ORDERS, landed)
    second = load(connection, tmp_path, ORDERS, landed)
    assert (first.staged, first.rows, first.refused) == (
        second.staged,
        second.rows,
        second.refused,
    )
    assert len(list(tmp_path.glob("bronze.orders/*"))) == 1


def test_json_keeps_empty_texts_and_refuses_wrong_nested_values(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    contract = Contract(
        columns=(
            column("id", "bigint", is_required=True),
            column("name", "string"),
            column("tags", "array<string>"),
            column("place", "struct<x:int,y:decimal(4,1)>"),
        )
    )
    content = (
        b'{"id": 1, "name": "", "tags": ["a", null], "place": {"x": 1, "y": 2.5}}\n'
        b'{"id": 2, "name": null, "tags": null}\n'
        b'{"id": 3, "tags": "a"}\n'
        b'{"id": 4, "place": {"x": 1.5, "z": 0}}\n'
        b'{"id": 5, "name": 5}\n'
        b"[6]\n"
    )
    landed = land(tmp_path, content, contract, Json(), "x.jsonl")
    loaded = load(connection, tmp_path, contract, landed)
    assert without_metadata(loaded.rows) == [
        (1, "", ["a", None], {"x": 1, "y": Decimal("2.5")}),
        (2, None, None, None),
        (5, "5", None, None),
    ]
    assert loaded.codes == {
        3: ["tags:not_json"],
        4: ["place:wrong_nested_value"],
        6: ["value:unexpected_column", "id:missing_required"],
    }
    (reason,) = loaded.refused[1]["reasons"]
    assert "$.z is not in the contract" in reason["message"]
    assert "$.x: not a whole number" in reason["message"]


def parquet(folder: Path, table: pyarrow.Table) -> bytes:
    path = folder / "made.parquet"
    pyarrow.parquet.write_table(table, path)
    return path.read_bytes()


def test_parquet_values_are_converted_only_without_loss(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    contract = Contract(
        columns=(
            column("id", "bigint", is_required=True),
            column("n", "int", default="7"),
            column("day", "date"),
            column("code", "string"),
            column("items", "array<bigint>"),
        )
    )
    moments = [datetime(2024, 1, 31), datetime(2024, 1, 31, 10), None]  # noqa: DTZ001
    table = pyarrow.table(
        {
            "id": pyarrow.array([1.0, 2.0, 3.5]),
            "n": pyarrow.array([2**31, None, 5], pyarrow.int64()),
            "day": pyarrow.array(moments, pyarrow.timestamp("us")),
            "code": pyarrow.array([7, 8, 9]),
            "items": pyarrow.array([[1], [], None], pyarrow.list_(pyarrow.int32())),
        }
    )
    landed = land(tmp_path, parquet(tmp_path, table), contract, Parquet(), "x.parquet")
    loaded = load(connection, tmp_path, contract, landed)
    assert loaded.rows == []
    assert loaded.codes == {
        1: ["n:out_of_range"],
        2: ["day:lossy_conversion"],
        3: ["id:lossy_conversion"],
    }
    assert '"n":2147483648' in str(loaded.refused[0]["raw"])
    sound = land(
        tmp_path,
        parquet(tmp_path, table.slice(1, 1).drop(["day"])),
        contract,
        Parquet(),
        "y.parquet",
    )
    assert without_metadata(load(connection, tmp_path, contract, sound).rows) == [
        (2, 7, None, "8", [])
    ]


def test_a_shape_is_loaded_as_the_bytes_in_which_parquet_holds_it(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    path = tmp_path / "shapes.parquet"
    shapes = "SELECT 'POINT (1 2)'::GEOMETRY AS shape UNION ALL SELECT NULL"
    duckdb.connect().execute(f"COPY ({shapes}) TO '{path}'")
    contract = Contract(columns=(column("shape", "binary"),))
    landed = land(tmp_path, path.read_bytes(), contract, Parquet(), "x.parquet")
    rows = without_metadata(load(connection, tmp_path, contract, landed).rows)
    point = bytes.fromhex("0101000000000000000000f03f0000000000000040")
    assert sorted(rows, key=str) == [(None,), (point,)]


def test_a_parquet_file_that_is_damaged_inside_is_named(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    contract = Contract(columns=(column("id", "bigint"),))
    table = pyarrow.table({"id": list(range(10_000))})
    content = bytearray(parquet(tmp_path, table))
    content[4:3000] = bytes(2996)
    landed = land(tmp_path, bytes(content), contract, Parquet(), "x.parquet")
    with pytest.raises(FileUnreadable, match=r"x\.parquet"):
        load(connection, tmp_path, contract, landed)


FIELDS: tuple[st.SearchStrategy[str], ...] = (
    st.one_of(st.integers(-5, 5).map(str), st.sampled_from(["", "x", "1.0", '"2"', " 3"])),
    st.sampled_from(["", "2024-01-31 10:00:00", "2024-01-31T10:00", "soon", '"2024-01-31"']),
    st.sampled_from(["", "NA", "5", '"6"', "3000000000", "5e0"]),
    st.sampled_from(["", "1.5", "1.234", '"2.50"', "123456789", "1e1"]),
    st.sampled_from(["", "ok", '"a,b"', '"a\nb"', '"say ""hi"""', "ß", '""', '",,,,"']),
)
SOUND = st.tuples(*FIELDS).map(",".join)
POLLUTED = st.one_of(
    SOUND,
    SOUND,
    SOUND,
    SOUND.map(lambda line: line + ",extra"),
    SOUND.map(lambda line: line + "," * 20),
    st.sampled_from(["1", ",", "x,y", '"a', '1,,,,"a"b', '1,,,,a"b', '1,,,, "a"']),
)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(records=st.lists(POLLUTED, min_size=1, max_size=30), end=st.sampled_from(["\n", "\r\n"]))
def test_every_record_is_a_row_or_quarantined_with_its_exact_text_whatever_the_file_holds(
    connection: duckdb.DuckDBPyConnection,
    tmp_path_factory: pytest.TempPathFactory,
    records: list[str],
    end: str,
) -> None:
    folder = tmp_path_factory.mktemp("property")
    content = HEADER.decode().strip() + end + end.join(records) + end
    landed = land(folder, content.encode(), ORDERS)
    loaded = load(connection, folder, ORDERS, landed)
    found = [row["_record"] for row in loaded.rows] + [row["_record"] for row in loaded.refused]
    assert sorted(found) == list(range(1, landed.records + 1))
    for row in loaded.refused:
        position, raw = row["byte_position"], str(row["raw"]).encode()
        assert content.encode()[position : position + len(raw)] == raw
        assert row["reasons"]
    again = load(connection, folder, ORDERS, exactly_read(landed, folder))
    assert again.rows == loaded.rows
    assert again.refused == loaded.refused


def test_a_file_that_all_threads_share_gives_the_rows_that_one_reader_gives(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    lines = [f"{n},,{n if n % 500 else 'x'},,{'a' * (n % 97)}" for n in range(1, 150_001)]
    lines[1234] += "," * 30
    landed = land(tmp_path, HEADER + "\n".join(lines).encode(), ORDERS)
    assert landed.size_bytes > ranges.SHARED_BYTES_MIN
    loaded = load(connection, tmp_path, ORDERS, landed)
    assert (len(loaded.staged.rows), len(loaded.staged.quarantine)) == (2, 1)
    exact = load(connection, tmp_path / "exact", ORDERS, exactly_read(landed, tmp_path))
    assert (loaded.rows, loaded.refused) == (exact.rows, exact.refused)
    assert len(loaded.refused) == 301
