"""Functions over the rows beside a row."""

from collections.abc import Callable, Sequence

from lakewright.sql import coercion, operators, types
from lakewright.sql.function import Function, Kind
from lakewright.sql.signature import Signature, way
from lakewright.sql.term import Term


def _window(
    *ways: Signature, note: str = "", takes_frame: bool = False, may_ignore_nulls: bool = False
) -> Function:
    return Function(
        name=ways[0].name,
        kind=Kind.WINDOW,
        signatures=ways,
        note=note,
        takes_frame=takes_frame,
        may_ignore_nulls=may_ignore_nulls,
    )


def _with_default(name: str) -> Callable[[Sequence[Term]], str]:
    def write(arguments: Sequence[Term]) -> str:
        """Spark gives the default the value's type; only where it fits is that sure to work."""
        value, rows, default = arguments
        kind = default.type
        if isinstance(value.type, types.Decimal) and kind in coercion.INTEGERS:
            kind = coercion.operand_decimal(default)
        if coercion.common((value.type, kind)) != value.type:
            raise ValueError(f"the default is {default.type}; cast it to {value.type}")
        given = operators.converted(default, value.type)
        return f"{name}({value.text}, {rows.text}, {given.text})"

    return write


_TIES = "Rows that tie in ORDER BY are taken in any order: add columns until none tie."

FUNCTIONS = (
    _window(way("row_number() -> int", "row_number()"), note=_TIES),
    _window(way("rank() -> int", "rank()")),
    _window(way("dense_rank() -> int", "dense_rank()")),
    _window(way("percent_rank() -> double", "percent_rank()")),
    _window(way("cume_dist() -> double", "cume_dist()")),
    _window(way("ntile(#buckets) -> int", "ntile({0})"), note=_TIES),
    _window(
        way("lag(any) -> same", "lag({0})"),
        way("lag(any, #rows) -> same", "lag({0}, {1})"),
        way("lag(any, #rows, any) -> same", _with_default("lag")),
        note=_TIES,
        may_ignore_nulls=True,
    ),
    _window(
        way("lead(any) -> same", "lead({0})"),
        way("lead(any, #rows) -> same", "lead({0}, {1})"),
        way("lead(any, #rows, any) -> same", _with_default("lead")),
        note=_TIES,
        may_ignore_nulls=True,
    ),
    _window(
        way("first_value(any) -> same", "first_value({0})"),
        note=_TIES,
        takes_frame=True,
        may_ignore_nulls=True,
    ),
    _window(
        way("nth_value(any, #position) -> same", "nth_value({0}, {1})"),
        note=_TIES,
        takes_frame=True,
        may_ignore_nulls=True,
    ),
    _window(
        way("last_value(any) -> same", "last_value({0})"),
        note=_TIES,
        takes_frame=True,
        may_ignore_nulls=True,
    ),
)
