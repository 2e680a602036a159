"""A table is rolled back by a run: what depends on it follows, and all of it is visible at once."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from lakewright.runs import accept
from lakewright.runs.records import Run, RunStatus

if TYPE_CHECKING:
    from tests.runs.conftest import Shop

FIRST = "order_id,customer,quantity\n1,ann,1\n2,bob,2\nx,bob,3\n"
SECOND = "order_id,customer,quantity\n2,bob,5\n3,ann,7\n"


def roll_back(shop: "Shop", table: str, snapshot_id: int, *, is_alone: bool = False) -> Run:
    now = datetime.now(UTC)
    accept.request_rollback(shop.journal, table, snapshot_id, now, is_alone=is_alone)
    return shop.drain()


def test_what_depends_on_a_table_goes_back_with_it(shop: "Shop") -> None:
    shop.load(FIRST)
    first = shop.lake.observe()["bronze.orders"].snapshot_id
    before = {name: shop.rows(name) for name in ("silver.orders", "gold.customers")}
    shop.load(SECOND)
    assert {name: shop.rows(name) for name in before} != before
    run = roll_back(shop, "bronze.orders", first)
    assert (run.status, run.error) == (RunStatus.SUCCEEDED, None)
    assert {name: shop.rows(name) for name in before} == before
    tables = shop.lake.observe()
    assert tables["bronze.orders"].snapshot_id == first
    assert tables["silver.orders"].consumed == {"bronze.orders": first}
    accept.request_models(shop.journal, [], datetime.now(UTC))
    (publish,) = [step for step in shop.journal.reading.steps(run.run_id) if step.name == "publish"]
    assert publish.attempts == 1
    assert [step.name for step in shop.journal.reading.steps(shop.drain().run_id)] == ["plan"]


def test_a_table_is_rolled_back_alone_if_that_is_asked(shop: "Shop") -> None:
    shop.load(FIRST)
    first = shop.lake.observe()["bronze.orders"].snapshot_id
    shop.load(SECOND)
    before = {name: shop.rows(name) for name in ("silver.orders", "gold.customers")}
    assert roll_back(shop, "bronze.orders", first, is_alone=True).status is RunStatus.SUCCEEDED
    assert shop.count("bronze.orders") == 2
    assert {name: shop.rows(name) for name in before} == before


def test_a_dependent_that_fails_stays_as_it_was_and_fails_the_run(shop: "Shop") -> None:
    shop.load(FIRST)
    first = shop.lake.observe()["bronze.orders"].snapshot_id
    shop.load(SECOND)
    before = {name: shop.rows(name) for name in ("silver.orders", "gold.customers")}
    mended = shop.files["models/silver/orders.sql"]
    shop.files["models/silver/orders.sql"] = mended.replace("max: 100", "min: 2")
    run = roll_back(shop, "bronze.orders", first)
    assert run.status is RunStatus.FAILED
    assert shop.lake.observe()["bronze.orders"].snapshot_id == first
    assert {name: shop.rows(name) for name in before} == before
    steps = {step.name: step.status.value for step in shop.journal.reading.steps(run.run_id)}
    assert steps == {
        "plan": "succeeded", "rollback:bronze.orders": "succeeded", "publish": "succeeded",
        "model:silver.orders": "failed", "model:gold.customers": "skipped",
    }  # fmt: skip
    # Once it is mended, a retry builds what has not followed, and the rollback is not done again.
    shop.files["models/silver/orders.sql"] = mended
    shop.journal.acceptance.retry(run.run_id, datetime.now(UTC))
    assert shop.drain().status is RunStatus.SUCCEEDED
    assert shop.rows("gold.customers") == [("ann", 1), ("bob", 2)]
    assert len([e for e in shop.lake.history("bronze.orders") if e.is_ancestor]) == 1


def test_a_snapshot_that_is_not_there_any_more_ends_the_run_with_the_reason(shop: "Shop") -> None:
    shop.load(FIRST)
    run = roll_back(shop, "bronze.orders", 12345)
    assert run.status is RunStatus.FAILED
    assert "does not have the snapshot 12345" in str(run.error)
    assert shop.count("bronze.orders") == 2


def test_a_rollback_of_a_model_lasts_until_something_reaches_it(shop: "Shop") -> None:
    shop.load(FIRST)
    first = shop.lake.observe()["silver.orders"].snapshot_id
    shop.load(SECOND)
    wanted = {name: shop.rows(name) for name in ("silver.orders", "gold.customers")}
    assert roll_back(shop, "silver.orders", first).status is RunStatus.SUCCEEDED
    assert shop.rows("gold.customers") == [("ann", 1), ("bob", 2)]
    accept.request_models(shop.journal, [], datetime.now(UTC))
    assert shop.drain().status is RunStatus.SUCCEEDED
    assert {name: shop.rows(name) for name in wanted} == wanted
