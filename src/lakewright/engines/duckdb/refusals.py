"""Refused records on their way to quarantine: with their exact text, their place, every reason.

A range's refused records are those that were not written. Their bytes are fetched by the offsets
that landing noted, split into fields here and not by the engine, and judged anew: so two readers
agree about every refused record, or the load stops.
"""

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import duckdb
import pyarrow
import pyarrow.parquet

from lakewright.engines.duckdb import ranges, text, writing
from lakewright.engines.duckdb.arrival import Arrival, column_name
from lakewright.engines.duckdb.ranges import Range
from lakewright.engines.engine import Reason
from lakewright.errors import CountsDiffer
from lakewright.lake.staged import DataFile, Target
from lakewright.plan.landed import Landed
from lakewright.project.source import Dialect
from lakewright.wording import counted

FLUSH_BYTES = 1 << 24
"""Refused records are kept in memory up to here, so that a few of them make one small file."""


_LOST_VALUES_MIN = 2
"""One bad value in a column that is otherwise empty says nothing about the column."""


_REASONS_MAX = 100
"""More reasons than this nobody reads; the quarantine table has them all."""


class Quarantine:
    """Writes one upload's refused records."""

    def __init__(self, landed: Landed, target: Target) -> None:
        self.files: list[DataFile] = []
        self.given: Counter[str] = Counter()
        """How many values the refused records have in each column, the good ones counted too."""
        self._landed = landed
        self._target = target
        self._copies = 0

    def write(self, cursor: duckdb.DuckDBPyConnection, arrival: Arrival, relation: str) -> int:
        """Write those records of a relation that are refused; how many they are."""
        self._copies += 1
        suffix = f"{self._landed.upload_id}-{self._copies:05d}"
        files = writing.copy(cursor, arrival.refused(cursor, relation), self._target, suffix)
        self.files += files
        if files:
            self.given.update(dict(arrival.given(cursor, relation)))
        return sum(file.rows for file in files)


class RefusedRecords:
    """Collects the refused records of ranges until there are enough of them for a file.

    Args:
        quarantine: takes them.
        arrival: judges them.
        dialect: of the file.
        path: of a file that is written and read back at once.
    """

    def __init__(
        self, quarantine: Quarantine, arrival: Arrival, dialect: Dialect, path: Path
    ) -> None:
        self._quarantine = quarantine
        self._arrival = arrival
        self._dialect = dialect
        self._path = path
        self._rows: list[tuple[int, int, str, str | None, Sequence[str | None]]] = []
        self._size_bytes = 0

    def add(self, cursor: duckdb.DuckDBPyConnection, source: Range, numbers: Sequence[int]) -> None:
        """Take these records of a range."""
        width = self._arrival.width
        for number, position, raw in source.raw(numbers):
            record = raw.decode()
            fields: Sequence[str | None] = ranges.fields(record, self._dialect)
            problem = None
            if len(fields) != width:
                problem = f"{counted(len(fields), 'field')} where {width:,} are expected"
                fields = [None] * width
            self._rows.append((number, position, record, problem, fields))
            self._size_bytes += len(raw)
            if self._size_bytes >= FLUSH_BYTES:
                self.flush(cursor)

    def flush(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Write what was collected.

        Raises:
            CountsDiffer: some of the records are sound, so the engine must have misread the range.
        """
        if not self._rows:
            return
        pyarrow.parquet.write_table(self._table(), self._path, compression="none")
        relation = f"SELECT * FROM read_parquet({text.literal(str(self._path))})"
        refused = self._quarantine.write(cursor, self._arrival, relation)
        if refused != len(self._rows):
            raise CountsDiffer(
                f"the engine left out {len(self._rows):,} records, of which"
                f" {len(self._rows) - refused:,} meet the contract",
                why="the engine and the index of the file disagree about where records start",
                hint="nothing was published; please report the file's dialect as a bug",
            )
        self._path.unlink()
        self._rows, self._size_bytes = [], 0

    def _table(self) -> pyarrow.Table:
        numbers, positions, raws, problems, fields = zip(*self._rows, strict=True)
        arrived = {
            column_name(place): pyarrow.array(values, pyarrow.string())
            for place, values in enumerate(zip(*fields, strict=True))
        }
        own = {
            "_record": pyarrow.array(numbers, pyarrow.int64()),
            "_byte": pyarrow.array(positions, pyarrow.int64()),
            "_raw": pyarrow.array(raws, pyarrow.string()),
            "_problem": pyarrow.array(problems, pyarrow.string()),
        }
        return pyarrow.table(arrived | own)


def reasons(cursor: duckdb.DuckDBPyConnection, refused: Sequence[DataFile]) -> tuple[Reason, ...]:
    """Why records were refused, the most frequent reason first, each with its first record."""
    if not refused:
        return ()
    rows = cursor.execute(
        "SELECT reason.column, reason.code, arg_min(reason.message, _record), count(*),"
        " min(_record), arg_min_null(byte_position, _record) FROM (SELECT _record, byte_position,"
        f" unnest(reasons) AS reason FROM read_parquet({_paths(refused)}))"
        f" GROUP BY ALL ORDER BY 4 DESC, 1 NULLS FIRST, 2 LIMIT {_REASONS_MAX}"
    ).fetchall()
    return tuple(
        Reason(
            column=column,
            code=code,
            message=message,
            records=records,
            first_record=record,
            first_byte=position,
        )
        for column, code, message, records, record, position in rows
    )


def lost_columns(
    cursor: duckdb.DuckDBPyConnection, quarantine: Quarantine, rows: Sequence[DataFile]
) -> Iterator[str]:
    """Say in which columns no value at all was accepted, and why, the most frequent reason first.

    A column is not lost only because its records were refused for what stands in other columns.
    """
    if not quarantine.files:
        return
    refused_paths = _paths(quarantine.files)
    found = cursor.execute(
        "SELECT reason.column, count(*), arg_min(reason.message, _record) FROM"
        f" (SELECT _record, unnest(reasons) AS reason FROM read_parquet({refused_paths}))"
        " WHERE reason.column IS NOT NULL AND reason.value IS NOT NULL"
        " AND reason.code <> 'unexpected_column' GROUP BY reason.column, reason.code"
        " ORDER BY 1, 2 DESC, 3"
    ).fetchall()
    for column, reasons_found in itertools.groupby(found, key=lambda row: row[0]):
        counts = [(count, message) for _, count, message in reasons_found]
        refused = sum(count for count, _ in counts)
        if refused < max(_LOST_VALUES_MIN, quarantine.given[column]):
            continue
        accepted = f"FROM read_parquet({_paths(rows)}) WHERE {text.name(column)} IS NOT NULL"
        if not (rows and cursor.execute(f"SELECT 1 {accepted} LIMIT 1").fetchall()):
            count, message = counts[0]
            often = f", {count:,} of them" if count < refused else ""
            yield f"every value of {column} was refused ({refused:,} values{often}: {message})"


def _paths(files: Sequence[DataFile]) -> str:
    return text.literals(file.path for file in files)
