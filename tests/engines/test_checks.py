"""Every kind of check passes sound tables and shows the rows that break it."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from lakewright.engines.duckdb import checks
from lakewright.engines.engine import CheckResult
from lakewright.errors import RunFailed
from lakewright.project import model

if TYPE_CHECKING:
    from tests.engines.conftest import Bench, Row

NOW = datetime(2024, 3, 31, 12, tzinfo=UTC)
COLUMNS = "id bigint, status string, amount decimal(9,2), share double, day date, at timestamp"
SOUND: "list[Row]" = [
    (1, "new", Decimal("0.00"), 0.5, date(2024, 3, 30), NOW - timedelta(hours=1)),
    (2, "paid", Decimal("99.99"), 1.0, date(2024, 3, 31), NOW - timedelta(hours=2)),
    (3, None, None, None, None, None),
]


def attempt(bench: "Bench", check: model.Check, *rows: "Row") -> CheckResult:
    table = bench.table("silver.orders", COLUMNS, rows)
    others = {
        "silver.statuses": bench.table("silver.statuses", "name string", [("new",), ("paid",)])
    }
    (result,) = checks.check(bench.connection, [check], table, others, NOW)
    return result


@pytest.mark.parametrize(
    "check",
    [
        model.NotNull(columns=("id",)),
        model.Unique(columns=("id",)),
        model.Unique(columns=("id", "status")),
        model.Unique(columns=("status",)),
        model.AcceptedValues(column="status", values=("new", "paid", "it's")),
        model.AcceptedValues(column="id", values=("1", "2", "3")),
        model.Range(column="amount", minimum="0", maximum="99.99"),
        model.Range(column="id", minimum="0.5", maximum="3.5"),
        model.Range(column="id", maximum="10000000000000000000000"),
        model.Range(column="share", minimum="1e-3"),
        model.Range(column="day", minimum="2024-03-30", maximum="2024-03-31"),
        model.Range(column="status", minimum="a", maximum="z"),
        model.Range(column="status"),
        model.Expression(sql="amount >= 0 AND id < 10"),
        model.RowCount(minimum=3, maximum=3),
        model.Freshness(column="at", age_max_seconds=3600),
        model.Freshness(column="day", age_max_seconds=12 * 3600),
        model.Referential(column="status", to_table="silver.statuses", to_column="name"),
    ],
    ids=str,
)
def test_a_sound_table_passes(bench: "Bench", check: model.Check) -> None:
    result = attempt(bench, check, *SOUND)
    assert result.is_passed, result.message
    assert (result.failing_rows, result.samples, result.message) == (0, (), "")


@pytest.mark.parametrize(
    ("check", "failing_rows", "message"),
    [
        (model.NotNull(columns=("id", "day")), 1, "1 row without a value in id or day"),
        (
            model.AcceptedValues(column="status", values=("new",)),
            2,
            "2 rows with another status than new",
        ),
        (model.Range(column="amount", minimum="0.01"), 1, "1 row where amount is less than 0.01"),
        (
            model.Range(column="id", minimum="1.5", maximum="2.5"),
            3,
            "3 rows where id is less than 1.5 or more than 2.5",
        ),
        (model.Expression(sql="amount < 50"), 1, "1 row where this is not true: amount < 50"),
        (model.Unique(columns=("status",)), 2, "2 rows with the same status as another row"),
        (
            model.Referential(column="id", to_table="silver.statuses", to_column="name"),
            4,
            "4 rows whose id is not in name of silver.statuses",
        ),
    ],
    ids=str,
)
def test_failing_rows_are_counted_and_shown(
    bench: "Bench", check: model.Check, failing_rows: int, message: str
) -> None:
    result = attempt(bench, check, *SOUND, (1, "paid", Decimal(1), 0.1, date(2024, 1, 1), NOW))
    assert not result.is_passed
    assert (result.failing_rows, result.message) == (failing_rows, message)
    assert len(result.samples) == failing_rows
    assert all(
        value is None or isinstance(value, str) for row in result.samples for value in row.values()
    )


@pytest.mark.parametrize(
    ("check", "message"),
    [
        (model.RowCount(minimum=4), "the table has 3 rows, fewer than 4"),
        (model.RowCount(maximum=2), "the table has 3 rows, more than 2"),
        (
            model.Freshness(column="at", age_max_seconds=60),
            "the newest at is 1:00:00 old, more than 0:01:00",
        ),
    ],
)
def test_a_table_as_a_whole_may_fail(bench: "Bench", check: model.Check, message: str) -> None:
    result = attempt(bench, check, *SOUND)
    assert not result.is_passed
    assert result.message == message


def test_an_empty_table_is_not_fresh(bench: "Bench") -> None:
    result = attempt(bench, model.Freshness(column="at", age_max_seconds=60))
    assert result.message == "no row has a value in at"


def test_at_most_ten_rows_are_shown(bench: "Bench") -> None:
    result = attempt(bench, model.Range(column="id", maximum="0"), *SOUND * 9)
    assert result.failing_rows == 27
    assert len(result.samples) == 10


def test_results_stand_in_the_order_of_their_checks_with_their_severity(bench: "Bench") -> None:
    wanted: list[model.Check] = [
        model.RowCount(minimum=1),
        model.Range(column="id", minimum="2", severity=model.Severity.WARN),
        model.Unique(columns=("id",)),
        model.NotNull(columns=("id",)),
    ]
    table = bench.table("silver.orders", COLUMNS, SOUND)
    results = checks.check(bench.connection, wanted, table, {}, NOW)
    assert [result.check for result in results] == wanted
    assert [result.is_passed for result in results] == [True, False, True, True]
    assert results[1].severity is model.Severity.WARN


def test_a_limit_that_is_no_number_is_refused(bench: "Bench") -> None:
    with pytest.raises(RunFailed) as caught:
        attempt(bench, model.Range(column="id", minimum="many"), *SOUND)
    assert "'many' is not a number" in caught.value.why
