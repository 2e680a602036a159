"""The allow-list of casts, each with the text that makes DuckDB answer as Spark 4's ANSI CAST does.

A cast is refused where the engines' answers differ and no exact rewrite is known: a float as text
(Java and DuckDB write it differently), a number as a point in time, anything nested.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

from lakewright.sql import coercion, texts_read, types
from lakewright.sql.quoting import duckdb_type
from lakewright.sql.term import Term, constant


@dataclass(frozen=True, kw_only=True, slots=True)
class Operand:
    """What is cast to what, and by which of DuckDB's verbs: CAST or TRY_CAST."""

    text: str
    source: types.Type
    target: types.Type
    verb: str
    origin: str
    """The column, or columns, that it comes from, for messages; empty: it comes from none."""


Prepare: TypeAlias = Callable[[Operand], str]
"""What DuckDB's own cast to the target then takes as Spark would take the operand itself."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cast:
    """One permitted conversion."""

    source: str
    """A type's name, or a kind of types: `integer`, `fraction`, `decimal`."""
    target: str
    prepare: Prepare
    note: str = ""


def _as_is(given: Operand) -> str:
    return given.text


def _cut(given: Operand) -> str:
    """Spark cuts a fraction off towards zero; DuckDB rounds."""
    return f"trunc({given.text})"


def _fraction_to_bigint(given: Operand) -> str:
    """Spark takes 2^63 itself, which no bigint holds, for the largest bigint."""
    return (
        f"CASE WHEN {given.text} = 9223372036854775808 THEN CAST(9223372036854775807 AS HUGEINT)"
        f" ELSE {given.verb}(trunc({given.text}) AS HUGEINT) END"
    )


def _fraction_to_decimal(given: Operand) -> str:
    """Spark rounds the shortest decimal text of a float half up; NaN and infinities become null."""
    exact = f"CAST({given.text} AS DOUBLE)" if given.source == types.FLOAT else given.text
    number = f"{given.verb}({texts_read.fraction_digits(exact)} AS {_widest(given.target)})"
    return f"CASE WHEN isfinite({given.text}) THEN {number} END"


def _widest(target: types.Type) -> str:
    """DuckDB reads "123456789e-8" only where the digits before the e fit: hence 38 digits first."""
    assert isinstance(target, types.Decimal)  # noqa: S101 -- told to the type checker
    return f"DECIMAL(38,{target.scale})"


def _decimal_to_fraction(given: Operand) -> str:
    """Through text: the nearest float, which a division by a power of ten misses now and then."""
    return f"CAST({given.text} AS VARCHAR)"


def _double_to_float(given: Operand) -> str:
    """Beyond the largest float (and half its last digit) Spark has infinity; DuckDB raises."""
    beyond = f"isfinite({given.text}) AND abs({given.text}) >= 3.4028235677973366e38"
    return f"CASE WHEN {beyond} THEN {given.text} * CAST('inf' AS DOUBLE) ELSE {given.text} END"


def _decimal_to_text(given: Operand) -> str:
    """DuckDB writes .50 where no digit stands before the point; Spark writes 0.50."""
    kind = given.source
    if isinstance(kind, types.Decimal) and kind.precision == kind.scale:
        return f"regexp_replace(CAST({given.text} AS VARCHAR), '^(-?)[.]', '\\10.')"
    return given.text


def _not_zero(given: Operand) -> str:
    return f"({given.text} <> 0)"


def _boolean_to_decimal(given: Operand) -> str:
    """DuckDB makes 0.1 of TRUE as DECIMAL(1,1); through an integer it overflows as it should."""
    return f"CAST({given.text} AS INTEGER)"


def _integer_from_text(given: Operand) -> str:
    return texts_read.integer(given.text, given.target, given.origin)


def _fraction_from_text(given: Operand) -> str:
    return texts_read.fraction(given.text, given.target, given.origin)


def _decimal_from_text(given: Operand) -> str:
    number = texts_read.decimal(given.text, given.target, given.origin)
    return f"{given.verb}({number} AS {_widest(given.target)})"


def _boolean_from_text(given: Operand) -> str:
    return texts_read.boolean(given.text, given.target, given.origin)


def _date_from_text(given: Operand) -> str:
    return texts_read.day(given.text, given.target, given.origin)


def _moment_from_text(given: Operand) -> str:
    return texts_read.moment(given.text, given.target, given.origin)


def _to_utf8(given: Operand) -> str:
    return f"encode({given.text})"


def _moment_to_text(given: Operand) -> str:
    """Both write years 1 to 9999 alike, other years differently."""
    wall = _wall_clock(given) if given.source == types.TIMESTAMP else given.text
    return (
        f"CASE WHEN year({wall}) BETWEEN 1 AND 9999 THEN CAST({wall} AS VARCHAR)"
        f" WHEN {wall} IS NOT NULL THEN error('a year outside 1 to 9999 is not portable as text')"
        " END"
    )


def _wall_clock(given: Operand) -> str:
    """An instant as UTC's wall clock, by its number: thirty times as fast as a zone's rules."""
    return wall_clock(given.text)


def _instant(given: Operand) -> str:
    return instant(given.text)


def _midnight(given: Operand) -> str:
    return instant(f"CAST({given.text} AS TIMESTAMP)")


def wall_clock(x: str) -> str:
    """DuckDB's TIMESTAMPTZ as the TIMESTAMP that UTC's clocks show."""
    return f"make_timestamp(epoch_us({x}))"


def instant(x: str) -> str:
    """The reverse."""
    return f"make_timestamptz(epoch_us({x}))"


_CUT = "The fraction is cut off, not rounded."
_HALF_UP = "Rounded half up."
_UTC = "The zone is UTC."
_MOMENT = "yyyy-MM-dd, or with HH:mm:ss[.ffffff] and an optional zone Z or +HH:mm; the few other \
forms that Spark reads stop the query."

CASTS = (
    Cast(source="integer", target="integer", prepare=_as_is),
    Cast(source="integer", target="decimal", prepare=_as_is),
    Cast(source="integer", target="fraction", prepare=_as_is),
    Cast(source="integer", target="string", prepare=_as_is),
    Cast(source="integer", target="boolean", prepare=_not_zero),
    Cast(source="decimal", target="integer", prepare=_cut, note=_CUT),
    Cast(source="decimal", target="decimal", prepare=_as_is, note=_HALF_UP),
    Cast(source="decimal", target="fraction", prepare=_decimal_to_fraction),
    Cast(source="decimal", target="string", prepare=_decimal_to_text),
    Cast(source="decimal", target="boolean", prepare=_not_zero),
    Cast(source="fraction", target="int", prepare=_cut, note=_CUT),
    Cast(source="fraction", target="bigint", prepare=_fraction_to_bigint, note=_CUT),
    Cast(
        source="fraction",
        target="decimal",
        prepare=_fraction_to_decimal,
        note="Rounded half up from the shortest decimal text; NaN and infinities become null.",
    ),
    Cast(source="double", target="float", prepare=_double_to_float),
    Cast(source="float", target="double", prepare=_as_is),
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
    Cast(source="string", target="decimal", prepare=_decimal_from_text, note=_HALF_UP),
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
    Cast(source="string", target="timestamp", prepare=_moment_from_text, note=_MOMENT),
    Cast(
        source="string",
        target="timestamp_ntz",
        prepare=_moment_from_text,
        note=f"{_MOMENT} A zone is read over.",
    ),
    Cast(source="string", target="binary", prepare=_to_utf8, note="Its UTF-8."),
    Cast(source="date", target="string", prepare=_moment_to_text, note="Years 1 to 9999."),
    Cast(source="timestamp", target="string", prepare=_moment_to_text, note=_UTC),
    Cast(source="timestamp_ntz", target="string", prepare=_moment_to_text),
    Cast(source="date", target="timestamp", prepare=_midnight, note=_UTC),
    Cast(source="date", target="timestamp_ntz", prepare=_as_is),
    Cast(source="timestamp", target="date", prepare=_wall_clock, note=_UTC),
    Cast(source="timestamp_ntz", target="date", prepare=_as_is),
    Cast(source="timestamp", target="timestamp_ntz", prepare=_wall_clock, note=_UTC),
    Cast(source="timestamp_ntz", target="timestamp", prepare=_instant, note=_UTC),
)

_BY_KINDS = {(cast.source, cast.target): cast for cast in CASTS}

_WAYS_OUT = {
    ("fraction", "string"): "cast to a decimal first: CAST(CAST(x AS DECIMAL(18,2)) AS STRING)",
    ("integer", "timestamp"): "use timestamp_seconds(x)",
    ("timestamp", "integer"): "use unix_seconds(x)",
    ("timestamp", "fraction"): "use unix_micros(x)",
    ("integer", "date"): "use date_from_unix_date(x)",
    ("date", "integer"): "use unix_date(x)",
}


def apply(term: Term, target: types.Type, *, is_try: bool = False) -> Term | None:
    """The term as another type, by a permitted cast; None where there is none."""
    if term.type == target:
        return replace(term, plain=None, is_literal=False, value=None)
    if term.is_null:
        return constant(None, target)
    if term.type == types.UNKNOWN:  # A column that was always empty: its value is null.
        return replace(term, type=target, text=constant(None, target).text, plain=None)
    if coercion.is_nested(target):
        return _nested(term, target, is_try=is_try)
    cast = _find(term.type, target)
    if cast is None:
        return None
    verb = "TRY_CAST" if is_try else "CAST"
    origin = "" if is_try else term.plain or ", ".join(sorted(term.origins))
    operand = Operand(text=term.text, source=term.type, target=target, verb=verb, origin=origin)
    prepared = cast.prepare(operand)
    text = f"{verb}({prepared} AS {duckdb_type(target)})"
    return replace(
        term,
        type=target,
        text=text,
        plain=None,
        value=None,
        is_literal=False,
        may_stop=term.may_stop or "error(" in text or not (is_try or _is_safe(term.type, target)),
    )


_INNER = '"our e"'


def _nested(term: Term, target: types.Type, *, is_try: bool) -> Term | None:
    """An array, map or struct part by part; None where a part has no cast."""
    source = term.type
    parts: tuple[Term, ...]
    if isinstance(source, types.Array) and isinstance(target, types.Array):
        inner = _part(source.element, target.element, _INNER, is_try=is_try)
        if inner is None:
            return None
        parts, text = (inner,), f"list_transform({term.text}, lambda {_INNER}: {inner.text})"
    elif isinstance(source, types.Map) and isinstance(target, types.Map):
        key = _part(source.key, target.key, f"{_INNER}.key", is_try=is_try)
        value = _part(source.value, target.value, f"{_INNER}.value", is_try=is_try)
        if key is None or value is None or not coercion.widens(source.key, target.key):
            return None
        pair = f"struct_pack(key := {key.text}, value := {value.text})"
        entries = f"list_transform(map_entries({term.text}), lambda {_INNER}: {pair})"
        parts, text = (key, value), f"map_from_entries({entries})"
    else:
        return None
    kind = duckdb_type(target)
    return replace(
        term,
        type=target,
        text=f"CAST({text} AS {kind})",
        plain=None,
        value=None,
        is_literal=False,
        may_stop=term.may_stop or any(part.may_stop for part in parts),
    )


def _part(source: types.Type, target: types.Type, text: str, *, is_try: bool) -> Term | None:
    return apply(Term(type=source, text=text), target, is_try=is_try)


def _is_safe(source: types.Type, target: types.Type) -> bool:
    """Whether every value has an answer."""
    is_total = target in (types.STRING, types.DOUBLE) and source != types.STRING
    return is_total or coercion.widens(source, target)


def way_out(source: types.Type, target: types.Type) -> str:
    """What to write in place of a cast that is refused; empty if nothing comes close."""
    pairs = ((one, other) for one in _kinds(source) for other in _kinds(target))
    return next((_WAYS_OUT[pair] for pair in pairs if pair in _WAYS_OUT), "")


def _find(source: types.Type, target: types.Type) -> Cast | None:
    pairs = ((one, other) for one in _kinds(source) for other in _kinds(target))
    return next((_BY_KINDS[pair] for pair in pairs if pair in _BY_KINDS), None)


def _kinds(kind: types.Type) -> tuple[str, ...]:
    if isinstance(kind, types.Decimal):
        return ("decimal",)
    if kind in coercion.INTEGERS:
        return (str(kind), "integer")
    if kind in coercion.FRACTIONS:
        return (str(kind), "fraction")
    return (str(kind),)
