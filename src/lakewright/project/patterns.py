"""How dates and times are written: Spark's pattern letters, parsed and checked.

Letters and meanings follow Spark's "Datetime Patterns for Formatting and Parsing". Refused are
those that cannot be read the same everywhere: names of weekdays, weeks, quarters, eras and zones.
"""

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

LETTERS = (
    *("yyyy", "yy", "MM", "M", "MMM", "MMMM", "dd", "d", "HH", "H", "hh", "h", "a"),
    *("mm", "m", "ss", "s", "S", "SS", "SSS", "SSSS", "SSSSS", "SSSSSS"),
    *("X", "XX", "XXX", "x", "xx", "xxx", "Z"),
)
"""Every group of letters that a pattern may hold."""

_SYNONYMS = {"uuuu": "yyyy", "uu": "yy", "LL": "MM", "L": "M", "LLL": "MMM", "LLLL": "MMMM"}
_TOKEN = re.compile(r"'(?P<quoted>(?:[^']|'')*)'|(?P<letters>([A-Za-z])\3*)|(?P<other>[^A-Za-z'])")


@dataclass(frozen=True, slots=True)
class Letters:
    """A group of equal letters, such as `yyyy`, by its canonical spelling."""

    text: str


@dataclass(frozen=True, slots=True)
class Text:
    """Characters that stand for themselves."""

    text: str


Piece: TypeAlias = Letters | Text


def parse(pattern: str) -> tuple[Piece, ...]:
    """The pieces of a pattern, in order.

    Raises:
        ValueError: the pattern cannot be read the same everywhere; the message says why.
    """
    pieces: list[Piece] = []
    end = 0
    while end < len(pattern):
        found = _TOKEN.match(pattern, end)
        if not found:
            raise ValueError(f"the quote in {pattern!r} is not closed")
        end = found.end()
        if found["letters"]:
            pieces.append(_letters(found["letters"], pattern))
        elif found["quoted"] is not None:
            pieces.append(Text(found["quoted"].replace("''", "'") or "'"))
        else:
            pieces.append(Text(found["other"]))
    _refuse_half_said(pattern, [piece.text for piece in pieces if isinstance(piece, Letters)])
    return tuple(pieces)


def has_zone(pieces: tuple[Piece, ...]) -> bool:
    """Whether the pattern says an offset from UTC."""
    return any(isinstance(piece, Letters) and piece.text[0] in "XxZ" for piece in pieces)


def _letters(group: str, pattern: str) -> Letters:
    canonical = _SYNONYMS.get(group, group)
    if canonical not in LETTERS:
        raise ValueError(
            f"{group!r} in {pattern!r} is no pattern that every engine reads alike;"
            f" the patterns are {', '.join(LETTERS)}"
        )
    return Letters(canonical)


def _refuse_half_said(pattern: str, groups: list[str]) -> None:
    said = [group[0] for group in groups]
    for letter in sorted(set(said)):
        if said.count(letter) > 1:
            raise ValueError(f"{pattern!r} says {letter!r} twice")
    for letter, part in (("y", "the year"), ("M", "the month"), ("d", "the day")):
        if letter not in said:
            raise ValueError(f"{pattern!r} does not say {part} ({letter!r})")
    if ("h" in said) != ("a" in said):
        raise ValueError(
            f"{pattern!r} has one of 'h' (hour of half a day) and 'a' (which half) without the"
            " other; 'H' is the hour of a whole day"
        )
    if sum(letter in said for letter in "Hh") == 2:
        raise ValueError(f"{pattern!r} says the hour twice, as 'H' and as 'h'")
    if sum(letter in said for letter in "XxZ") > 1:
        raise ValueError(f"{pattern!r} says the zone twice")
    order = ("h" if "h" in said else "H", "m", "s", "S")
    for coarse, fine in pairwise(order):
        if fine in said and coarse not in said:
            raise ValueError(f"{pattern!r} says {fine!r} but not {coarse!r}")
