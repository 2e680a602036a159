"""A table's change in the words of the REST catalog protocol: what it demands, what it does.

Pure. What a change demands is all that its new metadata was derived from, so that a server makes it
on that base alone: two attempts at one commit cannot both come through.

Source: Iceberg REST catalog specification, `TableRequirement` and `TableUpdate`.
"""

from collections.abc import Iterator, Mapping
from typing import TypeAlias

from lakewright.lake import metadata
from lakewright.lake.catalog import Change
from lakewright.lake.metadata import Document, Update

Message: TypeAlias = Mapping[str, object]


def requirements(before: Document) -> list[Message]:
    """What must hold of a table so that it is the one of this document."""
    references = {metadata.MAIN: None} | {
        name: reference["snapshot-id"] for name, reference in before.get("refs", {}).items()
    }
    if metadata.current_snapshot(before) is not None:
        references[metadata.MAIN] = before.get("current-snapshot-id")
    return [
        {"type": "assert-table-uuid", "uuid": before["table-uuid"]},
        *(
            {"type": "assert-ref-snapshot-id", "ref": name, "snapshot-id": snapshot_id}
            for name, snapshot_id in references.items()
        ),
        {"type": "assert-current-schema-id", "current-schema-id": before["current-schema-id"]},
        {"type": "assert-default-spec-id", "default-spec-id": before["default-spec-id"]},
        {
            "type": "assert-last-assigned-field-id",
            "last-assigned-field-id": before["last-column-id"],
        },
        {
            "type": "assert-last-assigned-partition-id",
            "last-assigned-partition-id": before["last-partition-id"],
        },
    ]


def updates(change: Change, before: Document) -> list[Message]:
    """What is to be done to the table of this document, in order."""
    oldest_ms = before["last-updated-ms"]
    return [message for one in change.updates for message in _messages(one, oldest_ms)]


def _messages(update: Update, oldest_ms: int) -> Iterator[Message]:
    match update:
        case metadata.AddSchema(schema, last_column_id):
            yield {"action": "add-schema", "schema": schema, "last-column-id": last_column_id}
            yield _set_schema(schema["schema-id"])
        case metadata.SetCurrentSchema(schema_id):
            yield _set_schema(schema_id)
        case metadata.AddSpec(spec):
            yield {"action": "add-spec", "spec": spec}
            yield _set_spec(spec["spec-id"])
        case metadata.SetDefaultSpec(spec_id):
            yield _set_spec(spec_id)
        case metadata.AddSnapshot(snapshot):
            # A table that was just made is as old as the server's clock says, not as ours does.
            moment_ms = max(snapshot["timestamp-ms"], oldest_ms)
            yield {"action": "add-snapshot", "snapshot": {**snapshot, "timestamp-ms": moment_ms}}
            yield _set_main(snapshot["snapshot-id"])
        case metadata.SetMain(snapshot_id):
            yield _set_main(snapshot_id)
        case metadata.SetProperties(properties):
            yield {"action": "set-properties", "updates": properties}
        case metadata.RemoveProperties(names):
            yield {"action": "remove-properties", "removals": names}
        case metadata.RemoveSnapshots(snapshot_ids):
            yield {"action": "remove-snapshots", "snapshot-ids": snapshot_ids}


def _set_schema(schema_id: int) -> Message:
    return {"action": "set-current-schema", "schema-id": schema_id}


def _set_spec(spec_id: int) -> Message:
    return {"action": "set-default-spec", "spec-id": spec_id}


def _set_main(snapshot_id: int) -> Message:
    return {
        "action": "set-snapshot-ref",
        "ref-name": metadata.MAIN,
        "type": "branch",
        "snapshot-id": snapshot_id,
    }
