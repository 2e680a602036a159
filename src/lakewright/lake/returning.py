"""Going back: what makes an earlier snapshot a table's present state, with its columns.

No snapshot is lost by it: going forth to a later one works in the same way. Pure.
"""

from lakewright import errors
from lakewright.lake import metadata
from lakewright.lake.metadata import Document, SnapshotJson


def returned(document: Document, snapshot: SnapshotJson) -> Document:
    """The table at that snapshot: see `updates`."""
    return metadata.apply(document, updates(document, snapshot, 0))


def updates(document: Document, snapshot: SnapshotJson, now_ms: int) -> tuple[metadata.Update, ...]:
    """What takes the table to that snapshot. Columns go back with the rows; the partitioning only
    where it needs a column that went."""
    fields = metadata.schema(document, snapshot.get("schema-id"))
    found: list[metadata.Update] = [metadata.SetCurrentSchema(fields["schema-id"])]
    field_ids = {field["id"] for field in fields["fields"]}
    newest_first = [metadata.spec(document), *reversed(document["partition-specs"])]
    fitting = next(
        spec
        for spec in newest_first
        if {field["source-id"] for field in spec["fields"]} <= field_ids
    )
    if fitting["spec-id"] != document["default-spec-id"]:
        found.append(metadata.SetDefaultSpec(fitting["spec-id"]))
    found.append(
        metadata.SetMain(snapshot["snapshot-id"], max(now_ms, document["last-updated-ms"]))
    )
    return tuple(found)


def find(table: str, document: Document, snapshot_id: int | None) -> SnapshotJson:
    """A snapshot of the table; None: its present state.

    Raises:
        NotFound: the table does not have it, or not any more.
    """
    if snapshot_id is None:
        found = metadata.current_snapshot(document)
    else:
        found = metadata.snapshot(document, snapshot_id)
    if found is None:
        raise missing(table, document, snapshot_id)
    return found


def missing(table: str, document: Document, snapshot_id: int | None) -> errors.NotFound:
    """The refusal to speak of a snapshot that a table does not have; None: of its present state."""
    what = "a present state" if snapshot_id is None else f"the snapshot {snapshot_id}"
    kept = [str(one["snapshot-id"]) for one in metadata.ancestors(document)]
    return errors.NotFound(
        f"the table {table} does not have {what}",
        why=f"the newest of its snapshots are {', '.join(kept[:5])}; the oldest are forgotten"
        if kept
        else "it has none",
        hint=f"`lakewright tables history {table}` shows its snapshots",
    )
