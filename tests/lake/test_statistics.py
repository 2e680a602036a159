"""Statistics from footers: those that PyIceberg computes, and bounds that never exclude a row."""

import struct
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis.strategies import binary, lists, text
from pyiceberg.io.pyarrow import (
    compute_statistics_plan,
    data_file_statistics_from_parquet_metadata,
    parquet_path_to_id_mapping,
)
from pyiceberg.schema import Schema as IcebergSchema

from lakewright import errors
from lakewright.lake import schema, statistics
from lakewright.lake.statistics import Statistics
from lakewright.sql import types
from tests.lake.conftest import arrow_schema

KINDS: list[types.Type] = [
    types.BOOLEAN, types.INT, types.BIGINT, types.FLOAT, types.DOUBLE, types.STRING,
    types.BINARY, types.DATE, types.TIMESTAMP, types.TIMESTAMP_NTZ,
    types.Decimal(9, 2), types.Decimal(18, 3), types.Decimal(38, 4),
    types.Array(types.INT), types.Map(types.STRING, types.INT),
    types.Struct((("p", types.INT), ("q", types.STRING))),
]  # fmt: skip
WANTED = types.Schema(
    tuple(types.Field(name=f"c{number}", type=kind) for number, kind in enumerate(KINDS))
)
ASSIGNED = schema.assign(WANTED, None, 0)
FIELDS = ASSIGNED.fields
IDS = schema.field_ids(FIELDS)
MOMENT = datetime(2024, 3, 31, 17, 5, 6, 7, UTC)
VALUES: list[list[Any]] = [
    [True, False], [-5, 9], [2**40, -(2**40)], [0.5, -1.5], [1e300, -1e300],
    ["short", "a text that is longer than its bound"], [b"\x00", b"\xff" * 20],
    [date(1969, 1, 1), date(2024, 3, 31)], [MOMENT, MOMENT],
    [MOMENT.replace(tzinfo=None), MOMENT.replace(tzinfo=None)],
    [Decimal("1.50"), Decimal("-9999999.99")], [Decimal("0.001"), Decimal("-128.000")],
    [Decimal("12345678901234567890.1234"), Decimal("-0.0128")],
    [[1, 2], []], [[("k", 1)], []], [{"p": 1, "q": "x"}, None],
]  # fmt: skip


def write(path: Path, rows: int, **how: Any) -> Path:
    """A file of so many rows, every third of them null throughout."""
    table = pa.table(
        {
            name: [None if row % 3 == 2 else values[row % 2] for row in range(rows)]
            for name, values in zip(WANTED.names, VALUES, strict=True)
        },
        arrow_schema(WANTED, IDS),
    )
    pq.write_table(table, path, **how)
    return path


@pytest.mark.parametrize("rows", [1, 7, 100])
def test_they_are_those_that_pyiceberg_computes(tmp_path: Path, rows: int) -> None:
    path = write(tmp_path / "f.parquet", rows, row_group_size=10)
    found = statistics.read(str(path), FIELDS)
    iceberg = IcebergSchema.model_validate_json(
        orjson.dumps({"type": "struct", "schema-id": 0, "fields": list(FIELDS)})
    )
    expected = data_file_statistics_from_parquet_metadata(
        pq.read_metadata(path),
        compute_statistics_plan(iceberg, {}),
        parquet_path_to_id_mapping(iceberg),
    ).to_serialized_dict()
    assert found.rows == expected["record_count"] == rows
    assert found.column_sizes == expected["column_sizes"]
    assert found.value_counts == expected["value_counts"]
    assert found.null_counts == expected["null_value_counts"]
    assert list(found.split_offsets) == expected["split_offsets"]
    assert found.lower_bounds == expected["lower_bounds"]
    assert found.upper_bounds == expected["upper_bounds"]


def read_duckdb(tmp_path: Path, select: str, kind: types.Type) -> Statistics:
    path = tmp_path / "f.parquet"
    duckdb.sql(f"COPY ({select}) TO '{path}' (FORMAT parquet, FIELD_IDS {{c: 1}})")
    fields = schema.assign(types.Schema((types.Field(name="c", type=kind),)), None, 0).fields
    return statistics.read(str(path), fields)


def test_files_of_duckdb_have_bounds_too(tmp_path: Path) -> None:
    found = read_duckdb(
        tmp_path, "SELECT (i - 5)::DECIMAL(38, 2) AS c FROM range(10) t(i)", types.Decimal(38, 2)
    )
    assert found.lower_bounds == {1: (-500).to_bytes(2, "big", signed=True)}
    assert found.upper_bounds == {1: (400).to_bytes(2, "big", signed=True)}


@pytest.mark.parametrize("values", ["['nan', '1']", "['1', 'nan', '-inf']"])
def test_no_bound_leaves_a_number_outside_when_there_is_nan(tmp_path: Path, values: str) -> None:
    select = f"SELECT unnest({values})::DOUBLE AS c"
    found = read_duckdb(tmp_path, select, types.DOUBLE)
    for bounds, holds in ((found.lower_bounds, float.__le__), (found.upper_bounds, float.__ge__)):
        if 1 in bounds:
            assert holds(struct.unpack("<d", bounds[1])[0], 1.0)


@given(lists(text(max_size=40), min_size=1))
def test_bounds_of_text_hold_every_value(tmp_path_factory: Any, values: list[str]) -> None:
    check_bounds(tmp_path_factory, types.STRING, values, [one.encode() for one in values])


@given(lists(binary(max_size=40), min_size=1))
def test_bounds_of_binary_hold_every_value(tmp_path_factory: Any, values: list[bytes]) -> None:
    check_bounds(tmp_path_factory, types.BINARY, values, values)


def check_bounds(
    folders: pytest.TempPathFactory, kind: types.Type, values: list[Any], raw: list[bytes]
) -> None:
    wanted = types.Schema((types.Field(name="c", type=kind),))
    fields = schema.assign(wanted, None, 0).fields
    path = folders.mktemp("bounds") / "f.parquet"
    pq.write_table(pa.table({"c": values}, arrow_schema(wanted, {"c": 1})), path)
    found = statistics.read(str(path), fields)
    assert found.lower_bounds[1] <= min(raw)
    assert len(found.lower_bounds[1]) <= 4 * statistics.BOUND_LENGTH
    if 1 in found.upper_bounds:
        assert found.upper_bounds[1] >= max(raw)
        if kind == types.STRING:
            found.upper_bounds[1].decode()


def test_the_greatest_texts_have_no_upper_bound(tmp_path: Path) -> None:
    path = tmp_path / "f.parquet"
    wanted = types.Schema((types.Field(name="c", type=types.STRING),))
    pq.write_table(pa.table({"c": ["\U0010ffff" * 20]}, arrow_schema(wanted, {"c": 1})), path)
    found = statistics.read(str(path), schema.assign(wanted, None, 0).fields)
    assert found.upper_bounds == {}
    assert set(found.lower_bounds) == {1}


def one_column(kind: pa.DataType, field_id: int | None = 1) -> pa.Schema:
    metadata = None if field_id is None else {"PARQUET:field_id": str(field_id)}
    return pa.schema([pa.field("c", kind, metadata=metadata)])


REFUSED: dict[str, tuple[pa.Schema, types.Type, bool, str]] = {
    "no field id": (one_column(pa.int64(), None), types.BIGINT, False, "has no field id"),
    "a foreign column": (one_column(pa.int64(), 7), types.BIGINT, False, "of field id 7"),
    "a narrower table": (one_column(pa.int64()), types.INT, False, "cannot be read as int"),
    "milliseconds": (one_column(pa.timestamp("ms")), types.TIMESTAMP_NTZ, False, "timestamp"),
    "no zone": (one_column(pa.timestamp("us")), types.TIMESTAMP, False, "timestamp"),
    "another scale": (one_column(pa.decimal128(9, 3)), types.Decimal(9, 2), False, "decimal"),
    "nulls": (one_column(pa.int64()), types.BIGINT, True, "required and holds nulls"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_that_is_not_of_the_table_is_refused(tmp_path: Path, name: str) -> None:
    stored, kind, is_required, why = REFUSED[name]
    path = tmp_path / "f.parquet"
    pq.write_table(pa.table({"c": [None]}, stored), path)
    wanted = types.Schema((types.Field(name="c", type=kind, is_required=is_required),))
    with pytest.raises(errors.LakewrightError, match=why):
        statistics.read(str(path), schema.assign(wanted, None, 0).fields)


def test_a_file_without_a_required_column_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "f.parquet"
    pq.write_table(pa.table({"c": [1]}, one_column(pa.int64())), path)
    wanted = types.Schema(
        (
            types.Field(name="c", type=types.BIGINT),
            types.Field(name="must", type=types.BIGINT, is_required=True),
        )
    )
    with pytest.raises(errors.LakewrightError, match="no column must"):
        statistics.read(str(path), schema.assign(wanted, None, 0).fields)
