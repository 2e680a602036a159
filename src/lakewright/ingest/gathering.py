"""Gather the records of many small files in few, so that an engine opens and writes few, too.

An archive of thousands of files would otherwise become as many parts, each a query and a data file
of its own. What is gathered are texts, as `ingest.texts` writes them, and of which file each is.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy
import pyarrow
import pyarrow.compute
import pyarrow.csv
import pyarrow.parquet

from lakewright.ingest import splitting, texts
from lakewright.plan.landed import CsvPart, TextPart
from lakewright.project.source import Dialect

_BATCH_RECORDS = 1 << 14
_FILE = "_file"


@dataclass(frozen=True, kw_only=True, slots=True)
class Member:
    """One of the files, and what its records are among those of all files."""

    file_name: str
    before: int
    """How many records come before its own."""
    columns: Mapping[str, str | None]
    """Each column of the upload, with the file's own that it is; None: null for all records."""
    names: tuple[str, ...]
    """The file's own columns."""
    dialect: Dialect
    """How it is written, if it is delimited."""


class Gathering:
    """Writes one file of records, which are to be given in the order of their numbers.

    Args:
        path: of the file.
        names: of the upload's columns.
        is_rearranged: whether some members have other columns, or others in their places.
    """

    def __init__(self, path: Path, names: Sequence[str], *, is_rearranged: bool) -> None:
        self._path = path
        self._is_rearranged = is_rearranged
        self._file = _FILE
        taken = {name.lower() for name in names}
        while self._file in taken:
            self._file += "_"
        file = pyarrow.field(self._file, pyarrow.string())
        self._schema = texts.schema(names).append(file)
        self._writer: pyarrow.parquet.ParquetWriter | None = None
        self._waiting: list[pyarrow.RecordBatch] = []
        self._records_waiting = 0
        self._bytes_waiting = 0
        self._records = 0

    def add_texts(self, part: TextPart, member: Member) -> None:
        """Take the records of a part that our own readers have read."""
        with pyarrow.parquet.ParquetFile(part.path) as source:
            for batch in source.iter_batches(batch_size=_BATCH_RECORDS):
                given = {name: batch.column(name) for name in batch.schema.names}
                self._add(given, member)

    def add_range(self, part: CsvPart, member: Member) -> None:
        """Take the records of a regular part; whatever reads them, they are the same."""
        found = _read_at_once(part, member) or _read_one_by_one(part, member)
        for given in found:
            self._add(given, member)

    def close(self) -> tuple[TextPart, ...]:
        """The part that was written; none without records."""
        self._flush()
        if self._writer is None:
            return ()
        self._writer.close()
        return (
            TextPart(
                path=str(self._path),
                records=self._records,
                file_column=self._file,
                is_rearranged=self._is_rearranged,
            ),
        )

    def _add(self, given: Mapping[str, pyarrow.Array], member: Member) -> None:
        numbers = pyarrow.compute.add(given["_record"], member.before)
        count = len(numbers)
        own = {name: given[name] for name in texts.RESERVED} | {"_record": numbers}
        arrays = [
            *(
                pyarrow.nulls(count, pyarrow.string()) if name is None else given[name]
                for name in member.columns.values()
            ),
            *own.values(),
            pyarrow.repeat(pyarrow.scalar(member.file_name, pyarrow.string()), count),
        ]
        batch = pyarrow.record_batch(arrays, schema=self._schema)
        self._waiting.append(batch)
        self._records_waiting += count
        self._bytes_waiting += batch.nbytes
        at_once = texts.records_at_once(len(member.columns))
        if self._records_waiting >= at_once or self._bytes_waiting >= texts.BATCH_BYTES:
            self._flush()

    def _flush(self) -> None:
        if not self._records_waiting:
            return
        if self._writer is None:
            self._writer = texts.opened(self._path, self._schema)
        table = pyarrow.Table.from_batches(self._waiting, self._schema)
        self._writer.write_table(table, row_group_size=self._records_waiting)
        self._records += self._records_waiting
        self._waiting, self._records_waiting, self._bytes_waiting = [], 0, 0


def _read_at_once(part: CsvPart, member: Member) -> tuple[dict[str, pyarrow.Array], ...]:
    """The records by a fast reader; none if it does not find them all.

    It finds other ones where some have too few or too many fields. A regular part has nothing else
    about which two readers could be of two minds.
    """
    delimiter = member.dialect.delimiter or ","
    if len(delimiter) > 1:
        return ()
    size = part.byte_end - part.byte_start
    with pyarrow.memory_map(part.path) as source:
        source.seek(part.byte_start)
        data = source.read_buffer(size)
        places = [str(place) for place in range(len(member.names))]
        table = pyarrow.csv.read_csv(
            pyarrow.BufferReader(data),
            read_options=pyarrow.csv.ReadOptions(
                column_names=places, block_size=size + splitting.BLOCK_BYTES, use_threads=False
            ),
            parse_options=pyarrow.csv.ParseOptions(
                delimiter=delimiter,
                quote_char=member.dialect.quote or False,
                newlines_in_values=True,
                invalid_row_handler=lambda _: "skip",
            ),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types=dict.fromkeys(places, pyarrow.string())
            ),
        )
        if table.num_rows != part.records:
            return ()
        offsets = numpy.fromfile(
            part.offsets_path, "<u4", part.records + 1, offset=4 * part.offsets_start
        )
        lines = pyarrow.Array.from_buffers(
            pyarrow.string(),
            part.records,
            [None, pyarrow.py_buffer(offsets.astype(numpy.int32)), data],
        )
        raws = pyarrow.compute.ascii_rtrim(lines, "\r\n")
    columns = (column.combine_chunks() for column in table.columns)
    own = {
        "_record": pyarrow.array(numpy.arange(part.records) + part.first_record),
        "_byte": pyarrow.array(offsets[:-1].astype(numpy.int64) + part.byte_start),
        "_raw": raws,
        "_problem": pyarrow.nulls(part.records, pyarrow.string()),
    }
    return (dict(zip(member.names, columns, strict=True)) | own,)


def _read_one_by_one(part: CsvPart, member: Member) -> Iterator[dict[str, pyarrow.Array]]:
    """The records by our own reader."""
    width = len(member.names)
    at_once = texts.records_at_once(width)
    first = part.first_record
    found: list[splitting.Record] = []
    size = 0
    with Path(part.path).open("rb") as file:
        for record in splitting.Splitter(
            file, member.dialect, start=part.byte_start, stop=part.byte_end
        ):
            found.append(record)
            size += len(record.raw)
            if len(found) == at_once or size > texts.BATCH_BYTES:
                yield _columns(found, member.names, first)
                first += len(found)
                found, size = [], 0
    if found:
        yield _columns(found, member.names, first)


def _columns(
    records: Sequence[splitting.Record], names: Sequence[str], first: int
) -> dict[str, pyarrow.Array]:
    width = len(names)
    nothing: tuple[None, ...] = (None,) * width
    problems = [
        each.problem or splitting.width_problem(len(each.fields), width) for each in records
    ]
    fields = [
        nothing if problem else each.fields for each, problem in zip(records, problems, strict=True)
    ]
    batch = texts.Batch(
        range(first, first + len(records)),
        [each.byte for each in records],
        [each.raw for each in records],
        problems,
    )
    arrays = [pyarrow.array(column, pyarrow.string()) for column in zip(*fields, strict=True)]
    return dict(zip(names, arrays, strict=True)) | batch.columns()
