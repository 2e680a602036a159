"""Our metadata documents are what PyIceberg makes of the same changes, and what it accepts."""

from pathlib import Path
from typing import Any

import orjson
import pytest
from pyiceberg.table.metadata import TableMetadataUtil, TableMetadataV2
from pyiceberg.table.snapshots import Snapshot
from pyiceberg.table.update import AddSnapshotUpdate, SetSnapshotRefUpdate, update_table_metadata

from lakewright.lake import metadata
from lakewright.lake.metadata import Document
from lakewright.project.contract import PartitionField
from lakewright.sql import types
from tests.lake.conftest import Workshop

ORDERS = "bronze.orders"
SCHEMA = types.Schema(
    (types.Field(name="id", type=types.BIGINT), types.Field(name="v", type=types.STRING))
)
RETYPED = types.Schema((SCHEMA.fields[0], types.Field(name="v", type=types.DATE)))


def documents(workshop: Workshop) -> list[Document]:
    """Every metadata file that the table ever had, in order."""
    folder = Path(workshop.lake.describe(ORDERS).location) / "metadata"
    return [metadata.read(str(path)) for path in sorted(folder.glob("*.metadata.json"))]


def parsed_by_pyiceberg(document: Document) -> TableMetadataV2:
    parsed = TableMetadataUtil.parse_raw(metadata.dump(document).decode())
    assert isinstance(parsed, TableMetadataV2)
    return parsed


def make_history(workshop: Workshop) -> None:
    for number in range(3):
        workshop.append(ORDERS, SCHEMA, [{"id": number, "v": "a"}], f"run{number}")
    staged = workshop.stage(
        ORDERS, RETYPED, files=[(("7",), [{"id": 7}])], run="run7", is_replaced=True,
        partitioning=(PartitionField(column="id"),),
    )  # fmt: skip
    workshop.publish(staged, run="run7")
    first = workshop.lake.history(ORDERS)[-1].snapshot_id
    workshop.rollback(ORDERS, first, "back")


def test_pyiceberg_accepts_every_document_and_changes_nothing_in_it(workshop: Workshop) -> None:
    make_history(workshop)
    for document in documents(workshop):
        parsed = parsed_by_pyiceberg(document)
        ours: dict[str, Any] = {**document}
        theirs = orjson.loads(parsed.model_dump_json(by_alias=True, exclude_none=True))
        for one in theirs["schemas"]:
            one.pop("identifier-field-ids")  # It writes an empty list where there are none.
        assert {name: theirs[name] for name in ours} == ours


def test_a_snapshot_is_added_as_pyiceberg_adds_it(workshop: Workshop) -> None:
    for number in range(2):
        workshop.append(ORDERS, SCHEMA, [{"id": number, "v": "a"}], f"run{number}")
    before, after = documents(workshop)
    added = metadata.current_snapshot(after)
    assert added is not None
    base = parsed_by_pyiceberg(before)
    snapshot = Snapshot.model_validate_json(orjson.dumps(added))
    set_main = {
        "action": "set-snapshot-ref",
        "ref-name": "main",
        "type": "branch",
        "snapshot-id": snapshot.snapshot_id,
    }
    updates = (
        AddSnapshotUpdate(snapshot=snapshot),
        SetSnapshotRefUpdate.model_validate_json(orjson.dumps(set_main)),
    )
    expected = update_table_metadata(base, updates)
    found = parsed_by_pyiceberg(after)
    for name in ("current_snapshot_id", "snapshots", "snapshot_log", "refs",
                 "last_sequence_number", "schemas", "partition_specs"):  # fmt: skip
        assert getattr(found, name) == getattr(expected, name), name


def test_what_other_programs_put_in_a_document_survives(workshop: Workshop) -> None:
    workshop.append(ORDERS, SCHEMA, [{"id": 1, "v": "a"}], "run1")
    location = Path(workshop.lake.describe(ORDERS).metadata_location)
    document = orjson.loads(location.read_bytes())
    statistics = [{"snapshot-id": 1, "statistics-path": "/s.puffin"}]
    location.write_bytes(orjson.dumps({**document, "statistics": statistics}))
    workshop.append(ORDERS, SCHEMA, [{"id": 2, "v": "b"}], "run2")
    found: dict[str, Any] = {**documents(workshop)[-1]}
    assert found["statistics"] == statistics


def test_an_update_leaves_the_document_that_it_is_given_alone() -> None:
    document = metadata.new("id", "/lake/t", 1)
    before = metadata.dump(document)
    metadata.apply(
        document,
        [metadata.SetProperties({"a": "b"}), metadata.RemoveProperties(["a"])],
    )
    assert metadata.dump(document) == before


def test_ancestors_end_even_in_a_damaged_chain() -> None:
    document = metadata.new("id", "/lake/t", 1)
    for number, parent in ((1, 2), (2, 1)):
        snapshot: metadata.SnapshotJson = {
            "snapshot-id": number,
            "parent-snapshot-id": parent,
            "sequence-number": number,
            "timestamp-ms": 1,
            "manifest-list": "",
            "summary": {},
        }
        document = metadata.apply(document, [metadata.AddSnapshot(snapshot)])
    assert [one["snapshot-id"] for one in metadata.ancestors(document)] == [2, 1]


@pytest.mark.parametrize("content", [b"", b"[]", b'{"format-version": 1}', b"{}"])
def test_what_is_no_metadata_of_version_2_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        metadata.parse(content)
