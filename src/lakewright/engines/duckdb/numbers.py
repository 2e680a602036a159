"""Numbers in a notation of their own, such as `1.234,50 €`, as SQL: rewritten plainly, then cast.

A regular expression made of the pattern decides whether a text is in that form; what it lets
through is digits, at most one point and a sign, which the strict casts take from there.
"""

import re
from dataclasses import dataclass

from lakewright.engines.duckdb import text
from lakewright.project import numerals


@dataclass(frozen=True, kw_only=True, slots=True)
class Notation:
    """A pattern in DuckDB's terms."""

    shape: str
    """A regular expression for a whole text, with a sign before or behind the prefix (groups 1
    and 2) and the number itself (group 3)."""
    numeral: numerals.Numeral

    @classmethod
    def of(cls, pattern: str) -> "Notation":
        """Translate a pattern.

        Raises:
            ValueError: it shows no number.
        """
        numeral = numerals.parse(pattern)
        whole = "[0-9]+"
        if numeral.groups:
            # One and the same separator throughout: 1 234'567 is no number.
            grouped = "|".join(
                f"[0-9]{{1,3}}(?:{re.escape(group)}[0-9]{{3}})+" for group in numeral.groups
            )
            whole = f"(?:{grouped}|[0-9]+)"
        if numeral.point is not None:
            point = re.escape(numeral.point)
            whole = f"(?:{whole}(?:{point}[0-9]*)?|{point}[0-9]+)"
        prefix, suffix = re.escape(numeral.prefix), re.escape(numeral.suffix)
        signed = f"(?:([+-]?){prefix}|{prefix}([+-]?))" if prefix else "([+-]?)()"
        return cls(shape=f"{signed}({whole}){suffix}", numeral=numeral)

    def plain(self, name: str) -> str:
        """The SQL of the number as programs write it; null where the text has another form."""
        number = f"regexp_replace({name}, {text.literal(f'^{self.shape}$')}, '\\1\\2\\3')"
        if self.numeral.groups:
            number = f"translate({number}, {text.literal(self.numeral.groups)}, '')"
        if self.numeral.point == ",":
            number = f"replace({number}, ',', '.')"
        if self.numeral.is_percent:
            number = _hundredth(number)
        return f"CASE WHEN {self.matches(name)} THEN {number} END"

    def matches(self, name: str) -> str:
        """Whether a text has this form."""
        return f"regexp_full_match({name}, {text.literal(self.shape)})"


def _hundredth(number: str) -> str:
    """The point moved two digits to the left, in the text, so that nothing is rounded."""
    padded = f"regexp_replace({number}, '^([+-]?)', '\\1' || '00')"
    moved = r"^([+-]?[0-9]*)([0-9]{2})(?:[.]([0-9]*))?$"
    return f"regexp_replace({padded}, '{moved}', '\\1.\\2\\3')"
