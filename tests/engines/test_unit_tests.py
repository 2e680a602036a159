"""Unit tests, run by the embedded engine through its port."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from lakewright.engines import unit_tests
from lakewright.engines.duckdb import session
from lakewright.engines.duckdb.engine import DuckDbEngine
from lakewright.engines.unit_tests import Outcome, Status
from lakewright.project import load

FILES = {
    "lakewright.yaml": "name: shop\n",
    "sources/orders.yaml": (
        "columns:\n"
        "  - {name: id, type: bigint}\n"
        "  - {name: at, type: timestamp}\n"
        '  - {name: price, type: "decimal(8,2)"}\n'
        "  - {name: tags, type: array<string>}\n"
        '  - {name: extra, type: "struct<a:int,b:map<string,double>>"}\n'
    ),
}


@pytest.fixture
def connection(tmp_path: Path) -> duckdb.DuckDBPyConnection:
    return session.connect(
        folders=[str(tmp_path)],
        temp_folder=str(tmp_path / "spill"),
        threads=2,
        memory_limit_bytes=2**29,
    )


class Trial:
    """Runs the tests of one model on one connection."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
        self.bench = unit_tests.Bench(
            engine_at=lambda moment: DuckDbEngine(connection, lambda: moment or datetime.now(UTC)),
            folder=folder / "tests",
        )

    def run(self, model: str, tests: str, more: str = "") -> Mapping[str, Outcome]:
        files = {
            **FILES,
            "lakewright.yaml": f"name: shop\n{more}",
            "models/silver/orders.sql": model,
            "tests/t.yaml": f"model: silver.orders\ntests:\n{tests}",
        }
        project = load.load(files)
        found = unit_tests.run(project, project.select_tests(()), self.bench)
        return {each.name.removeprefix("t::"): each for each in found}


@pytest.fixture
def trial(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> Trial:
    return Trial(connection, tmp_path)


def test_rows_of_every_type_come_through_and_nothing_is_left_behind(trial: Trial) -> None:
    found = trial.run(
        "SELECT * FROM bronze.orders\n",
        "  whole:\n"
        "    given:\n"
        "      bronze.orders:\n"
        "        - {id: 1, at: 2026-01-31T08:00:00Z, price: 1.5, tags: [a, ~],\n"
        "           extra: {a: 1, b: {x: 0.5}}}\n"
        "        - {}\n"
        "    expect:\n"
        "      - {id: 1, at: 2026-01-31T09:00:00+01:00, price: 1.50, tags: [a, ~],\n"
        "         extra: {a: 1, b: {x: 0.5}}}\n"
        "      - {id: ~}\n",
    )
    assert found["whole"].status is Status.PASSED, found["whole"]
    assert list(trial.bench.folder.iterdir()) == []


def test_a_difference_fails_the_test_and_is_shown(trial: Trial) -> None:
    found = trial.run(
        "SELECT id, price FROM bronze.orders\n",
        "  a: {given: {bronze.orders: [{id: 1, price: 2}]}, expect: [{id: 1, price: 3}]}\n"
        "  b: {given: {bronze.orders: [{id: 1, price: 2}]}, expect: [{id: 1}]}\n"
        "  c: {given: {bronze.orders: []}, expect: [{id: 1}]}\n",
    )
    assert [each.status for each in found.values()] == [
        Status.FAILED, Status.PASSED, Status.FAILED,
    ]  # fmt: skip
    assert found["c"].difference is not None
    assert found["c"].difference.missing == (("1",),)


def test_a_model_that_merges_keeps_the_newest_row_in_a_test_too(trial: Trial) -> None:
    found = trial.run(
        "/*\nwrite: merge\nkey: id\nlatest_by: at\n*/\nSELECT id, at, price FROM bronze.orders\n",
        "  a:\n"
        "    given:\n"
        "      bronze.orders:\n"
        "        - {id: 1, at: 2026-01-02, price: 2}\n"
        "        - {id: 1, at: 2026-01-01, price: 1}\n"
        "    expect: [{id: 1, price: 2}]\n",
    )
    assert found["a"].status is Status.PASSED


def test_an_expected_error_is_a_success_and_no_error_a_failure(trial: Trial) -> None:
    found = trial.run(
        "SELECT id, price / CAST(id AS DECIMAL(8, 2)) AS each FROM bronze.orders\n",
        "  a: {given: {bronze.orders: [{id: 0, price: 1}]}, expect: {error: Division by zero}}\n"
        "  b: {given: {bronze.orders: [{id: 1, price: 1}]}, expect: {error: division}}\n"
        "  c: {given: {bronze.orders: [{id: 0, price: 1}]}, expect: {error: overflow}}\n"
        "  d: {given: {bronze.orders: [{id: 0, price: 1}]}, expect: []}\n",
    )
    assert [each.status for each in found.values()] == [
        Status.PASSED, Status.FAILED, Status.FAILED, Status.FAILED,
    ]  # fmt: skip


def test_checks_fail_exactly_as_expected(trial: Trial) -> None:
    rows = "{bronze.orders: [{id: 1, price: -1}, {id: 1, price: 5}]}"
    found = trial.run(
        "/*\nchecks:\n  - unique: id\n  - expression: price >= 0\n  - row_count: {min: 1}\n*/\n"
        "SELECT id, price FROM bronze.orders\n",
        f"  all: {{given: {rows}, expect: {{failed_checks: [unique(id), expression]}}}}\n"
        f"  fewer: {{given: {rows}, expect: {{failed_checks: [unique]}}}}\n"
        f"  more: {{given: {rows}, expect: {{failed_checks: [unique, expression, row_count]}}}}\n"
        "  none: {given: {bronze.orders: [{id: 1}]}, expect: {failed_checks: []}}\n",
    )
    assert found["all"].status is Status.PASSED
    assert found["none"].status is Status.PASSED
    assert found["fewer"].problem is not None
    assert "expression(price >= 0) failed" in found["fewer"].problem.why
    assert found["more"].problem is not None
    assert "row_count holds" in found["more"].problem.why


def test_a_check_of_freshness_is_tried_at_the_tests_logical_time(trial: Trial) -> None:
    found = trial.run(
        "/*\nchecks:\n  - freshness: {column: at, within: 1d}\n*/\n"
        "SELECT at, :logical_time AS built_at FROM bronze.orders\n",
        "  fresh:\n"
        "    given: {bronze.orders: [{at: 2026-01-31T08:00:00Z}]}\n"
        "    parameters: {logical_time: 2026-01-31T09:00:00Z}\n"
        "    expect: {failed_checks: [], rows: [{built_at: 2026-01-31T09:00:00Z}]}\n"
        "  stale:\n"
        "    given: {bronze.orders: [{at: 2026-01-31T08:00:00Z}]}\n"
        "    parameters: {logical_time: 2026-02-02T09:00:00Z}\n"
        "    expect: {failed_checks: [freshness]}\n",
    )
    assert {name: each.status for name, each in found.items()} == {
        "fresh": Status.PASSED,
        "stale": Status.PASSED,
    }


def test_a_model_by_intervals_is_built_for_the_one_that_the_test_names(trial: Trial) -> None:
    given = "{bronze.orders: [{id: 1, at: 2026-01-31T08:00:00Z}, {id: 2, at: 2026-02-01}]}"
    start = "{interval_start: 2026-01-31}"
    inside = "WHERE at >= :interval_start AND at < :interval_end\n"
    settings = "/*\ninterval: day(at)\n*/\nSELECT id, at FROM bronze.orders\n"
    found = trial.run(
        settings + inside, f"  a: {{given: {given}, parameters: {start}, expect: [{{id: 1}}]}}\n"
    )
    assert found["a"].status is Status.PASSED, found["a"]
    outside = inside.replace(">=", "<>")
    test = f"  a: {{given: {given}, parameters: {start}, expect: {{error: is not within}}}}\n"
    early = test.replace("{id: 1, at: 2026-01-31T08", "{id: 1, at: 2026-01-30T08")
    assert trial.run(settings + outside, early)["a"].status is Status.PASSED


def test_a_variable_is_a_value_and_no_part_of_the_query(trial: Trial) -> None:
    variables = (
        "variables:\n"
        "  word: {type: string, value: \"x' OR 'a' = 'a\"}\n"
        "  least: {type: 'decimal(8,2)', value: 2}\n"
        "  at: {type: timestamp, value: 2026-01-31T08:00:00Z}\n"
    )
    found = trial.run(
        "SELECT id, :word AS word, :at AS at, :least AS least FROM bronze.orders\n"
        "WHERE price >= :least AND 'a' <> :word\n",
        "  own: {given: {bronze.orders: [{id: 1, price: 1}, {id: 2, price: 2}]},\n"
        "        expect: [{id: 2, word: \"x' OR 'a' = 'a\", at: 2026-01-31T08:00:00Z, least: 2}]}\n"
        "  other: {given: {bronze.orders: [{id: 1, price: 1}]},\n"
        "          parameters: {least: 0.5, word: b}, expect: [{id: 1, word: b}]}\n",
        variables,
    )
    assert {name: each.status for name, each in found.items()} == {
        "own": Status.PASSED,
        "other": Status.PASSED,
    }, found
