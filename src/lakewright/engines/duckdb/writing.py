"""Rows into Parquet files as Iceberg wants them: field ids, one partition for each file.

What is written lies in the target's folder under names that begin with its prefix, so that a
repeated step finds and overwrites what an earlier attempt left.
"""

import glob
import shutil
from collections.abc import Collection
from pathlib import Path

import duckdb

from lakewright.engines.duckdb import partitioning, reading, text
from lakewright.lake.staged import DataFile, Target
from lakewright.sql import types

ROW_GROUP_ROWS = 122_880
"""DuckDB's own default: 60 vectors of 2,048 rows; one row group is one thread's work."""

FILE_BYTES_MAX = 128 * 1024 * 1024
FILE_ROWS = 4 * ROW_GROUP_ROWS
"""Big enough that opening a file costs nothing beside reading it. Not bigger, because DuckDB reads
a table of only one file with one thread when it maps columns by field id."""

DICTIONARY_VALUES_MAX = 4_096
"""Of one column in one row group: with more, its values are written as they are. DuckDB tries a
dictionary for every column until it holds too many; its own limit, a fifth of the rows, costs a
tenth of the writing where most columns hold more."""

FILE_ROWS_MIN = 32_768
_FILES_OF_MERGED_TABLE = 48
"""A merge rewrites whole files: the fewer rows each has, the less is rewritten for a few late keys;
the more files there are, the longer a commit and every read take."""

_PARTITION = "__lakewright_partition"


def copy(
    connection: duckdb.DuckDBPyConnection,
    select: str,
    target: Target,
    suffix: str,
    file_rows: int = FILE_ROWS,
    enums: Collection[str] = (),
) -> tuple[DataFile, ...]:
    """Write what a SELECT returns; no rows give no file.

    Args:
        connection: where the SELECT's tables are known.
        select: returns at least the target's columns, by name; others are left out.
        target: says where, with which types, field ids and partitioning.
        suffix: tells this copy's files from others of the same step.
        file_rows: about how many rows a file may have. Files of a partitioned table hold what
            their partition does.
        enums: columns of texts that the SELECT returns as enums; written so, they are cheap.
    """
    remove_leftovers(target, suffix)
    folder = Path(target.folder, f"{_stem(target, suffix)}.partial")
    folder.mkdir()
    partitioning.prepare(connection, target.partitioning, target.schema)
    typed = typed_sql(select, target.schema, enums)
    rows = connection.execute(_copy_sql(typed, target, folder, file_rows)).fetchall()
    written = sorted((str(path), int(count), int(size)) for path, count, size, *_ in rows if count)
    partitions = _partitions(connection, target, [path for path, _, _ in written])
    files = []
    for number, (path, count, size) in enumerate(written):
        final = Path(target.folder, f"{_stem(target, suffix)}-{number:05d}.parquet")
        Path(path).rename(final)
        files.append(
            DataFile(path=str(final), rows=count, size_bytes=size, partition=partitions[number])
        )
    shutil.rmtree(folder)
    return tuple(files)


def typed_sql(select: str, schema: types.Schema, untyped: Collection[str] = ()) -> str:
    """The SELECT's columns by name, in the schema's order, with exactly the schema's types.

    Args:
        select: returns at least these columns.
        schema: says which.
        untyped: columns that stay what they are.
    """
    columns = ", ".join(
        text.name(field.name)
        if field.name in untyped
        else f"CAST({text.name(field.name)} AS {text.type_name(field.type)})"
        f" AS {text.name(field.name)}"
        for field in schema.fields
    )
    return f"SELECT {columns} FROM ({select})"


def merged_file_rows(rows: int) -> int:
    """How many rows a file of a merged table of that many rows should have."""
    return max(FILE_ROWS_MIN, rows // _FILES_OF_MERGED_TABLE)


def remove_leftovers(target: Target, suffix: str) -> None:
    """Delete what an earlier attempt of the same copy left behind."""
    stem = _stem(target, suffix)
    shutil.rmtree(Path(target.folder, f"{stem}.partial"), ignore_errors=True)
    for path in Path(target.folder).glob(f"{glob.escape(stem)}-[0-9]*.parquet"):
        path.unlink()


def _stem(target: Target, suffix: str) -> str:
    return f"{target.file_prefix}-{suffix}" if suffix else target.file_prefix


def _copy_sql(rows: str, target: Target, folder: Path, file_rows: int) -> str:
    options = [
        "FORMAT parquet",
        "COMPRESSION zstd",
        f"DICTIONARY_SIZE_LIMIT {DICTIONARY_VALUES_MAX}",
        f"FIELD_IDS {_field_ids(target)}",
        "FILENAME_PATTERN 'part_{i}'",
        "RETURN_STATS true",
    ]
    if target.partitioning:
        rows = f"SELECT *, {_partition_sql(target)} AS {_PARTITION} FROM ({rows})"
        options += [f"PARTITION_BY ({_PARTITION})", f"ROW_GROUP_SIZE {ROW_GROUP_ROWS}"]
    else:
        groups = max(2, round(file_rows / ROW_GROUP_ROWS))
        options += [
            f"ROW_GROUP_SIZE {-(-file_rows // groups)}",
            f"ROW_GROUPS_PER_FILE {groups - 1}",  # DuckDB ends a file one row group late.
            f"FILE_SIZE_BYTES {FILE_BYTES_MAX}",
        ]
    return f"COPY ({rows}) TO {text.literal(str(folder))} ({', '.join(options)})"


def _field_ids(target: Target) -> str:
    entries = ", ".join(
        f"{text.name(field.name)}: {_field_id(target, field.type, field.name)}"
        for field in target.schema.fields
    )
    return f"{{{entries}}}"


def _field_id(target: Target, kind: types.Type, path: str) -> str:
    own = target.field_ids[path]
    inner: tuple[tuple[str, types.Type], ...] = ()
    if isinstance(kind, types.Struct):
        inner = kind.fields
    elif isinstance(kind, types.Array):
        inner = (("element", kind.element),)
    elif isinstance(kind, types.Map):
        inner = (("key", kind.key), ("value", kind.value))
    if not inner:
        return str(own)
    entries = "".join(
        f", {text.name(name)}: {_field_id(target, child, f'{path}.{name}')}"
        for name, child in inner
    )
    return f"{{__duckdb_field_id: {own}{entries}}}"


def _kinds(target: Target) -> dict[str, types.Type]:
    return {field.name: field.type for field in target.schema.fields}


def _partition_sql(target: Target) -> str:
    """One number for each partition: a hash, as its values may be too long for a folder's name."""
    kinds = _kinds(target)
    values = ", ".join(
        partitioning.value_sql(field, kinds[field.column]) for field in target.partitioning
    )
    return f"hash({values})"


def _partitions(
    connection: duckdb.DuckDBPyConnection, target: Target, paths: list[str]
) -> list[tuple[str | None, ...]]:
    """Each file's partition values, read from its first row: all its rows have the same ones."""
    if not target.partitioning:
        return [() for _ in paths]
    kinds = _kinds(target)
    values = ", ".join(
        partitioning.text_sql(field, kinds[field.column]) for field in target.partitioning
    )
    found: list[tuple[str | None, ...]] = []
    for path in paths:
        source = f"read_parquet({text.literal(path)}, {reading.BY_CONTENT})"
        query = f"SELECT {values} FROM (FROM {source} LIMIT 1)"
        found += connection.execute(query).fetchall()
    return found
