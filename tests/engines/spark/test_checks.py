from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from lakewright.engines.duckdb import checks as embedded
from lakewright.errors import RunFailed
from lakewright.project import model
from lakewright.project.model import Check

if TYPE_CHECKING:
    from tests.engines.spark.conftest import Pair

NOW = datetime(2024, 3, 1, tzinfo=UTC)
COLUMNS = "id bigint, state string, amount decimal(9,2), rate double, at timestamp"
ROWS = [
    (1, "open", Decimal("1.50"), 0.5, datetime(2024, 2, 29, tzinfo=UTC)),
    (2, "it's", Decimal("-3.00"), float("nan"), datetime(2024, 1, 1, tzinfo=UTC)),
    (2, None, None, None, None),
    (None, "open", Decimal("99.99"), 7.0, None),
]
CHECKS: list[Check] = [
    model.NotNull(columns=("id", "state")),
    model.Unique(columns=("id",)),
    model.Unique(columns=("state", "amount")),
    model.AcceptedValues(column="state", values=("open", "done")),
    model.Range(column="amount", minimum="-2.999", maximum="50"),
    model.Range(column="rate", maximum="1"),
    model.Range(column="at", minimum="2024-02-01"),
    model.Expression(sql="amount > 0 OR id = 1"),
    model.Referential(column="id", to_table="silver.other", to_column="id"),
    model.Freshness(column="at", age_max_seconds=3600),
    model.RowCount(minimum=3, maximum=3),
]


def test_checks_find_what_the_embedded_engine_finds(pair: "Pair") -> None:
    from lakewright.engines.spark import checks

    table = pair.bench.table("silver.t", COLUMNS, ROWS[:2], ROWS[2:])
    others = {"silver.other": pair.bench.table("silver.other", "id int", [(1,)])}
    found = checks.check(pair.spark, CHECKS, table, others, NOW)
    expected = embedded.check(pair.bench.connection, CHECKS, table, others, NOW)
    for one, other in zip(found, expected, strict=True):
        said = [(each.is_passed, each.failing_rows, each.message) for each in (one, other)]
        assert said[0] == said[1], one.check
        assert len(one.samples) == len(other.samples)


def test_what_engines_write_differently_is_not_compared_as_text(pair: "Pair") -> None:
    from lakewright.engines.spark import checks

    table = pair.bench.table("silver.t", COLUMNS, ROWS)
    check = model.AcceptedValues(column="rate", values=("0.5",))
    with pytest.raises(RunFailed, match=r"rate of silver\.t cannot be checked on Spark"):
        checks.check(pair.spark, [check], table, {}, NOW)
