"""Upkeep of one table: forget old snapshots, delete files that nobody needs, find small files.

Nothing of it changes a row. Compaction itself is staged and published like any other step.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lakewright.lake import cleaning, expiry, metadata, publish
from lakewright.lake.cleaning import Terms
from lakewright.lake.metadata import Document
from lakewright.lake.staged import DataFile, FileSet, Staged
from lakewright.lake.storage import Storage
from lakewright.project.contract import PartitionField

SMALL_ROWS = 32_768
"""A file of fewer rows is small: reading it costs about as much as opening it."""

SMALL_FILES_MIN = 64
"""So many small files in one partition are worth being made one."""

COMPACTED_ROWS_MAX = 16_000_000
"""What one compaction reads at most, so that loads do not wait long. The next takes the rest."""

SLACK = 1.2
"""How many times the snapshots to keep there may be until the rest is forgotten: doing it with
every commit would write twice as much metadata."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tidied:
    """What forgetting and deleting came to, or would come to."""

    table: str
    snapshots: int
    """How many were forgotten."""
    files: tuple[str, ...]
    """The paths of the files that were deleted."""
    size_bytes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Compaction:
    """Small files of a table, and what must stay as it is when their rows are written again."""

    files: FileSet
    """The table with these files alone."""
    partitioning: tuple[PartitionField, ...]
    consumed: Mapping[str, int]
    fingerprint: str

    def staged(self, step: str, rewritten: Sequence[DataFile]) -> Staged:
        """The table with those files in the place of these."""
        return Staged(
            table=self.files.table,
            step=step,
            base_snapshot_id=self.files.snapshot_id,
            schema=self.files.schema,
            partitioning=self.partitioning,
            added=(),
            rewritten=tuple(rewritten),
            removed=tuple(file.path for file in self.files.files),
            consumed=self.consumed,
            properties={"fingerprint": self.fingerprint} if self.fingerprint else {},
            table_properties={},
            column_descriptions={},
        )


def has_many_small(document: Document) -> bool:
    """Whether the present files are so many and so small that compaction may be worth its while."""
    current = metadata.current_snapshot(document)
    if current is None:
        return False
    files = int(current["summary"].get("total-data-files", 0))
    rows = int(current["summary"].get("total-records", 0))
    # Few of the files that a compaction leaves are small, so this becomes false by it, unless they
    # are of many partitions.
    return files >= 2 * SMALL_FILES_MIN and rows < files * SMALL_ROWS


def small_files(table: FileSet) -> tuple[DataFile, ...]:
    """Files that are worth being written again as few large ones, partition by partition."""
    partitions: dict[tuple[str | None, ...], list[DataFile]] = {}
    for file in table.files:
        if file.rows < SMALL_ROWS:
            partitions.setdefault(file.partition, []).append(file)
    chosen: list[DataFile] = []
    rows = 0
    for small in partitions.values():
        if len(small) < SMALL_FILES_MIN:
            continue
        for file in small:
            if rows + file.rows > COMPACTED_ROWS_MAX:
                return tuple(chosen)
            rows += file.rows
            chosen.append(file)
    return tuple(chosen)


def tidy(storage: Storage, table: str, keep: int, terms: Terms, *, is_dry: bool = False) -> Tidied:
    """Forget all but the newest `keep` snapshots, then delete what nothing refers to any more.

    `is_dry`: only say what would go. Safe to repeat, and to be broken off anywhere: what was not
    deleted is found by the next one, once it is old enough.

    Raises:
        NotFound: there is no such table.
        CommitConflict: somebody else has just changed the table.
    """
    pointer = storage.pointer(table)
    found = cleaning.files_of(metadata.read(pointer)["location"])
    pointer = storage.pointer(table)
    before = metadata.read(pointer)
    updates = expiry.updates(before, keep, terms.tokens, int(terms.now.timestamp() * 1000))
    after = metadata.apply(before, updates)
    needed_before = cleaning.needed(before, pointer, storage.reader)
    if updates and not is_dry:
        change = publish.change(table, pointer, before, updates)
        publish.commit(storage, [publish.Commit(change=change)])
        pointer = storage.pointer(table)
        after = metadata.read(pointer)
    needed_now = cleaning.needed(after, pointer, storage.reader)
    gone = cleaning.unneeded(found, needed_now, needed_before, terms)
    if not is_dry:
        cleaning.delete(gone)
    return Tidied(
        table=table,
        snapshots=len(metadata.snapshots(before)) - len(metadata.snapshots(after)),
        files=tuple(file.path for file in gone),
        size_bytes=sum(file.size_bytes for file in gone),
    )
