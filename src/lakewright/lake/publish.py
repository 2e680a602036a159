"""Publishing: everything that was staged becomes visible at once, or nothing does.

    look for tokens ─► draft each table ─► write, sync ─► commit all changes ─► done
         │                    │                                  │
         └ already there:     └ the base has moved:              ├ one of them has moved:
           a repeat             CommitConflict                   │   CommitConflict, nothing changed
                                                                 └ no answer, or none that tells:
                                                                     look for tokens: done, or
                                                                     CommitUnknown: try again later

Until the catalog commits, nothing of it is visible; before that, every file that the new
snapshots refer to is on the disk, with the folders that lead to it. What a failed attempt wrote
stays behind unreferenced, for the upkeep to remove once it is old: a commit without an answer may
still come through. It is tried again by whoever holds the run, so that the fence is checked too. A
second attempt cannot double it: both demand the same base.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from lakewright import errors
from lakewright.lake import drafts, durable, metadata, provenance, returning
from lakewright.lake.catalog import Change
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

    change: Change
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
        PublishedInPart: the same, and other tables have been published.
        CommitUnknown: the catalog does not tell whether it was published; trying again finds out.
        CatalogUnavailable: the catalog's server does not answer; nothing is published.
        CountsDiffer: a staged file holds another number of rows than its step counted.
        LakewrightError: files or schema do not fit their table, or the disk refuses.
    """
    _check_once([*(one.table for one in rollbacks), *(one.table for one in staged)])
    now_ms = int(now.timestamp() * 1000)
    tasks = _tasks(storage, staged, run_id)
    snapshot_ids = {task.staged.table: task.snapshot_id for task in tasks}
    gone_back = [_return(storage, one, run_id, now_ms) for one in rollbacks]
    fresh = [task for task in tasks if task.done is None]
    drafts_of = {task.staged.table: _draft(storage, task, snapshot_ids, run_id, now_ms)
                 for task in fresh}  # fmt: skip
    commits = [one for one, _ in gone_back if one is not None]
    commits += [_commit_of(task, drafts_of[task.staged.table]) for task in fresh]
    try:
        commit(storage, commits)
    except (errors.CommitConflict, errors.CommitUnknown) as failed:
        if not _has_come_through(storage, staged, rollbacks, run_id, failed):
            raise
    return (
        *(published for _, published in gone_back),
        *(_published(task, drafts_of.get(task.staged.table)) for task in tasks),
    )


def commit(storage: Storage, commits: Sequence[Commit]) -> None:
    """Write every new file, then have the catalog sync all of them and make the changes.

    Raises:
        CommitConflict: a table has moved; nothing is changed.
        CommitUnknown: there is no telling whether the changes were made.
        CatalogUnavailable: the catalog's server does not answer; nothing is changed.
    """
    if not commits:
        return
    written: list[Path] = []
    try:
        for one in commits:
            for path, content in one.files.items():
                durable.make_folder(Path(path).parent)
                durable.write_new(Path(path), content)
            written += [Path(path) for path in (*one.files, *one.data_files)]
        storage.catalog.commit([one.change for one in commits], written, storage.root)
    except OSError as error:
        raise errors.LakewrightError(
            f"the tables' metadata could not be written in {storage.root}",
            why=error.strerror or str(error),
            hint="free some space, make sure that the folder can be written to, and try again",
        ) from error


def _has_come_through(
    storage: Storage,
    staged: Sequence[Staged],
    rollbacks: Sequence[Rollback],
    run_id: str,
    failed: errors.LakewrightError,
) -> bool:
    """Whether the catalog holds all of a publish of which we only know that it `failed`.

    Raises:
        PublishedInPart: it was refused, and holds some of it.
        CommitUnknown: the catalog does not answer.
    """
    try:
        found = {table: metadata.read(path) for table, path in storage.pointers().items()}
    except errors.CatalogUnavailable as error:
        raise errors.CommitUnknown(failed.what, why=error.why, hint=failed.hint) from error
    is_done = {
        one.table: one.table in found
        and provenance.find(found[one.table], run_id, one.step) is not None
        for one in staged
    } | {
        one.table: one.table in found
        and provenance.is_rolled_back_by(found[one.table], run_id)
        for one in rollbacks
    }  # fmt: skip
    if isinstance(failed, errors.CommitConflict):
        _refuse_part(is_done, failed.what)
    return all(is_done.values())


def _refuse_part(is_done: Mapping[str, bool], what: str) -> None:
    """Refuse to go on where some tables hold this run and others cannot any more."""
    done = [table for table, is_there in is_done.items() if is_there]
    left = [table for table, is_there in is_done.items() if not is_there]
    if done and left:
        raise errors.PublishedInPart(
            f"only {', '.join(done)} could be published",
            why=f"{what}; {', '.join(left)} stayed as it was",
            hint="build what is left with `lakewright run`; what was published is whole",
        )


def _check_once(tables: Sequence[str]) -> None:
    if len(set(tables)) < len(tables):
        raise errors.LakewrightError(
            "a publish holds one table twice",
            why=f"it holds {', '.join(tables)}",
            hint="this is a bug: please report it",
        )


def _commit_of(task: _Task, draft: Draft) -> Commit:
    change = Change(
        table=task.staged.table,
        pointer=task.pointer,
        before=task.document,
        updates=draft.updates,
        after=draft.document,
    )
    new = (*task.staged.added, *task.staged.rewritten)
    return Commit(change=change, files=draft.files, data_files=tuple(one.path for one in new))


def _return(
    storage: Storage, rollback: Rollback, run_id: str, now_ms: int
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
    updates = (*returning.updates(document, snapshot, now_ms), told)
    return Commit(change=change(table, pointer, document, updates)), published


def change(
    table: str, pointer: str, before: Document, updates: Sequence[metadata.Update]
) -> Change:
    """A change to a table that is there."""
    return Change(
        table=table,
        pointer=pointer,
        before=before,
        updates=tuple(updates),
        after=metadata.apply(before, updates),
    )


def _tasks(storage: Storage, staged: Sequence[Staged], run_id: str) -> Sequence[_Task]:
    """What is to be done to each table, or has been done before.

    Raises:
        CommitConflict: a table is not at the base that its step had read.
        PublishedInPart: the same, and others hold this run's rows; or what they hold was staged
            anew, so that tables which come from them may hold rows twice.
    """
    pointers = storage.pointers()
    tasks = [_task(one, pointers.get(one.table), run_id) for one in staged]
    is_done = {task.staged.table: task.done is not None for task in tasks}
    for task in tasks:
        if task.done is not None:
            if task.staged.base_snapshot_id != task.done.get("parent-snapshot-id"):
                _refuse_part(is_done, f"{task.staged.table} was published before the others")
        elif _current_id(task.document) != task.staged.base_snapshot_id:
            moved = _moved(task)
            _refuse_part(is_done, moved.what)
            raise moved
    return tasks


def _task(staged: Staged, pointer: str | None, run_id: str) -> _Task:
    document = metadata.read(pointer) if pointer else None
    done = provenance.find(document, run_id, staged.step) if document else None
    return _Task(
        staged=staged,
        pointer=pointer,
        document=document,
        done=done,
        snapshot_id=done["snapshot-id"] if done else _new_snapshot_id(staged, run_id, document),
    )


def _moved(task: _Task) -> errors.CommitConflict:
    staged = task.staged
    return errors.CommitConflict(
        f"the table {staged.table} has moved since the step {staged.step} read it",
        why=f"it was read at {_state_name(staged.base_snapshot_id)}"
        f" and is at {_state_name(_current_id(task.document))}",
        hint="run it again: it will start from the table's present state",
    )


def _current_id(document: Document | None) -> int | None:
    current = metadata.current_snapshot(document) if document else None
    return current["snapshot-id"] if current else None


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
    base = task.document
    if base is None:
        new = drafts.new_table(str(storage.location(staged.table)), now_ms)
        base = storage.catalog.blank(new)
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
