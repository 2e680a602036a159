"""Arithmetic, comparison and logic: the type of each operator's answer and its text for DuckDB."""

from collections.abc import Sequence

from lakewright.sql import casts, coercion, moments, quotients, types
from lakewright.sql.quoting import duckdb_type
from lakewright.sql.term import Term, combine

DIVIDED_BY_ZERO = "error('division by zero')"
_SMALLER = "cast the operands to smaller decimals, such as decimal(18,2), or to double"
_SIGN_DIGITS_MAX = 34
_SMALL_DIGITS = 18  # DuckDB computes decimals of up to 18 digits in 64 bits.
_SCALE_MAX = 18  # An exact product with more digits after the point has too few before it.


class Mismatch(ValueError):
    """The operands do not fit the operator; the message says why, `hint` what to do."""

    def __init__(self, why: str, hint: str = "") -> None:
        super().__init__(why)
        self.hint = hint


def meet(terms: Sequence[Term]) -> tuple[tuple[Term, ...], types.Type]:
    """The terms as their common type. A constant text beside dates or times becomes one of them.

    Raises:
        Mismatch: a cast must say what is meant.
    """
    read = [_as_moment(term, terms) for term in terms]
    try:
        shared = coercion.common([term.type for term in read])
    except coercion.NoCommonType as error:
        raise Mismatch(str(error), _cast_hint([term.type for term in read])) from error
    if coercion.is_nested(shared) and any(term.type != shared for term in read):
        raise Mismatch(f"{shared} is nested")
    return tuple(converted(term, shared) for term in read), shared


def converted(term: Term, kind: types.Type) -> Term:
    """A term as a type that it widens to; already of that type, it is unchanged.

    Raises:
        Mismatch: no cast between the types is known.
    """
    if term.type == kind:
        return term
    found = casts.apply(term, kind)
    if found is None:
        raise Mismatch(f"{term.type} does not become {kind}")
    return found


def _as_moment(term: Term, beside: Sequence[Term]) -> Term:
    if not (term.is_literal and isinstance(term.value, str)):
        return term
    for other in beside:
        if other.type in (types.DATE, types.TIMESTAMP, types.TIMESTAMP_NTZ):
            try:
                return moments.constant(term.value, other.type)
            except ValueError as error:
                raise Mismatch(str(error)) from error
    return term


def _cast_hint(kinds: Sequence[types.Type]) -> str:
    for kind in kinds:
        if kind not in (types.STRING, types.UNKNOWN):
            return f"cast one side, for example CAST(... AS {kind})"
    return "cast one side"


def arithmetic(symbol: str, left: Term, right: Term) -> Term:
    """`+`, `-`, `*`, `/`, `%` or `DIV` of two numbers.

    Raises:
        Mismatch: they are not numbers, or the exact answer needs more than 38 digits.
    """
    for term in (left, right):
        if term.type == types.UNKNOWN:
            raise Mismatch(
                "a null of no known type could be any number",
                "cast it, such as CAST(... AS DECIMAL(10,2))",
            )
        if not coercion.is_number(term.type):
            raise Mismatch(f"{term.type} is not a number", _arithmetic_hint(symbol, left, right))
    kinds = (left.type, right.type)
    has_fraction = any(kind in coercion.FRACTIONS for kind in kinds)
    if symbol == "DIV":
        return _whole_quotient(left, right)
    if any(isinstance(kind, types.Decimal) for kind in kinds) and not has_fraction:
        return _decimal_arithmetic(symbol, left, right)
    if symbol == "/":
        kind: types.Type = types.DOUBLE
    else:
        kind = coercion.common(kinds)
    one, other = converted(left, kind), converted(right, kind)
    if symbol in ("/", "%"):
        other = nonzero(other, beside=one)
    if symbol == "%" and kind in coercion.INTEGERS and not other.is_literal:
        # The least integer % -1 overflows in DuckDB; x % 1 is the same zero.
        text = f"(CASE {other.text} WHEN -1 THEN 1 ELSE {other.text} END)"
        other = combine(kind, text, (other,))
    return combine(kind, f"({one.text} {symbol} {other.text})", (one, other))


def bitwise(symbol: str, terms: Sequence[Term]) -> Term:
    """`&`, `|`, `^` of two whole numbers, or `~` of one.

    Raises:
        Mismatch: they are no whole numbers.
    """
    for term in terms:
        if term.type not in coercion.INTEGERS:
            raise Mismatch(f"{term.type} is not a whole number", "cast it to bigint")
    met, kind = meet(terms)
    texts = [term.text for term in met]
    if symbol == "~":
        text = f"(~{texts[0]})"
    elif symbol == "^":
        text = f"xor({', '.join(texts)})"
    else:
        text = f"({f' {symbol} '.join(texts)})"
    return combine(kind, text, met)


def _arithmetic_hint(symbol: str, left: Term, right: Term) -> str:
    if symbol == "+" and types.STRING in (left.type, right.type):
        return "join texts with ||, or cast to a number"
    if symbol == "-" and left.type == right.type == types.DATE:
        return "use datediff(end, start)"
    if symbol == "-" and types.TIMESTAMP in (left.type, right.type):
        return "use timestampdiff(SECOND, start, end)"
    return "cast it to a number"


def negative(term: Term) -> Term:
    """The number with the other sign.

    Raises:
        Mismatch: it is no number, or one that Spark would round.
    """
    if not coercion.is_number(term.type):
        raise Mismatch(f"{term.type} is not a number")
    check_sign_digits(term.type)
    return combine(term.type, f"(-{term.text})", (term,))


def check_sign_digits(kind: types.Type) -> None:
    """Refuse what Spark 4.1's unary minus and abs() round: they go through 34 digits.

    Raises:
        Mismatch: the decimal has more.
    """
    if isinstance(kind, types.Decimal) and kind.precision > _SIGN_DIGITS_MAX:
        raise Mismatch(
            f"Spark rounds {kind} to {_SIGN_DIGITS_MAX} digits here",
            "cast it to a smaller decimal, or multiply by -1",
        )


def nonzero(divisor: Term, *, beside: Term) -> Term:
    """A divisor that stops the query at zero, as ANSI asks, unless the dividend is null."""
    if divisor.is_literal and divisor.value not in (None, 0):
        return divisor
    guarded = (
        f"(CASE WHEN {divisor.text} = 0 AND {beside.text} IS NOT NULL"
        f" THEN {DIVIDED_BY_ZERO} ELSE {divisor.text} END)"
    )
    return combine(divisor.type, guarded, (divisor,))


def _whole_quotient(left: Term, right: Term) -> Term:
    if any(kind not in coercion.INTEGERS for kind in (left.type, right.type)):
        raise Mismatch("DIV takes whole numbers", "cast both sides to bigint")
    one, other = converted(left, types.BIGINT), converted(right, types.BIGINT)
    other = nonzero(other, beside=one)
    return combine(types.BIGINT, f"({one.text} // {other.text})", (one, other))


def _decimal_arithmetic(symbol: str, left: Term, right: Term) -> Term:
    one, other = (converted(term, coercion.operand_decimal(term)) for term in (left, right))
    assert isinstance(one.type, types.Decimal)  # noqa: S101 -- told to the type checker
    assert isinstance(other.type, types.Decimal)  # noqa: S101
    rule = {
        "+": coercion.sum_type,
        "-": coercion.sum_type,
        "*": coercion.product_type,
        "/": coercion.quotient_type,
        "%": coercion.remainder_type,
    }[symbol]
    exact = rule(one.type, other.type)
    kind = coercion.limited(exact)
    if symbol == "/":
        return decimal_quotient(one, other, kind, at_zero=DIVIDED_BY_ZERO)
    if kind.scale != exact.scale and exact.scale > _SCALE_MAX:
        raise Mismatch(
            f"the exact answer needs {_shown(exact)}, and a decimal has 38 digits", _SMALLER
        )
    if symbol == "%":
        wide = types.Decimal(
            min(38, max(one.type.precision - one.type.scale,
                        other.type.precision - other.type.scale) + exact.scale),
            exact.scale,
        )  # fmt: skip
        one, other = converted(one, wide), converted(other, wide)
        other = nonzero(other, beside=one)
    else:
        one = _with_room(one, other, exact)
    inner = f"{one.text} {symbol} {other.text}"
    return combine(kind, f"CAST({inner} AS {duckdb_type(kind)})", (one, other))


def _shown(kind: types.Decimal) -> str:
    return f"{kind.precision} digits, {kind.scale} of them after the point"


def _with_room(one: Term, other: Term, exact: types.Decimal) -> Term:
    """The operand, wide enough that DuckDB computes in 128 bits where 64 could overflow."""
    kinds = [term.type for term in (one, other) if isinstance(term.type, types.Decimal)]
    if exact.precision <= _SMALL_DIGITS or any(kind.precision > _SMALL_DIGITS for kind in kinds):
        return one
    return converted(one, types.Decimal(_SMALL_DIGITS + 1, kinds[0].scale))


def decimal_quotient(left: Term, right: Term, kind: types.Decimal, *, at_zero: str) -> Term:
    """The exact quotient of two decimals.

    Raises:
        Mismatch: it cannot be computed exactly for every value of their types.
    """
    try:
        return quotients.divide(left, right, kind, at_zero=at_zero)
    except quotients.TooManyDigits as error:
        raise Mismatch(f"{error} needs more than 38 digits", _SMALLER) from error


def comparison(symbol: str, left: Term, right: Term) -> Term:
    """`=`, `<>`, `<`, `<=`, `>`, `>=` or `<=>`.

    Raises:
        Mismatch: the two do not meet, or cannot be compared.
    """
    (one, other), shared = meet((left, right))
    if coercion.is_nested(shared):
        raise Mismatch(f"{shared} cannot be compared here", "compare its fields")
    written = "IS NOT DISTINCT FROM" if symbol == "<=>" else symbol
    return combine(types.BOOLEAN, f"({one.text} {written} {other.text})", (one, other))


def connected(word: str, left: Term, right: Term) -> Term:
    """`AND` or `OR` of two conditions.

    Spark does not look at the right one where the left one decides; DuckDB evaluates both, in any
    order. So a right one that could stop the query is guarded by the left one once more.
    """
    other = right.text
    if right.may_stop:
        undecided = "FALSE" if word == "AND" else "TRUE"
        other = f"(CASE WHEN {left.text} IS NOT {undecided} THEN {right.text} END)"
    return combine(types.BOOLEAN, f"({left.text} {word} {other})", (left, right))


def condition(term: Term) -> Term:
    """A term that must be true or false.

    Raises:
        Mismatch: it is not a boolean.
    """
    if term.type == types.UNKNOWN:
        return converted(term, types.BOOLEAN)
    if term.type != types.BOOLEAN:
        raise Mismatch(f"{term.type} is not a condition", "compare it with something")
    return term
