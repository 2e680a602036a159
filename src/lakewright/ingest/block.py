"""Split a block of delimited text into records and fields all at once, by the rules of `splitting`.

The places of its marks show for most lines how they are split, whether they start outside quotes or
inside. A line for which they do not show (a stray quote in a record with others, an escaped line
end, bytes that are no UTF-8) is left to the rules themselves, which read one record from there.

    outside --a line that closes what it opens--> outside      one record
    outside --a line that leaves a quote open---> inside       a record starts
    inside  --a line that closes it-------------> outside      the record ends
    inside  --any other sound line--------------> inside
    either  --anything else---------------------> outside      by the rules, from the record's start
"""

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy

from lakewright.ingest import blanks, marks, splitting
from lakewright.ingest.marks import Bytes, Flags, Marks, Places
from lakewright.project.source import Dialect

_CLOSED, _OPEN, _UNCLEAR, _IGNORED = 0, 1, 2, 3
"""How a line ends: outside quotes, inside them, nobody knows; or it is no record."""

_CLOSES = bytes([_CLOSED])
_CLOSING = re.compile(b"[" + bytes([_CLOSED, _UNCLEAR]) + b"]")


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """The records of a block."""

    starts: Places
    """In the block, of the records that were found in it at once, in order."""
    ends: Places
    """Of their texts, without the last line's end."""
    firsts: Places
    """Which of all fields is the first of each record."""
    counts: Places
    """How many fields each record has."""
    content: Bytes
    """What the places of fields are in: the block, or it without what makes others literal."""
    field_starts: Places
    """Of the fields of all these records."""
    field_ends: Places
    has_doubled: bool
    """Whether quotes were doubled in the content."""
    read: list[splitting.Record]
    """The records that were read by the rules, in order."""
    reached: int
    """Where, in the block, the next record starts; 0: the first one goes on behind the block."""


def only(read: list[splitting.Record]) -> Found:
    """No block, but records that were read by the rules."""
    none = numpy.zeros(0, dtype=numpy.int64)
    return Found(
        starts=none,
        ends=none,
        firsts=none,
        counts=none,
        content=numpy.zeros(0, dtype=numpy.uint8),
        field_starts=none,
        field_ends=none,
        has_doubled=False,
        read=read,
        reached=0,
    )


def _no_flags() -> Flags:
    return numpy.zeros(0, dtype=numpy.bool_)


@dataclass(kw_only=True, slots=True)
class _Lines:
    """The lines of a block."""

    starts: Places
    ends: Places
    """Of their texts."""
    nexts: Places
    """Where the following lines start."""
    counts: Places
    """How many marks each has, its end included."""
    outside: Bytes
    """How each ends that starts outside quotes."""
    inside: Bytes
    """How each ends that starts inside quotes."""
    is_literal: Flags
    """Whether all quotes of a line that starts outside are characters like any other."""
    is_quote: Flags | None = None
    """The marks that are quotes and may have a meaning; None: there are none."""
    parity: Flags = field(default_factory=_no_flags)
    """Of each mark, whether the quotes up to it are odd in number."""
    parity_before: Flags = field(default_factory=_no_flags)
    """The same before each line."""


@dataclass(kw_only=True, slots=True)
class _Walk:
    """What became of the lines."""

    is_first: Flags
    """Whether a record starts with a line, and was found."""
    is_later: Flags
    """Whether a line goes on with such a record."""
    reached: int
    """How many lines are done with."""
    read: list[splitting.Record] = field(default_factory=list)


class Finder:
    """Splits the blocks of one file.

    Args:
        dialect: pinned; its marks `are_plain`.
        width: how many fields a record of the table has; of one, a blank line is a record.
    """

    def __init__(self, dialect: Dialect, width: int) -> None:
        self._splitter = splitting.Splitter(io.BytesIO(), dialect, keeps_blank=width == 1)
        self._keeps_blank = width == 1
        self._alphabet = marks.Alphabet(dialect)
        self._quote = (dialect.quote or "").encode()
        self._comment = (dialect.comment or "").encode()
        self._is_trimmed = dialect.is_trimmed
        self._joins_blanks = dialect.is_trimmed and dialect.delimiter == " "
        self._has_escape = dialect.escape != "" or not dialect.quote
        around = " " if self._joins_blanks else marks.blanks_of(dialect)
        self._is_blank = blanks.flags(around.encode())

    def find(self, data: bytes, position: int, *, is_last: bool, stop: int | None = None) -> Found:
        """Split a block that starts where a record does.

        Args:
            data: the block.
            position: of its first byte, in the file.
            is_last: whether the file ends with it.
            stop: records that start here or behind, in the block, are left alone.
        """
        found = self._alphabet.find(data, is_last=is_last)
        lines = self._judged(data, found)
        is_unclear = self._unclear(data, found, lines)
        lines.outside[is_unclear] = lines.inside[is_unclear] = _UNCLEAR
        lines.outside[self._ignored(data, found.values, lines)] = _IGNORED
        block = _Source(data=data, position=position, is_last=is_last)
        walk = self._walk(block, lines, stop)
        return self._fields(block, found, lines, walk)

    def _judged(self, data: bytes, found: Marks) -> _Lines:
        """The lines, with what their quotes say about them."""
        is_end = found.kinds == marks.END
        last = numpy.flatnonzero(is_end)
        nexts = found.ends[last]
        count = len(last)
        lines = _Lines(
            starts=numpy.concatenate((nexts[:0], [0], nexts[:-1])) if count else nexts,
            ends=found.places[last],
            nexts=nexts,
            counts=numpy.diff(last, prepend=-1),
            outside=numpy.full(count, _CLOSED, dtype=numpy.uint8),
            inside=numpy.full(count, _OPEN, dtype=numpy.uint8),
            is_literal=numpy.zeros(count, dtype=numpy.bool_),
        )
        if count and self._quote and self._quote in data:
            self._judge_quotes(found, last, lines)
        return lines

    def _judge_quotes(self, found: Marks, last: Places, lines: _Lines) -> None:
        """What quotes say about the lines, each of which has its last mark."""
        is_quote, opens, closes, is_unclear = self._roles(found)
        may_open, may_close = opens, closes
        if self._has_escape:
            is_double = is_quote[1:] & is_quote[:-1] & found.touches[1:]
            may_open, may_close = opens.copy(), closes.copy()
            may_open[1:] |= is_double
            may_close[:-1] |= is_double
        else:  # A quote amid other text is text wherever it stands.
            is_quote = is_quote & (opens | closes | is_unclear)
        lines.is_quote = is_quote
        lines.parity = marks.are_odd(is_quote)
        until = lines.parity[last]
        before = numpy.concatenate(([False], until[:-1]))
        lines.parity_before = before
        leaves_open = until != before
        lines.outside[leaves_open] = _OPEN
        lines.inside[leaves_open] = _CLOSED
        is_opening = lines.parity ^ numpy.repeat(lines.parity_before, lines.counts)
        bad = is_quote & (is_unclear | ~_chosen(is_opening, may_open, may_close))
        lines.outside[_having(bad, last)] = _UNCLEAR
        bad_inside = is_quote & (is_unclear | ~_chosen(is_opening, may_close, may_open))
        lines.inside[_having(bad_inside, last)] = _UNCLEAR
        if bad.any():
            has_quote = _having(is_quote, last)
            lines.is_literal = has_quote & ~_having(is_quote & (opens | is_unclear), last)
            lines.outside[lines.is_literal] = _CLOSED

    def _roles(self, found: Marks) -> tuple[Flags, Flags, Flags, Flags]:
        """Which marks are quotes, which of them stand where a field may start, which where it may
        end, and of which that is not clear."""
        is_quote = found.kinds == marks.QUOTE
        is_edge = (found.kinds == marks.DELIMITER) | (found.kinds == marks.END)
        opens, closes = is_quote & found.touches, is_quote.copy()
        opens[1:] &= is_edge[:-1]  # The block starts where a record does.
        closes[:-1] &= is_edge[1:] & found.touches[1:]
        is_unclear = numpy.zeros(len(is_quote), dtype=numpy.bool_)
        if not self._is_trimmed or self._joins_blanks:
            return is_quote, opens, closes, is_unclear
        values, places = found.values, found.places
        quotes = numpy.flatnonzero(is_quote & ~opens)
        quotes = quotes[is_edge[quotes - 1] | (quotes == 0)]
        starts = found.ends.take(quotes - 1) * (quotes > 0)
        starts, unclear = blanks.without_leading(values, starts, places[quotes], self._is_blank)
        opens[quotes[starts == places[quotes]]] = True
        is_unclear[quotes[unclear]] = True
        if self._has_escape:
            quotes = numpy.flatnonzero(is_quote & ~closes)
            quotes = quotes[is_edge[quotes + 1]]
            ends = found.ends[quotes]
            stops, unclear = blanks.without_trailing(
                values, ends, places[quotes + 1], self._is_blank
            )
            closes[quotes[stops == ends]] = True
            is_unclear[quotes[unclear]] = True
        return is_quote, opens, closes, is_unclear

    def _unclear(self, data: bytes, found: Marks, lines: _Lines) -> Flags:
        """The lines of which quotes do not say how they are split."""
        is_unclear = numpy.zeros(len(lines.starts), dtype=numpy.bool_)
        places = [found.unclear]
        if self._joins_blanks and b"\t" in data:
            places.append(numpy.flatnonzero(found.values == ord("\t")))
        if self._joins_blanks and len(found.removed):
            places.append(found.removed)
        for each in places:
            line = numpy.searchsorted(lines.nexts, each, side="right")
            is_unclear[line[line < len(is_unclear)]] = True
        if len(is_unclear) and not data.isascii():
            try:
                data[: lines.nexts[-1]].decode()
            except UnicodeDecodeError:
                for number in _beyond_ascii(found.values, lines):
                    try:
                        data[lines.starts[number] : lines.ends[number]].decode()
                    except UnicodeDecodeError:
                        is_unclear[number] = True
        return is_unclear

    def _ignored(self, data: bytes, values: Bytes, lines: _Lines) -> Flags:
        """The lines that are no records, if they start outside quotes."""
        is_ignored = numpy.zeros(len(lines.starts), dtype=numpy.bool_)
        if not self._keeps_blank:
            is_ignored |= lines.starts == lines.ends
        if self._comment and self._comment in data:
            starts = numpy.flatnonzero(lines.nexts - lines.starts >= len(self._comment))
            for offset, byte in enumerate(self._comment):
                starts = starts[values[lines.starts[starts] + offset] == byte]
            is_ignored[starts] = True
        return is_ignored

    def _walk(self, block: "_Source", lines: _Lines, stop: int | None) -> _Walk:
        """Go from record to record; only where a line does not close is there anything to do."""
        count = len(lines.starts)
        limit = count if stop is None else int(numpy.searchsorted(lines.starts, stop))
        walk = _Walk(
            is_first=lines.outside != _IGNORED,
            is_later=numpy.zeros(count, dtype=numpy.bool_),
            reached=limit,
        )
        is_plain = (lines.outside == _CLOSED) | (lines.outside == _IGNORED)
        outside, inside = lines.outside.tobytes(), lines.inside.tobytes()
        line = 0
        later: list[int] = []
        for first in numpy.flatnonzero(~is_plain[:limit]).tolist():
            if first < line:
                continue
            behind = _behind(inside, first) if outside[first] == _OPEN else 0
            if behind:
                later += range(first + 1, behind)
                line = behind
                continue
            try:
                walk.read.append(self._read(block, lines, first))
            except _BlockEndedError:
                walk.reached = first
                break
            line = self._line_behind(block, lines, first)
            walk.is_first[first:line] = False
        else:
            walk.reached = max(limit, line)
        walk.is_later[later] = True
        walk.is_first &= ~walk.is_later
        walk.is_first[walk.reached :] = False
        return walk

    def _read(self, block: "_Source", lines: _Lines, first: int) -> splitting.Record:
        """One record by the rules.

        Raises:
            _BlockEndedError: it goes on behind the block.
        """
        start = block.position + int(lines.starts[first])
        return self._splitter.read_one(start, block.lines(lines, first))

    def _line_behind(self, block: "_Source", lines: _Lines, first: int) -> int:
        """The line behind the record that was just read."""
        end = self._splitter.position - block.position
        if end == lines.nexts[first]:
            return first + 1
        return int(numpy.searchsorted(lines.nexts, end)) + 1

    def _fields(self, block: "_Source", found: Marks, lines: _Lines, walk: _Walk) -> Found:
        """The fields of all records that were found."""
        edges, removed = self._edges(found, lines, walk)
        last = numpy.flatnonzero(found.kinds.take(edges) == marks.END)
        first_lines = numpy.flatnonzero(walk.is_first)
        starts, ends = lines.starts[first_lines], found.places[edges[last]]
        counts = numpy.diff(last, prepend=-1)
        field_ends = found.places.take(edges)
        field_starts = numpy.empty_like(field_ends)
        field_starts[1:] = found.ends.take(edges[:-1])
        field_starts[last + 1 - counts] = starts
        if self._is_trimmed:
            field_starts, field_ends, is_clear = self._trimmed(
                found.values, field_starts, field_ends
            )
            if not is_clear.all():
                is_kept = numpy.logical_and.reduceat(is_clear, last + 1 - counts)
                for first in first_lines[~is_kept].tolist():
                    walk.read.append(self._read(block, lines, first))
                walk.read.sort(key=lambda record: record.byte)
                is_of_kept = numpy.repeat(is_kept, counts)
                field_starts, field_ends = field_starts[is_of_kept], field_ends[is_of_kept]
                starts, ends, counts = starts[is_kept], ends[is_kept], counts[is_kept]
        if lines.is_quote is not None:
            field_starts, field_ends = self._unquoted(found.values, field_starts, field_ends)
        content = found.values
        if len(removed):
            is_kept = numpy.ones(len(content), dtype=numpy.bool_)
            is_kept[removed] = False
            content = content[is_kept]
            field_starts = _without(removed, field_starts)
            field_ends = _without(removed, field_ends)
        return Found(
            starts=starts,
            ends=ends,
            firsts=numpy.cumsum(counts) - counts,
            counts=counts,
            content=content,
            field_starts=field_starts,
            field_ends=field_ends,
            has_doubled=len(removed) > len(found.removed),
            read=walk.read,
            reached=int(lines.nexts[walk.reached - 1]) if walk.reached else 0,
        )

    def _trimmed(self, values: Bytes, starts: Places, ends: Places) -> tuple[Places, Places, Flags]:
        """Fields without the blanks around them, and whether these are few enough to be sure."""
        starts, too_many = blanks.without_leading(values, starts, ends, self._is_blank)
        ends, more = blanks.without_trailing(values, starts, ends, self._is_blank)
        return starts, ends, ~(too_many | more)

    def _unquoted(self, values: Bytes, starts: Places, ends: Places) -> tuple[Places, Places]:
        """Fields without the quotes around them."""
        size = len(self._quote)
        is_quoted = ends - starts >= 2 * size
        is_quoted &= marks.starting(self._quote, values, starts)
        return starts + size * is_quoted, ends - size * is_quoted

    def _edges(self, found: Marks, lines: _Lines, walk: _Walk) -> tuple[Places, Places]:
        """The marks at which fields end, and the quotes that only make others literal."""
        is_found = walk.is_first | walk.is_later
        is_edge = found.kinds != marks.QUOTE
        removed = found.removed
        if not is_found.all():
            is_edge &= numpy.repeat(is_found, lines.counts)
        if lines.is_quote is not None:
            is_inside = lines.parity ^ numpy.repeat(
                lines.parity_before ^ walk.is_later, lines.counts
            )
            is_quote = lines.is_quote
            if lines.is_literal.any():
                is_literal = numpy.repeat(lines.is_literal & ~walk.is_later, lines.counts)
                is_inside &= ~is_literal
                is_quote = is_quote & ~is_literal
            is_edge &= ~is_inside
            if self._has_escape:
                doubles = is_quote[:-1] & is_quote[1:] & ~is_inside[:-1] & found.touches[1:]
                places = found.places[:-1][doubles]
                removed = numpy.concatenate(
                    [removed, *(places + offset for offset in range(len(self._quote)))]
                )
        if self._joins_blanks:
            is_edge &= ~_joined(found, is_edge)
        return numpy.flatnonzero(is_edge), removed


def _chosen(is_one: Flags, one: Flags, other: Flags) -> Flags:
    """Of each mark one flag or the other; `numpy.where` takes thirty times as long."""
    return other ^ (is_one & (one ^ other))


def _having(flags: Flags, last: Places) -> Flags:
    """The lines that have one of these marks, by the last marks of all lines."""
    firsts = numpy.concatenate((last[:0], [0], last[:-1] + 1))
    found: Flags = numpy.logical_or.reduceat(flags, firsts)
    return found


def _behind(inside: bytes, first: int) -> int:
    """The line behind the record that starts with a line and goes on; 0: nobody knows."""
    if inside[first + 1 : first + 2] == _CLOSES:
        return first + 2
    closing = _CLOSING.search(inside, first + 1)
    if closing is None or closing.group() != _CLOSES:
        return 0
    return closing.end() if closing.end() - first <= splitting.RECORD_LINES_MAX else 0


def _without(removed: Places, places: Places) -> Places:
    """Where places, in order, are once some bytes are removed."""
    behind = numpy.searchsorted(places, removed, side="right")
    return places - numpy.cumsum(numpy.bincount(behind, minlength=len(places))[: len(places)])


def _joined(found: Marks, is_edge: Flags) -> Flags:
    """Of a run of blanks all but the first; at a line's start and end all."""
    blanks = numpy.flatnonzero(is_edge & (found.kinds == marks.DELIMITER))
    is_joined = numpy.zeros(len(is_edge), dtype=numpy.bool_)
    if not len(blanks):
        return is_joined
    follows, is_end = found.touches[blanks], found.kinds == marks.END
    is_leading = follows & is_end[blanks - 1]  # Before the first mark, the last one: an end.
    is_run_start = ~follows | (found.kinds[blanks - 1] != marks.DELIMITER)
    runs = numpy.flatnonzero(is_run_start)
    behind = blanks[numpy.append(runs[1:], len(blanks)) - 1] + 1
    is_trailing = found.touches[behind] & is_end[behind]
    is_joined[blanks[~is_run_start | is_leading]] = True
    is_joined[blanks[runs[is_trailing]]] = True
    return is_joined


def _beyond_ascii(values: Bytes, lines: _Lines) -> list[int]:
    """The lines that hold more than ASCII."""
    places = numpy.flatnonzero(values[: int(lines.nexts[-1])] >= 0x80)
    return [*map(int, numpy.unique(numpy.searchsorted(lines.nexts, places, side="right")))]


class _BlockEndedError(Exception):
    """A record goes on behind the block."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Source:
    """A block, for the rules."""

    data: bytes
    position: int
    """Of its first byte, in the file."""
    is_last: bool

    def lines(self, lines: _Lines, first: int) -> Iterator[bytes]:
        """The lines from one on.

        Raises:
            _BlockEndedError: there are no more of them in the block, but in the file.
        """
        for line in range(first, len(lines.starts)):
            yield self.data[lines.starts[line] : lines.nexts[line]]
        if not self.is_last:
            raise _BlockEndedError
