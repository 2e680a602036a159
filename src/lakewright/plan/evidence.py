"""What the values of a column that nobody declared say together about how to read it.

Files say what all their values are, or, where nothing proves it, what all of them may be:
`03/04/2024` leaves open which of the two numbers is the month. What another file proves resolves
the doubt: a `25/04/2024` there leaves one order. Joining knows no order: files in any order, in
any batches, give the same type.

    unknown      nothing was seen; it says nothing
    a type       proven; joined with another: the narrowest that holds both, without a digit lost
    string       with readings that it may have: those that all files allow, until one is proven
    string       with none: some value is nothing but a text
"""

from collections.abc import Iterator
from dataclasses import dataclass

from lakewright.plan.landed import ArrivedColumn
from lakewright.project import values
from lakewright.project.contract import NO_EVIDENCE, NULL_WORDS, Column, Evidence, Reading
from lakewright.sql import types


@dataclass(frozen=True, slots=True)
class Seen:
    """How a column's values are to be read, and what else they have shown."""

    type: types.Type
    format: str | None = None
    evidence: Evidence = NO_EVIDENCE

    @property
    def readings(self) -> tuple[Reading, ...]:
        """In what ways all values can be read as something else than text."""
        if self.type == types.STRING:
            return self.evidence.may_be
        return (Reading(type=self.type, format=self.format),)


def of(column: Column | ArrivedColumn) -> Seen:
    """What is known of a column."""
    return Seen(column.type, column.format, column.evidence)


def joined(left: Seen, right: Seen) -> Seen:
    """What both say together."""
    is_long = left.evidence.has_long_numbers or right.evidence.has_long_numbers
    words = tuple(sorted({*left.evidence.null_words, *right.evidence.null_words}))
    base = Evidence(has_long_numbers=is_long, null_words=words)
    if _says_nothing(left) or _says_nothing(right):
        # Null words alone may be anything, but need a type that holds them; no value needs none.
        other = right if _says_nothing(left, right) else left
        return _with(other, base)
    readings = tuple(dict.fromkeys(
        each for each in _both(left, right) if not (is_long and each.type == types.DOUBLE)
    ))  # fmt: skip
    if not readings:
        return Seen(types.STRING)
    if any(_proves(each, readings) for each in (left, right)) or _is_left_over(readings):
        return Seen(readings[0].type, readings[0].format, base)
    return Seen(
        types.STRING,
        evidence=Evidence(may_be=readings, has_long_numbers=is_long, null_words=words),
    )


def loosened(pattern: str | None) -> str | None:
    """The pattern of dates that takes one digit where `dd`, `MM`, `HH` or `hh` take two."""
    if pattern is None:
        return None
    for strict, loose in (("dd", "d"), ("HH", "H"), ("hh", "h")):
        pattern = pattern.replace(strict, loose)
    return pattern if "MMM" in pattern else pattern.replace("MM", "M")


def only_null_words(words: tuple[str, ...]) -> Seen:
    """What a column shows that holds nothing else."""
    anything = (Reading(type=types.UNKNOWN),)
    return Seen(types.STRING, evidence=Evidence(may_be=anything, null_words=words))


def null_words(seen: Seen) -> tuple[str, ...] | None:
    """The null words of a column by what its files hold; None: the source's."""
    words = seen.evidence.null_words
    return (*NULL_WORDS, *words) if words and seen.type != types.STRING else None


def _says_nothing(seen: Seen, beside: Seen | None = None) -> bool:
    """Whether the values leave everything open, and at least as much as those beside them."""
    if seen.type == types.UNKNOWN:
        return True
    is_open = seen.evidence.may_be == (Reading(type=types.UNKNOWN),)
    return is_open and (beside is None or beside.type != types.UNKNOWN)


def _with(seen: Seen, base: Evidence) -> Seen:
    is_text = seen.type == types.STRING and not seen.evidence.may_be
    if is_text:
        return Seen(types.STRING)
    return Seen(
        seen.type,
        seen.format,
        Evidence(
            may_be=seen.evidence.may_be,
            has_long_numbers=base.has_long_numbers,
            null_words=base.null_words,
        ),
    )


def _both(left: Seen, right: Seen) -> Iterator[Reading]:
    """The readings in which the values of both can be read."""
    for one in left.readings:
        for other in right.readings:
            kind = types.widest(one.type, other.type)
            if kind == types.STRING:
                continue
            if _is_whole(one, kind) or _is_whole(other, kind):
                yield Reading(type=kind, format=one.format or other.format)
            elif one.format == other.format:
                yield Reading(type=kind, format=one.format)
            elif kind in values.MOMENTS and loosened(one.format) == loosened(other.format):
                yield Reading(type=kind, format=loosened(one.format))


def _is_whole(reading: Reading, kind: types.Type) -> bool:
    """Whether these are whole numbers, which any notation of numbers reads."""
    is_whole = reading.type in (types.INT, types.BIGINT) or (
        isinstance(reading.type, types.Decimal) and reading.type.scale == 0
    )
    return is_whole and reading.format is None and values.is_number(kind)


def _proves(seen: Seen, readings: tuple[Reading, ...]) -> bool:
    """Whether the values by themselves prove the one reading that is left."""
    if seen.type == types.STRING or len(readings) > 1:
        return False
    return seen.format == readings[0].format or seen.type in values.MOMENTS


def _is_left_over(readings: tuple[Reading, ...]) -> bool:
    """Whether one order of day, month and year is left, all others being refuted."""
    return len(readings) == 1 and readings[0].type in values.MOMENTS
