"""What is said to a server is the protocol's: PyIceberg reads it and makes the same of it."""

from pathlib import Path

import orjson
import pytest
from pyiceberg.exceptions import CommitFailedException
from pyiceberg.table import CommitTableRequest
from pyiceberg.table.metadata import TableMetadata, TableMetadataUtil
from pyiceberg.table.update import update_table_metadata

from lakewright.lake import expiry, metadata, publish, rest_messages, returning
from lakewright.lake.catalog import Change
from lakewright.lake.metadata import Document
from lakewright.sql import types
from tests.lake.conftest import NOW, Workshop

ORDERS = "bronze.orders"
SCHEMA = types.Schema((types.Field(name="id", type=types.BIGINT),))
WIDER = types.Schema((*SCHEMA.fields, types.Field(name="v", type=types.STRING)))


def request_of(change: Change, before: Document) -> CommitTableRequest:
    """The message as PyIceberg reads it."""
    return CommitTableRequest.model_validate_json(
        orjson.dumps(
            {
                "identifier": {"namespace": ["bronze"], "name": "orders"},
                "requirements": rest_messages.requirements(before),
                "updates": rest_messages.updates(change, before),
            }
        )
    )


def check(request: CommitTableRequest, found: TableMetadata) -> None:
    for requirement in request.requirements:
        requirement.validate(found)


@pytest.fixture
def document(tmp_path: Path) -> Document:
    workshop = Workshop(tmp_path)
    for number in range(4):
        workshop.append(ORDERS, SCHEMA if number < 3 else WIDER, [{"id": number}], f"run{number}")
    return metadata.read(workshop.lake.storage.pointer(ORDERS))


def changes(document: Document) -> dict[str, Change]:
    first = metadata.snapshots(document)[0]
    now_ms = int(NOW.timestamp() * 1000) + 9
    newest = metadata.current_snapshot(document)
    assert newest is not None
    added = metadata.AddSnapshot(
        {
            **newest,
            "snapshot-id": 7,
            "parent-snapshot-id": newest["snapshot-id"],
            "sequence-number": newest["sequence-number"] + 1,
        }
    )
    field: metadata.FieldJson = {"id": 9, "name": "w", "required": False, "type": "int"}
    fields = [*metadata.schema(document)["fields"], field]
    schema = metadata.AddSchema({"type": "struct", "schema-id": 2, "fields": fields}, 9)
    spec = metadata.AddSpec(
        {
            "spec-id": 1,
            "fields": [{"source-id": 1, "field-id": 1000, "transform": "identity", "name": "id"}],
        }
    )
    told = metadata.SetProperties({"a": "1"})
    updates: dict[str, tuple[metadata.Update, ...]] = {
        "append": (told, added),
        "columns": (schema, spec, added),
        "rollback": (*returning.updates(document, first, now_ms), told),
        "expiry": tuple(expiry.updates(document, 2, (), now_ms)),
        "properties": (told, metadata.RemoveProperties(["a"])),
    }
    return {name: publish.change(ORDERS, "x", document, found) for name, found in updates.items()}


@pytest.mark.parametrize("name", ["append", "columns", "rollback", "expiry", "properties"])
def test_pyiceberg_makes_of_it_what_we_make(document: Document, name: str) -> None:
    change = changes(document)[name]
    base = TableMetadataUtil.parse_obj(dict(document))
    request = request_of(change, document)
    check(request, base)
    theirs = update_table_metadata(base, request.updates, enforce_validation=False)
    ours = TableMetadataUtil.parse_obj(dict(change.after))
    # PyIceberg forgets the parent of a snapshot with it.
    assert [one.snapshot_id for one in theirs.snapshots] == [
        one.snapshot_id for one in ours.snapshots
    ]
    for part in ("current_snapshot_id", "schemas", "current_schema_id",
                 "partition_specs", "default_spec_id", "properties", "last_column_id"):  # fmt: skip
        assert getattr(theirs, part) == getattr(ours, part), part


@pytest.mark.parametrize("name", ["append", "columns", "rollback"])
def test_it_cannot_be_done_twice(document: Document, name: str) -> None:
    change = changes(document)[name]
    done = TableMetadataUtil.parse_obj(dict(change.after))
    with pytest.raises(CommitFailedException):
        check(request_of(change, document), done)


def test_a_table_without_a_snapshot_must_still_have_none() -> None:
    blank = metadata.new("0", "/x", 5)
    told = rest_messages.requirements(blank)
    assert {"type": "assert-ref-snapshot-id", "ref": "main", "snapshot-id": None} in told


def test_every_reference_must_be_where_it_was(document: Document) -> None:
    tag: metadata.ReferenceJson = {"snapshot-id": 3, "type": "tag"}
    tagged: Document = {**document, "refs": {**document["refs"], "audited": tag}}
    told = rest_messages.requirements(tagged)
    assert {"type": "assert-ref-snapshot-id", "ref": "audited", "snapshot-id": 3} in told
