"""Land a Parquet file: its footer tells the columns and the count; its pages stay for the engine.

Only a footer that makes sense is accepted. What has no type among ours is refused by the column's
name, before anything is read; so is a file that would unpack to too much.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

import pyarrow
import pyarrow.compute
import pyarrow.parquet

from lakewright import errors
from lakewright.ingest import packing, signature
from lakewright.plan.landed import ArrivedColumn, ParquetPart
from lakewright.sql import types

_SIMPLE = (
    (pyarrow.types.is_boolean, types.BOOLEAN),
    (pyarrow.types.is_uint32, types.BIGINT),
    (pyarrow.types.is_int64, types.BIGINT),
    (pyarrow.types.is_uint64, types.Decimal(20, 0)),
    (pyarrow.types.is_integer, types.INT),
    (pyarrow.types.is_float64, types.DOUBLE),
    (pyarrow.types.is_floating, types.FLOAT),
    (pyarrow.types.is_string, types.STRING),
    (pyarrow.types.is_large_string, types.STRING),
    (pyarrow.types.is_binary, types.BINARY),
    (pyarrow.types.is_large_binary, types.BINARY),
    (pyarrow.types.is_fixed_size_binary, types.BINARY),
    (pyarrow.types.is_date, types.DATE),
    (pyarrow.types.is_null, types.UNKNOWN),
    # No type of ours is a time of day; its ISO text sorts as it does.
    (pyarrow.types.is_time, types.STRING),
)


def read(
    path: Path, work_folder: Path, file_name: str, limits: packing.Limits | None = None
) -> tuple[tuple[ArrivedColumn, ...], ParquetPart]:
    """The file's columns, and the file as one part.

    A file that only some readers understand is written anew in the work folder, with its values
    and types, so that any engine reads it.

    Raises:
        FileUnreadable: it is damaged, encrypted or too large, or a column's type has no counterpart
            here.
    """
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            schema = file.schema_arrow
            metadata = file.metadata
            columns = _columns(schema, file_name)
            _check_size(file, path, file_name, limits or packing.Limits())
            is_rare = _is_rare(file)
            if is_rare:
                path = _rewritten(file, work_folder)
    # A damaged footer may also be taken for impossible sizes, encodings or Unicode.
    except (pyarrow.ArrowException, OSError, ValueError, MemoryError) as error:
        raise errors.FileUnreadable(
            f"{file_name} is no readable Parquet file",
            why=_first_line(error),
            hint="write the file again; an encrypted file must be decrypted before it is uploaded",
        ) from error
    return columns, ParquetPart(path=str(path), records=_records(metadata))


def _records(metadata: pyarrow.parquet.FileMetaData) -> int:
    """Some writers leave the footer's total at 0; the row groups' counts are what readers go by."""
    groups = range(metadata.num_row_groups)
    return sum(metadata.row_group(group).num_rows for group in groups)


_RATIO_GRACE_BYTES = 16 << 20  # As for packed files: a small table of few values harms nobody.


def _check_size(
    file: pyarrow.parquet.ParquetFile, path: Path, file_name: str, limits: packing.Limits
) -> None:
    """Refuse a file that becomes far more than it is: a value and a count can be a billion rows."""
    metadata, size_bytes = file.metadata, path.stat().st_size
    groups = map(metadata.row_group, range(metadata.num_row_groups))
    pages = sum(group.total_byte_size for group in groups)
    cells = _records(metadata) * metadata.num_columns  # A byte each is the least that they take.
    unpacked = max(pages, cells)
    allowed = min(max(_RATIO_GRACE_BYTES, limits.ratio_max * size_bytes), limits.size_bytes_max)
    for name, group, chunk in _suspects(file, allowed):
        if unpacked > allowed:
            break
        unpacked = max(unpacked, _text_bytes(path, name, group, chunk, allowed))
    if unpacked > allowed:
        raise errors.FileUnreadable(
            f"{file_name}: the Parquet file looks like a bomb",
            why=f"its {size_bytes:,} bytes unpack to {unpacked:,} bytes or more;"
            f" {limits.ratio_max:,} times its size and {limits.size_bytes_max:,} bytes are allowed",
            hint="set LAKEWRIGHT_UNPACKED_RATIO_MAX higher if the table is meant to be so even",
        )


_Chunk: TypeAlias = pyarrow.parquet.ColumnChunkMetaData


def _suspects(file: pyarrow.parquet.ParquetFile, allowed: int) -> Iterator[tuple[str, int, _Chunk]]:
    """Columns of texts, by row group, that may become more than is allowed.

    A footer counts the bytes of pages. There, a text is written once however often it stands in
    the table (in a dictionary), or as what is new beside the text before it (delta encoding). Texts
    inside other values are not looked at.
    """
    metadata = file.metadata
    for place in range(metadata.num_columns):
        column = file.schema.column(place)
        if column.physical_type != "BYTE_ARRAY" or column.path != column.name:
            continue
        for group in range(metadata.num_row_groups):
            chunk = metadata.row_group(group).column(place)
            is_short = not _SHORT.isdisjoint(chunk.encodings)
            if is_short and chunk.num_values * chunk.total_uncompressed_size > allowed:
                yield column.name, group, chunk


def _text_bytes(path: Path, name: str, group: int, chunk: _Chunk, allowed: int) -> int:
    """How many bytes a column's texts have in a row group, or a bound of it that is allowed."""
    has_dictionary = "DELTA_BYTE_ARRAY" not in chunk.encodings
    at_once = _INDICES_AT_ONCE if has_dictionary else _TEXTS_AT_ONCE
    kept = [name] if has_dictionary else []
    total = 0
    with pyarrow.parquet.ParquetFile(path, read_dictionary=kept) as file:
        for batch in file.iter_batches(at_once, row_groups=[group], columns=[name]):
            array = batch.column(0)
            if not isinstance(array, pyarrow.DictionaryArray):
                total += array.nbytes
            else:
                lengths = pyarrow.compute.binary_length(array.dictionary)
                longest = pyarrow.compute.max(lengths).as_py() or 0
                if not total and longest * chunk.num_values <= allowed:
                    return int(longest * chunk.num_values)
                total += pyarrow.compute.sum(lengths.take(array.indices)).as_py() or 0
            if total > allowed:
                break
    return total


_SHORT = {"PLAIN_DICTIONARY", "RLE_DICTIONARY", "DELTA_BYTE_ARRAY"}
_INDICES_AT_ONCE = 1 << 16
_TEXTS_AT_ONCE = 64
"""Few, as nobody knows how long they are."""


def _columns(schema: pyarrow.Schema, file_name: str) -> tuple[ArrivedColumn, ...]:
    names = [field.name for field in schema]
    if len({name.lower() for name in names}) < len(names):
        raise errors.FileUnreadable(
            f"{file_name} has two columns of one name",
            why="names are compared without regard to case",
            hint="rename one of them",
        )
    return tuple(
        ArrivedColumn(name=field.name, type=_type(field.type, field.name, file_name))
        for field in schema
    )


_COMMON_CODECS = ("UNCOMPRESSED", "SNAPPY", "GZIP", "ZSTD", "BROTLI", "LZ4_RAW")
_REAL_TYPES = ("FLOAT", "DOUBLE")
_ROW_NUMBER = "file_row_number"
"""What DuckDB calls the number of a row; it reads no file that has a column of this name."""


def _is_rare(file: pyarrow.parquet.ParquetFile) -> bool:
    """Whether the file is written in a way that DuckDB is known to refuse.

    Old LZ4 (arrow calls it unknown), byte streams split for other than real numbers, and maps
    without values: found with apache/parquet-testing.
    """
    metadata = file.metadata
    if any(name.lower() == _ROW_NUMBER for name in file.schema_arrow.names):
        return True
    for group in range(metadata.num_row_groups):
        for column in range(metadata.num_columns):
            chunk = metadata.row_group(group).column(column)
            is_split = "BYTE_STREAM_SPLIT" in chunk.encodings
            if chunk.compression not in _COMMON_CODECS:
                return True
            if is_split and chunk.physical_type not in _REAL_TYPES:
                return True
    paths = {file.schema.column(column).path for column in range(metadata.num_columns)}
    keys = [path.removesuffix(".key") for path in paths if path.endswith(".key")]
    return any(not any(path.startswith(f"{key}.value") for path in paths) for key in keys)


def _rewritten(file: pyarrow.parquet.ParquetFile, work_folder: Path) -> Path:
    target = work_folder / "rewritten.parquet"
    names = [
        f"{name}_" if name.lower() == _ROW_NUMBER else name for name in file.schema_arrow.names
    ]
    schema = pyarrow.schema(
        [field.with_name(name) for field, name in zip(file.schema_arrow, names, strict=True)]
    )
    with pyarrow.parquet.ParquetWriter(target, schema, compression="lz4") as writer:
        for batch in file.iter_batches():
            writer.write_batch(batch.rename_columns(names))
    return target


def check_ends(path: Path, file_name: str) -> None:
    """Refuse a file that starts as Parquet and does not end so, before a parser is asked.

    Raises:
        FileUnreadable: it was cut short.
    """
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(size - 4, 0))
        if size < 12 or file.read(4) != signature.PARQUET_MAGIC:
            raise errors.FileUnreadable(
                f"{file_name} is a Parquet file that was cut short",
                why=f"it has {size:,} bytes and does not end with its footer",
                hint="deliver the whole file again",
            )


def _type(kind: pyarrow.DataType, name: str, file_name: str) -> types.Type:
    if isinstance(kind, pyarrow.BaseExtensionType):
        return _type(kind.storage_type, name, file_name)
    if pyarrow.types.is_dictionary(kind):
        return _type(kind.value_type, name, file_name)
    for is_kind, found in _SIMPLE:
        if is_kind(kind):
            return found
    if pyarrow.types.is_timestamp(kind):
        return types.TIMESTAMP if kind.tz else types.TIMESTAMP_NTZ
    if pyarrow.types.is_decimal(kind) and kind.precision <= types.DECIMAL_PRECISION_MAX:
        return types.Decimal(kind.precision, max(kind.scale, 0))
    return _nested(kind, name, file_name)


def _nested(kind: pyarrow.DataType, name: str, file_name: str) -> types.Type:
    if pyarrow.types.is_map(kind):
        key = _inner(kind.key_type, f"{name}.key", file_name)
        return types.Map(key, _inner(kind.item_type, f"{name}.value", file_name))
    if any(is_list(kind) for is_list in _LISTS):
        return types.Array(_inner(kind.value_type, f"{name}.element", file_name))
    if pyarrow.types.is_struct(kind) and kind.num_fields:
        return types.Struct(
            tuple(
                (field.name, _inner(field.type, f"{name}.{field.name}", file_name))
                for field in kind
            )
        )
    raise errors.FileUnreadable(
        f"{file_name}: the type of column {name} cannot be loaded",
        why=f"it is {kind}, which has no counterpart among the column types",
        hint=f"write it as one of {', '.join(types.names())}",
    )


def _inner(kind: pyarrow.DataType, name: str, file_name: str) -> types.Type:
    """The type of what lies inside another: it cannot wait for evidence, so nulls are text."""
    found = _type(kind, name, file_name)
    return types.STRING if found == types.UNKNOWN else found


_LISTS = (
    pyarrow.types.is_list,
    pyarrow.types.is_large_list,
    pyarrow.types.is_fixed_size_list,
)


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
