"""Publishing: everything that was staged becomes visible at once, or nothing does.

    look for tokens ─► draft each table ─► write, sync ─► move all pointers ─► done
         │                    │                                  │
         └ already there:     └ the base has moved:              └ one of them has moved:
           a repeat             CommitConflict                     CommitConflict, nothing moved

Until the pointers move, nothing of it is visible; before they move, every file that the new
snapshots refer to is on the disk, with the folders that lead to it. What a failed attempt wrote
stays behind unreferenced, for the upkeep to remove.
"""

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from lakewright import errors
from lakewright.lake import drafts, durable, metadata, provenance, returning
from lakewright.lake.catalog import Move
from lakewright.lake.drafts import Draft, Origin
from lakewright.lake.metadata import Document, SnapshotJson
from lakewright.lake.staged import Published, Rollback, Staged
from lakewright.lake.storage import Storage

SNAPSHOT_ID_BITS = 53
"""Snapshot ids are whole numbers that JavaScript and every JSON reader hold exactly."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Task:
    """One table's part of a publish."""

    staged: Staged
    pointer: str | None
    document: Document | None
    done: SnapshotJson | None
    """The snapshot that an earlier attempt made."""
    snapshot_id: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Commit:
    """One table's new state, ready to be written."""

    table: str
    pointer: str | None
    """The table's present metadata file; None: the table is new."""
    before: Document | None
    after: Document
    files: Mapping[str, bytes] = field(default_factory=dict)
    """New manifests and manifest lists: content by path."""
    data_files: tuple[str, ...] = ()


def publish(
    storage: Storage,
    staged: Sequence[Staged],
    run_id: str,
    now: datetime,
    rollbacks: Sequence[Rollback] = (),
) -> tuple[Published, ...]:
    """Commit every rollback and staged table in one transaction; the answer is in that order.

    A table in which this run's step already made a snapshot, or that this run has rolled back, is
    left as it is; so is one that is where a rollback goes. `now` has a zone.

    Raises:
        NotFound: a table to roll back is not there, or does not have the snapshot any more.
        CommitConflict: a table is not at the base that its step had read; nothing is published.
        CountsDiffer: a staged file holds another number of rows than its step counted.
        LakewrightError: files or schema do not fit their table, or the disk refuses.
    """
    _check_once([*(one.table for one in rollbacks), *(one.table for one in staged)])
    pointers = storage.pointers()
    tasks = [_task(one, pointers.get(one.table), run_id) for one in staged]
    snapshot_ids = {task.staged.table: task.snapshot_id for task in tasks}
    gone_back = [_return(storage, one, run_id, now) for one in rollbacks]
    now_ms = int(now.timestamp() * 1000)
    fresh = [task for task in tasks if task.done is None]
    drafts_of = {task.staged.table: _draft(storage, task, snapshot_ids, run_id, now_ms)
                 for task in fresh}  # fmt: skip
    commit(
        storage,
        [one for one, _ in gone_back if one is not None]
        + [
            Commit(
                table=task.staged.table,
                pointer=task.pointer,
                before=task.document,
                after=drafts_of[task.staged.table].document,
                files=drafts_of[task.staged.table].files,
                data_files=tuple(f.path for f in (*task.staged.added, *task.staged.rewritten)),
            )
            for task in fresh
        ],
    )
    return (
        *(published for _, published in gone_back),
        *(_published(task, drafts_of.get(task.staged.table)) for task in tasks),
    )


def commit(storage: Storage, commits: Sequence[Commit]) -> None:
    """Write and sync every new file, then move all pointers in one transaction.

    Raises:
        CommitConflict: a pointer has moved; no pointer is changed.
    """
    if not commits:
        return
    moves: list[Move] = []
    to_sync: list[Path] = []
    try:
        for one in commits:
            location = _new_location(one)
            durable.make_folder(Path(location).parent)
            contents = {**one.files, location: metadata.dump(_logged(one))}
            for path, content in contents.items():
                durable.write_new(Path(path), content)
            to_sync += [Path(path) for path in (*contents, *one.data_files)]
            moves.append(Move(table=one.table, before=one.pointer, after=location))
        durable.sync_all(to_sync, storage.root)
    except OSError as error:
        raise errors.LakewrightError(
            f"the tables' metadata could not be written in {storage.root}",
            why=error.strerror or str(error),
            hint="free some space, make sure that the folder can be written to, and try again",
        ) from error
    storage.catalog.commit(moves)


def _check_once(tables: Sequence[str]) -> None:
    if len(set(tables)) < len(tables):
        raise errors.LakewrightError(
            "a publish holds one table twice",
            why=f"it holds {', '.join(tables)}",
            hint="this is a bug: please report it",
        )


def _return(
    storage: Storage, rollback: Rollback, run_id: str, now: datetime
) -> tuple[Commit | None, Published]:
    """What takes a table to another of its snapshots; None: it is there, or this run did it."""
    table = rollback.table
    pointer = storage.pointer(table)
    document = metadata.read(pointer)
    current_id = document.get("current-snapshot-id")
    snapshot = returning.find(table, document, rollback.snapshot_id)
    is_repeat = current_id == rollback.snapshot_id or provenance.is_rolled_back_by(document, run_id)
    published = Published(
        table=table,
        snapshot_id=rollback.snapshot_id,
        rows=int(snapshot["summary"].get("total-records", 0)),
        is_repeat=is_repeat,
    )
    if is_repeat:
        return None, published
    if current_id != rollback.base_snapshot_id:
        raise errors.CommitConflict(
            f"the table {table} has moved since its rollback was planned",
            why=f"it was at {_state_name(rollback.base_snapshot_id)}"
            f" and is at {_state_name(current_id)}",
            hint="run it again: it will start from the table's present state",
        )
    told = metadata.SetProperties(provenance.rolled_back_by(run_id))
    gone_back = returning.returned(document, snapshot, int(now.timestamp() * 1000))
    after = metadata.apply(gone_back, [told])
    return Commit(table=table, pointer=pointer, before=document, after=after), published


def _task(staged: Staged, pointer: str | None, run_id: str) -> _Task:
    document = metadata.read(pointer) if pointer else None
    done = provenance.find(document, run_id, staged.step) if document else None
    current = metadata.current_snapshot(document) if document else None
    current_id = current["snapshot-id"] if current else None
    if done is None and current_id != staged.base_snapshot_id:
        raise errors.CommitConflict(
            f"the table {staged.table} has moved since the step {staged.step} read it",
            why=f"it was read at {_state_name(staged.base_snapshot_id)}"
            f" and is at {_state_name(current_id)}",
            hint="run it again: it will start from the table's present state",
        )
    return _Task(
        staged=staged,
        pointer=pointer,
        document=document,
        done=done,
        snapshot_id=done["snapshot-id"] if done else _new_snapshot_id(staged, run_id, document),
    )


def _state_name(snapshot_id: int | None) -> str:
    return "no snapshot" if snapshot_id is None else f"snapshot {snapshot_id}"


def _new_snapshot_id(staged: Staged, run_id: str, document: Document | None) -> int:
    """A number that depends on the token and the base alone, and that the table does not have."""
    taken = {one["snapshot-id"] for one in metadata.snapshots(document)} if document else set()
    name = f"{staged.table}\n{run_id}\n{staged.step}\n{staged.base_snapshot_id}\n"
    attempt = 0
    while True:
        digest = hashlib.sha256(f"{name}{attempt}".encode()).digest()
        found = int.from_bytes(digest[:8], "big") >> (64 - SNAPSHOT_ID_BITS)
        if found and found not in taken:
            return found
        attempt += 1


def _draft(
    storage: Storage, task: _Task, snapshot_ids: Mapping[str, int], run_id: str, now_ms: int
) -> Draft:
    staged = task.staged
    origin = Origin(
        snapshot_id=task.snapshot_id,
        run_id=run_id,
        now_ms=now_ms,
        consumed=_consumed(staged, snapshot_ids),
    )
    base = task.document or drafts.new_table(str(storage.location(staged.table)), now_ms)
    return drafts.draft(staged, base, origin, storage.reader)


def _consumed(staged: Staged, snapshot_ids: Mapping[str, int]) -> Mapping[str, int]:
    found: dict[str, int] = {}
    for table, cursor in staged.consumed.items():
        if cursor is None and table not in snapshot_ids:
            raise errors.LakewrightError(
                f"the table {staged.table} has consumed {table} as this publish makes it",
                why=f"but the publish does not hold {table}",
                hint="this is a bug: please report it",
            )
        found[table] = snapshot_ids[table] if cursor is None else cursor
    return found


def _published(task: _Task, draft: Draft | None) -> Published:
    if draft is not None:
        rows = draft.rows
    else:
        rows = int(task.done["summary"]["total-records"]) if task.done else 0
    return Published(
        table=task.staged.table,
        snapshot_id=task.snapshot_id,
        rows=rows,
        is_repeat=draft is None,
    )


def _new_location(one: Commit) -> str:
    """The place of the next metadata file: the version's number first, as Iceberg's names have."""
    version = 0
    if one.pointer is not None:
        number = Path(one.pointer).name.partition("-")[0]
        version = int(number) + 1 if number.isdigit() else 1
    return metadata.file_path(one.after, f"{version:05d}-{uuid.uuid4()}.metadata.json")


def _logged(one: Commit) -> Document:
    if one.pointer is None or one.before is None:
        return one.after
    return metadata.log_previous(one.after, one.pointer, one.before["last-updated-ms"])
