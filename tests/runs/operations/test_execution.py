"""The child's operations on the real lake, engine and readers, driven by the real worker."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, cast

import pytest

from lakewright import errors
from lakewright.runs import accept
from lakewright.runs.progress import Silent
from lakewright.runs.records import Json, Run, RunStatus, UploadStatus

if TYPE_CHECKING:
    from tests.runs.conftest import Shop

Facts = Mapping[str, Json]

FIRST = "order_id,customer,quantity\n1,ann,1\n2,bob,2\nx,bob,3\n"
SECOND = "order_id,customer,quantity\n2,bob,5\n3,ann,7\n"


def test_a_file_goes_to_bronze_quarantine_silver_and_gold(shop: "Shop") -> None:
    run = shop.load(FIRST)
    assert (run.status, run.error) == (RunStatus.SUCCEEDED, None)
    upload = shop.upload(FIRST)
    assert (upload.status, upload.records, upload.rows, upload.quarantined) == (
        UploadStatus.LOADED, 3, 2, 1,
    )  # fmt: skip
    assert shop.rows("silver.orders") == [(1, "ann", 1), (2, "bob", 2)]
    assert shop.rows("gold.customers") == [("ann", 1), ("bob", 2)]
    assert shop.count("quarantine.orders") == 1
    tables = shop.lake.observe()
    assert tables["silver.orders"].consumed == {
        "bronze.orders": tables["bronze.orders"].snapshot_id
    }
    assert tables["silver.orders"].fingerprint
    assert tables["bronze.orders"].contract is not None
    assert upload.snapshot_id == tables["bronze.orders"].snapshot_id


def test_a_second_file_is_added_and_changes_only_what_it_reaches(shop: "Shop") -> None:
    shop.load(FIRST)
    assert shop.load(SECOND).status is RunStatus.SUCCEEDED
    assert shop.rows("silver.orders") == [(1, "ann", 1), (2, "bob", 5), (3, "ann", 7)]
    assert shop.rows("gold.customers") == [("ann", 8), ("bob", 5)]
    assert shop.count("bronze.orders") == 4


def test_several_files_of_one_run_equal_the_same_files_one_by_one(
    shop: "Shop", other_shop: "Shop"
) -> None:
    shop.deliver(SECOND)
    shop.load(FIRST)
    together = {name: shop.rows(name) for name in ("silver.orders", "gold.customers")}
    other_shop.load(FIRST)
    other_shop.load(SECOND)
    assert {name: other_shop.rows(name) for name in together} == together


def test_again_and_replay_replace_rows(shop: "Shop") -> None:
    shop.load(FIRST)
    shop.load(SECOND)
    before = {name: shop.rows(name) for name in ("silver.orders", "gold.customers")}
    assert shop.load(FIRST, is_again=True).status is RunStatus.SUCCEEDED
    assert shop.count("bronze.orders") == 4
    assert shop.count("quarantine.orders") == 1
    accept.request_replay(shop.journal, [shop.upload(SECOND).upload_id], datetime.now(UTC))
    assert shop.drain().status is RunStatus.SUCCEEDED
    assert {name: shop.rows(name) for name in before} == before


def test_removal_takes_rows_out_of_every_layer(shop: "Shop") -> None:
    shop.load(FIRST)
    shop.load(SECOND)
    accept.request_removal(shop.journal, [shop.upload(SECOND).upload_id], datetime.now(UTC))
    run = shop.drain()
    assert (run.status, run.error) == (RunStatus.SUCCEEDED, None)
    assert shop.rows("silver.orders") == [(1, "ann", 1), (2, "bob", 2)]
    assert shop.rows("gold.customers") == [("ann", 1), ("bob", 2)]
    assert shop.upload(SECOND).status is UploadStatus.REMOVED


def test_a_removal_of_what_an_earlier_one_has_removed_is_done(shop: "Shop") -> None:
    shop.load(FIRST)
    upload_id = shop.upload(FIRST).upload_id
    for _ in range(2):
        accept.request_removal(shop.journal, [upload_id], datetime.now(UTC))
    assert shop.drain().status is RunStatus.SUCCEEDED
    assert shop.upload(FIRST).status is UploadStatus.REMOVED


def test_an_upload_over_its_limit_fails_alone_and_leaves_no_file(shop: "Shop") -> None:
    bad = "order_id,customer,quantity\nx,ann,1\ny,bob,2\n4,bob,2\n"
    shop.deliver(bad)
    run = shop.load(FIRST)
    assert run.status is RunStatus.FAILED
    failed = shop.upload(bad)
    error = cast("Mapping[str, str]", failed.error)
    assert (failed.status, error["code"]) == (UploadStatus.FAILED, "too-many-bad-records")
    assert "2 of 3 records" in error["why"]
    assert shop.upload(FIRST).status is UploadStatus.LOADED
    assert shop.count("bronze.orders") == 2
    folder = shop.root / "warehouse/bronze/orders/data"
    assert not [path for path in folder.rglob("*.parquet") if failed.upload_id in path.name]


def test_a_failed_check_keeps_the_table_and_what_reads_it(shop: "Shop") -> None:
    shop.load(FIRST)
    run = shop.load("order_id,customer,quantity\n9,ann,999\n")
    assert run.status is RunStatus.FAILED
    error = cast("Mapping[str, object]", run.error)
    assert error["code"] == "check-failed"
    assert "order_id = 9" in str(error["problems"])
    assert shop.count("bronze.orders") == 3
    assert shop.rows("silver.orders") == [(1, "ann", 1), (2, "bob", 2)]
    assert shop.rows("gold.customers") == [("ann", 1), ("bob", 2)]


def test_a_warning_is_recorded_and_does_not_stop_the_table(shop: "Shop") -> None:
    run = shop.load("order_id,customer,quantity\n1,eve,1\n")
    assert run.status is RunStatus.SUCCEEDED
    (step,) = [
        each
        for each in shop.journal.reading.steps(run.run_id)
        if each.name == "model:silver.orders"
    ]
    checks = cast("Mapping[str, list[Mapping[str, object]]]", step.result)["checks"]
    assert [check["is_passed"] for check in checks] == [True, True, False]


def test_retry_after_mending_a_model_builds_it_from_what_was_published(shop: "Shop") -> None:
    shop.load(FIRST)
    run = shop.load("order_id,customer,quantity\n9,ann,999\n")
    shop.files["models/silver/orders.sql"] = shop.files["models/silver/orders.sql"].replace(
        "max: 100", "max: 1000"
    )
    shop.journal.acceptance.retry(run.run_id, datetime.now(UTC))
    again = shop.drain()
    assert (again.status, again.round) == (RunStatus.SUCCEEDED, 2)
    assert shop.rows("gold.customers") == [("ann", 1000), ("bob", 2)]
    assert shop.count("bronze.orders") == 3


def test_a_publish_that_is_repeated_changes_nothing(shop: "Shop") -> None:
    run = shop.load(FIRST)
    steps = {step.name: step.result for step in shop.journal.reading.steps(run.run_id)}
    staged = [
        each
        for name, result in steps.items()
        if name.startswith(("bronze:", "model:"))
        for each in cast("Mapping[str, list[Json]]", result)["staged"]
    ]
    operations = shop.operations()
    assert operations["is_published"]({"token": run.token}, lambda _: None) is True
    assert operations["is_published"]({"token": "other"}, lambda _: None) is False
    # A table that has appeared since is no reason to plan what is published again.
    awaited: Json = {"gold.customers": None}
    asked: Json = {"token": run.token, "staged": staged, "rollbacks": [], "awaited": awaited}
    assert operations["publish"](asked, lambda _: None) == steps["publish"]
    assert shop.count("bronze.orders") == 2


def test_a_publish_is_planned_again_when_what_a_model_waits_for_has_changed(shop: "Shop") -> None:
    shop.files["sources/rates.yaml"] = "columns: [{name: rate, type: int}]\n"
    shop.files["models/gold/rated.sql"] = (
        "SELECT quantity * rate AS amount FROM silver.orders CROSS JOIN bronze.rates"
    )
    run = shop.load(FIRST)
    steps = {step.name: step.result for step in shop.journal.reading.steps(run.run_id)}
    plan = cast("Mapping[str, Mapping[str, Json]]", steps["plan"])["plan"]
    assert plan["blocked"] == {"gold.rated": ["bronze.rates"]}
    snapshot_id = shop.lake.observe()["bronze.orders"].snapshot_id
    for planned in (None, snapshot_id - 1):
        awaited: Json = {"bronze.orders": planned}
        asked: Json = {"token": "another run", "staged": [], "rollbacks": [], "awaited": awaited}
        with pytest.raises(errors.CommitConflict, match=r"bronze\.orders has changed"):
            shop.operations()["publish"](asked, lambda _: None)
    awaited = {"bronze.orders": snapshot_id, "bronze.rates": None}
    asked = {"token": "another run", "staged": [], "rollbacks": [], "awaited": awaited}
    assert shop.operations()["publish"](asked, lambda _: None) == {}


def test_a_table_that_moved_since_the_plan_is_refused(shop: "Shop") -> None:
    run = shop.load(FIRST)
    steps = {step.name: step.result for step in shop.journal.reading.steps(run.run_id)}
    plan = cast("Mapping[str, Mapping[str, list[Mapping[str, Json]]]]", steps["plan"])
    model = next(step for step in plan["plan"]["steps"] if step["kind"] == "model")
    payload: Json = {
        "step": model, "staged": [], "rollbacks": [], "bases": plan["bases"], "token": "t",
        "fence": 1, "attempt": 1,
    }  # fmt: skip
    with pytest.raises(errors.CommitConflict, match="has moved since the run was planned"):
        shop.operations()["model"](payload, lambda _: None)


def test_models_rebuild_in_full_to_the_same_rows(shop: "Shop") -> None:
    shop.load(FIRST)
    shop.load(SECOND)
    before = {name: shop.rows(name) for name in ("silver.orders", "gold.customers")}
    accept.request_models(shop.journal, [], datetime.now(UTC), is_full=True)
    assert shop.drain().status is RunStatus.SUCCEEDED
    assert {name: shop.rows(name) for name in before} == before


def test_a_rebuild_makes_bronze_from_raw_under_the_present_contract(shop: "Shop") -> None:
    shop.load(FIRST)
    shop.load(SECOND)
    accept.request_rebuild(shop.journal, "orders", datetime.now(UTC))
    run = shop.drain()
    assert (run.status, run.error) == (RunStatus.SUCCEEDED, None)
    assert shop.count("bronze.orders") == 4
    assert shop.rows("gold.customers") == [("ann", 8), ("bob", 5)]


def test_a_changed_type_rebuilds_bronze_and_what_reads_it(shop: "Shop") -> None:
    shop.load(FIRST)
    shop.files["sources/orders.yaml"] = shop.files["sources/orders.yaml"].replace(
        "quantity, type: int", "quantity, type: decimal(10,2)"
    )
    run = shop.load(SECOND)
    assert (run.status, run.error) == (RunStatus.SUCCEEDED, None)
    assert shop.count("bronze.orders") == 4
    assert [str(total) for _, total in shop.rows("gold.customers")] == ["8.00", "5.00"]


def test_the_first_file_of_an_undeclared_source_builds_what_waited_for_it(shop: "Shop") -> None:
    del shop.files["sources/orders.yaml"]
    shop.files["models/silver/later.sql"] = "SELECT a FROM bronze.elsewhere"
    run = shop.load(FIRST)
    assert (run.status, run.error) == (RunStatus.SUCCEEDED, None)
    assert shop.count("bronze.orders") == 3
    assert set(shop.lake.tables()) == {
        "bronze.orders", "quarantine.orders", "silver.orders", "gold.customers",
    }  # fmt: skip


def test_a_model_that_two_runs_make_fit_together_is_built_by_the_second(shop: "Shop") -> None:
    shop.files = {
        "lakewright.yaml": "name: shop\n",
        "models/gold/both.sql": "SELECT a.x, b.y FROM bronze.a AS a CROSS JOIN bronze.b AS b",
    }
    shop.deliver("k\n1\n", source="a")
    shop.drain()

    class Beside(Silent):
        """Lets the other run be planned before the first has published anything."""

        is_told = False

        def step_started(self, run: Run, step: str, total: int | None) -> None:
            if step == "bronze:a" and not self.is_told:
                self.is_told = True
                with pytest.raises(errors.Conflict, match="is still"):
                    shop.drain()

    first = shop.deliver("k,x\n1,2\n", source="a")
    second = shop.deliver("y\n3\n", source="b")
    shop.drain(Beside())
    runs = [shop.journal.reading.run(run_id) for run_id in (first, second)]
    assert [run.status for run in runs] == [RunStatus.SUCCEEDED, RunStatus.SUCCEEDED]
    assert shop.rows("gold.both") == [(2, 3), (None, 3)]


def checked(shop: "Shop", run: Run) -> dict[str, list[bool]]:
    """For each step with checks, whether they passed."""
    results = {step.name: step.result for step in shop.journal.reading.steps(run.run_id)}
    return {
        name: [bool(check["is_passed"]) for check in result["checks"]]
        for name, result in cast("Mapping[str, Mapping[str, list[Facts]]]", results).items()
        if result and "checks" in result
    }


@pytest.mark.parametrize(("known", "is_passed"), [("ann\nbob", True), ("ann", False)])
def test_a_check_that_could_only_warn_is_tried_when_the_table_comes(
    shop: "Shop", known: str, *, is_passed: bool
) -> None:
    shop.files = {
        "lakewright.yaml": "name: shop\n",
        "sources/people.yaml": "columns: [{name: name, type: string}]\n",
        "models/silver/orders.sql": "/*\nchecks:\n"
        "  - referential: {column: customer, to: bronze.people.name, severity: warn}\n*/\n"
        "SELECT customer FROM bronze.orders",
    }
    assert checked(shop, shop.load(FIRST)) == {"model:silver.orders": [False]}
    for text, expected in (
        (f"name\n{known}\n", {"check:silver.orders": [is_passed]}),
        ("name\nzoe\n", {}),
    ):
        shop.deliver(text, source="people")
        run = shop.drain()
        assert (run.status, run.error) == (RunStatus.SUCCEEDED, None)
        assert checked(shop, run) == expected
    assert len(shop.lake.history("silver.orders")) == 1


MENDED = {
    "not required": ("order_id, type: bigint, required: true", "order_id, type: bigint"),
    "wider": ("quantity, type: int", "quantity, type: bigint"),
}


@pytest.mark.parametrize("how", MENDED)
@pytest.mark.parametrize("is_with_upload", [True, False])
def test_a_looser_contract_reads_again_what_was_refused_and_nothing_else(
    shop: "Shop", how: str, *, is_with_upload: bool
) -> None:
    shop.files["sources/orders.yaml"] = shop.files["sources/orders.yaml"].replace(
        "key: order_id\n", ""
    )
    refused = "order_id,customer,quantity\n,ann,1\n4,bob,9999999999\n5,bob,1\nx,bob,1\n"
    shop.files["sources/orders.yaml"] = shop.files["sources/orders.yaml"].replace("0.5", "1.0")
    del shop.files["models/silver/orders.sql"], shop.files["models/gold/customers.sql"]
    shop.load(SECOND)
    shop.load(refused)
    assert (shop.count("bronze.orders"), shop.count("quarantine.orders")) == (3, 3)
    before, after = MENDED[how]
    assert before in shop.files["sources/orders.yaml"]
    shop.files["sources/orders.yaml"] = shop.files["sources/orders.yaml"].replace(before, after)
    if is_with_upload:
        run = shop.load("order_id,customer,quantity\n7,ann,1\n")
    else:
        accept.request_models(shop.journal, [], datetime.now(UTC))
        run = shop.drain()
    assert (run.status, run.error) == (RunStatus.SUCCEEDED, None)
    assert (shop.count("bronze.orders"), shop.count("quarantine.orders")) == (
        4 + is_with_upload, 2,
    )  # fmt: skip
    names = {step.name for step in shop.journal.reading.steps(run.run_id)}
    assert f"land:{shop.upload(refused).upload_id}" in names
    assert f"land:{shop.upload(SECOND).upload_id}" not in names
    assert shop.upload(refused).quarantined == 2
    accept.request_models(shop.journal, [], datetime.now(UTC))
    assert {step.name for step in shop.journal.reading.steps(shop.drain().run_id)} == {"plan"}
