"""Functions of numbers."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from lakewright.sql import coercion, operators, texts_read, types
from lakewright.sql.function import Function, scalar
from lakewright.sql.quoting import duckdb_type
from lakewright.sql.signature import way
from lakewright.sql.term import Term, combine

_LAST_DIGITS = "Engines may differ in the last binary digit."
_NAN = "CAST('NaN' AS DOUBLE)"
_EXACT_MAX = "1e22"  # Below it, 38 digits hold a double's text with 15 digits after the point.


def _digits(arguments: Sequence[Term]) -> int:
    """The digits that `round` is asked for."""
    if len(arguments) == 1:
        return 0
    value = arguments[1].value
    assert isinstance(value, int)  # noqa: S101 -- the signature asks for a constant
    return value


def _decimal(term: Term) -> types.Decimal:
    assert isinstance(term.type, types.Decimal)  # noqa: S101 -- the signature asks for one
    return term.type


def _absolute(arguments: Sequence[Term]) -> str:
    operators.check_sign_digits(arguments[0].type)
    return f"abs({arguments[0].text})"


def _negated(arguments: Sequence[Term]) -> Term:
    return operators.negative(arguments[0])


def _whole(arguments: Sequence[Term]) -> types.Type:
    """Of ceil and floor: no digits after the point, one more before it."""
    given = _decimal(arguments[0])
    if given.scale == 0:
        return given
    return coercion.bounded(given.precision - given.scale + 1, 0)


def _write_whole(name: str) -> Callable[[Sequence[Term]], str]:
    def write(arguments: Sequence[Term]) -> str:
        kind = duckdb_type(_whole(arguments))
        # Where no digit stands before the point, DuckDB's own ceil and floor have no room.
        room = types.Decimal(38, _decimal(arguments[0]).scale)
        return f"CAST({name}(CAST({arguments[0].text} AS {duckdb_type(room)})) AS {kind})"

    return write


def _saturated(name: str) -> str:
    """Java's way from double to bigint: NaN is zero, and what is too large is the largest."""
    return (
        f"(CASE WHEN isnan({{0}}) THEN 0 WHEN {name}({{0}}) >= 9223372036854775807"
        f" THEN 9223372036854775807 WHEN {name}({{0}}) <= -9223372036854775808"
        f" THEN CAST('-9223372036854775808' AS BIGINT) ELSE CAST({name}({{0}}) AS BIGINT) END)"
    )


def _rounded(arguments: Sequence[Term]) -> types.Type:
    """Of round. Source: Spark's `RoundBase.dataType`."""
    given, digits = _decimal(arguments[0]), _digits(arguments)
    whole = given.precision - given.scale + 1
    if digits < 0:
        return coercion.bounded(max(whole, -digits + 1), 0)
    scale = min(given.scale, digits)
    return coercion.bounded(whole + scale, scale)


def _round_decimal(arguments: Sequence[Term]) -> str:
    """Half up, by a cast to fewer digits after the point; before the point, by integers."""
    digits, kind = _digits(arguments), duckdb_type(_rounded(arguments))
    if digits >= 0:
        return f"CAST({arguments[0].text} AS {kind})"
    return f"CAST({_to_tens(f'trunc({arguments[0].text})', digits)} AS {kind})"


def _to_tens(x: str, digits: int) -> str:
    """A whole number rounded half up before the point, in 128 bits."""
    whole, unit = f"CAST({x} AS HUGEINT)", f"CAST({10**-digits} AS HUGEINT)"
    half = f"(CASE WHEN {x} < 0 THEN -{unit} ELSE {unit} END) // 2"
    return f"(({whole} + {half}) // {unit} * {unit})"


def _round_integer(arguments: Sequence[Term]) -> str:
    digits, x = _digits(arguments), arguments[0].text
    if digits >= 0:
        return x
    if digits < -19:
        raise ValueError("there are no digits so far before the point")
    return f"CAST({_to_tens(x, digits)} AS {duckdb_type(arguments[0].type)})"


def _round_fraction(arguments: Sequence[Term]) -> str:
    """Spark rounds the shortest decimal text half up, not the binary value."""
    digits, x = _digits(arguments), arguments[0].text
    if not -15 <= digits <= 15:
        raise ValueError("a double is rounded to -15 to 15 digits; cast it to a decimal first")
    written = texts_read.fraction_digits(f"CAST({x} AS DOUBLE)")
    exact = f"CAST({written} AS DECIMAL(38,{max(digits, 0)}))"
    if digits < 0:
        exact = f"CAST({written} AS DECIMAL(38,15))"
        exact = _to_tens(f"trunc({exact})", digits)
    kind = duckdb_type(arguments[0].type)
    return (
        f"(CASE WHEN abs({x}) < {_EXACT_MAX} THEN CAST(CAST({exact} AS VARCHAR) AS {kind})"
        f" ELSE {x} END)"
    )


def _remainder(arguments: Sequence[Term]) -> Term:
    return operators.arithmetic("%", arguments[0], arguments[1])


def _positive_remainder(arguments: Sequence[Term]) -> Term:
    """Source: Spark's `Pmod`: r = a % n; below zero, (r + n) % n."""
    rest = operators.arithmetic("%", arguments[0], arguments[1])
    divisor, kind = arguments[1].text, duckdb_type(rest.type)
    again = f"CAST((CAST({rest.text} AS HUGEINT) + {divisor}) % {divisor} AS {kind})"
    text = f"(CASE WHEN {rest.text} < 0 THEN {again} ELSE {rest.text} END)"
    return combine(rest.type, text, arguments)


def _try_divide(arguments: Sequence[Term]) -> Term:
    """Null at zero; else `/`."""
    left, right = arguments
    kinds = (left.type, right.type)
    if any(isinstance(kind, types.Decimal) for kind in kinds) and not any(
        kind in coercion.FRACTIONS for kind in kinds
    ):
        one = operators.converted(left, coercion.operand_decimal(left))
        other = operators.converted(right, coercion.operand_decimal(right))
        kind = coercion.limited(coercion.quotient_type(_decimal(one), _decimal(other)))
        return operators.decimal_quotient(one, other, kind, at_zero="NULL")
    one, other = (operators.converted(term, types.DOUBLE) for term in arguments)
    text = f"({one.text} / (CASE WHEN {other.text} <> 0 THEN {other.text} END))"
    return combine(types.DOUBLE, text, arguments)


def _tried(symbol: str) -> Callable[[Sequence[Term]], Term]:
    """An operator's answer, or null where it would stop."""

    def build(arguments: Sequence[Term]) -> Term:
        answer = operators.arithmetic(symbol, arguments[0], arguments[1])
        return combine(answer.type, f"TRY({answer.text})", arguments)

    return build


def _try_remainder(arguments: Sequence[Term]) -> Term:
    answer = operators.arithmetic("%", arguments[0], arguments[1])
    text = f"(CASE WHEN {arguments[1].text} <> 0 THEN {answer.text} END)"
    return replace(combine(answer.type, text, arguments), may_stop=False)


def _quotient(arguments: Sequence[Term]) -> Term:
    return operators.arithmetic("DIV", arguments[0], arguments[1])


def _nested_sum(coefficients: Sequence[str], sign: str) -> str:
    """A polynomial of `{0}` without a constant, by Horner's rule."""
    inner = coefficients[-1]
    for coefficient in reversed(coefficients[:-1]):
        inner = f"({coefficient} {sign} {{0}} * {inner})"
    return f"({{0}} * {inner})"


# Near zero a difference of two doubles has lost its digits: a series there, to the last digit.
_NEAR_ZERO = "abs({0}) < 0.01"
_EXPM1 = (
    f"(CASE WHEN {_NEAR_ZERO} THEN"
    f" {_nested_sum([f'CAST(1.0 AS DOUBLE) / {n}' for n in (1, 2, 6, 24, 120, 720)], '+')}"
    " ELSE exp({0}) - 1 END)"
)
_LOG1P = (
    f"(CASE WHEN {_NEAR_ZERO} THEN"
    f" {_nested_sum([f'CAST(1.0 AS DOUBLE) / {n}' for n in range(1, 9)], '-')}"
    " WHEN {0} > -1 THEN ln({0} + 1) WHEN isnan({0}) THEN {0} END)"
)
_LARGER = "greatest(abs({0}), abs({1}))"
_HYPOT = (
    "(CASE WHEN {0} IS NULL OR {1} IS NULL THEN NULL"
    " WHEN isinf({0}) OR isinf({1}) THEN CAST('inf' AS DOUBLE)"
    f" WHEN isnan({{0}}) OR isnan({{1}}) THEN {_NAN} WHEN {_LARGER} = 0 THEN {_LARGER}"
    f" ELSE {_LARGER} * sqrt(({{0}} / {_LARGER}) * ({{0}} / {_LARGER})"
    f" + ({{1}} / {_LARGER}) * ({{1}} / {_LARGER})) END)"
)
_BUCKET = (
    "(CASE WHEN {3} <= 0 OR {3} = 9223372036854775807 OR NOT isfinite({1}) OR NOT isfinite({2})"
    " OR isnan({0}) OR {1} = {2} THEN NULL"
    " WHEN {1} < {2} THEN CASE WHEN {0} < {1} THEN 0 WHEN {0} >= {2} THEN {3} + 1"
    " ELSE CAST(floor({3} * ({0} - {1}) / ({2} - {1})) AS BIGINT) + 1 END"
    " WHEN {0} > {1} THEN 0 WHEN {0} <= {2} THEN {3} + 1"
    " ELSE CAST(floor({3} * ({1} - {0}) / ({1} - {2})) AS BIGINT) + 1 END)"
)


def _itself(arguments: Sequence[Term]) -> Term:
    return combine(arguments[0].type, arguments[0].text, arguments)


def _double(
    name: str, rewrite: str, note: str = _LAST_DIGITS, aliases: tuple[str, ...] = ()
) -> Function:
    """A function from double to double."""
    return scalar(way(f"{name}(double) -> double", rewrite), note=note, aliases=aliases)


def _where_finite(name: str) -> str:
    """NaN at infinity, where DuckDB raises."""
    return f"(CASE WHEN isfinite({{0}}) THEN {name}({{0}}) WHEN {{0}} IS NOT NULL THEN {_NAN} END)"


def _where_within_one(name: str) -> str:
    return f"(CASE WHEN abs({{0}}) <= 1 THEN {name}({{0}}) WHEN {{0}} IS NOT NULL THEN {_NAN} END)"


def _where_positive(name: str) -> str:
    """Null for zero and below, as in Hive."""
    return f"(CASE WHEN {{0}} > 0 THEN {name}({{0}}) END)"


_LOGARITHM = f"Null for zero and below. {_LAST_DIGITS}"

FUNCTIONS = (
    scalar(
        way("abs(int) -> int", "abs({0})"),
        way("abs(bigint) -> bigint", "abs({0})"),
        way("abs(decimal) -> same", _absolute),
        way("abs(float) -> float", "abs({0})"),
        way("abs(double) -> double", "abs({0})"),
    ),
    scalar(
        way("ceil(decimal) -> decimal", _write_whole("ceil"), _whole),
        way("ceil(bigint) -> bigint", "{0}"),
        way("ceil(double) -> bigint", _saturated("ceil")),
        aliases=("ceiling",),
    ),
    scalar(
        way("floor(decimal) -> decimal", _write_whole("floor"), _whole),
        way("floor(bigint) -> bigint", "{0}"),
        way("floor(double) -> bigint", _saturated("floor")),
    ),
    scalar(
        way("round(int) -> int", _round_integer),
        way("round(int, #digits) -> int", _round_integer),
        way("round(bigint) -> bigint", _round_integer),
        way("round(bigint, #digits) -> bigint", _round_integer),
        way("round(decimal) -> decimal", _round_decimal, _rounded),
        way("round(decimal, #digits) -> decimal", _round_decimal, _rounded),
        way("round(float) -> float", _round_fraction),
        way("round(float, #digits) -> float", _round_fraction),
        way("round(double) -> double", _round_fraction),
        way("round(double, #digits) -> double", _round_fraction),
        note="Half up: 2.5 becomes 3, -2.5 becomes -3. A double is rounded as it is written.",
    ),
    scalar(
        way(
            "sign(double) -> double",
            "(CASE WHEN isnan({0}) THEN {0} ELSE CAST(sign({0}) AS DOUBLE) END)",
        ),
        aliases=("signum",),
        note="-1, 0 or 1, as a double.",
    ),
    scalar(way("negative(number) -> same", build=_negated)),
    scalar(way("positive(number) -> same", build=_itself)),
    scalar(
        way("mod(number, number) -> number", build=_remainder),
        note="The operator %; the sign is the first argument's.",
    ),
    scalar(
        way("pmod(int, int) -> int", build=_positive_remainder),
        way("pmod(bigint, bigint) -> bigint", build=_positive_remainder),
        note="The remainder that is not negative for a positive divisor.",
    ),
    scalar(
        way("try_divide(number, number) -> number", build=_try_divide),
        note="The operator /, but null where the second is zero.",
    ),
    scalar(way("try_add(number, number) -> number", build=_tried("+")), note="Null for overflow."),
    scalar(
        way("try_subtract(number, number) -> number", build=_tried("-")), note="Null for overflow."
    ),
    scalar(
        way("try_multiply(number, number) -> number", build=_tried("*")), note="Null for overflow."
    ),
    scalar(way("try_mod(number, number) -> number", build=_try_remainder), note="Null for zero."),
    scalar(way("div(bigint, bigint) -> bigint", build=_quotient), note="The operator DIV."),
    scalar(
        way("rint(double) -> double", "round_even({0}, 0)"),
        note="To the nearest whole number, half to the even one.",
    ),
    scalar(way("width_bucket(double, double, double, bigint) -> bigint", _BUCKET)),
    scalar(way("hypot(double, double) -> double", _HYPOT), note=_LAST_DIGITS),
    _double("expm1", _EXPM1),
    _double("log1p", _LOG1P, "Null for -1 and below."),
    _double("csc", f"(1 / {_where_finite('sin')})"),
    _double("sec", f"(1 / {_where_finite('cos')})"),
    _double("cot", f"(1 / {_where_finite('tan')})"),
    scalar(
        way(
            "factorial(int) -> bigint",
            "(CASE WHEN {0} BETWEEN 0 AND 20 THEN CAST(factorial({0}) AS BIGINT) END)",
        ),
        note="Null outside 0 to 20.",
    ),
    _double("sqrt", f"(CASE WHEN {{0}} < 0 THEN {_NAN} ELSE sqrt({{0}}) END)", "NaN below zero."),
    _double("cbrt", "cbrt({0})"),
    _double("exp", "exp({0})"),
    _double("ln", _where_positive("ln"), _LOGARITHM),
    _double("log10", _where_positive("log10"), _LOGARITHM),
    _double("log2", _where_positive("log2"), _LOGARITHM),
    scalar(
        way("log(double) -> double", _where_positive("ln")),
        way(
            "log(double, double) -> double",
            "(CASE WHEN {0} > 0 AND {1} > 0 THEN ln({1}) / ln({0}) END)",
        ),
        note=f"With two arguments the first is the base. {_LOGARITHM}",
    ),
    scalar(
        way("power(double, double) -> double", "power({0}, {1})"),
        note=_LAST_DIGITS,
        aliases=("pow",),
    ),
    _double("sin", _where_finite("sin")),
    _double("cos", _where_finite("cos")),
    _double("tan", _where_finite("tan")),
    _double("asin", _where_within_one("asin")),
    _double("acos", _where_within_one("acos")),
    _double("atan", "atan({0})"),
    scalar(way("atan2(double, double) -> double", "atan2({0}, {1})"), note=_LAST_DIGITS),
    _double("sinh", "sinh({0})"),
    _double("cosh", "cosh({0})"),
    _double("tanh", "tanh({0})"),
    _double("degrees", "degrees({0})"),
    _double("radians", "radians({0})"),
    scalar(way("pi() -> double", "pi()")),
    scalar(way("e() -> double", "exp(CAST(1 AS DOUBLE))")),
)
