"""Find where records start in delimited text that any engine reads alike, at memory speed.

A stretch of a file is regular if a reader has no choice: line ends of one kind, quotes only around
whole fields and doubled inside them, no comment, no header once more, no record in other quotes, no
byte order mark where a record starts, no zero byte, sound UTF-8, no record over half a mebibyte.
Its records are counted and located here with numpy, without any engine, and left in place as parts
that an engine reads in parallel. Where a stretch is not regular, the index stops at the record in
question; the exact reader takes over and hands back later.

A large file is indexed by several threads: each later one starts behind a line's end, hoping that a
record starts there. Who comes from before sees whether one does; if not, that work is thrown away.
"""

import codecs
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, TypeAlias

import numpy
import numpy.typing

from lakewright.ingest import salvage
from lakewright.plan.landed import CsvPart
from lakewright.project.source import Dialect

_GUESS_BYTES = 1 << 16
_GUESSES_MAX = 32
"""A place inside a quoted text shows at its closing quote; longer texts are rare."""

_NEWLINE = 10
_RETURN = 13

_Positions: TypeAlias = numpy.typing.NDArray[numpy.int64]
_Bytes: TypeAlias = numpy.typing.NDArray[numpy.uint8]
_Flags: TypeAlias = numpy.typing.NDArray[numpy.bool_]
_Bits: TypeAlias = numpy.typing.NDArray[numpy.uint64]

_ONE = numpy.uint64(1)
_LAST = numpy.uint64(63)
_ALL = numpy.uint64(2**64 - 1)

_ONE_OF_EIGHT = numpy.uint8(1)
_PLACE = numpy.array([(byte & -byte).bit_length() - 1 for byte in range(256)], dtype=numpy.int64)
"""Which bit of a byte is the lowest that is set."""


def is_possible(dialect: Dialect, columns: int) -> bool:
    """Whether a file in this dialect may have regular stretches at all.

    A file of one column is not among them: readers do not agree about its blank lines.
    """
    marks = (dialect.delimiter or "", dialect.quote or "")
    return (
        columns > 1
        and len(marks[0]) == 1
        and len(marks[1]) <= 1
        and all(mark.isascii() for mark in marks)
        and dialect.escape in (dialect.quote, "")
        and not dialect.is_trimmed
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Block:
    """What one block holds."""

    starts: _Positions
    """Where its whole records start, within the block."""
    end: int
    """Where the last whole record ends, blank lines behind it included."""
    is_irregular: bool
    """Whether what follows `end` is not regular."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """How a file is written, as far as the index has to know."""

    dialect: Dialect
    """Pinned, and `is_possible`."""
    has_returns: bool
    """Whether its line ends are CR LF; else they are LF."""
    is_sound: bool
    """Whether all of it is known to be UTF-8."""
    headers: frozenset[bytes] = frozenset()
    """How the header's records may be written, without line ends: where one stands again is not
    regular."""
    end: int | None = None
    """Where the table ends, if that is before the end of the file: after a line's end."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sizes:
    """How a file is divided."""

    block_bytes: int = 1 << 21
    """What is looked at in one go. Smaller blocks stay in the processor's cache, but two threads
    that look at them wait for the interpreter half of the time."""
    record_bytes_max: int = 1 << 19
    """Longer records are left to the exact reader, as those are that do not fit in a block."""
    part_bytes: int = 1 << 24
    """Enough to make starting a reader worth it, small enough to spread one file over all cores."""
    thread_bytes_min: int = 1 << 25
    """Less than this is not worth a thread of its own: it is indexed in a twentieth of a second."""


class Index:
    """Cuts the regular stretches of one file into parts.

    Args:
        file: UTF-8 text.
        path: of the same file, for the parts.
        layout: of the file.
        offsets: a file for the records' offsets; what it held is lost. Threads that start later in
            the file write others beside it.
        sizes: how the file is divided.
        threads: how many may work; None: as many as there are processors.
    """

    def __init__(
        self,
        file: BinaryIO,
        path: Path,
        layout: Layout,
        offsets: Path,
        sizes: Sizes | None = None,
        threads: int | None = None,
    ) -> None:
        self.parts: list[CsvPart] = []
        self._file = file
        self._path = path
        self._layout = layout
        self._offsets = offsets
        self._offsets_written = 0
        self._sizes = sizes or Sizes()
        self._threads = threads or os.cpu_count() or 1
        self._is_started = False
        self._ahead: _Ahead | None = None
        self._has_returns = layout.has_returns
        self._is_sound = layout.is_sound
        self._delimiter = ord(layout.dialect.delimiter or ",")
        self._quote = ord(layout.dialect.quote) if layout.dialect.quote else None
        line_end = b"\r\n" if layout.has_returns else b"\n"
        self._strange_starts = (
            (layout.dialect.comment or "").encode()[:1],
            codecs.BOM_UTF8,  # An engine drops it where the range that it reads starts so.
            *(header + line_end for header in sorted(layout.headers)),
        )
        self._other_quotes = [
            mark.encode() for mark in salvage.QUOTES if mark != layout.dialect.quote
        ]
        self._may_be_strange = numpy.zeros(256, dtype=numpy.bool_)
        for mark in (*self._strange_starts, *self._other_quotes):
            self._may_be_strange[list(mark[:1])] = True

    def read(self, start: int, first_record: int) -> Iterator[tuple[int, int]]:
        """Cut from one position on, as far as the file is regular.

        Args:
            start: of a record.
            first_record: the number of that record.

        Yields:
            After each block: the position reached and the number of the record that starts there.
        """
        self._start(start)
        position, record = start, first_record
        pending: list[_Positions] = []
        part_start = position
        first = record
        while True:
            self._file.seek(position)
            data = self._file.read(self._bytes_from(position))
            is_last = len(data) < self._sizes.block_bytes
            block = self._look(data, is_last=is_last)
            starts = block.starts + position
            position += block.end
            ahead = self._met(starts, position)
            if ahead is not None:
                position = ahead.start
                starts = starts[starts < position]
            if len(starts):
                if not pending:
                    part_start = int(starts[0])
                pending.append(starts)
                record += len(starts)
            is_over = block.is_irregular or is_last or ahead is not None
            if pending and (is_over or position - part_start >= self._sizes.part_bytes):
                self._cut(numpy.concatenate(pending), position, first)
                pending = []
                first = record
            if ahead is not None:
                parts, position = ahead.result()
                self.parts += [
                    replace(part, first_record=part.first_record + record - 1) for part in parts
                ]
                record += sum(part.records for part in parts)
            yield position, record
            if is_over:
                return

    def _bytes_from(self, position: int) -> int:
        """How much may be looked at from a position on."""
        most, end = self._sizes.block_bytes, self._layout.end
        return most if end is None else min(most, max(0, end - position))

    def stop(self) -> None:
        """Call back who is still ahead."""
        if self._ahead is not None:
            self._ahead.stop()
            self._ahead = None

    def _start(self, start: int) -> None:
        """Send the other threads ahead, once; forget them if they are behind."""
        if self._ahead is not None and self._ahead.start < start:
            self.stop()
        if self._is_started:
            return
        self._is_started = True
        self._offsets.unlink(missing_ok=True)
        end = self._layout.end
        size_bytes = (os.fstat(self._file.fileno()).st_size if end is None else end) - start
        threads = min(self._threads, size_bytes // self._sizes.thread_bytes_min)
        if threads <= 1:
            return
        place = self._likely_start(start + size_bytes // threads)
        if place is not None:
            offsets = self._offsets.with_name(f"{self._offsets.name}-{threads - 1}")
            self._ahead = _Ahead(place, self._path, self._layout, offsets, self._sizes, threads - 1)

    def _likely_start(self, position: int) -> int | None:
        """Where a record seems to start: from there on, all quotes are where quotes may be."""
        self._file.seek(position)
        data = self._file.read(min(self._sizes.block_bytes, _GUESS_BYTES))
        start = 0
        for _ in range(_GUESSES_MAX):
            start = data.find(b"\n", start) + 1
            if not start:
                return None
            if not self._look(data[start:], is_last=False).is_irregular:
                return position + start
        return None

    def _met(self, starts: _Positions, end: int) -> "_Ahead | None":
        """Who went ahead, if one of these records is where they started."""
        ahead = self._ahead
        if ahead is None or end <= ahead.start:
            return None
        if ahead.start not in starts:
            self.stop()
            return None
        self._ahead = None
        return ahead

    def _cut(self, starts: _Positions, end: int, first_record: int) -> None:
        byte_start = int(starts[0])
        offsets = numpy.append(starts - byte_start, end - byte_start).astype("<u4")
        with self._offsets.open("ab") as file:
            file.write(offsets.tobytes())
        self.parts.append(
            CsvPart(
                path=str(self._path),
                byte_start=byte_start,
                byte_end=end,
                first_record=first_record,
                records=len(starts),
                offsets_path=str(self._offsets),
                offsets_start=self._offsets_written,
            )
        )
        self._offsets_written += len(offsets)

    def _look(self, data: bytes, *, is_last: bool) -> _Block:
        """Find the whole records of a block, as far as they are regular."""
        if not is_last and data.endswith(b"\r"):
            data = data[:-1]  # What follows decides what it is.
        limit = self._first_strange_byte(data, is_last=is_last)
        values = numpy.frombuffer(data, dtype=numpy.uint8)
        line_ends = _bits(values == _NEWLINE)
        is_open = False
        if self._quote is not None and self._quote in data:
            quotes = _Quotes(values, self._quote)
            around = line_ends | _bits(values == self._delimiter)
            limit = min(limit, quotes.first_strange(around, has_returns=self._has_returns))
            line_ends = quotes.outside(line_ends)
            is_open = quotes.is_open
        limit = min(limit, self._first_strange_return(data))
        ends = _places(line_ends) + 1
        if is_last and data and not is_open and not data.endswith(b"\n"):
            ends = numpy.append(ends, len(data))
        return self._records(values, ends, min(limit, len(data)), is_last=is_last)

    def _records(self, values: _Bytes, ends: _Positions, limit: int, *, is_last: bool) -> _Block:
        """The records that end at or before the limit, blank lines left out."""
        is_limited = limit < len(values)
        if is_limited:
            ends = ends[: int(numpy.searchsorted(ends, limit, side="right"))]
        starts = numpy.concatenate(([0], ends[:-1])) if len(ends) else ends
        strange = self._first_strange_record(values, starts, ends)
        if strange < len(starts):
            ends, starts = ends[:strange], starts[:strange]
            is_limited = True
        end = int(ends[-1]) if len(ends) else 0
        blank = 2 if self._has_returns else 1
        is_record = (ends - starts) > blank
        # The last line may lack its end; whatever it holds is a record.
        if is_last and len(ends) and end == len(values) and values[-1] != _NEWLINE:
            is_record[-1] = True
        is_whole = is_last and end == len(values)
        is_stuck = end == 0 or (is_last and not is_whole)
        return _Block(
            starts=starts[is_record],
            end=end,
            is_irregular=(is_limited or is_stuck) and not is_whole,
        )

    def _first_strange_byte(self, data: bytes, *, is_last: bool) -> int:
        """Where the first zero byte or damaged character is; the block's length if nowhere."""
        zero = data.find(b"\0")
        limit = len(data) if zero < 0 else zero
        if self._is_sound or data.isascii():
            return limit
        try:
            data.decode()
        except UnicodeDecodeError as error:
            is_cut = not is_last and error.end == len(data) and error.reason.startswith("unexp")
            return limit if is_cut else min(limit, error.start)
        return limit

    def _first_strange_record(self, values: _Bytes, starts: _Positions, ends: _Positions) -> int:
        """The place of the first record that is too long, starts like none, or whose fields stand
        in other quotes; the number of records if there is none."""
        count = len(starts)
        lengths = ends - starts
        if count and lengths.max() > self._sizes.record_bytes_max:
            count = int(numpy.argmax(lengths > self._sizes.record_bytes_max))
        places = numpy.flatnonzero(self._may_be_strange[values[starts[:count]]])
        for mark in self._strange_starts:
            found = _beginning_with(mark, values, starts[places], ends[places])
            if len(found):
                count = int(places[found[0]])
                places = places[: int(found[0])]
        count = min(count, self._first_in_quotes(values, starts, ends, places))
        if count and self._layout.headers:  # The last line may lack its end.
            last = values[starts[count - 1] : ends[count - 1]].tobytes()
            count -= last in self._layout.headers
        return count

    def _first_in_quotes(
        self, values: _Bytes, starts: _Positions, ends: _Positions, places: _Positions
    ) -> int:
        """The first of some records whose fields stand in other quotes; the number of all if none.

        See `salvage.is_in_other_quotes`. In no such record a delimiter stands inside a field.
        """
        delimiter, first = bytes([self._delimiter]), len(starts)
        for quote in self._other_quotes:
            found = places[values[starts[places]] == ord(quote)]
            if not len(found) or quote + delimiter + quote not in values.tobytes():
                continue
            for place in found.tolist():
                record = values[starts[place] : ends[place]].tobytes()
                *fields, last = record.split(delimiter)
                if (
                    fields
                    and last.startswith(quote)
                    and all(len(text) > 1 and text[:1] == quote == text[-1:] for text in fields)
                ):
                    places = places[places < place]
                    first = place
                    break
        return first

    def _first_strange_return(self, data: bytes) -> int:
        """Where a line end is of another kind than the file's; the block's length if nowhere."""
        if not self._has_returns:
            place = data.find(b"\r")
            return len(data) if place < 0 else place
        values = numpy.frombuffer(data, dtype=numpy.uint8)
        alone = _next(_bits(values == _RETURN)) ^ _bits(values == _NEWLINE)
        return _first(alone, len(data) - data.endswith(b"\r"))


class _Quotes:
    """The quotes of a block, and what stands between them, one bit for each byte.

    Which bytes stand inside quotes is the running parity of the quotes up to them; Langdale and
    Lemire, "Parsing Gigabytes of JSON per Second" (2019), section 3.1.1. A quote that opens is
    inside, one that closes is not.
    """

    def __init__(self, values: _Bytes, quote: int) -> None:
        self._values = values
        self._quotes = _bits(values == quote)
        inside = self._quotes.copy()
        for shift in (1, 2, 4, 8, 16, 32):
            inside ^= inside << numpy.uint64(shift)
        is_odd = numpy.bitwise_xor.accumulate(inside >> _LAST)
        inside[1:] ^= is_odd[:-1] * _ALL
        self._inside = inside
        self.is_open = bool(is_odd[-1])
        """Whether the block ends inside quotes."""

    def outside(self, bits: _Bits) -> _Bits:
        """Those of the bytes that stand outside quotes."""
        return bits & ~self._inside

    def first_strange(self, around: _Bits, *, has_returns: bool) -> int:
        """Where a quote neither opens nor closes a field nor is doubled inside one.

        Args:
            around: the bytes that may stand before and behind a quoted field.
            has_returns: whether a carriage return may stand behind one, too.

        Returns:
            The number of bytes if there is none.
        """
        edges = around | self._quotes
        may_open = _next(edges)
        may_open[0] |= _ONE  # A field may start with the block.
        if has_returns:
            edges |= _bits(self._values == _RETURN)
        may_close = _previous(edges)
        # What follows a quote at the block's very end is not known, or nothing.
        may_close[-1] |= _ONE << numpy.uint64((len(self._values) - 1) % 64)
        is_good = (self._inside & may_open) | (~self._inside & may_close)
        return _first(self._quotes & ~is_good, len(self._values))


def _beginning_with(
    mark: bytes, values: _Bytes, starts: _Positions, ends: _Positions
) -> _Positions:
    """The places of the records that begin with a text; none if it is empty."""
    places = numpy.flatnonzero(ends - starts >= len(mark)) if mark else starts[:0]
    for offset, byte in enumerate(mark):
        places = places[values[starts[places] + offset] == byte]
        if not len(places):
            break
    return places


def _bits(flags: _Flags) -> _Bits:
    """One bit for each flag, 64 in a number, the first one lowest; the last number is filled up."""
    packed = numpy.packbits(flags, bitorder="little")
    if len(packed) % 8 == 0:
        return packed.view("<u8")
    filled = numpy.zeros(-(-len(packed) // 8) * 8, dtype=numpy.uint8)
    filled[: len(packed)] = packed
    return filled.view("<u8")


def _places(bits: _Bits) -> _Positions:
    """The places of the bits that are set, in order.

    Most bytes hold none, and those that do mostly one: looking at bytes costs a third of unpacking.
    """
    octets = bits.view(numpy.uint8)
    found = numpy.flatnonzero(octets != 0)  # Of flags it is three times as fast as of numbers.
    held = octets[found]
    if (held & (held - _ONE_OF_EIGHT)).any():
        return numpy.flatnonzero(numpy.unpackbits(octets, bitorder="little").view(numpy.bool_))
    return found * 8 + _PLACE.take(held)


def _next(bits: _Bits) -> _Bits:
    """Each bit moved to the byte behind its own."""
    moved = bits << _ONE
    moved[1:] |= bits[:-1] >> _LAST
    return moved


def _previous(bits: _Bits) -> _Bits:
    """Each bit moved to the byte before its own."""
    moved = bits >> _ONE
    moved[:-1] |= bits[1:] << _LAST
    return moved


def _first(bits: _Bits, default: int) -> int:
    """The place of the first bit that is set before the default, else the default."""
    numbers = numpy.flatnonzero(bits != 0)
    if not len(numbers):
        return default
    number = int(bits[numbers[0]])
    return min(int(numbers[0]) * 64 + (number & -number).bit_length() - 1, default)


class _Ahead:
    """A thread that indexes from a later place on, where a record starts if all goes well."""

    def __init__(
        self, start: int, path: Path, layout: Layout, offsets: Path, sizes: Sizes, threads: int
    ) -> None:
        self.start = start
        self._is_stopped = threading.Event()
        self._thread = ThreadPoolExecutor(1)
        self._work = self._thread.submit(self._read, path, layout, offsets, sizes, threads)

    def _read(
        self, path: Path, layout: Layout, offsets: Path, sizes: Sizes, threads: int
    ) -> tuple[list[CsvPart], int]:
        position = self.start
        with path.open("rb") as file:
            index = Index(file, path, layout, offsets, sizes, threads)
            try:
                for reached, _ in index.read(self.start, 1):
                    position = reached
                    if self._is_stopped.is_set():
                        break
            finally:
                index.stop()
        return index.parts, position

    def result(self) -> tuple[list[CsvPart], int]:
        """The parts, their records numbered from 1, and the position reached."""
        try:
            return self._work.result()
        finally:
            self._thread.shutdown()

    def stop(self) -> None:
        """Give up: no record starts there."""
        self._is_stopped.set()
        self._thread.shutdown(wait=False)
