"""Functions that choose among values, and that deal with nulls."""

from collections.abc import Sequence

from lakewright.sql import operators, types
from lakewright.sql.function import scalar
from lakewright.sql.signature import way
from lakewright.sql.term import Term, combine, constant


def _nullif(arguments: Sequence[Term]) -> Term:
    """Spark keeps the first argument's type, though it compares as `=` does."""
    first, second = arguments
    equal = operators.comparison("=", first, second)
    text = f"(CASE WHEN {equal.text} THEN NULL ELSE {first.text} END)"
    return combine(first.type, text, arguments)


def _zero_if_null(arguments: Sequence[Term]) -> Term:
    (given, zero), kind = operators.meet((arguments[0], constant(0, types.INT)))
    return combine(kind, f"coalesce({given.text}, {zero.text})", arguments)


def _null_if_zero(arguments: Sequence[Term]) -> Term:
    return _nullif((arguments[0], constant(0, types.INT)))


FUNCTIONS = (
    scalar(way("coalesce(E...) -> E", "coalesce({all})"), note="The first that is not null."),
    scalar(way("nvl(E, E) -> E", "coalesce({all})"), aliases=("ifnull",)),
    scalar(
        way("nvl2(any, T, T) -> T", "(CASE WHEN {0} IS NOT NULL THEN {1} ELSE {2} END)"),
        note="The second where the first is not null, else the third.",
    ),
    scalar(way("nullif(any, any) -> same", build=_nullif), note="Null where both are equal."),
    scalar(
        way("greatest(T, T...) -> T", "greatest({all})"),
        note="Nulls are passed over; NaN is the greatest number.",
    ),
    scalar(way("least(T, T...) -> T", "least({all})"), note="Nulls are passed over."),
    scalar(way("isnull(any) -> boolean", "({0} IS NULL)")),
    scalar(way("isnotnull(any) -> boolean", "({0} IS NOT NULL)")),
    scalar(way("isnan(double) -> boolean", "coalesce(isnan({0}), FALSE)"), note="False for null."),
    scalar(
        way("nanvl(double, double) -> double", "(CASE WHEN isnan({0}) THEN {1} ELSE {0} END)"),
        note="The second where the first is not a number.",
    ),
    scalar(way("zeroifnull(number) -> number", build=_zero_if_null)),
    scalar(way("nullifzero(number) -> same", build=_null_if_zero)),
)
