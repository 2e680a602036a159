"""The tables that a step reads, as they would be, and where it writes the files of one.

A plan is made for one state of each table; a step refuses to read or to build upon any other.
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import cast

from lakewright import errors
from lakewright.engines.engine import Change
from lakewright.lake.staged import DataFile, FileSet, Rollback, Staged, Target
from lakewright.lake.tables import Lake
from lakewright.project.contract import PartitionField
from lakewright.runs.operations import overlay
from lakewright.runs.operations.payloads import decode_all
from lakewright.runs.records import Json
from lakewright.sql import types


class Tables:
    """The lake's tables, with what the run has staged laid over them."""

    def __init__(self, lake: Lake, facts: Mapping[str, Json]) -> None:
        self._lake = lake
        self._facts = facts
        self._staged = {each.table: each for each in decode_all(Staged, facts["staged"])}
        self._returned = {
            each.table: each.snapshot_id for each in decode_all(Rollback, facts["rollbacks"])
        }

    def has(self, name: str) -> bool:
        """Whether the table is there, or would be."""
        return name in self._staged or name in self._lake.tables()

    def file_set(self, name: str) -> FileSet:
        """The table as it would be."""
        staged = self._staged.get(name)
        if staged is not None:
            return overlay.file_set(staged, self._target(staged))
        if name in self._returned:
            return self._lake.file_set(name, self._returned[name])
        found = self._lake.file_set(name)
        check_base(name, found, self._facts)
        return found

    def cursor(self, name: str) -> int | None:
        """The snapshot that a reader consumes; None: the one that this run's publish makes."""
        return None if name in self._staged else self.file_set(name).snapshot_id

    def change(self, name: str, since_snapshot_id: int) -> Change:
        """What the table gained and lost since a snapshot, and by this run."""
        staged = self._staged.get(name)
        present = self._lake.file_set(name)
        check_base(name, present, self._facts)
        is_read = present.snapshot_id == since_snapshot_id
        earlier = () if is_read else self._lake.added_since(name, since_snapshot_id).files
        if staged is not None:
            return overlay.change(staged, self._target(staged), earlier)
        return overlay.added(replace(present, files=earlier))

    def _target(self, staged: Staged) -> Target:
        return self._lake.target(
            staged.table, staged.schema, staged.partitioning, str(self._facts["token"]), staged.step
        )


def target_of(
    lake: Lake,
    facts: Mapping[str, Json],
    table: str,
    schema: types.Schema,
    partitioning: tuple[PartitionField, ...],
) -> Target:
    """Where an attempt writes a table's files.

    Files of two attempts never share a name: one that was given up may still be writing when
    the next is published.
    """
    attempt = f"{facts['token']}-{facts['fence']}-{facts['attempt']}"
    target = lake.target(table, schema, partitioning, attempt, table)
    check_base(table, target.base, facts)
    return target


def check_base(table: str, found: FileSet | None, facts: Mapping[str, Json]) -> None:
    """Refuse to build on another state of a table than the one that the plan was made for."""
    planned = cast("Mapping[str, int]", facts["bases"]).get(table)
    present = found.snapshot_id if found is not None else None
    if present != planned:
        raise errors.CommitConflict(
            f"the table {table} has moved since the run was planned",
            why=f"it was at snapshot {planned} and is at {present}",
            hint="the run is planned again",
        )


def unlink(files: Iterable[DataFile]) -> None:
    """Delete files of this attempt, which nothing refers to or ever will."""
    for file in files:
        with suppress(OSError):
            Path(file.path).unlink()
