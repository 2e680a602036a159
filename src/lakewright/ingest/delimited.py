"""Land a delimited text file: decide its dialect, name its columns, cut it into parts.

Most of a file is left where it lies, for an engine to read in parallel; only the stretches that are
not regular are read here, record by record. Both give the same records.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import pyarrow

from lakewright import errors
from lakewright.ingest import dialect, encoding, regular, splitting, texts
from lakewright.ingest.inference import ColumnType, see_part
from lakewright.plan.landed import CsvPart, Part
from lakewright.project.source import Dialect

_EXACT_BYTES = 1 << 17
"""The first stretch that is read exactly before the fast path is tried again; each later one is
twice as long, so that a file that is irregular all over is soon read by one reader only."""
COLUMNS_MAX = 100_000
"""More fields in one record are no table; such a line would hold the machine up."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """A delimited file, understood but not yet read."""

    text: encoding.Text
    dialect: Dialect
    """Pinned."""
    names: tuple[str, ...]
    """Of the columns, unique and non-empty."""
    body: int
    """Position of the first byte behind the header."""
    evidence: tuple[str, ...]
    suspicions: tuple[str, ...]

    def splitter(self, file: BinaryIO, start: int, stop: int | None = None) -> splitting.Splitter:
        """The exact reader of the table's records from a position on."""
        return splitting.Splitter(
            file, self.dialect, start=start, stop=stop, keeps_blank=len(self.names) == 1
        )


def understand(text: encoding.Text, declared: Dialect, file_name: str) -> Table:
    """Decide everything about a file but its types.

    Raises:
        FileUnreadable: there is no table in it.
    """
    with text.path.open("rb") as file:
        file.seek(text.start)
        sample = file.read(dialect.SAMPLE_BYTES)
        detected = dialect.detect(sample, declared)
        pinned = replace(detected.dialect, encoding=text.encoding)
        position = splitting.skip_lines(file, text.start, pinned.skip_lines or 0)
        header, body = [""] * detected.width, position
        if pinned.has_header:
            header, body = _read_header(file, pinned, position, file_name)
    width = max(detected.width, len(header))
    if width > detected.width and not any(header[detected.width :]):
        width = detected.width
    if width > COLUMNS_MAX:
        raise errors.FileUnreadable(
            f"{file_name} has a line of {width:,} fields",
            why=f"a table may have {COLUMNS_MAX:,} columns; the delimiter is probably another one",
            hint="declare `delimiter` in the source's format",
        )
    suspicions = (text.suspicion,) if text.suspicion else ()
    return Table(
        text=text,
        dialect=pinned,
        names=column_names(header[:width] + [""] * (width - len(header))),
        body=body,
        evidence=(text.evidence, *detected.evidence),
        suspicions=suspicions + detected.suspicions,
    )


def column_names(header: Sequence[str]) -> tuple[str, ...]:
    """The header made unique and non-empty, without regard to case as engines compare names."""
    taken = {name.lower() for name in (*header, *texts.RESERVED)}
    seen = set(texts.RESERVED)
    names: list[str] = []
    for place, given in enumerate(header, start=1):
        name = given if given.strip() else f"column_{place}"
        number = 2
        is_taken = name.lower() in seen or (name != given and name.lower() in taken)
        unique = name
        while is_taken:
            unique = f"{name}_{number}"
            number += 1
            is_taken = unique.lower() in taken
        taken.add(unique.lower())
        seen.add(unique.lower())
        names.append(unique)
    return tuple(names)


def read(
    table: Table,
    work_folder: Path,
    columns: Mapping[int, ColumnType],
    report: Callable[[int], None],
) -> tuple[Part, ...]:
    """Cut the file into parts; together they hold every record once.

    Args:
        table: the file.
        work_folder: for the parts that are read here, and for offsets.
        columns: those whose types are to be found, by place; they are shown every value.
        report: is told how many records have been passed.
    """
    with table.text.path.open("rb") as file:
        exact = _Exact(table, file, work_folder, columns)
        if regular.is_possible(table.dialect, len(table.names)):
            parts = _read_both_ways(table, file, work_folder, exact, report)
        else:
            parts = []
            exact.read(table.body, None, 1, report)
    width = len(table.names)
    for part in parts:
        see_part(part, table.dialect, width, columns)
    return (*parts, *exact.close())


def _read_both_ways(
    table: Table,
    file: BinaryIO,
    work_folder: Path,
    exact: "_Exact",
    report: Callable[[int], None],
) -> list[CsvPart]:
    offsets = work_folder / "offsets"
    offsets.unlink(missing_ok=True)
    layout = regular.Layout(
        dialect=table.dialect,
        has_returns=_has_returns(file, table),
        is_sound=table.text.is_sound,
    )
    index = regular.Index(file, table.text.path, layout, offsets)
    size = table.text.path.stat().st_size
    position, record = table.body, 1
    stretch = _EXACT_BYTES
    while position < size:
        for reached, number in index.read(position, record):
            position, record = reached, number
            report(record - 1)
        if position < size:
            position, record = exact.read(position, position + stretch, record, report)
            stretch *= 2
    return index.parts


def _has_returns(file: BinaryIO, table: Table) -> bool:
    """Whether the first line of the body, or else of the file, ends with CR LF."""
    for start in (table.body, table.text.start):
        file.seek(start)
        line = file.readline(splitting.BLOCK_BYTES)
        if line.endswith(b"\n"):
            return line.endswith(b"\r\n")
    return False


def _read_header(
    file: BinaryIO, pinned: Dialect, position: int, file_name: str
) -> tuple[list[str], int]:
    splitter = splitting.Splitter(file, pinned, start=position)
    record = next(iter(splitter), None)
    if record is None:
        raise errors.FileUnreadable(
            f"{file_name} has no header",
            why="there is no line in it that is neither blank nor a comment nor to be skipped",
            hint="check `skip_lines` and `comment` in the source's format",
        )
    if record.problem:
        raise errors.FileUnreadable(
            f"{file_name}: the header cannot be split into fields",
            where=errors.Place(file=file_name),
            why=f"{record.problem}, at byte {record.byte:,}",
            hint="repair the file's first line, or declare `header: false` or `skip_lines`",
        )
    return record.fields, splitter.position


class _Exact:
    """Reads stretches with the exact reader and writes their records as text."""

    def __init__(
        self, table: Table, file: BinaryIO, work_folder: Path, columns: Mapping[int, ColumnType]
    ) -> None:
        self._table = table
        self._file = file
        self._columns = columns
        self._writer = texts.Writer(work_folder)
        self._records_at_once = texts.records_at_once(len(table.names))

    def read(
        self, start: int, stop: int | None, number: int, report: Callable[[int], None]
    ) -> tuple[int, int]:
        """Read the records that start in a range; the position and record number reached."""
        splitter = self._table.splitter(self._file, start, stop)
        records: list[splitting.Record] = []
        written = start
        for record in splitter:
            records.append(record)
            is_large = splitter.position - written > texts.BATCH_BYTES
            if is_large or len(records) >= self._records_at_once:
                self._write(records, number)
                number += len(records)
                written = splitter.position
                records = []
                report(number - 1)
        self._write(records, number)
        return splitter.position, number + len(records)

    def close(self) -> tuple[Part, ...]:
        """The parts that were written."""
        return self._writer.close(self._table.names)

    def _write(self, records: Sequence[splitting.Record], first: int) -> None:
        if not records:
            return
        width = len(self._table.names)
        problems = [
            record.problem or splitting.width_problem(len(record.fields), width)
            for record in records
        ]
        nothing = [None] * width
        rows: list[Sequence[str | None]] = [
            nothing if problem else record.fields
            for record, problem in zip(records, problems, strict=True)
        ]
        arrays = [pyarrow.array(column, pyarrow.string()) for column in zip(*rows, strict=True)]
        for place, column in self._columns.items():
            column.see(arrays[place])
        batch = texts.Batch(
            range(first, first + len(records)),
            [record.byte for record in records],
            [record.raw for record in records],
            problems,
        )
        self._writer.write(dict(zip(self._table.names, arrays, strict=True)), batch)
