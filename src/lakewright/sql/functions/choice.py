"""Functions that choose among values, and that deal with nulls."""

from collections.abc import Sequence

from lakewright.sql.function import scalar
from lakewright.sql.signature import way
from lakewright.sql.term import Term


def _nullif(arguments: Sequence[Term]) -> str:
    first, second = arguments
    return f"CASE WHEN {first.text} = {second.text} THEN NULL ELSE {first.text} END"


FUNCTIONS = (
    scalar(way("coalesce(T...) -> T", "coalesce({all})"), note="The first that is not null."),
    scalar(way("nvl(T, T) -> T", "coalesce({all})"), aliases=("ifnull",)),
    scalar(
        way("nvl2(any, T, T) -> T", "(CASE WHEN {0} IS NOT NULL THEN {1} ELSE {2} END)"),
        note="The second where the first is not null, else the third.",
    ),
    scalar(way("nullif(T, T) -> T", "nullif({all})"), note="Null where both are equal."),
    scalar(
        way("greatest(T, T...) -> T", "greatest({all})"),
        note="Nulls are passed over; NaN is the greatest number.",
    ),
    scalar(way("least(T, T...) -> T", "least({all})"), note="Nulls are passed over."),
    scalar(way("isnull(any) -> boolean", "({0} IS NULL)")),
    scalar(way("isnotnull(any) -> boolean", "({0} IS NOT NULL)")),
    scalar(
        way("isnan(double) -> boolean", "coalesce(isnan({0}), FALSE)"),
        note="False for null.",
    ),
    scalar(
        way("nanvl(double, double) -> double", "(CASE WHEN isnan({0}) THEN {1} ELSE {0} END)"),
        note="The second where the first is not a number.",
    ),
    scalar(
        way("zeroifnull(int) -> int", "coalesce({0}, 0)"),
        way("zeroifnull(bigint) -> bigint", "coalesce({0}, CAST(0 AS BIGINT))"),
        way("zeroifnull(double) -> double", "coalesce({0}, CAST(0 AS DOUBLE))"),
    ),
)
