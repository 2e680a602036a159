"""The catalog in a file: SQLite, and all pointers of a publish move in one transaction.

It holds the two tables that PyIceberg's own `SqlCatalog` (and Iceberg's JDBC catalog)
keeps, so both open it as theirs. It is written through the standard library: so the pointers of
many tables move in one transaction, and nobody waits for SQLAlchemy to load. A pointer moves only
from where the mover thinks it is (compare and swap); a move that comes too late fails as a whole.

Synced before it answers: journal mode WAL with `synchronous = FULL`. What a commit refers to is
synced before.
"""

import os
import sqlite3
import threading
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lakewright import errors
from lakewright.lake import durable, metadata
from lakewright.lake.catalog import Change
from lakewright.lake.metadata import Document

NAME = "lakewright"
"""The catalog's name in its file: one file could hold several catalogs."""

BUSY_TIMEOUT_MS = 30_000
"""How long to wait for another process's transaction. They last milliseconds; half a minute means
that one is stopped."""

# Column for column what PyIceberg 0.12 creates (schema version v1).
_TABLES = """
CREATE TABLE IF NOT EXISTS iceberg_tables (
    catalog_name VARCHAR(255) NOT NULL,
    table_namespace VARCHAR(255) NOT NULL,
    table_name VARCHAR(255) NOT NULL,
    metadata_location VARCHAR(1000),
    previous_metadata_location VARCHAR(1000),
    iceberg_type VARCHAR(5),
    PRIMARY KEY (catalog_name, table_namespace, table_name)
);
CREATE TABLE IF NOT EXISTS iceberg_namespace_properties (
    catalog_name VARCHAR(255) NOT NULL,
    namespace VARCHAR(255) NOT NULL,
    property_key VARCHAR(255) NOT NULL,
    property_value VARCHAR(1000) NOT NULL,
    PRIMARY KEY (catalog_name, namespace, property_key)
);
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Move:
    """One table's pointer, from where it must be to where it shall be."""

    table: str
    before: str | None
    """None: the table must not exist."""
    after: str | None
    """None: the table goes."""


class SqliteCatalog:
    """The pointers in one SQLite file. May be used by several threads."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._process_id = 0

    @property
    def place(self) -> str:
        """The file's path."""
        return str(self.path)

    @property
    def is_in_folder(self) -> bool:
        """It is a file beside the tables."""
        return True

    def pointers(self) -> Mapping[str, str]:
        """The metadata file of every table, by `layer.table`, in order of name."""
        if not self.path.exists():
            return {}
        with self._transaction("BEGIN") as connection:
            rows = connection.execute(
                "SELECT table_namespace || '.' || table_name, metadata_location"
                " FROM iceberg_tables WHERE catalog_name = ? AND metadata_location IS NOT NULL"
                " AND (iceberg_type = 'TABLE' OR iceberg_type IS NULL) ORDER BY 1",
                (NAME,),
            ).fetchall()
        return dict(rows)

    def pointer(self, table: str) -> str | None:
        """The metadata file of one table; None: there is no such table."""
        return self.pointers().get(table)

    def blank(self, table: Document) -> Document:
        """As it is: everything that a table has comes with its first snapshot."""
        return table

    def commit(self, changes: Sequence[Change], written: Sequence[Path], root: Path) -> None:
        """Write each table's metadata, sync it and what it refers to, then move all pointers.

        Raises:
            CommitConflict: a pointer has moved, or another process holds the file.
            OSError: the disk refuses.
        """
        moves: list[Move] = []
        for one in changes:
            location = _new_location(one)
            durable.make_folder(Path(location).parent)
            durable.write_new(Path(location), metadata.dump(_logged(one)))
            moves.append(Move(table=one.table, before=one.pointer, after=location))
        new = [Path(move.after) for move in moves if move.after is not None]
        durable.sync_all([*written, *new], root)
        self.move(moves)

    def move(self, moves: Sequence[Move]) -> None:
        """Move all pointers, or none; when this returns, no loss of power can undo it.

        Raises:
            CommitConflict: a pointer is not where its move says, or another process holds the file.
        """
        durable.make_folder(self.path.parent)
        with self._transaction("BEGIN IMMEDIATE") as connection:
            for move in moves:
                _move(connection, move)

    def close(self) -> None:
        """Let go of the file; the next use opens it again."""
        with self._lock:
            if self._connection is not None and self._process_id == os.getpid():
                self._connection.close()
            self._connection = None

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[sqlite3.Connection]:
        with self._lock, _translated(self.path):
            connection = self._open()
            connection.execute(begin)
            try:
                yield connection
                connection.execute("COMMIT")
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")

    def _open(self) -> sqlite3.Connection:
        # A connection must not cross a fork: SQLite's locks belong to the process that took them.
        if self._connection is None or self._process_id != os.getpid():
            is_new = not self.path.exists()
            connection = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
            try:
                _make_ready(connection)
            except BaseException:
                connection.close()
                raise
            if is_new:
                durable.sync(self.path.parent)
            self._connection = connection
            self._process_id = os.getpid()
        return self._connection


def _make_ready(connection: sqlite3.Connection) -> None:
    connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.executescript(_TABLES)


def _new_location(change: Change) -> str:
    """The place of the next metadata file: the version's number first, as Iceberg's names have."""
    version = 0
    if change.pointer is not None:
        number = Path(change.pointer).name.partition("-")[0]
        version = int(number) + 1 if number.isdigit() else 1
    return metadata.file_path(change.after, f"{version:05d}-{uuid.uuid4()}.metadata.json")


def _logged(change: Change) -> Document:
    if change.pointer is None or change.before is None:
        return change.after
    return metadata.log_previous(change.after, change.pointer, change.before["last-updated-ms"])


def _move(connection: sqlite3.Connection, move: Move) -> None:
    namespace, _, name = move.table.partition(".")
    key = (NAME, namespace, name)
    if move.before is None:
        connection.execute(
            "INSERT OR IGNORE INTO iceberg_namespace_properties VALUES (?, ?, 'exists', 'true')",
            (NAME, namespace),
        )
        done = connection.execute(
            "INSERT OR IGNORE INTO iceberg_tables VALUES (?, ?, ?, ?, NULL, 'TABLE')",
            (*key, move.after),
        )
    elif move.after is None:
        done = connection.execute(
            "DELETE FROM iceberg_tables WHERE catalog_name = ? AND table_namespace = ?"
            " AND table_name = ? AND metadata_location = ?",
            (*key, move.before),
        )
    else:
        done = connection.execute(
            "UPDATE iceberg_tables SET metadata_location = ?, previous_metadata_location = ?"
            " WHERE catalog_name = ? AND table_namespace = ? AND table_name = ?"
            " AND metadata_location = ?",
            (move.after, move.before, *key, move.before),
        )
    if done.rowcount != 1:
        raise errors.CommitConflict(
            f"the table {move.table} has moved",
            why="another commit changed, made or dropped it after this one had read it",
            hint="run it again: it will start from the table's present state",
        )


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise errors.CommitConflict(
                f"the catalog {path} is in use",
                why=f"another process held it for more than {BUSY_TIMEOUT_MS // 1000} seconds",
                hint="wait for that process, or end it, and try again",
            ) from error
        raise _unusable(path, error) from error
    except sqlite3.DatabaseError as error:
        raise _unusable(path, error) from error


def _unusable(path: Path, error: sqlite3.Error) -> errors.LakewrightError:
    return errors.LakewrightError(
        f"the catalog {path} cannot be used",
        why=str(error),
        hint="check the disk's free space and the file's permissions; restore a damaged file",
    )
