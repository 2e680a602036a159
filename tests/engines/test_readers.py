"""Tables of files that DuckDB wrote are read alike by PyIceberg, DuckDB's own reader and polars."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow
import pytest
from pyiceberg.table import StaticTable

from lakewright.engines.duckdb import reading, writing
from lakewright.lake.staged import Staged
from lakewright.lake.tables import Lake
from lakewright.project.contract import PartitionField, Transform
from lakewright.sql import types
from tests.iceberg_readers import with_duckdb, with_polars

if TYPE_CHECKING:
    from tests.engines.conftest import Bench, Row

TABLE = "bronze.things"
NOW = datetime(2026, 3, 31, 12, 0, tzinfo=UTC)
REQUIRED = types.Field(name="id", type=types.BIGINT, is_required=True)
COLUMNS = (
    "word string, price decimal(9,2), big decimal(38,4), day date, at timestamp,"
    " local timestamp_ntz, share double, small float, is_new boolean, raw binary"
)
LOCAL = datetime.fromisoformat("2024-02-29T23:59:59.000007")
ROWS: "list[Row]" = [
    (1, "ü/=", Decimal("9.50"), Decimal("-0.0001"), date(1969, 12, 31), NOW, LOCAL, 0.5, 0.5, True,
     b"\xff\0"),
    (2, "", Decimal("-1.00"), Decimal(10), date(2024, 2, 29), NOW, LOCAL, -1.0, 1.5, False, b""),
    (3, None, None, None, None, None, None, None, None, None, None),
]  # fmt: skip
BY = {
    "none": (),
    "identity of text": (PartitionField(column="word"),),
    "bucket and month": (
        PartitionField(column="id", transform=Transform.BUCKET, width=2),
        PartitionField(column="at", transform=Transform.MONTH),
    ),
    "truncated": (
        PartitionField(column="price", transform=Transform.TRUNCATE, width=500),
        PartitionField(column="word", transform=Transform.TRUNCATE, width=1),
    ),
    "hours and years": (
        PartitionField(column="local", transform=Transform.HOUR),
        PartitionField(column="day", transform=Transform.YEAR),
    ),
}


def with_pyiceberg(location: str) -> pyarrow.Table:
    return StaticTable.from_metadata(location).scan().to_arrow()


@pytest.mark.parametrize("reader", [with_pyiceberg, with_duckdb, with_polars])
@pytest.mark.parametrize("by", BY)
def test_every_reader_reads_what_duckdb_wrote(
    bench: "Bench", monkeypatch: pytest.MonkeyPatch, reader: Callable[[str], pyarrow.Table], by: str
) -> None:
    monkeypatch.setenv("POLARS_ICEBERG_PLANNER", "pyiceberg")
    lake = Lake(Path(bench.folder, "lake"))
    schema = types.Schema((REQUIRED, *bench.schema(COLUMNS).fields))
    target = lake.target(TABLE, schema, BY[by], "run", "bronze:things")
    added = writing.copy(bench.connection, bench.values(schema, ROWS), target, "rows")
    staged = Staged(
        table=TABLE,
        step="bronze:things",
        base_snapshot_id=None,
        schema=target.schema,
        partitioning=BY[by],
        added=added,
        consumed={},
        properties={},
        table_properties={},
        column_descriptions={},
    )
    lake.publish([staged], "run", NOW)
    found = reader(lake.describe(TABLE).metadata_location)
    rows = [tuple(row.values()) for row in found.select(schema.names).to_pylist()]
    assert sorted(rows, key=lambda row: row[0]) == ROWS
    own = bench.connection.execute(reading.relation_sql(lake.file_set(TABLE))).to_arrow_table()
    assert sorted(own.column("id").to_pylist()) == [1, 2, 3]
    lake.close()
