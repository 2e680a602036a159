"""The journal in PostgreSQL, where several machines share one. The only door to psycopg.

A transaction that is synced ends when the server has it on disk. A connection that was lost between
two transactions is made anew, and nobody hears of it; one that is lost within a transaction is told
as `JournalUnavailable`. What was asked for may then be asked for again: a delivery is known by its
content, and a claim by its fence.

An owner has a connection of its own, which holds an advisory lock: the server lets go of it when
the connection ends, so that a dead owner's runs are adopted at once, from any machine. One that is
only asleep is known by its heartbeat, on the server's clock. (A pool that shares connections
between transactions, such as PgBouncer's, cannot carry such a lock: connect to the server itself.)
"""

import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from types import TracebackType
from typing import Any, Self, TypeAlias, cast

import psycopg
from psycopg import conninfo
from psycopg import errors as refusals
from psycopg.rows import dict_row
from psycopg.types.string import TextLoader

from lakewright import errors
from lakewright.runs import journal, ownership
from lakewright.runs.journals import relational
from lakewright.runs.journals.relational import statements
from lakewright.runs.journals.relational.database import Row, Value

LOCK_TIMEOUT_SECONDS = 30
"""How long a write waits for another's. Ours take milliseconds."""

BEAT_SECONDS_MAX = 5.0
"""How long an owner waits for the server to hear its heartbeat: it has a child to watch meanwhile.
Several beats may come to nothing before the lease is over."""

REST_SECONDS = 10.0
"""How long an owner leaves a server alone that did not answer its heartbeat."""

_DEFAULTS: Mapping[str, str | int] = {
    "application_name": "lakewright",
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,
}
"""So that a server or a network that has gone is noticed within half a minute."""

_SESSION = f"""
SET timezone = 'UTC';
SET lock_timeout = '{LOCK_TIMEOUT_SECONDS}s';
SET idle_in_transaction_session_timeout = '60s';
SET default_transaction_isolation = 'read committed';
SET tcp_keepalives_idle = 10;
SET tcp_keepalives_interval = 5;
SET tcp_keepalives_count = 3;
"""
"""The server, too, is to notice within half a minute that a machine has gone, with its locks."""

_PASSING = (
    refusals.LockNotAvailable,
    refusals.QueryCanceled,
    refusals.DeadlockDetected,
    refusals.SerializationFailure,
    refusals.InsufficientResources,
    refusals.CannotConnectNow,
    refusals.ReadOnlySqlTransaction,
)
"""Refusals that pass by themselves. A server that is read-only is a replica about to take over."""

_Connection: TypeAlias = psycopg.Connection[dict[str, Any]]
_Cursor: TypeAlias = psycopg.Cursor[dict[str, Any]]


def open_journal(url: str) -> journal.Journal:
    """Open the journal in this database, in the first schema of its search path; make it if it is
    not there, bring it up to date if it is.

    Raises:
        UsageError: the URL is none of PostgreSQL's.
        JournalUnavailable: the server does not answer.
        Conflict: a newer Lakewright wrote the journal.
    """
    database = Database(url)
    return relational.open_journal(database, Owners(database))


class Server:
    """Where the database is, and how its errors are told. Its password is never told."""

    def __init__(self, url: str) -> None:
        try:
            given = conninfo.conninfo_to_dict(url)
        except psycopg.ProgrammingError:
            # Its cause repeats the URL, which may hold a password.
            raise errors.UsageError(
                "the journal's URL cannot be read",
                why="it is not one as PostgreSQL's programs take it",
                hint="write it as postgresql://user@host:5432/database",
            ) from None
        defaults = {key: value for key, value in _DEFAULTS.items() if key not in given}
        self._conninfo = conninfo.make_conninfo(url, **defaults)
        place = ":".join(str(given[key]) for key in ("host", "port") if given.get(key))
        self._name = f"postgresql://{place}/{given.get('dbname') or ''}"

    def __str__(self) -> str:
        """The server and the database."""
        return self._name

    def connect(self, seconds_max: float | None = None) -> _Connection:
        """A new connection. Without a transaction of ours, each statement is one by itself.

        `seconds_max`: how long making it, and each statement, may take.
        """
        limits = {} if seconds_max is None else _limits(seconds_max)
        where = conninfo.make_conninfo(self._conninfo, **limits)
        connection = psycopg.connect(where, autocommit=True, row_factory=dict_row)
        try:
            connection.execute(_SESSION, prepare=False)
            if seconds_max is not None:
                limit = f"SET statement_timeout = {int(1000 * seconds_max)}"
                connection.execute(limit.encode(), prepare=False)
        except BaseException:
            connection.close()
            raise
        # JSON is read by whoever asked for it, as it was written.
        connection.adapters.register_loader("json", TextLoader)
        return connection

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Tell psycopg's errors as ours."""
        try:
            yield
        except psycopg.Error as cause:
            raise self._translate(cause) from cause

    def _translate(self, cause: psycopg.Error) -> errors.LakewrightError:
        why = " ".join(str(cause).split())
        # A connection that could not be made, or was lost, has no code: no server refused anything.
        is_lost = isinstance(cause, psycopg.OperationalError) and cause.sqlstate is None
        if is_lost or isinstance(cause, _PASSING) or (cause.sqlstate or "").startswith("57P"):
            return errors.JournalUnavailable(
                f"the journal {self} cannot be reached now",
                why=why,
                hint="nothing that was acknowledged is lost: try again when the server answers",
            )
        return errors.LakewrightError(
            f"the journal {self} cannot be read or written",
            why=why,
            hint="check the user's rights to the database, and that it is a journal's own",
        )


class Database:
    """See `database.Database`."""

    def __init__(self, url: str) -> None:
        self.server = Server(url)
        self._lock = threading.RLock()
        self._statements = _encoded(statements.named("postgres"))
        self._is_writing = False
        with self.server.translated():
            self._connection = self.server.connect()
        try:
            self._migrate()
        except BaseException:
            self._connection.close()
            raise

    def _migrate(self) -> None:
        """Bring the journal up to date. One that is, is only looked at: who opens it waits for
        nobody who writes."""
        with self.reading() as look:
            if self._version(look) == statements.VERSION:
                return
        with self.writing(is_synced=True) as transaction:
            transaction.hold("schema")
            version = self._version(transaction)
            if version == statements.VERSION:
                return
            for script in statements.scripts("postgres", version):
                self._connection.execute(script.encode(), prepare=False)
            statement = "put_version" if version else "add_version"
            transaction.change(statement, version=statements.VERSION)

    def _version(self, transaction: "_Transaction") -> int:
        """The version of the journal; 0: there is none yet."""
        is_there = transaction.first("journal_version_table") is not None
        found = transaction.first("version") if is_there else None
        version = 0 if found is None else cast("int", found["value"])
        if version > statements.VERSION:
            raise errors.Conflict(
                f"the journal {self.server} has version {version}",
                why=f"this Lakewright knows versions up to {statements.VERSION}:"
                " a newer one wrote it",
                hint="use the newer Lakewright, or another database",
            )
        return version

    @contextmanager
    def reading(self) -> Iterator["_Transaction"]:
        """Look, and write nothing."""
        with self._lock, self.server.translated():
            yield _Transaction(self._execute if self._is_writing else self._look, self._statements)

    @contextmanager
    def writing(self, *, is_synced: bool) -> Iterator["_Transaction"]:
        """One transaction. `is_synced`: it, and all before it, is on disk when it has ended."""
        mode = "on" if is_synced else "off"
        with self._lock, self.server.translated():
            self._is_writing = True
            try:
                self._look(f"BEGIN; SET LOCAL synchronous_commit = {mode}".encode())
                yield _Transaction(self._execute, self._statements)
                self._execute(b"COMMIT")
            except BaseException:
                self._roll_back()
                raise
            finally:
                self._is_writing = False

    def _execute(self, sql: bytes, values: Mapping[str, Value] | None = None) -> _Cursor:
        return self._connection.execute(sql, values)

    def _look(self, sql: bytes, values: Mapping[str, Value] | None = None) -> _Cursor:
        """Execute what may be executed twice: if the connection was lost, on a new one."""
        try:
            return self._execute(sql, values)
        except psycopg.OperationalError:
            if not self._connection.closed:
                raise
        self._connection = self.server.connect()
        return self._execute(sql, values)

    def _roll_back(self) -> None:
        try:
            self._connection.rollback()
        except psycopg.Error:
            # The next transaction makes a new one; the server has rolled back what this one began.
            self._connection.close()

    def settle(self) -> None:
        """Have on disk what was looked at until now: the server's log is synced in its order."""
        with self.writing(is_synced=True) as transaction:
            transaction.first("write_to_log")

    def listen(self) -> "Listener":
        """See `journal.Journal`."""
        with self.server.translated():
            return Listener(self.server)

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._connection.close()


class _Transaction:
    """See `database.Transaction`."""

    def __init__(
        self, execute: Callable[[bytes, Mapping[str, Value]], _Cursor], named: Mapping[str, bytes]
    ) -> None:
        self._execute = execute
        self._named = named

    def first(self, statement: str, **values: Value) -> Row | None:
        return self._execute(self._named[statement], values).fetchone()

    def every(self, statement: str, **values: Value) -> Sequence[Row]:
        return self._execute(self._named[statement], values).fetchall()

    def change(self, statement: str, **values: Value) -> int:
        return self._execute(self._named[statement], values).rowcount

    def change_each(self, statement: str, values: Sequence[Mapping[str, Value]]) -> None:
        for each in values:
            self._execute(self._named[statement], each)

    def wake(self) -> None:
        self._execute(self._named["wake"], {})

    def hold(self, name: str) -> None:
        self._execute(self._named["hold"], {"name": name})


class Listener:
    """See `journal.Listener`. It hears the `wake` of every journal in its schema."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._connection = server.connect()
        try:
            row = self._connection.execute("SELECT current_schema() AS name").fetchone()
            self._schema = None if row is None else row["name"]
            self._connection.execute("LISTEN lakewright")
        except BaseException:
            self._connection.close()
            raise

    def wait(self, seconds: float) -> bool:
        with self._server.translated():
            heard = list(self._connection.notifies(timeout=seconds, stop_after=1))
        return any(each.payload == self._schema for each in heard)

    def close(self) -> None:
        self._connection.close()


def _limits(seconds_max: float) -> Mapping[str, int]:
    # A connection that takes a second is told from one that takes for ever; libpq knows no less
    # than two.
    return {
        "connect_timeout": max(2, int(seconds_max)),
        "tcp_user_timeout": int(1000 * seconds_max),
    }


def _encoded(named: Mapping[str, str]) -> Mapping[str, bytes]:
    """The statements as psycopg takes them: `:name` is `%(name)s`, and a percent sign is two."""
    return {
        name: re.sub(r"(?<!:):([a-z]\w*)", r"%(\1)s", sql.replace("%", "%%")).encode()
        for name, sql in named.items()
    }


class Owners:
    """See `ownership.Owners`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def hold(self) -> "Owner":
        """A new owner, which lives until it is closed."""
        return Owner(self._database.server)

    def is_alive(self, owner_id: str) -> bool:
        """Whether the owner's connection lives and it has been awake within the lease."""
        with self._database.reading() as transaction:
            row = transaction.first(
                "living_owner", owner_id=owner_id, lease_seconds=int(ownership.LEASE_SECONDS)
            )
        return row is not None


class Owner:
    """See `ownership.Owner`."""

    def __init__(self, server: Server) -> None:
        self.owner_id = ownership.new_id()
        self._server = server
        self._statements = _encoded(statements.named("postgres"))
        self._beats_at = time.monotonic() + ownership.BEAT_SECONDS
        with server.translated():
            self._connection = self._locked()
        with suppress(psycopg.Error):
            # Whoever comes next does it, if it cannot be done now.
            self._connection.execute(self._statements["remove_old_owners"])

    def _locked(self) -> _Connection:
        connection = self._server.connect(BEAT_SECONDS_MAX)
        key = {"owner_id": self.owner_id}
        try:
            connection.execute(self._statements["lock_owner"], key)
            connection.execute(self._statements["beat"], key)
        except BaseException:
            connection.close()
            raise
        return connection

    def beat(self) -> None:
        """Say that this owner is awake. If it cannot be said, others will take the owner for dead,
        and the journal refuses what it writes then. A server that is only slow keeps the lock."""
        if time.monotonic() < self._beats_at:
            return
        seconds = ownership.BEAT_SECONDS
        is_anew = self._connection.closed
        try:
            if is_anew:
                self._connection = self._locked()
            else:
                self._connection.execute(self._statements["beat"], {"owner_id": self.owner_id})
        except psycopg.Error:
            if is_anew or not self._connection.closed:
                seconds = max(seconds, REST_SECONDS)
        self._beats_at = time.monotonic() + seconds

    def close(self) -> None:
        """Let go of the lock; what this owner owns may be adopted."""
        with closing(self._connection), suppress(psycopg.Error):
            # The lock goes with the connection in any case; an old row is removed some day.
            self._connection.execute(self._statements["remove_owner"], {"owner_id": self.owner_id})

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
