"""Functions of the bits of whole numbers."""

from collections.abc import Callable, Sequence

from lakewright.sql.function import Function, scalar
from lakewright.sql.quoting import duckdb_type
from lakewright.sql.signature import way
from lakewright.sql.term import Term

_BITS = {"INTEGER": 32, "BIGINT": 64}


def _shifted(
    arguments: Sequence[Term], moved: Callable[[str, str], str], *, is_signed: bool
) -> str:
    """A shift in 128 bits, where nothing overflows; Java takes the distance modulo the width."""
    kind = duckdb_type(arguments[0].type)
    bits = _BITS[kind]
    size = f"CAST({2**bits} AS HUGEINT)"
    number = f"CAST({arguments[0].text} AS HUGEINT)"
    if not is_signed:
        number = f"(({number} + {size}) % {size})"
    unit = f"(CAST(1 AS HUGEINT) << ({arguments[1].text} & {bits - 1}))"
    whole = f"(({moved(number, unit)}) % {size})"
    half = f"CAST({2 ** (bits - 1)} AS HUGEINT)"
    return f"CAST(CASE WHEN {whole} >= {half} THEN {whole} - {size} ELSE {whole} END AS {kind})"


def _left(arguments: Sequence[Term]) -> str:
    return _shifted(arguments, lambda x, unit: f"{x} * {unit}", is_signed=False)


def _right(arguments: Sequence[Term]) -> str:
    def down(x: str, unit: str) -> str:
        return f"({x} - ({x} % {unit} + {unit}) % {unit}) // {unit}"

    return _shifted(arguments, down, is_signed=True)


def _right_unsigned(arguments: Sequence[Term]) -> str:
    return _shifted(arguments, lambda x, unit: f"{x} // {unit}", is_signed=False)


def _shift(name: str, write: Callable[[Sequence[Term]], str]) -> Function:
    return scalar(
        way(f"{name}(int, int) -> int", write),
        way(f"{name}(bigint, int) -> bigint", write),
        note="By the second argument modulo the first one's bits.",
    )


FUNCTIONS = (
    scalar(
        way("bit_count(boolean) -> int", "CAST({0} AS INTEGER)"),
        way("bit_count(bigint) -> int", "CAST(bit_count({0}) AS INTEGER)"),
        note="Of a number's 64 bits.",
    ),
    _shift("shiftleft", _left),
    _shift("shiftright", _right),
    _shift("shiftrightunsigned", _right_unsigned),
)
