"""The values that pass between who stages files and who publishes them."""

from collections.abc import Mapping
from dataclasses import dataclass

from lakewright.project.contract import PartitionField
from lakewright.sql import types


@dataclass(frozen=True, kw_only=True, slots=True)
class DataFile:
    """One Parquet file of a table, by its absolute path."""

    path: str
    rows: int
    size_bytes: int
    partition: tuple[str | None, ...] = ()
    """The partition value of each partition field, after its transform; None for null.

    The text is the one of Iceberg's partition paths, not escaped: `2024` for year, `2024-03` for
    month, `2024-03-31` for day and dates, `2024-03-31-17` for hour, `7` for bucket and integers,
    `true`, `1.50`, `2024-03-31T17:05:06.000007` (with `+00:00` where it is an instant), base64 for
    binary, any other value as it is. Years, months, days and hours are those in UTC.
    """


@dataclass(frozen=True, kw_only=True, slots=True)
class FileSet:
    """A table as an engine reads it: its columns with their field ids, and its files."""

    table: str
    snapshot_id: int | None
    """None: what the files hold is not published yet."""
    schema: types.Schema
    field_ids: Mapping[str, int]
    """Column name to Iceberg field id; nested fields by their dotted path (`a.b`, `a.element`,
    `a.key`, `a.value`). Files hold columns by id: an older file may name or type one otherwise."""
    files: tuple[DataFile, ...]

    @property
    def rows(self) -> int:
        """How many rows the files hold."""
        return sum(file.rows for file in self.files)


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """Where an engine writes the files of one step for one table, and how."""

    table: str
    schema: types.Schema
    field_ids: Mapping[str, int]
    """As in `FileSet`; columns that the table does not have yet included."""
    partitioning: tuple[PartitionField, ...]
    folder: str
    """An existing folder. What is written there is invisible until it is published."""
    file_prefix: str
    """Of every file name; it names run and step, so that a repeated step finds its own files."""
    base: FileSet | None
    """The table as it stands; None: it does not exist."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Staged:
    """One table as a step wants it: files to add, files that they replace, and the base."""

    table: str
    step: str
    base_snapshot_id: int | None
    schema: types.Schema
    partitioning: tuple[PartitionField, ...]
    added: tuple[DataFile, ...]
    """Files whose rows are new or changed."""
    rewritten: tuple[DataFile, ...] = ()
    """Files that repeat unchanged rows of files in `removed`."""
    removed: tuple[str, ...] = ()
    """Paths of the base's files that are not part of the table any more."""
    is_replaced: bool = False
    """Whether every file of the base goes, whatever `removed` says."""
    consumed: Mapping[str, int | None]
    """Upstream table to the snapshot id that the rows hold; None: what the same publish makes."""
    properties: Mapping[str, str]
    """For the snapshot summary (`lakewright.` is put before each name)."""
    table_properties: Mapping[str, str]
    """For the table itself (the same prefix)."""
    description: str = ""
    column_descriptions: Mapping[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Rollback:
    """One table that is to go back to an earlier snapshot, or forth to one that was rolled back."""

    table: str
    snapshot_id: int
    base_snapshot_id: int
    """Where the table was when this was decided."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Published:
    """What a publish made of one table."""

    table: str
    snapshot_id: int
    rows: int
    is_repeat: bool
    """Whether an earlier attempt of the same step had already committed it."""
