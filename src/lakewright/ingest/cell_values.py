"""What the cells of a workbook say, as the shortest text that says the same.

Numbers are doubles to Excel, and dates are numbers with a look; both are printed so that nothing is
lost and nothing is added: `19.989999999999998` in the file is the double `19.99`.
"""

import math
import re
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum
from functools import lru_cache


class Look(Enum):
    """What a number stands for, by its cell's format."""

    NUMBER = 0
    DATE = 1
    TIME = 2
    """Of a day."""
    MOMENT = 3
    """Date and time of day."""
    DURATION = 4
    """More than 24 hours are shown as such."""


BUILT_IN: Mapping[str, Look] = {
    **{str(number): Look.DATE for number in (14, 15, 16, 17, *range(27, 32), 36, *range(50, 59))},
    **{str(number): Look.TIME for number in (18, 19, 20, 21, 32, 33, 34, 35, 45, 47)},
    "22": Look.MOMENT,
    "46": Look.DURATION,
}
"""Formats that have a number and no code (ECMA-376 part 1, 18.8.30), East Asian ones too."""

_LITERAL = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?!h+\]|m+\]|s+\])[^\]]*\]', re.IGNORECASE)
_ELAPSED = re.compile(r"\[(?:h+|m+|s+)\]", re.IGNORECASE)
_FRACTION = re.compile(r"s[.,]0+")
_REFERENCE = re.compile(r"([A-Za-z]{1,3})([0-9]{1,7})")
_NUMBER = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_DIGITS_MAX = 1000
_ESCAPE = re.compile(r"_x([0-9A-Fa-f]{4})_")
_DAY_SECONDS_MS = 86_400_000
_1904_DAYS = 1462
_LAST_DAY = 2_958_465  # 9999-12-31
_LEAP_DAY = 60  # Lotus 1-2-3 took 1900 for a leap year, and Excel went along.


def look_of(code: str) -> Look:
    """What a format code makes of a number: `dd.mm.yyyy` of one a date."""
    plain = _LITERAL.sub("", code.partition(";")[0]).lower()
    plain = _FRACTION.sub("s", plain)
    if _ELAPSED.search(plain):
        return Look.DURATION
    if "general" in plain:
        return Look.NUMBER
    has_time = any(letter in plain for letter in "hs")
    # Letters of years that other languages' Excel writes are stored as y, d and e all the same.
    has_date = any(letter in plain for letter in "ydbe") and not re.search(r"[0#?]", plain)
    if "m" in plain and not has_time:
        has_date = True
    if has_date:
        return Look.MOMENT if has_time else Look.DATE
    return Look.TIME if has_time else Look.NUMBER


@dataclass(frozen=True, kw_only=True, slots=True)
class Values:
    """What reading the cells of one workbook needs."""

    texts: Sequence[str]
    looks: Sequence[Look]
    has_1904_dates: bool
    errors_kept: AbstractSet[str]
    """Errors that are read as their text, as they mean null."""

    def read(self, kind: str, style: str | None, text: str) -> tuple[str, str | None]:
        """A cell's text, and why it cannot be trusted.

        Args:
            kind: `n` number, `s` shared text, `inlineStr`, `str` text of a formula, `b` truth
                value, `e` error, `d` date.
            style: its place among the workbook's cell formats.
            text: as it is stored; empty: a formula without a result.
        """
        if not text:
            return "", None if kind == "str" else "its formula has no stored result"
        match kind:
            case "n":
                return self._number(text, style)
            case "s":
                place = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1
                if not 0 <= place < len(self.texts):
                    return text, f"there is no text number {text[:20]}"
                return self.texts[place], None
            case "inlineStr" | "str":
                return unescaped(text), None
            case "b":
                named = {"1": "true", "0": "false"}.get(text)
                return (text, f"{text[:20]} is no truth value") if named is None else (named, None)
            case "e":
                return text, None if text in self.errors_kept else f"the error {text[:20]}"
            case "d":
                return text, None
            case _:
                return text, f"{kind[:20]} is no kind of value"

    def _number(self, text: str, style: str | None) -> tuple[str, str | None]:
        look = Look.NUMBER
        if style and style != "0" and style.isascii() and style.isdigit() and len(style) < 10:
            place = int(style)
            look = self.looks[place] if place < len(self.looks) else look
        if look is Look.NUMBER:
            return number_text(text)
        if not _NUMBER.fullmatch(text):
            return text, f"{text[:20]} is no number"
        return moment_text(float(text), look, has_1904_dates=self.has_1904_dates)


def number_text(text: str) -> tuple[str, str | None]:
    """A stored number as its shortest text, and why it is none."""
    if not _NUMBER.fullmatch(text):
        return text, f"{text[:20]} is no number"
    if text.removeprefix("-").isdigit() and len(text) < _DIGITS_MAX:
        return str(int(text)), None  # Some programs write more digits than a double has.
    value = float(text)
    if not math.isfinite(value):
        return text, f"{text[:20]} is no number"
    if value.is_integer() and abs(value) < 1e15:
        return str(int(value)), None
    return repr(value), None


def moment_text(value: float, look: Look, *, has_1904_dates: bool) -> tuple[str, str | None]:
    """A number of days as ISO 8601, to the millisecond."""
    shown = number_text(repr(value))[0]
    if not (math.isfinite(value) and -1e9 < value < 1e9):
        return shown, f"{shown} is no date or time"
    milliseconds = round(value * _DAY_SECONDS_MS)
    if look is Look.DURATION:
        sign = "-" if milliseconds < 0 else ""
        return sign + _clock(abs(milliseconds)), None
    days, rest = divmod(milliseconds, _DAY_SECONDS_MS)
    if look is Look.TIME and days == 0:
        return _clock(rest), None
    days += _1904_DAYS if has_1904_dates else 0
    if not 1 <= days <= _LAST_DAY:
        return shown, f"{shown} is no date that Excel has"
    if days == _LEAP_DAY:
        text = "1900-02-29"
    else:
        first = date(1899, 12, 30) if days > _LEAP_DAY else date(1899, 12, 31)
        text = (first + timedelta(days=days)).isoformat()
    return (f"{text} {_clock(rest)}" if rest or look is not Look.DATE else text), None


def _clock(milliseconds: int) -> str:
    seconds, rest = divmod(milliseconds, 1000)
    text = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return f"{text}.{rest:03d}" if rest else text


def unescaped(text: str) -> str:
    """A stored text with its control characters: `_x000D_` stands for one."""
    if "_x" not in text:
        return text
    found = _ESCAPE.sub(lambda match: chr(int(match[1], 16)), text)
    # Halves of one character may be written apart; a half alone is no text.
    return found.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def column_of(reference: str) -> int:
    """The column of `AB12`, from 0; -1 if that is no reference."""
    return _column(reference.rstrip("0123456789"))


@lru_cache(maxsize=1 << 14)
def _column(name: str) -> int:
    if not (name.isascii() and name.isalpha() and len(name) < 4):
        return -1
    column = 0
    for letter in name.upper():
        column = column * 26 + ord(letter) - 64
    return column - 1


def row_of(reference: str) -> int:
    """The row of `AB12`, from 1; 0 if that is no reference."""
    match = _REFERENCE.fullmatch(reference)
    return int(match[2]) if match else 0


def letters(column: int) -> str:
    """The name of a column by its place, from 0: `A`, `Z`, `AA`."""
    found = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        found = chr(65 + rest) + found
    return found
