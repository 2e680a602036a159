"""Which data files a table's next snapshot has, and in which manifests they stand.

A manifest in which nothing changes is carried over as it is. One that holds removed files is
written again without them, and says that they are deleted. When a snapshot would have many small
manifests, they become one, so that reading a table and committing to it cost the same after the
thousandth commit as after the tenth. Refuses to remove a file that is not there.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lakewright import errors
from lakewright.lake import manifests, metadata, partitioning
from lakewright.lake.manifests import Layout, LiveFile, NewFile, Written
from lakewright.lake.metadata import Document

if TYPE_CHECKING:
    from pyiceberg import manifest as iceberg

MERGE_COUNT = 16
"""So many manifests of about the same size become one (sizes are about the same if they have the
same logarithm to this base). A snapshot then has fewer than 16 manifests for each power of 16
files; a file's entry is written again once for each power. Reading a manifest takes about 1 ms."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rewrite:
    """A manifest that takes the place of earlier ones."""

    spec_id: int
    existing: "tuple[iceberg.ManifestEntry, ...]"
    deleted: "tuple[iceberg.ManifestEntry, ...]" = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Filing:
    """What becomes of the files and manifests of a snapshot."""

    carried: "tuple[iceberg.ManifestFile, ...]"
    rewrites: tuple[Rewrite, ...]
    removed: tuple[LiveFile, ...]

    @property
    def kept_spec_ids(self) -> frozenset[int]:
        """The partition specifications of the files that stay; empty: none stays."""
        carried = {manifest.partition_spec_id for manifest in self.carried}
        return frozenset(carried | {one.spec_id for one in self.rewrites if one.existing})


def live_files(
    document: Document, snapshot_id: int | None, reader: manifests.Reader
) -> tuple[LiveFile, ...]:
    """Every data file of a snapshot; of none: none."""
    snapshot = None if snapshot_id is None else metadata.snapshot(document, snapshot_id)
    codecs = _codecs(document)
    return tuple(
        file
        for manifest in _live_manifests(manifests.listed(snapshot))
        for file in reader.live_files(manifest, codecs[manifest.partition_spec_id])
    )


def added_files(
    document: Document, snapshot: metadata.SnapshotJson, reader: manifests.Reader
) -> tuple[LiveFile, ...]:
    """The data files that this snapshot added, whatever became of them later."""
    snapshot_id, codecs = snapshot["snapshot-id"], _codecs(document)
    return tuple(
        file
        for manifest in _live_manifests(manifests.listed(snapshot))
        if manifest.added_snapshot_id == snapshot_id
        for file in reader.live_files(manifest, codecs[manifest.partition_spec_id])
        if file.snapshot_id == snapshot_id
    )


def plan(document: Document, removed: Sequence[str] | None, reader: manifests.Reader) -> Filing:
    """The filing after these files are removed (None: all) from the table's present snapshot.

    Raises:
        CommitConflict: one of them is not in the table.
    """
    present = _live_manifests(manifests.listed(metadata.current_snapshot(document)))
    if removed is not None and not removed:
        return _merged(present, [], ())
    codecs = _codecs(document)
    missing = set(removed or ())
    carried: list[iceberg.ManifestFile] = []
    rewrites: list[Rewrite] = []
    gone: list[LiveFile] = []
    for manifest in present:
        files = reader.live_files(manifest, codecs[manifest.partition_spec_id])
        hit = [one for one in files if removed is None or one.file.path in missing]
        if not hit:
            carried.append(manifest)
            continue
        gone += hit
        missing -= {one.file.path for one in hit}
        rewrites.append(_without(manifest, {one.file.path for one in hit}))
    if missing:
        raise errors.CommitConflict(
            f"the file {min(missing)} is not in the table",
            why="it was removed after the step had read the table",
            hint="run the step again: it will start from the table's present state",
        )
    return _merged(carried, rewrites, gone)


def write(
    document: Document,
    filing: Filing,
    added: Sequence[NewFile],
    snapshot_id: int,
    path_of: Callable[[str], str],
) -> tuple[Written, ...]:
    """The new manifests of a filing; `path_of` gives a place for a file name's end."""
    written = []
    if added:
        layout = Layout(
            schema=metadata.schema(document), spec=metadata.spec(document), snapshot_id=snapshot_id
        )
        written.append(manifests.write(path_of("m0"), layout, added=added))
    columns = {field["id"] for field in metadata.schema(document)["fields"]}
    for number, rewrite in enumerate(filing.rewrites, start=1):
        spec = metadata.spec(document, rewrite.spec_id)
        if not {field["source-id"] for field in spec["fields"]} <= columns:
            # Nothing of it stays, and readers (DuckDB 1.5) stumble over a manifest whose partitions
            # are of a column that the table has not: that these files are deleted goes unsaid.
            continue
        layout = Layout(
            schema=metadata.schema(document),
            spec=spec,
            snapshot_id=snapshot_id,
        )
        written.append(
            manifests.write(
                path_of(f"m{number}"), layout, existing=rewrite.existing, deleted=rewrite.deleted
            )
        )
    return tuple(written)


def _codecs(document: Document) -> Mapping[int, tuple[partitioning.Codec, ...]]:
    kinds = partitioning.kinds_by_id(document)
    return {
        spec["spec-id"]: partitioning.codecs(spec, kinds) for spec in document["partition-specs"]
    }


def _live_manifests(
    listed: Iterable["iceberg.ManifestFile"],
) -> list["iceberg.ManifestFile"]:
    """Those that hold a file; the others only told the snapshot before what was deleted."""
    return [one for one in listed if one.has_added_files() or one.has_existing_files()]


def _without(manifest: "iceberg.ManifestFile", paths: set[str]) -> Rewrite:
    existing: list[iceberg.ManifestEntry] = []
    deleted: list[iceberg.ManifestEntry] = []
    for entry in manifests.entries(manifest):
        is_gone = metadata.local_path(entry.data_file.file_path) in paths
        (deleted if is_gone else existing).append(entry)
    return Rewrite(
        spec_id=manifest.partition_spec_id, existing=tuple(existing), deleted=tuple(deleted)
    )


def _merged(
    carried: Sequence["iceberg.ManifestFile"],
    rewrites: Sequence[Rewrite],
    removed: Sequence[LiveFile],
) -> Filing:
    """The filing with few enough manifests, and all rewrites of a specification as one."""
    by_size: dict[tuple[int, int], list[iceberg.ManifestFile]] = {}
    for one in carried:
        by_size.setdefault((one.partition_spec_id, _magnitude(one)), []).append(one)
    kept: list[iceberg.ManifestFile] = []
    by_spec: dict[int, list[Rewrite]] = {}
    for rewrite in rewrites:
        by_spec.setdefault(rewrite.spec_id, []).append(rewrite)
    for (spec_id, _), group in by_size.items():
        if len(group) < MERGE_COUNT:
            kept += group
            continue
        entries = tuple(entry for one in group for entry in manifests.entries(one))
        by_spec.setdefault(spec_id, []).append(Rewrite(spec_id=spec_id, existing=entries))
    joined = tuple(
        Rewrite(
            spec_id=spec_id,
            existing=tuple(entry for part in parts for entry in part.existing),
            deleted=tuple(entry for part in parts for entry in part.deleted),
        )
        for spec_id, parts in by_spec.items()
    )
    return Filing(carried=tuple(kept), rewrites=joined, removed=tuple(removed))


def _magnitude(manifest: "iceberg.ManifestFile") -> int:
    """The logarithm of the manifest's number of files, rounded down."""
    files = (manifest.added_files_count or 0) + (manifest.existing_files_count or 0)
    magnitude = 0
    while files >= MERGE_COUNT:
        files //= MERGE_COUNT
        magnitude += 1
    return magnitude
