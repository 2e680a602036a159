"""A lake in a temporary folder, and files written as an engine would write them."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lakewright.lake.catalog import Catalog
from lakewright.lake.rest_catalog import RestCatalog
from lakewright.lake.rest_transport import HttpTransport
from lakewright.lake.sqlite_catalog import SqliteCatalog
from lakewright.lake.staged import DataFile, FileSet, Published, Rollback, Staged, Target
from lakewright.lake.tables import Lake
from lakewright.project.contract import PartitionField
from lakewright.sql import types
from tests.rest_catalog.server import RestServer

NOW = datetime(2026, 3, 31, 12, 0, tzinfo=UTC)
Row = Mapping[str, Any]


def arrow_type(kind: types.Type, path: str, ids: Mapping[str, int]) -> pa.DataType:
    """The Arrow type of ours, nested fields with their ids."""
    if isinstance(kind, types.Decimal):
        return pa.decimal128(kind.precision, kind.scale)
    if isinstance(kind, types.Array):
        return pa.list_(arrow_field("element", kind.element, f"{path}.element", ids))
    if isinstance(kind, types.Map):
        key = arrow_field("key", kind.key, f"{path}.key", ids).with_nullable(False)
        return pa.map_(key, arrow_field("value", kind.value, f"{path}.value", ids))
    if isinstance(kind, types.Struct):
        return pa.struct(
            [arrow_field(name, inner, f"{path}.{name}", ids) for name, inner in kind.fields]
        )
    return {
        types.BOOLEAN: pa.bool_(),
        types.INT: pa.int32(),
        types.BIGINT: pa.int64(),
        types.FLOAT: pa.float32(),
        types.DOUBLE: pa.float64(),
        types.STRING: pa.string(),
        types.BINARY: pa.binary(),
        types.DATE: pa.date32(),
        types.TIMESTAMP: pa.timestamp("us", tz="UTC"),
        types.TIMESTAMP_NTZ: pa.timestamp("us"),
    }[kind]


def arrow_field(name: str, kind: types.Type, path: str, ids: Mapping[str, int]) -> pa.Field:
    return pa.field(
        name, arrow_type(kind, path, ids), metadata={"PARQUET:field_id": str(ids[path])}
    )


def arrow_schema(schema: types.Schema, ids: Mapping[str, int]) -> pa.Schema:
    return pa.schema(
        [arrow_field(field.name, field.type, field.name, ids) for field in schema.fields]
    )


class Workshop:
    """A lake, and what an engine would do for it."""

    def __init__(self, root: Path, catalog: Catalog | None = None) -> None:
        self.lake = Lake(root, catalog)
        self.written = 0

    @property
    def sqlite(self) -> SqliteCatalog:
        """The lake's catalog, where that is a file."""
        assert isinstance(self.lake.storage.catalog, SqliteCatalog)
        return self.lake.storage.catalog

    def write(
        self, target: Target, rows: Sequence[Row], partition: tuple[str | None, ...] = ()
    ) -> DataFile:
        """One Parquet file of the target's table."""
        self.written += 1
        path = Path(target.folder) / f"{target.file_prefix}{self.written}.parquet"
        schema = arrow_schema(target.schema, target.field_ids)
        pq.write_table(pa.Table.from_pylist(list(rows), schema), path, compression="zstd")
        return DataFile(
            path=str(path), rows=len(rows), size_bytes=path.stat().st_size, partition=partition
        )

    def stage(
        self,
        table: str,
        schema: types.Schema,
        rows: Sequence[Row] = (),
        *,
        run: str = "run",
        files: Sequence[tuple[tuple[str | None, ...], Sequence[Row]]] = (),
        partitioning: tuple[PartitionField, ...] = (),
        **more: Any,
    ) -> Staged:
        """Rows as one file, and more files with their partition values, staged for a table."""
        target = self.lake.target(table, schema, partitioning, run, f"model:{table}")
        written = [self.write(target, rows)] if rows else []
        written += [self.write(target, some, partition) for partition, some in files]
        values: dict[str, Any] = {
            "table": table,
            "step": f"model:{table}",
            "base_snapshot_id": target.base.snapshot_id if target.base else None,
            "schema": target.schema,
            "partitioning": partitioning,
            "added": tuple(written),
            "consumed": {},
            "properties": {},
            "table_properties": {},
            "column_descriptions": {},
        }
        return Staged(**(values | more))

    def publish(self, *staged: Staged, run: str = "run", now: datetime = NOW) -> list[Published]:
        return list(self.lake.publish(staged, run, now))

    def append(self, table: str, schema: types.Schema, rows: Sequence[Row], run: str) -> Published:
        """Publish one file of rows."""
        return self.publish(self.stage(table, schema, rows, run=run), run=run)[0]

    def rollback(
        self, table: str, snapshot_id: int, run: str, now: datetime = NOW, base: int | None = None
    ) -> Published:
        """Roll a table back; `base`: where it is thought to be."""
        present = self.lake.observe()[table].snapshot_id if base is None else base
        wanted = Rollback(table=table, snapshot_id=snapshot_id, base_snapshot_id=present)
        return self.lake.publish((), run, now, [wanted])[0]

    def rows(self, table: str, at: int | None = None) -> list[dict[str, Any]]:
        """Every row, read file by file through the field ids."""
        return read_files(self.lake.file_set(table, at))


def read_files(files: FileSet) -> list[dict[str, Any]]:
    """The rows of a file set whose columns are not nested, mapped by field id."""
    names = {field_id: name for name, field_id in files.field_ids.items()}
    found = []
    for file in files.files:
        table = pq.read_table(file.path, partitioning=None)
        ids = [int(field.metadata[b"PARQUET:field_id"]) for field in table.schema]
        for row in table.to_pylist():
            by_id = dict(zip(ids, row.values(), strict=True))
            found.append({name: by_id.get(field_id) for field_id, name in names.items()})
    return found


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path / "project" / ".lakewright")


@pytest.fixture
def rest_workshop(tmp_path: Path, rest_server: RestServer) -> Iterator[Workshop]:
    """A lake whose catalog is a server."""
    namespace = [rest_server.new_namespace()]
    catalog = RestCatalog(HttpTransport(rest_server.url), rest_server.url, namespace=namespace)
    yield Workshop(tmp_path / "project" / ".lakewright", catalog)
    catalog.close()
