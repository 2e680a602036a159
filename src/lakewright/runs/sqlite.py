"""The journal in one SQLite file.

What is acknowledged to somebody (acceptance, the moment before a publish, the end of a run) is
synced to disk; the steps between are not, since a step may be repeated: a power failure loses some
of them, a killed process none.
"""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from lakewright.runs import journal, rules, sqlite_file
from lakewright.runs.journal import (
    Accepted,
    Answer,
    Attempt,
    Claim,
    Delivery,
    Ending,
    Event,
    Outcome,
    Request,
    RequestKind,
    Run,
    RunStatus,
    RunUpload,
    Step,
    StepStatus,
    Upload,
    UploadOutcome,
    UploadStatus,
)
from lakewright.runs.sqlite_file import Database, find_run, find_upload, to_text, to_time


def open_journal(path: Path) -> journal.Journal:
    """Open the journal in this file; make it if it does not exist, bring it up to date if it does.

    Raises:
        Conflict: the file was written by a newer Lakewright, or stays locked by another process.
    """
    database = Database(path)
    return journal.Journal(
        acceptance=_Acceptance(database),
        execution=_Execution(database),
        reading=_Reading(database),
        close=database.close,
    )


def _tell(connection: sqlite3.Connection, notice: rules.Notice, now: datetime) -> None:
    connection.execute(
        "INSERT OR IGNORE INTO events (event_id, kind, at, payload) VALUES (?, ?, ?, ?)",
        (notice.event_id, notice.kind, to_time(now), to_text(notice.payload)),
    )


def _add_run(connection: sqlite3.Connection, request: Request, run_id: str, now: datetime) -> None:
    connection.execute(
        "INSERT INTO runs (run_id, kind, source, payload, status, queued_at)"
        " VALUES (?, ?, ?, ?, 'queued', ?)",
        (run_id, request.kind.value, request.source, to_text(request.payload), to_time(now)),
    )
    _add_tables(connection, run_id, request.tables)
    connection.executemany(
        "INSERT INTO run_uploads (run_id, upload_id, is_again, status)"
        " VALUES (?, ?, 1, 'accepted')",
        [(run_id, upload_id) for upload_id in request.upload_ids],
    )


def _add_tables(connection: sqlite3.Connection, run_id: str, tables: Sequence[str]) -> None:
    connection.executemany(
        "INSERT OR IGNORE INTO run_tables (run_id, table_name) VALUES (?, ?)",
        [(run_id, table) for table in tables],
    )


class _Acceptance:
    """See `journal.Acceptance`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def accept(
        self, delivery: Delivery, *, tables: Sequence[str], run_id: str, now: datetime
    ) -> Accepted:
        upload_id = rules.upload_id(delivery.source, delivery.sha256)
        with self._database.writing(is_synced=True) as connection:
            upload = find_upload(connection, upload_id)
            waiting = connection.execute(
                "SELECT run_id, kind, format FROM run_uploads JOIN runs USING (run_id)"
                " WHERE upload_id = ? AND runs.status IN ('queued', 'running')"
                " ORDER BY runs.sequence DESC LIMIT 1",
                (upload_id,),
            ).fetchone()
            kind = None if waiting is None else RequestKind(waiting["kind"])
            answer = rules.answer(upload, is_again=delivery.is_again, waiting=kind)
            if upload is not None and answer is not Answer.QUEUED:
                of = upload.run_id if waiting is None else waiting["run_id"]
                said = None if waiting is None else waiting["format"]
                look = upload.format if said is None else json.loads(said)
                return Accepted(answer=answer, upload=upload, run_id=of, format=look)
            joined = self._join(connection, delivery.source)
            if joined is None:
                request = Request(
                    kind=RequestKind.UPLOAD, source=delivery.source, tables=tuple(tables)
                )
                _add_run(connection, request, run_id, now)
            of = joined or run_id
            look = rules.format_of(upload, delivery)
            self._put(connection, replace(delivery, format=look), upload, of, now)
            stored = find_upload(connection, upload_id)
            if stored is None:
                raise rules.missing_upload(upload_id)
            _tell(connection, rules.file_uploaded(stored, of), now)
            return Accepted(answer=answer, upload=stored, run_id=of, format=look)

    def _join(self, connection: sqlite3.Connection, source: str) -> str | None:
        """The source's last unfinished run, if it is one that has never begun to load files."""
        row = connection.execute(
            """
            SELECT run_id, kind, started_at,
              (SELECT count(*) FROM run_uploads WHERE run_uploads.run_id = runs.run_id) AS uploads
            FROM runs WHERE source = ? AND status IN ('queued', 'running')
            ORDER BY sequence DESC LIMIT 1
            """,
            (source,),
        ).fetchone()
        is_open = (
            row is not None
            and row["kind"] == RequestKind.UPLOAD.value
            and row["started_at"] is None
            and row["uploads"] < rules.RUN_UPLOADS_MAX
        )
        return str(row["run_id"]) if is_open else None

    def _put(
        self,
        connection: sqlite3.Connection,
        delivery: Delivery,
        upload: Upload | None,
        run_id: str,
        now: datetime,
    ) -> None:
        upload_id = rules.upload_id(delivery.source, delivery.sha256)
        is_again = upload is not None and upload.status.is_in_bronze
        if not is_again:
            connection.execute(
                """
                INSERT INTO uploads (upload_id, source, sha256, file_name, size_bytes, media_type,
                  delivered_by, accepted_at, status, run_id, format)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'accepted', ?, ?)
                ON CONFLICT (upload_id) DO UPDATE SET file_name = excluded.file_name,
                  media_type = excluded.media_type, delivered_by = excluded.delivered_by,
                  accepted_at = excluded.accepted_at, status = 'accepted', run_id = excluded.run_id,
                  format = excluded.format, records = NULL, rows = NULL, quarantined = NULL,
                  snapshot_id = NULL, suspicions = '[]', error = 'null'
                """,
                (
                    upload_id,
                    delivery.source,
                    delivery.sha256,
                    delivery.file_name,
                    delivery.size_bytes,
                    delivery.media_type,
                    delivery.delivered_by,
                    to_time(now),
                    run_id,
                    to_text(delivery.format),
                ),
            )
        connection.execute(
            "INSERT INTO run_uploads (run_id, upload_id, is_again, status, format)"
            " VALUES (?, ?, ?, 'accepted', ?)",
            (run_id, upload_id, is_again, to_text(delivery.format)),
        )

    def request(self, request: Request, *, run_id: str, now: datetime) -> Run:
        with self._database.writing(is_synced=True) as connection:
            for upload_id in request.upload_ids:
                if find_upload(connection, upload_id) is None:
                    raise rules.missing_upload(upload_id)
            _add_run(connection, request, run_id, now)
            return find_run(connection, run_id)

    def retry(self, run_id: str, now: datetime) -> Run:
        with self._database.writing(is_synced=True) as connection:
            run = find_run(connection, run_id)
            rules.check_retry(run)
            if rules.may_continue(sqlite_file.find_steps(connection, run_id)):
                connection.execute(
                    """
                    INSERT INTO steps (run_id, round, name, status, started_at, finished_at, result)
                    SELECT run_id, round + 1, name,
                      iif(status = 'succeeded', status, 'pending'),
                      iif(status = 'succeeded', started_at, NULL),
                      iif(status = 'succeeded', finished_at, NULL),
                      iif(status = 'succeeded', result, 'null')
                    FROM steps WHERE run_id = ? AND round = ? ORDER BY position
                    """,
                    (run_id, run.round),
                )
            self._take_up_uploads(connection, run_id)
            connection.execute(
                "UPDATE runs SET status = 'queued', round = round + 1, queued_at = ?,"
                " finished_at = NULL, error = 'null' WHERE run_id = ?",
                (to_time(now), run_id),
            )
            return find_run(connection, run_id)

    def _take_up_uploads(self, connection: sqlite3.Connection, run_id: str) -> None:
        rows = connection.execute(
            "SELECT * FROM run_uploads WHERE run_id = ? AND status = 'failed'", (run_id,)
        ).fetchall()
        for row in rows:
            upload = find_upload(connection, row["upload_id"])
            if upload is None or not rules.is_retried(upload, is_again=bool(row["is_again"])):
                continue
            connection.execute(
                "UPDATE run_uploads SET status = 'accepted', error = 'null'"
                " WHERE run_id = ? AND upload_id = ?",
                (run_id, upload.upload_id),
            )
            connection.execute(
                "UPDATE uploads SET status = 'accepted', run_id = ?, error = 'null',"
                " format = coalesce(?, format) WHERE upload_id = ? AND status = 'failed'",
                (run_id, row["format"], upload.upload_id),
            )


class _Execution:
    """See `journal.Execution`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def _unfinished(self) -> list[rules.Standing]:
        rows = self._database.read(
            "SELECT run_id, status, owner_id,"
            " (SELECT json_group_array(table_name) FROM run_tables"
            "   WHERE run_tables.run_id = runs.run_id) AS tables"
            " FROM runs WHERE status IN ('queued', 'running') ORDER BY sequence"
        )
        return [
            rules.Standing(
                run_id=row["run_id"],
                status=RunStatus(row["status"]),
                owner_id=row["owner_id"],
                tables=frozenset(json.loads(row["tables"])),
            )
            for row in rows
        ]

    def claim(self, owner_id: str, is_alive: journal.IsAlive, now: datetime) -> Claim | None:
        # Waiting processes ask often: they must not take the write lock to hear "nothing".
        if rules.next_run(self._unfinished(), owner_id=owner_id, is_alive=is_alive) is None:
            return None
        with self._database.writing(is_synced=False) as connection:
            found = rules.next_run(self._unfinished(), owner_id=owner_id, is_alive=is_alive)
            if found is None:
                return None
            fence = connection.execute(
                "UPDATE fence SET value = value + 1 RETURNING value"
            ).fetchone()["value"]
            before = find_run(connection, found.run_id).owner_id
            connection.execute(
                "UPDATE runs SET status = 'running', owner_id = ?, fence = ?,"
                " started_at = coalesce(started_at, ?) WHERE run_id = ?",
                (owner_id, fence, to_time(now), found.run_id),
            )
            run = find_run(connection, found.run_id)
            return Claim(
                run_id=run.run_id,
                owner_id=owner_id,
                fence=fence,
                token=run.token,
                previous_owner_id=before,
            )

    @contextmanager
    def _holding(
        self, claim: Claim, *, is_synced: bool = False
    ) -> Iterator[tuple[sqlite3.Connection, Run]]:
        with self._database.writing(is_synced=is_synced) as connection:
            run = find_run(connection, claim.run_id)
            if run.fence != claim.fence or run.status is not RunStatus.RUNNING:
                raise rules.lost(claim.run_id, claim.owner_id)
            yield connection, run

    def lock(self, claim: Claim, tables: Sequence[str]) -> bool:
        with self._holding(claim) as (connection, _):
            _add_tables(connection, claim.run_id, tables)
            other = connection.execute(
                "SELECT 1 FROM run_tables AS mine JOIN run_tables AS theirs USING (table_name)"
                " JOIN runs ON runs.run_id = theirs.run_id"
                " WHERE mine.run_id = ? AND theirs.run_id != mine.run_id"
                " AND runs.status = 'running' LIMIT 1",
                (claim.run_id,),
            ).fetchone()
            if other is not None:
                self._put_back(connection, claim)
            return other is None

    def _put_back(self, connection: sqlite3.Connection, claim: Claim) -> None:
        connection.execute("UPDATE runs SET status = 'queued' WHERE run_id = ?", (claim.run_id,))

    def prepare(self, claim: Claim, steps: Sequence[str]) -> None:
        with self._holding(claim) as (connection, run):
            connection.executemany(
                "INSERT INTO steps (run_id, round, name, status) VALUES (?, ?, ?, 'pending')"
                " ON CONFLICT DO NOTHING",
                [(run.run_id, run.round, step) for step in steps],
            )

    def discard(self, claim: Claim, steps: Sequence[str]) -> None:
        with self._holding(claim) as (connection, run):
            connection.executemany(
                "DELETE FROM steps WHERE run_id = ? AND round = ? AND name = ?",
                [(run.run_id, run.round, step) for step in steps],
            )

    def start(self, claim: Claim, step: str, now: datetime, *, is_synced: bool = False) -> Attempt:
        with self._holding(claim, is_synced=is_synced) as (connection, run):
            key = (run.run_id, run.round, step)
            connection.execute(
                "UPDATE attempts SET status = 'pending', finished_at = ?"
                " WHERE run_id = ? AND round = ? AND step = ? AND status = 'running'",
                (to_time(now), *key),
            )
            number = connection.execute(
                "INSERT INTO attempts (run_id, round, step, number, fence, status, started_at)"
                " SELECT ?, ?, ?, 1 + count(*), ?, 'running', ? FROM attempts"
                " WHERE run_id = ? AND round = ? AND step = ? RETURNING number",
                (*key, claim.fence, to_time(now), *key),
            ).fetchone()["number"]
            changed = connection.execute(
                "UPDATE steps SET status = 'running', started_at = ?, finished_at = NULL,"
                " error = 'null' WHERE run_id = ? AND round = ? AND name = ?",
                (to_time(now), *key),
            )
            if not changed.rowcount:
                raise rules.missing_step(claim.run_id, step)
            return Attempt(
                run_id=run.run_id,
                round=run.round,
                step=step,
                number=number,
                fence=claim.fence,
                status=StepStatus.RUNNING,
                started_at=now,
            )

    def end(
        self, claim: Claim, step: str, ending: Ending, now: datetime, *, is_synced: bool = False
    ) -> None:
        with self._holding(claim, is_synced=is_synced) as (connection, run):
            key = (run.run_id, run.round, step)
            changed = connection.execute(
                "UPDATE steps SET status = ?, finished_at = ?, result = ?, error = ?"
                " WHERE run_id = ? AND round = ? AND name = ?",
                (
                    ending.status.value,
                    to_time(now) if ending.status.is_finished else None,
                    to_text(ending.result),
                    to_text(ending.error),
                    *key,
                ),
            )
            if not changed.rowcount:
                raise rules.missing_step(claim.run_id, step)
            connection.execute(
                "UPDATE attempts SET status = ?, finished_at = ?, error = ?"
                " WHERE run_id = ? AND round = ? AND step = ? AND status = 'running'",
                (ending.status.value, to_time(now), to_text(ending.error), *key),
            )
            for upload_id, facts in ending.ready.items():
                _tell(connection, rules.raw_data_ready(run, upload_id, facts), now)

    def finish(self, claim: Claim, outcome: Outcome, now: datetime) -> None:
        with self._holding(claim, is_synced=True) as (connection, run):
            named = {upload.upload_id for upload in outcome.uploads}
            rows = connection.execute(
                "SELECT upload_id FROM run_uploads WHERE run_id = ? AND status = 'accepted'",
                (run.run_id,),
            ).fetchall()
            unnamed = tuple(
                UploadOutcome(upload_id=row[0], status=UploadStatus.FAILED, error=outcome.error)
                for row in rows
                if row[0] not in named
            )
            uploads = outcome.uploads + unnamed
            for upload in uploads:
                _conclude(connection, run.run_id, upload)
            connection.execute(
                "UPDATE runs SET status = ?, finished_at = ?, result = ?,"
                " error = ? WHERE run_id = ?",
                (
                    outcome.status.value,
                    to_time(now),
                    to_text(outcome.result),
                    to_text(outcome.error),
                    run.run_id,
                ),
            )
            statuses = {upload.upload_id: upload.status for upload in uploads}
            _tell(connection, rules.run_finished(run, outcome.status, statuses), now)

    def release(self, claim: Claim) -> None:
        with self._holding(claim) as (connection, _):
            self._put_back(connection, claim)


def _conclude(connection: sqlite3.Connection, run_id: str, outcome: UploadOutcome) -> None:
    """Write what a run made of one upload; a rebuild's outcome may name one that did not wait."""
    look = connection.execute(
        "INSERT INTO run_uploads (run_id, upload_id, is_again, status, error)"
        " VALUES (?, ?, 1, ?, ?) ON CONFLICT (run_id, upload_id)"
        " DO UPDATE SET status = excluded.status, error = excluded.error RETURNING format",
        (run_id, outcome.upload_id, outcome.status.value, to_text(outcome.error)),
    ).fetchone()["format"]
    if outcome.status is UploadStatus.FAILED:
        # An upload that is in bronze stays there when loading it again has failed.
        connection.execute(
            "UPDATE uploads SET status = 'failed', error = ?, records = ?, quarantined = ?"
            " WHERE upload_id = ? AND status = 'accepted'",
            (to_text(outcome.error), outcome.records, outcome.quarantined, outcome.upload_id),
        )
        return
    connection.execute(
        "UPDATE uploads SET status = ?, run_id = ?, records = ?, rows = ?, quarantined = ?,"
        " snapshot_id = ?, suspicions = ?, error = 'null', format = coalesce(?, format)"
        " WHERE upload_id = ?",
        (
            outcome.status.value,
            run_id,
            outcome.records,
            outcome.rows,
            outcome.quarantined,
            outcome.snapshot_id,
            to_text(outcome.suspicions),
            look,
            outcome.upload_id,
        ),
    )


class _Reading:
    """See `journal.Reading`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def upload(self, upload_id: str) -> Upload:
        rows = self._database.read("SELECT * FROM uploads WHERE upload_id = ?", (upload_id,))
        if not rows:
            raise rules.missing_upload(upload_id)
        return sqlite_file.to_upload(rows[0])

    def uploads(
        self,
        *,
        source: str | None = None,
        statuses: Sequence[UploadStatus] = (),
        limit: int | None = None,
    ) -> tuple[Upload, ...]:
        rows = self._database.read(
            "SELECT * FROM uploads WHERE (?1 IS NULL OR source = ?1)"
            " AND (?2 = '[]' OR status IN (SELECT value FROM json_each(?2)))"
            " ORDER BY sequence DESC LIMIT ?3",
            (source, to_text(list(statuses)), -1 if limit is None else limit),
        )
        return tuple(sqlite_file.to_upload(row) for row in rows)

    def run(self, run_id: str) -> Run:
        rows = self._database.read(f"{sqlite_file.RUNS} WHERE run_id = ?", (run_id,))
        if not rows:
            raise rules.missing_run(run_id)
        return sqlite_file.to_run(rows[0])

    def runs(
        self, *, statuses: Sequence[RunStatus] = (), limit: int | None = None
    ) -> tuple[Run, ...]:
        rows = self._database.read(
            f"{sqlite_file.RUNS} WHERE (?1 = '[]' OR status IN (SELECT value FROM json_each(?1)))"
            " ORDER BY sequence DESC LIMIT ?2",
            (to_text(list(statuses)), -1 if limit is None else limit),
        )
        return tuple(sqlite_file.to_run(row) for row in rows)

    def run_uploads(self, run_id: str) -> tuple[RunUpload, ...]:
        rows = self._database.read(
            "SELECT * FROM run_uploads WHERE run_id = ? ORDER BY sequence", (run_id,)
        )
        return tuple(sqlite_file.to_run_upload(row) for row in rows)

    def steps(self, run_id: str) -> tuple[Step, ...]:
        rows = self._database.read(sqlite_file.STEPS, (self.run(run_id).run_id,))
        return tuple(sqlite_file.to_step(row) for row in rows)

    def attempts(self, run_id: str) -> tuple[Attempt, ...]:
        rows = self._database.read(
            "SELECT * FROM attempts WHERE run_id = ? ORDER BY sequence", (run_id,)
        )
        return tuple(sqlite_file.to_attempt(row) for row in rows)

    def events(self, *, after: int = 0, limit: int = 1000) -> tuple[Event, ...]:
        rows = self._database.read(
            "SELECT * FROM events WHERE sequence > ? ORDER BY sequence LIMIT ?", (after, limit)
        )
        return tuple(sqlite_file.to_event(row) for row in rows)
