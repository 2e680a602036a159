"""Show what a landed file holds: its records as text, and the source that it suggests.

The records are those that loading would read, by the same rules; nothing is loaded.
"""

import csv
import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from functools import partial
from itertools import chain, groupby, islice
from pathlib import Path
from typing import NamedTuple, TextIO

import orjson
import pyarrow
import pyarrow.parquet

from lakewright import errors
from lakewright.ingest import salvage, splitting
from lakewright.plan import evidence, matching
from lakewright.plan.landed import CsvPart, Landed, ParquetPart, TextPart
from lakewright.project import naming
from lakewright.project.contract import Column, Contract
from lakewright.project.source import Compression, Csv, Dialect, Source

_BATCH_RECORDS = 1 << 13
_PARQUET_BATCH_RECORDS = 1 << 6
"""A long text that stands once in a Parquet file may be the value of each record."""
_SHOWN_LENGTH_MAX = 256
"""Characters of a field that a person is shown. A record may have a hundred thousand fields."""


class Record(NamedTuple):
    """One record as text."""

    number: int
    fields: Sequence[str | None]
    """None where the file says null; all of them None where there is a problem."""
    problem: str | None
    raw: str = ""
    """Where there is a problem: the record as it stands in the file."""
    file_name: str | None = None
    """Of an archive, the file that it is of."""
    can_be_mended: bool = True
    """Whether its text, split, has the fields of the columns in their order."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Preview:
    """What a person wants to see of a file before it is loaded."""

    source: Source
    """With the contract that the file suggests."""
    records: int
    sample: tuple[Record, ...]
    """The first records; long fields are cut, and end in an ellipsis."""
    evidence: tuple[str, ...]
    suspicions: tuple[str, ...]
    confidence: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Written:
    """How many records a file has, and what became of those that loading would refuse."""

    records: int
    mended: int = 0
    """Written as far as they could be read."""
    refused: int = 0
    """Left out: they are no records of the table."""


def preview(landed: Landed, name: str, records_max: int = 10) -> Preview:
    """The source that a file suggests under this name, its evidence and its first records."""
    return Preview(
        source=infer_source(landed, name),
        records=landed.records,
        sample=tuple(map(_cut, islice(records(landed), records_max))),
        evidence=landed.evidence,
        suspicions=landed.suspicions,
        confidence=landed.confidence,
    )


def _cut(record: Record) -> Record:
    fields = [
        f"{text[:_SHOWN_LENGTH_MAX]}…" if text and len(text) > _SHOWN_LENGTH_MAX else text
        for text in record.fields
    ]
    return record._replace(fields=fields, raw=record.raw[:_SHOWN_LENGTH_MAX])


def infer_source(landed: Landed, name: str) -> Source:
    """The source that a file suggests: its format, and a contract that nobody has adopted yet."""
    headers = [column.name for column in landed.columns]
    names = naming.unique_names(headers)
    columns = tuple(
        Column(
            name=own,
            type=arrived.type,
            source_name=arrived.name if arrived.name != own else None,
            format=arrived.format,
            null_words=evidence.null_words(evidence.of(arrived)),
        )
        for own, arrived in zip(names, landed.columns, strict=True)
    )
    return Source(
        name=name,
        match=(_pattern(landed.file_name, name),),
        format=replace(landed.format, compression=Compression.AUTO),
        contract=Contract(columns=columns, is_adopted=False),
    )


def write_csv(landed: Landed, stream: TextIO) -> Written:
    """Write header and records as CSV (RFC 4180): CR LF, quotes only where they are needed.

    The header is written as the file has it; a file without one gets none. A record that loading
    would refuse is written as `salvage` reads it: missing fields empty, surplus ones behind the
    last column. What is none of the table's is left out and counted.
    """
    writer = csv.writer(stream)
    header = _header(landed)
    if header is not None:
        writer.writerow(header)
    dialect = landed.format.dialect if isinstance(landed.format, Csv) else None
    mended = refused = 0
    for (fate, _), group in groupby(records(landed), partial(_fate, dialect)):
        if fate is _Fate.SOUND:
            writer.writerows(
                ["" if field is None else field for field in record.fields] for record in group
            )
        elif fate is _Fate.LOST or dialect is None:
            refused += sum(1 for _ in group)
        else:
            raws = [record.raw for record in group]
            for fields in salvage.records(raws, dialect, len(landed.columns)):
                mended += fields is not None
                refused += fields is None
                if fields is not None:
                    writer.writerow(fields)
    return Written(records=landed.records, mended=mended, refused=refused)


class _Fate(Enum):
    """What becomes of a record."""

    SOUND = auto()
    SPOILT = auto()
    """It is read as well as can be."""
    LOST = auto()


def _fate(dialect: Dialect | None, record: Record) -> tuple[_Fate, str | None]:
    """That of a record, and of which file it is: lines of two files are not one record."""
    if record.problem is None:
        return _Fate.SOUND, None
    is_ours = not record.problem.startswith(splitting.OUTSIDE)
    if dialect is not None and is_ours and record.can_be_mended:
        return _Fate.SPOILT, record.file_name
    return _Fate.LOST, None


def _header(landed: Landed) -> Sequence[str] | None:
    if landed.header is not None:
        return [*landed.header, *[""] * (len(landed.columns) - len(landed.header))]
    is_named = matching.has_names(landed)
    return [column.name for column in landed.columns] if is_named else None


def records(landed: Landed) -> Iterator[Record]:
    """Every record in the file's order, refused ones with their problem."""
    dialect = landed.format.dialect if isinstance(landed.format, Csv) else Dialect()
    names = [column.name for column in landed.columns]
    texts = [part for part in landed.parts if isinstance(part, TextPart)]
    streams = (
        chain.from_iterable(
            _of_csv(part, dialect, len(names)) for part in landed.parts if isinstance(part, CsvPart)
        ),
        chain.from_iterable(_of_texts(part, names) for part in texts if part.file_column is None),
        # Each of those that were gathered is in order by itself; there are few of them.
        *(_of_texts(part, names) for part in texts if part.file_column is not None),
        chain.from_iterable(
            _of_parquet(part, landed.file_name)
            for part in landed.parts
            if isinstance(part, ParquetPart)
        ),
    )
    return heapq.merge(*streams, key=lambda record: record.number)


def _of_csv(part: CsvPart, dialect: Dialect, width: int) -> Iterator[Record]:
    with Path(part.path).open("rb") as file:
        splitter = splitting.Splitter(file, dialect, start=part.byte_start, stop=part.byte_end)
        for number, found in enumerate(splitter, start=part.first_record):
            problem = found.problem or splitting.width_problem(len(found.fields), width)
            fields = [None] * width if problem else found.fields
            yield Record(number, fields, problem, found.raw if problem else "", part.file_name)


def _of_texts(part: TextPart, names: Sequence[str]) -> Iterator[Record]:
    with pyarrow.parquet.ParquetFile(part.path) as file:
        for batch in file.iter_batches(_BATCH_RECORDS):
            own = [batch.column(name).to_pylist() for name in ("_record", "_problem", "_raw")]
            files = [part.file_name] * len(batch)
            if part.file_column is not None:
                files = batch.column(part.file_column).to_pylist()
            columns = [batch.column(name).to_pylist() for name in names]
            rows = zip(*columns, strict=True) if columns else iter([()] * len(batch))
            for number, problem, raw, of, row in zip(*own, files, rows, strict=True):
                given = raw if problem else ""
                yield Record(number, row, problem, given, of, not part.is_rearranged)


def _of_parquet(part: ParquetPart, file_name: str) -> Iterator[Record]:
    number = part.first_record
    try:
        with pyarrow.parquet.ParquetFile(part.path) as file:
            for batch in file.iter_batches(_PARQUET_BATCH_RECORDS):
                columns = [_as_texts(column) for column in batch.columns]
                if part.places is not None:
                    nothing: list[str | None] = [None] * len(batch)
                    columns = [nothing if at is None else columns[at] for at in part.places]
                rows = zip(*columns, strict=True) if columns else iter([()] * len(batch))
                for row in rows:
                    yield Record(number, row, None, file_name=part.file_name)
                    number += 1
    except (pyarrow.ArrowException, OSError) as error:
        raise errors.FileUnreadable(
            f"{part.file_name or file_name} is a damaged Parquet file",
            why=str(error).splitlines()[0],
            hint="write the file again",
        ) from error


def _as_texts(column: pyarrow.Array) -> list[str | None]:
    try:
        return [None if text is None else str(text) for text in column.cast("string").to_pylist()]
    except (pyarrow.ArrowNotImplementedError, pyarrow.ArrowInvalid, UnicodeDecodeError):
        return [
            None if value is None else orjson.dumps(value, _plain, _AS_JSON).decode()
            for value in column.to_pylist()
        ]


_AS_JSON = orjson.OPT_NON_STR_KEYS | orjson.OPT_PASSTHROUGH_SUBCLASS


def _plain(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)


def _pattern(file_name: str, name: str) -> str:
    """A pattern that takes this file and its successors: `orders*.csv` of `orders_2024.csv`."""
    for end in range(len(file_name), 0, -1):
        start, rest = file_name[:end], file_name[end:]
        if not start.endswith((".", "-", "_", " ")) and naming.standardise(start) == name:
            ending = rest[rest.index(".") :] if "." in rest else ""
            return f"{_literal(start)}*{_literal(_without_stamp(ending))}"
    return _literal(file_name)


def _without_stamp(ending: str) -> str:
    """Of `.2024.csv.gz`, what says how the file is written: `.csv.gz`."""
    kept = [part for part in ending.split(".") if part and not part.isdigit()]
    return "".join(f".{part}" for part in kept)


def _literal(text: str) -> str:
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in text)
