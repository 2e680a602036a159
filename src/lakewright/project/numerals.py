"""How numbers are written: patterns such as `#.##0,00 €`, parsed and checked.

A pattern shows a number as it stands in the file, with `0` or `#` for digits:

    0,0                a comma before the fraction: 1234,5
    #,##0.00           thousands separated: 1,234.50, and 1234.5 too
    # ##0,0  #'##0.0   by blanks of any kind; by apostrophes, straight or curly
    $#,##0.00  0,0 €   what stands before or behind every number, to the letter
    0.0%               percent: 12.5% is 0.125

Without a fraction in the pattern the numbers have none. How many digits it shows says nothing: how
many are kept, the column's type says. Separators group by thousands or are not there at all: `1,23`
is no number of `#,##0`. Exponents are not read.
"""

import re
from dataclasses import dataclass

_BLANKS = " \u00a0\u2009\u202f"
_APOSTROPHES = "'\u2019"
_PATTERN = re.compile(
    r"(?P<prefix>[^0-9#]*)"
    r"(?:#(?P<group>[,.'_\u2019 \u00a0\u2009\u202f])##0|#*0|#)"
    r"(?:(?P<point>[.,])(?:0+|#+))?"
    r"(?P<suffix>[^0-9#]*)"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Numeral:
    """How a column's numbers are written."""

    groups: str = ""
    """The characters of which one separates thousands; none: thousands are not separated."""
    point: str | None = None
    """What stands before a fraction; None: there is no fraction."""
    prefix: str = ""
    suffix: str = ""

    @property
    def is_percent(self) -> bool:
        """Whether the numbers are hundredths."""
        return "%" in self.prefix + self.suffix

    @property
    def is_plain(self) -> bool:
        """Whether only the character before the fraction is said."""
        return self.point is not None and not (self.groups or self.prefix or self.suffix)


def parse(pattern: str) -> Numeral:
    """The numeral that a pattern shows.

    Raises:
        ValueError: it shows none; the message says what one looks like.
    """
    found = _PATTERN.fullmatch(pattern)
    units = [found["prefix"], found["suffix"]] if found else []
    if not found or "\0" in pattern or any(unit and not unit.strip(" .,'_") for unit in units):
        raise ValueError(
            f"{pattern!r} shows no number; write one with # and 0 for digits, such as 0,0 or"
            " #,##0.00 or #.##0,00 € or 0.0%"
        )
    group, point = found["group"] or "", found["point"]
    if group and group == point:
        raise ValueError(f"{pattern!r} has {group!r} before the fraction and between thousands")
    if any(sign in found["prefix"] + found["suffix"] for sign in "+-"):
        raise ValueError(f"{pattern!r} shows a sign, but numbers may have one or not")
    for kinds in (_BLANKS, _APOSTROPHES):
        if group and group in kinds:
            group = kinds
    return Numeral(groups=group, point=point, prefix=found["prefix"], suffix=found["suffix"])
