"""Which types meet without a cast, and what they become: Spark 4's ANSI rules, or stricter.

Sources: Spark's `AnsiTypeCoercion`, `DecimalPrecision` and "ANSI Compliance" in its SQL reference.
Where Spark converts between text and anything else on its own, portable SQL asks for a cast.
"""

from collections.abc import Sequence
from functools import reduce

from lakewright.sql import types
from lakewright.sql.term import Term

INTEGERS = (types.INT, types.BIGINT)
FRACTIONS = (types.FLOAT, types.DOUBLE)
DIGITS_MAX = types.DECIMAL_PRECISION_MAX
_SCALE_KEPT_MIN = 6  # Spark's DecimalType.MINIMUM_ADJUSTED_SCALE.
_INTEGER_DECIMALS = {types.INT: types.Decimal(10, 0), types.BIGINT: types.Decimal(20, 0)}


class NoCommonType(ValueError):
    """These types do not meet; the message says why, for a person."""


def is_number(kind: types.Type) -> bool:
    """Whether values of the type can be calculated with."""
    return isinstance(kind, types.Decimal) or kind in (*INTEGERS, *FRACTIONS)


def is_nested(kind: types.Type) -> bool:
    """Whether the type holds other types."""
    return isinstance(kind, types.Array | types.Map | types.Struct)


def is_untyped(kind: types.Type) -> bool:
    """Whether a part of the type is not known, such as that of an array's elements."""
    if isinstance(kind, types.Array):
        return is_untyped(kind.element)
    if isinstance(kind, types.Map):
        return is_untyped(kind.key) or is_untyped(kind.value)
    if isinstance(kind, types.Struct):
        return any(is_untyped(inner) for _, inner in kind.fields)
    return kind == types.UNKNOWN


def widens(source: types.Type, target: types.Type) -> bool:
    """Whether Spark turns `source` into `target` by itself where a function asks for it."""
    if source in (target, types.UNKNOWN):
        return True
    if target == types.BIGINT:
        return source == types.INT
    if target == types.DOUBLE:
        return is_number(source)
    return False


def common(kinds: Sequence[types.Type]) -> types.Type:
    """The type that values of all these types are converted to, as in CASE, UNION or `=`.

    Raises:
        NoCommonType: a cast must say what is meant.
    """
    nothing: types.Type = types.UNKNOWN
    return reduce(_common_pair, kinds, nothing)


def _common_pair(left: types.Type, right: types.Type) -> types.Type:
    if types.UNKNOWN in (left, right):
        return right if left == types.UNKNOWN else left
    if left == right:
        return left
    if is_number(left) and is_number(right):
        return _common_number(left, right)
    if {left, right} == {types.DATE, types.TIMESTAMP}:
        return types.TIMESTAMP
    if {left, right} == {types.DATE, types.TIMESTAMP_NTZ}:
        return types.TIMESTAMP_NTZ
    if isinstance(left, types.Array) and isinstance(right, types.Array):
        return types.Array(_common_pair(left.element, right.element))
    if isinstance(left, types.Map) and isinstance(right, types.Map):
        return types.Map(_common_pair(left.key, right.key), _common_pair(left.value, right.value))
    raise NoCommonType(f"{left} and {right} do not meet")


def _common_number(left: types.Type, right: types.Type) -> types.Type:
    pair = (left, right)
    if all(kind in INTEGERS for kind in pair):
        return types.BIGINT
    if any(kind in FRACTIONS for kind in pair):
        return types.DOUBLE
    one, other = (as_decimal(kind) for kind in pair)
    scale = max(one.scale, other.scale)
    precision = max(one.precision - one.scale, other.precision - other.scale) + scale
    if precision > DIGITS_MAX:
        raise NoCommonType(
            f"{left} and {right} together need {precision} digits and a decimal has {DIGITS_MAX}"
        )
    return types.Decimal(precision, scale)


def as_decimal(kind: types.Type) -> types.Decimal:
    """The decimal that holds every value of an integer type; a decimal as it is."""
    if isinstance(kind, types.Decimal):
        return kind
    assert isinstance(kind, types.Primitive)  # noqa: S101 -- told to the type checker
    return _INTEGER_DECIMALS[kind]


def operand_decimal(term: Term) -> types.Decimal:
    """The decimal that a number becomes beside a decimal: a constant takes the digits it has."""
    if term.is_literal and isinstance(term.value, int):
        return types.Decimal(len(str(abs(term.value))), 0)
    return as_decimal(term.type)


def sum_type(left: types.Decimal, right: types.Decimal) -> types.Decimal:
    """Of `+` and `-`, before the limit of digits is applied."""
    scale = max(left.scale, right.scale)
    whole = max(left.precision - left.scale, right.precision - right.scale)
    return types.Decimal(whole + scale + 1, scale)


def product_type(left: types.Decimal, right: types.Decimal) -> types.Decimal:
    """Of `*`, before the limit of digits is applied."""
    return types.Decimal(left.precision + right.precision + 1, left.scale + right.scale)


def quotient_type(left: types.Decimal, right: types.Decimal) -> types.Decimal:
    """Of `/`, before the limit of digits is applied."""
    scale = max(_SCALE_KEPT_MIN, left.scale + right.precision + 1)
    return types.Decimal(left.precision - left.scale + right.scale + scale, scale)


def remainder_type(left: types.Decimal, right: types.Decimal) -> types.Decimal:
    """Of `%`, before the limit of digits is applied."""
    scale = max(left.scale, right.scale)
    whole = min(left.precision - left.scale, right.precision - right.scale)
    return types.Decimal(whole + scale, scale)


def limited(kind: types.Decimal) -> types.Decimal:
    """What Spark makes of a decimal with more than 38 digits: it gives up digits after the point.

    Source: Spark's `DecimalType.adjustPrecisionScale`.
    """
    if kind.precision <= DIGITS_MAX:
        return kind
    whole = kind.precision - kind.scale
    scale = max(DIGITS_MAX - whole, min(kind.scale, _SCALE_KEPT_MIN))
    return types.Decimal(DIGITS_MAX, scale)


def bounded(precision: int, scale: int) -> types.Decimal:
    """Spark's `DecimalType.bounded`: both cut at 38."""
    return types.Decimal(min(precision, DIGITS_MAX), min(scale, DIGITS_MAX))
