"""Casts that are written as functions, and what a value's type is."""

from collections.abc import Sequence

from lakewright.sql import casts, operators, types
from lakewright.sql.function import Function, scalar
from lakewright.sql.quoting import text
from lakewright.sql.signature import way
from lakewright.sql.term import Term, combine


def _to(target: types.Type) -> Function:
    def build(arguments: Sequence[Term]) -> Term:
        found = casts.apply(arguments[0], target)
        if found is None:
            raise ValueError(
                f"a cast from {arguments[0].type} to {target} is not portable"
                + (f"; {way_out}" if (way_out := casts.way_out(arguments[0].type, target)) else "")
            )
        return found

    name = "decimal" if isinstance(target, types.Decimal) else str(target)
    return scalar(way(f"{name}(any) -> {target}", build=build), note="As CAST does.")


def _same(arguments: Sequence[Term]) -> Term:
    return operators.comparison("<=>", *arguments)


def _type_name(arguments: Sequence[Term]) -> Term:
    if arguments[0].type == types.UNKNOWN:
        raise ValueError("a NULL has no type yet")
    return combine(types.STRING, text(str(arguments[0].type)), ())


FUNCTIONS = (
    *(
        _to(kind)
        for kind in (
            types.BOOLEAN,
            types.INT,
            types.BIGINT,
            types.FLOAT,
            types.DOUBLE,
            types.Decimal(10, 0),
            types.STRING,
            types.DATE,
            types.TIMESTAMP,
            types.BINARY,
        )
    ),
    scalar(way("equal_null(any, any) -> boolean", build=_same), note="The operator <=>."),
    scalar(way("typeof(any) -> string", build=_type_name)),
)
