"""Functions of a group of rows."""

from collections.abc import Sequence

from lakewright.sql import coercion, types
from lakewright.sql.function import Function, Kind
from lakewright.sql.signature import Signature, way
from lakewright.sql.term import Term


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


def _sum_type(arguments: Sequence[Term]) -> types.Type:
    given = arguments[0].type
    assert isinstance(given, types.Decimal)  # noqa: S101 -- the signature asks for one
    return coercion.bounded(given.precision + 10, given.scale)


FUNCTIONS = (
    _aggregate(
        way("count(any) -> bigint", "count({0})"),
        takes_distinct=True,
        note="count(*) counts rows; count(x) those where x is not null.",
    ),
    _aggregate(
        way("sum(bigint) -> bigint", "sum({0})"),
        way("sum(decimal) -> decimal", "sum({0})", _sum_type),
        way("sum(double) -> double", "sum({0})"),
        takes_distinct=True,
    ),
    _aggregate(
        way("min(T) -> T", "min({0})"),
        takes_distinct=True,
    ),
    _aggregate(
        way("max(T) -> T", "max({0})"),
        takes_distinct=True,
    ),
)
