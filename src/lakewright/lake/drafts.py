"""A draft: one table as a step wants it, as metadata and manifests that no catalog points to yet.

It reads manifests and Parquet footers; writing, syncing and committing belong to `publish`. Refuses
what would leave rows unreadable or wrong: a column whose type cannot change in place, a file that
is not of the table, a row count that differs from the file's.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lakewright import errors
from lakewright.lake import filing, manifests, metadata, partitioning, provenance, statistics
from lakewright.lake import schema as schemas
from lakewright.lake.manifests import NewFile
from lakewright.lake.metadata import Document, SnapshotJson, Update
from lakewright.lake.staged import DataFile, Staged

PROPERTIES = {
    "write.parquet.compression-codec": "zstd",
    "write.metadata.previous-versions-max": str(metadata.METADATA_LOG_MAX),
    # PyIceberg's own retry appends again without looking at what happened in between.
    "commit.retry.num-retries": "0",
}
"""Of every table that we create."""

DESCRIPTION = "comment"
"""The table property in which Spark and others look for a table's description."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """What makes the new snapshot of one table."""

    snapshot_id: int
    run_id: str
    now_ms: int
    consumed: Mapping[str, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft:
    """A table's next state."""

    updates: tuple[Update, ...]
    document: Document
    """What they make of the present state."""
    files: Mapping[str, bytes]
    """The new manifests and the manifest list: content by path."""
    rows: int


def new_table(location: str, now_ms: int) -> Document:
    """The document of a table that is about to be made."""
    document = metadata.new(str(uuid.uuid4()), location, now_ms)
    return metadata.apply(document, [metadata.SetProperties(PROPERTIES)])


def draft(staged: Staged, base: Document, origin: Origin, reader: manifests.Reader) -> Draft:
    """The table's next state; `base` is its present one, or a new table's.

    Raises:
        CommitConflict: a file to be removed is not in the table.
        CountsDiffer: a file holds another number of rows than was staged.
        LakewrightError: the files or the schema do not fit the table.
    """
    files = filing.plan(base, None if staged.is_replaced else staged.removed, reader)
    layout = _layout_updates(staged, base, files.kept_spec_ids)
    laid_out = metadata.apply(base, layout)
    added = _read_new_files(staged, laid_out)
    previous = metadata.current_snapshot(base)
    snapshot = _snapshot(laid_out, previous, origin)
    written = filing.write(
        laid_out,
        files,
        added,
        origin.snapshot_id,
        lambda end: metadata.file_path(base, f"{uuid.uuid4()}-{end}.avro"),
    )
    contents = {one.path: one.content for one in written}
    contents[snapshot["manifest-list"]] = manifests.write_list(
        snapshot["manifest-list"], snapshot, [*(one.listed for one in written), *files.carried]
    )
    own_summary, own_properties = provenance.describe(base, staged, origin.run_id, origin.consumed)
    totals = _totals(base, previous, added, files, reader)
    snapshot["summary"] = {"operation": _operation(staged, files), **own_summary, **totals}
    properties = metadata.SetProperties({**_description(staged), **own_properties})
    updates = (*layout, properties, metadata.AddSnapshot(snapshot))
    return Draft(
        updates=updates,
        document=metadata.apply(base, updates),
        files=contents,
        rows=int(totals["total-records"]),
    )


def _layout_updates(
    staged: Staged, base: Document, kept_spec_ids: frozenset[int]
) -> tuple[Update, ...]:
    """What makes the table's columns and partitioning those that are wanted."""
    present = metadata.schema(base) if base["schemas"] else None
    assigned = schemas.assign(
        staged.schema, present, base["last-column-id"], staged.column_descriptions
    )
    fields = assigned.fields
    if present is not None and kept_spec_ids:
        if assigned.incompatible:
            raise _refuse_types(staged, assigned.incompatible)
        fields = schemas.relax(fields, present)
    wanted = schemas.of_fields(fields)
    updates: list[Update] = []
    known = next((one for one in base["schemas"] if one["fields"] == list(fields)), None)
    if known is None:
        schema_id = max((one["schema-id"] for one in base["schemas"]), default=-1) + 1
        updates.append(
            metadata.AddSchema(
                {"type": "struct", "schema-id": schema_id, "fields": list(fields)},
                assigned.last_column_id,
            )
        )
    elif known["schema-id"] != base["current-schema-id"]:
        updates.append(metadata.SetCurrentSchema(known["schema-id"]))
    spec = partitioning.specify(staged.partitioning, fields, wanted, base)
    if spec not in base["partition-specs"]:
        updates.append(metadata.AddSpec(spec))
    elif spec["spec-id"] != base["default-spec-id"]:
        updates.append(metadata.SetDefaultSpec(spec["spec-id"]))
    _check_kept_partitions(staged, base, kept_spec_ids, {field["id"] for field in fields})
    return tuple(updates)


def _check_kept_partitions(
    staged: Staged, base: Document, kept_spec_ids: frozenset[int], field_ids: set[int]
) -> None:
    """Readers need the columns that the files which stay are partitioned by."""
    for spec_id in kept_spec_ids:
        for field in metadata.spec(base, spec_id)["fields"]:
            if field["source-id"] not in field_ids:
                raise errors.LakewrightError(
                    f"the table {staged.table} cannot lose the column of its partitions"
                    f" {field['name']}",
                    why="files that stay in the table are partitioned by it",
                    hint="rebuild the table in full, or keep the column",
                )


def _read_new_files(staged: Staged, document: Document) -> tuple[NewFile, ...]:
    fields = tuple(metadata.schema(document)["fields"])
    codecs = partitioning.codecs(metadata.spec(document), partitioning.kinds_by_id(document))
    return tuple(
        _read_new_file(staged, file, codecs, statistics.read(file.path, fields))
        for file in (*staged.added, *staged.rewritten)
    )


def _read_new_file(
    staged: Staged,
    file: DataFile,
    codecs: Sequence[partitioning.Codec],
    found: statistics.Statistics,
) -> NewFile:
    if found.rows != file.rows:
        raise errors.CountsDiffer(
            f"the file {file.path}, staged for {staged.table}, holds {found.rows} rows",
            why=f"the step {staged.step} counted {file.rows}",
            hint="this is a bug of the engine that staged the file: please report it",
        )
    if len(file.partition) != len(codecs):
        raise errors.LakewrightError(
            f"the file {file.path}, staged for {staged.table}, has {len(file.partition)}"
            " partition values",
            why=f"the table is partitioned by {len(codecs)} fields",
            hint="this is a bug of the engine that staged the file: please report it",
        )
    partition = tuple(codec.parse(text) for codec, text in zip(codecs, file.partition, strict=True))
    return NewFile(file=file, partition=partition, statistics=found)


def _snapshot(document: Document, previous: SnapshotJson | None, origin: Origin) -> SnapshotJson:
    name = f"snap-{origin.snapshot_id}-{uuid.uuid4()}.avro"
    snapshot: SnapshotJson = {
        "snapshot-id": origin.snapshot_id,
        "sequence-number": document["last-sequence-number"] + 1,
        # A clock that was set back must not turn the table's history around.
        "timestamp-ms": max(origin.now_ms, document["last-updated-ms"]),
        "manifest-list": metadata.file_path(document, name),
        "summary": {},
        "schema-id": document["current-schema-id"],
    }
    if previous:
        snapshot["parent-snapshot-id"] = previous["snapshot-id"]
    return snapshot


def _operation(staged: Staged, files: filing.Filing) -> str:
    """What the snapshot does, in the specification's words, true to its content.

    A snapshot without any change is an `append` of nothing: it moves cursors and tokens on.
    """
    if not files.removed:
        return "append"
    if not staged.added and not staged.rewritten:
        return "delete"
    rows_removed = sum(one.file.rows for one in files.removed)
    rows_rewritten = sum(one.rows for one in staged.rewritten)
    return "replace" if not staged.added and rows_removed == rows_rewritten else "overwrite"


def _totals(
    base: Document,
    previous: SnapshotJson | None,
    added: Sequence[NewFile],
    files: filing.Filing,
    reader: manifests.Reader,
) -> dict[str, str]:
    """The summary's counts: what came, what went, what there is."""
    came = _count([one.file for one in added])
    went = _count([one.file for one in files.removed])
    before = _previous_totals(base, previous, reader)
    found = {
        "added-data-files": came[0],
        "added-records": came[1],
        "added-files-size": came[2],
        "deleted-data-files": went[0],
        "deleted-records": went[1],
        "removed-files-size": went[2],
    }
    totals = {
        "total-data-files": before[0] + came[0] - went[0],
        "total-records": before[1] + came[1] - went[1],
        "total-files-size": before[2] + came[2] - went[2],
        "total-delete-files": 0,
        "total-position-deletes": 0,
        "total-equality-deletes": 0,
    }
    shown = {name: count for name, count in found.items() if count} | totals
    return {name: str(count) for name, count in shown.items()}


def _previous_totals(
    base: Document, previous: SnapshotJson | None, reader: manifests.Reader
) -> tuple[int, int, int]:
    if previous is None:
        return 0, 0, 0
    names = ("total-data-files", "total-records", "total-files-size")
    found = [previous["summary"].get(name) for name in names]
    if None in found:  # Another program made it, and the specification lets it leave them out.
        files = filing.live_files(base, previous["snapshot-id"], reader)
        return _count([one.file for one in files])
    first, second, third = (int(text or 0) for text in found)
    return first, second, third


def _count(files: Sequence[DataFile]) -> tuple[int, int, int]:
    return len(files), sum(one.rows for one in files), sum(one.size_bytes for one in files)


def _description(staged: Staged) -> Mapping[str, str]:
    return {DESCRIPTION: staged.description} if staged.description else {}


def _refuse_types(staged: Staged, columns: Sequence[str]) -> errors.LakewrightError:
    return errors.LakewrightError(
        f"the table {staged.table} cannot change the type of {', '.join(columns)} in place",
        why="Iceberg widens int to bigint, float to double and a decimal's precision, and no more",
        hint="rebuild the table in full, so that none of its present files stays",
    )
