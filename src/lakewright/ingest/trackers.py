"""What all values of a column have in common, kept up to date while they stream past.

A tracker follows one way to read texts (numbers, words for true and false, ISO 8601, dates in some
order). It is made by a first value that it can read, sees every further value once, and gives way
to a wider one, or to none, at the first value that it cannot read.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy
import pyarrow
import pyarrow.compute

from lakewright.ingest import moments
from lakewright.ingest.arrays import cast, is_all, is_any
from lakewright.plan.evidence import Seen
from lakewright.project.contract import Evidence, Reading
from lakewright.sql import types


class Tracker(Protocol):
    """Follows one way to read a column's texts."""

    def see(self, values: pyarrow.Array) -> "Tracker | None":
        """What can read these values too, one at least and none of them null; None: nothing can."""

    def seen(self) -> Seen:
        """What the values say so far."""


def first(text: str, separator: str) -> Tracker | None:
    """What can read a first value. It still has to see it."""
    if re.fullmatch(Words.PATTERN, text, re.IGNORECASE | re.ASCII):
        return Words()
    numbers = Numbers(declared=separator)
    if re.match(r"-?[.,]?[0-9]", text, re.ASCII) and numbers.see(pyarrow.array([text])):
        return numbers
    return moments.first(text)


_PAIRS = (("true", "false"), ("yes", "no"), ("t", "f"), ("y", "n"))


class Words:
    """One pair of words for true and false, in any case of letters.

    `true` and `false` are nothing else. Of the other pairs both words must be there: `no` alone may
    be Norway, `f` female.
    """

    PATTERN: ClassVar[str] = "|".join(word for pair in _PAIRS for word in pair)

    def __init__(self) -> None:
        self._words: set[str] = set()

    def see(self, values: pyarrow.Array) -> "Words | None":
        """Take more values into account."""
        self._words |= {str(word).lower() for word in values.unique().to_pylist()[:_WORDS_MAX]}
        return self if any(self._words <= set(pair) for pair in _PAIRS) else None

    def seen(self) -> Seen:
        """Boolean, or texts that may be."""
        if self._words & {"true", "false"} or len(self._words) == 2:
            return Seen(types.BOOLEAN)
        return Seen(types.STRING, evidence=Evidence(may_be=(Reading(type=types.BOOLEAN),)))


_WORDS_MAX = 30
"""Two words in every case of their letters are 2^4 + 2^5 at most, of which a column has few; more
different ones are no such words."""

_INTEGER = "-?[1-9][0-9]*|0"
_EXACT_MAX = 2**53
"""Doubles hold all whole numbers up to this one, of 16 digits."""
_BEYOND = "|".join(
    f"{str(_EXACT_MAX)[:place]}[{int(digit) + 1}-9][0-9]{{{15 - place}}}"
    for place, digit in enumerate(str(_EXACT_MAX))
    if digit != "9"
)
"""Texts of the whole numbers beyond it that have 16 digits too."""
_WHOLE = "(?:0|[1-9][0-9]{0,15})"
_POINT = rf"-?(?:{_WHOLE}(?:[.][0-9]*)?|[.][0-9]+)(?:[eE][+-]?[0-9]{{1,3}})?"
_COMMA = rf"-?{_WHOLE}(?:,[0-9]+)?"
_FRACTION = r".*[eE].*|-?0[.,].*|-?[0-9]*[.,](?:[0-9]{0,2}|[0-9]{4,})|-?[0-9]{4,}[.,].*"
"""Cannot be thousands with a separator: `1.5`, `0.125`, `1234.567`; `1.234` can."""


@dataclass
class Numbers:
    """Numbers without leading zeros: whole ones, or with a point, or with a comma."""

    declared: str = "."
    """What the source says stands before fractions; a point says nothing."""
    separator: str | None = None
    """What stands before fractions; None: all are whole so far."""
    digits: int = 0
    """The most digits of a whole number beyond 64 bits."""
    is_long: bool = False
    """Whether a whole number has more digits than a double keeps for sure."""
    is_proven: bool = False
    """Whether some separator cannot be one of thousands."""

    def see(self, values: pyarrow.Array) -> "Numbers | None":
        """Take more values into account."""
        if self.separator is None and self._see_whole(values):
            return self
        for separator in (self.separator,) if self.separator else (self.declared, *_others(self)):
            if not self.is_long and self._see_fractions(values, separator):
                self.separator = separator
                return self
        return None

    @property
    def may_be_thousands(self) -> bool:
        """Whether the points before fractions may as well separate thousands."""
        return self.separator == "." and not self.is_proven

    def _see_whole(self, values: pyarrow.Array) -> bool:
        numbers = cast(values, pyarrow.int64())
        if numbers is None or not _is_printed(numbers, values):
            # Too large, a zero or sign too many, or no whole numbers at all.
            if not is_all(values, _INTEGER):
                return False
            longest = pyarrow.compute.max(pyarrow.compute.binary_length(
                pyarrow.compute.utf8_ltrim(values, "-"))).as_py()  # fmt: skip
            self.digits = max(self.digits, longest)
            self.is_long = True
            return self.digits <= types.DECIMAL_PRECISION_MAX
        if not self.is_long:
            extremes = pyarrow.compute.min_max(numbers)
            least, most = extremes["min"].as_py(), extremes["max"].as_py()
            self.is_long = not -_EXACT_MAX <= least <= most <= _EXACT_MAX
        return True

    def _see_fractions(self, values: pyarrow.Array, separator: str) -> bool:
        is_declared = separator == self.declared == ","
        pattern = _COMMA if separator == "," and not is_declared else _POINT
        if is_declared:
            pattern = pattern.replace("[.]", ",")
        if not is_all(values, pattern):
            return False
        # Most often the first of them is proof enough.
        self.is_proven = (
            self.is_proven or is_any(values[:100], _FRACTION) or is_any(values, _FRACTION)
        )
        if separator == ",":
            values = pyarrow.compute.replace_substring(values, ",", ".")
        numbers = cast(values, pyarrow.float64())
        if numbers is None or not pyarrow.compute.all(pyarrow.compute.is_finite(numbers)).as_py():
            return False
        is_large = pyarrow.compute.greater(pyarrow.compute.abs(numbers), _EXACT_MAX / 10)
        return not is_any(values.filter(is_large), rf"-?(?:{_BEYOND}).*")

    def seen(self) -> Seen:
        """The narrowest type that keeps every digit; texts, if a comma may separate thousands."""
        evidence = Evidence(has_long_numbers=self.is_long)
        if self.separator is None:
            # Bigints have up to 19 digits.
            kind = types.Decimal(max(self.digits, 19), 0) if self.digits else types.BIGINT
            return Seen(kind, evidence=evidence)
        if self.separator == self.declared:
            return Seen(types.DOUBLE)
        if self.is_proven:
            return Seen(types.DOUBLE, COMMA)
        return Seen(
            types.STRING, evidence=Evidence(may_be=(Reading(type=types.DOUBLE, format=COMMA),))
        )


def _is_printed(numbers: pyarrow.Array, texts: pyarrow.Array) -> bool:
    """Whether whole numbers, printed, are the texts that they were read from.

    Arrow reads zeros in front too, and `0x1F`. No text without letters is shorter than its number
    is printed, so the sum of their lengths tells; it takes a fifth of the time of printing.
    """
    _, places, data = texts.buffers()
    starts = numpy.frombuffer(places, numpy.int32)[texts.offset : texts.offset + len(texts) + 1]
    characters = numpy.frombuffer(data, numpy.uint8)[starts[0] : starts[-1]]
    if characters.max() > ord("9"):
        return False
    found = numbers.to_numpy()
    positive = numpy.abs(found)
    if positive.min() < 0:  # Only the least of all has no positive counterpart.
        return bool(numbers.cast(pyarrow.string()).equals(texts))
    printed = len(found) + int(numpy.count_nonzero(found < 0))
    power, largest = 10, int(positive.max())
    while power <= largest:
        printed += int(numpy.count_nonzero(positive >= power))
        power *= 10
    return printed == len(characters)


COMMA = "0,0"
"""The format of numbers with a comma before the fraction."""


def _others(numbers: Numbers) -> Sequence[str]:
    return (",",) if numbers.declared == "." else ()
