"""After a lake's folder has moved: make its metadata refer to where its files now are.

Iceberg's metadata files, manifest lists and manifests hold absolute paths, so all of them are
written anew beside the old ones, synced, and then all pointers move in one transaction. A crash
before that leaves the lake as it was; a repeat does what is left, or nothing. Data files are not
touched. Refuses a lake whose files are not in the folder.
"""

import uuid
from typing import TYPE_CHECKING, cast

from lakewright import errors
from lakewright.lake import manifests, metadata, publish
from lakewright.lake.catalog import Change
from lakewright.lake.manifests import Layout
from lakewright.lake.metadata import Document, SnapshotJson
from lakewright.lake.storage import Storage

if TYPE_CHECKING:
    from pyiceberg import manifest as iceberg


def relocate(storage: Storage) -> tuple[str, ...]:
    """The tables whose paths were rewritten, by name; none if every table is at home.

    Raises:
        NotFound: a table's files are not in the lake's folder.
        CommitConflict: somebody else has just changed a table.
        Conflict: the catalog does not lie in the folder.
    """
    if not storage.catalog.is_in_folder:
        raise errors.Conflict(
            f"the tables in {storage.root} cannot be relocated",
            why=f"the catalog {storage.catalog.place} says where they are, and does not move",
            hint="move the folder back; or register the tables anew in the catalog",
        )
    inside = f"{storage.root}/"
    commits = [
        _Relocation(table, pointer, storage).commit()
        for table, pointer in storage.catalog.pointers().items()
        if not metadata.local_path(pointer).startswith(inside)
    ]
    publish.commit(storage, commits)
    return tuple(one.change.table for one in commits)


class _Relocation:
    """One table's move."""

    def __init__(self, table: str, pointer: str, storage: Storage) -> None:
        self.table = table
        self.pointer = pointer
        self.old_root = _root_of(table, metadata.local_path(pointer))
        self.new_root = str(storage.root)
        self.files: dict[str, bytes] = {}
        self.manifests: dict[str, iceberg.ManifestFile] = {}

    def commit(self) -> publish.Commit:
        """The table's new metadata, with everything that it refers to."""
        before = metadata.read(self._moved(self.pointer))
        after = cast("Document", self._moved_json(before))
        snapshots = [self._snapshot(one, after) for one in metadata.snapshots(after)]
        if snapshots:
            after = {**after, "snapshots": snapshots}
        change = Change(
            table=self.table, pointer=self.pointer, before=None, updates=(), after=after
        )
        return publish.Commit(change=change, files=self.files)

    def _snapshot(self, snapshot: SnapshotJson, document: Document) -> SnapshotJson:
        """The snapshot with its manifest list, and every manifest on it, written anew."""
        listed = [self._manifest(one, document) for one in manifests.listed(snapshot)]
        name = f"snap-{snapshot['snapshot-id']}-{uuid.uuid4()}.avro"
        path = metadata.file_path(document, name)
        self.files[path] = manifests.write_list(path, snapshot, listed)
        return {**snapshot, "manifest-list": path}

    def _manifest(
        self, listed: "iceberg.ManifestFile", document: Document
    ) -> "iceberg.ManifestFile":
        old_path = listed.manifest_path
        if old_path not in self.manifests:
            layout = Layout(
                schema=metadata.schema_of_spec(document, listed.partition_spec_id),
                spec=metadata.spec(document, listed.partition_spec_id),
                snapshot_id=listed.added_snapshot_id or 0,
            )
            path = metadata.file_path(document, f"{uuid.uuid4()}-m0.avro")
            copied = manifests.copy(listed, self._moved, path, layout)
            self.files[path] = copied.content
            self.manifests[old_path] = copied.listed
        return self.manifests[old_path]

    def _moved(self, location: str) -> str:
        path = metadata.local_path(location)
        if path == self.old_root or path.startswith(f"{self.old_root}/"):
            return self.new_root + path.removeprefix(self.old_root)
        return location

    def _moved_json(self, value: object) -> object:
        if isinstance(value, str):
            return self._moved(value)
        if isinstance(value, list):
            return [self._moved_json(one) for one in value]
        if isinstance(value, dict):
            return {name: self._moved_json(one) for name, one in value.items()}
        return value


def _root_of(table: str, pointer: str) -> str:
    """The folder of the lake in which a table's metadata file was written."""
    root, found, _ = pointer.rpartition(f"/warehouse/{table.replace('.', '/', 1)}/metadata/")
    if not found:
        raise errors.LakewrightError(
            f"the table {table} cannot be relocated",
            why=f"its metadata file {pointer} was not made by Lakewright",
            hint="register the table again with the program that made it",
        )
    return root
