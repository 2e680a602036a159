"""What a Parquet file's footer says about its columns, as Iceberg keeps it in a manifest.

Readers skip files by these numbers, so a wrong bound would silently lose rows: where a footer says
too little, no bound is given. Refuses a file that is not of the table: one without field ids, with
a column that the table does not have, with a type that cannot be read as the table's, or with nulls
in a required column.

Source: Iceberg table specification, "Manifests" (fields of `data_file`), "Parquet" (types) and
"Appendix D: Single-value serialization".
"""

import math
import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from lakewright import errors
from lakewright.lake import schema
from lakewright.lake.metadata import FieldJson
from lakewright.sql import types

if TYPE_CHECKING:
    import pyarrow
    from pyarrow import parquet

BOUND_LENGTH = 16
"""Characters of text, or bytes of binary, that a bound keeps: Iceberg's default `truncate(16)`."""

_FIELD_ID = b"PARQUET:field_id"

_Bound: TypeAlias = bool | int | float | bytes
"""A bound in a form that compares as its column does: text as UTF-8, decimals unscaled."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Statistics:
    """A file's numbers; the mappings are by field id."""

    rows: int
    column_sizes: Mapping[int, int]
    value_counts: Mapping[int, int]
    null_counts: Mapping[int, int]
    lower_bounds: Mapping[int, bytes]
    upper_bounds: Mapping[int, bytes]
    split_offsets: tuple[int, ...]


@dataclass(slots=True)
class _Column:
    """Gathers one leaf column over the row groups of a file."""

    field_id: int
    kind: types.Type
    has_bounds: bool
    """False for what lies in a list, a map or a struct: readers make no use of it there."""
    size: int = 0
    values: int = 0
    nulls: int | None = 0
    lower: _Bound | None = None
    upper: _Bound | None = None

    def add(self, chunk: "parquet.ColumnChunkMetaData") -> None:
        """Take in what one row group says of the column."""
        self.size += chunk.total_compressed_size
        self.values += chunk.num_values
        found = chunk.statistics if chunk.is_stats_set else None
        nulls = found.null_count if found is not None and found.has_null_count else None
        self.nulls = None if nulls is None or self.nulls is None else self.nulls + nulls
        if not self.has_bounds or nulls == chunk.num_values:
            return
        if found is None or not found.has_min_max:
            self.has_bounds = False
            return
        low, high = _comparable(self.kind, found.min_raw), _comparable(self.kind, found.max_raw)
        if _is_nan(low) or _is_nan(high):
            self.has_bounds = False
            return
        self.lower = low if self.lower is None else min(self.lower, low)
        self.upper = high if self.upper is None else max(self.upper, high)


def read(path: str, fields: tuple[FieldJson, ...]) -> Statistics:
    """The statistics of a Parquet file of a table with these columns.

    Raises:
        LakewrightError: the file does not exist, is no Parquet file, or is not of this table.
    """
    import pyarrow
    from pyarrow import parquet

    try:
        footer = parquet.read_metadata(path)
        columns = footer.schema.to_arrow_schema()
    except (OSError, pyarrow.ArrowException) as error:
        raise _refuse(path, f"it cannot be read as Parquet: {error}") from error
    leaves = tuple(_leaves(path, columns, _kinds(fields), is_nested=False))
    offsets = []
    for number in range(footer.num_row_groups):
        group = footer.row_group(number)
        offsets.append(_first_byte(group.column(0)))
        for position, leaf in enumerate(leaves):
            leaf.add(group.column(position))
    _check_required(path, fields, {leaf.field_id: leaf for leaf in leaves}, columns)
    return Statistics(
        rows=footer.num_rows,
        column_sizes={leaf.field_id: leaf.size for leaf in leaves},
        value_counts={leaf.field_id: leaf.values for leaf in leaves},
        null_counts={leaf.field_id: leaf.nulls for leaf in leaves if leaf.nulls is not None},
        lower_bounds=_bounds(leaves, is_upper=False),
        upper_bounds=_bounds(leaves, is_upper=True),
        split_offsets=tuple(sorted(offsets)),
    )


def _leaves(
    path: str,
    columns: Iterable["pyarrow.Field"],
    kinds: Mapping[int, types.Type],
    *,
    is_nested: bool,
) -> Iterator[_Column]:
    """The file's leaf columns, in the order of its column chunks."""
    import pyarrow

    for column in columns:
        kind = pyarrow.types
        if kind.is_map(column.type):
            inner = [column.type.key_field, column.type.item_field]
        elif any(
            is_it(column.type) for is_it in (kind.is_struct, kind.is_list, kind.is_large_list)
        ):
            inner = [column.type.field(number) for number in range(column.type.num_fields)]
        else:
            inner = []
        field_id = _field_id(path, column, kinds)
        if inner:
            yield from _leaves(path, inner, kinds, is_nested=True)
            continue
        wanted = kinds[field_id]
        if not _is_readable(column.type, wanted):
            why = f"its column {column.name} is {column.type}, which cannot be read as {wanted}"
            raise _refuse(path, why)
        yield _Column(field_id=field_id, kind=wanted, has_bounds=not is_nested)


def _field_id(path: str, column: "pyarrow.Field", kinds: Mapping[int, types.Type]) -> int:
    text = (column.metadata or {}).get(_FIELD_ID)
    if text is None:
        raise _refuse(path, f"its column {column.name} has no field id")
    if int(text) not in kinds:
        raise _refuse(path, f"the table has no column of field id {int(text)} ({column.name})")
    return int(text)


def _kinds(fields: tuple[FieldJson, ...]) -> Mapping[int, types.Type]:
    """The type of every column and nested field, by field id."""
    ids = schema.field_ids(fields)
    found: dict[int, types.Type] = {}

    def add(name: str, kind: types.Type) -> None:
        found[ids[name]] = kind
        if isinstance(kind, types.Struct):
            for inner, inner_kind in kind.fields:
                add(f"{name}.{inner}", inner_kind)
        elif isinstance(kind, types.Array):
            add(f"{name}.element", kind.element)
        elif isinstance(kind, types.Map):
            add(f"{name}.key", kind.key)
            add(f"{name}.value", kind.value)

    for field in schema.of_fields(fields).fields:
        add(field.name, field.type)
    return found


def _is_readable(stored: "pyarrow.DataType", wanted: types.Type) -> bool:
    """Whether Iceberg lets a reader take a file's column of type `stored` as `wanted`."""
    import pyarrow

    if isinstance(wanted, types.Decimal):
        if not pyarrow.types.is_decimal(stored):
            return False
        return stored.scale == wanted.scale and bool(stored.precision <= wanted.precision)
    instant = pyarrow.timestamp("us", tz="UTC")
    readable: Mapping[types.Type, tuple[pyarrow.DataType, ...]] = {
        types.BOOLEAN: (pyarrow.bool_(),),
        types.INT: (pyarrow.int32(), pyarrow.int16(), pyarrow.int8()),
        types.BIGINT: (pyarrow.int64(), pyarrow.int32(), pyarrow.int16(), pyarrow.int8()),
        types.FLOAT: (pyarrow.float32(),),
        types.DOUBLE: (pyarrow.float64(), pyarrow.float32()),
        types.STRING: (pyarrow.string(), pyarrow.large_string()),
        types.BINARY: (pyarrow.binary(), pyarrow.large_binary()),
        types.DATE: (pyarrow.date32(),),
        types.TIMESTAMP: (instant,),
        types.TIMESTAMP_NTZ: (pyarrow.timestamp("us"),),
    }
    return stored in readable.get(wanted, ())


def _check_required(
    path: str,
    fields: tuple[FieldJson, ...],
    leaves: Mapping[int, _Column],
    columns: Iterable["pyarrow.Field"],
) -> None:
    stored = {int(column.metadata[_FIELD_ID]) for column in columns}
    for field in fields:
        if not field["required"]:
            continue
        if field["id"] not in stored:
            raise _refuse(path, f"it has no column {field['name']}, which is required")
        leaf = leaves.get(field["id"])
        if leaf is not None and leaf.nulls:
            raise _refuse(path, f"its column {field['name']} is required and holds nulls")


def _first_byte(chunk: "parquet.ColumnChunkMetaData") -> int:
    data: int = chunk.data_page_offset
    dictionary: int | None = chunk.dictionary_page_offset if chunk.has_dictionary_page else None
    return min(data, dictionary) if dictionary else data


def _comparable(kind: types.Type, raw: _Bound) -> _Bound:
    if isinstance(kind, types.Decimal) and isinstance(raw, bytes):
        return int.from_bytes(raw, "big", signed=True)
    return raw


def _is_nan(value: _Bound) -> bool:
    return isinstance(value, float) and math.isnan(value)


def _bounds(leaves: tuple[_Column, ...], *, is_upper: bool) -> Mapping[int, bytes]:
    found: dict[int, bytes] = {}
    for leaf in leaves:
        value = leaf.upper if is_upper else leaf.lower
        if not leaf.has_bounds or value is None:
            continue
        bound = _serialise(leaf.kind, value, is_upper=is_upper)
        if bound is not None:
            found[leaf.field_id] = bound
    return found


def _serialise(kind: types.Type, value: _Bound, *, is_upper: bool) -> bytes | None:
    """The bound in Iceberg's single-value form; None: there is no short enough bound."""
    if isinstance(value, bytes):
        if kind == types.STRING:
            return _text_bound(value, is_upper=is_upper)
        return _binary_bound(value, is_upper=is_upper)
    if isinstance(kind, types.Decimal):
        unscaled = int(value)
        length = (unscaled if unscaled >= 0 else ~unscaled).bit_length() // 8 + 1
        return unscaled.to_bytes(length, "big", signed=True)
    packing: Mapping[types.Type, str] = {
        types.BOOLEAN: "<?",
        types.INT: "<i",
        types.DATE: "<i",
        types.BIGINT: "<q",
        types.TIMESTAMP: "<q",
        types.TIMESTAMP_NTZ: "<q",
        types.FLOAT: "<f",
        types.DOUBLE: "<d",
    }
    return struct.pack(packing[kind], value)


def _text_bound(value: bytes, *, is_upper: bool) -> bytes | None:
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError:
        return None  # The writer cut its own bound in the middle of a character.
    if len(text) <= BOUND_LENGTH:
        return value
    text = text[:BOUND_LENGTH]
    if not is_upper:
        return text.encode("utf-8")
    while text:
        following = ord(text[-1]) + 1
        if 0xD800 <= following <= 0xDFFF:  # Surrogates are no characters.
            following = 0xE000
        if following <= 0x10FFFF:
            return (text[:-1] + chr(following)).encode("utf-8")
        text = text[:-1]
    return None


def _binary_bound(value: bytes, *, is_upper: bool) -> bytes | None:
    if len(value) <= BOUND_LENGTH or not is_upper:
        return value[:BOUND_LENGTH]
    cut = value[:BOUND_LENGTH].rstrip(b"\xff")
    return cut[:-1] + bytes([cut[-1] + 1]) if cut else None


def _refuse(path: str, why: str) -> errors.LakewrightError:
    return errors.LakewrightError(
        f"the staged file {path} cannot become part of its table",
        why=why,
        hint="this is a bug of the engine that staged the file: please report it",
    )
