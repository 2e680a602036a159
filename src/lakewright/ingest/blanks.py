"""Leave out the blanks around many texts of one buffer at once."""

import numpy

from lakewright.ingest.marks import Bytes, Flags, Places

_BLANKS_MAX = 64
"""More blanks beside a text are rare: each costs a look at all texts that have so many."""


def flags(blanks: bytes) -> Flags:
    """Of each byte that there is, whether it is one of these."""
    is_blank = numpy.zeros(256, dtype=numpy.bool_)
    is_blank[list(blanks)] = True
    return is_blank


def without_leading(
    values: Bytes, starts: Places, ends: Places, is_blank: Flags
) -> tuple[Places, Flags]:
    """Texts' starts behind their blanks, and which have so many that not all are left out."""
    starts = starts.copy()
    left = numpy.flatnonzero(starts < ends)
    for _ in range(_BLANKS_MAX):
        left = left[is_blank.take(values.take(starts.take(left)))]
        if not len(left):
            break
        starts[left] += 1
        left = left[starts[left] < ends[left]]
    return starts, _at(left, len(starts))


def without_trailing(
    values: Bytes, starts: Places, ends: Places, is_blank: Flags
) -> tuple[Places, Flags]:
    """The same at texts' ends."""
    ends = ends.copy()
    left = numpy.flatnonzero(starts < ends)
    for _ in range(_BLANKS_MAX):
        left = left[is_blank.take(values.take(ends.take(left) - 1))]
        if not len(left):
            break
        ends[left] -= 1
        left = left[starts[left] < ends[left]]
    return ends, _at(left, len(ends))


def _at(places: Places, count: int) -> Flags:
    found = numpy.zeros(count, dtype=numpy.bool_)
    found[places] = True
    return found
