"""Many small uploads into bronze rows by one query, as far as every record of each is accepted.

A query costs some ten milliseconds however little it reads, and so does a file that it writes. So
uploads that are alike share both; each row says which one it is of. One of which any record is
refused, or is not read as it was counted, is left out as a whole: it is staged alone, which tells
why. Files never share a record, as the engine reads each by itself.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeAlias

import duckdb

from lakewright.engines.duckdb import arrival, failures, parts, ranges, text, wide, writing
from lakewright.engines.engine import TogetherStaged
from lakewright.errors import CountsDiffer
from lakewright.lake.staged import DataFile, Target
from lakewright.plan import steps
from lakewright.plan.landed import CsvPart, Landed, TextPart
from lakewright.project.source import Csv, Format
from lakewright.wording import counted

UPLOAD_BYTES_MAX = 1 << 20
"""A larger one takes longer to read than a query of its own to plan."""

BYTES_MAX = 1 << 26
"""What is read together at most: as much as one range of a large file."""

_Likeness: TypeAlias = tuple[Format, tuple[str, ...], type]


def staged(
    connection: duckdb.DuckDBPyConnection,
    step: steps.Bronze,
    uploads: Sequence[Landed],
    target: Target,
) -> tuple[TogetherStaged, ...]:
    """Type small uploads that are alike together; what is in no result is left out.

    Raises:
        ContractBroken: a column's format or default cannot be read.
        CountsDiffer: the engine reads a file otherwise than it was counted.
        RunFailed: the engine ran out of memory or disk.
    """
    found = []
    with connection.cursor() as cursor:
        for number, alike in enumerate(_alike(uploads), start=1):
            with failures.of(f"loading {counted(len(alike), 'file')}"):
                found.append(_staged(cursor, step, alike, target, f"together-{number:05d}"))
    return tuple(each for each in found if each.upload_ids)


def _alike(uploads: Sequence[Landed]) -> list[list[Landed]]:
    """Small uploads by what one query must know of them, where there are several."""
    groups: list[list[Landed]] = []
    newest: dict[_Likeness, list[Landed]] = {}
    for landed in uploads:
        likeness = _likeness(landed)
        if likeness is None:
            continue
        group = newest.get(likeness)
        if group is None or sum(each.size_bytes for each in group) > BYTES_MAX:
            group = newest[likeness] = []
            groups.append(group)
        group.append(landed)
    return [group for group in groups if len(group) > 1]


def _likeness(landed: Landed) -> _Likeness | None:
    """None: the upload is large or wide, or of several parts, or has types of its own."""
    is_small = landed.size_bytes <= UPLOAD_BYTES_MAX and len(landed.columns) < wide.WIDE_COLUMNS_MIN
    if not is_small or len(landed.parts) != 1:
        return None
    part = landed.parts[0]
    if part.file_name is not None or part.records != landed.records:
        return None
    if isinstance(part, TextPart):
        is_readable = part.file_column is None
    else:
        is_readable = isinstance(part, CsvPart) and isinstance(landed.format, Csv)
    names = tuple(column.name for column in landed.columns)
    return (landed.format, names, type(part)) if is_readable else None


def _staged(
    cursor: duckdb.DuckDBPyConnection,
    step: steps.Bronze,
    uploads: Sequence[Landed],
    target: Target,
    suffix: str,
) -> TogetherStaged:
    """Stage as many of these as have nothing but sound records."""
    arrival.check_defaults(cursor, step.contract, uploads[0].format)
    judge = arrival.of(step, uploads[0], has_uploads=True)
    left = list(uploads)
    with _plain_files(uploads) as paths:
        while left:
            rows = judge.accepted(cursor, _relation(left, paths))
            written = writing.copy(cursor, rows, target, suffix)
            found = _found(cursor, written)
            whole = [each for each in left if found.get(each.upload_id, _NONE)[0] == each.records]
            if len(whole) == len(left):
                _check_numbers(found, whole)
                ids = tuple(each.upload_id for each in whole)
                return TogetherStaged(rows=written, upload_ids=ids)
            # Without the others: a record that the engine leaves out shifts all numbers behind it.
            for file in written:
                Path(file.path).unlink()
            left = whole
    return TogetherStaged(rows=(), upload_ids=())


_NONE = (0, 0, 0)


def _found(
    cursor: duckdb.DuckDBPyConnection, written: Sequence[DataFile]
) -> Mapping[str, tuple[int, int, int]]:
    """How many rows each upload has, and their lowest and highest number."""
    if not written:
        return {}
    paths = text.literals(file.path for file in written)
    rows = cursor.execute(
        "SELECT _upload_id, count(*), min(_record), max(_record)"
        f" FROM read_parquet({paths}) GROUP BY _upload_id"
    ).fetchall()
    return {upload_id: (count, lowest, highest) for upload_id, count, lowest, highest in rows}


def _check_numbers(found: Mapping[str, tuple[int, int, int]], uploads: Sequence[Landed]) -> None:
    for each in uploads:
        if found[each.upload_id] != (each.records, 1, each.records):
            raise CountsDiffer(
                f"{each.file_name} holds {counted(each.records, 'record')}, but its rows are"
                f" numbered from {found[each.upload_id][1]:,} to {found[each.upload_id][2]:,}",
                why="the engine read the file otherwise than it was counted",
                hint="nothing was published; please report this file as a bug",
            )


@contextmanager
def _plain_files(uploads: Sequence[Landed]) -> Iterator[Mapping[str, str]]:
    """The file that the engine is to read of each upload: nothing but its records."""
    found = [part for each in uploads for part in each.parts]
    ids = [each.upload_id for each in uploads]
    first = found[0]
    if not isinstance(first, CsvPart):
        yield {upload_id: part.path for upload_id, part in zip(ids, found, strict=True)}
        return
    work_folder = Path(first.offsets_path).parent
    with TemporaryDirectory(prefix="together-", dir=work_folder) as folder:
        paths = {upload_id: f"{folder}/{upload_id}.csv" for upload_id in ids}
        for upload_id, part in zip(ids, found, strict=True):
            if isinstance(part, CsvPart):
                ranges.shared((part,), 1)[0].write(Path(paths[upload_id]))
        yield paths


def _relation(uploads: Sequence[Landed], paths: Mapping[str, str]) -> str:
    """A SELECT of all records, in the shape that `arrival` asks for."""
    width, file_format = len(uploads[0].columns), uploads[0].format
    listed = [paths[each.upload_id] for each in uploads]
    of_row = f"{arrival.UPLOAD}, {arrival.FILE}"
    if isinstance(file_format, Csv) and isinstance(uploads[0].parts[0], CsvPart):
        rows = ranges.relation(listed, file_format.dialect, width, "row_number() OVER ()")
        record = "_record - __before AS _record"
    else:
        rows = parts.texts(listed, uploads[0], ranges.PATH)
        record = "_record"
    before, files = 0, []
    for each, path in zip(uploads, listed, strict=True):
        values = (text.literal(path), str(before), text.literal(each.upload_id))
        files.append(f"({', '.join(values)}, {text.literal(each.file_name)})")
        before += each.records
    return (
        f"SELECT rows.* EXCLUDE (_record, {ranges.PATH}), {record}, {of_row} FROM ({rows}) AS rows"
        f" JOIN (VALUES {', '.join(files)}) AS files({ranges.PATH}, __before, {of_row})"
        f" USING ({ranges.PATH})"
    )
