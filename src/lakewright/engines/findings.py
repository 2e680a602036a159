"""What checks find, in the same words whichever engine looked. Pure."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import TypeAlias

from lakewright.engines.engine import CheckResult
from lakewright.errors import RunFailed
from lakewright.project import model
from lakewright.sql import types
from lakewright.wording import counted

SAMPLES_MAX = 10

RowCheck: TypeAlias = model.NotNull | model.AcceptedValues | model.Range | model.Expression
ROW_CHECKS = (model.NotNull, model.AcceptedValues, model.Range, model.Expression)
"""Checks that look at one row at a time."""

_NUMBERS = (types.INT, types.BIGINT, types.FLOAT, types.DOUBLE)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def in_order(
    checks: Sequence[model.Check],
    try_rows: Callable[[Sequence[RowCheck]], Sequence[CheckResult]],
    try_whole: Callable[[model.Check], CheckResult],
) -> tuple[CheckResult, ...]:
    """The results in the checks' order; those that look at rows are tried together, in one go."""
    by_row = iter(try_rows([one for one in checks if isinstance(one, ROW_CHECKS)]))
    return tuple(next(by_row) if isinstance(one, ROW_CHECKS) else try_whole(one) for one in checks)


def result(
    check: model.Check, count: int, message: str, samples: Sequence[Mapping[str, str | None]]
) -> CheckResult:
    """A passed check if no row fails it; else with the rows that do."""
    return CheckResult(
        check=check,
        severity=check.severity,
        is_passed=count == 0,
        failing_rows=count,
        message=message if count else "",
        samples=tuple(samples),
    )


def row_failure(check: RowCheck) -> str:
    """What is wrong with a row that fails."""
    if isinstance(check, model.NotNull):
        return f"without a value in {' or '.join(check.columns)}"
    if isinstance(check, model.AcceptedValues):
        return f"with another {check.column} than {', '.join(check.values)}"
    if isinstance(check, model.Range):
        limits = ((check.minimum, "less"), (check.maximum, "more"))
        outside = [f"{word} than {limit}" for limit, word in limits if limit is not None]
        return f"where {check.column} is {' or '.join(outside)}"
    return f"where this is not true: {check.sql}"


def repeats(check: model.Unique, count: int) -> str:
    """What is wrong with rows that share a key."""
    return f"{counted(count, 'row')} with the same {' and '.join(check.columns)} as another row"


def orphans(check: model.Referential, count: int) -> str:
    """What is wrong with rows that refer to nothing."""
    target = f"{check.to_column} of {check.to_table}"
    return f"{counted(count, 'row')} whose {check.column} is not in {target}"


def freshness(check: model.Freshness, newest: int | None, now: datetime) -> CheckResult:
    """Whether the newest moment, in microseconds since 1970, is new enough."""
    if newest is None:
        return _whole(check, f"no row has a value in {check.column}")
    age = now - _EPOCH - timedelta(microseconds=newest)
    allowed = timedelta(seconds=check.age_max_seconds)
    message = f"the newest {check.column} is {age} old, more than {allowed}"
    return _whole(check, message if age > allowed else "")


def row_count(check: model.RowCount, rows: int) -> CheckResult:
    """Whether a table has as many rows as it should."""
    if check.minimum is not None and rows < check.minimum:
        return _whole(check, f"the table has {counted(rows, 'row')}, fewer than {check.minimum:,}")
    if check.maximum is not None and rows > check.maximum:
        return _whole(check, f"the table has {counted(rows, 'row')}, more than {check.maximum:,}")
    return _whole(check, "")


def number(column: str, limit: str, kind: types.Type) -> Decimal:
    """The limit of a column of numbers, with every digit.

    Raises:
        RunFailed: it is no number.
    """
    try:
        return Decimal(limit)
    except InvalidOperation as error:
        raise RunFailed(
            f"the range of {column} cannot be checked",
            why=f"{limit!r} is not a number, and the column's type is {kind}",
            hint="write the limit as a plain number, such as 0 or 99.5",
        ) from error


def is_number(kind: types.Type) -> bool:
    """Whether a type's values are numbers."""
    return kind in _NUMBERS or isinstance(kind, types.Decimal)


def _whole(check: model.Check, message: str) -> CheckResult:
    """The result of a check that no single row fails."""
    return CheckResult(
        check=check,
        severity=check.severity,
        is_passed=not message,
        failing_rows=0,
        message=message,
    )
