"""What the ways to build a model share: the query, its inputs, its target, and what comes out."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import duckdb

from lakewright.engines.duckdb import reading
from lakewright.engines.engine import Change, ModelInput
from lakewright.engines.versions import Versions
from lakewright.lake.staged import DataFile, FileSet, Target
from lakewright.plan import steps


@dataclass(frozen=True, kw_only=True, slots=True)
class Files:
    """What a build does to its table's files; the fields are those of `Staged`."""

    added: tuple[DataFile, ...] = ()
    rewritten: tuple[DataFile, ...] = ()
    removed: tuple[str, ...] = ()
    is_replaced: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """One build of one model."""

    connection: duckdb.DuckDBPyConnection
    """Its temporary tables are this build's own."""
    step: steps.BuildModel
    query: str
    """In DuckDB's SQL; it returns the target's columns with the target's types."""
    inputs: Mapping[str, ModelInput]
    target: Target

    @property
    def relations(self) -> dict[str, str]:
        """A SELECT of each input's rows, by the input's name."""
        return {name: reading.relation_sql(given.table) for name, given in self.inputs.items()}

    @property
    def base(self) -> FileSet:
        """The table as it stands, with the columns that it will have; no files if it is new."""
        if self.target.base is not None:
            return replace(
                self.target.base, schema=self.target.schema, field_ids=self.target.field_ids
            )
        return FileSet(
            table=self.target.table,
            snapshot_id=None,
            schema=self.target.schema,
            field_ids=self.target.field_ids,
            files=(),
        )

    @property
    def versions(self) -> Versions:
        """What a merge keeps. Columns that have only ever been empty are not in the table."""
        columns = self.target.schema.names
        return Versions(
            table=self.step.table,
            columns=columns,
            key=self.step.key,
            latest_by=tuple(column for column in self.step.latest_by if column in columns),
        )

    def change(self, driving: str) -> Change:
        """What changed in the driving input, with the columns that it has now.

        Raises:
            ValueError: the caller has not said it.
        """
        given = self.inputs[driving]
        if given.change is None:
            raise ValueError(f"{self.step.name}: what changed in {driving} is not given")
        return Change(
            added=replace(given.table, files=given.change.added.files),
            removed=replace(given.table, files=given.change.removed.files),
            rewritten=replace(given.table, files=given.change.rewritten.files),
        )
