"""Read a delimited file exactly, whatever is in it, and write its records as text.

A block of the file is split all at once (see `block`); what is not clear there, and records larger
than a block, are split by the rules themselves. No field that was found in a block ever becomes an
object of its own: columns are gathered from the block's bytes.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import BinaryIO

import numpy
import pyarrow

from lakewright.ingest import block, judging, marks, splitting, texts
from lakewright.ingest.block import Found
from lakewright.ingest.inference import ColumnType
from lakewright.ingest.judging import Stretch, Table
from lakewright.ingest.marks import Bytes, Flags, Places
from lakewright.plan.landed import TextPart

_BLOCK_BYTES = 1 << 18
_WIDE_BLOCK_BYTES = 1 << 22
_WIDE = 256
"""So many columns are gathered with less effort for each from a larger block."""
_BEHIND_BYTES = 1 << 16
"""What is read behind a stretch, for its last record."""


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
                number += self._write(Stretch(data=data, position=position, found=found), number)
                position += found.reached
            else:
                found, position = self._by_rules(position, stop)
                number += self._write(Stretch(data=b"", position=0, found=found), number)
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
        return block.only(records), splitter.position

    def _write(self, stretch: Stretch, number: int) -> int:
        """Write the records of a stretch in the file's order; how many they are."""
        found = stretch.found
        starts = numpy.append(
            found.starts + stretch.position, [record.byte for record in found.read]
        ).astype(numpy.int64)
        order = numpy.argsort(starts, kind="stable")
        problems = judging.problems(self._table, stretch)
        is_refused = numpy.zeros(len(order), dtype=numpy.bool_)
        is_refused[[*problems]] = True
        columns = self._gathered(found, order, is_refused)
        for place, column in self._columns.items():
            column.see(columns[place])
        raws = _Texts(stretch.data, found.starts, found.ends, [each.raw for each in found.read])
        batch = texts.Batch(
            range(number, number + len(order)),
            pyarrow.array(starts[order]),
            raws.take(order),
            pyarrow.array(map(problems.get, order.tolist()), pyarrow.string(), size=len(order)),
        )
        self._writer.write(dict(zip(self._table.names, columns, strict=True)), batch)
        return len(order)

    def _gathered(self, found: Found, order: Places, is_refused: Flags) -> list[pyarrow.Array]:
        """The fields of every column in this order of records; null where one is refused."""
        read = [record.fields for record in found.read]
        fields = _Texts(
            found.content, found.field_starts, found.field_ends, [*chain.from_iterable(read)]
        )
        counts = numpy.append(found.counts, numpy.array([*map(len, read)], dtype=numpy.int64))
        firsts = numpy.cumsum(counts) - counts
        places = firsts[order] + numpy.arange(self._width).reshape(-1, 1)
        mask = numpy.broadcast_to(is_refused[order], places.shape) if is_refused.any() else None
        # One after the other in one array, as to gather each alone has its price.
        gathered = fields.take(places.ravel(), None if mask is None else mask.ravel())
        size = len(order)
        return [gathered.slice(place * size, size) for place in range(self._width)]


class _Texts:
    """Texts that stand in a buffer, in order, and some more behind them.

    To Arrow all of them are texts of one array, and what is between two of them is one, too, so
    that only every second one counts.
    """

    def __init__(
        self, content: Bytes | bytes, starts: Places, ends: Places, more: Sequence[str]
    ) -> None:
        offsets = numpy.empty(2 * len(starts) + 1, dtype=numpy.int32)
        offsets[:-1:2], offsets[1::2] = starts, ends
        offsets[-1] = len(content)
        self._all = pyarrow.StringArray.from_buffers(
            2 * len(starts), pyarrow.py_buffer(offsets), pyarrow.py_buffer(content)
        )
        if more:
            others = pyarrow.array(
                chain.from_iterable((text, "") for text in more), pyarrow.string()
            )
            self._all = pyarrow.concat_arrays([self._all, others])

    def take(self, places: Places, is_null: Flags | None = None) -> pyarrow.StringArray:
        """The texts at these places; null where it is said."""
        return self._all.take(pyarrow.array(2 * places, mask=is_null))
