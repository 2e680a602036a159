"""What every engine keeps: the same rows from the same steps, staged and never published.

The files that it reads are written by Arrow and the lake, so that no engine reads only its own.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from lakewright.engines.duckdb import session
from lakewright.engines.duckdb.engine import DuckDbEngine
from lakewright.engines.engine import Change, ModelInput, TableEngine
from lakewright.errors import RunFailed, SqlRefused
from lakewright.lake.staged import FileSet, Staged
from lakewright.plan import steps
from lakewright.project.model import Check, Freshness, RowCount, Unique, Write
from lakewright.sql import types
from tests.lake.conftest import NOW, Workshop, read_files

ORDERS = types.Schema(
    (
        types.Field(name="order_id", type=types.BIGINT, is_required=True),
        types.Field(name="amount", type=types.Decimal(9, 2)),
        types.Field(name="ordered_at", type=types.TIMESTAMP),
        types.Field(name="_upload_id", type=types.STRING, is_required=True),
    )
)
LATEST = "SELECT order_id, amount, ordered_at FROM bronze.orders"
LATEST_SCHEMA = types.Schema(ORDERS.fields[:3])


def with_duckdb(root: Path, _request: pytest.FixtureRequest) -> TableEngine:
    connection = session.connect(
        folders=[str(root)],
        temp_folder=str(root / "spill"),
        threads=2,
        memory_limit_bytes=256 * 1024 * 1024,
    )
    return DuckDbEngine(connection, lambda: NOW)


def with_spark(_root: Path, request: pytest.FixtureRequest) -> TableEngine:
    running = request.getfixturevalue("spark")
    from lakewright.engines.spark.engine import SparkEngine

    return SparkEngine(running, lambda: NOW)


@pytest.fixture(params=[with_duckdb, with_spark])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> TableEngine:
    make: Callable[[Path, pytest.FixtureRequest], TableEngine] = request.param
    return make(tmp_path, request)


@pytest.fixture
def workshop(tmp_path: Path) -> Iterator[Workshop]:
    workshop = Workshop(tmp_path / "lake")
    yield workshop
    workshop.lake.close()


def order(number: int, amount: int | None, day: int, upload: str = "u1") -> dict[str, Any]:
    at = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=day)
    return {"order_id": number, "amount": amount, "ordered_at": at, "_upload_id": upload}


def merge(build: steps.Build) -> steps.BuildModel:
    return steps.BuildModel(
        table="silver.orders",
        sql=LATEST,
        schema=LATEST_SCHEMA,
        reads=("bronze.orders",),
        build=build,
        write=Write.MERGE,
        key=("order_id",),
        latest_by=("ordered_at",),
        fingerprint="f1",
    )


def build(
    engine: TableEngine, workshop: Workshop, step: steps.BuildModel, given: ModelInput, run: str
) -> Staged:
    target = workshop.lake.target(step.table, step.schema, (), run, step.name)
    return engine.model(step, {"bronze.orders": given}, target)


def amounts(table: FileSet) -> dict[int, float | None]:
    return {row["order_id"]: row["amount"] for row in read_files(table)}


def test_a_full_build_is_staged_and_changes_no_table(
    engine: TableEngine, workshop: Workshop
) -> None:
    rows = [order(1, 5, 1), order(1, 6, 2), order(2, None, 1)]
    workshop.append("bronze.orders", ORDERS, rows, "run1")
    given = ModelInput(table=workshop.lake.file_set("bronze.orders"))
    staged = build(engine, workshop, merge(steps.Full(reason="new")), given, "run1")
    assert workshop.lake.tables() == ("bronze.orders",)
    workshop.publish(staged)
    assert amounts(workshop.lake.file_set("silver.orders")) == {1: 6, 2: None}


def test_a_step_that_is_repeated_stages_the_same_rows_in_the_same_files(
    engine: TableEngine, workshop: Workshop
) -> None:
    workshop.append("bronze.orders", ORDERS, [order(1, 5, 1), order(2, 6, 1)], "run1")
    given = ModelInput(table=workshop.lake.file_set("bronze.orders"))
    step = merge(steps.Full(reason="new"))
    staged = [build(engine, workshop, step, given, "run1") for _ in range(2)]
    assert [file.path for file in staged[0].added] == [file.path for file in staged[1].added]
    folder = Path(staged[1].added[0].path).parent
    assert {str(path) for path in folder.iterdir()} == {file.path for file in staged[1].added}


def test_new_rows_merge_into_what_is_published(engine: TableEngine, workshop: Workshop) -> None:
    workshop.append("bronze.orders", ORDERS, [order(1, 5, 1), order(2, 6, 1)], "run1")
    before = workshop.lake.file_set("bronze.orders")
    step = merge(steps.Full(reason="new"))
    workshop.publish(build(engine, workshop, step, ModelInput(table=before), "run1"))
    workshop.append("bronze.orders", ORDERS, [order(1, 7, 2), order(2, 8, 0)], "run2")
    assert before.snapshot_id is not None
    added = workshop.lake.added_since("bronze.orders", before.snapshot_id)
    nothing = workshop.lake.added_since("bronze.orders", added.snapshot_id or 0)
    given = ModelInput(
        table=workshop.lake.file_set("bronze.orders"),
        change=Change(added=added, removed=nothing, rewritten=nothing),
    )
    row_wise = steps.RowWise(driving="bronze.orders", since_snapshot_id=before.snapshot_id)
    staged = build(engine, workshop, merge(row_wise), given, "run2")
    workshop.publish(staged, run="run2")
    assert amounts(workshop.lake.file_set("silver.orders")) == {1: 7, 2: 6}
    assert [file.rows for file in (*staged.added, *staged.rewritten)] == [1, 1]


def test_an_uploads_rows_are_taken_out(engine: TableEngine, workshop: Workshop) -> None:
    workshop.append("bronze.orders", ORDERS, [order(1, 5, 1), order(2, 6, 1, "u2")], "run1")
    workshop.append("bronze.orders", ORDERS, [order(3, 5, 1)], "run2")
    table = workshop.lake.file_set("bronze.orders")
    target = workshop.lake.target("bronze.orders", ORDERS, (), "run3", "bronze:orders")
    remainder = engine.remove_uploads(table, ["u1"], target)
    assert set(remainder.removed) == {file.path for file in table.files}
    assert [file.rows for file in remainder.rewritten] == [1]


def test_small_files_are_compacted_into_a_snapshot_that_replaces_them(
    engine: TableEngine, workshop: Workshop
) -> None:
    for number in range(5):
        workshop.append("bronze.orders", ORDERS, [order(number, 5, 1)], f"run{number}")
    table = workshop.lake.file_set("bronze.orders")
    target = workshop.lake.target("bronze.orders", ORDERS, (), "run9", "compact:bronze.orders")
    compacted = engine.compact(table, target)
    paths = tuple(file.path for file in table.files)
    staged = workshop.stage("bronze.orders", ORDERS, added=(), rewritten=compacted, removed=paths)
    workshop.publish(staged, run="run9")
    assert amounts(workshop.lake.file_set("bronze.orders")) == dict.fromkeys(range(5), 5)
    assert len(workshop.lake.file_set("bronze.orders").files) == 1
    assert workshop.lake.history("bronze.orders")[0].operation == "replace"


def test_a_row_that_cannot_be_computed_fails_the_model(
    engine: TableEngine, workshop: Workshop
) -> None:
    workshop.append("bronze.orders", ORDERS, [order(0, 5, 1)], "run1")
    step = steps.BuildModel(
        table="silver.shares",
        sql="SELECT 1 / order_id AS share FROM bronze.orders",
        schema=types.Schema((types.Field(name="share", type=types.DOUBLE),)),
        reads=("bronze.orders",),
        build=steps.Full(reason="new"),
        write=Write.REPLACE,
        fingerprint="f1",
    )
    given = ModelInput(table=workshop.lake.file_set("bronze.orders"))
    with pytest.raises(RunFailed) as caught:
        build(engine, workshop, step, given, "run1")
    assert "silver.shares" in caught.value.what


def test_checks_look_at_the_table_as_it_would_be(engine: TableEngine, workshop: Workshop) -> None:
    workshop.append("bronze.orders", ORDERS, [order(1, 5, 1), order(1, 6, 2)], "run1")
    table = workshop.lake.file_set("bronze.orders")
    checks: list[Check] = [
        RowCount(minimum=2),
        Unique(columns=("order_id",)),
        Freshness(column="ordered_at", age_max_seconds=3600),
    ]
    results = engine.check(checks, table, {})
    assert [result.is_passed for result in results] == [True, False, False]
    assert results[1].failing_rows == 2
    assert [row["order_id"] for row in results[1].samples] == ["1", "1"]


def test_a_question_is_answered_with_its_types_or_refused(
    engine: TableEngine, workshop: Workshop
) -> None:
    workshop.append("bronze.orders", ORDERS, [order(1, 5, 1), order(2, 7, 2)], "run1")
    tables = {"bronze.orders": workshop.lake.file_set("bronze.orders")}
    schema, reader = engine.query("SELECT max(order_id) AS newest FROM bronze.orders", tables)
    assert schema == types.Schema((types.Field(name="newest", type=types.BIGINT),))
    assert reader.read_all().to_pylist() == [{"newest": 2}]
    with pytest.raises(SqlRefused):
        engine.query("SELECT * FROM read_text('/etc/hostname')", tables)
