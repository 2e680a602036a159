"""Parts that DuckDB reads as they are, as relations in the shape that `arrival` asks for."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeAlias

import duckdb

from lakewright.engines.duckdb import text
from lakewright.engines.duckdb.arrival import FILE, TEXT, column_name
from lakewright.engines.duckdb.reading import BY_CONTENT
from lakewright.errors import FileUnreadable
from lakewright.lake.staged import DataFile
from lakewright.plan.landed import Landed, ParquetPart, TextPart

_Described: TypeAlias = tuple[tuple[str, str], ...]
"""The columns of a file: names and DuckDB's types."""
_Places: TypeAlias = tuple[int | None, ...] | None
"""As in `ParquetPart`."""

_PATH = "lakewright: path of the file"
"""A name that no column of a file has."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """The relation of one part, or of several that an engine reads as if they were one."""

    parts: tuple[TextPart | ParquetPart, ...]
    relation: str
    """A SELECT."""
    kinds: tuple[str, ...]
    """DuckDB's type of each arrived column."""
    has_files: bool = False
    """Whether the relation says of which file each record is."""

    @property
    def records(self) -> int:
        """How many records it holds."""
        return sum(part.records for part in self.parts)


def sources(
    connection: duckdb.DuckDBPyConnection,
    parts: Sequence[TextPart | ParquetPart],
    landed: Landed,
) -> Iterator[Source]:
    """The parts as relations. Parquet files that are alike are one, however many there are.

    Raises:
        FileUnreadable: a Parquet file does not hold the columns that landing found.
    """
    alike: dict[tuple[_Described, _Places], list[ParquetPart]] = {}
    for part in parts:
        if isinstance(part, TextPart):
            yield _text(part, landed)
        else:
            described = _described(connection, part, landed)
            alike.setdefault((described, part.places), []).append(part)
    for (described, _), found in alike.items():
        yield _parquet(described, found, landed)


def without(relation: str, files: Sequence[DataFile]) -> str:
    """Those records of a relation that these files do not hold."""
    if not files:
        return relation
    paths = text.literals(file.path for file in files)
    return (
        f"SELECT * FROM ({relation}) ANTI JOIN (SELECT _record FROM read_parquet({paths}))"
        " USING (_record)"
    )


@contextmanager
def readable(parts: Sequence[TextPart | ParquetPart], landed: Landed) -> Iterator[None]:
    """Name the file where a Parquet file turns out to be damaged behind its footer.

    Raises:
        FileUnreadable: it is.
    """
    try:
        yield
    except duckdb.Error as error:
        named = [part for part in parts if part.path in str(error)]
        is_elsewhere = isinstance(error, duckdb.IOException) and not named
        if any(isinstance(part, TextPart) for part in parts) or is_elsewhere:
            raise
        if isinstance(error, duckdb.OutOfMemoryException):
            raise
        damaged = named or (parts if len(parts) == 1 else ())
        file_name = damaged[0].file_name if damaged else None
        raise FileUnreadable(
            f"{file_name or landed.file_name} cannot be read to its end",
            why=str(error).partition("\n")[0],
            hint="write the file again, and compare its size with the delivered one",
        ) from error


def texts(paths: Sequence[str], landed: Landed, path: str | None = None) -> str:
    """A SELECT of files of texts, which have the columns of this upload.

    `path`: what the column is called that tells of which file a record is; None: there is none.
    """
    listed = ", ".join([*_texts(landed), *([] if path is None else [path])])
    more = "" if path is None else f", filename = {text.literal(path)}"
    return f"SELECT {listed} FROM read_parquet({text.literals(paths)}{more})"


def _texts(landed: Landed) -> list[str]:
    columns = [
        f"{text.name(arrived.name)} AS {column_name(place)}"
        for place, arrived in enumerate(landed.columns)
    ]
    return [*columns, "_record", "_byte", "_raw", "_problem"]


def _text(part: TextPart, landed: Landed) -> Source:
    columns = _texts(landed)
    if part.file_column is not None:
        columns.append(f"{text.name(part.file_column)} AS {FILE}")
    path = text.literal(part.path)
    return Source(
        parts=(part,),
        relation=f"SELECT {', '.join(columns)} FROM read_parquet({path})",
        kinds=(TEXT,) * len(landed.columns),
        has_files=part.file_column is not None,
    )


def _described(
    connection: duckdb.DuckDBPyConnection, part: ParquetPart, landed: Landed
) -> _Described:
    path = text.literal(part.path)
    with readable((part,), landed):
        query = f"DESCRIBE FROM read_parquet({path}, {BY_CONTENT})"
        found = connection.execute(query).fetchall()
    return tuple((name, kind) for name, kind, *_ in found)


def _parquet(described: _Described, parts: Sequence[ParquetPart], landed: Landed) -> Source:
    names = [arrived.name for arrived in landed.columns]
    places = parts[0].places or tuple(range(len(names)))
    known = sum(place is not None for place in places)
    if len(described) != known:
        raise FileUnreadable(
            f"{parts[0].file_name or landed.file_name} has {len(described):,} columns to the"
            " engine",
            why=f"landing found {known:,} of them",
            hint="write the file again with plain columns",
        )
    columns, kinds, as_json = [], [], []
    for number, place in enumerate(places):
        kind = TEXT if place is None else described[place][1]
        is_texts = kind == "JSON" or kind.startswith("ENUM")
        given = "NULL::VARCHAR" if place is None else f"__given{place}"
        value = f"CAST({given} AS VARCHAR)" if is_texts else given
        columns.append(f"{value} AS {column_name(number)}")
        kinds.append(TEXT if is_texts else kind)
        if place is not None:
            as_json.append(f"{text.name(names[number])} := {given}")
    struct = f"struct_pack({', '.join(as_json)})" if as_json else "MAP {}"
    own = (
        "__row + __first AS _record, NULL::BIGINT AS _byte,"
        f" CAST(to_json({struct}) AS VARCHAR) AS _raw, NULL::VARCHAR AS _problem"
    )
    given = ", ".join(f"__given{place}" for place in range(len(described)))
    scan = (
        f"read_parquet({text.literals(part.path for part in parts)}, {BY_CONTENT},"
        f" file_row_number = true, filename = {text.literal(_PATH)})"
        f" AS given({given}, __row, __path)"
    )
    files = ", ".join(
        f"({text.literal(part.path)}, {part.first_record},"
        f" {text.literal(part.file_name or landed.file_name)})"
        for part in parts
    )
    of_file = f" JOIN (VALUES {files}) AS files(__path, __first, {FILE}) USING (__path)"
    if len(parts) == 1:
        of_file = f", (SELECT {parts[0].first_record} AS __first)"
    else:
        own += f", {FILE}"
    return Source(
        parts=tuple(parts),
        relation=f"SELECT {', '.join([*columns, own])} FROM {scan}{of_file}",
        kinds=tuple(kinds),
        has_files=len(parts) > 1,
    )
