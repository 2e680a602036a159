"""The journal in one SQLite file.

Write-ahead logging lets readers go on while someone writes. Every transaction that writes begins
IMMEDIATE, so that what it has read is still true when it writes: nothing else need be locked.
"""

import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from lakewright import errors
from lakewright.runs import journal
from lakewright.runs.journals import inotify, relational
from lakewright.runs.journals.relational import statements
from lakewright.runs.journals.relational.database import Row, Value
from lakewright.runs.ownership import FileOwners

BUSY_TIMEOUT_SECONDS = 30
"""How long a write waits for another process's. Ours take milliseconds; a slow disk's sync more."""


LISTEN_SECONDS = 0.01
"""How often a listener looks whether somebody has written, where the system does not tell it."""

SETTLE_SECONDS = 0.02
"""How long a commit may take from its last write to the moment when others see it, for a listener
to hear of it at once. On a slower disk it hears of it when it is asked the next time."""


def open_journal(path: Path) -> journal.Journal:
    """Open the journal in this file; make it if it does not exist, bring it up to date if it does.

    Raises:
        Conflict: the file was written by a newer Lakewright, or stays locked by another process.
    """
    return relational.open_journal(Database(path), FileOwners(path.parent / "owners"))


class Database:
    """See `database.Database`."""

    def __init__(self, path: Path) -> None:
        self._path = path
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
        self._transaction = _Transaction(self._connection, statements.named("sqlite"))
        try:
            self._make_ready(is_new=is_new)
        except BaseException:
            self._connection.close()
            raise

    def _make_ready(self, *, is_new: bool) -> None:
        with self._translated():
            self._connection.row_factory = sqlite3.Row
            self._connection.execute("PRAGMA journal_mode = WAL")
        self._migrate()
        with self._translated():
            # Not before: a migration may have to replace a table that others refer to.
            self._connection.execute("PRAGMA foreign_keys = ON")
        if is_new:
            _sync_folders(self._path)

    def _migrate(self) -> None:
        """Bring the journal up to date. One that is, is only looked at: who opens it waits for
        nobody who writes."""
        if self._is_up_to_date():
            return
        with self._lock, self._translated(), self._begun(is_synced=True):
            if self._is_up_to_date():
                return
            version = self._pragma("user_version")
            for script in statements.scripts("sqlite", version):
                for statement in _split(script):
                    self._connection.execute(statement)
            if self._connection.execute("PRAGMA foreign_key_check").fetchone() is not None:
                raise sqlite3.IntegrityError("a row refers to another that is not there")
            self._connection.execute(f"PRAGMA user_version = {statements.VERSION}")

    def _is_up_to_date(self) -> bool:
        with self._translated():
            version = self._pragma("user_version")
        if version > statements.VERSION:
            raise errors.Conflict(
                f"the journal {self._path} has version {version}",
                why=f"this Lakewright knows versions up to {statements.VERSION}:"
                " a newer one wrote it",
                hint="use the newer Lakewright, or another storage folder",
            )
        return version == statements.VERSION

    def _pragma(self, name: str) -> int:
        return int(self._connection.execute(f"PRAGMA {name}").fetchone()[0])

    @contextmanager
    def _begun(self, *, is_synced: bool) -> Iterator[None]:
        mode = "FULL" if is_synced else "NORMAL"
        self._connection.execute(f"PRAGMA synchronous = {mode}")
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    @contextmanager
    def reading(self) -> Iterator["_Transaction"]:
        """Look, and write nothing."""
        with self._lock, self._translated():
            yield self._transaction

    @contextmanager
    def writing(self, *, is_synced: bool) -> Iterator["_Transaction"]:
        """One transaction. `is_synced`: it, and all before it, is on disk when it has ended."""
        with self._lock, self._translated(), self._begun(is_synced=is_synced):
            yield self._transaction

    def settle(self) -> None:
        """Have on disk what was looked at until now: what is not in the log any more is."""
        try:
            with suppress(FileNotFoundError):
                _sync(_log_of(self._path))
        except OSError as cause:
            raise errors.StorageFailed(
                f"the journal {self._path} cannot be synced to the disk",
                why=str(cause),
                hint="check the disk that the folder is on",
            ) from cause

    def listen(self) -> "Listener":
        """See `journal.Journal`."""
        with self._translated():
            return Listener(self._path)

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as cause:
            raise _translate(cause, self._path) from cause


class _Transaction:
    """See `database.Transaction`."""

    def __init__(self, connection: sqlite3.Connection, named: Mapping[str, str]) -> None:
        self._connection = connection
        self._named = named

    def first(self, statement: str, **values: Value) -> Row | None:
        rows = self.every(statement, **values)
        return rows[0] if rows else None

    def every(self, statement: str, **values: Value) -> Sequence[Row]:
        return self._connection.execute(self._named[statement], values).fetchall()

    def change(self, statement: str, **values: Value) -> int:
        return self._connection.execute(self._named[statement], values).rowcount

    def change_each(self, statement: str, values: Sequence[Mapping[str, Value]]) -> None:
        self._connection.executemany(self._named[statement], values)

    def wake(self) -> None:
        """Every write is heard."""

    def hold(self, name: str) -> None:
        """Whoever writes has kept everybody out already."""


class Listener:
    """See `journal.Listener`. It hears whatever another connection has written."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_SECONDS)
        self._seen = self._version()
        self._watch: inotify.Watch | None = None
        self._settled_at = 0.0
        with suppress(OSError):
            self._watch = inotify.Watch(_log_of(path))

    def _version(self) -> int:
        # SQLite changes it in this connection when others have written.
        return int(self._connection.execute("PRAGMA data_version").fetchone()[0])

    def wait(self, seconds: float) -> bool:
        ends_at = time.monotonic() + seconds
        while not self._has_changed():
            left = ends_at - time.monotonic()
            if left <= 0:
                return False
            self._rest(left)
        return True

    def _has_changed(self) -> bool:
        try:
            before, self._seen = self._seen, self._version()
        except sqlite3.Error as cause:
            raise _translate(cause, self._path) from cause
        return self._seen != before

    def _rest(self, seconds: float) -> None:
        """Wait until it may be worth looking again."""
        if self._watch is None:
            time.sleep(min(seconds, LISTEN_SECONDS))
        elif time.monotonic() < self._settled_at:
            time.sleep(SETTLE_SECONDS / 20)
        elif self._watch.wait(seconds):
            self._settled_at = time.monotonic() + SETTLE_SECONDS

    def close(self) -> None:
        if self._watch is not None:
            self._watch.close()
        self._connection.close()


def _translate(cause: sqlite3.Error, path: Path) -> errors.LakewrightError:
    if getattr(cause, "sqlite_errorname", "").startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return errors.Conflict(
            f"the journal {path} is locked",
            why=f"another process has been writing to it for {BUSY_TIMEOUT_SECONDS} seconds",
            hint="wait for it, or end it",
        )
    if getattr(cause, "sqlite_errorname", "").startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        return errors.StorageFailed(
            f"the journal {path} is damaged",
            why=str(cause),
            hint="put back a copy of the file; the tables and the delivered files beside it are"
            " whole, and `lakewright sql` reads them",
        )
    return errors.StorageFailed(
        f"the journal {path} cannot be read or written",
        why=str(cause),
        hint="check that the disk has room and that the folder may be written to",
    )


def _split(script: str) -> Iterator[str]:
    """The statements of a script one by one: `executescript` would commit between them."""
    start = 0
    for end in (index + 1 for index, letter in enumerate(script) if letter == ";"):
        if sqlite3.complete_statement(script[start:end]):
            yield script[start:end]
            start = end


def _sync_folders(path: Path) -> None:
    """Put a new file's name, and the name of its folder, on disk."""
    for folder in (path.parent, path.parent.parent):
        _sync(folder)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _log_of(path: Path) -> Path:
    """SQLite's write-ahead log, to which every commit goes first."""
    return path.with_name(f"{path.name}-wal")
