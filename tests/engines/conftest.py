"""A bench on which tests of the embedded engine write tables, run steps and read what came out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import duckdb
import pytest

from lakewright.engines.duckdb import models, reading, session, writing
from lakewright.engines.engine import Change, ModelInput
from lakewright.errors import Place
from lakewright.lake.staged import DataFile, FileSet, Staged, Target
from lakewright.plan import steps
from lakewright.project.contract import PartitionField
from lakewright.project.model import Write
from lakewright.sql import parse, quoting, resolve, types

Row = tuple[quoting.Value, ...]


def _field_ids(schema: types.Schema) -> dict[str, int]:
    ids: dict[str, int] = {}

    def number(path: str, kind: types.Type) -> None:
        ids[path] = len(ids) + 1
        if isinstance(kind, types.Struct):
            for name, inner in kind.fields:
                number(f"{path}.{name}", inner)
        if isinstance(kind, types.Array):
            number(f"{path}.element", kind.element)
        if isinstance(kind, types.Map):
            number(f"{path}.key", kind.key)
            number(f"{path}.value", kind.value)

    for column in schema.fields:
        number(column.name, column.type)
    return ids


@dataclass(kw_only=True)
class Bench:
    """Writes, builds and reads tables in one folder."""

    connection: duckdb.DuckDBPyConnection
    folder: Path
    numbers: Iterator[int] = field(default_factory=count)

    def schema(self, columns: str) -> types.Schema:
        """From `a bigint, b struct<x:int>`, split at a comma with a blank."""
        pairs = (column.split(" ", 1) for column in columns.split(", "))
        return types.Schema(
            tuple(types.Field(name=name, type=types.parse(kind)) for name, kind in pairs)
        )

    def target(
        self,
        name: str,
        schema: types.Schema,
        base: FileSet | None = None,
        partitioning: tuple[PartitionField, ...] = (),
    ) -> Target:
        folder = self.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        return Target(
            table=name,
            schema=schema,
            field_ids=_field_ids(schema),
            partitioning=partitioning,
            folder=str(folder),
            file_prefix=f"step{next(self.numbers)}",
            base=base,
        )

    def files(self, target: Target, files: Sequence[DataFile]) -> FileSet:
        return FileSet(
            table=target.table,
            snapshot_id=next(self.numbers),
            schema=target.schema,
            field_ids=target.field_ids,
            files=tuple(files),
        )

    def values(self, schema: types.Schema, rows: Sequence[Row]) -> str:
        """A SELECT of these rows."""
        lines = [
            "SELECT "
            + ", ".join(
                f"{quoting.literal(value, column.type)} AS {quoting.identifier(column.name)}"
                for column, value in zip(schema.fields, row, strict=True)
            )
            for row in rows
        ]
        nothing = ", ".join(
            f"{quoting.literal(None, column.type)} AS {quoting.identifier(column.name)}"
            for column in schema.fields
        )
        return " UNION ALL ".join([*lines, f"SELECT {nothing} WHERE false"])

    def table(
        self, name: str, columns: str, *batches: Sequence[Row], file_rows: int = writing.FILE_ROWS
    ) -> FileSet:
        """A table that holds each batch of rows in a file of its own."""
        schema = self.schema(columns)
        written: list[DataFile] = []
        for batch in batches:
            target = self.target(name, schema)
            select = self.values(schema, batch)
            written += writing.copy(self.connection, select, target, "rows", file_rows)
        return self.files(self.target(name, schema), written)

    def rows(self, table: FileSet) -> list[Row]:
        """The table's rows, in an order of their own."""
        found = self.connection.execute(reading.relation_sql(table)).fetchall()
        return sorted(found, key=repr)

    def step(
        self,
        name: str,
        sql: str,
        inputs: Sequence[FileSet],
        build: steps.Build | None = None,
        *,
        write: Write = Write.REPLACE,
        key: tuple[str, ...] = (),
        latest_by: tuple[str, ...] = (),
    ) -> steps.BuildModel:
        query = parse.parse(sql, Place(file="model.sql"))
        schemas = {table.table: table.schema for table in inputs}
        return steps.BuildModel(
            table=name,
            sql=sql,
            schema=resolve.resolve(query, schemas).schema,
            reads=query.tables,
            build=build or steps.Full(reason="the table is new"),
            write=write,
            key=key,
            latest_by=latest_by,
            fingerprint=query.fingerprint,
        )

    def run(
        self,
        step: steps.BuildModel,
        *inputs: FileSet,
        change: Change | None = None,
        base: FileSet | None = None,
    ) -> tuple[FileSet, Staged]:
        """Build a model: the table as it would be, and what the step staged.

        `change` is what changed in the driving input.
        """
        given = {
            table.table: ModelInput(
                table=table,
                change=None
                if isinstance(step.build, steps.Full | steps.OneInterval)
                or table.table != step.build.driving
                else change,
            )
            for table in inputs
        }
        target = self.target(step.table, step.schema, base)
        staged = models.model(self.connection, step, given, target)
        return self.published(target, staged), staged

    def published(self, target: Target, staged: Staged) -> FileSet:
        base = target.base.files if target.base is not None and not staged.is_replaced else ()
        kept = [file for file in base if file.path not in staged.removed]
        return self.files(target, (*kept, *staged.added, *staged.rewritten))

    def appended(self, table: FileSet, rows: Sequence[Row]) -> tuple[FileSet, Change]:
        """The table with these rows in a file more, and what that changed."""
        target = self.target(table.table, table.schema)
        select = self.values(table.schema, rows)
        added = writing.copy(self.connection, select, target, "rows")
        change = Change(
            added=self.files(target, added),
            removed=self.files(target, ()),
            rewritten=self.files(target, ()),
        )
        return self.files(target, (*table.files, *added)), change

    def change(self, before: FileSet, staged: Staged) -> Change:
        """What a staged step changes in a table."""
        target = self.target(before.table, staged.schema)
        removed = [
            file for file in before.files if staged.is_replaced or file.path in staged.removed
        ]
        return Change(
            added=self.files(target, staged.added),
            removed=self.files(target, removed),
            rewritten=self.files(target, staged.rewritten),
        )


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    connection = session.connect(
        folders=[str(tmp_path)],
        temp_folder=str(tmp_path / "temp"),
        threads=2,
        memory_limit_bytes=256 * 1024 * 1024,
    )
    with connection:
        yield Bench(connection=connection, folder=tmp_path)


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """For tests that load files, whichever of the temporary folders they lie in."""
    root = tmp_path_factory.getbasetemp()
    with session.connect(
        folders=[str(root)],
        temp_folder=str(root / "spill"),
        threads=2,
        memory_limit_bytes=512 * 2**20,
    ) as opened:
        yield opened
