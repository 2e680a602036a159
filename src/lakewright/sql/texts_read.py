"""How Spark reads a text as a value of another type, as DuckDB expressions.

Each function returns an expression that DuckDB's own cast to the type then takes rightly: the part
of the text that counts, or a text that no cast takes and that says what is wrong. A few texts
Spark reads in ways that nothing here matches; those stop the query, in TRY_CAST too, so that no
answer differs silently.
"""

import re
from dataclasses import dataclass

from lakewright.sql import types
from lakewright.sql.quoting import text

_MALFORMED = re.compile("⟦(.*)⟧( .*?)⟧", re.DOTALL)
_SHOWN_LENGTH_MAX = 100
_SPACE = r"[\x00-\x20\x7f]*"  # What Spark's UTF8String.trimAll cuts off.
_INTEGER = "[+-]?[0-9]+"
_NUMBER = r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?"
_GREAT = r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+]?[0-9]+)?"
_SPECIAL = "(?i:nan|[+-]?inf(inity)?)"
_ODD_NUMBER = "([+-]NaN|[+-]?0[xX][0-9a-fA-F.]+[pP].*)"
# Java's decimals know the digits of all scripts.
_ODD_DECIMAL = r"[+-]?(\p{Nd}+\.?\p{Nd}*|\.\p{Nd}+)([eE][+-]?\p{Nd}+)?"
_PLAIN = "[0-9]{1,18}"  # Most texts are plain digits, and found to be so five times as fast.
_TRUE = "(?i:t|true|y|yes|1)"
_FALSE = "(?i:f|false|n|no|0)"
_MONTH = "[0-9]{4}-[0-9]{1,2}"
_DATE = f"{_MONTH}-[0-9]{{1,2}}"
_HOUR, _SIXTY = "([01]?[0-9]|2[0-3])", "[0-5]?[0-9]"
_TIME = rf"{_HOUR}:{_SIXTY}:{_SIXTY}(\.[0-9]*)?"
_ZONE = "(Z|[+-](0[0-9]|1[0-7]):[0-5][0-9])"
_ODD_DATE = (
    "([+-]?[0-9]{5,7}(-(?s:.*))?|-[0-9]{4}(-(?s:.*))?|(?i:epoch|now|today|tomorrow|yesterday))"
)
_ODD_MOMENT = (
    rf"({_ODD_DATE}|T?[0-9]{{1,2}}:.*|\+?[0-9]{{4}}(-[0-9]{{1,2}})?"
    rf"|\+?{_DATE}[ T]{_HOUR}(:{_SIXTY}(:{_SIXTY}(\.[0-9]*)?)?)? *([A-Za-z+-].*)?|\+{_DATE})"
)


@dataclass(frozen=True, slots=True)
class _Reading:
    """A text's expression, the type that it is read as, and the columns it comes from."""

    x: str
    target: types.Type
    origin: str

    def when(self, pattern: str, then: str) -> str:
        """A branch for texts that are all pattern, white space aside."""
        return f"WHEN regexp_full_match({self.x}, {text(_SPACE + pattern + _SPACE)}) THEN {then}"

    def part(self, pattern: str) -> str:
        """The part of the text that counts."""
        return f"regexp_extract({self.x}, {text(pattern)})"

    def stop(self) -> str:
        """For what Spark reads and nothing here does."""
        return f"error('this text is not portable as {self.target}: ' || {self.x})"

    def cases(self, *branches: str) -> str:
        """All branches; any other text is malformed."""
        said = text(f"⟧{f' of {self.origin}' if self.origin else ''} is no {self.target}⟧")
        malformed = f"'⟦' || left({self.x}, {_SHOWN_LENGTH_MAX}) || {said}"
        return f"CASE {' '.join(branches)} ELSE {malformed} END"


def malformed(message: str) -> str:
    """What is wrong with a text that a cast stopped at, from the engine's message; or empty."""
    found = _MALFORMED.search(message)
    return f"{found[1]!r}{found[2]}" if found else ""


def integer(x: str, target: types.Type, origin: str = "") -> str:
    """Digits with an optional sign."""
    read = _Reading(x, target, origin)
    plain = f"WHEN regexp_full_match({x}, {text(_PLAIN)}) THEN {x}"
    return read.cases(plain, read.when(_INTEGER, read.part(_INTEGER)))


def decimal(x: str, target: types.Type, origin: str = "") -> str:
    """A number with or without point and exponent."""
    read = _Reading(x, target, origin)
    return read.cases(
        read.when(_GREAT, read.part(_GREAT)),
        read.when(_NUMBER, without_exponent(x)),
        read.when(_ODD_DECIMAL, read.stop()),
    )


def without_exponent(x: str) -> str:
    """A number's text with a negative exponent, written out.

    DuckDB 1.5 rounds such a text wrongly as a decimal: 6e-27 as DECIMAL(38,2) is 0.01.
    """
    sign = f"regexp_extract({x}, '([+-]?)[0-9.]', 1)"
    whole = f"regexp_extract({x}, '([0-9]*)[.]?([0-9]*)[eE]', 1)"
    rest = f"regexp_extract({x}, '([0-9]*)[.]?([0-9]*)[eE]', 2)"
    digits = f"regexp_extract({x}, '[eE]-0*([0-9]*)', 1)"
    count = f"(CASE WHEN strlen({digits}) > 3 THEN 999 ELSE CAST('0' || {digits} AS INTEGER) END)"
    return (
        f"{sign} || CASE WHEN {count} >= strlen({whole})"
        f" THEN '0.' || repeat('0', {count} - strlen({whole})) || {whole} || {rest}"
        f" ELSE left({whole}, strlen({whole}) - {count}) || '.' || right({whole}, {count})"
        f" || {rest} END"
    )


def fraction_digits(x: str) -> str:
    """The shortest decimal text of a double, as DuckDB reads it rightly as a decimal."""
    written = f"CAST({x} AS VARCHAR)"
    return (
        f"CASE WHEN contains({written}, 'e-') THEN {without_exponent(written)} ELSE {written} END"
    )


def fraction(x: str, target: types.Type, origin: str = "") -> str:
    """A number, NaN or infinity; Java also takes a `d` or `f` after a number."""
    read = _Reading(x, target, origin)
    return read.cases(
        read.when(f"{_NUMBER}[dDfF]?", read.part(_NUMBER)),
        read.when(_SPECIAL, read.part(_SPECIAL)),
        read.when(_ODD_NUMBER, read.stop()),
    )


def boolean(x: str, target: types.Type, origin: str = "") -> str:
    """A few words in any case."""
    read = _Reading(x, target, origin)
    return read.cases(read.when(_TRUE, "'true'"), read.when(_FALSE, "'false'"))


def day(x: str, target: types.Type, origin: str = "") -> str:
    """A year, month or day; after a day, a space or T and anything."""
    read = _Reading(x, target, origin)
    return read.cases(
        read.when(rf"\+?{_DATE}([ T](?s:.*))?", read.part(_DATE)),
        read.when(rf"\+?{_MONTH}", f"{read.part(_MONTH)} || '-01'"),
        read.when(r"\+?[0-9]{4}", f"{read.part('[0-9]{4}')} || '-01-01'"),
        read.when(_ODD_DATE, read.stop()),
    )


def moment(x: str, target: types.Type, origin: str = "") -> str:
    """A day, or a day and a time to the second or finer, with a zone or without."""
    read = _Reading(x, target, origin)
    if target == types.TIMESTAMP_NTZ:  # Spark reads over the zone.
        with_time = read.part(f"{_DATE}[ T]{_TIME}")
    else:
        with_time = f"replace({read.part(f'{_DATE}[ T]{_TIME}( ?{_ZONE})?')}, ' +', '+')"
        with_time = f"replace({with_time}, ' -', '-')"
    return read.cases(
        read.when(f"{_DATE}[ T]{_TIME}( ?{_ZONE})?", with_time),
        read.when(_DATE, read.part(_DATE)),
        read.when(_ODD_MOMENT, read.stop()),
    )
