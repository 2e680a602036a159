"""The exact quotient of two decimals, rounded half up, in whole numbers: DuckDB gives a double.

Both decimals become whole numbers, and the quotient's digits come by long division, a chunk of
digits at a time, so that nothing overflows. Where the numbers are small enough, all of it happens
in 64 bits; a division of 128-bit integers takes DuckDB over a microsecond, so there is just one.
"""

from lakewright.sql import coercion, types
from lakewright.sql.quoting import duckdb_type, text
from lakewright.sql.term import Term, combine

_BIGINT_DIGITS = 18  # Every number of 18 digits fits 64 bits.
_CHUNK_DIGITS_MIN = 3  # Below that, long division takes more steps than it saves.


class TooManyDigits(ValueError):
    """The scaled dividend could overflow 128 bits."""


def divide(left: Term, right: Term, kind: types.Decimal, *, at_zero: str) -> Term:
    """`left / right` as `kind`; where right is zero and left is not null, `at_zero` instead.

    Raises:
        TooManyDigits: it cannot be computed exactly for every value of the operands' types.
    """
    dividend, divisor = left.type, right.type
    assert isinstance(dividend, types.Decimal)  # noqa: S101 -- told to the type checker
    assert isinstance(divisor, types.Decimal)  # noqa: S101
    shift = kind.scale - dividend.scale + divisor.scale
    if shift < 0 or dividend.precision + shift > coercion.DIGITS_MAX:
        raise TooManyDigits(f"the exact quotient of {dividend} and {divisor}")
    is_small = (
        dividend.precision <= _BIGINT_DIGITS
        and divisor.precision <= _BIGINT_DIGITS - _CHUNK_DIGITS_MIN
    )
    sign = f"(CASE WHEN ({left.text} < 0) = ({right.text} < 0) THEN 1 ELSE -1 END)"
    if is_small:
        whole, rest, by = _in_chunks(left, right, shift)
    else:
        whole, rest, by = _at_once(left, right, shift)
    up = f"(CASE WHEN abs({rest}) >= abs({by}) - abs({rest}) THEN {sign} ELSE 0 END)"
    digits = f"CAST({whole} + {up} AS DECIMAL(38,0))"
    if kind.scale:
        digits = f"{digits} * {_unit(kind.scale)}"
    quotient = f"CAST({digits} AS {duckdb_type(kind)})"
    if right.is_literal and right.value:
        return combine(kind, quotient, (left, right))
    guarded = (
        f"(CASE WHEN {right.text} = 0 AND {left.text} IS NOT NULL THEN {at_zero}"
        f" ELSE {quotient} END)"
    )
    return combine(kind, guarded, (left, right))


def _in_chunks(left: Term, right: Term, shift: int) -> tuple[str, str, str]:
    """The quotient times 10^shift, cut off; the last remainder; the divisor. All in 64 bits."""
    assert isinstance(right.type, types.Decimal)  # noqa: S101
    over, by = unscaled(left, "BIGINT"), unscaled(right, "BIGINT")
    chunk = _BIGINT_DIGITS - right.type.precision
    parts = [f"CAST({over} // {by} AS HUGEINT) * {_power_of_ten(shift)}"]
    rest, missing = f"({over} % {by})", shift
    while missing:
        digits = min(chunk, missing)
        missing -= digits
        more = f"({rest} * {10**digits})"
        parts.append(f"CAST({more} // {by} AS HUGEINT) * {_power_of_ten(missing)}")
        rest = f"({more} % {by})"
    return " + ".join(parts), rest, by


def _at_once(left: Term, right: Term, shift: int) -> tuple[str, str, str]:
    """The same in 128 bits, with one division."""
    over, by = unscaled(left, "HUGEINT"), unscaled(right, "HUGEINT")
    scaled = f"({over} * {_power_of_ten(shift)})"
    whole = f"({scaled} // {by})"
    return whole, f"({scaled} - {whole} * {by})", by


def unscaled(term: Term, integer: str) -> str:
    """A decimal's digits as a whole number of a DuckDB type."""
    kind = term.type
    assert isinstance(kind, types.Decimal)  # noqa: S101
    if kind.scale == 0:
        return f"CAST({term.text} AS {integer})"
    room = _BIGINT_DIGITS if kind.precision <= _BIGINT_DIGITS else coercion.DIGITS_MAX
    unit = f"CAST({10**kind.scale} AS DECIMAL({kind.scale + 1},0))"
    if kind.precision + kind.scale <= room and kind.scale < room:
        return f"CAST({term.text} * {unit} AS {integer})"
    whole = f"CAST(trunc({term.text}) AS {integer})"
    unit = f"CAST({10**kind.scale} AS HUGEINT)"
    rest = f"regexp_extract(CAST({term.text} AS VARCHAR), '[.]([0-9]+)', 1)"
    sign = f"(CASE WHEN {term.text} < 0 THEN -1 ELSE 1 END)"
    return f"CAST({whole} * {unit} + {sign} * CAST({rest} AS {integer}) AS {integer})"


def _power_of_ten(exponent: int) -> str:
    return f"CAST({10**exponent} AS HUGEINT)"


def _unit(scale: int) -> str:
    return f"CAST({text('0.' + '0' * (scale - 1) + '1')} AS DECIMAL({scale},{scale}))"
