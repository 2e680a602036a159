"""Every transform puts a row where Iceberg says, and tells the partition as the lake reads it."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from lakewright.engines.duckdb import partitioning, reading, writing
from lakewright.errors import UsageError
from lakewright.project.contract import PartitionField, Transform
from lakewright.sql import quoting, types

if TYPE_CHECKING:
    from tests.engines.conftest import Bench

NOON = datetime(2024, 3, 31, 17, 5, 6, 7, tzinfo=UTC)
BEFORE_1970 = datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)


def field(transform: Transform, width: int | None = None) -> PartitionField:
    return PartitionField(column="x", transform=transform, width=width)


@pytest.mark.parametrize(
    ("kind", "transform", "value", "text"),
    [
        ("string", field(Transform.IDENTITY), "a/b=c é", "a/b=c é"),
        ("string", field(Transform.IDENTITY), "", ""),
        ("string", field(Transform.IDENTITY), "long " * 100, "long " * 100),
        ("string", field(Transform.IDENTITY), None, None),
        ("boolean", field(Transform.IDENTITY), True, "true"),
        ("int", field(Transform.IDENTITY), -7, "-7"),
        ("decimal(5,2)", field(Transform.IDENTITY), Decimal("1.50"), "1.50"),
        ("date", field(Transform.IDENTITY), date(2024, 3, 31), "2024-03-31"),
        ("binary", field(Transform.IDENTITY), b"\xff\x00", "/wA="),
        ("timestamp", field(Transform.IDENTITY), NOON, "2024-03-31T17:05:06.000007+00:00"),
        (
            "timestamp_ntz",
            field(Transform.IDENTITY),
            NOON.replace(tzinfo=None),
            "2024-03-31T17:05:06.000007",
        ),
        ("date", field(Transform.YEAR), date(2024, 3, 31), "2024"),
        ("date", field(Transform.MONTH), date(2024, 3, 31), "2024-03"),
        ("date", field(Transform.DAY), date(1, 1, 1), "0001-01-01"),
        ("timestamp", field(Transform.YEAR), BEFORE_1970, "1969"),
        ("timestamp", field(Transform.MONTH), NOON, "2024-03"),
        ("timestamp", field(Transform.DAY), BEFORE_1970, "1969-12-31"),
        ("timestamp", field(Transform.HOUR), NOON, "2024-03-31-17"),
        ("timestamp_ntz", field(Transform.HOUR), BEFORE_1970.replace(tzinfo=None), "1969-12-31-23"),
        ("timestamp", field(Transform.HOUR), None, None),
        ("int", field(Transform.TRUNCATE, 10), -1, "-10"),
        ("bigint", field(Transform.TRUNCATE, 10), 19, "10"),
        ("bigint", field(Transform.TRUNCATE, 10), 2**63 - 1, "9223372036854775800"),
        ("decimal(9,2)", field(Transform.TRUNCATE, 50), Decimal("10.65"), "10.50"),
        ("decimal(9,2)", field(Transform.TRUNCATE, 50), Decimal("-0.05"), "-0.50"),
        ("decimal(4,0)", field(Transform.TRUNCATE, 50), Decimal(149), "100"),
        ("string", field(Transform.TRUNCATE, 3), "éaxyz", "éax"),
        ("binary", field(Transform.TRUNCATE, 1), b"\xff\x00", "/w=="),
        # The hashes are the specification's own examples ("Appendix B").
        ("int", field(Transform.BUCKET, 2**31 - 1), 34, str(2017239379)),
        ("bigint", field(Transform.BUCKET, 100), 34, str(2017239379 % 100)),
        (
            "decimal(9,2)",
            field(Transform.BUCKET, 100),
            Decimal("14.20"),
            str((-500754589 & 0x7FFFFFFF) % 100),
        ),
        (
            "date",
            field(Transform.BUCKET, 100),
            date(2017, 11, 16),
            str((-653330422 & 0x7FFFFFFF) % 100),
        ),
        (
            "timestamp",
            field(Transform.BUCKET, 100),
            datetime(2017, 11, 16, 22, 31, 8, tzinfo=UTC),
            str((-2047944441 & 0x7FFFFFFF) % 100),
        ),
        (
            "timestamp_ntz",
            field(Transform.BUCKET, 100),
            datetime(2017, 11, 16, 22, 31, 8, 1),  # noqa: DTZ001 -- a time without a zone
            str((-1207196810 & 0x7FFFFFFF) % 100),
        ),
        ("string", field(Transform.BUCKET, 100), "iceberg", str(1210000089 % 100)),
        ("binary", field(Transform.BUCKET, 100), b"\0\1\2\3", str((-188683207 & 0x7FFFFFFF) % 100)),
        ("string", field(Transform.BUCKET, 100), None, None),
    ],
)
def test_a_value_lies_in_the_partition_that_iceberg_names(
    bench: "Bench", kind: str, transform: PartitionField, value: quoting.Value, text: str | None
) -> None:
    schema = bench.schema(f"x {kind}")
    target = bench.target("bronze.one", schema, partitioning=(transform,))
    written = writing.copy(bench.connection, bench.values(schema, [(value,)]), target, "rows")
    assert [file.partition for file in written] == [(text,)]


def test_each_file_holds_one_partition_and_all_rows_are_there(bench: "Bench") -> None:
    schema = bench.schema("x int, y string")
    by = (PartitionField(column="y"), field(Transform.BUCKET, 2))
    rows = [(number, ["a", None, "b"][number % 3]) for number in range(60)]
    target = bench.target("bronze.many", schema, partitioning=by)
    written = writing.copy(bench.connection, bench.values(schema, rows), target, "rows")
    assert {file.partition for file in written} == {
        (y, bucket) for y in ("a", None, "b") for bucket in ("0", "1")
    }
    assert len(written) == 6
    assert bench.rows(bench.files(target, written)) == sorted(rows, key=repr)
    for file in written:
        part = bench.connection.execute(
            reading.relation_sql(bench.files(target, [file]), ["y"])
        ).fetchall()
        assert set(part) == {(file.partition[0],)}


@pytest.mark.parametrize(
    ("kind", "transform"),
    [
        (types.STRING, field(Transform.MONTH)),
        (types.DOUBLE, field(Transform.BUCKET, 4)),
        (types.DATE, field(Transform.TRUNCATE, 4)),
        (types.INT, field(Transform.BUCKET)),
    ],
)
def test_a_transform_that_does_not_fit_is_refused(
    kind: types.Type, transform: PartitionField
) -> None:
    with pytest.raises(UsageError) as caught:
        partitioning.value_sql(transform, kind)
    assert "x" in caught.value.what
    assert caught.value.hint
