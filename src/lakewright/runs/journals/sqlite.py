"""The journal in one SQLite file.

Write-ahead logging lets readers go on while someone writes. Every transaction that writes begins
IMMEDIATE, so that what it has read is still true when it writes: nothing else need be locked.
"""

import os
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from lakewright import errors
from lakewright.runs import journal
from lakewright.runs.journals import relational
from lakewright.runs.journals.relational import statements
from lakewright.runs.journals.relational.database import Row, Value
from lakewright.runs.ownership import FileOwners

BUSY_TIMEOUT_SECONDS = 30
"""How long a write waits for another process's. Ours take milliseconds; a slow disk's sync more."""


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
            self._connection.row_factory = sqlite3.Row
            self._connection.execute("PRAGMA journal_mode = WAL")
        self._transaction = _Transaction(self._connection, statements.named("sqlite"))
        self._migrate()
        with self._translated():
            # Not before: a migration may have to replace a table that others refer to.
            self._connection.execute("PRAGMA foreign_keys = ON")
        if is_new:
            _sync_folders(path)

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

    def hold(self, name: str) -> None:
        """Whoever writes has kept everybody out already."""


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
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
