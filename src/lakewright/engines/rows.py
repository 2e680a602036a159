"""Rows that a person wrote as a table that an engine reads, and a table's rows as values again."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow
import pyarrow.parquet

from lakewright.engines.engine import Engine
from lakewright.lake import schema as schemas
from lakewright.lake.staged import DataFile, FileSet, Target
from lakewright.project.cell import Cell
from lakewright.project.unit_test import Rows
from lakewright.sql import types

_PRIMITIVES = {
    types.BOOLEAN: pyarrow.bool_(),
    types.INT: pyarrow.int32(),
    types.BIGINT: pyarrow.int64(),
    types.FLOAT: pyarrow.float32(),
    types.DOUBLE: pyarrow.float64(),
    types.STRING: pyarrow.string(),
    types.BINARY: pyarrow.binary(),
    types.DATE: pyarrow.date32(),
    types.TIMESTAMP: pyarrow.timestamp("us", "UTC"),
    types.TIMESTAMP_NTZ: pyarrow.timestamp("us"),
    types.UNKNOWN: pyarrow.null(),
}


def arrow_type(kind: types.Type) -> pyarrow.DataType:
    """A type as Arrow has it."""
    if isinstance(kind, types.Primitive):
        return _PRIMITIVES[kind]
    if isinstance(kind, types.Decimal):
        return pyarrow.decimal128(kind.precision, kind.scale)
    if isinstance(kind, types.Array):
        return pyarrow.list_(arrow_type(kind.element))
    if isinstance(kind, types.Map):
        return pyarrow.map_(arrow_type(kind.key), arrow_type(kind.value))
    return pyarrow.struct([(name, arrow_type(inner)) for name, inner in kind.fields])


def new_table(name: str, wanted: types.Schema, folder: Path) -> Target:
    """Where the files of a table go that nobody knows: a folder of its own."""
    assigned = schemas.assign(wanted, None, 0)
    place = folder / name
    place.mkdir(parents=True, exist_ok=True)
    return Target(
        table=name,
        schema=schemas.of_fields(assigned.fields),
        field_ids=schemas.field_ids(assigned.fields),
        partitioning=(),
        folder=str(place),
        file_prefix="rows",
        base=None,
    )


def write(name: str, rows: Rows, folder: Path) -> FileSet:
    """Write rows as a table's file."""
    target = new_table(name, rows.schema, folder)
    files: tuple[DataFile, ...] = ()
    if rows.rows:
        path = Path(target.folder, f"{target.file_prefix}.parquet")
        pyarrow.parquet.write_table(_table(target, rows), path, compression="none")
        size_bytes = path.stat().st_size
        files = (DataFile(path=str(path), rows=len(rows.rows), size_bytes=size_bytes),)
    return file_set(target, files)


def file_set(target: Target, files: Sequence[DataFile]) -> FileSet:
    """The table that these files make."""
    return FileSet(
        table=target.table,
        snapshot_id=None,
        schema=target.schema,
        field_ids=target.field_ids,
        files=tuple(files),
    )


def read(engine: Engine, table: FileSet, columns: Sequence[str]) -> list[tuple[Cell, ...]]:
    """A table's rows, with these of its columns."""
    _, reader = engine.query(f"SELECT * FROM {table.table}", {table.table: table})
    found = reader.read_all()
    empty: list[Cell] = [None] * found.num_rows
    values = [
        found.column(name).to_pylist() if name in found.column_names else empty for name in columns
    ]
    return list(zip(*values, strict=True)) if values else [()] * found.num_rows


def _table(target: Target, rows: Rows) -> pyarrow.Table:
    columns = dict(zip(rows.schema.names, zip(*rows.rows, strict=True), strict=True))
    fields = [
        pyarrow.field(
            each.name,
            arrow_type(each.type),
            metadata={"PARQUET:field_id": str(target.field_ids[each.name])},
        )
        for each in target.schema.fields
    ]
    arrays = [pyarrow.array(columns[each.name], type=each.type) for each in fields]
    return pyarrow.Table.from_arrays(arrays, schema=pyarrow.schema(fields))
