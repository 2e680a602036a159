"""Ranges of whole records of a delimited file, as DuckDB reads them: as text, each field as it is.

DuckDB reads files, so a range is copied to one of its own; that costs a hundredth of reading it.
Records of too few or too many fields stay in their place: missing fields are padded with null,
which no other field is, and surplus ones fall into spare columns. Thus every record keeps its
number, and nothing is left out.
"""

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy
import numpy.typing

from lakewright.engines.duckdb import text
from lakewright.engines.duckdb.arrival import column_name
from lakewright.plan.landed import CsvPart
from lakewright.project.source import Dialect

SPARE_COLUMNS = 3
"""A record with more surplus fields is left out by DuckDB, and its range read a second time. Each
spare column makes the whole load half a percent slower."""

RANGE_BYTES_MAX = 1 << 26
"""Each range becomes one file of a table: big enough to keep them few, small enough for memory."""

SHARED_BYTES_MIN = 1 << 23
"""Less than this is read by one thread: a second one would take longer to start than it saves."""

PATH = "__path"
"""The column that tells of which file a record is."""

_COPY_BYTES = 1 << 18

Numbers = numpy.typing.NDArray[numpy.int64]


@dataclass(frozen=True, kw_only=True, slots=True)
class Stretch:
    """Some neighbouring records of one part, by their place in it, from 0."""

    part: CsvPart
    start: int
    stop: int

    def starts(self) -> Numbers:
        """Where each record starts in the file; one value more for where the last one ends."""
        found = numpy.fromfile(
            self.part.offsets_path,
            dtype="<u4",
            count=self.stop - self.start + 1,
            offset=4 * (self.part.offsets_start + self.start),
        )
        return found.astype(numpy.int64) + self.part.byte_start


@dataclass(frozen=True, kw_only=True, slots=True)
class Range:
    """Stretches that follow each other without a gap."""

    stretches: tuple[Stretch, ...]

    @property
    def path(self) -> Path:
        """The file."""
        return Path(self.stretches[0].part.path)

    @property
    def first_record(self) -> int:
        """The number of its first record."""
        return self.stretches[0].part.first_record + self.stretches[0].start

    @property
    def last_record(self) -> int:
        """The number of its last record."""
        return self.first_record + self.records - 1

    @property
    def records(self) -> int:
        """How many records it holds."""
        return sum(stretch.stop - stretch.start for stretch in self.stretches)

    @property
    def byte_start(self) -> int:
        """Where its first record starts."""
        return int(replace(self.stretches[0], stop=self.stretches[0].start).starts()[0])

    @property
    def byte_end(self) -> int:
        """Where its last record ends."""
        return int(replace(self.stretches[-1], start=self.stretches[-1].stop).starts()[0])

    def starts(self) -> Numbers:
        """Where each record starts in the file; one value more for where the last one ends."""
        pieces = [stretch.starts() for stretch in self.stretches]
        return numpy.concatenate([*(piece[:-1] for piece in pieces), pieces[-1][-1:]])

    def write(self, path: Path, replaced: Iterable[tuple[int, int]] = (), by: bytes = b"") -> None:
        """Copy the range's bytes to a file.

        Args:
            path: of the new file.
            replaced: start and end of stretches of the source to replace, in order.
            by: what stands there instead.
        """
        end_of_all = self.byte_end
        with self.path.open("rb") as source, path.open("wb") as target:
            position = self.byte_start
            for start, end in (*replaced, (end_of_all, end_of_all)):
                source.seek(position)
                while block := source.read(min(_COPY_BYTES, start - position)):
                    target.write(block)
                    position += len(block)
                if start < end_of_all:
                    target.write(by)
                position = end

    def raw(self, numbers: Sequence[int]) -> Iterator[tuple[int, int, bytes]]:
        """Number, position and bytes of these records, without the ends of their lines."""
        if not numbers:
            return
        starts = self.starts()
        with self.path.open("rb") as source:
            for number in numbers:
                place = number - self.first_record
                start, end = int(starts[place]), int(starts[place + 1])
                raw = os.pread(source.fileno(), end - start, start)
                yield number, start, raw.rstrip(b"\r\n")


def shared(parts: Sequence[CsvPart], threads: int) -> tuple[Range, ...]:
    """Join neighbouring parts and cut them anew, so that all threads have the same to do."""
    runs: list[list[CsvPart]] = []
    for part in parts:
        last = runs[-1][-1] if runs else None
        if last is not None and (last.path, last.byte_end) == (part.path, part.byte_start):
            runs[-1].append(part)
        else:
            runs.append([part])
    return tuple(found for run in runs for found in _cut(run, threads))


def _cut(parts: Sequence[CsvPart], threads: int) -> Iterator[Range]:
    size = parts[-1].byte_end - parts[0].byte_start
    rounds = -(-size // (RANGE_BYTES_MAX * threads))
    count = rounds * threads if size >= SHARED_BYTES_MIN else 1
    records = sum(part.records for part in parts)
    wanted = max(-(-records // count), 1)
    stretches: list[Stretch] = []
    missing = wanted
    for part in parts:
        start = 0
        while start < part.records:
            stop = min(start + missing, part.records)
            stretches.append(Stretch(part=part, start=start, stop=stop))
            missing -= stop - start
            start = stop
            if not missing:
                yield Range(stretches=tuple(stretches))
                stretches, missing = [], wanted
    if stretches:
        yield Range(stretches=tuple(stretches))


def relation(
    paths: Sequence[str], dialect: Dialect, width: int, number: str, *, keeps_rejects: bool = True
) -> str:
    """A SELECT of the files of ranges, in the shape that `arrival` asks for.

    Args:
        paths: of the files; the SELECT has a column for them too, `PATH`.
        dialect: how they are written.
        width: how many fields its records have.
        number: SQL of the next record's number.
        keeps_rejects: whether records that DuckDB does not take are left out, and told in its table
            of rejects; else they stop the query. It takes time for every record to be ready for it.
    """
    arrived = [column_name(place) for place in range(width)]
    spare = [f"__spare{place}" for place in range(SPARE_COLUMNS)]
    columns = ", ".join(f"'{name}': 'VARCHAR'" for name in (*arrived, *spare))
    options = ", ".join(
        (
            "auto_detect = false",
            "header = false",
            f"columns = {{{columns}}}",
            f"delim = {text.literal(dialect.delimiter or ',')}",
            f"quote = {text.literal(dialect.quote or '')}",
            f"escape = {text.literal(dialect.quote or '')}",
            "nullstr = chr(0)",  # No field is: ranges hold no zero byte.
            "null_padding = true",
            "parallel = false",
            f"store_rejects = {str(keeps_rejects).lower()}",
            f"filename = '{PATH}'",
        )
    )
    # Only whether there is a problem is asked here; refused records are judged one by one later.
    problem = f"CASE WHEN {arrived[-1]} IS NULL OR __spare0 IS NOT NULL THEN '' END"
    return (
        f"SELECT {', '.join(arrived)}, {problem} AS _problem, {number} AS _record, {PATH}"
        f" FROM read_csv({text.literals(paths)}, {options})"
    )


def surplus(dialect: Dialect, width: int) -> bytes:
    """A record that is read as one with too many fields, without its line's end."""
    return (dialect.delimiter or ",").encode() * width


def fields(record: str, dialect: Dialect) -> list[str]:
    """The fields of a record that is known to be regular."""
    delimiter, quote = dialect.delimiter or ",", dialect.quote
    if not quote or quote not in record:
        return record.split(delimiter)
    d, q = re.escape(delimiter), re.escape(quote)
    found: list[str] = []
    for match in re.finditer(rf"(?:^|{d})(?:{q}((?:[^{q}]|{q}{q})*){q}|([^{d}]*))", record):
        inside = match[1]
        found.append(match[2] if inside is None else inside.replace(quote * 2, quote))
    return found
