"""Parts that DuckDB reads as they are, as relations in the shape that `arrival` asks for."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import duckdb

from lakewright.engines.duckdb import text
from lakewright.engines.duckdb.arrival import TEXT, column_name
from lakewright.errors import FileUnreadable
from lakewright.lake.staged import DataFile
from lakewright.plan.landed import Landed, ParquetPart, TextPart


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """A part's relation."""

    relation: str
    """A SELECT."""
    kinds: tuple[str, ...]
    """DuckDB's type of each arrived column."""


def source(
    connection: duckdb.DuckDBPyConnection, part: TextPart | ParquetPart, landed: Landed
) -> Source:
    """The part as a relation.

    Raises:
        FileUnreadable: a Parquet file does not hold the columns that landing found.
    """
    if isinstance(part, TextPart):
        return _text(part, landed)
    return _parquet(connection, part, landed)


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
def readable(part: TextPart | ParquetPart, landed: Landed) -> Iterator[None]:
    """Name the file where a Parquet file turns out to be damaged behind its footer.

    Raises:
        FileUnreadable: it is.
    """
    try:
        yield
    except duckdb.Error as error:
        is_elsewhere = isinstance(error, duckdb.IOException) and part.path not in str(error)
        if isinstance(part, TextPart) or is_elsewhere:
            raise
        if isinstance(error, duckdb.OutOfMemoryException):
            raise
        raise FileUnreadable(
            f"{landed.file_name} cannot be read to its end",
            why=str(error).partition("\n")[0],
            hint="write the file again, and compare its size with the delivered one",
        ) from error


def _text(part: TextPart, landed: Landed) -> Source:
    columns = [
        f"{text.name(arrived.name)} AS {column_name(place)}"
        for place, arrived in enumerate(landed.columns)
    ]
    listed = ", ".join([*columns, "_record", "_byte", "_raw", "_problem"])
    path = text.literal(part.path)
    return Source(
        relation=f"SELECT {listed} FROM read_parquet({path})",
        kinds=(TEXT,) * len(landed.columns),
    )


def _parquet(connection: duckdb.DuckDBPyConnection, part: ParquetPart, landed: Landed) -> Source:
    path = text.literal(part.path)
    with readable(part, landed):
        described = connection.execute(f"DESCRIBE FROM read_parquet({path})").fetchall()
    if len(described) != len(landed.columns):
        raise FileUnreadable(
            f"{landed.file_name} has {len(described):,} columns to the engine",
            why=f"landing found {len(landed.columns):,} of them",
            hint="deliver the file with plain columns, none of them a partition of its folder",
        )
    columns, kinds = [], []
    for place, (_, kind, *_) in enumerate(described):
        is_texts = kind == "JSON" or kind.startswith("ENUM")
        name = f"__given{place}"
        columns.append(
            f"{f'CAST({name} AS VARCHAR)' if is_texts else name} AS {column_name(place)}"
        )
        kinds.append(TEXT if is_texts else kind)
    given = ", ".join(f"__given{place}" for place in range(len(described)))
    as_json = ", ".join(
        f"{text.name(arrived.name)} := __given{place}"
        for place, arrived in enumerate(landed.columns)
    )
    own = (
        "__row + 1 AS _record, NULL::BIGINT AS _byte,"
        f" CAST(to_json(struct_pack({as_json})) AS VARCHAR) AS _raw, NULL::VARCHAR AS _problem"
    )
    return Source(
        relation=(
            f"SELECT {', '.join(columns)}, {own}"
            f" FROM read_parquet({path}, file_row_number = true) AS given({given}, __row)"
        ),
        kinds=tuple(kinds),
    )
