"""A source: one kind of file that may arrive, how it is written, and its contract."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Literal, TypeAlias

from lakewright.project.contract import Contract


class Compression(StrEnum):
    """How a file's bytes are packed; `auto` looks at their first bytes."""

    AUTO = "auto"
    NONE = "none"
    GZIP = "gzip"
    ZSTD = "zstd"


@dataclass(frozen=True, kw_only=True, slots=True)
class Dialect:
    """How a delimited text file is written. None: to be decided by looking at the file."""

    delimiter: str | None = None
    quote: str | None = None
    """The quote character; the empty text: there is none."""
    escape: str | None = None
    """What makes a quote inside quotes literal: the quote itself (doubling), or a character such as
    a backslash before it."""
    has_header: bool | None = None
    header_rows: int | None = None
    """How many records name the columns, where there is a header. Several are read as one: each
    column's texts from top to bottom, joined by blanks; a text spans the empty ones to its right
    unless it is in the last row."""
    skip_lines: int | None = None
    """Lines before the header that are no part of the table."""
    comment: str | None = None
    """What starts a line that is to be ignored; the empty text: nothing does."""
    encoding: str | None = None
    """A Python codec name, such as `utf-8` or `windows-1252`."""
    decimal_separator: Literal[".", ","] = "."
    is_trimmed: bool = False
    """Whether blanks around unquoted fields are dropped. Where the delimiter is a blank, a run of
    them is one delimiter then."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Csv:
    """Delimited text."""

    kind: Literal["csv"] = "csv"
    dialect: Dialect = field(default_factory=Dialect)
    compression: Compression = Compression.AUTO
    members: tuple[str, ...] = ()
    """Of an archive, the members to read, as patterns; none: all that hold data."""


class JsonMode(StrEnum):
    """How JSON values stand in a file."""

    AUTO = "auto"
    LINES = "lines"
    """One value on each line."""
    ARRAY = "array"
    """One array; its elements are the records."""
    CONCATENATED = "concatenated"
    """One value after another, with blanks, line ends or nothing between them."""
    DOCUMENT = "document"
    """One value; it is the only record."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Json:
    """JSON text (RFC 8259)."""

    kind: Literal["json"] = "json"
    mode: JsonMode = JsonMode.AUTO
    compression: Compression = Compression.AUTO
    members: tuple[str, ...] = ()
    """As in `Csv`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Parquet:
    """Apache Parquet."""

    kind: Literal["parquet"] = "parquet"
    compression: Compression = Compression.AUTO
    members: tuple[str, ...] = ()
    """As in `Csv`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Excel:
    """One sheet of an Excel workbook (Office Open XML, `.xlsx`). None: decided by looking."""

    kind: Literal["excel"] = "excel"
    sheet: str | None = None
    """Its name, or else its place among the sheets, from 1."""
    has_header: bool | None = None
    skip_lines: int | None = None
    """Rows of the sheet above the header that are no part of the table, empty ones counted."""
    compression: Compression = Compression.AUTO
    members: tuple[str, ...] = ()
    """As in `Csv`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FixedField:
    """One field of a fixed width file."""

    start: int
    """Of its first character in the line, from 0."""
    width: int
    """In characters."""
    name: str | None = None
    """None: as the header has it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FixedWidth:
    """Lines whose fields stand at fixed places. None: decided by looking."""

    kind: Literal["fixed_width"] = "fixed_width"
    fields: tuple[FixedField, ...] | None = None
    has_header: bool | None = None
    skip_lines: int | None = None
    comment: str | None = None
    """What starts a line that is to be ignored; the empty text: nothing does."""
    encoding: str | None = None
    is_padded: bool | None = None
    """Whether every line is filled up with blanks, so that a shorter one was cut."""
    decimal_separator: Literal[".", ","] = "."
    compression: Compression = Compression.AUTO
    members: tuple[str, ...] = ()
    """As in `Csv`."""


Format: TypeAlias = Csv | Json | Parquet | Excel | FixedWidth

FormatOverride: TypeAlias = Mapping[str, str]
"""What is said of one file's format, over its source's: each key of a source's `format` section
that is said, with its value as it was written. Empty: nothing is."""


def said(override: FormatOverride) -> tuple[str, ...]:
    """What is said of a file's format: a word `KEY=VALUE` for each key."""
    return tuple(f"{key}={value}" for key, value in override.items())


def names_columns(look: Format | None) -> bool:
    """Whether files of this format name their columns, as far as that is known."""
    match look:
        case Csv():
            return look.dialect.has_header is not False
        case FixedWidth():
            fields = look.fields or ()
            return look.has_header is not False or bool(fields and fields[0].name)
        case Excel():
            return look.has_header is not False
        case _:
            return True


def decimal_separator(look: Format | None) -> Literal[".", ","]:
    """What stands before a number's decimal places in files of this format."""
    match look:
        case Csv():
            return look.dialect.decimal_separator
        case FixedWidth():
            return look.decimal_separator
        case _:
            return "."


@dataclass(frozen=True, kw_only=True, slots=True)
class BadRecordLimits:
    """How many refused records a file may have before the upload as a whole fails."""

    share_max: float = 0.5
    """Of the file's records, from 0 to 1. Half: more than that is the wrong file or contract."""
    count_max: int | None = None


class Suspects(StrEnum):
    """What becomes of a file that may have been misread."""

    LOAD = "load"
    """It is loaded, and shown as suspect wherever it is shown."""
    REFUSE = "refuse"
    """Its upload fails; nothing of it is published."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """One kind of file that may arrive."""

    name: str
    match: tuple[str, ...] = ()
    """File name patterns with `*`, `?` and `[...]`; letters' case counts."""
    format: Format | None = None
    """None: decided by looking at each file."""
    contract: Contract | None = None
    """None: inferred from the first file."""
    limits: BadRecordLimits = field(default_factory=BadRecordLimits)
    suspects: Suspects = Suspects.LOAD
    description: str = ""
    file: str | None = None
    """The project file that declares the source; None: nobody has, it was inferred."""

    @property
    def bronze(self) -> str:
        """The name of the table that the source's records go to."""
        return f"bronze.{self.name}"

    @property
    def quarantine(self) -> str:
        """The name of the table that the source's refused records go to."""
        return f"quarantine.{self.name}"

    def is_match(self, file_name: str) -> bool:
        """Whether a file of this name (without its folder) belongs to the source."""
        return any(fnmatchcase(file_name, pattern) for pattern in self.match)
