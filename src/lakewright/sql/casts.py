"""The allow-list of casts, each with the text that makes DuckDB answer as Spark 4's ANSI CAST does.

A cast is refused where the engines' answers differ and no exact rewrite is known: a float as text
(Java and DuckDB write it differently), a number as a point in time, anything nested.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

from lakewright.sql import coercion, types
from lakewright.sql.quoting import duckdb_type, text
from lakewright.sql.term import Term, constant

Prepare: TypeAlias = Callable[[str, types.Type, types.Type], str]
"""From the operand's text, its type and the target: what DuckDB's own cast then takes rightly."""

_SPACE = r"[\x00-\x20\x7f]*"  # What Spark's UTF8String.trimAll cuts off.
_DIGITS = r"([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?"
_DATE = r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}"
_TIME = r"([01]?[0-9]|2[0-3]):[0-5]?[0-9]:[0-5]?[0-9](\.[0-9]*)?"
_ZONE = r"(Z|[+-](0[0-9]|1[0-7]):[0-5][0-9])"


@dataclass(frozen=True, kw_only=True, slots=True)
class Cast:
    """One permitted conversion."""

    source: str
    """A type's name, or a kind of types: `integer`, `fraction`, `decimal`."""
    target: str
    prepare: Prepare
    note: str = ""


def _is_like(pattern: str, x: str) -> str:
    return f"regexp_full_match({x}, {text(_SPACE + pattern + _SPACE)})"


def _as_is(x: str, source: types.Type, target: types.Type) -> str:
    return x


def _cut(x: str, source: types.Type, target: types.Type) -> str:
    """Spark cuts a fraction off towards zero; DuckDB rounds."""
    return f"trunc({x})"


def _fraction_to_bigint(x: str, source: types.Type, target: types.Type) -> str:
    """Spark takes 2^63 itself, which no bigint holds, for the largest bigint."""
    largest = "CAST(9223372036854775807 AS HUGEINT)"
    return (
        f"CASE WHEN {x} = 9223372036854775808 THEN {largest} ELSE CAST(trunc({x}) AS HUGEINT) END"
    )


def _fraction_to_decimal(x: str, source: types.Type, target: types.Type) -> str:
    """Spark rounds the shortest decimal text of a float half up; NaN and infinities become null."""
    assert isinstance(target, types.Decimal)  # noqa: S101 -- told to the type checker
    wide = f"DECIMAL(38,{target.scale})"
    return f"CASE WHEN isfinite({x}) THEN CAST(CAST({x} AS VARCHAR) AS {wide}) END"


def _decimal_to_fraction(x: str, source: types.Type, target: types.Type) -> str:
    """Through text: the nearest float, which a division by a power of ten misses now and then."""
    return f"CAST({x} AS VARCHAR)"


def _not_zero(x: str, source: types.Type, target: types.Type) -> str:
    return f"({x} <> 0)"


def _boolean_to_decimal(x: str, source: types.Type, target: types.Type) -> str:
    """DuckDB makes 0.1 of TRUE as DECIMAL(1,1); through an integer it overflows as it should."""
    return f"CAST({x} AS INTEGER)"


def _integer_from_text(x: str, source: types.Type, target: types.Type) -> str:
    good = _is_like("[+-]?[0-9]+", x)
    return f"CASE WHEN {good} THEN regexp_extract({x}, '[+-]?[0-9]+') ELSE {_named(x, target)} END"


def _fraction_from_text(x: str, source: types.Type, target: types.Type) -> str:
    number, special = f"[+-]?{_DIGITS}", "(?i)nan|[+-]?inf(inity)?"
    return (
        f"CASE WHEN {_is_like(number + '[dDfF]?', x)} THEN regexp_extract({x}, {text(number)})"
        f" WHEN {_is_like(f'({special})', x)} THEN regexp_extract({x}, {text(special)})"
        f" WHEN {_is_like('[+-]?(NaN|0[xX].*)', x)} THEN {_unsupported(x, target)}"
        f" ELSE {_named(x, target)} END"
    )


def _decimal_from_text(x: str, source: types.Type, target: types.Type) -> str:
    assert isinstance(target, types.Decimal)  # noqa: S101 -- told to the type checker
    number = f"[+-]?{_DIGITS}"
    # DuckDB reads "123456789e-8" only where the mantissa's digits fit: hence the widest first.
    return (
        f"CASE WHEN {_is_like(number, x)} THEN regexp_extract({x}, {text(number)})"
        f" ELSE {_named(x, target)} END"
    )


def _boolean_from_text(x: str, source: types.Type, target: types.Type) -> str:
    return (
        f"CASE WHEN {_is_like('(?i)(t|true|y|yes|1)', x)} THEN 'true'"
        f" WHEN {_is_like('(?i)(f|false|n|no|0)', x)} THEN 'false'"
        f" ELSE {_named(x, target)} END"
    )


_DAY_AND_REST = rf"\+?{_DATE}([ T](?s:.*))?"
_MONTH = r"\+?[0-9]{4}-[0-9]{1,2}"
_YEAR = r"\+?[0-9]{4}"
_OTHER_ERAS = r"([+-]?[0-9]{5,7}|-[0-9]{4})(-(?s:.*))?"
_WORDS = "(?i)(epoch|now|today|tomorrow|yesterday)"


def _date_from_text(x: str, source: types.Type, target: types.Type) -> str:
    return (
        f"CASE WHEN {_is_like(_DAY_AND_REST, x)} THEN regexp_extract({x}, {text(_DATE)})"
        f" WHEN {_is_like(_MONTH, x)}"
        f" THEN regexp_extract({x}, '[0-9]{{4}}-[0-9]{{1,2}}') || '-01'"
        f" WHEN {_is_like(_YEAR, x)} THEN regexp_extract({x}, '[0-9]{{4}}') || '-01-01'"
        f" WHEN {_is_like(f'({_OTHER_ERAS}|{_WORDS})', x)} THEN {_unsupported(x, target)}"
        f" ELSE {_named(x, target)} END"
    )


def _timestamp_from_text(x: str, source: types.Type, target: types.Type) -> str:
    zone = f"( ?{_ZONE})?" if target == types.TIMESTAMP else ""
    moment = f"{_DATE}[ T]{_TIME}{zone}"
    odd = r"(?i)T?[0-9]{1,2}:.*|[+-]?[0-9]{4,7}-.*[T ].*:.*[ A-Z+-].*|[+-]?[0-9]{5,7}(-.*)?"
    odd += r"|-[0-9]{4}(-.*)?|epoch|now|today|tomorrow|yesterday|[0-9]{4}-[^ T]*[ T][0-9:]+"
    return (
        f"CASE WHEN {_is_like(moment, x)} THEN replace(replace(trim(regexp_extract({x},"
        f" {text(moment)})), ' +', '+'), ' -', '-')"
        f" WHEN {_is_like(_DATE, x)} THEN regexp_extract({x}, {text(_DATE)})"
        f" WHEN {_is_like(f'({odd})', x)} THEN {_unsupported(x, target)}"
        f" ELSE {_named(x, target)} END"
    )


def _named(x: str, target: types.Type) -> str:
    """A text that DuckDB's cast refuses, and whose message names the value; null for a null."""
    return f"'not a {target}: ' || {x}"


def _unsupported(x: str, target: types.Type) -> str:
    """Spark reads these texts; nothing here does so identically, so even TRY_CAST stops."""
    return f"error('this text is not portable as {target}: ' || {x})"


def _moment_to_text(x: str, source: types.Type, target: types.Type) -> str:
    """Both write years 1 to 9999 alike, other years differently."""
    wall = f"timezone('UTC', {x})" if source == types.TIMESTAMP else x
    return (
        f"CASE WHEN {wall} BETWEEN DATE '0001-01-01' AND TIMESTAMP '9999-12-31 23:59:59.999999'"
        f" THEN CAST({wall} AS VARCHAR)"
        f" WHEN {x} IS NOT NULL THEN error('a year outside 1 to 9999 as text is not portable') END"
    )


def _wall_clock(x: str, source: types.Type, target: types.Type) -> str:
    """Spark's zone is UTC for every table that is built."""
    return f"timezone('UTC', {x})"


def _wall_clock_of_date(x: str, source: types.Type, target: types.Type) -> str:
    return f"timezone('UTC', CAST({x} AS TIMESTAMP))"


_ROUNDS = "The fraction is cut off, not rounded."
_UTC = "The zone is UTC."

CASTS = (
    Cast(source="integer", target="integer", prepare=_as_is),
    Cast(source="integer", target="decimal", prepare=_as_is),
    Cast(source="integer", target="fraction", prepare=_as_is),
    Cast(source="integer", target="string", prepare=_as_is),
    Cast(source="integer", target="boolean", prepare=_not_zero),
    Cast(source="decimal", target="integer", prepare=_cut, note=_ROUNDS),
    Cast(source="decimal", target="decimal", prepare=_as_is, note="Rounded half up."),
    Cast(source="decimal", target="fraction", prepare=_decimal_to_fraction),
    Cast(source="decimal", target="string", prepare=_as_is),
    Cast(source="decimal", target="boolean", prepare=_not_zero),
    Cast(source="fraction", target="int", prepare=_cut, note=_ROUNDS),
    Cast(source="fraction", target="bigint", prepare=_fraction_to_bigint, note=_ROUNDS),
    Cast(
        source="fraction",
        target="decimal",
        prepare=_fraction_to_decimal,
        note="Rounded half up from the shortest decimal text; NaN and infinities become null.",
    ),
    Cast(source="fraction", target="fraction", prepare=_as_is),
    Cast(source="fraction", target="boolean", prepare=_not_zero),
    Cast(source="boolean", target="integer", prepare=_as_is),
    Cast(source="boolean", target="decimal", prepare=_boolean_to_decimal),
    Cast(source="boolean", target="fraction", prepare=_as_is),
    Cast(source="boolean", target="string", prepare=_as_is),
    Cast(
        source="string",
        target="integer",
        prepare=_integer_from_text,
        note="Digits with an optional sign and white space around them, nothing else.",
    ),
    Cast(source="string", target="decimal", prepare=_decimal_from_text, note="Rounded half up."),
    Cast(source="string", target="fraction", prepare=_fraction_from_text),
    Cast(
        source="string",
        target="boolean",
        prepare=_boolean_from_text,
        note="t, true, y, yes, 1 and f, false, n, no, 0 in any case.",
    ),
    Cast(
        source="string",
        target="date",
        prepare=_date_from_text,
        note="yyyy, yyyy-MM or yyyy-MM-dd; what follows a space or T is ignored.",
    ),
    Cast(
        source="string",
        target="timestamp",
        prepare=_timestamp_from_text,
        note="yyyy-MM-dd, or with a time HH:mm:ss[.ffffff] and an optional zone Z or +HH:mm; "
        "other forms that Spark reads stop the query.",
    ),
    Cast(
        source="string",
        target="timestamp_ntz",
        prepare=_timestamp_from_text,
        note="yyyy-MM-dd, or with a time HH:mm:ss[.ffffff]; other forms that Spark reads stop "
        "the query.",
    ),
    Cast(source="date", target="string", prepare=_moment_to_text, note="Years 1 to 9999."),
    Cast(source="timestamp", target="string", prepare=_moment_to_text, note=_UTC),
    Cast(source="timestamp_ntz", target="string", prepare=_moment_to_text),
    Cast(source="date", target="timestamp", prepare=_wall_clock_of_date, note=_UTC),
    Cast(source="date", target="timestamp_ntz", prepare=_as_is),
    Cast(source="timestamp", target="date", prepare=_wall_clock, note=_UTC),
    Cast(source="timestamp_ntz", target="date", prepare=_as_is),
    Cast(source="timestamp", target="timestamp_ntz", prepare=_wall_clock, note=_UTC),
    Cast(source="timestamp_ntz", target="timestamp", prepare=_wall_clock, note=_UTC),
)

_BY_KINDS = {(cast.source, cast.target): cast for cast in CASTS}

WAYS_OUT = {
    ("fraction", "string"): "cast to a decimal first: CAST(CAST(x AS DECIMAL(18,2)) AS STRING)",
    ("integer", "timestamp"): "use timestamp_seconds(x)",
    ("timestamp", "integer"): "use unix_seconds(x)",
    ("timestamp", "fraction"): "use unix_micros(x)",
    ("integer", "date"): "use date_from_unix_date(x)",
    ("date", "integer"): "use unix_date(x)",
}


def find(source: types.Type, target: types.Type) -> Cast | None:
    """The permitted cast between two types, if there is one."""
    for from_kind in _kinds(source):
        for to_kind in _kinds(target):
            found = _BY_KINDS.get((from_kind, to_kind))
            if found:
                return found
    return None


def way_out(source: types.Type, target: types.Type) -> str:
    """What to write in place of a cast that is refused; empty if nothing comes close."""
    for from_kind in _kinds(source):
        for to_kind in _kinds(target):
            if (from_kind, to_kind) in WAYS_OUT:
                return WAYS_OUT[from_kind, to_kind]
    return ""


def _kinds(kind: types.Type) -> tuple[str, ...]:
    if isinstance(kind, types.Decimal):
        return ("decimal",)
    if kind in coercion.INTEGERS:
        return (str(kind), "integer")
    if kind in coercion.FRACTIONS:
        return (str(kind), "fraction")
    return (str(kind),)


def apply(term: Term, target: types.Type, *, is_try: bool = False) -> Term | None:
    """The term as another type, by a permitted cast; None where there is none."""
    if term.type == target:
        return replace(term, plain=None)
    if term.type == types.UNKNOWN:
        null = constant(None, target)
        return null if term.is_null else replace(term, type=target, text=null.text, plain=None)
    cast = find(term.type, target)
    if cast is None:
        return None
    prepared = cast.prepare(term.text, term.type, target)
    if isinstance(target, types.Decimal) and term.type == types.STRING:
        prepared = f"{_verb(is_try=is_try)}({prepared} AS DECIMAL(38,{target.scale}))"
    elif is_try and cast.prepare in (_fraction_to_bigint, _fraction_to_decimal):
        prepared = prepared.replace("CAST(trunc", "TRY_CAST(trunc", 1)
        prepared = prepared.replace("THEN CAST(CAST", "THEN TRY_CAST(CAST", 1)
    final = f"{_verb(is_try=is_try)}({prepared} AS {duckdb_type(target)})"
    return replace(term, type=target, text=final, plain=None, value=None, is_literal=False)


def _verb(*, is_try: bool) -> str:
    return "TRY_CAST" if is_try else "CAST"
