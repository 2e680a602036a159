"""The SQLite file that a journal lies in: connection, transactions, version, rows as values.

Write-ahead logging lets readers go on while someone writes. Every transaction begins IMMEDIATE, so
that what it read is still true when it writes.
"""

import json
import os
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path

from lakewright import errors
from lakewright.runs import rules
from lakewright.runs.journal import (
    Attempt,
    Event,
    Json,
    Request,
    RequestKind,
    Run,
    RunStatus,
    RunUpload,
    Step,
    StepStatus,
    Upload,
    UploadStatus,
)

BUSY_TIMEOUT_SECONDS = 30
"""How long a write waits for another process's. Ours take milliseconds; a slow disk's sync more."""

VERSION = 2

MIGRATIONS: Mapping[int, str] = {
    1: "ALTER TABLE uploads ADD COLUMN format TEXT NOT NULL DEFAULT '{}';"
    "ALTER TABLE run_uploads ADD COLUMN format TEXT;",
}
"""For each version before the present one, the script that leads to the next."""


class Database:
    """The connection, its transactions, and the file's version."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.RLock()
        is_new = not path.exists()
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._translated():
            self._connection = sqlite3.connect(
                path,
                timeout=BUSY_TIMEOUT_SECONDS,
                isolation_level=None,
                check_same_thread=False,
            )
            self._connection.row_factory = sqlite3.Row
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA foreign_keys = ON")
        self._migrate()
        if is_new:
            _sync_folders(path)

    def _migrate(self) -> None:
        with self.writing(is_synced=True) as connection:
            version = int(connection.execute("PRAGMA user_version").fetchone()[0])
            if version > VERSION:
                raise errors.Conflict(
                    f"the journal {self.path} has version {version}",
                    why=f"this Lakewright knows versions up to {VERSION}: a newer one wrote it",
                    hint="use the newer Lakewright, or another storage folder",
                )
            if version == VERSION:
                return
            if version == 0:
                schema = resources.files("lakewright.runs").joinpath("schema.sql")
                scripts = [schema.read_text("utf-8")]
            else:
                scripts = [MIGRATIONS[number] for number in range(version, VERSION)]
            for statement in _statements("\n".join(scripts)):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {VERSION}")

    @contextmanager
    def writing(self, *, is_synced: bool) -> Iterator[sqlite3.Connection]:
        """One transaction. `is_synced`: it, and all before it, is on disk when it has ended."""
        with self._lock, self._translated():
            mode = "FULL" if is_synced else "NORMAL"
            self._connection.execute(f"PRAGMA synchronous = {mode}")
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def read(self, sql: str, values: Sequence[str | int | None] = ()) -> list[sqlite3.Row]:
        """The rows of one query."""
        with self._lock, self._translated():
            return self._connection.execute(sql, values).fetchall()

    def close(self) -> None:
        """Close the connection; a journal that is closed answers nothing."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as cause:
            raise _translate(cause, self.path) from cause


def _translate(cause: sqlite3.Error, path: Path) -> errors.LakewrightError:
    if getattr(cause, "sqlite_errorname", "").startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return errors.Conflict(
            f"the journal {path} is locked",
            why=f"another process has been writing to it for {BUSY_TIMEOUT_SECONDS} seconds",
            hint="wait for it, or end it",
        )
    return errors.LakewrightError(
        f"the journal {path} cannot be read or written",
        why=str(cause),
        hint="check that the disk has room and that the folder may be written to",
    )


def _statements(script: str) -> Iterator[str]:
    """The statements of a script one by one: `executescript` would commit between them."""
    start = 0
    for end in (index + 1 for index, letter in enumerate(script) if letter == ";"):
        if sqlite3.complete_statement(script[start:end]):
            yield script[start:end]
            start = end


def _sync_folders(path: Path) -> None:
    """Put a new file's name, and the name of its folder, on disk."""
    for folder in (path.parent, path.parent.parent):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def to_text(value: Json) -> str:
    """JSON as the journal stores it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def to_time(moment: datetime) -> str:
    """A time as the journal stores it; times in text form sort as times."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _json(text: str) -> Json:
    value: Json = json.loads(text)
    return value


def to_upload(row: sqlite3.Row) -> Upload:
    """One upload."""
    return Upload(
        upload_id=row["upload_id"],
        source=row["source"],
        sha256=row["sha256"],
        file_name=row["file_name"],
        size_bytes=row["size_bytes"],
        media_type=row["media_type"],
        delivered_by=row["delivered_by"],
        accepted_at=datetime.fromisoformat(row["accepted_at"]),
        status=UploadStatus(row["status"]),
        run_id=row["run_id"],
        records=row["records"],
        rows=row["rows"],
        quarantined=row["quarantined"],
        snapshot_id=row["snapshot_id"],
        suspicions=tuple(json.loads(row["suspicions"])),
        error=_json(row["error"]),
        format=json.loads(row["format"]),
    )


RUNS = """
SELECT runs.*,
  (SELECT json_group_array(table_name) FROM run_tables WHERE run_tables.run_id = runs.run_id)
    AS tables,
  (SELECT json_group_array(upload_id) FROM
    (SELECT upload_id FROM run_uploads WHERE run_uploads.run_id = runs.run_id ORDER BY sequence))
    AS upload_ids
FROM runs
"""


def to_run(row: sqlite3.Row) -> Run:
    """One run, from a row of `RUNS`."""
    return Run(
        run_id=row["run_id"],
        sequence=row["sequence"],
        request=Request(
            kind=RequestKind(row["kind"]),
            payload=_json(row["payload"]),
            source=row["source"],
            upload_ids=tuple(json.loads(row["upload_ids"])),
            tables=tuple(sorted(json.loads(row["tables"]))),
        ),
        status=RunStatus(row["status"]),
        round=row["round"],
        queued_at=datetime.fromisoformat(row["queued_at"]),
        started_at=_moment(row["started_at"]),
        finished_at=_moment(row["finished_at"]),
        owner_id=row["owner_id"],
        fence=row["fence"],
        result=_json(row["result"]),
        error=_json(row["error"]),
    )


def to_step(row: sqlite3.Row) -> Step:
    """One step, from a row of `STEPS`."""
    return Step(
        run_id=row["run_id"],
        name=row["name"],
        status=StepStatus(row["status"]),
        attempts=row["attempts"],
        started_at=_moment(row["started_at"]),
        finished_at=_moment(row["finished_at"]),
        result=_json(row["result"]),
        error=_json(row["error"]),
    )


def find_run(connection: sqlite3.Connection, run_id: str) -> Run:
    """One run. Raises `NotFound`."""
    row = connection.execute(f"{RUNS} WHERE run_id = ?", (run_id,)).fetchone()
    if row is None:
        raise rules.missing_run(run_id)
    return to_run(row)


def find_upload(connection: sqlite3.Connection, upload_id: str) -> Upload | None:
    """One upload, if the journal knows it."""
    row = connection.execute("SELECT * FROM uploads WHERE upload_id = ?", (upload_id,)).fetchone()
    return None if row is None else to_upload(row)


STEPS = """
SELECT steps.*,
  (SELECT count(*) FROM attempts WHERE attempts.run_id = steps.run_id
    AND attempts.round = steps.round AND attempts.step = steps.name) AS attempts
FROM steps JOIN runs USING (run_id, round) WHERE run_id = ? ORDER BY position
"""


def find_steps(connection: sqlite3.Connection, run_id: str) -> tuple[Step, ...]:
    """The steps of a run's present round, in order."""
    return tuple(to_step(row) for row in connection.execute(STEPS, (run_id,)))


def to_attempt(row: sqlite3.Row) -> Attempt:
    """One attempt."""
    return Attempt(
        run_id=row["run_id"],
        round=row["round"],
        step=row["step"],
        number=row["number"],
        fence=row["fence"],
        status=StepStatus(row["status"]),
        started_at=datetime.fromisoformat(row["started_at"]),
        finished_at=_moment(row["finished_at"]),
        error=_json(row["error"]),
    )


def to_run_upload(row: sqlite3.Row) -> RunUpload:
    """One upload's part in a run."""
    return RunUpload(
        run_id=row["run_id"],
        upload_id=row["upload_id"],
        is_again=bool(row["is_again"]),
        status=UploadStatus(row["status"]),
        error=_json(row["error"]),
        format=None if row["format"] is None else json.loads(row["format"]),
    )


def to_event(row: sqlite3.Row) -> Event:
    """One event."""
    return Event(
        event_id=row["event_id"],
        sequence=row["sequence"],
        kind=row["kind"],
        at=datetime.fromisoformat(row["at"]),
        payload=_json(row["payload"]),
    )
