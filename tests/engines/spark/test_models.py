from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING

import pytest

from lakewright.errors import RunFailed
from lakewright.lake.staged import FileSet
from lakewright.plan import steps
from lakewright.project.contract import PartitionField, Transform
from lakewright.project.model import Write
from lakewright.sql import types

if TYPE_CHECKING:
    from tests.engines.conftest import Bench, Row
    from tests.engines.spark.conftest import Pair

EVERY = (
    "i int, b bigint, odd-name string, f float, d double, n decimal(20,3), t boolean, x binary,"
    " day date, at timestamp, wall timestamp_ntz"
)
AT = datetime(2024, 2, 29, 23, 59, 59, 123456, tzinfo=UTC)
EARLY = datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
ROWS: "list[Row]" = [
    (1, 2**62, "a'b\\n", 1.5, float("nan"), Decimal("-12.345"), True, b"\0\xff", date(2024, 2, 29),
     AT, AT.replace(tzinfo=None)),
    (-(2**31), -1, "ü🙂", float("inf"), -0.0, Decimal(0), False, b"", date(1, 1, 1),
     EARLY, EARLY.replace(tzinfo=None)),
    (None,) * 11,
]  # fmt: skip
ORDERS = "order_id bigint, customer_id int, ordered_at int, amount int, _record bigint"
LATEST = "SELECT order_id, customer_id, ordered_at, amount, _record FROM bronze.orders"
BY_CUSTOMER = (
    "SELECT customer_id, count(*) AS orders, sum(amount) AS revenue, max(ordered_at) AS last_at"
    " FROM silver.orders GROUP BY customer_id"
)
ROW_WISE = steps.RowWise(driving="bronze.orders", since_snapshot_id=1)
BY_KEYS = steps.AffectedKeys(
    driving="silver.orders", since_snapshot_id=1, keys=(("customer_id", "customer_id"),)
)


def latest(bench: "Bench", orders: FileSet, build: steps.Build | None = None) -> steps.BuildModel:
    return bench.step(
        "silver.orders",
        LATEST,
        [orders],
        build,
        write=Write.MERGE,
        key=("order_id",),
        latest_by=("ordered_at",),
    )


QUERIES = {
    "rows": "SELECT * FROM bronze.every",
    "groups": "SELECT i, count(*) AS n, max(at) AS at FROM bronze.every GROUP BY i",
    "join": (
        "SELECT bronze.every.i, other.b FROM bronze.every"
        " JOIN bronze.every AS other ON bronze.every.i = other.i"
    ),
    "nested": (
        "SELECT array(i, i) AS a, map('k', n) AS m, named_struct('x', day, 'y', array(b)) AS s"
        " FROM bronze.every"
    ),
    "nothing": "SELECT i FROM bronze.every WHERE false",
}


@pytest.mark.parametrize("sql", QUERIES.values(), ids=QUERIES)
def test_a_table_is_the_one_that_the_embedded_engine_makes(pair: "Pair", sql: str) -> None:
    every = pair.bench.table("bronze.every", EVERY, ROWS, ROWS[:1])
    step = pair.bench.step("silver.made", sql, [every])
    made, _ = pair.on_spark(step, every)
    expected, _ = pair.embedded(step, every)
    assert repr(pair.rows(made)) == repr(pair.rows(expected))


@pytest.mark.parametrize(
    "partitioning",
    [
        [PartitionField(column="at", transform=Transform.MONTH)],
        [
            PartitionField(column="n", transform=Transform.BUCKET, width=3),
            PartitionField(column="odd-name", transform=Transform.IDENTITY),
        ],
        [PartitionField(column="b", transform=Transform.TRUNCATE, width=10)],
        [PartitionField(column="day", transform=Transform.YEAR)],
    ],
    ids=["month", "bucket", "truncate", "year"],
)
def test_partitions_are_those_of_the_embedded_engine(
    pair: "Pair", partitioning: list[PartitionField]
) -> None:
    every = pair.bench.table("bronze.every", EVERY, ROWS)
    step = pair.bench.step("silver.made", "SELECT * FROM bronze.every", [every])
    made, staged = pair.on_spark(step, every, partitioning=partitioning)
    expected, _ = pair.embedded(step, every, partitioning=partitioning)
    assert repr(pair.rows(made)) == repr(pair.rows(expected))
    assert {file.partition for file in staged.added} == {file.partition for file in expected.files}


def test_a_table_built_in_part_is_the_one_that_is_built_whole(pair: "Pair") -> None:
    random = Random(7)
    bench = pair.bench

    def some(count: int, start: int) -> "list[Row]":
        return [
            (random.randint(1, 9), random.choice([None, 1, 2]), random.randint(1, 3),
             random.choice([None, 1, 2]), start + number)
            for number in range(count)
        ]  # fmt: skip

    orders = bench.table("bronze.orders", ORDERS, some(9, 0))
    merged, _ = pair.on_spark(latest(bench, orders), orders)
    totals, _ = pair.on_spark(bench.step("gold.totals", BY_CUSTOMER, [merged]), merged)
    for number in (1, 2):
        orders, change = bench.appended(orders, some(6, 100 * number))
        before = merged
        merged, staged = pair.on_spark(
            latest(bench, orders, ROW_WISE), orders, change=change, base=merged
        )
        whole, _ = pair.embedded(latest(bench, orders), orders)
        assert pair.rows(merged) == pair.rows(whole)
        step = bench.step("gold.totals", BY_CUSTOMER, [merged], BY_KEYS)
        changed = bench.change(before, staged)
        totals, _ = pair.on_spark(step, merged, change=changed, base=totals)
        expected, _ = pair.embedded(replace(step, build=steps.Full(reason="all")), merged)
        assert pair.rows(totals) == pair.rows(expected)


def test_an_interval_replaces_its_own_rows(pair: "Pair") -> None:
    first, second, third = (datetime(2024, 1, day, tzinfo=UTC) for day in (1, 2, 3))
    events = pair.bench.table("bronze.events", "at timestamp, n int", [(first, 1), (second, 2)])
    sql = (
        "SELECT at, n * 2 AS n FROM bronze.events"
        " WHERE at >= :interval_start AND at < :interval_end"
    )
    build = steps.OneInterval(column="at", start=second, end=third)
    step = pair.bench.step("silver.events", sql, [events], build)
    base = pair.bench.table("silver.events", "at timestamp, n int", [(first, 9), (second, 9)])
    made, _ = pair.on_spark(step, events, base=base)
    assert [row[1] for row in pair.rows(made)] == [9, 4]


def test_a_variable_has_its_type(pair: "Pair") -> None:
    given = pair.bench.table("bronze.one", "n int", [(1,)])
    step = replace(
        pair.bench.step("silver.made", "SELECT CAST(2 AS DECIMAL(9,2)) AS rate FROM bronze.one",
                        [given]),
        sql="SELECT :rate AS rate FROM bronze.one",
        variables=(steps.VariableValue(name="rate", type=types.Decimal(9, 2), value="2.50"),),
    )  # fmt: skip
    made, _ = pair.on_spark(step, given)
    assert pair.rows(made) == [(Decimal("2.50"),)]


def test_rows_without_a_key_are_refused_in_the_same_words(pair: "Pair") -> None:
    orders = pair.bench.table("bronze.orders", ORDERS, [(None, 1, 1, 1, 5), (2, 1, 1, 1, 6)])
    said = []
    for build in (pair.on_spark, pair.embedded):
        with pytest.raises(RunFailed) as caught:
            build(latest(pair.bench, orders), orders)
        said.append((caught.value.what, caught.value.why, caught.value.hint))
    assert said[0] == said[1]


def test_versions_that_engines_would_order_differently_are_refused(pair: "Pair") -> None:
    given = pair.bench.table("bronze.one", "n int", [(1,), (1,)])
    sql = "SELECT n, array(n) AS a FROM bronze.one"
    step = pair.bench.step("silver.made", sql, [given], write=Write.MERGE, key=("n",))
    with pytest.raises(RunFailed, match="cannot be merged on Spark"):
        pair.on_spark(step, given)


def test_a_failed_cast_names_the_model_and_the_value(pair: "Pair") -> None:
    given = pair.bench.table("bronze.texts", "t string", [("1",), ("one",)])
    step = pair.bench.step("silver.made", "SELECT CAST(t AS INT) AS n FROM bronze.texts", [given])
    with pytest.raises(RunFailed) as caught:
        pair.on_spark(step, given)
    assert "silver.made" in caught.value.what
    assert "'one'" in caught.value.why
