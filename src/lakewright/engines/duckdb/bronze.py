"""One upload's records into bronze rows and quarantined records, every one accounted for.

Each part is read once: typed, filtered and written by the same query. What was not written is
refused, with its reasons. Ranges of delimited files are read side by side, one by each thread, as
numbering records is work that DuckDB does not divide.
"""

import itertools
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from lakewright.engines.duckdb import (
    arrival,
    failures,
    partitioning,
    parts,
    ranges,
    session,
    writing,
)
from lakewright.engines.duckdb.range_reader import RangeReader
from lakewright.engines.duckdb.refusals import Quarantine, RefusedRecords, lost_columns, reasons
from lakewright.engines.engine import Report, UploadCounts, UploadStaged
from lakewright.errors import CountsDiffer
from lakewright.lake.staged import DataFile, Target
from lakewright.plan import steps
from lakewright.plan.landed import CsvPart, Landed, Part
from lakewright.project.source import Csv


def bronze(
    connection: duckdb.DuckDBPyConnection,
    step: steps.Bronze,
    landed: Landed,
    target: Target,
    quarantine: Target,
    report: Report,
) -> UploadStaged:
    """Type one upload's records by the step's contract; write rows and refused records.

    Raises:
        ContractBroken: a column's format or default cannot be read.
        CountsDiffer: records counted at landing are not rows plus quarantined records.
        FileUnreadable: a Parquet file is damaged inside.
        RunFailed: the engine ran out of memory or disk.
    """
    with connection.cursor() as cursor, failures.of(f"loading {landed.file_name}"):
        arrival.check_defaults(cursor, step.contract, landed.format)
        partitioning.prepare(cursor, target.partitioning, target.schema)
        load = _Load(connection, step, landed, (target, quarantine), report)
        load.read_whole_files(cursor)
        load.read_ranges(cursor)
        return load.result(cursor)


class _Load:
    """One upload on its way into the tables."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        step: steps.Bronze,
        landed: Landed,
        targets: tuple[Target, Target],
        report: Report,
    ) -> None:
        self._connection = connection
        self._step = step
        self._landed = landed
        self._target, quarantine_target = targets
        self._quarantine = Quarantine(landed, quarantine_target)
        self._rows: list[DataFile] = []
        self._report = report
        self._records_done = 0
        self._copies = itertools.count(1)

    def read_whole_files(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Load the parts that DuckDB reads as they are, each with all its threads."""
        whole = [part for part in self._landed.parts if not isinstance(part, CsvPart)]
        for source in parts.sources(cursor, whole, self._landed):
            landed = self._of_file(source.parts[0])
            judge = arrival.of(self._step, landed, source.kinds, has_files=source.has_files)
            with parts.readable(source.parts, self._landed):
                accepted = judge.accepted(cursor, source.relation)
                files = writing.copy(
                    cursor, accepted, self._target, self._suffix(), enums=arrival.CONSTANT_TEXTS
                )
                self._rows += files
                if _count(files) < source.records:
                    self._quarantine.write(cursor, judge, parts.without(source.relation, files))
            self._done(source.records)

    def read_ranges(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Load the parts of delimited files, those of one file side by side."""
        found = [part for part in self._landed.parts if isinstance(part, CsvPart)]
        for _, of_file in itertools.groupby(found, key=lambda part: part.file_name):
            self._read_ranges(cursor, list(of_file))

    def _read_ranges(self, cursor: duckdb.DuckDBPyConnection, found: Sequence[CsvPart]) -> None:
        landed = self._of_file(found[0])
        if not isinstance(landed.format, Csv):
            return
        (threads,) = cursor.execute("SELECT current_setting('threads')::INTEGER").fetchall()[0]
        sources = ranges.shared(found, threads)
        work_folder = Path(found[0].offsets_path).parent
        with (
            self._reading_connection(len(sources)) as connection,
            TemporaryDirectory(prefix="bronze-", dir=work_folder) as folder,
            ThreadPoolExecutor(max_workers=min(threads, len(sources))) as pool,
        ):
            reader = RangeReader(
                connection=connection,
                arrival=arrival.of(self._step, landed),
                dialect=landed.format.dialect,
                target=self._target,
                folder=Path(folder),
            )
            refused = RefusedRecords(
                self._quarantine, reader.arrival, reader.dialect, Path(folder, "refused.parquet")
            )
            tasks = [pool.submit(reader.read, source, self._suffix()) for source in sources]
            try:
                for source, task in zip(sources, tasks, strict=True):
                    files, left_out = task.result()
                    self._rows += files
                    refused.add(cursor, source, left_out)
                    self._done(source.records)
            finally:
                pool.shutdown(cancel_futures=True)
            refused.flush(cursor)

    def _of_file(self, part: Part) -> Landed:
        """The upload under the name of the file that a part is of: a row's `_source_file`."""
        return replace(self._landed, file_name=part.file_name or self._landed.file_name)

    def _reading_connection(self, sources: int) -> duckdb.DuckDBPyConnection:
        if sources == 1:
            return self._connection.cursor()
        connection = session.single_threaded(self._connection)
        partitioning.prepare(connection, self._target.partitioning, self._target.schema)
        return connection

    def result(self, cursor: duckdb.DuckDBPyConnection) -> UploadStaged:
        """What was written, once it is known to be everything."""
        rows, quarantined = _count(self._rows), _count(self._quarantine.files)
        if rows + quarantined != self._landed.records:
            raise CountsDiffer(
                f"{self._landed.file_name} holds {self._landed.records:,} records, but {rows:,}"
                f" became rows and {quarantined:,} were quarantined",
                why="the engine read the file otherwise than it was counted",
                hint="nothing was published; please report this file as a bug",
            )
        return UploadStaged(
            rows=tuple(self._rows),
            quarantine=tuple(self._quarantine.files),
            counts=UploadCounts(
                upload_id=self._landed.upload_id,
                records=self._landed.records,
                rows=rows,
                quarantined=quarantined,
                suspicions=tuple(lost_columns(cursor, self._quarantine, self._rows)),
                reasons=reasons(cursor, self._quarantine.files),
            ),
        )

    def _suffix(self) -> str:
        return f"{self._landed.upload_id}-{next(self._copies):05d}"

    def _done(self, records: int) -> None:
        self._records_done += records
        self._report(self._records_done)


def _count(files: Sequence[DataFile]) -> int:
    return sum(file.rows for file in files)
