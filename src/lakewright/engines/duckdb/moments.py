"""Dates and timestamps written in a pattern of Spark's letters, read by DuckDB's `strptime`.

`strptime` alone is lenient (blanks, one digit for two), so a regular expression made of the same
pattern decides first whether a text is in that form at all. Months and halves of days are words in
any case of letters, as Spark reads them.
"""

import re
from dataclasses import dataclass

from lakewright.engines.duckdb import text
from lakewright.project import patterns
from lakewright.sql import types

_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
_OFFSET = "[+-](?:0[0-9]|1[0-8])"
_LETTERS = {
    "yyyy": ("[0-9]{4}", "%Y"),
    "yy": ("[0-9]{2}", "%y"),
    "MM": ("[0-9]{2}", "%m"),
    "M": ("[0-9]{1,2}", "%m"),
    "MMM": ("(?i:" + "|".join(month[:3] for month in _MONTHS) + ")", "%b"),
    "MMMM": ("(?i:" + "|".join(_MONTHS) + ")", "%B"),
    "dd": ("[0-9]{2}", "%d"),
    "d": ("[0-9]{1,2}", "%d"),
    "HH": ("[0-9]{2}", "%H"),
    "H": ("[0-9]{1,2}", "%H"),
    "hh": ("[0-9]{2}", "%I"),
    "h": ("[0-9]{1,2}", "%I"),
    "a": ("(?i:[AP]M)", "%p"),
    "mm": ("[0-9]{2}", "%M"),
    "m": ("[0-9]{1,2}", "%M"),
    "ss": ("[0-9]{2}", "%S"),
    "s": ("[0-9]{1,2}", "%S"),
    "X": (f"(?:Z|{_OFFSET}(?:[0-5][0-9])?)", "%z"),
    "XX": (f"(?:Z|{_OFFSET}[0-5][0-9])", "%z"),
    "XXX": (f"(?:Z|{_OFFSET}:[0-5][0-9])", "%z"),
    "x": (f"{_OFFSET}(?:[0-5][0-9])?", "%z"),
    "xx": (f"{_OFFSET}[0-5][0-9]", "%z"),
    "xxx": (f"{_OFFSET}:[0-5][0-9]", "%z"),
    "Z": (f"{_OFFSET}[0-5][0-9]", "%z"),
}
"""For each group of letters what it matches and how `strptime` calls it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Pattern:
    """A pattern in DuckDB's terms."""

    shape: str
    """A regular expression for a whole text."""
    strptime: str
    is_short_year: bool
    has_zone: bool

    @classmethod
    def of(cls, pattern: str) -> "Pattern":
        """Translate Spark's letters.

        Raises:
            ValueError: it cannot be read, or not the same everywhere.
        """
        if "\0" in pattern:
            raise ValueError(f"{pattern!r} holds a NUL character")
        pieces = patterns.parse(pattern)
        shapes: list[str] = []
        names: list[str] = []
        for piece in pieces:
            if isinstance(piece, patterns.Text):
                shapes.append(re.escape(piece.text))
                names.append(piece.text.replace("%", "%%"))
            elif piece.text.startswith("S"):
                shapes.append(f"[0-9]{{{len(piece.text)}}}")
                names.append("%f")
            else:
                shape, name = _LETTERS[piece.text]
                shapes.append(shape)
                names.append(name)
        return cls(
            shape="".join(shapes),
            strptime="".join(names),
            is_short_year=patterns.Letters("yy") in pieces,
            has_zone=patterns.has_zone(pieces),
        )

    def read(self, name: str, kind: types.Type) -> str:
        """The SQL that reads a text; null where it has another form or no such day exists."""
        source = f"regexp_replace({name}, 'Z$', '+00:00')" if self.has_zone else name
        moment = f"try_strptime({source}, {text.literal(self.strptime)})"
        if self.is_short_year:
            # Spark counts two-digit years from 2000, strptime those from 69 on from 1900.
            moment = (
                f"CASE WHEN year({moment}) < 2000 THEN {moment} + INTERVAL 100 YEAR"
                f" ELSE {moment} END"
            )
        if kind == types.DATE:
            moment = f"CAST({moment} AS DATE)"
        elif kind == types.TIMESTAMP and not self.has_zone:
            moment = f"make_timestamptz(epoch_us({moment}))"
        elif kind == types.TIMESTAMP_NTZ and self.has_zone:
            moment = f"make_timestamp(epoch_us({moment}))"
        least = "DATE" if kind == types.DATE else "TIMESTAMPTZ"
        if kind == types.TIMESTAMP_NTZ:
            least = "TIMESTAMP"
        is_read = f"regexp_full_match({name}, {text.literal(self.shape)})"
        return f"CASE WHEN {is_read} AND {moment} >= {least} '0001-01-01' THEN {moment} END"
