"""Read a delimited file exactly, whatever is in it, and write its records as text.

A block of the file is split all at once (see `block`); what is not clear there, and records larger
than a block, are split by the rules themselves. No field that was found in a block ever becomes an
object of its own: columns are gathered from the block's bytes.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy
import pyarrow

from lakewright.ingest import block, marks, salvage, splitting, texts
from lakewright.ingest.block import Found
from lakewright.ingest.inference import ColumnType
from lakewright.ingest.marks import Bytes, Flags, Places
from lakewright.plan.landed import TextPart
from lakewright.project.source import Dialect

_BLOCK_BYTES = 1 << 18
_WIDE_BLOCK_BYTES = 1 << 22
_WIDE = 256
"""So many columns are gathered with less effort for each from a larger block."""
_BEHIND_BYTES = 1 << 16
"""What is read behind a stretch, for its last record."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """What is known of a table before it is read."""

    dialect: Dialect
    """Pinned."""
    names: Sequence[str]
    """Of its columns."""
    headers: Sequence[Sequence[str]]
    """The header's records, which are none of the table's where they stand again."""
    end: int | None
    """The first byte of the file that is not the table's, if there is one."""
    problem: Callable[[splitting.Record], str | None]
    """Why a record is none of the table's, or cannot be read."""


class Reader:
    """Reads stretches of one file.

    Args:
        table: the file's.
        file: UTF-8 text.
        work_folder: for the parts.
        columns: those whose types are to be found, by place; they are shown every value.
        block_bytes: how much is split at once; None: what suits the table.
    """

    def __init__(
        self,
        table: Table,
        file: BinaryIO,
        work_folder: Path,
        columns: Mapping[int, ColumnType],
        block_bytes: int | None = None,
    ) -> None:
        self._table = table
        self._file = file
        self._columns = columns
        self._writer = texts.Writer(work_folder)
        self._width = len(table.names)
        self._block_bytes = block_bytes or (
            _WIDE_BLOCK_BYTES if self._width > _WIDE else _BLOCK_BYTES
        )
        is_plain = marks.are_plain(table.dialect)
        self._finder = block.Finder(table.dialect, self._width) if is_plain else None

    def read(
        self, start: int, stop: int | None, number: int, report: Callable[[int], None]
    ) -> tuple[int, int]:
        """Read the records that start in a range; the position and record number reached.

        Args:
            start: of a record.
            stop: records that start here or behind are left alone; None: read to the end.
            number: of the first record.
            report: is told the position reached.
        """
        position = start
        while stop is None or position < stop:
            self._file.seek(position)
            wanted = self._block_bytes
            if stop is not None:
                wanted = min(wanted, stop - position + _BEHIND_BYTES)
            data = self._file.read(wanted)
            if not data:
                break
            found = None
            if self._finder is not None:
                limit = None if stop is None else stop - position
                found = self._finder.find(data, position, is_last=len(data) < wanted, stop=limit)
            if found is not None and found.reached:
                number += self._write(data, position, found, number)
                position += found.reached
            else:
                batch, position = self._by_rules(position, stop)
                number += self._write(b"", position, batch, number)
            report(position)
        return position, number

    def close(self) -> tuple[TextPart, ...]:
        """The parts that were written."""
        return self._writer.close(self._table.names)

    def _by_rules(self, position: int, stop: int | None) -> tuple[Found, int]:
        """Records from a position on, by the rules; where they end."""
        splitter = splitting.Splitter(
            self._file, self._table.dialect, start=position, stop=stop,
            keeps_blank=self._width == 1,
        )  # fmt: skip
        most = 1 if self._finder else texts.records_at_once(self._width)
        records: list[splitting.Record] = []
        for record in splitter:
            records.append(record)
            is_large = splitter.position - position > texts.BATCH_BYTES
            if is_large or len(records) >= most:
                break
        return block.nothing(self._width, records), splitter.position

    def _write(self, data: bytes, position: int, found: Found, number: int) -> int:
        """Write the records of a block; how many they are."""
        rows = _Rows(self._table, data, position, found)
        columns = [rows.column(place) for place in range(self._width)]
        for place, column in self._columns.items():
            column.see(columns[place])
        batch = texts.Batch(
            range(number, number + rows.count), rows.bytes, rows.raws, rows.problems
        )
        self._writer.write(dict(zip(self._table.names, columns, strict=True)), batch)
        return rows.count


class _Rows:
    """The records of a block in the file's order: those that were found, and those that were read.

    All fields are cells of one array of texts, from which columns are gathered. Of those that were
    found every second cell is what stands between two fields.
    """

    def __init__(self, table: Table, data: bytes, position: int, found: Found) -> None:
        self._table, self._data, self._position, self._found = table, data, position, found
        width, many = len(table.names), len(found.starts)
        self.count = many + len(found.read)
        problems = self._problems()
        refused = numpy.zeros(self.count, dtype=numpy.bool_)
        refused[[*problems]] = True
        sound = [record.fields for row, record in enumerate(found.read, many) if not refused[row]]
        cells = _cells(found.content, found.field_starts.ravel(), found.field_ends.ravel())
        firsts = numpy.zeros(self.count, dtype=numpy.int64)
        firsts[:many] = numpy.arange(many) * (2 * width)
        firsts[many:][~refused[many:]] = len(cells) + numpy.arange(len(sound)) * width
        raws = _cells(data, found.starts, found.ends)
        raw_places = numpy.arange(self.count)
        raw_places[:many] *= 2
        raw_places[many:] += many
        positions = numpy.append(found.starts + position, [each.byte for each in found.read])
        order = numpy.argsort(positions, kind="stable") if found.read else slice(None)
        self._cells = _joined(cells, [text for fields in sound for text in fields])
        self._firsts = firsts[order]
        self._steps = numpy.where(raw_places < 2 * many, 2, 1)[order]
        self._refused = refused[order] if problems else None
        self.bytes = pyarrow.array(positions[order].astype(numpy.int64))
        self.raws = _joined(raws, [each.raw for each in found.read]).take(
            pyarrow.array(raw_places[order])
        )
        self.problems = pyarrow.nulls(self.count, pyarrow.string())
        if problems:
            told = numpy.full(self.count, None, dtype=object)
            told[[*problems]] = [*problems.values()]
            self.problems = pyarrow.array(told[order], pyarrow.string())

    def column(self, place: int) -> pyarrow.Array:
        """The fields of one column; null where the record is refused."""
        places = self._firsts + self._steps * place
        return self._cells.take(pyarrow.array(places, mask=self._refused))

    def _problems(self) -> dict[int, str]:
        """Why records are refused: first of those that were found, then of those that were read."""
        found = self._found
        problems = {}
        records = [(row, self._record(row)) for row in numpy.flatnonzero(self._suspects()).tolist()]
        for row, record in (*records, *enumerate(found.read, len(found.starts))):
            problem = self._table.problem(record)
            if problem:
                problems[row] = problem
        return problems

    def _record(self, row: int) -> splitting.Record:
        """One of the records that were found."""
        found = self._found
        start, end = int(found.starts[row]), int(found.ends[row])
        places = zip(found.field_starts[row].tolist(), found.field_ends[row].tolist(), strict=True)
        return splitting.Record(
            byte=self._position + start,
            raw=self._data[start:end].decode(),
            fields=[found.content[first:last].tobytes().decode() for first, last in places],
        )

    def _suspects(self) -> Flags:
        """The records that were found, but may be none of the table's."""
        table, found = self._table, self._found
        suspects = numpy.zeros(len(found.starts), dtype=numpy.bool_)
        if table.end is not None:
            suspects |= found.starts + self._position >= table.end
        sizes = found.field_ends - found.field_starts
        for header in table.headers:
            if len(header) == len(table.names):
                suspects |= _of_sizes(sizes, [len(name.encode()) for name in header])
        if len(found.starts) and len(table.names) > 1:
            for quote in salvage.QUOTES:
                if quote != table.dialect.quote:
                    suspects |= self._quoted(ord(quote))
        if len(found.starts) and table.dialect.quote and table.dialect.quote.encode() in self._data:
            suspects |= self._torn(table.dialect, table.dialect.quote.encode())
        return suspects

    def _torn(self, dialect: Dialect, quote: bytes) -> Flags:
        """The records with a quote as a character of a field, and one that two texts touch."""
        found = self._found
        starts, ends = found.field_starts.ravel(), found.field_ends.ravel()
        places = numpy.flatnonzero(found.content == quote[0])
        cell = numpy.searchsorted(starts, places, side="right") - 1
        is_stray = (cell >= 0) & (places < ends[cell])
        escape, delimiter = marks.escape_of(dialect), dialect.delimiter or ","
        others = [(escape + mark).encode() for mark in (escape, delimiter) if escape]
        if not escape or not (found.has_doubled or any(each in self._data for each in others)):
            before = starts[cell] - len(quote)
            is_quoted = marks.starting(quote, found.content, numpy.maximum(before, 0))
            is_stray &= ~is_quoted | (before < 0)
        strays = numpy.zeros(len(found.starts), dtype=numpy.bool_)
        strays[cell[is_stray] // len(self._table.names)] = True
        if strays.any():
            strays &= self._touching(dialect, quote)
        return strays

    def _touching(self, dialect: Dialect, quote: bytes) -> Flags:
        """The records with a quote, or two, between texts that it touches."""
        delimiter = (dialect.delimiter or ",").encode()
        is_text = numpy.ones(256, dtype=numpy.bool_)
        is_text[list(b" \t\r\n\v\f")] = False
        for mark in (delimiter, quote):
            is_text[mark[0]] = len(mark) > 1  # Its bytes may stand alone, or for something else.
        values = numpy.frombuffer(self._data + b"\n" * 8, dtype=numpy.uint8)
        places = numpy.flatnonzero(values == quote[0])
        places = places[is_text[values[places - 1]]]
        behind = values[places + len(quote)]
        is_double = (behind == quote[0]) & is_text[values[places + 2]]
        places = places[is_text[behind] | is_double]
        row = numpy.searchsorted(self._found.starts, places, side="right") - 1
        touching = numpy.zeros(len(self._found.starts), dtype=numpy.bool_)
        touching[row[row >= 0]] = True
        return touching

    def _quoted(self, quote: int) -> Flags:
        """The records with such a quote around all fields, and before the last one."""
        content, starts, ends = (
            self._found.content, self._found.field_starts, self._found.field_ends
        )  # fmt: skip
        last = len(content) - 1
        found: Flags = content[numpy.minimum(starts[:, -1], last)] == quote
        for place in range(starts.shape[1] - 1):
            if not found.any():
                break
            found &= content[numpy.minimum(starts[:, place], last)] == quote
            found &= content[ends[:, place] - 1] == quote
        return found


def _of_sizes(sizes: Places, wanted: Sequence[int]) -> Flags:
    """The records whose fields have these sizes."""
    found = numpy.ones(len(sizes), dtype=numpy.bool_)
    for place, size in enumerate(wanted):
        found &= sizes[:, place] == size
        if not found.any():
            break
    return found


def _cells(content: Bytes | bytes, starts: Places, ends: Places) -> pyarrow.Array:
    """Texts that stand in a buffer one after the other, each followed by what is between it and
    the next one."""
    offsets = numpy.empty(2 * len(starts) + 1, dtype=numpy.int32)
    offsets[:-1:2], offsets[1::2] = starts, ends
    offsets[-1] = len(content)
    return pyarrow.StringArray.from_buffers(
        2 * len(starts), pyarrow.py_buffer(offsets), pyarrow.py_buffer(content)
    )


def _joined(cells: pyarrow.Array, more: Sequence[str]) -> pyarrow.Array:
    """Some more texts behind the others."""
    if not more:
        return cells
    return pyarrow.concat_arrays([cells, pyarrow.array(more, pyarrow.string())])
