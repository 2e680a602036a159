"""Manifests and manifest lists: the Avro files that say which data files a snapshot has.

The only module that uses PyIceberg: its Avro schemas, encoder and decoder. A manifest never changes
once it is written, so what was read of it is kept in memory, up to a limit. Refuses tables with
delete files, which only other programs write.
"""

import zlib
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, cast

import orjson

from lakewright import errors
from lakewright.lake.metadata import SchemaJson, SnapshotJson, SpecJson, local_path
from lakewright.lake.partitioning import Codec, Value
from lakewright.lake.staged import DataFile
from lakewright.lake.statistics import Statistics

if TYPE_CHECKING:
    from pyiceberg import manifest as iceberg
    from pyiceberg.io import FileIO, InputFile, OutputFile

CACHED_FILES_MAX = 100_000
"""Data files whose entries are kept in memory: some 500 bytes each, so 50 MB at the most."""

# Positions in PyIceberg's record of a manifest, which has no setters for them.
_PATH = 0
_LENGTH = 1
_DATA_PATH = 1  # The same of a data file.


@dataclass(frozen=True, kw_only=True, slots=True)
class LiveFile:
    """A data file that a snapshot has."""

    file: DataFile
    snapshot_id: int
    """The snapshot that added it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NewFile:
    """A data file that a snapshot adds."""

    file: DataFile
    partition: tuple[Value, ...]
    statistics: Statistics


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """What a manifest says about the table that it belongs to."""

    schema: SchemaJson
    spec: SpecJson
    snapshot_id: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Written:
    """The content of a new manifest, and what a manifest list says about it."""

    path: str
    content: bytes
    listed: "iceberg.ManifestFile"


class Reader:
    """Reads manifests; remembers what it read."""

    def __init__(self) -> None:
        self._files: OrderedDict[str, tuple[LiveFile, ...]] = OrderedDict()
        self._count = 0

    def live_files(
        self, listed: "iceberg.ManifestFile", codecs: Sequence[Codec]
    ) -> tuple[LiveFile, ...]:
        """The data files that a manifest holds and that are not deleted."""
        path = listed.manifest_path
        if path in self._files:
            self._files.move_to_end(path)
            return self._files[path]
        found = tuple(_live_file(entry, codecs) for entry in entries(listed))
        self._files[path] = found
        self._count += len(found)
        while self._count > CACHED_FILES_MAX and len(self._files) > 1:
            _, forgotten = self._files.popitem(last=False)
            self._count -= len(forgotten)
        return found


def listed(snapshot: SnapshotJson | None) -> list["iceberg.ManifestFile"]:
    """The manifests of a snapshot; of none: none.

    Raises:
        LakewrightError: the table has delete files, or its manifest list cannot be read.
    """
    from pyiceberg import manifest as iceberg

    if snapshot is None:
        return []
    path = snapshot["manifest-list"]
    with _translated(path):
        found = list(iceberg.read_manifest_list(cast("InputFile", _LocalFile(path))))
    if any(manifest.content != iceberg.ManifestContent.DATA for manifest in found):
        raise errors.LakewrightError(
            f"the table has delete files (manifest list {path})",
            why="another program deleted rows by merge-on-read, which is not supported",
            hint="rewrite the table's data files with that program, or roll the table back",
        )
    return found


def entries(listed: "iceberg.ManifestFile") -> Sequence["iceberg.ManifestEntry"]:
    """A manifest's entries that are not deleted, with everything that they hold."""
    with _translated(listed.manifest_path):
        return listed.fetch_manifest_entry(cast("FileIO", _LocalFiles()))


def write(
    path: str,
    layout: Layout,
    *,
    added: Iterable[NewFile] = (),
    existing: Iterable["iceberg.ManifestEntry"] = (),
    deleted: Iterable["iceberg.ManifestEntry"] = (),
) -> Written:
    """A manifest of at least one entry; its file is not written yet."""

    def fill(writer: "iceberg.ManifestWriter") -> None:
        for new in added:
            writer.add(_new_entry(new, layout))
        for entry in existing:
            writer.existing(entry)
        for entry in deleted:
            writer.delete(entry)

    return _write(path, layout, fill)


def copy(
    listed: "iceberg.ManifestFile", moved: Callable[[str], str], path: str, layout: Layout
) -> Written:
    """A manifest of the same entries, in which every file is where `moved` says it is."""
    from pyiceberg import manifest as iceberg

    source = iceberg.ManifestFile(*(listed[number] for number in range(len(listed))))
    source[_PATH] = moved(listed.manifest_path)
    found = source.fetch_manifest_entry(cast("FileIO", _LocalFiles()), discard_deleted=False)
    for entry in found:
        entry.data_file[_DATA_PATH] = moved(entry.data_file.file_path)
    written = _write(path, layout, lambda writer: [writer.add_entry(entry) for entry in found])
    source[_PATH] = path
    source[_LENGTH] = len(written.content)
    return Written(path=path, content=written.content, listed=source)


def write_list(
    path: str, snapshot: SnapshotJson, manifests: Sequence["iceberg.ManifestFile"]
) -> bytes:
    """The content of a snapshot's manifest list."""
    from pyiceberg import manifest as iceberg

    output = _NewFile(path)
    with iceberg.write_manifest_list(
        format_version=2,
        output_file=cast("OutputFile", output),
        snapshot_id=snapshot["snapshot-id"],
        parent_snapshot_id=snapshot.get("parent-snapshot-id"),
        sequence_number=snapshot["sequence-number"],
        avro_compression="null",
    ) as writer:
        if manifests:
            writer.add_manifests(list(manifests))
    return output.content


def _write(
    path: str, layout: Layout, fill: Callable[["iceberg.ManifestWriter"], object]
) -> Written:
    from pyiceberg import manifest as iceberg
    from pyiceberg.partitioning import PartitionSpec
    from pyiceberg.schema import Schema

    output = _NewFile(path)
    spec = PartitionSpec.model_validate_json(orjson.dumps(layout.spec))
    schema = Schema.model_validate_json(orjson.dumps(layout.schema))
    with iceberg.write_manifest(
        2, spec, schema, cast("OutputFile", output), layout.snapshot_id, "null"
    ) as writer:
        fill(writer)
    return Written(path=path, content=output.content, listed=writer.to_manifest_file())


def _live_file(entry: "iceberg.ManifestEntry", codecs: Sequence[Codec]) -> LiveFile:
    found = entry.data_file
    values: list[Value] = [found.partition[number] for number in range(len(codecs))]
    partition = (codec.format(value) for codec, value in zip(codecs, values, strict=True))
    return LiveFile(
        file=DataFile(
            path=local_path(found.file_path),
            rows=found.record_count,
            size_bytes=found.file_size_in_bytes,
            partition=tuple(partition),
        ),
        snapshot_id=entry.snapshot_id or 0,
    )


def _new_entry(new: NewFile, layout: Layout) -> "iceberg.ManifestEntry":
    from pyiceberg import manifest as iceberg
    from pyiceberg.typedef import Record

    statistics = new.statistics
    data_file = iceberg.DataFile.from_args(
        content=iceberg.DataFileContent.DATA,
        file_path=new.file.path,
        file_format=iceberg.FileFormat.PARQUET,
        partition=Record(*new.partition),
        record_count=statistics.rows,
        file_size_in_bytes=new.file.size_bytes,
        column_sizes=dict(statistics.column_sizes),
        value_counts=dict(statistics.value_counts),
        null_value_counts=dict(statistics.null_counts),
        lower_bounds=dict(statistics.lower_bounds),
        upper_bounds=dict(statistics.upper_bounds),
        split_offsets=list(statistics.split_offsets),
    )
    data_file.spec_id = layout.spec["spec-id"]
    return iceberg.ManifestEntry.from_args(
        status=iceberg.ManifestEntryStatus.ADDED,
        snapshot_id=layout.snapshot_id,
        data_file=data_file,
    )


@contextmanager
def _translated(path: str) -> Iterator[None]:
    """Around the reading of an Avro file: what is wrong with it becomes an error of ours."""
    try:
        yield
    except (ValueError, EOFError, KeyError, IndexError, zlib.error) as error:
        raise errors.LakewrightError(
            f"the table's file {path} cannot be read",
            why=f"it is no sound manifest ({type(error).__name__}: {error})",
            hint="restore the file from a backup, or roll the table back",
        ) from error


class _LocalFile:
    """A file to read, as PyIceberg wants it. Its own input is slow to import and to start."""

    def __init__(self, location: str) -> None:
        self.location = location

    def open(self, seekable: bool = True) -> BytesIO:  # noqa: FBT001, FBT002, ARG002
        """Its bytes."""
        path = local_path(self.location)
        try:
            return BytesIO(Path(path).read_bytes())
        except FileNotFoundError as error:
            raise errors.NotFound(
                f"the table's file {path} does not exist",
                why="the table's metadata names it, so files were moved or deleted by hand",
                hint="bring the file back, or run `lakewright relocate` if the project has moved",
            ) from error


class _LocalFiles:
    """Opens files, as PyIceberg wants it."""

    def new_input(self, location: str) -> _LocalFile:
        """A file to read."""
        return _LocalFile(location)


class _Buffer(BytesIO):
    """Bytes in memory that stay readable after they are closed."""

    def close(self) -> None:
        """Keep the bytes."""


class _NewFile:
    """A file to write, as PyIceberg wants it: its bytes stay in memory."""

    def __init__(self, location: str) -> None:
        self.location = location
        self._buffer = _Buffer()

    def __len__(self) -> int:
        return len(self.content)

    @property
    def content(self) -> bytes:
        """What was written so far."""
        return self._buffer.getvalue()

    def create(self, overwrite: bool = False) -> _Buffer:  # noqa: FBT001, FBT002, ARG002
        """Where to write."""
        return self._buffer
