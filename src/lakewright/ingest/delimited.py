"""Land a delimited text file: decide its dialect, name its columns, cut it into parts.

Most of a file is left where it lies, for an engine to read in parallel; only the stretches that are
not regular are read here, record by record. Both give the same records.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from lakewright import errors
from lakewright.ingest import (
    dialect,
    encoding,
    ending,
    exact,
    heading,
    judging,
    regular,
    salvage,
    splitting,
    texts,
)
from lakewright.ingest.inference import ColumnType, see_part
from lakewright.plan.landed import CsvPart, Part
from lakewright.project.source import Dialect

_EXACT_BYTES = 1 << 17
"""The first stretch that is read exactly before the fast path is tried again; each later one is
twice as long, so that a file that is irregular all over is soon read by one reader only."""
_LATER_BYTES = 1 << 16
"""How much is looked at of the middle and of the end of a large file."""
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
    header: "_Header"
    end: ending.End | None
    """Where the table ends, if that is before the end of the file."""
    is_strange: bool
    """See `dialect.Detected`; then nothing is left to an engine's reader."""
    confidence: float
    evidence: tuple[str, ...]
    suspicions: tuple[str, ...]

    def reader(
        self, file: BinaryIO, work_folder: Path, columns: Mapping[int, ColumnType]
    ) -> exact.Reader:
        """The exact reader of the table's records; see there."""
        table = judging.Table(
            dialect=self.dialect,
            names=self.names,
            headers=self.header.records,
            end=None if self.end is None else self.end.byte,
            problem=self.problem,
        )
        return exact.Reader(table, file, work_folder, columns)

    def problem(self, record: splitting.Record) -> str | None:
        """Why a record is none of the table's, or cannot be read."""
        if self.end is not None and record.byte >= self.end.byte:
            return splitting.OUTSIDE + self.end.what
        if any(record.fields) and len(record.fields) > 1 and record.fields in self.header.records:
            return f"{splitting.OUTSIDE}the header once more"
        if salvage.is_in_other_quotes(record.fields, self.dialect):
            return "quotes of another kind than the file's stand around its fields"
        if salvage.is_torn(record, self.dialect, len(self.names)):
            return "a separator seems to be missing beside a quote"
        return record.problem or splitting.width_problem(len(record.fields), len(self.names))


def understand(
    text: encoding.Text, declared: Dialect, file_name: str, names: Sequence[str] = ()
) -> Table:
    """Decide everything about a file but its types.

    Args:
        text: of the file.
        declared: what is None in it is found.
        file_name: as it was delivered.
        names: of the columns that are declared, if any are.

    Raises:
        FileUnreadable: there is no table in it.
    """
    with text.path.open("rb") as file:
        samples = _samples(file, text)
        detected = dialect.detect(samples, declared, names)
        pinned = replace(detected.dialect, encoding=text.encoding)
        position = splitting.skip_lines(file, text.start, pinned.skip_lines or 0)
        header = _Header(records=(), line=b"", end=position)
        if pinned.has_header:
            header = _read_header(file, pinned, position, detected.width, file_name)
        end = detected.end and replace(detected.end, byte=detected.end.byte + text.start)
        if not samples.is_whole and detected.width > 1:
            end = ending.find_empty_rows(file, header.end, pinned)
        tail = [dialect.end_evidence(end)] if end and not detected.end else []
    found = heading.joined(header.records)
    width = max(detected.width, len(found))
    if width > detected.width and not any(found[detected.width :]):
        width = detected.width
    if width > COLUMNS_MAX:
        raise errors.FileUnreadable(
            f"{file_name} has a line of {width:,} fields",
            why=f"a table may have {COLUMNS_MAX:,} columns; the delimiter is probably another one",
            hint="declare `delimiter` in the source's format",
        )
    return Table(
        text=text,
        dialect=pinned,
        names=column_names(found[:width] + [""] * (width - len(found))),
        header=header,
        end=end,
        is_strange=detected.is_strange,
        confidence=round(detected.confidence * text.confidence, 2),
        evidence=(text.evidence, *detected.evidence, *tail),
        suspicions=((text.suspicion,) if text.suspicion else ()) + detected.suspicions,
    )


def _samples(file: BinaryIO, text: encoding.Text) -> dialect.Samples:
    """The file's start; of a large one also something of its middle and its end."""
    file.seek(text.start)
    head = file.read(dialect.SAMPLE_BYTES)
    size = text.path.stat().st_size
    if size - text.start <= dialect.SAMPLE_BYTES:
        return dialect.Samples(head=head)
    later = []
    for start in (size // 2, size - _LATER_BYTES):
        if start > text.start + dialect.SAMPLE_BYTES:
            file.seek(start)
            lines = file.read(_LATER_BYTES).splitlines(keepends=True)
            later.append(b"".join(lines[1:-1]))  # The first line is cut, the last one may be.
    return dialect.Samples(head=head, later=later, is_whole=False)


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
        report: is told which byte of the text has been reached.
    """
    reach = _Reach(report, is_twice=bool(columns))
    with table.text.path.open("rb") as file:
        reader = table.reader(file, work_folder, columns)
        has_escape = bool(table.dialect.escape) or not table.dialect.quote
        may_be_regular = not table.is_strange and has_escape
        if may_be_regular and regular.is_possible(table.dialect, len(table.names)):
            parts = _read_both_ways(table, file, work_folder, reader, reach)
        else:
            parts = []
            reader.read(table.header.end, None, 1, reach.read)
    width = len(table.names)
    for part in parts:
        see_part(part, table.dialect, width, columns)
        reach.seen(part.byte_end - part.byte_start)
    return (*parts, *reader.close())


def _read_both_ways(
    table: Table,
    file: BinaryIO,
    work_folder: Path,
    reader: exact.Reader,
    reach: "_Reach",
) -> list[CsvPart]:
    offsets = work_folder / "offsets"
    layout = regular.Layout(
        dialect=table.dialect,
        has_returns=_has_returns(file, table),
        is_sound=table.text.is_sound,
        headers=table.header.written(table.dialect),
        end=table.end.byte if table.end is not None else None,
    )
    index = regular.Index(file, table.text.path, layout, offsets)
    end = table.text.path.stat().st_size if layout.end is None else layout.end
    position, record = table.header.end, 1
    stretch = _EXACT_BYTES
    while position < end:
        for reached, number in index.read(position, record):
            position, record = reached, number
            reach.located(position)
        if position < end:
            position, record = reader.read(position, position + stretch, record, reach.read)
            stretch *= 2
    if layout.end is not None:
        reader.read(position, None, record, reach.read)  # What is none of the table's.
    return index.parts


class _Reach:
    """Tells how far reading has come.

    What is left in place is gone through twice if types are to be found: it counts half once it is
    located, and whole once its values were looked at.
    """

    def __init__(self, report: Callable[[int], None], *, is_twice: bool) -> None:
        self._report = report
        self._is_twice = is_twice
        self._place = 0
        self._unseen = 0

    def located(self, place: int) -> None:
        """All up to that byte is left in place."""
        self._unseen += (place - self._place) * self._is_twice
        self.read(place)

    def read(self, place: int) -> None:
        """All up to that byte is done with."""
        self._place = place
        self._report(place - self._unseen // 2)

    def seen(self, count: int) -> None:
        """The values in so many bytes more were looked at."""
        self._unseen = max(self._unseen - count, 0)
        self.read(self._place)


def _has_returns(file: BinaryIO, table: Table) -> bool:
    """Whether the first line of the body, or else of the file, ends with CR LF."""
    for start in (table.header.end, table.text.start):
        file.seek(start)
        line = file.readline(splitting.BLOCK_BYTES)
        if line.endswith(b"\n"):
            return line.endswith(b"\r\n")
    return False


@dataclass(frozen=True, kw_only=True, slots=True)
class _Header:
    """A header as it was read."""

    records: tuple[list[str], ...]
    """What it is made of; empty where there is none."""
    line: bytes
    """The last of them as it stands in the file, without its line's end."""
    end: int
    """Position of the first byte behind it: there the table's body starts."""

    def written(self, pinned: Dialect) -> frozenset[bytes]:
        """How its records may be written where they stand again: as here, or with all fields in
        quotes, or none."""
        delimiter, quote = pinned.delimiter or ",", pinned.quote or ""
        rows = [row for row in self.records if len(row) > 1 and any(row)]
        plain = {delimiter.join(row).encode() for row in rows}
        quoted = {delimiter.join(f"{quote}{name}{quote}" for name in row).encode() for row in rows}
        return frozenset(plain | quoted | ({self.line} if self.line else set()))


def _read_header(
    file: BinaryIO, pinned: Dialect, position: int, width: int, file_name: str
) -> _Header:
    splitter = splitting.Splitter(file, pinned, start=position)
    rows = []
    line = ""
    for record in islice(splitter, pinned.header_rows or 1):
        is_fitting = not record.problem and len(record.fields) == width
        names = None if is_fitting else salvage.whole(record.raw, pinned, width)
        names = names or record.fields or salvage.fields(record.raw, pinned, width) or []
        rows.append(heading.fitted(names, width))
        line = record.raw
        if not rows[-1]:
            raise errors.FileUnreadable(
                f"{file_name}: the header cannot be split into fields",
                where=errors.Place(file=file_name),
                why=f"{record.problem}, at byte {record.byte:,}",
                hint="repair the file's first line, or declare `header: false` or `skip_lines`",
            )
    if not rows:
        raise errors.FileUnreadable(
            f"{file_name} has no header",
            why="there is no line in it that is neither blank nor a comment nor to be skipped",
            hint="check `skip_lines` and `comment` in the source's format",
        )
    return _Header(records=tuple(rows), line=line.encode(), end=splitter.position)
