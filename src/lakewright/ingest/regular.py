"""Find where records start in delimited text that any engine reads alike, at memory speed.

A stretch of a file is regular if a reader has no choice: line ends of one kind, quotes only around
whole fields and doubled inside them, no comment, no zero byte, sound UTF-8, no record over a
mebibyte. Its records are counted and located here with numpy, without any engine, and left in
place as parts that an engine reads in parallel. Where a stretch is not regular, the index stops at
the record in question; the exact reader takes over and hands back at a later record.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TypeAlias

import numpy
import numpy.typing

from lakewright.plan.landed import CsvPart
from lakewright.project.source import Dialect

BLOCK_BYTES = 1 << 20
"""What is looked at in one go. A mebibyte stays in the processor's cache; a record that does not
fit is left to the exact reader."""
PART_BYTES = 1 << 24
"""Enough to make starting a reader worth it, small enough to spread one file over all cores."""

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


class Index:
    """Cuts the regular stretches of one file into parts.

    Args:
        file: UTF-8 text.
        path: of the same file, for the parts.
        layout: of the file.
        offsets: a new file for the records' offsets.
        block_bytes: see `BLOCK_BYTES`.
        part_bytes: see `PART_BYTES`.
    """

    def __init__(
        self,
        file: BinaryIO,
        path: Path,
        layout: Layout,
        offsets: Path,
        *,
        block_bytes: int = BLOCK_BYTES,
        part_bytes: int = PART_BYTES,
    ) -> None:
        self.parts: list[CsvPart] = []
        self._file = file
        self._path = path
        self._offsets = offsets
        self._offsets_written = 0
        self._block_bytes = block_bytes
        self._part_bytes = part_bytes
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
        position, record = start, first_record
        pending: list[_Positions] = []
        part_start = position
        first = record
        while True:
            self._file.seek(position)
            data = self._file.read(self._block_bytes)
            is_last = len(data) < self._block_bytes
            block = self._look(data, is_last=is_last)
            if len(block.starts):
                if not pending:
                    part_start = position + int(block.starts[0])
                pending.append(block.starts + position)
                record += len(block.starts)
            position += block.end
            is_over = block.is_irregular or is_last
            if pending and (is_over or position - part_start >= self._part_bytes):
                self._cut(numpy.concatenate(pending), position, first)
                pending = []
                first = record
            yield position, record
            if is_over:
                return

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
