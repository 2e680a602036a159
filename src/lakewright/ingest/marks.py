"""Find the marks of a block of delimited text all at once: delimiters, quotes, escapes, line ends.

Their places are a tenth of the block's bytes or less; all that is asked later is asked of them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy
import numpy.typing

from lakewright.project.source import Dialect

Places: TypeAlias = numpy.typing.NDArray[numpy.int64]
Flags: TypeAlias = numpy.typing.NDArray[numpy.bool_]
Bytes: TypeAlias = numpy.typing.NDArray[numpy.uint8]

END, DELIMITER, QUOTE, ESCAPE = 1, 2, 3, 4
"""What a mark may be. An END is a line's: CR LF, LF, CR, or the end of the file."""

_NEWLINE, _RETURN = 10, 13


def are_plain(dialect: Dialect) -> bool:
    """Whether the marks of a dialect cannot be taken for each other, not even for a part of one."""
    marks = [mark for mark in (dialect.delimiter or ",", dialect.quote, escape_of(dialect)) if mark]
    if dialect.is_trimmed:
        marks.append(blanks_of(dialect))
    characters = [character for mark in marks for character in set(mark)]
    firsts = {mark.encode()[0] for mark in marks}
    return (
        len(set(characters)) == len(characters)
        and len(firsts) == len(marks)
        and not {"\r", "\n"} & set(characters)
    )


def escape_of(dialect: Dialect) -> str:
    """What makes other marks literal, if that is not the quote itself; else the empty text."""
    return dialect.escape if dialect.escape and dialect.escape != dialect.quote else ""


def blanks_of(dialect: Dialect) -> str:
    """The blanks that may stand around a field."""
    return "".join(blank for blank in " \t" if blank not in (dialect.delimiter or ","))


@dataclass(frozen=True, kw_only=True, slots=True)
class Marks:
    """The marks of a block's whole lines, in order; the last one is an END. Escapes are no more
    among them, nor what they make literal."""

    values: Bytes
    """The block."""
    places: Places
    """Where each starts."""
    ends: Places
    """The first byte behind each."""
    kinds: Bytes
    removed: Places
    """Bytes that only make the following one literal."""
    unclear: Places
    """Bytes that spoil what is known of their line."""
    touches: Flags
    """Whether each stands right behind the one before it, or where the block starts."""


class Alphabet:
    """The marks of a dialect that `are_plain`."""

    def __init__(self, dialect: Dialect) -> None:
        self._kinds = numpy.zeros(256, dtype=numpy.uint8)
        self._lengths = numpy.ones(256, dtype=numpy.int64)
        self._long: list[tuple[int, bytes]] = []
        self._escape = escape_of(dialect).encode()
        marks = ((dialect.delimiter or ",", DELIMITER), (dialect.quote, QUOTE),
                 (escape_of(dialect), ESCAPE))  # fmt: skip
        for text, kind in marks:
            if text:
                mark = text.encode()
                self._kinds[mark[0]] = kind
                self._lengths[mark[0]] = len(mark)
                if len(mark) > 1:
                    self._long.append((kind, mark))
        self._kinds[[_NEWLINE, _RETURN]] = END
        self._firsts = numpy.flatnonzero(self._kinds).astype(numpy.uint8)

    def find(self, data: bytes, *, is_last: bool) -> Marks:
        """The marks of a block.

        Args:
            data: the block.
            is_last: whether the file ends with it, so that its last line needs no end.
        """
        values = numpy.frombuffer(data, dtype=numpy.uint8)
        is_mark = values == _NEWLINE
        for first in self._firsts[self._firsts != _NEWLINE]:  # Faster than to look each byte up.
            is_mark |= values == first
        places = numpy.flatnonzero(is_mark)
        firsts = values.take(places)
        kinds = self._kinds.take(firsts)
        ends = places + self._lengths.take(firsts) if self._long else places + 1
        unclear: list[Places] = []
        for kind, mark in self._long:
            wanted = numpy.flatnonzero((kinds != kind) | starting(mark, values, places))
            places, ends, kinds = places.take(wanted), ends.take(wanted), kinds.take(wanted)
            same = numpy.flatnonzero(kinds == kind)
            # Of `|||` nobody knows without reading which two are the delimiter.
            overlaps = same[1:][places[same[1:]] < ends[same[:-1]]]
            unclear.append(places[overlaps])
        if b"\r" in data:
            firsts = values.take(places)
            is_first = (firsts[:-1] == _RETURN) & (firsts[1:] == _NEWLINE)
            is_first &= places[1:] == places[:-1] + 1
            ends[:-1][is_first] += 1
            wanted = numpy.flatnonzero(numpy.append(True, ~is_first)[: len(places)])
            places, ends, kinds = places.take(wanted), ends.take(wanted), kinds.take(wanted)
        whole = _whole(places, kinds, data, is_last=is_last)
        places, ends, kinds = places[:whole], ends[:whole], kinds[:whole]
        if is_last and len(data) and not (whole and ends[-1] == len(data) and kinds[-1] == END):
            places, ends = numpy.append(places, len(data)), numpy.append(ends, len(data))
            kinds = numpy.append(kinds, numpy.uint8(END))
        marks = Marks(
            values=values,
            places=places,
            ends=ends,
            kinds=kinds,
            touches=_touching(places, ends),
            removed=places[:0],
            unclear=numpy.concatenate(unclear) if unclear else places[:0],
        )
        return _without_escapes(marks) if self._escape and self._escape in data else marks


def _touching(places: Places, ends: Places) -> Flags:
    touches = numpy.zeros(len(places), dtype=numpy.bool_)
    touches[1:] = places[1:] == ends[:-1]
    touches[:1] = places[:1] == 0
    return touches


def are_odd(flags: Flags) -> Flags:
    """Of each flag, whether those that are set up to it, itself among them, are odd in number.

    For 64 of them at once: Langdale and Lemire, "Parsing Gigabytes of JSON per Second" (2019),
    section 3.1.1.
    """
    octets = numpy.zeros(-(-len(flags) // 64) * 8, dtype=numpy.uint8)
    octets[: -(-len(flags) // 8)] = numpy.packbits(flags, bitorder="little")
    odd = octets.view("<u8")
    for shift in (1, 2, 4, 8, 16, 32):
        odd ^= odd << numpy.uint64(shift)
    until = numpy.bitwise_xor.accumulate(odd >> numpy.uint64(63))
    odd[1:] ^= until[:-1] * numpy.uint64(0xFFFFFFFFFFFFFFFF)
    bits = numpy.unpackbits(octets, count=len(flags), bitorder="little")
    return bits.view(numpy.bool_)


def starting(mark: bytes, values: Bytes, places: Places) -> Flags:
    """Whether a text stands at each of these places."""
    is_there = places + len(mark) <= len(values)
    last = max(len(values) - 1, 0)
    for offset, byte in enumerate(mark):
        is_there &= values.take(numpy.minimum(places + offset, last)) == byte
    return is_there


def _whole(places: Places, kinds: Bytes, data: bytes, *, is_last: bool) -> int:
    """How many of the marks are of whole lines."""
    if is_last:
        return len(places)
    line_ends = numpy.flatnonzero(kinds == END)
    if len(line_ends) and data.endswith(b"\r") and places[line_ends[-1]] == len(data) - 1:
        line_ends = line_ends[:-1]  # What follows decides what it is.
    return int(line_ends[-1]) + 1 if len(line_ends) else 0


def _without_escapes(marks: Marks) -> Marks:
    """The marks that count: a backslash takes the mark behind it, be it another backslash."""
    places, ends, kinds = marks.places, marks.ends, marks.kinds
    escapes = numpy.flatnonzero(kinds == ESCAPE)
    numbers = numpy.arange(len(escapes))
    is_first = numpy.append(True, (numpy.diff(escapes) > 1) | ~marks.touches[escapes[1:]])
    of_run = numbers - numpy.maximum.accumulate(numbers * is_first)
    escapes = escapes[of_run % 2 == 0]
    taken = escapes + 1  # There is one: the last mark is a line's end.
    is_taking = marks.touches[taken]
    is_at_end = is_taking & (kinds[taken] == END)
    is_taking &= ~is_at_end
    is_kept = kinds != ESCAPE
    is_kept[taken[is_taking]] = False
    kept = numpy.flatnonzero(is_kept)
    kept_places, kept_ends = places.take(kept), ends.take(kept)
    return Marks(
        values=marks.values,
        places=kept_places,
        ends=kept_ends,
        kinds=kinds.take(kept),
        touches=_touching(kept_places, kept_ends),
        removed=_spread(places[escapes[is_taking]], ends[escapes[is_taking]]),
        unclear=numpy.concatenate((marks.unclear, places[escapes[is_at_end]])),
    )


def _spread(starts: Places, ends: Places) -> Places:
    """All bytes of some marks, in order."""
    return numpy.concatenate([*_columns(starts, ends)]) if len(starts) else starts


def _columns(starts: Places, ends: Places) -> Iterator[Places]:
    for offset in range(int((ends - starts).max())):
        yield starts + offset
