"""Numbers written in a query, and the types that Spark gives them."""

from decimal import Decimal as Number

from lakewright.sql import coercion, types
from lakewright.sql.term import Term, constant

_INT_MAX, _BIGINT_MAX = 2**31 - 1, 2**63 - 1


def number(written: str) -> Term:
    """A number's constant: int or bigint where it fits, decimal with a point, double with an e.

    Raises:
        ValueError: it needs more than 38 digits.
    """
    if "e" in written.lower():
        return constant(float(written), types.DOUBLE)
    if "." not in written:
        value = int(written)
        if -_INT_MAX - 1 <= value <= _INT_MAX:
            return constant(value, types.INT)
        if -_BIGINT_MAX - 1 <= value <= _BIGINT_MAX:
            return constant(value, types.BIGINT)
    exact = Number(written)
    _, digits, exponent = exact.as_tuple()
    assert isinstance(exponent, int)  # noqa: S101 -- a written number is finite
    scale = -exponent
    precision = max(len(digits), scale)
    if precision > coercion.DIGITS_MAX:
        raise ValueError(f"{written} needs {precision} digits, and a decimal has 38")
    return constant(exact, types.Decimal(precision, scale))
