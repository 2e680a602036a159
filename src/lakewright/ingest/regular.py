"""Find where records start in delimited text that any engine reads alike, at memory speed.

A stretch of a file is regular if a reader has no choice: line ends of one kind, quotes only around
whole fields and doubled inside them, no comment, no zero byte, sound UTF-8, no record over a
mebibyte. Its records are counted and located here with numpy, without any engine, and left in
place as parts that an engine reads in parallel. Where a stretch is not regular, the index stops at
the record in question; the exact reader takes over and hands back at a later record.

A large file is indexed by several threads: each later one starts behind a line's end, hoping that a
record starts there. Who comes from before sees whether one does; if not, that work is thrown away.
"""

import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, TypeAlias

import numpy
import numpy.typing

from lakewright.plan.landed import CsvPart
from lakewright.project.source import Dialect

_GUESS_BYTES = 1 << 16
_GUESSES_MAX = 32
"""A place inside a quoted text shows at its closing quote; longer texts are rare."""

_NEWLINE = 10
_RETURN = 13

_Positions: TypeAlias = numpy.typing.NDArray[numpy.int64]
_Bytes: TypeAlias = numpy.typing.NDArray[numpy.uint8]


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


@dataclass(frozen=True, kw_only=True, slots=True)
class Sizes:
    """How a file is divided."""

    block_bytes: int = 1 << 20
    """What is looked at in one go. A mebibyte stays in the processor's cache; a record that does
    not fit is left to the exact reader."""
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
        self._comment = (layout.dialect.comment or "").encode()

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
            data = self._file.read(self._sizes.block_bytes)
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
        size_bytes = os.fstat(self._file.fileno()).st_size - start
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
        line_ends = numpy.flatnonzero(values == _NEWLINE)
        if self._has_returns or b"\r" in data:
            limit = min(limit, self._first_strange_line_end(values, line_ends))
        is_open = False
        if self._quote is not None and self._quote in data:
            quotes = numpy.flatnonzero(values == self._quote)
            limit = min(limit, self._first_strange_quote(values, quotes))
            is_outside = (numpy.searchsorted(quotes, line_ends) & 1) == 0
            line_ends = line_ends[is_outside]
            is_open = bool(len(quotes) & 1)
        ends = line_ends + 1
        if is_last and data and not is_open and not data.endswith(b"\n"):
            ends = numpy.append(ends, len(data))
        return self._records(values, ends, min(limit, len(data)), is_last=is_last)

    def _records(self, values: _Bytes, ends: _Positions, limit: int, *, is_last: bool) -> _Block:
        """The records that end at or before the limit, blank lines left out."""
        is_limited = limit < len(values)
        if is_limited:
            ends = ends[: int(numpy.searchsorted(ends, limit, side="right"))]
        starts = numpy.concatenate(([0], ends[:-1])) if len(ends) else ends
        if self._comment and len(starts):
            comments = numpy.flatnonzero(values[starts] == self._comment[0])
            if len(comments):
                ends, starts = ends[: comments[0]], starts[: comments[0]]
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

    def _first_strange_line_end(self, values: _Bytes, line_ends: _Positions) -> int:
        returns = numpy.flatnonzero(values == _RETURN)
        if not self._has_returns:
            return int(returns[0]) if len(returns) else len(values)
        count = min(len(returns), len(line_ends))
        differ = numpy.flatnonzero(returns[:count] + 1 != line_ends[:count])
        if len(differ):
            return int(min(returns[differ[0]], line_ends[differ[0]]))
        rest = [int(ends[count]) for ends in (returns, line_ends) if len(ends) > count]
        return min(rest, default=len(values))

    def _first_strange_quote(self, values: _Bytes, quotes: _Positions) -> int:
        """Where a quote stands that neither opens nor closes a field nor is doubled inside one."""
        opening, closing = quotes[0::2], quotes[1::2]
        before = values[opening - 1]  # For a quote at 0 this is the last byte; mended below.
        is_good = (before == self._delimiter) | (before == _NEWLINE) | (before == self._quote)
        is_good[:1] |= opening[:1] == 0
        limit = len(values) if is_good.all() else int(opening[int(numpy.argmin(is_good))])
        if not len(closing):
            return limit
        after = values[numpy.minimum(closing + 1, len(values) - 1)]
        is_good = (after == self._delimiter) | (after == _NEWLINE) | (after == self._quote)
        if self._has_returns:
            is_good |= after == _RETURN
        # What follows a quote at the block's very end is not known, or nothing.
        is_good[-1:] |= closing[-1:] == len(values) - 1
        if not is_good.all():
            limit = min(limit, int(closing[int(numpy.argmin(is_good))]))
        return limit


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
