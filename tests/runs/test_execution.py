"""The child's operations on the real lake, engine and readers, driven by the real worker."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import pytest

from lakewright import errors
from lakewright.engines.duckdb import session
from lakewright.engines.duckdb.engine import DuckDbEngine
from lakewright.ingest import landing
from lakewright.lake.raw import LocalRawStore
from lakewright.lake.tables import Lake
from lakewright.project import load
from lakewright.runs import accept, sqlite
from lakewright.runs.execution import Executor, Workshop
from lakewright.runs.journal import Delivery, Journal, Json, Run, RunStatus, Upload, UploadStatus
from lakewright.runs.launcher import Launcher, Limits
from lakewright.runs.ownership import Owner
from lakewright.runs.progress import Silent
from lakewright.runs.round import Hands, Terms
from lakewright.runs.worker import Worker

PROJECT = {
    "lakewright.yaml": "name: shop\n",
    "sources/orders.yaml": """
match: "orders*.csv"
format: csv
columns:
  - {name: order_id, type: bigint, required: true}
  - {name: customer, type: string}
  - {name: quantity, type: int}
key: order_id
bad_records: {share_max: 0.5}
""",
    "models/silver/orders.sql": """/*
description: One row for each order.
write: merge
key: order_id
latest_by: quantity
checks:
  - not_null: [order_id]
  - range: {column: quantity, max: 100}
  - accepted_values: {column: customer, values: [ann, bob], severity: warn}
*/
SELECT order_id, customer, quantity FROM bronze.orders
""",
    "models/gold/customers.sql": """
SELECT customer, sum(quantity) AS quantity FROM silver.orders GROUP BY customer
""",
}


class InProcess(Launcher):
    """Runs the operations in this process; everything still crosses as JSON."""

    def __init__(self, load_operations: Callable[[], Mapping[str, Callable[..., Json]]]) -> None:
        super().__init__((), Limits(memory_max_bytes=0))
        self._load = load_operations

    def start(self) -> None:
        pass

    def call(
        self,
        operation: str,
        payload: Json,
        *,
        timeout_seconds: float,
        on_progress: Callable[[int], None] = lambda _: None,
        on_wait: Callable[[], None] = lambda: None,
    ) -> Json:
        asked = json.loads(json.dumps(payload))
        answer: Json = json.loads(json.dumps(self._load()[operation](asked, on_progress)))
        return answer


@dataclass(kw_only=True)
class Shop:
    root: Path
    files: dict[str, str]
    journal: Journal

    @property
    def lake(self) -> Lake:
        return Lake(self.root)

    def operations(self) -> Mapping[str, Callable[..., Json]]:
        lake = self.lake
        schemas = {name: table.schema for name, table in lake.observe().items()}
        connection = session.connect(
            folders=[str(self.root)], temp_folder=str(self.root / "temp"), threads=1,
            memory_limit_bytes=2**28,
        )  # fmt: skip
        return Executor(
            Workshop(
                project=load.load(self.files, schemas),
                lake=lake,
                engine=DuckDbEngine(connection, lambda: datetime.now(UTC)),
                raw=LocalRawStore(self.root / "raw"),
                land=landing.land,
                clock=lambda: datetime.now(UTC),
            )
        ).operations()

    def deliver(self, text: str, *, is_again: bool = False) -> str:
        received = LocalRawStore(self.root / "raw").receive([text.encode()], "orders")
        delivery = Delivery(
            source="orders", sha256=received.sha256, file_name="orders.csv",
            size_bytes=received.size_bytes, is_again=is_again,
        )  # fmt: skip
        return accept.accept(self.journal, delivery, datetime.now(UTC)).run_id

    def drain(self) -> Run:
        """Do all that waits; the newest run."""
        terms = Terms(
            storage=self.root, step_timeout_seconds=60, step_attempts_max=3, wait_max_seconds=1
        )
        with Owner(self.root / "owners") as owner:
            hands = Hands(
                journal=self.journal, launcher=InProcess(self.operations), owner=owner,
                terms=terms, progress=Silent(), clock=lambda: datetime.now(UTC),
            )  # fmt: skip
            Worker(hands).drain()
        return self.journal.reading.runs(limit=1)[0]

    def load(self, text: str, *, is_again: bool = False) -> Run:
        self.deliver(text, is_again=is_again)
        return self.drain()

    def rows(self, table: str) -> list[tuple[object, ...]]:
        import duckdb

        files = [file.path for file in self.lake.file_set(table).files]
        if not files:
            return []
        query = f"SELECT * FROM read_parquet({files}, union_by_name=true) ORDER BY ALL"
        return duckdb.connect().execute(query).fetchall()

    def count(self, table: str) -> int:
        return self.lake.file_set(table).rows

    def upload(self, text: str) -> Upload:
        sha256 = hashlib.sha256(text.encode()).hexdigest()
        (found,) = [each for each in self.journal.reading.uploads() if each.sha256 == sha256]
        return found


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    journal = sqlite.open_journal(tmp_path / "journal.sqlite")
    yield Shop(root=tmp_path, files=dict(PROJECT), journal=journal)
    journal.close()


FIRST = "order_id,customer,quantity\n1,ann,1\n2,bob,2\nx,bob,3\n"
SECOND = "order_id,customer,quantity\n2,bob,5\n3,ann,7\n"


def test_a_file_goes_to_bronze_quarantine_silver_and_gold(shop: Shop) -> None:
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


def test_a_second_file_is_added_and_changes_only_what_it_reaches(shop: Shop) -> None:
    shop.load(FIRST)
    assert shop.load(SECOND).status is RunStatus.SUCCEEDED
    assert shop.rows("silver.orders") == [(1, "ann", 1), (2, "bob", 5), (3, "ann", 7)]
    assert shop.rows("gold.customers") == [("ann", 8), ("bob", 5)]
    assert shop.count("bronze.orders") == 4


def test_several_files_of_one_run_equal_the_same_files_one_by_one(
    shop: Shop, tmp_path_factory: pytest.TempPathFactory
) -> None:
    shop.deliver(SECOND)
    shop.load(FIRST)
    together = {name: shop.rows(name) for name in ("silver.orders", "gold.customers")}
    root = tmp_path_factory.mktemp("other")
    other = Shop(root=root, files=shop.files, journal=sqlite.open_journal(root / "journal.sqlite"))
    other.load(FIRST)
    other.load(SECOND)
    assert {name: other.rows(name) for name in together} == together
    other.journal.close()


def test_again_and_replay_replace_rows(shop: Shop) -> None:
    shop.load(FIRST)
    shop.load(SECOND)
    before = {name: shop.rows(name) for name in ("silver.orders", "gold.customers")}
    assert shop.load(FIRST, is_again=True).status is RunStatus.SUCCEEDED
    assert shop.count("bronze.orders") == 4
    assert shop.count("quarantine.orders") == 1
    accept.request_replay(shop.journal, [shop.upload(SECOND).upload_id], datetime.now(UTC))
    assert shop.drain().status is RunStatus.SUCCEEDED
    assert {name: shop.rows(name) for name in before} == before


def test_removal_takes_rows_out_of_every_layer(shop: Shop) -> None:
    shop.load(FIRST)
    shop.load(SECOND)
    accept.request_removal(shop.journal, [shop.upload(SECOND).upload_id], datetime.now(UTC))
    run = shop.drain()
    assert (run.status, run.error) == (RunStatus.SUCCEEDED, None)
    assert shop.rows("silver.orders") == [(1, "ann", 1), (2, "bob", 2)]
    assert shop.rows("gold.customers") == [("ann", 1), ("bob", 2)]
    assert shop.upload(SECOND).status is UploadStatus.REMOVED


def test_an_upload_over_its_limit_fails_alone_and_leaves_no_file(shop: Shop) -> None:
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


def test_a_failed_check_keeps_the_table_and_what_reads_it(shop: Shop) -> None:
    shop.load(FIRST)
    run = shop.load("order_id,customer,quantity\n9,ann,999\n")
    assert run.status is RunStatus.FAILED
    error = cast("Mapping[str, object]", run.error)
    assert error["code"] == "check-failed"
    assert "order_id = 9" in str(error["problems"])
    assert shop.count("bronze.orders") == 3
    assert shop.rows("silver.orders") == [(1, "ann", 1), (2, "bob", 2)]
    assert shop.rows("gold.customers") == [("ann", 1), ("bob", 2)]


def test_a_warning_is_recorded_and_does_not_stop_the_table(shop: Shop) -> None:
    run = shop.load("order_id,customer,quantity\n1,eve,1\n")
    assert run.status is RunStatus.SUCCEEDED
    (step,) = [
        each
        for each in shop.journal.reading.steps(run.run_id)
        if each.name == "model:silver.orders"
    ]
    checks = cast("Mapping[str, list[Mapping[str, object]]]", step.result)["checks"]
    assert [check["is_passed"] for check in checks] == [True, True, False]


def test_retry_after_mending_a_model_builds_it_from_what_was_published(shop: Shop) -> None:
    shop.load(FIRST)
    run = shop.load("order_id,customer,quantity\n9,ann,999\n")
    shop.files["models/silver/orders.sql"] = PROJECT["models/silver/orders.sql"].replace(
        "max: 100", "max: 1000"
    )
    shop.journal.acceptance.retry(run.run_id, datetime.now(UTC))
    again = shop.drain()
    assert (again.status, again.round) == (RunStatus.SUCCEEDED, 2)
    assert shop.rows("gold.customers") == [("ann", 1000), ("bob", 2)]
    assert shop.count("bronze.orders") == 3


def test_a_publish_that_is_repeated_changes_nothing(shop: Shop) -> None:
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
    again = operations["publish"]({"token": run.token, "staged": staged}, lambda _: None)
    assert again == steps["publish"]
    assert shop.count("bronze.orders") == 2


def test_a_table_that_moved_since_the_plan_is_refused(shop: Shop) -> None:
    run = shop.load(FIRST)
    steps = {step.name: step.result for step in shop.journal.reading.steps(run.run_id)}
    plan = cast("Mapping[str, Mapping[str, list[Mapping[str, Json]]]]", steps["plan"])
    model = next(step for step in plan["plan"]["steps"] if step["kind"] == "model")
    payload: Json = {
        "step": model, "staged": [], "bases": plan["bases"], "token": "t", "fence": 1, "attempt": 1,
    }  # fmt: skip
    with pytest.raises(errors.CommitConflict, match="has moved since the run was planned"):
        shop.operations()["model"](payload, lambda _: None)


def test_models_rebuild_in_full_to_the_same_rows(shop: Shop) -> None:
    shop.load(FIRST)
    shop.load(SECOND)
    before = {name: shop.rows(name) for name in ("silver.orders", "gold.customers")}
    accept.request_models(shop.journal, [], datetime.now(UTC), is_full=True)
    assert shop.drain().status is RunStatus.SUCCEEDED
    assert {name: shop.rows(name) for name in before} == before


def test_a_rebuild_makes_bronze_from_raw_under_the_present_contract(shop: Shop) -> None:
    shop.load(FIRST)
    shop.load(SECOND)
    accept.request_rebuild(shop.journal, "orders", datetime.now(UTC))
    run = shop.drain()
    assert (run.status, run.error) == (RunStatus.SUCCEEDED, None)
    assert shop.count("bronze.orders") == 4
    assert shop.rows("gold.customers") == [("ann", 8), ("bob", 5)]


def test_a_changed_type_rebuilds_bronze_and_what_reads_it(shop: Shop) -> None:
    shop.load(FIRST)
    shop.files["sources/orders.yaml"] = PROJECT["sources/orders.yaml"].replace(
        "quantity, type: int", "quantity, type: decimal(10,2)"
    )
    run = shop.load(SECOND)
    assert (run.status, run.error) == (RunStatus.SUCCEEDED, None)
    assert shop.count("bronze.orders") == 4
    assert [str(total) for _, total in shop.rows("gold.customers")] == ["8.00", "5.00"]
