"""The lake: the tables of one environment, as they are, as they were, and how they change.

Tables change only by `publish` and `tidy`; each is one catalog commit. A snapshot that
was published is never changed, only forgotten. Reading the state of the tables needs no heavy
library; their files are listed through PyIceberg.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from lakewright import errors
from lakewright.lake import (
    cleaning,
    durable,
    filing,
    metadata,
    partitioning,
    provenance,
    publish,
    relocate,
    returning,
    schema,
    upkeep,
)
from lakewright.lake.catalog import Catalog
from lakewright.lake.metadata import Document, SnapshotJson
from lakewright.lake.staged import DataFile, FileSet, Published, Rollback, Staged, Target
from lakewright.lake.storage import Storage
from lakewright.plan import codec, observed
from lakewright.project.contract import Contract, PartitionField
from lakewright.sql import types


@dataclass(frozen=True, kw_only=True, slots=True)
class HistoryEntry:
    """One snapshot of a table, as people look at it."""

    snapshot_id: int
    parent_id: int | None
    made_at: datetime
    operation: str
    """`append`, `overwrite`, `replace` (the same rows in other files) or `delete`."""
    run_id: str | None
    """None: another program made it."""
    rows: int | None
    """Of the whole table; None: whoever made the snapshot did not say."""
    rows_added: int
    rows_removed: int
    files: int | None
    size_bytes: int | None
    is_current: bool
    is_ancestor: bool
    """Whether the present state comes from it; False: it was rolled back."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Description:
    """A table, as people look at it."""

    table: str
    description: str
    schema: types.Schema
    partitioning: tuple[str, ...]
    """Each field in Iceberg's words, such as `month(ordered_at)`."""
    rows: int
    files: int
    size_bytes: int
    snapshot_id: int
    snapshots: int
    changed_at: datetime
    location: str
    metadata_location: str


class Lake:
    """The tables in one folder."""

    def __init__(self, root: Path, catalog: Catalog | None = None) -> None:
        """`root` is the environment's storage; it is made by the first publish. `catalog` says
        where the tables are; None: a file in it."""
        self.storage = Storage(root, catalog)
        self._observed: dict[str, tuple[str, observed.Table | None]] = {}
        """Each table as it was seen last, with its metadata file: those never change."""

    def tables(self) -> tuple[str, ...]:
        """The names of all tables, `layer.table`, in order."""
        return tuple(self.storage.pointers())

    def observe(self) -> Mapping[str, observed.Table]:
        """Every table as planning sees it, by name."""
        pointers = self.storage.pointers()
        seen = self._observed
        self._observed = {
            table: seen[table]
            if table in seen and seen[table][0] == pointer
            else (pointer, _observe_present(table, pointer))
            for table, pointer in pointers.items()
        }
        return {table: one for table, (_, one) in self._observed.items() if one is not None}

    def file_set(self, table: str, at: int | None = None) -> FileSet:
        """The table's files, as of a snapshot; None: as of now.

        Raises:
            NotFound: there is no such table, or no such snapshot of it.
        """
        document = self._document(table)
        snapshot = returning.find(table, document, at)
        return self._file_set(table, document, snapshot)

    def added_since(self, table: str, snapshot_id: int) -> FileSet:
        """The files that were added after that snapshot, which must be an ancestor of now.

        They are as their snapshots added them, even if the same rows lie in other files by now.

        Raises:
            NotFound: the snapshot is not, or not any more, an ancestor of the present one.
            Conflict: a later snapshot did more than add rows.
        """
        document = self._document(table)
        later: list[SnapshotJson] = []
        for ancestor in metadata.ancestors(document):
            if ancestor["snapshot-id"] == snapshot_id:
                break
            if not _only_adds(ancestor):
                raise errors.Conflict(
                    f"the table {table} has not only grown since snapshot {snapshot_id}",
                    why=f"snapshot {ancestor['snapshot-id']} changed or removed rows",
                    hint="build what reads it in full",
                )
            later.append(ancestor)
        else:
            raise returning.missing(table, document, snapshot_id)
        snapshot = returning.find(table, document, None)
        added = tuple(
            one.file
            for ancestor in reversed(later)
            if ancestor["summary"]["operation"] != "replace"
            for one in filing.added_files(document, ancestor, self.storage.reader)
        )
        return self._file_set(table, document, snapshot, files=added)

    def target(
        self,
        table: str,
        wanted: types.Schema,
        partitioning: tuple[PartitionField, ...],
        run_id: str,
        step: str,
    ) -> Target:
        """Where the step of a run writes files for a table, which need not exist yet."""
        pointer = self.storage.pointers().get(table)
        document = metadata.read(pointer) if pointer else None
        base = None
        if document is not None and metadata.current_snapshot(document) is not None:
            base = self._file_set(table, document, returning.find(table, document, None))
        assigned = schema.assign(
            wanted,
            metadata.schema(document) if document else None,
            document["last-column-id"] if document else 0,
        )
        location = (
            Path(metadata.local_path(document["location"]))
            if document
            else self.storage.location(table)
        )
        folder = location / "data"
        durable.make_folder(folder)
        return Target(
            table=table,
            schema=schema.of_fields(assigned.fields),
            field_ids=schema.field_ids(assigned.fields),
            partitioning=partitioning,
            folder=str(folder),
            file_prefix=_file_prefix(run_id, step),
            base=base,
        )

    def observe_at(self, table: str, snapshot_id: int) -> observed.Table:
        """The table as planning would see it after a rollback to that snapshot.

        Raises:
            NotFound: there is no such table or snapshot.
        """
        document = self._document(table)
        snapshot = returning.find(table, document, snapshot_id)
        return _observe(table, returning.returned(document, snapshot), snapshot)

    def publish(
        self,
        staged: Sequence[Staged],
        run_id: str,
        now: datetime,
        rollbacks: Sequence[Rollback] = (),
    ) -> tuple[Published, ...]:
        """Make everything that was staged visible, all at once: see `publish.publish`."""
        return publish.publish(self.storage, staged, run_id, now, rollbacks)

    def is_published(self, run_id: str) -> bool:
        """Whether a publish of this run has come through: all of it, unless the catalog cannot
        publish several tables at once; then what is left is published by trying again."""
        pointers = self.storage.pointers().values()
        return any(provenance.knows(metadata.read(pointer), run_id) for pointer in pointers)

    def history(self, table: str) -> tuple[HistoryEntry, ...]:
        """The table's snapshots, newest first.

        Raises:
            NotFound: there is no such table.
        """
        document = self._document(table)
        current = document.get("current-snapshot-id")
        aside = metadata.aside(document)
        return tuple(
            _history_entry(one, is_current=one["snapshot-id"] == current,
                           is_ancestor=one["snapshot-id"] not in aside)
            for one in reversed(metadata.snapshots(document))
        )  # fmt: skip

    def earlier(self, table: str) -> int:
        """The newest snapshot of the table's present line whose rows may differ from the present.

        Raises:
            NotFound: there is no such table, or nothing earlier is kept.
        """
        document = self._document(table)
        is_changed = False
        for snapshot in metadata.ancestors(document):
            if is_changed:
                return snapshot["snapshot-id"]
            is_changed = snapshot["summary"]["operation"] != "replace"
        raise errors.NotFound(
            f"the table {table} has no earlier snapshot",
            why="it was never changed, or what was before is forgotten",
            hint=f"`lakewright tables history {table}` shows its snapshots",
        )

    def left_behind(self, table: str) -> Mapping[int, str]:
        """The snapshots that rollbacks have left: see `provenance.left_behind`.

        Raises:
            NotFound: there is no such table.
        """
        return provenance.left_behind(self._document(table))

    def describe(self, table: str) -> Description:
        """The table as it stands.

        Raises:
            NotFound: there is no such table.
        """
        document = self._document(table)
        snapshot = returning.find(table, document, None)
        files = filing.live_files(document, snapshot["snapshot-id"], self.storage.reader)
        columns = {field["id"]: field["name"] for field in metadata.schema(document)["fields"]}
        return Description(
            table=table,
            description=document["properties"].get("comment", ""),
            schema=schema.of_json(metadata.schema(document)),
            partitioning=tuple(
                f"{field['transform']}({columns[field['source-id']]})"
                for field in metadata.spec(document)["fields"]
            ),
            rows=sum(one.file.rows for one in files),
            files=len(files),
            size_bytes=sum(one.file.size_bytes for one in files),
            snapshot_id=snapshot["snapshot-id"],
            snapshots=len(metadata.snapshots(document)),
            changed_at=_changed_at(document, snapshot),
            location=document["location"],
            metadata_location=self.storage.pointer(table),
        )

    def snapshot_at(self, table: str, moment: datetime) -> int:
        """The snapshot that was the table's state at that moment, which has a zone.

        Raises:
            NotFound: there is no such table, or it did not exist then.
        """
        document = self._document(table)
        moment_ms = moment.timestamp() * 1000
        log = document.get("snapshot-log", [])
        past = [one for one in log if one["timestamp-ms"] <= moment_ms]
        if not past:
            first = f" begins at {_moment(log[0]['timestamp-ms'])}" if log else " is empty"
            raise errors.NotFound(
                f"nothing is known of the table {table} at {moment.isoformat()}",
                why=f"the history that is kept{first}",
                hint=f"`lakewright tables history {table}` shows its snapshots",
            )
        return past[-1]["snapshot-id"]

    def tidy(
        self, table: str, keep: int, terms: cleaning.Terms, *, is_dry: bool = False
    ) -> upkeep.Tidied:
        """Forget old snapshots and delete what nothing refers to: see `upkeep.tidy`."""
        return upkeep.tidy(self.storage, table, keep, terms, is_dry=is_dry)

    def due(self, keep: int, tables: Sequence[str] | None = None) -> Mapping[str, int]:
        """Which of these tables (None: of all) have so many snapshots or small files that upkeep is
        worth its while, each with the number of rows that it would write again."""
        found = {}
        for table, pointer in self.storage.pointers().items():
            if tables is not None and table not in tables:
                continue
            document = metadata.read(pointer)
            small = self.compaction(table) if upkeep.has_many_small(document) else None
            if small or len(metadata.snapshots(document)) > keep * upkeep.SLACK:
                found[table] = small.files.rows if small else 0
        return found

    def compaction(self, table: str) -> upkeep.Compaction | None:
        """The table's small files, if there are enough of them to be written again.

        Raises:
            NotFound: there is no such table.
        """
        document = self._document(table)
        current = metadata.current_snapshot(document)
        parts = partitioning.fields(metadata.spec(document), document)
        if current is None or parts is None:
            return None
        whole = self._file_set(table, document, current)
        small = upkeep.small_files(whole)
        own = provenance.newest_own(document)
        return (
            upkeep.Compaction(
                files=replace(whole, files=small),
                partitioning=parts,
                consumed=provenance.consumed(own) if own else {},
                fingerprint=provenance.state(document, own).get("fingerprint", ""),
            )
            if small
            else None
        )

    def relocate(self) -> tuple[str, ...]:
        """Make tables that were made in another folder refer to this one: see `relocate`."""
        return relocate.relocate(self.storage)

    def close(self) -> None:
        """Let go of the catalog."""
        self.storage.catalog.close()

    def _document(self, table: str) -> Document:
        return metadata.read(self.storage.pointer(table))

    def _file_set(
        self,
        table: str,
        document: Document,
        snapshot: SnapshotJson,
        files: Sequence[DataFile] | None = None,
    ) -> FileSet:
        """The table as of a snapshot; `files`: only these of it."""
        fields = _fields_of(document, snapshot)
        if files is None:
            found = filing.live_files(document, snapshot["snapshot-id"], self.storage.reader)
            files = [one.file for one in found]
        return FileSet(
            table=table,
            snapshot_id=snapshot["snapshot-id"],
            schema=schema.of_fields(fields),
            field_ids=schema.field_ids(fields),
            files=tuple(files),
        )


def _observe_present(table: str, pointer: str) -> observed.Table | None:
    """The table at a metadata file; None: it has no snapshot."""
    document = metadata.read(pointer)
    current = metadata.current_snapshot(document)
    return None if current is None else _observe(table, document, current)


def _observe(table: str, document: Document, current: SnapshotJson) -> observed.Table:
    own = provenance.newest_own(document)
    state = provenance.state(document, own)
    contract = state.get("contract")
    return observed.Table(
        name=table,
        schema=schema.of_json(metadata.schema(document)),
        snapshot_id=current["snapshot-id"],
        ancestors=tuple(
            observed.Snapshot(
                snapshot_id=one["snapshot-id"],
                parent_id=one.get("parent-snapshot-id"),
                is_append=_only_adds(one),
                is_same=one["summary"]["operation"] == "replace",
            )
            for one in metadata.ancestors(document)
        ),
        consumed=provenance.consumed(own) if own else {},
        fingerprint=state.get("fingerprint", ""),
        contract=_contract(table, contract) if contract else None,
        rows=_count(current, "total-records") or 0,
    )


def _only_adds(snapshot: SnapshotJson) -> bool:
    """Whether every row of the snapshot before is in it still, maybe in another file."""
    return snapshot["summary"]["operation"] in ("append", "replace")


def _contract(table: str, text: str) -> Contract:
    try:
        return codec.from_json(Contract, text)
    except ValueError as error:
        raise errors.LakewrightError(
            f"the contract that is kept with the table {table} cannot be read",
            why=str(error),
            hint="upgrade Lakewright to the version that made the table's newest snapshot",
        ) from error


def _history_entry(snapshot: SnapshotJson, *, is_current: bool, is_ancestor: bool) -> HistoryEntry:
    return HistoryEntry(
        snapshot_id=snapshot["snapshot-id"],
        parent_id=snapshot.get("parent-snapshot-id"),
        made_at=_moment(snapshot["timestamp-ms"]),
        operation=snapshot["summary"]["operation"],
        run_id=provenance.run_id(snapshot),
        rows=_count(snapshot, "total-records"),
        rows_added=_count(snapshot, "added-records") or 0,
        rows_removed=_count(snapshot, "deleted-records") or 0,
        files=_count(snapshot, "total-data-files"),
        size_bytes=_count(snapshot, "total-files-size"),
        is_current=is_current,
        is_ancestor=is_ancestor,
    )


def _count(snapshot: SnapshotJson, name: str) -> int | None:
    text = snapshot["summary"].get(name)
    return None if text is None else int(text)


def _moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def _changed_at(document: Document, current: SnapshotJson) -> datetime:
    """When the table came to its present state: by its snapshot, or by a rollback to it."""
    log = document.get("snapshot-log", ())
    return _moment((log[-1] if log else current)["timestamp-ms"])


def _fields_of(document: Document, snapshot: SnapshotJson) -> Sequence[metadata.FieldJson]:
    """The columns as of a snapshot: the table's present ones for its present state."""
    is_current = snapshot["snapshot-id"] == document.get("current-snapshot-id")
    schema_id = None if is_current else snapshot.get("schema-id")
    return metadata.schema(document, schema_id)["fields"]


def _file_prefix(run_id: str, step: str) -> str:
    return re.sub(r"[^\w.]+", "-", f"{run_id}-{step}") + "-"
