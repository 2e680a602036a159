"""What landing an upload found: how the file is written, what it holds, and where its records lie.

Landing reads a file once, decides everything that is not pinned, counts the records independently
of any engine, and leaves parts that every engine reads. It loads nothing.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from lakewright.project.contract import NO_EVIDENCE, Evidence
from lakewright.project.source import Format
from lakewright.sql import types


@dataclass(frozen=True, kw_only=True, slots=True)
class CsvPart:
    """A range of whole records of a delimited file, regular enough for an engine's own reader."""

    kind: Literal["csv"] = "csv"
    path: str
    file_name: str | None = None
    """The file of the upload that its records are of: `archive.zip/member.csv`. None: the upload's
    own name."""
    byte_start: int
    byte_end: int
    first_record: int
    """Number of the part's first record in its upload, from 1."""
    records: int
    offsets_path: str
    """Raw little-endian uint32 values, `records + 1` of them: where each record of this part
    starts, relative to `byte_start`; the last is the part's length."""
    offsets_start: int
    """Index of this part's first value in that file."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TextPart:
    """Records read exactly by our own reader, as a Parquet file of texts.

    Columns: one nullable VARCHAR for each arrived column, named by its `ArrivedColumn.name`
    (nested JSON values as JSON text), and `_record` BIGINT, `_byte` BIGINT (null where unknown),
    `_raw` VARCHAR (the record's text), `_problem` VARCHAR (why the record as a whole is refused;
    null for a sound one).
    """

    kind: Literal["text"] = "text"
    path: str
    file_name: str | None = None
    """As in `CsvPart`."""
    file_column: str | None = None
    """A further column, which says this for each record; None: all are of one file."""
    is_rearranged: bool = False
    """Whether some records had other columns in their file, or others in their places."""
    records: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ParquetPart:
    """A Parquet file as it was delivered, with its own types."""

    kind: Literal["parquet"] = "parquet"
    path: str
    file_name: str | None = None
    """As in `CsvPart`."""
    first_record: int = 1
    """As in `CsvPart`."""
    places: tuple[int | None, ...] | None = None
    """For each column of the upload, the place of the file's own that it is, from 0, or None where
    the file lacks it; None as a whole: the file has the upload's columns."""
    records: int


Part: TypeAlias = CsvPart | TextPart | ParquetPart


@dataclass(frozen=True, kw_only=True, slots=True)
class ArrivedColumn:
    """One column of the file."""

    name: str
    """As the file has it; made unique (`name_2`) and non-empty (`column_3`) where it is not."""
    type: types.Type
    """What all its values fit; `unknown` where every value is null or nobody looked."""
    format: str | None = None
    """How all its values are written, where that is not the plain form; as `Column.format`."""
    evidence: Evidence = NO_EVIDENCE
    """What else its values have shown."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Landed:
    """The result of landing one upload."""

    upload_id: str
    file_name: str
    format: Format
    """With nothing left to decide."""
    columns: tuple[ArrivedColumn, ...]
    parts: tuple[Part, ...]
    records: int
    """Counted independently of the engine that will read them."""
    size_bytes: int
    """Unpacked."""
    suspicions: tuple[str, ...] = ()
    """Why the file may have been misread; a sound file has none."""
    evidence: tuple[str, ...] = ()
    """How each thing that was not declared was decided, for people."""
    confidence: float = 1.0
    """How sure the decisions are, from 0 to 1; see `ingest.dialect.Detected`."""
    header: tuple[str, ...] | None = None
    """The columns' names just as a delimited file has them, which need be neither unique nor
    filled; None where it has none, or is no such file."""
