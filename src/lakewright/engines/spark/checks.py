"""Tries checks on a table as it would be, and shows rows that fail.

Whatever looks at single rows is counted in one scan together; keys and references get a query each.
Null is no value: uniqueness, ranges, accepted values and references ask nothing of it. Refuses to
compare by its text what engines write differently.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial, reduce

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812

from lakewright.engines import findings
from lakewright.engines.engine import CheckResult
from lakewright.engines.spark import failures, names, reading
from lakewright.errors import RunFailed
from lakewright.lake.staged import FileSet
from lakewright.project import model
from lakewright.sql import condition, types
from lakewright.wording import counted

_ALIKE = (types.STRING, types.BOOLEAN, types.INT, types.BIGINT, types.DATE)
"""Types whose values have the same text everywhere, as decimals have."""

_ROWS = "rows of the key"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Trial:
    """One table under test."""

    spark: SparkSession
    table: FileSet
    others: Mapping[str, FileSet]
    now: datetime

    def rows(self, columns: Sequence[str] | None = None) -> DataFrame:
        return reading.frame(self.spark, self.table, columns)

    def result(
        self, check: model.Check, failing: DataFrame, count: int, message: str
    ) -> CheckResult:
        """A passed check if the count is 0; else with samples of the failing rows."""
        samples = self.samples(failing) if count else ()
        return findings.result(check, count, message, samples)

    def samples(self, failing: DataFrame) -> tuple[Mapping[str, str | None], ...]:
        found = self.table.schema.names
        shown = failing.select([names.column(name).cast("string") for name in found])
        rows = shown.limit(findings.SAMPLES_MAX).collect()
        return tuple(dict(zip(found, row, strict=True)) for row in rows)


def check(
    spark: SparkSession,
    checks: Sequence[model.Check],
    table: FileSet,
    others: Mapping[str, FileSet],
    now: datetime,
) -> tuple[CheckResult, ...]:
    """Try each check; the results are in the checks' order.

    Args:
        spark: reads the tables' files.
        checks: name columns that the table has.
        table: as it would be once it is published.
        others: the tables that referential checks name.
        now: what freshness is measured against; with a zone.

    Raises:
        RunFailed: a condition or a limit cannot be computed.
    """
    with failures.of(f"a check of {table.table}"):
        trial = _Trial(spark=spark, table=table, others=others, now=now)
        return findings.in_order(checks, partial(_try_rows, trial), partial(_try_whole, trial))


def _try_rows(trial: _Trial, checks: Sequence[findings.RowCheck]) -> list[CheckResult]:
    if not checks:
        return []
    failing = [_failing(trial.table, one) for one in checks]
    counts = trial.rows().agg(*(F.count_if(found) for found in failing)).collect()[0]
    return [
        trial.result(
            one,
            trial.rows().where(found),
            int(count),
            f"{counted(int(count), 'row')} {findings.row_failure(one)}",
        )
        for one, found, count in zip(checks, failing, counts, strict=True)
    ]


def _failing(table: FileSet, check: findings.RowCheck) -> Column:
    if isinstance(check, model.NotNull):
        return _any([names.column(column).isNull() for column in check.columns])
    if isinstance(check, model.AcceptedValues):
        held = _text(table.table, check.column, _kind(table, check.column))
        return ~held.isin(*check.values) if check.values else F.lit(False)  # noqa: FBT003
    if isinstance(check, model.Range):
        return _outside(table, check)
    text = condition.render_condition(check.sql, table.schema, "spark")
    return F.expr(f"({text}) IS FALSE")


def _any(conditions: Sequence[Column]) -> Column:
    return reduce(lambda one, other: one | other, conditions, F.lit(False))  # noqa: FBT003


def _outside(table: FileSet, check: model.Range) -> Column:
    column, kind = names.column(check.column), _kind(table, check.column)
    conditions = []
    if check.minimum is not None:
        conditions.append(column < _limit(check, kind, check.minimum))
    if check.maximum is not None:
        conditions.append(column > _limit(check, kind, check.maximum))
    return _any(conditions)


def _limit(check: model.Range, kind: types.Type, limit: str) -> Column:
    """The limit as a value. A number keeps every digit, also beside whole numbers."""
    if not findings.is_number(kind):
        return F.lit(limit).cast(reading.of_type(kind))
    number = findings.number(check.column, limit, kind)
    return F.lit(float(number) if kind in (types.FLOAT, types.DOUBLE) else number)


def _text(table: str, column: str, kind: types.Type) -> Column:
    """A column's values as text.

    Raises:
        RunFailed: another engine would write the values otherwise.
    """
    if kind not in _ALIKE and not isinstance(kind, types.Decimal):
        raise RunFailed(
            f"the column {column} of {table} cannot be checked on Spark",
            why=f"its values would be compared as text, and engines write a {kind} differently",
            hint="check it with an expression, or with a range",
        )
    return names.column(column).cast("string")


def _kind(table: FileSet, column: str) -> types.Type:
    field = table.schema.get(column)
    if field is None:
        raise ValueError(f"{table.table} has no column {column}")
    return field.type


def _try_whole(trial: _Trial, check: model.Check) -> CheckResult:
    if isinstance(check, model.Unique):
        return _unique(trial, check)
    if isinstance(check, model.Referential):
        return _referential(trial, check)
    if isinstance(check, model.Freshness):
        newest = trial.rows([check.column]).agg(
            F.unix_micros(F.max(names.column(check.column)).cast("timestamp"))
        )
        return findings.freshness(check, newest.collect()[0][0], trial.now)
    if isinstance(check, model.RowCount):
        return findings.row_count(check, trial.table.rows)
    raise TypeError(f"{type(check).__name__} is no check of a whole table")


def _unique(trial: _Trial, check: model.Unique) -> CheckResult:
    key = names.columns(check.columns)
    has_values = ~_any([column.isNull() for column in key])
    repeated = (
        trial.rows(check.columns)
        .where(has_values)
        .groupBy(key)
        .agg(F.count("*").alias(_ROWS))
        .where(names.column(_ROWS) > 1)
    )
    total = repeated.agg(F.sum(names.column(_ROWS))).collect()[0][0]
    count = int(total or 0)
    failing = trial.rows().join(repeated.drop(_ROWS), list(check.columns), "left_semi")
    return trial.result(check, failing.orderBy(key), count, findings.repeats(check, count))


def _referential(trial: _Trial, check: model.Referential) -> CheckResult:
    other = trial.others[check.to_table]
    kinds = (_kind(trial.table, check.column), _kind(other, check.to_column))
    held, known = names.column(check.column), names.column(check.to_column)
    if kinds[0] != kinds[1] and not all(map(findings.is_number, kinds)):
        held = _text(trial.table.table, check.column, kinds[0])
        known = _text(other.table, check.to_column, kinds[1])
    target = "value referred to"
    targets = reading.frame(trial.spark, other, [check.to_column]).select(known.alias(target))

    def orphans(rows: DataFrame) -> DataFrame:
        referring = rows.where(names.column(check.column).isNotNull())
        return referring.join(targets, held == names.column(target), "left_anti")

    count = orphans(trial.rows([check.column])).count()
    return trial.result(check, orphans(trial.rows()), count, findings.orphans(check, count))
