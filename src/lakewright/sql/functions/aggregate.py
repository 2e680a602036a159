"""Functions of a group of rows."""

from collections.abc import Sequence

from lakewright.sql import coercion, operators, types
from lakewright.sql.function import Function, Kind
from lakewright.sql.signature import Attach, Signature, way
from lakewright.sql.term import Term

_LAST_DIGITS = "Engines may differ in the last digits: they add in another order."


def _aggregate(
    *ways: Signature, note: str = "", aliases: tuple[str, ...] = (), takes_distinct: bool = False
) -> Function:
    return Function(
        name=ways[0].name,
        kind=Kind.AGGREGATE,
        signatures=ways,
        note=note,
        aliases=aliases,
        takes_distinct=takes_distinct,
    )


def _decimal(arguments: Sequence[Term]) -> types.Decimal:
    given = arguments[0].type
    assert isinstance(given, types.Decimal)  # noqa: S101 -- the signature asks for one
    return given


def _sum_type(arguments: Sequence[Term]) -> types.Type:
    """Source: Spark's `Sum.resultType`."""
    given = _decimal(arguments)
    return coercion.bounded(given.precision + 10, given.scale)


def _average_type(arguments: Sequence[Term]) -> types.Decimal:
    """Source: Spark's `Average.resultType`."""
    given = _decimal(arguments)
    return coercion.bounded(given.precision + 4, given.scale + 4)


def _average(arguments: Sequence[Term], attach: Attach) -> str:
    """The exact sum divided by the count; DuckDB's own average of decimals is a double."""
    kind = _decimal(arguments)
    x = arguments[0].text
    # As many digits as the quotient leaves room for: far beyond what rows could add up to.
    target = _average_type(arguments)
    room = min(kind.precision + 10, coercion.DIGITS_MAX - (target.scale - kind.scale))
    total = Term(
        type=types.Decimal(room, kind.scale),
        text=f"CAST({attach(f'sum({x})')} AS DECIMAL({room},{kind.scale}))",
    )
    count = Term(type=types.Decimal(20, 0), text=f"nullif({attach(f'count({x})')}, 0)")
    return operators.decimal_quotient(total, count, target, at_zero="NULL").text


def _percentile(arguments: Sequence[Term]) -> str:
    share = float(str(arguments[1].value))
    if not 0 <= share <= 1:
        raise ValueError("the share is from 0 to 1")
    return f"quantile_cont({arguments[0].text}, {share!r})"


def _double(name: str, note: str, aliases: tuple[str, ...] = ()) -> Function:
    return _aggregate(
        way(f"{name}(double) -> double", f"{name}({{0}})"),
        note=f"{note} {_LAST_DIGITS}",
        aliases=aliases,
    )


def _pair(name: str) -> Function:
    return _aggregate(way(f"{name}(double, double) -> double", f"{name}({{0}}, {{1}})"),
                      note=_LAST_DIGITS)  # fmt: skip


FUNCTIONS = (
    Function(
        name="grouping_id",
        kind=Kind.SCALAR,
        signatures=(way("grouping_id() -> bigint"), way("grouping_id(any...) -> bigint")),
        note="Beside ROLLUP, CUBE or GROUPING SETS: a bit for each grouping expression, set where "
        "the row is not grouped by it.",
    ),
    _aggregate(
        way("count(any) -> bigint", "count({0})"),
        takes_distinct=True,
        note="count(*) counts rows, count(x) those where x is not null; "
        "count(DISTINCT a, b) counts the pairs without nulls.",
    ),
    _aggregate(way("count_if(boolean) -> bigint", "count(CASE WHEN {0} THEN 1 END)")),
    _aggregate(
        way("sum(int) -> bigint", "sum({0})"),
        way("sum(bigint) -> bigint", "sum({0})"),
        way("sum(decimal) -> decimal", "sum({0})", _sum_type),
        way("sum(double) -> double", "sum({0})"),
        takes_distinct=True,
        note=f"Of doubles: {_LAST_DIGITS}",
    ),
    _aggregate(
        way("avg(bigint) -> double", "avg({0})"),
        way("avg(decimal) -> decimal", "", _average_type, compose=_average),
        way("avg(double) -> double", "avg({0})"),
        takes_distinct=True,
        aliases=("mean",),
        note=f"Of decimals exact, rounded half up. Of others: {_LAST_DIGITS}",
    ),
    _aggregate(way("min(T) -> T", "min({0})"), takes_distinct=True),
    _aggregate(way("max(T) -> T", "max({0})"), takes_distinct=True),
    _aggregate(way("bool_and(boolean) -> boolean", "bool_and({0})"), aliases=("every",)),
    _aggregate(way("bool_or(boolean) -> boolean", "bool_or({0})"), aliases=("some",)),
    *(
        _aggregate(
            way(f"{name}(int) -> int", f"{name}({{0}})"),
            way(f"{name}(bigint) -> bigint", f"{name}({{0}})"),
        )
        for name in ("bit_and", "bit_or", "bit_xor")
    ),
    _aggregate(way("regr_count(double, double) -> bigint", "regr_count({0}, {1})")),
    *(_pair(f"regr_{name}") for name in ("avgx", "avgy", "sxx", "syy", "sxy")),
    _double("stddev_samp", "Null for a single row.", aliases=("stddev", "std")),
    _double("stddev_pop", ""),
    _double("var_samp", "Null for a single row.", aliases=("variance",)),
    _double("var_pop", ""),
    _pair("covar_samp"),
    _pair("covar_pop"),
    _aggregate(way("median(double) -> double", "median({0})"), note="Interpolated."),
    _aggregate(
        way("percentile(double, share) -> double", _percentile),
        note="Interpolated; the share is a constant from 0 to 1.",
    ),
)
