"""Every kind of table that we write is read alike by PyIceberg, DuckDB's own reader and polars."""

import importlib.metadata
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import polars
import pytest
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.expressions import EqualTo
from pyiceberg.table import Table

from lakewright.project.contract import PartitionField, Transform
from lakewright.sql import types
from tests.lake.conftest import Row, Workshop

TABLE = "bronze.things"


def field(name: str, kind: types.Type, *, is_required: bool = False) -> types.Field:
    return types.Field(name=name, type=kind, is_required=is_required)


ID = field("id", types.BIGINT, is_required=True)


def schema(*fields: types.Field) -> types.Schema:
    return types.Schema((ID, *fields))


@dataclass(frozen=True)
class Case:
    """How a table is made, and the rows that it then has."""

    make: Callable[[Workshop], None]
    rows: Sequence[Row]
    columns: Sequence[str] = ("id",)
    """Columns by whose values rows are looked for, one by one: no reader may skip too much."""
    is_before_1970_by_month_or_day: bool = False
    """DuckDB's extension up to 1.5.5 skips such files when it filters: duckdb-iceberg#1361."""


EVERY_TYPE = schema(
    field("a_boolean", types.BOOLEAN),
    field("an_int", types.INT),
    field("a_bigint", types.BIGINT),
    field("a_float", types.FLOAT),
    field("a_double", types.DOUBLE),
    field("a_string", types.STRING),
    field("a_binary", types.BINARY),
    field("a_date", types.DATE),
    field("an_instant", types.TIMESTAMP),
    field("a_local_time", types.TIMESTAMP_NTZ),
    field("a_price", types.Decimal(9, 2)),
    field("a_sum", types.Decimal(38, 4)),
)
LOCAL = datetime.fromisoformat("2024-02-29T23:59:59.000007")
LONG_AGO = datetime.fromisoformat("1900-01-01")
EVERY_VALUE: Sequence[Row] = (
    {
        "id": 1, "a_boolean": True, "an_int": 2**31 - 1, "a_bigint": 2**63 - 1, "a_float": 0.5,
        "a_double": 1e300, "a_string": "ünï\U0001f600" * 9, "a_binary": b"\xff" * 40,
        "a_date": date(2024, 2, 29), "an_instant": datetime(2024, 2, 29, 23, 59, 59, 7, UTC),
        "a_local_time": LOCAL, "a_price": Decimal("9999999.99"),
        "a_sum": Decimal("9999999999999999999999999999999999.9999"),
    },
    {
        "id": 2, "a_boolean": False, "an_int": -(2**31), "a_bigint": -(2**63), "a_float": -0.5,
        "a_double": -1e300, "a_string": "", "a_binary": b"", "a_date": date(1969, 12, 31),
        "an_instant": datetime(1969, 12, 31, tzinfo=UTC),
        "a_local_time": LONG_AGO, "a_price": Decimal("-0.01"),
        "a_sum": Decimal("-9999999999999999999999999999999999.9999"),
    },
    {"id": 3, **dict.fromkeys(EVERY_TYPE.names[1:])},
)  # fmt: skip
LOOKED_FOR = (
    "id", "an_int", "a_bigint", "a_double", "a_string", "a_date", "an_instant",
    "a_local_time", "a_price", "a_sum",
)  # fmt: skip

STOP = types.Struct((("at", types.DATE), ("names", types.Array(types.STRING))))
NESTED = schema(
    field("tags", types.Array(types.STRING)),
    field("place", types.Struct((("city", types.STRING), ("floor", types.INT)))),
    field("counts", types.Map(types.STRING, types.BIGINT)),
    field("stops", types.Array(STOP)),
)
NESTED_ROWS: Sequence[Row] = (
    {"id": 1, "tags": ["a", None], "place": {"city": "Rome", "floor": 3},
     "counts": [("x", 1), ("y", None)], "stops": [{"at": date(2024, 1, 1), "names": ["p", "q"]}]},
    {"id": 2, "tags": [], "place": None, "counts": [], "stops": []},
)  # fmt: skip


def appended(wanted: types.Schema, rows: Sequence[Row]) -> Callable[[Workshop], None]:
    """Each row by a publish of its own."""

    def make(workshop: Workshop) -> None:
        for number, row in enumerate(rows):
            workshop.append(TABLE, wanted, [row], f"run{number}")

    return make


def partitioned(
    parts: Sequence[PartitionField], kind: types.Type, values: Sequence[tuple[str | None, Any]]
) -> Case:
    """A table with one file for each pair of a partition's text and a value in it."""
    wanted = schema(field("v", kind))
    rows = [{"id": number, "v": value} for number, (_, value) in enumerate(values)]

    def make(workshop: Workshop) -> None:
        files = [((text,), [row]) for (text, _), row in zip(values, rows, strict=True)]
        staged = workshop.stage(TABLE, wanted, files=files, partitioning=tuple(parts))
        workshop.publish(staged)

    return Case(make, rows, ("id", "v"))


def by(transform: Transform, width: int | None = None) -> Sequence[PartitionField]:
    return [PartitionField(column="v", transform=transform, width=width)]


MOMENT = datetime(2024, 3, 31, 17, 5, 6, 7, UTC)
EARLIER = datetime(1969, 11, 30, 1, 0, 0, 0, UTC)
BY_TYPE: Mapping[str, Case] = {
    "identity of string": partitioned(
        by(Transform.IDENTITY), types.STRING, [("a/b c=ü", "a/b c=ü"), ("", ""), (None, None)]
    ),
    "identity of bigint": partitioned(
        by(Transform.IDENTITY), types.BIGINT, [("5", 5), ("-5", -5), (None, None)]
    ),
    "identity of boolean": partitioned(
        by(Transform.IDENTITY), types.BOOLEAN, [("true", True), ("false", False)]
    ),
    "identity of date": partitioned(
        by(Transform.IDENTITY), types.DATE, [("2024-03-31", MOMENT.date()), (None, None)]
    ),
    "identity of decimal": partitioned(
        by(Transform.IDENTITY), types.Decimal(9, 2),
        [("1.50", Decimal("1.50")), ("-0.01", Decimal("-0.01"))],
    ),
    "identity of timestamp": partitioned(
        by(Transform.IDENTITY), types.TIMESTAMP, [("2024-03-31T17:05:06.000007+00:00", MOMENT)]
    ),
    "year": partitioned(by(Transform.YEAR), types.TIMESTAMP, [("2024", MOMENT), ("1969", EARLIER)]),
    "month": partitioned(by(Transform.MONTH), types.TIMESTAMP, [("2024-03", MOMENT)]),
    "month before 1970": replace(
        partitioned(by(Transform.MONTH), types.TIMESTAMP, [("1969-11", EARLIER)]),
        is_before_1970_by_month_or_day=True,
    ),
    "day": partitioned(by(Transform.DAY), types.TIMESTAMP, [("2024-03-31", MOMENT)]),
    "day before 1970": replace(
        partitioned(by(Transform.DAY), types.TIMESTAMP, [("1969-11-30", EARLIER)]),
        is_before_1970_by_month_or_day=True,
    ),
    "hour": partitioned(
        by(Transform.HOUR), types.TIMESTAMP, [("2024-03-31-17", MOMENT), ("1969-11-30-01", EARLIER)]
    ),
    "month of date": partitioned(by(Transform.MONTH), types.DATE, [("2024-03", MOMENT.date())]),
    # Source of the hash values: Iceberg specification, "Appendix B: 32-bit Hash Requirements".
    "bucket of bigint": partitioned(
        by(Transform.BUCKET, 16), types.BIGINT, [(str((2017239379 & (2**31 - 1)) % 16), 34)]
    ),
    "bucket of string": partitioned(
        by(Transform.BUCKET, 16), types.STRING,
        [(str((1210000089 & (2**31 - 1)) % 16), "iceberg"), (None, None)],
    ),
    "truncate of string": partitioned(
        by(Transform.TRUNCATE, 3), types.STRING, [("ice", "iceberg"), ("a", "a")]
    ),
    "truncate of bigint": partitioned(
        by(Transform.TRUNCATE, 10), types.BIGINT, [("10", 13), ("-10", -1)]
    ),
}  # fmt: skip


def make_evolved(workshop: Workshop) -> None:
    first = schema(
        field("n", types.INT),
        field("x", types.FLOAT),
        field("p", types.Decimal(5, 2)),
        field("gone", types.STRING),
        field("place", types.Struct((("city", types.STRING),))),
    )
    workshop.append(
        TABLE, first,
        [{"id": 1, "n": 7, "x": 0.5, "p": Decimal("1.25"), "gone": "?", "place": {"city": "Rome"}}],
        "run1",
    )  # fmt: skip
    workshop.append(
        TABLE, EVOLVED,
        [{"id": 2, "n": 2**40, "x": 1e300, "p": Decimal("1234567.25"),
          "place": {"city": "Oslo", "floor": 2}, "new": "y"}],
        "run2",
    )  # fmt: skip


EVOLVED = schema(
    field("new", types.STRING),
    field("p", types.Decimal(9, 2)),
    field("n", types.BIGINT),
    field("x", types.DOUBLE),
    field("place", types.Struct((("city", types.STRING), ("floor", types.INT)))),
)
EVOLVED_ROWS: Sequence[Row] = (
    {"id": 1, "n": 7, "x": 0.5, "p": Decimal("1.25"), "new": None,
     "place": {"city": "Rome", "floor": None}},
    {"id": 2, "n": 2**40, "x": 1e300, "p": Decimal("1234567.25"), "new": "y",
     "place": {"city": "Oslo", "floor": 2}},
)  # fmt: skip

PLAIN = schema(field("v", types.STRING))
RETYPED = schema(field("v", types.BIGINT))


def make_overwritten(workshop: Workshop) -> None:
    workshop.append(TABLE, PLAIN, [{"id": 1, "v": "a"}, {"id": 2, "v": "b"}], "run1")
    workshop.append(TABLE, PLAIN, [{"id": 3, "v": "c"}], "run2")
    first, _ = sorted(workshop.lake.file_set(TABLE).files, key=lambda file: -file.rows)
    staged = workshop.stage(TABLE, PLAIN, [{"id": 2, "v": "B"}], run="run3")
    kept = workshop.write(
        workshop.lake.target(TABLE, PLAIN, (), "run3", "kept"), [{"id": 1, "v": "a"}]
    )
    workshop.publish(replace(staged, removed=(first.path,), rewritten=(kept,)), run="run3")


def make_rebuilt(workshop: Workshop) -> None:
    workshop.append(TABLE, PLAIN, [{"id": 1, "v": "a"}], "run1")
    staged = workshop.stage(TABLE, RETYPED, [{"id": 1, "v": 10}], run="run2", is_replaced=True)
    workshop.publish(staged, run="run2")


def make_rolled_back(workshop: Workshop) -> None:
    make_rebuilt(workshop)
    first = workshop.lake.history(TABLE)[-1].snapshot_id
    workshop.rollback(TABLE, first, "back")


def make_repartitioned(workshop: Workshop) -> None:
    workshop.append(TABLE, PLAIN, [{"id": 1, "v": "a"}], "run1")
    for number, parts in enumerate([by(Transform.IDENTITY), by(Transform.TRUNCATE, 1)], start=2):
        files = [(("b",), [{"id": number, "v": "b"}])]
        staged = workshop.stage(
            TABLE, PLAIN, files=files, run=f"run{number}", partitioning=tuple(parts)
        )
        workshop.publish(staged, run=f"run{number}")


def make_rebuilt_partitioned(workshop: Workshop) -> None:
    files: list[Any] = [(("b",), [{"id": 1, "v": "b"}])]
    parts = tuple(by(Transform.IDENTITY))
    workshop.publish(workshop.stage(TABLE, PLAIN, files=files, partitioning=parts))
    files = [(("7",), [{"id": 1, "v": 7}])]
    staged = workshop.stage(
        TABLE, RETYPED, files=files, partitioning=parts, run="run2", is_replaced=True
    )
    workshop.publish(staged, run="run2")


def make_empty(workshop: Workshop) -> None:
    workshop.append(TABLE, PLAIN, [], "run1")


CASES: Mapping[str, Case] = {
    "every type": Case(appended(EVERY_TYPE, EVERY_VALUE), EVERY_VALUE, LOOKED_FOR),
    "nested": Case(appended(NESTED, NESTED_ROWS), NESTED_ROWS),
    "without a row": Case(make_empty, []),
    "evolved": Case(make_evolved, EVOLVED_ROWS, ("id", "n", "x", "p", "new")),
    "overwritten": Case(
        make_overwritten,
        [{"id": 1, "v": "a"}, {"id": 2, "v": "B"}, {"id": 3, "v": "c"}],
        ("id", "v"),
    ),
    "rebuilt with another type": Case(make_rebuilt, [{"id": 1, "v": 10}], ("id", "v")),
    "rolled back over a rebuild": Case(make_rolled_back, [{"id": 1, "v": "a"}], ("id", "v")),
    "with another partitioning": Case(
        make_repartitioned,
        [{"id": 1, "v": "a"}, {"id": 2, "v": "b"}, {"id": 3, "v": "b"}],
        ("id", "v"),
    ),
    "rebuilt with another type of its partitions": Case(
        make_rebuilt_partitioned, [{"id": 1, "v": 7}], ("id", "v")
    ),
    "of many commits": Case(
        appended(PLAIN, [{"id": number, "v": f"v{number}"} for number in range(40)]),
        [{"id": number, "v": f"v{number}"} for number in range(40)],
    ),
    **{f"partitioned by {name}": case for name, case in BY_TYPE.items()},
}


class WithPyIceberg:
    """PyIceberg through its own SQL catalog."""

    def __init__(self, workshop: Workshop) -> None:
        self.table = load(workshop)

    def rows(self, column: str | None = None, value: object = None) -> Sequence[Row]:
        if column is None:
            found = self.table.scan()
        else:
            equal_to: Any = EqualTo  # Its signature is not the one that its types tell.
            found = self.table.scan(row_filter=equal_to(column, value))
        rows: Sequence[Row] = found.to_arrow().to_pylist()
        return rows


class WithDuckdb:
    """DuckDB's Iceberg extension, loaded from the installed package."""

    def __init__(self, workshop: Workshop) -> None:
        self.location = workshop.lake.describe(TABLE).metadata_location
        self.connection = duckdb.connect()
        for name in ("avro", "iceberg"):
            files = importlib.metadata.files(f"duckdb-extension-{name}") or []
            [extension] = [one for one in files if one.suffix == ".duckdb_extension"]
            self.connection.execute(f"LOAD '{extension.locate()}'")
        self.connection.execute("SET TimeZone = 'UTC'")

    def rows(self, column: str | None = None, value: object = None) -> Sequence[Row]:
        query = f"SELECT * FROM iceberg_scan('{self.location}')"
        if column is None:
            found = self.connection.execute(query)
        else:
            found = self.connection.execute(f"{query} WHERE {column} = ?", [value])
        rows: Sequence[Row] = found.to_arrow_table().to_pylist()
        return rows


class WithPolars:
    """polars, from the metadata file alone."""

    def __init__(self, workshop: Workshop) -> None:
        self.frame = polars.scan_iceberg(workshop.lake.describe(TABLE).metadata_location)

    def rows(self, column: str | None = None, value: object = None) -> Sequence[Row]:
        wanted = self.frame
        if column is not None:
            wanted = wanted.filter(polars.col(column) == polars.lit(value))
        return wanted.collect().to_dicts()


def load(workshop: Workshop) -> Table:
    catalog = SqlCatalog(
        "lakewright",
        uri=f"sqlite:///{workshop.sqlite.path}",
        init_catalog_tables="false",
    )
    try:
        return catalog.load_table(TABLE)
    finally:
        catalog.close()


def comparable(value: Any) -> Any:
    """Maps alike, however a reader gives them: as dictionaries; an empty one as an empty list."""
    if isinstance(value, list):
        if value and all(isinstance(one, tuple) for one in value):
            return dict(value)
        return [comparable(one) for one in value]
    if isinstance(value, dict):
        return {name: comparable(one) for name, one in value.items()} or []
    return value


def by_id(rows: Sequence[Row]) -> list[Any]:
    return sorted((comparable(dict(row)) for row in rows), key=lambda row: row["id"])


@pytest.fixture(autouse=True)
def planned_by_pyiceberg(monkeypatch: pytest.MonkeyPatch) -> None:
    """polars warns when a planner of its own is not installed, unless it is told not to look."""
    monkeypatch.setitem(os.environ, "POLARS_ICEBERG_PLANNER", "pyiceberg")


@pytest.mark.parametrize("reader", [WithPyIceberg, WithDuckdb, WithPolars])
@pytest.mark.parametrize("name", CASES)
def test_every_reader_reads_a_table(
    workshop: Workshop, reader: type[WithPyIceberg | WithDuckdb | WithPolars], name: str
) -> None:
    case = CASES[name]
    case.make(workshop)
    found = reader(workshop)
    assert by_id(found.rows()) == by_id(case.rows)
    if reader is WithDuckdb and case.is_before_1970_by_month_or_day:
        return
    for column in case.columns:
        for row in case.rows:
            if row[column] is not None:
                expected = [one for one in case.rows if one[column] == row[column]]
                assert by_id(found.rows(column, row[column])) == by_id(expected), column


@pytest.mark.parametrize("reader", [WithPyIceberg, WithDuckdb, WithPolars])
def test_every_reader_reads_a_lake_in_a_folder_of_any_name(
    tmp_path: Path, reader: type[WithPyIceberg | WithDuckdb | WithPolars]
) -> None:
    workshop = Workshop(tmp_path / "my projéct, 2nd (копия)" / ".lakewright")
    make_overwritten(workshop)
    assert [row["v"] for row in by_id(reader(workshop).rows())] == ["a", "B", "c"]
