"""A model's table is the same however it was built, and only what changed is written anew."""

from random import Random
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lakewright.engines.engine import Change
from lakewright.errors import RunFailed
from lakewright.lake.staged import FileSet
from lakewright.plan import steps
from lakewright.project.model import Write

if TYPE_CHECKING:
    from tests.engines.conftest import Bench, Row

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


def values(bench: "Bench", table: FileSet) -> list["Row"]:
    """Rows without their metadata columns, which equality ignores."""
    is_own = [not name.startswith("_") for name in table.schema.names]
    rows = (
        tuple(value for value, keep in zip(row, is_own, strict=True) if keep)
        for row in bench.rows(table)
    )
    return sorted(rows, key=repr)


@pytest.mark.parametrize(
    ("rows", "newest"),
    [
        ([(1, 7, 1, 5, 1), (1, 7, 2, 4, 2)], [(1, 7, 2, 4)]),
        ([(1, 7, None, 5, 1), (1, 7, 2, 4, 2)], [(1, 7, 2, 4)]),
        ([(1, 7, 2, 5, 1), (1, 7, 2, 4, 2)], [(1, 7, 2, 5)]),
        ([(1, 7, 2, None, 1), (1, 7, 2, 4, 2)], [(1, 7, 2, 4)]),
        ([(1, 7, 2, 4, 1), (2, 7, 2, 4, 2)], [(1, 7, 2, 4), (2, 7, 2, 4)]),
        ([], []),
    ],
    ids=[
        "the newest row of a key stays",
        "a row without a time is the oldest",
        "of rows of one time the greater values stay",
        "a value beats none",
        "rows of other keys stay",
        "no rows give no rows",
    ],
)
def test_a_merge_keeps_one_row_for_each_key(
    bench: "Bench", rows: list["Row"], newest: list["Row"]
) -> None:
    for batch in (rows, rows[::-1]):
        orders = bench.table("bronze.orders", ORDERS, batch)
        table, staged = bench.run(latest(bench, orders), orders)
        assert values(bench, table) == newest
        assert not staged.is_replaced


def test_a_full_build_replaces_every_file_of_its_base(bench: "Bench") -> None:
    orders = bench.table("bronze.orders", ORDERS, [(1, 7, 1, 5, 1)])
    base, _ = bench.run(latest(bench, orders), orders)
    table, staged = bench.run(latest(bench, orders), orders, base=base)
    assert staged.is_replaced
    assert staged.base_snapshot_id == base.snapshot_id
    assert bench.rows(table) == bench.rows(base)


def test_a_build_says_in_the_snapshot_how_and_why_it_was_done(bench: "Bench") -> None:
    orders = bench.table("bronze.orders", ORDERS, [(1, 7, 1, 5, 1)])
    step = latest(bench, orders)
    _, staged = bench.run(step, orders)
    assert staged.properties == {
        "query_fingerprint": step.fingerprint,
        "build": "full",
        "reason": "the table is new",
    }


@pytest.mark.parametrize("write", [Write.REPLACE, Write.APPEND])
def test_a_row_wise_build_adds_what_the_new_rows_give(bench: "Bench", write: Write) -> None:
    orders = bench.table("bronze.orders", ORDERS, [(1, 7, 1, 5, 1), (2, 7, 1, 0, 2)])
    sql = "SELECT order_id, amount * 2 AS doubled FROM bronze.orders WHERE amount > 0"
    base, _ = bench.run(bench.step("silver.big", sql, [orders], write=write), orders)
    orders, change = bench.appended(orders, [(3, 7, 1, 6, 3), (4, 7, 1, 0, 4)])
    step = bench.step("silver.big", sql, [orders], ROW_WISE, write=write)
    table, staged = bench.run(step, orders, change=change, base=base)
    assert bench.rows(table) == [(1, 10), (3, 12)]
    assert [file.rows for file in staged.added] == [1]
    assert not staged.removed


def test_a_merge_rewrites_only_files_with_beaten_rows(bench: "Bench") -> None:
    orders = bench.table("bronze.orders", ORDERS, [(1, 7, 1, 5, 1), (2, 7, 1, 5, 2)])
    first, _ = bench.run(latest(bench, orders), orders)
    orders, change = bench.appended(orders, [(3, 7, 1, 5, 3)])
    second, staged = bench.run(latest(bench, orders, ROW_WISE), orders, change=change, base=first)
    assert not staged.removed
    orders, change = bench.appended(orders, [(1, 7, 0, 9, 4), (3, 7, 2, 5, 5), (2, 7, 1, 5, 6)])
    third, staged = bench.run(latest(bench, orders, ROW_WISE), orders, change=change, base=second)
    assert len(staged.removed) == 1
    assert staged.removed[0] == second.files[-1].path
    assert not staged.rewritten
    assert [file.rows for file in staged.added] == [1]
    assert values(bench, third) == [(1, 7, 1, 5), (2, 7, 1, 5), (3, 7, 2, 5)]


def test_rows_that_change_nothing_leave_every_file_as_it_is(bench: "Bench") -> None:
    orders = bench.table("bronze.orders", ORDERS, [(1, 7, 1, 5, 1)])
    base, _ = bench.run(latest(bench, orders), orders)
    orders, change = bench.appended(orders, [(1, 7, 1, 5, 2)])
    _, staged = bench.run(latest(bench, orders, ROW_WISE), orders, change=change, base=base)
    assert (staged.added, staged.rewritten, staged.removed) == ((), (), ())


def test_a_group_that_lost_its_only_row_goes(bench: "Bench") -> None:
    orders = bench.table("bronze.orders", ORDERS, [(1, 7, 1, 5, 1), (2, 8, 1, 5, 2)])
    silver, _ = bench.run(latest(bench, orders), orders)
    gold, _ = bench.run(bench.step("gold.customers", BY_CUSTOMER, [silver]), silver)
    orders, change = bench.appended(orders, [(1, 8, 2, 5, 3)])
    after, staged = bench.run(latest(bench, orders, ROW_WISE), orders, change=change, base=silver)
    step = bench.step("gold.customers", BY_CUSTOMER, [after], BY_KEYS)
    gold, _ = bench.run(step, after, change=bench.change(silver, staged), base=gold)
    assert bench.rows(gold) == [(8, 2, 10, 2)]


ROWS = st.lists(
    st.tuples(
        st.integers(1, 6),
        st.none() | st.integers(1, 3),
        st.none() | st.integers(1, 3),
        st.none() | st.integers(0, 2),
        st.integers(1, 3),
    ),
    max_size=6,
)


@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(batches=st.lists(ROWS, min_size=1, max_size=4), seed=st.randoms(use_true_random=False))
def test_step_by_step_or_at_once_and_in_any_order_the_tables_are_equal(
    bench: "Bench", batches: list[list["Row"]], seed: Random
) -> None:
    orders = bench.table("bronze.orders", ORDERS, batches[0])
    silver, _ = bench.run(latest(bench, orders), orders)
    gold, _ = bench.run(bench.step("gold.customers", BY_CUSTOMER, [silver]), silver)
    for batch in batches[1:]:
        orders, change = bench.appended(orders, batch)
        silver, gold = advance(bench, orders, change, silver, gold)
    shuffled = [row for batch in batches for row in batch]
    seed.shuffle(shuffled)
    orders = bench.table("bronze.orders", ORDERS, shuffled)
    silver_at_once, _ = bench.run(latest(bench, orders), orders)
    gold_at_once, _ = bench.run(
        bench.step("gold.customers", BY_CUSTOMER, [silver_at_once]), silver_at_once
    )
    assert values(bench, silver) == values(bench, silver_at_once)
    assert bench.rows(gold) == bench.rows(gold_at_once)


def advance(
    bench: "Bench", orders: FileSet, change: Change, silver: FileSet, gold: FileSet
) -> tuple[FileSet, FileSet]:
    after, staged = bench.run(latest(bench, orders, ROW_WISE), orders, change=change, base=silver)
    step = bench.step("gold.customers", BY_CUSTOMER, [after], BY_KEYS)
    gold, _ = bench.run(step, after, change=bench.change(silver, staged), base=gold)
    return after, gold


def test_a_row_without_a_key_is_refused_with_its_place(bench: "Bench") -> None:
    columns = "order_id bigint, ordered_at int, _source_file string, _record bigint"
    orders = bench.table("bronze.orders", columns, [(None, 1, "a.csv", 3), (1, 1, "a.csv", 4)])
    sql = "SELECT order_id, ordered_at, _source_file, _record FROM bronze.orders"
    step = bench.step("silver.orders", sql, [orders], write=Write.MERGE, key=("order_id",))
    with pytest.raises(RunFailed) as caught:
        bench.run(step, orders)
    assert "silver.orders" in caught.value.what
    assert caught.value.why == "order_id is null in 1 row; such as record 3 of a.csv"


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("CAST(note AS INT)", "'abc' of bronze.orders.note is no int"),
        ("CAST(note AS DECIMAL(12,2))", "'abc' of bronze.orders.note is no decimal(12,2)"),
        ("CAST(note AS DATE)", "'abc' of bronze.orders.note is no date"),
        ("CAST(note AS TIMESTAMP)", "'abc' of bronze.orders.note is no timestamp"),
        ("CAST(note AS DOUBLE)", "'abc' of bronze.orders.note is no double"),
        ("CAST(note || 'd' AS BOOLEAN)", "'abcd' of bronze.orders.note is no boolean"),
        ("order_id / (order_id - 1)", "zero"),
        ("CAST(order_id * 9223372036854775807 AS BIGINT) * 2", ""),
    ],
)
def test_a_row_that_cannot_be_computed_fails_the_model_by_name(
    bench: "Bench", expression: str, reason: str
) -> None:
    orders = bench.table("bronze.orders", "order_id bigint, note string", [(1, "abc")])
    step = bench.step("silver.orders", f"SELECT {expression} AS x FROM bronze.orders", [orders])
    with pytest.raises(RunFailed) as caught:
        bench.run(step, orders)
    assert caught.value.what == "the model silver.orders cannot compute a row"
    assert reason in caught.value.why.lower()


def test_a_query_that_joins_is_merged_like_any_other(bench: "Bench") -> None:
    orders = bench.table("bronze.orders", ORDERS, [(1, 7, 1, 5, 1), (1, 8, 1, 5, 2)])
    names = bench.table("bronze.names", "customer_id int, name string", [(7, "x"), (8, "y")])
    sql = (
        "SELECT o.order_id, n.name FROM bronze.orders AS o"
        " JOIN bronze.names AS n ON o.customer_id = n.customer_id"
    )
    step = bench.step("silver.named", sql, [orders, names], write=Write.MERGE, key=("order_id",))
    table, _ = bench.run(step, orders, names)
    assert bench.rows(table) == [(1, "y")]
