"""Which files in a table's folder nobody needs: those that no kept snapshot can reach.

A file is deleted only if it is older than a grace period and of no run that may still publish it,
or if a snapshot that was just forgotten was the last to need it. The folder is listed before the
metadata is read, so that a file that a commit in between refers to is always known as needed.
"""

import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from lakewright.lake import filing, manifests, metadata
from lakewright.lake.metadata import Document


@dataclass(frozen=True, kw_only=True, slots=True)
class Terms:
    """When a file that nothing refers to may go."""

    now: datetime
    grace_seconds: float
    """How old a file must be: the longest that another program may take from writing a file to
    committing it."""
    tokens: frozenset[str] = frozenset()
    """Of runs that are not over; files whose name has one of them stay."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """A file in a table's folder."""

    path: str
    size_bytes: int
    changed_at: float


def files_of(location: str) -> tuple[Found, ...]:
    """Every file below a table's folder."""
    return tuple(_files(metadata.local_path(location)))


def _files(folder: str) -> Iterator[Found]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except FileNotFoundError:
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from _files(entry.path)
            continue
        try:
            status = entry.stat(follow_symlinks=False)
        except FileNotFoundError:
            continue
        yield Found(path=entry.path, size_bytes=status.st_size, changed_at=status.st_mtime)


def needed(document: Document, pointer: str, reader: manifests.Reader) -> frozenset[str]:
    """The paths of everything that the table's metadata refers to, itself included."""
    log = [entry["metadata-file"] for entry in document.get("metadata-log", ())]
    found = {metadata.local_path(path) for path in (pointer, *log)}
    for snapshot in metadata.snapshots(document):
        found.add(metadata.local_path(snapshot["manifest-list"]))
        listed = manifests.listed(snapshot)
        found |= {metadata.local_path(manifest.manifest_path) for manifest in listed}
        live = filing.live_files(document, snapshot["snapshot-id"], reader)
        found |= {one.file.path for one in live}
    found |= {metadata.local_path(path) for path in metadata.statistics_files(document)}
    return frozenset(found)


def unneeded(
    found: Collection[Found],
    needed_now: frozenset[str],
    needed_before: frozenset[str],
    terms: Terms,
) -> tuple[Found, ...]:
    """The files that may be deleted.

    Args:
        found: what lay in the folder before `needed_now` was read.
        needed_now: what the table's metadata refers to.
        needed_before: what it referred to before its snapshots were expired just now.
        terms: when a file that nothing has ever referred to may go.
    """
    oldest_kept = terms.now.timestamp() - terms.grace_seconds
    return tuple(
        file
        for file in found
        if file.path not in needed_now
        and (file.path in needed_before or file.changed_at < oldest_kept)
        and not any(token in Path(file.path).name for token in terms.tokens)
    )


def delete(files: Collection[Found]) -> None:
    """Delete files; one that is gone already is no matter."""
    for file in files:
        Path(file.path).unlink(missing_ok=True)
