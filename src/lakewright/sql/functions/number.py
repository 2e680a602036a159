"""Functions of numbers."""

from collections.abc import Callable, Sequence

from lakewright.sql import coercion, types
from lakewright.sql.function import Function, scalar
from lakewright.sql.quoting import duckdb_type
from lakewright.sql.signature import way
from lakewright.sql.term import Term

_LAST_DIGITS = "Engines may differ in the last binary digit of a double."


def _digits(term: Term) -> int:
    assert isinstance(term.value, int)  # noqa: S101 -- the signature asks for a constant
    return term.value


def _decimal(term: Term) -> types.Decimal:
    assert isinstance(term.type, types.Decimal)  # noqa: S101 -- the signature asks for one
    return term.type


def _whole(arguments: Sequence[Term]) -> types.Type:
    """Of ceil and floor: no digits after the point, one more before it."""
    given = _decimal(arguments[0])
    return coercion.bounded(given.precision - given.scale + 1, 0)


def _write_whole(name: str) -> Callable[[Sequence[Term]], str]:
    def write(arguments: Sequence[Term]) -> str:
        kind = duckdb_type(_whole(arguments))
        return f"CAST({name}({arguments[0].text}) AS {kind})"

    return write


def _rounded(arguments: Sequence[Term]) -> types.Type:
    """Of round. Source: Spark's `RoundBase.dataType`."""
    given = _decimal(arguments[0])
    digits = _digits(arguments[1]) if len(arguments) > 1 else 0
    whole = given.precision - given.scale + 1
    if digits < 0:
        return coercion.bounded(max(whole, -digits + 1), 0)
    scale = min(given.scale, digits)
    return coercion.bounded(whole + scale, scale)


def _round_decimal(arguments: Sequence[Term]) -> str:
    """Half up, by a cast to fewer digits after the point; before the point, by integers."""
    digits = _digits(arguments[1]) if len(arguments) > 1 else 0
    kind = duckdb_type(_rounded(arguments))
    x = arguments[0].text
    if digits >= 0:
        return f"CAST({x} AS {kind})"
    unit = f"CAST({10**-digits} AS HUGEINT)"
    whole = f"CAST(trunc({x}) AS HUGEINT)"
    half = f"{unit} // 2 * CAST(sign({x}) AS HUGEINT)"
    return f"CAST(({whole} + {half}) // {unit} * {unit} AS {kind})"


def _round_integer(arguments: Sequence[Term]) -> str:
    digits = _digits(arguments[1]) if len(arguments) > 1 else 0
    x, kind = arguments[0].text, duckdb_type(arguments[0].type)
    if digits >= 0:
        return x
    if -digits > 19:
        return f"CAST({x} * 0 AS {kind})"
    unit = f"CAST({10**-digits} AS HUGEINT)"
    half = f"{unit} // 2 * sign({x})"
    return f"CAST((CAST({x} AS HUGEINT) + {half}) // {unit} * {unit} AS {kind})"


def _round_double(arguments: Sequence[Term]) -> str:
    """Spark rounds the shortest decimal text half up, not the binary value."""
    digits = _digits(arguments[1]) if len(arguments) > 1 else 0
    x = arguments[0].text
    if not 0 <= digits <= 15:
        raise ValueError("a double is rounded to 0 to 15 digits; cast it to a decimal first")
    exact = f"CAST(CAST(CAST({x} AS VARCHAR) AS DECIMAL(38,{digits})) AS VARCHAR)"
    return f"(CASE WHEN abs({x}) < 1e15 THEN CAST({exact} AS DOUBLE) ELSE {x} END)"


def _double(name: str, rewrite: str, note: str = "", aliases: tuple[str, ...] = ()) -> Function:
    """A function from double to double; a rewrite may need its argument more than once."""
    return scalar(
        way(f"{name}(double) -> double", rewrite),
        note=f"{note} {_LAST_DIGITS}".strip(),
        aliases=aliases,
    )


_NAN = "CAST('NaN' AS DOUBLE)"

FUNCTIONS = (
    scalar(
        way("abs(int) -> int", "abs({0})"),
        way("abs(bigint) -> bigint", "abs({0})"),
        way("abs(decimal) -> same", "abs({0})"),
        way("abs(double) -> double", "abs({0})"),
    ),
    scalar(
        way("ceil(decimal) -> decimal", _write_whole("ceil"), _whole),
        way("ceil(bigint) -> bigint", "{0}"),
        way("ceil(double) -> bigint", "CAST(ceil({0}) AS BIGINT)"),
        aliases=("ceiling",),
    ),
    scalar(
        way("floor(decimal) -> decimal", _write_whole("floor"), _whole),
        way("floor(bigint) -> bigint", "{0}"),
        way("floor(double) -> bigint", "CAST(floor({0}) AS BIGINT)"),
    ),
    scalar(
        way("round(int) -> int", _round_integer),
        way("round(int, #digits) -> int", _round_integer),
        way("round(bigint) -> bigint", _round_integer),
        way("round(bigint, #digits) -> bigint", _round_integer),
        way("round(decimal) -> decimal", _round_decimal, _rounded),
        way("round(decimal, #digits) -> decimal", _round_decimal, _rounded),
        way("round(double) -> double", _round_double),
        way("round(double, #digits) -> double", _round_double),
        note="Half up: 2.5 becomes 3, -2.5 becomes -3.",
    ),
    scalar(
        way(
            "sign(double) -> double",
            "(CASE WHEN isnan({0}) THEN {0} ELSE CAST(sign({0}) AS DOUBLE) END)",
        ),
        aliases=("signum",),
        note="-1, 0 or 1, as a double.",
    ),
    scalar(
        way("negative(int) -> int", "(-{0})"),
        way("negative(bigint) -> bigint", "(-{0})"),
        way("negative(decimal) -> same", "(-{0})"),
        way("negative(double) -> double", "(-{0})"),
    ),
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
    _double("ln", "(CASE WHEN {0} > 0 THEN ln({0}) END)", "Null for zero and below."),
    _double("log10", "(CASE WHEN {0} > 0 THEN log10({0}) END)", "Null for zero and below."),
    _double("log2", "(CASE WHEN {0} > 0 THEN log2({0}) END)", "Null for zero and below."),
    scalar(
        way("power(double, double) -> double", "power({0}, {1})"),
        note=_LAST_DIGITS,
        aliases=("pow",),
    ),
    _double("sin", "sin({0})"),
    _double("cos", "cos({0})"),
    _double("tan", "tan({0})"),
    _double(
        "asin",
        f"(CASE WHEN abs({{0}}) <= 1 THEN asin({{0}}) WHEN {{0}} IS NOT NULL THEN {_NAN} END)",
    ),
    _double(
        "acos",
        f"(CASE WHEN abs({{0}}) <= 1 THEN acos({{0}}) WHEN {{0}} IS NOT NULL THEN {_NAN} END)",
    ),
    _double("atan", "atan({0})"),
    scalar(way("atan2(double, double) -> double", "atan2({0}, {1})"), note=_LAST_DIGITS),
    _double("degrees", "degrees({0})"),
    _double("radians", "radians({0})"),
    scalar(way("pi() -> double", "pi()")),
    scalar(
        way("mod(int, int) -> int", "%"),
        way("mod(bigint, bigint) -> bigint", "%"),
        note="The operator % as a function; the sign is the first argument's.",
    ),
)
