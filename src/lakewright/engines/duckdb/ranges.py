"""Ranges of whole records of a delimited file, as DuckDB reads them: as text, each field as it is.

DuckDB reads files, so a range is copied to one of its own; that costs a hundredth of reading it.
Records of too few or too many fields stay in their place: missing fields are padded with null,
which no other field is, and surplus ones fall into spare columns. Thus every record keeps its
number, and nothing is left out.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy
import numpy.typing

from lakewright.engines.duckdb import text
from lakewright.engines.duckdb.arrival import column_name
from lakewright.plan.landed import CsvPart
from lakewright.project.source import Dialect

SPARE_COLUMNS = 8
"""A record with more surplus fields is left out by DuckDB, and its range read a second time."""

RANGE_BYTES_MAX = 1 << 26
"""Each range becomes one file of a table: big enough to keep them few, small enough for memory."""

_COPY_BYTES = 1 << 22

Numbers = numpy.typing.NDArray[numpy.int64]


@dataclass(frozen=True, kw_only=True, slots=True)
class Range:
    """Parts that follow each other without a gap."""

    parts: tuple[CsvPart, ...]

    @property
    def first_record(self) -> int:
        """The number of its first record."""
        return self.parts[0].first_record

    @property
    def last_record(self) -> int:
        """The number of its last record."""
        return self.first_record + self.records - 1

    @property
    def records(self) -> int:
        """How many records it holds."""
        return sum(part.records for part in self.parts)

    def starts(self) -> Numbers:
        """Where each record starts in the file; one value more for where the last one ends."""
        pieces = [_offsets(part)[:-1] + part.byte_start for part in self.parts]
        pieces.append(numpy.array([self.parts[-1].byte_end], dtype=numpy.int64))
        return numpy.concatenate(pieces)

    def write(self, path: Path, replaced: Iterable[tuple[int, int]] = (), by: bytes = b"") -> None:
        """Copy the range's bytes to a file.

        Args:
            path: of the new file.
            replaced: start and end of stretches of the source to replace, in order.
            by: what stands there instead.
        """
        end_of_all = self.parts[-1].byte_end
        with Path(self.parts[0].path).open("rb") as source, path.open("wb") as target:
            position = self.parts[0].byte_start
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
        with Path(self.parts[0].path).open("rb") as source:
            for number in numbers:
                place = number - self.first_record
                start, end = int(starts[place]), int(starts[place + 1])
                source.seek(start)
                yield number, start, source.read(end - start).rstrip(b"\r\n")


def grouped(parts: Sequence[CsvPart], threads: int) -> tuple[Range, ...]:
    """Join neighbouring parts into ranges, so that every thread has at least two to read."""
    total = sum(part.byte_end - part.byte_start for part in parts)
    wanted = min(RANGE_BYTES_MAX, total // (2 * threads) + 1)
    groups: list[list[CsvPart]] = []
    for part in parts:
        last = groups[-1][-1] if groups else None
        is_next = last is not None and (last.path, last.byte_end) == (part.path, part.byte_start)
        if is_next and groups[-1][-1].byte_end - groups[-1][0].byte_start < wanted:
            groups[-1].append(part)
        else:
            groups.append([part])
    return tuple(Range(parts=tuple(group)) for group in groups)


def relation(path: Path, dialect: Dialect, width: int, first_record: int) -> str:
    """A SELECT of a range's file, in the shape that `arrival` asks for."""
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
            "store_rejects = true",
        )
    )
    # Only whether there is a problem is asked here; refused records are judged one by one later.
    problem = f"CASE WHEN {arrived[-1]} IS NULL OR __spare0 IS NOT NULL THEN '' END"
    return (
        f"SELECT {', '.join(arrived)}, {problem} AS _problem,"
        f" row_number() OVER () + {first_record - 1} AS _record"
        f" FROM read_csv({text.literal(str(path))}, {options})"
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


def _offsets(part: CsvPart) -> Numbers:
    found = numpy.fromfile(
        part.offsets_path, dtype="<u4", count=part.records + 1, offset=4 * part.offsets_start
    )
    return found.astype(numpy.int64)
