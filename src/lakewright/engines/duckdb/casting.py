"""Text into values, strictly: what does not say exactly one value of the type is refused.

DuckDB's own casts are lenient: '1.5' becomes 2, '2024-01-31junk' a date, '+02:00' is dropped,
'1e400' is infinite. Each type here has a candidate (DuckDB's cast), a cheap test that proves most
candidates right (usually: printed, the candidate is the text again), and a complete test for the
rest. Fields are read so:

- int, bigint: an optional sign and digits.
- decimal(p,s): an optional sign, digits, a point; an exponent. It never loses a digit.
- float, double: the same, rounded to the nearest; `NaN`, `Infinity`, `inf` in any case. A finite
  text never becomes infinite.
- boolean: true, t, yes, y, 1 and false, f, no, n, 0, in any case (Spark's words).
- A number's `format` says another notation, such as `#.##0,00 €`; see `project.numerals`.
- date: `2024-01-31`. timestamp_ntz: `2024-01-31T10:00:00.123456`, with `T` or a blank, the seconds
  or the whole time left out. timestamp: the same, and an offset (`Z`, `+02:00`, `+0200`, `+02`);
  without one it is in UTC. Years from 0001 to 9999.
- binary: base64 with padding.
- string: any text.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from lakewright.engines.duckdb import text
from lakewright.engines.duckdb.moments import Pattern
from lakewright.engines.duckdb.numbers import Notation
from lakewright.project import values
from lakewright.sql import types

FromText: TypeAlias = Callable[[str], str]
FromPair: TypeAlias = Callable[[str, str], str]
FromTriple: TypeAlias = Callable[[str, str, str], str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Cast:
    """How one column's text becomes a value. Every member makes SQL out of SQL names.

    They build on each other, each in a projection of its own, so that nothing is computed twice:
    candidate(text), exact(text, candidate), value(text, candidate, exact), sound(text, value).
    """

    candidate: FromText
    """Null where the text cannot be a value; otherwise maybe too lenient."""
    is_exact: FromPair
    """True proves that the value is right; anything else proves nothing."""
    value: FromTriple = lambda _text, candidate, _exact: candidate
    is_sound: FromPair = lambda _text, _value: "false"
    """Whether a value that is not exact is right; asked only where neither argument is null."""
    reason: FromText
    """A struct of code and message, for a text that is refused."""
    is_lenient: bool = False
    """Whether every text is a value, so that nothing need be tested."""
    refuses_empty: bool = False
    """Whether the candidate of the empty text is null: who takes that for null need not look."""


def reason(code: str, message: str) -> str:
    """The SQL of one reason."""
    return f"{{'code': {text.literal(code)}, 'message': {text.literal(message)}}}"


def from_text(kind: types.Type, *, pattern: str | None = None, separator: str = ".") -> Cast:
    """The strict cast from text to a type that holds no other types.

    Args:
        kind: a primitive type or a decimal.
        pattern: Spark's pattern letters, for dates and timestamps; for numbers see
            `project.numerals`.
        separator: what stands before a number's fraction, `.` or `,`, where no pattern says it.

    Raises:
        ValueError: the pattern cannot be read, or the type is nested or unknown.
    """
    if pattern is not None and values.is_number(kind):
        notation = Notation.of(pattern)
        if not notation.numeral.is_plain:
            return _written(kind, notation, pattern)
        separator = notation.numeral.point or separator
    if isinstance(kind, types.Decimal):
        return _decimal(kind, separator)
    if kind in (types.INT, types.BIGINT):
        return _integer(kind)
    if kind in (types.FLOAT, types.DOUBLE):
        return _floating(kind, separator)
    if kind in (types.DATE, types.TIMESTAMP, types.TIMESTAMP_NTZ) and pattern is not None:
        return _formatted(kind, pattern)
    simple = {
        types.STRING: _STRING,
        types.BOOLEAN: _BOOLEAN,
        types.BINARY: _BINARY,
        types.DATE: _DATE,
        types.TIMESTAMP: _TIMESTAMP,
        types.TIMESTAMP_NTZ: _TIMESTAMP_NTZ,
    }
    if kind not in simple:
        raise ValueError(f"a text cannot be read as {kind}")
    return simple[kind]


def matches(name: str, pattern: str) -> str:
    """Whether a text as a whole matches a regular expression."""
    return f"regexp_full_match({name}, {text.literal(pattern)})"


def _try_cast(name: str, kind: types.Type) -> str:
    return f"TRY_CAST({name} AS {text.type_name(kind)})"


def _is_printed(name: str, candidate: str) -> str:
    return f"CAST({candidate} AS VARCHAR) = {name}"


def _not_a(kind: types.Type) -> str:
    return f"not_an_{kind}" if kind == types.INT else f"not_a_{kind}"


_LARGEST: dict[types.Type, int] = {types.INT: 2**31 - 1, types.BIGINT: 2**63 - 1}


def _integer(kind: types.Type) -> Cast:
    digits = "[+-]?[0-9]+"
    largest = _LARGEST[kind]

    def refused(name: str) -> str:
        outside = reason("out_of_range", f"beyond the {kind}s, which end at {largest}")
        other = reason(_not_a(kind), f"not a whole number ({kind}), such as 42 or -7")
        return f"CASE WHEN {matches(name, digits)} THEN {outside} ELSE {other} END"

    return Cast(
        candidate=lambda name: _try_cast(name, kind),
        is_exact=_is_printed,
        is_sound=lambda name, _: matches(name, digits),
        reason=refused,
        refuses_empty=True,
    )


def _decimal(kind: types.Decimal, separator: str) -> Cast:
    point = f"[{separator}]"
    plain = f"[+-]?(?:[0-9]+(?:{point}[0-9]{{0,{kind.scale}}}0*)?|{point}[0-9]{{1,{kind.scale}}}0*)"
    if kind.scale == 0:
        plain = f"[+-]?[0-9]+(?:{point}0*)?"
    # Of at most 15 digits, as doubles tell all such numbers apart.
    scientific = (
        f"[+-]?(?:[0-9]{{1,8}}(?:{point}[0-9]{{0,7}})?|{point}[0-9]{{1,15}})[eE][+-]?[0-9]{{1,3}}"
    )
    number = f"[+-]?(?:[0-9]+{point}?[0-9]*|{point}[0-9]+)(?:[eE][+-]?[0-9]+)?"

    def english(name: str) -> str:
        return name if separator == "." else f"replace({name}, {text.literal(separator)}, '.')"

    def is_exact(name: str, candidate: str) -> str:
        printed = _is_printed(english(name), candidate)
        return printed if separator == "." else f"NOT contains({name}, '.') AND {printed}"

    def is_sound(name: str, value: str) -> str:
        lossless = f"CAST({value} AS DOUBLE) = TRY_CAST({english(name)} AS DOUBLE)"
        return (
            f"CASE WHEN {matches(name, scientific)} THEN {lossless} ELSE {matches(name, plain)} END"
        )

    def refused(name: str) -> str:
        outside = reason("out_of_range", f"more digits before the point than {kind} has")
        precise = reason("too_precise", f"more digits after the point than {kind} keeps")
        other = reason("not_a_decimal", f"not a number ({kind}), such as 12{separator}5")
        return (
            f"CASE WHEN NOT {matches(name, number)} THEN {other}"
            f" WHEN {_try_cast(english(name), kind)} IS NULL THEN {outside} ELSE {precise} END"
        )

    return Cast(
        candidate=lambda name: _try_cast(english(name), kind),
        is_exact=is_exact,
        is_sound=is_sound,
        reason=refused,
        refuses_empty=True,
    )


def _floating(kind: types.Type, separator: str) -> Cast:
    point = f"[{separator}]"
    number = f"[+-]?(?:[0-9]+{point}?[0-9]*|{point}[0-9]+)(?:[eE][+-]?[0-9]+)?"
    words = "(?i)[+-]?inf(?:inity)?|nan"

    def english(name: str) -> str:
        return name if separator == "." else f"replace({name}, {text.literal(separator)}, '.')"

    def refused(name: str) -> str:
        outside = reason("out_of_range", f"too large for a {kind}")
        other = reason(f"not_a_{kind}", f"not a number ({kind}), such as 12{separator}5 or 1e9")
        return f"CASE WHEN {matches(name, number)} THEN {outside} ELSE {other} END"

    return Cast(
        candidate=lambda name: _try_cast(english(name), kind),
        is_exact=lambda name, candidate: f"isfinite({candidate}) AND {matches(name, number)}",
        is_sound=lambda name, _: matches(name, words),
        reason=refused,
        refuses_empty=True,
    )


def _written(kind: types.Type, notation: Notation, pattern: str) -> Cast:
    """The cast of numbers in a notation of their own: of what they are in the plain one."""
    plain = from_text(kind)
    code = "not_a_decimal" if isinstance(kind, types.Decimal) else _not_a(kind)
    other = reason(code, f"not a number ({kind}) written as {pattern}")

    def refused(name: str) -> str:
        inner = plain.reason(notation.plain(name))
        return f"CASE WHEN {notation.matches(name)} THEN {inner} ELSE {other} END"

    return Cast(
        candidate=lambda name: plain.candidate(notation.plain(name)),
        is_exact=lambda name, candidate: plain.is_exact(notation.plain(name), candidate),
        is_sound=lambda name, value: plain.is_sound(notation.plain(name), value),
        reason=refused,
    )


def _always(code: str, message: str) -> FromText:
    return lambda _: reason(code, message)


def _is_there(_name: str, candidate: str) -> str:
    return f"{candidate} IS NOT NULL"


_STRING = Cast(
    candidate=lambda name: name,
    is_exact=_is_there,
    reason=_always("not_a_string", "not a text"),
    is_lenient=True,
)

_BOOLEAN = Cast(
    candidate=lambda name: (
        f"CASE WHEN lower({name}) IN ('true', 't', 'yes', 'y', '1') THEN true"
        f" WHEN lower({name}) IN ('false', 'f', 'no', 'n', '0') THEN false END"
    ),
    is_exact=_is_there,
    reason=_always("not_a_boolean", "neither true nor false"),
)

_BASE64 = "(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?"
_BINARY = Cast(
    candidate=lambda name: f"CASE WHEN {matches(name, _BASE64)} THEN TRY(from_base64({name})) END",
    is_exact=_is_there,
    reason=_always("not_a_binary", "not bytes in base64 with padding"),
)

_DAY = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_TIME = "(?:[01][0-9]|2[0-3]):[0-9]{2}(?::[0-9]{2}(?:[.][0-9]{1,6}0*)?)?"
_OFFSET = "(?:Z|[+-](?:(?:0[0-9]|1[0-7])(?::?[0-5][0-9])?|18(?::?00)?))"
_LOOSE_TIME = "[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.][0-9]+)?)?"


def is_in_years(value: str, kind: str) -> str:
    """Whether a date or time is in the years 1 to 9999, beyond which few readers go.

    False for DuckDB's infinities.
    """
    return f"{value} >= {kind} '0001-01-01' AND {value} < {kind} '10000-01-01'"


def _is_printed_moment(kind: str) -> FromPair:
    return lambda name, candidate: (
        f"{_is_printed(name, candidate)} AND {is_in_years(candidate, kind)}"
    )


def _refused_moment(code: str, shape: str, message: str) -> FromText:
    def refused(name: str) -> str:
        absent = reason("out_of_range", "a day or a time that does not exist")
        other = reason(code, message)
        return f"CASE WHEN {matches(name, shape)} THEN {absent} ELSE {other} END"

    return refused


_DATE = Cast(
    candidate=lambda name: _try_cast(name, types.DATE),
    is_exact=_is_printed_moment("DATE"),
    reason=_refused_moment("not_a_date", _DAY, "not a date such as 2024-01-31"),
    refuses_empty=True,
)

_NTZ = f"{_DAY}(?:[T ]{_TIME})?"


def _refused_ntz(name: str) -> str:
    zoned = reason("has_a_zone", "has an offset from UTC, which a timestamp_ntz cannot keep")
    precise = reason("too_precise", "more than six digits of a second")
    other = _refused_moment(
        "not_a_timestamp_ntz",
        f"{_DAY}(?:[T ]{_LOOSE_TIME})?",
        "not a timestamp such as 2024-01-31 10:00:00",
    )(name)
    return (
        f"CASE WHEN {matches(name, f'{_NTZ}{_OFFSET}')} THEN {zoned}"
        f" WHEN {matches(name, f'{_DAY}[T ]{_TIME}[0-9]+')} THEN {precise} ELSE {other} END"
    )


_TIMESTAMP_NTZ = Cast(
    candidate=lambda name: _try_cast(name, types.TIMESTAMP_NTZ),
    is_exact=_is_printed_moment("TIMESTAMP"),
    is_sound=lambda name, value: f"{is_in_years(value, 'TIMESTAMP')} AND {matches(name, _NTZ)}",
    reason=_refused_ntz,
    refuses_empty=True,
)


def _instant(name: str, candidate: str, exact: str) -> str:
    """Without an offset the clock reads UTC: no calendar is asked, which takes twice the time."""
    as_utc = f"make_timestamptz(epoch_us({candidate}))"
    # DuckDB reads an offset only behind seconds.
    whole = f"regexp_replace({name}, '^(.{{16}})([Z+-])', '\\1:00\\2')"
    zoned = f"TRY_CAST({whole} AS TIMESTAMPTZ)"
    has_zone = matches(name, f".*:.*{_OFFSET}")
    return f"CASE WHEN {exact} THEN {as_utc} WHEN {has_zone} THEN {zoned} ELSE {as_utc} END"


def _refused_instant(name: str) -> str:
    precise = reason("too_precise", "more than six digits of a second")
    other = _refused_moment(
        "not_a_timestamp",
        f"{_DAY}(?:[T ]{_LOOSE_TIME}{_OFFSET}?)?",
        "not a timestamp such as 2024-01-31T10:00:00Z",
    )(name)
    return (
        f"CASE WHEN {matches(name, f'{_DAY}[T ]{_TIME}[0-9]+{_OFFSET}?')} THEN {precise}"
        f" ELSE {other} END"
    )


_TIMESTAMP = Cast(
    candidate=lambda name: _try_cast(name, types.TIMESTAMP_NTZ),
    is_exact=_is_printed_moment("TIMESTAMP"),
    value=_instant,
    is_sound=lambda name, value: (
        f"{is_in_years(value, 'TIMESTAMPTZ')}"
        f" AND {matches(name, f'{_DAY}(?:[T ]{_TIME}{_OFFSET}?)?')}"
    ),
    reason=_refused_instant,
    refuses_empty=True,
)


def _formatted(kind: types.Type, written: str) -> Cast:
    pattern = Pattern.of(written)
    if pattern.has_zone and kind == types.TIMESTAMP_NTZ:
        raise ValueError(f"{written!r} says a zone, which a timestamp_ntz cannot keep")
    as_kind = f"not a {kind} written as {written}"
    absent = reason("out_of_range", "a day or a time that does not exist")

    def refused(name: str) -> str:
        other = reason(f"not_a_{kind}", as_kind)
        return f"CASE WHEN {matches(name, pattern.shape)} THEN {absent} ELSE {other} END"

    return Cast(
        candidate=lambda name: pattern.read(name, kind),
        is_exact=_is_there,
        reason=refused,
    )
