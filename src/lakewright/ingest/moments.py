"""Dates and timestamps in a column of texts: ISO 8601, or one of the forms that people write.

Every value of a column has the same form: the same order, separators and parts of the time. Which
of two numbers is the day is decided by a value above 12, never by what is usual somewhere; only
where points separate them, the day comes first everywhere. Years have four digits: of two, nobody
knows the century. Eight digits in a row are a number, and a time without a date is a text.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy
import numpy.typing
import pyarrow
import pyarrow.compute

from lakewright.ingest.arrays import cast, is_all
from lakewright.plan.evidence import Seen
from lakewright.project.contract import Evidence, Reading
from lakewright.sql import types

_Numbers: TypeAlias = numpy.typing.NDArray[numpy.int64]

_YEAR = r"(?:[1-9][0-9]{3}|0[1-9][0-9]{2}|00[1-9][0-9]|000[1-9])"  # The year 0 is none.
_DAY = rf"{_YEAR}-[0-9]{{2}}-[0-9]{{2}}"
_TIME = r"[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6}0*)?)?"
_OFFSET = r"(?:Z|[+-][0-9]{2}(?::?[0-9]{2})?)"
_ISO: Mapping[types.Type, tuple[str, pyarrow.DataType]] = {
    types.DATE: (_DAY, pyarrow.date32()),
    types.TIMESTAMP_NTZ: (f"{_DAY}(?:[T ]{_TIME})?", pyarrow.timestamp("us")),
    types.TIMESTAMP: (f"{_DAY}[T ]{_TIME}{_OFFSET}", pyarrow.timestamp("us", "UTC")),
}


class Iso:
    """Dates, or dates and times, or instants as ISO 8601 writes them."""

    def __init__(self, kind: types.Type) -> None:
        self._kind = kind

    def see(self, values: pyarrow.Array) -> "Iso | Dates | None":
        """Take more values into account."""
        if self._fits(values, self._kind):
            return self
        if self._kind == types.DATE:
            if self._fits(values, types.TIMESTAMP_NTZ):
                self._kind = types.TIMESTAMP_NTZ
                return self
            return Dates(_Form(separator="-", orders=("yMd",))).see(values)
        return None

    def _fits(self, values: pyarrow.Array, kind: types.Type) -> bool:
        pattern, arrow_type = _ISO[kind]
        if kind == types.TIMESTAMP_NTZ and _are_plain(values):
            return True
        if not is_all(values, pattern):
            return False
        if cast(values, arrow_type) is not None:
            return True
        # Arrow takes six digits of a second; zeros behind them say nothing.
        short = pyarrow.compute.replace_substring_regex(values, r"(\.[0-9]{6})0+", r"\1")
        return kind != types.DATE and cast(short, arrow_type) is not None

    def seen(self) -> Seen:
        """The narrowest type."""
        return Seen(self._kind)


_PLAIN_LENGTHS = numpy.zeros(27, bool)
_PLAIN_LENGTHS[[10, 16, 19, *range(21, 27)]] = True
"""Of `2024-01-31`, `2024-01-31 10:00`, `2024-01-31 10:00:00` and the same with a fraction."""


def _are_plain(values: pyarrow.Array) -> bool:
    """Whether all texts are ISO timestamps, found in a third of the time of the expression.

    Arrow leaves out minutes or colons too, but such texts have other lengths.
    """
    lengths = numpy.asarray(pyarrow.compute.binary_length(values))
    if lengths.max() >= len(_PLAIN_LENGTHS) or not bool(numpy.all(_PLAIN_LENGTHS[lengths])):
        return False
    moments = cast(values, pyarrow.timestamp("us"))
    if moments is None:
        return False
    return int(numpy.asarray(moments.view(pyarrow.int64())).min()) >= _FIRST_MICROSECOND


_FIRST_MICROSECOND = -62_135_596_800_000_000
"""The start of the year 1. Arrow would take the year 0 as well."""

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_LONG_MONTHS = (
    *("january", "february", "march", "april", "may", "june", "july", "august", "september"),
    *("october", "november", "december"),
)
_CLOCK = {
    "HH": "(?:[01][0-9]|2[0-3])",
    "H": "(?:[01]?[0-9]|2[0-3])",
    "hh": "(?:0[1-9]|1[0-2])",
    "h": "(?:0?[1-9]|1[0-2])",
    "XX": "[+-](?:0[0-9]|1[0-4])[0-5][0-9]",
    "XXX": "[+-](?:0[0-9]|1[0-4]):[0-5][0-9]",
    "'UTC'": "UTC",
}
_FORM = re.compile(
    r"(?:(?P<first>[0-9]{1,4})(?P<sign>[./-])[0-9]{1,2}(?P=sign)[0-9]{1,4}"
    r"|[0-9]{1,2}(?P<gap>[ -])[A-Za-z]{3,9}(?P=gap)[0-9]{4}|[A-Za-z]{3,9} [0-9]{1,2}, [0-9]{4})"
    r"(?P<time>(?P<between>,? |T)[0-9]{1,2}:[0-9]{2}(?P<seconds>:[0-9]{2}"
    r"(?:\.(?P<fraction>[0-9]{1,6}))?)?(?P<half> [AaPp][Mm])?"
    r"(?: (?P<zone>UTC|[+-][0-9]{2}:?[0-9]{2}))?)?"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Form:
    """What all dates of a column look like, whichever of the numbers is which."""

    separator: str
    orders: tuple[str, ...]
    """Of the parts: `dMy`, `Mdy` or `yMd`."""
    month: str = "M"
    """`MMM` or `MMMM` for English names."""
    between: str = ""
    """What stands between date and time."""
    clock: tuple[str, ...] = ()
    """The letters of the time and what stands between them, hours in two digits."""

    @property
    def kind(self) -> types.Type:
        """What such texts are."""
        if not self.clock:
            return types.DATE
        return types.TIMESTAMP if self.clock[-1][0] in "X'" else types.TIMESTAMP_NTZ


def first(text: str) -> "Iso | Dates | None":
    """What reads dates that look like the first one."""
    for kind, (pattern, _) in _ISO.items():
        if re.fullmatch(pattern, text):
            return Iso(kind)
    found = _FORM.fullmatch(text)
    if not found:
        return None
    form = _form(found)
    return Dates(form) if form else None


def _form(found: re.Match[str]) -> _Form | None:
    between, clock = found["between"] or "", tuple(_clock(found)) if found["time"] else ()
    if found["sign"] is None:
        separator, order = (found["gap"], "dMy") if found["gap"] else (", ", "Mdy")
        return _Form(
            separator=separator, orders=(order,), month="MMM", between=between, clock=clock
        )
    is_year_first = len(found["first"]) == 4
    if is_year_first and found["sign"] == "-" and clock and not found["zone"]:
        return None  # That is nearly ISO 8601; a column of both forms would have no format.
    orders = ("yMd",) if is_year_first else ("dMy", "Mdy")
    return _Form(separator=found["sign"], orders=orders, between=between, clock=clock)


def _clock(found: re.Match[str]) -> Iterator[str]:
    yield from ("hh" if found["half"] else "HH", ":", "mm")
    if found["seconds"]:
        yield from (":", "ss")
    if found["fraction"]:
        yield from (".", "S" * len(found["fraction"]))
    if found["half"]:
        yield from (" ", "a")
    if found["zone"]:
        yield " "
        yield {3: "'UTC'", 5: "XX", 6: "XXX"}[len(found["zone"])]


@dataclass
class Dates:
    """Dates or timestamps in one form, in any order of the parts that no value has refuted."""

    form: _Form
    orders: tuple[str, ...] = field(init=False)
    """Those that are left."""
    _is_padded: bool = True
    """Whether every day, month and hour has two digits."""
    _months: tuple[str, ...] = field(init=False)
    """The lengths of month names that are left."""

    def __post_init__(self) -> None:
        """Start with every order that the form leaves open."""
        self.orders = self.form.orders
        self._months = ("M",) if self.form.month == "M" else ("MMM", "MMMM")

    def see(self, values: pyarrow.Array) -> "Dates | None":
        """Take more values into account."""
        self._months = tuple(month for month in self._months if self._has_form(values, month))
        if not self._months:
            return None
        days = self._days(values)
        parts = pyarrow.compute.extract_regex(days, self._groups())
        columns = [self._numbers(parts.field(place)) for place in range(3)]
        self.orders = tuple(order for order in self.orders if _exist(columns, order))
        return self if self.orders else None

    @property
    def is_ambiguous(self) -> bool:
        """Whether the first two numbers may both be the day."""
        return len(self.orders) > 1 and self.form.separator != "."

    def seen(self) -> Seen:
        """Dates or timestamps with their format; texts, if nothing has decided it.

        What may be decided is the order, or, if it was May all the time, the length of names.
        """
        readings = tuple(
            Reading(type=self.form.kind, format=self._pattern(order, month))
            for order in self.orders
            for month in self._months
        )
        if self.is_ambiguous or len(self._months) > 1:
            return Seen(types.STRING, evidence=Evidence(may_be=readings))
        return Seen(readings[0].type, readings[0].format)

    def _has_form(self, values: pyarrow.Array, month: str) -> bool:
        if self._is_padded and is_all(values, self._shape(month)):
            return True
        is_padded, self._is_padded = self._is_padded, False
        if is_all(values, self._shape(month)):
            return True
        self._is_padded = is_padded
        return False

    def _shape(self, month: str) -> str:
        number = "[0-9]{2}" if self._is_padded else "[0-9]{1,2}"
        names = {"M": number, "MMM": "|".join(_MONTHS), "MMMM": "|".join(_LONG_MONTHS)}[month]
        parts = {"d": number, "M": f"(?i:{names})", "y": _YEAR}
        return self._joined([parts[letter] for letter in self.orders[0]]) + self._clock_shape()

    def _groups(self) -> str:
        order = self.orders[0]
        words = "[A-Za-z]+" if self.form.month != "M" else "[0-9]+"
        parts = {"d": "[0-9]+", "M": words, "y": "[0-9]+"}
        named = [f"(?P<p{place}>{parts[letter]})" for place, letter in enumerate(order)]
        return f"^{self._joined(named)}$"

    def _joined(self, parts: list[str]) -> str:
        if self.form.separator == ", ":
            return f"{parts[0]} {parts[1]}, {parts[2]}"
        return re.escape(self.form.separator).join(parts)

    def _clock_shape(self) -> str:
        shapes = []
        for piece in self._clock_pieces():
            if piece in ("mm", "ss"):
                shapes.append("[0-5][0-9]")
            elif piece.startswith("S"):
                shapes.append(f"[0-9]{{{len(piece)}}}")
            else:
                shapes.append("[AaPp][Mm]" if piece == "a" else _CLOCK.get(piece, re.escape(piece)))
        return re.escape(self.form.between) + "".join(shapes)

    def _clock_pieces(self) -> Iterator[str]:
        for piece in self.form.clock:
            is_hour = piece in ("HH", "hh")
            yield piece[0] if is_hour and not self._is_padded else piece

    def _days(self, values: pyarrow.Array) -> pyarrow.Array:
        """The different dates, without times: mostly few."""
        if self.form.clock:
            clock = f"{self._clock_shape()}$"
            values = pyarrow.compute.replace_substring_regex(values, clock, "")
        return values.unique()

    def _numbers(self, texts: pyarrow.Array) -> _Numbers:
        if self.form.month != "M" and len(texts) and texts[0].as_py()[0].isalpha():
            short = pyarrow.compute.utf8_slice_codeunits(pyarrow.compute.utf8_lower(texts), 0, 3)
            found = pyarrow.compute.index_in(short, value_set=pyarrow.array(_MONTHS))
            return numpy.asarray(found, numpy.int64) + 1
        return numpy.asarray(texts.cast(pyarrow.int64()), numpy.int64)

    def _pattern(self, order: str, month: str) -> str:
        month = "MM" if month == "M" and self._is_padded else month
        parts = {"d": "dd" if self._is_padded else "d", "M": month, "y": "yyyy"}
        separator, letters = self.form.separator, [parts[letter] for letter in order]
        day = f"{letters[0]} {letters[1]}, {letters[2]}"
        day = day if separator == ", " else separator.join(letters)
        between = "'T'" if self.form.between == "T" else self.form.between
        return day + between + "".join(self._clock_pieces())


_DAYS = numpy.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])


def _exist(columns: Sequence[_Numbers], order: str) -> bool:
    """Whether all these are days of the calendar, read in this order."""
    year, month, day = (columns[order.index(letter)] for letter in "yMd")
    if not bool(numpy.all((month >= 1) & (month <= 12) & (day >= 1))):
        return False
    is_leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    return bool(numpy.all(day <= _DAYS[month - 1] + (is_leap & (month == 2))))


def is_eight_digits(values: pyarrow.Array) -> bool:
    """Whether all texts are dates such as 20240131, of the years 1900 to 2099."""
    if not is_all(values, "(?:19|20)[0-9]{6}"):
        return False
    numbers = numpy.asarray(values.cast(pyarrow.int64()), numpy.int64)
    return _exist([numbers // 10000, numbers // 100 % 100, numbers % 100], "yMd")
