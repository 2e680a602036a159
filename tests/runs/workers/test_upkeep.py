"""Upkeep as runs: asked for when it is due, after everything else, and no row changes by it."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, cast

import pyarrow.parquet as pq
import pytest

from lakewright.lake import upkeep
from lakewright.project.environment import Retention
from lakewright.runs import accept, rules
from lakewright.runs.operations import tending
from lakewright.runs.records import Run, RunStatus
from lakewright.runs.workers import caretaking

if TYPE_CHECKING:
    from tests.runs.conftest import Shop

TABLES = ("bronze.orders", "silver.orders", "gold.customers")


def content(number: int) -> str:
    return f"order_id,customer,quantity\n{number},ann,{number}\n{number + 1000},bob,1\n"


@pytest.fixture
def small(shop: "Shop", monkeypatch: pytest.MonkeyPatch) -> "Shop":
    """A shop in which four files are many, and few snapshots are kept."""
    monkeypatch.setattr(upkeep, "SMALL_FILES_MIN", 4)
    shop.retention = Retention(snapshots_kept=5, orphans_kept_seconds=86_400)
    return shop


def of_tables(shop: "Shop") -> dict[str, list[str]]:
    """Every row, metadata included, as text."""
    found = {}
    for name in TABLES:
        files = [pq.read_table(file.path) for file in shop.lake.file_set(name).files]
        found[name] = sorted(str(row) for file in files for row in file.to_pylist())
    return found


def ask(shop: "Shop", *tables: str) -> Run:
    accept.request_upkeep(shop.journal, tables, datetime.now(UTC))
    return shop.drain()


def upkeep_runs(shop: "Shop") -> list[Run]:
    return [run for run in shop.journal.reading.runs() if rules.is_upkeep(run)]


def test_upkeep_changes_no_row_and_leaves_few_files_and_snapshots(small: "Shop") -> None:
    small.retention = Retention()
    for number in range(1, 8):
        small.load(content(number))
    assert upkeep_runs(small) == []
    before = of_tables(small)
    observed = small.lake.observe()
    small.retention = Retention(snapshots_kept=2)
    run = ask(small, "bronze.orders", "silver.orders")
    assert (run.status, run.error) == (RunStatus.SUCCEEDED, None)
    assert of_tables(small) == before
    files = small.lake.file_set("bronze.orders").files
    assert len(files) == 1
    assert len(small.lake.history("bronze.orders")) == 2
    folder = small.root / "warehouse/bronze/orders/data"
    assert len(list(folder.rglob("*.parquet"))) <= 1 + 7
    names = [step.name for step in small.journal.reading.steps(run.run_id)]
    assert names == [
        "plan", "compact:bronze.orders", "compact:silver.orders", "publish",
        "tidy:bronze.orders", "tidy:silver.orders",
    ]  # fmt: skip
    # What the tables know of themselves is as it was.
    after = small.lake.observe()
    for name in ("bronze.orders", "silver.orders"):
        assert after[name].consumed == observed[name].consumed
        assert after[name].fingerprint == observed[name].fingerprint
        assert after[name].contract == observed[name].contract
        assert after[name].schema == observed[name].schema


def test_models_go_on_in_part_after_a_compaction(small: "Shop", other_shop: "Shop") -> None:
    small.retention = Retention()
    for number in range(1, 8):
        small.load(content(number))
    ask(small, *TABLES)
    assert small.lake.history("bronze.orders")[0].operation == "replace"
    accept.request_models(small.journal, [], datetime.now(UTC))
    run = small.drain()
    assert [step.name for step in small.journal.reading.steps(run.run_id)] == ["plan"]
    run = small.load(content(8))
    (plan,) = [step for step in small.journal.reading.steps(run.run_id) if step.name == "plan"]
    chosen = cast("dict[str, dict[str, list[dict[str, dict[str, str]]]]]", plan.result)["plan"]
    builds = [step["build"]["kind"] for step in chosen["steps"] if "build" in step]
    assert builds == ["row_wise", "affected_keys"]
    for number in range(1, 9):
        other_shop.load(content(number))
    for name in ("silver.orders", "gold.customers"):
        assert small.rows(name) == other_shop.rows(name)


def test_a_publish_asks_for_upkeep_once_it_is_due(small: "Shop") -> None:
    for number in range(1, 20):
        assert small.load(content(number)).run_id
    runs = upkeep_runs(small)
    assert 2 <= len(runs) <= 12
    assert {run.status for run in runs} == {RunStatus.SUCCEEDED}
    assert all(rules.is_quick(run) for run in runs)
    for name in TABLES:
        assert len(small.lake.history(name)) <= 8
    assert small.count("bronze.orders") == 38
    assert len(small.rows("silver.orders")) == 38


def test_upkeep_waits_for_everything_else_and_one_of_it_is_enough(small: "Shop") -> None:
    first = accept.request_upkeep(small.journal, TABLES, datetime.now(UTC))
    loads = [small.deliver(content(number), source=f"s{number}") for number in range(3)]
    loads.append(small.deliver(content(9)))
    small.drain()
    started = {run.run_id: run.started_at for run in small.journal.reading.runs()}
    began_at = started[first.run_id]
    assert began_at is not None
    assert all(cast("datetime", started[each]) < began_at for each in loads)


def test_upkeep_that_failed_is_not_asked_for_with_each_publish(
    small: "Shop", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tending.Tending, "compact", fail)
    for number in range(1, 16):
        small.load(content(number))
    by_table = [table for run in upkeep_runs(small) for table in run.request.tables]
    assert sorted(by_table) == sorted(set(by_table))
    assert RunStatus.FAILED in {run.status for run in upkeep_runs(small)}
    assert small.count("bronze.orders") == 30


def fail(*_: object) -> None:
    from lakewright import errors

    raise errors.CountsDiffer("not every row was written again")


def test_what_an_unfinished_run_has_staged_is_not_deleted(small: "Shop") -> None:
    small.load(content(1))
    waiting = small.deliver(content(2))
    folder = small.root / "warehouse/bronze/orders/data"
    staged = folder / f"{waiting}-1-1-orders-1.parquet"
    orphan = folder / "20200101-000000-00000000-1-1-orders-1.parquet"
    for path in (staged, orphan):
        path.write_bytes(b"PAR1")
    small.retention = Retention(orphans_kept_seconds=0)
    kept = caretaking.tokens(small.journal.reading, small.root)
    assert waiting in kept
    payload = {
        "step": {"kind": "tidy", "table": "bronze.orders"}, "tokens": kept,
    }  # fmt: skip
    done = cast("dict[str, int]", small.operations()["tidy"](payload, lambda _: None))
    assert done["files"] >= 1
    assert staged.exists()
    assert not orphan.exists()


def test_what_a_failed_run_may_go_on_with_is_not_deleted(small: "Shop") -> None:
    run = small.load(content(1))
    (small.root / "work" / run.run_id).mkdir(parents=True)
    assert run.run_id not in caretaking.tokens(small.journal.reading, small.root)
