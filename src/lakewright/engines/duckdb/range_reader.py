"""Reads one range of a delimited file into rows, and tells which records it left out."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy

from lakewright.engines.duckdb import ranges, text, wide, writing
from lakewright.engines.duckdb.arrival import CONSTANT_TEXTS, Arrival
from lakewright.engines.duckdb.ranges import Range
from lakewright.errors import CountsDiffer
from lakewright.lake.staged import DataFile, Target
from lakewright.project.source import Dialect


@dataclass(frozen=True, kw_only=True, slots=True)
class RangeReader:
    """What reading any range of one file needs; may be used by several threads."""

    connection: duckdb.DuckDBPyConnection
    arrival: Arrival
    dialect: Dialect
    target: Target
    folder: Path
    """For the ranges' own files."""

    def read(self, source: Range, suffix: str) -> tuple[tuple[DataFile, ...], list[int]]:
        """Write the range's accepted records; the files, and the numbers of all other records.

        Raises:
            CountsDiffer: the engine finds other records in the range than the index did.
        """
        path = self.folder / f"{suffix}.csv"
        with self.connection.cursor() as cursor:
            source.write(path)
            try:
                files = self._copy(cursor, source, path, suffix, keeps_rejects=False)
            except duckdb.InvalidInputException:
                files = self._copy_all(cursor, source, path, suffix)
            path.unlink()
            return files, _left_out(cursor, source, files)

    def _copy_all(
        self, cursor: duckdb.DuckDBPyConnection, source: Range, path: Path, suffix: str
    ) -> tuple[DataFile, ...]:
        """Write a range some of whose records the engine does not take."""
        files = self._copy(cursor, source, path, suffix, keeps_rejects=True)
        unread = _unread(cursor, source)
        if unread:
            # Records that the engine leaves out would shift the numbers of all that follow.
            by = ranges.surplus(self.dialect, self.arrival.width)
            stretches = [(at, at + len(raw)) for _, at, raw in source.raw(unread)]
            source.write(path, stretches, by)
            files = self._copy(cursor, source, path, suffix, keeps_rejects=True)
            if _unread(cursor, source):
                raise _disagreement(source, "some records cannot be read")
        return files

    def _copy(
        self,
        cursor: duckdb.DuckDBPyConnection,
        source: Range,
        path: Path,
        suffix: str,
        *,
        keeps_rejects: bool,
    ) -> tuple[DataFile, ...]:
        for table in ("reject_errors", "reject_scans"):
            cursor.execute(f"DROP TABLE IF EXISTS {table}")
        width = self.arrival.width
        number = numbering(cursor, source.first_record, width)
        relation = ranges.relation(
            [str(path)], self.dialect, width, number, keeps_rejects=keeps_rejects
        )
        # Whatever comes behind the last record is returned, to be noticed.
        rows = self.arrival.accepted(cursor, relation, or_else=f"_record > {source.last_record}")
        # More than it can have: one range, one file, with row groups of the usual size.
        file_rows = 2 * max(source.records, writing.ROW_GROUP_ROWS)
        return writing.copy(cursor, rows, self.target, suffix, file_rows, CONSTANT_TEXTS)


def numbering(cursor: duckdb.DuckDBPyConnection, first: int, width: int) -> str:
    """SQL that numbers rows in the order in which they are read.

    A window keeps room for four times 2,048 rows, 1.3 GB at 10,000 columns; a sequence, which takes
    longer for each row, does not.
    """
    if width < wide.WIDE_COLUMNS_MIN:
        return f"row_number() OVER () + {first - 1}"
    cursor.execute(f"CREATE OR REPLACE TEMP SEQUENCE lakewright_record START {first}")
    return "nextval('lakewright_record')"


def _unread(cursor: duckdb.DuckDBPyConnection, source: Range) -> list[int]:
    """The records that the engine did not read at all, by where it says that they start."""
    # Counted from 1, and behind CR LF from that LF on: so it is a place within the long record.
    places = cursor.execute("SELECT DISTINCT line_byte_position FROM reject_errors").fetchall()
    if not places:
        return []
    starts = source.starts()
    positions = numpy.array(sorted(place for (place,) in places)) + int(starts[0])
    found = numpy.searchsorted(starts, positions, side="right") - 1
    return [int(place) + source.first_record for place in numpy.unique(found)]


def _left_out(
    cursor: duckdb.DuckDBPyConnection, source: Range, files: Sequence[DataFile]
) -> list[int]:
    """The numbers of the range's records that the files do not hold."""
    first, last = source.first_record, source.last_record
    rows = sum(file.rows for file in files)
    if not rows:
        return list(range(first, last + 1))
    written = f"read_parquet({text.literals(file.path for file in files)})"
    if rows == source.records:
        bounds = cursor.execute(f"SELECT min(_record), max(_record) FROM {written}").fetchall()
        if bounds == [(first, last)]:
            return []
    numbers = cursor.execute(f"SELECT _record FROM {written}").fetchnumpy()["_record"]
    is_written = numpy.zeros(source.records, dtype=bool)
    is_written[numbers[(numbers >= first) & (numbers <= last)] - first] = True
    if int(is_written.sum()) != rows:
        raise _disagreement(source, "there are more records than were counted")
    return [int(place) + first for place in numpy.flatnonzero(~is_written)]


def _disagreement(source: Range, what: str) -> CountsDiffer:
    return CountsDiffer(
        f"between records {source.first_record:,} and {source.last_record:,} {what}",
        why="the engine and the index of the file disagree about where records start",
        hint="nothing was published; please report the file's dialect as a bug",
    )
