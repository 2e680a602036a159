"""An Iceberg table's metadata document: read it, look things up in it, apply updates to it.

The document stays the plain JSON that the specification defines (format version 2), so that what
other writers put there survives, and so that a commit costs the reading and writing of one small
file. The updates bear the names and meanings of the REST catalog protocol. Everything is a pure
function from document to document, apart from `read`.

Source: Iceberg table specification, "Table Metadata and Snapshots"; REST catalog specification,
`TableUpdate`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Literal, NotRequired, TypeAlias, TypedDict, cast

import orjson

from lakewright import errors

FORMAT_VERSION = 2
MAIN = "main"
METADATA_LOG_MAX = 20
"""Earlier metadata files that the document lists; `write.metadata.previous-versions-max` of every
table that we create. The files stay; a longer list would only make each commit slower."""

FIRST_PARTITION_ID = 1000  # The specification's: ids of partition fields start here.


class FieldJson(TypedDict):
    """One column, or one field of a struct."""

    id: int
    name: str
    required: bool
    type: "TypeJson"
    doc: NotRequired[str]


class StructJson(TypedDict):
    """Named fields."""

    type: Literal["struct"]
    fields: list[FieldJson]


ListJson = TypedDict(
    "ListJson",
    {"type": Literal["list"], "element-id": int, "element": "TypeJson", "element-required": bool},
)
MapJson = TypedDict(
    "MapJson",
    {
        "type": Literal["map"],
        "key-id": int,
        "key": "TypeJson",
        "value-id": int,
        "value": "TypeJson",
        "value-required": bool,
    },
)
TypeJson: TypeAlias = str | StructJson | ListJson | MapJson

SchemaJson = TypedDict(
    "SchemaJson",
    {
        "type": Literal["struct"],
        "schema-id": int,
        "fields": list[FieldJson],
        "identifier-field-ids": NotRequired[list[int]],
    },
)
PartitionFieldJson = TypedDict(
    "PartitionFieldJson", {"source-id": int, "field-id": int, "transform": str, "name": str}
)
SpecJson = TypedDict("SpecJson", {"spec-id": int, "fields": list[PartitionFieldJson]})
SnapshotJson = TypedDict(
    "SnapshotJson",
    {
        "snapshot-id": int,
        "parent-snapshot-id": NotRequired[int],
        "sequence-number": int,
        "timestamp-ms": int,
        "manifest-list": str,
        "summary": dict[str, str],
        "schema-id": NotRequired[int],
    },
)
ReferenceJson = TypedDict("ReferenceJson", {"snapshot-id": int, "type": str})
SnapshotLogJson = TypedDict("SnapshotLogJson", {"snapshot-id": int, "timestamp-ms": int})
MetadataLogJson = TypedDict("MetadataLogJson", {"metadata-file": str, "timestamp-ms": int})
StatisticsJson = TypedDict("StatisticsJson", {"snapshot-id": int, "statistics-path": str})
Document = TypedDict(
    "Document",
    {
        "format-version": int,
        "table-uuid": str,
        "location": str,
        "last-sequence-number": int,
        "last-updated-ms": int,
        "last-column-id": int,
        "schemas": list[SchemaJson],
        "current-schema-id": int,
        "partition-specs": list[SpecJson],
        "default-spec-id": int,
        "last-partition-id": int,
        "properties": dict[str, str],
        "current-snapshot-id": NotRequired[int | None],
        "refs": NotRequired[dict[str, ReferenceJson]],
        "snapshots": NotRequired[list[SnapshotJson]],
        "snapshot-log": NotRequired[list[SnapshotLogJson]],
        "metadata-log": NotRequired[list[MetadataLogJson]],
        "statistics": NotRequired[list[StatisticsJson]],
        "partition-statistics": NotRequired[list[StatisticsJson]],
        "sort-orders": list[Mapping[str, object]],
        "default-sort-order-id": int,
    },
)


@dataclass(frozen=True, slots=True)
class AddSchema:
    """Add a schema and make it the current one."""

    schema: SchemaJson
    last_column_id: int


@dataclass(frozen=True, slots=True)
class SetCurrentSchema:
    """Make a schema that the document has the current one."""

    schema_id: int


@dataclass(frozen=True, slots=True)
class AddSpec:
    """Add a partition specification and make it the default one."""

    spec: SpecJson


@dataclass(frozen=True, slots=True)
class SetDefaultSpec:
    """Make a partition specification that the document has the default one."""

    spec_id: int


@dataclass(frozen=True, slots=True)
class AddSnapshot:
    """Add a snapshot and make it the table's present state."""

    snapshot: SnapshotJson


@dataclass(frozen=True, slots=True)
class SetMain:
    """Make a snapshot that the document has the table's present state."""

    snapshot_id: int
    timestamp_ms: int


@dataclass(frozen=True, slots=True)
class SetProperties:
    """Set table properties; others stay."""

    properties: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class RemoveProperties:
    """Remove table properties, where they are there."""

    names: Sequence[str]


@dataclass(frozen=True, slots=True)
class RemoveSnapshots:
    """Forget snapshots, none of which is the table's present state."""

    snapshot_ids: Sequence[int]
    timestamp_ms: int


Update: TypeAlias = (
    AddSchema
    | SetCurrentSchema
    | AddSpec
    | SetDefaultSpec
    | AddSnapshot
    | SetMain
    | SetProperties
    | RemoveProperties
    | RemoveSnapshots
)


def parse(content: bytes) -> Document:
    """The document that a metadata file's bytes hold.

    Raises:
        ValueError: they are not the metadata of an Iceberg table of format version 2.
    """
    found: object = orjson.loads(content)
    if not isinstance(found, dict) or found.get("format-version") != FORMAT_VERSION:
        raise ValueError(f"not the metadata of an Iceberg table of version {FORMAT_VERSION}")
    return cast("Document", found)


def read(location: str) -> Document:
    """The document in a metadata file.

    Raises:
        NotFound: there is no such file.
        LakewrightError: the file is no metadata that we can read.
    """
    try:
        return parse(Path(local_path(location)).read_bytes())
    except FileNotFoundError as error:
        raise errors.NotFound(
            f"the table's metadata file {location} does not exist",
            why="the catalog points to it, so files were moved or deleted by hand",
            hint="bring the files back, or run `lakewright relocate` if the project has moved",
        ) from error
    except ValueError as error:
        raise errors.LakewrightError(
            f"the table's metadata file {location} cannot be read",
            why=str(error),
            hint="restore the file from a backup, or roll the table back",
        ) from error


def local_path(location: str) -> str:
    """The path that a location names; other programs write `file:` before it."""
    if location.startswith("file:"):
        return "/" + location.removeprefix("file:").lstrip("/")
    return location


def dump(document: Document) -> bytes:
    """The document as the bytes of a metadata file."""
    return orjson.dumps(document)


def new(table_uuid: str, location: str, now_ms: int) -> Document:
    """The document of a table that has no column, no partitioning and no snapshot yet."""
    return {
        "format-version": FORMAT_VERSION,
        "table-uuid": table_uuid,
        "location": location,
        "last-sequence-number": 0,
        "last-updated-ms": now_ms,
        "last-column-id": 0,
        "schemas": [],
        "current-schema-id": -1,
        "partition-specs": [],
        "default-spec-id": -1,
        "last-partition-id": FIRST_PARTITION_ID - 1,
        "properties": {},
        "sort-orders": [{"order-id": 0, "fields": []}],
        "default-sort-order-id": 0,
    }


def apply(document: Document, updates: Sequence[Update]) -> Document:
    """The document after the updates, in order; the one given does not change."""
    return reduce(_apply_one, updates, document)


def log_previous(document: Document, previous_location: str, previous_ms: int) -> Document:
    """The document with the metadata file that it follows noted in its log."""
    entry: MetadataLogJson = {"metadata-file": previous_location, "timestamp-ms": previous_ms}
    log = [*document.get("metadata-log", ()), entry][-METADATA_LOG_MAX:]
    return {**document, "metadata-log": log}


def schema(document: Document, schema_id: int | None = None) -> SchemaJson:
    """The schema of that id; None: the current one."""
    wanted = document["current-schema-id"] if schema_id is None else schema_id
    return next(one for one in document["schemas"] if one["schema-id"] == wanted)


def spec(document: Document, spec_id: int | None = None) -> SpecJson:
    """The partition specification of that id; None: the default one."""
    wanted = document["default-spec-id"] if spec_id is None else spec_id
    return next(one for one in document["partition-specs"] if one["spec-id"] == wanted)


def schema_of_spec(document: Document, spec_id: int) -> SchemaJson:
    """The newest schema that has every column which the partition specification needs."""
    needed = {field["source-id"] for field in spec(document, spec_id)["fields"]}
    newest_first = [schema(document), *reversed(document["schemas"])]
    return next(one for one in newest_first if needed <= {field["id"] for field in one["fields"]})


def file_path(document: Document, name: str) -> str:
    """Where a metadata file of that name belongs."""
    return f"{local_path(document['location'])}/metadata/{name}"


def snapshots(document: Document) -> Sequence[SnapshotJson]:
    """Every snapshot that is kept, in the order in which they were made."""
    return document.get("snapshots", ())


def snapshot(document: Document, snapshot_id: int) -> SnapshotJson | None:
    """The snapshot of that id; None: it is not there, or not any more."""
    return next((one for one in snapshots(document) if one["snapshot-id"] == snapshot_id), None)


def current_snapshot(document: Document) -> SnapshotJson | None:
    """The snapshot that is the table's present state."""
    snapshot_id = document.get("current-snapshot-id")
    # Some writers have -1 for a table without a snapshot.
    return None if snapshot_id is None else snapshot(document, snapshot_id)


def statistics_files(document: Document) -> Iterator[str]:
    """The files of statistics that other programs have written beside the snapshots."""
    for entry in (*document.get("statistics", ()), *document.get("partition-statistics", ())):
        yield entry["statistics-path"]


def ancestors(document: Document, snapshot_id: int | None = None) -> Iterator[SnapshotJson]:
    """The snapshot (None: the current one), its parent, and so on, as far as they are kept."""
    by_id = {one["snapshot-id"]: one for one in snapshots(document)}
    following = document.get("current-snapshot-id") if snapshot_id is None else snapshot_id
    while following in by_id:
        found = by_id.pop(following)  # Popped, so that even a damaged chain ends.
        yield found
        following = found.get("parent-snapshot-id")


def aside(document: Document) -> frozenset[int]:
    """The snapshots that a rollback has left: the present state does not come from them. Of one
    that is older than all that is kept of the present line it is not known, and taken not to be."""
    line = {one["snapshot-id"]: one["sequence-number"] for one in ancestors(document)}
    oldest = min(line.values(), default=0)
    return frozenset(
        one["snapshot-id"]
        for one in snapshots(document)
        if one["snapshot-id"] not in line and one["sequence-number"] > oldest
    )


def _apply_one(document: Document, update: Update) -> Document:
    match update:
        case AddSchema(schema, last_column_id):
            return {
                **document,
                "schemas": [*document["schemas"], schema],
                "current-schema-id": schema["schema-id"],
                "last-column-id": max(document["last-column-id"], last_column_id),
            }
        case SetCurrentSchema(schema_id):
            return {**document, "current-schema-id": schema_id}
        case AddSpec(spec):
            ids = [field["field-id"] for field in spec["fields"]]
            return {
                **document,
                "partition-specs": [*document["partition-specs"], spec],
                "default-spec-id": spec["spec-id"],
                "last-partition-id": max([document["last-partition-id"], *ids]),
            }
        case SetDefaultSpec(spec_id):
            return {**document, "default-spec-id": spec_id}
        case AddSnapshot(added):
            with_snapshot: Document = {
                **document,
                "snapshots": [*snapshots(document), added],
                "last-sequence-number": added["sequence-number"],
            }
            return _point_main(with_snapshot, added["snapshot-id"], added["timestamp-ms"])
        case SetMain(snapshot_id, timestamp_ms):
            return _point_main(document, snapshot_id, timestamp_ms)
        case SetProperties(properties):
            return {**document, "properties": {**document["properties"], **properties}}
        case RemoveProperties(names):
            kept = {
                name: value for name, value in document["properties"].items() if name not in names
            }
            return {**document, "properties": kept}
        case RemoveSnapshots(snapshot_ids, timestamp_ms):
            left = _without(document, frozenset(snapshot_ids))
            return {**left, "last-updated-ms": timestamp_ms}


def _without(document: Document, gone: frozenset[int]) -> Document:
    """The document without these snapshots. Of the log only what follows the last of them stays:
    a gap would let time travel answer with another state than the one of that time."""
    log = document.get("snapshot-log", [])
    places = [place for place, entry in enumerate(log) if entry["snapshot-id"] in gone]
    return {
        **document,
        "snapshots": [one for one in snapshots(document) if one["snapshot-id"] not in gone],
        "snapshot-log": log[places[-1] + 1 :] if places else log,
    }


def _point_main(document: Document, snapshot_id: int, timestamp_ms: int) -> Document:
    reference: ReferenceJson = {"snapshot-id": snapshot_id, "type": "branch"}
    entry: SnapshotLogJson = {"snapshot-id": snapshot_id, "timestamp-ms": timestamp_ms}
    return {
        **document,
        "current-snapshot-id": snapshot_id,
        "refs": {**document.get("refs", {}), MAIN: reference},
        "snapshot-log": [*document.get("snapshot-log", ()), entry],
        "last-updated-ms": timestamp_ms,
    }
