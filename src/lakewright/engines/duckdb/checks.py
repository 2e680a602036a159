"""Tries checks on a table as it would be, and shows rows that fail.

Whatever looks at single rows is counted in one scan together, unless the files' footers prove that
no value is missing; keys and references get a query each.
Null is no value: uniqueness, ranges, accepted values and references ask nothing of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import duckdb

from lakewright.engines import findings
from lakewright.engines.duckdb import deduplication, failures, footers, reading, text
from lakewright.engines.engine import CheckResult
from lakewright.lake.staged import FileSet
from lakewright.project import model
from lakewright.sql import condition, types
from lakewright.wording import counted


@dataclass(frozen=True, kw_only=True, slots=True)
class _Trial:
    """One table under test."""

    connection: duckdb.DuckDBPyConnection
    table: FileSet
    others: Mapping[str, FileSet]
    now: datetime

    def rows_sql(self, columns: Sequence[str] | None = None) -> str:
        return reading.relation_sql(self.table, columns)

    def number(self, query: str) -> int:
        row = self.connection.execute(query).fetchone()
        return int(row[0]) if row is not None else 0

    def result(self, check: model.Check, failing: str, count: int, message: str) -> CheckResult:
        """A passed check if the count is 0; else with samples from a SELECT of failing rows."""
        samples = self.samples(failing) if count else ()
        return findings.result(check, count, message, samples)

    def samples(self, failing: str) -> tuple[Mapping[str, str | None], ...]:
        names = self.table.schema.names
        columns = ", ".join(f"CAST({text.name(name)} AS VARCHAR)" for name in names)
        rows = self.connection.execute(
            f"SELECT {columns} FROM ({failing}) LIMIT {findings.SAMPLES_MAX}"
        ).fetchall()
        return tuple(dict(zip(names, row, strict=True)) for row in rows)


def check(
    connection: duckdb.DuckDBPyConnection,
    checks: Sequence[model.Check],
    table: FileSet,
    others: Mapping[str, FileSet],
    now: datetime,
) -> tuple[CheckResult, ...]:
    """Try each check; the results are in the checks' order.

    Args:
        connection: reads the tables' files.
        checks: name columns that the table has.
        table: as it would be once it is published.
        others: the tables that referential checks name.
        now: what freshness is measured against; with a zone.

    Raises:
        RunFailed: a condition or a limit cannot be computed.
    """
    with connection.cursor() as cursor, failures.of(f"a check of {table.table}"):
        trial = _Trial(connection=cursor, table=table, others=others, now=now)
        return findings.in_order(checks, partial(_try_rows, trial), partial(_try_whole, trial))


def _try_rows(trial: _Trial, checks: Sequence[findings.RowCheck]) -> list[CheckResult]:
    if not checks:
        return []
    asked = {column for one in checks if isinstance(one, model.NotNull) for column in one.columns}
    full = footers.columns_without_null(trial.connection, trial.table, asked)
    failing = [
        "false"
        if isinstance(one, model.NotNull) and full.issuperset(one.columns)
        else _failing_condition(trial.table, one)
        for one in checks
    ]
    counts = ", ".join(f"count(*) FILTER (WHERE {found})" for found in failing)
    row = trial.connection.execute(f"SELECT {counts} FROM ({trial.rows_sql()})").fetchone() or ()
    return [
        trial.result(
            one,
            f"SELECT * FROM ({trial.rows_sql()}) WHERE {found}",
            count,
            f"{counted(count, 'row')} {findings.row_failure(one)}",
        )
        for one, found, count in zip(checks, failing, row, strict=True)
    ]


def _failing_condition(table: FileSet, check: findings.RowCheck) -> str:
    if isinstance(check, model.NotNull):
        return " OR ".join(f"{text.name(column)} IS NULL" for column in check.columns)
    if isinstance(check, model.AcceptedValues):
        return f"{text.name(check.column)}::VARCHAR NOT IN ({_literals(check.values)})"
    if isinstance(check, model.Range):
        return _outside(table, check)
    return f"({condition.render_condition(check.sql, table.schema, 'duckdb')}) IS FALSE"


def _literals(values: Sequence[str]) -> str:
    return ", ".join(text.literal(value) for value in values) or "NULL"


def _outside(table: FileSet, check: model.Range) -> str:
    column = text.name(check.column)
    kind = _kind(table, check.column)
    conditions = [
        f"{column} {sign} {_limit(check, kind, limit)}"
        for limit, sign in ((check.minimum, "<"), (check.maximum, ">"))
        if limit is not None
    ]
    return " OR ".join(conditions) or "false"


def _limit(check: model.Range, kind: types.Type, limit: str) -> str:
    """The limit as a value. A number keeps every digit, also beside whole numbers."""
    if not findings.is_number(kind):
        return f"CAST({text.literal(limit)} AS {text.type_name(kind)})"
    number = findings.number(check.column, limit, kind)
    if kind in (types.FLOAT, types.DOUBLE):
        return f"CAST('{number}' AS DOUBLE)"
    return f"{number:f}"


def _try_whole(trial: _Trial, check: model.Check) -> CheckResult:
    if isinstance(check, model.Unique):
        return _unique(trial, check)
    if isinstance(check, model.Referential):
        return _referential(trial, check)
    if isinstance(check, model.Freshness):
        return _freshness(trial, check)
    if isinstance(check, model.RowCount):
        return findings.row_count(check, trial.table.rows)
    raise TypeError(f"{type(check).__name__} is no check of a whole table")


def _unique(trial: _Trial, check: model.Unique) -> CheckResult:
    columns = text.names(check.columns)
    has_values = " AND ".join(f"{text.name(column)} IS NOT NULL" for column in check.columns)
    keys = f"SELECT {columns} FROM ({trial.rows_sql(check.columns)}) WHERE {has_values}"
    repeated = deduplication.repeated_hashes(
        trial.connection, keys, check.columns, trial.table.rows
    )
    if not len(repeated):
        return trial.result(check, "", 0, "")
    groups = f"SELECT {columns}, count(*) AS __rows FROM ({keys}) GROUP BY ALL HAVING __rows > 1"
    count = trial.number(f"SELECT coalesce(sum(__rows), 0) FROM ({groups})")
    failing = f"SELECT * FROM ({trial.rows_sql()}) SEMI JOIN ({groups}) USING ({columns})"
    return trial.result(
        check, f"{failing} ORDER BY {columns}", count, findings.repeats(check, count)
    )


def _referential(trial: _Trial, check: model.Referential) -> CheckResult:
    count = trial.number(
        f"SELECT count(*) FROM ({_orphans(trial, check, trial.rows_sql([check.column]))})"
    )
    failing = _orphans(trial, check, trial.rows_sql())
    return trial.result(check, failing, count, findings.orphans(check, count))


def _orphans(trial: _Trial, check: model.Referential, rows: str) -> str:
    other = trial.others[check.to_table]
    kinds = (_kind(trial.table, check.column), _kind(other, check.to_column))
    as_text = "" if kinds[0] == kinds[1] or all(map(findings.is_number, kinds)) else "::VARCHAR"
    column = f"present.{text.name(check.column)}"
    target = f"other.{text.name(check.to_column)}"
    return (
        f"SELECT present.* FROM ({rows}) AS present"
        f" ANTI JOIN ({reading.relation_sql(other, [check.to_column])}) AS other"
        f" ON {column}{as_text} = {target}{as_text} WHERE {column} IS NOT NULL"
    )


def _kind(table: FileSet, column: str) -> types.Type:
    field = table.schema.get(column)
    if field is None:
        raise ValueError(f"{table.table} has no column {column}")
    return field.type


def _freshness(trial: _Trial, check: model.Freshness) -> CheckResult:
    rows = trial.rows_sql([check.column])
    newest = trial.connection.execute(
        f"SELECT epoch_us(max({text.name(check.column)})::TIMESTAMPTZ) FROM ({rows})"
    ).fetchone()
    return findings.freshness(check, newest[0] if newest is not None else None, trial.now)
